"""The forecast: which models speak, what is named, and what a record must not hold."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from ivigil.errors import BadInput, ImpossibleValue, IvigilError, UnknownName
from ivigil.kinetics.forecast import Forecast, forecast
from ivigil.kinetics.subjects import Subject
from ivigil.kinetics.treatment import read_treatment
from ivigil.knowledge.loading import Knowledge

KNOWLEDGE = Knowledge()
MODELS = tuple(KNOWLEDGE.kinetic_model(name) for name in KNOWLEDGE.kinetic_model_ids)
IGG = KNOWLEDGE.vocabulary.labs["igg"]
ADULT = Subject(weight_kg=70, age_years=40)
PID = "primary-immunodeficiency"
RECORD: dict[str, Any] = {
    "doses": [{"day": 28 * number, "route": "iv", "dose_g": 30, "duration_h": 4} for number in range(8)],
    "levels": [{"day": 84, "igg_g_per_l": 6.9}, {"day": 140, "igg_g_per_l": 7.4}, {"day": 196, "igg_g_per_l": 7.2}],
}


def changed(**changes: Any) -> dict[str, Any]:
    return copy.deepcopy(RECORD) | changes


def made(record: dict[str, Any] = RECORD, subject: Subject = ADULT, **asked: Any) -> Forecast:
    options = {"indication": PID} | asked
    return forecast(MODELS, subject, read_treatment(record, IGG), KNOWLEDGE.policies.kinetics, **options)


def test_only_models_that_can_and_fit_speak_and_the_others_say_why_not():
    found = {one.id: one for one in made().models}
    assert {name for name, one in found.items() if one.weight > 0} == {"zhang2020", "navarromora2022"}
    assert sum(one.weight for one in found.values()) == pytest.approx(1.0)
    assert found["tortorici2021"].why_not[0] == "built for chronic inflammatory demyelinating polyneuropathy"
    assert found["tortorici2019"].why_not == ("needs secondary_deficiency",)
    assert found["li2022"].why_not == ("residual error not known",)
    assert found["lee2021"].why_not == ("needs the level before any immunoglobulin",)


def test_models_of_the_same_trials_share_one_voice():
    known = Subject(weight_kg=70, age_years=40, secondary_deficiency=False)
    without = made(changed(levels=[]), known)
    weights = {one.id: one.weight for one in without.models if one.weight}
    # Two families: the CSL trials (Tortorici 2019 and Zhang 2020) and the Grifols trials (Navarro-Mora 2022).
    assert weights["navarromora2022"] == pytest.approx(0.5)
    assert weights["zhang2020"] == weights["tortorici2019"] == pytest.approx(0.25)


def test_without_levels_it_is_what_anybody_would_have_and_says_so():
    found = made(changed(levels=[]))
    assert "no-levels" in {one.code for one in found.findings}
    assert all(one.shrinkage is None or one.shrinkage > 0.9 for one in found.parameters)


def test_levels_narrow_the_band_and_pull_it_to_the_patient():
    before, after = made(changed(levels=[])), made()
    place = 195
    assert after.curve.p95[place] - after.curve.p5[place] < 0.5 * (before.curve.p95[place] - before.curve.p5[place])
    assert abs(after.curve.median[place] - 7.2) < abs(before.curve.median[place] - 7.2)


def test_a_level_that_no_curve_explains_is_named_and_not_absorbed():
    record = changed()
    record["levels"][1]["igg_g_per_l"] = 19.5
    found = made(record)
    assert [one.unexplained for one in found.levels] == [False, True, False]
    without = made(changed(levels=[record["levels"][0], record["levels"][2]]))
    assert found.curve == without.curve
    assert found.parameters == without.parameters
    said = next(one for one in found.findings if one.code == "level-unexplained")
    assert "19.5 g/L at 140.0" in said.text
    assert "missed doses" in str(said.remedy)


def test_a_level_below_quantification_counts_as_that():
    record = changed()
    record["levels"] = [{"day": 84, "igg_g_per_l": 5.0, "below_lloq": True}]
    found = made(record)
    assert found.levels[0].individual_predicted < made(changed(levels=[])).curve.median[84]


def test_without_a_condition_it_says_that_all_diseases_were_weighed():
    found = made(indication=None, baseline_g_per_l=4.0)
    assert "indication-not-recorded" in {one.code for one in found.findings}
    assert {one.id for one in found.models if one.weight > 0} >= {"tortorici2021", "zhang2020"}


def test_the_band_is_ordered_and_the_same_seed_draws_it_again():
    one, other = made(), made()
    assert one == other
    for bands in zip(one.curve.p5, one.curve.p25, one.curve.median, one.curve.p75, one.curve.p95, strict=True):
        assert list(bands) == sorted(bands)


def test_a_larger_future_dose_never_lowers_the_forecast():
    larger = changed()
    larger["doses"][-1]["dose_g"] = 45
    more, less = made(larger, asked_for="zhang2020"), made(asked_for="zhang2020")
    assert all(a >= b - 1e-6 for a, b in zip(more.curve.median, less.curve.median, strict=True))


def test_the_model_asked_for_says_why_it_cannot():
    with pytest.raises(BadInput, match=r"--model: 'dumas2019'. It cannot forecast here: baseline not known"):
        made(asked_for="dumas2019")


def test_nobody_to_speak_is_an_error_that_lists_the_reasons():
    with pytest.raises(BadInput, match=r"No model can forecast this patient .*zhang2020: needs weight_kg"):
        made(subject=Subject(age_years=40))


BAD: list[tuple[dict[str, Any], type[IvigilError], str]] = [
    ({"doses": []}, BadInput, "A forecast rests on the doses given so far"),
    ({"doses": "30 g"}, BadInput, "doses: 'str'. It must be a list"),
    ({"doses": [{"day": 0, "route": "iv", "dose_g": -3}]}, BadInput, "doses[0].dose_g"),
    ({"doses": [{"day": 0, "route": "im", "dose_g": 3}]}, BadInput, "doses[0].route"),
    ({"doses": [{"day": 0, "route": "iv", "dose_g": 3, "dos": 1}]}, UnknownName, "doses[0].dos"),
    ({"doses": [{"day": 0, "route": "iv", "dose_g": "30"}]}, BadInput, "Must be a number, written without quotes"),
    ({"doses": [{"day": 5, "route": "iv", "dose_g": 3}, {"day": 4, "route": "iv", "dose_g": 3}]}, BadInput, "Write the rows in order of time"),
    ({"doses": [{"route": "iv", "dose_g": 3}]}, BadInput, "A row has either a time or a day"),
    ({"doses": [{"time": "2026-04-20T09:00:00+00:00", "route": "iv", "dose_g": 3}]}, BadInput, "uses times or days, never both"),
    ({"doses": [{"time": "2026-04-20T09:00:00", "route": "iv", "dose_g": 3}], "levels": []}, BadInput, "A datetime carries its offset"),
    ({"levels": [{"day": -1, "igg_g_per_l": 7}]}, ImpossibleValue, "Days count from the first dose on"),
    ({"doses": [{"day": 9, "route": "iv", "dose_g": 3}], "levels": [{"day": 8, "igg_g_per_l": 7}]}, BadInput, "A level before the first recorded dose"),
    ({"levels": [{"day": 84, "igg_g_per_l": 720}]}, ImpossibleValue, "this looks like mg/dL"),
    ({"levels": [{"day": 84, "igg_g_per_l": float("nan")}]}, BadInput, "A number must be finite"),
    ({"levels": [{"day": 84, "igg_g_per_l": 0, "below_lloq": True}]}, ImpossibleValue, "the value is the assay's limit"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "kind", "said"), BAD, ids=[said[:30] for _, _, said in BAD])
def test_a_record_that_cannot_be_is_refused_by_name(changes, kind, said):
    with pytest.raises(kind) as refused:
        read_treatment(changed(**changes), IGG)
    assert said in str(refused.value)


def test_clock_times_become_days_from_the_first_dose():
    found = read_treatment(
        {
            "doses": [{"time": "2026-04-20T09:00:00+00:00", "route": "sc", "dose_g": 8}],
            "levels": [{"time": "2026-04-21T10:00:00+01:00", "igg_g_per_l": 7}],
        },
        IGG,
    )
    assert found.levels[0].day == 1.0
    assert str(found.moment(1.5)) == "2026-04-21 21:00:00+00:00"
