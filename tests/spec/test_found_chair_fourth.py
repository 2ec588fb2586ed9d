"""The chair attacked a fourth time: rates that were never permitted, short runs between pauses, readings, and medicines."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from ivigil.infusion.due import due, slow_due, stop_due_at
from ivigil.infusion.permission import Wish, may
from ivigil.infusion.rates import held, long_paused, most_ml_per_h, restart_ml_per_h
from ivigil.infusion.report import SessionReport, report
from ivigil.infusion.session import Session
from ivigil.infusion.workflow import Action, Lock
from tests.infusion.chair import Chair, at_chair, planned, protocol

# The ladder of the plan: 21, 42, 84, 168, 336 mL/h, held for 30, 30, 30, 30 minutes and 26 to the end; 30 g in 300 mL, 70 kg.
D = Decimal


def asked(chair: Chair, action: Action, minute: float, ml_per_h: float | None = None) -> set[str]:
    wish = Wish(action, None if ml_per_h is None else Fraction(str(ml_per_h)))
    return {one.code for one in may(wish, chair.live.moment(chair.minute(minute)))}


def broken(chair: Chair) -> list[tuple[str, tuple[str, ...], float | None]]:
    return [
        (one.action.value, one.codes, None if one.most_ml_per_h is None else float(one.most_ml_per_h))
        for one in chair.live.session.deviations
    ]


def dues(chair: Chair, kind: str) -> list[tuple[float, float | None]]:
    start = chair.minute(0)
    return [
        ((one.at - start) / timedelta(minutes=1), None if one.ml_per_h is None else float(one.ml_per_h))
        for one in due(chair.live.session, chair.bedside)
        if one.kind.value == kind
    ]


def told(chair: Chair) -> SessionReport:
    return report(chair.record, chair.bedside)


def at_42() -> Chair:
    return Chair().ready().started().vitals(29).tell(30, "rate_changed", pump_ml_per_h=42).vitals(44)


def at_84() -> Chair:
    """84 mL/h, watched; paused at minute 80."""
    chair = at_42().vitals(59).tell(60, "rate_changed", pump_ml_per_h=84).vitals(75)
    return chair.tell(80, "paused")


def set_to(chair: Chair, minute: float, rate: float) -> Chair:
    return chair.tell(minute, "rate_changed", pump_ml_per_h=rate)


# ---- a rate that was never permitted


def test_a_forbidden_rate_is_no_rate_to_go_on_at():
    chair = Chair().ready().started(pump_ml_per_h=336)
    assert broken(chair) == [("start", ("above-step",), 21)]
    assert dues(chair, "slow") == [(0, 21)]
    chair.tell(1, "paused")
    assert dues(chair, "restart") == [(1, 21)]
    assert asked(chair, Action.RESUME, 2, 336) == {"above-step"}
    assert asked(chair, Action.RESUME, 2, 21.1) == {"above-step"}
    assert asked(chair, Action.RESUME, 2, 21) == set()
    chair.tell(2, "resumed", pump_ml_per_h=336)
    assert dues(chair, "slow") == [(2, 21)]
    # Put right: the first step, and from there as always.
    assert dues(set_to(chair, 3, 21), "slow") == []
    assert chair.live.session.permitted_ml_per_h is None
    assert dues(chair, "rate_step") == [(33, 42)]


@pytest.mark.parametrize(("rate", "slow"), [(300, [(61, 84)]), (84.1, [(61, 84)]), (84, []), (42, [])])
def test_slowing_to_what_is_still_too_fast_earns_nothing(rate, slow):
    chair = set_to(set_to(at_42(), 60, 600), 61, rate)
    assert dues(chair, "slow") == slow
    # Nothing rises from there before it was slowed: the second raise is no better than the first.
    assert ("above-step" in asked(chair.vitals(62).vitals(77).vitals(91), Action.RAISE, 91)) == bool(slow)


def test_a_second_forbidden_raise_does_not_lift_the_first():
    chair = set_to(set_to(at_42(), 60, 168), 95, 336)
    assert [codes for _, codes, _ in broken(chair)] == [
        ("above-step",),
        ("vitals-overdue", "vitals-not-at-this-rate", "above-step"),
    ]
    assert [most for _, _, most in broken(chair)] == [84, 84]
    assert dues(chair, "slow") == [(95, 84)]


@pytest.mark.parametrize(
    ("minute", "rate", "most"),
    [
        # Held, and watched: the next step was permitted. Earlier nothing above the present rate was.
        (60, 600, 84),
        (60, 84.1, 84),
        (59.9, 84.1, 42),
        (60, 84, None),
        # One step too early stands as a deviation, and is not slowed.
        (59.9, 84, None),
    ],
)
def test_a_deviation_says_how_fast_was_permitted(minute, rate, most):
    chair = set_to(at_42(), minute, rate)
    assert [one[2] for one in broken(chair)] == ([] if (minute, rate) == (60, 84) else [most])
    assert chair.live.session.permitted_ml_per_h == most


def test_steps_in_a_hurry_are_too_fast_from_the_second_on():
    chair = Chair().ready().started().vitals(0.5)
    set_to(chair, 1, 42).vitals(1.5)
    assert (broken(chair), dues(chair, "slow")) == ([("raise", ("too-early",), None)], [])
    assert asked(chair, Action.RAISE, 2, 84) == {"too-early", "above-step"}
    set_to(chair, 2, 84).vitals(2.5)
    assert broken(chair)[1] == ("raise", ("too-early", "above-step"), 42)
    assert dues(chair, "slow") == [(2, 42)]
    # A pause, or the rate below, is no way around the time at it.
    paused = set_to(Chair().ready().started(), 1, 42).tell(2, "paused").tell(3, "resumed", pump_ml_per_h=42).vitals(4)
    assert asked(paused, Action.RAISE, 32.9, 84) >= {"too-early", "above-step"}
    assert asked(paused.vitals(18), Action.RAISE, 33, 84) == set()


def test_what_runs_is_not_resumed_to_more():
    # At the first rate after a long pause; what ran before it is no rate to resume to while it runs.
    chair = at_84().vitals(300).tell(301, "resumed", pump_ml_per_h=21).tell(302, "resumed", pump_ml_per_h=84)
    assert broken(chair) == [("resume", ("not-paused", "above-step"), 21)]
    assert dues(chair, "slow") == [(302, 21)]
    # The same rate told again is only told again.
    again = at_84().vitals(300).tell(301, "resumed", pump_ml_per_h=21).tell(302, "resumed", pump_ml_per_h=21)
    assert broken(again) == [("resume", ("not-paused",), None)]
    assert dues(again, "slow") == []


def test_after_its_time_a_step_that_came_early_is_a_step_as_any():
    chair = set_to(Chair().ready().started(), 1, 42).vitals(15).vitals(30)
    assert asked(chair, Action.RAISE, 30.9, 84) == {"too-early", "above-step"}
    assert asked(chair, Action.RAISE, 31, 84) == set()
    assert set_to(chair, 31, 84).live.session.hurried is False


@pytest.mark.parametrize(
    ("changes", "action", "most"),
    [
        ({}, Action.START, 21),
        ({"ml_per_h": Fraction(42)}, Action.RAISE, 84),
        ({"ml_per_h": Fraction(336)}, Action.RAISE, 336),
        ({"ml_per_h": Fraction(42), "permitted_ml_per_h": Fraction(30)}, Action.RAISE, 30),
        ({"ml_per_h": Fraction(42), "hurried": True}, Action.RAISE, 42),
        ({"ml_per_h": Fraction(42), "cap_ml_per_h": Fraction(50)}, Action.RAISE, 50),
        ({"ran_before_pause": Fraction(84), "permitted_ml_per_h": Fraction(30), "hurried": True}, Action.RESUME, 84),
        ({"ran_before_pause": Fraction(84), "cap_ml_per_h": Fraction(50)}, Action.RESUME, 50),
        ({"ran_before_pause": Fraction(84), "lock": Lock.SEVERE}, Action.RESUME, 0),
        # What runs is not resumed to more.
        ({"ml_per_h": Fraction(21), "ran_before_pause": Fraction(84)}, Action.RESUME, 21),
        (
            {"ml_per_h": Fraction(42), "permitted_ml_per_h": Fraction(30), "ran_before_pause": Fraction(84)},
            Action.RESUME,
            30,
        ),
        # Nor started to more than the first step.
        ({"ml_per_h": Fraction(42), "permitted_ml_per_h": Fraction(30)}, Action.START, 21),
        # The report of the start was lost: it begins where every infusion begins.
        ({}, Action.RESUME, 21),
    ],
)
def test_the_most_that_may_be_set(changes, action, most):
    made = at_chair()
    assert most_ml_per_h(action, replace(Session(), **changes), made, made.infusion.starts_at) == most


@pytest.mark.parametrize(("minutes", "over"), [(29.9, False), (30, True)])
def test_a_rate_is_held_from_its_minute_on(minutes, over):
    made = at_chair()
    session = Session(ml_per_h=Fraction(42), rate_since=made.infusion.starts_at)
    assert held(session, made, made.infusion.starts_at + timedelta(minutes=minutes)) is over
    assert held(Session(), made, made.infusion.starts_at) is False


# ---- and is not borne


def test_what_was_set_too_fast_is_not_borne_and_not_gone_back_to():
    chair = Chair().ready().started(pump_ml_per_h=336).tell(1, "vitals", pulse_per_min=70)
    assert chair.live.session.borne_ml_per_h == 21
    # 21 mL/h for 70 kg.
    learned = told(chair).learned
    assert learned is not None
    assert learned.rate_borne_ml_per_kg_h == D("0.3")
    chair.felt(2, "headache", "mild").tell(3, "paused").gone(4, "headache")
    # 168 never ran. Half of 21 is 10.5.
    assert chair.live.session.cap_ml_per_h == 21
    assert dues(chair, "restart") == [(34, 10.5)]


def test_where_it_runs_as_permitted_nothing_is_taken_from_it():
    assert at_84().live.session.borne_ml_per_h == 84
    assert at_84().live.session.ran_before_pause == 84


def test_an_infusion_that_nobody_watched_does_not_count_toward_home():
    for chair, counts in (
        (Chair().ready().started(), 0),
        (Chair().ready().started().tell(10, "vitals", pulse_per_min=70), 1),
        (Chair().ready().started(pump_ml_per_h=1).tell(10, "vitals", pulse_per_min=70), 1),
    ):
        # 300 mL take 857 minutes at 21 mL/h, and 18000 at 1 mL/h.
        learned = told(chair.tell(860 if chair.live.session.ml_per_h > 1 else 18000, "completed")).learned
        assert learned is not None
        assert learned.uneventful_supervised_infusions == counts


# ---- pauses with a short run between


@pytest.mark.parametrize(
    ("again", "codes"),
    [
        # Paused at 80, on at 135: a minute, or anything below half an hour, is no whole hold of 84 mL/h.
        (136, {"above-first-after-pause"}),
        (164.9, {"above-first-after-pause"}),
        (165, set()),
    ],
)
def test_pauses_without_a_whole_hold_between_them_are_one(again, codes):
    chair = at_84().tell(135, "resumed", pump_ml_per_h=84).vitals(135.5).vitals(150).tell(again, "paused")
    chair.vitals(again + 1).vitals(again + 15).vitals(again + 29)
    assert asked(chair, Action.RESUME, again + 30, 84) == codes
    assert asked(chair, Action.RESUME, again + 30, 21) == set()
    first = chair.minute(80) if codes else chair.minute(again)
    assert chair.live.session.paused_at == first


def test_from_the_first_of_them_the_hour_counts_to_its_minute():
    chair = at_84().tell(100, "resumed", pump_ml_per_h=84).tell(101, "paused").vitals(130)
    assert asked(chair, Action.RESUME, 139.9, 84) == set()
    assert asked(chair, Action.RESUME, 140, 84) == {"above-first-after-pause"}
    assert dues(chair, "restart") == [(80, 84), (140, 21)]
    # A third, and another rate between: still the same pause.
    chair.tell(131, "resumed", pump_ml_per_h=84).tell(132, "rate_changed", pump_ml_per_h=42).tell(133, "paused")
    assert chair.live.session.paused_at == chair.minute(80)
    # Running it counts no more; the first run of an infusion has no pause before it.
    assert chair.tell(139, "resumed", pump_ml_per_h=42).live.session.paused_at is None
    assert chair.live.session.last_pause == (chair.minute(80), chair.minute(139))
    assert Chair().ready().started().live.session.last_pause is None


def test_the_whole_hold_of_the_top_is_that_of_the_steps_below():
    made = at_chair()
    long = replace(
        made,
        infusion=made.infusion.model_copy(
            update={"steps": (*made.steps[:-1], made.steps[-1].model_copy(update={"duration_min": 300}))}
        ),
    )
    assert long.hold(Fraction(336)) == timedelta(minutes=300)
    assert long.whole_hold(Fraction(336)) == timedelta(minutes=30)
    assert long.whole_hold(Fraction(84)) == timedelta(minutes=30)
    # 26 minutes to the end are not made longer.
    assert made.whole_hold(Fraction(336)) == timedelta(minutes=26)
    only = replace(made, infusion=made.infusion.model_copy(update={"steps": made.steps[-1:]}))
    assert only.whole_hold(Fraction(336)) == timedelta(minutes=26)


@pytest.mark.parametrize(("minutes", "long"), [(59.9, False), (60, True)])
def test_what_was_ended_instead_of_paused_has_stood_still_as_long(minutes, long):
    made = at_chair()
    begun = made.infusion.starts_at
    for session in (Session(paused_at=begun), Session(ended_at=begun)):
        assert long_paused(session, made, begun + timedelta(minutes=minutes)) is long
    assert long_paused(Session(), made, begun) is False
    chair = at_42().tell(46, "stopped_early").tell(46 + minutes, "resumed", pump_ml_per_h=42)
    assert ("above-first-after-pause" in broken(chair)[0][1]) is long
    assert dues(chair, "slow") == ([(106, 21)] if long else [])


def test_a_resumption_before_any_start_begins_at_the_first_step():
    made = at_chair()
    assert restart_ml_per_h(Session(), made, made.infusion.starts_at) == 21
    chair = Chair().ready().tell(0, "resumed", pump_ml_per_h=42)
    assert broken(chair) == [("resume", ("not-paused", "above-step"), 21)]
    assert broken(Chair().ready().tell(0, "resumed", pump_ml_per_h=21)) == [("resume", ("not-paused",), None)]


# ---- the pump says something else


def read(chair: Chair, minute: float, rate: float) -> Chair:
    return chair.tell(minute, "check_confirmed", check="pump_read_back", ok=True, pump_ml_per_h=rate)


def test_another_rate_told_does_not_answer_a_pump_that_reads_faster():
    chair = read(at_42(), 46, 420)
    for rate, since in ((41.9, chair.minute(46)), (84, chair.minute(46)), (419.9, chair.minute(46)), (420, None)):
        again = set_to(read(at_42(), 46, 420), 47, rate)
        assert stop_due_at(again.live.session, again.bedside) == since
    # Nor does a pause: it is read back before it goes on.
    paused = read(at_42(), 46, 420).tell(47, "paused")
    assert asked(paused, Action.RESUME, 48, 42) == {"check-failed"}
    assert asked(read(paused, 48, 42), Action.RESUME, 49, 42) == set()


@pytest.mark.parametrize(("rate", "codes"), [(42, set()), (42.1, {"check-failed"}), (420, {"check-failed"})])
def test_while_it_stands_still_it_may_read_what_ran_before(rate, codes):
    chair = read(at_42().tell(46, "paused"), 47, rate)
    assert asked(chair, Action.RESUME, 48, 42) == codes
    chair.tell(48, "resumed", pump_ml_per_h=42)
    # It stood still at 47, and should have at 48.
    assert stop_due_at(chair.live.session, chair.bedside) == (chair.minute(48) if codes else None)


@pytest.mark.parametrize(("rate", "since"), [(21, None), (21.1, 0), (336, 0)])
def test_a_pump_read_back_too_fast_before_the_start_is_due_to_stop_from_the_start_on(rate, since):
    chair = Chair().opened().checked(pump_read_back={"ok": True, "pump_ml_per_h": rate}).hung().vitals(-5)
    assert asked(chair, Action.START, 0) == (set() if since is None else {"check-failed"})
    chair.started()
    assert stop_due_at(chair.live.session, chair.bedside) == (None if since is None else chair.minute(0))


# ---- it came back, or something else came


def test_another_symptom_after_going_on_against_the_rule_ends_it():
    chair = at_42().felt(50, "headache", "mild").tell(50, "paused").tell(60, "resumed", pump_ml_per_h=21)
    assert chair.live.session.lock is Lock.FREE
    # The same again says nothing new; another one does.
    assert chair.felt(61, "headache", "mild").live.session.lock is Lock.FREE
    assert chair.felt(62, "flushing", "mild").live.session.lock is Lock.RETURNED


def test_a_limit_that_was_lifted_for_one_symptom_was_not_lifted_for_another():
    chair = at_42().felt(50, "headache", "mild").tell(51, "rate_changed", pump_ml_per_h=21)
    chair.tell(52, "prescriber_notified", who="Dr. Ada Test", said="go on", lifts_cap=True)
    assert chair.felt(52.5, "headache", "mild").live.session.cap_ml_per_h is None
    chair.felt(53, "flushing", "mild")
    # It came at the first step: nothing was borne.
    assert chair.live.session.cap_ml_per_h == 0
    assert dues(chair, "slow") == [(53, 0)]
    # Not lifted, a second symptom takes nothing more.
    kept = at_42().felt(50, "headache", "mild").tell(51, "rate_changed", pump_ml_per_h=21).felt(53, "flushing", "mild")
    assert kept.live.session.cap_ml_per_h == 21


FACE = "swollen_face_tongue_or_stridor"


def adrenaline(chair: Chair, minute: float, **more: Any) -> Chair:
    given: dict[str, Any] = {"medicine": "adrenaline", "route": "im", "dose_mg": 0.5}
    return chair.tell(minute, "medicine_given", **(given | more))


def adrenaline_dues(chair: Chair) -> list[tuple[str, float]]:
    found = [one for one in due(chair.live.session, chair.bedside) if one.kind.value.startswith("adrenaline")]
    return [(one.kind.value, (one.at - chair.minute(0)) / timedelta(minutes=1)) for one in found]


def test_anaphylaxis_that_comes_back_has_a_first_dose_of_its_own():
    chair = adrenaline(at_42().felt(50, FACE), 51).gone(60, FACE)
    assert adrenaline_dues(chair) == []
    chair.felt(120, FACE)
    assert adrenaline_dues(chair) == [("adrenaline", 120)]
    # Given before it was written down that it came back, and after it had gone, it is its first.
    assert adrenaline_dues(adrenaline(adrenaline(at_42().felt(50, FACE), 51).gone(60, FACE), 60).felt(61, FACE)) == [
        ("adrenaline_again", 65)
    ]
    never = [(one.due_at, one.taken_at) for one in told(chair.vitals(126)).missed if one.what == "adrenaline"]
    assert never == [(chair.minute(120), None)]
    assert adrenaline_dues(adrenaline(chair, 127)) == [("adrenaline_again", 132)]
    # Worse since, it is still the one that came back.
    worse = adrenaline(at_42().felt(50, FACE), 51).gone(60, FACE).felt(120, FACE).felt(121, "collapse")
    assert worse.live.session.quiet_before == worse.minute(60)
    assert adrenaline_dues(worse) == [("adrenaline", 121)]
    # A headache that follows is no anaphylaxis that came back.
    mild = adrenaline(at_42().felt(50, FACE), 51).gone(60, FACE).felt(120, "headache", "mild")
    assert adrenaline_dues(mild) == [("adrenaline_again", 56)]
    # A collapse is, without any criterion.
    fell = adrenaline(at_42().felt(50, FACE), 51).gone(60, FACE).felt(120, "collapse")
    assert adrenaline_dues(fell) == [("adrenaline", 120)]


# ---- medicines


def alarms(chair: Chair, *codes: str) -> list[str]:
    wanted = codes or ("dose_above_protocol", "dose_below_protocol", "other_route", "route_unknown", "again_too_soon")
    return [one.text for one in told(chair).alarms if one.code in wanted]


def given(medicine: str, dose_mg: float | None, route: str = "by mouth", chair: Chair | None = None) -> Chair:
    more: dict[str, Any] = {} if dose_mg is None else {"dose_mg": dose_mg}
    return (chair or at_42()).tell(50, "medicine_given", medicine=medicine, route=route, **more)


@pytest.mark.parametrize(
    ("medicine", "mg", "most"),
    [
        ("acetaminophen", 4000, 1000),
        ("Paracetamol 500 mg tablets", 4000, 1000),
        ("IV diphenhydramine", 500, 50),
        ("Cetirizine", 10.1, 10),
        ("Cetirizine", 10, None),
        ("noradrenaline", 50, None),
        ("para", 4000, None),
    ],
)
def test_a_dose_is_compared_by_whatever_name_it_was_given(medicine, mg, most):
    text = [] if most is None else [f"{medicine} {mg} mg; by the protocol at most {most} mg at once."]
    assert alarms(given(medicine, mg)) == text


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("adrenaline", "adrenaline"),
        ("EpiPen", "adrenaline"),
        ("iv_fluid", "iv_fluid"),
        ("Crystalloid fluid 500 mL", "iv_fluid"),
        ("crystalloid", None),
        ("", None),
    ],
)
def test_the_protocols_word_for_a_medicine(name, word):
    assert protocol().medicine_called(name) == word


@pytest.mark.parametrize(("mg", "least"), [(0.05, "0.3"), (0.29, "0.3"), (0.3, None), (0.5, None)])
def test_too_little_adrenaline_is_asked_about(mg, least):
    # 70 kg: 0.5 mg, and the pen of an adult holds 0.3 mg.
    text = [] if least is None else [f"adrenaline {mg} mg; by the protocol at least {least} mg."]
    assert alarms(adrenaline(at_42(), 50, dose_mg=mg)) == text
    assert alarms(given("paracetamol", 1)) == []


@pytest.mark.parametrize(
    ("kg", "years", "region", "least", "most"),
    [
        # By weight: 0.01 mg/kg, a child at most 0.3 mg; the pen of 0.15 mg below 30 kg, 0.3 mg from there.
        ("29.9", "8", "US", "0.15", "0.29"),
        ("30", "8", "US", "0.3", "0.3"),
        ("60", "11.99", "US", "0.3", "0.3"),
        ("60", "12", "US", "0.3", "0.5"),
        ("2.9", "0.1", "US", "0.029", "0.15"),
        # By age.
        ("7", "0.49", "UK", "0.1", "0.15"),
        ("7", "0.5", "UK", "0.15", "0.15"),
        ("20", "5.99", "UK", "0.15", "0.15"),
        ("20", "6", "UK", "0.15", "0.3"),
        ("40", "11.99", "UK", "0.3", "0.3"),
        ("40", "12", "UK", "0.3", "0.5"),
    ],
)
def test_adrenaline_at_the_edges_of_its_bands(kg, years, region, least, most):
    made = at_chair()
    ordered = made.ordered.model_copy(update={"weight_kg": D(kg), "age_years": D(years), "region": region})
    chair = Chair(replace(made, ordered=ordered)).opened()
    step = D("0.001")
    for mg, texts in (
        (D(least) - step, [f"adrenaline {D(least) - step} mg; by the protocol at least {least} mg."]),
        (D(least), []),
        (D(most), []),
        (D(most) + step, [f"adrenaline {D(most) + step} mg; by the protocol at most {most} mg at once."]),
    ):
        told_so = Chair(chair.bedside, list(chair.raws)).tell(
            -10, "medicine_given", medicine="adrenaline", route="im", dose_mg=float(mg)
        )
        assert alarms(told_so) == texts


@pytest.mark.parametrize("route", ["im", "IM", "i.m.", "Into the muscle", "intramuscular, thigh"])
def test_adrenaline_into_the_muscle_is_nothing_to_ask_about(route):
    assert alarms(adrenaline(at_42(), 50, route=route)) == []


@pytest.mark.parametrize(
    "route", ["sc", "S.C.", "under the skin", "iv", "by vein", "nebulised", "im or iv", "by mouth"]
)
def test_adrenaline_by_another_route_is_alarmed(route):
    found = [one for one in told(adrenaline(at_42(), 50, route=route)).alarms if one.code == "other_route"]
    text = f"adrenaline by the route {route!r}. {protocol().adrenaline.route.text}"
    ours = protocol().adrenaline.route.src
    assert [(one.text, one.grade, one.policy, one.sources) for one in found] == [(text, None, False, ours)]


def test_a_route_that_the_protocol_has_no_word_for_is_asked_about():
    assert alarms(adrenaline(at_42(), 50, route="left")) == [
        "adrenaline by the route 'left', which the protocol has no word for: which was it? "
        "Into the muscle of the outer thigh. Never under the skin; by vein only in expert hands."
    ]
    # Only adrenaline has words for its route.
    assert alarms(given("paracetamol", 650, route="left")) == []
    # A site's protocol without the words asks nothing.
    made = at_chair()
    ours = made.protocol.adrenaline
    silent = ours.model_copy(update={"route": ours.route.model_copy(update={"words": ()})})
    chair = Chair(replace(made, protocol=made.protocol.model_copy(update={"adrenaline": silent}))).ready()
    assert alarms(adrenaline(chair, -1, route="sc")) == []


@pytest.mark.parametrize(
    ("first", "then", "after", "text"),
    [
        # Every 6 hours; adrenaline after 5 minutes, by whatever name.
        ("diphenhydramine", "Diphenhydramine 25 mg", 359.9, "again after 359 min; by the protocol after 360 min."),
        ("diphenhydramine", "diphenhydramine", 360, None),
        ("adrenaline", "EpiPen", 4.9, "again after 4 min; by the protocol after 5 min."),
        ("adrenaline", "EpiPen", 5, None),
        ("diphenhydramine", "cetirizine", 1, None),
        # No source prints how often.
        ("paracetamol", "paracetamol", 1, None),
        ("a medicine of the ward", "a medicine of the ward", 1, None),
    ],
)
def test_a_medicine_that_comes_again_too_soon_is_alarmed(first, then, after, text):
    chair = given(first, None, route="im").tell(50 + after, "medicine_given", medicine=then, route="im")
    assert alarms(chair) == ([] if text is None else [f"{then} {text}"])


def test_the_last_dose_counts_and_the_source_is_told():
    chair = given("diphenhydramine", 25).tell(410, "medicine_given", medicine="diphenhydramine", route="im")
    assert alarms(chair) == []
    chair.tell(430, "medicine_given", medicine="diphenhydramine", route="im")
    (one,) = [one for one in told(chair).alarms if one.code == "again_too_soon"]
    assert one.text == "diphenhydramine again after 20 min; by the protocol after 360 min."
    assert one.sources == protocol().medicines["diphenhydramine"].src
    assert chair.live.session.medicines[-1][1].medicine == "diphenhydramine"


def test_the_plan_of_these_tests_is_the_one_that_is_counted_with():
    assert [float(rate) for rate in at_chair(planned()).rates_ml_per_h] == [21, 42, 84, 168, 336]


@pytest.mark.parametrize(
    ("changes", "slow"),
    [
        ({"ml_per_h": 400}, (0, 336)),
        ({"ml_per_h": 336}, None),
        ({"ml_per_h": 84, "permitted_ml_per_h": 42}, (0, 42)),
        # The reaction came later, and made less of it: by what was set it was too fast before.
        ({"ml_per_h": 84, "permitted_ml_per_h": 42, "cap_ml_per_h": 21, "reaction_since": 10}, (0, 21)),
        ({"ml_per_h": 84, "cap_ml_per_h": 42, "reaction_since": 10}, (10, 42)),
        ({"ml_per_h": 84, "cap_ml_per_h": 42, "reaction_since": -10}, (0, 42)),
        ({"ml_per_h": 84, "cap_ml_per_h": 42}, (0, 42)),
        ({"ml_per_h": 84, "cap_ml_per_h": 84}, None),
        ({"ml_per_h": 84, "permitted_ml_per_h": 42, "cap_ml_per_h": 60}, (0, 42)),
    ],
)
def test_since_when_and_to_what_it_is_due_to_slow(changes, slow):
    made = at_chair()
    begun = made.infusion.starts_at
    rates: dict[str, Any] = {name: Fraction(value) for name, value in changes.items() if name != "reaction_since"}
    since = None if "reaction_since" not in changes else begun + timedelta(minutes=changes["reaction_since"])
    found = slow_due(replace(Session(rate_since=begun, reaction_since=since), **rates), made)
    assert (None if found is None else ((found.at - begun) / timedelta(minutes=1), found.ml_per_h)) == slow
    assert slow_due(Session(ml_per_h=Fraction(400)), made) is None
