"""Curves and populations as polars frames. Whoever wants a file writes them; this room writes none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ivigil.kinetics.population import CHUNK, Drawn, Percentiles, Schedule, levels

#: Rows of one frame of levels; subjects are drawn in chunks that fit it.
ROWS = 2_000_000


def chunk_of(plan: Schedule) -> int:
    """How many subjects to draw at once so that a frame of their levels has at most :data:`ROWS` rows."""
    return max(1, min(CHUNK, ROWS // plan.outputs))


def level_schema(*, people: bool = False) -> dict[str, pl.DataType]:
    """The columns of :func:`level_frames`: subject from 0, day, total IgG (g/L), and what each person is."""
    columns: dict[str, pl.DataType] = {"subject": pl.UInt32(), "day": pl.Float64(), "igg_g_per_l": pl.Float32()}
    if people:
        columns |= {"sex": pl.String(), "age_years": pl.Float32(), "weight_kg": pl.Float32(), "height_cm": pl.Float32()}
    return columns


def level_frames(chunks: Iterable[tuple[Drawn, NDArray[np.int64]]], plan: Schedule) -> Iterator[pl.DataFrame]:
    """One frame a chunk: every subject at every day, in the columns of :func:`level_schema`.

    The level of a day is that just before any dose of its moment.
    """
    for chunk, _ in chunks:
        size, crowd = len(chunk.parameters), chunk.people
        columns: dict[str, object] = {
            "subject": np.repeat(np.arange(chunk.first, chunk.first + size, dtype=np.uint32), plan.outputs),
            "day": np.tile(plan.days, size),
            "igg_g_per_l": levels(chunk, plan).reshape(-1),
        }
        if crowd is not None:
            columns["sex"] = pl.Series(np.where(crowd.female, "female", "male")).gather(
                np.repeat(np.arange(size), plan.outputs)
            )
            for name in ("age_years", "weight_kg", "height_cm"):
                columns[name] = np.repeat(getattr(crowd, name).astype(np.float32), plan.outputs)
        yield pl.DataFrame(columns, schema=level_schema(people=crowd is not None))


def percentile_frame(found: Percentiles) -> pl.DataFrame:
    """Percentiles by day: ``day``, ``mean`` and a column ``p5``, ``p50``… for each (g/L)."""
    columns = {f"p{percent:g}": values for percent, values in found.levels.items()}
    return pl.DataFrame({"day": found.days, "mean": found.mean, **columns})


def curve_frame(
    days: Sequence[float], igg_g_per_l: Sequence[float], response: Sequence[float] | None = None
) -> pl.DataFrame:
    """A curve: ``day``, ``igg_g_per_l`` (g/L) and ``response`` if there is one."""
    columns = {"day": days, "igg_g_per_l": igg_g_per_l}
    return pl.DataFrame(columns if response is None else columns | {"response": response})
