"""Regimens in words: what is given when, and what is refused."""

from __future__ import annotations

import pytest

from ivigil.errors import BadInput, ImpossibleValue
from ivigil.kinetics.regimens import Dose, Route, read_regimen


def given(text, weight_kg, days):
    return [(dose.day, pytest.approx(dose.amount_g)) for dose in read_regimen(text).doses(weight_kg, days)]


@pytest.mark.parametrize(
    ("text", "weight", "days", "expected"),
    [
        ("iv 0.4 g/kg every 28 d", 70, 60, [(0, 28), (28, 28), (56, 28)]),
        ("iv 400 mg/kg every 4 weeks", 70, 60, [(0, 28), (28, 28), (56, 28)]),
        ("iv 0.5 g/kg once", 70, 60, [(0, 35)]),
        ("sc 8 g every 7 d", None, 15, [(0, 8), (7, 8), (14, 8)]),
        ("IV  2 g/kg in 5 daily doses from day 0", 50, 60, [(day, 20) for day in range(5)]),
        (
            "iv 2 g/kg in 5 daily doses from day 0, then iv 1 g/kg every 21 d from day 21",
            50,
            64,
            [*((day, 20) for day in range(5)), (21, 50), (42, 50), (63, 50)],
        ),
        ("iv 30 g every 28 d without dose 2", None, 85, [(0, 30), (56, 30), (84, 30)]),
        ("iv 30 g every 28 d dose 2 late by 5 d", None, 60, [(0, 30), (33, 30), (56, 30)]),
        ("iv 30 g every 28 d until day 56", None, 90, [(0, 30), (28, 30)]),
        ("iv 30 g every 28 d, then sc 8 g every 1 wk from day 35", None, 43, [(0, 30), (28, 30), (35, 8), (42, 8)]),
    ],
)
def test_what_is_given_when(text, weight, days, expected):
    assert given(text, weight, days) == expected


def test_over_is_the_time_of_infusion():
    (dose,) = read_regimen("iv 30 g once over 90 min").doses(None, 1)
    assert dose == Dose(0.0, 30.0, Route.IV, 1.5)


def test_facilitated_is_a_route_and_no_drug():
    (dose,) = read_regimen("facilitated sc 30 g once").doses(None, 1)
    assert dose == Dose(0.0, 30.0, Route.FACILITATED_SC)


def test_another_drug_is_named():
    (dose,) = read_regimen("rozanolixizumab iv 4 mg/kg once").doses(75, 1)
    assert dose.drug == "rozanolixizumab"
    assert dose.amount_g == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("iv 0.4 every 28 d", "A part begins with route, amount and unit"),
        ("0.4 g/kg every 28 d", "A part begins with route, amount and unit"),
        ("iv 0.4 g/kg", "says whether it is given once or how often"),
        ("iv 0.4 g/kg/month", "A part begins with route, amount and unit"),
        ("iv 0.4 g/kg monthly", "`monthly` cannot be read"),
        ("iv 0.4 g/kg every 28", "`every 28` cannot be read"),
        ("iv 0.4 g/kg every 28 d once", "Once and every exclude each other"),
        ("iv 0.4 g/kg every 28 d every 21 d", "It stands twice in one part"),
        ("iv 0.4 g/kg every 28 d, then iv 1 g/kg every 21 d", "says from which day"),
        ("iv 0.4 g/kg every 28 d from day 30, then iv 1 g/kg once from day 10", "begins later than the one before"),
        ("iv 1e3 g once", "A part begins with route, amount and unit"),
        ("im 10 g once", "A part begins with route, amount and unit"),
        ("", "A part begins with route, amount and unit"),
    ],
)
def test_what_can_be_read_in_two_ways_is_refused(text, said):
    with pytest.raises(BadInput) as refused:
        read_regimen(text)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("iv 0 g once", "must be a number above zero"),
        ("iv 10 g every 0 d", "must be a number above zero"),
        ("iv 2 g/kg in 5 daily doses every 4 d", "A course must be over before the next begins"),
    ],
)
def test_what_cannot_be_is_refused(text, said):
    with pytest.raises(ImpossibleValue) as refused:
        read_regimen(text)
    assert said in str(refused.value)


def test_grams_per_kg_ask_for_the_weight():
    with pytest.raises(BadInput, match="The regimen counts grams per kg"):
        read_regimen("iv 0.4 g/kg once").doses(None, 10)
