"""Prediction-corrected visual predictive check: observed percentiles beside those that the model would give.

Levels in a bin are brought to the bin's median prediction, pcY = Y × PRED(bin) / PRED, so that doses and covariates that
differ within it do not blur the picture (Bergstrand M et al. AAPS J 2011;13:143-51, equation 1 with a lower bound).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from ivigil.errors import BadInput

Floats = NDArray[np.float64]

PERCENTS = (5.0, 50.0, 95.0)
#: The interval in which the model's own percentiles lie: 95 %.
INTERVAL = (2.5, 97.5)


class VpcBin(BaseModel):
    """One bin: median time (days), levels in it, and per percentile (5, 50, 95) the observed and the model's interval."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    day: float
    levels: int
    observed: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]

    @property
    def outside(self) -> int:
        """How many of the observed percentiles lie outside their interval."""
        return sum(not low <= one <= high for one, low, high in zip(self.observed, self.low, self.high, strict=True))


class Vpc(BaseModel):
    """The check: bins in order of time, and the corrected levels with their days."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bins: tuple[VpcBin, ...]
    days: tuple[float, ...]
    corrected: tuple[float, ...]

    @property
    def outside(self) -> int:
        """Observed percentiles outside the model's interval; one in twenty is expected."""
        return sum(one.outside for one in self.bins)

    @property
    def percentiles(self) -> int:
        """All observed percentiles."""
        return len(self.bins) * len(PERCENTS)


def corrected(values: Floats, predicted: Floats, bins: NDArray[np.int64], lower_bound: float = 0.0) -> Floats:
    """Levels brought to the median prediction of their bin; ``values`` is (…, n), the others (n,).

    Raises:
        BadInput: a prediction that is not above the lower bound.
    """
    if not (predicted > lower_bound).all():
        raise BadInput(
            "predicted",
            float(predicted.min()),
            f"A correction divides by predictions above {lower_bound:g} g/L.",
            "Leave out levels before any IgG is predicted.",
        )
    middle = np.empty(predicted.size)
    for one in np.unique(bins):
        middle[bins == one] = np.median(predicted[bins == one])
    return np.asarray(lower_bound + (values - lower_bound) * (middle - lower_bound) / (predicted - lower_bound))


def predictive_check(
    days: Floats, observed: Floats, predicted: Floats, simulated: Floats, bins: NDArray[np.int64]
) -> Vpc:
    """The prediction-corrected check.

    Args:
        days: when each level was taken, shape (n,).
        observed: levels (g/L), shape (n,).
        predicted: the model's typical prediction of each (no variability), shape (n,).
        simulated: levels of the same design under the model, shape (K, n).
        bins: the bin of each level, shape (n,), see :func:`by_time`.

    Raises:
        BadInput: shapes that do not belong together, or a prediction that is not above 0.
    """
    if {observed.shape, predicted.shape, bins.shape, simulated.shape[1:]} != {days.shape}:
        raise BadInput(
            "simulated", f"{simulated.shape}", f"Every array holds one value a level ({days.size}).", "Make them alike."
        )
    own, copies = corrected(observed, predicted, bins), corrected(simulated, predicted, bins)
    rows = []
    for one in np.unique(bins):
        inside = bins == one
        ends = np.percentile(np.percentile(copies[:, inside], PERCENTS, axis=1), INTERVAL, axis=1)
        rows.append(
            VpcBin(
                day=float(np.median(days[inside])),
                levels=int(inside.sum()),
                observed=tuple(np.percentile(own[inside], PERCENTS).tolist()),
                low=tuple(ends[0].tolist()),
                high=tuple(ends[1].tolist()),
            )
        )
    rows.sort(key=lambda row: row.day)
    return Vpc(bins=tuple(rows), days=tuple(days.tolist()), corrected=tuple(own.tolist()))


def by_time(days: Floats, edges: Floats) -> NDArray[np.int64]:
    """The bin of each day: 0 before the first of the rising ``edges``, and so on."""
    return np.asarray(np.searchsorted(edges, days, side="right"), dtype=np.int64)
