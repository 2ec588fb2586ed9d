"""The protocol that rules at the chair: the shipped one, with a site's overlay, or a site's whole file."""

from __future__ import annotations

import contextlib
import tomllib
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from ivigil.cli.opening import BYTE_ORDER_MARK, today
from ivigil.errors import BadInput, BadKnowledge, IvigilError
from ivigil.infusion.protocols import CHOOSES, SHOWS_THE_FORM, check_protocol, faults, more_than_read
from ivigil.infusion.site_protocol import looser
from ivigil.knowledge.checks import CheckRow, Weight, check, in_order
from ivigil.knowledge.loading import LARGEST_FILE, Knowledge
from ivigil.knowledge.overlay import person
from ivigil.knowledge.protocol import Protocol

SHIPPED_PROTOCOL = "ivigil"
PEOPLE = 2


def chair_protocol(path: Path | None, knowledge: Knowledge) -> Protocol:
    """The protocol that rules.

    Args:
        path: a site's whole file; None: the shipped protocol, with the overlay if there is one.
        knowledge: the facts that are loaded.

    Raises:
        BadKnowledge: the first thing in it that does not hold.
        BadInput: the file cannot be read.
    """
    if path is None:  # an overlay's lines were checked when the facts were opened
        return knowledge.protocol(SHIPPED_PROTOCOL)
    made, wrong = site_protocol(path, knowledge)
    if wrong:
        raise wrong[0]
    return made


def overlay_problems(knowledge: Knowledge) -> list[BadKnowledge]:
    """Where an overlay's lines make the protocol give way: they are held to the same rules as a whole file."""
    if knowledge.overlay_fingerprint is None:
        return []
    made, shipped = knowledge.protocol(SHIPPED_PROTOCOL), Knowledge().protocol(SHIPPED_PROTOCOL)
    return [] if made == shipped else _given_way(made, shipped, knowledge, f"protocol/{SHIPPED_PROTOCOL}.toml")


def every_check(knowledge: Knowledge, day: date) -> tuple[CheckRow, ...]:
    """Everything that is checked of the facts, with what an overlay does to the protocol at the chair."""
    rows = list(check(knowledge, day))
    with contextlib.suppress(IvigilError):  # what cannot be read is one of the rows already
        rows += [
            CheckRow(
                one.where, Weight.ERROR, one.rule if one.value is None else f"{one.rule} It is {one.value}.", one.remedy
            )
            for one in overlay_problems(knowledge)
        ]
    return in_order(rows)


def site_protocol(path: Path, knowledge: Knowledge) -> tuple[Protocol, list[BadKnowledge]]:
    """A site's whole protocol, and everything in it that does not hold beside the shipped one.

    It carries ``by`` (two people) and ``on``, and an id and a name of its own, so that a record says which ruled; only an
    exact copy of the shipped one needs neither.

    Raises:
        BadKnowledge: its form does not hold.
        BadInput: the file cannot be read.
    """
    raw = _read(path)
    by, on = raw.pop("by", ()), raw.pop("on", None)
    made = check_protocol(raw, path.name, knowledge.vocabulary.reactions, knowledge.source)
    shipped = Knowledge().protocol(SHIPPED_PROTOCOL)
    if made == shipped:
        return made, []
    wrong = _given_way(made, shipped, knowledge, path.name)
    return made, wrong or [*_unsigned(by, on, path.name), *_under_our_name(made, shipped, path.name)]


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as stream:
            content = stream.read(LARGEST_FILE + 1)
    except (OSError, ValueError) as problem:
        why = getattr(problem, "strerror", None) or problem
        raise BadInput("--protocol", str(path), "The file must be readable.", f"Check the path: {why}.") from problem
    if len(content) > LARGEST_FILE:
        raise BadInput("--protocol", str(path), "No protocol is this large.", "Name the TOML file of one protocol.")
    if content.startswith(BYTE_ORDER_MARK.encode()):
        raise BadKnowledge(
            str(path),
            "a byte order mark",
            "A protocol begins with its first line, after no hidden sign.",
            "Save it as UTF-8 without a byte order mark (BOM).",
        )
    try:
        return tomllib.loads(content.decode("utf-8"), parse_float=Decimal)
    except (ValueError, RecursionError) as problem:
        raise BadKnowledge(str(path), None, "A protocol is TOML in UTF-8.", f"Mend it: {problem}.") from problem


def _given_way(made: Protocol, shipped: Protocol, knowledge: Knowledge, file: str) -> list[BadKnowledge]:
    rows: list[tuple[str, str | None, str, str]] = [
        (where, None, rule, SHOWS_THE_FORM) for where, rule in faults(made, knowledge.vocabulary.reactions)
    ]
    if not rows:  # only what has its form can be set beside the shipped one
        rows += [(where, _at(made, where), rule, CHOOSES) for where, rule in more_than_read(made, shipped)]
        rows += [(one.where, one.value, one.rule, one.remedy) for one in looser(made, shipped)]
    return [BadKnowledge(f"{file}: {where}", value, rule, remedy) for where, value, rule, remedy in rows]


def _at(made: Protocol, where: str) -> str | None:
    """The figures that stand at a place, for the reader of an error."""
    part: Any = made
    for key in where.split("."):
        part = part.get(key) if isinstance(part, dict) else getattr(part, key, None)
    if part is None:
        return None
    told = part.model_dump(exclude_none=True, exclude_defaults=True, exclude={"src", "place", "note", "origin", "read"})
    return ", ".join(f"{key} {value}" for key, value in told.items() if isinstance(value, int | Decimal)) or None


def _unsigned(by: object, on: object, file: str) -> list[BadKnowledge]:
    names = by if isinstance(by, list | tuple) and all(isinstance(name, str) for name in by) else ()
    wrong = []
    try:
        people = {person(name, f"{file}: by") for name in names} - {""}
    except BadKnowledge as problem:
        return [problem]
    if len(people) < PEOPLE:
        wrong.append(
            BadKnowledge(
                f"{file}: by",
                ", ".join(names) or None,
                "A site's protocol is read and signed by 2 different people, as every line of first aid is.",
                'Write their names first in the file: by = ["A. Pharmacist", "B. Prescriber"].',
            )
        )
    if type(on) is not date or on > today():
        wrong.append(
            BadKnowledge(
                f"{file}: on",
                None if on is None else f'"{on}"' if isinstance(on, str) else str(on),
                "It says on which day it was signed; never one to come.",
                "Write it so, first in the file, without quotes and without a time: on = 2026-11-20.",
            )
        )
    return wrong


def _under_our_name(made: Protocol, shipped: Protocol, file: str) -> list[BadKnowledge]:
    """A changed protocol under the shipped name would be taken for the shipped one in every record."""
    return [
        BadKnowledge(
            f"{file}: {key}",
            getattr(made, key),
            "It is not the shipped protocol, and the record says which ruled.",
            "Give it an id and a name of your own.",
        )
        for key in ("id", "name")
        if getattr(made, key).strip().casefold() == getattr(shipped, key).casefold()
    ]
