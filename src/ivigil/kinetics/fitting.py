"""One patient's parameters from measured levels: the most likely ones, and the whole posterior by importance sampling.

The posterior of η (log-normal deviations from the typical parameters) is the product of its normal prior and, for each
level, a normal density around the prediction with variance additive² + (proportional × prediction)²; a level below
quantification contributes the probability of lying there (Beal SL. J Pharmacokinet Pharmacodyn 2001;28:481-504, method
M3). Its mode is found by BFGS (Nocedal J, Wright SJ. Numerical Optimization, 2006, chapter 6), its mass by sampling from
a multivariate t around the mode, refitted once to its own weighted sample; the mean weight is the evidence by which
models are compared. Diagnostics say how many samples that was worth.
"""

# mypy: disable-error-code="no-untyped-def"
# ruff: noqa: ANN001, ANN002, ANN202

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ivigil.kinetics import changing_kernels, kernels
from ivigil.kinetics.changing_kernels import Course
from ivigil.kinetics.randomness import normals

Floats = NDArray[np.float64]

#: Steps of the numerical derivatives of a smooth function of order one.
GRADIENT_STEP, HESSIAN_STEP = 1e-5, 1e-3
MOST_ITERATIONS, GRADIENT_ENOUGH = 200, 1e-4
#: No step of the search is longer than this (prior standard deviations), none shorter counts as one.
LONGEST_STEP, SHORTEST_STEP = 2.0, 1e-10
#: Armijo's share of the promised descent, and the least curvature that updates the metric.
ENOUGH_DESCENT, LEAST_CURVATURE = 1e-4, 1e-12
#: Degrees of freedom of the proposal: tails heavier than the posterior's.
DEGREES = 5
#: The proposal is a little wider than the curvature at the mode says.
WIDER = 1.2
TINY = 1e-300


@dataclass(frozen=True)
class Data:
    """Doses (in the order of their ends, grams) and levels (g/L) of one patient, days from a common zero.

    ``below`` marks levels below quantification, whose value is the limit. A level at the moment of a dose is before it.
    Where the weight changes, stretches after the first begin on ``stretch_d`` and each multiplies the parameters by its
    row of ``scale`` (stretches, slots).
    """

    dose_d: Floats
    dose_g: Floats
    dose_over_d: Floats
    dose_route: NDArray[np.int64]
    level_d: Floats
    level_g_per_l: Floats
    below: NDArray[np.bool_]
    stretch_d: Floats = field(default_factory=lambda: np.empty(0))
    scale: Floats = field(default_factory=lambda: np.ones((1, kernels.SLOTS)))

    def course(self, days: Floats) -> Course | None:
        """Doses, stretches and outputs at ``days``; None where nothing changes and superposition does."""
        if not self.stretch_d.size:
            return None
        doses = (self.dose_d, self.dose_g, self.dose_over_d, self.dose_route)
        return changing_kernels.course(*doses, self.stretch_d, self.scale, days)


@dataclass(frozen=True)
class Prior:
    """Typical parameters by slot, standard deviations of η by slot (0: does not vary), and the residual error."""

    typical: Floats
    omega: Floats
    additive_g_per_l: float
    proportional: float

    @property
    def slots(self) -> NDArray[np.int64]:
        """The slots that vary."""
        return np.flatnonzero(self.omega)


@dataclass(frozen=True)
class Posterior:
    """The mode and weighted samples. ``mode`` and ``samples`` are parameters by slot; ``weights`` sum to 1.

    ``ess`` is the effective number of samples; ``log_evidence`` the log density of the levels under the model.
    """

    mode: Floats
    samples: Floats
    weights: Floats
    ess: float
    log_evidence: float
    converged: bool


def fit(prior: Prior, data: Data, samples: int, seed: int) -> Posterior:
    """Mode and posterior; without levels the posterior is the prior and the mode the typical subject."""
    slots = prior.slots
    fixed = (
        prior.typical,
        prior.omega,
        slots,
        data.dose_d,
        data.dose_g,
        data.dose_over_d,
        data.dose_route,
        data.level_d,
        data.level_g_per_l,
        data.below,
        prior.additive_g_per_l,
        prior.proportional,
        data.course(data.level_d),
    )
    z, converged = _mode(np.zeros(slots.size), *fixed)
    # Flat in some direction, or a saddle of rounding: the prior's own curvature is the least there is.
    values, vectors = np.linalg.eigh(_hessian(z, *fixed))
    centre, spread = z, vectors * (WIDER / np.sqrt(np.maximum(values, 1.0)))
    drawn, logs = np.empty((samples, slots.size)), np.empty(samples)
    _sample(centre, spread, np.uint64(seed), 0, drawn, logs, *fixed)
    weights, _ = _normalised(logs)
    centre = weights @ drawn
    values, vectors = np.linalg.eigh(np.atleast_2d(np.cov(drawn.T, aweights=weights)))
    spread = vectors * (WIDER * np.sqrt(np.maximum(values, TINY)))
    _sample(centre, spread, np.uint64(seed), 1, drawn, logs, *fixed)
    # The density of the proposal holds the determinant of its spread, the same for all.
    weights, log_mean = _normalised(logs + math.log(abs(np.linalg.det(spread))))
    parameters = np.tile(prior.typical, (samples, 1))
    parameters[:, slots] *= np.exp(prior.omega[slots] * drawn)
    mode = prior.typical.copy()
    mode[slots] *= np.exp(prior.omega[slots] * z)
    return Posterior(
        mode=mode,
        samples=parameters,
        weights=weights,
        ess=float(1.0 / (weights @ weights)),
        log_evidence=log_mean,
        converged=bool(converged),
    )


def without(data: Data, places: NDArray[np.bool_]) -> Data:
    """The same doses, with only the levels where ``places`` is true."""
    return replace(
        data,
        level_d=data.level_d[places],
        level_g_per_l=data.level_g_per_l[places],
        below=data.below[places],
    )


def surprise(prior: Prior, data: Data, place: int, samples: int, seed: int) -> float:
    """How far one level lies from what all the others predict for it, in standard deviations of that prediction.

    The prediction's variance is that of the posterior from the other levels and of measuring. A level below
    quantification surprises only by what is predicted above its limit.
    """
    others = np.arange(data.level_d.size) != place
    known = fit(prior, without(data, others), samples, seed)
    levels = np.empty(samples)
    way = data.course(data.level_d[place : place + 1])
    if way is None:
        _predict_all(
            known.samples, data.dose_d, data.dose_g, data.dose_over_d, data.dose_route, data.level_d[place], levels
        )
    else:
        changing_kernels.run_all(known.samples, way, levels.reshape(-1, 1))
    mean = float(known.weights @ levels)
    spread = float(known.weights @ (levels - mean) ** 2)
    noise = prior.additive_g_per_l**2 + prior.proportional**2 * float(known.weights @ levels**2)
    away = (float(data.level_g_per_l[place]) - mean) / math.sqrt(spread + noise)
    return min(away, 0.0) if data.below[place] else away


def _normalised(logs: Floats) -> tuple[Floats, float]:
    """Weights that sum to 1, and the log of their mean before that."""
    top = float(logs.max())
    weights = np.exp(logs - top)
    total = float(weights.sum())
    return np.asarray(weights / total), top + math.log(total / logs.size)


def predicted(parameters: Floats, data: Data, days: Floats) -> Floats:
    """Total IgG (g/L) of one set of parameters at ``days``, just before any dose of that moment."""
    out = np.empty(days.size)
    way = data.course(days)
    if way is not None:
        changing_kernels.run(parameters, way, out)
        return out
    _predict(parameters, data.dose_d, data.dose_g, data.dose_over_d, data.dose_route, days, out)
    return out


def simulate(parameters: Floats, data: Data, step_d: float, out: NDArray[np.float32]) -> None:
    """Total IgG (g/L) of each row of ``parameters`` every ``step_d`` from day 0 on into ``out`` (rows, outputs)."""
    way = data.course(step_d * np.arange(out.shape[1], dtype=np.float64))
    if way is not None:
        changing_kernels.run_all(parameters, way, out)
        return
    doses = (data.dose_d, data.dose_g, data.dose_over_d, data.dose_route)
    kernels.dense(parameters, np.ones(len(parameters)), 0.0, step_d, *doses, out)


@njit(cache=True)
def _predict(p, dose_d, dose_g, dose_over_d, dose_route, days, out):
    rates, amplitudes = np.empty(3), np.empty((3, 3))
    kernels._disposition(p, rates, amplitudes)
    for place in range(days.size):
        total = 0.0
        for dose in range(dose_d.size):
            since = days[place] - dose_d[dose]
            if since > 0.0:
                for one in range(3):
                    amplitude = amplitudes[dose_route[dose], one]
                    if amplitude != 0.0:
                        total += dose_g[dose] * amplitude * kernels._entering(rates[one], since, dose_over_d[dose])
        out[place] = total / p[kernels.VC] + p[kernels.BASELINE]


@njit(cache=True)
def _predict_all(parameters, dose_d, dose_g, dose_over_d, dose_route, day, out):
    days, one = np.array([day]), np.empty(1)
    for row in range(parameters.shape[0]):
        _predict(parameters[row], dose_d, dose_g, dose_over_d, dose_route, days, one)
        out[row] = one[0]


@njit(cache=True)
def _objective(
    z,
    typical,
    omega,
    slots,
    dose_d,
    dose_g,
    dose_over_d,
    dose_route,
    level_d,
    level,
    below,
    additive,
    proportional,
    way=None,
):
    """Minus the log posterior density of z, whose prior is standard normal (η = ω z)."""
    p = typical.copy()
    value = 0.5 * z.size * math.log(2.0 * math.pi)
    for one in range(z.size):
        p[slots[one]] *= math.exp(omega[slots[one]] * z[one])
        value += 0.5 * z[one] * z[one]
    found = np.empty(level_d.size)
    if way is None:
        _predict(p, dose_d, dose_g, dose_over_d, dose_route, level_d, found)
    else:
        changing_kernels.run(p, way, found)
    for one in range(level_d.size):
        variance = additive * additive + (proportional * found[one]) ** 2
        away = (level[one] - found[one]) / math.sqrt(variance)
        if below[one]:
            value -= math.log(max(0.5 * math.erfc(-away / math.sqrt(2.0)), TINY))
        else:
            value += 0.5 * (away * away + math.log(2.0 * math.pi * variance))
    return value


@njit(cache=True)
def _gradient(z, out, *fixed):
    moved = z.copy()
    for one in range(z.size):
        moved[one] = z[one] + GRADIENT_STEP
        above = _objective(moved, *fixed)
        moved[one] = z[one] - GRADIENT_STEP
        out[one] = (above - _objective(moved, *fixed)) / (2.0 * GRADIENT_STEP)
        moved[one] = z[one]


@njit(cache=True)
def _mode(start, *fixed):
    """The mode by BFGS with halving steps; the second answer says whether it got there."""
    size = start.size
    z, gradient, ahead = start.copy(), np.empty(size), np.empty(size)
    inverse = np.eye(size)
    value = _objective(z, *fixed)
    _gradient(z, gradient, *fixed)
    for _ in range(MOST_ITERATIONS):
        if size == 0 or np.abs(gradient).max() < GRADIENT_ENOUGH:
            return z, True
        direction = -inverse @ gradient
        slope = direction @ gradient
        if slope >= 0.0:
            inverse = np.eye(size)
            direction, slope = -gradient, -(gradient @ gradient)
        longest = np.abs(direction).max()
        step = 1.0 if longest < LONGEST_STEP else LONGEST_STEP / longest
        while True:
            tried = z + step * direction
            reached = _objective(tried, *fixed)
            if reached <= value + ENOUGH_DESCENT * step * slope or step < SHORTEST_STEP:
                break
            step *= 0.5
        if step < SHORTEST_STEP:
            return z, np.abs(gradient).max() < 100.0 * GRADIENT_ENOUGH
        _gradient(tried, ahead, *fixed)
        s, y = tried - z, ahead - gradient
        along = s @ y
        if along > LEAST_CURVATURE:
            left = np.eye(size) - np.outer(s, y) / along
            inverse = left @ inverse @ left.T + np.outer(s, s) / along
        z, value = tried, reached
        gradient[:] = ahead
    return z, False


@njit(cache=True)
def _hessian(z, *fixed):
    size = z.size
    found = np.empty((size, size))
    centre = _objective(z, *fixed)
    for i in range(size):
        for j in range(i + 1):
            total = 0.0
            if i == j:
                for sign in (-1.0, 1.0):
                    moved = z.copy()
                    moved[i] += sign * HESSIAN_STEP
                    total += _objective(moved, *fixed) - centre
                found[i, i] = total / HESSIAN_STEP**2
                continue
            for a in (-1.0, 1.0):
                for b in (-1.0, 1.0):
                    moved = z.copy()
                    moved[i] += a * HESSIAN_STEP
                    moved[j] += b * HESSIAN_STEP
                    total += a * b * _objective(moved, *fixed)
            found[i, j] = found[j, i] = total / (4.0 * HESSIAN_STEP**2)
    return found


@njit(cache=True)
def _sample(centre, spread, seed, attempt, drawn, logs, *fixed):
    """Samples of a multivariate t, and the log of posterior over proposal, the determinant of its spread left out."""
    size = centre.size
    numbers = np.empty(size + DEGREES)
    constant = (
        math.lgamma(0.5 * (DEGREES + size)) - math.lgamma(0.5 * DEGREES) - 0.5 * size * math.log(DEGREES * math.pi)
    )
    for row in range(drawn.shape[0]):
        normals(seed, row, attempt, numbers)
        chi = 0.0
        for one in range(DEGREES):
            chi += numbers[size + one] ** 2
        length = 0.0
        for one in range(size):
            length += numbers[one] ** 2
        shrink = math.sqrt(DEGREES / chi)
        drawn[row] = centre + shrink * (spread @ numbers[:size])
        proposal = constant - 0.5 * (DEGREES + size) * math.log1p(length * shrink * shrink / DEGREES)
        logs[row] = -_objective(drawn[row], *fixed) - proposal
