"""Regimens: what is given when, in words and as objects.

The words, one part after another::

    part   = [DRUG] ROUTE AMOUNT [in N daily doses] [once | every N d|wk] [over N h|min] [from day N] [until day N]
             [without dose N]… [dose N late by N d]…
    text   = part [, then part]…
    ROUTE  = iv | sc | facilitated sc
    AMOUNT = NUMBER g | g/kg | mg/kg

``every`` goes on until the next part begins, or until the day given (that day excluded). Without ``over`` a dose is
instantaneous, as in the published encodings. What can be read in two ways is refused.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from ivigil import written
from ivigil.errors import BadInput, ImpossibleValue
from ivigil.quantities import DAYS_PER_WEEK, HOURS_PER_DAY, MG_PER_G, MIN_PER_H


class Route(StrEnum):
    """How a dose enters the body."""

    IV = "iv"
    SC = "sc"
    FACILITATED_SC = "facilitated_sc"


#: A weight (kg), or the weight of each day, or none that is known.
Weight = float | Callable[[float], float | None] | None

#: No regimen or table has more doses than this; a slip in an interval would fill the memory.
MOST_DOSES = 100_000

#: The drug of a regimen that names none.
IMMUNOGLOBULIN = "immunoglobulin"


@dataclass(frozen=True)
class Dose:
    """One dose: day, grams (after any weight), route, hours of infusion (0: instantaneous), drug."""

    day: float
    amount_g: float
    route: Route
    over_h: float = 0.0
    drug: str = IMMUNOGLOBULIN

    def __post_init__(self) -> None:
        for name, value in (("day", self.day), ("amount_g", self.amount_g), ("over_h", self.over_h)):
            if not math.isfinite(value) or value < 0:
                raise ImpossibleValue(f"dose.{name}", value, "It must be a number that is not negative.", "Correct it.")
        if self.amount_g == 0:
            raise ImpossibleValue("dose.amount_g", 0, "A dose has an amount.", "Leave out a dose that was not given.")


@dataclass(frozen=True)
class Part:
    """One part of a regimen.

    ``amount`` is grams, or grams per kg where ``per_kg``; it is the whole of a course, which ``doses`` days share.
    ``every_d`` None means once. ``until_day`` is excluded. ``missed`` are numbers of courses (from 1) that are left out,
    ``late_d`` days by which one comes late.
    """

    amount: float
    per_kg: bool
    route: Route
    drug: str = IMMUNOGLOBULIN
    doses: int = 1
    every_d: float | None = None
    over_h: float = 0.0
    from_day: float = 0.0
    until_day: float | None = None
    missed: frozenset[int] = frozenset()
    late_d: dict[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, value in (("amount", self.amount), ("every", self.every_d)):
            if value is not None and (not math.isfinite(value) or value <= 0):
                raise ImpossibleValue(f"regimen.{name}", value, "It must be a number above zero.", "Correct it.")
        if self.doses < 1:
            raise ImpossibleValue("regimen.doses", self.doses, "A course has at least one dose.", "Correct it.")
        if self.every_d is not None and self.doses > self.every_d:
            raise ImpossibleValue(
                "regimen",
                f"{self.doses} daily doses every {self.every_d:g} d",
                "A course must be over before the next begins.",
                "Give fewer daily doses or a longer interval.",
            )
        between = 1.0 if self.doses > 1 else self.every_d
        if between is not None and dose_days(self.over_h) > between:
            raise ImpossibleValue(
                "regimen",
                f"over {self.over_h:g} h",
                f"An infusion ends before the next begins, {between:g} d later.",
                "Give a shorter infusion or a longer interval.",
            )
        if self.until_day is not None and self.until_day <= self.from_day:
            raise BadInput(
                "regimen", f"until day {self.until_day:g}", "The part ends before it gives a dose.", "Give a later day."
            )
        self._check_exceptions()

    def _check_exceptions(self) -> None:
        """Courses that are left out or late exist, and a late one is begun before the next."""
        for number in sorted(self.missed | self.late_d.keys()):
            if number < 1 or not self._begins(number) < (math.inf if self.until_day is None else self.until_day):
                raise BadInput("regimen", f"dose {number}", "The part has no such dose.", "Count the doses from 1.")
            if number in self.missed and number in self.late_d:
                raise BadInput("regimen", f"dose {number}", "It is left out and late.", "Keep one.")
        for number, late in self.late_d.items():
            after = number + 1
            while after in self.missed:
                after += 1
            following = self._begins(after) + self.late_d.get(after, 0.0)
            if not self._begins(number) + late + self.doses - 1 < following:
                raise BadInput(
                    "regimen",
                    f"dose {number} late by {late:g} d",
                    "It comes with the next one or after it.",
                    "Write it as left out, or give a shorter delay.",
                )

    def _begins(self, number: int) -> float:
        """The day on which a course is due; a part given once has one only."""
        if self.every_d is None:
            return self.from_day if number == 1 else math.inf
        return self.from_day + (number - 1) * self.every_d

    def grams(self, weight_kg: float | None) -> float:
        """Grams of one dose.

        Raises:
            BadInput: an amount per kg without a weight.
        """
        if not self.per_kg:
            return self.amount / self.doses
        if weight_kg is None:
            raise BadInput(
                "subject.weight_kg",
                None,
                "The regimen counts grams per kg.",
                "Give weight_kg (and dosing_weight_kg where another weight is dosed).",
            )
        return self.amount * weight_kg / self.doses

    def starts(self, end_day: float) -> Iterator[tuple[int, float]]:
        """Number and first day of each course that begins before ``end_day``, missed ones left out."""
        end = end_day if self.until_day is None else min(end_day, self.until_day)
        number, day = 1, self.from_day
        while day < end:
            if number not in self.missed:
                yield number, day + self.late_d.get(number, 0.0)
            number += 1
            day = self._begins(number)

    def check_until(self, end_day: float) -> None:
        """Refuse what has no end, and exceptions of courses that are not given before ``end_day``.

        Raises:
            BadInput: a dose that is left out or late, and is due on that day or later.
            ImpossibleValue: more than :data:`MOST_DOSES`.
        """
        courses = 1.0 if self.every_d is None else max(end_day - self.from_day, 0.0) / self.every_d
        if not courses * self.doses <= MOST_DOSES:
            raise ImpossibleValue(
                "regimen",
                f"{courses * self.doses:.3g} doses",
                f"A regimen has at most {MOST_DOSES} doses.",
                "Give a longer interval or fewer days.",
            )
        for number in sorted(self.missed | self.late_d.keys()):
            if self._begins(number) >= end_day:
                raise BadInput(
                    "regimen",
                    f"dose {number}",
                    f"It is not due before day {end_day:g}, so leaving it out or giving it late changes nothing.",
                    "Leave these words out, or look at more days.",
                )

    def given(self, weight_kg: Weight, end_day: float) -> Iterator[Dose]:
        """Every dose that begins before ``end_day``; where the weight changes, each counts the weight of its day."""
        for _, day in self.starts(end_day):
            for offset in range(self.doses):
                if day + offset < end_day:
                    weight = weight_kg(day + offset) if callable(weight_kg) else weight_kg
                    yield Dose(day + offset, self.grams(weight), self.route, self.over_h, self.drug)


@dataclass(frozen=True)
class Regimen:
    """Parts in order of their first day."""

    parts: tuple[Part, ...]

    def __post_init__(self) -> None:
        if not self.parts:
            raise BadInput("regimen", None, "A regimen has at least one part.", "Write one, or simulate no doses.")
        for before, after in itertools.pairwise(self.parts):
            if before.until_day is not None and before.until_day > after.from_day > before.from_day:
                raise BadInput(
                    "regimen",
                    f"until day {before.until_day:g}",
                    f"The next part begins before, on day {after.from_day:g}, and both say what is given until then.",
                    "Correct one of the two days, or leave the `until` out.",
                )
            if after.from_day <= before.from_day:
                raise BadInput(
                    "regimen",
                    f"from day {after.from_day:g}",
                    "Each part begins later than the one before.",
                    "Give the day on which the later part begins.",
                )

    def doses(self, weight_kg: Weight, end_day: float) -> tuple[Dose, ...]:
        """Every dose before ``end_day`` in order of time; a part lasts until the next begins.

        Raises:
            BadInput: words that change nothing before ``end_day``: a part without a dose, a dose that is left out or late
                after it; or a course that the next part cuts short.
            ImpossibleValue: more than :data:`MOST_DOSES`.
        """
        found: list[Dose] = []
        for number, part in enumerate(self.parts):
            following = self.parts[number + 1].from_day if number + 1 < len(self.parts) else math.inf
            part.check_until(min(end_day, following))
            if following < end_day and any(
                day + part.doses - 1 >= following for _, day in part.starts(min(end_day, following))
            ):
                raise BadInput(
                    "regimen",
                    f"from day {following:g}",
                    "The next part begins before the last course of this one is over.",
                    "End the part with `until day N`, or begin the next one later.",
                )
            given = tuple(part.given(weight_kg, min(end_day, following)))
            if not given:
                raise BadInput(
                    "regimen",
                    f"from day {part.from_day:g}",
                    f"The part gives no dose before day {min(end_day, following):g}.",
                    "Leave it out, or look at more days.",
                )
            found.extend(given)
        return tuple(sorted(found, key=lambda dose: dose.day))

    @property
    def routes(self) -> frozenset[Route]:
        """All routes used."""
        return frozenset(part.route for part in self.parts)

    @property
    def drugs(self) -> frozenset[str]:
        """All drugs given."""
        return frozenset(part.drug for part in self.parts)


# ---- words

_T = TypeVar("_T")
_NUMBER = r"([0-9]+(?:\.[0-9]+)?)"
_WHOLE = r"([0-9]+)"
#: A phrase of a part and what it sets; each may stand once, except those about single doses.
_PHRASES: dict[str, re.Pattern[str]] = {
    "doses": re.compile(rf"in {_WHOLE} daily doses"),
    "once": re.compile(r"once"),
    "every": re.compile(rf"every {_NUMBER} ?(days|day|d|weeks|week|wk|w)"),
    "over": re.compile(rf"over {_NUMBER} ?(hours|hour|h|minutes|min)"),
    "from": re.compile(rf"from day {_NUMBER}"),
    "until": re.compile(rf"until day {_NUMBER}"),
    "missed": re.compile(rf"without dose {_WHOLE}"),
    "late": re.compile(rf"dose {_WHOLE} late by {_NUMBER} ?(?:days|day|d)"),
}
_REPEATABLE = frozenset({"missed", "late"})
_HEAD = re.compile(
    rf"(?:(?!facilitated )([a-z][a-z0-9-]*) )?(facilitated sc|iv|sc) {_NUMBER} ?(g/kg|mg/kg|g|mg)(?= |$)"
)
_HOW = "Write for example `iv 0.4 g/kg every 28 d` or `sc 8 g every 7 d`."
_GRAMS = {"g": 1.0, "g/kg": 1.0, "mg/kg": 1.0 / MG_PER_G, "mg": 1.0 / MG_PER_G}


def read_regimen(text: str) -> Regimen:
    """A regimen from words; see the module's head for the grammar.

    Raises:
        BadInput: words that are not in the grammar, or that leave open what is given when.
        ImpossibleValue: a number that cannot be.
    """
    if not text.isascii() or len(text) > written.MAX_TEXT:
        raise BadInput(
            "regimen",
            text,
            f"A regimen has plain letters, the digits 0 to 9 and at most {written.MAX_TEXT} characters.",
            _HOW,
        )
    words = " ".join(text.lower().split())
    parts = [_part(one.strip(), text) for one in re.split(r", ?then ", words)]
    if len(parts) > 1:
        for one in re.split(r", ?then ", words)[1:]:
            if " from day " not in f" {one}":
                raise BadInput("regimen", one, "A part after `then` says from which day.", "Add `from day N`.")
    return Regimen(tuple(parts))


def _part(words: str, whole: str) -> Part:
    head = _HEAD.match(words)
    if head is None:
        raise BadInput("regimen", whole, "A part begins with route, amount and unit (g, g/kg or mg/kg).", _HOW)
    drug, route, amount, unit = head.groups()
    found = _phrases(words[head.end() :].strip(), whole)
    if "once" in found and "every" in found:
        raise BadInput("regimen", whole, "Once and every exclude each other.", "Keep one.")
    if not {"once", "every", "doses"} & found.keys():
        raise BadInput(
            "regimen", whole, "A part says whether it is given once or how often.", "Add `once` or `every 28 d`."
        )
    every = found.get("every")
    over = found.get("over")
    until = found.get("until")
    return Part(
        amount=_number(amount) * _GRAMS[unit],
        per_kg=unit.endswith("/kg"),
        route=Route(route.replace(" ", "_")),
        drug=drug or IMMUNOGLOBULIN,
        doses=_whole(found["doses"][0][0]) if "doses" in found else 1,
        every_d=None if every is None else _number(every[0][0]) * (DAYS_PER_WEEK if every[0][1].startswith("w") else 1),
        over_h=0.0 if over is None else _number(over[0][0]) / (MIN_PER_H if over[0][1].startswith("m") else 1),
        from_day=_number(found["from"][0][0]) if "from" in found else 0.0,
        until_day=None if until is None else _number(until[0][0]),
        missed=frozenset(_each_once(_whole(one[0]) for one in found.get("missed", ()))),
        late_d=dict(
            zip(
                _each_once(_whole(number) for number, _ in found.get("late", ())),
                (_number(days) for _, days in found.get("late", ())),
                strict=True,
            )
        ),
    )


def _number(text: str) -> float:
    return float(_read(written.number_in_text, text))


def _whole(text: str) -> int:
    return _read(written.whole_in_text, text)


def _read(how: Callable[[str], _T], text: str) -> _T:
    try:
        return how(text)
    except written.NotReadable as problem:
        raise BadInput("regimen", text, problem.rule, problem.remedy) from problem


def _each_once(numbers: Iterable[int]) -> list[int]:
    """Numbers of doses of which the words speak: of two that are said one would be dropped unseen."""
    found = list(numbers)
    for number in found:
        if found.count(number) > 1:
            raise BadInput("regimen", f"dose {number}", "It is said twice in one part.", "Keep one.")
    return found


def _phrases(rest: str, whole: str) -> dict[str, list[tuple[str, ...]]]:
    found: dict[str, list[tuple[str, ...]]] = {}
    while rest:
        for name, pattern in _PHRASES.items():
            match = pattern.match(rest)
            if match and (match.end() == len(rest) or rest[match.end()] == " "):
                if name in found and name not in _REPEATABLE:
                    raise BadInput("regimen", match.group(), "It stands twice in one part.", "Keep one.")
                found.setdefault(name, []).append(match.groups())
                rest = rest[match.end() :].strip()
                break
        else:
            raise BadInput("regimen", whole, f"`{rest}` cannot be read.", _HOW)
    return found


def dose_days(over_h: float) -> float:
    """Days of so many hours."""
    return over_h / HOURS_PER_DAY
