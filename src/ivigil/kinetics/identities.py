"""What must hold exactly, whatever the parameters: each identity with the most that this code departs from it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from ivigil.kinetics.individual import Parameters
from ivigil.kinetics.linear import (
    area,
    concentrations,
    disposition,
    steady_area,
    steady_concentrations,
    terminal_half_life_d,
)
from ivigil.kinetics.population import Drawn, Schedule, levels
from ivigil.kinetics.regimens import Dose, Route

Floats = NDArray[np.float64]

TAU_D = 21.0
DAYS = np.linspace(0.13, 20.87, 31)
#: Cycles after which a steady state is reached for every published half-life.
MANY = 1200
SOON_H, FAST_PER_D = 1e-6, 1e7


class Identity(BaseModel):
    """One identity: its greatest departure over all models (relative), the model where, and what is tolerated."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    says: str
    departure: float
    model: str
    tolerated: float

    @property
    def holds(self) -> bool:
        """Whether the departure is tolerated."""
        return self.departure <= self.tolerated


def _cycle(p: Parameters) -> tuple[Dose, ...]:
    iv = (Dose(0.0, 28.0, Route.IV, 4.0), Dose(3.0, 10.0, Route.IV))
    return (*iv, Dose(7.0, 8.0, Route.SC)) if p.f_sc else iv


def _absorbed(p: Parameters, doses: tuple[Dose, ...]) -> float:
    return sum(dose.amount_g * (1.0 if dose.route is Route.IV else p.f_sc) for dose in doses)


def _apart(one: Floats | float, other: Floats | float) -> float:
    return float(np.max(np.abs(np.asarray(one) - other) / np.abs(other)))


def _balance(p: Parameters) -> float:
    doses = _cycle(p)
    return _apart(area(disposition(p), doses, 0.0, 1e5) * p.cl, _absorbed(p, doses))


def _steady_balance(p: Parameters) -> float:
    doses = _cycle(p)
    return _apart(steady_area(disposition(p), doses) * p.cl, _absorbed(p, doses))


def _superposition(p: Parameters) -> float:
    linear, doses = disposition(p), _cycle(p)
    days = DAYS + 7.0
    return _apart(concentrations(linear, doses, days), sum(concentrations(linear, (one,), days) for one in doses))


def _doubled(p: Parameters) -> float:
    linear, doses = disposition(p), _cycle(p)
    twice = tuple(replace(dose, amount_g=2.0 * dose.amount_g) for dose in doses)
    return _apart(concentrations(linear, twice, DAYS), 2.0 * concentrations(linear, doses, DAYS))


def _limit(p: Parameters) -> float:
    linear, cycle = disposition(p), _cycle(p)
    many = tuple(replace(dose, day=dose.day + TAU_D * number) for number in range(MANY) for dose in cycle)
    return _apart(
        concentrations(linear, many, DAYS + TAU_D * (MANY - 1)), steady_concentrations(linear, cycle, TAU_D, DAYS)
    )


def _average(p: Parameters) -> float:
    """Cavg by quadrature of the curve between its bends, against AUC/τ."""
    linear, cycle = disposition(p), _cycle(p)
    bends = sorted({0.0, 4.0 / 24.0, 3.0, 7.0, TAU_D})
    nodes, weights = np.polynomial.legendre.leggauss(30)
    total = 0.0
    for left, right in itertools.pairwise(bends):
        edges = np.linspace(left, right, 9)
        for a, b in itertools.pairwise(edges):
            inside = (a + b) / 2 + (b - a) / 2 * nodes
            total += (b - a) / 2 * float(weights @ steady_concentrations(linear, cycle, TAU_D, inside))
    return _apart(total / TAU_D, steady_area(linear, cycle) / TAU_D)


def _half_life(p: Parameters) -> float:
    linear = disposition(p)
    half = terminal_half_life_d(linear, frozenset({Route.IV}))
    late = 40.0 * half
    first, second = concentrations(linear, (Dose(0.0, 1.0, Route.IV),), np.array([late, late + half]))
    return _apart(second / first, 0.5)


def _short_infusion(p: Parameters) -> float:
    linear = disposition(p)
    short = concentrations(linear, (Dose(0.0, 28.0, Route.IV, SOON_H),), DAYS)
    return _apart(short, concentrations(linear, (Dose(0.0, 28.0, Route.IV),), DAYS))


def _fast_absorption(p: Parameters) -> float:
    if not p.f_sc:
        return 0.0
    fast = disposition(replace(p, ka=FAST_PER_D))
    bolus = concentrations(disposition(p), (Dose(0.0, 28.0 * p.f_sc, Route.IV),), DAYS)
    return _apart(concentrations(fast, (Dose(0.0, 28.0, Route.SC),), DAYS), bolus)


def _kernel(p: Parameters) -> float:
    """The compiled kernel of populations, in single precision, against the closed form."""
    doses = _cycle(p)
    routes = {Route.IV: 0, Route.SC: 1}
    by_end = sorted(doses, key=lambda dose: dose.day + dose.over_h / 24.0)
    plan = Schedule(
        np.array([dose.day for dose in by_end]),
        np.array([dose.amount_g for dose in by_end]),
        np.array([dose.over_h / 24.0 for dose in by_end]),
        np.array([routes[dose.route] for dose in by_end], dtype=np.int64),
        0.13,
        1.0,
        60,
    )
    row = np.array([[p.cl, p.vc, p.q, p.vp, p.ka, p.f_sc, p.f_facilitated_sc, 0.0]])
    made = levels(Drawn(0, row, np.ones(1)), plan)[0].astype(np.float64)
    return _apart(made, concentrations(disposition(p), doses, plan.days))


#: Name, what it says, how far the code departs from it, what rounding may do.
IDENTITIES: tuple[tuple[str, str, Callable[[Parameters], float], float], ...] = (
    ("mass balance", "CL × AUC(0, ∞) = F × dose", _balance, 1e-9),
    ("mass balance at steady state", "CL × AUC(τ) = F × dose", _steady_balance, 1e-9),
    ("superposition", "doses together = doses apart, added", _superposition, 1e-12),
    ("dose linearity", "twice the dose, twice the level", _doubled, 1e-12),
    ("steady state is a limit", f"solved = after {MANY} cycles", _limit, 1e-9),
    ("average", "mean of the curve (quadrature) = AUC(τ)/τ", _average, 1e-10),
    ("half-life", "one terminal half-life on, half is left", _half_life, 1e-9),
    ("short infusion", "over a few milliseconds = bolus", _short_infusion, 1e-6),
    ("fast absorption", "Ka without bound = bolus of F × dose", _fast_absorption, 1e-6),
    ("compiled kernel", "populations' kernel (single precision) = closed form", _kernel, 1e-5),
)


def identities(subjects: dict[str, Parameters]) -> tuple[Identity, ...]:
    """Every identity over the parameters of every model, by id."""
    rows = []
    for name, says, departure, tolerated in IDENTITIES:
        found = {model: departure(p) for model, p in subjects.items()}
        worst = max(found, key=found.__getitem__)
        rows.append(Identity(name=name, says=says, departure=found[worst], model=worst, tolerated=tolerated))
    return tuple(rows)
