"""Rates for a use no label prints: at every minute the slowest of what the same product's label prints for its own uses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal

from ivigil.knowledge.facts import Rate
from ivigil.knowledge.products import Label, RateTable
from ivigil.prescription.schedule import Ladder, Rung


def labelled_tables(label: Label, concentration: str) -> tuple[RateTable, ...]:
    """What the label prints about rates at one concentration, use by use."""
    return tuple(use.rates[concentration] for use in label.uses.values() if concentration in use.rates)


def strictest_rates(tables: Sequence[RateTable], concentration_g_per_ml: Decimal) -> RateTable | None:
    """Lowest start and lowest maximum over a label's uses, the facts that permit; None if it prints none."""
    if not tables:
        return None
    return RateTable(
        start=_lowest((table.start for table in tables), concentration_g_per_ml),
        max=_lowest(
            (
                limit
                for table in tables
                for limit in (table.max, *(tier for tier in table.tiers if tier.after_infusions == 0))
            ),
            concentration_g_per_ml,
        ),
    )


def slowest(ladders: Sequence[Ladder]) -> Ladder:
    """One ladder that at no minute runs faster than any of those given; it rises no sooner than their longest hold.

    A single ladder stands as it is, with the steps or increments that the label prints.
    """
    if len({ladder.rungs for ladder in ladders}) == 1:
        return ladders[0]
    timed = [tuple(_timed(ladder)) for ladder in ladders]
    rises: list[tuple[int, Rung]] = []
    for minute in sorted({start for rungs in timed for start, _ in rungs}):
        rung = min((_at(rungs, minute) for rungs in timed), key=lambda one: one.rate_ml_per_kg_h)
        if not rises or rung.rate_ml_per_kg_h > rises[-1][1].rate_ml_per_kg_h:
            rises.append((minute, rung))
    first_hold = _longest(ladder.rungs[:1] for ladder in ladders)
    later_hold = _longest(ladder.rungs[1:] for ladder in ladders)
    rungs, minute = [], 0
    for number, (_, rung) in enumerate(rises[:-1]):
        rises_at = max(rises[number + 1][0], minute + (later_hold if number else first_hold))
        rungs.append(_held(rung, rises_at - minute))
        minute = rises_at
    caps = [ladder.risk_cap for ladder in ladders if ladder.risk_cap is not None]
    return Ladder(
        ladders[0].pattern,
        (*rungs, replace(rises[-1][1], hold_min=None)),
        min(caps, key=lambda cap: cap.rate_ml_per_kg_h, default=None),
    )


def _timed(ladder: Ladder) -> Iterator[tuple[int, Rung]]:
    """Each rung with the minute at which it begins."""
    minute = 0
    for rung in ladder.rungs:
        yield minute, rung
        if rung.hold_min is None:
            return
        minute += rung.hold_min


def _at(timed: Sequence[tuple[int, Rung]], minute: int) -> Rung:
    return [rung for start, rung in timed if start <= minute][-1]


def _longest(rungs: Iterable[Sequence[Rung]]) -> int:
    return max((rung.hold_min for some in rungs for rung in some if rung.hold_min is not None), default=0)


def _held(rung: Rung, hold_min: int) -> Rung:
    return rung if hold_min == rung.hold_min else replace(rung, hold_min=hold_min, hold_basis="policy")


def _lowest(rates: Iterable[Rate], concentration_g_per_ml: Decimal) -> Rate:
    return min(rates, key=lambda rate: rate.ml_per_kg_h_at(concentration_g_per_ml))
