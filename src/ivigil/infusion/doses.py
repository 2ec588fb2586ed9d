"""Doses of the protocol for one patient: mg, and mL only together with the concentration."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal

from ivigil.knowledge.protocol import Adrenaline, DoseBand, DoseRule, Pen, ProtocolMedicine
from ivigil.quantities import TENTH

HUNDREDTH, THOUSANDTH = Decimal("0.01"), Decimal("0.001")


@dataclass(frozen=True)
class MedicineDose:
    """A medicine for this patient. ``mg`` None: no source gave a dose for such a patient, and ``ask`` says so."""

    medicine: str
    name: str
    use: str
    route: str
    mg: Decimal | None
    mg_max: Decimal | None
    caution: str
    ask: str
    sources: tuple[str, ...]


@dataclass(frozen=True)
class AdrenalineDose:
    """Adrenaline into the muscle: how much, by which scheme, and which pen is made for this weight (the smallest for all below).

    ``scheme`` is the whole published way it was found by; two are never mixed. ``capped`` says that the cap decided.
    """

    name: str
    mg: Decimal
    mg_max: Decimal | None
    ml: Decimal
    mg_per_ml: Decimal
    scheme: str
    capped: bool
    pen: str
    pen_mg: Decimal
    route: str
    position: str
    repeat_min: int
    refractory_after: int
    note: str
    sources: tuple[str, ...]


def medicine_dose(
    name: str, medicine: ProtocolMedicine, age_years: Decimal | None, weight_kg: Decimal, adult_from: Decimal
) -> MedicineDose:
    """A medicine's dose by its adult or child rule.

    Without a recorded age no dose is printed: an adult's may be too much for a child, and a child's too little.
    """
    mg = most = None
    ask = ""
    if medicine.adult is None and medicine.child is None:
        ask = "As ordered."
    elif age_years is None:
        ask = "The age is not recorded: ask the prescriber for the dose."
    else:
        rule = medicine.adult if age_years >= adult_from else medicine.child
        found = None if rule is None else by_rule(rule, age_years, weight_kg)
        if found is None:
            ask = "No source read gives a dose for this patient: ask the prescriber."
        else:
            mg, most = found
    return MedicineDose(
        name, medicine.name, medicine.use, medicine.route, mg, most, medicine.caution, ask, medicine.src
    )


def by_rule(rule: DoseRule, age_years: Decimal, weight_kg: Decimal) -> tuple[Decimal, Decimal | None] | None:
    """The dose and the upper end of its range (mg); None where no band holds the age."""
    if rule.mg is not None:
        return rule.mg, rule.mg_max
    if rule.mg_per_kg is not None:
        assert rule.cap_mg is not None  # a dose by weight has one
        low = min(_down(rule.mg_per_kg * weight_kg), rule.cap_mg)
        high = None if rule.mg_per_kg_max is None else min(_down(rule.mg_per_kg_max * weight_kg), rule.cap_mg)
        return low, high
    for band in rule.bands:
        if _holds(band, age_years):
            return band.mg, band.mg_max
    return None


def _holds(band: DoseBand, age_years: Decimal) -> bool:
    return age_years >= band.from_years and (band.below_years is None or age_years < band.below_years)


def adrenaline_dose(
    facts: Adrenaline, age_years: Decimal | None, weight_kg: Decimal, region: str, scheme: str | None = None
) -> AdrenalineDose:
    """Adrenaline for one patient, by one scheme alone.

    Args:
        facts: the schemes, caps and pens.
        age_years: None: the cap of a child holds by weight, and the band by age is that of the weight's usual age; first
            aid is never withheld for want of an age.
        weight_kg: today's weight.
        region: whose scheme holds, unless ``scheme`` names one.
        scheme: a site's choice.
    """
    chosen = scheme or facts.scheme_of_region.get(region, facts.otherwise)
    rule = facts.schemes[chosen]
    grown = age_years is not None and age_years >= facts.adult_from_years.value
    capped, most, note = False, None, ""
    if rule.mg_per_kg is not None:
        assert rule.cap_mg is not None  # a dose by weight has one
        cap = rule.cap_mg
        if not grown and chosen in facts.child_caps_mg:
            cap = min(cap, facts.child_caps_mg[chosen].value)
        mg = _down(rule.mg_per_kg * weight_kg)
        capped, mg = mg > cap, min(mg, cap)
    else:
        years = age_years if age_years is not None else facts.adult_from_years.value
        found = by_rule(rule, years, weight_kg)
        assert found is not None  # the bands of a scheme begin at birth and have no end
        mg, most = found
        note = next(band.note for band in rule.bands if _holds(band, years))
    name, pen = _pen(facts, weight_kg)
    return AdrenalineDose(
        name=facts.name,
        mg=mg,
        mg_max=most,
        ml=_down(mg / facts.concentration.mg_per_ml),
        mg_per_ml=facts.concentration.mg_per_ml,
        scheme=chosen,
        capped=capped,
        pen=name,
        pen_mg=pen.mg,
        route=facts.route.text,
        position=facts.position.text,
        repeat_min=facts.repeat.min,
        refractory_after=facts.refractory_after_doses.count,
        note=note,
        sources=tuple(dict.fromkeys((*rule.src, *facts.repeat.src, *facts.route.src))),
    )


def _pen(facts: Adrenaline, weight_kg: Decimal) -> tuple[str, Pen]:
    for name, pen in facts.pens.items():
        if weight_kg >= pen.from_kg and (pen.below_kg is None or weight_kg < pen.below_kg):
            return name, pen
    raise ValueError("the pens of a protocol leave a weight out")


def _down(value: Decimal) -> Decimal:
    """Cut to hundredths; below a tenth to thousandths: 0.02 mg for 2.9 kg would withhold a third of 0.029 mg."""
    return value.quantize(HUNDREDTH if value >= TENTH else THOUSANDTH, rounding=ROUND_DOWN)
