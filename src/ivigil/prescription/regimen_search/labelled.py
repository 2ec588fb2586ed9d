"""The regimens that a label allows this patient: whole vials, dose and interval within what it prints, never above it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from ivigil.assessment.screening import screen_patient, screen_product
from ivigil.findings import Finding, Severity
from ivigil.kinetics.regimens import Route
from ivigil.knowledge.products import Label, Product, Use
from ivigil.knowledge.products import Route as ProductRoute
from ivigil.knowledge.regimens import Phase, Regimen
from ivigil.knowledge.subcutaneous import SubcutaneousUse
from ivigil.prescription.body_weight import DosingWeight, choose_weight
from ivigil.prescription.candidates import circumstances, label_age
from ivigil.prescription.dose import largest_infusion_g
from ivigil.prescription.limitations import limitation_findings, unbarred
from ivigil.prescription.making import overlay_waits
from ivigil.prescription.needs import dose_need, indication_need, planned_concentration
from ivigil.prescription.permission import Need
from ivigil.prescription.plan import VialCount
from ivigil.prescription.reasons import Reasons, blocks, no_label
from ivigil.prescription.request import Formulary, Request
from ivigil.prescription.subcutaneous.conversion import regimen_of
from ivigil.prescription.subcutaneous.making import never_under_skin
from ivigil.prescription.subcutaneous.needs import product_needs
from ivigil.prescription.subcutaneous.schedule import Cycle
from ivigil.prescription.subcutaneous.weighing import labelled_use
from ivigil.prescription.vials import DoseWindow, choose_vials
from ivigil.quantities import DAYS_PER_WEEK, MG_PER_G

#: Endings of findings that ask for what is not recorded; everything else that blocks was found.
ASKS = ("-unknown", "-missing")


@dataclass(frozen=True, eq=False)
class Option:
    """One regimen in whole vials: ``dose_g`` at each infusion of the cycle. Each is itself alone."""

    product: Product
    route: Route
    cycle: Cycle
    dose_g: Decimal
    vials: tuple[VialCount, ...]
    weight: DosingWeight
    sources: tuple[str, ...]
    under_skin: SubcutaneousUse | None = None

    @property
    def offsets_d(self) -> tuple[int, ...]:
        """Days of the cycle's infusions."""
        return tuple(self.cycle.day_of(number) for number in range(1, self.cycle.infusions + 1))

    @property
    def g_per_kg(self) -> float:
        """Grams of the cycle for each kg of dosing weight."""
        return float(self.dose_g) * self.cycle.infusions / float(self.weight.dosing_kg)

    def grams_in(self, days: float) -> float:
        """Grams in so many days."""
        return float(self.dose_g) * self.infusions_in(days)

    def infusions_in(self, days: float) -> float:
        """Infusions in so many days."""
        return self.cycle.infusions * days / self.cycle.days


@dataclass(frozen=True)
class Labelled:
    """What one product's label allows; without options the findings say why. ``asks``: codes on which a plan will stop."""

    product: Product
    options: tuple[Option, ...]
    findings: tuple[Finding, ...] = ()
    asks: tuple[str, ...] = ()


def stops_every_plan(request: Request, formulary: Formulary) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
    """What is recorded of the patient and stops every product, and the codes of what is not recorded and will stop a plan."""
    found, asks = _blocking(screen_patient(formulary.rules, circumstances(request, formulary)).findings)
    return (*overlay_waits(formulary), *found), asks


def _blocking(findings: Iterable[Finding]) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
    blocking = [one for one in findings if one.severity is Severity.BLOCKS]
    asks = tuple(one.code for one in blocking if one.code.endswith(ASKS))
    return tuple(one for one in blocking if one.code not in asks), asks


def plan_will_ask(codes: Iterable[str]) -> Finding:
    """What is not recorded, does not stop a proposal, and will stop the plan."""
    return Finding(
        code="plan-will-ask",
        severity=Severity.WARNS,
        text=f"Not recorded, and `ivigil plan` will stop on it: {', '.join(dict.fromkeys(codes))}.",
        remedy="Record it before the plan.",
    )


def labelled(product: Product, request: Request, formulary: Formulary) -> Labelled:
    """Every regimen of one product that its label and policy allow this patient."""
    reasons = Reasons(request)
    reasons.waiting(product, formulary)
    label = product.labels.get(request.region)
    if label is None:
        reasons.add(no_label(product, request.region))
        return Labelled(product, (), reasons.all(formulary))
    find = _under_the_skin if product.route is ProductRoute.SC else _into_a_vein
    made = find(product, label, request, formulary, reasons)
    found = reasons.all(formulary)
    if not made.options and not reasons.stopped:
        found = (*found, _no_vials(product))
    return replace(made, options=() if reasons.stopped else made.options, findings=found)


def _no_vials(product: Product) -> Finding:
    return blocks(
        "no-labelled-regimen",
        f"No whole vials of {product.brand} make a dose that its label allows at this weight.",
        "Choose a product with smaller vials, or dose by hand.",
    )


def _fits(
    product: Product, label: Label, use: Use, request: Request, formulary: Formulary, reasons: Reasons
) -> tuple[str, ...]:
    """Whether the patient may have the product at all, as far as it is recorded; the codes of what is not."""
    found, asks = _blocking(screen_product(formulary.rules, circumstances(request, formulary, product)).findings)
    reasons.found.extend(found)
    reasons.add(label_age(product, label, use, request, formulary, reasons))
    reasons.need(indication_need(use), formulary, request.region)
    return asks


def _weight(request: Request, formulary: Formulary, reasons: Reasons, regimen: Regimen | None) -> DosingWeight | None:
    patient, age = request.patient, request.patient.age_at(request.start)
    if patient.weight_kg is None or age is None:
        reasons.add(
            blocks("weight-or-age-missing", "A label's dose counts on weight and age.", "Record weight and age.")
        )
        return None
    basis = None if regimen is None else regimen.weight_basis
    weight = choose_weight(
        patient.weight_kg, patient.height_cm, patient.sex, age, formulary.policies.weight, basis, request.weight_basis
    )
    reasons.found.extend(weight.findings)
    return weight


def _not_labelled(product: Product, request: Request, formulary: Formulary, how: str) -> Finding:
    return blocks(
        "not-labelled",
        f"The {request.region} label of {product.brand} does not name {formulary.indication.name}{how}.",
        "Choose a product labelled for it; a search outside the label is not made.",
    )


# ---- into a vein


def _into_a_vein(product: Product, label: Label, request: Request, formulary: Formulary, reasons: Reasons) -> Labelled:
    use = next((one for one in label.uses.values() if formulary.indication.id in one.indications), None)
    if use is None:
        reasons.add(_not_labelled(product, request, formulary, ""))
        return Labelled(product, ())
    asks = _fits(product, label, use, request, formulary, reasons)
    concentration = product.concentrations[planned_concentration(product)]
    for need in (Need("concentration", "concentration", concentration), Need("vials", "vial sizes", product.vials)):
        reasons.need(need, formulary, request.region)
    repeated = {
        name: one
        for name, one in use.regimens.items()
        if one.phase is Phase.MAINTENANCE and not one.population and one.interval_days_max and one.g_per_kg_max
    }
    risks = screen_patient(formulary.rules, circumstances(request, formulary)).risks
    about = circumstances(request, formulary, product)
    allowed = unbarred(repeated, use.limitations, risks, about)
    single = {name: one for name, one in allowed.items() if one.days_min == 1}
    if not single:
        text = f"The label of {product.brand} prints no repeated dose in figures that one infusion holds."
        reasons.add(blocks("dose-not-read", text, "Read it on the label and enter it in the overlay."))
    found: list[Option] = []
    for name, regimen in single.items():
        limits = limitation_findings(use.limitations, name, risks, about)
        barring, more = _blocking(limits)
        asks += more
        reasons.found.extend((*barring, *(one for one in limits if one.severity is Severity.WARNS)))
        reasons.need(dose_need(regimen), formulary, request.region)
        weight = _weight(request, formulary, reasons, regimen)
        if weight is None or regimen.g_per_kg_max is None:
            break
        least = (regimen.g_per_kg_min or Decimal(0)) * weight.dosing_kg
        most, _ = largest_infusion_g(regimen, regimen.g_per_kg_max, weight.dosing_kg, 1, formulary.policies.dose)
        for dose_g, vials in whole_vials(product, least, most):
            for days in intervals(regimen, int(formulary.policies.proposals.interval_step_days.value)):
                found.append(Option(product, Route.IV, Cycle(days), dose_g, vials, weight, regimen.src))
    return Labelled(product, tuple(found), asks=asks)


def intervals(regimen: Regimen, step_days: int) -> tuple[int, ...]:
    """The ends of a label's range of intervals, and the whole steps between them."""
    low, high = regimen.interval_days_min or 0, regimen.interval_days_max or 0
    between = range(math.ceil(low / step_days) * step_days, high + 1, step_days)
    return tuple(sorted({low, high, *between}))


def whole_vials(product: Product, least_g: Decimal, most_g: Decimal) -> Iterator[tuple[Decimal, tuple[VialCount, ...]]]:
    """Every dose from ``least_g`` to ``most_g`` that whole vials make, with the fewest of them."""
    if product.vials is None:
        return
    sizes = product.vials.sizes_g
    unit = Decimal(math.gcd(*(int(size * MG_PER_G) for size in sizes))) / MG_PER_G
    strength = product.concentrations[planned_concentration(product)].g_per_ml
    for number in range(max(math.ceil(least_g / unit), 1), math.floor(most_g / unit) + 1):
        grams = number * unit
        made = choose_vials(sizes, DoseWindow(grams, grams, grams), 1, Decimal(0), strength, None)
        if made is not None:
            yield grams, made[0].vials


# ---- under the skin


def _under_the_skin(
    product: Product, label: Label, request: Request, formulary: Formulary, reasons: Reasons
) -> Labelled:
    under_skin = label.subcutaneous
    found = None if under_skin is None else labelled_use(label, under_skin, formulary.indication.id)
    if found is None:
        reasons.add(_not_labelled(product, request, formulary, " for use under the skin"))
        return Labelled(product, ())
    use, sc = found
    reasons.found.extend(never_under_skin(request, formulary))
    asks = _fits(product, label, use, request, formulary, reasons)
    conversion = sc.conversion
    if conversion.ramp_up_required is not None:
        text = f"{product.brand} needs a ramp-up and a facilitated absorption that no model able to forecast knows."
        reasons.add(blocks("not-searched", text, "Plan it by its label (`ivigil plan --route sc`)."))
        return Labelled(product, ())
    printed = regimen_of(conversion.regimens, None)
    weekly = None if printed is None else printed[1]
    for need in product_needs(product, conversion, weekly):
        reasons.need(need, formulary, request.region)
    weight = _weight(request, formulary, reasons, None)
    if weight is None or conversion.intervals is None:
        return Labelled(product, ())
    policy = formulary.policies.proposals
    period, bounds = Decimal(policy.period_days.value), policy.subcutaneous_g_per_kg_period
    low, high = bounds.low / period, bounds.high / period
    if weekly is not None:
        low = high = weekly.g_per_kg_week / DAYS_PER_WEEK
    options = []
    for cycle in _cycles(
        conversion.intervals.days, conversion.intervals.per_week_max, weekly.days_max if weekly else 1
    ):
        share = weight.dosing_kg * cycle.days / cycle.infusions
        for dose_g, vials in whole_vials(product, low * share, high * share):
            sources = (*conversion.intervals.src, *((bounds.src) if weekly is None else weekly.src))
            options.append(Option(product, Route.SC, cycle, dose_g, vials, weight, tuple(dict.fromkeys(sources)), sc))
    return Labelled(product, tuple(options), asks=asks)


def _cycles(days: tuple[int, ...], per_week: int, sessions: int) -> Iterator[Cycle]:
    yield from (Cycle(one) for one in days)
    if DAYS_PER_WEEK in days:
        yield from (Cycle(DAYS_PER_WEEK, number) for number in range(2, per_week + 1))
        yield from (
            Cycle(DAYS_PER_WEEK, number, consecutive=True) for number in range(max(2, per_week + 1), sessions + 1)
        )
