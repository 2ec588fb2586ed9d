"""Where the infusion may be given: home only after enough uneventful supervised infusions, by policy."""

from __future__ import annotations

from ivigil.assessment.screening import Circumstances
from ivigil.findings import Finding, Severity
from ivigil.knowledge.products import Product
from ivigil.patient import Setting
from ivigil.prescription.request import Formulary, Request


def choose_setting(request: Request, formulary: Formulary, product: Product) -> tuple[Setting, tuple[Finding, ...]]:
    """The setting, and findings that say why a wish was not followed."""
    policy = formulary.policies.setting
    wish = request.patient.setting_wish
    first: Setting = "hospital" if policy.first_setting.value == "hospital" else "clinic"
    if wish in {None, "hospital"}:
        return first if wish is None else "hospital", ()
    needed = int(policy.home_after_uneventful_supervised.value)
    about = Circumstances(
        request.patient, request.start, request.region, formulary.policies.rate.long_gap_days.value, product
    )
    borne = about.borne.uneventful_supervised_infusions if about.borne else 0
    if wish == "clinic":
        return (
            ("clinic", ())
            if borne
            else (first, (_not_yet(f"a first infusion of {product.brand} is given in {first}", "clinic"),))
        )
    against = sorted(
        set(policy.home_excluding_conditions.items)
        & ((request.patient.listed("conditions") or frozenset()) | request.patient.in_texts("conditions"))
    )
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


def _not_yet(why: str, wish: str, sources: tuple[str, ...] = ()) -> Finding:
    return Finding(
        code=f"setting-not-{wish}",
        severity=Severity.INFORMS,
        text=f"Not at {wish} yet: {why}." if wish == "home" else f"Not in the {wish} yet: {why}.",
        sources=sources,
    )
