"""Where a session stands, minute by minute, at the edges: symptoms, rates borne, caps and locks."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from ivigil.infusion.events import Check
from ivigil.infusion.live import Live
from ivigil.infusion.session import Session
from ivigil.infusion.signs import anaphylaxis, low_pressure, triggers_met, worst
from ivigil.infusion.workflow import Lock, Phase
from ivigil.knowledge.protocol import Grade, Protocol, Sign, VitalSign, VitalTrigger
from tests.infusion.chair import Chair, at_chair, planned, protocol

D = Decimal


def now(chair: Chair) -> Any:
    """Where the session stands."""
    return chair.live.session


def climbing() -> Chair:
    """Half an hour at 21 mL/h, watched; then 42 mL/h from minute 30 on."""
    return Chair().ready().started().vitals(30).tell(30, "rate_changed", pump_ml_per_h=42)


# ---- symptoms


def test_a_symptom_takes_the_nurses_grade_else_the_protocols_and_never_less_than_its_least():
    chair = Chair().ready().started().felt(20, "headache").felt(21, "flushing", "moderate")
    chair.felt(22, "breathless_or_wheeze", "mild")
    found = {name: (one.grade, one.graded_by_nurse, one.since) for name, one in now(chair).symptoms.items()}
    assert found == {
        "headache": (Grade.MODERATE, False, chair.minute(20)),
        "flushing": (Grade.MODERATE, True, chair.minute(21)),
        # Its least is moderate, whatever is said.
        "breathless_or_wheeze": (Grade.MODERATE, True, chair.minute(22)),
    }


def test_a_symptom_told_again_keeps_the_time_it_began_and_takes_the_new_grade_and_text():
    chair = (
        Chair().ready().started().felt(20, "headache", "mild").felt(25, "headache", "moderate", text="behind the eyes")
    )
    one = now(chair).symptoms["headache"]
    assert (one.since, one.grade, one.text, one.symptom) == (chair.minute(20), Grade.MODERATE, "behind the eyes", "headache")  # fmt: skip


def test_other_symptoms_are_told_apart_by_their_words_and_go_one_by_one():
    chair = (
        Chair()
        .ready()
        .started()
        .felt(20, "other", "mild", text="ringing ears")
        .felt(21, "other", "moderate", text="cold feet")
    )
    assert set(now(chair).symptoms) == {"other: ringing ears", "other: cold feet"}
    chair.gone(25, "other", text="ringing ears")
    left = now(chair).symptoms
    assert [one.grade for one in left.values()] == [Grade.MODERATE]
    assert set(left) == {"other: cold feet"}


def test_one_of_two_symptoms_that_goes_leaves_the_reaction():
    chair = climbing().felt(35, "headache", "moderate").felt(36, "flushing", "mild").gone(40, "headache")
    session = now(chair)
    assert (session.reaction, session.quiet_since, session.episode) == (Grade.MILD, None, Grade.MODERATE)
    assert chair.gone(45, "flushing").live.session.quiet_since == chair.minute(45)


def test_quiet_counts_from_the_last_symptom_and_not_from_a_later_look():
    chair = climbing().felt(35, "headache", "mild").gone(40, "headache").vitals(50).gone(60, "headache")
    assert now(chair).quiet_since == chair.minute(40)
    # Before any reaction there is nothing to be quiet after.
    assert climbing().vitals(40).live.session.quiet_since is None


def test_a_symptom_that_comes_after_the_quiet_ends_it():
    chair = climbing().felt(35, "headache", "mild").gone(40, "headache").felt(50, "flushing", "mild")
    assert now(chair).quiet_since is None


def test_what_the_symptoms_say_of_the_body():
    chair = Chair().ready().started().felt(20, "breathless_or_wheeze").felt(21, "other", "mild", text="cold feet")
    assert now(chair).signs(chair.bedside) == {Sign.BREATHING, Sign.BRONCHOSPASM}


# ---- before the start


def test_symptoms_before_the_start_lock_nothing_cap_nothing_and_stay_seen():
    chair = Chair().ready().felt(-4, "rash_urticaria_itch", "severe").felt(-3, "breathless_or_wheeze", "severe")
    session = now(chair)
    assert (session.lock, session.cap_ml_per_h, session.episode, session.criteria) == (Lock.FREE, None, None, ())
    # They are there, and nothing that was infused has brought them.
    assert (session.reaction, session.worst_ever) == (Grade.SEVERE, None)


def test_signs_of_before_the_start_count_from_the_start_on():
    # Skin and wheeze at the start: from its first drop on, both sets of criteria hold.
    chair = Chair().ready().felt(-4, "rash_urticaria_itch", "moderate").felt(-3, "breathless_or_wheeze", "moderate")
    session = now(chair.started())
    assert session.lock is Lock.ANAPHYLAXIS
    assert {one.rule for one in session.criteria} == {"wao_2020", "niaid_faan_2006"}


def test_the_baseline_is_the_last_before_the_start_and_stays():
    chair = Chair().opened().checked().hung().vitals(-20, pulse_per_min=90).vitals(-5, pulse_per_min=80).started()
    chair.vitals(10, pulse_per_min=100)
    session = now(chair)
    assert session.baseline[VitalSign.PULSE] == 80
    assert session.latest[VitalSign.PULSE] == 100
    # 100 is 20 above 80: asked about.
    assert [one.code for one in session.met] == ["pulse_change_up"]


def test_a_second_start_moves_neither_the_start_nor_the_baseline():
    chair = Chair().ready().started().vitals(10, pulse_per_min=100).tell(11, "paused")
    chair.tell(20, "started", pump_ml_per_h=21)
    session = now(chair)
    assert session.started_at == chair.minute(0)
    assert session.baseline[VitalSign.PULSE] == 72


def test_before_the_start_a_rise_has_nothing_to_be_measured_against():
    # 36.8 then 37.9 before the start: a rise of 1.1, but no baseline is taken yet.
    assert Chair().ready().vitals(-4, temperature_c=37.9).live.session.met == ()


def test_a_whole_set_is_as_old_as_its_oldest_sign():
    chair = Chair().ready().tell(-2, "vitals", pulse_per_min=80)
    live = now(chair)
    wanted = chair.bedside.protocol.observing.set_of
    assert live.whole_set_at(wanted) == chair.minute(-5)
    assert live.whole_set_at([VitalSign.PULSE]) == chair.minute(-2)
    assert live.whole_set_at([VitalSign.PULSE, VitalSign.RESPIRATIONS]) is None
    assert live.whole_set_at([]) is None


# ---- rates


def test_a_rate_is_borne_when_somebody_looked_at_it_and_found_nothing():
    chair = climbing()
    assert now(chair).borne_ml_per_h == 21
    assert chair.vitals(40).live.session.borne_ml_per_h == 42
    # Slower afterwards: the highest stays.
    chair.tell(41, "rate_changed", pump_ml_per_h=10).vitals(45)
    assert now(chair).borne_ml_per_h == 42


def test_a_rate_is_not_borne_by_the_entry_that_says_a_symptom_has_gone():
    chair = climbing().felt(35, "headache", "mild").gone(50, "headache")
    assert now(chair).borne_ml_per_h == 21
    assert chair.vitals(55).live.session.borne_ml_per_h == 42


@pytest.mark.parametrize(
    ("watched", "rate", "cap"),
    [
        # Watched at 21 and reacting at 42: 21. Watched at 42 too: the step below where it began, 21.
        (30, 42, 21), (40, 42, 21),
        # Reacting at 84 with 21 watched: 21 is what was borne.
        (30, 84, 21),
    ],
)  # fmt: skip
def test_a_reaction_caps_at_what_was_borne_below_the_rate_where_it_began(watched, rate, cap):
    chair = climbing().vitals(watched)
    if rate == 84:
        chair = Chair().ready().started().vitals(30).tell(31, "rate_changed", pump_ml_per_h=84)
    assert chair.felt(45, "headache", "mild").live.session.cap_ml_per_h == cap


def test_a_reaction_at_a_rate_that_was_borne_at_a_step_in_between_caps_at_the_step_below():
    # 42 watched without a symptom; then 42 again for a while and a headache: the step below 42 is 21.
    chair = climbing().vitals(40).tell(60, "rate_changed", pump_ml_per_h=84).vitals(70).felt(80, "headache", "mild")
    assert now(chair).cap_ml_per_h == 42


def test_a_reaction_between_two_steps_caps_at_the_step_below_it_if_that_was_borne():
    # 60 mL/h lies between 42 and 84; watched at 60, so 42 is below it and borne.
    chair = climbing().vitals(40).tell(41, "rate_changed", pump_ml_per_h=60).vitals(45).felt(50, "headache", "mild")
    assert now(chair).cap_ml_per_h == 42


def test_a_reaction_at_the_first_step_leaves_nothing_that_was_borne():
    assert Chair().ready().started().vitals(20).felt(25, "headache", "mild").live.session.cap_ml_per_h == 0
    # Below the first step, watched there: the plan has no lower rate.
    slow = Chair().ready().started(pump_ml_per_h=10).vitals(20).felt(25, "headache", "mild")
    assert slow.live.session.cap_ml_per_h == 0


def test_a_reaction_while_paused_goes_by_the_rate_before_the_pause():
    chair = climbing().vitals(40).tell(41, "paused").felt(45, "headache", "mild")
    assert now(chair).cap_ml_per_h == 21


def test_a_worse_reaction_may_only_lower_the_cap():
    chair = climbing().vitals(40).tell(60, "rate_changed", pump_ml_per_h=84).vitals(70)
    chair.felt(80, "headache", "mild")
    assert now(chair).cap_ml_per_h == 42
    # Slowed to 21, and there it gets worse: nothing lower than 21 was borne.
    chair.tell(81, "rate_changed", pump_ml_per_h=42).felt(90, "headache", "moderate")
    assert now(chair).cap_ml_per_h == 21
    chair.tell(91, "rate_changed", pump_ml_per_h=336).felt(95, "headache", "severe")
    assert now(chair).cap_ml_per_h == 21


def test_the_same_grade_told_again_changes_no_cap_and_takes_back_no_agreement():
    chair = climbing().felt(35, "headache", "moderate")
    chair.tell(36, "prescriber_notified", who="Dr. Ada Test", said="yes", agrees_to_restart=True, lifts_cap=True)
    chair.felt(37, "headache", "mild").felt(38, "headache", "mild").vitals(39)
    session = now(chair)
    assert (session.cap_ml_per_h, session.agreed_at) == (None, chair.minute(36))
    assert session.episode is Grade.MODERATE


def test_a_worse_reaction_takes_the_agreement_back():
    chair = climbing().felt(35, "headache", "mild")
    chair.tell(36, "prescriber_notified", who="Dr. Ada Test", said="yes", agrees_to_restart=True)
    assert chair.felt(37, "headache", "moderate").live.session.agreed_at is None


def test_a_mild_reaction_after_a_worse_one_takes_nothing_away():
    chair = climbing().felt(35, "headache", "moderate").gone(40, "headache").felt(50, "flushing", "mild")
    session = now(chair)
    assert (session.episode, session.worst_ever) == (Grade.MODERATE, Grade.MODERATE)


def test_only_a_prescribers_word_agrees_or_lifts():
    chair = climbing().felt(35, "headache", "moderate")
    chair.tell(36, "prescriber_notified", who="Dr. Ada Test", said="watch her")
    session = now(chair)
    assert (session.notified_at, session.agreed_at, session.cap_ml_per_h) == (chair.minute(36), None, 21)
    chair.tell(37, "prescriber_notified", who="Dr. Ada Test", said="yes", agrees_to_restart=True)
    # A later call without that word does not take it back.
    chair.tell(38, "prescriber_notified", who="Dr. Ada Test", said="and oxygen")
    session = now(chair)
    assert (session.notified_at, session.agreed_at) == (chair.minute(38), chair.minute(37))


# ---- locks


def test_a_reaction_that_goes_on_through_a_restart_or_gets_no_worse_is_not_one_that_returned():
    chair = climbing().felt(35, "headache", "mild").tell(36, "paused").tell(40, "resumed", pump_ml_per_h=10)
    # Told again at the same grade: it never went.
    chair.felt(45, "headache", "mild")
    assert now(chair).lock is Lock.FREE
    assert chair.felt(50, "headache", "moderate").live.session.lock is Lock.RETURNED


def test_a_pause_without_a_reaction_and_a_first_reaction_after_it_lock_nothing():
    chair = climbing().vitals(40).tell(41, "paused").tell(50, "resumed", pump_ml_per_h=42).felt(60, "headache", "mild")
    session = now(chair)
    assert (session.lock, session.restarted) == (Lock.FREE, False)


def test_a_rate_that_is_changed_after_a_reaction_is_not_a_restart():
    chair = climbing().felt(35, "headache", "mild").tell(36, "rate_changed", pump_ml_per_h=21).gone(40, "headache")
    chair.felt(60, "headache", "mild")
    assert now(chair).lock is Lock.FREE


def test_a_pause_after_a_reaction_is_not_a_restart():
    chair = climbing().felt(35, "headache", "mild").tell(36, "paused")
    assert now(chair).restarted is False
    assert chair.tell(60, "resumed", pump_ml_per_h=10).live.session.restarted is True
    assert chair.tell(70, "paused").live.session.restarted is True


def test_a_lock_never_becomes_a_lesser_one_and_anaphylaxis_goes_over_all():
    chair = Chair().ready().started().felt(20, "headache", "severe")
    assert now(chair).lock is Lock.SEVERE
    chair.felt(21, "swollen_face_tongue_or_stridor")
    assert now(chair).lock is Lock.ANAPHYLAXIS
    chair.gone(30, "swollen_face_tongue_or_stridor").gone(31, "headache").felt(40, "headache", "severe")
    assert now(chair).lock is Lock.ANAPHYLAXIS


def test_treating_as_anaphylaxis_keeps_the_first_time_and_stops():
    chair = climbing().tell(40, "treated_as_anaphylaxis").tell(45, "treated_as_anaphylaxis")
    session = now(chair)
    assert (session.anaphylaxis_at, session.lock, session.phase) == (chair.minute(40), Lock.ANAPHYLAXIS, Phase.STOPPED)
    assert (session.ml_per_h, session.ended_at) == (0, chair.minute(40))


# ---- what is kept


def test_what_was_given_called_hung_and_left_is_kept_with_its_time():
    chair = climbing().tell(40, "medicine_given", medicine="paracetamol", route="by mouth", dose_mg=1000)
    chair.tell(41, "medicine_given", medicine="cetirizine", route="by mouth").tell(42, "emergency_called", number="911")
    chair.hung(43, lot="B").tell(44, "stopped_early", residual_ml=12.5)
    session = now(chair)
    assert [(at, one.medicine) for at, one in session.medicines] == [
        (chair.minute(40), "paracetamol"), (chair.minute(41), "cetirizine"),
    ]  # fmt: skip
    assert session.emergency_at == chair.minute(42)
    ((_, hanging),) = session.hanging
    assert (hanging.lot, session.residual_ml) == ("B", D("12.5"))
    assert chair.tell(45, "note", text="home").live.session.residual_ml == D("12.5")


def test_times_of_rates_pauses_and_ends():
    chair = climbing()
    assert (now(chair).rate_since, now(chair).paused_at) == (chair.minute(30), None)
    # The same rate told again does not begin anew.
    assert chair.tell(35, "rate_changed", pump_ml_per_h=42).live.session.rate_since == chair.minute(30)
    paused = now(chair.tell(40, "paused"))
    assert (paused.rate_since, paused.paused_at, paused.ran_before_pause, paused.ended_at) == (None, chair.minute(40), 42, None)  # fmt: skip
    again = now(chair.tell(50, "resumed", pump_ml_per_h=21))
    assert (again.rate_since, again.paused_at, again.ran_before_pause) == (chair.minute(50), None, 42)
    stopped = now(chair.tell(60, "stopped_early"))
    # Ten minutes of a step of thirty: it has stood still since 40.
    assert (stopped.phase, stopped.ended_at, stopped.paused_at, stopped.ran_before_pause) == (Phase.STOPPED, chair.minute(60), chair.minute(40), 21)  # fmt: skip


@pytest.mark.parametrize(("kind", "phase"), [("completed", Phase.COMPLETED), ("observation_ended", Phase.ENDED)])
def test_an_end_is_an_end_by_whatever_report(kind, phase):
    session = now(climbing().tell(60, kind))
    assert (session.phase, session.ended_at, session.ml_per_h) == (phase, Chair().minute(60), 0)


# ---- live


def test_telling_gives_the_session_back_and_asking_for_a_moment_gives_what_ran():
    chair = climbing()
    live = Live(chair.bedside)
    for at, event in chair.record.standing:
        assert live.tell(at, event) is live.session
        assert live.last == at
    moment: Any = live.moment(chair.minute(60))
    # Half an hour at 21 and half an hour at 42 mL/h; 30 g hang.
    assert (moment.given_ml, moment.hung_g, moment.now) == (Fraction(63, 2), 30, chair.minute(60))
    assert moment.session is live.session
    assert (Live(chair.bedside).session, Live(chair.bedside).last) == (Session(), None)


def test_a_correction_that_takes_a_reaction_back_keeps_the_lock_by_the_times_first_told():
    chair = climbing().tell(35, "symptom", key="s", symptom="headache", present=True, grade="mild").tell(36, "paused")
    chair.tell(37, "correction", corrects="s", because="another patient")
    # A mild reaction locks nothing; taken back, nothing is left of it.
    session = now(chair)
    assert (session.lock, session.symptoms, session.episode) == (Lock.FREE, {}, None)


def test_a_correction_that_makes_it_severe_locks_although_the_first_report_did_not():
    chair = climbing().tell(35, "symptom", key="s", symptom="headache", present=True, grade="mild")
    made = {"symptom": "headache", "present": True, "grade": "severe"}
    chair.tell(37, "correction", corrects="s", because="it was the worst of her life", instead=made)
    assert now(chair).lock is Lock.SEVERE


def test_a_correction_of_something_else_keeps_the_lock_that_is_there():
    chair = climbing().tell(35, "treated_as_anaphylaxis").tell(36, "note", key="n", text="x")
    chair.tell(37, "correction", corrects="n", because="a slip", instead={"text": "y"})
    assert now(chair).lock is Lock.ANAPHYLAXIS


# ---- limits of a site's own making


def site(**limits: object) -> Protocol:
    base = protocol().triggers["oxygen_low"]
    made = VitalTrigger.model_validate(
        {"sign": "pulse_per_min", "text": "ours", "src": base.src, "origin": base.origin, "read": base.read} | limits
    )
    return protocol().model_copy(update={"triggers": {"ours": made}})


@pytest.mark.parametrize(
    ("limits", "before", "now", "met"),
    [
        ({"above": 120}, 100, 120, False),
        ({"above": 120}, 100, 121, True),
        # Above it already before the start: only worse counts, and worse is higher.
        ({"above": 120}, 130, 130, False),
        ({"above": 120}, 130, 125, False),
        ({"above": 120}, 130, 131, True),
        ({"at_least": 120}, 130, 125, False),
        ({"at_least": 120}, 130, 131, True),
        ({"at_most": 50}, 45, 44, True),
        ({"at_most": 50}, 45, 46, False),
        ({"at_most": 50}, 51, 50, True),
        ({"below": 50}, 60, 50, False),
        ({"below": 50}, 60, 49, True),
        # Every part holds, or none counts.
        ({"at_least": 120, "rise_at_least": 20}, 105, 120, False),
        ({"at_least": 120, "rise_at_least": 20}, 100, 120, True),
        ({"at_least": 120, "rise_at_least": 20}, 90, 119, False),
        ({"at_least": 50, "at_most": 60}, 80, 55, True),
        ({"at_least": 50, "at_most": 60}, 80, 61, False),
        ({"fall_at_least": 20}, 80, 61, False),
        ({"fall_at_least": 20}, 80, 60, True),
        ({"fall_share_above": 0.25}, 80, 60, False),
        ({"fall_share_above": 0.25}, 80, 59, True),
        # Without a value of before, a change is not met, and a limit is.
        ({"rise_at_least": 20}, None, 200, False),
        ({"fall_at_least": 20}, None, 20, False),
        ({"fall_share_above": 0.25}, None, 20, False),
        ({"above": 120}, None, 121, True),
    ],
)  # fmt: skip
def test_each_part_of_a_limit(limits, before, now, met):
    baseline = {} if before is None else {VitalSign.PULSE: D(before)}
    found = triggers_met({VitalSign.PULSE: D(now)}, baseline, D(40), frozenset(), site(**limits))
    assert [(one.code, one.value) for one in found] == ([("ours", D(now))] if met else [])


@pytest.mark.parametrize(("age", "met"), [("1.9", False), ("2", True), ("9.9", True), ("10", False), (None, True)])
def test_a_limit_holds_from_one_age_to_below_another_and_without_an_age_always(age, met):
    limits = site(above=120, from_years=2, below_years=10)
    found = triggers_met({VitalSign.PULSE: D(121)}, {}, None if age is None else D(age), frozenset(), limits)
    assert bool(found) is met


def test_without_an_age_the_higher_limit_of_a_rising_one_is_taken():
    # 70 + 2 for each completed year, below 11 years: without an age 70 + 2 x 11 = 92.
    def codes(value: int) -> set[str]:
        return {one.code for one in triggers_met({VitalSign.SYSTOLIC: D(value)}, {}, None, frozenset(), protocol())}

    assert "systolic_low_child" in codes(91)
    assert "systolic_low_child" not in codes(92)
    # A limit without an upper age stands as printed.
    assert bool(triggers_met({VitalSign.PULSE: D(49)}, {}, None, frozenset(), site(below=50, below_plus_per_year=2)))
    assert not triggers_met({VitalSign.PULSE: D(50)}, {}, None, frozenset(), site(below=50, below_plus_per_year=2))


def test_one_limit_that_is_not_met_leaves_the_others_to_be_looked_at():
    # 92 % is low; the pulse, first in no table, has no value, and a fall of pressure needs signs of allergy.
    found = triggers_met(
        {VitalSign.SPO2: D(92), VitalSign.SYSTOLIC: D(115)},
        {VitalSign.SPO2: D(98), VitalSign.SYSTOLIC: D(145)}, D(40), frozenset(), protocol(),
    )  # fmt: skip
    assert {one.code for one in found} == {"oxygen_low", "oxygen_falling", "systolic_fall_20"}
    assert not low_pressure(found)


# ---- the criteria, each with its number and what it rests on


@pytest.mark.parametrize(
    ("signs", "low", "met"),
    [
        ({"skin", "breathing"}, False, {"wao_2020 1": ("skin", "breathing"), "niaid_faan_2006 1": ("skin", "breathing"), "niaid_faan_2006 2": ("skin", "breathing")}),
        ({"end_organ", "skin"}, False, {"wao_2020 1": ("skin", "end organs"), "niaid_faan_2006 1": ("skin", "end organs"), "niaid_faan_2006 2": ("skin", "end organs")}),
        ({"bronchospasm"}, False, {"wao_2020 2": ("bronchospasm",)}),
        ({"larynx"}, False, {"wao_2020 2": ("larynx",)}),
        (set(), True, {"wao_2020 2": ("low pressure",), "niaid_faan_2006 3": ("low pressure",)}),
        ({"gut"}, True, {"wao_2020 2": ("low pressure",), "niaid_faan_2006 2": ("low pressure", "gut"), "niaid_faan_2006 3": ("low pressure",)}),
        ({"skin", "gut_severe"}, False, {"wao_2020 1": ("skin", "severe gut symptoms"), "niaid_faan_2006 2": ("skin", "gut")}),
        # End organs and low pressure are one and the same row of the second criterion.
        ({"end_organ"}, True, {"wao_2020 2": ("low pressure",), "niaid_faan_2006 3": ("low pressure",)}),
    ],
)  # fmt: skip
def test_every_criterion_says_its_number_and_what_it_rests_on(signs, low, met):
    found = anaphylaxis(frozenset(Sign(one) for one in signs), low=low)
    assert {f"{one.rule} {one.number}": one.because for one in found} == met


def test_the_worst_of_some_grades():
    assert worst((Grade.MILD, None, Grade.SEVERE, Grade.MODERATE)) is Grade.SEVERE
    assert worst((None,)) is None
    assert worst(()) is None


def test_a_vital_sign_before_the_start_is_no_reaction():
    chair = Chair().ready().vitals(-4, spo2_percent=90)
    assert (now(chair).reaction, bool(now(chair).met)) == (None, True)
    assert replace(now(chair), started_at=chair.minute(0)).reaction is Grade.SEVERE


def test_a_childs_limits_are_those_of_the_childs_age_at_the_chair_too():
    # 8 years: below 70 + 2 x 8 = 86 mmHg. 88 after 95 is low for an adult, and for a child it is not.
    bed = at_chair(planned(product="gammagard_liquid", age_years=8, weight_kg=25, height_cm=127))
    chair = Chair(bedside=bed).opened().checked().hung().vitals(-5, systolic_mmhg=95, diastolic_mmhg=60).started()
    chair.vitals(10, systolic_mmhg=88, diastolic_mmhg=55)
    assert (now(chair).met, now(chair).lock) == ((), Lock.FREE)
    assert chair.vitals(20, systolic_mmhg=85, diastolic_mmhg=55).live.session.lock is Lock.ANAPHYLAXIS


# ---- since when, how bad, and a promise that ends


def test_a_symptom_without_a_nurses_grade_has_the_protocols_own():
    # Flushing is mild by the protocol; the middle is only for what the protocol does not know.
    seen = Chair().ready().started().felt(20, "flushing").live.session.symptoms["flushing"]
    assert (seen.grade, seen.graded_by_nurse) == (Grade.MILD, False)


def test_criteria_met_by_mild_parts_are_severe():
    # Skin and gut: the second criterion of NIAID/FAAN, two of four.
    found = (
        Chair()
        .ready()
        .started()
        .felt(20, "flushing", "mild")
        .felt(21, "nausea_vomiting_abdominal_pain", "mild")
        .live.session
    )
    assert [(one.rule, one.number) for one in found.criteria] == [("niaid_faan_2006", 2)]
    assert (found.reaction, found.worst_ever, found.lock) == (Grade.MILD, Grade.SEVERE, Lock.ANAPHYLAXIS)


def test_a_reaction_counts_from_when_it_reached_its_grade():
    chair = Chair().ready().started().felt(20, "headache", "mild")
    assert chair.live.session.reaction_since == chair.minute(20)
    chair.felt(25, "headache", "severe")
    assert chair.live.session.reaction_since == chair.minute(25)
    chair.felt(30, "headache", "severe").felt(35, "headache", "moderate")
    assert chair.live.session.reaction_since == chair.minute(25)


def test_a_promise_to_let_go_holds_while_nothing_gets_worse():
    chair = Chair().ready().started().felt(20, "headache", "mild").tell(21, "stopped_early")
    chair.tell(22, "prescriber_notified", who="Dr. B", said="home", lets_go=True).felt(25, "headache", "mild")
    assert chair.live.session.let_go_at == chair.minute(22)
    assert chair.felt(30, "headache", "severe").live.session.let_go_at is None


# ---- a correction never unlocks


def test_a_grade_that_was_written_by_a_correction_and_taken_back_still_locks():
    chair = Chair().ready().started().felt(20, "headache", "mild", key="h")
    worse = {"symptom": "headache", "present": True, "grade": "severe"}
    chair.tell(22, "correction", "c", corrects="h", because="asked again", instead=worse)
    assert chair.live.session.lock is Lock.SEVERE
    chair.tell(24, "correction", corrects="c", because="a slip")
    found = chair.live.session
    assert (found.reaction, found.lock) == (Grade.MILD, Lock.SEVERE)


@pytest.mark.parametrize("stands", [None, "mild", "severe"])
def test_what_was_once_treated_as_anaphylaxis_stays_the_gravest_lock(stands):
    chair = Chair().ready().started()
    chair = chair if stands is None else chair.felt(19, "headache", stands)
    chair.tell(20, "treated_as_anaphylaxis", "t").tell(25, "correction", corrects="t", because="pressed by mistake")
    found = chair.live.session
    assert (found.anaphylaxis_at, found.lock) == (None, Lock.ANAPHYLAXIS)


def test_a_swollen_site_takes_back_the_check_of_the_line_and_no_other():
    chair = Chair().ready().started()
    before = set(chair.live.session.checks)
    chair.felt(20, "site_swelling_or_pain", "mild")
    assert set(chair.live.session.checks) == before - {Check.ACCESS}
    chair.tell(25, "check_confirmed", check="access", ok=True).gone(30, "site_swelling_or_pain")
    assert set(chair.live.session.checks) == before
    assert set(chair.felt(35, "headache").live.session.checks) == before


def test_adrenaline_is_treating_it_as_anaphylaxis_from_then_on():
    chair = Chair().ready().started()
    chair.tell(20, "medicine_given", medicine="adrenaline", route="into the muscle", dose_mg=0.5)
    chair.tell(26, "medicine_given", medicine="adrenaline", route="into the muscle", dose_mg=0.5)
    found = chair.live.session
    assert (found.anaphylaxis_at, found.lock) == (chair.minute(20), Lock.ANAPHYLAXIS)


def test_only_a_word_that_lets_go_lets_go_and_a_later_call_takes_nothing_back():
    chair = Chair().ready().started().felt(20, "headache", "severe").tell(21, "stopped_early")
    chair.tell(22, "prescriber_notified", who="Dr. B", said="watch")
    assert chair.live.session.let_go_at is None
    chair.tell(60, "prescriber_notified", who="Dr. B", said="home", lets_go=True)
    chair.tell(70, "prescriber_notified", who="Dr. C", said="noted")
    assert chair.live.session.let_go_at == chair.minute(60)
