"""What a hostile visitor sent, and what a new user met."""

from __future__ import annotations

import json
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
