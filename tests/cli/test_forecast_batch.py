"""A cohort of forecasts: each line as if it were alone, on however many cores."""

from __future__ import annotations

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
