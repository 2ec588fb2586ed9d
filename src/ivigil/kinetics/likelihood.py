"""Compiled: how likely one patient's levels are under many candidate parameters at once.

The doses and levels of a patient are laid out once as a walk through time (:func:`itinerary`). The exponentials that a
candidate needs are then those of the *different* intervals and infusion times on the way, few where doses are regular,
not one for each pair of dose and level. Where the weight changes, the course of stretches predicts instead
(:mod:`.changing_kernels`); prior and levels are weighed here all the same. Nothing here is public: :mod:`.fitting` speaks for it.
"""

# mypy: disable-error-code="no-untyped-def"
# ruff: noqa: ANN001, ANN201, ANN202

from __future__ import annotations

import math

import numpy as np

from ivigil.kinetics import changing_kernels, kernels
from ivigil.kinetics.compiling import compiled

#: Intervals closer than this (days; a tenth of a millisecond) are one: clock times subtract with rounding.
SAME_D = 1e-9
TINY = 1e-300
HALF_LOG_2_PI = 0.5 * math.log(2.0 * math.pi)


@compiled()
def _place_of(value, known, count):
    """Where ``value`` stands among the first ``count`` of ``known``, entered if it is new; and how many there are now."""
    for one in range(count):
        if abs(known[one] - value) < SAME_D:
            return one, count
    known[count] = value
    return count, count + 1


@compiled()
def itinerary(dose_d, dose_over_d, level_d):
    """The walk: events in order of time, the different intervals between them, and what runs while a level is taken.

    Doses come in the order of their ends. Returns ``kinds`` (a dose's number, or −1 − a level's), ``step_of`` (which of
    ``steps`` lies before each event), ``steps`` (days), ``over_of`` (which of ``overs`` a dose takes), ``overs`` (days),
    and ``running`` (rows of level, dose: the infusion runs when the level is taken).
    """
    order = np.argsort(level_d, kind="mergesort")
    size = dose_d.size + level_d.size
    kinds, step_of, steps = np.empty(size, np.int64), np.empty(size, np.int64), np.empty(size)
    over_of, overs = np.empty(dose_d.size, np.int64), np.empty(dose_d.size)
    running = np.empty((size, 2), np.int64)
    events = different = lasting = pairs = done = 0
    now = 0.0
    for place in order:
        level_at = level_d[place]
        while done < dose_d.size:
            end = dose_d[done] + dose_over_d[done]
            # A bolus of the level's very moment comes after it; an infusion that ends then is over.
            if end > level_at or (dose_over_d[done] <= 0.0 and end >= level_at):
                break
            over_of[done], lasting = _place_of(dose_over_d[done], overs, lasting)
            step_of[events], different = _place_of(end - now if events else 0.0, steps, different)
            kinds[events] = done
            now = end
            events += 1
            done += 1
        step_of[events], different = _place_of(level_at - now if events else 0.0, steps, different)
        kinds[events] = -1 - place
        now = level_at
        events += 1
        for dose in range(done, dose_d.size):
            if dose_d[dose] < level_at and dose_over_d[dose] > 0.0:
                running[pairs, 0], running[pairs, 1] = place, dose
                pairs += 1
    return kinds[:events], step_of[:events], steps[:different], over_of, overs[:lasting], running[:pairs]


@compiled(inline="always")
def log_likelihood(predicted, level, below, additive, proportional):
    """The log density of one level where so much is predicted; below quantification, the probability of lying there."""
    variance = additive * additive + (proportional * predicted) ** 2
    away = (level - predicted) / math.sqrt(variance)
    if below:
        return math.log(max(0.5 * math.erfc(-away / math.sqrt(2.0)), TINY))
    return -0.5 * (away * away + math.log(variance)) - HALF_LOG_2_PI


@compiled()
def energies(
    zs,
    out,
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
    kinds,
    step_of,
    steps,
    over_of,
    overs,
    running,
    way,
    left_out,
    parameters,
    seen,
):
    """Minus the log posterior density of each row of ``zs``, whose prior is standard normal (η = ω z), into ``out``.

    ``way`` is the course of a changing weight with the levels as its outputs, None where nothing changes: then the walk
    predicts. The level ``left_out`` (−1: none) does not count. The parameters go into ``parameters`` and what is predicted for
    each level, counted or not, into ``seen`` (a column each), where these have rows.
    """
    p, rates, amplitudes, state = np.empty(kernels.SLOTS), np.empty(3), np.empty((3, 3)), np.empty(3)
    decays, fills, found = np.empty((steps.size, 3)), np.empty((overs.size, 3)), np.empty(level.size)
    by_route = np.zeros(3, np.bool_)
    for dose in range(dose_d.size):
        by_route[dose_route[dose]] = True
    used = np.empty(3, np.int64)
    constant = HALF_LOG_2_PI * slots.size
    for row in range(zs.shape[0]):
        value = constant
        p[:] = typical
        for one in range(slots.size):
            z, slot = zs[row, one], slots[one]
            p[slot] = typical[slot] * math.exp(omega[slot] * z)
            value += 0.5 * z * z
        if way is None:
            kernels._disposition(p, rates, amplitudes)
            terms = 0
            for one in range(3):
                for route in range(3):
                    if by_route[route] and amplitudes[route, one] != 0.0:
                        used[terms] = one
                        terms += 1
                        break
            for term in range(terms):
                one = used[term]
                state[one] = 0.0
                rate = rates[one]
                for step in range(steps.size):
                    decays[step, one] = math.exp(-rate * steps[step])
                for over in range(overs.size):
                    ran = rate * overs[over]
                    fills[over, one] = -math.expm1(-ran) / ran if ran > 0.0 else 1.0
            for event in range(kinds.size):
                step, kind, total = step_of[event], kinds[event], 0.0
                if kind >= 0:
                    grams, route, over = dose_g[kind], dose_route[kind], over_of[kind]
                    for term in range(terms):
                        one = used[term]
                        state[one] = state[one] * decays[step, one] + grams * amplitudes[route, one] * fills[over, one]
                else:
                    for term in range(terms):
                        one = used[term]
                        state[one] *= decays[step, one]
                        total += state[one]
                    found[-1 - kind] = total / p[kernels.VC] + p[kernels.BASELINE]
            for pair in range(running.shape[0]):
                place, dose = running[pair, 0], running[pair, 1]
                since = level_d[place] - dose_d[dose]
                total = 0.0
                for term in range(terms):
                    one = used[term]
                    total += amplitudes[dose_route[dose], one] * kernels._entering(rates[one], since, dose_over_d[dose])
                found[place] += dose_g[dose] * total / p[kernels.VC]
        else:
            changing_kernels.run(p, way, found)
        for place in range(level.size):
            if place == left_out:
                continue
            value -= log_likelihood(found[place], level[place], below[place], additive, proportional)
        out[row] = value
        if parameters.shape[0]:
            parameters[row] = p
        if seen.shape[0]:
            seen[row] = found
