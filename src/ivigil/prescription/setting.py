"""Where the infusion may be given: home only after enough uneventful supervised infusions, by policy."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

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
    policy, name = formulary.policies.setting, formulary.indication.name
    if formulary.indication.id in policy.home_never_for.items:
        return f"{name} is an emergency of the hospital by policy", policy.home_never_for.src
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
    needed = int(policy.home_after_uneventful_supervised.value)
    about = circumstances(request, formulary, product)
    borne = about.borne.uneventful_supervised_infusions if about.borne else 0
    if wish == "clinic":
        return (
            ("clinic", ())
            if borne
            else (first, (_not_yet(f"a first infusion of {product.brand} is given in {first}", "clinic"),))
        )
    never = never_at_home(given, formulary)
    if never is not None:
        return first, (_not_yet(never[0], "home", never[1], ever=False),)
    against = sorted(set(policy.home_excluding_conditions.items) & about.words.present("conditions"))
    worst = max((one.grade or 0 for one in request.patient.known_reactions), default=0)
    reasons = {
        "a severe reaction to immunoglobulin is recorded": any(
            formulary.vocabulary.reactions[kind].severe for one in request.patient.known_reactions for kind in one.kinds
        ),
        f"a reaction of grade {worst} to immunoglobulin is recorded": worst >= policy.home_excluding_from_grade.value,
        f"these conditions speak against home by policy: {', '.join(against).replace('_', ' ')}": bool(against),
        "conditions are not recorded, so what speaks against home cannot be checked": request.patient.conditions
        is None,
        "it is not recorded whether there were reactions": request.patient.reactions is None,
    }
    for why, holds in reasons.items():
        if holds:
            return first, (_not_yet(why, "home", policy.home_excluding_conditions.src),)
    if borne < needed:
        return first, (
            _not_yet(
                f"policy asks for {needed} uneventful supervised infusions of {product.brand} first; {borne} are recorded",
                "home",
                policy.home_after_uneventful_supervised.src,
            ),
        )
    return "home", (
        Finding(
            code="setting-home",
            severity=Severity.WARNS,
            text=f"Home: {borne} uneventful supervised infusions of {product.brand} are recorded. A named supervisor and a complete kit are needed: {', '.join(policy.home_kit.items)}.",
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
