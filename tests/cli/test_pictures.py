"""Pictures and the validation page as somebody asks for them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ivigil.cli.app import run

ROOT = Path(__file__).resolve().parent.parent.parent
RECORD = str(ROOT / "examples" / "kinetics" / "pid-adult.json")
NUMBERS = ROOT / "docs" / "validation" / "kinetics" / "numbers.json"
FORECAST = ["forecast", RECORD, "--indication", "primary-immunodeficiency"]
SUBJECT = ["--subject", '{"weight_kg": 70}']
PROFILE = ["kinetics", "profile", "--model", "zhang2020", "--regimen", "iv 30 g every 28 d", *SUBJECT, "--days", "60"]
SIMULATE = ["simulate", "--model", "navarromora2022", "--regimen", "iv 30 g every 28 d", *SUBJECT]
SIMULATE += ["--subjects", "50", "--weeks", "4", "--seed", "1"]


@pytest.mark.parametrize("command", [FORECAST, PROFILE, SIMULATE], ids=["forecast", "profile", "simulate"])
def test_a_curve_is_written_as_a_picture_and_still_told(capsys, tmp_path, command):
    assert run([*command, "--png", str(tmp_path / "curve.png"), "--json"]) == 0
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads(capsys.readouterr().out)


def test_a_name_in_svg_gives_svg(tmp_path):
    assert run([*PROFILE, "--png", str(tmp_path / "curve.svg"), "--json"]) == 0
    assert (tmp_path / "curve.svg").read_text("utf-8").startswith("<svg")


@pytest.mark.parametrize("command", [FORECAST, PROFILE, SIMULATE], ids=["forecast", "profile", "simulate"])
def test_no_picture_is_written_over_unasked(capsys, tmp_path, command):
    there = tmp_path / "curve.png"
    there.write_bytes(b"mine")
    assert run([*command, "--png", str(there)]) == 4
    told = capsys.readouterr().err
    assert "There is such a file already." in told
    assert there.read_bytes() == b"mine"
    assert run([*command, "--png", str(there), "--overwrite"]) == 0
    assert there.read_bytes() != b"mine"


def test_another_kind_of_picture_is_refused(capsys, tmp_path):
    assert run([*PROFILE, "--png", str(tmp_path / "curve.pdf")]) == 4
    told = capsys.readouterr().err
    assert "A picture is PNG or SVG, by its name." in told
    assert "Name a file in .png or .svg." in told


def test_the_page_is_made_again_from_its_numbers(tmp_path):
    out = tmp_path / "validation"
    assert run(["kinetics", "validate", "--out", str(out), "--numbers", str(NUMBERS)]) == 0
    assert (out / "kinetics.md").read_text("utf-8") == (NUMBERS.parent.parent / "kinetics.md").read_text("utf-8")
    assert (out / "kinetics" / "numbers.json").read_bytes() == NUMBERS.read_bytes()
    assert sorted(path.name for path in (out / "kinetics").glob("*.svg")) == [
        "calibration.svg",
        "npde.svg",
        "published.svg",
        "vpc.svg",
    ]


def test_a_page_that_is_there_is_kept_unless_said(capsys, tmp_path):
    (tmp_path / "kinetics.md").write_text("mine")
    assert run(["kinetics", "validate", "--out", str(tmp_path), "--numbers", str(NUMBERS)]) == 4
    assert "say --overwrite" in capsys.readouterr().err
    assert (tmp_path / "kinetics.md").read_text() == "mine"


def test_numbers_of_something_else_are_refused(capsys, tmp_path):
    (tmp_path / "other.json").write_text("{}")
    assert run(["kinetics", "validate", "--out", str(tmp_path), "--numbers", str(tmp_path / "other.json")]) == 4
    assert "no numbers of this version's validation" in capsys.readouterr().err
    assert run(["kinetics", "validate", "--out", str(tmp_path), "--numbers", str(tmp_path / "none.json")]) == 4
    assert "It cannot be read" in capsys.readouterr().err
