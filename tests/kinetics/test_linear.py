"""The closed form against an independent integrator, and identities that hold for every linear model."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from ivigil.kinetics.individual import Parameters
from ivigil.kinetics.linear import (
    area,
    concentrations,
    disposition,
    just_before,
    steady_area,
    steady_concentrations,
    terminal_half_life_d,
)
from ivigil.kinetics.regimens import Dose, Route

TWO = Parameters(cl=0.14, vc=4.0, q=0.25, vp=4.2, ka=0.44, f_sc=0.66, f_facilitated_sc=0.8, baseline_g_per_l=4.0)
ONE = Parameters(cl=0.09, vc=4.0, q=0.0, vp=0.0, ka=0.10, f_sc=0.74, f_facilitated_sc=0.0, baseline_g_per_l=0.0)


def integrated(p: Parameters, doses: tuple[Dose, ...], days: np.ndarray) -> np.ndarray:
    """Exogenous IgG by scipy's DOP853 on the differential equations as they are printed, dose by dose."""
    marks = sorted({0.0, float(days[-1]), *(d.day for d in doses), *(d.day + d.over_h / 24 for d in doses)})
    state, found = np.zeros(3), np.full_like(days, np.nan)
    for left, right in itertools.pairwise(marks):
        for dose in doses:
            if dose.day == left and not dose.over_h:
                state = state + entering(p, dose, dose.amount_g)
        running = [d for d in doses if d.over_h and d.day <= left and right <= d.day + d.over_h / 24 + 1e-12]
        flow = sum((entering(p, d, d.amount_g / (d.over_h / 24)) for d in running), np.zeros(3))

        def slope(_: float, x: np.ndarray, flow: np.ndarray = flow) -> np.ndarray:
            depot, central, tissue = x
            exchange = p.q / p.vc * central - (p.q / p.vp * tissue if p.q else 0.0)
            absorbed = p.ka * depot
            return flow + np.array([-absorbed, absorbed - p.cl / p.vc * central - exchange, exchange])

        inside = (days > left) & (days <= right)
        solved = solve_ivp(
            slope, (left, right), state, "DOP853", np.union1d(days[inside], [right]), rtol=1e-11, atol=1e-12
        )
        found[inside] = solved.y[1][: inside.sum()] / p.vc
        state = solved.y[:, -1]
    return found


def entering(p: Parameters, dose: Dose, amount: float) -> np.ndarray:
    fractions = {Route.IV: 1.0, Route.SC: p.f_sc, Route.FACILITATED_SC: p.f_facilitated_sc}
    place = 1 if dose.route is Route.IV else 0
    return np.eye(3)[place] * amount * fractions[dose.route]


@pytest.mark.parametrize("p", [TWO, ONE], ids=["two", "one"])
@pytest.mark.parametrize("route", [Route.IV, Route.SC])
@pytest.mark.parametrize("over_h", [0.0, 4.0, 30.0])
def test_the_closed_form_is_the_solution_of_the_equations(p, route, over_h):
    doses = (Dose(0.0, 28.0, route, over_h), Dose(28.0, 14.0, route, over_h), Dose(30.0, 35.0, Route.IV, 2.0))
    days = np.linspace(0.0, 90.0, 359)[1:]  # none of them the moment of a dose
    assert concentrations(disposition(p), doses, days) == pytest.approx(integrated(p, doses, days), rel=1e-8)


def test_a_bolus_fills_the_central_volume():
    assert concentrations(disposition(TWO), (Dose(0.0, 28.0, Route.IV),), 0.0) == pytest.approx(28.0 / 4.0)


def test_one_compartment_by_hand():
    # 28 g into 4 L, CL 0.09 L/day: 7 g/L × exp(−0.0225 × 28) = 3.7281 g/L.
    linear = disposition(ONE)
    assert concentrations(linear, (Dose(0.0, 28.0, Route.IV),), 28.0) == pytest.approx(3.7281, abs=5e-5)
    assert terminal_half_life_d(linear, frozenset({Route.IV})) == pytest.approx(30.807, abs=5e-4)


parameters = st.builds(
    Parameters,
    cl=st.floats(0.01, 1.0),
    vc=st.floats(0.5, 12.0),
    q=st.floats(0.01, 2.0),
    vp=st.floats(0.2, 20.0),
    ka=st.floats(0.05, 2.0),
    f_sc=st.floats(0.2, 1.0),
    f_facilitated_sc=st.just(0.0),
    baseline_g_per_l=st.just(0.0),
)
cycles = st.lists(
    st.builds(
        Dose,
        st.integers(0, 2000).map(lambda hundredths: hundredths / 100),
        st.floats(1.0, 100.0),
        st.sampled_from([Route.IV, Route.SC]),
        st.sampled_from([0.0, 4.0, 30.0]),
    ),
    min_size=1,
    max_size=5,
).map(tuple)


@seed(20261121)
@settings(max_examples=150, deadline=None)
@given(parameters, cycles)
def test_at_steady_state_what_goes_in_comes_out(p, cycle):
    """AUC × CL = F × dose: the identity of every linear model, here also from the concentrations themselves."""
    linear = disposition(p)
    absorbed = sum(dose.amount_g * (1.0 if dose.route is Route.IV else p.f_sc) for dose in cycle)
    assert steady_area(linear, cycle) * p.cl == pytest.approx(absorbed, rel=1e-9)


@seed(20261121)
@settings(max_examples=60, deadline=None)
@given(parameters, cycles)
def test_steady_state_is_where_repetition_leads(p, cycle):
    linear = disposition(p)
    slowest = terminal_half_life_d(linear, frozenset({Route.IV, Route.SC}))
    repeats = min(math.ceil(slowest * 45 / 21) + 1, 400)
    many = tuple(
        Dose(dose.day + 21.0 * number, dose.amount_g, dose.route, dose.over_h)
        for number in range(repeats)
        for dose in cycle
    )
    days = np.linspace(0.003, 20.993, 23)
    last = concentrations(linear, many, days + 21.0 * (repeats - 1))
    left = 2.0 ** (-(repeats * 21.0) / slowest)  # what the sum still lacks
    assert steady_concentrations(linear, cycle, 21.0, days) == pytest.approx(last, rel=1e-8 + 20 * left)


@seed(20261121)
@settings(max_examples=100, deadline=None)
@given(parameters, cycles, st.floats(0.0, 40.0), st.floats(0.1, 60.0))
def test_the_area_is_the_integral_of_the_curve(p, cycle, start, length):
    linear = disposition(p)
    marks = {start, start + length, *(d.day for d in cycle), *(d.day + d.over_h / 24 for d in cycle)}
    bends = sorted(mark for mark in marks if start <= mark <= start + length)
    nodes, weights = np.polynomial.legendre.leggauss(40)
    total = 0.0
    for left, right in itertools.pairwise(bends):
        for a, b in itertools.pairwise(np.linspace(left, right, 9)):
            total += (b - a) / 2 * float(weights @ concentrations(linear, cycle, (a + b) / 2 + (b - a) / 2 * nodes))
    assert area(linear, cycle, start, start + length) == pytest.approx(total, rel=1e-7, abs=1e-9)


@seed(20261121)
@settings(max_examples=100, deadline=None)
@given(parameters, cycles, st.integers(0, 4), st.floats(1.0, 50.0))
def test_a_larger_dose_never_gives_a_lower_trough(p, cycle, which, more_g):
    which %= len(cycle)
    larger = tuple(
        Dose(d.day, d.amount_g + (more_g if n == which else 0.0), d.route, d.over_h) for n, d in enumerate(cycle)
    )
    linear = disposition(p)
    for day in (5.0, 21.0, 60.0):
        before, after = just_before(linear, cycle, day), just_before(linear, larger, day)
        assert after >= before - 1e-12


def test_absorption_as_fast_as_elimination_is_no_division_by_nothing():
    """Ka equal to a disposition rate: A(t) = F D λ t exp(−λ t) in one compartment."""
    rate = 0.09 / 4.0
    p = Parameters(cl=0.09, vc=4.0, q=0.0, vp=0.0, ka=rate, f_sc=0.7, f_facilitated_sc=0.0, baseline_g_per_l=0.0)
    days = np.array([1.0, 20.0, 60.0])
    expected = 0.7 * 10.0 * rate * days * np.exp(-rate * days) / 4.0
    assert concentrations(disposition(p), (Dose(0.0, 10.0, Route.SC),), days) == pytest.approx(expected, rel=1e-6)


def test_an_infusion_that_runs_into_the_next_cycle_is_counted_whole():
    linear = disposition(TWO)
    cycle = (Dose(20.5, 30.0, Route.IV, 24.0),)
    many = tuple(Dose(20.5 + 21.0 * n, 30.0, Route.IV, 24.0) for n in range(200))
    days = np.array([0.0, 0.25, 0.5, 3.0])
    assert steady_concentrations(linear, cycle, 21.0, days) == pytest.approx(
        concentrations(linear, many, days + 21.0 * 199), rel=1e-9
    )
