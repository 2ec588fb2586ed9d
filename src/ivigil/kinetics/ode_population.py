"""Populations of the FcRn antagonist: subjects drawn as for the linear models, integrated in blocks, counted in bins."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numba import prange
from numpy.typing import NDArray

from ivigil.kinetics import kernels, ode, ode_lanes
from ivigil.kinetics.antagonist import rest
from ivigil.kinetics.compiling import compiled
from ivigil.quantities import MG_PER_G

if TYPE_CHECKING:
    from ivigil.kinetics.population import Schedule

Floats = NDArray[np.float64]

#: Subjects whose states are held at once.
BLOCK = 4096


def igg(parameters: Floats, scale: Floats, plan: Schedule) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Total IgG (g/L) just before any dose of each output's moment, block by block: first subject, (subjects, outputs).

    Raises:
        ImpossibleValue: a subject's equations could not be solved; nobody is left out in silence.
    """
    days = plan.days
    given = ode.events(plan.dose_d, plan.dose_g, plan.dose_over_d, plan.start_d, float(days[-1]))
    for first in range(0, len(parameters), BLOCK):
        own = parameters[first : first + BLOCK]
        out = np.empty((days.size, len(own)), np.float32)
        status = np.empty(len(own), np.int64)
        ode_lanes.igg(
            own,
            rest(own),
            MG_PER_G * scale[first : first + BLOCK],
            given.mark_d,
            given.bolus_g,
            given.flow_g_per_d,
            days,
            *ode.QUICK,
            ode.MOST_STEPS,
            out,
            status,
        )
        ode.refuse_failed(status)
        yield first, out.T


def histogram(parameters: Floats, scale: Floats, plan: Schedule, counts: NDArray[np.uint32], sums: Floats) -> None:
    """Counts of total IgG by output and bin (outputs, bins), and its sums (outputs), as the linear kernels count."""
    for _, levels in igg(parameters, scale, plan):
        _count(np.ascontiguousarray(levels.T), counts, sums)


@compiled(parallel=True)
def _count(levels, counts, sums):  # noqa: ANN001, ANN202 - compiled
    bits = levels.view(np.int32)
    for output in prange(levels.shape[0]):
        total = 0.0
        for subject in range(levels.shape[1]):
            total += levels[output, subject]
            place = (bits[output, subject] >> kernels._SHIFT) - kernels._BIAS
            counts[output, min(max(place, 0), kernels.BINS - 1)] += 1
        sums[output] += total
