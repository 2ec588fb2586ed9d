"""Linear disposition whose parameters change on known days: amounts are carried over, exactly, from stretch to stretch.

A weight that changes makes the parameters constant on each stretch between two weighings. Within a stretch the amounts in
centre, periphery and depot are sums of exponentials of what was there at its start and of what enters; at its end the
amounts, not the concentrations, go on. A concentration therefore steps where the central volume steps. With the notation
of :mod:`.linear` and E = k10 + k12, Δ = λ1 − λ2, one gram put into one place is found in another as

    centre → centre       (λ1 − k21)/Δ e^{−λ1 t} + (k21 − λ2)/Δ e^{−λ2 t}
    centre → periphery    k12/Δ (e^{−λ2 t} − e^{−λ1 t})           periphery → centre    k21/Δ (e^{−λ2 t} − e^{−λ1 t})
    periphery → periphery (λ1 − E)/Δ e^{−λ1 t} + (E − λ2)/Δ e^{−λ2 t}
    depot → either        Ka times the convolution of e^{−Ka t} with the rows of the centre

which is the matrix exponential of the three-compartment system written out.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ivigil.kinetics.individual import Individual, Parameters, individual
from ivigil.kinetics.linear import CONFLUENT, disposition
from ivigil.kinetics.regimens import Dose, Route, dose_days
from ivigil.kinetics.subjects import Subject
from ivigil.knowledge.kinetic_models import KineticModel

Floats = NDArray[np.float64]

CENTRE, PERIPHERY, DEPOT = range(3)


@dataclass(frozen=True)
class Stretch:
    """Parameters that hold from ``start_d`` (the first: since ever) until the next stretch begins."""

    start_d: float
    parameters: Parameters


def stretches(
    model: KineticModel, subject: Subject, baseline_g_per_l: float | None = None
) -> tuple[tuple[Stretch, ...], Individual]:
    """The stretches of a subject whose weight changes, and the individual of the last of them.

    Stretches with the same parameters are one, so that a model without an effect of weight has a single one.
    """
    made = individual(model, subject.at(-math.inf), baseline_g_per_l)
    found = [Stretch(-math.inf, made.parameters)]
    for later in subject.weights[1:]:
        made = individual(model, subject.at(later.day), baseline_g_per_l)
        if made.parameters != found[-1].parameters:
            found.append(Stretch(later.day, made.parameters))
    return tuple(found), made


def transfer(p: Parameters) -> tuple[Floats, Floats]:
    """Rates (3) and amplitudes (from, to, rate) of one gram in each place; what a model lacks has amplitude 0."""
    k10 = p.cl / p.vc
    rates, found = np.ones(3), np.zeros((3, 3, 3))
    if p.q:
        k12, k21 = p.q / p.vc, p.q / p.vp
        total = k10 + k12 + k21
        fast = 0.5 * (total + math.sqrt(total * total - 4.0 * k10 * k21))
        slow = k10 * k21 / fast
        gap = fast - slow
        rates[:2] = fast, slow
        found[CENTRE, CENTRE, :2] = (fast - k21) / gap, (k21 - slow) / gap
        found[CENTRE, PERIPHERY, :2] = -k12 / gap, k12 / gap
        found[PERIPHERY, CENTRE, :2] = -k21 / gap, k21 / gap
        found[PERIPHERY, PERIPHERY, :2] = (k21 - slow) / gap, (fast - k21) / gap
    else:
        rates[:2] = k10
        found[CENTRE, CENTRE, 0] = 1.0
    if p.ka:
        ka = p.ka
        for rate in rates[:2]:
            if abs(ka - rate) < CONFLUENT * rate:
                ka = rate * (1.0 + CONFLUENT)
        rates[2] = ka
        found[DEPOT, DEPOT, 2] = 1.0
        for place in (CENTRE, PERIPHERY):
            parts = found[CENTRE, place, :2] * ka / (ka - rates[:2])
            found[DEPOT, place] = *parts, -parts.sum()
    return rates, found


class Changing:
    """Exogenous IgG of one subject whose parameters change, as a function of days.

    Args:
        parts: the stretches, in order of time.
        doses: all doses, in any order.

    Raises:
        BadInput: a route that the model does not know.
    """

    def __init__(self, parts: tuple[Stretch, ...], doses: tuple[Dose, ...]) -> None:
        self._starts = np.array([one.start_d for one in parts[1:]])
        self._volumes = np.array([one.parameters.vc for one in parts])
        self._transfers = [transfer(one.parameters) for one in parts]
        moments = {dose.day for dose in doses} | {dose.day + dose_days(dose.over_h) for dose in doses}
        first = min(moments, default=0.0)
        self._knots = np.array(sorted({first, *moments, *(day for day in self._starts.tolist() if day > first)}))
        self._part = np.searchsorted(self._starts, self._knots, side="right")
        self._states, self._running = np.zeros((self._knots.size, 3)), np.zeros((self._knots.size, 3))
        given, enters = np.zeros((self._knots.size, 3)), np.zeros((self._knots.size, 3))
        for dose in doses:
            at, over = int(np.searchsorted(self._knots, dose.day)), dose_days(dose.over_h)
            place, fraction = _entry(parts[int(self._part[at])].parameters, dose.route)
            if over:
                enters[at, place] += fraction * dose.amount_g / over
                enters[int(np.searchsorted(self._knots, dose.day + over)), place] -= fraction * dose.amount_g / over
            else:
                given[at, place] += fraction * dose.amount_g
        self._running = np.cumsum(enters, axis=0)
        for knot in range(self._knots.size):
            before = np.zeros(3)
            if knot:
                rates, amplitudes = self._transfers[int(self._part[knot - 1])]
                lasted = float(self._knots[knot] - self._knots[knot - 1])
                left = np.exp(-rates * lasted)
                before = np.einsum("i,ijk,k->j", self._states[knot - 1], amplitudes, left) + np.einsum(
                    "i,ijk,k->j", self._running[knot - 1], amplitudes, -np.expm1(-rates * lasted) / rates
                )
            self._states[knot] = before + given[knot]

    def __call__(self, days: ArrayLike) -> Floats:
        """Exogenous IgG (g/L), a bolus dose of that very moment included. Shape: that of ``days``."""
        return self._level(np.asarray(days, dtype=np.float64), side="right")

    def before(self, days: ArrayLike) -> Floats:
        """Exogenous IgG (g/L) just before any dose of that moment."""
        return self._level(np.asarray(days, dtype=np.float64), side="left")

    def area(self, from_day: float, to_day: float) -> float:
        """Area under exogenous IgG (g·day/L) between two days, exact."""
        inside = self._knots[(self._knots > from_day) & (self._knots < to_day)]
        ends = np.array([from_day, *inside, to_day])
        total = 0.0
        for left, right in itertools.pairwise(ends.tolist()):
            knot = int(np.searchsorted(self._knots, left, side="right")) - 1
            if knot >= 0:
                total += self._area_after(knot, right) - self._area_after(knot, left)
        return total

    def _area_after(self, knot: int, day: float) -> float:
        part = int(self._part[knot])
        rates, amplitudes = self._transfers[part]
        lasted = float(day - self._knots[knot])
        gone = -np.expm1(-rates * lasted) / rates
        amount = self._states[knot] @ amplitudes[:, CENTRE] @ gone
        amount += self._running[knot] @ amplitudes[:, CENTRE] @ ((lasted - gone) / rates)
        return float(amount / self._volumes[part])

    def _level(self, days: Floats, side: str) -> Floats:
        found = np.zeros(days.shape)
        knots = np.searchsorted(self._knots, days, side="right" if side == "right" else "left") - 1
        for part, (rates, amplitudes) in enumerate(self._transfers):
            here = (knots >= 0) & (self._part[knots] == part)
            decay = np.exp(-rates * (days[here] - self._knots[knots[here]])[:, None])
            amount = np.einsum("ni,ik,nk->n", self._states[knots[here]], amplitudes[:, CENTRE], decay)
            found[here] = amount + np.einsum(
                "ni,ik,nk->n", self._running[knots[here]], amplitudes[:, CENTRE], (1.0 - decay) / rates
            )
        return np.asarray(found / self._volumes[np.searchsorted(self._starts, days, side="right")])


def _entry(p: Parameters, route: Route) -> tuple[int, float]:
    """Where a dose goes and which fraction of it arrives."""
    disposition(p).of(route)  # refuses a route that the model does not know
    if route is Route.IV:
        return CENTRE, 1.0
    return DEPOT, p.f_sc if route is Route.SC else p.f_facilitated_sc
