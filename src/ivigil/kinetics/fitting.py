"""One patient's parameters from measured levels: the most likely ones, and the whole posterior by importance sampling.

The posterior of η (log-normal deviations from the typical parameters) is the product of its normal prior and, for each
level, a normal density around the prediction with variance additive² + (proportional × prediction)²; a level below
quantification contributes the probability of lying there (Beal SL. J Pharmacokinet Pharmacodyn 2001;28:481-504, method
M3). Its mode is found by BFGS (Nocedal J, Wright SJ. Numerical Optimization, 2006, chapter 6), its mass by sampling from
a multivariate t around the mode, refitted once to a smaller weighted sample of its own; the mean weight is the evidence
by which models are compared. Diagnostics say how many samples that was worth. The whole runs compiled and without
Python's lock, so that a caller may fit patients side by side; a patient's result depends on nothing but the seed.
"""

# mypy: disable-error-code="no-untyped-def,call-arg"
# ruff: noqa: ANN001, ANN002, ANN202

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ivigil.kinetics import changing_kernels, kernels
from ivigil.kinetics.bands import levels
from ivigil.kinetics.changing_kernels import Course
from ivigil.kinetics.compiling import compiled
from ivigil.kinetics.likelihood import TINY, energies, itinerary
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
#: The proposal is refitted to one draw for so many of the sample that follows, and to no less than so many draws.
REFITTED_TO, LEAST_REFITTED_TO = 2, 200
#: Where the slots stand among what the compiled functions take.
SLOTS_AT = 2
#: Different sets of standard draws kept: a cohort asks for the same ones again and again.
KEPT_DRAWS = 64


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

    @property
    def doses(self) -> tuple[Floats, Floats, Floats, NDArray[np.int64]]:
        """Days, grams, durations (days) and routes, as the compiled functions take them."""
        return self.dose_d, self.dose_g, self.dose_over_d, self.dose_route

    def course(self, days: Floats) -> Course | None:
        """Doses, stretches and outputs at ``days``; None where nothing changes and superposition does."""
        if not self.stretch_d.size:
            return None
        return changing_kernels.course(*self.doses, self.stretch_d, self.scale, days)


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

    ``predicted`` is what each sample predicts for each level (samples, levels), g/L. ``ess`` is the effective number of
    samples; ``log_evidence`` the log density of the levels under the model.
    """

    mode: Floats
    samples: Floats
    weights: Floats
    predicted: Floats
    ess: float
    log_evidence: float
    converged: bool


def fit(prior: Prior, data: Data, samples: int, seed: int) -> Posterior:
    """Mode and posterior; without levels the posterior is the prior and the mode the typical subject."""
    parameters, weights = np.empty((samples, kernels.SLOTS)), np.empty(samples)
    seen = np.empty((samples, data.level_d.size))
    z, converged, log_evidence = _fit(
        *_fixed(prior, data), -1, weights, parameters, seen, *_standards(seed, samples, prior.slots.size)
    )
    mode = prior.typical.copy()
    mode[prior.slots] *= np.exp(prior.omega[prior.slots] * z)
    return Posterior(
        mode=mode,
        samples=parameters,
        weights=weights,
        predicted=seen,
        ess=float(1.0 / (weights @ weights)),
        log_evidence=float(log_evidence),
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
    weights, seen = np.empty(samples), np.empty((samples, data.level_d.size))
    _fit(*_fixed(prior, data), place, weights, np.empty((0, 0)), seen, *_standards(seed, samples, prior.slots.size))
    levels = seen[:, place]
    mean = float(weights @ levels)
    spread = float(weights @ (levels - mean) ** 2)
    noise = prior.additive_g_per_l**2 + prior.proportional**2 * float(weights @ levels**2)
    away = (float(data.level_g_per_l[place]) - mean) / math.sqrt(spread + noise)
    return min(away, 0.0) if data.below[place] else away


def mode(prior: Prior, data: Data) -> tuple[Floats, bool]:
    """The most likely z (η = ω z, by slot that varies), and whether the search reached it."""
    z, converged = _mode(*_fixed(prior, data), -1)
    return z, bool(converged)


def log_density(prior: Prior, data: Data, zs: Floats) -> Floats:
    """The log posterior density, up to the levels' own, of rows of z."""
    out = np.empty(len(zs))
    energies(np.ascontiguousarray(zs), out, *_fixed(prior, data), -1, np.empty((0, 0)), np.empty((0, 0)))
    return -out


def _fixed(prior: Prior, data: Data):
    """What does not change while one patient is fitted, as the compiled functions take it."""
    return (
        prior.typical,
        prior.omega,
        prior.slots,
        *data.doses,
        data.level_d,
        data.level_g_per_l,
        data.below,
        prior.additive_g_per_l,
        prior.proportional,
        *itinerary(data.dose_d, data.dose_over_d, data.level_d),
        data.course(data.level_d),
    )


def _standards(seed: int, samples: int, size: int):
    """Standard draws for the proposal's refit and for the sample, each with its log density."""
    first = min(max(samples // REFITTED_TO, LEAST_REFITTED_TO), samples)
    return (*_standard(seed, 0, first, size), *_standard(seed, 1, samples, size))


@lru_cache(maxsize=KEPT_DRAWS)
def _standard(seed: int, attempt: int, samples: int, size: int) -> tuple[Floats, Floats]:
    """Rows of a standard multivariate t, and their log density; a row depends on the seed and its number alone."""
    drawn, logs = np.empty((samples, size)), np.empty(samples)
    _draw_standard(np.uint64(seed), attempt, drawn, logs)
    return drawn, logs


def predicted(parameters: Floats, data: Data, days: Floats) -> Floats:
    """Total IgG (g/L) of one set of parameters at ``days``, just before any dose of that moment."""
    out = np.empty(days.size)
    way = data.course(days)
    if way is None:
        _predict(parameters, *data.doses, days, out)
    else:
        changing_kernels.run(parameters, way, out)
    return out


def simulate(parts: Sequence[tuple[Floats, Data]], step_d: float, outputs: int) -> NDArray[np.float32]:
    """Total IgG (g/L), shape (outputs, samples), every ``step_d`` from day 0 on, just before any dose.

    Args:
        parts: the samples of each model (parameters by slot) and what it knows; every model has the same doses.
        step_d: days between outputs.
        outputs: how many.
    """
    days = step_d * np.arange(outputs, dtype=np.float64)
    ways = [data.course(days) for _, data in parts]
    if all(way is None for way in ways):
        return levels(np.concatenate([samples for samples, _ in parts]), step_d, outputs, parts[0][1].doses)
    found = []
    for (samples, data), way in zip(parts, ways, strict=True):
        if way is None:
            found.append(levels(samples, step_d, outputs, data.doses))
        else:
            own = np.empty((len(samples), outputs), dtype=np.float32)
            changing_kernels.run_all(samples, way, own)
            found.append(own.T)
    return np.ascontiguousarray(np.concatenate(found, axis=1))


@compiled()
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


@compiled()
def _draw_standard(seed, attempt, drawn, logs):
    size = drawn.shape[1]
    numbers = np.empty(size + DEGREES)
    constant = (
        math.lgamma(0.5 * (DEGREES + size)) - math.lgamma(0.5 * DEGREES) - 0.5 * size * math.log(DEGREES * math.pi)
    )
    for row in range(drawn.shape[0]):
        normals(seed, row, attempt, numbers)
        chi = length = 0.0
        for one in range(DEGREES):
            chi += numbers[size + one] ** 2
        shrink = math.sqrt(DEGREES / chi)
        for one in range(size):
            drawn[row, one] = shrink * numbers[one]
            length += numbers[one] ** 2
        logs[row] = constant - 0.5 * (DEGREES + size) * math.log1p(length * shrink * shrink / DEGREES)


@compiled(inline="always")
def _nothing():
    """Neither parameters nor predictions are kept."""
    return np.empty((0, 0)), np.empty((0, 0))


@compiled()
def _gradient(z, out, *fixed):
    size = z.size
    moved, values = np.empty((2 * size, size)), np.empty(2 * size)
    for one in range(size):
        for side in range(2):
            moved[2 * one + side] = z
            moved[2 * one + side, one] += GRADIENT_STEP if side else -GRADIENT_STEP
    energies(moved, values, *fixed, *_nothing())
    for one in range(size):
        out[one] = (values[2 * one + 1] - values[2 * one]) / (2.0 * GRADIENT_STEP)


@compiled()
def _value(z, *fixed):
    value = np.empty(1)
    energies(z.reshape(1, z.size), value, *fixed, *_nothing())
    return value[0]


@compiled()
def _mode(*fixed):
    """The mode by BFGS with halving steps; the second answer says whether it got there."""
    size = fixed[SLOTS_AT].size
    z, gradient, ahead = np.zeros(size), np.empty(size), np.empty(size)
    inverse = np.eye(size)
    value = _value(z, *fixed)
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
            reached = _value(tried, *fixed)
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


@compiled()
def _hessian(z, *fixed):
    size = z.size
    points = 1 + 2 * size * size
    moved, values = np.empty((points, size)), np.empty(points)
    moved[:] = z
    at = 1
    for i in range(size):
        for j in range(i + 1):
            for a in (-1.0, 1.0):
                if i == j:
                    moved[at, i] += a * HESSIAN_STEP
                    at += 1
                    continue
                for b in (-1.0, 1.0):
                    moved[at, i] += a * HESSIAN_STEP
                    moved[at, j] += b * HESSIAN_STEP
                    at += 1
    energies(moved, values, *fixed, *_nothing())
    found = np.empty((size, size))
    at = 1
    for i in range(size):
        for j in range(i + 1):
            if i == j:
                found[i, i] = (values[at] + values[at + 1] - 2.0 * values[0]) / HESSIAN_STEP**2
                at += 2
                continue
            total = values[at] - values[at + 1] - values[at + 2] + values[at + 3]
            found[i, j] = found[j, i] = total / (4.0 * HESSIAN_STEP**2)
            at += 4
    return found


@compiled()
def _weigh(logs, weights):
    """Weights that sum to 1, and the log of their mean before that."""
    top = logs.max()
    total = 0.0
    for row in range(logs.size):
        weights[row] = math.exp(logs[row] - top)
        total += weights[row]
    for row in range(logs.size):
        weights[row] /= total
    return top + math.log(total / logs.size)


@compiled()
def _fit(
    typical, omega, slots, dose_d, dose_g, dose_over_d, dose_route, level_d, level, below, additive, proportional,
    kinds, step_of, steps, over_of, overs, running, way, left_out, weights, kept, seen, first, first_logs, then, then_logs,
):  # fmt: skip
    """Mode, whether it was reached, log evidence; ``weights`` of the sample, its parameters and what it predicts."""
    fixed = (
        typical, omega, slots, dose_d, dose_g, dose_over_d, dose_route, level_d, level, below, additive, proportional,
        kinds, step_of, steps, over_of, overs, running, way, left_out,
    )  # fmt: skip
    z, converged = _mode(*fixed)
    size = z.size
    # Flat in some direction, or a saddle of rounding: the prior's own curvature is the least there is.
    values, vectors = np.linalg.eigh(_hessian(z, *fixed))
    spread = vectors * (WIDER / np.sqrt(np.maximum(values, 1.0)))
    drawn, logs = _placed(z, spread, first), np.empty(first.shape[0])
    energies(drawn, logs, *fixed, *_nothing())
    masses = np.empty(logs.size)
    _weigh(-logs - first_logs, masses)
    centre, square, mass = np.zeros(size), np.zeros((size, size)), 0.0
    for row in range(logs.size):
        mass += masses[row] * masses[row]
        for i in range(size):
            centre[i] += masses[row] * drawn[row, i]
    for row in range(logs.size):
        for i in range(size):
            for j in range(i + 1):
                square[i, j] += masses[row] * (drawn[row, i] - centre[i]) * (drawn[row, j] - centre[j])
    for i in range(size):
        for j in range(i + 1):
            square[i, j] = square[j, i] = square[i, j] / max(1.0 - mass, TINY)
    values, vectors = np.linalg.eigh(square)
    deviations = WIDER * np.sqrt(np.maximum(values, TINY))
    drawn = _placed(centre, vectors * deviations, then)
    logs = np.empty(then.shape[0])
    energies(drawn, logs, *fixed, kept, seen)
    # The density of the proposal holds the determinant of its spread, the same for all.
    return z, converged, _weigh(-logs - then_logs, weights) + np.log(deviations).sum()


@compiled()
def _placed(centre, spread, standard):
    """Standard draws around a centre."""
    size = centre.size
    out = np.empty((standard.shape[0], size))
    for row in range(standard.shape[0]):
        for i in range(size):
            total = centre[i]
            for j in range(size):
                total += spread[i, j] * standard[row, j]
            out[row, i] = total
    return out
