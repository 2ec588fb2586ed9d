"""Where this patient may be infused: the policy's rule, told before a product is chosen, is the rule of the plan."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from ivigil.assessment.lines import Met
from ivigil.assessment.report import Assessment, assess
from ivigil.cli.opening import library_of
from ivigil.documents.assessment_terminal import render_assessment
from ivigil.knowledge.regimens import Phase
from tests.planning import START, history, opened, patient, plan, record

LAST_YEAR = "2025-11-02T09:00:00-05:00"
PRIVIGEN = history("privigen", 8, uneventful_supervised_infusions=3)


def borne(*entries: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"immunoglobulin_history": list(entries)} | more


def reacted(**reaction: Any) -> dict[str, Any]:
    return borne(history("privigen", 8, uneventful_supervised_infusions=3, reactions=[reaction]))


def assessed(indication: str = "cidp", **changes: Any) -> Assessment:
    return assess(patient(record(**changes)), "US", START, library_of(opened(), indication))


def points(made: Assessment, of: str) -> list[tuple[Met, str]]:
    return [(one.status, one.line.text) for one in made.setting_here.points if one.of == of]


def test_two_of_three_supervised_infusions_are_told_by_product() -> None:
    made = assessed(**borne(history("privigen", 8, uneventful_supervised_infusions=2)))

    said = "Uneventful supervised infusions of Privigen: 2 of 3."
    assert points(made, "infusions") == [(Met.NOT_MET, said)]
    assert made.setting_here.home is Met.NOT_MET


def test_enough_supervised_infusions_fulfil_the_record_s_part_and_the_plan_still_decides() -> None:
    made = assessed(setting_wish="home", **borne(PRIVIGEN))

    said = "Uneventful supervised infusions of Privigen: 3, 3 are asked for."
    assert points(made, "infusions") == [(Met.MET, said)]
    assert made.setting_here.home is Met.MET
    assert made.setting_here.wish == "home"
    assert made.setting_here.line.text == (
        "Wish recorded: home. Home: nothing in the record speaks against it; the plan decides for product, dose and part"
        " of treatment."
    )


def test_infusions_of_a_product_left_behind_do_not_count() -> None:
    earlier = history("privigen", 8, last="2026-08-01T09:00:00-05:00")
    made = assessed(**borne(earlier, history("panzyga", 1)))

    assert points(made, "infusions") == [
        (Met.NOT_MET, "Uneventful supervised infusions of Panzyga: 1 of 3."),
        (
            Met.NOT_MET,
            "Uneventful supervised infusions of Privigen: 0 of 3; the 8 recorded do not count, because another product"
            " was given after it.",
        ),
    ]


def test_infusions_before_a_long_gap_do_not_count() -> None:
    ((status, said),) = points(assessed(**borne(history("privigen", 8, last=LAST_YEAR))), "infusions")

    assert status is Met.NOT_MET
    assert said.endswith("Privigen: 0 of 3; the 8 recorded do not count, because a long gap followed.")


def test_nothing_given_yet_is_none_of_three_and_not_recorded_is_neither() -> None:
    assert points(assessed(), "infusions") == [
        (Met.NOT_MET, "No immunoglobulin was given yet: 0 of 3 uneventful supervised infusions.")
    ]
    unknown = assessed(immunoglobulin_history=...)
    assert points(unknown, "infusions") == [
        (Met.NOT_RECORDED, "Earlier immunoglobulin is not recorded, so supervised infusions cannot be counted.")
    ]
    assert unknown.setting_here.home is Met.NOT_RECORDED


@pytest.mark.parametrize(
    ("of", "changes", "status", "said"),
    [
        ("conditions", {"conditions": ["heart_failure"]}, Met.NOT_MET, "against home by policy: heart failure."),
        ("conditions", {"conditions": [{"text": "known heart failure"}]}, Met.NOT_MET, "heart failure."),
        ("conditions", {"conditions": ...}, Met.NOT_RECORDED, "Conditions are not recorded"),
        ("conditions", {"conditions": ["migraine"]}, Met.MET, "None of the conditions that exclude home is recorded."),
        ("reactions", reacted(kind="anaphylaxis"), Met.NOT_MET, "A severe reaction to immunoglobulin is recorded"),
        ("reactions", reacted(kind="headache", grade=3), Met.NOT_MET, "A reaction of grade 3 to immunoglobulin"),
        ("reactions", reacted(kind="headache", grade=2), Met.MET, "No reaction that excludes home is recorded."),
        (
            "reactions",
            borne(history("privigen", reactions=...)),
            Met.NOT_RECORDED,
            "It is not recorded whether there were reactions.",
        ),
    ],
)
def test_what_of_the_record_speaks_against_home(of: str, changes: dict[str, Any], status: Met, said: str) -> None:
    ((found, text),) = points(assessed(**changes), of)

    assert found is status
    assert said in text


def test_an_emergency_is_told_as_one() -> None:
    ((status, said),) = points(assessed("kawasaki-disease"), "indication")

    assert status is Met.NOT_MET
    assert said == "Kawasaki disease is an emergency of the hospital by policy."
    assert points(assessed(), "indication")[0][0] is Met.MET


#: Whom the plan sends home and whom it does not, each by one thing.
PATIENTS: tuple[dict[str, Any], ...] = (
    borne(PRIVIGEN),
    borne(history("privigen", 8, uneventful_supervised_infusions=2)),
    borne(history("privigen", 8, last=LAST_YEAR)),
    borne(PRIVIGEN, conditions=["heart_failure"]),
    borne(PRIVIGEN, conditions=["recent_stroke"]),
    borne(PRIVIGEN, conditions=["migraine"]),
    borne(PRIVIGEN, conditions=...),
    borne(history("privigen", 8, uneventful_supervised_infusions=3, reactions=...)),
    reacted(kind="headache", grade=3),
    reacted(kind="headache", grade=2),
)


@pytest.mark.parametrize("changes", PATIENTS)
def test_the_assessment_says_of_home_what_the_plan_does(changes: dict[str, Any]) -> None:
    made = assessed(setting_wish="home", **changes)
    planned = plan(
        record(setting_wish="home", **changes), "cidp", product="privigen", phase=Phase.MAINTENANCE, dose_g_per_kg="1"
    )

    found = {one.code for one in planned.findings}
    assert ("setting-home" in found) is (made.setting_here.home is Met.MET)
    assert ("setting-not-home" in found) is (made.setting_here.home is not Met.MET)


def test_the_screen_shows_policy_patient_kit_and_supervisor() -> None:
    made = assessed(setting_wish="clinic", **borne(history("privigen", 8, uneventful_supervised_infusions=2)))
    console = Console(file=io.StringIO(), width=4000, no_color=True)
    render_assessment(made, console)
    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue()
    here = shown[shown.index("Where it may be given") : shown.index("Beside other treatments")]

    assert "Wish recorded: clinic. The clinic follows the first uneventful supervised infusion of a product." in here
    assert "Home: no, for what is not met below." in here
    assert "◼ not met: Uneventful supervised infusions of Privigen: 2 of 3." in here
    assert "? not recorded: Who supervises at home: name one person before the infusion." in here
    assert "? not recorded: The kit: find and check it, complete and in date, before the container is opened." in here
    assert "Home only with a complete kit: adrenaline" in here
    assert "Home only for maintenance." in here
    assert "Off label at home only below 1 g/kg a course." in here


def test_the_sources_of_the_setting_are_in_the_result() -> None:
    made = assessed(**borne(PRIVIGEN))
    named = {name for one in made.setting_here.points for name in one.line.sources}

    assert named
    assert named <= set(made.sources)
