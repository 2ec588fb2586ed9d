"""The integrator of :mod:`.ode` for populations under an FcRn blocker: several subjects side by side, IgG alone kept.

The pair, its control of the step, its events and its reading between steps are those of :mod:`.ode`. Subjects stand in lanes
and the compiler computes several at once. **Every lane has its own time and step**, so that a subject's numbers do not depend
on who stands beside it: groups, blocks and chunks may be cut anywhere. A lane that has ended waits at a step of nothing;
subjects whose drug leaves at the same pace take about as many steps, and stand beside each other so that few wait.

The equations of ``ANTAGONIST`` are written with one division a slope; the area is left out. Step factors come from a fifth
root that is right to one part in a hundred, which a step needs no better.
"""

# mypy: disable-error-code="no-untyped-def"
# ruff: noqa: ANN001, ANN201, ANN202, I001 - the tableau on three lines

from __future__ import annotations

import math

import numpy as np
from numba import prange

from ivigil.kinetics import kernels
from ivigil.kinetics.compiling import compiled
from ivigil.kinetics.ode import (
    _A21, _A31, _A32, _A41, _A42, _A43, _A51, _A52, _A53, _A54, _A61, _A62, _A63, _A64, _A65,
    _A71, _A73, _A74, _A75, _A76, _D1, _D3, _D4, _D5, _D6, _D7, _E1, _E3, _E4, _E5, _E6, _E7,
    _GROW, _SAFETY, _SHRINK, BASE, CLA, DONE, EC50, EMAX, FCRN, KD, KDEG, KOUT, NO_STEP, Q, TOO_MANY_STEPS, V, V2,
)  # fmt: skip

#: Subjects side by side.
LANES = 32
# Rows of one lane each in one array: the compiler sees that they do not overlap, and needs no check of it.
# States, the slopes of every stage of a step (drug, drug outside, IgG), the step and where it stands.
_T, _P, _G, _H, _NOW, _THEN = (LANES * row for row in range(6))
_T1, _T2, _T3, _T4, _T5, _T6, _T7 = (LANES * row for row in range(6, 13))
_P1, _P2, _P3, _P4, _P5, _P6, _P7 = (LANES * row for row in range(13, 20))
_G1, _G2, _G3, _G4, _G5, _G6, _G7 = (LANES * row for row in range(20, 27))
# Constants of the equations.
_FLOW, _CL, _QF, _QB, _KDV, _FR, _KDEG, _IN, _KOUT, _EMAX, _EC = (LANES * row for row in range(27, 38))
# What a step leaves: new states, its error, the factor of the next, and the curve of IgG within it; the output that is next.
_T_NEW, _P_NEW, _G_NEW, _WORST, _ROOT = (LANES * row for row in range(38, 43))
_C1, _C2, _C3, _C4, _C5, _DUE, _READ, _STEPS, _FAILED = (LANES * row for row in range(43, 52))
_ROWS = 52
# Bits of 1.0 times six fifths: where the fifth root is guessed from, less what makes its error even on both sides.
_ONE_BITS, _EVEN = float(1023 << 52), float(1 << 52) * 0.045


@compiled(inline="always", error_model="numpy", fastmath={"contract"})
def _slope(w, i, total, outside, igg, t, p, g):
    """Slopes of drug (mg/d), drug outside (mg/d) and IgG (g/L/d) of one lane, into rows ``t``, ``p`` and ``g``."""
    kdv, fr = w[_KDV + i], w[_FR + i]
    apart, together, twice = total - fr, total + fr, 2.0 * total * fr
    both = kdv + together + math.sqrt(apart * apart + kdv * (kdv + 2.0 * together))
    free = total * both - twice  # times ``both``
    half = free + w[_EC + i] * both
    once = 1.0 / (both * half)
    bound = twice * half * once
    left = total - bound
    across = w[_QF + i] * left - w[_QB + i] * outside
    w[t + i] = w[_FLOW + i] - w[_CL + i] * left - w[_KDEG + i] * bound - across
    w[p + i] = across
    w[g + i] = w[_IN + i] - w[_KOUT + i] * igg * (1.0 + w[_EMAX + i] * (free * both * once))


@compiled(inline="always", error_model="numpy", fastmath={"contract"})
def _off(w, i, k1, k3, k4, k5, k6, k7):
    """The error of a step over its length, from the rows of one state's slopes."""
    return (
        _E1 * w[k1 + i] + _E3 * w[k3 + i] + _E4 * w[k4 + i] + _E5 * w[k5 + i] + _E6 * w[k6 + i] + _E7 * w[k7 + i]
    )  # fmt: skip


@compiled(error_model="numpy", fastmath={"contract"})
def _try(w, rtol, atol):
    """One step of every lane, accepted or not: new states and slopes, its error over what is allowed, and its curve of IgG.

    Stage by stage through all lanes: the slopes of one stage wait for nothing but the stage before.
    """
    for i in range(LANES):
        h = w[_H + i] * _A21
        _slope(w, i, w[_T + i] + h * w[_T1 + i], w[_P + i] + h * w[_P1 + i], w[_G + i] + h * w[_G1 + i], _T2, _P2, _G2)
    for i in range(LANES):
        h = w[_H + i]
        _slope(
            w,
            i,
            w[_T + i] + h * (_A31 * w[_T1 + i] + _A32 * w[_T2 + i]),
            w[_P + i] + h * (_A31 * w[_P1 + i] + _A32 * w[_P2 + i]),
            w[_G + i] + h * (_A31 * w[_G1 + i] + _A32 * w[_G2 + i]),
            _T3,
            _P3,
            _G3,
        )
    for i in range(LANES):
        h = w[_H + i]
        _slope(
            w,
            i,
            w[_T + i] + h * (_A41 * w[_T1 + i] + _A42 * w[_T2 + i] + _A43 * w[_T3 + i]),
            w[_P + i] + h * (_A41 * w[_P1 + i] + _A42 * w[_P2 + i] + _A43 * w[_P3 + i]),
            w[_G + i] + h * (_A41 * w[_G1 + i] + _A42 * w[_G2 + i] + _A43 * w[_G3 + i]),
            _T4,
            _P4,
            _G4,
        )
    for i in range(LANES):
        h = w[_H + i]
        _slope(
            w,
            i,
            w[_T + i] + h * (_A51 * w[_T1 + i] + _A52 * w[_T2 + i] + _A53 * w[_T3 + i] + _A54 * w[_T4 + i]),
            w[_P + i] + h * (_A51 * w[_P1 + i] + _A52 * w[_P2 + i] + _A53 * w[_P3 + i] + _A54 * w[_P4 + i]),
            w[_G + i] + h * (_A51 * w[_G1 + i] + _A52 * w[_G2 + i] + _A53 * w[_G3 + i] + _A54 * w[_G4 + i]),
            _T5,
            _P5,
            _G5,
        )
    for i in range(LANES):
        h = w[_H + i]
        _slope(
            w,
            i,
            w[_T + i]
            + h * (_A61 * w[_T1 + i] + _A62 * w[_T2 + i] + _A63 * w[_T3 + i] + _A64 * w[_T4 + i] + _A65 * w[_T5 + i]),
            w[_P + i]
            + h * (_A61 * w[_P1 + i] + _A62 * w[_P2 + i] + _A63 * w[_P3 + i] + _A64 * w[_P4 + i] + _A65 * w[_P5 + i]),
            w[_G + i]
            + h * (_A61 * w[_G1 + i] + _A62 * w[_G2 + i] + _A63 * w[_G3 + i] + _A64 * w[_G4 + i] + _A65 * w[_G5 + i]),
            _T6,
            _P6,
            _G6,
        )
    for i in range(LANES):
        h = w[_H + i]
        w[_T_NEW + i] = w[_T + i] + h * (
            _A71 * w[_T1 + i] + _A73 * w[_T3 + i] + _A74 * w[_T4 + i] + _A75 * w[_T5 + i] + _A76 * w[_T6 + i]
        )
        w[_P_NEW + i] = w[_P + i] + h * (
            _A71 * w[_P1 + i] + _A73 * w[_P3 + i] + _A74 * w[_P4 + i] + _A75 * w[_P5 + i] + _A76 * w[_P6 + i]
        )
        w[_G_NEW + i] = w[_G + i] + h * (
            _A71 * w[_G1 + i] + _A73 * w[_G3 + i] + _A74 * w[_G4 + i] + _A75 * w[_G5 + i] + _A76 * w[_G6 + i]
        )
        _slope(w, i, w[_T_NEW + i], w[_P_NEW + i], w[_G_NEW + i], _T7, _P7, _G7)
    for i in range(LANES):
        h = w[_H + i]
        off_t = abs(h * _off(w, i, _T1, _T3, _T4, _T5, _T6, _T7))
        may_t = atol + rtol * max(abs(w[_T + i]), abs(w[_T_NEW + i]))
        off_p = abs(h * _off(w, i, _P1, _P3, _P4, _P5, _P6, _P7))
        may_p = atol + rtol * max(abs(w[_P + i]), abs(w[_P_NEW + i]))
        off_g = abs(h * _off(w, i, _G1, _G3, _G4, _G5, _G6, _G7))
        may_g = atol + rtol * max(abs(w[_G + i]), abs(w[_G_NEW + i]))
        # One division for the three: each error over what is allowed, times the product of what is allowed.
        off_t, off_p, off_g = off_t * (may_p * may_g), off_p * (may_t * may_g), off_g * (may_t * may_p)
        once = 1.0 / (may_t * may_p * may_g)
        worst = max(off_t, off_p, off_g) * once
        # What is no number must not be lost by a comparison.
        w[_WORST + i] = worst if (off_t + off_p + off_g) * once < math.inf else math.inf
    for i in range(LANES):
        h = w[_H + i]
        moved = w[_G_NEW + i] - w[_G + i]
        first = h * w[_G1 + i] - moved
        w[_C1 + i], w[_C2 + i], w[_C3 + i] = moved, first, moved - h * w[_G7 + i] - first
        w[_C4 + i] = h * (
            _D1 * w[_G1 + i]
            + _D3 * w[_G3 + i]
            + _D4 * w[_G4 + i]
            + _D5 * w[_G5 + i]
            + _D6 * w[_G6 + i]
            + _D7 * w[_G7 + i]
        )
        w[_C5 + i] = 1.0 / h


@compiled(inline="always")
def _either(first, one, other):
    """Both are read whichever is taken: a lane must not branch."""
    return one if first else other


@compiled(error_model="numpy", fastmath={"contract"})
def _move(w, bits):
    """Accepted lanes to the end of their step, and every lane's next step."""
    for i in range(LANES):
        bits[_ROOT + i] = np.int64(1.2 * _ONE_BITS - _EVEN - 0.2 * bits[_WORST + i])
    for i in range(LANES):
        worst, root = w[_WORST + i], w[_ROOT + i]
        root *= 1.2 - 0.2 * worst * (root * root) * (root * root) * root  # Newton's
        root *= 1.2 - 0.2 * worst * (root * root) * (root * root) * root
        factor = min(_GROW, max(_SHRINK, _SAFETY * root))
        w[_H + i] *= factor if worst < math.inf else _SHRINK
    for i in range(LANES):
        taken = w[_WORST + i] <= 1.0
        w[_NOW + i] = _either(taken, w[_THEN + i], w[_NOW + i])
        w[_T + i] = _either(taken, w[_T_NEW + i], w[_T + i])
        w[_P + i] = _either(taken, w[_P_NEW + i], w[_P + i])
        w[_G + i] = _either(taken, w[_G_NEW + i], w[_G + i])
        w[_T1 + i] = _either(taken, w[_T7 + i], w[_T1 + i])
        w[_P1 + i] = _either(taken, w[_P7 + i], w[_P1 + i])
        w[_G1 + i] = _either(taken, w[_G7 + i], w[_G1 + i])


@compiled(error_model="numpy", fastmath={"contract"})
def _ready(w, end, most_steps):
    """Every lane's next step cut at ``end``, a step of nothing for who is there or has failed; how many go."""
    going = 0
    for i in range(LANES):
        now, h, failed, steps = w[_NOW + i], w[_H + i], w[_FAILED + i], w[_STEPS + i]
        left = end - now
        goes = (left > 0.0) & (failed == 0.0)
        failed = NO_STEP if goes & (not h > 1e-15 * max(abs(now), 1.0)) else failed
        failed = TOO_MANY_STEPS if goes & (steps >= most_steps) else failed
        goes &= failed == 0.0
        last = now + 1.0000001 * h >= end
        w[_FAILED + i] = failed
        w[_STEPS + i] = steps + (1.0 if goes else 0.0)
        w[_H + i] = (left if last else h) if goes else 0.0
        w[_NOW + i] = now if goes else end
        w[_THEN + i] = now + h if goes & (not last) else end
        going += 1 if goes else 0
    return going


@compiled(error_model="numpy", fastmath={"contract"})
def _read(w, at, out_d, read):
    """Outputs within the accepted steps, one of each lane at a time, until no lane has another."""
    while True:
        waiting = 0
        for i in range(LANES):
            due = (w[_DUE + i] < w[_THEN + i]) & (w[_WORST + i] <= 1.0)
            w[_ROOT + i] = 1.0 if due else 0.0
            waiting += 1 if due else 0
        if waiting == 0:
            return
        for i in range(LANES):
            share = (w[_DUE + i] - w[_NOW + i]) * w[_C5 + i]
            rest = 1.0 - share
            w[_READ + i] = w[_G + i] + share * (
                w[_C1 + i] + rest * (w[_C2 + i] + share * (w[_C3 + i] + rest * w[_C4 + i]))
            )
        for i in range(LANES):
            # What is not due is written over when it is, or stands in the row that nobody reads.
            read[at[i], i] = w[_READ + i]
            at[i] += np.int64(w[_ROOT + i])
            w[_DUE + i] = out_d[at[i]]


@compiled(error_model="numpy")
def _group(w, bits, at, read, gain, mark_d, bolus_g, flow_g_per_d, out_d, rtol, atol, most_steps):
    """All lanes from the first mark to the last; IgG into ``read`` (outputs and a row that nobody reads, lanes)."""
    outputs = out_d.size - 1
    at[:] = 0
    for segment in range(mark_d.size - 1):
        now, end = mark_d[segment], mark_d[segment + 1]
        for i in range(LANES):
            while at[i] < outputs and out_d[at[i]] <= now:
                read[at[i], i] = w[_G + i]
                at[i] += 1
            w[_DUE + i] = out_d[at[i]]
            w[_T + i] += bolus_g[segment] * gain[i]
            w[_FLOW + i] = flow_g_per_d[segment] * gain[i]
            _slope(w, i, w[_T + i], w[_P + i], w[_G + i], _T1, _P1, _G1)
            # A first step by which no state moves more than a hundredth of itself.
            h = end - now
            for state, slope in ((_T, _T1), (_P, _P1), (_G, _G1)):
                if w[slope + i] != 0.0:
                    h = min(h, 0.01 * max(abs(w[state + i]), 1e-3) / abs(w[slope + i]))
            w[_H + i], w[_NOW + i] = h, now
        while _ready(w, end, most_steps) > 0:
            _try(w, rtol, atol)
            _read(w, at, out_d, read)
            _move(w, bits)
    for i in range(LANES):
        while at[i] < outputs:
            read[at[i], i] = w[_G + i]
            at[i] += 1


@compiled(error_model="numpy")
def _by_pace(parameters):
    """Subjects in the order of how fast the drug leaves, bound and free, as near as a bin of the histograms tells."""
    subjects = parameters.shape[0]
    pace, places = np.empty(subjects, np.float32), np.empty(subjects, np.int64)
    bits = pace.view(np.int32)
    begins, order = np.zeros(kernels.BINS + 1, np.int64), np.empty(subjects, np.int64)
    for one in range(subjects):
        pace[one] = parameters[one, KDEG] + parameters[one, CLA] / parameters[one, V]
        places[one] = min(max((bits[one] >> kernels._SHIFT) - kernels._BIAS, 0), kernels.BINS - 1)
        begins[places[one] + 1] += 1
    for place in range(kernels.BINS):
        begins[place + 1] += begins[place]
    for one in range(subjects):
        order[begins[places[one]]] = one
        begins[places[one]] += 1
    return order


@compiled(parallel=True, error_model="numpy")
def igg(parameters, states, gain, mark_d, bolus_g, flow_g_per_d, out_d, rtol, atol, most_steps, out, status):
    """Total IgG (g/L) of every subject, before any dose of an output's moment, into ``out`` (outputs, subjects).

    Arguments as those of :func:`.ode.integrate`; ``states`` are only read. A failed subject's outputs are not numbers.
    """
    subjects, outputs = parameters.shape[0], out_d.size
    due_d = np.append(out_d, math.inf)
    order = _by_pace(parameters)
    for group in prange((subjects + LANES - 1) // LANES):
        w = np.zeros(_ROWS * LANES)
        at, gains, read = np.empty(LANES, np.int64), np.empty(LANES), np.empty((outputs + 1, LANES))
        first = group * LANES
        for i in range(LANES):
            own = order[min(first + i, subjects - 1)]  # the last stands in for whoever is missing
            p = parameters[own]
            w[_T + i], w[_P + i], w[_G + i], gains[i] = states[own, 0], states[own, 1], states[own, 2], gain[own]
            w[_CL + i], w[_QF + i], w[_QB + i] = p[CLA] / p[V], p[Q] / p[V], p[Q] / p[V2]
            w[_KDV + i], w[_FR + i], w[_KDEG + i] = p[KD] * p[V], p[FCRN] * p[V], p[KDEG]
            w[_IN + i], w[_KOUT + i], w[_EMAX + i], w[_EC + i] = p[KOUT] * p[BASE], p[KOUT], p[EMAX], p[EC50] * p[V]
        _group(
            w, w.view(np.int64), at, read, gains, mark_d, bolus_g, flow_g_per_d, due_d, rtol, atol, most_steps
        )  # fmt: skip
        for i in range(min(LANES, subjects - first)):
            status[order[first + i]] = np.int64(w[_FAILED + i])
        for output in range(outputs):
            for i in range(min(LANES, subjects - first)):
                out[output, first + i] = read[output, i] if w[_FAILED + i] == DONE else math.nan
    # Row by row into the order asked for: one row stays near the processor, all of them do not.
    for output in prange(outputs):
        row = out[output].copy()
        for place in range(subjects):
            out[output, order[place]] = row[place]
