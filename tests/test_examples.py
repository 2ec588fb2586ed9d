"""Every example: what a pharmacist expected, written before the code, against what ``ivigil plan`` does."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import jsonschema
import pytest

from ivigil.cli.app import run

EXAMPLES = Path(__file__).parent.parent / "examples"
CASES = sorted(path.parent for path in EXAMPLES.glob("*/expected.toml") if path.parent.name != "bad")
SCHEMA = json.loads((EXAMPLES.parent / "docs" / "reference" / "plan.schema.json").read_text("utf-8"))
BAD = tomllib.loads((EXAMPLES / "bad" / "expected.toml").read_text("utf-8"))["bad"]


@pytest.mark.parametrize("folder", CASES, ids=lambda folder: folder.name)
def test_example(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    expected = tomllib.loads((folder / "expected.toml").read_text("utf-8"))
    command = [
        str(folder / item) if item.endswith(".json") and (folder / item).exists() else item
        for item in expected["command"]
    ]

    code = run(["plan", str(folder / "patient.json"), *command, "--json"])

    plan = json.loads(capsys.readouterr().out)
    found = {finding["code"] for finding in plan["findings"]}
    assert (code, plan["status"]) == (expected["exit"], expected["status"])
    jsonschema.validate(plan, SCHEMA)
    assert set(expected["must_find"]) <= found
    assert not set(expected["must_not_find"]) & found
    if plan["status"] == "blocked":
        assert (plan["prescription"], plan["infusions"]) == (None, [])
        return
    low, high = expected["course_dose_g"]
    first = plan["infusions"][0]
    assert low <= plan["prescription"]["course_dose_g"] <= high
    assert len(plan["infusions"]) == expected["days"]
    assert first["pattern"] == expected["pattern"]
    assert plan["prescription"]["dosing_weight_kg"] == pytest.approx(expected["dosing_weight_kg"], abs=0.05)
    if "interval_days" in expected:
        assert plan["prescription"]["interval_days"] == expected["interval_days"]
    if "max_rate_ml_per_kg_h" in expected:
        assert first["max_rate_ml_per_kg_h"] == expected["max_rate_ml_per_kg_h"]


@pytest.mark.parametrize("row", BAD, ids=lambda row: row["file"])
def test_bad_record_is_refused_with_the_way_out(row: dict, capsys: pytest.CaptureFixture[str]) -> None:
    command = [
        "--indication",
        "cidp",
        "--region",
        "US",
        "--phase",
        "loading",
        "--start",
        "2026-11-23T09:00:00-05:00",
        "--json",
    ]

    code = run(["plan", str(EXAMPLES / "bad" / row["file"]), *command])

    captured = capsys.readouterr()
    error = json.loads(captured.err)["error"]
    assert code == row["exit"]
    assert captured.out == ""
    assert row["where"].casefold() in error["where"].casefold()
    assert row["word"].casefold() in (error["rule"] + error["remedy"]).casefold()
