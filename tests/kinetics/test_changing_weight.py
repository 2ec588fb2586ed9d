"""A weight that changes: amounts go on, exactly, and each dose and parameter follows the weight of its day."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad, solve_ivp
from scipy.optimize import minimize
from scipy.stats import norm

from ivigil.cli.app import run
from ivigil.errors import BadInput, ImpossibleValue, IvigilError
from ivigil.kinetics import changing_kernels, fitting, kernels
from ivigil.kinetics.changing import Changing, Stretch, stretches
from ivigil.kinetics.exposure import Belief, Voice, total_after
from ivigil.kinetics.fitting import Data, predicted, simulate
from ivigil.kinetics.forecast import Forecast, _prepared, forecast
from ivigil.kinetics.individual import Parameters
from ivigil.kinetics.linear import area, concentrations, disposition
from ivigil.kinetics.population import ROUTES
from ivigil.kinetics.profile import profile
from ivigil.kinetics.regimens import Dose, Route, dose_days, read_regimen
from ivigil.kinetics.subjects import Subject, Weighing, read_subject
from ivigil.kinetics.treatment import read_treatment
from ivigil.knowledge.loading import Knowledge

KNOWLEDGE = Knowledge()
ZHANG = KNOWLEDGE.kinetic_model("zhang2020")
EVER = -np.inf
TWO = Parameters(0.10, 3.0, 0.20, 4.0, 0.40, 0.7, 0.0, 2.0)
PARTS = (
    Stretch(EVER, TWO),
    Stretch(30.0, replace(TWO, cl=0.15, vc=3.6, q=0.25, vp=5.0)),
    Stretch(41.0, replace(TWO, cl=0.12, vc=4.1, q=0.25, vp=5.0)),
)
DOSES = (
    Dose(0.0, 30, Route.IV, 4),
    Dose(10.0, 8, Route.SC, 2),
    Dose(21.0, 30, Route.IV),
    Dose(29.9, 20, Route.IV, 24),  # runs over the first change
    Dose(40.9, 10, Route.SC, 12),  # and over the second, into the depot
)
GROWS = Subject(weights=(Weighing(0.0, 20.0), Weighing(50.0, 25.0)))


def integrated(parts, doses, days):
    """The three amounts by scipy's integrator, from bend to bend."""
    steps = {0.0, float(days[-1]), *(dose.day for dose in doses), *(one.start_d for one in parts[1:])}
    bends = sorted(steps | {dose.day + dose_days(dose.over_h) for dose in doses})
    state = np.zeros(3)
    found: dict[float, float] = {}
    for left, right in itertools.pairwise(bends):
        p = [one.parameters for one in parts if one.start_d <= left][-1]
        enters = np.zeros(3)
        for dose in doses:
            place, fraction = (0, 1.0) if dose.route is Route.IV else (2, p.f_sc)
            if not dose.over_h and dose.day == left:
                state[place] += fraction * dose.amount_g
            if dose.over_h and dose.day <= left < dose.day + dose_days(dose.over_h):
                enters[place] += fraction * dose.amount_g / dose_days(dose.over_h)
        k10, k12 = p.cl / p.vc, p.q / p.vc
        k21 = p.q / p.vp if p.vp else 0.0
        system = np.array([[-k10 - k12, k21, p.ka], [k12, -k21, 0.0], [0.0, 0.0, -p.ka]])
        inside = days[(days >= left) & (days < right)]
        solved = solve_ivp(
            lambda _, y, a=system, b=enters: a @ y + b,
            (left, right),
            state,
            method="DOP853",
            rtol=1e-12,
            atol=1e-13,
            t_eval=np.union1d(inside, [right]),
        )
        found |= {float(day): y / p.vc for day, y in zip(solved.t, solved.y[0], strict=True) if day in inside}
        state = solved.y[:, -1]
    return np.array([found[float(day)] for day in days[:-1]])


@pytest.mark.parametrize(
    "parts",
    [PARTS, tuple(Stretch(one.start_d, replace(one.parameters, q=0.0, vp=0.0)) for one in PARTS)],
    ids=["two compartments", "one compartment"],
)
def test_amounts_are_carried_as_an_integrator_carries_them(parts):
    days = np.linspace(0.0, 80.0, 641)
    assert Changing(parts, DOSES)(days[:-1]) == pytest.approx(integrated(parts, DOSES, days), abs=1e-9)


def test_a_change_worked_by_hand():
    """10 g into 2 L, k 0.1/d: 5 e^-0.5 g/L at day 5. There the volume doubles: half of it, and then k 0.05/d."""
    one = Parameters(0.2, 2.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    curve = Changing((Stretch(EVER, one), Stretch(5.0, replace(one, vc=4.0))), (Dose(0.0, 10, Route.IV),))
    reached = 5 * np.exp(-0.5)
    assert curve(np.array([0.0, 4.999999999, 5.0, 10.0])) == pytest.approx(
        [5.0, reached, reached / 2, reached / 2 * np.exp(-0.25)], rel=1e-8
    )


def test_without_a_change_it_is_the_closed_form():
    days = np.linspace(-1, 80, 500)
    curve = Changing(PARTS[:1], DOSES)
    assert curve(days) == pytest.approx(concentrations(disposition(TWO), DOSES, days), abs=1e-12)
    assert curve.area(3.0, 70.0) == pytest.approx(area(disposition(TWO), DOSES, 3.0, 70.0))


def test_the_area_is_the_integral_of_the_level():
    curve = Changing(PARTS, DOSES)
    bends = [3.0, 10.0, 10 + 2 / 24, 21.0, 29.9, 30.0, 30.9, 40.9, 41.0, 41.4, 60.0]
    parts = [
        quad(lambda day: float(curve(np.array([day]))[0]), *ends, epsabs=1e-11)[0] for ends in itertools.pairwise(bends)
    ]
    assert curve.area(3.0, 60.0) == pytest.approx(sum(parts), abs=1e-8)


def test_a_level_at_the_moment_of_a_bolus_is_before_it():
    curve = Changing(PARTS, DOSES)
    assert curve(21.0) - curve.before(21.0) == pytest.approx(10.0)  # 30 g into 3 L
    assert curve.before(21.0) == pytest.approx(curve(np.nextafter(21.0, 0)))


@given(
    st.lists(
        st.tuples(
            st.floats(0, 90), st.floats(1, 60), st.sampled_from([0.0, 4.0, 72.0]), st.sampled_from([Route.IV, Route.SC])
        ),
        min_size=1,
        max_size=6,
    ),
    st.lists(st.floats(-5, 120), min_size=1, max_size=5),
    st.lists(st.tuples(st.floats(1, 100), st.floats(0.6, 1.6)), max_size=3, unique_by=lambda one: one[0]),
)
def test_the_compiled_course_is_the_same_function(doses, days, steps):
    given_ = tuple(Dose(day, grams, route, over) for day, grams, over, route in doses)
    ratios = [(EVER, 1.0), *sorted(steps)]
    scaled = [replace(TWO, cl=TWO.cl * r, vc=TWO.vc * r, vp=TWO.vp * r**2) for _, r in ratios]
    curve = Changing(tuple(Stretch(day, p) for (day, _), p in zip(ratios, scaled, strict=True)), given_)
    slots = np.array([TWO.cl, TWO.vc, TWO.q, TWO.vp, TWO.ka, TWO.f_sc, 0.0, 2.0])
    scale = np.ones((len(ratios), kernels.SLOTS))
    for row, (_, r) in enumerate(ratios):
        scale[row, [kernels.CL, kernels.VC, kernels.VP]] = r, r, r**2
    at = np.array(days)
    way = changing_kernels.course(
        np.array([dose.day for dose in given_]),
        np.array([dose.amount_g for dose in given_]),
        np.array([dose_days(dose.over_h) for dose in given_]),
        np.array([ROUTES[dose.route] for dose in given_]),
        np.array([day for day, _ in ratios[1:]]),
        scale,
        at,
    )
    found = np.empty(at.size)
    changing_kernels.run(slots, way, found)
    assert found == pytest.approx(curve.before(at) + 2.0, abs=1e-8)


# ---- whom it is asked about


def test_each_weighing_holds_until_the_next_and_the_first_also_before():
    assert [GROWS.at(day).weight_kg for day in (-3, 0, 49.9, 50, 900)] == [20, 20, 20, 25, 25]


@pytest.mark.parametrize(
    ("raw", "kind", "said"),
    [
        ({"weight_kg": 20, "weights": [{"day": 0, "weight_kg": 20}]}, BadInput, "one number or changes, not both"),
        ({"weights": []}, BadInput, "It is a list of weighings"),
        ({"weights": [{"day": 0, "kg": 20}]}, BadInput, "weights[0]: None. A weighing has a day and a weight_kg"),
        ({"weights": [{"day": 0, "weight_kg": 0}]}, ImpossibleValue, "A weight is above zero"),
        ({"weights": [{"day": 0, "weight_kg": "20"}]}, BadInput, "weights.weight_kg: '20'. It must be a number"),
        ({"weights": [{"day": 5, "weight_kg": 20}, {"day": 5, "weight_kg": 21}]}, BadInput, "weights[1]: 5. It lies before or on"),
    ],
)  # fmt: skip
def test_weighings_that_cannot_be_are_refused(raw, kind, said):
    with pytest.raises(kind) as refused:
        read_subject(raw)
    assert said in str(refused.value)


# ---- doses and profiles


def test_doses_in_g_per_kg_count_the_weight_of_their_day():
    doses = read_regimen("iv 0.4 g/kg every 21 d").doses(lambda day: GROWS.at(day).weight_kg, 84.0)
    assert [(dose.day, dose.amount_g) for dose in doses] == [(0, 8), (21, 8), (42, 8), (63, 10)]


def test_the_dosing_weight_still_governs_the_dose():
    subject = replace(GROWS, dosing_weight_kg=10.0)
    made = profile(ZHANG, read_regimen("iv 0.4 g/kg every 21 d"), subject, days=84.0)
    volume = 3.95 * (20 / 66) ** 0.448
    assert made.igg_g_per_l[0] == pytest.approx(4 + 0.4 * 10 / volume)


def test_a_profile_steps_where_the_volume_does_and_says_so():
    made = profile(ZHANG, read_regimen("iv 0.4 g/kg every 21 d"), GROWS, days=84.0)
    at = made.times_d.index(50.0)
    before = profile(ZHANG, read_regimen("iv 0.4 g/kg every 21 d"), Subject(weight_kg=20), days=84.0)
    same = before.igg_g_per_l[before.times_d.index(50.0)]
    assert made.igg_g_per_l[at] - 4 == pytest.approx((same - 4) * (20 / 25) ** 0.448)
    assert made.parameters["vc_l"] == pytest.approx(3.95 * (25 / 66) ** 0.448)
    said = next(one for one in made.findings if one.code == "weight-changes")
    assert "from 20 kg to 25 kg" in said.text
    assert made.unused == ()


def test_a_weight_that_stays_gives_the_profile_of_one_weight_to_the_last_digit():
    asked = read_regimen("iv 0.4 g/kg every 21 d over 4 h")
    kept = replace(GROWS, weights=(Weighing(0.0, 20.0), Weighing(50.0, 20.0)))
    assert profile(ZHANG, asked, kept, days=84.0) == profile(ZHANG, asked, Subject(weight_kg=20), days=84.0)


def test_a_weight_that_changes_has_no_steady_state():
    with pytest.raises(BadInput, match="A weight that changes has no steady state"):
        profile(ZHANG, read_regimen("iv 0.4 g/kg every 21 d"), GROWS, steady_state=True)


def test_the_metrics_are_those_of_the_curve():
    made = profile(ZHANG, read_regimen("iv 0.4 g/kg every 21 d over 4 h"), GROWS, days=84.0)
    parts, _ = stretches(ZHANG, GROWS)
    doses = tuple(Dose(21.0 * n, grams, Route.IV, 4.0) for n, grams in enumerate((8, 8, 8, 10)))
    curve = Changing(parts, doses)
    fine = np.linspace(0, 84, 840_001)
    assert made.metrics.exogenous is not None
    assert made.metrics.exogenous.cmax == pytest.approx(curve(fine).max(), abs=1e-4)
    assert made.metrics.exogenous.auc == pytest.approx(np.trapezoid(curve(fine), fine), rel=1e-6)
    assert made.metrics.exogenous.ctrough == pytest.approx(curve(fine[-1:])[0])


def test_the_command_line_takes_weighings(capsys):
    asked = [
        "kinetics",
        "profile",
        "--model",
        "zhang2020",
        "--regimen",
        "iv 0.4 g/kg every 21 d",
        "--days",
        "84",
        "--json",
    ]
    subject = json.dumps({"weights": [{"day": 0, "weight_kg": 20}, {"day": 50, "weight_kg": 25}]})
    assert run([*asked, "--subject", subject]) == 0
    assert "weight-changes" in {one["code"] for one in json.loads(capsys.readouterr().out)["findings"]}


# ---- forecasts

RECORD: dict[str, Any] = {
    "doses": [{"day": 28 * number, "route": "iv", "dose_g": 10, "duration_h": 4} for number in range(8)],
    "levels": [{"day": 84, "igg_g_per_l": 6.9}, {"day": 140, "igg_g_per_l": 7.4}, {"day": 196, "igg_g_per_l": 7.2}],
}
STEPS = [{"day": 0, "weight_kg": 20}, {"day": 90, "weight_kg": 23}, {"day": 170, "weight_kg": 26}]
CHILD = Subject(age_years=7)
IGG = KNOWLEDGE.vocabulary.labs["igg"]


def made(record: dict, subject: Subject, **asked) -> Forecast:
    options = {"indication": "primary-immunodeficiency", "asked_for": "zhang2020"} | asked
    return forecast((ZHANG,), subject, read_treatment(record, IGG), KNOWLEDGE.policies.kinetics, **options)


def test_a_forecast_with_one_weight_is_the_same_to_the_last_digit():
    plain = made(RECORD, replace(CHILD, weight_kg=20))
    for weights in ([{"day": 0, "weight_kg": 20}], [{"day": 0, "weight_kg": 20}, {"day": 90, "weight_kg": 20}]):
        assert made(RECORD | {"weights": weights}, CHILD) == plain


def test_the_population_prediction_is_the_typical_profile_of_the_changing_weight():
    found = made(RECORD | {"weights": STEPS}, CHILD)
    parts, last = stretches(ZHANG, Subject(weights=tuple(Weighing(one["day"], one["weight_kg"]) for one in STEPS)))
    doses = tuple(Dose(28.0 * n, 10, Route.IV, 4) for n in range(8))
    curve = Changing(parts, doses).before(np.array([84.0, 140.0, 196.0])) + 4.0
    assert [one.population_predicted for one in found.levels] == pytest.approx(curve.tolist())
    clearance = next(one for one in found.parameters if one.name == "cl_l_per_d")
    assert clearance.typical == last.parameters.cl
    said = next(one for one in found.findings if one.code == "weight-changes")
    assert "last observation carried forward" in said.text
    assert "26 kg" in said.text


def test_the_curve_is_that_of_the_changing_weight():
    """Without levels the posterior is the prior, and a model that does not vary is its typical curve."""
    fixed = ZHANG.model_copy(
        update={"parameters": ZHANG.parameters.model_copy(update={
            name: getattr(ZHANG.parameters, name).model_copy(update={"cv_percent": 1e-6})
            for name in ("cl_l_per_d", "vc_l", "q_l_per_d", "vp_l")
        })}
    )  # fmt: skip
    treatment = read_treatment(RECORD | {"levels": [], "weights": STEPS}, IGG)
    found = forecast((fixed,), CHILD, treatment, KNOWLEDGE.policies.kinetics, asked_for="zhang2020")
    parts, _ = stretches(ZHANG, Subject(weights=treatment.weights))
    curve = Changing(parts, treatment.doses).before(np.array(found.curve.day)) + 4.0
    assert found.curve.median == pytest.approx(curve.tolist(), rel=1e-5)


def test_the_mode_with_a_changing_weight_is_that_of_another_optimiser():
    treatment = read_treatment(RECORD | {"weights": STEPS}, IGG)
    prior, data = _prepared(ZHANG, replace(CHILD, weights=treatment.weights), treatment, None)
    other = minimize(lambda z: -fitting.log_density(prior, data, z[None])[0], np.full(prior.slots.size, 0.3), method="Nelder-Mead",
                     options={"xatol": 1e-9, "fatol": 1e-12, "maxiter": 60_000, "maxfev": 60_000, "adaptive": True})  # fmt: skip
    z, converged = fitting.mode(prior, data)
    assert converged
    assert -fitting.log_density(prior, data, z[None])[0] <= other.fun + 1e-7


def test_the_density_with_a_changing_weight_is_that_of_its_own_prediction():
    """Levels as measured under the prediction of the stretches, one of them below quantification."""
    treatment = read_treatment(RECORD | {"weights": STEPS}, IGG)
    prior, data = _prepared(ZHANG, replace(CHILD, weights=treatment.weights), treatment, None)
    data = replace(data, below=np.array([False, True, False]))
    zs = np.random.default_rng(20261121).standard_normal((20, prior.slots.size))
    for z, density in zip(zs, fitting.log_density(prior, data, zs), strict=True):
        p = prior.typical.copy()
        p[prior.slots] *= np.exp(prior.omega[prior.slots] * z)
        at = predicted(p, data, data.level_d)
        sd = np.hypot(prior.additive_g_per_l, prior.proportional * at)
        each = np.where(data.below, norm.logcdf(data.level_g_per_l, at, sd), norm.logpdf(data.level_g_per_l, at, sd))
        assert density == pytest.approx(norm.logpdf(z).sum() + each.sum(), rel=1e-9)


def test_a_level_is_judged_by_what_the_others_predict_for_the_weight_of_its_day():
    treatment = read_treatment(RECORD | {"weights": STEPS}, IGG)
    prior, data = _prepared(ZHANG, replace(CHILD, weights=treatment.weights), treatment, None)
    known = fitting.fit(prior, fitting.without(data, np.array([True, True, False])), 20_000, 5)
    levels = np.array([predicted(row, data, data.level_d[2:])[0] for row in known.samples])
    mean = known.weights @ levels
    spread = known.weights @ (levels - mean) ** 2
    noise = prior.additive_g_per_l**2 + prior.proportional**2 * (known.weights @ levels**2)
    away = (data.level_g_per_l[2] - mean) / np.sqrt(spread + noise)
    assert fitting.surprise(prior, data, 2, 20_000, 5) == pytest.approx(away, rel=1e-9)


def test_bands_of_models_with_and_without_an_effect_of_weight_come_from_each_one_s_own_prediction():
    """A model that the weight does not touch has one stretch; in one mixture with the other each keeps its course."""
    treatment = read_treatment(RECORD | {"weights": STEPS}, IGG)
    prior, grows = _prepared(ZHANG, replace(CHILD, weights=treatment.weights), treatment, None)
    stays = replace(grows, stretch_d=np.empty(0), scale=np.ones((1, kernels.SLOTS)))
    rows = prior.typical * np.exp(0.2 * np.random.default_rng(3).standard_normal((6, kernels.SLOTS)))
    found = simulate([(rows[:4], stays), (rows[4:], grows)], 1.0, 200)
    assert found.shape == (200, 6)
    for column, row in enumerate(rows):
        own = predicted(row, stays if column < 4 else grows, np.arange(200.0))
        assert found[:, column] == pytest.approx(own, rel=1e-5)
    assert found[199, 4] != pytest.approx(predicted(rows[4], stays, np.array([199.0]))[0], rel=0.01)


def test_what_is_believed_after_a_proposed_dose_counts_the_weight_of_each_day():
    """The first trough of a proposal: the doses given before each weighing went on in the smaller body's volumes."""
    treatment = read_treatment(RECORD | {"weights": STEPS}, IGG)
    prior, data = _prepared(ZHANG, replace(CHILD, weights=treatment.weights), treatment, None)
    belief = Belief((Voice(ZHANG, prior.typical[None, :], np.ones(1), data),))
    parts, _ = stretches(ZHANG, Subject(weights=treatment.weights))
    more = (Dose(224.0, 12.0, Route.IV),)
    expected = Changing(parts, (*treatment.doses, *more)).before(np.array([224.0, 252.0])) + 4.0
    assert total_after(belief, more, (224.0, 252.0))[0] == pytest.approx(expected, rel=1e-9)


def test_a_patient_who_grows_is_found_again():
    """Levels of a patient with the typical parameters and changing weight: the estimate stays at the typical ones."""
    treatment = read_treatment(RECORD | {"weights": STEPS}, IGG)
    prior, data = _prepared(ZHANG, replace(CHILD, weights=treatment.weights), treatment, None)
    levels = predicted(prior.typical, data, data.level_d)
    record = RECORD | {
        "weights": STEPS,
        "levels": [row | {"igg_g_per_l": float(x)} for row, x in zip(RECORD["levels"], levels, strict=True)],
    }
    found = {one.name: one for one in made(record, CHILD).parameters}
    assert found["cl_l_per_d"].map == pytest.approx(found["cl_l_per_d"].typical, rel=0.02)


def test_weight_kg_that_contradicts_the_last_weighing_is_told():
    found = made(RECORD | {"weights": STEPS}, replace(CHILD, weight_kg=30))
    said = [one.text for one in found.findings if one.code == "weight-differs"]
    assert len(said) == 1
    assert "weight_kg 30" in said[0]
    assert "26 kg" in said[0]


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ([{"day": 9, "weight_kg": 20}, {"day": 4, "weight_kg": 21}], "It lies before or on the day"),
        ([{"day": 9, "weight_kg": 0}], "weights[0].weight_kg"),
        ([{"time": "2026-04-20T09:00:00+00:00", "weight_kg": 20}], "uses times or days, never both"),
        ([{"weight_kg": 20}], "A row has either a time or a day"),
    ],
)
def test_weighings_of_a_record_are_checked(weights, said):
    with pytest.raises(IvigilError) as refused:
        read_treatment(RECORD | {"weights": weights}, IGG)
    assert said in str(refused.value)


def test_a_weighing_before_the_first_dose_holds_until_the_next():
    found = read_treatment(RECORD | {"weights": [{"day": -30, "weight_kg": 18}, {"day": 40, "weight_kg": 20}]}, IGG)
    assert found.weights == (Weighing(-30.0, 18.0), Weighing(40.0, 20.0))


def test_data_without_stretches_runs_the_closed_form():
    none = np.empty(0)
    data = Data(none, none, none, np.empty(0, np.int64), none, none, np.empty(0, np.bool_))
    assert data.course(none) is None
