"""What a patient was given and what was measured: doses and levels of a forecast record."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from ivigil import written
from ivigil.errors import BadInput, ImpossibleValue, UnknownName
from ivigil.findings import Finding, Severity
from ivigil.kinetics.regimens import IMMUNOGLOBULIN, Dose, Route, dose_days
from ivigil.kinetics.subjects import Weighing, check_weighings
from ivigil.knowledge.vocabulary import LabTest
from ivigil.quantities import MG_PER_DL_IN_G_PER_L

Number = Annotated[float, BeforeValidator(lambda value: float(written.number(value)))]
Moment = Annotated[datetime, BeforeValidator(written.moment)]
Line = Annotated[str, BeforeValidator(lambda value: written.line(value) if isinstance(value, str) else value)]


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    time: Moment | None = None
    day: Number | None = None


class DoseRow(_Row):
    """One dose as recorded; ``product`` and ``lot`` are kept, not used."""

    drug: Line = IMMUNOGLOBULIN
    product: Line | None = None
    lot: Line | None = None
    route: Route
    dose_g: Number = Field(gt=0)
    duration_h: Number = Field(default=0.0, ge=0)


class LevelRow(_Row):
    """One measured IgG (g/L); with ``below_lloq`` the value is the limit of quantification."""

    igg_g_per_l: Number = Field(ge=0)
    below_lloq: bool = False
    assay: Line | None = None


@dataclass(frozen=True)
class Level:
    """One level: day, g/L, and whether it only says "below this"."""

    day: float
    igg_g_per_l: float
    below: bool


class WeightRow(_Row):
    """One weighing (kg)."""

    weight_kg: Number = Field(gt=0)


@dataclass(frozen=True)
class Treatment:
    """Doses and levels in order of time; ``zero`` is the moment of day 0 where the record has clock times.

    ``weights`` are the weighings where more than one weight counts; each holds until the next.
    ``product`` is that of the last dose, where it is recorded; ``findings`` are levels that somebody should look at again.
    """

    doses: tuple[Dose, ...]
    levels: tuple[Level, ...]
    zero: datetime | None
    weights: tuple[Weighing, ...] = ()
    product: str | None = None
    findings: tuple[Finding, ...] = ()

    def moment(self, day: float) -> datetime | float:
        """A day as the record writes times."""
        return day if self.zero is None else self.zero + timedelta(days=day)


def read_treatment(raw: Mapping[str, object], igg: LabTest) -> Treatment:
    """Doses and levels of a record.

    Args:
        raw: holds ``doses`` and, if there are any, ``levels`` and ``weights``.
        igg: the vocabulary's word for IgG, with what is possible.

    Raises:
        BadInput: no doses, rows out of order, times of both kinds, a level before the first dose.
        ImpossibleValue: a level that cannot be, with the unit that it looks like.
        UnknownName: a key that no row has.
    """
    doses = _rows(DoseRow, raw.get("doses"), "doses")
    levels = _rows(LevelRow, raw.get("levels") or [], "levels")
    weights = _rows(WeightRow, raw.get("weights") or [], "weights")
    if not doses:
        raise BadInput("doses", None, "A forecast rests on the doses given so far.", "List them under `doses`.")
    named = [(f"doses[{n}]", row) for n, row in enumerate(doses)] + [
        (f"levels[{n}]", row) for n, row in enumerate(levels)
    ]
    named += [(f"weights[{n}]", row) for n, row in enumerate(weights)]
    for where, row in named:
        if (row.time is None) == (row.day is None):
            raise BadInput(where, None, "A row has either a time or a day.", "Give one of `time` and `day`.")
    if len({row.time is None for _, row in named}) > 1:
        raise BadInput("doses, levels", None, "A record uses times or days, never both.", "Write all rows alike.")
    zero = min((row.time for row in doses if row.time is not None), default=None)
    for where, row in named:
        if row.day is not None and row.day < 0 and not isinstance(row, WeightRow):
            raise ImpossibleValue(f"{where}.day", row.day, "Days count from the first dose on.", "Count from day 0.")
    at = [_day(row, zero) for row in doses]
    _ascending(at, doses, "doses")
    found = [_day(row, zero) for row in levels]
    _ascending(found, levels, "levels")
    for number, (day, row) in enumerate(zip(found, levels, strict=True)):
        _check_level(f"levels[{number}]", row, igg)
        if day < at[0]:
            raise BadInput(
                f"levels[{number}]",
                _shown(row),
                "A level before the first recorded dose says nothing of any dose.",
                "Add the doses before it, or give it as the baseline (--baseline-igg-g-per-l).",
            )
    return Treatment(
        tuple(Dose(day, row.dose_g, row.route, row.duration_h, row.drug) for day, row in zip(at, doses, strict=True)),
        tuple(Level(day, row.igg_g_per_l, row.below_lloq) for day, row in zip(found, levels, strict=True)),
        zero,
        _weighings(weights, zero),
        doses[-1].product,
        (
            *(_unlikely(row, igg) for row in levels if _is_unlikely(row, igg)),
            *_doses_twice(doses, at),
            *_levels_twice(levels, found),
            *_while_it_ran(doses, at, levels, found),
        ),
    )


def ahead(given: Treatment, now: datetime) -> tuple[Finding, ...]:
    """Levels that lie after ``now``: nobody has measured them yet. A record of days alone has no such moment."""
    if given.zero is None:
        return ()
    late = [one for one in given.levels if given.zero + timedelta(days=one.day) > now]
    return tuple(
        Finding(
            code="level-ahead",
            severity=Severity.WARNS,
            text=f"The level of {one.igg_g_per_l:g} g/L is dated {(given.zero + timedelta(days=one.day)).isoformat(timespec='minutes')}, after now ({now.isoformat(timespec='minutes')}). It is counted as written.",
            remedy="Correct the date, its year before all, or the clock of this machine.",
        )
        for one in late
    )


def _doses_twice(rows: list[Any], at: list[float]) -> Iterator[Finding]:
    """A dose that begins with the like of it or while that still runs: one infusion, entered from two places."""
    for number, (before, row) in enumerate(itertools.pairwise(rows)):
        alike = all(getattr(before, key) == getattr(row, key) for key in ("drug", "product", "lot", "route", "dose_g"))
        running = row.route is Route.IV and at[number + 1] < at[number] + dose_days(before.duration_h)
        if alike and (at[number + 1] == at[number] or running):
            yield Finding(
                code="dose-twice",
                severity=Severity.WARNS,
                text=f"doses[{number + 1}] at {_shown(row)} is the same as the row above it ({row.dose_g:g} g at {_shown(before)}) and begins with it or while it runs. Both are counted.",
                remedy="Leave one out; if both were given, write one row with the sum, or each with its lot.",
            )


def _levels_twice(rows: list[Any], at: list[float]) -> Iterator[Finding]:
    """The same result on two rows: it counts as two measurements, and the bands are narrower than they should be."""
    for number, (before, row) in enumerate(itertools.pairwise(rows)):
        alike = all(getattr(before, key) == getattr(row, key) for key in ("igg_g_per_l", "below_lloq", "assay"))
        if alike and at[number + 1] == at[number]:
            yield Finding(
                code="level-twice",
                severity=Severity.WARNS,
                text=f"levels[{number + 1}] is the same as the row above it ({row.igg_g_per_l:g} g/L at {_shown(row)}). It counts as two measurements, so the bands are narrower than one result allows.",
                remedy="Leave one out.",
            )


def _while_it_ran(doses: list[Any], given: list[float], levels: list[Any], taken: list[float]) -> Iterator[Finding]:
    """A level dated into an infusion: the sample is seldom drawn then, the time of a result is often written so."""
    for day, row in zip(taken, levels, strict=True):
        for start, dose in zip(given, doses, strict=True):
            if dose.route is Route.IV and start < day < start + dose_days(dose.duration_h):
                yield Finding(
                    code="level-during-infusion",
                    severity=Severity.WARNS,
                    text=f"By the times recorded, the level of {row.igg_g_per_l:g} g/L at {_shown(row)} was taken while the infusion of {dose.dose_g:g} g that began at {_shown(dose)} still ran. It is counted so.",
                    remedy="Compare the time at which the sample was drawn; a trough is drawn before the infusion.",
                )


def _is_unlikely(row: LevelRow, igg: LabTest) -> bool:
    return igg.likely is not None and row.igg_g_per_l > float(igg.likely[1])


def _unlikely(row: LevelRow, igg: LabTest) -> Finding:
    most = igg.likely[1] if igg.likely else ""
    return Finding(
        code="level-unlikely",
        severity=Severity.WARNS,
        text=f"The level of {row.igg_g_per_l:g} g/L at {_shown(row)} is above the likely {most} g/L. Is it {row.igg_g_per_l:g} {igg.looks_like}, that is {row.igg_g_per_l / MG_PER_DL_IN_G_PER_L:g} g/L?",
        remedy="Compare with the report's unit, and with the hours since the last infusion.",
    )


def _weighings(rows: list[Any], zero: datetime | None) -> tuple[Weighing, ...]:
    """Weighings by day; one before the first dose has a day below zero."""
    found = tuple(Weighing(_day(row, zero), row.weight_kg) for row in rows)
    check_weighings(found)
    return found


def _rows(model: type[Any], raw: object, key: str) -> list[Any]:
    if not isinstance(raw, Sequence) or isinstance(raw, str):
        if raw is None:
            return []
        raise BadInput(key, type(raw).__name__, "It must be a list.", "Write [ {…}, {…} ].")
    found = []
    for number, row in enumerate(raw):
        try:
            found.append(model.model_validate(row))
        except ValidationError as problem:
            first = problem.errors()[0]
            where = f"{key}[{number}]" + "".join(f".{part}" for part in first["loc"] if part not in {"function-before"})
            value = first["input"] if not isinstance(first["input"], Mapping) else None
            reason = first.get("ctx", {}).get("error")
            if first["type"] == "extra_forbidden":
                keys = ", ".join(model.model_fields)
                raise UnknownName(where, None, "No such key.", f"The keys are {keys}.") from problem
            if isinstance(reason, written.NotReadable):
                raise BadInput(where, value, reason.rule, reason.remedy) from problem
            raise BadInput(
                where, value, f"{first['msg']}.", "Correct it; docs/reference/kinetics.md shows how."
            ) from problem
    return found


def _day(row: _Row, zero: datetime | None) -> float:
    if row.time is None or zero is None:
        assert row.day is not None
        return row.day
    return (row.time - zero) / timedelta(days=1)


def _shown(row: _Row) -> object:
    return row.day if row.time is None else row.time.isoformat()


def _ascending(days: list[float], rows: list[Any], key: str) -> None:
    for number, (before, after) in enumerate(itertools.pairwise(days)):
        if after < before:
            raise BadInput(
                f"{key}[{number + 1}]",
                _shown(rows[number + 1]),
                f"It lies before the row above it ({_shown(rows[number])}).",
                "Write the rows in order of time.",
            )


def _check_level(where: str, row: LevelRow, igg: LabTest) -> None:
    value = row.igg_g_per_l
    if row.below_lloq and not value:
        raise ImpossibleValue(
            f"{where}.igg_g_per_l", value, "Below quantification, the value is the assay's limit.", "Give that limit."
        )
    if igg.possible is not None and not float(igg.possible[0]) <= value <= float(igg.possible[1]):
        raise ImpossibleValue(
            f"{where}.igg_g_per_l",
            value,
            f"IgG lies between {igg.possible[0]} and {igg.possible[1]} g/L; this looks like {igg.looks_like}.",
            "Divide by 100 if the laboratory printed mg/dL.",
        )
