"""A cohort of forecasts: each line as if it were alone, on however many cores."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from ivigil.cli import forecast_batch
from ivigil.cli.app import run

RECORD = json.loads(Path("examples/kinetics/pid-adult.json").read_text("utf-8"))
PID = ["--indication", "primary-immunodeficiency"]


def cohort(tmp_path, *lines) -> str:
    path = tmp_path / "cohort.ndjson"
    path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines), "utf-8")
    return str(path)


def forecast(capsys, *arguments) -> tuple[int, list[dict], str]:
    code = run(["forecast", *arguments])
    said = capsys.readouterr()
    return code, [json.loads(line) for line in said.out.splitlines()], said.err


def test_a_line_is_forecast_as_the_record_alone(tmp_path, capsys):
    path = tmp_path / "one.json"
    path.write_text(json.dumps(RECORD), "utf-8")
    _, alone, _ = forecast(capsys, str(path), *PID, "--json")
    heavier = RECORD | {"weight_kg": 90}
    code, found, told = forecast(capsys, "--batch", cohort(tmp_path, heavier, "", RECORD), *PID, "--json")
    assert code == 0
    assert found[1] == alone[0]
    assert found[0] != alone[0]
    assert "2 forecast, 0 could not be" in told


def test_a_failed_line_is_named_and_stops_no_other(tmp_path, capsys):
    wrong = json.loads(json.dumps(RECORD))
    wrong["levels"][0]["igg_g_per_l"] = 690
    lines = [
        wrong,
        "{",
        {"record": RECORD, "colour": 1},
        RECORD | {"doses": []},
        {"record": RECORD, "model": "nobody2020"},
        RECORD,
    ]
    code, found, told = forecast(capsys, "--batch", cohort(tmp_path, *lines), *PID)
    assert code == 4
    where = [one["error"]["where"] for one in found[:5]]
    assert where == [
        "line 1: levels[0].igg_g_per_l",
        "line 2: line",
        "line 3: colour",
        "line 4: doses",
        "line 5: model",
    ]
    assert "this looks like mg/dL" in found[0]["error"]["rule"]
    assert found[2]["error"]["rule"] == "No such key in a cohort line."
    assert found[5]["models"][0]["id"]
    assert "1 forecast, 5 could not be" in told


def test_a_line_may_ask_for_its_own_model_and_baseline(tmp_path, capsys):
    own = {"record": RECORD, "model": "lee2021", "baseline_igg_g_per_l": 2.5}
    _, (found,), _ = forecast(capsys, "--batch", cohort(tmp_path, own), *PID)
    assert [one["id"] for one in found["models"]] == ["lee2021"]
    assert next(one["map"] for one in found["parameters"] if one["name"] == "baseline") == 2.5


@pytest.mark.slow
def test_parts_and_processes_change_no_byte_and_no_order(tmp_path, capsys, monkeypatch):
    lines = [RECORD | {"ref": f"synthetic-{number}", "weight_kg": 50 + number} for number in range(9)]
    lines[4] = "{"
    path = cohort(tmp_path, *lines)
    answers = []
    for at_once in (2, 100):  # several parts, so processes; one part, so this process
        monkeypatch.setattr(forecast_batch, "LINES_AT_ONCE", at_once)
        run(["forecast", "--batch", path, *PID])
        answers.append(capsys.readouterr().out)
    assert answers[0] == answers[1]
    assert "line 5: line" in answers[0].splitlines()[4]


@pytest.mark.parametrize("arguments", [[], ["record.json", "--batch", "cohort.ndjson"]])
def test_one_record_or_a_cohort_never_both_or_none(arguments, capsys):
    assert run(["forecast", *arguments]) == 2
    assert "Give one record, or --batch with a cohort." in capsys.readouterr().err


def test_a_cohort_that_is_no_file_is_refused(capsys):
    assert run(["forecast", "--batch", "nowhere.ndjson"]) == 4
    assert "The cohort must be a file that can be read." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("--target-trough", "7"),
        ("--target", "any"),
        ("--probability", "0.9"),
        ("--product", "privigen"),
        ("--price", "privigen=90"),
        ("--region", "US"),
        ("--png", "curve.png"),
    ],
)
def test_what_belongs_to_one_patient_s_regimen_or_picture_is_refused_in_a_cohort(name, value, tmp_path, capsys):
    code, found, told = forecast(capsys, "--batch", cohort(tmp_path, RECORD), name, value)
    assert (code, found) == (2, [])
    assert "A cohort is forecast without proposals and pictures." in told
    assert f"{name}: {value}" in told


def test_a_cohort_may_come_from_standard_input(tmp_path, capsys, monkeypatch):
    path = cohort(tmp_path, RECORD)
    _, from_file, _ = forecast(capsys, "--batch", path, *PID)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(Path(path).read_bytes())))
    code, found, _ = forecast(capsys, "--batch", "-", *PID)
    assert (code, found) == (0, from_file)


def test_a_changing_weight_counts_in_a_cohort_as_alone(tmp_path, capsys):
    steps = [("2026-04-20T09:00:00+00:00", 60), ("2026-08-10T09:00:00+00:00", 70)]
    grown = RECORD | {"weights": [{"time": when, "weight_kg": kg} for when, kg in steps]}
    path = tmp_path / "one.json"
    path.write_text(json.dumps(grown), "utf-8")
    _, alone, _ = forecast(capsys, str(path), *PID, "--json")
    code, found, _ = forecast(capsys, "--batch", cohort(tmp_path, RECORD, grown), *PID)
    assert code == 0
    assert found[1] == alone[0]
    assert "weight-changes" in [one["code"] for one in found[1]["findings"]]
    assert found[0]["curve"] != found[1]["curve"]


def test_a_line_opens_no_file(tmp_path, capsys):
    own = tmp_path / "mine.toml"
    own.write_text("", "utf-8")
    code, (found,), _ = forecast(capsys, "--batch", cohort(tmp_path, {"record": RECORD, "model": str(own)}), *PID)
    assert code == 4
    assert found["error"]["where"] == "line 1: model"
    assert found["error"]["rule"] == "No model has this id."
