"""The compiled form of :mod:`.changing`: one patient's course of stretches, doses and outputs, run for many parameters.

What does not depend on the parameters (moments, which stretch holds, what enters when) is laid out once as a
:class:`Course`; a run carries the three amounts from moment to moment. A level is that just before any dose of its moment.
Nothing here is public: :mod:`.fitting` speaks for it.
"""

# mypy: disable-error-code="no-untyped-def"
# ruff: noqa: ANN001, ANN201, ANN202

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import prange
from numpy.typing import NDArray

from ivigil.kinetics.compiling import compiled
from ivigil.kinetics.kernels import BASELINE, CL, CONFLUENT, F_FACILITATED, F_SC, IV, KA, SC, VC, VP, Q

Floats = NDArray[np.float64]
Wholes = NDArray[np.int64]


class Course(NamedTuple):
    """Moments in order: the days since the one before, the stretch on the way, grams a day that run on the way and
    grams given at the moment, by route. ``output_moment`` and ``output_stretch`` say where an output stands; ``scale``
    (stretches, slots) is what each stretch multiplies the parameters by.
    """

    lasted_d: Floats
    stretch: Wholes
    running: Floats
    given: Floats
    output_moment: Wholes
    output_stretch: Wholes
    scale: Floats


def course(
    dose_d: Floats,
    dose_g: Floats,
    dose_over_d: Floats,
    dose_route: Wholes,
    stretch_d: Floats,
    scale: Floats,
    output_d: Floats,
) -> Course:
    """The course of doses and outputs; ``stretch_d`` are the days on which the stretches after the first begin."""
    ends = dose_d + dose_over_d
    moments = np.unique(np.concatenate([dose_d, ends, stretch_d, output_d]))
    running, given = np.zeros((moments.size, 3)), np.zeros((moments.size, 3))
    for dose in range(dose_d.size):
        at, route = int(np.searchsorted(moments, dose_d[dose])), int(dose_route[dose])
        if dose_over_d[dose] > 0.0:
            until = int(np.searchsorted(moments, ends[dose]))
            running[at + 1 : until + 1, route] += dose_g[dose] / dose_over_d[dose]
        else:
            given[at, route] += dose_g[dose]
    return Course(
        np.diff(moments, prepend=moments[:1]),
        # On the way to the first moment nothing is there, so its stretch does not matter.
        np.searchsorted(stretch_d, np.concatenate([moments[:1], moments[:-1]]), side="right"),
        running,
        given,
        np.searchsorted(moments, output_d),
        np.searchsorted(stretch_d, output_d, side="right"),
        scale,
    )


@compiled()
def _transfer(p, scale, rates, amplitudes):
    """Rates (3) and amplitudes (from, to, rate) of one stretch; see :func:`ivigil.kinetics.changing.transfer`."""
    cl, vc, ka = p[CL] * scale[CL], p[VC] * scale[VC], p[KA] * scale[KA]
    k10 = cl / vc
    amplitudes[:] = 0.0
    rates[:] = 1.0
    if p[Q] > 0.0:
        q = p[Q] * scale[Q]
        k12, k21 = q / vc, q / (p[VP] * scale[VP])
        total = k10 + k12 + k21
        fast = 0.5 * (total + math.sqrt(total * total - 4.0 * k10 * k21))
        slow = k10 * k21 / fast
        gap = fast - slow
        rates[0], rates[1] = fast, slow
        amplitudes[0, 0, 0], amplitudes[0, 0, 1] = (fast - k21) / gap, (k21 - slow) / gap
        amplitudes[0, 1, 0], amplitudes[0, 1, 1] = -k12 / gap, k12 / gap
        amplitudes[1, 0, 0], amplitudes[1, 0, 1] = -k21 / gap, k21 / gap
        amplitudes[1, 1, 0], amplitudes[1, 1, 1] = (k21 - slow) / gap, (fast - k21) / gap
    else:
        rates[0], rates[1] = k10, k10
        amplitudes[0, 0, 0] = 1.0
    if ka > 0.0:
        for one in range(2):
            if abs(ka - rates[one]) < CONFLUENT * rates[one]:
                ka = rates[one] * (1.0 + CONFLUENT)
        rates[2] = ka
        amplitudes[2, 2, 2] = 1.0
        for place in range(2):
            for one in range(2):
                part = amplitudes[0, place, one] * ka / (ka - rates[one])
                amplitudes[2, place, one] = part
                amplitudes[2, place, 2] -= part


@compiled()
def run(p, way, out):
    """Total IgG (g/L) at the outputs of a course into ``out``, for one set of parameters by slot."""
    stretches = way.scale.shape[0]
    rates, amplitudes = np.empty((stretches, 3)), np.empty((stretches, 3, 3, 3))
    for one in range(stretches):
        _transfer(p, way.scale[one], rates[one], amplitudes[one])
    moments = way.lasted_d.size
    centre = np.empty(moments)
    state, after, enters = np.zeros(3), np.zeros(3), np.zeros(3)
    left, gone = np.empty(3), np.empty(3)
    for moment in range(moments):
        part, lasted = way.stretch[moment], way.lasted_d[moment]
        if lasted > 0.0:
            enters[0] = way.running[moment, IV]
            enters[2] = p[F_SC] * way.running[moment, SC] + p[F_FACILITATED] * way.running[moment, 2]
            runs = enters[0] > 0.0 or enters[2] > 0.0
            for one in range(3):
                left[one] = math.exp(-rates[part, one] * lasted)
                gone[one] = -math.expm1(-rates[part, one] * lasted) / rates[part, one] if runs else 0.0
            for place in range(3):
                total = 0.0
                for source in range(3):
                    for one in range(3):
                        total += amplitudes[part, source, place, one] * (
                            state[source] * left[one] + enters[source] * gone[one]
                        )
                after[place] = total
            state[:] = after
        centre[moment] = state[0]
        state[0] += way.given[moment, IV]
        state[2] += p[F_SC] * way.given[moment, SC] + p[F_FACILITATED] * way.given[moment, 2]
    for output in range(out.size):
        part = way.output_stretch[output]
        out[output] = (
            centre[way.output_moment[output]] / (p[VC] * way.scale[part, VC]) + p[BASELINE] * way.scale[part, BASELINE]
        )


@compiled(parallel=True)
def run_all(parameters, way, out):
    """The same for many sets of parameters: ``out`` is (sets, outputs)."""
    for row in prange(parameters.shape[0]):
        found = np.empty(out.shape[1])
        run(parameters[row], way, found)
        for output in range(out.shape[1]):
            out[row, output] = found[output]
