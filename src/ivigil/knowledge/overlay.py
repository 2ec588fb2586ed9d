"""A site's own facts, laid over the shipped ones: whole facts, signed, and bound to the fact they replace.

An overlay folder mirrors ``data/``. ``sources/NAME.toml`` adds source records. Every other file holds replacements for
the shipped file of the same path::

    [[replace]]
    path = "labels.US.uses.PI.rates.10.max"     # keys from the record's root; a key with a dot is written in quotes
    base = "sha256:..."                          # of the fact replaced (``ivigil knowledge show`` prints it); "absent" adds one
    by = ["A. Pharmacist", "B. Prescriber"]      # two different people for what may permit, screen or convert, else one
    on = 2026-11-01
    label_revision = "10/2026"
    fact = { mg_per_kg_min = 6, src = "site/our-label", place = "2.3", origin = "reported", read = "label" }

If the shipped fact has changed since, ``base`` no longer fits: the replacement is not applied and *waits to be
confirmed again*; the product, indication or policy it belongs to is marked, and no plan is made with it until then.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
import unicodedata
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from pydantic import StringConstraints, ValidationError

from ivigil.errors import BadKnowledge
from ivigil.knowledge.facts import Record
from ivigil.sources import READ_WELL, READ_WELL_GUIDELINE

ABSENT = "absent"
#: Keys above or inside a fact that make it a dose, a rate, a concentration, a vial, an age or a use: a wrong one permits.
TWO_PEOPLE = frozenset(
    {
        "uses",
        "rates",
        "regimens",
        "at_risk",
        "concentrations",
        "vials",
        "min_age",
        "max_age",
        "conversion",
        "subcutaneous",
        "administration",
        "excipients",
        "contraindications",
        "boxed_warnings",
        "not_labelled_for",
        "cautions",
        "max_rate",
        "implies",
        "route",
        "routes",
        "g_per_ml",
        "sizes_g",
        "g_per_kg_min",
        "g_per_kg_max",
        "mg_per_kg_min",
        "ml_per_kg_min",
        "ml_per_kg_h",
        "mg_per_kg_h",
    }
)
#: Files whose every fact takes two people: thresholds, the words and units that a record or a question is read by, what
#: a patient is told to call for help on, the chair's first aid with its doses, and what a forecast doses by.
TWO_PEOPLE_FILES = (
    "policy/",
    "screening/",
    "vocabulary/",
    "leaflet/",
    "targets/",
    "protocol/",
    "models/",
    "populations/",
    "ask/",
)
#: Keys above a fact that permits. A signature says that two people read it; so it must say that it was read.
PERMITS = frozenset(
    {
        "rates",
        "regimens",
        "concentrations",
        "vials",
        "min_age",
        "max_age",
        "indication",
        "routes",
        "conversion",
        "administration",
    }
)
#: Keys that restrict by standing there: a replacement that leaves one out would permit by silence.
RESTRICTS = frozenset(
    {
        "contraindications",
        "boxed_warnings",
        "cautions",
        "excipients",
        "limitations",
        "max_rate",
        "implies",
        "home_never_for",
        "at_risk",
        "cap",
        "below",
        "tiers",
        "interval",
        "start_hold",
        "max_age",
        "max_g_per_kg_day",
        "max_g_day",
        "max_g_course",
        "min_duration_h",
        "not_labelled_for",
        "forbidden",
        "never_for",
        "not_with",
        "caps",
        "all_sites",
        "day",
        "previous",
        "max_sites",
        "rules",
        "raises",
        "unknown",
        "severe",
        "statements",
        "home_statements",
        "hydration",
        "help_at_once",
        "same_day",
        "emergency",
    }
)
#: Lists that restrict by each of their members: a shorter one would permit by silence too.
EACH_RESTRICTS = frozenset({"raises", "implies", "never_restart_after"})
#: What a record's values are converted by. A unit is a constant of nature: an overlay may add one, never change one.
SCALES = frozenset({"unit", "units"})
#: Units of one rate. A replaced rate says one of those that it replaces, so that no number changes its unit unseen.
RATE_UNITS = frozenset({"mg_per_kg_min", "ml_per_kg_min", "ml_per_kg_h", "mg_per_kg_h"})
#: What counts as read: a product's fact on its label, a guideline's dose also at the guideline's own publisher.
READ_IN: dict[str, frozenset[str]] = {"products/": READ_WELL, "indications/": READ_WELL_GUIDELINE}
#: A policy is the site's own word and is shown as one; it cannot stand in for a label.
NOT_PRINTED = ("assumed", "policy")
#: Categories of characters that nobody sees, and letters that look like a blank.
UNSEEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
BLANK_LETTERS = frozenset("\u115f\u1160\u3164\uffa0\u034f\u2800")
#: Alphabets whose letters look alike.
ALIKE = frozenset({"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE"})
#: How far a raw fact may go before arithmetic on it fails: a range that every printed number keeps by far.
LARGEST, SMALLEST, DIGITS, DEEPEST, SHOWN = 10**9, -9, 18, 24, 80
_DOTTED_KEY = re.compile(
    r"""(?:[A-Za-z0-9_-]+|"[^"\\\n]*"|'[^'\n]*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"\\\n]*"|'[^'\n]*'))*"""
)


class Replacement(Record):
    """One signed replacement of one fact."""

    path: str
    base: Annotated[str, StringConstraints(pattern=r"^(absent|sha256:[0-9a-f]{64})$")]
    by: tuple[str, ...]
    on: date
    label_revision: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
    fact: dict[str, Any]


class Waiting(Record):
    """A replacement that was not applied because the fact under it changed."""

    file: str
    path: str
    was: str
    is_now: str


def fact_hash(fact: object) -> str:
    """``sha256:`` of a raw fact's canonical JSON, or ``absent``."""
    if fact is None:
        return ABSENT
    text = json.dumps(fact, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=_plain)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def _plain(value: object) -> str | int:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else str(value.normalize())
    return str(value)


def person(name: str, where: str = "by") -> str:
    """What makes a name a person's: its letters and digits, whatever their case, width, accent or punctuation.

    Raises:
        BadKnowledge: a name that holds what nobody sees, or letters of two alphabets.
    """
    for character in name:
        if unicodedata.category(character) in UNSEEN or character in BLANK_LETTERS:
            raise BadKnowledge(
                where,
                name.encode("ascii", "backslashreplace").decode(),
                f"A name is what one can read; it holds U+{ord(character):04X}, which is not seen.",
                "Write the name anew.",
            )
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", name).casefold())
    letters = "".join(character for character in plain if character.isalnum())
    alphabets = {unicodedata.name(character, "").split(" ")[0] for character in letters if character.isalpha()}
    if len(alphabets & ALIKE) > 1:
        raise BadKnowledge(
            where,
            name.encode("ascii", "backslashreplace").decode(),
            "A name is written in one alphabet; letters of another look the same and are not.",
            "Write the name anew.",
        )
    return letters


def check_size(raw: dict[str, Any], file: str) -> None:
    """Refuse what no fact needs and no arithmetic bears: numbers out of all proportion, and tables nested without end.

    Raises:
        BadKnowledge: naming the key.
    """
    waiting: list[tuple[str, object, int]] = [(key, part, 1) for key, part in raw.items()]
    while waiting:
        key, value, depth = waiting.pop()
        if depth > DEEPEST:
            raise BadKnowledge(f"{file}: {key[:SHOWN]}", None, "Facts are not nested this deep.", "Remove the nesting.")
        if isinstance(value, dict):
            waiting += [(f"{key}.{name}", part, depth + 1) for name, part in value.items()]
        elif isinstance(value, list):
            waiting += [(f"{key}[{number}]", part, depth + 1) for number, part in enumerate(value)]
        elif isinstance(value, int | Decimal | float) and not isinstance(value, bool):
            number_ = Decimal(value)
            if number_.is_finite() and (
                abs(number_) > LARGEST or (number_ and number_.adjusted() < SMALLEST) or _digits(number_) > DIGITS
            ):
                raise BadKnowledge(
                    f"{file}: {key}",
                    f"{number_:.6E}",
                    "No fact holds a number of this size or with so many digits.",
                    "Write the number as it is printed.",
                )


def _digits(number: Decimal) -> int:
    return len(number.normalize().as_tuple().digits)


def split_path(path: str, where: str = "path") -> list[str]:
    """Keys of a dotted path, read as TOML reads a dotted key."""
    if not _DOTTED_KEY.fullmatch(path):
        raise BadKnowledge(
            where,
            path,
            "An overlay path is a TOML dotted key.",
            'Write it like labels.US.uses.PI.rates.10.max; a key with a dot or a space stands in "quotes".',
        )
    if path.count(".") >= DEEPEST:
        raise BadKnowledge(where, path[:SHOWN], "Facts are not nested this deep.", "Shorten the path.")
    nested: Any = tomllib.loads(f"{path} = 0")
    keys: list[str] = []
    while isinstance(nested, dict):
        (key,) = nested
        keys.append(key)
        nested = nested[key]
    return keys


def value_at(record: dict[str, Any], path: str) -> object:
    """The raw value at a dotted path, or None."""
    found: Any = record
    for key in split_path(path):
        if not isinstance(found, dict) or key not in found:
            return None
        found = found[key]
    return found


def read_replacements(raw: dict[str, Any], file: str) -> tuple[Replacement, ...]:
    """The checked replacements of one overlay file.

    Raises:
        BadKnowledge: a malformed row, an unknown key, a number out of all proportion, or too few signatures.
    """
    check_size(raw, file)
    unknown = set(raw) - {"replace"}
    if unknown:
        raise BadKnowledge(file, sorted(unknown)[0], "An overlay file holds only [[replace]] rows.", "Remove the key.")
    listed = raw.get("replace", [])
    if not isinstance(listed, list):
        raise BadKnowledge(f"{file}: replace", None, "Replacements are rows.", "Write [[replace]] above each.")
    rows: list[Replacement] = []
    for number, row in enumerate(listed):
        where = f"{file}: replace[{number}]"
        try:
            one = Replacement.model_validate(row)
        except ValidationError as problem:
            first = problem.errors()[0]
            raise BadKnowledge(
                f"{where}.{'.'.join(map(str, first['loc']))}",
                first.get("input"),
                first["msg"] + ".",
                "See docs/how-to/overlay.md for the shape of a replacement.",
            ) from problem
        keys = split_path(one.path, f"{where}.path")
        for other in rows:
            _apart(keys, other.path, where, one.path)
        _signed_by_enough(one, keys, file, where)
        _read_where_it_permits(one, keys, file, where)
        rows.append(one)
    return tuple(rows)


def _apart(keys: list[str], other: str, where: str, path: str) -> None:
    """Refuse two replacements of which one would undo a part of the other."""
    others = split_path(other)
    shorter = min(len(keys), len(others))
    if keys[:shorter] == others[:shorter]:
        raise BadKnowledge(
            f"{where}.path", path, f"It overlaps with the replacement of {other}.", "Write one replacement for both."
        )


def _signed_by_enough(one: Replacement, keys: list[str], file: str, where: str) -> None:
    people = {person(name, f"{where}.by") for name in one.by} - {""}
    twice = file.startswith(TWO_PEOPLE_FILES) or bool(TWO_PEOPLE & {*keys, *_keys_inside(one.fact)})
    needed = 2 if twice else 1
    if len(people) < needed:
        raise BadKnowledge(
            f"{where}.by",
            list(one.by),
            "This fact needs 2 different people." if twice else "This fact needs the name of who read it.",
            "Have it checked and name everyone who did; case, dots, hyphens, accents and blanks make no other person.",
        )


def _read_where_it_permits(one: Replacement, keys: list[str], file: str, where: str) -> None:
    """Refuse a fact that permits and that nobody says to have read: a signature is no reading."""
    well = next((levels for folder, levels in READ_IN.items() if file.startswith(folder)), None)
    if well is None:
        return
    for path, fact in _facts_inside(one.fact, tuple(keys)):
        if not PERMITS & set(path) or "limitations" in path or _forbids(path, fact):
            continue
        if str(fact["read"]) not in well or str(fact["origin"]) in NOT_PRINTED:
            inside = ".".join(("fact", *path[len(keys) :]))
            raise BadKnowledge(
                f"{where}.{inside}",
                f"origin = {fact['origin']}, read = {fact['read']}",
                "A fact that permits was printed, and was read where it is printed.",
                f"Read it, then write read = {' or '.join(sorted(well))}.",
            )


def _forbids(path: tuple[str, ...], fact: dict[str, Any]) -> bool:
    """Whether an instruction on hanging the product only forbids: "do not dilute" holds, whoever read it."""
    return "administration" in path and fact.get("permitted") is False and not fact.get("allowed")


def _facts_inside(value: object, keys: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Every raw fact in a value, with its keys."""
    if isinstance(value, dict):
        if {"origin", "read"} <= set(value):
            yield keys, value
        for key, part in value.items():
            yield from _facts_inside(part, (*keys, key))
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield from _facts_inside(part, (*keys, f"[{number}]"))


def _keys_inside(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, part in value.items():
            yield key
            yield from _keys_inside(part)
    elif isinstance(value, list):
        for part in value:
            yield from _keys_inside(part)


def lay_over(
    record: dict[str, Any], replacements: tuple[Replacement, ...], file: str
) -> tuple[dict[str, Any], tuple[Waiting, ...]]:
    """The raw record with every replacement applied whose base still fits, and those that wait."""
    waiting: list[Waiting] = []
    result = record
    for one in replacements:
        now = fact_hash(value_at(record, one.path))
        if now != one.base:
            waiting.append(Waiting(file=file, path=one.path, was=one.base, is_now=now))
            continue
        keys = split_path(one.path)
        _keeps_restrictions(value_at(record, one.path), one.fact, tuple(keys), f"{file}: {one.path}")
        _keeps_units(value_at(record, one.path), one.fact, f"{file}: {one.path}")
        _keeps_scales(value_at(record, one.path), one.fact, keys[-1], f"{file}: {one.path}")
        result = _with_value(result, keys, _signed(one))
    return result, tuple(waiting)


def _keeps_restrictions(shipped: object, new: object, keys: tuple[str, ...], where: str) -> None:
    """Refuse a replacement that leaves out what restricts: absence would permit, and nobody would have said so."""
    lost = _members(shipped) - _members(new) if keys and keys[-1] in EACH_RESTRICTS else None
    if lost:
        raise BadKnowledge(
            where,
            ", ".join(sorted(lost)),
            "The replacement leaves out what the shipped fact restricts by.",
            "Write the whole list; an overlay adds to it and takes nothing from it.",
        )
    if not isinstance(shipped, dict) or not isinstance(new, dict):
        return
    listed = bool(keys) and keys[-1] in RESTRICTS and not {"origin", "read"} <= set(shipped)
    for key, part in shipped.items():
        if key not in new and (key in RESTRICTS or listed):
            raise BadKnowledge(
                where,
                key,
                "The replacement leaves out what the shipped fact restricts by.",
                "Write it as the label in force has it; an overlay replaces and adds, and takes no restriction away.",
            )
        _keeps_restrictions(part, new.get(key), (*keys, key), f"{where}.{key}")


def _members(value: object) -> set[str]:
    """The words of a list, or of a fact that is one."""
    words = value.get("items") if isinstance(value, dict) else value
    return {str(word) for word in words} if isinstance(words, list) else set()


def _keeps_units(shipped: object, new: object, where: str) -> None:
    """Refuse a rate that comes in none of the units of the rate it replaces: 8 mg/kg/min is not 8 mL/kg/h."""
    if isinstance(shipped, dict) and isinstance(new, dict):
        before, after = RATE_UNITS & set(shipped), RATE_UNITS & set(new)
        if before and after and not before & after:
            raise BadKnowledge(
                where,
                ", ".join(sorted(after)),
                f"The rate it replaces is given in {' and '.join(sorted(before))}.",
                "Give the new one in that unit too, worked out if it is not printed; the two are then held together.",
            )
        for key in set(shipped) & set(new):
            _keeps_units(shipped[key], new[key], f"{where}.{key}")
    elif isinstance(shipped, list) and isinstance(new, list):
        for number, (old, one) in enumerate(zip(shipped, new, strict=False)):
            _keeps_units(old, one, f"{where}[{number}]")


def _keeps_scales(shipped: object, new: object, key: str, where: str) -> None:
    """Refuse another conversion of a unit that is known: every threshold of the rules is in it."""
    if not isinstance(shipped, dict) or not isinstance(new, dict):
        if key in SCALES and new is not None and shipped != new:
            raise BadKnowledge(
                where,
                str(new),
                f"The shipped facts have {shipped} here, and rules and records count on it.",
                "Keep it; add another unit under its own name.",
            )
        return
    for name in set(shipped) & set(new):
        _keeps_scales(shipped[name], new[name], key if key in SCALES else name, f"{where}.{name}")


def _signed(one: Replacement) -> object:
    """The new fact carrying its signatures, where it is a single fact (a whole table carries them in its leaves)."""
    signature = (*one.by, one.on.isoformat())

    def sign(value: object) -> object:
        if isinstance(value, dict):
            signed = {key: sign(part) for key, part in value.items()}
            return {**signed, "by": signature} if {"origin", "read"} <= set(value) else signed
        if isinstance(value, list):
            return [sign(part) for part in value]
        return value

    return sign(one.fact)


def _with_value(record: dict[str, Any], keys: list[str], value: object) -> dict[str, Any]:
    head, *rest = keys
    below = record.get(head)
    return {**record, head: _with_value(below if isinstance(below, dict) else {}, rest, value) if rest else value}
