"""What a model expects at the rows of an event table: exact, in the meaning that :mod:`.event_tables` gives each row.

Resets and SS 1 begin anew, so a subject's rows fall into occasions that know nothing of each other. Within one, every
dose adds to what is there (superposition), and SS 2 adds the steady state of its dose.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ivigil.errors import BadInput
from ivigil.kinetics.changing import Changing, Stretch, stretches
from ivigil.kinetics.event_tables import RESETS, EventSubject, Evid, Row
from ivigil.kinetics.individual import Individual
from ivigil.kinetics.linear import Floats, concentrations, disposition, since_ever
from ivigil.knowledge.kinetic_models import KineticModel

#: Rows at which a level is expected.
LOOKED_AT = frozenset({Evid.OBSERVATION, Evid.OTHER})


@dataclass(frozen=True)
class Expected:
    """Total IgG (g/L) of the typical subject at one row of the table."""

    id: str
    row: Row
    igg_g_per_l: float


def expect(
    model: KineticModel, one: EventSubject, baseline_g_per_l: float | None = None
) -> tuple[tuple[Expected, ...], Individual]:
    """The expected level at every observation and other event of a subject, and whose parameters it rests on.

    Raises:
        BadInput: a route, covariate or baseline that the model lacks; a steady state of a weight that changes.
    """
    parts, made = stretches(model, one.subject, baseline_g_per_l)
    found: list[Expected] = []
    for rows in _occasions(one.rows):
        looked = [row for _, row in rows if row.evid in LOOKED_AT]
        if len(parts) == 1:
            levels = _superposed(parts[0], rows)
        else:
            levels = _carried(parts, rows)
        base = [_baseline(parts, row.day) for row in looked]
        found.extend(
            Expected(one.id, row, float(level) + own) for row, level, own in zip(looked, levels, base, strict=True)
        )
    return tuple(found), made


def _occasions(rows: tuple[Row, ...]) -> Iterator[list[tuple[int, Row]]]:
    """Rows with their places, cut where a row cancels all that was before it."""
    part: list[tuple[int, Row]] = []
    for place, row in enumerate(rows):
        if part and (row.evid in RESETS or row.ss == 1):
            yield part
            part = []
        part.append((place, row))
    yield part


def _superposed(part: Stretch, rows: list[tuple[int, Row]]) -> Floats:
    linear = disposition(part.parameters)
    places, days = _looked(rows)
    total = np.zeros(days.shape)
    for place, row in rows:
        if row.dose is None:
            continue
        below = places > place
        if row.ss:
            total += np.where(below, since_ever(linear, row.dose, row.ii_d, days), 0.0)
        else:
            total += np.where(below, concentrations(linear, (row.dose,), days), 0.0)
        more = tuple(replace(row.dose, day=day) for day in row.more_d)
        if more:
            total += np.where(below, concentrations(linear, more, days), 0.0)
    return total


def _carried(parts: tuple[Stretch, ...], rows: list[tuple[int, Row]]) -> Floats:
    """The same where the weight changes: rows of one moment are all before or all after its bolus doses."""
    steady = next((row for _, row in rows if row.ss), None)
    if steady is not None:
        raise BadInput(
            f"line {steady.line}, column SS",
            steady.ss,
            "A weight that changes has no steady state.",
            "Write the earlier doses as rows, or keep one weight.",
        )
    doses = tuple(
        replace(row.dose, day=day) for _, row in rows if row.dose is not None for day in (row.day, *row.more_d)
    )
    curve = Changing(parts, doses)
    _, days = _looked(rows)
    after = []
    for place, row in rows:
        if row.evid not in LOOKED_AT:
            continue
        own = [other < place for other, dose in rows if dose.dose is not None and dose.day == row.day]
        if len(set(own)) > 1:
            raise BadInput(
                f"line {row.line}, column TIME",
                row.day,
                "It stands between two doses of its moment, while the weight changes.",
                "Put it above or below both.",
            )
        after.append(bool(own) and own[0])
    return np.where(np.array(after, dtype=bool), curve(days), curve.before(days))


def _looked(rows: list[tuple[int, Row]]) -> tuple[NDArray[np.int64], Floats]:
    looked = [(place, row.day) for place, row in rows if row.evid in LOOKED_AT]
    return np.array([place for place, _ in looked], dtype=np.int64), np.array([day for _, day in looked], dtype=float)


def _baseline(parts: tuple[Stretch, ...], day: float) -> float:
    return [one for one in parts if one.start_d <= day][-1].parameters.baseline_g_per_l
