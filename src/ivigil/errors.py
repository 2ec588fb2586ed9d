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

from typing import ClassVar


class IvigilError(Exception):
    """A refusal that names where, which value, which rule and the remedy.

    Parameters
    ----------
    where
        Path of the offending item as the user wrote it, for example ``labs[0].value``.
    value
        What was received; shown with ``repr`` and never logged elsewhere.
    rule
        One sentence: what is required.
    remedy
        One sentence: what to do.
    """

    exit_code: ClassVar[int] = 4

    def __init__(self, where: str, value: object, rule: str, remedy: str) -> None:
        self.where = where
        self.value = value
        self.rule = rule
        self.remedy = remedy
        super().__init__(f"{where}: {value!r}. {rule} {remedy}")

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
