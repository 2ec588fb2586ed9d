"""Where the infusion may be given: home only after enough uneventful supervised infusions, by policy."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from ivigil.assessment.home import against_home, emergency, supervised
from ivigil.findings import Finding, Severity
from ivigil.knowledge.products import Product
from ivigil.knowledge.regimens import Phase
from ivigil.patient import Setting
from ivigil.prescription.candidates import circumstances
from ivigil.prescription.request import Formulary, Request


@dataclass(frozen=True)
class Given:
    """What is to be given into a vein: part of treatment, whether off label, dose of the course (g/kg)."""

    phase: Phase
    off_label: bool
    g_per_kg: Decimal


def never_at_home(given: Given | None, formulary: Formulary) -> tuple[str, tuple[str, ...]] | None:
    """Why this treatment is never given at home, whoever the patient is, and on whose word; None if it may be."""
    policy = formulary.policies.setting
    acute = emergency(formulary.indication, policy)
    if acute is not None:
        return acute.why, acute.fact.src
    if given is None:
        return None
    if given.phase.value not in policy.home_phases.items:
        only = " or ".join(policy.home_phases.items)
        return f"by policy only {only} is given at home, and this is a {given.phase.value} dose", policy.home_phases.src
    most = policy.home_off_label_below_g_per_kg
    if given.off_label and given.g_per_kg >= most.value:
        text = f"off label, policy gives less than {most.value.normalize():f} g/kg a course at home"
        return text, most.src
    return None


def choose_setting(
    request: Request, formulary: Formulary, product: Product, given: Given | None = None
) -> tuple[Setting, tuple[Finding, ...]]:
    """The setting, and findings that say why a wish was not followed."""
    policy = formulary.policies.setting
    wish = request.patient.setting_wish
    first: Setting = "hospital" if policy.first_setting.value == "hospital" else "clinic"
    if wish in {None, "hospital"}:
        return first if wish is None else "hospital", ()
    about = circumstances(request, formulary, product)
    borne = supervised(about, policy)
    if wish == "clinic":
        return (
            ("clinic", ())
            if borne.given
            else (first, (_not_yet(f"a first infusion of {product.brand} is given in {first}", "clinic"),))
        )
    never = never_at_home(given, formulary)
    if never is not None:
        return first, (_not_yet(never[0], "home", never[1], ever=False),)
    for reason in against_home(about, policy, formulary.vocabulary):
        return first, (_not_yet(reason.why, "home", reason.fact.src),)
    if not borne.enough:
        return first, (
            _not_yet(
                f"policy asks for {borne.needed} uneventful supervised infusions of {product.brand} first; {borne.given} are recorded",
                "home",
                policy.home_after_uneventful_supervised.src,
            ),
        )
    return "home", (
        Finding(
            code="setting-home",
            severity=Severity.WARNS,
            text=f"Home: {borne.given} uneventful supervised infusions of {product.brand} are recorded. A named supervisor and a complete kit are needed: {', '.join(policy.home_kit.items)}.",
            remedy="A missing, expired or damaged kit means no infusion.",
            sources=policy.home_kit.src,
        ),
    )


def _not_yet(why: str, wish: str, sources: tuple[str, ...] = (), *, ever: bool = True) -> Finding:
    where, yet = ("at home" if wish == "home" else "in the clinic"), " yet" if ever else ""
    return Finding(
        code=f"setting-not-{wish}",
        severity=Severity.INFORMS,
        text=f"Not {where}{yet}: {why}.",
        sources=sources,
    )
