"""What one regimen does to IgG, by everything that is believed of the patient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

import numpy as np
from numpy.typing import NDArray

from ivigil.kinetics.bands import quantiles
from ivigil.kinetics.exposure import Belief, average_per_gram, baseline, steady_per_gram, total_after
from ivigil.kinetics.regimens import Dose, Route
from ivigil.kinetics.treatment import Treatment
from ivigil.prescription.regimen_search.result import AtDay, Level, Missed, Outcome, WearOff

Floats = NDArray[np.float64]

#: Percentiles of the band that is shown, and of the median.
BAND = (5.0, 50.0, 95.0)
#: How finely the day is looked for on which IgG falls below the target.
PER_DAY = 2
HALF, FEW = 0.5, 0.05
#: A course is repeated every so many whole days if it is this near to them.
NEAR_D = 0.5
#: How many of the last intervals tell how often: a visit may be late, a week under the skin has up to seven infusions.
RECENT = {Route.IV: 3, Route.SC: 7, Route.FACILITATED_SC: 3}


@dataclass(frozen=True)
class Repeated:
    """A regimen repeated for ever: ``dose_g`` at each of ``offsets_d`` in every ``tau_d`` days."""

    route: Route
    offsets_d: tuple[float, ...]
    tau_d: float
    dose_g: float


@dataclass(frozen=True)
class Scene:
    """What every regimen is judged against: the belief by route, the least trough (g/L), and how late a late dose is."""

    belief: Belief
    treatment: Treatment
    target_g_per_l: float
    late_d: float

    def by_route(self, route: Route) -> Belief | None:
        """The models that know a route."""
        return self.belief.of_route(route)


def per_gram_before_next(belief: Belief, route: Route, offsets_d: Sequence[float], tau_d: float) -> Floats:
    """Steady trough of exogenous IgG (g/L) for each gram, one number a sample."""
    return np.asarray(steady_per_gram(belief.parameters, route, offsets_d, tau_d, (tau_d,))[:, 0])


def reaches(belief: Belief, totals: Floats, target_g_per_l: float) -> float:
    """The probability that a level is the target or more."""
    return min(float(belief.masses[totals >= target_g_per_l].sum()), 1.0)


def level(belief: Belief, totals: Floats, target_g_per_l: float) -> Level:
    """A level in numbers."""
    low, middle, high = quantiles(totals, belief.masses, BAND)
    return Level(median=middle, p5=low, p95=high, reaches=reaches(belief, totals, target_g_per_l))


def outcome(scene: Scene, belief: Belief, what: Repeated, first_day: float | None) -> Outcome:
    """Everything about one regimen.

    Args:
        scene: target and doses so far.
        belief: of the models that know the route.
        what: the regimen.
        first_day: the day of its first dose, if that is known.
    """
    parameters, target, tau = belief.parameters, scene.target_g_per_l, what.tau_d
    late, left_out = tau + scene.late_d, 2 * tau
    grid = np.arange(1, int(tau * PER_DAY) + 1) / PER_DAY
    found = steady_per_gram(parameters, what.route, what.offsets_d, tau, (*grid, tau, late, left_out))
    totals = baseline(parameters)[:, None] + what.dose_g * found
    average = baseline(parameters) + what.dose_g * average_per_gram(
        parameters, what.route, len(what.offsets_d), what.tau_d
    )
    first: Level | None = None
    if first_day is not None:
        doses = tuple(Dose(first_day + offset, what.dose_g, what.route) for offset in what.offsets_d)
        after = total_after(belief, doses, (first_day + tau,))[:, 0]
        first = level(belief, after, target)
    return Outcome(
        steady_trough=level(belief, totals[:, -3], target),
        first_trough=first,
        first_dose=None if first_day is None else scene.treatment.moment(first_day),
        average_g_per_l=quantiles(average, belief.masses, (50.0,))[0],
        wear_off=_wear_off(belief, totals[:, : grid.size], grid, target),
        missed=Missed(
            late=_at(belief, totals[:, -2], target, late),
            left_out=_at(belief, totals[:, -1], target, left_out),
        ),
    )


def _at(belief: Belief, totals: Floats, target: float, day: float) -> AtDay:
    return AtDay(day=day, **level(belief, totals, target).model_dump())


def _wear_off(belief: Belief, totals: Floats, grid: Floats, target: float) -> WearOff:
    kept = np.array([reaches(belief, totals[:, place], target) for place in range(grid.size)])
    return WearOff(half_below_d=_stays_below(kept, grid, HALF), most_below_d=_stays_below(kept, grid, FEW))


def _stays_below(kept: Floats, grid: Floats, share: float) -> float | None:
    """The first day from which on fewer than this share keep the target until the next cycle."""
    enough = np.flatnonzero(kept >= share)
    place = int(enough[-1]) + 1 if enough.size else 0
    return float(grid[place]) if place < grid.size else None


def current_regimen(treatment: Treatment, same_course_d: float) -> Repeated | None:
    """What the last recorded doses repeat, or None if that cannot be told.

    Doses into a vein closer than ``same_course_d`` are one course; what is given under the skin stands alone.
    """
    last = treatment.doses[-1]
    doses = [dose for dose in treatment.doses if dose.route is last.route]
    apart = same_course_d if last.route is Route.IV else NEAR_D
    courses: list[list[Dose]] = [doses[:1]]
    for before, dose in pairwise(doses):
        if dose.day - before.day < apart:
            courses[-1].append(dose)
        else:
            courses.append([dose])
    every = _interval([after[0].day - before[0].day for before, after in pairwise(courses)], last.route)
    if every is None:
        return None
    course = courses[-1]
    grams = {dose.amount_g for dose in course}
    if len(grams) > 1:
        return None
    return Repeated(last.route, tuple(dose.day - course[0].day for dose in course), every, course[0].amount_g)


def _interval(gaps_d: list[float], route: Route) -> float | None:
    """Whole days from course to course: into a vein the middle of the last ones, under the skin only if all are alike."""
    recent = gaps_d[-RECENT[route] :]
    if not recent or (route is not Route.IV and max(recent) - min(recent) > NEAR_D):
        return None
    return float(round(median(recent))) or None
