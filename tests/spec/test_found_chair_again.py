"""The chair attacked a second time: ends, words of a prescriber, what hangs, what once locked, and what is learned."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from ivigil.documents.chair import missed
from ivigil.infusion.doses import adrenaline_dose
from ivigil.infusion.due import due
from ivigil.infusion.permission import Moment, Wish, may
from ivigil.infusion.report import SessionReport, report
from ivigil.infusion.response import advice
from ivigil.infusion.workflow import Action, Lock, Phase
from ivigil.knowledge.protocol import Grade, VitalSign
from tests.infusion.chair import Chair, at_chair, experienced, protocol
from tests.planning import codes, history, plan, record

D = Decimal

# The ladder of the plan: 21, 42, 84, 168, 336 mL/h, each step held for 30 minutes; 30 g in 300 mL.


def asked(chair: Chair, action: Action, minute: float, ml_per_h: float | None = None) -> set[str]:
    wish = Wish(action, None if ml_per_h is None else Fraction(str(ml_per_h)))
    return {one.code for one in may(wish, chair.live.moment(chair.minute(minute)))}


def dues(chair: Chair) -> dict[str, float]:
    live, start = chair.live, chair.minute(0)
    return {one.kind.value: (one.at - start) / timedelta(minutes=1) for one in due(live.session, chair.bedside)}


def told(chair: Chair, **more: Any) -> SessionReport:
    return report(chair.record, chair.bedside, **more)


def climbing() -> Chair:
    """21 mL/h borne for half an hour, then 42 mL/h, watched."""
    chair = Chair().ready().started().vitals(14).vitals(29).tell(30, "rate_changed", pump_ml_per_h=42)
    return chair.vitals(44)


def agrees(chair: Chair, minute: float, **more: Any) -> Chair:
    said: dict[str, Any] = {"agrees_to_restart": True} | more
    return chair.tell(minute, "prescriber_notified", who="Dr. Ada Test", said="go on", **said)


# ---- the end


@pytest.mark.parametrize(("kind", "phase"), [("stopped_early", Phase.STOPPED), ("completed", Phase.COMPLETED)])
def test_an_end_from_a_pause_is_an_end_and_the_patient_is_watched_from_it(kind, phase):
    chair = climbing().tell(50, "paused").tell(60, kind)
    session = chair.live.session
    assert (session.phase, session.ended_at) == (phase, chair.minute(60))
    # A first infusion is watched for an hour.
    assert dues(chair).get("observation_end") == 120
    assert asked(chair, Action.END_OBSERVATION, 119) == {"observation-running", "vitals-overdue"}
    chair.vitals(61).vitals(120)
    assert asked(chair, Action.END_OBSERVATION, 120) == set()
    assert told(chair.tell(121, "observation_ended")).ended_at == chair.minute(60)


def test_what_runs_again_after_an_end_has_not_ended():
    chair = climbing().tell(50, "stopped_early").tell(55, "resumed", pump_ml_per_h=21)
    assert chair.live.session.ended_at is None


# ---- a word that was not about this


def test_a_mild_symptom_after_a_moderate_reaction_does_not_pass_by_the_agreement():
    chair = climbing().felt(45, "headache", "moderate").tell(46, "paused").gone(60, "headache")
    chair.felt(61, "flushing", "mild").gone(62, "flushing").vitals(92)
    assert asked(chair, Action.RESUME, 93) == {"team-has-not-agreed"}
    assert asked(agrees(chair, 94), Action.RESUME, 95) == set()


def test_an_agreement_does_not_speak_of_a_symptom_that_came_after_it():
    chair = agrees(climbing().felt(45, "headache", "moderate").tell(46, "paused"), 47)
    chair.felt(48, "dizziness", "moderate").gone(60, "headache").gone(60, "dizziness").vitals(92)
    assert asked(chair, Action.RESUME, 93) == {"team-has-not-agreed"}


def test_an_agreement_does_not_speak_of_a_limit_that_was_met_after_it():
    chair = agrees(climbing().felt(45, "headache", "moderate").tell(46, "paused"), 47)
    chair.vitals(48, temperature_c=39.2).vitals(59).gone(60, "headache").vitals(92)
    assert asked(chair, Action.RESUME, 93) == {"team-has-not-agreed"}


def test_a_word_that_lets_go_does_not_speak_of_anaphylaxis_that_came_after_it():
    chair = climbing().felt(45, "headache", "severe").tell(46, "stopped_early")
    agrees(chair, 47, lets_go=True).felt(48, "breathless_or_wheeze", "severe")
    chair.gone(60, "headache").gone(60, "breathless_or_wheeze").vitals(107)
    assert asked(chair, Action.END_OBSERVATION, 108) == {"not-let-go"}


@pytest.mark.parametrize(("role", "left"), [("carer", {"team-has-not-agreed"}), ("trained patient", {"team-has-not-agreed"}), ("nurse", set())])  # fmt: skip
def test_who_is_treated_or_cares_at_home_does_not_write_that_a_prescriber_agrees(role, left):
    chair = climbing().felt(45, "headache", "moderate").tell(46, "paused").gone(60, "headache").vitals(92)
    agrees(chair, 92, lifts_cap=True, lets_go=True)
    chair.raws[-1]["actor"]["role"] = role
    session = chair.live.session
    assert session.notified_at == chair.minute(92)
    assert (session.cap_ml_per_h is None, session.let_go_at is None) == (role == "nurse", role != "nurse")
    assert asked(chair, Action.RESUME, 93) == left


def test_a_fever_from_before_the_start_stays_asked_about_although_it_was_started():
    made = at_chair(experienced())
    chair = Chair(made).opened().checked().hung().vitals(-5, temperature_c=38.6).started()
    hold = made.steps[0].duration_min
    chair.vitals(hold, temperature_c=38.6)
    assert asked(chair, Action.RAISE, hold) == {"unwell-ask-to-defer"}
    # Asked and agreed, this plan still climbs by the experienced ladder.
    assert asked(agrees(chair, hold), Action.RAISE, hold) == {"unwell-needs-first-ladder"}


def test_a_word_from_before_the_start_does_not_speak_of_what_was_measured_after_it():
    chair = agrees(Chair().opened().checked(well_today={"ok": False}).hung(), -8).vitals(-5)
    assert asked(chair, Action.START, 0) == set()
    chair.vitals(-3, spo2_percent=80)
    assert asked(chair, Action.START, 0) == {"unwell-ask-to-defer"}
    assert asked(agrees(chair, -2), Action.START, 0) == set()
    chair.tell(-1, "check_confirmed", check="well_today", ok=False)
    assert asked(chair, Action.START, 0) == {"unwell-ask-to-defer"}


def test_the_prescriber_is_told_again_of_what_came_after_the_last_word():
    chair = Chair().ready()
    agrees(chair, -4).started().vitals(10).felt(12, "headache", "mild")
    assert dues(chair).get("tell_prescriber") == 12
    assert "tell_prescriber" not in dues(agrees(chair, 13))
    assert dues(chair.felt(20, "headache", "moderate")).get("tell_prescriber") == 20


# ---- adrenaline


def test_the_first_adrenaline_is_due_from_when_it_is_treated_as_anaphylaxis():
    chair = climbing().tell(50, "treated_as_anaphylaxis")
    assert dues(chair).get("adrenaline") == 50
    again = dues(chair.tell(52, "medicine_given", medicine="adrenaline", route="im", dose_mg=0.5))
    assert ("adrenaline" in again, again.get("adrenaline_again")) == (False, 57)


def test_the_first_adrenaline_is_due_from_when_the_criteria_are_met_until_all_has_gone():
    chair = climbing().felt(50, "flushing").felt(51, "breathless_or_wheeze")
    assert dues(chair).get("adrenaline") == 51
    assert "adrenaline" not in dues(chair.gone(60, "flushing").gone(60, "breathless_or_wheeze"))


def test_what_had_gone_before_adrenaline_was_given_is_not_its_being_over():
    chair = climbing().felt(45, "flushing", "mild").gone(50, "flushing")
    chair.tell(60, "medicine_given", medicine="adrenaline", route="im", dose_mg=0.5)
    assert dues(chair).get("adrenaline_again") == 65


@pytest.mark.parametrize("name", ["EpiPen", "epipen jr", "Jext 300", "Emerade", "Anapen"])
def test_a_pen_by_its_name_is_adrenaline(name):
    chair = climbing().tell(50, "medicine_given", medicine=name, route="im")
    assert chair.live.session.lock is Lock.ANAPHYLAXIS


def test_adrenaline_that_came_late_or_never_is_missed():
    chair = climbing().felt(50, "breathless_or_wheeze").tell(51, "stopped_early")
    assert [one for one in told(chair.vitals(55)).missed if one.what == "adrenaline"] == []
    never = [(one.due_at, one.taken_at) for one in told(chair.vitals(56)).missed if one.what == "adrenaline"]
    assert never == [(chair.minute(50), None)]
    chair.tell(70, "medicine_given", medicine="adrenaline", route="im", dose_mg=0.5)
    (late,) = [one for one in told(chair).missed if one.what == "adrenaline"]
    assert missed(late, lambda at: at.strftime("%H:%M")) == ("adrenaline due 09:50", "given 10:10")


def test_a_newborns_adrenaline_is_not_rounded_away():
    # 0.01 mg/kg of 2.9 kg are 0.029 mg, 0.029 mL of 1 mg/mL: 0.02 would be a third less.
    dose = adrenaline_dose(protocol().adrenaline, D(0), D("2.9"), "US")
    assert (dose.mg, dose.ml) == (D("0.029"), D("0.029"))
    assert adrenaline_dose(protocol().adrenaline, D(3), D("14.9"), "US").mg == D("0.14")


# ---- what hangs


def test_what_is_wrong_keeps_running_beside_a_fit_one():
    chair = Chair().opened().checked().hung(-10, expires_on="2026-11-22", size_g=10, volume_ml=100)
    chair.hung(-9, beside=True, size_g=20, volume_ml=200).vitals(-5)
    assert asked(chair, Action.START, 0) == {"lot-expired"}
    assert asked(chair.hung(-4), Action.START, 0) == set()


def test_a_wrong_product_that_runs_is_due_to_stop():
    chair = Chair().opened().checked().hung(-10, product="gammagard_liquid").vitals(-5).started()
    assert dues(chair).get("stop") == 0
    assert "rate_step" not in dues(chair)
    nobody_wrote = Chair().opened().checked().hung(-10, lot=None).vitals(-5).started()
    assert "stop" not in dues(nobody_wrote)


@pytest.mark.parametrize("lot", ["Q7 12a", "q712A", " Q712A "])
def test_a_quarantined_lot_is_the_same_however_it_is_written(lot):
    made = at_chair(quarantined=frozenset({"Q712A"}))
    assert asked(Chair(made).opened().checked().hung(lot=lot).vitals(-5), Action.START, 0) == {"lot-quarantined"}


def test_the_last_day_of_a_lot_ends_where_the_plan_is_run():
    # The plan runs at 09:00, 5 hours behind UTC, on 2026-11-23; a tablet 14 hours ahead of UTC already writes the 24th.
    chair = Chair().opened().checked().hung(expires_on="2026-11-23").vitals(-5)
    here = chair.live.moment(chair.minute(0))
    ahead = replace(here, now=here.now.astimezone(timezone(timedelta(hours=14))))
    assert may(Wish(Action.START), ahead) == ()
    # 00:30 on the 24th is still the 23rd at a tablet 12 hours behind UTC.
    late = chair.minute(15 * 60 + 30)
    behind = Moment(here.session, here.bedside, here.given_ml, here.hung_g, late.astimezone(timezone(-timedelta(hours=12))))  # fmt: skip
    assert "lot-expired" in {one.code for one in may(Wish(Action.START), behind)}


def test_when_all_of_the_dose_was_given_nothing_goes_on():
    # 300 mL at 336 mL/h take 53.6 minutes.
    chair = Chair().ready().started(pump_ml_per_h=336).vitals(14).vitals(50).tell(53, "paused").vitals(54)
    assert asked(chair, Action.RESUME, 54) == set()
    ran_out = Chair().ready().started(pump_ml_per_h=336).vitals(14).vitals(50).tell(54, "paused").vitals(54)
    assert asked(ran_out, Action.RESUME, 55) == {"dose-given"}


# ---- checks that come in the course of it


def test_a_weight_beyond_the_tolerance_stops_the_pump_and_proposes_no_step():
    # 78 kg is more than a tenth above the plan's 70.
    chair = climbing().tell(46, "check_confirmed", check="weight", ok=True, weight_kg=78)
    assert dues(chair).get("stop") == 46
    assert "rate_step" not in dues(chair)
    again = dues(chair.tell(47, "check_confirmed", check="weight", ok=True, weight_kg=70.5))
    assert ("stop" in again, again.get("rate_step")) == (False, 60)


def test_a_weight_of_before_the_start_is_due_to_stop_from_the_start_on():
    chair = Chair().opened().checked(weight={"ok": True, "weight_kg": 90}).hung().vitals(-5).started()
    assert dues(chair).get("stop") == 0


def test_no_restart_is_proposed_that_nobody_agreed_to():
    chair = climbing().felt(45, "headache", "moderate").tell(46, "paused").gone(60, "headache")
    assert "restart" not in dues(chair)
    assert dues(agrees(chair, 61)).get("restart") == 90


def test_without_a_baseline_a_fall_is_measured_from_the_first_value():
    chair = Chair().opened().checked().hung().started().vitals(1, systolic_mmhg=150, diastolic_mmhg=90)
    # 150 to 104 mmHg is a fall by 30.7 %, above 90 mmHg all the same.
    chair.vitals(10, systolic_mmhg=104, diastolic_mmhg=70)
    assert chair.live.session.lock is Lock.ANAPHYLAXIS
    kept = Chair().ready().started().vitals(1, systolic_mmhg=150, diastolic_mmhg=90).vitals(10, systolic_mmhg=104)
    assert kept.live.session.first_since[VitalSign.SYSTOLIC] == 150
    # Its baseline is 120: a fall of 16 is none.
    assert kept.live.session.reaction is None


# ---- what once locked


def test_going_on_after_a_severe_reaction_that_was_struck_is_a_deviation():
    chair = climbing().felt(45, "headache", "severe", key="bad").tell(46, "paused")
    chair.tell(50, "correction", corrects="bad", because="written for somebody else").vitals(51)
    assert "no-restart-severe" in asked(chair, Action.RESUME, 52)
    said = told(chair.tell(52, "resumed", pump_ml_per_h=21).vitals(70))
    assert [(one.action, one.reasons[0]) for one in said.deviations] == [
        ("resume", "After a severe reaction this infusion is not restarted.")
    ]
    assert [(one.what, one.taken_at) for one in said.missed if one.what == "stop"] == [("stop", None)]
    assert said.learned is not None
    assert said.learned.uneventful_supervised_infusions == 0


def test_a_baseline_that_comes_in_late_does_not_take_anaphylaxis_back():
    # 120 to 80 mmHg locks as it comes in; a late 79 of before the start would say that it was low already.
    chair = climbing().vitals(46, systolic_mmhg=80, diastolic_mmhg=50).tell(47, "paused")
    locks = [chair.live.session.lock]
    # Had it come in at its time, nothing would ever have locked.
    locks.append(chair.vitals(-1, systolic_mmhg=79, diastolic_mmhg=50).live.session.lock)
    chair.raws[-1]["received_at"] = chair.minute(48).isoformat()
    assert [*locks, chair.live.session.lock] == [Lock.ANAPHYLAXIS, Lock.FREE, Lock.ANAPHYLAXIS]


def test_a_correction_that_was_taken_back_by_mistake_stands_when_that_is_taken_back():
    chair = climbing().tell(46, "note", "n", text="a").tell(47, "correction", "c1", corrects="n", because="x", instead={"text": "b"})  # fmt: skip

    def stands() -> str:
        (one,) = [row.event for row in chair.record.told if row.first.key == "n"]
        assert one is not None
        return str(getattr(one.data, "text", ""))

    assert stands() == "b"
    chair.tell(48, "correction", "c2", corrects="c1", because="oops")
    assert stands() == "a"
    chair.tell(49, "correction", "c3", corrects="c2", because="it was right")
    assert stands() == "b"
    chair.tell(50, "correction", "c4", corrects="c3", because="it was not")
    assert stands() == "a"


def test_a_severe_reaction_that_is_graded_down_is_answered_as_what_ended_the_infusion():
    chair = climbing().felt(45, "headache", "severe").felt(50, "headache", "mild")
    said = advice(chair.live.session, chair.bedside)
    assert said is not None
    assert (said.grade, said.restart, said.wait_min) == (Grade.SEVERE, "never", None)


def test_of_a_reaction_that_came_back_no_restart_is_advised():
    chair = climbing().felt(45, "headache", "mild").tell(46, "paused").gone(50, "headache").vitals(79)
    chair.tell(80, "resumed", pump_ml_per_h=21).felt(90, "headache", "mild")
    said = advice(chair.live.session, chair.bedside)
    assert said is not None
    assert (said.grade, said.restart, said.wait_min) == (Grade.MILD, "never", None)


# ---- what is learned


def test_an_infusion_that_was_stopped_early_does_not_count_toward_home():
    stopped = told(Chair().ready().started().vitals(5).tell(6, "stopped_early", because="wants to go home")).learned
    assert stopped is not None
    assert (stopped.infusions, stopped.uneventful_supervised_infusions) == (1, 0)


def run_whole(**label: Any) -> SessionReport:
    """336 mL/h throughout: 300 mL in 54 minutes."""
    chair = Chair().opened().checked().hung(**label).vitals(-5).started(pump_ml_per_h=336).vitals(14).vitals(28)
    return told(chair.tell(54, "completed"), before=None)


def test_what_was_borne_of_another_product_is_not_learned_of_the_plans():
    ours, theirs = run_whole().learned, run_whole(product="gammagard_liquid").learned
    assert ours is not None
    assert theirs is not None
    # 336 mL/h was not permitted at the start: what is learned is the first step, 21 mL/h for 70 kg.
    assert (ours.product, ours.rate_borne_ml_per_kg_h) == ("privigen", D("0.3"))
    assert (theirs.product, theirs.rate_borne_ml_per_kg_h) == ("gammagard_liquid", None)


def test_what_was_borne_of_half_the_concentration_is_not_learned_of_the_plans():
    thin = run_whole(size_g=15, volume_ml=300).learned
    assert thin is not None
    assert (thin.product, thin.rate_borne_ml_per_kg_h) == ("privigen", None)


def test_the_history_of_one_product_is_not_carried_to_another():
    from ivigil.patient import ProductHistory

    known = ProductHistory.model_validate(history("privigen", infusions=12, uneventful_supervised_infusions=12))
    chair = Chair().opened().checked().hung(product="gammagard_liquid").vitals(-5).started().vitals(14)
    learned = told(chair.tell(20, "stopped_early"), before=known).learned
    assert learned is not None
    assert (learned.product, learned.infusions) == ("gammagard_liquid", 1)


def test_a_plan_after_a_reaction_at_the_very_first_step_says_that_nothing_was_borne():
    past = history("privigen", infusions=3, reactions=[{"kind": "headache", "grade": 2}], rate_borne_ml_per_kg_h=None)
    made = plan(record(immunoglobulin_history=[past]), "primary-immunodeficiency", product="privigen")
    assert "no-rate-borne" in codes(made)
    (said,) = [one for one in made.findings if one.code == "no-rate-borne"]
    assert said.text == (
        "A reaction to Privigen is recorded and no rate that was borne without symptoms: this plan rises to 4.8 mL/kg/h."
    )
    assert "--ceiling-ml-per-h" in str(said.remedy)
    calm = plan(record(immunoglobulin_history=[history("privigen", infusions=3)]), "primary-immunodeficiency", product="privigen")  # fmt: skip
    assert "no-rate-borne" not in codes(calm)
