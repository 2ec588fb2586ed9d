"""The infusion record, line by line: every figure worked out by hand from what was reported."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from ivigil.infusion.events import Event
from ivigil.infusion.record import gather
from ivigil.infusion.report import report, sentence
from ivigil.infusion.workflow import Phase
from ivigil.knowledge.protocol import Grade
from ivigil.patient import ProductHistory
from tests.infusion.chair import SESSION, Chair, at_chair
from tests.planning import history

D = Decimal


def made(chair: Chair, before: ProductHistory | None = None) -> Any:
    return report(gather(chair.raws, SESSION, chair.bedside.protocol), chair.bedside, before)


def whole() -> Chair:
    """An hour at 21 mL/h, a headache from 40 to 50, a stop at 60, vital signs at 30 and 61."""
    chair = Chair().ready().started().vitals(15).vitals(30).felt(40, "headache", "mild").gone(50, "headache")
    return chair.tell(60, "stopped_early", because="enough", residual_ml=279).vitals(61)


# ---- the head


def test_the_head_of_the_record():
    chair = whole()
    found = made(chair)
    plan = chair.bedside.plan
    assert (found.schema_, found.session, found.plan_id, found.infusion) == (
        "ivigil-session-report/1", SESSION, plan.plan_id, 1,
    )  # fmt: skip
    assert (found.patient_ref, found.synthetic, found.product, found.protocol) == (
        "synthetic-well", True, "Privigen", "ivigil's protocol",
    )  # fmt: skip
    assert "CTCAE v5.0" in found.ctcae_version
    assert (found.opened_by, found.signed_by) == ("Nurse One", "Dr. Ada Test, prescriber")
    assert found.signed_at == chair.minute(-120)
    assert (found.phase, found.started_at, found.ended_at) == (Phase.STOPPED, chair.minute(0), chair.minute(60))
    # Four steps of 30 minutes and 26 at the top.
    assert (found.duration_min, found.planned_duration_min) == (60, 146)
    assert found.notice.startswith("A record of what was reported.")
    assert json.loads(found.model_dump_json(by_alias=True))["schema"] == "ivigil-session-report/1"


def test_a_session_that_never_began_has_no_times_and_no_grade():
    chair = Chair().ready().felt(-4, "headache", "moderate")
    found = made(chair)
    assert (found.started_at, found.ended_at, found.duration_min, found.learned) == (None, None, None, None)
    assert (found.worst_grade, found.worst_ctcae, found.reactions, found.missed) == (None, None, (), ())
    assert [one.minute for one in found.timeline] == [None] * len(found.timeline)
    assert found.locked_by == "free"


def test_nothing_reported_is_a_record_too():
    found = made(Chair())
    assert (found.opened_by, found.signed_by, found.signed_at, found.timeline) == (None, None, None, ())
    assert (found.given.given_ml, found.phase) == (0, Phase.PREPARING)


def test_a_session_that_still_runs_lasts_until_its_last_report():
    assert made(Chair().ready().started().vitals(45.9)).duration_min == 45


# ---- grams


def test_plan_against_delivered():
    found = made(whole()).given
    # An hour at 21 mL/h of 10 %: 2.1 g of 30; 27.9 g stay in the container.
    assert found.model_dump() == {
        "planned_g": 30, "given_g": D("2.1"), "hung_g": 30, "left_g": D("27.9"), "planned_ml": 300, "given_ml": 21,
        "unaccounted_ml": 0, "measured_residual_ml": 279, "balances": True,
        "beyond_plan_g": 0, "expected_residual_ml": 279, "residual_agrees": True,
    }  # fmt: skip


def test_what_nothing_held_is_unaccounted_for():
    chair = Chair().opened().checked().hung(size_g=5, volume_ml=50, lot="A").vitals(-5).started(pump_ml_per_h=60)
    found = made(chair.tell(75, "stopped_early"))
    # 75 mL ran, 50 hung.
    assert (found.given.unaccounted_ml, found.given.given_ml, found.given.given_g, found.given.left_g) == (25, 75, 5, 0)
    assert found.given.balances


def test_each_container_and_each_rate():
    chair = Chair().opened().checked().hung(-9, size_g=10, volume_ml=100, lot="A").vitals(-5).started(pump_ml_per_h=60)
    chair.hung(20, size_g=20, volume_ml=200, lot="B").tell(30, "rate_changed", pump_ml_per_h=33.3).tell(60, "paused")
    found = made(chair)
    # 20 mL of A; of B 10 mL at 60 and 16.65 mL at 33.3: 26.65 mL, 2.665 g, of 20: 17.335 left.
    assert [(one.lot, one.size_g, one.given_g, one.left_g) for one in found.containers] == [
        ("A", 10, 2, 8), ("B", 20, D("2.66"), D("17.34")),
    ]  # fmt: skip
    assert (found.containers[0].product, found.containers[0].expires_on) == ("privigen", "2028-01-31")
    assert [(one.begins, one.ends, one.pump_ml_per_h) for one in found.rates] == [
        (chair.minute(0), chair.minute(20), 60), (chair.minute(20), chair.minute(30), 60),
        (chair.minute(30), chair.minute(60), D("33.3")),
    ]  # fmt: skip
    # 30 mL and 16.65 mL.
    assert found.given.given_ml == D("46.6")


# ---- what was due


def test_vital_signs_that_came_late_and_that_never_came():
    # Due 15 minutes after the start; late after 20. Then at 40, and nobody measured.
    chair = Chair().ready().started().vitals(25).tell(60, "note", text="busy")
    assert [(one.due_at, one.taken_at) for one in made(chair).missed] == [
        (chair.minute(15), chair.minute(25)), (chair.minute(40), None),
    ]  # fmt: skip


@pytest.mark.parametrize(("taken", "late"), [(20, 0), (20.1, 1)])
def test_five_minutes_of_grace(taken, late):
    assert len(made(Chair().ready().started().vitals(taken)).missed) == late


def test_a_set_that_lacks_a_sign_does_not_answer_what_was_due():
    chair = Chair().ready().started().tell(16, "vitals", pulse_per_min=80).tell(17, "note", text="x").vitals(21)
    assert [(one.due_at, one.taken_at) for one in made(chair).missed] == [(chair.minute(15), chair.minute(21))]


def test_after_the_patient_left_nothing_was_missed():
    chair = Chair().ready().started().vitals(10).tell(20, "stopped_early").vitals(20).vitals(80)
    chair.tell(81, "observation_ended").tell(900, "note", text="called at home")
    assert made(chair).missed == ()


def test_what_is_due_at_the_end_of_the_record():
    chair = whole()
    # The set of 61 is that of the end; watched until 120.
    assert made(chair).due == (("observation_end", chair.minute(120)), ("vitals", chair.minute(120)))


# ---- reactions and deviations


def test_each_symptom_from_when_to_when_with_the_worst_it_was_graded():
    chair = Chair().ready().felt(-4, "fatigue", "mild").started().felt(20, "headache").felt(25, "headache", "severe")
    chair.felt(26, "headache", "mild").felt(20, "flushing", "mild").gone(40, "headache")
    found = [(one.symptom, one.grade, one.graded_by_nurse, one.since, one.until) for one in made(chair).reactions]
    assert found == [
        ("fatigue", Grade.MILD, True, chair.minute(-4), None),
        ("flushing", Grade.MILD, True, chair.minute(20), None),
        ("headache", Grade.SEVERE, True, chair.minute(20), chair.minute(40)),
    ]


def test_a_symptom_that_comes_back_is_told_twice():
    chair = whole().felt(70, "headache", "moderate")
    found = made(chair)
    assert [(one.since, one.until) for one in found.reactions] == [
        (chair.minute(40), chair.minute(50)), (chair.minute(70), None),
    ]  # fmt: skip
    assert (found.worst_grade, found.worst_ctcae) == (Grade.MODERATE, 2)


def test_deviations_in_words_and_the_lock():
    chair = Chair().ready().started(pump_ml_per_h=42).felt(20, "headache", "severe")
    found = made(chair)
    assert [(one.at, one.action, one.reasons) for one in found.deviations] == [
        (chair.minute(0), "start", ("This is more than the plan's next step.",))
    ]
    assert found.locked_by == "severe"


def test_what_was_learned_joins_what_was_known():
    chair = whole()
    before = ProductHistory.model_validate(history("privigen", infusions=4, rate_borne_ml_per_kg_h=D("2.4")))
    found = made(chair, before)
    assert found.history_given
    assert found.learned is not None
    assert (found.learned.infusions, found.learned.last_dose_g) == (5, D("2.1"))
    assert [(one.kind, one.at, one.grade) for one in found.learned.reactions or ()] == [
        ("headache", chair.minute(40), 1)
    ]
    alone = made(chair)
    assert not alone.history_given
    assert alone.learned is not None
    assert alone.learned.infusions == 1


def test_what_counts_for_nothing_is_shown_as_it_came():
    chair = whole()
    chair.tell(70, "correction", "c", corrects="gone", because="x")
    chair.raws.append({"schema": "other"})
    found = made(chair).for_review
    assert [one.reason for one in found] == [
        "schema: an event of this version says 'ivigil-session-event/1'.",
        "A correction of 'gone', which was never reported.",
    ]
    assert json.loads(found[0].raw) == {"schema": "other"}
    assert json.loads(found[1].raw)["key"] == "c"


# ---- the timeline


def test_a_line_of_the_timeline():
    chair = Chair().ready().started().tell(20.9, "vitals", pulse_per_min=80, temperature_c=37.5)
    one = made(chair).timeline[-1]
    assert one.model_dump() == {
        "at": chair.minute(20.9), "minute": 20, "type": "vitals", "by": "Nurse One", "role": "nurse",
        "text": "pulse 80, 37.5 °C", "first": None, "struck": False, "clock_ahead": False, "clock_behind": False, "told_late_min": None, "corrected": (),
        "signs": {"pulse_per_min": 80, "temperature_c": D("37.5")},
    }  # fmt: skip
    assert [row.minute for row in made(chair).timeline][:2] == [-30, -20]
    assert made(chair).timeline[0].signs == {}


def test_a_corrected_line_shows_what_stands_what_was_first_and_who_changed_it():
    chair = Chair().ready().started().tell(20, "vitals", "v", pulse_per_min=80)
    chair.tell(22, "correction", "c", corrects="v", because="misread", instead={"pulse_per_min": 90})
    one = next(row for row in made(chair).timeline if row.text == "pulse 90")
    assert (one.first, one.struck, one.signs) == ("pulse 80", False, {"pulse_per_min": 90})
    assert [row.model_dump() for row in one.corrected] == [
        {"at": chair.minute(22) + timedelta(seconds=1), "by": "Nurse One", "role": "nurse", "because": "misread"}
    ]
    assert made(chair).timeline[-1].text == "Correction of v: misread"


def test_a_correction_of_the_time_alone_leaves_no_second_text():
    chair = Chair().ready().started().tell(20, "note", "n", text="x")
    chair.tell(22, "correction", "c", corrects="n", because="earlier", instead={"text": "x"}, happened_at=chair.minute(5).isoformat())  # fmt: skip
    one = next(row for row in made(chair).timeline if row.text == "x")
    assert (one.first, one.minute, len(one.corrected)) == (None, 5, 1)


def test_a_struck_line_keeps_its_text():
    chair = (
        Chair()
        .ready()
        .started()
        .tell(20, "note", "n", text="x")
        .tell(22, "correction", "c", corrects="n", because="no")
    )
    one = next(row for row in made(chair).timeline if row.struck)
    assert (one.text, one.first, one.type) == ("x", None, "note")


def test_a_clock_that_ran_ahead_is_marked():
    chair = Chair().ready().started().tell(20, "note", text="x")
    chair.raws[-1]["device_at"] = chair.minute(60).isoformat()
    assert [row.clock_ahead for row in made(chair).timeline][-2:] == [False, True]


@pytest.mark.parametrize(
    ("kind", "data", "text"),
    [
        ("opened", {}, "Opened for infusion 1, signed by Dr. Ada Test (prescriber); hospital, protocol ivigil"),
        ("check_confirmed", {"check": "weight", "ok": True, "weight_kg": 70}, "weight: as it should be, 70 kg"),
        ("check_confirmed", {"check": "pump_read_back", "ok": False, "pump_ml_per_h": 21.5, "text": "set anew"}, "pump read back: NOT as it should be, 21.5 mL/h, set anew"),
        ("started", {"pump_ml_per_h": 300}, "Started at 300 mL/h"),
        ("vitals", {"systolic_mmhg": 120, "diastolic_mmhg": 75, "pulse_per_min": 72, "respirations_per_min": 14, "temperature_c": 36.8, "spo2_percent": 98}, "BP 120/75 mmHg, pulse 72, respirations 14, 36.8 °C, SpO2 98 %"),
        ("vitals", {"systolic_mmhg": 120}, "BP 120/? mmHg"),
        ("vitals", {"diastolic_mmhg": 75}, "diastolic 75 mmHg"),
        ("symptom", {"symptom": "headache", "present": True, "grade": "life_threatening"}, "headache, life threatening"),
        ("symptom", {"symptom": "fever_chills", "present": True}, "fever, chills or rigors"),
        ("symptom", {"symptom": "headache", "present": False}, "headache: gone"),
        ("symptom", {"symptom": "other", "present": True, "grade": "mild", "text": "cold feet"}, "cold feet, mild"),
        ("rate_changed", {"pump_ml_per_h": 42, "because": "next step"}, "Rate 42 mL/h, next step"),
        ("rate_changed", {"pump_ml_per_h": 42}, "Rate 42 mL/h"),
        ("resumed", {"pump_ml_per_h": 10.5}, "Resumed at 10.5 mL/h"),
        ("paused", {"because": "headache"}, "Paused, headache"),
        ("paused", {}, "Paused"),
        ("container_changed", {"product": "privigen", "lot": "A", "expires_on": "2028-01-31", "size_g": 10, "volume_ml": 100}, "Hung privigen 10 g in 100 mL, lot A, expires 2028-01-31"),
        ("medicine_given", {"medicine": "iv_fluid", "route": "by vein", "dose_mg": 650, "text": "slowly"}, "Given: iv fluid 650 mg by vein, slowly"),
        ("medicine_given", {"medicine": "oxygen", "route": "by mask"}, "Given: oxygen by mask"),
        ("prescriber_notified", {"who": "Dr. B", "said": "go on", "agrees_to_restart": True, "lifts_cap": True}, "Told Dr. B: go on, agrees to go on, lifts the limit"),
        ("prescriber_notified", {"who": "Dr. B", "said": "wait"}, "Told Dr. B: wait"),
        ("emergency_called", {"number": "911"}, "Emergency called (911)"),
        ("emergency_called", {}, "Emergency called"),
        ("stopped_early", {"because": "enough"}, "Stopped early, enough"),
        ("completed", {}, "Completed"),
        ("note", {"text": "as it was"}, "as it was"),
        ("correction", {"corrects": "k1", "because": "a slip"}, "Correction of k1: a slip"),
        ("treated_as_anaphylaxis", {}, "Treated as anaphylaxis"),
        ("observation_ended", {}, "Observation ended"),
    ],
)  # fmt: skip
def test_every_event_in_words(kind: str, data: dict[str, Any], text: str):
    chair = Chair().opened(0) if kind == "opened" else Chair().tell(0, kind, **data)
    assert sentence(Event.model_validate(chair.raws[0]).data, at_chair()) == text


def test_half_a_minute_before_the_start_is_in_the_minute_before_it():
    chair = Chair().ready().tell(-4.5, "note", text="x").started()
    assert [one.minute for one in made(chair).timeline if one.text == "x"] == [-5]


def test_an_anaphylaxis_that_was_struck_is_remembered_from_the_start():
    # The lock outlives the correction, and no time of its own stands: the infusion itself is what is known.
    chair = Chair().ready().started().tell(20, "treated_as_anaphylaxis", "t").tell(30, "stopped_early")
    chair.tell(35, "correction", corrects="t", because="pressed by mistake")
    found = made(chair)
    assert found.locked_by == "anaphylaxis"
    assert found.learned is not None
    assert [(one.kind, one.at) for one in found.learned.reactions or ()] == [("anaphylaxis", chair.minute(0))]
