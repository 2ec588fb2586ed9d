"""A plan that comes back from a file, checked again: does it add up, is nothing open, does it keep the facts' limits.

``plan_id`` is a hash that anybody can make anew, so it shows a slip and no forgery. What is worked out here needs no
trust in it: the plan's own sums, and, with the facts it was made with, its doses, rates and instructions remade. What
rests on the patient (screening, history) is not in a plan and cannot be remade from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal
from itertools import pairwise

from ivigil.errors import BadInput, Blocked
from ivigil.findings import MayBe, Severity
from ivigil.knowledge.indications import StatusGroup
from ivigil.knowledge.products import Label, Product, RateTable, Route, Use
from ivigil.knowledge.regimens import Regimen, WeightBasis
from ivigil.prescription.administration import administration_plan
from ivigil.prescription.candidates import shortest_duration_h
from ivigil.prescription.dose import largest_infusion_g, most_days
from ivigil.prescription.needs import planned_concentration
from ivigil.prescription.off_label import labelled_tables, slowest, strictest_rates
from ivigil.prescription.plan import NOTICE, AnyPlan, Infusion, Plan, Prescription, check_unchanged
from ivigil.prescription.request import Formulary, check_accepted
from ivigil.prescription.said import Planned, age_of, asked_of_facts, contradictions, must_say
from ivigil.prescription.schedule import PumpRun, build_ladder, run_pump, vitals_due_min
from ivigil.prescription.subcutaneous.plan import SubcutaneousPlan
from ivigil.prescription.vials import DoseWindow
from ivigil.quantities import (
    MIN_PER_H,
    RATE_QUANTUM,
    TENTH,
    mg_per_kg_min_from_ml_per_kg_h,
    ml_from_g,
    tenths_down,
)

CENT = Decimal("0.01")
#: A JSON number holds about sixteen figures: quotients that never end come back this close.
AS_PRINTED = Decimal("1e-9")


@dataclass(frozen=True)
class Fault:
    """Something that does not hold: where in the plan, and what. ``blocks``: the plan would have to be blocked."""

    where: str
    text: str
    blocks: bool = False


def check_plan(plan: Plan, formulary: Formulary | None) -> None:
    """Refuse a plan that was altered or that does not hold (:func:`verify`).

    Raises:
        BadInput: what does not hold, the first with its place.
        Blocked: something blocks, whatever its status says.
    """
    check_unchanged(plan)
    _refuse(verify(plan, formulary))


def check_nothing_open(plan: Plan | SubcutaneousPlan) -> None:
    """Refuse a plan of any route that was altered, or that is called planned although something blocks it.

    Raises:
        BadInput: it was altered, or an acceptance has no time.
        Blocked: something blocks, whatever its status says.
    """
    check_unchanged(plan)
    _refuse((*_notice(plan), *(() if plan.status == "blocked" else _open(plan))))


def _refuse(faults: tuple[Fault, ...]) -> None:
    if not faults:
        return
    first = next((fault for fault in faults if fault.blocks), faults[0])
    kind = Blocked if first.blocks else BadInput
    said = " ".join(dict.fromkeys(fault.text for fault in (first, *faults)))
    raise kind(first.where, None, f"This plan does not hold: {said}", "Make the plan anew; a plan is never edited.")


def verify(plan: Plan, formulary: Formulary | None = None) -> tuple[Fault, ...]:
    """Everything in a plan that does not hold; empty where all of it does.

    Args:
        plan: the plan, as it was read.
        formulary: the facts for its condition, if they are the very facts it was made with (``made_with``); None leaves
            the limits that only facts can tell unchecked.
    """
    faults = [*_notice(plan)]
    if plan.status == "blocked":
        if plan.prescription is not None or plan.administration is not None or plan.infusions:
            faults.append(Fault("infusions", "It is blocked, and still holds something that could be given."))
        return tuple(faults)
    faults += _open(plan)
    ordered = plan.prescription
    if ordered is None or plan.administration is None or not plan.infusions:
        return (*faults, Fault("status", "It is called planned and prescribes nothing.", blocks=True))
    faults += _course(plan, ordered)
    for infusion in plan.infusions:
        faults += _infusion(infusion, ordered)
    if formulary is not None:
        faults += _by_facts(plan, ordered, formulary)
    return tuple(faults)


# ---- what stands open


def _notice(plan: Plan | SubcutaneousPlan) -> Iterator[Fault]:
    if plan.notice != NOTICE:
        yield Fault("notice", "Its notice is not the one that every plan carries.")


def _open(plan: AnyPlan) -> Iterator[Fault]:
    accepted = {row.code for row in plan.accepted}
    for finding in plan.findings:
        if finding.severity is not Severity.BLOCKS:
            continue
        if finding.may_be is MayBe.NEITHER:
            yield Fault("findings", f"{finding.code} blocks it, and nobody may accept that.", blocks=True)
        elif finding.code not in accepted:
            yield Fault("findings", f"{finding.code} blocks it, and nobody accepted that.", blocks=True)
    for row in plan.accepted:
        if row.at is None:
            yield Fault("accepted", f"When {row.code} was accepted is not recorded.")


# ---- the plan's own sums


def _close(one: Decimal, other: Decimal) -> bool:
    return abs(one - other) <= AS_PRINTED * max(abs(one), abs(other))


def _at_most(one: Decimal, limit: Decimal) -> bool:
    return one <= limit or _close(one, limit)


def _course(plan: Plan, ordered: Prescription) -> Iterator[Fault]:
    first = plan.infusions[0]
    for place, one in enumerate(plan.infusions):
        if one.number != place + 1 or one.starts_at != first.starts_at + timedelta(days=place):
            yield Fault("infusions", "Its days are not numbered and dated one after the other.")
    alike = {(one.concentration_g_per_ml, one.pattern, one.max_rate_ml_per_kg_h) for one in plan.infusions}
    if len(alike) > 1:
        yield Fault("infusions", "Its days differ in concentration, pattern or highest rate.")
    given = sum((one.dose_g for one in plan.infusions), Decimal(0))
    if given != ordered.course_dose_g:
        yield Fault("prescription.course_dose_g", f"Its days add up to {given} g, not to {ordered.course_dose_g} g.")
    meant = ordered.dose_g_per_kg * ordered.dosing_weight_kg
    if not _close(meant, ordered.prescribed_course_dose_g):
        yield Fault(
            "prescription.prescribed_course_dose_g",
            f"{ordered.dose_g_per_kg} g/kg at {ordered.dosing_weight_kg} kg is {meant.normalize():f} g,"
            f" not {ordered.prescribed_course_dose_g} g.",
        )
    actual = ordered.weight_basis is WeightBasis.ACTUAL
    if ordered.dosing_weight_kg > ordered.weight_kg or (actual and ordered.dosing_weight_kg != ordered.weight_kg):
        yield Fault("prescription.dosing_weight_kg", "Its dosing weight does not follow from the patient's weight.")
    if ordered.rate_weight_kg != min(ordered.weight_kg, ordered.dosing_weight_kg) or ordered.rate_weight_kg <= 0:
        yield Fault("prescription.rate_weight_kg", "Its rates are not counted on the lower of the two weights.")
    days = ordered.interval_days
    following = None if days is None else first.starts_at.date() + timedelta(days=days)
    if ordered.next_course_on != following:
        yield Fault("prescription.next_course_on", "Its next course does not lie one interval after this one.")
    if plan.valid_until <= first.starts_at:
        yield Fault("valid_until", "It ends to be valid before it begins.")
    if ordered.cost is not None:
        opened = sum((vial.size_g * vial.count for one in plan.infusions for vial in one.vials), Decimal(0))
        if ordered.cost.course != (opened * ordered.cost.price_per_g).quantize(CENT, rounding=ROUND_HALF_UP):
            yield Fault("prescription.cost", "Its cost is not the price of the vials opened.")


def _infusion(one: Infusion, ordered: Prescription) -> Iterator[Fault]:
    where = f"infusions[{one.number - 1}]"
    counted = all(vial.count > 0 and vial.size_g > 0 for vial in one.vials)
    opened = sum((vial.size_g * vial.count for vial in one.vials), Decimal(0))
    largest = max((vial.size_g for vial in one.vials), default=Decimal(0))
    if not counted or one.dose_g <= 0 or one.dose_g + one.waste_g != opened:
        yield Fault(f"{where}.vials", f"Its vials hold {opened} g, not {one.dose_g} g and {one.waste_g} g left over.")
    if not 0 <= one.waste_g < max(largest, TENTH):
        yield Fault(f"{where}.waste_g", "More is left over than one vial holds.")
    for vial in one.vials:
        if vial.lots and (sum(lot.count for lot in vial.lots) != vial.count or any(lot.count < 1 for lot in vial.lots)):
            yield Fault(f"{where}.vials", f"Its lots do not add up to {vial.count} vials of {vial.size_g} g.")
        if any(lot.expires_on < one.starts_at.date() for lot in vial.lots):
            yield Fault(f"{where}.vials", "A vial expires before its day.")
    if one.concentration_g_per_ml <= 0 or one.total_ml <= 0 or not one.steps:
        yield Fault(where, "It holds no volume, or no step that delivers it.")
        return
    if one.total_ml != tenths_down(ml_from_g(one.dose_g, one.concentration_g_per_ml)):
        yield Fault(
            f"{where}.total_ml",
            f"{one.dose_g} g at {one.concentration_g_per_ml} g/mL is not {one.total_ml} mL.",
        )
    yield from _steps(where, one, ordered)


def _steps(where: str, one: Infusion, ordered: Prescription) -> Iterator[Fault]:
    weight = ordered.rate_weight_kg
    highest, ceiling = one.max_rate_ml_per_kg_h, one.ceiling_ml_per_h
    minute, given = 0, Decimal(0)
    for place, step in enumerate(one.steps):
        at = f"{where}.steps[{place}]"
        rate, pump = step.rate_ml_per_kg_h, step.pump_ml_per_h
        if pump < TENTH or step.duration_min < 0 or step.volume_ml < 0:
            yield Fault(at, "A step has a rate, a time and a volume.")
            return
        given += step.volume_ml
        if step.start_min != minute or step.cumulative_ml != given:
            yield Fault(
                at, "Its steps do not follow one another: a start or a volume so far is not the sum of those before."
            )
        minute += step.duration_min
        last = place == len(one.steps) - 1
        delivered = tenths_down(pump * step.duration_min / MIN_PER_H)
        needed = int((step.volume_ml * MIN_PER_H / pump).to_integral_value(rounding=ROUND_CEILING))
        if (step.duration_min != needed) if last else (step.volume_ml != delivered):
            yield Fault(at, f"{pump} mL/h for {step.duration_min} min does not give {step.volume_ml} mL.")
        if rate > highest or pump > tenths_down(highest * weight):
            yield Fault(at, f"{pump} mL/h ({rate} mL/kg/h) is above its own maximum of {highest} mL/kg/h.")
        if ceiling is not None and pump > ceiling:
            yield Fault(at, f"{pump} mL/h is above its own ceiling of {ceiling} mL/h.")
        if abs(rate * weight - pump) >= TENTH + RATE_QUANTUM * weight:
            yield Fault(at, f"{rate} mL/kg/h at {weight} kg is not {pump} mL/h.")
        mass = mg_per_kg_min_from_ml_per_kg_h(rate, one.concentration_g_per_ml)
        if abs(mass - step.rate_mg_per_kg_min) > RATE_QUANTUM:
            yield Fault(at, f"{rate} mL/kg/h is not {step.rate_mg_per_kg_min} mg/kg/min.")
    if any(later.pump_ml_per_h < earlier.pump_ml_per_h for earlier, later in pairwise(one.steps)):
        yield Fault(f"{where}.steps", "Its rates do not rise step by step.")
    if given != one.total_ml:
        yield Fault(f"{where}.steps", f"Its steps give {given} mL, not {one.total_ml} mL.")
    if minute != one.duration_min:
        yield Fault(f"{where}.duration_min", f"Its steps last {minute} min, not {one.duration_min} min.")


# ---- the limits of the facts it was made with


def _by_facts(plan: Plan, ordered: Prescription, facts: Formulary) -> Iterator[Fault]:
    yield from _findings_by_facts(plan, ordered, facts)
    product = next((one for one in facts.products if one.id == ordered.product), None)
    label = None if product is None else product.labels.get(ordered.region)
    if product is None or label is None or product.route is not Route.IV or product.vials is None:
        yield Fault("prescription.product", "No such product is labelled for a vein in that region.", blocks=True)
        return
    use = next((one for one in label.uses.values() if facts.indication.id in one.indications), None)
    regimen = (facts.indication.regimens if use is None else use.regimens).get(ordered.regimen)
    name = planned_concentration(product)
    strength = product.concentrations[name].g_per_ml
    if use is None:
        tables = labelled_tables(label, name)
        rates = strictest_rates(tables, strength)
    else:
        rates = use.rates.get(name)
        tables = () if rates is None else (rates,)
    if regimen is None or rates is None:
        yield Fault("prescription.regimen", "The facts hold no such regimen, or no rates, for this use.", blocks=True)
        return
    planned = Planned(product, label, use, regimen, name, rates)
    for finding in asked_of_facts(ordered, planned, facts):
        if finding.severity is Severity.BLOCKS:
            yield Fault("prescription", finding.text, blocks=True)
    yield from (Fault("prescription.age_years", text, blocks=True) for text in age_of(plan, ordered, planned, facts))
    for finding in must_say(plan, ordered, planned, facts):
        if finding.severity is not Severity.BLOCKS and finding not in plan.findings:
            yield Fault("findings", f"{finding.code} is missing, which these facts always say: {finding.text}")
    yield from (Fault(where, text) for where, text in contradictions(plan, ordered, facts))
    yield from _names(plan, ordered, product, label, use, regimen, facts)
    yield from _dose(plan, ordered, regimen, use, facts)
    for one in plan.infusions:
        where = f"infusions[{one.number - 1}]"
        unknown = [vial.size_g for vial in one.vials if vial.size_g not in product.vials.sizes_g]
        if unknown:
            yield Fault(f"{where}.vials", f"{product.brand} does not come in vials of {unknown[0]} g.")
        if one.concentration_g_per_ml != strength:
            yield Fault(f"{where}.concentration_g_per_ml", f"{product.brand} is planned at {strength} g/mL.")
        yield from _rates(where, one, ordered, regimen, use, label, tables, facts)


def _findings_by_facts(plan: Plan, ordered: Prescription, facts: Formulary) -> Iterator[Fault]:
    """Who accepted what by policy, and findings of the rule book in its own words and weight."""
    try:
        check_accepted(plan.accepted, plan.findings, facts.policies.acceptance)
    except BadInput as refused:
        yield Fault("accepted", f"{refused.value}: {refused.rule}", blocks=True)
    book = {code: rule for stage in facts.rules.rows.values() for code, rule in stage}
    for finding in plan.findings:
        rule, whole = book.get(finding.code), True
        if rule is None and finding.code.endswith("-unknown"):
            rule, whole = book.get(finding.code.removesuffix("-unknown")), False
        if rule is None or (not whole and rule.unknown is None):
            continue
        code = finding.code if whole else finding.code.removesuffix("-unknown")
        said = facts.rules.finding(code, rule, ordered.region, None if whole else rule.unknown)
        if finding != said:
            yield Fault("findings", f"{finding.code} does not say what the rule says.")
    held = [
        place for place in facts.waiting if not place.startswith("products/") or place.endswith(f"/{ordered.product}")
    ]
    if any(facts.waiting[place] for place in held):
        yield Fault("findings", "A fact of the site's overlay waits to be confirmed again.", blocks=True)
    codes = {finding.code for finding in plan.findings}
    unsupported = facts.indication.status_group is StatusGroup.NOT_SUPPORTED
    if unsupported and "indication-not-supported" not in codes:
        yield Fault("findings", "That the condition is not supported does not stand in it.", blocks=True)
    if ("at-risk-rate" in codes) != (plan.infusions[0].pattern == "at_risk"):
        yield Fault("infusions[0].pattern", "Its pattern of rates and its findings on risk disagree.")


def _names(
    plan: Plan,
    ordered: Prescription,
    product: Product,
    label: Label,
    use: Use | None,
    regimen: Regimen,
    facts: Formulary,
) -> Iterator[Fault]:
    """Names, words and tables that the facts alone decide."""
    rows = (
        ("indication_name", plan.indication_name, facts.indication.name),
        ("prescription.brand", ordered.brand, product.brand),
        ("prescription.label_revision", ordered.label_revision, label.revision),
        ("prescription.phase", ordered.phase, regimen.phase),
        ("prescription.authority", ordered.authority, regimen.authority),
        ("prescription.sources", ordered.sources, regimen.src),
        ("prescription.off_label", ordered.off_label is not None, use is None),
        ("administration", plan.administration, administration_plan(product, facts.policies, ordered.setting)),
        (
            "valid_until",
            plan.valid_until,
            plan.infusions[0].starts_at + timedelta(days=int(facts.policies.dose.plan_valid_days.value)),
        ),
    )
    for where, stands, known in rows:
        if stands != known:
            yield Fault(where, f"{where} is not what the facts say.")


def _dose(plan: Plan, ordered: Prescription, regimen: Regimen, use: Use | None, facts: Formulary) -> Iterator[Fault]:
    """The dose within its source and the vials within tolerance. What was accepted as an exception stands in findings."""
    days, policy = len(plan.infusions), facts.policies.dose
    most = most_days(regimen, policy)
    codes = {finding.code for finding in plan.findings}
    low, high = regimen.g_per_kg_min, regimen.g_per_kg_max
    if high is None or not _at_most(ordered.dose_g_per_kg, high):
        yield Fault("prescription.dose_g_per_kg", f"{ordered.dose_g_per_kg} g/kg is above the source's {high} g/kg.")
        return
    if (
        low is not None
        and not _at_most(low, ordered.dose_g_per_kg)
        and not codes & {"dose-below-source", "dose-capped"}
    ):
        yield Fault("prescription.dose_g_per_kg", f"{ordered.dose_g_per_kg} g/kg is below the source's {low} g/kg.")
    if days < regimen.days_min or (days > most and "days-beyond-source" not in codes):
        yield Fault("infusions", f"{days} day(s) lie outside the source's {regimen.days_min} to {most}.")
    every, soonest, latest = ordered.interval_days, regimen.interval_days_min, regimen.interval_days_max
    if (every is None) != (soonest is None):
        yield Fault("prescription.interval_days", "Its interval is not one the source prints.")
    elif every is not None and soonest is not None and latest is not None and not soonest <= every <= latest:
        if "interval-outside-source" not in codes:
            yield Fault("prescription.interval_days", f"{every} days lie outside the source's {soonest} to {latest}.")
    prescribed = ordered.prescribed_course_dose_g / days
    largest, ceiling = largest_infusion_g(regimen, high, ordered.dosing_weight_kg, days, policy)
    if not _at_most(prescribed, largest):
        yield Fault(
            "prescription.prescribed_course_dose_g", f"One infusion may weigh {largest.normalize():f} g at most."
        )
    if use is None:  # a guideline's dose may be rounded up to whole vials, within tolerance
        above = prescribed * (1 + policy.tolerance_fraction.value)
        largest = max(largest, above if ceiling is None else min(above, ceiling))
    window = DoseWindow.around(prescribed, largest, policy)
    for one in plan.infusions:
        least = window.least_g
        if one.waste_g:  # a part vial: the very dose, cut to tenths of mL
            least = min(prescribed, window.most_g) - TENTH * one.concentration_g_per_ml
            if prescribed >= policy.part_vial_below_g.value:
                yield Fault(f"infusions[{one.number - 1}].waste_g", "A part vial is not drawn for a dose of this size.")
        if not (_at_most(least, one.dose_g) and _at_most(one.dose_g, window.most_g)):
            yield Fault(
                f"infusions[{one.number - 1}].dose_g",
                f"{one.dose_g} g lies outside {least.normalize():f} to {window.most_g.normalize():f} g, what whole vials"
                " may be for this dose.",
            )


def _rates(
    where: str,
    one: Infusion,
    ordered: Prescription,
    regimen: Regimen,
    use: Use | None,
    label: Label,
    tables: tuple[RateTable, ...],
    facts: Formulary,
) -> Iterator[Fault]:
    """The steps, remade for every number of earlier infusions that the pattern leaves open."""
    policy = facts.policies.rate
    shortest = shortest_duration_h(regimen, use is None, facts)
    at_setting = policy.ceilings_ml_per_h.get(ordered.setting)
    limits = [] if at_setting is None else [at_setting.value]
    if shortest is not None:
        limits.append(tenths_down(one.total_ml / shortest[0]))
    if limits and (one.ceiling_ml_per_h is None or one.ceiling_ml_per_h > min(limits)):
        yield Fault(f"{where}.ceiling_ml_per_h", f"The pump may not run faster than {min(limits)} mL/h here.")
    experienced = int(policy.experienced_after_infusions.value)
    numbers = {0, experienced, *(tier.after_infusions for table in tables for tier in table.tiers)}
    if one.pattern != "at_risk":
        numbers = {number for number in numbers if (number >= experienced) == (one.pattern == "experienced")}
    for number in sorted(numbers):
        ladder = slowest(
            [
                build_ladder(
                    table,
                    one.concentration_g_per_ml,
                    one.pattern,
                    number,
                    policy,
                    label.at_risk,
                    one.max_rate_ml_per_kg_h,
                    facts.indication.max_rate,
                )
                for table in tables
            ]
        )
        run = run_pump(ladder, ordered.rate_weight_kg, one.total_ml, one.concentration_g_per_ml, one.ceiling_ml_per_h)
        if run is not None and run.steps == one.steps and ladder.max_rate_ml_per_kg_h == one.max_rate_ml_per_kg_h:
            break
    else:
        yield Fault(f"{where}.steps", "Its rates are not those that label and policy give for this weight and pattern.")
    shown = PumpRun(one.steps, one.duration_min, ceiling_bound=False)
    if one.vitals_due_min != vitals_due_min(shown, one.pattern, facts.policies.monitoring):
        yield Fault(f"{where}.vitals_due_min", "Vital signs are not due when the policy says.")
