"""What a hostile visitor found in the kinetics: writes past an array, routes and baselines that cannot be, words dropped."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from ivigil import kinetics
from ivigil.errors import BadInput, ImpossibleValue
from ivigil.kinetics import kernels
from ivigil.kinetics.event_tables import AmountUnit, Layout, LevelUnit, TimeUnit, read_events
from ivigil.kinetics.event_writing import events_of_regimen
from ivigil.kinetics.individual import Parameters
from ivigil.kinetics.linear import concentrations, disposition
from ivigil.kinetics.plausible import Plausible
from ivigil.kinetics.population import Drawn, Schedule, draw, levels
from ivigil.kinetics.profile import profile
from ivigil.kinetics.regimens import Dose, Part, Route, read_regimen
from ivigil.kinetics.subjects import Subject, Weighing
from ivigil.kinetics.treatment import Level, Treatment
from ivigil.knowledge.loading import Knowledge

KNOWLEDGE = Knowledge()
ZHANG = KNOWLEDGE.kinetic_model("zhang2020")
LIMITS = Plausible(KNOWLEDGE.policies.plausibility, KNOWLEDGE.vocabulary.labs)
ADULT = Subject(weight_kg=70)
LAYOUT = Layout(TimeUnit.DAYS, AmountUnit.G, LevelUnit.G_PER_L, {1: Route.SC, 2: Route.IV})


# ---- the dense kernel


def test_what_ends_after_the_last_output_has_no_output_after_it():
    # Outputs on days 0 to 9: of an end on day 5000 none is later, and the place 5000 lies past the array.
    assert kernels._first_after(5000.0, 0.0, 1.0, 10) == 10
    assert kernels._first_after(4.0, 0.0, 1.0, 10) == 5
    assert kernels._first_after(-3.0, 0.0, 1.0, 10) == 0


def test_an_infusion_that_outlasts_the_outputs_is_right_at_each_of_them():
    # One litre, 0.1 L/d, 1 g a day for 5000 days: 10 (1 - e^(-0.1 t)) g/L; 10 (1 - e^-0.9) = 5.9343 on day 9.
    one = np.array([[0.1, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]])
    plan = Schedule(np.zeros(1), np.array([5000.0]), np.array([5000.0]), np.zeros(1, np.int64), 0.0, 1.0, 10)
    found = levels(Drawn(0, one, np.ones(1)), plan)
    assert found.shape == (1, 10)
    assert found[0, 9] == pytest.approx(5.9343, abs=1e-4)
    assert found[0, 0] == 0


# ---- a route that the model lacks


@pytest.mark.parametrize("ask", [kinetics.population_percentiles, kinetics.population_frames])
def test_no_population_is_drawn_for_a_route_that_the_model_lacks(ask):
    with pytest.raises(BadInput, match=r"facilitated_sc.*The model knows only: iv, sc"):
        ask(ZHANG, "facilitated sc 8 g every 7 d", {"weight_kg": 70}, subjects=10, days=28, seed=1)


# ---- baselines, seeds and subjects


@pytest.mark.parametrize("baseline", [math.nan, -5.0, math.inf])
def test_no_population_is_drawn_around_a_baseline_that_is_no_level(baseline):
    with pytest.raises(ImpossibleValue, match="A level is a number that is not negative"):
        next(draw(ZHANG, ADULT, False, 10, 1, baseline_g_per_l=baseline))


def _forecast(**asked: Any) -> object:
    record = {"doses": [{"day": 0, "route": "iv", "dose_g": 30}], "levels": [{"day": 28, "igg_g_per_l": 8}]}
    return kinetics.patient_forecast(
        [ZHANG],
        record,
        {"weight_kg": 70, "age_years": 40},
        igg=KNOWLEDGE.vocabulary.labs["igg"],
        policy=KNOWLEDGE.policies.kinetics,
        **asked,
    )


@pytest.mark.parametrize("baseline", [math.nan, -3.0])
def test_no_forecast_starts_from_a_baseline_that_is_no_level(baseline):
    with pytest.raises(ImpossibleValue, match="A level is a number that is not negative"):
        _forecast(baseline_g_per_l=baseline)


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_a_forecast_refuses_a_seed_beyond_64_bits(seed):
    with pytest.raises(ImpossibleValue, match=r"from 0 to 2\^64 - 1"):
        _forecast(seed=seed)


def test_a_baseline_in_milligrams_is_refused_with_the_unit_that_it_looks_like():
    with pytest.raises(ImpossibleValue, match=r"650.*between 0 and 100.*looks like mg/dL"):
        LIMITS.baseline(650)
    LIMITS.baseline(6.5)


def test_a_level_below_zero_is_not_said_to_look_like_another_unit():
    with pytest.raises(ImpossibleValue) as told:
        LIMITS.baseline(-3)
    assert "mg/dL" not in str(told.value)


@pytest.mark.parametrize(
    ("about", "where"),
    [
        (Subject(weight_kg=5000), "weight_kg"),
        (Subject(dosing_weight_kg=0.2), "dosing_weight_kg"),
        (Subject(height_cm=1.7), "height_cm"),
        (Subject(age_years=400), "age_years"),
        (Subject(igm_g_per_l=90), "igm_g_per_l"),
        (Subject(weights=(Weighing(0, 20), Weighing(50, 2500))), r"weights\[1\]"),
    ],
)
def test_a_body_that_nobody_has_is_refused_by_name(about, where):
    with pytest.raises(ImpossibleValue, match=where):
        LIMITS.subject(about)


# ---- amounts and times


@pytest.mark.parametrize(
    ("words", "value"),
    [
        ("iv 999999999 g every 28 d", "g of a dose"),
        ("iv 30000 g every 28 d", "30000"),
        ("iv 0.4 mg/kg every 28 d", "0.0004"),
        ("iv 40 g/kg every 28 d", "g/kg"),
        ("iv 30 g every 28 d over 99 h", "99"),
        ("iv 30 g in 40 daily doses every 50 d", "40"),
        ("iv 30 g every 999999999 d", "999999999"),
    ],
)
def test_amounts_and_times_beyond_the_policy_are_refused(words, value):
    with pytest.raises(ImpossibleValue, match=value):
        LIMITS.regimen(read_regimen(words))


def test_ordinary_regimens_stay_within_the_policy():
    for words in (
        "iv 2 g/kg in 5 daily doses every 28 d over 5 h",
        "sc 8 g every 7 d",
        "facilitated sc 40 g every 28 d",
    ):
        LIMITS.regimen(read_regimen(words))


def test_a_record_names_the_dose_that_cannot_be():
    with pytest.raises(ImpossibleValue, match=r"doses\[1\]\.duration_h.*99999"):
        LIMITS.treatment(Treatment((Dose(0, 30, Route.IV, 4), Dose(28, 30, Route.IV, 99999)), (), None))
    with pytest.raises(ImpossibleValue, match=r"doses\[0\]\.dose_g"):
        LIMITS.treatment(Treatment((Dose(0, 1e8, Route.IV),), (), None))


def test_a_record_of_centuries_or_of_countless_levels_is_refused():
    with pytest.raises(ImpossibleValue, match="days from its first dose"):
        LIMITS.treatment(Treatment((Dose(0, 30, Route.IV), Dose(999999, 30, Route.IV)), (), None))
    many = tuple(Level(float(day), 8.0, False) for day in range(101))
    with pytest.raises(ImpossibleValue, match="RECORD: levels"):
        LIMITS.treatment(Treatment((Dose(0, 30, Route.IV),), many, None))


def test_a_population_is_bounded_by_subjects_days_and_their_product():
    LIMITS.population(1_000_000, 364, 18)
    for subjects, days, where in ((10**9, 84, "--subjects"), (10, 36400, "--weeks"), (10**8, 364, "subjects × ")):
        with pytest.raises(ImpossibleValue, match=where):
            LIMITS.population(subjects, days, 0)


HEADER = "ID,TIME,AMT,RATE,II,ADDL,SS,EVID,CMT,DV,MDV,WT\n"
SEEN = "\n1,126,.,.,.,.,.,0,2,8.1,0,70\n"


@pytest.mark.parametrize(
    ("rows", "where"),
    [
        ("1,0,30000,180000,21,5,0,1,2,.,1,70" + SEEN, r"line 2, column AMT \(g\)"),
        ("1,0,30,0.000001,21,5,0,1,2,.,1,70" + SEEN, r"line 2, AMT by RATE \(hours\)"),
        ("1,0,30,0,0.0001,9,0,1,2,.,1,70" + SEEN, "column II"),
        ("1,0,30,180,21,5,0,1,2,.,1,70" + SEEN.replace("8.1", "810"), r"line 3, column DV.*mg/dL"),
        ("1,0,30,180,21,5,0,1,2,.,1,70" + SEEN.replace("126", "999999"), "TIME"),
        ("1,0,30,180,21,5,0,1,2,.,1,7000\n", r"ID 1\.weight_kg"),
    ],
)
def test_an_event_table_is_held_to_the_same_limits(rows, where):
    with pytest.raises(ImpossibleValue, match=where):
        LIMITS.events(read_events(HEADER + rows, LAYOUT))


def test_an_ordinary_event_table_passes():
    LIMITS.events(read_events(HEADER + "1,0,30,180,21,5,0,1,2,.,1,70" + SEEN, LAYOUT))


def test_places_for_predictions_are_counted_before_they_are_made():
    with pytest.raises(BadInput, match="at most 100000 such rows"):
        events_of_regimen("1", read_regimen("iv 30 g every 28 d"), ADULT, 364, 1e-7)


# ---- words


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("iv 30 g every 28 d dose 2 late by 3 d dose 2 late by 5 d", "said twice"),
        ("iv 30 g every 28 d without dose 2 without dose 2", "said twice"),
        ("iv 30 g every 28 d without dose 2 dose 2 late by 3 d", "left out and late"),
        ("iv 30 g every 28 d dose 2 late by 400 d", "with the next one or after it"),
        ("iv 30 g every 28 d dose 2 late by 28 d", "with the next one or after it"),
        ("iv 100 g in 5 daily doses every 28 d dose 2 late by 24 d", "with the next one or after it"),
        ("iv 30 g every 28 d without dose 0", "no such dose"),
        ("iv 30 g once without dose 2", "no such dose"),
        ("iv 30 g every 28 d until day 50 without dose 3", "no such dose"),
        ("iv 30 g every 28 d until day 0", "ends before it gives a dose"),
        ("iv 30 g every \uff12\uff18 d", "the digits 0 to 9"),
        ("iv 30 g every 28 d\u200b", "plain letters"),
        ("iv 30 g in " + "9" * 1900 + " daily doses once", "not a whole number"),
        ("iv 30 g every 28 d" + " " * 2000, "at most 2000 characters"),
    ],
)
def test_words_that_would_be_dropped_or_misread_are_refused(words, told):
    with pytest.raises(BadInput, match=told):
        read_regimen(words)


def test_a_delay_may_reach_to_the_next_dose_that_is_given():
    days = [dose.day for dose in read_regimen("iv 30 g every 28 d dose 2 late by 27 d").doses(None, 80)]
    assert days == [0, 55, 56]
    days = [dose.day for dose in read_regimen("iv 30 g every 28 d dose 2 late by 40 d without dose 3").doses(None, 90)]
    assert days == [0, 68, 84]


@pytest.mark.parametrize(
    ("words", "days", "told"),
    [
        ("iv 30 g once from day 100", 56, "gives no dose before day 56"),
        ("iv 30 g once without dose 1", 56, "gives no dose"),
        ("iv 30 g every 28 d without dose 9", 56, "not due before day 56"),
        ("iv 30 g every 28 d dose 9 late by 3 d", 56, "not due before day 56"),
        ("iv 100 g in 5 daily doses once, then iv 30 g every 21 d from day 3", 56, "before the last course"),
        ("iv 30 g every 28 d dose 2 late by 5 d, then sc 8 g every 7 d from day 30", 56, "before the last course"),
        ("iv 30 g every 1 d", 100_001, "at most 100000 doses"),
    ],
)
def test_what_changes_nothing_or_is_cut_off_is_refused(words, days, told):
    with pytest.raises(BadInput, match=told):
        read_regimen(words).doses(None, days)


def test_a_part_made_by_hand_is_held_to_the_same():
    with pytest.raises(BadInput, match="with the next one or after it"):
        Part(30, per_kg=False, route=Route.IV, every_d=28, late_d={2: 400.0})


# ---- many doses


def test_superposition_is_the_sum_of_every_dose_alone():
    """Doses of all routes and infusions that overlap, at days of any order, against one dose at a time."""
    linear = disposition(Parameters(0.14, 3.9, 0.4, 4.0, 0.3, 0.7, 0.8, 4.0))
    rng = np.random.default_rng(7)
    routes = tuple(Route)
    doses = tuple(
        Dose(float(rng.integers(0, 40)), 10.0 + n, routes[n % 3], float(rng.choice([0.0, 5.0, 60.0])))
        for n in range(40)
    )
    days = rng.permutation(np.concatenate([np.arange(-2.0, 60.0), rng.uniform(0, 60, 50)])).reshape(8, 14)
    alone = sum(concentrations(linear, (dose,), days) for dose in doses)
    assert concentrations(linear, doses, days) == pytest.approx(alone, rel=1e-12, abs=1e-12)


def test_a_dose_alone_is_what_the_textbook_says():
    # 10 g into 4 L at 0.4 L/d, infused over a day: 2.5 g/L/d × (1 - e^-0.1)/0.1 at its end, decaying by e^-0.1 a day.
    linear = disposition(Parameters(0.4, 4.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0))
    end = 2.5 * (1 - math.exp(-0.1)) / 0.1
    dose = (Dose(3.0, 10.0, Route.IV, 24.0),)
    half = 2.5 * (1 - math.exp(-0.05)) / 0.1
    found = concentrations(linear, dose, np.array([2.9, 3.0, 3.5, 4.0, 6.0]))
    assert found == pytest.approx([0.0, 0.0, half, end, end * math.exp(-0.2)], rel=1e-12)


def test_a_profile_of_a_thousand_doses_ends_and_ends_at_the_steady_state():
    daily = read_regimen("iv 30 g every 1 d")
    long, ever = profile(ZHANG, daily, ADULT, days=1000), profile(ZHANG, daily, ADULT, steady_state=True)
    assert long.metrics.exogenous is not None
    assert ever.metrics.exogenous is not None
    # After 1000 days of a half-life of about a month less than one part in a thousand million is missing.
    assert long.metrics.exogenous.ctrough == pytest.approx(ever.metrics.exogenous.ctrough, rel=1e-6)
    assert long.metrics.exogenous.cmax == pytest.approx(ever.metrics.exogenous.cmax, rel=1e-6)


def test_the_limits_are_policy_and_rise():
    own = KNOWLEDGE.policies.plausibility.possible_kinetics
    assert own.infusion_h == (Decimal(0), Decimal(72))
    assert own.dose_g == (Decimal("0.01"), Decimal(1000))
    assert all(least < most for _, (least, most) in own)
