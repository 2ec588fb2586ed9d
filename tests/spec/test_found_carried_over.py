"""What an attack on the kinetics found: models carried to other conditions and doses, records with slips, words dropped."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ivigil import kinetics
from ivigil.cli.app import run
from ivigil.cli.forecast import read_record
from ivigil.cli.opening import limits_of
from ivigil.errors import BadInput, ImpossibleValue
from ivigil.kinetics.dose_range import of_doses
from ivigil.kinetics.plausible import Plausible
from ivigil.kinetics.population import said
from ivigil.kinetics.profile import profile
from ivigil.kinetics.regimens import Dose, Route, read_regimen
from ivigil.kinetics.subjects import Subject, Weighing
from ivigil.kinetics.treatment import Treatment, ahead, read_treatment
from ivigil.knowledge.loading import Knowledge

EXAMPLE = Path(__file__).resolve().parent.parent.parent / "examples" / "kinetics" / "pid-adult.json"
KNOWLEDGE = Knowledge()
IGG = KNOWLEDGE.vocabulary.labs["igg"]
ZHANG, NAVARRO, CIDP = (KNOWLEDGE.kinetic_model(name) for name in ("zhang2020", "navarromora2022", "tortorici2021"))
ADULT = Subject(weight_kg=70, age_years=40)
PI = ["--indication", "primary-immunodeficiency", "--target-trough", "7", "--region", "US"]


@pytest.fixture
def forecast(tmp_path, capsys):
    def made(options: list[str], change: Any = None) -> dict[str, Any]:
        raw = json.loads(EXAMPLE.read_text("utf-8")) | {"conditions": [], "medicines": []}
        if change is not None:
            change(raw)
        file = tmp_path / "record.json"
        file.write_text(json.dumps(raw), "utf-8")
        assert run(["forecast", str(file), *options, "--json"]) == 0
        return dict(json.loads(capsys.readouterr().out))

    return made


def text(findings: Any, code: str) -> list[str]:
    return [
        one["text"] if isinstance(one, dict) else one.text
        for one in findings
        if code in (one["code"] if isinstance(one, dict) else one.code)
    ]


def only(all_of_them: Any) -> Any:
    assert len(all_of_them) == 1
    return all_of_them[0]


# ---- a model of another condition


def test_a_model_of_another_disease_proposes_no_dose_and_says_why(forecast):
    made = forecast([*PI, "--model", "tortorici2021", "--baseline-igg-g-per-l", "4"])
    assert made["proposals"] == []
    told = only(text(made["findings"], "outside-condition"))
    assert "tortorici2021 was built on chronic inflammatory demyelinating polyneuropathy" in told
    assert "primary-immunodeficiency" in told
    assert "no-proposal-condition" in {one["code"] for one in made["findings"]}
    assert [one["in_population"] for one in made["models"]] == [False]


def test_a_model_of_the_condition_proposes_and_is_in_its_population(forecast):
    made = forecast([*PI, "--model", "zhang2020"])
    assert made["proposals"]
    assert not text(made["findings"], "outside-condition")
    assert [one["in_population"] for one in made["models"]] == [True]


# ---- doses that a model was not built on


@pytest.mark.parametrize(
    ("model", "regimen", "told"),
    [
        # 140 g of 70 kg are 2000 mg/kg, given as one course over five days.
        ("zhang2020", "iv 2 g/kg in 5 daily doses every 28 d", "up to 1000 mg/kg (its trials' doses were not read); this one is 2000 mg/kg"),
        ("navarromora2022", "iv 140 g every 28 d", "IV doses or courses of 278 to 902 mg/kg; this one is 2000 mg/kg"),
        # 28 g of 70 kg are 400 mg/kg: far below what CIDP was treated with.
        ("tortorici2021", "iv 28 g every 28 d", "IV doses or courses of 1000 to 2000 mg/kg; this one is 400 mg/kg"),
        ("landersdorfer2013", "sc 35 g every 7 d", "SC doses or courses of 54 to 406 mg/kg; this one is 500 mg/kg"),
        # 400 mg where 400 mg/kg was meant: 5.714 mg/kg.
        ("landersdorfer2013", "iv 400 mg every 28 d", "this one is 5.714 mg/kg"),
    ],
)  # fmt: skip
def test_a_dose_that_the_model_was_not_built_on_is_told(model, regimen, told):
    made = profile(
        KNOWLEDGE.kinetic_model(model), read_regimen(regimen), ADULT, steady_state=True, baseline_g_per_l=4.0
    )
    one = only(text(made.findings, "outside-dose"))
    assert told in one


@pytest.mark.parametrize(
    ("model", "regimen"),
    [
        ("zhang2020", "iv 0.4 g/kg every 28 d"),
        ("navarromora2022", "sc 0.15 g/kg every 7 d"),
        ("tortorici2021", "iv 2 g/kg in 2 daily doses from day 0, then iv 1 g/kg every 21 d from day 21"),
    ],
)
def test_a_dose_like_those_of_the_trials_is_not(model, regimen):
    made = profile(KNOWLEDGE.kinetic_model(model), read_regimen(regimen), ADULT, days=60, baseline_g_per_l=4.0)
    assert not text(made.findings, "outside-dose")


def test_populations_and_changing_weights_tell_it_too():
    # 60 g: 1200 mg/kg of 50 kg, 600 of 100 kg.
    growing = Subject(weights=(Weighing(0, 50.0), Weighing(40, 100.0)))
    made = profile(NAVARRO, read_regimen("iv 60 g every 28 d"), growing, days=80)
    assert ["1200 mg/kg" in one for one in text(made.findings, "outside-dose")] == [True]
    told = said(ZHANG, read_regimen("iv 1.2 g/kg every 28 d"), ADULT)
    assert len(text(told, "outside-dose")) == 1


def test_grams_by_another_weight_count_on_the_body():
    # 1 g/kg of a dosing weight of 50 kg is 500 mg per kg of the 100 kg that the model knows.
    obese = Subject(weight_kg=100, dosing_weight_kg=50)
    assert not text(said(NAVARRO, read_regimen("iv 1 g/kg every 28 d"), obese), "outside-dose")


def test_daily_doses_that_were_given_are_one_course():
    # Five times 28 g on following days are 140 g: 2000 mg/kg. The same 28 g every 28 days are 400.
    daily = [Dose(float(day), 28.0, Route.IV) for day in range(5)]
    one = only(of_doses(NAVARRO, daily, lambda _: 70.0))
    assert "2000 mg/kg" in one.text
    apart = [Dose(28.0 * number, 28.0, Route.IV) for number in range(5)]
    assert of_doses(NAVARRO, apart, lambda _: 70.0) == ()
    under_the_skin = [Dose(float(day), 10.0, Route.SC) for day in range(5)]
    assert of_doses(NAVARRO, under_the_skin, lambda _: 70.0) == ()


def test_a_forecast_tells_doses_that_its_models_were_not_built_on(forecast):
    def more(raw: dict[str, Any]) -> None:
        for one in raw["doses"]:
            one["dose_g"] = 140
        for one, level in zip(raw["levels"], (25, 26, 27), strict=True):
            one["igg_g_per_l"] = level

    told = text(forecast(PI[:2], more)["findings"], "outside-dose")
    assert any("navarromora2022" in one and "2000 mg/kg" in one for one in told)
    assert not text(forecast(PI[:2])["findings"], "outside-dose")


# ---- slips of a record


def record() -> dict[str, Any]:
    return {
        "doses": [{"day": 28 * number, "route": "iv", "dose_g": 30, "duration_h": 3} for number in range(4)],
        "levels": [{"day": 56, "igg_g_per_l": 7.0}, {"day": 84, "igg_g_per_l": 7.2}],
    }


def found(change: Any) -> list[tuple[str, str]]:
    raw = copy.deepcopy(record())
    change(raw)
    return [(one.code, one.text) for one in read_treatment(raw, IGG).findings]


def test_a_record_without_a_slip_says_nothing():
    assert found(lambda _: None) == []


def test_a_dose_that_stands_twice_is_asked_about():
    code, told = only(found(lambda raw: raw["doses"].insert(1, dict(raw["doses"][0]))))
    assert code == "dose-twice"
    assert "doses[1]" in told
    assert "30 g" in told
    # An hour later, while the first of three hours runs.
    code, _ = only(found(lambda raw: raw["doses"].insert(1, raw["doses"][0] | {"day": 1 / 24})))
    assert code == "dose-twice"


@pytest.mark.parametrize(
    "second",
    [{"dose_g": 10}, {"lot": "B"}, {"product": "octagam"}, {"day": 1}, {"day": 3 / 24}],
)
def test_two_doses_that_differ_are_two(second):
    assert found(lambda raw: raw["doses"].insert(1, raw["doses"][0] | second)) == []


def test_a_dose_that_stands_twice_carries_no_proposal(forecast):
    made = forecast(PI, lambda raw: raw["doses"].insert(1, dict(raw["doses"][0])))
    assert made["proposals"] == []
    assert "no-proposal-dose-twice" in {one["code"] for one in made["findings"]}


def test_a_level_that_stands_twice_is_asked_about():
    code, told = only(found(lambda raw: raw["levels"].insert(1, dict(raw["levels"][0]))))
    assert code == "level-twice"
    assert "levels[1]" in told
    # Another assay of the same sample is another measurement.
    assert found(lambda raw: raw["levels"].insert(1, raw["levels"][0] | {"assay": "turbidimetry"})) == []


@pytest.mark.parametrize(("hours", "told"), [(0, False), (1, True), (2.9, True), (3, False)])
def test_a_level_inside_an_infusion_is_asked_about(hours, told):
    asked = found(lambda raw: raw["levels"][0].update(day=56 + hours / 24))
    assert [code for code, _ in asked] == (["level-during-infusion"] if told else [])


def test_a_level_of_tomorrow_is_asked_about():
    raw = json.loads(EXAMPLE.read_text("utf-8"))
    now = datetime(2026, 9, 7, 9, tzinfo=UTC)
    _, _, treatment = read_record(raw, KNOWLEDGE, limits_of(KNOWLEDGE), now)
    told = only(text(treatment.findings, "level-ahead"))
    assert "7.2 g/L" in told
    assert "2026-11-02T08:00+00:00" in told
    later = datetime(2026, 11, 2, 8, tzinfo=UTC)
    assert not text(read_record(raw, KNOWLEDGE, limits_of(KNOWLEDGE), later)[2].findings, "level-ahead")
    assert ahead(Treatment((), (), None), now) == ()


def test_below_quantification_a_prediction_below_the_limit_is_no_residual(forecast):
    def below(limit: float) -> Any:
        return lambda raw: raw["levels"][0].update(below_lloq=True, igg_g_per_l=limit)

    (first, *_) = forecast(PI[:2], below(12.0))["levels"]
    assert first["individual_predicted"] < 12.0
    assert first["iwres"] == 0.0
    (first, *_) = forecast(PI[:2], below(5.0))["levels"]
    assert first["individual_predicted"] > 5.0
    assert first["iwres"] < 0.0


# ---- pregnancy


def test_a_pregnancy_is_said_beside_every_proposal(forecast):
    made = forecast(PI, lambda raw: raw.update(conditions=["pregnancy"]))
    assert made["proposals"]
    told = only(text(made["findings"], "proposal-caution-pregnancy"))
    assert "No model here was built on pregnant women" in told
    assert not text(forecast(PI)["findings"], "proposal-caution-pregnancy")


# ---- regimens that cannot be, or whose words would be dropped


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("iv 30 g every 28 d until day 84, then iv 30 g every 28 d from day 56", "The next part begins before, on day 56"),
        ("iv 30 g every 1 d over 48 h", "An infusion ends before the next begins, 1 d later"),
        ("iv 2 g/kg in 2 daily doses every 28 d over 30 h", "An infusion ends before the next begins, 1 d later"),
    ],
)  # fmt: skip
def test_a_design_that_is_not_possible_is_refused(words, told):
    with pytest.raises(BadInput, match=told):
        kinetics.typical_profile(ZHANG, words, ADULT, days=60)


def test_what_may_be_is_not_refused():
    read_regimen("iv 30 g every 28 d until day 56, then iv 30 g every 28 d from day 56")
    read_regimen("sc 2 g every 1 d over 24 h")


def test_what_ends_has_no_steady_state():
    with pytest.raises(BadInput, match=r"until day 84.*What ends is not repeated for ever"):
        profile(ZHANG, read_regimen("iv 30 g every 28 d until day 84"), ADULT, steady_state=True)


def test_too_few_are_not_told_to_be_fewer():
    limits = Plausible(KNOWLEDGE.policies.plausibility, KNOWLEDGE.vocabulary.labs)
    with pytest.raises(ImpossibleValue, match="Correct it"):
        limits.population(0, 28, 1)
    with pytest.raises(ImpossibleValue, match="Ask for less at once"):
        limits.population(10**12, 28, 1)


# ---- slips of a caller in Python


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"model": "zhang2020"}, r"model: 'zhang2020'\. A model is a fact, not its name\. Give Knowledge"),
        ({"regimen": 30}, r"regimen: 'int'\. It is words or a Regimen"),
        ({"days": -3.0}, r"days: -3\.0\. It must be a number above zero"),
        ({"days": float("nan")}, r"days: nan\. It must be a number above zero"),
    ],
)
@pytest.mark.parametrize("ask", [kinetics.population_percentiles, kinetics.population_frames])
def test_a_slip_of_a_caller_is_named(ask, given, told):
    asked = {"model": ZHANG, "regimen": "iv 30 g every 28 d", "days": 28.0} | given
    with pytest.raises(BadInput, match=told):
        ask(asked["model"], asked["regimen"], ADULT, subjects=3, days=asked["days"], seed=1)


def test_a_name_of_a_model_is_no_model_in_a_profile_and_a_forecast():
    name: Any = "zhang2020"
    with pytest.raises(BadInput, match="A model is a fact"):
        kinetics.typical_profile(name, "iv 30 g once", ADULT, days=3)
    with pytest.raises(BadInput, match="A model is a fact"):
        kinetics.patient_forecast([name], record(), ADULT, igg=IGG, policy=KNOWLEDGE.policies.kinetics)
