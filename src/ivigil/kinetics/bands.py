"""Compiled: percentiles of weighted samples, and IgG of samples at regular outputs, of which bands are made."""

# mypy: disable-error-code="no-untyped-def,call-arg"
# ruff: noqa: ANN001, ANN202

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ivigil.kinetics import kernels
from ivigil.kinetics.compiling import compiled
from ivigil.kinetics.likelihood import SAME_D

Floats = NDArray[np.float64]

#: Slices of the values; only those in which a percentile lies are sorted.
SLICES = 1024
#: So many of the values say where the slices lie; what is beyond them falls into the first or the last.
LOOKED_AT = 256
#: Single precision, which takes nothing from either kind of values.
FIRST, LAST = np.float32(0.0), np.float32(SLICES - 1)


def quantiles(values: Floats, weights: Floats, percents: Sequence[float]) -> list[float]:
    """The least of ``values`` at which the cumulated ``weights`` reach each of ascending ``percents``; exact."""
    out = np.empty(len(percents))
    _quantiles(
        np.ascontiguousarray(values), weights, weights.sum() * np.asarray(percents) / 100.0, *_desk(len(values)), out
    )
    return [float(one) for one in out]


def bands(values: NDArray[np.float32], weights: Floats, percents: Sequence[float]) -> Floats:
    """Percentiles of each row of ``values`` (outputs, samples), shape (outputs, percents).

    Args:
        values: total IgG (g/L), as :func:`ivigil.kinetics.fitting.simulate` gives it.
        weights: of each sample.
        percents: ascending, in percent.
    """
    out = np.empty((len(values), len(percents)))
    _each_row(values, weights, np.asarray(percents) / 100.0, *_desk(len(weights)), out)
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


def _desk(size: int):
    """Room to work in: the slice of each value, the mass of each slice, which slices are wanted, and what lies there."""
    return np.empty(size, np.uint16), np.zeros(SLICES), np.zeros(SLICES, np.bool_), np.empty(size, np.int64)


@compiled()
def _each_row(rows, weights, shares, slices, masses, wanted, members, out):
    total = weights.sum()
    for row in range(rows.shape[0]):
        _quantiles(rows[row], weights, total * shares, slices, masses, wanted, members, out[row])


@compiled()
def _quantiles(values, weights, targets, slices, masses, wanted, members, out):
    least, greatest = _extent(values[:: max(values.size // LOOKED_AT, 1)])
    if not greatest > least:
        least, greatest = _extent(values)
    if not greatest > least:
        out[:] = least
        return
    # Rounding keeps the order of values, so the slices are in their order too.
    width = LAST / (greatest - least)
    for one in range(values.size):
        slices[one] = np.int32(min(max((values[one] - least) * width, FIRST), LAST))
    masses[:] = 0.0
    for one in range(values.size):
        masses[slices[one]] += weights[one]
    # Which slice each percentile lies in, and the mass of those before it.
    wanted[:] = False
    place, before = 0, 0.0
    lies_in, mass_before = np.empty(targets.size, np.int64), np.empty(targets.size)
    for number in range(targets.size):
        while before + masses[place] < targets[number] and place < SLICES - 1:
            before += masses[place]
            place += 1
        wanted[place], lies_in[number], mass_before[number] = True, place, before
    count = 0
    for one in range(values.size):
        if wanted[slices[one]]:
            members[count] = one
            count += 1
    _sort(values, members, count)
    # And where in it, member by member.
    at = 0
    for number in range(targets.size):
        while slices[members[at]] < lies_in[number] and at < count - 1:
            at += 1
        one, reached = at, mass_before[number] + weights[members[at]]
        while reached < targets[number] and one < count - 1 and slices[members[one + 1]] == lies_in[number]:
            one += 1
            reached += weights[members[one]]
        out[number] = values[members[one]]


@compiled(inline="always")
def _extent(values):
    """Least and greatest."""
    low = high = values[0]
    for one in range(1, values.size):
        low, high = min(low, values[one]), max(high, values[one])
    return low, high


@compiled()
def _sort(values, members, count):
    """Shell's sort of a few places by their values (Ciura's gaps, Lect Notes Comput Sci 2001;2138:106-17)."""
    for gap in (1750, 701, 301, 132, 57, 23, 10, 4, 1):
        for one in range(gap, count):
            held = members[one]
            value, at = values[held], one
            while at >= gap and values[members[at - gap]] > value:
                members[at] = members[at - gap]
                at -= gap
            members[at] = held


@compiled()
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
    left = np.empty((kinds, 3, block))
    states, decays, rates = np.empty((3, block)), np.empty((3, block)), np.empty((3, block))
    amplitudes, base = np.empty((3, 3, block)), np.empty(block)
    # Into a vein only, what is absorbed from a depot stays nothing.
    terms = 2 if (dose_route == kernels.IV).all() else 3
    own_rates, own_amplitudes = np.empty(3), np.empty((3, 3))
    for begin in range(0, parameters.shape[0], block):
        size = min(block, parameters.shape[0] - begin)
        for j in range(size):
            kernels._disposition(parameters[begin + j], own_rates, own_amplitudes)
            base[j] = parameters[begin + j, kernels.BASELINE]
            for one in range(3):
                states[one, j] = 0.0
                rates[one, j] = own_rates[one]
                decays[one, j] = math.exp(-own_rates[one] * step_d)
                for route in range(3):
                    amplitudes[route, one, j] = own_amplitudes[route, one] / parameters[begin + j, kernels.VC]
        for kind in range(kinds):
            dose = likes[kind]
            since, over, route = joins[dose] * step_d - dose_d[dose], dose_over_d[dose], dose_route[dose]
            for one in range(terms):
                for j in range(size):
                    left[kind, one, j] = 0.0
                    if amplitudes[route, one, j] != 0.0:
                        left[kind, one, j] = amplitudes[route, one, j] * kernels._entering(rates[one, j], since, over)
        done = 0
        for output in range(outputs):
            while done < dose_d.size and joins[done] <= output:
                kind, grams = kind_of[done], dose_g[done]
                for one in range(terms):
                    for j in range(size):
                        states[one, j] += grams * left[kind, one, j]
                done += 1
            row = out[output, begin : begin + size]
            if terms == 2:  # noqa: PLR2004 - disposition alone
                for j in range(size):
                    row[j] = np.float32(states[0, j] + states[1, j] + base[j])
                    states[0, j] *= decays[0, j]
                    states[1, j] *= decays[1, j]
            else:
                for j in range(size):
                    row[j] = np.float32(states[0, j] + states[1, j] + states[2, j] + base[j])
                    states[0, j] *= decays[0, j]
                    states[1, j] *= decays[1, j]
                    states[2, j] *= decays[2, j]
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
