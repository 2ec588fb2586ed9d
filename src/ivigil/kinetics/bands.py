"""Compiled: percentiles of weighted samples, and IgG of samples at regular outputs, of which bands are made."""

# mypy: disable-error-code="no-untyped-def,call-arg"
# ruff: noqa: ANN001, ANN202

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ivigil.errors import BadInput
from ivigil.kinetics import kernels
from ivigil.kinetics.compiling import compiled
from ivigil.kinetics.exponentials import exponentials, share_left
from ivigil.kinetics.likelihood import SAME_D

Floats = NDArray[np.float64]

#: Slices of the values, in groups; only those in which a percentile lies are sorted.
SLICES, GROUP = 2048, 32
#: So many of the values say where the slices lie; what is beyond them falls into the first or the last.
LOOKED_AT = 128
#: Marks of one byte that are looked at as one number.
EIGHT = 8
#: What a mark of one byte can tell apart, and no mark.
MOST_PERCENTS = 255
#: Single precision, which takes nothing from either kind of values.
FIRST, LAST = np.float32(0.0), np.float32(SLICES - 1)
#: Weights are counted in whole parts of this: whole numbers add up to the same in any order, and several at once.
WHOLE = 2.0**62


def quantiles(values: Floats, weights: Floats, percents: Sequence[float]) -> list[float]:
    """The least of ``values`` at which the cumulated ``weights`` reach each of ascending ``percents``; exact."""
    (found,) = _percentiles(np.ascontiguousarray(values)[None, :], weights, percents)
    return [float(one) for one in found]


def bands(values: NDArray[np.float32], weights: Floats, percents: Sequence[float]) -> Floats:
    """Percentiles of each row of ``values`` (outputs, samples), shape (outputs, percents).

    Args:
        values: total IgG (g/L), as :func:`ivigil.kinetics.fitting.simulate` gives it.
        weights: of each sample.
        percents: ascending, in percent.

    Raises:
        BadInput: more percents than are found at once.
    """
    return _percentiles(values, weights, percents)


def _percentiles(rows: Floats | NDArray[np.float32], weights: Floats, percents: Sequence[float]) -> Floats:
    if len(percents) > MOST_PERCENTS:
        raise BadInput(
            "percents",
            str(len(percents)),
            f"At most {MOST_PERCENTS} percentiles are found at once.",
            "Ask for them in parts.",
        )
    parts = np.rint(weights * (WHOLE / weights.sum())).astype(np.int64)
    out = np.empty((len(rows), len(percents)))
    _each_row(rows, parts, np.asarray(percents) / 100.0, out)
    return out


def levels(
    parameters: Floats, step_d: float, outputs: int, doses: tuple[Floats, Floats, Floats, NDArray[np.int64]]
) -> NDArray[np.float32]:
    """Total IgG (g/L), shape (outputs, samples), at days 0, ``step_d``, … just before any dose.

    Args:
        parameters: of each sample, by slot.
        step_d: days between outputs.
        outputs: how many.
        doses: days, grams, durations (days) and routes, in the order of their ends.
    """
    out = np.empty((outputs, len(parameters)), dtype=np.float32)
    _levels(np.ascontiguousarray(parameters), step_d, *doses, out)
    return out


@compiled()
def _each_row(rows, parts, shares, out):
    total = parts.sum()
    targets = np.empty(shares.size, np.int64)
    for number in range(shares.size):
        targets[number] = math.ceil(total * shares[number])
    size = rows.shape[1]
    room = (
        np.empty(size, np.uint16), np.empty(SLICES, np.int64), np.empty(SLICES // GROUP, np.int64),
        np.empty(shares.size, np.int64), np.empty(shares.size, np.int64), np.empty(shares.size, np.int64),
        np.zeros(-(-size // EIGHT) * EIGHT, np.uint8), np.empty(shares.size, np.int64),
        np.empty((shares.size, size), rows.dtype), np.empty((shares.size, size), np.int64),
    )  # fmt: skip
    for row in range(rows.shape[0]):
        _row(rows[row], parts, targets, *room, out[row])


@compiled()
def _row(values, parts, targets, slices, masses, groups, places, lists, missing, marks, counts, held, worth, out):
    """Percentiles of one row. The room to work in is described where it is filled."""
    least, greatest = _extent(values[:: max(values.size // LOOKED_AT, 1)])
    if not greatest > least:
        least, greatest = _extent(values)
    if not greatest > least:
        out[:] = least
        return
    # The slice of each value. Rounding keeps the order of values, so the slices are in their order too.
    width = LAST / (greatest - least)
    for one in range(values.size):
        slices[one] = np.int32(min(max((values[one] - least) * width, FIRST), LAST))
    # What each slice weighs, and each group of them.
    masses[:] = 0
    for one in range(values.size):
        masses[slices[one]] += parts[one]
    for group in range(groups.size):
        mass = 0
        for place in range(group * GROUP, (group + 1) * GROUP):
            mass += masses[place]
        groups[group] = mass
    # In which slices (``places``) percentiles lie, in which of those each, and what it is missing where that begins.
    missing[:] = targets
    found = 0
    for number in range(targets.size):
        group = 0
        while groups[group] < missing[number] and group < groups.size - 1:
            missing[number] -= groups[group]
            group += 1
        place = group * GROUP
        while masses[place] < missing[number] and place < (group + 1) * GROUP - 1:
            missing[number] -= masses[place]
            place += 1
        if found == 0 or places[found - 1] != place:
            places[found], counts[found] = place, 0
            found += 1
        lists[number] = found - 1
    # Few values lie there: all are marked, many side by side, and eight without a mark are passed over together.
    marks[:] = 0
    for which in range(found):
        _mark(slices, np.uint16(places[which]), np.uint8(which + 1), marks)
    eights = marks.view(np.uint64)
    for eight in range(eights.size):
        if eights[eight]:
            for one in range(EIGHT * eight, min(EIGHT * (eight + 1), values.size)):
                if marks[one]:
                    which = marks[one] - 1
                    held[which, counts[which]], worth[which, counts[which]] = values[one], parts[one]
                    counts[which] += 1
    for which in range(found):
        _sort(held[which], worth[which], counts[which])
    for number in range(targets.size):
        which, one = lists[number], 0
        while worth[which, one] < missing[number] and one < counts[which] - 1:
            missing[number] -= worth[which, one]
            one += 1
        out[number] = held[which, one]


@compiled()
def _mark(slices, place, mark, marks):
    for one in range(slices.size):
        marks[one] |= mark if slices[one] == place else np.uint8(0)


@compiled(inline="always")
def _extent(values):
    """Least and greatest."""
    low = high = values[0]
    for one in range(1, values.size):
        low, high = min(low, values[one]), max(high, values[one])
    return low, high


@compiled()
def _sort(values, parts, count):
    """Shell's sort of the first few by their values (Ciura's gaps, Lect Notes Comput Sci 2001;2138:106-17)."""
    for gap in (1750, 701, 301, 132, 57, 23, 10, 4, 1):
        for one in range(gap, count):
            value, part, at = values[one], parts[one], one
            while at >= gap and values[at - gap] > value:
                values[at], parts[at] = values[at - gap], parts[at - gap]
                at -= gap
            values[at], parts[at] = value, part


@compiled(error_model="numpy")
def _levels(parameters, step_d, dose_d, dose_g, dose_over_d, dose_route, out):
    """Total IgG of every sample at every output into ``out`` (outputs, samples).

    What a dose leaves at the output after its end depends on the time since and the infusion time alone, which recur:
    each pair of them is worked out once for a block of samples.
    """
    outputs, block = out.shape[0], kernels.BLOCK
    joins, kind_of = np.empty(dose_d.size, np.int64), np.empty(dose_d.size, np.int64)
    kinds = 0
    likes = np.empty(dose_d.size, np.int64)
    for dose in range(dose_d.size):
        joins[dose] = kernels._first_after(dose_d[dose] + dose_over_d[dose], 0.0, step_d, outputs)
        since = joins[dose] * step_d - dose_d[dose]
        kind_of[dose] = kinds
        for kind in range(kinds):
            like = likes[kind]
            if (
                dose_route[like] == dose_route[dose]
                and abs(dose_over_d[like] - dose_over_d[dose]) < SAME_D
                and abs(joins[like] * step_d - dose_d[like] - since) < SAME_D
            ):
                kind_of[dose] = kind
                break
        if kind_of[dose] == kinds:
            likes[kinds] = dose
            kinds += 1
    left, ended, powers, halves = np.empty((kinds, 3, block)), np.empty(block), np.empty(block), np.empty(block)
    states, decays, rates = np.empty((3, block)), np.empty((3, block)), np.empty((3, block))
    amplitudes, base = np.empty((3, 3, block)), np.empty(block)
    # Into a vein only, what is absorbed from a depot stays nothing.
    routes = kernels._routes(dose_route)
    terms = 3 if routes.any() else 2
    own_rates, own_amplitudes = np.empty(3), np.empty((3, 3))
    for begin in range(0, parameters.shape[0], block):
        size = min(block, parameters.shape[0] - begin)
        for j in range(size):
            kernels._disposition(parameters[begin + j], own_rates, own_amplitudes)
            base[j] = parameters[begin + j, kernels.BASELINE]
            for one in range(3):
                states[one, j] = 0.0
                rates[one, j] = own_rates[one]
                for route in routes:
                    amplitudes[route, one, j] = own_amplitudes[route, one] / parameters[begin + j, kernels.VC]
        for one in range(terms):
            for j in range(size):
                powers[j] = -rates[one, j] * step_d
            exponentials(powers[:size], halves, decays[one])
        for kind in range(kinds):
            dose = likes[kind]
            since, over, route = joins[dose] * step_d - dose_d[dose], dose_over_d[dose], dose_route[dose]
            for one in range(terms):
                for j in range(size):
                    powers[j] = -rates[one, j] * (since - over)
                exponentials(powers[:size], halves, left[kind, one])
                for j in range(size):
                    powers[j] = -rates[one, j] * over
                exponentials(powers[:size], halves, ended)
                for j in range(size):
                    left[kind, one, j] *= amplitudes[route, one, j] * share_left(-powers[j], ended[j])
        done = 0
        for output in range(outputs):
            while done < dose_d.size and joins[done] <= output:
                kind, grams = kind_of[done], dose_g[done]
                for one in range(terms):
                    for j in range(size):
                        states[one, j] += grams * left[kind, one, j]
                done += 1
            _put(base, states[0], states[1], states[2], out[output, begin : begin + size])
            for one in range(terms):
                _times(states[one], decays[one])
        for dose in range(dose_d.size):  # what still ran at an output
            if dose_over_d[dose] > 0.0:
                route, over = dose_route[dose], dose_over_d[dose]
                for output in range(kernels._first_after(dose_d[dose], 0.0, step_d, outputs), joins[dose]):
                    since = output * step_d - dose_d[dose]
                    for j in range(size):
                        more = 0.0
                        for one in range(terms):
                            more += amplitudes[route, one, j] * kernels._entering(rates[one, j], since, over)
                        out[output, begin + j] += np.float32(dose_g[dose] * more)


@compiled()
def _put(base, fast, slow, absorbed, out):
    for j in range(out.size):
        out[j] = np.float32(fast[j] + slow[j] + absorbed[j] + base[j])


@compiled()
def _times(amounts, factors):
    for j in range(amounts.size):
        amounts[j] *= factors[j]
