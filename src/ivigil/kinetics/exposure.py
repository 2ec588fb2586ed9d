"""What a posterior believes of levels: exact steady state per gram, and levels after doses.

A set of samples is one row of parameters each (see :mod:`.kernels` for the slots). Exogenous IgG is proportional to the
dose, so one answer per gram serves every dose of a schedule.
"""

# mypy: disable-error-code="no-untyped-def"
# ruff: noqa: ANN001, ANN202

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numba import prange
from numpy.typing import NDArray

from ivigil.kinetics import changing_kernels, kernels
from ivigil.kinetics.compiling import compiled
from ivigil.kinetics.fitting import Data, _predict
from ivigil.kinetics.population import ROUTES, WHOLE
from ivigil.kinetics.regimens import Dose, Route, dose_days
from ivigil.knowledge.kinetic_models import KineticModel

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Voice:
    """One model's part of a belief: its samples (a row of parameters each) and their masses, which sum to its weight.

    ``given`` are the doses so far as this model counts them. ``cut_f`` is the share of its mass that was drawn with a
    bioavailability above 1 and set to 1.
    """

    model: KineticModel
    parameters: Floats
    masses: Floats
    given: Data
    cut_f: float = 0.0

    @property
    def assumes_own(self) -> float | None:
        """The patient's own IgG (g/L) where it is the model's constant and nothing measured; else None."""
        own, published = self.parameters[:, kernels.BASELINE], self.model.baseline
        same = published is not None and published.g_per_l is not None and bool((own == published.g_per_l).all())
        return float(own[0]) if same else None


@dataclass(frozen=True)
class Belief:
    """What is believed of one patient: the mixture of the models that speak."""

    voices: tuple[Voice, ...]

    def of_route(self, route: Route) -> Belief | None:
        """The models that know a route, weighed anew among themselves; None if there is none."""
        slot = {Route.SC: kernels.F_SC, Route.FACILITATED_SC: kernels.F_FACILITATED}.get(route)
        known = tuple(one for one in self.voices if slot is None or one.parameters[0, slot] > 0)
        total = sum(float(one.masses.sum()) for one in known)
        if not known or not total:
            return None
        return Belief(tuple(replace(one, masses=one.masses / total) for one in known))

    @property
    def parameters(self) -> Floats:
        """All samples, one model after the other."""
        return np.concatenate([one.parameters for one in self.voices])

    @property
    def masses(self) -> Floats:
        """The mass of each sample; they sum to 1."""
        return np.concatenate([one.masses for one in self.voices])


def with_unlearnt(parameters: Floats, omega: Floats, seed: int) -> tuple[Floats, NDArray[np.bool_]]:
    """Samples in which what the levels could not tell varies as the paper says, and which of them had F above 1.

    Args:
        parameters: samples of the posterior.
        omega: standard deviations of what did not vary in the estimate (0: leave as it is).
        seed: of the draws; those of the estimate itself are others.
    """
    drawn, unbound = np.empty_like(parameters), np.full_like(parameters, np.inf)
    kernels.draw(
        parameters, omega, np.uint64(seed), 0, -unbound, unbound, 1, drawn, np.zeros(kernels.SLOTS, dtype=np.int64)
    )
    above = np.asarray((drawn[:, [kernels.F_SC, kernels.F_FACILITATED]] > WHOLE).any(axis=1))
    for slot in (kernels.F_SC, kernels.F_FACILITATED):
        drawn[:, slot] = np.minimum(drawn[:, slot], WHOLE)
    return drawn, above


# ---- levels


def steady_per_gram(
    parameters: Floats, route: Route, offsets_d: Iterable[float], tau_d: float, days: Iterable[float]
) -> Floats:
    """Exogenous IgG (g/L) for each gram of every dose, when the cycle has been repeated for ever.

    Args:
        parameters: samples.
        route: of every dose.
        offsets_d: days of the cycle's doses (from 0, below ``tau_d``), each instantaneous.
        tau_d: length of the cycle (days).
        days: days of the cycle, doses of that very moment not counted. Beyond ``tau_d`` no later dose is given.

    Returns:
        One row a sample, one column a day.
    """
    at = np.array(list(days), dtype=np.float64)
    found = np.empty((len(parameters), at.size))
    _steady(parameters, ROUTES[route], np.array(list(offsets_d), dtype=np.float64), float(tau_d), at, found)
    return found


def average_per_gram(parameters: Floats, route: Route, doses: int, tau_d: float) -> Floats:
    """Average exogenous IgG (g/L) at steady state for each gram of ``doses`` doses in every ``tau_d`` days: F / (CL τ)."""
    slot = {Route.SC: kernels.F_SC, Route.FACILITATED_SC: kernels.F_FACILITATED}.get(route)
    fraction = np.ones(len(parameters)) if slot is None else parameters[:, slot]
    return np.asarray(doses * fraction / (parameters[:, kernels.CL] * tau_d))


def total_after(belief: Belief, more: Iterable[Dose], days: Iterable[float]) -> Floats:
    """Total IgG (g/L) at ``days`` after the doses given and ``more``, just before a dose of that moment.

    Returns:
        One row a sample of all models, one column a day.
    """
    at, extra = np.array(list(days), dtype=np.float64), list(more)
    return np.concatenate([_after_more(one, extra, at) for one in belief.voices])


def _after_more(voice: Voice, more: list[Dose], at: Floats) -> Floats:
    given = voice.given
    dose_d = np.concatenate([given.dose_d, [dose.day for dose in more]])
    dose_g = np.concatenate([given.dose_g, [dose.amount_g for dose in more]])
    over_d = np.concatenate([given.dose_over_d, [dose_days(dose.over_h) for dose in more]])
    route = np.concatenate([given.dose_route, np.array([ROUTES[dose.route] for dose in more], dtype=np.int64)])
    order = np.argsort(dose_d + over_d, kind="stable")
    found = np.empty((len(voice.parameters), at.size))
    ahead = replace(
        given, dose_d=dose_d[order], dose_g=dose_g[order], dose_over_d=over_d[order], dose_route=route[order]
    )
    way = ahead.course(at)
    if way is not None:
        changing_kernels.run_all(voice.parameters, way, found)
        return found
    _after(voice.parameters, ahead.dose_d, ahead.dose_g, ahead.dose_over_d, ahead.dose_route, at, found)
    return found


def baseline(parameters: Floats) -> Floats:
    """The patient's own IgG (g/L) of each sample."""
    return np.asarray(parameters[:, kernels.BASELINE])


@compiled(parallel=True)
def _steady(parameters, route, offsets, tau, days, out):
    for row in prange(parameters.shape[0]):
        rates, amplitudes = np.empty(3), np.empty((3, 3))
        kernels._disposition(parameters[row], rates, amplitudes)
        for place in range(days.size):
            total = 0.0
            for dose in range(offsets.size):
                # The last time that this dose of the cycle was given before now; all cycles before it are a geometric sum.
                since = days[place] - offsets[dose]
                if since <= 0.0:
                    since += tau
                for one in range(3):
                    amplitude = amplitudes[route, one]
                    if amplitude != 0.0:
                        total += amplitude * math.exp(-rates[one] * since) / -math.expm1(-rates[one] * tau)
            out[row, place] = total / parameters[row, kernels.VC]


@compiled(parallel=True)
def _after(parameters, dose_d, dose_g, dose_over_d, dose_route, days, out):
    for row in prange(parameters.shape[0]):
        _predict(parameters[row], dose_d, dose_g, dose_over_d, dose_route, days, out[row])
