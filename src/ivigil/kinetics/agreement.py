"""The closed form against integrators that know nothing of it: the equations as the papers print them, stepped.

``SOLVERS`` is the table of integrators; another one is one line there.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from ivigil.kinetics.individual import Parameters
from ivigil.kinetics.linear import concentrations, disposition, steady_concentrations
from ivigil.kinetics.regimens import Dose, Route, dose_days

Floats = NDArray[np.float64]

#: (slope of the states, from day, to day, states at the start, days asked for) → states at those days, (states, days).
Solver = Callable[[Callable[[float, Floats], Floats], float, float, Floats, Floats], Floats]

TAU_D = 28.0
#: Two doses, a missed rhythm and a long infusion, so that no scenario is a special case of the formula.
SECOND_D, END_D = 31.0, 90.0
GRAMS = 30.0
INFUSION_H = 5.0
SCENARIOS = ("bolus", "infusion", "subcutaneous", "steady state")
#: Outputs begin a quarter of a day after a dose: relative to nothing, every difference is large.
AFTER_D, OUTPUTS = 0.25, 120


def by_scipy(
    method: str,
    relative: float,
    slope: Callable[[float, Floats], Floats],
    start: float,
    end: float,
    states: Floats,
    days: Floats,
) -> Floats:
    """A method of ``scipy.integrate.solve_ivp``."""
    from scipy.integrate import solve_ivp

    solved = solve_ivp(slope, (start, end), states, method, days, rtol=relative, atol=relative * 1e-3)
    return np.asarray(solved.y)


#: ``LSODA`` is ODEPACK's Fortran (Adams and BDF), ``DOP853`` an explicit Runge-Kutta pair of order 8, ``Radau`` an
#: implicit one of order 5.
SOLVERS: dict[str, Solver] = {
    "LSODA": partial(by_scipy, "LSODA", 1e-11),
    "DOP853": partial(by_scipy, "DOP853", 1e-11),
    "Radau": partial(by_scipy, "Radau", 1e-8),
}


class Agreement(BaseModel):
    """The greatest relative difference between the closed form and one integrator, None where a model has no such route."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    scenario: str
    differences: dict[str, float | None]


def agreement(name: str, p: Parameters, solvers: Mapping[str, Solver] = SOLVERS) -> tuple[Agreement, ...]:
    """The closed form of one subject against every solver, per scenario."""
    rows = []
    for scenario in SCENARIOS:
        doses = _doses(scenario, p)
        rows.append(
            Agreement(
                model=name,
                scenario=scenario,
                differences={
                    key: None if doses is None else _difference(p, doses, solver, steady=scenario == SCENARIOS[-1])
                    for key, solver in solvers.items()
                },
            )
        )
    return tuple(rows)


def _doses(scenario: str, p: Parameters) -> tuple[Dose, ...] | None:
    if scenario == "subcutaneous":
        if not p.f_sc:
            return None
        return tuple(Dose(7.0 * week, GRAMS / 4, Route.SC) for week in range(12))
    if scenario == "steady state":
        extra = (Dose(7.0, GRAMS / 4, Route.SC),) if p.f_sc else ()
        return (Dose(0.0, GRAMS, Route.IV, INFUSION_H), *extra)
    hours = INFUSION_H if scenario == "infusion" else 0.0
    return (Dose(0.0, GRAMS, Route.IV, hours), Dose(SECOND_D, GRAMS / 2, Route.IV, hours))


def _difference(p: Parameters, doses: tuple[Dose, ...], solver: Solver, *, steady: bool) -> float:
    linear = disposition(p)
    if steady:
        days = np.linspace(AFTER_D, TAU_D - AFTER_D, OUTPUTS)
        exact = steady_concentrations(linear, doses, TAU_D, days)
        start = _repeating(p, doses, solver)
        end = TAU_D
    else:
        days = np.linspace(AFTER_D, END_D - AFTER_D, OUTPUTS)
        exact = concentrations(linear, doses, days)
        start, end = np.zeros(3), END_D
    stepped = integrated(p, doses, np.append(days, end), solver, start)[:-1, 1] / p.vc
    return float(np.max(np.abs(exact - stepped) / exact))


def _repeating(p: Parameters, cycle: tuple[Dose, ...], solver: Solver) -> Floats:
    """The states with which a cycle begins and ends: what one cycle does to nothing and to each unit, solved."""
    end = np.array([TAU_D])
    given = integrated(p, cycle, end, solver, np.zeros(3))[-1]
    carried = np.column_stack([integrated(p, (), end, solver, unit)[-1] for unit in np.eye(3)])
    # A state that the model lacks never leaves: of its equation 0 = 0 the smallest solution is nothing.
    return np.asarray(np.linalg.lstsq(np.eye(3) - carried, given, rcond=1e-12)[0])


def integrated(p: Parameters, doses: tuple[Dose, ...], days: Floats, solver: Solver, start: Floats) -> Floats:
    """Depot, central and peripheral amounts (g) at rising ``days``, shape (days, 3), stretch by stretch between doses.

    A day on which a dose is given reports the states before it.
    """
    last = float(days[-1])
    ends = [dose.day + dose_days(dose.over_h) for dose in doses]
    marks = sorted({0.0, last, *(dose.day for dose in doses if dose.day < last), *(one for one in ends if one < last)})
    states, found = start.copy(), np.empty((days.size, 3))
    for left, right in itertools.pairwise(marks):
        flow = np.zeros(3)
        for dose, end in zip(doses, ends, strict=True):
            if dose.over_h and dose.day <= left < end:
                flow += _entering(p, dose) / dose_days(dose.over_h)
            elif not dose.over_h and dose.day == left:
                states = states + _entering(p, dose)
        inside = (days > left) & (days <= right)
        asked = np.union1d(days[inside], [right])
        solved = solver(partial(slope, p, flow), left, right, states, asked)
        found[inside] = solved[:, np.isin(asked, days[inside])].T
        states = solved[:, -1]
    return found


def slope(p: Parameters, flow: Floats, _day: float, states: Floats) -> Floats:
    """The differential equations of the linear structures, as amounts per day."""
    depot, central, peripheral = states
    absorbed = p.ka * depot
    exchanged = p.q / p.vc * central - p.q / p.vp * peripheral if p.q else 0.0
    return np.asarray(flow + np.array([-absorbed, absorbed - p.cl / p.vc * central - exchanged, exchanged]))


def _entering(p: Parameters, dose: Dose) -> Floats:
    fraction = {Route.IV: 1.0, Route.SC: p.f_sc, Route.FACILITATED_SC: p.f_facilitated_sc}[dose.route]
    return np.asarray(np.eye(3)[1 if dose.route is Route.IV else 0] * dose.amount_g * fraction)
