"""FcRn turnover: Kim 2007 by hand and its traps, and what ivigil's own extension may and may not do."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ivigil.errors import BadInput
from ivigil.kinetics.catalogue import provenance, summaries
from ivigil.kinetics.forecast import forecast
from ivigil.kinetics.population import draw
from ivigil.kinetics.profile import Profile, profile
from ivigil.kinetics.regimens import read_regimen
from ivigil.kinetics.subjects import Subject
from ivigil.kinetics.treatment import Treatment
from ivigil.knowledge.kinetic_models import Capability
from ivigil.knowledge.loading import Knowledge
from ivigil.sources import Origin

KNOWLEDGE = Knowledge()
KIM, OWN = KNOWLEDGE.kinetic_model("kim2007"), KNOWLEDGE.kinetic_model("ivigil_fcrn")
MAN = Subject(weight_kg=70)
NOBODY = Subject()


def turnover(start: float | None = None, days: float = 200) -> Profile:
    return profile(KIM, None, NOBODY, days=days, baseline_g_per_l=start)


def infused(text: str, baseline: float | None = None, days: float | None = None) -> Profile:
    return profile(OWN, read_regimen(text), MAN, days=days, steady_state=days is None, baseline_g_per_l=baseline)


def lost(level: float) -> float:
    """Percent of the plasma pool a day, from the printed numbers: 18 − 100 × 147 / (42 × (21 + C))."""
    return 18 - 14700 / (42 * (21 + level))


# ---- Kim 2007


def test_at_its_own_level_nothing_changes_and_plasma_loses_seven_percent_a_day():
    made = turnover()
    assert made.igg_g_per_l == pytest.approx([12.1] * len(made.times_d), rel=1e-12)
    # 147 mg/kg/day over 42 mL/kg × 33.1 mg/mL: 0.10574 a day is recycled of 0.18, so 0.07426 is lost.
    assert made.response is not None
    assert (made.response.name, made.response.unit) == ("plasma IgG lost for good a day", "%")
    assert made.response.values[0] == pytest.approx(7.426, abs=5e-4)
    # Production keeps the level: 0.07426 × 12.1 g/L.
    assert made.parameters["production_g_per_l_per_d"] == pytest.approx(0.89855, abs=5e-5)
    assert made.metrics.total.auc == pytest.approx(12.1 * 200)


@pytest.mark.parametrize("level", [0.0, 2.0, 12.1, 25.0, 40.0])
def test_the_higher_the_level_the_faster_it_is_lost(level):
    made = turnover(level, days=1)
    assert made.response is not None
    assert made.response.values[0] == pytest.approx(lost(level), rel=1e-9)
    assert 0 < lost(level) < 18


def test_a_volume_in_milligrams_would_not_balance():
    # Read as mg/kg, 42 would make Jmax/V 3.5 per mg of IgG and recycling 1000 times the uptake: the loss would be negative.
    assert turnover().parameters["jmax_g_per_l_per_d"] == 3.5
    assert 0.18 - 3.5 / 33.1 > 0 > 0.18 - 3500 / 33.1


@pytest.mark.parametrize("start", [3.0, 25.0])
def test_igg_goes_back_to_its_level_and_never_past_it(start):
    made = turnover(start, days=400)
    away = np.abs(np.array(made.igg_g_per_l) - 12.1)
    assert made.igg_g_per_l[0] == start
    assert (np.diff(away) < 1e-8).all()
    assert away[-1] < 1e-3
    # Near the level the return is exponential with the slope of the loss, 0.18 − 3.5 × 21 / 33.1² = 0.11291 a day.
    late = [made.times_d.index(day) for day in (60.0, 70.0)]
    assert math.log(away[late[0]] / away[late[1]]) / 10 == pytest.approx(0.11291, rel=0.02)


def test_the_rate_is_said_to_be_that_of_plasma_and_no_half_life_of_the_body():
    (told,) = [one for one in turnover().findings if one.code == "plasma-pool-rate"]
    # ln 2 / 0.07426 = 9.33 days; healthy IgG has 19 to 23.
    assert "plasma loses 7.4% of its IgG a day (half in 9.3 days" in told.text
    assert "no half-life of the whole body" in told.text
    assert turnover().metrics.terminal_half_life_d is None


def test_another_start_is_warned_of_and_said_to_be_the_start():
    (told,) = [one for one in turnover(25.0).findings if one.code == "baseline-differs"]
    assert told.severity.value == "warns"
    assert told.text.endswith("It is taken as the start of the curve; production stays that of 12.1 g/L.")
    assert "baseline-differs" not in {one.code for one in turnover().findings}


@pytest.mark.parametrize("text", ["iv 0.4 g/kg every 28 d", "iv 30 g once", "rozanolixizumab iv 4 mg/kg once"])
def test_the_plasma_pool_alone_is_not_dosed(text):
    with pytest.raises(BadInput, match="one plasma pool and no tissue") as refused:
        profile(KIM, read_regimen(text), MAN, days=28)
    assert "ivigil_fcrn, which is ivigil's own and assumed" in refused.value.remedy


def test_turnover_has_no_steady_state_to_ask_for():
    with pytest.raises(BadInput, match="Without a dose the steady state is the model's own level"):
        profile(KIM, None, NOBODY, steady_state=True)


@pytest.mark.parametrize("name", ["zhang2020", "ivigil_fcrn", "lledogarcia2022"])
def test_every_other_model_describes_doses(name):
    with pytest.raises(BadInput, match=f"The model {name} describes doses"):
        profile(KNOWLEDGE.kinetic_model(name), None, MAN, days=28)


def test_what_turnover_does_not_use_is_listed():
    assert profile(KIM, None, Subject(weight_kg=70, age_years=40), days=7).unused == ("age_years", "weight_kg")


# ---- ivigil's own


def test_it_is_kim_2007_and_two_assumed_parameters():
    assert OWN.turnover is not None
    assert KIM.turnover is not None
    assert OWN.turnover == KIM.turnover
    assert OWN.tissue is not None
    for name in type(OWN.tissue).model_fields:
        fact = getattr(OWN.tissue, name)
        assert fact.origin is Origin.ASSUMED
        assert fact.note
        assert fact.src


def test_every_result_says_that_it_is_assumed():
    for made in (infused("iv 0.4 g/kg once", days=28), infused("iv 0.4 g/kg every 28 d")):
        found = [one for one in made.findings if one.code == "model-assumed"]
        assert [one.severity.value for one in found] == ["warns"]
        assert (
            "ivigil's own structure, published by nobody; intravascular_fraction, escape_per_d are assumed"
            in found[0].text
        )
    assert "model-assumed" not in {one.code for one in provenance(KIM)}


def test_it_shows_the_typical_subject_and_nothing_else():
    assert OWN.capabilities == {Capability.TYPICAL}
    (row,) = summaries((OWN,))
    assert row.why_not == ("ivigil's own structure, partly assumed",)
    assert row.needs == ("weight_kg",)
    with pytest.raises(BadInput, match="Its variability between subjects is not known"):
        next(draw(OWN, MAN, True, 5, 1))
    with pytest.raises(BadInput, match="ivigil's own structure, partly assumed"):
        forecast((OWN,), MAN, Treatment((), (), None), KNOWLEDGE.policies.kinetics, asked_for="ivigil_fcrn")


def test_a_dose_fills_the_plasma_and_spreads_to_both_pools():
    # 42 mL/kg × 70 kg: 2.94 L. 28 g: 9.524 g/L on top of 12.1.
    made = infused("iv 0.4 g/kg once", days=30)
    assert made.parameters["plasma_volume_l"] == pytest.approx(2.94)
    assert made.igg_g_per_l[0] == pytest.approx(12.1 + 28 / 2.94)
    # After 4 days 99 % of the exchange is done: somewhat under 45 % of the rise is left in plasma, the rest outside or lost.
    after = made.igg_g_per_l[made.times_d.index(4.0)] - 12.1
    assert 0.30 < after / (28 / 2.94) < 0.45


def test_without_saturation_of_its_loss_a_small_dose_has_the_half_life_of_healthy_igg():
    # Linearised at 12.1 g/L a *tracer* has 0.07426 a day of plasma; with 45 % inside and 0.72 a day escaping the slow rate
    # of the two pools is 0.0324 a day, 21.4 days. What is added on top is lost faster, 0.18 − 3.5 × 21/33.1² = 0.11291:
    # rates 0.11291 + 0.72 + 0.58909 = 1.422, slow = 0.11291 × 0.58909 / 1.3737 = 0.04842 a day.
    made = infused("iv 0.1 g once", days=120)
    rise = np.array(made.igg_g_per_l) - 12.1
    places = [made.times_d.index(day) for day in (40.0, 100.0)]
    assert math.log(rise[places[0]] / rise[places[1]]) / 60 == pytest.approx(0.04842, rel=0.003)


def test_at_steady_state_what_comes_in_is_lost():
    """Over one interval: dose / V + production × τ = ∫ catabolism(C)·C dt, whatever is in the tissue."""
    made = infused("iv 0.5 g/kg every 21 d over 4 h", baseline=3.0)
    igg, days = np.array(made.igg_g_per_l), np.array(made.times_d)
    fine = np.linspace(0, 21, 40_001)
    levels = np.interp(fine, days, igg)
    out = np.trapezoid(np.array([lost(one) for one in levels]) / 100 * levels, fine)
    # Production of 3 g/L: 0.03417 × 3 = 0.1025 g/L a day.
    into = 35 / 2.94 + 21 * lost(3.0) / 100 * 3.0
    assert out == pytest.approx(into, rel=2e-3)
    assert igg[0] == pytest.approx(igg[-1], rel=1e-8)


def test_its_steady_state_is_where_repetition_leads():
    text = "iv 0.4 g/kg every 28 d over 4 h"
    steady, long = infused(text, 2.0), infused(text, 2.0, days=28 * 40)
    assert steady.igg_g_per_l[0] == pytest.approx(long.igg_g_per_l[long.times_d.index(28 * 39.0)], rel=1e-8)
    assert steady.metrics.total.ctrough == pytest.approx(long.metrics.total.ctrough, rel=1e-8)
    assert steady.metrics.total.cmax == pytest.approx(max(long.igg_g_per_l[-200:]), rel=1e-4)


def test_a_larger_dose_gives_less_per_gram_and_never_a_lower_trough():
    made = [infused(f"iv {dose} g/kg every 28 d", 2.0).metrics.total for dose in (0.4, 0.8, 2.0)]
    gained = [(one.auc - 2.0 * 28) / dose for one, dose in zip(made, (0.4, 0.8, 2.0), strict=True)]
    assert gained[0] > gained[1] > gained[2]
    assert made[0].ctrough < made[1].ctrough < made[2].ctrough


def test_two_grams_per_kilogram_raise_igg_as_in_guillain_barre_syndrome():
    """174 patients: 7.8 g/L (SD 5.6) above the start after two weeks (Kuitwaard K et al., Ann Neurol 2009;66:597-603)."""
    made = infused("iv 2 g/kg in 5 daily doses once", 11.0, days=28)
    assert abs(made.igg_g_per_l[made.times_d.index(14.0)] - 11.0 - 7.8) < 5.6


def test_a_course_over_days_has_its_highest_level_after_the_last():
    made = infused("iv 2 g/kg in 5 daily doses every 28 d", 10.0, days=28)
    assert made.metrics.total.cmax == pytest.approx(made.igg_g_per_l[made.times_d.index(4.0)])


@pytest.mark.parametrize(
    ("text", "subject", "steady", "why"),
    [
        ("sc 0.1 g/kg every 7 d", MAN, True, "knows only: iv"),
        ("iv 30 g every 28 d", NOBODY, True, "The model ivigil_fcrn needs it"),
        ("iv 30 g once", MAN, True, "Only what is repeated has a steady state"),
        (
            "iv 2 g/kg in 5 daily doses every 5 d over 48 h",
            MAN,
            True,
            "An infusion ends before the next begins, 1 d later",
        ),
        ("rozanolixizumab iv 4 mg/kg once", MAN, False, "ivigil_fcrn describes immunoglobulin only"),
    ],
)
def test_what_it_cannot_show_is_refused(text, subject, steady, why):
    with pytest.raises(BadInput) as refused:
        profile(OWN, read_regimen(text), subject, days=None if steady else 28, steady_state=steady)
    assert why in str(refused.value)


def test_somebody_who_makes_none_starts_from_nothing():
    made = infused("iv 0.4 g/kg once", 0.0, days=28)
    assert made.igg_g_per_l[0] == pytest.approx(28 / 2.94)
    assert made.metrics.total.ctrough > 0
