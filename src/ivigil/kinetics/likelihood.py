"""Compiled: how likely one patient's levels are under many candidate parameters at once.

The doses and levels of a patient are laid out once as a walk through time (:func:`itinerary`). The exponentials that a
candidate needs are then those of the *different* intervals and infusion times on the way, few where doses are regular,
not one for each pair of dose and level, and are worked out for a block of candidates side by side. Where the weight changes, the course of stretches predicts instead
(:mod:`.changing_kernels`); prior and levels are weighed here all the same. Nothing here is public: :mod:`.fitting` speaks for it.
"""

# mypy: disable-error-code="no-untyped-def"
# ruff: noqa: ANN001, ANN201, ANN202

from __future__ import annotations

import math

import numpy as np

from ivigil.kinetics import changing_kernels, kernels
from ivigil.kinetics.compiling import compiled
from ivigil.kinetics.exponentials import exponentials, share_left

#: Intervals closer than this (days; a tenth of a millisecond) are one: clock times subtract with rounding.
SAME_D = 1e-9
TINY = 1e-300
HALF_LOG_2_PI = 0.5 * math.log(2.0 * math.pi)
#: Candidates side by side.
BLOCK = 128
#: So many variances multiply without leaving the numbers of double precision; then one logarithm does for all of them.
MULTIPLIED = 8


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
def variance_of(predicted, additive, proportional):
    """The variance of measuring a level where so much is predicted."""
    return additive * additive + (proportional * predicted) ** 2


@compiled(inline="always")
def log_below(predicted, limit, variance):
    """The log probability that a level where so much is predicted is measured below ``limit``."""
    return math.log(max(0.5 * math.erfc((predicted - limit) / math.sqrt(2.0 * variance)), TINY))


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
    block = min(BLOCK, zs.shape[0])
    p, found = np.empty((block, kernels.SLOTS)), np.empty((level.size, block))
    powers, halves, factors = np.empty(block), np.empty(block), np.empty(block)
    walk = _room(steps.size + overs.size, block)
    row_found = np.empty(level.size)
    for begin in range(0, zs.shape[0], block):
        size = min(block, zs.shape[0] - begin)
        value = out[begin : begin + size]
        p[:] = typical
        value[:] = HALF_LOG_2_PI * slots.size
        for one in range(slots.size):
            slot = slots[one]
            for j in range(size):
                z = zs[begin + j, one]
                powers[j] = omega[slot] * z
                value[j] += 0.5 * z * z
            exponentials(powers[:size], halves, factors)
            for j in range(size):
                p[j, slot] = typical[slot] * factors[j]
        if way is None:
            _walk(
                p, size, dose_d, dose_g, dose_over_d, dose_route, level_d,
                kinds, step_of, steps, over_of, overs, running, walk, found,
            )  # fmt: skip
        else:
            for j in range(size):
                changing_kernels.run(p[j], way, row_found)
                found[:, j] = row_found
        _weigh_levels(found, size, level, below, additive, proportional, left_out, factors, value)
        if parameters.shape[0]:
            parameters[begin : begin + size] = p[:size]
        if seen.shape[0]:
            for j in range(size):
                for place in range(level.size):
                    seen[begin + j, place] = found[place, j]


@compiled(inline="always")
def _weigh_levels(found, size, level, below, additive, proportional, left_out, product, value):
    """Minus the log density of the levels where so much is predicted, added to ``value``."""
    multiplied = 0
    product[:size] = 1.0
    for place in range(level.size):
        if place == left_out:
            continue
        if below[place]:
            for j in range(size):
                predicted = found[place, j]
                value[j] -= log_below(predicted, level[place], variance_of(predicted, additive, proportional))
            continue
        for j in range(size):
            variance = variance_of(found[place, j], additive, proportional)
            value[j] += 0.5 * (level[place] - found[place, j]) ** 2 / variance + HALF_LOG_2_PI
            product[j] *= variance
        multiplied += 1
        if multiplied % MULTIPLIED == 0:
            for j in range(size):
                value[j] += 0.5 * math.log(product[j])
            product[:size] = 1.0
    if multiplied % MULTIPLIED:
        for j in range(size):
            value[j] += 0.5 * math.log(product[j])


@compiled()
def _room(days, block):
    """Room for the walk of a block: rates, amplitudes, amounts; and for each of ``days`` powers, their halves, what is left."""
    return (
        np.empty((3, block)),
        np.empty((3, 3, block)),
        np.empty((3, block)),
        np.empty(3 * days * block),
        np.empty(3 * days * block),
        np.empty(3 * days * block),
    )


@compiled(error_model="numpy")
def _walk(
    p, size, dose_d, dose_g, dose_over_d, dose_route, level_d,
    kinds, step_of, steps, over_of, overs, running, room, found,
):  # fmt: skip
    """What the first ``size`` candidates predict for each level into ``found`` (levels, candidates)."""
    rates, amplitudes, state, powers, halves, left = room
    own_rates, own_amplitudes = np.empty(3), np.empty((3, 3))
    routes, needed = kernels._routes(dose_route), np.zeros(3, np.bool_)
    for j in range(size):
        kernels._disposition(p[j], own_rates, own_amplitudes)
        for term in range(3):
            rates[term, j] = own_rates[term]
            for route in routes:
                amplitudes[route, term, j] = own_amplitudes[route, term]
                needed[term] |= own_amplitudes[route, term] != 0.0
    terms = np.flatnonzero(needed)
    # All exponentials of a block at once: term by term, the steps and then the infusions, the candidates side by side.
    at = 0
    for one in terms:
        state[one, :size] = 0.0
        for step in range(steps.size):
            for j in range(size):
                powers[at + j] = -rates[one, j] * steps[step]
            at += size
        for over in range(overs.size):
            for j in range(size):
                powers[at + j] = -rates[one, j] * overs[over]
            at += size
    exponentials(powers[:at], halves, left)
    days = steps.size + overs.size
    for term in range(terms.size):
        for spot in range((term * days + steps.size) * size, (term + 1) * days * size):
            left[spot] = share_left(-powers[spot], left[spot])
    for event in range(kinds.size):
        step, kind = step_of[event], kinds[event]
        if kind >= 0:
            grams, route = dose_g[kind], dose_route[kind]
            for term in range(terms.size):
                one, decay = terms[term], (term * days + step) * size
                fill = (term * days + steps.size + over_of[kind]) * size
                for j in range(size):
                    entered = grams * amplitudes[route, one, j] * left[fill + j]
                    state[one, j] = state[one, j] * left[decay + j] + entered
        else:
            place = -1 - kind
            found[place, :size] = 0.0
            for term in range(terms.size):
                one, decay = terms[term], (term * days + step) * size
                for j in range(size):
                    state[one, j] *= left[decay + j]
                    found[place, j] += state[one, j]
    for pair in range(running.shape[0]):
        place, dose = running[pair, 0], running[pair, 1]
        since = level_d[place] - dose_d[dose]
        for one in terms:
            for j in range(size):
                entered = kernels._entering(rates[one, j], since, dose_over_d[dose])
                found[place, j] += dose_g[dose] * amplitudes[dose_route[dose], one, j] * entered
    for place in range(level_d.size):
        for j in range(size):
            found[place, j] = found[place, j] / p[j, kernels.VC] + p[j, kernels.BASELINE]
