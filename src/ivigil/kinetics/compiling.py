"""How functions are compiled: kept on disk, and made anew when any compiled source changes.

numba keeps a function's machine code beside its source and looks only at that one file's age. A function that holds
another one from another file would go on computing with the old one after that file changed. Here everything that is
compiled in one folder shares one stamp of the contents of all its sources.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from numba import njit

#: What marks a source whose functions may stand inside another's machine code.
MARK = b"@compiled"


def compiled(**options: Any) -> Callable[[Callable[..., Any]], Any]:  # noqa: ANN401 - numba's own options and dispatcher
    """A function compiled at its first call, without Python's lock, and kept on disk for the next process.

    Args:
        options: numba's (``parallel``, ``inline``, …).
    """

    def decorate(function: Callable[..., Any]) -> Any:  # noqa: ANN401
        made = njit(cache=True, nogil=True, **options)(function)
        kept = getattr(made._cache, "_cache_file", None)  # None: no place to keep anything
        if kept is not None:
            kept._source_stamp = stamp(Path(function.__code__.co_filename).parent)
        return made

    return decorate


@lru_cache
def stamp(folder: Path) -> str:
    """sha256 over every compiled source of a folder."""
    found = hashlib.sha256()
    for path in sorted(folder.glob("*.py")):
        text = path.read_bytes()
        if MARK in text:
            found.update(path.name.encode() + b"\0" + hashlib.sha256(text).digest())
    return found.hexdigest()


def prepare() -> int:
    """Compile whatever a forecast, a profile and a population need, once and for the next process; how many functions.

    What is compiled already is only read.
    """
    import numpy as np

    from ivigil.kinetics import (
        bands,
        changing_kernels,
        covariate_populations,
        exposure,
        fitting,
        kernels,
        likelihood,
        ode,
        ode_lanes,
        ode_population,
        randomness,
        reweighting,
    )
    from ivigil.kinetics.fitting import Data, Prior

    days, routes = np.array([0.0, 28.0]), np.zeros(2, np.int64)
    dosed = (days, np.full(2, 30.0), np.zeros(2), routes)
    typical = np.array([0.16, 3.0, 0.5, 2.0, 0.3, 0.7, 0.9, 2.0])
    omega = np.zeros(kernels.SLOTS)
    omega[[kernels.CL, kernels.VC]] = 0.3
    prior = Prior(typical, omega, 0.1, 0.1)
    measured = np.array([28.0, 56.0]), np.array([7.0, 8.0]), np.zeros(2, np.bool_)
    many, one = np.tile(typical, (2, 1)), np.ones(2)
    for changes in ((), (np.array([14.0]), np.ones((2, kernels.SLOTS)))):  # one weight, and a weight that changes
        data = Data(*dosed, *measured, *changes)
        known = fitting.fit(prior, data, 400, 1)
        fitting.surprise(prior, data, 0, 400, 1)
        reweighting.reweighted(prior, data, known)
        fitting.mode(prior, data)
        fitting.log_density(prior, data, np.zeros((1, 2)))
        fitting.predicted(typical, data, days)
        bands.bands(fitting.simulate([(known.samples, data)], 1.0, 3), known.weights, (5.0, 95.0))
        bands.quantiles(known.samples[:, 0], known.weights, (50.0,))
        way = data.course(days)
        if way is not None:
            changing_kernels.run_all(many, way, np.empty((2, 2)))  # exposure's levels, in double precision
    exposure.with_unlearnt(many, omega, 1)
    exposure._steady(many, 0, days, 56.0, days, np.empty((2, 2)))
    exposure._after(many, *dosed, days, np.empty((2, 2)))
    none = np.zeros_like(many), np.full_like(many, np.inf)
    kernels.draw(
        many, omega, np.uint64(1), np.uint64(0), *none, 1, np.empty_like(many), np.zeros(kernels.SLOTS, np.int64)
    )
    counts, sums = np.zeros((1, 3, kernels.BINS), np.uint32), np.zeros((1, 3))
    kernels.histogram(many, one, 0.0, 1.0, 3, *dosed, 0.0, 1, counts, sums)
    kernels.dense(many, one, 0.0, 1.0, *dosed, np.empty((2, 3), np.float32))
    covariate_populations._numbers(np.uint64(1), np.arange(2, dtype=np.uint64), 0, np.empty((2, 4)))
    system = ode.System(ode.TURNOVER, np.ones(ode.SLOTS), np.zeros(ode.STATES), 1.0)
    ode.states_of(system, system.rest, ode.events(*dosed[:3], 0.0, 56.0), days)
    blocked, given = np.ones((1, ode.SLOTS)), ode.events(*dosed[:3], 0.0, 56.0)
    ode_lanes.igg(
        blocked, np.zeros((1, ode.STATES)), one[:1], given.mark_d, given.bolus_g, given.flow_g_per_d, days,
        *ode.QUICK, ode.MOST_STEPS, np.empty((2, 1), np.float32), np.empty(1, np.int64),
    )  # fmt: skip
    ode_population._count(np.ones((3, 2), np.float32), counts[0], sums[0])
    rooms = (
        bands,
        changing_kernels,
        covariate_populations,
        exposure,
        fitting,
        kernels,
        likelihood,
        ode,
        ode_lanes,
        ode_population,
        randomness,
    )
    return sum(hasattr(thing, "py_func") for room in rooms for thing in vars(room).values())
