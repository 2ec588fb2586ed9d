"""The chair attacked a third time: pauses, what is no slowing, who signed, the day, the place, and slips."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from ivigil.documents import chair as words
from ivigil.infusion import lookup
from ivigil.infusion.due import due, stop_due_at
from ivigil.infusion.pack import Pack, as_json, make_pack
from ivigil.infusion.permission import Wish, may
from ivigil.infusion.report import report
from ivigil.infusion.response import advice, most_at_once
from ivigil.infusion.session import Session
from ivigil.infusion.site_protocol import looser
from ivigil.infusion.workflow import Action
from ivigil.prescription.plan import Signature
from ivigil.sources import cite
from tests.infusion.chair import Chair, at_chair, planned, protocol
from tests.planning import opened

# The ladder of the plan: 21, 42, 84, 168, 336 mL/h, each step held for 30 minutes; 30 g in 300 mL.


def asked(chair: Chair, action: Action, minute: float, ml_per_h: float | None = None) -> set[str]:
    wish = Wish(action, None if ml_per_h is None else Fraction(str(ml_per_h)))
    return {one.code for one in may(wish, chair.live.moment(chair.minute(minute)))}


def restarts(chair: Chair) -> list[tuple[float, float | None]]:
    start = chair.minute(0)
    found = due(chair.live.session, chair.bedside)
    of_it = [(one.at, one.ml_per_h) for one in found if one.kind.value == "restart"]
    return [((at - start) / timedelta(minutes=1), None if rate is None else float(rate)) for at, rate in of_it]


def broken(chair: Chair) -> list[tuple[str, tuple[str, ...]]]:
    return [(one.action.value, one.codes) for one in chair.live.session.deviations]


def pack(number: int = 1) -> Pack:
    made = planned("cidp", "loading") if number > 1 else planned()
    bedside = at_chair(made, number=number)
    signed = Signature(plan_id=made.plan_id, by="Dr. Ada Test", role="prescriber", at=made.infusions[0].starts_at)
    return make_pack(bedside, signed, made.infusions[0].starts_at, lambda name: cite(opened().source(name)))


def held(number: int = 1) -> Any:
    return json.loads(as_json(pack(number)))


def at_84() -> Chair:
    """84 mL/h, watched; paused at minute 80."""
    chair = Chair().ready().started().vitals(29).tell(30, "rate_changed", pump_ml_per_h=42).vitals(59)
    return chair.tell(60, "rate_changed", pump_ml_per_h=84).vitals(75).tell(80, "paused")


# ---- a long pause


def test_the_length_of_a_long_pause_is_policy_and_says_that_no_source_settles_it():
    ours = protocol().long_pause
    assert (ours.min, ours.origin.value, ours.src) == (60, "policy", ("policy/ivigil",))
    assert ours.note.startswith("No source read says")


def test_after_a_long_pause_it_goes_on_at_the_first_rate():
    # Paused at 80: at 139 it has stood still for 59 minutes, at 140 for an hour.
    chair = at_84().vitals(139)
    assert asked(chair, Action.RESUME, 139, 84) == set()
    assert asked(chair, Action.RESUME, 140, 84) == {"above-first-after-pause"}
    assert asked(chair, Action.RESUME, 140, 21.1) == {"above-first-after-pause"}
    assert asked(chair, Action.RESUME, 140, 21) == set()
    assert asked(chair, Action.RESUME, 140) == set()
    assert asked(chair, Action.RESUME, 140, 400) == {"above-maximum"}


def test_from_the_first_rate_it_climbs_by_the_steps_of_the_plan():
    chair = at_84().vitals(300).tell(301, "resumed", pump_ml_per_h=21).vitals(316)
    assert broken(chair) == []
    assert asked(chair, Action.RAISE, 316) == {"too-early"}
    assert asked(chair.vitals(331), Action.RAISE, 331, 84) == {"above-step"}
    assert asked(chair, Action.RAISE, 331, 42) == set()
    # What was borne before the pause is no way around it: a short second pause does not bring it back.
    assert asked(chair.tell(332, "paused"), Action.RESUME, 333, 84) == {"above-step"}


def test_what_was_resumed_faster_is_recorded_and_a_deviation():
    chair = at_84().vitals(300).tell(301, "resumed", pump_ml_per_h=84)
    assert broken(chair) == [("resume", ("above-first-after-pause",))]
    assert chair.live.session.ml_per_h == 84
    (one,) = report(chair.record, chair.bedside).deviations
    assert one.reasons == ("After a pause this long it goes on at the first rate of the plan.",)


def test_the_restart_that_is_due_changes_after_a_long_pause():
    assert restarts(at_84()) == [(80, 84), (140, 21)]
    # At the first rate there is nothing slower to change to.
    assert restarts(Chair().ready().started().vitals(14).tell(20, "paused")) == [(20, 21)]


def test_after_a_reaction_the_lower_of_both_counts():
    # 84 ran, 42 was borne: half an hour after the last symptom it may go on at 42, an hour after the pause at 21.
    chair = Chair().ready().started().vitals(29).tell(30, "rate_changed", pump_ml_per_h=42).vitals(59)
    chair.tell(60, "rate_changed", pump_ml_per_h=84).felt(61, "headache", "mild").tell(62, "paused")
    assert restarts(chair.gone(70, "headache")) == [(100, 42), (122, 21)]
    chair.vitals(119)
    assert asked(chair, Action.RESUME, 121, 42) == set()
    assert asked(chair, Action.RESUME, 122, 42) == {"above-first-after-pause"}
    # It came at the first rate: nothing was borne, and a long pause makes nothing of it.
    low = Chair().ready().started().vitals(10).felt(12, "headache", "mild").tell(12, "paused").gone(20, "headache")
    assert restarts(low) == []
    assert asked(low.vitals(80), Action.RESUME, 90, 21) == {"above-cap"}


def test_the_pack_and_its_page_say_the_same():
    made = held()
    assert made["long_pause"] == {"min": 60, "policy": True, "sources": ["policy/ivigil"]}
    assert [lookup.restart_rate(made, None, 84, 0, minutes) for minutes in (0, 59.9, 60, 600)] == [84, 84, 21, 21]
    assert [lookup.restart_rate(made, "mild", 84, 42, minutes) for minutes in (30, 60)] == [42, 21]
    # A rate below the first step stays below it: half of 21 mL/h is 10.5.
    assert [lookup.restart_rate(made, "mild", 21, 21, minutes) for minutes in (30, 60)] == [10.5, 10.5]
    assert lookup.restart_rate(made, "severe", 84, 42, 60) is None
    assert lookup.restart_rate(made, None, 85, 0, 60) == "call"
    assert words.long_pause(pack()) == (
        "After 60 min at rest, runs shorter than a hold included, go on no faster than 21 mL/h and climb from there (policy)."
    )


@pytest.mark.parametrize(("minutes", "rules"), [(45, []), (61, ["The shipped protocol says 60; more is looser."])])
def test_a_site_may_shorten_a_long_pause_and_not_lengthen_it(minutes, rules):
    ours = protocol()
    site = ours.model_copy(update={"long_pause": ours.long_pause.model_copy(update={"min": minutes})})
    assert [one.rule for one in looser(site, ours)] == rules


# ---- what is no slowing


@pytest.mark.parametrize(("rate", "codes"), [(20.9, set()), (42, {"not-slower"}), (84, {"not-slower"}), (None, set())])
def test_slowing_to_a_rate_that_is_not_lower_is_not_slowing(rate, codes):
    chair = Chair().ready().started().vitals(29).tell(30, "rate_changed", pump_ml_per_h=42)
    assert asked(chair, Action.SLOW, 31, rate) == codes


def test_a_pump_that_stands_still_is_not_slowed_to_a_rate():
    assert asked(at_84(), Action.SLOW, 81, 21) == {"not-slower"}
    assert asked(at_84(), Action.SLOW, 81) == set()


# ---- who signed


@pytest.mark.parametrize("role", ["doctor", "nurse", "Prescriber", "physician"])
def test_a_session_opened_by_a_signature_that_may_not_stand_does_not_start(role):
    chair = Chair().opened(signed_role=role).checked().vitals(-5)
    assert asked(chair, Action.HANG, -4) >= {"plan-not-signed"}
    assert asked(chair.hung(-3), Action.START, 0) == {"plan-not-signed"}
    chair.started()
    assert ("start", ("plan-not-signed",)) in broken(chair)
    assert asked(chair.vitals(30), Action.RAISE, 30) == {"plan-not-signed"}


@pytest.mark.parametrize("role", ["prescriber", "pharmacist", "specialist"])
def test_who_may_sign_is_the_policy_of_acceptance(role):
    assert role in opened().policies.acceptance.sign_roles.items
    assert asked(Chair().opened(signed_role=role).checked().hung().vitals(-5), Action.START, 0) == set()


# ---- a day too early


def second() -> Chair:
    return Chair(at_chair(planned("cidp", "loading"), number=2))


def signed_before_the_first(chair: Chair) -> dict[str, str]:
    return {"signed_at": (chair.bedside.plan.infusions[0].starts_at - timedelta(hours=2)).isoformat()}


def test_the_second_infusion_is_not_started_on_the_day_of_the_first():
    chair = second()
    first, two = chair.bedside.plan.infusions[:2]
    assert (two.starts_at - first.starts_at) == timedelta(days=1)
    # All is ready 24 hours before: only the day speaks against it.
    chair.opened(-1470, **signed_before_the_first(chair)).checked(-1460).hung(-1450).vitals(-1445)
    assert broken(chair) == []
    assert asked(chair, Action.START, -1440) == {"plan-day-too-early"}
    chair.started(-1440)
    assert broken(chair) == [("start", ("plan-day-too-early",))]
    assert chair.live.session.ml_per_h == chair.bedside.rates_ml_per_h[0]


def test_the_day_begins_at_midnight_of_the_plans_own_offset():
    chair = second()
    starts_at = chair.bedside.infusion.starts_at
    midnight = starts_at.replace(hour=0, minute=0)
    assert starts_at.utcoffset() != timedelta(0)
    before = (midnight - starts_at) / timedelta(minutes=1)
    chair.opened(before - 40, **signed_before_the_first(chair)).checked(before - 30).hung(before - 20).vitals(
        before - 10
    )
    live = chair.live
    for at, codes in ((midnight - timedelta(seconds=1), ["plan-day-too-early"]), (midnight, [])):
        # A device that keeps another offset asks at the same moment.
        for moment in (at, at.astimezone(UTC)):
            assert [one.code for one in may(Wish(Action.START), live.moment(moment))] == codes


def test_a_later_day_is_as_before():
    chair = second().opened(1410).checked(1420).hung(1430).vitals(1435)
    assert chair.minute(1440) <= chair.bedside.plan.valid_until
    assert asked(chair, Action.START, 1440) == set()


def test_the_pack_of_the_second_day_starts_nothing_on_the_first():
    made = held(2)
    ready = {name: answers[0] for name, answers in made["fields"].items()} | {
        "phase": "preparing", "plan": "valid", "lock": "free", "reaction": "none", "watched": "in_time",
    }  # fmt: skip
    begins = datetime.fromisoformat(made["not_before"])
    assert lookup.may(made, "start", ready, begins) == lookup.Looked("allowed")
    early = begins - timedelta(seconds=1)
    assert lookup.may(made, "start", ready, early) == lookup.Looked("barred", ("plan-day-too-early",))
    assert lookup.may(made, "hang", ready, early) == lookup.Looked("allowed")
    # What is worse than early stays so.
    assert lookup.may(made, "hang", ready | {"plan": "other"}, early).codes == ("plan-not-opened",)
    assert lookup.may(made, "stop", {}, early) == lookup.Looked("allowed")


# ---- where it is given


@pytest.mark.parametrize(
    ("planned_for", "opened_at", "codes"),
    [
        ("hospital", "home", {"plan-other-setting"}),
        ("hospital", "clinic", {"plan-other-setting"}),
        ("clinic", "home", {"plan-other-setting"}),
        ("clinic", "hospital", set()),
        ("home", "hospital", set()),
        ("home", "home", set()),
    ],
)
def test_a_plan_is_not_infused_at_a_less_guarded_place_than_its_own(planned_for, opened_at, codes):
    made = at_chair()
    chair = Chair(replace(made, ordered=made.ordered.model_copy(update={"setting": planned_for})), setting=opened_at)
    assert asked(chair.ready(), Action.START, 0) == codes


# ---- what runs too fast


def slowing(chair: Chair) -> list[tuple[float, float | None]]:
    found = [one for one in due(chair.live.session, chair.bedside) if one.kind.value == "slow"]
    start = chair.minute(0)
    return [
        ((one.at - start) / timedelta(minutes=1), None if one.ml_per_h is None else float(one.ml_per_h))
        for one in found
    ]


def at_42() -> Chair:
    return Chair().ready().started().vitals(29).tell(30, "rate_changed", pump_ml_per_h=42).vitals(44)


def test_a_pump_above_the_plans_highest_rate_is_due_to_slow():
    chair = at_42().tell(50, "rate_changed", pump_ml_per_h=600)
    # The next step was not due yet either: nothing above 42 was permitted.
    assert slowing(chair) == [(50, 42)]
    assert slowing(chair.tell(52, "rate_changed", pump_ml_per_h=42)) == []


def test_in_a_mild_reaction_it_is_due_to_slow_to_what_was_borne_until_it_does():
    chair = at_42().felt(50, "flushing", "mild")
    assert slowing(chair) == [(50, 21)]
    # That it has gone makes the rate no better.
    assert slowing(chair.gone(55, "flushing")) == [(50, 21)]
    assert slowing(chair.tell(56, "rate_changed", pump_ml_per_h=21)) == []
    assert slowing(chair.tell(57, "rate_changed", pump_ml_per_h=42)) == [(57, 21)]
    # At the first rate there is nothing that was borne: it is paused.
    assert slowing(Chair().ready().started().vitals(10).felt(12, "flushing", "mild")) == [(12, 0)]


def test_what_was_set_faster_than_permitted_is_due_to_slow_and_not_to_climb():
    long = at_84().vitals(300).tell(301, "resumed", pump_ml_per_h=84)
    assert slowing(long) == [(301, 21)]
    assert slowing(at_42().tell(60, "rate_changed", pump_ml_per_h=168)) == [(60, 84)]
    for chair in (long, at_42().tell(60, "rate_changed", pump_ml_per_h=168)):
        assert "rate_step" not in {one.kind.value for one in due(chair.live.session, chair.bedside)}
    # Too early is no question of how fast.
    assert slowing(at_42().tell(50, "rate_changed", pump_ml_per_h=84)) == []


def test_where_it_is_due_to_stop_nobody_is_told_to_slow():
    assert slowing(at_42().tell(50, "rate_changed", pump_ml_per_h=600).felt(51, "headache", "moderate")) == []


# ---- a slip of the syringe


@pytest.mark.parametrize(
    ("medicine", "mg", "text"),
    [
        # 70 kg: 0.01 mg/kg is 0.7, capped at 0.5 mg.
        ("adrenaline", 5, "adrenaline 5 mg; by the protocol at most 0.5 mg at once."),
        ("EpiPen", 3, "EpiPen 3 mg; by the protocol at most 0.5 mg at once."),
        ("adrenaline", 0.5, None),
        ("paracetamol", 4000, "paracetamol 4000 mg; by the protocol at most 1000 mg at once."),
        ("Paracetamol", 1000, None),
        ("crystalloid", 9000, None),
        ("a medicine of the ward", 9000, None),
    ],
)
def test_a_dose_above_the_protocols_is_alarmed_and_counts(medicine, mg, text):
    chair = at_42().tell(50, "medicine_given", medicine=medicine, route="im", dose_mg=mg)
    made = report(chair.record, chair.bedside)
    assert [one.text for one in made.alarms if one.code == "dose_above_protocol"] == ([] if text is None else [text])
    assert len(chair.live.session.medicines) == 1


def test_the_pen_for_a_babys_weight_is_no_overdose():
    made = at_chair()
    small = made.ordered.model_copy(update={"weight_kg": Decimal(7), "age_years": Decimal(1)})
    baby = Session()
    # 7 kg: 0.07 mg by weight; the smallest pen holds 0.15 mg.
    found = most_at_once("adrenaline", baby, replace(made, ordered=small))
    assert found is not None
    assert found[0] == Decimal("0.15")


# ---- the pump says something else


def test_a_pump_that_reads_back_faster_than_the_next_step_is_due_to_stop():
    chair = at_42().tell(46, "check_confirmed", check="pump_read_back", ok=True, pump_ml_per_h=420)
    live = chair.live
    assert stop_due_at(live.session, chair.bedside) == chair.minute(46)
    assert asked(chair.vitals(60), Action.RAISE, 60) == {"check-failed"}
    # The next step is 84 mL/h: set, read back, and only then reported.
    for read, since in ((84, None), (84.1, chair.minute(46))):
        near = at_42().tell(46, "check_confirmed", check="pump_read_back", ok=True, pump_ml_per_h=read)
        assert stop_due_at(near.live.session, near.bedside) == since
    # Put right and read back again; or reported, and then it is judged as a rate.
    chair.tell(61, "check_confirmed", check="pump_read_back", ok=True, pump_ml_per_h=42)
    assert stop_due_at(chair.live.session, chair.bedside) is None
    assert asked(chair, Action.RAISE, 61) == set()
    other = at_42().tell(46, "check_confirmed", check="pump_read_back", ok=True, pump_ml_per_h=420)
    assert slowing(other.tell(47, "rate_changed", pump_ml_per_h=420)) == [(47, 42)]


# ---- life-threatening, and no criterion


def adrenaline(chair: Chair) -> list[tuple[str, float]]:
    found = [one for one in due(chair.live.session, chair.bedside) if one.kind.value.startswith("adrenaline")]
    return [(one.kind.value, (one.at - chair.minute(0)) / timedelta(minutes=1)) for one in found]


def test_adrenaline_is_due_in_a_life_threatening_reaction_as_the_advice_says():
    chair = at_42().felt(50, "collapse")
    said = advice(chair.live.session, chair.bedside)
    assert said is not None
    assert said.adrenaline is not None
    assert adrenaline(chair) == [("adrenaline", 50)]
    assert adrenaline(chair.tell(51, "medicine_given", medicine="adrenaline", route="im", dose_mg=0.5)) == [
        ("adrenaline_again", 56)
    ]
    assert adrenaline(at_42().felt(50, "collapse").gone(52, "collapse")) == []
    # Before the start it is due as well.
    assert adrenaline(Chair().opened().felt(-20, "collapse")) == [("adrenaline", -20)]
    assert adrenaline(at_42().felt(50, "frothy_sputum", "severe")) == []
