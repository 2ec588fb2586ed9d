"""Every exception that ivigil raises on purpose, in one tree.

    IvigilError                 something ivigil refuses, with the way out
    ├── UsageError              the command or call itself is off               (exit 2)
    └── BadInput                what was handed in cannot be used as it is      (exit 4)
        ├── ImpossibleValue     a value outside what can exist
        ├── UnknownName         an id, key or term that is not in the vocabulary
        ├── BadKnowledge        a fact file or overlay that breaks its own rules
        └── Blocked             a plan that blocks was handed in to be used (exit 3)

A finding that stops a plan is not an exception: it is a result (see :mod:`ivigil.findings`). Anything raised outside
this tree is our fault (exit 1).
"""

from __future__ import annotations

import unicodedata
from typing import ClassVar, Final

MAX_SHOWN: Final = 200


#: Controls, format signs (zero width, direction), private and unassigned numbers, line and paragraph separators.
HIDDEN_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
#: Signs that Unicode counts as letters, marks or symbols and that draw nothing: joiners, fillers, blank Braille.
BLANK: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
#: Variation selectors, which draw nothing either.
SELECTORS: Final = (range(0x180B, 0x1810), range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0))


def is_hidden(character: str) -> bool:
    """Whether a screen or a sheet would obey a character instead of showing it, or cannot show it."""
    if character.isascii():
        return not character.isprintable()
    return (
        unicodedata.category(character) in HIDDEN_CATEGORIES
        or character in BLANK
        or any(ord(character) in row for row in SELECTORS)
    )


def visible(text: str) -> str:
    """A text in which every hidden character is spelled out."""
    if text.isascii() and text.isprintable():  # as nearly always
        return text
    return "".join(f"\\u{ord(one):04x}" if is_hidden(one) else one for one in text)


def _shown(value: object) -> object:
    """What was received, short and visible: it may be anything, and goes to a terminal."""
    if value is None or isinstance(value, bool | int | float):
        return value
    text = value if isinstance(value, str) else repr(value)
    return visible(text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}… ({len(text)} characters)")


class IvigilError(Exception):
    """A refusal that names where, which value, which rule and the remedy.

    Parameters
    ----------
    where
        Path of the offending item as the user wrote it, for example ``labs[0].value``.
    value
        What was received; kept short and visible, and never logged elsewhere.
    rule
        One sentence: what is required.
    remedy
        One sentence: what to do.
    """

    exit_code: ClassVar[int] = 4

    def __init__(self, where: str, value: object, rule: str, remedy: str) -> None:
        self.where = visible(where)
        self.value = _shown(value)
        self.rule = "\n".join(map(visible, rule.split("\n")))
        self.remedy = visible(remedy)
        super().__init__(f"{self.where}: {self.value!r}. {self.rule} {self.remedy}")

    def as_json(self) -> dict[str, dict[str, object]]:
        """The error in the shape that ``--json`` prints: ``{error: {where, value, rule, remedy}}``."""
        value = self.value if isinstance(self.value, str | int | float | bool | None) else repr(self.value)
        return {"error": {"where": self.where, "value": value, "rule": self.rule, "remedy": self.remedy}}


class UsageError(IvigilError):
    """The command line or the call does not say what is needed."""

    exit_code = 2


class BadInput(IvigilError):
    """What was handed in cannot be used as it is; nothing was repaired."""


class ImpossibleValue(BadInput):
    """A value outside what can exist, for example a negative weight."""


class UnknownName(BadInput):
    """An id, key or term that the vocabulary does not hold."""


class BadKnowledge(BadInput):
    """A fact file or an overlay that breaks the rules facts keep."""


class Blocked(BadInput):
    """A plan in which something still blocks was handed in to be signed or used."""

    exit_code = 3
