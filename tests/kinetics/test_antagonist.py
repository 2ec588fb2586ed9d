"""Rozanolixizumab and IgG: published results, units, what the model does not hold, and its population."""

from __future__ import annotations

import numpy as np
import pytest

from ivigil.errors import BadInput
from ivigil.kinetics import ode
from ivigil.kinetics.antagonist import free_mg_per_l, rest, typical
from ivigil.kinetics.population import Bounds, draw, impossible, levels, percentiles, said, schedule
from ivigil.kinetics.profile import Profile, profile
from ivigil.kinetics.regimens import read_regimen
from ivigil.kinetics.subjects import Subject
from ivigil.knowledge.kinetic_models import Capability
from ivigil.knowledge.loading import Knowledge

KNOWLEDGE = Knowledge()
MODEL = KNOWLEDGE.kinetic_model("lledogarcia2022")
MAN = Subject(weight_kg=75)


def of(regimen: str, subject: Subject = MAN, days: float = 70, **more: object) -> Profile:
    return profile(MODEL, read_regimen(regimen), subject, days=days, **more)  # type: ignore[arg-type]


def at(made: Profile, day: float) -> float:
    return made.igg_g_per_l[made.times_d.index(day)]


# ---- published


def test_seven_mg_per_kg_lowers_igg_as_the_trial_saw():
    """NCT02220153 against the model's typical subject.

    "IgG concentrations were reduced by up to 48 %, with the greatest mean reduction at maximum dose reached by Day 10,
    returning to baseline by Day 57" (Kiessling 2017, as told in the ASH abstract of the phase II trial NCT02718716).
    """
    made = of("rozanolixizumab iv 7 mg/kg once")
    deepest = 1 - made.metrics.total.cmin / 9.88
    assert deepest == pytest.approx(0.48, abs=0.015)
    low = made.times_d[int(np.argmin(made.igg_g_per_l))]
    assert 5 <= low <= 10
    # By day 57 the model is still 8 % below its baseline: a known limit, not tuned away.
    assert at(made, 57.0) / 9.88 == pytest.approx(0.92, abs=0.01)


def test_a_larger_dose_lowers_igg_more_and_longer():
    lowest = [of(f"rozanolixizumab iv {dose} mg/kg once").metrics.total.cmin for dose in (1, 4, 7)]
    assert lowest[0] > lowest[1] > lowest[2]


# ---- by hand


def test_a_dose_fills_the_central_volume_and_the_receptor_binds_its_share():
    # 300 mg into 2.7 L: 111.11 mg/L in all; FcRn 147 nM of 148 kDa holds 21.756 mg/L, KD 1 nM is 0.148 mg/L.
    p = typical(MODEL)
    assert (p[ode.FCRN], p[ode.KD]) == pytest.approx((21.756, 0.148))
    # Bound b: (111.111 − b)(21.756 − b) = 0.148 b, so b = 21.720, free 89.391 mg/L.
    states = rest(p)[None, :].copy()
    states[0, 0] = 300.0
    assert free_mg_per_l(p, states)[0] == pytest.approx(89.391, abs=2e-3)
    made = of("rozanolixizumab iv 4 mg/kg once")
    assert made.response is not None
    assert (made.response.name, made.response.unit) == ("free rozanolixizumab", "mg/L")
    assert made.response.values[0] == pytest.approx(89.391, abs=2e-3)
    assert len(made.response.values) == len(made.times_d)


def test_binding_is_at_equilibrium_at_every_amount():
    p = typical(MODEL)
    states = np.zeros((200, ode.STATES))
    states[:, 0] = np.geomspace(1e-9, 1e5, 200)
    free = free_mg_per_l(p, states)
    bound = states[:, 0] / p[ode.V] - free
    assert free * (p[ode.FCRN] - bound) == pytest.approx(p[ode.KD] * bound, rel=1e-6)


def test_grams_and_milligrams_per_kilogram_are_one_dose():
    assert of("rozanolixizumab iv 4 mg/kg once").igg_g_per_l == of("rozanolixizumab iv 300 mg once", MAN).igg_g_per_l
    assert (
        of("rozanolixizumab iv 0.3 g once", Subject()).igg_g_per_l == of("rozanolixizumab iv 300 mg once").igg_g_per_l
    )


def test_before_the_drug_igg_stands_still():
    made = of("rozanolixizumab iv 7 mg/kg once from day 10")
    assert [at(made, day) for day in (0.0, 5.0, 10.0)] == pytest.approx([9.88] * 3, rel=1e-12)
    assert at(made, 11.0) < 9.0


def test_an_infusion_of_two_hours_ends_at_nearly_the_same_igg():
    bolus, infused = of("rozanolixizumab iv 7 mg/kg once"), of("rozanolixizumab iv 7 mg/kg once over 2 h")
    assert infused.metrics.total.cmin == pytest.approx(bolus.metrics.total.cmin, rel=0.005)
    assert infused.response is not None
    assert infused.response.values[0] == 0.0


# ---- what is shown


def test_metrics_are_of_the_curve_and_what_is_not_defined_is_none_with_the_reason():
    made = of("rozanolixizumab iv 7 mg/kg once")
    total = made.metrics.total
    assert made.metrics.exogenous is None
    assert made.metrics.terminal_half_life_d is None
    assert any(one.code == "not-linear" and "the body's own" in one.text for one in made.findings)
    assert total.cmax == pytest.approx(9.88)
    assert total.cmin <= min(made.igg_g_per_l) + 1e-9
    assert total.ctrough == pytest.approx(made.igg_g_per_l[-1])
    assert total.auc == pytest.approx(np.trapezoid(made.igg_g_per_l, made.times_d), rel=1e-4)
    assert total.cavg == pytest.approx(total.auc / 70)


def test_the_nadir_is_told_with_its_day():
    (told,) = [one for one in of("rozanolixizumab iv 7 mg/kg once").findings if one.code == "igg-nadir"]
    # scipy's LSODA on the same equations, outputs every hour: 48.588 % on day 6.08.
    assert told.text == "IgG falls to 5.08 g/L, 48.6% below 9.88 g/L, on day 6.1."


def test_steady_state_is_where_repetition_leads():
    text = "rozanolixizumab iv 2 mg/kg every 7 d"
    steady = profile(MODEL, read_regimen(text), MAN, steady_state=True)
    long = of(text, days=7 * 80)
    assert steady.metrics.tau_d == 7
    assert steady.igg_g_per_l[0] == pytest.approx(at(long, 7 * 79.0), rel=1e-8)
    assert steady.metrics.total.ctrough == pytest.approx(long.metrics.total.ctrough, rel=1e-8)
    assert steady.igg_g_per_l[0] == pytest.approx(steady.metrics.total.ctrough, rel=1e-8)


def test_an_own_baseline_is_said_to_differ():
    made = of("rozanolixizumab iv 7 mg/kg once", baseline_g_per_l=14.0)
    assert made.igg_g_per_l[0] == 14.0
    # IgG is linear in its baseline, so the depth in percent is the same.
    reference = of("rozanolixizumab iv 7 mg/kg once")
    assert made.metrics.total.cmin / 14.0 == pytest.approx(reference.metrics.total.cmin / 9.88, rel=1e-9)
    assert any(one.code == "baseline-differs" and one.severity.value == "warns" for one in made.findings)


@pytest.mark.parametrize(
    ("text", "code", "said_so"),
    [
        ("rozanolixizumab iv 4 g/kg once", "outside-dose", "single doses of 1 to 7 mg/kg; this one is 4000 mg/kg"),
        ("rozanolixizumab iv 0.5 mg/kg once", "outside-dose", "this one is 0.5 mg/kg"),
        ("rozanolixizumab iv 300 g once", "outside-dose", "this one is 4000 mg/kg"),
        ("rozanolixizumab iv 7 mg/kg every 7 d", "repeated-dose", "repeated ones are an extrapolation"),
    ],
)
def test_beyond_the_trials_doses_is_warned(text, code, said_so):
    found = [one for one in of(text).findings if one.code == code]
    assert [one.severity.value for one in found] == ["warns"]
    assert said_so in found[0].text


def test_within_the_trials_doses_nothing_is_warned():
    for dose in (1, 4, 7):
        assert all(one.severity.value == "informs" for one in of(f"rozanolixizumab iv {dose} mg/kg once").findings)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("iv 0.4 g/kg every 28 d", "how fast an FcRn blocker clears infused IgG was not published with it"),
        (
            "iv 0.4 g/kg once, then rozanolixizumab iv 7 mg/kg once from day 3",
            "was built in healthy people without infused immunoglobulin",
        ),
        ("efgartigimod iv 10 mg/kg once", "describes rozanolixizumab only"),
        ("rozanolixizumab sc 7 mg/kg once", "knows only: iv"),
    ],
)
def test_what_the_model_does_not_hold_is_refused(text, why):
    with pytest.raises(BadInput) as refused:
        of(text)
    assert why in str(refused.value)
    with pytest.raises(BadInput) as again:
        schedule(read_regimen(text), 28, model=MODEL)
    assert why in str(again.value)


def test_a_linear_model_takes_no_antagonist():
    with pytest.raises(BadInput, match="zhang2020 describes immunoglobulin only"):
        profile(KNOWLEDGE.kinetic_model("zhang2020"), read_regimen("rozanolixizumab iv 7 mg/kg once"), MAN, days=7)


# ---- a population


def test_it_can_be_simulated_and_does_not_forecast():
    assert MODEL.capabilities == {Capability.TYPICAL, Capability.POPULATION}


def test_only_what_is_known_to_vary_varies_by_the_printed_cv():
    ((chunk, _),) = draw(MODEL, MAN, True, 40_000, 5)
    spread = chunk.parameters.std(axis=0) / chunk.parameters.mean(axis=0)
    varies = {ode.V: 0.158, ode.KDEG: 0.303, ode.BASE: 0.184}
    for slot in range(ode.SLOTS):
        assert spread[slot] == pytest.approx(varies.get(slot, 0.0), rel=0.02, abs=1e-12)
    assert np.median(chunk.parameters[:, ode.V]) == pytest.approx(2.7, rel=0.01)


def test_a_subject_of_the_population_is_the_profile_of_its_parameters():
    regimen = read_regimen("rozanolixizumab iv 7 mg/kg once from day 1")
    plan = schedule(regimen, 28, model=MODEL)
    ((chunk, _),) = draw(MODEL, MAN, True, 30, 7)
    made = levels(chunk, plan)
    for row in (0, 29):
        p = chunk.parameters[row]
        system = ode.System(ode.ANTAGONIST, p, rest(p), 1000.0)
        given = ode.events_of(regimen.doses(75.0, 28), 28.0)
        expected, _ = ode.states_of(system, system.rest, given, plan.days, before=True)
        assert made[row] == pytest.approx(expected[:, 2], rel=1e-5)


def test_a_population_does_not_depend_on_its_chunks():
    plan = schedule(read_regimen("rozanolixizumab iv 4 mg/kg once"), 42, model=MODEL)
    one = percentiles(draw(MODEL, MAN, True, 3000, 11), plan)
    other = percentiles(draw(MODEL, MAN, True, 3000, 11, chunk=777), plan)
    for percent in one.levels:
        assert (one.levels[percent] == other.levels[percent]).all()
    assert one.mean == pytest.approx(other.mean, rel=1e-12)
    exact = np.vstack([levels(chunk, plan) for chunk, _ in draw(MODEL, MAN, True, 3000, 11)])
    middle = np.percentile(exact, 50, axis=0, method="inverted_cdf")
    assert np.abs(one.levels[50.0] / middle - 1).max() <= one.bin_error * (1 + 1e-6)


def test_impossible_volumes_are_counted_and_cut_only_if_asked():
    regimen = read_regimen("rozanolixizumab iv 4 mg/kg once")
    tiny = impossible(MAN, regimen, KNOWLEDGE.policies.kinetics, draw_again=False)
    assert next(iter(draw(MODEL, MAN, True, 2000, 3, tiny)))[1].sum() == 0
    narrow = Bounds(tiny.low * 1.8, tiny.high)  # 36 mL/kg × 75 kg = the typical 2.7 L
    ((chunk, outside),) = draw(MODEL, MAN, True, 2000, 3, narrow)
    assert outside[ode.V] == (chunk.parameters[:, ode.V] < 2.7).sum() > 800
    ((cut, _),) = draw(MODEL, MAN, True, 2000, 3, Bounds(narrow.low, narrow.high, draw_again=True))
    assert cut.parameters[:, ode.V].min() >= 2.7
    plan = schedule(regimen, 1, model=MODEL)
    assert percentiles(iter([(chunk, outside)]), plan).outside == {"v_l": int(outside[ode.V])}


def test_an_own_baseline_does_not_vary():
    ((chunk, _),) = draw(MODEL, MAN, True, 100, 3, baseline_g_per_l=7.0)
    assert set(chunk.parameters[:, ode.BASE]) == {7.0}


def test_what_a_profile_warns_of_a_population_warns_of_too():
    told = said(MODEL, read_regimen("rozanolixizumab iv 70 mg/kg once"), MAN)
    assert told[0].code == "outside-dose"
    assert "model-not-verified" in {one.code for one in told}
