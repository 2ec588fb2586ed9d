"""The record at its edges: what is rejected and in which words, which of two counts, and what a correction changes."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from ivigil.infusion.events import Event, EventType, as_json
from ivigil.infusion.live import replay
from ivigil.infusion.record import Rejected, gather, read_event
from ivigil.infusion.workflow import Lock
from ivigil.knowledge.protocol import VitalSign
from tests.infusion.chair import SESSION, Chair, protocol

D = Decimal


def raw(kind: str = "note", **more: Any) -> dict[str, Any]:
    """One event at minute 10, with parts of it changed."""
    data: dict[str, dict[str, Any]] = {"note": {"text": "as it was"}, "vitals": {"pulse_per_min": 80}}
    made = Chair().tell(10, kind, "k", **data.get(kind, {})).raws[0]
    return made | more


def why(made: Any) -> str:
    read = read_event(made, SESSION, protocol())
    assert isinstance(read, Rejected), read
    return read.reason


# ---- what is no event


@pytest.mark.parametrize("made", ["text", 5, None, [raw()]])
def test_what_is_no_object_is_kept_as_it_came(made):
    read = read_event(made, SESSION, protocol())
    assert read == Rejected(json.dumps(made, sort_keys=True), "An event is one JSON object.")


def test_each_rejection_says_what_is_wrong_and_keeps_every_word():
    made = raw(session="s-9", data={"text": "Übelkeit"})
    read = read_event(made, SESSION, protocol())
    assert read == Rejected(
        json.dumps(made, ensure_ascii=False, sort_keys=True), "session: it belongs to 's-9', and 's-1' is open."
    )
    assert "Übelkeit" in read.raw


def test_the_words_of_a_rejection():
    assert why(raw(schema="x")) == "schema: an event of this version says 'ivigil-session-event/1'."
    assert why(raw(actor={"by": "N", "role": "visitor"})) == (
        "actor.role: 'visitor' does not write in a session; roles: nurse, physician, prescriber, pharmacist, specialist, "
        "trained patient, carer."
    )
    assert why(raw("vitals", data={"pulse_per_min": 14})) == (
        "data.pulse_per_min: 14 is not possible; it lies between 15 and 300."
    )
    assert why(raw("symptom", data={"symptom": "hedache", "present": True})) == (
        "data.symptom: the protocol has no word 'hedache'; write other, with a text and a grade."
    )
    assert why(raw("vitals", data={"systolic_mmhg": 80, "diastolic_mmhg": 80})) == (
        "data.vitals: diastolic_mmhg lies below systolic_mmhg."
    )
    assert why(raw(data={"type": "note", "text": "x"})) == (
        "event: data holds no type of its own; the event's type says what it is."
    )


@pytest.mark.parametrize("data", ["x", 5, None, ["type"]])
def test_data_that_is_no_object_is_rejected_and_not_stumbled_over(data):
    assert why(raw(data=data)).startswith("data")


def test_what_cannot_be_written_as_json_is_kept_too():
    read = read_event({"schema": "x", "when": Chair().minute(0)}, SESSION, protocol())
    assert isinstance(read, Rejected)
    assert "2026-11-23 09:00:00" in read.raw


@pytest.mark.parametrize(
    ("sign", "least", "most"),
    [
        ("systolic_mmhg", 30, 300), ("diastolic_mmhg", 10, 200), ("pulse_per_min", 15, 300),
        ("respirations_per_min", 2, 120), ("temperature_c", 25, 45), ("spo2_percent", 20, 100),
    ],
)  # fmt: skip
def test_the_possible_begins_and_ends_where_the_protocol_says(sign, least, most):
    for value in (least, most):
        assert isinstance(read_event(raw("vitals", data={sign: value}), SESSION, protocol()), Event)
    for value in (least - 0.1, most + 0.1):
        assert "is not possible" in why(raw("vitals", data={sign: value}))


def test_a_symptom_in_the_nurses_own_words_is_taken():
    told = {"symptom": "other", "present": True, "grade": "mild", "text": "ringing ears"}
    assert isinstance(read_event(raw("symptom", data=told), SESSION, protocol()), Event)


# ---- the same key twice


def test_of_two_events_under_one_key_the_first_received_counts_and_the_other_is_kept_whole():
    chair = Chair()
    first = raw(data={"text": "one"}, received_at=chair.minute(11).isoformat())
    second = raw(data={"text": "two"}, received_at=chair.minute(12).isoformat())
    third = raw(data={"text": "three"}, received_at=chair.minute(13).isoformat())
    for heap in ([first, second, third], [third, second, first], [second, third, first]):
        made = gather(heap, SESSION, protocol())
        assert [one.first.data.model_dump()["text"] for one in made.told] == ["one"]
        assert {json.loads(one.raw)["data"]["text"] for one in made.rejected} == {"two", "three"}
        assert {one.reason for one in made.rejected} == {"key: 'k' was used before for another event."}


def test_the_same_event_received_twice_is_one_and_by_its_first_receipt():
    chair = Chair()
    early, late = (raw(received_at=chair.minute(minute).isoformat(), seq=seq) for minute, seq in ((11, 4), (30, 9)))
    for heap in ([early, late], [late, early]):
        made = gather(heap, SESSION, protocol())
        assert made.rejected == ()
        assert [(one.first.received_at, one.first.seq) for one in made.told] == [(chair.minute(11), 4)]


def test_another_actor_time_or_session_under_the_same_key_is_another_event():
    other = raw(actor={"by": "Nurse Two", "role": "nurse"}, received_at=Chair().minute(12).isoformat())
    made = gather([raw(), other], SESSION, protocol())
    assert len(made.rejected) == 1
    later = raw(device_at=Chair().minute(10.2).isoformat(), received_at=Chair().minute(12).isoformat())
    assert len(gather([raw(), later], SESSION, protocol()).rejected) == 1


def test_the_same_rejected_thing_twice_is_kept_once():
    assert len(gather([raw(schema="x"), raw(schema="x"), 5], SESSION, protocol()).rejected) == 2


# ---- the order, and the clock


def test_events_stand_by_time_then_number_then_key():
    made = [
        raw(key="c", seq=2), raw(key="b", seq=2), raw(key="a", seq=3),
        raw(key="z", seq=9, device_at=Chair().minute(9).isoformat()),
    ]  # fmt: skip
    assert [one.first.key for one in gather(made, SESSION, protocol()).told] == ["z", "b", "c", "a"]


@pytest.mark.parametrize(("ahead", "told"), [(120, False), (121, True)])
def test_a_clock_may_run_ahead_by_two_minutes(ahead, told):
    chair = Chair()
    received = chair.minute(10)
    made = raw(device_at=(received + timedelta(seconds=ahead)).isoformat(), received_at=received.isoformat())
    one = gather([made], SESSION, protocol()).told[0]
    assert one.clock_ahead is told
    assert one.at == (received if told else received + timedelta(seconds=120))
    assert one.first_at == one.at


# ---- corrections


def corrected(chair: Chair) -> Any:
    made = chair.record
    assert not made.rejected
    return {one.first.key: one for one in made.told}


def test_a_correction_changes_what_counts_and_keeps_who_said_what_first():
    chair = Chair().tell(10, "vitals", "v", pulse_per_min=80)
    chair.tell(12, "correction", "c", corrects="v", because="misread", instead={"pulse_per_min": 90})
    one = corrected(chair)["v"]
    assert one.first.data.measured == {VitalSign.PULSE: D(80)}
    assert one.event.data.measured == {VitalSign.PULSE: D(90)}
    assert (one.at, one.first_at) == (chair.minute(10), chair.minute(10))
    assert [row.key for row in one.corrections] == ["c"]
    assert (one.event.key, one.event.actor.by, one.event.type) == ("v", "Nurse One", EventType.VITALS)


def test_a_correction_may_change_the_time_alone_and_the_order_follows():
    chair = Chair().tell(10, "note", "a", text="first").tell(20, "note", "b", text="second")
    chair.tell(30, "correction", "c", corrects="b", because="it was before", instead={"text": "second"},
               happened_at=chair.minute(5).isoformat())  # fmt: skip
    made = chair.record
    assert [(one.first.key, one.at, one.first_at) for one in made.told][:2] == [
        ("b", chair.minute(5), chair.minute(20)), ("a", chair.minute(10), chair.minute(10)),
    ]  # fmt: skip


def test_what_never_happened_does_not_count_and_is_still_told_at_its_time():
    chair = Chair().tell(10, "note", "a", text="x").tell(12, "correction", "c", corrects="a", because="not here")
    one = corrected(chair)["a"]
    assert (one.event, one.at, one.first.key) == (None, chair.minute(10), "a")
    assert [event.key for _, event in chair.record.standing] == ["c"]


def test_of_several_corrections_the_last_received_stands_and_all_are_kept():
    chair = Chair().tell(10, "note", "a", text="one")
    chair.tell(12, "correction", "c1", corrects="a", because="x", instead={"text": "two"})
    chair.tell(14, "correction", "c2", corrects="a", because="x", instead={"text": "three"})
    chair.raws.reverse()
    one = corrected(chair)["a"]
    assert one.event.data.text == "three"
    assert [row.key for row in one.corrections] == ["c1", "c2"]


def test_a_correction_may_be_taken_back_and_then_the_first_report_stands():
    chair = Chair().tell(10, "note", "a", text="one")
    chair.tell(12, "correction", "c1", corrects="a", because="x", instead={"text": "two"})
    chair.tell(14, "correction", "c2", corrects="c1", because="it was right")
    one = corrected(chair)["a"]
    assert (one.event.data.text, one.corrections) == ("one", ())


def test_a_correction_is_not_rewritten_and_the_words_say_what_to_do():
    chair = Chair().tell(10, "note", "a", text="one")
    chair.tell(12, "correction", "c1", corrects="a", because="x", instead={"text": "two"})
    chair.tell(14, "correction", "c2", corrects="c1", because="x", instead={"text": "three"})
    made = chair.record
    assert [one.reason for one in made.rejected] == [
        "corrects: a correction is taken back, never rewritten; correct the event itself."
    ]
    assert json.loads(made.rejected[0].raw)["key"] == "c2"
    standing = {event.key: event for _, event in made.standing}
    assert standing["a"].data.model_dump()["text"] == "two"


def test_a_correction_of_what_has_not_arrived_waits():
    chair = Chair().tell(12, "correction", "c", corrects="later", because="x", instead={"text": "two"})
    chair.tell(13, "correction", "d", corrects="later too", because="x")
    assert [one.key for one in chair.record.unmatched] == ["c", "d"]
    chair.tell(10, "note", "later", text="one")
    assert [one.key for one in chair.record.unmatched] == ["d"]
    assert {event.key: event for _, event in chair.record.standing}["later"].data.model_dump()["text"] == "two"


def test_a_correction_that_makes_no_event_is_refused_with_the_reason_and_the_report_stands():
    chair = Chair().tell(10, "vitals", "v", pulse_per_min=80)
    chair.tell(12, "correction", "c", corrects="v", because="x", instead={"pulse_per_min": 900})
    chair.tell(13, "correction", "d", corrects="v", because="x", instead={"pulse_per_min": 90})
    made = chair.record
    assert [one.reason for one in made.rejected] == [
        "instead: data.pulse_per_min: 900 is not possible; it lies between 15 and 300."
    ]
    assert json.loads(made.rejected[0].raw)["key"] == "c"
    one = next(row for row in made.told if row.first.key == "v")
    assert one.event is not None
    assert one.event.data.model_dump()["pulse_per_min"] == 90
    assert [row.key for row in one.corrections] == ["d"]


# ---- an event as text


def test_an_event_is_one_line_with_its_type_once_and_reads_back():
    made = raw(data={"text": "Übelkeit"})
    event = Event.model_validate(made)
    line = as_json(event)
    assert "\n" not in line
    assert json.loads(line) == made
    assert '"text":"Übelkeit"' in line
    assert Event.model_validate_json(line) == event


def test_an_event_is_dated_by_its_device_unless_that_runs_ahead():
    chair = Chair()
    event = Event.model_validate(raw(received_at=chair.minute(9).isoformat()))
    # Written at 10, received at 9: one minute ahead.
    assert event.at(timedelta(minutes=1)) == chair.minute(10)
    assert event.at(timedelta(seconds=59)) == chair.minute(9)


@pytest.mark.parametrize("word", ["", "   ", "x" * 121, "a\u202eb", 5])
def test_a_key_is_one_to_a_hundred_and_twenty_visible_characters(word):
    assert "must be 1 to 120 visible characters" in why(raw(key=word))
    assert isinstance(read_event(raw(key="x" * 120), SESSION, protocol()), Event)


@pytest.mark.parametrize(
    ("kind", "data", "reason"),
    [
        ("check_confirmed", {"check": "weight", "ok": True}, "the check weight gives weight_kg, and no other check does"),
        ("check_confirmed", {"check": "access", "ok": True, "weight_kg": 70}, "the check weight gives weight_kg, and no other check does"),
        ("check_confirmed", {"check": "pump_read_back", "ok": True}, "the check pump_read_back gives pump_ml_per_h, and no other check does"),
        ("vitals", {}, "vital signs hold at least one value"),
        ("symptom", {"symptom": "other", "present": True, "text": "x"}, "a symptom the protocol has no word for needs a text and a grade"),
        ("symptom", {"symptom": "other", "present": True, "grade": "mild"}, "a symptom the protocol has no word for needs a text and a grade"),
        ("symptom", {"symptom": "other", "present": False}, "a symptom the protocol has no word for needs a text and a grade"),
    ],
)  # fmt: skip
def test_what_belongs_together_is_told_together(kind, data, reason):
    assert why(raw(kind, data=data)) == f"data.{kind}: {reason}."


def test_that_another_symptom_has_gone_needs_its_words_and_no_grade():
    gone = {"symptom": "other", "present": False, "text": "ringing ears"}
    assert isinstance(read_event(raw("symptom", data=gone), SESSION, protocol()), Event)


# ---- one key on two devices


def twice(seq: int = 1, received: float = 11, **data: Any) -> list[dict[str, Any]]:
    """A note, and what another device told later under the same key."""
    other = Chair().tell(10, "paused", "k", **data).raws[0]
    late = (Chair().minute(received)).isoformat()
    return [raw(), other | {"seq": seq, "received_at": late}]


def test_a_pause_under_a_key_that_was_used_counts_under_a_key_of_its_own():
    found = gather(twice(because="unwell"), SESSION, protocol())
    assert {one.event.type for one in found.told if one.event} == {EventType.NOTE, EventType.PAUSED}
    own = next(one.first.key for one in found.told if one.first.type is EventType.PAUSED)
    assert own.startswith("again-")
    assert len(own.removeprefix("again-")) == 16
    assert [one.reason for one in found.rejected] == ["key: 'k' was used before for another event."]


def test_that_key_is_the_same_for_every_copy_and_another_for_another_event():
    def own(**more: Any) -> str:
        told = gather(twice(**more), SESSION, protocol()).told
        return next(one.first.key for one in told if one.first.type is EventType.PAUSED)

    assert own(because="unwell") == own(seq=7, received=40, because="unwell")
    assert own(because="unwell") != own(because="a slip")


@pytest.mark.parametrize(("moved_to", "counts"), [(11, True), (12, True), (12.1, False)])
def test_nothing_is_corrected_to_a_time_that_had_not_come(moved_to, counts):
    chair = Chair().tell(10, "note", "k", text="x")
    chair.tell(11, "correction", "c", corrects="k", because="y", instead={"text": "x"}, happened_at=chair.minute(moved_to).isoformat())  # fmt: skip
    chair.raws[-1]["received_at"] = chair.minute(12).isoformat()
    found = gather(chair.raws, SESSION, protocol())
    assert next(one.at for one in found.told if one.first.key == "k") == chair.minute(moved_to if counts else 10)
    assert [one.reason for one in found.rejected] == (
        [] if counts else ["happened_at: nothing is corrected to a time that had not come when it was corrected."]
    )


# ---- clocks that are behind, and what came under a used key


def dated(device: float, received: float) -> Any:
    """A note that a device dates and the record got, in a session signed two hours before nine."""
    chair = Chair().opened().tell(10, "note", "n", text="x")
    chair.raws[-1] |= {
        "device_at": chair.minute(device).isoformat(),
        "received_at": chair.minute(received).isoformat(),
    }
    found = gather(chair.raws, SESSION, protocol())
    return next(one for one in found.told if one.first.key == "n")


@pytest.mark.parametrize(
    # Signed at -120; a device may name a time up to a day before that.
    ("device", "received", "counts", "behind"),
    [(-1560, 11, -1560, False), (-1560.1, 11, 11, True), (-1560.1, -1560, -1560, True), (-2000, -1990, -2000, False)],
)
def test_a_clock_is_behind_where_it_names_a_time_long_before_the_signature(device, received, counts, behind):
    one = dated(device, received)
    assert (one.at, one.clock_behind) == (Chair().minute(counts), behind)
    # As it was first told, and in every way it was told: the lock that outlives a correction is worked out from these.
    assert (one.first_at, one.stood) == (one.at, ())
    # How late the record got it is counted from the time that stands.
    assert one.late == timedelta(minutes=received - counts)


def test_the_opening_that_was_received_first_says_before_what_no_clock_can_be_right():
    chair = Chair().opened(-30).tell(10, "note", "n", text="x")
    chair.raws[-1]["device_at"] = chair.minute(-3 * 1440).isoformat()
    chair.opened(12, signed_at=chair.minute(-10 * 1440).isoformat())
    found = gather(chair.raws, SESSION, protocol())
    assert [one.clock_behind for one in found.told if one.first.key == "n"] == [True]


def test_a_severe_symptom_under_a_used_key_does_not_count_and_locks_all_the_same():
    chair = Chair().ready().started().tell(20, "note", "k", text="x")
    chair.tell(25, "symptom", "k", symptom="headache", present=True, grade="severe")
    chair.tell(22, "symptom", "k", symptom="flushing", present=True, grade="mild")
    found = gather(chair.raws, SESSION, protocol())
    assert [(at, event.data.type) for at, event in found.refused] == [
        (chair.minute(22), EventType.SYMPTOM), (chair.minute(25), EventType.SYMPTOM),
    ]  # fmt: skip
    session = replay(found, chair.bedside).session
    assert (session.reaction, session.lock) == (None, Lock.SEVERE)


def test_every_way_in_which_something_was_told_is_kept():
    chair = Chair().tell(10, "note", "n", text="a")
    chair.tell(11, "correction", "c", corrects="n", because="x", instead={"text": "b"})
    chair.tell(12, "correction", "d", corrects="c", because="y")
    one = next(one for one in gather(chair.raws, SESSION, protocol()).told if one.first.key == "n")
    assert one.event is one.first
    assert [(by.key, at, event and event.data.model_dump()["text"]) for by, at, event in one.stood] == [
        ("c", chair.minute(10), "b"), ("d", chair.minute(10), "a"),
    ]  # fmt: skip


def test_everything_that_stops_or_treats_under_one_used_key_counts():
    chair = Chair().tell(10, "note", "k", text="x").tell(11, "paused", "k", because="unwell")
    chair.tell(12, "medicine_given", "k", medicine="adrenaline", route="into the muscle", dose_mg=0.5)
    found = gather(chair.raws, SESSION, protocol())
    assert [event.type for _, event in found.standing] == [EventType.NOTE, EventType.PAUSED, EventType.MEDICINE_GIVEN]


def test_what_came_under_a_used_key_is_dated_by_its_receipt_too_where_the_clock_is_behind():
    chair = Chair().opened().tell(20, "note", "k", text="x")
    chair.tell(25, "symptom", "k", symptom="headache", present=True, grade="severe")
    chair.raws[-1]["device_at"] = chair.minute(-3 * 1440).isoformat()
    found = gather(chair.raws, SESSION, protocol())
    assert [at for at, _ in found.refused] == [chair.minute(25) + timedelta(seconds=1)]
