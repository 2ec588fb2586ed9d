"""What a record says of another therapy: one row a mark; its mutations are tried with those of the screening rules."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from ivigil.assessment.report import Assessment, assess
from ivigil.cli.opening import library_of
from ivigil.documents.assessment_terminal import render_assessment
from ivigil.knowledge.checks.words import marks_hold
from ivigil.knowledge.evidence import Therapy
from ivigil.knowledge.rules import AnyOf, HasCondition, NewToProduct, Rule, Takes
from tests.planning import START, history, opened, patient, record
from tests.spec.mark_table import ROWS
from tests.spec.screening_engine import mistakes


def assessed(indication: str, **changes: Any) -> Assessment:
    return assess(patient(record(**changes)), "US", START, library_of(opened(), indication))


def marks(made: Assessment, therapy: str) -> dict[str, str]:
    (option,) = (one for one in made.alternatives if one.therapy == therapy)
    return {one.code: one.line.text for one in option.for_this_patient}


def printed(made: Assessment) -> str:
    console = Console(file=io.StringIO(), width=4000, no_color=True)
    render_assessment(made, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_every_mark_has_a_row_and_no_row_names_an_unknown_mark() -> None:
    assert set(ROWS) == set(opened().marks)


@pytest.mark.parametrize("code", ROWS)
def test_the_mark_agrees_with_its_row(code: str) -> None:
    row = ROWS[code]

    assert row.fact
    assert row.hits
    assert row.near
    assert row.says
    assert row.unrecorded
    assert list(mistakes(opened().marks, code)) == []


def test_a_mark_stands_at_its_option_and_nowhere_else() -> None:
    made = assessed("cidp", conditions=["diabetes_mellitus"], setting_wish="home")

    assert "corticosteroids-diabetes" in marks(made, "corticosteroids")
    assert "scig-home" in marks(made, "scig")
    assert not set(marks(made, "tpe")) & {"corticosteroids-diabetes", "scig-home"}
    assert "corticosteroids-diabetes" not in {one.code for one in made.findings}


def test_what_speaks_against_an_option_comes_first() -> None:
    made = assessed("cidp", medicines=["anticoagulant"], setting_wish="home")

    assert list(marks(made, "scig")) == ["scig-bleeding", "cidp-scig-first-treatment", "scig-home"]


def test_scig_as_a_first_treatment_is_marked_in_cidp_and_not_in_immunodeficiency() -> None:
    assert "cidp-scig-first-treatment" in marks(assessed("cidp"), "scig")
    assert "cidp-scig-first-treatment" not in marks(assessed("primary-immunodeficiency"), "scig")
    treated = assessed("cidp", immunoglobulin_history=[history("privigen")])
    assert "cidp-scig-first-treatment" not in marks(treated, "scig")


def test_the_screen_says_for_whom_a_mark_stands_and_what_is_not_recorded() -> None:
    shown = printed(assessed("itp-adult", conditions=["diabetes_mellitus"]))

    assert "for this patient, against: Diabetes or a medicine for it is recorded." in shown
    assert "for this patient, not recorded: Whether there is or was hepatitis B is not recorded" in shown
    assert "for this patient: Only a peripheral vein is recorded." in shown


def test_the_project_s_own_reading_and_policy_are_called_so() -> None:
    shown = printed(assessed("cidp", conditions=["heart_failure"], medicines=["anticoagulant"]))

    assert "held to be contraindications. (the project's own reading) Settle the circulation first" in shown
    assert "can leave a haematoma. (policy) Prefer a vein" in shown
    assert "Systemic steroids can worsen them. Weigh another option" in shown


def test_every_source_of_a_mark_is_in_the_result() -> None:
    made = assessed("mg-maintenance")
    named = {name for option in made.alternatives for one in option.for_this_patient for name in one.line.sources}

    assert named
    assert named <= set(made.sources)


def test_the_mark_on_bleeding_speaks_wherever_the_plan_under_the_skin_warns() -> None:
    mark, rule = opened().marks["scig-bleeding"].when, opened().rules["bleeding-risk"].when

    assert isinstance(mark, AnyOf)
    assert isinstance(rule, AnyOf)
    assert mark.of == (*rule.of, Takes(kind="takes", any=opened().policies.subcutaneous.bleeding_with.items))


def test_the_gap_after_immunoglobulin_is_the_same_in_every_mark() -> None:
    days = {mark.when.days for mark in opened().marks.values() if mark.when.kind == "infused_within_days"}

    assert days == {28}


def a_mark(**changes: Any) -> dict[str, Any]:
    return {
        "when": {"kind": "has_condition", "any": ["migraine"]},
        "severity": "warns",
        "text": "A migraine is recorded.",
        "remedy": "Ask.",
        "origin": "policy",
        "read": "not_read",
        "note": "Made up for a test.",
    } | changes


@pytest.mark.parametrize("changes", [{"severity": "blocks"}, {"regions": ["US"]}, {"raises": ["renal"]}])
def test_a_mark_only_weighs(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="a mark warns or informs; it blocks nothing"):
        Therapy.model_validate(
            {"id": "made_up", "name": "Made up", "statements": {}, "marks": {"one": a_mark(**changes)}}
        )


@pytest.mark.parametrize(
    ("when", "said"),
    [
        (HasCondition(kind="has_condition", any=("nonsense",)), "nonsense is no word of conditions."),
        (NewToProduct(kind="new_to_product", any=("switch",)), "asks of a product or a dose"),
    ],
)
def test_the_check_names_a_mark_that_cannot_speak(when: Any, said: str) -> None:
    mark = Rule.model_validate(a_mark()).model_copy(update={"when": when})

    found = [row.message for row in marks_hold({"made-up": mark}, opened().vocabulary)]

    assert any(said in message for message in found)
    assert list(marks_hold(opened().marks, opened().vocabulary)) == []
