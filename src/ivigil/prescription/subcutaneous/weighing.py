"""Each product under the skin weighed for this patient: whether it fits, every reason, and the start worked out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from ivigil.assessment.screening import screen_dose, screen_product
from ivigil.findings import Finding, Severity
from ivigil.knowledge.products import Label, Product, Route, Use
from ivigil.knowledge.subcutaneous import RampUp, SubcutaneousLabel, SubcutaneousUse
from ivigil.prescription.candidates import SLOWING_RISKS, circumstances, label_age
from ivigil.prescription.needs import indication_need
from ivigil.prescription.reasons import Reasons, blocks
from ivigil.prescription.request import Formulary, Request
from ivigil.prescription.subcutaneous.asked import Start
from ivigil.prescription.subcutaneous.conversion import WeeklyGrams, by_factor, by_weight, regimen_of
from ivigil.prescription.subcutaneous.infusions import Work
from ivigil.prescription.subcutaneous.intravenous import about_history, intravenous_regimen, unlikely_regimen
from ivigil.prescription.subcutaneous.needs import product_needs, ramp_need, several_sites_need, site_needs
from ivigil.prescription.subcutaneous.plan import SubcutaneousInfusion
from ivigil.prescription.subcutaneous.schedule import Cycle, cycles, first_day
from ivigil.prescription.subcutaneous.sites import SiteRules


@dataclass(frozen=True)
class Draft:
    """One product, worked out to the first infusion at the full dose under its last limits."""

    use: SubcutaneousUse
    cycle: Cycle
    weekly: WeeklyGrams
    rules: SiteRules
    first_on: date
    ramp: RampUp | None
    infusions: tuple[SubcutaneousInfusion, ...]


@dataclass(frozen=True)
class Weighed:
    """One product considered: every reason, and the draft if there is one."""

    product: Product
    label: Label | None
    findings: tuple[Finding, ...]
    stopped: bool
    risks: frozenset[str] = frozenset()
    draft: Draft | None = None

    @property
    def fits(self) -> bool:
        """Whether it may be planned."""
        return self.draft is not None and not self.stopped


def weigh(product: Product, asked: Start, formulary: Formulary, patient_risks: frozenset[str]) -> Weighed:
    """Weigh one product. Reasons are complete up to the first thing that makes the next question meaningless."""
    request = asked.request
    reasons = Reasons(request)
    reasons.waiting(product, formulary)
    label = product.labels.get(request.region)
    under_skin = label.subcutaneous if label is not None else None
    if product.route is not Route.SC:
        remedy = "Choose a product for use under the skin, or plan with --route iv."
        reasons.add(blocks("wrong-route", f"{product.brand} is entered for a vein.", remedy))
        return Weighed(product, label, reasons.all(formulary), reasons.stopped)
    if label is None or under_skin is None:
        text = f"No {request.region} label of {product.brand} for use under the skin stands in the knowledge base."
        reasons.add(blocks("no-label-for-region", text, "Enter it in the site's overlay, signed by two people."))
        return Weighed(product, label, reasons.all(formulary), reasons.stopped)
    found = labelled_use(label, under_skin, formulary.indication.id)
    if found is None:
        reasons.add(_not_labelled(product, label, request, formulary))
        return Weighed(product, label, reasons.all(formulary), reasons.stopped)
    use, sc = found
    screened = screen_product(formulary.rules, circumstances(request, formulary, product))
    reasons.found.extend(screened.findings)
    reasons.add(label_age(product, label, use, request, formulary, reasons))
    reasons.need(indication_need(use), formulary, request.region)
    for finding in about_history(product, sc, asked, formulary):
        reasons.add(finding)
    risks = patient_risks | screened.risks
    draft = _draft(product, sc, asked, formulary, risks, reasons)
    return Weighed(product, label, reasons.all(formulary), reasons.stopped, risks, draft)


def labelled_use(label: Label, under_skin: SubcutaneousLabel, indication: str) -> tuple[Use, SubcutaneousUse] | None:
    """The use of a label that serves a condition, if it is one under the skin."""
    name = next((name for name, use in label.uses.items() if indication in use.indications), None)
    return None if name is None or name not in under_skin.uses else (label.uses[name], under_skin.uses[name])


def _not_labelled(product: Product, label: Label, request: Request, formulary: Formulary) -> Finding:
    against = label.not_labelled_for
    named = against is not None and formulary.indication.id in against.items
    return blocks(
        "not-labelled-under-skin",
        f"The {request.region} label of {product.brand} does not name {formulary.indication.name} for use under the skin.",
        "Choose a product labelled for it; a start outside the label is not planned here.",
        sources=against.src if named and against is not None else (),
    )


def _draft(
    product: Product,
    sc: SubcutaneousUse,
    asked: Start,
    formulary: Formulary,
    risks: frozenset[str],
    reasons: Reasons,
) -> Draft | None:
    """Dose, dates, vials and sites, or None with the reasons why not."""
    request, conversion = asked.request, sc.conversion
    age, weight = request.patient.age_at(request.start), request.patient.weight_kg
    known = age is not None and weight is not None
    table = (
        None
        if age is None or weight is None
        else next((one for one in sc.rates.values() if one.holds_for(age, weight)), None)
    )
    regimen = regimen_of(conversion.regimens, request.regimen)
    needs = product_needs(product, conversion, None if regimen is None else regimen[1])
    for need in (*needs, *(site_needs(table) if known else ())):
        reasons.need(need, formulary, request.region)
    weekly = _weekly(product, sc, asked, formulary, reasons)
    schedules = cycles(
        product, sc, None if regimen is None else regimen[1], asked, weekly.from_iv if weekly else None, formulary
    )
    if isinstance(schedules, Finding):
        reasons.add(schedules)
        return None
    ramp: RampUp | None = None
    if conversion.ramp_up_required is not None and schedules:
        need = ramp_need(conversion, schedules[0].days)
        reasons.need(need, formulary, request.region)
        if not isinstance(need.fact, RampUp):
            return None
        ramp = need.fact
    if table is None or weight is None or weekly is None or product.vials is None or not schedules:
        return None
    if not table.volume or not table.rate:
        return None
    first_on, said = first_day(product, sc, schedules[0], asked, formulary)
    reasons.found.extend(said)
    rules = SiteRules(table, formulary.policies.subcutaneous, bool(risks & SLOWING_RISKS))

    def infusions(cycle: Cycle) -> tuple[SubcutaneousInfusion, ...] | Finding:
        policy = formulary.policies.dose
        work = Work(product, conversion.ml_per_g, rules, cycle, weekly, ramp, first_on, request.start, policy)
        return work.infusions()

    fitted = _first_that_fits(schedules, infusions)
    if isinstance(fitted, Finding):
        reasons.add(fitted)
        return None
    cycle, made, divided = fitted
    reasons.add(divided)
    if any(one.sites > 1 for one in made):
        reasons.need(several_sites_need(table), formulary, request.region)
    largest_g_per_kg = max(one.dose_g for one in made) / weight
    dosed = screen_dose(formulary.rules, circumstances(request, formulary, product, largest_g_per_kg))
    reasons.found.extend(dosed.findings)
    return Draft(sc, cycle, weekly, rules, first_on, ramp, made)


def _weekly(
    product: Product, sc: SubcutaneousUse, asked: Start, formulary: Formulary, reasons: Reasons
) -> WeeklyGrams | None:
    """Grams a week, or None with the reasons why not."""
    regimen = regimen_of(sc.conversion.regimens, asked.request.regimen)
    if regimen is not None:
        weekly = by_weight(*regimen, asked.request, formulary)
        reasons.found.extend(weekly.weight.findings if weekly is not None and weekly.weight is not None else ())
        return weekly
    reasons.found.extend(unlikely_regimen(asked, formulary))
    iv = intravenous_regimen(product, asked, formulary)
    if isinstance(iv, Finding):
        reasons.add(iv)
        return None
    return None if sc.conversion.factor is None else by_factor(iv, sc.conversion.factor)


def _first_that_fits(
    schedules: Sequence[Cycle], infusions: Callable[[Cycle], tuple[SubcutaneousInfusion, ...] | Finding]
) -> tuple[Cycle, tuple[SubcutaneousInfusion, ...], Finding | None] | Finding:
    """The first schedule on which every infusion can be given; else why the one meant first cannot."""
    why: Finding | None = None
    for cycle in schedules:
        made = infusions(cycle)
        if not isinstance(made, Finding):
            return cycle, made, None if why is None else _divided(cycle, schedules[0], why)
        why = why or made
    return why or blocks("interval-not-labelled", "No schedule is printed.", "Name one.")


def _divided(cycle: Cycle, meant: Cycle, why: Finding) -> Finding:
    return Finding(
        code="divided-to-fit-sites",
        severity=Severity.INFORMS,
        text=f"{cycle.shown.capitalize()} (policy): given {meant.shown} it does not fit. {why.text}",
        remedy="Choose another schedule with --interval-days or --times-per-week, or another product.",
    )


# ---- the order of proposal


def _first_infusion(one: Weighed) -> SubcutaneousInfusion | None:
    return one.draft.infusions[0] if one.draft else None


def _vials(one: Weighed) -> int:
    first = _first_infusion(one)
    return sum(vial.count for vial in first.vials) if first else 0


def _sites(one: Weighed) -> int:
    first = _first_infusion(one)
    return first.sites if first else 0


ORDER_KEYS: dict[str, Callable[[Weighed], int | str]] = {
    "fewest_findings": lambda one: sum(finding.severity is Severity.WARNS for finding in one.findings),
    "fewest_sites": _sites,
    "fewest_vials": _vials,
    "name": lambda one: one.product.brand,
}


def in_order_of_proposal(weighed: Iterable[Weighed], formulary: Formulary) -> tuple[Weighed, ...]:
    """Fitting products first, then by the policy's keys."""
    keys = [ORDER_KEYS[name] for name in formulary.policies.subcutaneous.order.items]
    return tuple(sorted(weighed, key=lambda one: (not one.fits, *(key(one) for key in keys))))
