"""Regimens that reach a trough: closed forms by hand, the label's limits, the least of what reaches, brute force."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from ivigil.errors import BadInput, ImpossibleValue
from ivigil.kinetics import kernels
from ivigil.kinetics.exposure import Belief, Voice, average_per_gram, steady_per_gram, total_after, with_unlearnt
from ivigil.kinetics.fitting import Data
from ivigil.kinetics.forecast import believe
from ivigil.kinetics.individual import Parameters
from ivigil.kinetics.linear import disposition, steady_concentrations
from ivigil.kinetics.population import omega
from ivigil.kinetics.regimens import Dose, Route
from ivigil.kinetics.subjects import Subject
from ivigil.kinetics.treatment import Treatment, read_treatment
from ivigil.prescription.regimen_search import Advice, Aim, Case, Search, propose
from ivigil.prescription.regimen_search.labelled import Option, labelled
from ivigil.prescription.regimen_search.outcomes import Repeated, Scene, current_regimen, outcome
from ivigil.prescription.regimen_search.searching import Weighed, offers, weigh
from ivigil.prescription.request import Request
from tests.planning import START, formulary, opened, patient, record

PI = "primary-immunodeficiency"
IGG = opened().vocabulary.labs["igg"]
ZHANG = opened().kinetic_model("zhang2020")
#: One compartment: CL 0.15 L/d over 5 L is 0.03 per day; absorption 0.4 per day, three quarters of it; 4 g/L of one's own.
ONE = np.array([[0.15, 5.0, 0.0, 0.0, 0.4, 0.75, 0.0, 4.0]])
K, KA, F, V = 0.03, 0.4, 0.75, 5.0
GIVEN = Data(
    np.array([0.0]), np.array([30.0]), np.array([0.0]), np.array([0]), np.empty(0), np.empty(0), np.empty(0, np.bool_)
)
TREATMENT = Treatment((Dose(0.0, 30.0, Route.IV),), (), None, product="privigen")


def belief(parameters: np.ndarray[Any, np.dtype[np.float64]] = ONE) -> Belief:
    return Belief((Voice(ZHANG, parameters, np.full(len(parameters), 1 / len(parameters)), GIVEN),))


def series(rate: float, since: float, tau: float) -> float:
    """One gram's exponential, given ``since`` days ago and every ``tau`` before that."""
    return math.exp(-rate * since) / (1 - math.exp(-rate * tau))


# ---- by hand


def test_a_steady_trough_is_the_closed_form_of_one_compartment():
    # 30 g every 28 days: 30/5 × e^(−0.84)/(1 − e^(−0.84)) = 4.5580 g/L.
    found = 30 * steady_per_gram(ONE, Route.IV, (0.0,), 28.0, (28.0,))[0, 0]
    assert found == pytest.approx(4.5580, abs=5e-5)
    # Under the skin: F·Ka/(V(Ka − k)) times the difference of two series, here 7.5 g a week: 6.3385 g/L.
    by_hand = 7.5 * F * KA / (V * (KA - K)) * (series(K, 7, 7) - series(KA, 7, 7))
    assert 7.5 * steady_per_gram(ONE, Route.SC, (0.0,), 7.0, (7.0,))[0, 0] == pytest.approx(by_hand, rel=1e-12)
    # The average is F × dose / (CL × τ): 30/(0.15 × 28) = 7.142857, and a quarter less under the skin.
    assert 30 * average_per_gram(ONE, Route.IV, 1, 28.0)[0] == pytest.approx(7.142857, abs=5e-7)
    assert 7.5 * average_per_gram(ONE, Route.SC, 1, 7.0)[0] == pytest.approx(7.142857 * 0.75, abs=5e-7)


def test_what_a_regimen_does_is_worked_out_by_hand():
    scene = Scene(belief(), TREATMENT, 9.0, 7.0)
    made = outcome(scene, belief(), Repeated(Route.IV, (0.0,), 28.0, 30.0), 28.0)
    assert made.steady_trough.median == pytest.approx(8.5580, abs=5e-5)
    assert made.steady_trough.reaches == 0.0
    # 4 + 6 e^(−0.03 t)/0.568289 falls below 9 at 24.91 days: from the half day of 25 on.
    assert made.wear_off.half_below_d == made.wear_off.most_below_d == 25.0
    # A week late: day 35, 4 + 6 e^(−1.05)/0.568289; left out: day 56, 4 + 6 e^(−1.68)/0.568289.
    assert (made.missed.late.day, made.missed.left_out.day) == (35.0, 56.0)
    assert made.missed.late.median == pytest.approx(7.6946, abs=5e-5)
    assert made.missed.left_out.median == pytest.approx(5.9677, abs=5e-5)
    # The dose of day 0 and the first of the regimen on day 28, seen on day 56: 4 + 6 (e^(−1.68) + e^(−0.84)).
    assert made.first_trough is not None
    assert made.first_trough.median == pytest.approx(7.7085, abs=5e-5)
    assert made.first_dose == 28.0
    assert made.average_g_per_l == pytest.approx(11.142857, abs=5e-7)


def test_half_of_a_belief_falls_below_before_most_of_it():
    slow, fast = ONE.copy(), ONE.copy()
    slow[0, kernels.CL], fast[0, kernels.CL] = 0.10, 0.20
    both = belief(np.vstack([slow, fast, fast]))
    made = outcome(Scene(both, TREATMENT, 7.0, 7.0), both, Repeated(Route.IV, (0.0,), 28.0, 30.0), None)
    # The fast two: 6 e^(−0.04 t)/(1 − e^(−1.12)) below 3 from 27.2 days on; the slow one never within 28 days.
    t = math.log(6 / (3 * (1 - math.exp(-1.12)))) / 0.04
    assert t == pytest.approx(27.2, abs=0.05)
    assert made.wear_off.half_below_d == 27.5
    assert made.wear_off.most_below_d is None
    assert made.steady_trough.reaches == pytest.approx(1 / 3)
    assert made.first_trough is None


# ---- against other ways


def test_the_compiled_steady_state_is_that_of_the_linear_form():
    row = np.array([[0.138, 3.95, 0.26, 4.44, 0.444, 0.676, 0.0, 4.0]])
    linear = disposition(Parameters(0.138, 3.95, 0.26, 4.44, 0.444, 0.676, 0.0, 4.0))
    days = np.array([1.0, 3.0, 5.5, 7.0])
    cycle = (Dose(0.0, 1.0, Route.SC), Dose(3.0, 1.0, Route.SC))
    expected = steady_concentrations(linear, cycle, 7.0, days)
    # A dose of that very moment is not counted; under the skin it has not begun to arrive either.
    assert steady_per_gram(row, Route.SC, (0.0, 3.0), 7.0, days)[0] == pytest.approx(expected, rel=1e-12)


def test_a_steady_state_is_where_pulses_lead():
    row = np.array([[0.138, 3.95, 0.26, 4.44, 0.444, 0.676, 0.0, 4.0]])
    pulses = tuple(Dose(28.0 * number, 35.0, Route.IV) for number in range(1, 80))
    after = total_after(belief(row), pulses, (28.0 * 80,))[0, 0]
    assert 4 + 35 * steady_per_gram(row, Route.IV, (0.0,), 28.0, (28.0,))[0, 0] == pytest.approx(after, rel=1e-9)


def test_the_probability_is_that_of_brute_force():
    spread, _ = with_unlearnt(np.tile([0.138, 3.95, 0.26, 4.44, 0.444, 0.676, 0.0, 4.0], (3000, 1)), omega(ZHANG), 7)
    drawn = belief(spread)
    found = weigh((option(dose_g=35),), drawn, 8.0)[0].reaches
    pulses = tuple(Dose(28.0 * number, 35.0, Route.IV) for number in range(1, 300))
    troughs = total_after(drawn, pulses, (28.0 * 300,))[:, 0]
    assert 0.2 < found < 0.9
    assert found == pytest.approx(float((troughs >= 8.0).mean()), abs=0.002)


@seed(20260601)
@settings(max_examples=60, deadline=None)
@given(
    cl=st.floats(0.02, 0.6),
    vc=st.floats(1.0, 9.0),
    q=st.floats(0.05, 1.5),
    vp=st.floats(0.5, 20.0),
    ka=st.floats(0.05, 2.0),
    f=st.floats(0.2, 1.0),
    grams=st.floats(1.0, 80.0),
    more=st.floats(0.0, 40.0),
    tau=st.integers(2, 42),
    route=st.sampled_from([Route.IV, Route.SC]),
)
def test_a_larger_dose_never_predicts_a_lower_trough(cl, vc, q, vp, ka, f, grams, more, tau, route):
    row = np.array([[cl, vc, q, vp, ka, f, 0.0, 4.0]])
    scene = Scene(belief(row), TREATMENT, 7.0, 7.0)

    def troughs(dose_g: float) -> tuple[float, float, float, float]:
        made = outcome(scene, belief(row), Repeated(route, (0.0,), float(tau), dose_g), 28.0)
        first = made.first_trough
        assert first is not None
        return (
            made.steady_trough.median,
            first.median,
            made.missed.late.median,
            made.missed.left_out.median,
        )

    assert all(a >= b - 1e-12 for a, b in zip(troughs(grams + more), troughs(grams), strict=True))


# ---- what a label allows


def asked(raw: dict[str, Any] | None = None, region: str = "US") -> Request:
    return Request(patient(raw or record()), region, START)


def option(product: str = "privigen", dose_g: float = 35.0, days: int = 28) -> Option:
    made = labelled(opened().product(product), asked(), formulary(PI))
    return next(one for one in made.options if float(one.dose_g) == dose_g and one.cycle.days == days)


def test_into_a_vein_every_regimen_is_within_the_label():
    # 70 kg, 0.2 to 0.8 g/kg every 21 to 28 days: 14 to 56 g; vials of 5, 10, 20 and 40 g make 15 to 55 g.
    made = labelled(opened().product("privigen"), asked(), formulary(PI))
    assert {one.dose_g for one in made.options} == {Decimal(g) for g in range(15, 60, 5)}
    assert {one.cycle.days for one in made.options} == {21, 28}
    assert all(sum(v.size_g * v.count for v in one.vials) == one.dose_g for one in made.options)
    # Octagam 5%: 0.3 to 0.6 g/kg, 21 to 42 g; vials of 1 and 2.5 g reach both ends.
    other = labelled(opened().product("octagam_5"), asked(), formulary(PI)).options
    assert [min(one.dose_g for one in other), max(one.dose_g for one in other)] == [Decimal(21), Decimal(42)]


def test_a_heavy_patient_is_counted_on_the_dosing_weight():
    # Female, 165 cm, 120 kg: BMI 44. Devine: 45.5 + 2.3 × (165/2.54 − 60) = 56.9; adjusted 56.91 + 0.4 × 63.09 = 82.1 kg.
    made = labelled(opened().product("privigen"), asked(record(weight_kg=120, height_cm=165)), formulary(PI))
    assert float(made.options[0].weight.dosing_kg) == pytest.approx(82.1)
    assert max(one.dose_g for one in made.options) == 65  # 0.8 × 82.1 = 65.7 g


def test_under_the_skin_frequency_is_the_labels_and_the_range_is_policys():
    # 70 kg, 0.3 to 1.0 g/kg in 28 days: 21 to 70 g, that is 5.25 to 17.5 g a week and 10.5 to 35 g in two.
    made = labelled(opened().product("hizentra"), asked(), formulary(PI))
    weekly = [one.dose_g for one in made.options if (one.cycle.days, one.cycle.infusions) == (7, 1)]
    assert [min(weekly), max(weekly)] == [Decimal(6), Decimal(17)]
    fortnight = [one.dose_g for one in made.options if one.cycle.days == 14]
    assert [min(fortnight), max(fortnight)] == [Decimal(11), Decimal(35)]
    daily = [one.dose_g for one in made.options if one.cycle.infusions == 7]
    assert set(daily) == {1, 2}
    only_weekly = labelled(opened().product("gammagard_liquid_sc"), asked(), formulary(PI))
    assert {(one.cycle.days, one.cycle.infusions) for one in only_weekly.options} == {(7, 1)}


@pytest.mark.parametrize(
    ("product", "raw", "code", "said"),
    [
        ("hyqvia", record(), "not-searched", "facilitated absorption that no model"),
        ("xembify", record(), "factor-not-read", "read second-hand only"),
        ("octagam_10", record(), "not-labelled", "does not name Primary immunodeficiency"),
        ("privigen", record(age_years=9, weight_kg=30), "age-not-read", "planned for adults only"),
        ("asceniv", record(age_years=13, weight_kg=6), "no-labelled-regimen", "No whole vials of Asceniv"),
        ("gamunex_c_sc", record(conditions=["itp"]), "never-under-skin", "not given under the skin"),
    ],
)
def test_a_label_that_does_not_fit_gives_no_regimen(product, raw, code, said):
    made = labelled(opened().product(product), asked(raw), formulary(PI))
    found = {one.code: one.text for one in made.findings}
    assert made.options == ()
    assert said in found[code]


# ---- the least of what reaches


def test_each_offer_is_least_in_what_it_says():
    made = labelled(opened().product("privigen"), asked(), formulary(PI)).options
    # Reaching: everything from 1.2 g a day on.
    weighed = tuple(Weighed(one, 0.9 if one.dose_g / one.cycle.days >= Decimal("1.2") else 0.5) for one in made)
    found = {(float(one.dose_g), one.cycle.days): reasons for one, reasons in offers(weighed, 0.8, {}, 28).items()}
    # 30 g every 21 days is 40 g in 28 days, so is 40 g every 28 (1.43 g a day); 35 g every 28 days is 1.25 g a day.
    assert found == {
        (35.0, 28): ("least grams in 28 days into a vein", "fewest infusions in 28 days into a vein"),
    }
    dear = offers(weighed, 0.8, {"privigen": Decimal(90)}, 28)
    assert "least cost in 28 days into a vein" in next(iter(dear.values()))
    assert offers(weighed, 0.95, {}, 28) == {}


def test_fewest_infusions_may_need_more_grams():
    made = labelled(opened().product("privigen"), asked(), formulary(PI)).options
    weighed = tuple(
        Weighed(one, 0.9 if (one.cycle.days == 21 and one.dose_g >= 25) or one.dose_g >= 50 else 0.1) for one in made
    )
    found = {reasons: (float(one.dose_g), one.cycle.days) for one, reasons in offers(weighed, 0.8, {}, 28).items()}
    assert found == {
        ("least grams in 28 days into a vein",): (25.0, 21),
        ("fewest infusions in 28 days into a vein",): (50.0, 28),
    }


# ---- the present regimen


def rows(*doses: tuple[float, float, str]) -> Treatment:
    return read_treatment(
        {"doses": [{"day": day, "dose_g": grams, "route": route} for day, grams, route in doses]}, IGG
    )


def test_the_present_regimen_is_what_the_last_doses_repeat():
    assert current_regimen(rows((0, 30, "iv"), (28, 30, "iv")), 7.0) == Repeated(Route.IV, (0.0,), 28.0, 30.0)
    two_days = rows((0, 20, "iv"), (1, 20, "iv"), (28, 20, "iv"), (29, 20, "iv"))
    assert current_regimen(two_days, 7.0) == Repeated(Route.IV, (0.0, 1.0), 28.0, 20.0)
    assert current_regimen(rows((0, 8, "sc"), (7.2, 8, "sc")), 7.0) == Repeated(Route.SC, (0.0,), 7.0, 8.0)
    assert current_regimen(rows((0, 30, "iv")), 7.0) is None
    # One visit a week late changes no interval; three infusions a week are no infusion every second day.
    late = rows((0, 30, "iv"), (28, 30, "iv"), (56, 30, "iv"), (91, 30, "iv"))
    assert current_regimen(late, 7.0) == Repeated(Route.IV, (0.0,), 28.0, 30.0)
    thrice = rows((0, 3, "sc"), (2, 3, "sc"), (4, 3, "sc"), (7, 3, "sc"), (9, 3, "sc"), (11, 3, "sc"))
    assert current_regimen(thrice, 7.0) is None
    assert current_regimen(rows((0, 3, "sc"), (0.5, 3, "sc")), 7.0) is None
    assert current_regimen(rows((0, 30, "iv"), (28, 20, "iv"), (29, 10, "iv")), 7.0) is None


# ---- the whole way

RECORD: dict[str, Any] = {
    "doses": [{"day": 28 * number, "route": "iv", "dose_g": 30, "product": "privigen"} for number in range(8)],
    "levels": [{"day": 84, "igg_g_per_l": 6.9}, {"day": 140, "igg_g_per_l": 7.4}, {"day": 196, "igg_g_per_l": 7.2}],
}


def advice(search: Search, raw: dict[str, Any] | None = None, **changes: Any) -> Advice:
    treatment = read_treatment(RECORD | changes, IGG)
    models = tuple(opened().kinetic_model(name) for name in opened().kinetic_model_ids)
    made, known = believe(
        models, Subject(weight_kg=70, age_years=40), treatment, opened().policies.kinetics, indication=PI
    )
    case = Case(patient(raw or record()), treatment, "US", START, opened().policies, formulary(PI))
    return propose(made, known, case, search)


def search(target: float = 7.0, **asked_for: Any) -> Search:
    return Search.of(
        Aim.number(target, IGG), asked_for.pop("probability", None), opened().policies.proposals, **asked_for
    )


def test_every_proposal_reaches_and_the_one_below_it_does_not():
    made = advice(search(products=("privigen",)))
    assert made.proposals
    for one in made.proposals:
        assert one.outcome.steady_trough.reaches >= 0.8
        assert 0.2 <= one.g_per_kg <= 0.8
        assert "were not checked against the primary papers. A clinician decides." in one.caution
    harder = advice(search(products=("privigen",), probability=0.99))
    assert min(one.grams_per_period for one in harder.proposals) > min(one.grams_per_period for one in made.proposals)
    fewest = next(one for one in made.proposals if "fewest infusions in 28 days into a vein" in one.reasons)
    treatment = read_treatment(RECORD, IGG)
    models = tuple(opened().kinetic_model(name) for name in opened().kinetic_model_ids)
    _, known = believe(
        models, Subject(weight_kg=70, age_years=40), treatment, opened().policies.kinetics, indication=PI
    )
    below = weigh((option(dose_g=fewest.dose_g - 5, days=fewest.cycle_days),), known, 7.0)[0]
    assert below.reaches < 0.8


def test_out_of_reach_says_how_near_the_nearest_comes_and_stays_within_the_label():
    made = advice(search(20.0))
    assert made.proposals == ()
    found = next(one for one in made.findings if one.code == "no-proposal-out-of-reach")
    assert "Privigen 55 g every 21 days (0.79 g/kg)" in found.text  # the label ends at 0.8 g/kg, 56 g
    assert "More is never proposed." in found.text


def test_the_least_of_the_label_is_said_to_be_the_least():
    made = advice(search(4.5))
    assert "least-of-the-range" in {one.code for one in made.findings}


def test_under_the_skin_stands_three_ways_side_by_side():
    made = advice(search())
    switch = made.to_subcutaneous
    assert switch is not None
    # 30 g every 28 days is 7.5 g a week: by Hizentra's factor of 1.37, 10.275 g; by Cuvitru's of 1.30, 9.75 g.
    factors = {one.product: one.weekly_g for one in switch.by_factor}
    assert factors["hizentra"] == pytest.approx(10.275)
    assert factors["cuvitru"] == pytest.approx(9.75)
    assert "xembify" not in factors  # its factor was read second-hand only
    # Equal average is 7.5 g / F; F was never seen in this patient, so its median is that of the papers, 0.65 to 0.77.
    assert 7.5 / 0.80 < switch.equal_exposure.median < 7.5 / 0.62
    assert switch.equal_trough.median < switch.equal_exposure.median  # a weekly curve is flat
    assert switch.equal_trough.p5 < switch.equal_trough.median < switch.equal_trough.p95


def test_what_no_level_could_tell_of_absorption_varies_as_published():
    treatment = read_treatment(RECORD, IGG)
    _, known = believe([ZHANG], Subject(weight_kg=70), treatment, opened().policies.kinetics, indication=PI)
    drawn = known.voices[0].parameters[:, kernels.F_SC]
    assert drawn.max() == 1.0  # a whole dose is the most
    inside = np.log(drawn[drawn < 1.0] / 0.676)
    assert 0.2 < inside.std() < 0.32  # the CV of 32.36 % is 0.316 on the log scale, cut at 1


def test_a_models_constant_in_place_of_the_patients_own_igg_is_said():
    made = advice(search())
    told = " ".join(one.text for one in made.findings if one.code == "own-igg-assumed")
    assert "zhang2020 4 g/L" in told
    assert "a smaller dose lowers it further" in told
    # With 2 g/L of one's own and the same level, the exogenous share is larger and follows the dose more steeply.
    assert belief().voices[0].assumes_own == 4.0
    own = ONE.copy()
    own[0, kernels.BASELINE] = 2.0
    assert belief(own).voices[0].assumes_own is None


@pytest.mark.parametrize(
    ("level", "kind", "said"),
    [
        (700, ImpossibleValue, "this looks like mg/dL. Give g/L: 700 mg/dL is 7 g/L."),
        (-1, ImpossibleValue, "A trough is a number above zero"),
        (math.nan, ImpossibleValue, "A trough is a number above zero"),
    ],
)
def test_a_target_that_cannot_be_is_refused(level, kind, said):
    with pytest.raises(kind) as refused:
        Aim.number(level, IGG)
    assert said in str(refused.value)


def test_a_price_of_what_is_not_searched_is_refused():
    with pytest.raises(BadInput, match="This product is not searched"):
        advice(search(prices={"hizentra": Decimal(100)}))
