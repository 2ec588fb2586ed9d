"""Compiled loops over many subjects. Amounts in the central compartment are sums of exponentials (see :mod:`.linear`).

A schedule is shared: outputs on an even grid; doses by the moment at which they end, and ``longest_d`` the longest
infusion of them (days), in grams for one unit of ``scale``.
Levels are those just before any dose of that very moment. Nothing here is public: :mod:`.population` speaks for it.
"""

# mypy: disable-error-code="no-untyped-def"
# ruff: noqa: ANN001, ANN201, ANN202

from __future__ import annotations

import math

import numpy as np
from numba import prange

from ivigil.kinetics.compiling import compiled
from ivigil.kinetics.randomness import normals

#: Slots of a subject's parameters; the same order in the random numbers.
CL, VC, Q, VP, KA, F_SC, F_FACILITATED, BASELINE = range(8)
SLOTS = 8
IV, SC, FACILITATED = range(3)

#: Subjects whose states are kept in cache together.
BLOCK = 512
#: A histogram bin is a slice of a level's binary logarithm: 2^8 bins for each doubling, 16 doublings.
MANTISSA_BITS = 8
LOWEST_EXPONENT, DOUBLINGS = -7, 16
BINS = DOUBLINGS << MANTISSA_BITS
_SHIFT = np.int32(23 - MANTISSA_BITS)
_BIAS = np.int32((127 + LOWEST_EXPONENT) << MANTISSA_BITS)
CONFLUENT = 1e-7
#: Dense output: outputs side by side, the longest run in single precision, and subjects a thread takes at once.
LANES, RUN, ROWS = 8, 512, 64


@compiled(inline="always")
def _disposition(p, rates, amplitudes):
    """Rates (3) and amplitudes (3 routes × 3) of one subject's parameters; unused slots decay at once and add nothing."""
    k10 = p[CL] / p[VC]
    amplitudes[:] = 0.0
    if p[Q] > 0.0:
        k12, k21 = p[Q] / p[VC], p[Q] / p[VP]
        total = k10 + k12 + k21
        fast = 0.5 * (total + math.sqrt(total * total - 4.0 * k10 * k21))
        slow = k10 * k21 / fast
        rates[0], rates[1] = fast, slow
        amplitudes[IV, 0], amplitudes[IV, 1] = (fast - k21) / (fast - slow), (k21 - slow) / (fast - slow)
    else:
        rates[0], rates[1] = k10, k10
        amplitudes[IV, 0] = 1.0
    ka = p[KA]
    rates[2] = rates[0]
    if ka > 0.0:
        for one in range(2):
            if abs(ka - rates[one]) < CONFLUENT * rates[one]:
                ka = rates[one] * (1.0 + CONFLUENT)
        rates[2] = ka
        for route in (SC, FACILITATED):
            fraction = p[F_SC] if route == SC else p[F_FACILITATED]
            rest = 0.0
            for one in range(2):
                part = fraction * amplitudes[IV, one] * ka / (ka - rates[one])
                amplitudes[route, one] = part
                rest -= part
            amplitudes[route, 2] = rest


@compiled()
def _routes(dose_route):
    """The routes that occur."""
    occurs = np.zeros(3, np.bool_)
    for dose in range(dose_route.size):
        occurs[dose_route[dose]] = True
    return np.flatnonzero(occurs)


@compiled()
def draw(typical, omega, seed, first, low, high, attempts, parameters, outside):
    """Parameters of subjects ``first``…: typical × exp(ω η), and what lies outside of ``low`` to ``high``; any slots.

    ``outside`` counts, per slot, first draws outside the bounds; with ``attempts`` above 1 those are drawn again.
    Returns how many are still outside after the last attempt.
    """
    slots = typical.shape[1]
    eta = np.empty(slots)
    left = 0
    for row in range(parameters.shape[0]):
        inside = False
        for attempt in range(attempts):
            normals(seed, first + row, attempt, eta)
            inside = True
            for slot in range(slots):
                value = (
                    typical[row, slot] * math.exp(omega[slot] * eta[slot]) if omega[slot] > 0.0 else typical[row, slot]
                )
                parameters[row, slot] = value
                if omega[slot] > 0.0 and not low[row, slot] <= value <= high[row, slot]:
                    inside = False
                    if attempt == 0:
                        outside[slot] += 1
            if inside:
                break
        if not inside:
            left += 1
    return left


@compiled(inline="always")
def _entering(rate, since, over):
    """What one exponential holds of 1 g whose infusion of ``over`` days began ``since`` days ago."""
    if over <= 0.0:
        return math.exp(-rate * since)
    running = min(since, over)
    return -math.expm1(-rate * running) / (rate * over) * math.exp(-rate * (since - running))


@compiled(parallel=True)
def histogram(
    parameters,
    scale,
    start_d,
    step_d,
    outputs,
    dose_d,
    dose_g,
    dose_over_d,
    dose_route,
    longest_d,
    workers,
    counts,
    sums,
):
    """Counts of total IgG per output and bin, and its sums, for one chunk of subjects.

    ``scale`` turns ``dose_g`` into a subject's grams. ``counts`` is (workers, outputs, BINS), ``sums`` (workers, outputs).
    """
    blocks = (parameters.shape[0] + BLOCK - 1) // BLOCK
    for worker in prange(workers):
        states, decays = np.empty((3, BLOCK)), np.empty((3, BLOCK))
        rates, amplitudes = np.empty((3, BLOCK)), np.empty((3, 3, BLOCK))
        volume, base, level = np.empty(BLOCK), np.empty(BLOCK), np.empty(BLOCK, np.float32)
        bits = level.view(np.int32)
        own_rates, own_amplitudes = np.empty(3), np.empty((3, 3))
        for block in range(worker, blocks, workers):
            begin = block * BLOCK
            size = min(BLOCK, parameters.shape[0] - begin)
            for j in range(size):
                _disposition(parameters[begin + j], own_rates, own_amplitudes)
                volume[j] = 1.0 / parameters[begin + j, VC]
                base[j] = parameters[begin + j, BASELINE]
                for one in range(3):
                    states[one, j] = 0.0
                    rates[one, j] = own_rates[one]
                    decays[one, j] = math.exp(-own_rates[one] * step_d)
                    for route in range(3):
                        amplitudes[route, one, j] = own_amplitudes[route, one] * scale[begin + j]
            done = 0
            for output in range(outputs):
                now = start_d + output * step_d
                if output:
                    for one in range(3):
                        for j in range(size):
                            states[one, j] *= decays[one, j]
                # Doses that are over by now join the states.
                while done < dose_d.size and dose_d[done] + dose_over_d[done] < now:
                    since, over, route, grams = now - dose_d[done], dose_over_d[done], dose_route[done], dose_g[done]
                    for one in range(3):
                        for j in range(size):
                            states[one, j] += grams * amplitudes[route, one, j] * _entering(rates[one, j], since, over)
                    done += 1
                for j in range(size):
                    level[j] = (states[0, j] + states[1, j] + states[2, j]) * volume[j] + base[j]
                later = done
                while later < dose_d.size and dose_d[later] + dose_over_d[later] < now + longest_d:
                    if dose_d[later] >= now:  # not begun
                        later += 1
                        continue
                    since, over, route, grams = (
                        now - dose_d[later],
                        dose_over_d[later],
                        dose_route[later],
                        dose_g[later],
                    )
                    for one in range(3):
                        for j in range(size):
                            level[j] += (
                                grams * amplitudes[route, one, j] * _entering(rates[one, j], since, over) * volume[j]
                            )
                    later += 1
                total = 0.0
                for j in range(size):
                    total += level[j]
                    place = (bits[j] >> _SHIFT) - _BIAS
                    counts[worker, output, min(max(place, 0), BINS - 1)] += 1
                sums[worker, output] += total


@compiled()
def _first_after(end_d, start_d, step_d, outputs):
    """The first output later than ``end_d``; ``outputs``, which is none of them, if all are earlier."""
    place = min(max(math.floor((end_d - start_d) / step_d), 0), outputs)
    while place < outputs and start_d + place * step_d <= end_d:
        place += 1
    return place


@compiled(parallel=True)
def dense(parameters, scale, start_d, step_d, dose_d, dose_g, dose_over_d, dose_route, out):
    """Total IgG of every subject at every output into ``out`` (subjects, outputs).

    Between doses each exponential is a product; ``LANES`` outputs are multiplied side by side in single precision, and
    begin anew from double precision at each dose and every ``RUN`` outputs, so that rounding does not add up.
    """
    outputs = out.shape[1]
    joins = np.empty(dose_d.size + 1, np.int64)
    for dose in range(dose_d.size):
        joins[dose] = _first_after(dose_d[dose] + dose_over_d[dose], start_d, step_d, outputs)
    joins[dose_d.size] = outputs
    tasks = (parameters.shape[0] + ROWS - 1) // ROWS
    for task in prange(tasks):
        rates, amplitudes = np.empty(3), np.empty((3, 3))
        amounts, entered, after = np.empty(3), np.empty(3), np.empty(3)
        powers = np.empty((LANES + 1, 3))
        lanes, leap = np.empty((3, LANES), np.float32), np.empty(3, np.float32)
        for row in range(task * ROWS, min((task + 1) * ROWS, parameters.shape[0])):
            _disposition(parameters[row], rates, amplitudes)
            base = np.float32(parameters[row, BASELINE])
            gram = scale[row] / parameters[row, VC]
            for one in range(3):
                amounts[one], powers[0, one] = 0.0, 1.0
                factor = math.exp(-rates[one] * step_d)
                for lane in range(LANES):
                    powers[lane + 1, one] = powers[lane, one] * factor
                leap[one] = np.float32(powers[LANES, one])
            at, last_run, last_since, last_over, last_route = 0, -1, -1.0, -1.0, -1
            for dose in range(dose_d.size + 1):
                while at < joins[dose]:
                    run = min(joins[dose] - at, RUN)
                    for lane in range(LANES):
                        for one in range(3):
                            lanes[one, lane] = np.float32(amounts[one] * powers[lane, one])
                    for begin in range(at, at + run - LANES + 1, LANES):
                        for lane in range(LANES):
                            out[row, begin + lane] = lanes[0, lane] + lanes[1, lane] + lanes[2, lane] + base
                            lanes[0, lane] *= leap[0]
                            lanes[1, lane] *= leap[1]
                            lanes[2, lane] *= leap[2]
                    rest = run % LANES
                    for lane in range(rest):
                        out[row, at + run - rest + lane] = lanes[0, lane] + lanes[1, lane] + lanes[2, lane] + base
                    if run != last_run:
                        last_run = run
                        for one in range(3):
                            after[one] = math.exp(-rates[one] * step_d * run)
                    for one in range(3):
                        amounts[one] *= after[one]
                    at += run
                if at == outputs:
                    break
                since, over, route = start_d + at * step_d - dose_d[dose], dose_over_d[dose], dose_route[dose]
                if since != last_since or over != last_over or route != last_route:
                    last_since, last_over, last_route = since, over, route
                    for one in range(3):
                        entered[one] = gram * amplitudes[route, one] * _entering(rates[one], since, over)
                for one in range(3):
                    amounts[one] += dose_g[dose] * entered[one]
            for dose in range(dose_d.size):  # what still ran at an output
                if dose_over_d[dose] > 0.0:
                    for output in range(_first_after(dose_d[dose], start_d, step_d, outputs), joins[dose]):
                        since = start_d + output * step_d - dose_d[dose]
                        more = 0.0
                        for one in range(3):
                            more += amplitudes[dose_route[dose], one] * _entering(rates[one], since, dose_over_d[dose])
                        out[row, output] += np.float32(dose_g[dose] * gram * more)
