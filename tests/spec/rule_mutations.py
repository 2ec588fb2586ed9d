"""Every rule changed in every way that matters, one thing at a time; never on disk.

Changed are: whether the rule stands at all, its severity, what may be done about it, what it says, what it raises, its
regions, its sources, its doubt, and its predicate (a threshold by one step, a word away, a word swapped, a test, a part,
"and" for "or", the opposite). Not changed: ``order`` (the place on the page), ``place`` and ``note`` (not acted upon).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final, get_args

from ivigil.findings import MayBe, Severity
from ivigil.knowledge import rules
from ivigil.knowledge.rules import Predicate, Rule, Unknown
from ivigil.sources import Origin, Read

Mutant = tuple[str, Rule | None]

#: One step of the number in the unit of the predicate; the rows lie this close on both sides.
STEP: Final[Mapping[str, Decimal]] = {
    "iga": Decimal("0.01"),
    "creatinine": Decimal("0.01"),
    "serum_viscosity": Decimal("0.01"),
    "platelets": Decimal(1),
    "igg": Decimal("0.01"),
}
#: A word of the same list, which no rule that is tried with it holds.
OTHER_WORD: Final[Mapping[type, str]] = {
    rules.HasCondition: "breastfeeding",
    rules.HasAllergy: "corticosteroid",
    rules.Takes: "anti_cd20",
    rules.PriorReaction: "back_pain",
    rules.LabMissing: "platelets",
    rules.ProductContains: "caprylate",
    rules.BloodGroupIn: "O",
    rules.GlucoseMeterIn: "gdh_nad",
    rules.AccessIn: "peripheral",
}
SECOND_WORD: Final[Mapping[type, str]] = {
    rules.HasCondition: "migraine",
    rules.PriorReaction: "eczematous_rash",
    rules.AccessIn: "umbilical",
}


def mutants(rule: Rule) -> Iterator[Mutant]:
    """What was changed, and the changed rule (None: it is gone)."""
    yield "the rule is gone", None
    for severity in Severity:
        if severity is not rule.severity:
            yield f"severity {severity.value}", _with(rule, severity=severity)
    if rule.severity is Severity.BLOCKS:
        for may_be in MayBe:
            if may_be is not rule.may_be:
                yield f"may be {may_be.value}", _with(rule, may_be=may_be)
    yield from _words(rule)
    yield from _standing(rule)
    if rule.unknown is not None:
        yield "no doubt of its own", _with(rule, unknown=None)
        for what, unknown in _doubts(rule.unknown):
            yield f"doubt: {what}", _with(rule, unknown=unknown)
    for what, when in _predicates(rule.when):
        yield f"when: {what}", _with(rule, when=when)


def _with(record: Any, **changes: Any) -> Any:
    return record.model_copy(update=changes)


def _words(rule: Rule) -> Iterator[Mutant]:
    for key in ("text", "remedy"):
        said: str = getattr(rule, key)
        yield f"{key} says nothing", _with(rule, **{key: "Ask."})
        for number in re.finditer(r"\d+", said):
            wrong = f"{said[: number.start()]}{int(number.group()) + 1}{said[number.end() :]}"
            yield f"{key}: {number.group()} at {number.start()} is one more", _with(rule, **{key: wrong})
    yield "no sources", _with(rule, src=())
    for source in rule.src:
        yield (
            f"source {source} swapped",
            _with(rule, src=tuple("safety/tr2020" if one == source else one for one in rule.src)),
        )


def _standing(rule: Rule) -> Iterator[Mutant]:
    if rule.read is Read.NOT_READ:
        other = Origin.ASSUMED if rule.origin is Origin.POLICY else Origin.POLICY
        yield f"origin {other.value}", _with(rule, origin=other)
    else:
        yield "read nowhere", _with(rule, read=Read.NOT_READ, origin=Origin.REPORTED)
    for risk in get_args(rules.Risk):
        without = tuple(one for one in rule.raises if one != risk)
        yield f"raises {risk} or not", _with(rule, raises=without if risk in rule.raises else (*without, risk))
    if not rule.regions:
        yield "only elsewhere", _with(rule, regions=("JP",), severity_elsewhere=Severity.INFORMS)
        return
    yield "everywhere", _with(rule, regions=())
    for region in rule.regions:
        yield f"not in {region}", _with(rule, regions=tuple(one for one in rule.regions if one != region))
    for severity in Severity:
        if severity is not rule.severity_elsewhere:
            yield f"{severity.value} elsewhere", _with(rule, severity_elsewhere=severity)


def _doubts(unknown: Unknown) -> Iterator[tuple[str, Unknown]]:
    for severity in Severity:
        if severity is not unknown.severity:
            yield f"severity {severity.value}", _with(unknown, severity=severity)
    if unknown.severity is Severity.BLOCKS:
        for may_be in MayBe:
            if may_be is not unknown.may_be:
                yield f"may be {may_be.value}", _with(unknown, may_be=may_be)
    yield "text says nothing", _with(unknown, text="Ask.")
    yield "remedy says nothing", _with(unknown, remedy="Ask.")


# ---- predicates


def _predicates(when: Predicate) -> Iterator[tuple[str, Predicate]]:
    yield f"the opposite of {when.kind}", rules.NoneOf(kind="none_of", of=(when,))
    if isinstance(when, rules.AllOf | rules.AnyOf | rules.NoneOf):
        yield from _compound(when)
        return
    for key, step in _numbers(when):
        value = getattr(when, key)
        if value is None:
            continue
        for moved in (value - step, value + step):
            yield f"{when.kind} {key} {value} is {moved}", _with(when, **{key: moved})
    yield from _lists(when)
    yield from _kinds(when)


def _compound(when: rules.AllOf | rules.AnyOf | rules.NoneOf) -> Iterator[tuple[str, Predicate]]:
    turned: Predicate
    if isinstance(when, rules.NoneOf):
        yield "any for none", rules.AnyOf(kind="any_of", of=when.of)
    else:
        turned = (
            rules.AnyOf(kind="any_of", of=when.of)
            if isinstance(when, rules.AllOf)
            else rules.AllOf(kind="all_of", of=when.of)
        )
        yield f"{turned.kind} for {when.kind}", turned
    for number, part in enumerate(when.of):
        if len(when.of) > 1:
            yield f"without part {number} ({part.kind})", _with(when, of=when.of[:number] + when.of[number + 1 :])
        for what, changed in _predicates(part):
            yield f"{number}.{what}", _with(when, of=(*when.of[:number], changed, *when.of[number + 1 :]))


def _numbers(when: Predicate) -> Iterator[tuple[str, Any]]:
    if isinstance(when, rules.LabBelow | rules.LabAbove):
        yield "value", STEP[when.test]
    elif isinstance(when, rules.EgfrBelow):
        yield "value", Decimal(1)
    elif isinstance(when, rules.AgeBetween):
        yield "from_years", Decimal("0.01")
        yield "below_years", Decimal("0.01")
    elif isinstance(when, rules.CourseDoseAtLeast):
        yield "g_per_kg", Decimal("0.01")
    elif isinstance(when, rules.LabMissing):
        yield "within_days", 1
    elif isinstance(when, rules.InfusedWithinDays):
        yield "days", 1
    elif isinstance(when, rules.PriorReaction):
        yield "or_grade_from", 1


def _lists(when: Predicate) -> Iterator[tuple[str, Predicate]]:
    words: tuple[str, ...] = getattr(when, "any", ())
    for word in words:
        rest = tuple(one for one in words if one != word)
        if rest:
            yield f"{when.kind} without {word}", _with(when, any=rest)
        other = OTHER_WORD.get(type(when))
        if other is not None:
            swapped = SECOND_WORD[type(when)] if other in words else other
            yield f"{when.kind} {swapped} for {word}", _with(when, any=(*rest, swapped))
    if isinstance(when, rules.NewToProduct):
        for way in ("naive", "switch", "gap"):
            if way not in words:
                yield f"also {way}", _with(when, any=(*words, way))
                yield f"{way} instead", _with(when, any=(way,))


def _kinds(when: Predicate) -> Iterator[tuple[str, Predicate]]:
    if isinstance(when, rules.LabBelow | rules.LabAbove):
        turned = (
            rules.LabAbove(kind="lab_above", test=when.test, value=when.value)
            if isinstance(when, rules.LabBelow)
            else rules.LabBelow(kind="lab_below", test=when.test, value=when.value)
        )
        yield f"{turned.kind} for {when.kind}", turned
        yield "another test", _with(when, test="platelets" if when.test != "platelets" else "haemoglobin")
    elif isinstance(when, rules.LabPositive):
        other = "direct_antiglobulin_test" if when.test != "direct_antiglobulin_test" else "anti_iga"
        yield "another test", _with(when, test=other)
    elif isinstance(when, rules.LabMissing) and when.within_days is not None:
        yield "however old", _with(when, within_days=None)
    elif isinstance(when, rules.PriorReaction):
        flipped = not when.without_specialist_plan
        yield f"without a specialist's plan: {flipped}", _with(when, without_specialist_plan=flipped)
        if when.or_grade_from is not None:
            yield "whatever the grade", _with(when, or_grade_from=None)
        else:
            yield "or from grade 1", _with(when, or_grade_from=1)
    elif isinstance(when, rules.NotRecorded):
        for key in get_args(rules.NotRecorded.model_fields["key"].annotation):
            if key != when.key:
                yield f"{key} for {when.key}", _with(when, key=key)
