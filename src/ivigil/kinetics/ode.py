"""Compiled integration of the models that have no closed form, many subjects at once.

Dormand and Prince 5(4) with its own continuous extension (Dormand JR, Prince PJ, J Comput Appl Math 1980;6:19-26; Hairer E,
Nørsett SP, Wanner G, Solving Ordinary Differential Equations I, 2nd ed. 1993, II.5-6): the step follows the estimated error,
every dose and every end of an infusion is an event at which the integration stops and begins anew, and outputs are read
between steps without shortening them. None of the models is stiff: binding is taken to be at equilibrium.

States (:data:`STATES`) of either kind; what is dosed enters the first. The last is the area under total IgG (g·day/L).

* ``TURNOVER``: IgG in plasma (g/L), IgG outside (g per litre of plasma), unused;
  dC/dt = production − (kint − jmax/(km + C))·C − escape·C + return·T,  dT/dt = escape·C − return·T
* ``ANTAGONIST``: drug in the central volume, free and bound (mg), drug outside (mg), total IgG (g/L);
  with complex = equilibrium of drug and FcRn, free = total − complex:
  dA/dt = −CL·free/V − kdeg·complex − Q·free/V + Q·P/V2,  dP/dt = Q·free/V − Q·P/V2,
  dIgG/dt = kout·(base − IgG·(1 + emax·c/(c + ec50))),  c = free/V
"""

# mypy: disable-error-code="no-untyped-def"
# ruff: noqa: ANN001, ANN201, ANN202

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numba import prange
from numpy.typing import ArrayLike, NDArray

from ivigil.errors import ImpossibleValue
from ivigil.kinetics.compiling import compiled
from ivigil.kinetics.regimens import Dose, dose_days

Floats = NDArray[np.float64]

TURNOVER, ANTAGONIST = range(2)
STATES, AREA = 4, 3
#: Which state is total IgG, by kind.
IGG = (0, 2)
SLOTS = 11
#: Slots of a turnover: g/L and days.
JMAX, KM, KINT, PRODUCTION, ESCAPE, RETURN = range(6)
#: Slots of an antagonist: L, L/d, mg/L, /d, g/L.
V, Q, V2, CLA, KD, FCRN, KDEG, BASE, KOUT, EMAX, EC50 = range(SLOTS)

#: Error of one step, relative and absolute (g/L, mg), of one subject's curve and of a population.
PRECISE, QUICK = (1e-10, 1e-12), (1e-7, 1e-6)
#: Steps of one subject before the integration gives up.
MOST_STEPS = 1_000_000
DONE, TOO_MANY_STEPS, NO_STEP = range(3)
FAILED = {
    TOO_MANY_STEPS: f"more than {MOST_STEPS} steps would be needed",
    NO_STEP: "no step is small enough, or a value ran out of range",
}

# error_model="numpy": nothing is raised inside a parallel loop; a division by nothing is no number, and ends in NO_STEP.
_SAFETY, _SHRINK, _GROW = 0.9, 0.2, 5.0
# The tableau, written out: loops over its zeros would cost a third of the time.
_A21 = 1 / 5
_A31, _A32 = 3 / 40, 9 / 40
_A41, _A42, _A43 = 44 / 45, -56 / 15, 32 / 9
_A51, _A52, _A53, _A54 = 19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729
_A61, _A62, _A63, _A64, _A65 = 9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656
_A71, _A73, _A74, _A75, _A76 = 35 / 384, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84
_E1, _E3, _E4, _E5, _E6, _E7 = 71 / 57600, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40
_D1, _D3, _D4 = -12715105075 / 11282082432, 87487479700 / 32700410799, -10690763975 / 1880347072
_D5, _D6, _D7 = 701980252875 / 199316789632, -1453857185 / 822651844, 69997945 / 29380423
_STAGES = 7


@compiled(error_model="numpy")
def _slope(kind, p, flow, y, dy):
    """Slopes of all states; ``flow`` is what an infusion brings a day into the first."""
    if kind == TURNOVER:
        catabolism = p[KINT] - p[JMAX] / (p[KM] + y[0])
        across = p[ESCAPE] * y[0] - p[RETURN] * y[1]
        dy[0] = flow + p[PRODUCTION] - catabolism * y[0] - across
        dy[1] = across
        dy[2] = 0.0
        dy[AREA] = y[0]
    else:
        total, target = y[0], p[FCRN] * p[V]
        both = p[KD] * p[V] + total + target
        # The smaller root by division: subtraction would lose the digits of what is free.
        bound = 2.0 * total * target / (both + math.sqrt(both * both - 4.0 * total * target))
        free = (total - bound) / p[V]
        across = p[Q] * (free - y[1] / p[V2])
        dy[0] = flow - p[CLA] * free - p[KDEG] * bound - across
        dy[1] = across
        dy[2] = p[KOUT] * (p[BASE] - y[2] * (1.0 + p[EMAX] * free / (free + p[EC50])))
        dy[AREA] = y[2]


@compiled(error_model="numpy")
def _one(kind, p, state, gain, mark_d, bolus_g, flow_g_per_d, out_d, before, rtol, atol, most_steps, out):
    """One subject from the first mark to the last; ``state`` is left at the end. Returns a status."""
    k = np.empty((_STAGES, STATES))
    trial, after = np.empty(STATES), np.empty(STATES)
    at, steps = 0, 0
    for segment in range(mark_d.size - 1):
        now, end = mark_d[segment], mark_d[segment + 1]
        if before:
            while at < out_d.size and out_d[at] <= now:
                out[at] = state
                at += 1
        state[0] += bolus_g[segment] * gain
        while at < out_d.size and out_d[at] <= now:
            out[at] = state
            at += 1
        flow = flow_g_per_d[segment] * gain
        _slope(kind, p, flow, state, k[0])
        # A first step by which no state moves more than a hundredth of itself.
        h = end - now
        for one in range(STATES):
            if k[0, one] != 0.0:
                h = min(h, 0.01 * max(abs(state[one]), 1e-3) / abs(k[0, one]))
        while now < end:
            if steps >= most_steps:
                return TOO_MANY_STEPS
            steps += 1
            last = now + 1.0000001 * h >= end
            if last:
                h = end - now
            for one in range(STATES):
                trial[one] = state[one] + h * _A21 * k[0, one]
            _slope(kind, p, flow, trial, k[1])
            for one in range(STATES):
                trial[one] = state[one] + h * (_A31 * k[0, one] + _A32 * k[1, one])
            _slope(kind, p, flow, trial, k[2])
            for one in range(STATES):
                trial[one] = state[one] + h * (_A41 * k[0, one] + _A42 * k[1, one] + _A43 * k[2, one])
            _slope(kind, p, flow, trial, k[3])
            for one in range(STATES):
                trial[one] = state[one] + h * (
                    _A51 * k[0, one] + _A52 * k[1, one] + _A53 * k[2, one] + _A54 * k[3, one]
                )
            _slope(kind, p, flow, trial, k[4])
            for one in range(STATES):
                trial[one] = state[one] + h * (
                    _A61 * k[0, one] + _A62 * k[1, one] + _A63 * k[2, one] + _A64 * k[3, one] + _A65 * k[4, one]
                )
            _slope(kind, p, flow, trial, k[5])
            for one in range(STATES):
                after[one] = state[one] + h * (
                    _A71 * k[0, one] + _A73 * k[2, one] + _A74 * k[3, one] + _A75 * k[4, one] + _A76 * k[5, one]
                )
            _slope(kind, p, flow, after, k[6])
            worst = 0.0
            for one in range(STATES):
                error = h * (
                    _E1 * k[0, one]
                    + _E3 * k[2, one]
                    + _E4 * k[3, one]
                    + _E5 * k[4, one]
                    + _E6 * k[5, one]
                    + _E7 * k[6, one]
                )
                ratio = abs(error) / (atol + rtol * max(abs(state[one]), abs(after[one])))
                worst = max(worst, ratio) if math.isfinite(ratio) else math.inf
            if worst <= 1.0:
                then = end if last else now + h
                while at < out_d.size and out_d[at] < then:
                    share = (out_d[at] - now) / h
                    rest = 1.0 - share
                    for one in range(STATES):
                        between = (
                            _D1 * k[0, one]
                            + _D3 * k[2, one]
                            + _D4 * k[3, one]
                            + _D5 * k[4, one]
                            + _D6 * k[5, one]
                            + _D7 * k[6, one]
                        )
                        moved = after[one] - state[one]
                        first = h * k[0, one] - moved
                        second = moved - h * k[6, one] - first
                        out[at, one] = state[one] + share * (
                            moved + rest * (first + share * (second + rest * h * between))
                        )
                    at += 1
                now = then
                for one in range(STATES):
                    state[one] = after[one]
                    k[0, one] = k[6, one]
            if not math.isfinite(worst):
                h *= _SHRINK
            elif worst > 0.0:
                h *= min(_GROW, max(_SHRINK, _SAFETY * worst**-0.2))
            else:
                h *= _GROW
            if not h > 1e-15 * max(abs(now), 1.0):
                return NO_STEP
    while at < out_d.size:
        out[at] = state
        at += 1
    return DONE


@compiled(parallel=True, error_model="numpy")
def integrate(
    kind, parameters, states, gain, mark_d, bolus_g, flow_g_per_d, out_d, before, rtol, atol, most_steps, out, status
):
    """Every subject at every output into ``out`` (subjects, outputs, STATES); a failed subject's outputs are not numbers.

    ``mark_d`` are the days of events, the first and the last day among them; ``bolus_g`` (grams) comes at each mark,
    ``flow_g_per_d`` runs from it to the next. ``gain`` turns a gram into units of the first state. ``out_d`` rises and lies
    within the marks; an output at the moment of a dose is taken ``before`` it or after. ``states`` is left at the end.
    """
    for row in prange(parameters.shape[0]):
        status[row] = _one(
            kind,
            parameters[row],
            states[row],
            gain[row],
            mark_d,
            bolus_g,
            flow_g_per_d,
            out_d,
            before,
            rtol,
            atol,
            most_steps,
            out[row],
        )
        if status[row] != DONE:
            out[row] = np.nan
            states[row] = np.nan


@dataclass(frozen=True)
class Events:
    """Doses as the integration meets them, see :func:`integrate`."""

    mark_d: Floats
    bolus_g: Floats
    flow_g_per_d: Floats


def events(dose_d: Floats, dose_g: Floats, dose_over_d: Floats, start_d: float, end_d: float) -> Events:
    """The events from ``start_d`` to ``end_d`` of doses of one drug that begin within; over 0 days is instantaneous."""
    begun = (dose_d >= start_d) & (dose_d < end_d)
    first_d, grams, over = dose_d[begun], dose_g[begun], dose_over_d[begun]
    last_d = np.minimum(first_d + over, end_d)
    mark_d = np.unique(np.concatenate([first_d, last_d, [start_d, end_d]]))
    bolus, flow = np.zeros(mark_d.size), np.zeros(mark_d.size)
    for one, (first, last) in enumerate(
        zip(np.searchsorted(mark_d, first_d), np.searchsorted(mark_d, last_d), strict=True)
    ):
        if over[one] > 0.0:
            flow[first:last] += grams[one] / over[one]
        else:
            bolus[first] += grams[one]
    return Events(mark_d, bolus, flow)


def events_of(doses: tuple[Dose, ...], end_d: float) -> Events:
    """The events from day 0 of doses of one drug."""
    day, grams, over = (
        np.array([dose.day for dose in doses]),
        np.array([dose.amount_g for dose in doses]),
        np.array([dose_days(dose.over_h) for dose in doses]),
    )
    return events(day, grams, over, 0.0, end_d)


@dataclass(frozen=True)
class System:
    """The equations of one subject: kind, parameters by slot, the untreated state, and the units of a gram."""

    kind: int
    parameters: Floats
    rest: Floats
    gain: float


def states_of(
    system: System,
    start: Floats,
    given: Events,
    days: ArrayLike,
    *,
    before: bool = False,
    tolerance: tuple[float, float] = PRECISE,
) -> tuple[Floats, Floats]:
    """States at rising ``days`` (days, STATES), and at the last event.

    Raises:
        ImpossibleValue: the integration failed; no curve is handed out.
    """
    at = np.asarray(days, dtype=np.float64)
    out = np.empty((1, at.size, STATES))
    state, status = start.copy()[None, :], np.empty(1, np.int64)
    integrate(
        system.kind,
        system.parameters[None, :],
        state,
        np.array([system.gain]),
        given.mark_d,
        given.bolus_g,
        given.flow_g_per_d,
        at,
        before,
        *tolerance,
        MOST_STEPS,
        out,
        status,
    )
    refuse_failed(status)
    return out[0], state[0]


def refuse_failed(status: NDArray[np.int64]) -> None:
    """Hand out nothing where any subject's integration failed.

    Raises:
        ImpossibleValue: with the number of subjects and the first reason.
    """
    failed = status != DONE
    if failed.any():
        raise ImpossibleValue(
            "--model",
            int(failed.sum()),
            f"So many subjects' equations could not be solved: {FAILED[int(status[failed][0])]}.",
            "Check doses and parameters for values that no body has.",
        )
