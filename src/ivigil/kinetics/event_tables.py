"""Event tables in NONMEM layout: doses, levels and covariates of several subjects, as text.

The columns and what they mean are those of PREDPP (NONMEM Users Guide VI, chapter V, and the help pages on EVID, SS, ADDL,
II and MDV at nonmem.iconplc.com); where mrgsolve or rxode2 read a table otherwise, the table says it in one way only, or is
refused:

* Units, compartments and the codes of SEX are said by the caller (:class:`Layout`); a table does not hold them.
* EVID 0 is an observation (MDV 1: a place at which a prediction is wanted), 1 a dose, 2 another event (a covariate
  changes), 3 a reset (amounts to zero, infusions and pending additional doses cancelled), 4 a reset with a dose.
* RATE above 0 is an infusion of AMT/RATE; -1 and -2 (rate or duration of the model) are refused. The infusion of a dose
  under the skin lasts AMT/RATE as the pump does; NONMEM would shorten it by the bioavailability.
* ADDL doses follow every II. SS 1 sets the amounts to the steady state of the dose and cancels what was before, SS 2 adds
  that steady state to what is there. SS 3, a constant infusion since ever (II 0), and a negative ADDL are refused.
* An observation on the row above a dose of its moment is before it, one on the row below after it. An additional
  dose into the central compartment at the very moment of an observation has no row, and programs order the two
  differently: it is refused (mrgsolve's ``recsort``).
* WT may change from row to row; each weight holds from its row on (last observation carried forward, as rxode2 does by
  default; NONMEM and mrgsolve's ``nocb`` carry the next one backward). No other covariate may change.
"""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal, localcontext
from enum import IntEnum, StrEnum
from typing import Any, cast

from ivigil import written
from ivigil.errors import BadInput
from ivigil.kinetics.body_size import Sex
from ivigil.kinetics.regimens import MOST_DOSES, Dose, Route
from ivigil.kinetics.subjects import Subject, Weighing
from ivigil.kinetics.treatment import Level, Treatment
from ivigil.quantities import HOURS_PER_DAY, MG_PER_DL_IN_G_PER_L, MG_PER_G


class TimeUnit(StrEnum):
    """What TIME and II count."""

    DAYS = "days"
    HOURS = "hours"


class AmountUnit(StrEnum):
    """What AMT counts, and RATE by unit of time."""

    G = "g"
    MG = "mg"


class LevelUnit(StrEnum):
    """What DV of an observation counts."""

    G_PER_L = "g/L"
    MG_PER_DL = "mg/dL"


HOURS = {TimeUnit.DAYS: HOURS_PER_DAY, TimeUnit.HOURS: 1}
PER_GRAM = {AmountUnit.G: 1, AmountUnit.MG: MG_PER_G}
PER_G_PER_L = {LevelUnit.G_PER_L: 1, LevelUnit.MG_PER_DL: MG_PER_DL_IN_G_PER_L}


class Evid(IntEnum):
    """The kind of a row."""

    OBSERVATION = 0
    DOSE = 1
    OTHER = 2
    RESET = 3
    RESET_AND_DOSE = 4


DOSES = frozenset({Evid.DOSE, Evid.RESET_AND_DOSE})
RESETS = frozenset({Evid.RESET, Evid.RESET_AND_DOSE})

#: Columns in the order in which they are written; those below without which a table is not read.
COLUMNS = ("ID", "TIME", "AMT", "RATE", "II", "ADDL", "SS", "EVID", "CMT", "DV", "MDV", "CENS")
NEEDED = ("ID", "TIME", "AMT", "EVID", "CMT")
#: Of these a row that is no dose holds nothing.
OF_DOSES = ("AMT", "RATE", "II", "ADDL", "SS")
#: A covariate column and the subject's key; each in the unit of that key, SEX by the caller's codes, SID 0 or 1.
COVARIATES = {
    "WT": "weight_kg",
    "DWT": "dosing_weight_kg",
    "HT": "height_cm",
    "AGE": "age_years",
    "SEX": "sex",
    "IGM": "igm_g_per_l",
    "SID": "secondary_deficiency",
}
#: Items of PREDPP that change what a row means.
NOT_READ = {"PCMT": "a compartment of its own to predict", "CALL": "calls of its own", "CONT": "continued records"}
MISSING = frozenset({".", ""})
COMMENT = "#"
#: Digits of the conversions; a float has 17.
WORKING_DIGITS = 40
_PLAIN = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")


@dataclass(frozen=True)
class Layout:
    """What a table does not say of itself.

    ``compartments`` is the route by which a dose into a compartment of this number goes, for example
    ``{1: Route.SC, 2: Route.IV}`` for a depot and a central compartment; observations are of the one for IV.
    ``sexes`` are the codes of SEX, ``drop`` the columns that are passed over.
    """

    time: TimeUnit
    amount: AmountUnit
    level: LevelUnit
    compartments: Mapping[int, Route]
    sexes: Mapping[str, Sex] = field(default_factory=dict)
    drop: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if len(set(self.compartments.values())) != len(self.compartments) or any(n < 1 for n in self.compartments):
            raise BadInput(
                "--cmt", None, "Compartments count from 1, and each has a route of its own.", "Write 1=sc,2=iv."
            )

    @property
    def central(self) -> int | None:
        """The compartment of IV doses and of observations."""
        return next((number for number, route in self.compartments.items() if route is Route.IV), None)

    def number_of(self, route: Route) -> int:
        """The compartment of a route.

        Raises:
            BadInput: the layout has none for it.
        """
        for number, known in self.compartments.items():
            if known is route:
                return number
        raise BadInput("--cmt", route.value, "The layout names no compartment for this route.", f"Add N={route.value}.")


@dataclass(frozen=True)
class Row:
    """One event of a subject. ``more_d`` are the days of the additional doses, ``level`` None where none was measured."""

    line: int
    day: float
    evid: Evid
    dose: Dose | None = None
    ii_d: float = 0.0
    more_d: tuple[float, ...] = ()
    ss: int = 0
    level: Level | None = None


@dataclass(frozen=True)
class EventSubject:
    """One subject of a table: who it is and what happened, in the order of the rows."""

    id: str
    subject: Subject
    rows: tuple[Row, ...]


# ---- reading


@dataclass(frozen=True)
class _Cells:
    """One line of a table, by column."""

    line: int
    texts: Mapping[str, str]
    layout: Layout

    def bad(self, column: str, rule: str, remedy: str) -> BadInput:
        """What is wrong with a cell."""
        return BadInput(f"line {self.line}, column {column}", self.texts.get(column), rule, remedy)

    def missing(self, column: str) -> bool:
        """Whether a column is not there or holds no value."""
        return self.texts.get(column, ".") in MISSING

    def number(self, column: str) -> Decimal:
        """A number; missing is 0, as in NONMEM."""
        if self.missing(column):
            return Decimal(0)
        text = self.texts[column]
        if not _PLAIN.fullmatch(text):
            raise self.bad(
                column, "This is not a number.", "Write digits with a decimal point, or . for a missing one."
            )
        try:
            return written.number(Decimal(text))
        except written.NotReadable as problem:
            raise self.bad(column, problem.rule, problem.remedy) from problem

    def whole(self, column: str) -> int:
        """A whole number; missing is 0."""
        found = self.number(column)
        if found != found.to_integral_value():
            raise self.bad(column, "It must be a whole number.", "Correct it.")
        return int(found)

    def days(self, column: str) -> Decimal:
        """A time in days."""
        with localcontext(prec=WORKING_DIGITS):
            return self.number(column) * HOURS[self.layout.time] / HOURS_PER_DAY


def read_events(text: str, layout: Layout) -> tuple[EventSubject, ...]:
    """The subjects of a table: comma-separated where its header holds a comma, else by blanks; ``.`` is missing.

    Raises:
        BadInput: names line, column, value, rule and remedy.
    """
    found: dict[str, EventSubject] = {}
    for name, together in itertools.groupby(_lines(text, layout), key=_named):
        lines = tuple(together)
        if name in found:
            raise lines[0].bad("ID", "The rows of a subject stand together.", "Sort by ID, or give another ID.")
        found[name] = _subject(name, lines)
    if not found:
        raise BadInput("table", None, "It holds no row.", "Write a header and at least one row.")
    return tuple(found.values())


def _lines(text: str, layout: Layout) -> Iterator[_Cells]:
    written_lines = [
        (number, line.strip())
        for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), start=1)
        if line.strip() and not line.lstrip().startswith(COMMENT)
    ]
    if not written_lines:
        return
    number, header = written_lines[0]
    commas = "," in header
    names = [name.upper() for name in _cells(header, commas)]
    _check_header(number, names, layout)
    for number, line in written_lines[1:]:
        cells = _cells(line, commas)
        if len(cells) != len(names):
            raise BadInput(
                f"line {number}", len(cells), f"The header has {len(names)} columns.", "Write . for a missing value."
            )
        yield _Cells(number, dict(zip(names, cells, strict=True)), layout)


def _cells(line: str, commas: bool) -> list[str]:
    return [cell.strip() for cell in next(csv.reader([line]))] if commas else line.split()


def _check_header(line: int, names: Sequence[str], layout: Layout) -> None:
    for name in names:
        where = f"line {line}, column {name}"
        if names.count(name) > 1:
            raise BadInput(where, name, "A column stands once.", "Remove the one that is wrong.")
        if name in NOT_READ:
            raise BadInput(where, name, f"It asks for {NOT_READ[name]}, which is not done.", "Take the column out.")
        if name not in {*COLUMNS, *COVARIATES, *layout.drop}:
            known = ", ".join((*COLUMNS, *COVARIATES))
            raise BadInput(where, name, f"No such column; known are {known}.", "Drop it (--drop), or rename it.")
    for name in NEEDED:
        if name not in names:
            raise BadInput(f"line {line}", ", ".join(names), f"A table needs the column {name}.", "Add it.")
    if "SEX" in names and not layout.sexes:
        raise BadInput(
            "--sex", None, "The table holds SEX, and does not say which code is which.", "Give --sex 0=male,1=female."
        )
    if (strange := layout.drop & {*NEEDED}) or (strange := layout.drop & {*COLUMNS}):
        raise BadInput("--drop", ", ".join(sorted(strange)), "An item of the events cannot be dropped.", "Keep it.")


def _named(cells: _Cells) -> str:
    if cells.missing("ID"):
        raise cells.bad("ID", "Every row belongs to a subject.", "Write its ID.")
    return cells.texts["ID"]


def _subject(name: str, lines: tuple[_Cells, ...]) -> EventSubject:
    rows: list[Row] = []
    doses = 0
    for cells in lines:
        row = _row(cells)
        doses += len(row.more_d) + (row.dose is not None)
        if doses > MOST_DOSES:
            raise cells.bad("ADDL", f"A subject has at most {MOST_DOSES} doses.", "Correct ADDL.")
        if rows and row.day < rows[-1].day and row.evid not in RESETS:
            raise cells.bad(
                "TIME", f"It lies before the row above it ({lines[len(rows) - 1].texts['TIME']}).", "Sort the rows."
            )
        rows.append(row)
    _check_moments(lines, rows)
    return EventSubject(name, _covariates(lines, rows), tuple(rows))


def _row(cells: _Cells) -> Row:
    if cells.missing("TIME"):
        raise cells.bad("TIME", "Every row has a time.", "Write it.")
    if cells.missing("EVID"):
        raise cells.bad("EVID", "Every row says what it is.", "Write 0 for an observation, 1 for a dose.")
    day, kind = cells.days("TIME"), cells.whole("EVID")
    if day < 0:
        raise cells.bad("TIME", "It must not be negative.", "Count from the first event.")
    if kind not in set(Evid):
        raise cells.bad("EVID", "It is 0, 1, 2, 3 or 4.", "Correct it; other kinds of events are not read.")
    evid = Evid(kind)
    if evid in DOSES:
        return _dose(cells, day, evid)
    for column in OF_DOSES:
        if cells.number(column):
            raise cells.bad(column, f"A row with EVID {kind} holds no dose.", "Write 0 or ., or make it EVID 1.")
    if evid is not Evid.OBSERVATION:
        _not_measured(cells, evid)
        return Row(cells.line, float(day), evid)
    return Row(cells.line, float(day), evid, level=_level(cells, float(day)))


def _dose(cells: _Cells, day: Decimal, evid: Evid) -> Row:
    _not_measured(cells, evid)
    amount, rate = cells.number("AMT"), cells.number("RATE")
    ii, addl, ss = cells.days("II"), cells.whole("ADDL"), cells.whole("SS")
    if amount <= 0:
        raise cells.bad(
            "AMT", "A dose has an amount above zero.", "Correct it, or leave out a dose that was not given."
        )
    if rate < 0:
        raise cells.bad(
            "RATE",
            "A rate or duration that a model would estimate is not known here.",
            "Write the rate, or 0 for a bolus.",
        )
    if ss not in {0, 1, 2}:
        raise cells.bad("SS", "It is 0, 1 or 2.", "Correct it.")
    if addl < 0:
        raise cells.bad("ADDL", "A steady state reached by counting doses is not done.", "Say SS 1 with II.")
    if ii < 0 or (not ii and (addl or ss)):
        raise cells.bad("II", "Additional and steady-state doses need an interval above zero.", "Write it.")
    if ii and not addl and not ss:
        raise cells.bad("II", "An interval without ADDL or SS repeats nothing.", "Write 0, or how many follow (ADDL).")
    if addl > MOST_DOSES:
        raise cells.bad("ADDL", f"A subject has at most {MOST_DOSES} doses.", "Correct it.")
    route = cells.layout.compartments.get(cells.whole("CMT"))
    if route is None:
        known = ", ".join(f"{number} ({one.value})" for number, one in sorted(cells.layout.compartments.items()))
        raise cells.bad("CMT", f"A dose goes into one of the compartments {known}.", "Correct it, or name it (--cmt).")
    with localcontext(prec=WORKING_DIGITS):
        grams = float(amount / PER_GRAM[cells.layout.amount])
        over_h = float(amount / rate * HOURS[cells.layout.time]) if rate else 0.0
    return Row(
        cells.line,
        float(day),
        evid,
        dose=Dose(float(day), grams, route, over_h),
        ii_d=float(ii),
        more_d=tuple(float(day + number * ii) for number in range(1, addl + 1)),
        ss=ss,
    )


def _not_measured(cells: _Cells, evid: Evid) -> None:
    if "MDV" in cells.texts and cells.whole("MDV") != 1:
        raise cells.bad("MDV", f"A row with EVID {evid.value} measures nothing: its MDV is 1.", "Write 1.")
    if cells.whole("CENS"):
        raise cells.bad("CENS", f"A row with EVID {evid.value} measures nothing.", "Write 0.")


def _level(cells: _Cells, day: float) -> Level | None:
    number = cells.whole("CMT")
    if number and number != cells.layout.central:
        raise cells.bad("CMT", f"Only compartment {cells.layout.central} is observed.", "Correct it, or write 0.")
    mdv, cens = cells.whole("MDV"), cells.whole("CENS")
    if mdv not in {0, 1}:
        raise cells.bad("MDV", "It is 0 or 1.", "Correct it.")
    if cens not in {0, 1}:
        raise cells.bad("CENS", "It is 0 or 1: 1 where DV is the limit of quantification.", "Correct it.")
    if mdv:
        return None
    if cells.missing("DV"):
        raise cells.bad(
            "DV", "NONMEM reads a missing level as zero.", "Write the level, or MDV 1 where none was measured."
        )
    value = cells.number("DV")
    if value < 0 or (cens and not value):
        raise cells.bad("DV", "A level is not negative, and a limit of quantification is above zero.", "Correct it.")
    return Level(day, float(value / PER_G_PER_L[cells.layout.level]), bool(cens))


def _check_moments(lines: tuple[_Cells, ...], rows: list[Row]) -> None:
    """Refuse an observation of which nobody can say whether an additional bolus dose of its moment comes before it."""
    pending: set[float] = set()
    for cells, row in zip(lines, rows, strict=True):
        if row.evid in RESETS or row.ss == 1:
            pending.clear()
        if row.dose is not None and row.dose.route is Route.IV and not row.dose.over_h:
            pending.update(row.more_d)
        if row.evid is Evid.OBSERVATION and row.day in pending:
            raise cells.bad(
                "TIME",
                "An additional dose (ADDL) falls on this very moment, and programs differ in which comes first.",
                "Write that dose as a row of its own above or below this one, or give it a RATE.",
            )


def _covariates(lines: tuple[_Cells, ...], rows: list[Row]) -> Subject:
    values: dict[str, object] = {}
    for column, key in COVARIATES.items():
        seen = [(cells, row.day, _covariate(cells, column)) for cells, row in zip(lines, rows, strict=True)]
        known = [one for one in seen if one[2] is not None]
        changes = [
            (cells, day, value)
            for (cells, day, value), before in zip(known, [None, *(v for _, _, v in known)], strict=False)
            if value != before
        ]
        if len(changes) > 1 and column != "WT":
            raise changes[1][0].bad(
                column,
                "Only the weight may change from row to row.",
                "Carry the first value through the subject's rows.",
            )
        if len(changes) > 1:
            if any(later.day < earlier.day for earlier, later in itertools.pairwise(rows)):
                raise changes[1][0].bad(
                    column,
                    "Time goes back at a reset, so no day says which weight holds.",
                    "Give each part its own ID.",
                )
            values["weights"] = _weighings(changes)
        elif changes:
            values[key] = changes[0][2]
    return Subject(**cast("Any", values))


def _weighings(changes: list[tuple[_Cells, float, object]]) -> tuple[Weighing, ...]:
    for (_, before, _), (cells, day, _) in itertools.pairwise(changes):
        if day <= before:
            raise cells.bad("WT", "Two weights of one moment.", "Keep the one that holds from here on.")
    return tuple(Weighing(day, float(str(value))) for _, day, value in changes)


def _covariate(cells: _Cells, column: str) -> object:
    if cells.missing(column):
        return None
    if column == "SEX":
        code = cells.texts[column]
        if code not in cells.layout.sexes:
            known = ", ".join(f"{key}={value}" for key, value in cells.layout.sexes.items())
            raise cells.bad(column, f"The codes are {known}.", "Correct it, or say what it means (--sex).")
        return cells.layout.sexes[code]
    if column == "SID":
        flag = cells.whole(column)
        if flag not in {0, 1}:
            raise cells.bad(column, "It is 0 or 1.", "Correct it.")
        return bool(flag)
    value = cells.number(column)
    if value <= 0:
        raise cells.bad(column, "It must be above zero.", "Correct it, or write . where it is not known.")
    return float(value)


# ---- what a forecast counts


def treatment_of(one: EventSubject) -> Treatment:
    """The doses and levels of a subject as a forecast counts them, additional doses written out.

    Raises:
        BadInput: steady state or a reset, which stand for doses that nobody recorded, or a level after a dose of its moment.
    """
    doses: list[Dose] = []
    levels: list[Level] = []
    boluses: set[float] = set()
    for row in one.rows:
        where = f"line {row.line}"
        if row.ss:
            raise BadInput(
                f"{where}, column SS",
                row.ss,
                "A forecast counts doses that were given; a steady state stands for doses since ever.",
                "Write the doses of the last half year as rows.",
            )
        if row.evid in RESETS and row is not one.rows[0]:
            raise BadInput(
                f"{where}, column EVID", row.evid.value, "A patient is not reset.", "Give each part its own ID."
            )
        if row.dose is not None:
            doses.extend(replace(row.dose, day=day) for day in (row.day, *row.more_d))
            if row.dose.route is Route.IV and not row.dose.over_h:
                boluses.add(row.day)
        if row.level is not None:
            if row.day in boluses:
                raise BadInput(
                    f"{where}, column TIME",
                    row.day,
                    "The level stands after a bolus dose of its moment; a forecast takes it for a trough.",
                    "Give it the time at which it was taken, or write it above the dose.",
                )
            levels.append(row.level)
    return Treatment(tuple(sorted(doses, key=lambda dose: dose.day)), tuple(levels), None, one.subject.weights)


def record_of(one: EventSubject) -> dict[str, object]:
    """A forecast record of a subject: doses and levels by day, weighings, and the covariates that a record holds."""
    made = treatment_of(one)
    about = one.subject
    record: dict[str, object] = {"ref": one.id}
    for key in ("sex", "age_years", "height_cm", "secondary_deficiency", "igm_g_per_l"):
        if getattr(about, key) is not None:
            record[key] = getattr(about, key)
    if about.dosing_weight_kg is not None:
        raise BadInput(
            "DWT", about.dosing_weight_kg, "A forecast counts grams; no record holds it.", "Drop it (--drop)."
        )
    weights = about.weights or (() if about.weight_kg is None else (Weighing(one.rows[0].day, about.weight_kg),))
    if weights:
        record["weights"] = [{"day": each.day, "weight_kg": each.weight_kg} for each in weights]
    record["doses"] = [
        {"day": dose.day, "route": dose.route.value, "dose_g": dose.amount_g, "duration_h": dose.over_h}
        for dose in made.doses
    ]
    record["levels"] = [
        {"day": level.day, "igg_g_per_l": level.igg_g_per_l, "below_lloq": level.below} for level in made.levels
    ]
    return record
