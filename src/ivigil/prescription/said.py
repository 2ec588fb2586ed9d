"""What a plan must say because the facts alone say it, whoever the patient is: asked of a plan that comes back from a file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from ivigil.assessment.implied import implied_conditions, implied_words
from ivigil.errors import BadInput
from ivigil.findings import Finding
from ivigil.knowledge import rules
from ivigil.knowledge.products import Label, Product, RateTable, Use
from ivigil.knowledge.regimens import Regimen, WeightBasis
from ivigil.prescription.administration import premedication_row
from ivigil.prescription.body_weight import choose_weight
from ivigil.prescription.candidates import (
    SLOWING_RISKS,
    about_unread_vials,
    age_floor,
    off_label_said,
    outside_label_age,
)
from ivigil.prescription.making import about_label_rates, cited, indication_standing
from ivigil.prescription.needs import age_need, dose_need, indication_need, infusion_needs
from ivigil.prescription.permission import permitted
from ivigil.prescription.plan import Plan, Prescription
from ivigil.prescription.reasons import copied
from ivigil.prescription.request import Formulary
from ivigil.prescription.setting import Given, never_at_home


@dataclass(frozen=True)
class Planned:
    """The facts behind a prescription, as the loaded knowledge gives them; ``use`` None is off label."""

    product: Product
    label: Label
    use: Use | None
    regimen: Regimen
    concentration: str
    rates: RateTable


def asked_of_facts(ordered: Prescription, of: Planned, facts: Formulary) -> tuple[Finding, ...]:
    """Every fact that the plan rests on, asked whether it permits, in the planner's order and words."""
    needs = [(need, False) for need in infusion_needs(of.product, of.concentration, of.rates)]
    needs.append((dose_need(of.regimen), of.use is None))
    if of.use is not None:
        needs.insert(0, (indication_need(of.use), False))
    floor = age_floor(of.label, of.use)
    # Below the floor nothing is asked of it: that the age lies below it was overridden, or the plan is refused.
    if floor is not None and not is_adult(ordered, facts) and floor.years <= (ordered.age_years or 0):
        needs.insert(0, (age_need(floor), False))
    found: list[Finding] = []
    copies: list[tuple[str, Finding]] = []
    for need, guideline in needs:
        said = permitted(need, ordered.region, facts.source_of, guideline=guideline)
        if said is not None and said.code == "read-on-copy":
            copies.append((need.name, said))
        elif said is not None:
            found.append(said)
    return (*found, *copied(copies, facts))


def is_adult(ordered: Prescription, facts: Formulary) -> bool:
    """Whether the age in the plan is one from which policy counts adults."""
    return ordered.age_years is not None and ordered.age_years >= facts.policies.weight.adult_from_years.value


def must_say(plan: Plan, ordered: Prescription, of: Planned, facts: Formulary) -> Iterator[Finding]:
    """Findings that no plan of these facts can lack."""
    yield from indication_standing(facts)
    yield from implied_conditions(facts.indication, facts.vocabulary)
    yield from (facts.rules.finding(code, rule, ordered.region, None) for code, rule in _by_indication(facts))
    yield from asked_of_facts(ordered, of, facts)
    if of.use is None and ordered.off_label is not None:
        yield off_label_said(of.product, ordered.region, ordered.off_label, facts)
    strength = of.product.concentrations[of.concentration].g_per_ml
    yield from about_label_rates(of.product, of.rates, strength, of.use is None, facts)
    if not plan.infusions[0].waste_g:
        yield from about_unread_vials(of.product, plan.infusions[0].dose_g)


def _by_indication(facts: Formulary) -> Iterator[tuple[str, rules.Rule]]:
    implied = frozenset(implied_words(facts.indication))
    for stage in facts.rules.rows.values():
        yield from ((code, rule) for code, rule in stage if _certain(rule.when, implied))


def _certain(when: rules.Predicate, implied: frozenset[str]) -> bool:
    """Whether a predicate holds by what the indication implies, whatever else is recorded."""
    if isinstance(when, rules.HasCondition):
        return not implied.isdisjoint(when.any)
    if isinstance(when, rules.AnyOf):
        return any(_certain(part, implied) for part in when.of)
    return isinstance(when, rules.AllOf) and all(_certain(part, implied) for part in when.of)


def is_at_risk_by_indication(facts: Formulary) -> bool:
    """Whether the indication alone makes every infusion one of a patient at risk."""
    return any(SLOWING_RISKS & set(rule.raises) for _, rule in _by_indication(facts))


def contradictions(plan: Plan, ordered: Prescription, facts: Formulary) -> Iterator[tuple[str, str]]:
    """Where a plan does not agree with itself or with policy: the place, and what does not hold."""
    yield from _candidates(plan, ordered, facts)
    yield from _weight(plan, ordered, facts)
    yield from _premedication(plan, ordered, facts)
    given = Given(ordered.phase, ordered.off_label is not None, ordered.dose_g_per_kg)
    never = never_at_home(given, facts) if ordered.setting == "home" else None
    if never is not None:
        yield "prescription.setting", f"It is given at home, and {never[0]}."
    if is_at_risk_by_indication(facts) and plan.infusions[0].pattern != "at_risk":
        yield (
            "infusions[0].pattern",
            "The indication itself is a risk, and its rates are not those of a patient at risk.",
        )
    if plan.sources != cited(plan, facts):
        yield "sources", "Its sources are not those that it cites."


def _candidates(plan: Plan, ordered: Prescription, facts: Formulary) -> Iterator[tuple[str, str]]:
    if sorted(one.product for one in plan.candidates) != sorted(one.id for one in facts.products):
        yield "candidates", "Its products considered are not the products of the facts, each once."
    chosen = next((one for one in plan.candidates if one.product == ordered.product), None)
    if chosen is None or not chosen.fits:
        yield "candidates", f"By its own list of products {ordered.product} does not fit."
    elif not set(chosen.reasons) <= set(plan.findings):
        yield (
            "candidates",
            f"What it says against {ordered.product} in its list of products is missing from its findings.",
        )


def _weight(plan: Plan, ordered: Prescription, facts: Formulary) -> Iterator[tuple[str, str]]:
    """The basis that the prescription names is the one that its findings explain, with the figures worked out anew."""
    said = {finding.code for finding in plan.findings}
    for basis in (WeightBasis.IDEAL, WeightBasis.ADJUSTED):
        if (f"dosing-weight-{basis.value}" in said) != (ordered.weight_basis is basis):
            yield (
                "prescription.weight_basis",
                f"Its weight basis is {ordered.weight_basis.value}, and its findings say another.",
            )
    if ordered.weight_basis is WeightBasis.ACTUAL:
        return
    try:
        again = choose_weight(
            ordered.weight_kg,
            ordered.height_cm,
            ordered.sex,
            ordered.age_years or Decimal(0),
            facts.policies.weight,
            None,
            ordered.weight_basis,
        )
    except BadInput as refused:
        yield "prescription.dosing_weight_kg", f"Its dosing weight cannot be worked out: {refused.rule}"
        return
    if (again.basis, again.dosing_kg) != (ordered.weight_basis, ordered.dosing_weight_kg):
        yield (
            "prescription.dosing_weight_kg",
            f"By its height, sex and weight the {ordered.weight_basis.value} weight is"
            f" {again.dosing_kg.normalize():f} kg, not {ordered.dosing_weight_kg} kg.",
        )
    elif not set(again.findings) <= set(plan.findings):
        yield "prescription.dosing_weight_kg", "Its dosing weight is not the one that its findings explain."


def age_of(plan: Plan, ordered: Prescription, of: Planned, facts: Formulary) -> Iterator[str]:
    """What stands against the age in the plan and is not said in it: the chair's first aid goes by that age."""
    if ordered.age_years is None:
        yield "It holds no age, and no plan is made without one."
        return
    adult_from = facts.policies.weight.adult_from_years.value
    wanted = outside_label_age(of.product, of.label, of.use, ordered.age_years, adult_from)
    said = {(one.code, one.severity, one.may_be) for one in plan.findings}
    if wanted is not None and (wanted.code, wanted.severity, wanted.may_be) not in said:
        yield wanted.text


def _premedication(plan: Plan, ordered: Prescription, facts: Formulary) -> Iterator[tuple[str, str]]:
    """Each option stands in the policy word for word, for this age; the finding on them agrees with whether there are any."""
    adult, known = is_adult(ordered, facts), set(facts.vocabulary.reactions)
    for row in ordered.premedication:
        kinds = {one.strip().replace(" ", "_") for one in row.reason.partition(":")[2].rstrip(".").split(",")} - {""}
        policy = [premedication_row(one, kinds, adult=adult) for one in facts.policies.premedication.medicines.values()]
        if row not in policy or not kinds <= known:
            yield "prescription.premedication", f"{row.what} does not stand so in the premedication policy."
    offered = [one.text.startswith("Premedication is offered") for one in plan.findings if one.code == "premedication"]
    if offered != [bool(ordered.premedication)]:
        yield "prescription.premedication", "What it says of premedication and the options that it lists disagree."
