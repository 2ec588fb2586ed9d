"""Every condition, in every region: status, evidence and regimens, and no statement that stands on nothing."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from rich.console import Console

from ivigil.assessment.report import NO_CRITERIA, NO_EVIDENCE, NO_REGIMENS, Assessment, assess
from ivigil.cli.opening import library_of
from ivigil.documents.assessment_terminal import BASIS, render_assessment
from ivigil.knowledge.loading import Knowledge
from tests.planning import START, TAKEN, history, opened, patient, record

REGIONS = ("US", "EU", "UK", "AU", "CA")
CONDITIONS = Knowledge().indication_ids
#: Much is wrong with this synthetic patient, so that many rules, and an unlikely value, speak.
ILL = record(
    age_years=70,
    weight_kg=170,
    conditions=["renal_insufficiency", "migraine", "heart_failure", "protein_losing_enteropathy"],
    medicines=["oestrogen", "aspirin"],
    allergies=...,
    blood_group=...,
    labs=[
        {"test": "creatinine", "value": 1.9, "unit": "mg/dL", "taken_at": TAKEN},
        {"test": "anti_iga", "value": "positive", "taken_at": TAKEN},
        {"test": "igg", "value": 45, "unit": "g/L", "taken_at": TAKEN},
    ],
    immunoglobulin_history=[history("privigen", reactions=[{"kind": "headache"}])],
)


@cache
def made(condition: str, region: str) -> Assessment:
    return assess(patient(ILL), region, START, library_of(opened(), condition))


def statements(value: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every part of the printed JSON that says something, wherever it stands."""
    if isinstance(value, dict):
        if "text" in value:
            yield path, value
        for key, part in value.items():
            if key != "sources" or path:  # the sources themselves are no statements
                yield from statements(part, f"{path}.{key}")
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield from statements(part, f"{path}[{number}]")


def test_there_are_sixty_three_conditions() -> None:
    assert len(CONDITIONS) == 63


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize("condition", CONDITIONS)
def test_every_statement_in_the_json_has_a_source_or_says_whose_it_is(condition: str, region: str) -> None:
    shown = json.loads(made(condition, region).model_dump_json(by_alias=True))
    found = list(statements(shown))

    assert found
    for path, one in found:
        assert one["text"].strip(), path
        if "basis" in one:
            assert one["sources"] or one["basis"] in {"own_reading", "policy", "not_verified"}, (path, one["text"])
        else:
            assert path.startswith(".findings"), path
            assert one["sources"], (one["code"], one["text"])
        for name in one["sources"]:
            source = shown["sources"][name]
            assert source["title"], name
            assert source["publisher"], name


@pytest.mark.parametrize("condition", CONDITIONS)
def test_every_condition_gives_status_evidence_and_regimens_or_says_that_none_was_found(condition: str) -> None:
    one = made(condition, "US")

    assert one.status_group
    assert {part.region for part in one.standing}
    assert bool(one.evidence or one.benefit) != (one.evidence_note == NO_EVIDENCE)
    assert bool(one.regimens) != (one.regimens_note == NO_REGIMENS)
    assert bool(one.criteria) != (one.criteria_note == NO_CRITERIA)


def printed(one: Assessment) -> str:
    """The terminal's words, on one endless line each."""
    console = Console(file=io.StringIO(), width=4000, no_color=True)
    render_assessment(one, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


NOTES = (NO_EVIDENCE, NO_REGIMENS, NO_CRITERIA)
MARKS = tuple(mark.strip() for mark in BASIS.values() if mark)


@pytest.mark.parametrize("region", ["US", "EU"])
@pytest.mark.parametrize("condition", CONDITIONS)
def test_every_bullet_on_the_terminal_is_numbered_or_marked(condition: str, region: str) -> None:
    one = made(condition, region)
    shown = printed(one)
    bullets = [line.strip() for line in shown.splitlines() if line.strip().startswith("·")]

    assert bullets
    assert "(the project's own reading)" in shown.splitlines()[1]  # the group it is put in
    assert not any(f"{part.status}. {part.status}" in shown for part in one.standing)
    for bullet in bullets:
        assert re.search(r"\[\d+(,\d+)*\]$", bullet) or bullet.endswith(MARKS), bullet
    for title in ("Where it stands", "Evidence", "Dose regimens", "Criteria"):
        assert f"\n{title}\n" in shown, title
    for note in NOTES:
        expected = note in {one.evidence_note, one.regimens_note, one.criteria_note}
        assert (note in shown) is expected
    said = {int(number) for line in shown.splitlines() if (number := _source_number(line))}
    used = {
        int(number)
        for bullet in bullets
        for found in re.findall(r"\[([\d,]+)\]$", bullet)
        for number in found.split(",")
    }
    assert used <= said


def _source_number(line: str) -> str:
    found = re.match(r" *\[(\d+)\] ", line)
    return found.group(1) if found else ""


def test_a_criterion_names_whose_it_is_and_where_it_holds() -> None:
    shown = printed(made("secondary-immunodeficiency-cll", "US"))

    assert re.search(
        r"◼ not met \(IgG [^)]+ of \S+\): European core SmPC wording \(EU\): Serum IgG is below 4 g/L", shown
    )
    assert "AAAAI work group 2022 (US): IgG is below 150 mg/dL" in shown
    assert "Hill et al.: IgG is 400 mg/dL" in printed(made("secondary-immunodeficiency-car-t", "US"))


def test_an_unlikely_value_is_shown_as_policy_and_egfr_by_its_equation() -> None:
    sources = {one.code: one.sources for one in made("cidp", "US").findings}

    assert sources["weight-looks-like-pounds"] == sources["igg-unlikely"] == ("policy/ivigil",)
    assert sources["egfr"] == ("equations/ckd_epi_2021",)
