"""Treatments and regimens as event tables, so exact that reading one back gives the same doses and levels."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from decimal import Decimal, localcontext

from ivigil.errors import BadInput
from ivigil.kinetics.event_tables import (
    COLUMNS,
    COVARIATES,
    HOURS,
    PER_G_PER_L,
    PER_GRAM,
    EventSubject,
    Evid,
    Layout,
    Row,
)
from ivigil.kinetics.regimens import IMMUNOGLOBULIN, MOST_DOSES, Dose, Regimen, Route
from ivigil.kinetics.subjects import Subject
from ivigil.kinetics.treatment import Treatment
from ivigil.quantities import HOURS_PER_DAY

#: Digits of a written rate: so many that dividing by it gives back the duration exactly.
RATE_DIGITS = 20
#: Rows of one moment: what changes, what is looked at, what is given.
ORDER = {Evid.OTHER: 0, Evid.OBSERVATION: 1, Evid.DOSE: 2}


def events_of(name: str, treatment: Treatment, subject: Subject, at_d: Iterable[float] = ()) -> EventSubject:
    """A treatment as the rows of a table; ``at_d`` are days at which a prediction is wanted.

    Levels stand above a dose of their moment. Equal doses at equal intervals become one row with ADDL and II. Where the
    weight changes, a row of its own (EVID 2) marks the day.

    Raises:
        BadInput: a drug that is not immunoglobulin.
    """
    for dose in treatment.doses:
        if dose.drug != IMMUNOGLOBULIN:
            raise BadInput("doses", dose.drug, "A table has one drug, immunoglobulin.", "Leave other drugs out.")
    looked = [(level.day, level) for level in treatment.levels] + [(day, None) for day in at_d]
    rows = [Row(0, day, Evid.OBSERVATION, level=level) for day, level in looked]
    rows += [Row(0, each.day, Evid.OTHER) for each in subject.weights]
    rows += _packed(treatment.doses, frozenset(day for day, _ in looked))
    return EventSubject(name, subject, tuple(sorted(rows, key=lambda row: (row.day, ORDER[row.evid]))))


def events_of_regimen(
    name: str, regimen: Regimen, subject: Subject, days: float, every_d: float | None = None
) -> EventSubject:
    """A regimen from day 0 to ``days``, with a place for a prediction every ``every_d`` days."""
    if not 0 < days < math.inf or (every_d is not None and not 0 < every_d <= days):
        raise BadInput("--days", days, "Days and the step between predictions are above zero.", "Correct them.")
    if every_d is not None and days / every_d > MOST_DOSES:
        raise BadInput("--every-days", every_d, f"A table has at most {MOST_DOSES} such rows.", "Give a longer step.")
    doses = regimen.doses(lambda day: subject.dosing_weight_kg or subject.at(day).weight_kg, days)
    at = () if every_d is None else tuple(number * every_d for number in range(math.floor(days / every_d) + 1))
    return events_of(name, Treatment(doses, (), None), subject, at)


def _packed(doses: tuple[Dose, ...], looked: frozenset[float]) -> Iterator[Row]:
    """Runs of equal doses at equal intervals; a bolus dose at the moment of an observation keeps a row of its own."""
    left = list(doses)
    while left:
        first, rest = left[0], left[1:]
        run: list[float] = []
        step = Decimal(0)
        for dose in rest:
            if replace(dose, day=first.day) != first or (not dose.over_h and dose.day in looked):
                break
            step = step or Decimal(repr(dose.day)) - Decimal(repr(first.day))
            if not step or float(Decimal(repr(first.day)) + (len(run) + 1) * step) != dose.day:
                break
            run.append(dose.day)
        yield Row(0, first.day, Evid.DOSE, dose=first, ii_d=float(step) if run else 0.0, more_d=tuple(run))
        left = rest[len(run) :]


# ---- writing


def write_events(subjects: Iterable[EventSubject], layout: Layout) -> str:
    """The table as comma-separated text. Reading it in the same layout gives the same subjects back.

    Raises:
        BadInput: a route without a compartment, or a sex without a code.
    """
    every = tuple(subjects)
    below = any(row.level is not None and row.level.below for one in every for row in one.rows)
    held = {key for one in every for key in one.subject.given} | {"weight_kg" for one in every if one.subject.weights}
    names = [name for name in COLUMNS if name != "CENS" or below]
    names += [column for column, key in COVARIATES.items() if key in held]
    lines = [",".join(names)]
    for one in every:
        if "," in one.id or one.id.split() != [one.id]:
            raise BadInput("ID", one.id, "An ID of a table has no comma and no blank.", "Give another one.")
        for row in one.rows:
            cells = _written(one, row, layout)
            lines.append(",".join(cells[name] for name in names))
    return "\n".join(lines) + "\n"


def _written(one: EventSubject, row: Row, layout: Layout) -> dict[str, str]:
    cells = dict.fromkeys((*COLUMNS, *COVARIATES), ".")
    cells |= {"ID": one.id, "TIME": _time(row.day, layout), "EVID": str(row.evid.value), "CENS": "0"}
    cells |= {"MDV": "1" if row.level is None else "0", "CMT": "0"}
    if row.evid is Evid.OBSERVATION:
        cells["CMT"] = str(layout.number_of(Route.IV))
    if row.level is not None:
        cells["DV"] = _plain(Decimal(repr(row.level.igg_g_per_l)) * PER_G_PER_L[layout.level])
        cells["CENS"] = str(int(row.level.below))
    if row.dose is not None:
        amount = Decimal(repr(row.dose.amount_g)) * PER_GRAM[layout.amount]
        cells |= {"AMT": _plain(amount), "RATE": "0", "CMT": str(layout.number_of(row.dose.route)), "SS": str(row.ss)}
        cells |= {"II": _time(row.ii_d, layout), "ADDL": str(len(row.more_d))}
        if row.dose.over_h:
            with localcontext(prec=RATE_DIGITS):
                cells["RATE"] = _plain(amount * HOURS[layout.time] / Decimal(repr(row.dose.over_h)))
    about = one.subject.at(row.day)
    for column, key in COVARIATES.items():
        value = getattr(about, key)
        if value is not None:
            cells[column] = _covariate_text(column, value, layout)
    return cells


def _covariate_text(column: str, value: object, layout: Layout) -> str:
    if column == "SEX":
        for code, sex in layout.sexes.items():
            if sex == value:
                return code
        raise BadInput("--sex", str(value), "The layout has no code for it.", "Give --sex 0=male,1=female.")
    return str(int(value)) if isinstance(value, bool) else _plain(Decimal(repr(value)))


def _time(day: float, layout: Layout) -> str:
    return _plain(Decimal(repr(day)) * HOURS_PER_DAY / HOURS[layout.time])


def _plain(value: Decimal) -> str:
    """A number without exponent and without trailing zeros."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
