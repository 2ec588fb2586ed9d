"""What a source prints about a dose can be given as printed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ivigil.knowledge.checks.rows import CheckRow, Located, error
from ivigil.knowledge.regimens import Regimen


def doses_add_up(records: Iterable[Located]) -> Iterator[CheckRow]:
    """What a source prints about a dose can be given as printed; what one record can see by itself it refuses."""
    for where, one in records:
        if isinstance(one, Regimen):
            for wrong in _wrong_in(one):
                yield error(where, wrong, "Compare with the source.")


def _wrong_in(regimen: Regimen) -> Iterator[str]:
    low = regimen.interval_days_min
    if low is not None and regimen.days_max > low:
        yield f"A course of up to {regimen.days_max} days does not fit into an interval of {low} days."
    daily, whole = regimen.max_g_per_kg_day, regimen.g_per_kg_max
    if daily is not None and whole is not None and daily * regimen.days_max < whole:
        yield f"At most {daily} g/kg a day over {regimen.days_max} days never reaches {whole} g/kg."
