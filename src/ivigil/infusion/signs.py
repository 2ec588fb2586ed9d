"""What vital signs and symptoms say: limits that are met, the grade of a reaction, and whether it is anaphylaxis.

Anaphylaxis is looked for at every entry, by two published rules, and told when either is met:

* World Allergy Organization 2020 (Cardona V et al., World Allergy Organ J 2020;13:100472): (1) skin or mucosa with
  breathing, circulation, end organs or severe gut symptoms, or (2) hypotension, bronchospasm or laryngeal involvement after
  a known or highly probable trigger, also without skin signs.
* NIAID/FAAN 2006 (Sampson HA et al., J Allergy Clin Immunol 2006;117:391): (1) skin or mucosa with breathing or low
  pressure/end organs, (2) two or more of skin, breathing, low pressure/end organs, gut after a likely trigger, (3) low
  pressure after a known trigger.

The infusion is the trigger, a known one. Their limits of blood pressure are data (role ``hypotension``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

from ivigil.knowledge.protocol import Grade, Protocol, Sign, VitalSign, VitalTrigger

Values = Mapping[VitalSign, Decimal]

BREATHING = frozenset({Sign.BREATHING, Sign.BRONCHOSPASM, Sign.LARYNX})
GUT = frozenset({Sign.GUT, Sign.GUT_SEVERE})


@dataclass(frozen=True)
class Met:
    """A limit that a vital sign has reached: which, by what value, and the trigger with its source or policy."""

    code: str
    value: Decimal
    trigger: VitalTrigger


@dataclass(frozen=True)
class Criterion:
    """A criterion of anaphylaxis that is met; ``rule`` is a key of the protocol's ``anaphylaxis`` statements."""

    rule: str
    number: int
    because: tuple[str, ...]


def triggers_met(
    now: Values,
    baseline: Values,
    age_years: Decimal | None,
    signs: frozenset[Sign],
    protocol: Protocol,
    first: Values = MappingProxyType({}),
) -> tuple[Met, ...]:
    """The limits that the latest values reach.

    Args:
        now: the latest value of each sign.
        baseline: before the start; a limit on a rise or fall needs it.
        age_years: None: limits of every age count, because what restricts always applies.
        signs: what the present symptoms say; some limits count only with them.
        protocol: the limits.
        first: after the start; a rise or fall is measured from it where there is no baseline, and is not met without either.
    """
    found = []
    for code, trigger in protocol.triggers.items():
        value = now.get(trigger.sign)
        if value is None or not _of_age(trigger, age_years):
            continue
        if trigger.only_with and signs.isdisjoint(trigger.only_with):
            continue
        before = baseline.get(trigger.sign)
        if all(_parts(trigger, value, before, first.get(trigger.sign) if before is None else before, age_years)):
            found.append(Met(code, value, trigger))
    return tuple(found)


def _of_age(trigger: VitalTrigger, age_years: Decimal | None) -> bool:
    if age_years is None:
        return True
    old_enough = trigger.from_years is None or age_years >= trigger.from_years
    return old_enough and (trigger.below_years is None or age_years < trigger.below_years)


def _parts(
    trigger: VitalTrigger, value: Decimal, before: Decimal | None, was: Decimal | None, age_years: Decimal | None
) -> Iterable[bool]:
    """Every part of a limit, met or not.

    A limit that the patient had reached before the start says nothing by itself: then the value must have got worse.
    """
    absolute = list(_absolute(trigger, value, age_years))
    if absolute:
        yield all(absolute)
        if before is not None and all(_absolute(trigger, before, age_years)):
            yield value > before if _upper(trigger) else value < before
    if trigger.rise_at_least is not None:
        yield was is not None and value - was >= trigger.rise_at_least
    if trigger.fall_at_least is not None:
        yield was is not None and was - value >= trigger.fall_at_least
    if trigger.fall_share_above is not None:
        yield was is not None and was - value > trigger.fall_share_above * was


def _absolute(trigger: VitalTrigger, value: Decimal, age_years: Decimal | None) -> Iterable[bool]:
    if trigger.at_least is not None:
        yield value >= trigger.at_least
    if trigger.above is not None:
        yield value > trigger.above
    if trigger.at_most is not None:
        yield value <= trigger.at_most
    if trigger.below is not None:
        # Without an age the limit of the oldest it is printed for is taken: the higher one.
        years = age_years if age_years is not None else trigger.below_years or Decimal(0)
        yield value < trigger.below + (trigger.below_plus_per_year or 0) * int(years)


def _upper(trigger: VitalTrigger) -> bool:
    return trigger.at_least is not None or trigger.above is not None


def low_pressure(met: Iterable[Met]) -> bool:
    """Whether a limit that the criteria count as low blood pressure is reached."""
    return any(one.trigger.role == "hypotension" for one in met)


def anaphylaxis(signs: frozenset[Sign], *, low: bool) -> tuple[Criterion, ...]:
    """Every criterion of either rule that is met; one is enough to say so.

    Args:
        signs: what the present symptoms say.
        low: whether blood pressure is low (:func:`low_pressure`).
    """
    circulation = low or Sign.END_ORGAN in signs
    breathing = bool(signs & BREATHING)
    skin, gut = Sign.SKIN in signs, bool(signs & GUT)
    said = {
        "skin": skin,
        "breathing": breathing,
        "low pressure": low,
        "end organs": Sign.END_ORGAN in signs,
        "gut": gut,
        "severe gut symptoms": Sign.GUT_SEVERE in signs,
        "bronchospasm": Sign.BRONCHOSPASM in signs,
        "larynx": Sign.LARYNX in signs,
    }
    rows = (
        ("wao_2020", 1, skin and (breathing or circulation or Sign.GUT_SEVERE in signs), ("skin", "breathing", "low pressure", "end organs", "severe gut symptoms")),
        ("wao_2020", 2, low or bool(signs & {Sign.BRONCHOSPASM, Sign.LARYNX}), ("low pressure", "bronchospasm", "larynx")),
        ("niaid_faan_2006", 1, skin and (breathing or circulation), ("skin", "breathing", "low pressure", "end organs")),
        ("niaid_faan_2006", 2, sum((skin, breathing, circulation, gut)) >= SEVERAL, ("skin", "breathing", "low pressure", "end organs", "gut")),
        ("niaid_faan_2006", 3, low, ("low pressure",)),
    )  # fmt: skip
    return tuple(
        Criterion(rule, number, tuple(one for one in parts if said[one]))
        for rule, number, holds, parts in rows
        if holds
    )


#: "Two or more" in the second criterion of NIAID/FAAN.
SEVERAL = 2


def worst(grades: Iterable[Grade | None]) -> Grade | None:
    """The worst of some grades; None if there is none."""
    return max((grade for grade in grades if grade is not None), key=lambda grade: grade.rank, default=None)
