"""Rates for a use no label prints: the strictest of what the same product's label prints for its own uses."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from ivigil.knowledge.facts import Interval, Minutes, Rate
from ivigil.knowledge.products import Label, RateTable


def strictest_rates(label: Label, concentration: str, concentration_g_per_ml: Decimal) -> RateTable | None:
    """Lowest start, longest hold, longest interval and lowest maximum over a label's uses; None if it prints none."""
    tables = [use.rates[concentration] for use in label.uses.values() if concentration in use.rates]
    if not tables:
        return None
    return RateTable(
        start=_lowest((table.start for table in tables), concentration_g_per_ml),
        start_hold=_longest_hold(table.start_hold for table in tables),
        interval=_longest_interval(table.interval for table in tables),
        max=_lowest(
            (
                limit
                for table in tables
                for limit in (table.max, *(tier for tier in table.tiers if tier.after_infusions == 0))
            ),
            concentration_g_per_ml,
        ),
    )


def _lowest(rates: Iterable[Rate], concentration_g_per_ml: Decimal) -> Rate:
    return min(rates, key=lambda rate: rate.ml_per_kg_h_at(concentration_g_per_ml))


def _longest_hold(holds: Iterable[Minutes | None]) -> Minutes | None:
    return max((hold for hold in holds if hold is not None), key=lambda hold: hold.min, default=None)


def _longest_interval(intervals: Iterable[Interval | None]) -> Interval | None:
    return max((one for one in intervals if one is not None), key=lambda one: one.max_min, default=None)
