"""What a hostile visitor sent, and what a new user met."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ivigil.cli.app import run
from tests.planning import history, record

ASKED = ("--indication", "primary-immunodeficiency", "--region", "US", "--json")


@pytest.mark.parametrize("exponent", ["1e999999999999999999999", "1e-999999999999999999999", "-1e99999999999999999999"])
def test_a_number_that_no_decimal_can_hold_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], exponent: str
) -> None:
    (tmp_path / "p.json").write_text(f'{{"ref": "synthetic-a", "weight_kg": {exponent}}}', "utf-8")
    assert run(["plan", str(tmp_path / "p.json"), *ASKED]) == 4
    error = json.loads(capsys.readouterr().err)["error"]
    assert (error["value"], error["rule"]) == (exponent[:40], "No number is that large or that small.")


def test_a_reaction_described_by_nothing_is_refused_by_its_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = history("privigen", reactions=[{"kind": "headache", "text": ""}])
    (tmp_path / "p.json").write_text(json.dumps(record(immunoglobulin_history=[told])), "utf-8")
    assert run(["plan", str(tmp_path / "p.json"), *ASKED]) == 4
    error = json.loads(capsys.readouterr().err)["error"]
    assert error["where"] == "immunoglobulin_history[0].reactions[0].text"


def refused(capsys: pytest.CaptureFixture[str], code: int, *arguments: str) -> dict[str, str]:
    assert run([*arguments, "--json"]) == code
    error: dict[str, str] = json.loads(capsys.readouterr().err)["error"]
    return error


def test_an_empty_file_name_is_not_standard_input(capsys: pytest.CaptureFixture[str]) -> None:
    error = refused(capsys, 4, "plan", "", *ASKED[:-1])
    assert (error["where"], error["rule"]) == ("PATIENT", "The name of a file is missing.")


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("-", "Standard output is for the result, and this is a file."),
        ("a" * 300 + ".pdf", "The file cannot be written"),
    ],
)
def test_a_pdf_goes_to_a_file_that_can_be_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str, rule: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.json").write_text(json.dumps(record()), "utf-8")
    error = refused(capsys, 4, "plan", "p.json", *ASKED[:-1], "--product", "privigen", "--pdf", name)
    assert error["where"] == "--pdf"
    assert error["rule"].startswith(rule)
    assert [one.name for one in tmp_path.iterdir()] == ["p.json"]


def test_overwrite_without_a_file_to_write_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "p.json").write_text(json.dumps(record()), "utf-8")
    error = refused(capsys, 2, "plan", str(tmp_path / "p.json"), *ASKED[:-1], "--overwrite")
    assert (error["where"], error["rule"]) == ("--overwrite", "Nothing is written without --pdf.")


def test_a_cohort_may_come_through_a_pipe() -> None:
    command = [sys.executable, "-m", "ivigil.cli", "plan", "--batch", "-", *ASKED[:-1], "--product", "privigen"]
    made = subprocess.run(command, input=json.dumps(record()) + "\n", capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["status"] == "planned"
