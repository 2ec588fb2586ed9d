"""What is due and when, and which rate comes next, at the edges."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

import pytest

from ivigil.infusion.bedside import Bedside
from ivigil.infusion.due import DueKind, due, next_vitals_at
from ivigil.infusion.rates import proposed_ml_per_h, restart_ml_per_h
from ivigil.infusion.session import Session
from ivigil.infusion.workflow import Action, Lock
from ivigil.knowledge.protocol import Grade
from tests.infusion.chair import Chair, at_chair, experienced

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


def rows(chair: Chair) -> dict[str, tuple[float, Any]]:
    """What is due, in minutes after nine; of two of a kind the first."""
    start = chair.minute(0)
    found = due(chair.live.session, chair.bedside)
    assert [one.at for one in found] == sorted(one.at for one in found)
    return {one.kind.value: ((one.at - start).total_seconds() / 60, one.ml_per_h) for one in reversed(found)}


def climbing() -> Chair:
    return Chair().ready().started().vitals(30).tell(30, "rate_changed", pump_ml_per_h=42)


# ---- vital signs


def test_before_anything_is_measured_nothing_is_due_and_the_baseline_is_asked_for():
    chair = Chair().opened()
    assert rows(chair) == {}
    with pytest.raises(ValueError, match=r"^no whole set was taken; ask for the baseline$"):
        next_vitals_at(chair.live.session, chair.bedside)


def test_a_baseline_counts_for_an_hour_and_that_is_when_it_is_due_again():
    assert rows(Chair().opened().vitals(-30)) == {"vitals": (30, None)}


def test_a_start_without_a_baseline_owes_vital_signs_from_the_start_on():
    # Every 15 minutes until the highest rate; the first step is held 30 minutes.
    # Nothing hangs that anybody recorded.
    assert rows(Chair().opened().started()) == {"vitals": (15, None), "rate_step": (30, 42), "hang": (0, None)}


@pytest.mark.parametrize(
    ("first", "reacting", "every"),
    # At the highest rate: half an hour at a first infusion, an hour for the experienced; a reaction makes it 15 again.
    [(True, False, 30), (False, False, 60), (True, True, 15), (False, True, 15)],
)
def test_how_often_at_the_highest_rate(first, reacting, every):
    chair = (
        Chair(bedside=at_chair() if first else at_chair(experienced())).ready().started(pump_ml_per_h=336).vitals(20)
    )
    if reacting:
        chair.felt(21, "headache", "mild")
    assert rows(chair)["vitals"] == (20 + every, None)


def test_below_the_highest_rate_it_is_every_fifteen_minutes_and_from_it_on_rarer():
    assert rows(Chair().ready().started(pump_ml_per_h=335.9).vitals(20))["vitals"] == (35, None)
    assert rows(Chair().ready().started(pump_ml_per_h=336.1).vitals(20))["vitals"] == (50, None)


def test_after_the_end_one_set_at_once_and_one_when_watching_is_over():
    chair = climbing().tell(60, "stopped_early")
    assert rows(chair)["vitals"] == (60, None)
    # A first infusion is watched for 60 minutes.
    assert rows(chair.vitals(61))["vitals"] == (120, None)
    assert rows(chair)["observation_end"] == (120, None)
    assert "vitals" not in rows(chair.vitals(120))


def test_a_set_of_the_very_minute_of_the_end_is_that_of_the_end():
    assert rows(climbing().vitals(60).tell(60, "stopped_early"))["vitals"] == (120, None)


def test_once_the_patient_has_left_nothing_is_due():
    assert rows(climbing().tell(60, "stopped_early").tell(61, "observation_ended")) == {}


# ---- the next step


def test_the_next_step_is_due_when_the_present_one_was_held():
    assert rows(climbing())["rate_step"] == (60, 84)


def test_no_step_is_due_at_the_top_in_a_reaction_after_a_lock_or_at_rest():
    assert "rate_step" not in rows(Chair().ready().started(pump_ml_per_h=336))
    assert "rate_step" not in rows(climbing().felt(40, "headache", "mild"))
    assert "rate_step" not in rows(climbing().felt(40, "headache", "severe").gone(50, "headache"))
    assert "rate_step" not in rows(climbing().tell(40, "paused"))
    assert "rate_step" not in rows(Chair().ready())


def test_no_step_is_due_in_a_reaction_also_when_a_prescriber_lifted_the_cap():
    chair = climbing().felt(40, "headache", "mild")
    chair.tell(41, "prescriber_notified", who="Dr. Ada Test", said="may rise later", lifts_cap=True)
    assert chair.live.session.cap_ml_per_h is None
    assert "rate_step" not in rows(chair)
    # Thirty minutes after the last symptom has gone.
    assert rows(chair.gone(50, "headache"))["rate_step"] == (80, 84)


def test_a_step_up_to_the_cap_is_due_and_one_above_it_is_not():
    chair = climbing().vitals(60).tell(60, "rate_changed", pump_ml_per_h=84).felt(70, "headache", "mild")
    chair.tell(71, "rate_changed", pump_ml_per_h=21).gone(80, "headache")
    # 42 mL/h was borne, so 42 is the next step, thirty minutes after all has gone; from 42 there is none below the cap.
    assert rows(chair)["rate_step"] == (110, 42)
    assert "rate_step" not in rows(chair.tell(110, "rate_changed", pump_ml_per_h=42))


# ---- a restart


def test_a_pause_without_a_reaction_may_end_at_once_at_the_rate_before():
    assert rows(climbing().tell(40, "paused"))["restart"] == (40, 42)


def test_after_a_reaction_the_restart_comes_half_an_hour_after_the_last_symptom_at_what_was_borne():
    chair = climbing().felt(40, "headache", "mild").tell(41, "paused").gone(50, "headache")
    assert rows(chair)["restart"] == (80, 21)


def test_no_restart_is_due_while_a_symptom_is_there_after_a_lock_or_while_it_runs():
    assert "restart" not in rows(climbing().felt(40, "headache", "mild").tell(41, "paused"))
    assert "restart" not in rows(climbing().felt(40, "headache", "severe").tell(41, "paused").gone(50, "headache"))
    assert "restart" not in rows(climbing())
    # A reaction at the first step: no rate was borne, so none is due.
    none = Chair().ready().started().felt(20, "headache", "mild").tell(21, "paused").gone(30, "headache")
    assert "restart" not in rows(none)


# ---- the prescriber, adrenaline


def test_the_prescriber_is_told_from_the_first_symptom_on_until_they_were():
    chair = climbing().felt(40, "headache", "mild").felt(45, "flushing", "mild")
    assert rows(chair)["tell_prescriber"] == (40, None)
    chair.tell(46, "prescriber_notified", who="Dr. Ada Test", said="watch")
    assert "tell_prescriber" not in rows(chair)
    assert "tell_prescriber" not in rows(climbing())


def test_for_a_reaction_of_vital_signs_alone_the_prescriber_is_told_from_the_first_of_them_on():
    assert rows(Chair().ready().started().vitals(20, spo2_percent=90))["tell_prescriber"] == (20, None)


def test_adrenaline_is_due_again_five_minutes_after_the_last_and_only_while_it_is_needed():
    chair = climbing().felt(40, "collapse").felt(40, "rash_urticaria_itch")
    assert "adrenaline_again" not in rows(chair)
    chair.tell(41, "medicine_given", medicine="adrenaline", route="im", dose_mg=0.5)
    chair.tell(44, "medicine_given", medicine="adrenaline", route="im", dose_mg=0.5)
    chair.tell(45, "medicine_given", medicine="paracetamol", route="by mouth")
    assert rows(chair)["adrenaline_again"] == (49, None)
    chair.gone(50, "collapse").gone(51, "rash_urticaria_itch")
    assert "adrenaline_again" not in rows(chair)
    # Who gives adrenaline treats it as anaphylaxis, whatever was entered of symptoms.
    other = climbing().felt(40, "headache", "severe").tell(41, "medicine_given", medicine="adrenaline", route="im")
    assert rows(other)["adrenaline_again"] == (46, None)


def test_watching_ends_for_who_stopped_and_for_who_completed_and_not_before():
    for kind in ("stopped_early", "completed"):
        assert rows(climbing().tell(60, kind))["observation_end"] == (120, None)
    assert "observation_end" not in rows(climbing())
    assert DueKind.OBSERVATION_END not in {one.kind for one in due(Session(), at_chair())}


# ---- rates


def restarting(rule: str, grade: Grade = Grade.MILD) -> Bedside:
    """A site whose protocol restarts by another rule."""
    bed = at_chair()
    response = bed.protocol.responses[grade]
    theirs = response.model_copy(update={"restart": response.restart.model_copy(update={"value": rule})})
    return replace(bed, protocol=bed.protocol.model_copy(update={"responses": {**bed.protocol.responses, grade: theirs}}))  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "ran", "borne", "rate"),
    [
        # Ran at 84, borne 42: last borne 42; half of it 21; the lower of last borne and half of what ran: 42 and 42.
        ("last_borne", 84, 42, 42),
        ("half_of_last_borne", 84, 42, 21),
        ("lower_of_both", 84, 42, 42),
        ("lower_of_both", 60, 42, 30),
        ("lower_of_both", 168, 42, 42),
        ("never", 84, 42, None),
        # In whole tenths, never up: half of 42.5 is 21.25.
        ("half_of_last_borne", 84, Fraction("42.5"), Fraction("21.2")),
        # Nothing borne: nothing.
        ("last_borne", 84, 0, None),
        # Never above the plan's highest rate, whatever was borne.
        ("last_borne", 500, 400, 336),
    ],
)
def test_each_rule_of_restarting(rule, ran, borne, rate):
    after = Session(episode=Grade.MILD, ran_before_pause=Fraction(ran), cap_ml_per_h=Fraction(borne))
    assert restart_ml_per_h(after, restarting(rule), NOW) == rate


def test_with_the_cap_lifted_the_rate_before_is_the_last_borne():
    after = Session(episode=Grade.MILD, ran_before_pause=Fraction(84))
    assert restart_ml_per_h(after, restarting("last_borne"), NOW) == 84
    assert restart_ml_per_h(after, restarting("lower_of_both"), NOW) == 42


def test_a_pause_without_a_reaction_goes_on_where_it_was_and_never_above_the_plan():
    assert restart_ml_per_h(Session(ran_before_pause=Fraction(84)), at_chair(), NOW) == 84
    assert restart_ml_per_h(Session(ran_before_pause=Fraction(500)), at_chair(), NOW) == 336


def test_what_ended_for_good_has_no_rate_and_what_is_not_a_rate_has_none():
    for lock in (Lock.ANAPHYLAXIS, Lock.SEVERE, Lock.RETURNED):
        assert restart_ml_per_h(Session(lock=lock, ran_before_pause=Fraction(84)), at_chair(), NOW) is None
    assert proposed_ml_per_h(Action.STOP, Session(), at_chair(), NOW) is None
    assert proposed_ml_per_h(Action.START, Session(), at_chair(), NOW) == 21
    assert proposed_ml_per_h(Action.RAISE, Session(ml_per_h=Fraction(21)), at_chair(), NOW) == 42
    assert proposed_ml_per_h(Action.RAISE, Session(ml_per_h=Fraction(336)), at_chair(), NOW) is None


# ---- the plan at the chair


@pytest.mark.parametrize(("rate", "minutes"), [(10, 30), (21, 30), (200, 30), (336, 26), (500, 26)])
def test_a_rate_is_held_as_long_as_the_step_it_has_reached(rate, minutes):
    assert at_chair().hold(Fraction(rate)).total_seconds() == minutes * 60


@pytest.mark.parametrize(
    ("rate", "above"), [(0, 21), (20, 21), (21, 42), (41.9, 42), (335, 336), (336, None), (400, None)]
)
def test_the_step_above_a_rate(rate, above):
    assert at_chair().rate_above(Fraction(rate)) == above
