"""The two tables written out a second time, by hand and by question: what bars what, and where each report leads.

The tables are module data, which mutmut does not break; each row here notices when one is lost or changed there.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from enum import StrEnum

import pytest

from ivigil.infusion.events import EventType
from ivigil.infusion.workflow import (
    HAPPENED,
    Action,
    Agreement,
    Asked,
    AtThisRate,
    Checks,
    Hanging,
    Hold,
    Left,
    Lock,
    Observed,
    Phase,
    PlanState,
    ReactionState,
    Release,
    Situation,
    Today,
    Wait,
    Watched,
    Weight,
    barred,
)

START, RAISE, RESUME, HANG = Action.START, Action.RAISE, Action.RESUME, Action.HANG
COMPLETE, LEAVE = Action.COMPLETE, Action.END_OBSERVATION
GOING_ON = {START, RAISE, RESUME}

#: Nothing speaks against anything but the phase: each action has its own.
CLEAR = Situation(
    phase=Phase.RUNNING, plan=PlanState.VALID, checks=Checks.COMPLETE, weight=Weight.WITHIN, hanging=Hanging.FIT,
    today=Today.WELL, watched=Watched.IN_TIME, at_this_rate=AtThisRate.TAKEN, reaction=ReactionState.NONE,
    lock=Lock.FREE, hold=Hold.ELAPSED, asked=Asked.WITHIN, wait=Wait.OVER, agreement=Agreement.NOT_NEEDED,
    left=Left.NONE, observed=Observed.OVER,
)  # fmt: skip

#: The phases in which an action is done at all; those not named here are done in every phase.
PHASES = {
    START: {Phase.PREPARING},
    RAISE: {Phase.RUNNING},
    RESUME: {Phase.PAUSED},
    HANG: {Phase.PREPARING, Phase.RUNNING, Phase.PAUSED},
    COMPLETE: {Phase.RUNNING, Phase.PAUSED},
    LEAVE: {Phase.STOPPED, Phase.COMPLETED},
}

#: Every other answer that speaks against something: question, answer, the code, and against which actions.
ROWS: list[tuple[str, StrEnum, str, set[Action]]] = [
    ("plan", PlanState.NOT_OPENED, "plan-not-opened", GOING_ON | {HANG}),
    ("plan", PlanState.OTHER, "plan-not-opened", GOING_ON | {HANG}),
    ("plan", PlanState.NOT_SIGNED, "plan-not-signed", GOING_ON | {HANG}),
    ("plan", PlanState.OTHER_SETTING, "plan-other-setting", GOING_ON | {HANG}),
    ("plan", PlanState.EXPIRED, "plan-expired", GOING_ON | {HANG}),
    ("plan", PlanState.TOO_EARLY, "plan-day-too-early", GOING_ON),
    ("checks", Checks.MISSING, "checks-missing", GOING_ON),
    ("checks", Checks.FAILED, "check-failed", GOING_ON),
    ("weight", Weight.NOT_MEASURED, "weight-not-measured", GOING_ON),
    ("weight", Weight.BEYOND, "weight-beyond", GOING_ON),
    ("hanging", Hanging.UNRECORDED, "lot-unrecorded", GOING_ON | {HANG}),
    ("hanging", Hanging.OTHER_PRODUCT, "other-product", GOING_ON | {HANG}),
    ("hanging", Hanging.OTHER_CONCENTRATION, "other-concentration", GOING_ON | {HANG}),
    ("hanging", Hanging.EXPIRED, "lot-expired", GOING_ON | {HANG}),
    ("hanging", Hanging.QUARANTINED, "lot-quarantined", GOING_ON | {HANG}),
    ("hanging", Hanging.BEYOND_DOSE, "beyond-dose", {HANG}),
    ("today", Today.UNDECIDED, "unwell-ask-to-defer", GOING_ON),
    ("today", Today.GO_ON_FAST_LADDER, "unwell-needs-first-ladder", GOING_ON),
    ("watched", Watched.NO_BASELINE, "no-baseline", GOING_ON),
    ("watched", Watched.OVERDUE, "vitals-overdue", GOING_ON | {LEAVE}),
    ("at_this_rate", AtThisRate.NOT_TAKEN, "vitals-not-at-this-rate", {RAISE}),
    *[
        ("reaction", grade, "reaction-unresolved", GOING_ON | {LEAVE})
        for grade in (ReactionState.MILD, ReactionState.MODERATE, ReactionState.SEVERE, ReactionState.LIFE_THREATENING)
    ],
    ("lock", Lock.ANAPHYLAXIS, "no-restart-anaphylaxis", GOING_ON | {HANG}),
    ("lock", Lock.SEVERE, "no-restart-severe", GOING_ON | {HANG}),
    ("lock", Lock.RETURNED, "no-restart-returned", GOING_ON | {HANG}),
    ("hold", Hold.RUNNING, "too-early", {RAISE}),
    ("asked", Asked.BEYOND_STEP, "above-step", GOING_ON),
    ("asked", Asked.BEYOND_FIRST, "above-first-after-pause", GOING_ON),
    ("asked", Asked.BEYOND_CAP, "above-cap", GOING_ON),
    ("asked", Asked.BEYOND_MAXIMUM, "above-maximum", GOING_ON),
    ("wait", Wait.RUNNING, "wait-after-symptoms", {RAISE, RESUME}),
    ("agreement", Agreement.MISSING, "team-has-not-agreed", {RAISE, RESUME}),
    ("release", Release.MISSING, "not-let-go", {LEAVE}),
    ("left", Left.SOME, "dose-not-given", {COMPLETE}),
    ("left", Left.ALL_GIVEN, "dose-given", {RAISE, RESUME}),
    ("observed", Observed.RUNNING, "observation-running", {LEAVE}),
]
#: What speaks against nothing at all, beside the answers of CLEAR.
HARMLESS = {("today", Today.GO_ON), ("agreement", Agreement.GIVEN), ("release", Release.GIVEN)}


def where(action: Action) -> Situation:
    return replace(CLEAR, phase=min(PHASES.get(action, {Phase.RUNNING})))


@pytest.mark.parametrize("action", list(Action))
def test_with_nothing_against_it_an_action_is_permitted_in_its_phases_only(action):
    codes = {START: "not-preparing", RAISE: "not-running", RESUME: "not-paused", HANG: "infusion-over",
             COMPLETE: "not-running", LEAVE: "infusion-not-over"}  # fmt: skip
    for phase in Phase:
        expected = () if phase in PHASES.get(action, set(Phase)) else (codes[action],)
        assert barred(action, replace(CLEAR, phase=phase)) == expected


@pytest.mark.parametrize(
    ("field", "answer", "code", "against"), ROWS, ids=lambda one: str(one) if isinstance(one, str) else ""
)
def test_each_answer_bars_these_actions_and_no_other(field, answer, code, against):
    for action in Action:
        found = barred(action, replace(where(action), **{field: answer}))
        # Leaving asks for vital signs in time, and does not tell a missing baseline from one that is overdue.
        if (action, answer) == (LEAVE, Watched.NO_BASELINE):
            assert found == ("vitals-overdue",)
        else:
            assert found == ((code,) if action in against else ())


def test_every_answer_of_every_question_is_either_clear_harmless_or_in_the_rows():
    told = {(field, answer) for field, answer, _, _ in ROWS} | HARMLESS
    for field in Situation.__dataclass_fields__:
        if field == "phase":
            continue
        clear = getattr(CLEAR, field)
        assert {(field, answer) for answer in type(clear)} - told == {(field, clear)}


def test_several_reasons_stand_in_the_order_of_the_table_and_each_once():
    all_of_it = replace(
        CLEAR, phase=Phase.ENDED, lock=Lock.SEVERE, plan=PlanState.EXPIRED, reaction=ReactionState.MILD,
        watched=Watched.OVERDUE, asked=Asked.BEYOND_CAP,
    )  # fmt: skip
    assert barred(RAISE, all_of_it) == (
        "not-running", "no-restart-severe", "plan-expired", "reaction-unresolved", "vitals-overdue", "above-cap",
    )  # fmt: skip


# ---- where a report leads

BEFORE_THE_END = {Phase.PREPARING, Phase.RUNNING, Phase.PAUSED}


@pytest.mark.parametrize(("phase", "kind"), list(itertools.product(Phase, EventType)))
def test_where_each_report_leads_from_each_phase(phase, kind):
    leads = {
        # What runs, runs, whatever was said before.
        EventType.STARTED: Phase.RUNNING,
        EventType.RESUMED: Phase.RUNNING,
        EventType.PAUSED: Phase.PAUSED if phase is Phase.RUNNING else phase,
        # An end stays what it was reported to be first.
        EventType.STOPPED_EARLY: Phase.STOPPED if phase in BEFORE_THE_END else phase,
        EventType.TREATED_AS_ANAPHYLAXIS: Phase.STOPPED if phase in BEFORE_THE_END else phase,
        EventType.COMPLETED: Phase.COMPLETED if phase in BEFORE_THE_END else phase,
        EventType.OBSERVATION_ENDED: Phase.ENDED,
    }
    assert HAPPENED[phase, kind] is leads.get(kind, phase)
