"""Assessments: every condition answers, every statement stands on something, nothing is called eligible."""

from __future__ import annotations

import json

import pytest

from ivigil.assessment.lines import Line, Met
from ivigil.assessment.report import NO_CRITERIA, _all_lines, assess, counts
from ivigil.cli.app import run
from ivigil.cli.opening import library_of
from ivigil.knowledge.loading import Knowledge
from tests.planning import START, TAKEN, opened, patient, record


def _assessed(indication: str, raw: dict | None = None, region: str = "US"):
    return assess(patient(raw or record()), region, START, library_of(opened(), indication))


@pytest.mark.parametrize("indication", Knowledge().indication_ids)
def test_every_condition_gives_a_status_and_every_statement_its_basis(indication: str) -> None:
    made = _assessed(indication)

    assert made.status_group
    assert made.standing
    for line in _all_lines(made):
        assert line.text.strip()
        assert line.sources or line.basis in {"not_verified", "policy", "own_reading"}, line.text
    cited = {name for line in _all_lines(made) for name in line.sources}
    assert cited <= set(made.sources)


def test_a_condition_without_criteria_says_so_and_is_never_called_eligible() -> None:
    without = [one.id for one in opened().indications if not one.eligibility]

    assert without
    for indication in without:
        made = _assessed(indication)
        assert (made.criteria, made.criteria_note) == ((), NO_CRITERIA)
        assert "eligible" not in made.model_dump_json().casefold().replace("ineligible", "")


def _igg(value: float) -> dict:
    return record(labs=[{"test": "igg", "value": value, "unit": "g/L", "taken_at": TAKEN}])


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        # Europe: serum IgG below 4 g/L (facts: secondary-immunodeficiency-cll, eligibility).
        (_igg(3.9), Met.MET),
        (_igg(4.0), Met.NOT_MET),
        (record(labs=...), Met.NOT_RECORDED),
    ],
)
def test_a_criterion_stated_in_data_is_computed(raw: dict, expected: Met) -> None:
    made = _assessed("secondary-immunodeficiency-cll", raw)

    computed = [one for one in made.criteria if one.computed and "4 g/L" in one.line.text]
    assert computed
    assert {one.status for one in computed} == {expected}


def test_a_criterion_in_words_is_asked_never_answered() -> None:
    made = _assessed("cidp")

    asked = [one for one in made.criteria if not one.computed]
    assert asked
    assert {one.status for one in asked} == {Met.NOT_RECORDED}


def test_grades_keep_their_own_scheme() -> None:
    for one in opened().indications:
        for position in one.positions.values():
            assert bool(position.grade) <= bool(position.scheme), one.id


def test_the_patients_risks_are_in_the_assessment() -> None:
    made = _assessed("cidp", record(conditions=["renal_insufficiency"], blood_group="A+"))

    assert "renal" in made.risks
    assert {"renal-impairment", "egfr"} <= {finding.code for finding in made.findings}


def test_the_count_of_criteria_adds_up() -> None:
    tally = counts(opened().indications)

    assert sum(tally.values()) == len(opened().indications)
    assert tally["computed"] >= 1


def test_no_grade_is_made_up_for_what_is_not_supported() -> None:
    made = _assessed("autism")

    assert made.status_group == "not_supported"
    assert made.labelled_here == ()


def test_the_command_prints_json_and_refuses_an_unknown_condition(tmp_path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "patient.json"
    path.write_text(json.dumps(record()), "utf-8")
    at = ["--region", "US", "--at", "2026-11-23T09:00:00-05:00", "--json"]

    assert run(["assess", str(path), "--indication", "itp-adult", *at]) == 0
    made = json.loads(capsys.readouterr().out)
    assert (made["schema"], made["indication"]) == ("ivigil-assessment/1", "itp-adult")
    assert run(["assess", str(path), "--indication", "itp", *at]) == 4
    assert "Did you mean" in json.loads(capsys.readouterr().err)["error"]["remedy"]


def test_a_line_names_how_it_was_read() -> None:
    line = next(iter(_all_lines(_assessed("cidp"))))

    assert isinstance(line, Line)
    assert line.read.value
