"""Checks of a whole protocol: its form, its words and sources, and that every reason a session gives has its words."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from ivigil.errors import BadKnowledge, IvigilError, is_hidden
from ivigil.infusion.events import LONGEST_WORD, Check
from ivigil.infusion.workflow import BARS, NOT_SLOWER
from ivigil.knowledge.facts import Fact, Record
from ivigil.knowledge.protocol import DoseRule, Protocol, VitalSign

#: What is to be done about a line that does not hold, by its form or beside the shipped protocol.
SHOWS_THE_FORM = "Correct it; the shipped protocol shows the form."
CHOOSES = "Correct it; a site chooses among what is published."
#: Every reason that the table of permissions can give.
CODES = frozenset(bar.code for bars in BARS.values() for bar in bars) | {NOT_SLOWER}


#: What a line of the wrong form should be, in the words of somebody who writes TOML.
PLAIN = {
    "missing": "This line is missing.",
    "extra_forbidden": "No line of a protocol has this name here.",
    **dict.fromkeys(("model_type", "dict_type"), "Here stands a table of lines, in braces or under a heading."),
    "tuple_type": "Here stands a list, in brackets.",
    "string_type": "Here stands a text, in quotes.",
    **dict.fromkeys(("decimal_type", "int_type"), "Here stands a number, without quotes."),
    "int_from_float": "Here stands a whole number.",
    **dict.fromkeys(("bool_type", "bool_parsing"), "Here stands true or false, without quotes."),
}


def check_protocol(
    raw: Mapping[str, Any], file: str, reactions: Collection[str], source_of: Callable[[str], object]
) -> Protocol:
    """A protocol from its table, or what does not hold.

    Args:
        raw: the TOML table.
        file: its name, for errors.
        reactions: the vocabulary of reactions.
        source_of: raises for a source that is not known.

    Raises:
        BadKnowledge: the first thing that does not hold, with its place.
    """
    try:
        made = Protocol.model_validate(raw)
    except ValidationError as problem:
        first = problem.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise BadKnowledge(
            f"{file}: {where}",
            None if isinstance(first.get("input"), dict) else first.get("input"),
            PLAIN.get(first["type"], first["msg"].removeprefix("Value error, ") + "."),
            SHOWS_THE_FORM,
        ) from problem
    for where, text in faults(made, reactions):
        raise BadKnowledge(f"{file}: {where}", None, text, SHOWS_THE_FORM)
    for where, fact in facts_in(made):
        for name in fact.src:
            try:
                source_of(name)
            except IvigilError as problem:
                raise BadKnowledge(
                    f"{file}: {where}", name, "No source record has this id.", "Add it to the overlay's sources."
                ) from problem
    return made


def faults(protocol: Protocol, reactions: Collection[str]) -> Iterable[tuple[str, str]]:
    """What a protocol of the right form says wrongly: place and rule."""
    if not protocol.id.strip() or len(protocol.id) > LONGEST_WORD or any(map(is_hidden, protocol.id)):
        yield "id", f"A session names its protocol by it: 1 to {LONGEST_WORD} visible characters."
    if protocol.pack_valid_h.value <= 0:
        yield "pack_valid_h", f"A pack is valid for more than 0 hours, not for {protocol.pack_valid_h.value}."
    for name in protocol.relays.items:
        if protocol.roles.items and name not in protocol.roles.items:
            yield "relays", f"{name!r} writes in no session; roles: {', '.join(protocol.roles.items)}."
    yield from _out_of_reach(protocol)
    for code in sorted(CODES - set(protocol.bars)):
        yield f"bars.{code}", "Every reason of a session has its words."
    for code in sorted(set(protocol.bars) - CODES):
        yield f"bars.{code}", "No session gives this reason."
    for name, symptom in protocol.symptoms.items():
        if symptom.kind not in reactions:
            yield f"symptoms.{name}.kind", f"The vocabulary of reactions has no word {symptom.kind!r}."
    for name in protocol.never_restart_after.items:
        if name not in reactions:
            yield "never_restart_after", f"The vocabulary of reactions has no word {name!r}."
    for setting, row in protocol.checks.items():
        for item in row.items:
            if item not in set(Check):
                yield f"checks.{setting}", f"There is no check {item!r}."
    if "all" not in protocol.checks:
        yield "checks.all", "Some checks hold in every setting."
    if not any(trigger.role == "hypotension" for trigger in protocol.triggers.values()):
        yield "triggers", "The criteria of anaphylaxis need a limit with role = hypotension."
    if VitalSign.SYSTOLIC not in protocol.observing.set_of:
        yield "observing.set_of", "Without the systolic pressure no anaphylaxis is seen."
    pens = sorted(protocol.adrenaline.pens.values(), key=lambda pen: pen.from_kg)
    ends = [pen.below_kg for pen in pens]
    if not pens or pens[0].from_kg != 0 or ends[-1] is not None or ends[:-1] != [pen.from_kg for pen in pens[1:]]:
        yield "adrenaline.pens", "The pens follow one another from 0 kg without a gap and without an end."
    for name, scheme in protocol.adrenaline.schemes.items():
        if scheme.bands and (scheme.bands[0].from_years != 0 or scheme.bands[-1].below_years is not None):
            yield f"adrenaline.schemes.{name}", "Its bands begin at birth and have no end: first aid is never withheld."


def _out_of_reach(protocol: Protocol) -> Iterable[tuple[str, str]]:
    """Limits that every possible value meets, and bands that end before they begin."""
    for name, one in protocol.triggers.items():
        least, most = protocol.possible[one.sign]
        for key, met in (
            ("at_least", one.at_least is not None and one.at_least <= least),
            ("above", one.above is not None and one.above < least),
            ("at_most", one.at_most is not None and one.at_most >= most),
            ("below", one.below is not None and one.below > most),
            ("below_plus_per_year", one.below_plus_per_year is not None and one.below_plus_per_year > most),
        ):
            if met and least < most:
                told = f"Every value meets {getattr(one, key)}: {one.sign.value} lies from {least} to {most}."
                yield f"triggers.{name}.{key}", told
    for name, medicine in protocol.medicines.items():
        for who in ("adult", "child"):
            rule: DoseRule | None = getattr(medicine, who)
            yield from _bands(f"medicines.{name}.{who}", rule)
    for name, scheme in protocol.adrenaline.schemes.items():
        yield from _bands(f"adrenaline.schemes.{name}", scheme)


def _bands(where: str, rule: DoseRule | None) -> Iterable[tuple[str, str]]:
    for band in rule.bands if rule else ():
        if band.below_years is not None and band.from_years >= band.below_years:
            yield where, f"A band ends after it begins: it begins at {band.from_years} and ends at {band.below_years}."


def more_than_read(protocol: Protocol, shipped: Protocol) -> Iterable[tuple[str, str]]:
    """Doses of a site's protocol above every dose of that medicine that was read: place and rule.

    A site chooses among what is published, or less; a slip of the point would be ten times too much.
    """
    theirs, ours = protocol.adrenaline, shipped.adrenaline
    most = max(dose for rule in ours.schemes.values() for dose in _doses(rule))
    per_kg = max((rule.mg_per_kg for rule in ours.schemes.values() if rule.mg_per_kg is not None), default=Decimal(0))
    for name, rule in theirs.schemes.items():
        if max(_doses(rule)) > most or (rule.mg_per_kg or 0) > per_kg:
            yield f"adrenaline.schemes.{name}", f"No source read gives more than {most} mg, or {per_kg} mg/kg."
    for name, cap in theirs.child_caps_mg.items():
        if cap.value > most:
            yield f"adrenaline.child_caps_mg.{name}", f"No source read gives more than {most} mg."
    for name, pen in theirs.pens.items():
        if pen.mg > most:
            yield f"adrenaline.pens.{name}", f"No source read gives more than {most} mg."
    if theirs.concentration.mg_per_ml != ours.concentration.mg_per_ml:
        yield (
            "adrenaline.concentration",
            f"Into the muscle it is {ours.concentration.mg_per_ml} mg/mL; a volume of another is another dose.",
        )
    for name in sorted(set(protocol.medicines) & set(shipped.medicines)):
        for who in ("adult", "child"):
            given, read = getattr(protocol.medicines[name], who), getattr(shipped.medicines[name], who)
            if given is None or read is None:
                continue
            if max(_doses(given)) > max(_doses(read)) or (_per_kg(given) > _per_kg(read) > 0):
                yield f"medicines.{name}.{who}", f"No source read gives more than {max(_doses(read))} mg."


def _doses(rule: DoseRule) -> tuple[Decimal, ...]:
    """Every dose (mg) that a rule can end in, its cap included."""
    bands = [dose for band in rule.bands for dose in (band.mg, band.mg_max)]
    return tuple(dose for dose in (rule.mg, rule.mg_max, rule.cap_mg, *bands) if dose is not None)


def _per_kg(rule: DoseRule) -> Decimal:
    return rule.mg_per_kg_max or rule.mg_per_kg or Decimal(0)


def facts_in(part: object, where: str = "") -> Iterable[tuple[str, Fact]]:
    """Every fact of a record with its place."""
    if isinstance(part, Fact):
        yield where, part
    if isinstance(part, Record):
        for name in type(part).model_fields:
            yield from facts_in(getattr(part, name), f"{where}.{name}".lstrip("."))
    elif isinstance(part, Mapping):
        for key, value in part.items():
            yield from facts_in(value, f"{where}.{getattr(key, 'value', key)}".lstrip("."))
