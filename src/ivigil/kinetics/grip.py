"""Grip strength driven by IgG above baseline: an indirect response (Li Z et al. 2024, Ann Clin Transl Neurol 11:1977-87).

    dGS/dt = G·DTR − (1 − Imax·D/(C50 + D))·DTR·GS,  GS(0) = G without treatment,  D exogenous IgG

(The supplement's equation S1 prints DRV where the loss rate DTR must stand.)
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ivigil.knowledge.kinetic_models import GripResponse

Floats = NDArray[np.float64]

RELATIVE_TOLERANCE = 1e-9
ABSOLUTE_TOLERANCE_KG = 1e-9


def grip_strength_kg(
    grip: GripResponse,
    exogenous_g_per_l: Callable[[Floats], Floats],
    bends: Floats,
    days: Floats,
    *,
    repeats: bool,
) -> Floats:
    """Grip strength (kg) of the worse hand at ``days`` (rising, from the first of ``bends``).

    Args:
        grip: the response's parameters.
        exogenous_g_per_l: exogenous IgG as a function of days.
        bends: days at which that function jumps or bends, its ends included.
        days: when to report; shape (n,).
        repeats: a steady state, which ends where it began; otherwise it begins without treatment.
    """
    start = grip.strength_kg.typical
    if repeats:
        # The equation is linear in GS, so one cycle maps GS(0) to slope × GS(0) + offset, and GS(0) is its fixed point.
        offset = _run(grip, exogenous_g_per_l, bends, bends, 0.0)[-1]
        slope = _run(grip, exogenous_g_per_l, bends, bends, start)[-1] / start - offset / start
        start = float(offset / (1.0 - slope))
    return _run(grip, exogenous_g_per_l, bends, days, start)


def _run(
    grip: GripResponse, exogenous_g_per_l: Callable[[Floats], Floats], bends: Floats, days: Floats, start_kg: float
) -> Floats:
    from scipy.integrate import solve_ivp

    gain, loss = grip.strength_kg.typical * grip.loss_per_d.typical, grip.loss_per_d.typical
    c50, imax = grip.c50_g_per_l.typical, grip.imax.typical

    def slope(day: float, strength: Floats) -> Floats:
        level = float(exogenous_g_per_l(np.array([min(day, before_end)]))[0])
        return np.asarray(gain - (1.0 - imax * level / (c50 + level)) * loss * strength)

    found = np.empty_like(days)
    state = np.array([start_kg])
    found[days <= bends[0]] = start_kg
    for left, right in itertools.pairwise(bends):
        before_end = np.nextafter(right, left)  # the next dose is not part of this stretch
        wanted = (days > left) & (days <= right)
        solved = solve_ivp(
            slope,
            (left, right),
            state,
            method="LSODA",
            t_eval=np.union1d(days[wanted], [right]),
            rtol=RELATIVE_TOLERANCE,
            atol=ABSOLUTE_TOLERANCE_KG,
        )
        found[wanted] = solved.y[0][: int(wanted.sum())]
        state = solved.y[:, -1]
    return found
