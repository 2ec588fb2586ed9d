"""The integrator against an independent one and against what can be solved by hand; failure is told, never a number."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

from ivigil.errors import ImpossibleValue
from ivigil.kinetics import ode
from ivigil.kinetics.antagonist import rest, typical
from ivigil.kinetics.individual import Parameters
from ivigil.kinetics.linear import area, concentrations, disposition
from ivigil.kinetics.regimens import Dose, Route
from ivigil.knowledge.loading import Knowledge

BLOCKER = typical(Knowledge().kinetic_model("lledogarcia2022"))
#: No saturation (jmax 0): catabolism kint = 0.05 a day, exchange 0.5 out and 0.4 back, plasma volume 3 L.
LINEAR = np.array([0.0, 20.0, 0.05, 0.0, 0.5, 0.4, 0, 0, 0, 0, 0])
AS_CLOSED_FORM = Parameters(0.15, 3.0, 1.5, 3.75, 0.0, 0.0, 0.0, 0.0)
NOTHING = np.zeros(ode.STATES)


def iv(day: float, grams: float, over_h: float = 0.0) -> Dose:
    return Dose(day, grams, Route.IV, over_h)


def by_lsoda(system: ode.System, doses: tuple[Dose, ...], days: NDArray[np.float64]) -> NDArray[np.float64]:
    """The equations as the paper prints them, by scipy's LSODA, dose by dose; a dose of a day counts on that day."""
    v, q, v2, cla, kd, fcrn, kdeg, base, kout, emax, ec50 = system.parameters
    marks = sorted({0.0, float(days[-1]), *(d.day for d in doses), *(d.day + d.over_h / 24 for d in doses)})
    state, found = system.rest[:3].copy(), np.full((days.size, 3), np.nan)
    for left, right in itertools.pairwise(marks):
        state[0] += system.gain * sum(d.amount_g for d in doses if d.day == left and not d.over_h)
        flow = sum(
            system.gain * d.amount_g / (d.over_h / 24)
            for d in doses
            if d.over_h and d.day <= left < d.day + d.over_h / 24 - 1e-12
        )

        def slope(_, x, flow=flow):
            total, outside, igg = x
            target = fcrn * v
            bound = ((kd * v + total + target) - np.sqrt((kd * v + total + target) ** 2 - 4 * total * target)) / 2
            free = total - bound
            stimulated = 1 + emax * (free / v) / (free / v + ec50)
            exchange = q * free / v - q * outside / v2
            return [flow - free * cla / v - bound * kdeg - exchange, exchange, base * kout - kout * igg * stimulated]

        wanted = (days >= left) & ((days < right) | (right == days[-1]))
        asked = np.union1d(days[wanted], [right])
        solved = solve_ivp(slope, (left, right), state, "LSODA", asked, rtol=1e-10, atol=1e-12)
        found[wanted] = solved.y.T[: wanted.sum()]
        state = solved.y[:, -1].copy()
    return found


@pytest.mark.parametrize(
    "doses",
    [
        (iv(0, 0.525),),
        (iv(0, 0.075), iv(7.25, 0.525, 2.0), iv(20, 0.3)),
        (iv(3.5, 0.3, 30.0), iv(4.0, 0.3, 30.0)),
        (iv(0, 50.0),),
    ],
    ids=["one", "three", "overlapping infusions", "a hundredfold"],
)
def test_the_antagonist_is_scipys_solution_of_the_printed_equations(doses):
    system = ode.System(ode.ANTAGONIST, BLOCKER, rest(BLOCKER), 1000.0)
    days = np.linspace(0, 70, 701)
    made, _ = ode.states_of(system, system.rest, ode.events_of(doses, 70.0), days)
    expected = by_lsoda(system, doses, days)
    assert made[:, 2] == pytest.approx(expected[:, 2], rel=1e-8)  # IgG
    assert made[:, 0] == pytest.approx(expected[:, 0], rel=1e-6, abs=1e-6)  # drug in mg


def test_without_saturation_it_is_the_closed_form():
    doses = (iv(0, 30.0), iv(21.3, 15.0, 5.0), iv(40.0, 30.0, 24.0))
    system = ode.System(ode.TURNOVER, LINEAR, NOTHING, 1 / 3.0)
    days = np.linspace(0.01, 90, 333)
    made, last = ode.states_of(system, NOTHING, ode.events_of(doses, 90.0), days)
    expected = concentrations(disposition(AS_CLOSED_FORM), doses, days)
    assert made[:, 0] == pytest.approx(expected, rel=1e-9)
    assert last[ode.AREA] == pytest.approx(area(disposition(AS_CLOSED_FORM), doses, 0.0, 90.0), rel=1e-9)


def test_a_population_is_as_near_as_it_says():
    system = ode.System(ode.ANTAGONIST, BLOCKER, rest(BLOCKER), 1000.0)
    given, days = ode.events_of((iv(0, 0.525), iv(7.25, 0.3, 2.0)), 70.0), np.arange(71.0)
    precise, _ = ode.states_of(system, system.rest, given, days)
    quick, _ = ode.states_of(system, system.rest, given, days, tolerance=ode.QUICK)
    assert quick[:, 2] == pytest.approx(precise[:, 2], rel=2e-6)


def test_an_output_at_the_moment_of_a_dose_is_before_or_after_it_as_asked():
    system = ode.System(ode.TURNOVER, LINEAR, NOTHING, 1 / 3.0)
    given, days = ode.events_of((iv(0, 30.0), iv(7, 15.0)), 14.0), np.array([0.0, 7.0, 14.0])
    before, _ = ode.states_of(system, NOTHING, given, days, before=True)
    after, _ = ode.states_of(system, NOTHING, given, days)
    assert before[0, 0] == 0.0
    assert after[0, 0] == 10.0
    assert after[1, 0] - before[1, 0] == pytest.approx(5.0)
    assert after[2, 0] == before[2, 0]


def test_a_dose_falls_between_two_outputs_at_its_own_moment():
    system = ode.System(ode.TURNOVER, LINEAR * [0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0], NOTHING, 1.0)
    given = ode.events_of((iv(2.123456789, 1.0),), 4.0)
    near = np.array([0.0, np.nextafter(2.123456789, 0), 2.123456789, 4.0])
    made, last = ode.states_of(system, NOTHING, given, near)
    assert made[:, 0].tolist() == [0.0, 0.0, 1.0, 1.0]
    assert last[ode.AREA] == pytest.approx(4.0 - 2.123456789)


def test_events_gather_doses_of_one_moment_and_cut_what_runs_beyond_the_end():
    given = ode.events_of((iv(1, 2.0), iv(1, 3.0), iv(1.5, 4.0, 24.0), iv(2.0, 9.0)), 2.0)
    assert given.mark_d.tolist() == [0.0, 1.0, 1.5, 2.0]
    assert given.bolus_g.tolist() == [0.0, 5.0, 0.0, 0.0]
    assert given.flow_g_per_d.tolist() == [0.0, 0.0, 4.0, 0.0]


def test_many_subjects_are_each_as_alone():
    rng = np.random.default_rng(1)
    rows = BLOCKER * np.exp(0.2 * rng.normal(size=(50, ode.SLOTS)))
    given, days = ode.events_of((iv(0, 0.004),), 28.0), np.arange(29.0)
    out, status = np.empty((50, 29, ode.STATES)), np.empty(50, np.int64)
    scale = 1000.0 * rng.uniform(50, 100, 50)
    ode.integrate(
        ode.ANTAGONIST, rows, rest(rows), scale, given.mark_d, given.bolus_g, given.flow_g_per_d, days, True,
        *ode.QUICK, ode.MOST_STEPS, out, status,
    )  # fmt: skip
    assert not status.any()
    for row in (0, 17, 49):
        alone = ode.System(ode.ANTAGONIST, rows[row], rest(rows[row]), scale[row])
        made, _ = ode.states_of(alone, alone.rest, given, days, before=True, tolerance=ode.QUICK)
        assert (made == out[row]).all()


@pytest.mark.parametrize(
    ("spoilt", "why"),
    [(np.nan, "no step is small enough, or a value ran out of range"), (1e300, "no step is small enough")],
)
def test_what_cannot_be_solved_is_refused(spoilt, why):
    p = BLOCKER.copy()
    p[ode.KDEG] = spoilt
    system = ode.System(ode.ANTAGONIST, p, rest(p), 1000.0)
    with pytest.raises(ImpossibleValue, match="So many subjects' equations could not be solved") as refused:
        ode.states_of(system, system.rest, ode.events_of((iv(0, 0.5),), 7.0), np.array([7.0]))
    assert why in str(refused.value)
    assert refused.value.value == 1


def test_a_failed_subject_has_no_numbers():
    given = ode.events_of((iv(0, 0.5),), 7.0)
    out, status = np.zeros((2, 1, ode.STATES)), np.zeros(2, np.int64)
    rows = np.vstack([BLOCKER, BLOCKER])
    ode.integrate(
        ode.ANTAGONIST, rows, rest(rows), np.array([1000.0, np.nan]), given.mark_d, given.bolus_g,
        given.flow_g_per_d, np.array([7.0]), True, *ode.QUICK, 100_000, out, status,
    )  # fmt: skip
    assert status.tolist() == [ode.DONE, ode.NO_STEP]
    assert np.isfinite(out[0]).all()
    assert np.isnan(out[1]).all()
    ode.integrate(
        ode.ANTAGONIST, rows, rest(rows), np.full(2, 1000.0), given.mark_d, given.bolus_g,
        given.flow_g_per_d, np.array([7.0]), True, *ode.QUICK, 3, out, status,
    )  # fmt: skip
    assert status.tolist() == [ode.TOO_MANY_STEPS] * 2
    with pytest.raises(ImpossibleValue, match="more than 1000000 steps would be needed"):
        ode.refuse_failed(status)
