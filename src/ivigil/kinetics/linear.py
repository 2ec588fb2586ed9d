"""Linear disposition in closed form: one or two compartments with an optional depot.

Exogenous IgG in the central compartment after any doses is a sum of exponentials, so every quantity here (amount,
integral, steady state) is exact, not stepped. With clearance CL, volumes Vc and Vp, exchange Q and absorption Ka:

    λ1,2 = ((k10 + k12 + k21) ± sqrt((k10 + k12 + k21)² − 4 k10 k21)) / 2,  k10 = CL/Vc, k12 = Q/Vc, k21 = Q/Vp
    bolus:  A(t) = D (C1 e^{−λ1 t} + C2 e^{−λ2 t}),  C1 = (λ1 − k21)/(λ1 − λ2),  C2 = (k21 − λ2)/(λ1 − λ2)
    depot:  A(t) = F D Ka Σ Ci (e^{−λi t} − e^{−Ka t}) / (Ka − λi)

(Gibaldi M, Perrier D. Pharmacokinetics, 2nd ed., 1982, chapter 2.)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ivigil.errors import BadInput
from ivigil.kinetics.individual import Parameters
from ivigil.kinetics.regimens import Dose, Route, dose_days

Floats = NDArray[np.float64]

#: Absorption closer than this (relative) to a disposition rate is moved apart by it: the error is of the same order,
#: where the textbook formula would divide nothing by nothing.
CONFLUENT = 1e-7


@dataclass(frozen=True)
class Response:
    """Amount in the central compartment after 1 g: ``amplitudes[i] exp(−rates_per_d[i] t)`` summed."""

    rates_per_d: Floats
    amplitudes: Floats


@dataclass(frozen=True)
class Linear:
    """A subject's disposition. ``vc_l`` turns amounts (g) into concentrations (g/L)."""

    vc_l: float
    responses: dict[Route, Response]

    def of(self, route: Route) -> Response:
        """The response to a dose by a route.

        Raises:
            BadInput: the model knows no such route.
        """
        if route not in self.responses:
            known = ", ".join(sorted(one.value for one in self.responses))
            raise BadInput("regimen", route.value, f"The model knows only: {known}.", "Choose another model or route.")
        return self.responses[route]


def disposition(p: Parameters) -> Linear:
    """The closed form of a subject's parameters."""
    k10 = p.cl / p.vc
    if p.q:
        k12, k21 = p.q / p.vc, p.q / p.vp
        total = k10 + k12 + k21
        root = np.sqrt(total * total - 4.0 * k10 * k21)
        # The smaller root by division: subtraction would lose its digits when one rate dwarfs the other.
        fast = 0.5 * (total + root)
        slow = k10 * k21 / fast
        rates = np.array([fast, slow])
        shares = np.array([(fast - k21) / (fast - slow), (k21 - slow) / (fast - slow)])
    else:
        rates, shares = np.array([k10]), np.array([1.0])
    responses = {Route.IV: Response(rates, shares)}
    for route, fraction in ((Route.SC, p.f_sc), (Route.FACILITATED_SC, p.f_facilitated_sc)):
        if fraction:
            responses[route] = _absorbed(rates, shares, p.ka, fraction)
    return Linear(p.vc, responses)


def _absorbed(rates: Floats, shares: Floats, ka: float, fraction: float) -> Response:
    for rate in rates:
        if abs(ka - rate) < CONFLUENT * rate:
            ka = rate * (1.0 + CONFLUENT)
    parts = fraction * shares * ka / (ka - rates)
    return Response(np.append(rates, ka), np.append(parts, -parts.sum()))


def _since(response: Response, since_d: Floats, over_d: float) -> Floats:
    """Central amount ``since_d`` days after 1 g began, infused over ``over_d`` days; zero before."""
    t = np.maximum(since_d, 0.0)[..., None]
    rates = response.rates_per_d
    if over_d:
        running = np.minimum(t, over_d)
        shape = -np.expm1(-rates * running) / (rates * over_d) * np.exp(-rates * (t - running))
    else:
        shape = np.exp(-rates * t)
    return np.where(since_d >= 0.0, shape @ response.amplitudes, 0.0)


def _area(response: Response, since_d: Floats, over_d: float) -> Floats:
    """Integral of :func:`_since` from the start of the dose (g·day)."""
    t = np.maximum(since_d, 0.0)[..., None]
    rates = response.rates_per_d
    if over_d:
        running = np.minimum(t, over_d)
        during = (running + np.expm1(-rates * running) / rates) / (rates * over_d)
        after = -np.expm1(-rates * running) * -np.expm1(-rates * (t - running)) / (rates * rates * over_d)
        shape = during + after
    else:
        shape = -np.expm1(-rates * t) / rates
    return np.asarray(shape @ response.amplitudes)


def concentrations(linear: Linear, doses: tuple[Dose, ...], days: ArrayLike) -> Floats:
    """Exogenous IgG (g/L) at ``days`` after all doses, the dose of that very moment included.

    Shape: that of ``days``.
    """
    at = np.asarray(days, dtype=np.float64)
    total = np.zeros(at.size)
    for route in sorted({dose.route for dose in doses}):
        total += _superposed(linear.of(route), [dose for dose in doses if dose.route is route], at.ravel())
    return total.reshape(at.shape) / linear.vc_l


def _superposed(response: Response, doses: list[Dose], at: Floats) -> Floats:
    """Central amount (g) of doses of one route: what is over decays together from the last end, what runs is counted alone.

    Each exponential of all that is over is one number, so the work is that of days plus doses, not of days times doses.
    """
    over = [(dose.day + dose_days(dose.over_h), dose) for dose in sorted(doses, key=lambda one: one.day)]
    over.sort(key=lambda one: one[0])
    rates = response.rates_per_d
    ends = np.array([end for end, _ in over])
    states = np.empty((len(over) + 1, rates.size))
    states[0] = 0.0
    steps = np.exp(-rates * np.diff(ends, prepend=ends[0])[:, None])
    for place, (_, dose) in enumerate(over):
        over_d = dose_days(dose.over_h)
        entered = -np.expm1(-rates * over_d) / (rates * over_d) if over_d else 1.0
        states[place + 1] = states[place] * steps[place] + dose.amount_g * entered
    done = np.searchsorted(ends, at, side="right")
    since = at - ends[np.maximum(done - 1, 0)]
    total = np.where(
        done > 0, (states[done] * np.exp(-rates * np.maximum(since, 0.0)[:, None])) @ response.amplitudes, 0.0
    )
    order = np.argsort(at, kind="stable")
    sorted_days = at[order]
    for end, dose in over:
        if dose.over_h:
            here = order[slice(*np.searchsorted(sorted_days, (dose.day, end)))]
            total[here] += dose.amount_g * _since(response, at[here] - dose.day, dose_days(dose.over_h))
    return np.asarray(total)


def just_before(linear: Linear, doses: tuple[Dose, ...], day: float) -> float:
    """Exogenous IgG (g/L) at ``day``, a dose of that moment not yet given: a trough."""
    earlier = tuple(dose for dose in doses if dose.day < day)
    return float(concentrations(linear, earlier, day))


def area(linear: Linear, doses: tuple[Dose, ...], from_day: float, to_day: float) -> float:
    """Area under exogenous IgG (g·day/L) between two days, exact."""
    total = 0.0
    for dose in doses:
        ends = np.array([from_day - dose.day, to_day - dose.day])
        before, after = _area(linear.of(dose.route), ends, dose_days(dose.over_h))
        total += dose.amount_g * float(after - before)
    return total / linear.vc_l


# ---- steady state


def steady_concentrations(linear: Linear, cycle: tuple[Dose, ...], tau_d: float, days: ArrayLike) -> Floats:
    """Exogenous IgG (g/L) within the cycle (0 ≤ day ≤ ``tau_d``) when it has been repeated for ever.

    Each exponential of all earlier cycles sums to a geometric series, 1/(1 − e^{−λτ}); nothing is iterated.
    Shape: that of ``days``.
    """
    at = np.asarray(days, dtype=np.float64)
    total = np.zeros_like(at)
    for dose in cycle:
        response, over_d = linear.of(dose.route), dose_days(dose.over_h)
        # The cycle before may still be running at its end; all earlier ones are over.
        last = _since(response, at - dose.day, over_d) + _since(response, at - dose.day + tau_d, over_d)
        total += dose.amount_g * (last + _earlier_cycles(response, at - dose.day + 2 * tau_d, over_d, tau_d))
    return total / linear.vc_l


def _earlier_cycles(response: Response, since_d: Floats, over_d: float, tau_d: float) -> Floats:
    """1 g given ``since_d`` days ago and at every ``tau_d`` before that, each infusion over."""
    rates = response.rates_per_d
    t = since_d[..., None]
    if over_d:
        shape = np.expm1(rates * over_d) / (rates * over_d) * np.exp(-rates * t)
    else:
        shape = np.exp(-rates * t)
    return np.asarray((shape / -np.expm1(-rates * tau_d)) @ response.amplitudes)


def since_ever(linear: Linear, dose: Dose, every_d: float, days: ArrayLike) -> Floats:
    """Exogenous IgG (g/L) of a dose that was also given every ``every_d`` days before it, without a beginning; 0 before it.

    An infusion may be longer than the interval: those still running at the dose are counted one by one, all earlier ones
    by the geometric series. Shape: that of ``days``.
    """
    since = np.asarray(days, dtype=np.float64) - dose.day
    response, over_d = linear.of(dose.route), dose_days(dose.over_h)
    running = int(np.ceil(over_d / every_d))
    total = sum(_since(response, since + number * every_d, over_d) for number in range(running + 1))
    total = total + _earlier_cycles(response, since + (running + 1) * every_d, over_d, every_d)
    return np.where(since >= 0.0, dose.amount_g * total / linear.vc_l, 0.0)


def steady_area(linear: Linear, cycle: tuple[Dose, ...]) -> float:
    """Area under exogenous IgG over one cycle at steady state (g·day/L): F × dose / CL, whatever the schedule."""
    return (
        sum(
            dose.amount_g * float((linear.of(dose.route).amplitudes / linear.of(dose.route).rates_per_d).sum())
            for dose in cycle
        )
        / linear.vc_l
    )


def terminal_half_life_d(linear: Linear, routes: frozenset[Route]) -> float:
    """Half-life (days) of the slowest exponential among the routes used."""
    slowest = min(float(linear.of(route).rates_per_d.min()) for route in routes)
    return float(np.log(2.0) / slowest)
