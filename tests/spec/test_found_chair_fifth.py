"""The chair attacked a fifth time: a slip that is corrected, the first look after the start, and since when it should stand."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest

from ivigil.infusion import live as living
from ivigil.infusion.delivered import rate_after
from ivigil.infusion.due import DueKind, due, stop_due_at
from ivigil.infusion.live import replay
from ivigil.infusion.permission import Wish, may
from ivigil.infusion.record import gather
from ivigil.infusion.report import SessionReport, report
from ivigil.infusion.session import Session, step
from ivigil.infusion.workflow import Action, Lock
from tests.infusion.chair import SESSION, Chair, at_chair, planned

RASH, NAUSEA = "rash_urticaria_itch", "nausea_vomiting_abdominal_pain"


def at_42() -> Chair:
    chair = Chair().ready().started().vitals(10).vitals(25)
    return chair.tell(30, "rate_changed", pump_ml_per_h=42).vitals(40)


def told(chair: Chair) -> SessionReport:
    return report(chair.record, chair.bedside)


def seen(symptom: str, present: bool = True, grade: str | None = "mild") -> dict[str, Any]:
    return {"symptom": symptom, "present": present} | ({"grade": grade} if grade else {})


def instead(chair: Chair, minute: float, of: str, data: Mapping[str, Any] | None, at: float | None = None) -> Chair:
    """A correction; ``at`` is the minute at which it really happened."""
    when = {} if at is None else {"happened_at": chair.minute(at).isoformat()}
    return chair.tell(minute, "correction", corrects=of, because="a slip", instead=data, **when)


def lock(chair: Chair) -> tuple[Lock, float | None]:
    """What locks, and the minute at which it did where what locked it was taken back since."""
    session = replay(chair.record, chair.bedside).session
    at = session.locked_at
    return session.lock, None if at is None else (at - chair.minute(0)) / timedelta(minutes=1)


def received(chair: Chair, minute: float, last: int = 1) -> Chair:
    """The last reports reached the record together, at a minute."""
    for raw in chair.raws[-last:]:
        raw["received_at"] = chair.minute(minute).isoformat()
    return chair


# ---- a slip that is corrected


def test_the_wrong_word_for_a_symptom_does_not_stand_beside_the_right_one():
    chair = at_42().felt(50, RASH, "mild", key="slip").tell(50, "paused")
    instead(chair, 51, "slip", seen(NAUSEA)).vitals(55)
    assert lock(chair) == (Lock.FREE, None)
    learned = told(chair).learned
    assert learned is not None
    assert [one.kind for one in learned.reactions or ()] == ["nausea_or_vomiting"]
    # Skin and gut together are anaphylaxis, and stay it when one of them is corrected later.
    both = at_42().felt(50, RASH, "mild", key="slip").tell(50, "paused").felt(52, NAUSEA, "mild")
    assert lock(both) == (Lock.ANAPHYLAXIS, None)
    instead(both, 53, "slip", seen("headache")).vitals(55)
    assert lock(both) == (Lock.ANAPHYLAXIS, 52)


def test_the_wrong_word_and_later_what_it_would_have_met():
    corrected = instead(at_42().felt(50, RASH, "mild", key="slip"), 51, "slip", seen("headache"))
    assert lock(corrected.felt(52, NAUSEA, "mild")) == (Lock.FREE, None)
    # Corrected after it, the two were seen together for a minute.
    late = at_42().felt(50, RASH, "mild", key="slip").felt(52, NAUSEA, "mild")
    assert lock(instead(late, 53, "slip", None).vitals(54)) == (Lock.ANAPHYLAXIS, 52)


def test_a_reaction_that_is_charted_late_did_not_come_back():
    chair = at_42().felt(60, "headache", "mild", key="felt").tell(60.1, "paused", "still")
    chair.gone(60.2, "headache", key="gone").tell(60.3, "resumed", "on", pump_ml_per_h=21)
    instead(chair, 61, "felt", seen("headache"), at=41)
    instead(chair, 61.1, "still", {}, at=41)
    instead(chair, 61.2, "gone", seen("headache", present=False, grade=None), at=43)
    instead(chair, 61.3, "on", {"pump_ml_per_h": 21}, at=59).vitals(62)
    assert lock(chair) == (Lock.FREE, None)
    assert [one.kind for one, _ in [(row, 0) for row in due(chair.live.session, chair.bedside)]].count(
        DueKind.STOP
    ) == 0


@pytest.mark.parametrize(
    ("grade", "at", "expected"),
    [("severe", 50, (Lock.SEVERE, 50)), ("mild", 50, (Lock.FREE, None))],
)
def test_what_is_sent_all_at_once_was_written_one_after_the_other(grade, at, expected):
    # A tablet without a network: a wrong word, its correction, and another symptom ten minutes later.
    chair = at_42().felt(at, RASH, grade, key="slip")
    instead(chair, 51, "slip", seen("headache")).felt(60, NAUSEA, "mild").vitals(61)
    assert lock(received(chair, 90, last=4)) == expected


def test_what_came_in_after_its_correction_was_told_all_the_same():
    chair = at_42().felt(50, "headache", "severe", key="slip")
    received(chair, 80)
    instead(chair, 51, "slip", seen("headache")).vitals(81)
    assert lock(chair) == (Lock.SEVERE, 50)
    # And it does not stand beside it from then on.
    chair = received(at_42().felt(50, RASH, "mild", key="slip"), 80)
    instead(chair, 51, "slip", seen("headache")).felt(82, NAUSEA, "mild").vitals(83)
    assert lock(chair) == (Lock.FREE, None)


def test_what_is_corrected_to_a_later_time_is_gone_from_the_earlier():
    chair = instead(at_42().felt(50, RASH, "mild", key="slip").vitals(51), 54, "slip", seen("headache"), at=53)
    assert lock(chair.felt(55, NAUSEA, "mild").vitals(56)) == (Lock.FREE, None)


def test_a_time_that_was_corrected_locks_from_the_earlier_on():
    chair = instead(at_42().felt(50, "headache", "severe", key="bad"), 51, "bad", seen("headache", grade="severe"), 45)
    assert lock(instead(chair, 52, "bad", None).vitals(55)) == (Lock.SEVERE, 45)


def test_a_correction_of_the_key_does_not_reach_what_waits_for_review_under_it():
    chair = at_42().tell(50, "note", "used", text="x").tell(51, "symptom", "used", **seen("headache", grade="severe"))
    assert lock(chair.vitals(52)) == (Lock.SEVERE, 51)
    instead(chair, 53, "used", None).vitals(54)
    assert lock(chair) == (Lock.SEVERE, 51)
    # And together with what is there: a rash under a used key, and nausea.
    apart = at_42().tell(50, "note", "used", text="x").tell(51, "symptom", "used", **seen(RASH))
    instead(apart, 51.5, "used", None).felt(52, NAUSEA, "mild").vitals(53)
    assert lock(apart) == (Lock.ANAPHYLAXIS, 52)


# ---- what stood from each correction on


def stood(chair: Chair, key: str) -> list[tuple[str, str | None]]:
    (one,) = [row for row in chair.record.told if row.first.key == key]
    return [(by.key, None if event is None else str(event.data.model_dump()["text"])) for by, _, event in one.stood]


def test_what_stood_from_each_correction_on():
    chair = at_42().tell(50, "note", "n", text="a")
    assert stood(chair, "n") == []
    chair.tell(51, "correction", "c1", corrects="n", because="x", instead={"text": "b"})
    chair.tell(52, "correction", "c2", corrects="n", because="x", instead=None)
    chair.tell(53, "correction", "c3", corrects="c2", because="x")
    chair.tell(54, "correction", "c4", corrects="c3", because="x")
    chair.tell(55, "correction", "c5", corrects="c1", because="x")
    chair.tell(56, "correction", "c6", corrects="c4", because="x")
    expected = [("c1", "b"), ("c2", None), ("c3", "b"), ("c4", None), ("c5", None), ("c6", "a")]
    assert stood(chair, "n") == expected
    # What cannot be read as a correction changed nothing.
    chair.tell(57, "correction", "c7", corrects="n", because="x", instead={"word": "c"})
    chair.tell(58, "correction", "c8", corrects="c6", because="x", instead={"text": "c"})
    assert stood(chair, "n") == expected
    # What takes back a correction that is none of an event changes nothing either.
    chair.tell(59, "correction", "c9", corrects="c7", because="x")
    assert stood(chair, "n")[-1][1] == "a"


def test_corrections_of_each_other_or_of_nothing_are_of_no_event():
    chair = at_42().tell(50, "note", "n", text="a")
    chair.tell(51, "correction", "p", corrects="q", because="x").tell(52, "correction", "q", corrects="p", because="x")
    chair.tell(53, "correction", "r", corrects="r", because="x").tell(
        54, "correction", "s", corrects="nothing", because="x"
    )
    chair.tell(55, "correction", "t", corrects="s", because="x").tell(56, "correction", "u", corrects="p", because="x")
    assert all(one.stood == () for one in chair.record.told)
    assert [one.key for one in chair.record.unmatched] == ["s"]
    assert lock(chair) == (Lock.FREE, None)


def test_a_correction_that_was_taken_back_before_it_came_in():
    chair = (
        at_42()
        .tell(50, "note", "n", text="a")
        .tell(51, "correction", "c", corrects="n", because="x", instead={"text": "b"})
    )
    received(chair, 60).tell(52, "correction", "d", corrects="c", because="x")
    # It was said all the same, and what would lock does.
    assert stood(chair, "n") == [("c", "b"), ("c", "a")]


def test_a_correction_is_stepped_from_its_own_place_until_nothing_differs(monkeypatch):
    steps = 0

    def counted(*arguments: Any) -> Any:
        nonlocal steps
        steps += 1
        return step(*arguments)

    chair = Chair().ready().started()
    for minute in range(1, 100):
        chair.tell(minute, "note", f"n{minute}", text="x")
    for minute in range(1, 100):
        instead(chair, 100 + minute, f"n{minute}", {"text": "y"} if minute % 2 else None)
    made = chair.record
    monkeypatch.setattr(living, "step", counted)
    replay(made, chair.bedside)
    # 49 notes were struck; told once, and as heard: each report, each note in its new words, and the one after it.
    assert steps <= len(made.standing) + len(made.told) + 2 * 99


WORDS = (RASH, NAUSEA, "headache", "flushing", "breathless_or_wheeze", "collapse")


def stream(chance: random.Random) -> Chair:
    """Symptoms, pauses and rates, some sent late, and corrections of them and of one another."""
    chair, minute = Chair().ready().started(), 0
    # Every other one without anything that ends it at once.
    words, systolic = chance.choice([(WORDS, [85, 120]), (("headache",), [120])])
    for _ in range(chance.randint(4, 14)):
        minute += chance.choice([0, 1, 5, 15])
        kind = chance.choice(
            ["symptom", "symptom", "paused", "resumed", "vitals", "correction", "correction", "correction"]
        )
        data: dict[str, Any] = {}
        if kind == "symptom":
            data = seen(chance.choice(words), chance.random() < 0.6, None)
        elif kind == "resumed":
            data = {"pump_ml_per_h": 21}
        elif kind == "vitals":
            data = {"systolic_mmhg": chance.choice(systolic)}
        elif kind == "correction":
            of = chance.choice(chair.raws[-5:])
            data = {"corrects": of["key"], "because": "x"}
            if of["type"] == "symptom" and chance.random() < 0.7:
                data["instead"] = seen(chance.choice(words), chance.random() < 0.6, None)
                data["happened_at"] = chair.minute(minute - chance.choice([0, 1, 20])).isoformat()
        chair.tell(minute, kind, **data)
        chair.raws[-1]["received_at"] = (chair.minute(minute) + timedelta(seconds=len(chair.raws))).isoformat()
        if chance.random() < 0.2:
            chair.raws[-1]["device_at"] = chair.minute(minute - chance.choice([1, 20])).isoformat()
    return chair


def heard_anew(chair: Chair) -> dict[Lock, datetime]:
    """Since when each lock was there: everything that had come in is told from the beginning after each report."""
    found: dict[Lock, datetime] = {}
    came = sorted(chair.raws, key=lambda raw: datetime.fromisoformat(raw["received_at"]))
    for count in range(1, len(came) + 1):
        session, rate = Session(), Fraction(0)
        for at, event in gather(came[:count], SESSION, chair.bedside.protocol).standing:
            rate = rate_after(event.data, rate)
            session = step(session, at, event, rate, chair.bedside)
            found[session.lock] = min(at, found.get(session.lock, at))
    return found


def test_what_once_locked_is_what_locked_when_everything_was_told_anew_after_each_report():
    compared: list[Lock] = []
    for number in range(60):
        chair = stream(random.Random(number))
        made, locks = chair.record, heard_anew(chair)
        since: dict[Lock, datetime] = {}
        for at, one in living._locked_ever(made, chair.bedside):
            since[one] = min(at, since.get(one, at))
        assert replay(made, chair.bedside).session.lock is max(locks, key=list(Lock).index), number
        assert since in ({}, locks), number
        compared += since
    assert set(compared) == set(Lock)


# ---- the first look after the start


@pytest.mark.parametrize("baseline", [-60, -25, -15.1, -14, -1, 0])
def test_the_first_look_is_due_when_the_leaf_says(baseline):
    chair = Chair().opened(-90).checked(-80).hung(-70).vitals(baseline).started()
    assert chair.bedside.infusion.vitals_due_min[:2] == (0, 15)
    assert next(one.at for one in due(chair.live.session, chair.bedside) if one.kind is DueKind.VITALS) == chair.minute(
        15
    )
    assert [one.what for one in told(chair.vitals(20)).missed] == []


def test_a_baseline_of_half_an_hour_ago_bars_no_restart_and_the_next_look_counts_from_the_last():
    chair = Chair().opened(-90).checked(-80).hung(-70).vitals(-30).started().tell(2, "paused")
    live = chair.live
    assert [one.code for one in may(Wish(Action.RESUME), live.moment(chair.minute(4)))] == []
    # Later sets count from themselves.
    chair.tell(4, "resumed", pump_ml_per_h=21).vitals(5)
    assert next(one.at for one in due(chair.live.session, chair.bedside) if one.kind is DueKind.VITALS) == chair.minute(
        20
    )


# ---- the looks after the end


def vitals_due(chair: Chair) -> float | None:
    found = [one.at for one in due(chair.live.session, chair.bedside) if one.kind is DueKind.VITALS]
    return (found[0] - chair.minute(0)) / timedelta(minutes=1) if found else None


@pytest.mark.parametrize(("minute", "next_at"), [(54.9, 60), (55, 120), (59, 120), (60, 120)])
def test_who_measures_just_before_it_ends_has_measured_at_the_end(minute, next_at):
    chair = at_42().vitals(minute).tell(60, "stopped_early")
    assert vitals_due(chair) == next_at
    missed = [(one.due_at, one.taken_at) for one in told(chair.vitals(66)).missed]
    assert missed == ([(chair.minute(60), chair.minute(66))] if next_at == 60 else [])


@pytest.mark.parametrize(("minute", "again"), [(114.9, 120), (115, None), (120, None)])
def test_who_measures_just_before_the_patient_leaves_has_measured(minute, again):
    chair = at_42().vitals(59).tell(60, "stopped_early").vitals(minute)
    assert vitals_due(chair) == again
    live = chair.live
    told_late = [one.code for one in may(Wish(Action.END_OBSERVATION), live.moment(chair.minute(126)))]
    assert told_late == ([] if again is None else ["vitals-overdue"])


def test_a_baseline_is_no_look_at_the_end():
    assert vitals_due(Chair().ready().started().tell(3, "stopped_early")) == 3


@pytest.mark.parametrize("end", ["stopped_early", "treated_as_anaphylaxis"])
def test_after_a_reaction_one_measures_at_the_end_itself(end):
    chair = at_42()
    if end == "stopped_early":
        chair.felt(50, "headache", "mild").gone(51, "headache")
    chair.vitals(59).tell(60, end)
    assert vitals_due(chair) == 60
    assert vitals_due(chair.vitals(60)) == 120


def test_a_reaction_that_goes_on_after_the_end_is_watched_as_one():
    chair = at_42().felt(50, "headache", "severe").tell(50, "stopped_early")
    assert vitals_due(chair) == 50
    assert vitals_due(chair.vitals(50)) == 65
    # When watching is over, and once more a quarter of an hour later: it is still there.
    assert vitals_due(chair.vitals(65).vitals(80).vitals(95).vitals(109)) == 110
    assert vitals_due(chair.vitals(110)) == 125
    assert [one.what for one in told(chair.vitals(130.1)).missed if one.what == "vitals"] == ["vitals"]
    # Gone, nothing more is measured.
    assert vitals_due(chair.gone(131, "headache")) is None
    early = at_42().felt(50, "headache", "severe").tell(50, "stopped_early").vitals(50).gone(60, "headache")
    assert vitals_due(early) == 110


# ---- since when it should stand still


def test_what_stood_still_in_between_was_not_running_all_the_time():
    chair = at_42().felt(50, "headache", "severe").tell(51, "stopped_early")
    chair.tell(120, "resumed", pump_ml_per_h=21)
    assert stop_due_at(chair.live.session, chair.bedside) == chair.minute(120)
    chair.tell(122, "paused")
    assert [one for one in told(chair).missed if one.what == "stop"] == []
    # From when it went on last, and from no slower rate.
    chair.tell(130, "resumed", pump_ml_per_h=21).tell(134, "rate_changed", pump_ml_per_h=10)
    assert stop_due_at(chair.live.session, chair.bedside) == chair.minute(130)
    chair.tell(136, "paused")
    found = [(one.due_at, one.taken_at) for one in told(chair).missed if one.what == "stop"]
    assert found == [(chair.minute(130), chair.minute(136))]


def test_what_came_while_it_ran_counts_from_when_it_came():
    chair = at_42().tell(45, "paused").tell(47, "resumed", pump_ml_per_h=42).felt(50, "headache", "moderate")
    assert stop_due_at(chair.live.session, chair.bedside) == chair.minute(50)


# ---- ended instead of paused, after a pause


def ended_after_a_pause(kind: str, ran: float = 1, **data: Any) -> Chair:
    """84 mL/h from 60 on; paused at 80 for 50 minutes, and ended when it had run for so many more."""
    chair = at_42().vitals(55).vitals(59).tell(60, "rate_changed", pump_ml_per_h=84).vitals(75)
    chair.tell(80, "paused").vitals(90).vitals(105).vitals(120).tell(130, "resumed", pump_ml_per_h=84).vitals(131)
    return chair.tell(130 + ran, kind, **data)


@pytest.mark.parametrize(
    "kind", ["paused", "stopped_early", "completed", "treated_as_anaphylaxis", "observation_ended"]
)
@pytest.mark.parametrize(("ran", "since"), [(1, 80), (29.9, 80), (30, 160)])
def test_what_was_ended_soon_after_a_pause_has_stood_still_since_that_pause(kind, ran, since):
    chair = ended_after_a_pause(kind, ran)
    session = chair.live.session
    assert session.paused_at == chair.minute(since)
    assert session.ended_at == (None if kind == "paused" else chair.minute(130 + ran))
    # What ends what stands still changes nothing.
    assert chair.tell(170, "stopped_early").live.session.paused_at == chair.minute(since)


def test_who_ends_instead_of_pausing_goes_on_at_the_first_rate_all_the_same():
    def went_on(chair: Chair) -> tuple[Any, list[float | None]]:
        chair.tell(180, "resumed", pump_ml_per_h=84)
        (broken,) = chair.live.session.deviations
        slow = [None if one.ml_per_h is None else float(one.ml_per_h) for one in due(chair.live.session, chair.bedside) if one.kind is DueKind.SLOW]  # fmt: skip
        return "above-first-after-pause" in broken.codes, slow

    assert went_on(ended_after_a_pause("paused")) == (True, [21])
    assert went_on(ended_after_a_pause("stopped_early")) == (True, [21])
    # Ended after a whole hold it stood still for 20 minutes.
    assert went_on(ended_after_a_pause("stopped_early", 30)) == (False, [])


def test_the_plan_of_these_tests_is_the_one_that_is_counted_with():
    made = at_chair(planned())
    assert [(float(one.pump_ml_per_h), one.duration_min) for one in made.steps][:2] == [(21, 30), (42, 30)]
