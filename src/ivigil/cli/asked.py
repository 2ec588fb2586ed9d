"""Numbers of the command line, read as strictly as those of a record, and held against what is possible."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from ivigil import written
from ivigil.errors import BadInput

if TYPE_CHECKING:
    from ivigil.kinetics.plausible import Plausible
    from ivigil.knowledge.loading import Knowledge

T = TypeVar("T")

#: The digits of 2^64 - 1.
SEED_DIGITS = 20


def as_written(read: Callable[[str], T], option: str, text: str | None) -> T | None:
    """What an option says, by one of the readers of :mod:`ivigil.written`."""
    if text is None:
        return None
    try:
        return read(text)
    except written.NotReadable as problem:
        raise BadInput(option, text, problem.rule, problem.remedy) from problem


def number(option: str, text: str | None) -> float | None:
    """A number of an option: ASCII digits and one decimal point."""
    found = as_written(written.number_in_text, option, text)
    return None if found is None else float(found)


def whole(option: str, text: str) -> int:
    """A whole number of an option: ASCII digits only."""
    found = as_written(written.whole_in_text, option, text)
    assert found is not None
    return found


def seed(text: str) -> int:
    """A seed: a whole number of up to 64 bits, larger than a number of a record may be; the room that uses it says if it fits."""
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= SEED_DIGITS):
        raise BadInput(
            "--seed", text, "A seed is a whole number from 0 to 2^64 - 1.", "Write the digits 0 to 9 and nothing else."
        )
    return int(text)


def plausible(knowledge: Knowledge) -> Plausible:
    """The limits that kinetics is held to."""
    from ivigil.kinetics.plausible import Plausible

    return Plausible(knowledge.policies.plausibility, knowledge.vocabulary.labs)
