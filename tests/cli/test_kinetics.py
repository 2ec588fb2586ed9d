"""The kinetic commands as somebody calls them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ivigil.cli.app import run

ROOT = Path(__file__).resolve().parent.parent.parent
PROFILE = ["kinetics", "profile", "--model", "zhang2020", "--regimen", "iv 0.4 g/kg every 28 d", "--subject"]


def test_models_are_listed_one_a_line_when_piped(capsys):
    assert run(["kinetics", "models"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 16
    assert lines[-1].split("\t")[:3] == ["zhang2020", "two_compartments", "typical,population,forecast"]


def test_models_as_json_say_what_each_lacks(capsys):
    assert run(["kinetics", "models", "--json"]) == 0
    rows = {row["id"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["landersdorfer2013"]["why_not"] == [
        "variability between subjects not known",
        "residual error not known",
    ]
    assert rows["li2022"]["needs"] == ["age_years", "height_cm", "sex", "weight_kg"]


def test_a_profile_keeps_the_identity_of_steady_state(capsys):
    assert run([*PROFILE, '{"weight_kg": 66, "igm_g_per_l": 1}', "--steady-state", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    # 0.4 g/kg × 66 kg over 0.138 L/day: AUC of exogenous IgG 191.304 g·day/L; with 4 g/L over 28 days 303.304.
    assert made["metrics"]["exogenous"]["auc"] == pytest.approx(191.304, abs=5e-4)
    assert made["metrics"]["total"]["auc"] == pytest.approx(303.304, abs=5e-4)
    assert made["metrics"]["total"]["cavg"] == pytest.approx(303.304 / 28, abs=5e-5)
    assert made["metrics"]["tau_d"] == 28
    assert made["unused"] == ["igm_g_per_l"]


def test_a_profile_from_day_0_begins_at_the_baseline(capsys):
    assert run([*PROFILE, '{"weight_kg": 66}', "--days", "56", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert made["igg_g_per_l"][0] == pytest.approx(4 + 0.4 * 66 / 3.95)
    assert made["metrics"]["total"]["cmin"] == pytest.approx(made["igg_g_per_l"][111], rel=0.05)
    assert made["times_d"][-1] == 56


@pytest.mark.parametrize(
    ("arguments", "code", "where"),
    [
        ([*PROFILE, '{"weight_kg": 66}'], 4, "--days"),
        ([*PROFILE, '{"weight_kg": 66}', "--days", "5", "--steady-state"], 4, "--days"),
        ([*PROFILE, "{}", "--steady-state"], 4, "subject.weight_kg"),
        ([*PROFILE, '{"weight": 66}', "--steady-state"], 4, "subject"),
        ([*PROFILE, "70", "--steady-state"], 4, "subject"),
        ([*PROFILE, '{"weight_kg": 66}', "--days", "nan"], 4, "--days"),
        (["kinetics", "profile", "--model", "zhang", *PROFILE[4:], "{}", "--days", "5"], 4, "model"),
        ([*PROFILE[:5], "iv 1 g/kg once", "--subject", '{"weight_kg": 66}', "--steady-state"], 4, "--steady-state"),
    ],
)
def test_what_cannot_be_profiled_is_refused(capsys, arguments, code, where):
    assert run([*arguments, "--json"]) == code
    assert json.loads(capsys.readouterr().err)["error"]["where"] == where


def test_the_shipped_record_is_forecast(capsys):
    record = str(ROOT / "examples" / "kinetics" / "pid-adult.json")
    assert run(["forecast", record, "--indication", "primary-immunodeficiency", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert made["diagnostics"]["converged"]
    assert [level["unexplained"] for level in made["levels"]] == [False, False, False]
    assert made["curve"]["includes_residual"] is False
    assert made["proposals"] == []


def test_a_population_is_the_same_for_the_same_seed(capsys):
    asked = [
        "simulate",
        "--model",
        "zhang2020",
        "--regimen",
        "iv 0.4 g/kg every 21 d",
        "--subject",
        '{"weight_kg": 70}',
    ]
    asked += ["--subjects", "500", "--weeks", "6", "--seed", "7", "--json"]
    assert run(asked) == 0
    one = json.loads(capsys.readouterr().out)
    assert run(asked) == 0
    assert one == json.loads(capsys.readouterr().out)
    assert len(one["p50"]) == 43
    assert one["p5"][21] < one["p50"][21] < one["p95"][21]
    assert one["p50"][0] == pytest.approx(4.0, rel=one["bin_error"])
