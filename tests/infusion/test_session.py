"""What may be done at the chair, what happened, and what was given: told by hand, minute by minute.

The plan: Privigen 10 %, 70 kg, 30 g in 300 mL, first infusion. The ladder and its holds are the plan's own; what a rate
gives in a time is worked out here by hand.
"""

from __future__ import annotations

import itertools
import json
import random
from fractions import Fraction
from typing import Any

import pytest

from ivigil.infusion.events import EventType
from ivigil.infusion.live import replay
from ivigil.infusion.permission import Wish, can, may
from ivigil.infusion.record import gather
from ivigil.infusion.workflow import BARS, HAPPENED, NOT_SLOWER, Action, Lock, Phase, Situation
from tests.infusion.chair import SESSION, Chair, at_chair, experienced, planned, protocol
from tests.planning import opened

ALWAYS = {
    Action.SLOW, Action.PAUSE, Action.STOP, Action.RECORD, Action.GIVE_MEDICINE, Action.NOTIFY, Action.CALL_EMERGENCY,
    Action.TREAT_AS_ANAPHYLAXIS,
}  # fmt: skip


def codes(chair: Chair, action: Action, minute: float, **wish: Any) -> set[str]:
    return {one.code for one in may(Wish(action, **wish), chair.live.moment(chair.minute(minute)))}


# ---- the two tables


def test_the_table_of_permissions_knows_every_action_and_what_is_always_permitted():
    assert set(BARS) == set(Action)
    assert {action for action, bars in BARS.items() if not bars} == ALWAYS


def test_the_table_of_reports_leads_somewhere_from_every_phase():
    assert set(HAPPENED) == set(itertools.product(Phase, EventType))


def test_every_bar_asks_a_question_of_the_situation_and_has_its_words():
    fields = Situation.__dataclass_fields__
    rows = [bar for bars in BARS.values() for bar in bars]
    assert {bar.field for bar in rows} <= set(fields)
    assert {bar.code for bar in rows} | {NOT_SLOWER} == set(protocol().bars)
    for bar in rows:
        assert bar.values


def test_every_reason_has_a_source_or_is_marked_as_policy():
    for code, row in protocol().bars.items():
        assert row.src, code
        assert row.origin.value == "policy" or row.read.value != "not_read", code
        for name in row.src:
            opened().source(name)


# ---- before the start


def test_a_prepared_session_may_start_at_the_first_step():
    chair = Chair().ready()
    assert codes(chair, Action.START, 0) == set()


@pytest.mark.parametrize(
    ("told", "code"),
    [
        (lambda: Chair().checked().hung().vitals(-5), "plan-not-opened"),
        (lambda: Chair().opened(plan_id="sha256:other").checked().hung().vitals(-5), "plan-not-opened"),
        (lambda: Chair().opened().checked(consent=None).hung().vitals(-5), "checks-missing"),
        (lambda: Chair().opened().checked(identifiers={"ok": False}).hung().vitals(-5), "check-failed"),
        (lambda: Chair().opened().checked(weight=None).hung().vitals(-5), "weight-not-measured"),
        # 70 kg in the plan; a tenth is borne by an adult: 77.0 is, 77.1 is not.
        (lambda: Chair().opened().checked(weight={"ok": True, "weight_kg": 77.1}).hung().vitals(-5), "weight-beyond"),
        (lambda: Chair().opened().checked().vitals(-5), "lot-unrecorded"),
        (lambda: Chair().opened().checked().hung(product="panzyga").vitals(-5), "other-product"),
        (lambda: Chair().opened().checked().hung(volume_ml=600).vitals(-5), "other-concentration"),
        (lambda: Chair().opened().checked().hung(expires_on="2026-11-22").vitals(-5), "lot-expired"),
        (lambda: Chair().opened().checked().hung(), "no-baseline"),
        (lambda: Chair().opened().checked().hung().vitals(-61), "no-baseline"),
        (lambda: Chair().opened().checked(well_today={"ok": False}).hung().vitals(-5), "unwell-ask-to-defer"),
        (lambda: Chair().opened().checked().hung().vitals(-5, temperature_c=38.2), "unwell-ask-to-defer"),
        (lambda: Chair(setting="home").opened().checked(kit=None).hung().vitals(-5), "checks-missing"),
        (lambda: Chair().ready().started(), "not-preparing"),
    ],
)
def test_what_keeps_an_infusion_from_starting(told, code):
    assert code in codes(told(), Action.START, 0)


def test_a_weight_within_a_tenth_and_a_lot_that_expires_today_do_not_stop():
    chair = Chair().opened().checked(weight={"ok": True, "weight_kg": 77}).hung(expires_on="2026-11-23").vitals(-5)
    assert codes(chair, Action.START, 0) == set()


def test_a_quarantined_lot_is_neither_hung_nor_run():
    chair = Chair(bedside=at_chair(quarantined=frozenset({"P100"}))).ready()
    assert "lot-quarantined" in codes(chair, Action.START, 0)
    ((_, hang),) = chair.live.session.hanging
    assert codes(chair, Action.HANG, 0, hang=hang) == {"lot-quarantined"}


def test_a_start_above_the_first_step_is_not_permitted_and_is_recorded_when_it_happened():
    chair = Chair().ready()
    second = Fraction(chair.bedside.steps[1].pump_ml_per_h)
    assert codes(chair, Action.START, 0, ml_per_h=second) == {"above-step"}
    chair.started(pump_ml_per_h=float(second))
    live = chair.live
    assert live.session.phase is Phase.RUNNING
    assert [(one.action, one.codes) for one in live.session.deviations] == [(Action.START, ("above-step",))]


def test_fever_today_asks_and_a_fast_ladder_needs_another_plan():
    unwell = {"ok": False}
    chair = Chair().opened().checked(well_today=unwell).hung().vitals(-5)
    chair.tell(-3, "prescriber_notified", who="Dr. Ada Test", said="go on", agrees_to_restart=True)
    assert codes(chair, Action.START, 0) == set()
    fast = Chair(bedside=at_chair(experienced())).opened().checked(well_today=unwell).hung().vitals(-5)
    fast.tell(-3, "prescriber_notified", who="Dr. Ada Test", said="go on", agrees_to_restart=True)
    assert fast.bedside.infusion.pattern == "experienced"
    assert codes(fast, Action.START, 0) == {"unwell-needs-first-ladder"}


# ---- the ladder


def test_the_next_step_waits_for_its_time_and_for_vital_signs_at_this_rate():
    chair = Chair().ready().started()
    hold = chair.bedside.steps[0].duration_min
    # Vital signs are due 15 minutes after the start, and overdue from 20 on.
    assert codes(chair, Action.RAISE, 19) == {"too-early", "vitals-not-at-this-rate"}
    assert codes(chair, Action.RAISE, 21) == {"too-early", "vitals-not-at-this-rate", "vitals-overdue"}
    chair.vitals(hold)
    assert codes(chair, Action.RAISE, hold) == set()
    third = Fraction(chair.bedside.steps[2].pump_ml_per_h)
    assert codes(chair, Action.RAISE, hold, ml_per_h=third) == {"above-step"}


def test_nothing_above_the_top_is_ever_permitted():
    chair = Chair().ready().started()
    top = chair.bedside.top_ml_per_h
    chair.tell(1, "rate_changed", pump_ml_per_h=float(top))
    chair.vitals(40)
    assert codes(chair, Action.RAISE, 40) == {"above-maximum"}
    assert codes(chair, Action.RAISE, 40, ml_per_h=top + Fraction(1, 10)) == {"above-maximum"}
    assert chair.live.session.deviations[0].codes == ("vitals-not-at-this-rate", "too-early", "above-step")


# ---- a reaction


def reacting(grade: str = "mild") -> Chair:
    """Two steps borne, and a headache at the second."""
    chair = Chair().ready().started()
    hold = chair.bedside.steps[0].duration_min
    chair.vitals(hold).tell(hold, "rate_changed", pump_ml_per_h=float(chair.bedside.steps[1].pump_ml_per_h))
    return chair.felt(hold + 5, "headache", grade)


def test_nothing_is_raised_while_a_reaction_is_present():
    chair = reacting()
    hold = chair.bedside.steps[0].duration_min
    chair.vitals(hold + 40)
    assert "reaction-unresolved" in codes(chair, Action.RAISE, hold + 40)


def test_after_a_mild_reaction_it_goes_on_after_half_an_hour_at_the_lower_of_last_borne_and_half():
    chair = reacting()
    hold = chair.bedside.steps[0].duration_min
    chair.tell(hold + 6, "paused").vitals(hold + 20).gone(hold + 20, "headache")
    first, second = (Fraction(one.pump_ml_per_h) for one in chair.bedside.steps[:2])
    chair.vitals(hold + 45)
    assert "wait-after-symptoms" in codes(chair, Action.RESUME, hold + 49)
    wanted = min(first, Fraction(int(second / 2 * 10), 10))
    assert codes(chair, Action.RESUME, hold + 50, ml_per_h=wanted) == set()
    # The ladder doubles, so half of the second step is the first: 21 mL/h either way.
    assert wanted == 21
    assert codes(chair, Action.RESUME, hold + 50, ml_per_h=wanted + Fraction(1, 10)) == {"above-cap"}
    # And afterwards never above what was borne, until a prescriber lifts it.
    chair.tell(hold + 51, "resumed", pump_ml_per_h=float(wanted)).vitals(hold + 90)
    assert "above-cap" in codes(chair, Action.RAISE, hold + 90, ml_per_h=second)
    chair.tell(hold + 91, "prescriber_notified", who="Dr. Ada Test", said="may rise", lifts_cap=True)
    assert "above-cap" not in codes(chair, Action.RAISE, hold + 92, ml_per_h=first)


def test_after_a_moderate_reaction_the_team_agrees_first():
    chair = reacting("moderate")
    hold = chair.bedside.steps[0].duration_min
    chair.tell(hold + 6, "paused").gone(hold + 20, "headache").vitals(hold + 52)
    assert codes(chair, Action.RESUME, hold + 52) == {"team-has-not-agreed"}
    chair.tell(hold + 53, "prescriber_notified", who="Dr. Ada Test", said="yes", agrees_to_restart=True)
    assert codes(chair, Action.RESUME, hold + 54) == set()


def test_an_agreement_from_before_the_reaction_does_not_count():
    chair = Chair().ready()
    chair.tell(-4, "prescriber_notified", who="Dr. Ada Test", said="fine", agrees_to_restart=True).started()
    hold = chair.bedside.steps[0].duration_min
    chair.felt(hold, "headache", "moderate").tell(hold + 1, "paused").gone(hold + 10, "headache").vitals(hold + 45)
    assert "team-has-not-agreed" in codes(chair, Action.RESUME, hold + 45)


def test_a_reaction_that_comes_back_ends_it():
    chair = reacting()
    hold = chair.bedside.steps[0].duration_min
    rate = float(chair.bedside.steps[0].pump_ml_per_h) / 2
    chair.tell(hold + 6, "paused").gone(hold + 10, "headache").vitals(hold + 42)
    chair.tell(hold + 43, "resumed", pump_ml_per_h=round(rate, 1)).felt(hold + 50, "headache", "mild")
    chair.tell(hold + 51, "paused").gone(hold + 60, "headache").vitals(hold + 120)
    assert chair.live.session.lock is Lock.RETURNED
    assert "no-restart-returned" in codes(chair, Action.RESUME, hold + 120)


@pytest.mark.parametrize(
    ("told", "lock", "code"),
    [
        (lambda c: c.tell(20, "treated_as_anaphylaxis"), Lock.ANAPHYLAXIS, "no-restart-anaphylaxis"),
        (lambda c: c.felt(20, "rash_urticaria_itch", "mild").felt(21, "breathless_or_wheeze", "moderate"), Lock.ANAPHYLAXIS, "no-restart-anaphylaxis"),
        (lambda c: c.vitals(20, systolic_mmhg=82), Lock.ANAPHYLAXIS, "no-restart-anaphylaxis"),
        # 120 before; 30 % below is 84, so 83 is more than 30 % below.
        (lambda c: c.vitals(20, systolic_mmhg=83), Lock.ANAPHYLAXIS, "no-restart-anaphylaxis"),
        (lambda c: c.felt(20, "frothy_sputum"), Lock.SEVERE, "no-restart-severe"),
        (lambda c: c.vitals(20, spo2_percent=92), Lock.SEVERE, "no-restart-severe"),
        (lambda c: c.felt(20, "headache", "severe"), Lock.SEVERE, "no-restart-severe"),
    ],
)  # fmt: skip
def test_after_anaphylaxis_or_a_severe_reaction_nothing_restarts(told, lock, code):
    chair = told(Chair().ready().started())
    chair.tell(25, "paused")
    for name in list(chair.live.session.symptoms):
        chair.gone(30, name)
    chair.vitals(100).tell(
        101, "prescriber_notified", who="Dr. Ada Test", said="go on", agrees_to_restart=True, lifts_cap=True
    )
    chair.vitals(102)
    assert chair.live.session.lock is lock
    assert code in codes(chair, Action.RESUME, 103)
    assert code in codes(chair, Action.RAISE, 103)
    assert not can(Wish(Action.START), chair.live.moment(chair.minute(103)))


def test_a_restart_that_happened_all_the_same_is_counted_and_recorded():
    chair = Chair().ready().started().tell(30, "treated_as_anaphylaxis").tell(60, "resumed", pump_ml_per_h=21)
    live = chair.live
    given = live.given(chair.minute(120))
    first = Fraction(chair.bedside.steps[0].pump_ml_per_h)
    # Half an hour at the first rate, then an hour at 21 mL/h.
    assert given.ml == first / 2 + 21
    assert given.grams == given.ml / 10
    assert "no-restart-anaphylaxis" in live.session.deviations[0].codes


def test_a_low_pressure_from_before_the_start_alarms_only_when_it_falls_further():
    chair = Chair().opened().checked().hung().vitals(-5, systolic_mmhg=88, diastolic_mmhg=50)
    chair.tell(-4, "prescriber_notified", who="Dr. Ada Test", said="usual for her", agrees_to_restart=True).started()
    chair.vitals(10, systolic_mmhg=88, diastolic_mmhg=50)
    assert chair.live.session.reaction is None
    chair.vitals(20, systolic_mmhg=86, diastolic_mmhg=50)
    assert chair.live.session.lock is Lock.ANAPHYLAXIS


def test_a_correction_changes_the_grams_and_never_unlocks():
    chair = Chair().ready().started().tell(20, "symptom", key="wrong", symptom="frothy_sputum", present=True)
    chair.tell(21, "paused")
    chair.tell(25, "correction", corrects="wrong", because="entered for the wrong patient")
    live = chair.live
    assert not live.session.symptoms
    assert live.session.lock is Lock.SEVERE
    # The started rate was misread: 30 mL/h and not the plan's, over 21 minutes.
    start = next(one["key"] for one in chair.raws if one["type"] == "started")
    chair.tell(26, "correction", corrects=start, because="misread", instead={"pump_ml_per_h": 30})
    assert chair.live.given(chair.minute(60)).ml == Fraction(30) * 21 / 60
    told = next(one for one in chair.record.told if one.first.key == start)
    first: Any = told.first.data
    assert (len(told.corrections), first.pump_ml_per_h) == (1, chair.bedside.steps[0].pump_ml_per_h)


# ---- the record


def test_repeats_reordering_and_late_arrivals_make_the_same_session():
    chair = reacting()
    chair.tell(70, "paused").gone(80, "headache").vitals(115).tell(116, "stopped_early", because="enough")
    wanted = chair.live
    shuffled = random.Random(5)
    for _ in range(20):
        raws = [*chair.raws, *shuffled.sample(chair.raws, 4)]
        shuffled.shuffle(raws)
        other = replay(gather(raws, SESSION, chair.bedside.protocol), chair.bedside)
        assert other.session == wanted.session
        assert other.given(chair.minute(200)) == wanted.given(chair.minute(200))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"session": "s-2"}, "session: it belongs to 's-2', and 's-1' is open."),
        ({"actor": {"by": "Somebody", "role": "visitor"}}, "actor.role: 'visitor' does not write in a session"),
        ({"schema": "ivigil-session-event/9"}, "schema: an event of this version says"),
        ({"device_at": "2026-11-23T09:00:00"}, "device_at:"),
        ({"type": "vitals", "data": {"systolic_mmhg": 1200}}, "data.systolic_mmhg: 1200 is not possible"),
        ({"type": "vitals", "data": {}}, "vital signs hold at least one value"),
        ({"type": "symptom", "data": {"symptom": "hedache", "present": True}}, "the protocol has no word 'hedache'"),
        ({"type": "started", "data": {"pump_ml_per_h": "21"}}, "pump_ml_per_h"),
        ({"type": "started", "data": {"pump_ml_per_h": 0}}, "pump_ml_per_h"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_what_is_no_event_of_this_session_is_kept_with_the_reason(change, reason):
    chair = Chair().ready().started()
    raw = {**chair.raws[-1], "key": "odd", **change}
    made = gather([*chair.raws, raw], SESSION, chair.bedside.protocol)
    assert len(made.rejected) == 1
    assert reason in made.rejected[0].reason
    assert json.loads(made.rejected[0].raw) == raw
    assert replay(made, chair.bedside).session == chair.live.session


def test_one_key_for_two_events_keeps_the_first_received_and_the_other_for_review():
    chair = Chair().ready().started()
    other = {**chair.raws[-1], "data": {"pump_ml_per_h": 99}, "received_at": chair.minute(5).isoformat()}
    for raws in ([*chair.raws, other], [other, *chair.raws]):
        made = gather(raws, SESSION, chair.bedside.protocol)
        assert [one.reason for one in made.rejected] == [f"key: {other['key']!r} was used before for another event."]
        assert replay(made, chair.bedside).session.ml_per_h == Fraction(chair.bedside.steps[0].pump_ml_per_h)


def test_a_clock_that_runs_ahead_is_told_and_the_time_of_receipt_counts():
    chair = Chair().ready().started()
    chair.raws[-1]["device_at"] = chair.minute(50).isoformat()
    told = chair.record.told[-1]
    assert told.clock_ahead
    # Written at 09:50 by the device, received one second after nine.
    assert told.at == chair.live.session.started_at == chair.minute(1 / 60)


# ---- grams


def test_grams_balance_to_the_container_and_the_lot():
    chair = Chair().opened().checked().hung(size_g=10, volume_ml=100, lot="A").vitals(-5)
    chair.hung(-9, size_g=20, volume_ml=200, lot="B", beside=True).started(pump_ml_per_h=60)
    given = chair.live.given(chair.minute(130))
    # 130 minutes at 60 mL/h are 130 mL: all of A, and 30 mL of B.
    assert given.by_lot() == {("privigen", "A"): 10, ("privigen", "B"): 3}
    assert given.grams == 13
    assert given.hung_g == 30
    assert [one.left_ml for one in given.containers] == [0, 170]


def test_what_is_taken_down_half_full_is_residual_and_what_nothing_held_is_said():
    chair = Chair().opened().checked().hung(size_g=10, volume_ml=100, lot="A").vitals(-5).started(pump_ml_per_h=60)
    chair.hung(40, size_g=2.5, volume_ml=25, lot="B").tell(90, "note", text="empty for a while")
    given = chair.live.given(chair.minute(100))
    # 40 mL of A; then 60 mL ran and B held 25.
    assert given.by_lot() == {("privigen", "A"): 4, ("privigen", "B"): Fraction(5, 2)}
    assert [one.left_ml for one in given.containers] == [60, 0]
    assert given.unhung_ml == 35
    assert given.ml == 100


def test_asking_changes_nothing():
    chair = Chair().ready().started()
    live = chair.live
    before = live.given(chair.minute(10))
    live.given(chair.minute(500))
    assert live.given(chair.minute(10)) == before


def test_a_plan_of_two_days_is_run_by_the_day():
    made = planned("cidp", "loading")
    assert len(made.infusions) > 1
    second = at_chair(made, number=2)
    assert second.infusion.number == 2


def test_after_the_end_vital_signs_are_due_twice_and_then_the_patient_may_go():
    chair = Chair().ready().started().tell(430, "stopped_early", because="enough").vitals(431)
    # First immunoglobulin: watched for 60 minutes after the end, at 490.
    assert "observation-running" in codes(chair, Action.END_OBSERVATION, 489)
    assert codes(chair, Action.END_OBSERVATION, 496) == {"vitals-overdue"}
    chair.vitals(491)
    assert codes(chair, Action.END_OBSERVATION, 520) == set()
