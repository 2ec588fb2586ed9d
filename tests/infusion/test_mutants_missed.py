"""What was due and came late or never: each kind, to the minute of grace."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ivigil.documents.chair import MISSED, missed
from ivigil.infusion.due import DueKind
from ivigil.infusion.missed import MUSTS
from ivigil.infusion.report import report
from tests.infusion.chair import Chair

#: Five minutes of grace; vital signs every quarter of an hour.


def at_42() -> Chair:
    chair = Chair().ready().started().vitals(10).vitals(25)
    return chair.tell(30, "rate_changed", pump_ml_per_h=42).vitals(40)


def rows(chair: Chair, what: str) -> list[tuple[float, float | None]]:
    start = chair.minute(0)

    def minute(at: Any) -> float | None:
        return None if at is None else (at - start) / timedelta(minutes=1)

    made = report(chair.record, chair.bedside)
    return [(minute(one.due_at) or 0, minute(one.taken_at)) for one in made.missed if one.what == what]


def test_what_must_be_done_and_nothing_else_is_missed():
    assert {DueKind.VITALS, DueKind.STOP, DueKind.SLOW, DueKind.ADRENALINE, DueKind.TELL_PRESCRIBER} <= set(MUSTS)
    # A decision, or something that may be done.
    may = {DueKind.RATE_STEP, DueKind.RESTART, DueKind.ADRENALINE_AGAIN, DueKind.OBSERVATION_END}
    assert may.isdisjoint(MUSTS)


def test_every_kind_that_can_be_missed_has_its_words():
    assert {kind.value for kind in MUSTS} <= set(MISSED)
    chair = at_42().felt(50, "headache", "mild").vitals(51).tell(60, "paused")
    (slow,) = [one for one in report(chair.record, chair.bedside).missed if one.what == "slow"]
    assert missed(slow, lambda at: at.strftime("%H:%M")) == ("pump to be slowed 09:50", "slowed 10:00")
    told = slow.model_copy(update={"what": "tell_prescriber", "taken_at": None})
    assert missed(told, lambda at: at.strftime("%H:%M")) == ("prescriber to be told 09:50", "never told")


# ---- slowed


@pytest.mark.parametrize(("minute", "late"), [(55, []), (55.1, [(50, 55.1)])])
@pytest.mark.parametrize(("kind", "data"), [("rate_changed", {"pump_ml_per_h": 21}), ("paused", {})])
def test_a_pump_that_was_slowed_late(minute, late, kind, data):
    chair = at_42().felt(50, "headache", "mild").tell(minute, kind, **data)
    assert rows(chair, "slow") == late


def test_a_pump_that_was_never_slowed():
    chair = at_42().felt(50, "headache", "mild")
    assert rows(chair.vitals(55), "slow") == []
    assert rows(chair.vitals(56), "slow") == [(50, None)]


def test_another_rate_that_is_too_fast_is_not_slowed_and_begins_nothing_anew():
    chair = at_42().tell(50, "rate_changed", pump_ml_per_h=600).tell(54, "rate_changed", pump_ml_per_h=500)
    assert rows(chair.tell(56, "rate_changed", pump_ml_per_h=42), "slow") == [(50, 56)]
    faster = at_42().tell(50, "rate_changed", pump_ml_per_h=500).tell(54, "rate_changed", pump_ml_per_h=600)
    assert rows(faster.vitals(56), "slow") == [(50, None)]


def test_a_limit_that_was_lifted_in_time_leaves_nothing_to_slow_and_late_it_was_never_slowed():
    def lifted(minute: float) -> Chair:
        chair = at_42().felt(50, "headache", "mild")
        return chair.tell(minute, "prescriber_notified", who="Dr. Ada Test", said="go on", lifts_cap=True).vitals(70)

    assert rows(lifted(55), "slow") == []
    assert rows(lifted(55.1), "slow") == [(50, None)]


def test_what_was_stopped_is_slowed_as_well():
    # Too fast from 50; from 54 on it should stand still, and does at 58: four minutes later, and eight.
    chair = at_42().tell(50, "rate_changed", pump_ml_per_h=600).felt(54, "headache", "moderate").tell(58, "paused")
    assert (rows(chair, "slow"), rows(chair, "stop")) == ([(50, 58)], [])
    # Where it was due to stop from the beginning, that alone is told.
    only = at_42().felt(50, "headache", "moderate").tell(58, "paused")
    assert (rows(only, "slow"), rows(only, "stop")) == ([], [(50, 58)])


def test_twice_too_fast_is_told_twice():
    chair = at_42().felt(50, "headache", "mild").tell(56, "paused").gone(57, "headache")
    chair.tell(58, "resumed", pump_ml_per_h=42).tell(64, "paused")
    assert rows(chair, "slow") == [(50, 56), (58, 64)]


# ---- stopped


def test_a_reaction_that_went_by_while_it_ran_on_was_never_stopped_for():
    chair = at_42().felt(50, "headache", "moderate").gone(60, "headache").vitals(61)
    assert rows(chair, "stop") == [(50, None)]
    assert rows(at_42().felt(50, "headache", "moderate").gone(55, "headache").vitals(61), "stop") == []


# ---- adrenaline


@pytest.mark.parametrize(("minute", "late"), [(55, []), (55.1, [(50, 55.1)])])
def test_adrenaline_that_only_the_grade_calls_for_and_that_came_late(minute, late):
    chair = at_42().felt(50, "collapse").tell(50, "stopped_early")
    chair.tell(minute, "medicine_given", medicine="EpiPen", route="im")
    assert rows(chair, "adrenaline") == late


def test_adrenaline_that_never_came_is_missed_although_it_passed():
    chair = at_42().felt(50, "collapse").tell(50, "stopped_early").gone(52, "collapse")
    assert rows(chair.vitals(55), "adrenaline") == []
    assert rows(chair.vitals(56), "adrenaline") == [(50, None)]
    # Something else is no adrenaline.
    chair.tell(57, "medicine_given", medicine="cetirizine", route="by mouth")
    assert rows(chair, "adrenaline") == [(50, None)]


def test_a_second_dose_is_a_decision():
    chair = at_42().tell(50, "treated_as_anaphylaxis").tell(51, "medicine_given", medicine="adrenaline", route="im")
    assert rows(chair.vitals(90), "adrenaline") == []
    assert rows(chair, "adrenaline_again") == []


# ---- told


@pytest.mark.parametrize(("minute", "late"), [(55, []), (55.1, [(50, 55.1)])])
@pytest.mark.parametrize(
    ("kind", "data"),
    [("prescriber_notified", {"who": "Dr. Ada Test", "said": "stop"}), ("emergency_called", {"number": "911"})],
)
def test_a_prescriber_who_was_told_late(minute, late, kind, data):
    chair = at_42().felt(50, "headache", "moderate").tell(50, "paused").tell(minute, kind, **data)
    assert rows(chair.vitals(80), "tell_prescriber") == late


def test_a_prescriber_who_was_never_told():
    chair = at_42().felt(50, "headache", "moderate").tell(50, "paused")
    assert rows(chair.vitals(55), "tell_prescriber") == []
    assert rows(chair.vitals(56), "tell_prescriber") == [(50, None)]
    assert rows(chair.gone(57, "headache"), "tell_prescriber") == [(50, None)]


def test_the_team_alone_is_told_of_a_mild_one():
    assert rows(at_42().felt(50, "headache", "mild").tell(50, "paused").vitals(80), "tell_prescriber") == []


def test_who_called_before_it_came_did_not_call_for_it():
    early = at_42().tell(49, "emergency_called").felt(50, "headache", "moderate").tell(50, "paused")
    assert rows(early.vitals(60), "tell_prescriber") == [(50, None)]
    same = at_42().felt(50, "headache", "moderate").tell(50, "paused").tell(50, "emergency_called")
    assert rows(same.vitals(60), "tell_prescriber") == []
    # Before the start, too: somebody is told.
    first = Chair().opened(-60).felt(-50, "frothy_sputum")
    assert rows(first.vitals(-44), "tell_prescriber") == [(-50, None)]
    assert (
        rows(
            Chair().opened(-60).felt(-50, "frothy_sputum").tell(-49, "emergency_called").vitals(-44), "tell_prescriber"
        )
        == []
    )


# ---- vital signs


def test_vital_signs_before_the_start_are_not_missed():
    assert rows(Chair().opened(-200).vitals(-190).tell(-100, "note", text="waits"), "vitals") == []


def test_at_the_top_they_are_due_by_its_own_time():
    # 336 mL/h from 121 on, watched at 121: every 30 minutes there.
    chair = Chair().ready().started().vitals(10).vitals(25).tell(30, "rate_changed", pump_ml_per_h=42).vitals(40)
    chair.vitals(55).tell(60, "rate_changed", pump_ml_per_h=84).vitals(70).vitals(85)
    chair.tell(90, "rate_changed", pump_ml_per_h=168).vitals(100).vitals(115)
    chair.tell(120, "rate_changed", pump_ml_per_h=336)
    assert rows(chair.vitals(150), "vitals") == []
    assert rows(chair.vitals(185.1), "vitals") == [(180, 185.1)]


def test_once_late_they_stay_late_until_they_are_taken():
    chair = Chair().ready().started().vitals(10).tell(31, "stopped_early").vitals(33)
    assert rows(chair, "vitals") == [(25, 33)]
    left = Chair().ready().started().vitals(10).tell(20, "stopped_early").tell(26, "observation_ended")
    assert rows(left, "vitals") == [(20, None)]
