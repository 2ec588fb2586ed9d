"""The kinetic commands against a hostile visitor: every refusal names the option, the value and the rule."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from ivigil import written
from ivigil.cli.app import run
from ivigil.knowledge.checks import check
from ivigil.knowledge.loading import Knowledge

ROOT = Path(__file__).resolve().parent.parent.parent
RECORD = ROOT / "examples/kinetics/pid-adult.json"
SUBJECT = '{"weight_kg":70}'
PROFILE = ["kinetics", "profile", "--model", "zhang2020", "--subject", SUBJECT]
PLAIN = ["--regimen", "iv 30 g every 28 d"]
SIMULATE = ["simulate", "--model", "zhang2020", "--subject", SUBJECT, *PLAIN]
FORECAST = ["forecast", str(RECORD), "--model", "zhang2020"]
EVENTS = ["kinetics", "events", "--time-unit", "days", "--amount-unit", "g", "--level-unit", "g/L", "--cmt", "2=iv"]
BASELINE = "--baseline-igg-g-per-l"


def _refused(arguments: list[str], capsys: pytest.CaptureFixture[str], *told: str, code: int = 4) -> None:
    assert run(arguments) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    for words in told:
        assert words in captured.err


@pytest.mark.parametrize("value", ["nan", "inf", "-5", "780", "1_0", "\uff11\uff10", "1e3"])
@pytest.mark.parametrize(
    "command",
    [
        [*PROFILE, *PLAIN, "--days", "28"],
        [*SIMULATE, "--subjects", "10", "--weeks", "12", "--seed", "1"],
        FORECAST,
    ],
)
def test_a_baseline_that_cannot_be_is_refused_everywhere(command, value, capsys):
    _refused([*command, BASELINE, value], capsys, BASELINE, value)


def test_a_baseline_in_milligrams_is_told_as_such(capsys):
    _refused([*FORECAST, BASELINE, "650"], capsys, "It lies between 0 and 100.", "Give it in g/L; it looks like mg/dL.")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (["--subjects", "999999999999", "--weeks", "12", "--seed", "1"], "--subjects"),
        (["--subjects", "99999999", "--weeks", "52", "--seed", "1"], "10,000,000,000"),
        (["--subjects", "10", "--weeks", "5200", "--seed", "1"], "3,660"),
        (["--subjects", "1_0", "--weeks", "12", "--seed", "1"], "--subjects"),
        (["--subjects", "0", "--weeks", "12", "--seed", "1"], "--subjects"),
        (["--subjects", "10", "--weeks", "1_2", "--seed", "1"], "--weeks"),
        (["--subjects", "10", "--weeks", "12", "--seed", "1_0"], "--seed"),
        (["--subjects", "10", "--weeks", "12", "--seed", "18446744073709551616"], "--seed"),
    ],
)
def test_a_population_without_bounds_is_refused(changes, told, capsys):
    _refused([*SIMULATE, *changes], capsys, told)


def test_a_population_for_a_route_that_the_model_lacks_is_refused(capsys):
    asked = [
        "simulate",
        "--model",
        "zhang2020",
        "--subject",
        SUBJECT,
        "--subjects",
        "10",
        "--weeks",
        "12",
        "--seed",
        "1",
    ]
    _refused([*asked, "--regimen", "facilitated sc 8 g every 7 d"], capsys, "The model knows only: iv, sc.")


@pytest.mark.parametrize("seed", ["99999999999999999999999999", "18446744073709551616", "-1", "1_0"])
def test_a_seed_of_a_forecast_is_64_bits(seed, capsys):
    _refused([*FORECAST, "--seed", seed], capsys, "--seed", "2^64 - 1")


@pytest.mark.parametrize(
    ("regimen", "told"),
    [
        ("iv 30 g in 999999999 daily doses once", "999999999"),
        ("iv 30 g in 99999 daily doses every 99999 d", "99999"),
        ("iv 999999999 g every 28 d", "999999999"),
        ("iv 30 g every \uff12\uff18 d", "the digits 0 to 9"),
        ("iv 30 g once from day 100", "gives no dose before day 28"),
    ],
)
def test_a_profile_of_a_regimen_that_cannot_be_is_refused(regimen, told, capsys):
    _refused([*PROFILE, "--regimen", regimen, "--days", "28"], capsys, told)


def test_a_profile_has_at_most_the_doses_of_the_policy(capsys):
    _refused([*PROFILE, "--regimen", "iv 30 g every 1 d", "--days", "36525"], capsys, "1,000")
    _refused([*PROFILE, "--regimen", "iv 30 g every 999999999 d", "--steady-state"], capsys, "366")


def test_days_are_read_as_strictly_as_the_numbers_of_a_record(capsys):
    _refused([*PROFILE, *PLAIN, "--days", "1_0"], capsys, "--days: 1_0", "Write the digits 0 to 9")


def test_a_subject_that_nobody_is_is_refused(capsys):
    asked = ["kinetics", "profile", "--model", "zhang2020", *PLAIN, "--days", "28", "--subject"]
    _refused([*asked, '{"weight_kg": 5000}'], capsys, "subject.weight_kg: 5000", "0.3 and 400")
    grown = '{"weights": [{"day": 0, "weight_kg": 20}, {"day": 9, "weight_kg": 2500}]}'
    _refused([*asked, grown], capsys, "weights[1].weight_kg: 2500")


@pytest.mark.parametrize(("key", "value"), [("duration_h", 99999), ("dose_g", 99999999)])
def test_a_record_with_a_dose_that_cannot_be_is_refused(key, value, tmp_path, capsys):
    record = json.loads(RECORD.read_text("utf-8"))
    record["doses"][0][key] = value
    file = tmp_path / "record.json"
    file.write_text(json.dumps(record), "utf-8")
    _refused(["forecast", str(file), "--model", "zhang2020"], capsys, f"doses[0].{key}")
    _refused([*EVENTS, "--record", str(file)], capsys, f"doses[0].{key}")


def test_an_event_table_is_held_to_the_same_limits(tmp_path, capsys):
    file = tmp_path / "table.csv"
    file.write_text("ID,TIME,AMT,EVID,CMT,DV\n1,0,30000,1,2,.\n", "utf-8")
    _refused([*EVENTS, str(file)], capsys, "line 2, column AMT (g): 30000")
    _refused([*EVENTS, *PLAIN, "--days", "999999"], capsys, "--days", "3,660")
    _refused([*EVENTS, *PLAIN, "--days", "28", "--every-days", "0.0000001"], capsys, "--every-days")


@pytest.mark.parametrize("option", [["--days", "0.5", "--days", "28"], ["--days", "28", "--model", "li2022"]])
def test_an_option_of_the_kinetic_commands_is_given_once(option, capsys):
    _refused([*PROFILE, *PLAIN, *option], capsys, "This option is given twice.", code=2)


def test_a_question_has_the_length_of_a_text_of_a_record(capsys):
    _refused(["ask", "scleroderma " * 200], capsys, "at most 2000 characters", code=2)


def test_a_source_that_a_model_or_an_equation_rests_on_counts_as_cited():
    rows = [row for row in check(Knowledge()) if row.message == "No fact cites this source."]
    assert not [row.where for row in rows if row.where.startswith(("sources/kinetics", "sources/equations"))]


def test_no_place_is_a_quarter_of_an_hour_beyond_fourteen():
    with pytest.raises(written.NotReadable, match="No place is more than 14 hours"):
        written.moment("2026-11-20T08:00:00+14:45")
    assert written.moment("2026-11-20T08:00:00+14:00").utcoffset() == timedelta(hours=14)
