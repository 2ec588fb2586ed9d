"""Thousands of random sessions: repeats, reordering, clocks that run wrong, pauses, reactions, and everything forbidden.

The oracle reads the reported events themselves and knows nothing of the tables.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from fractions import Fraction
from functools import cache
from typing import Any

from hypothesis import HealthCheck, event, given, seed, settings
from hypothesis import strategies as st

from ivigil.infusion import lookup
from ivigil.infusion.due import due
from ivigil.infusion.live import replay
from ivigil.infusion.pack import as_json, make_pack
from ivigil.infusion.permission import Wish, may, situation
from ivigil.infusion.record import gather
from ivigil.infusion.response import advice
from ivigil.infusion.workflow import Action
from ivigil.knowledge.protocol import Grade
from ivigil.prescription.plan import Signature
from ivigil.sources import cite
from tests.infusion.chair import SESSION, WELL, Chair, at_chair, experienced, planned, protocol
from tests.planning import opened

MANY = settings(max_examples=10 * settings().max_examples, deadline=None, suppress_health_check=list(HealthCheck))
GOING_ON = (Action.START, Action.RAISE, Action.RESUME)


@cache
def beds() -> tuple[Any, ...]:
    return (
        at_chair(),
        at_chair(experienced(), quarantined=frozenset({"Q1"})),
        at_chair(planned("cidp", "loading"), number=2),
    )


symptoms = st.sampled_from(
    ["headache", "rash_urticaria_itch", "breathless_or_wheeze", "flushing", "frothy_sputum", "collapse"]
)
grades = st.sampled_from([None, "mild", "moderate", "severe"])
rates = st.sampled_from([5, 10.5, 21, 42, 84, 168, 336, 500])
vital_changes = st.fixed_dictionaries(
    {},
    optional={
        "systolic_mmhg": st.sampled_from([78, 89, 100, 118, 150]),
        "temperature_c": st.sampled_from([36.5, 37.9, 38.1, 39.2]),
        "spo2_percent": st.sampled_from([90, 92, 93, 99]),
    },
)


@st.composite
def told(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """One thing that is reported, sensible or not."""
    kind = draw(
        st.sampled_from(
            ["vitals", "vitals", "symptom", "symptom", "gone", "rate_changed", "rate_changed", "paused", "resumed", "started",
             "container_changed", "treated_as_anaphylaxis", "stopped_early", "completed", "observation_ended", "prescriber_notified",
             "medicine_given", "emergency_called", "check_confirmed", "note", "correction"]
        )
    )  # fmt: skip
    if kind == "vitals":
        return kind, WELL | draw(vital_changes)
    if kind in {"symptom", "gone"}:
        data: dict[str, Any] = {"symptom": draw(symptoms), "present": kind == "symptom"}
        grade = draw(grades)
        return "symptom", data | ({"grade": grade} if grade and kind == "symptom" else {})
    if kind in {"rate_changed", "resumed", "started"}:
        return kind, {"pump_ml_per_h": draw(rates)}
    if kind == "container_changed":
        lot = draw(st.sampled_from(["P100", "Q1"]))
        size = draw(st.sampled_from([5, 10, 20]))
        return kind, {"product": draw(st.sampled_from(["privigen", "panzyga"])), "lot": lot, "expires_on": draw(st.sampled_from(["2028-01-31", "2026-01-31"])), "size_g": size, "volume_ml": size * draw(st.sampled_from([10, 20])), "beside": draw(st.booleans())}  # fmt: skip
    if kind == "prescriber_notified":
        return kind, {
            "who": "Dr. Ada Test",
            "said": "so",
            "agrees_to_restart": draw(st.booleans()),
            "lifts_cap": draw(st.booleans()),
        }
    if kind == "medicine_given":
        return kind, {"medicine": "paracetamol", "route": "by mouth"}
    if kind == "check_confirmed":
        return kind, {"check": "consent", "ok": draw(st.booleans())}
    if kind == "note":
        return kind, {"text": "as it was"}
    if kind == "correction":
        return kind, {"corrects": f"k{draw(st.integers(1, 30))}", "because": "a slip"}
    return kind, {}


@st.composite
def sessions(draw: st.DrawFn) -> Chair:
    """A session of up to forty reports after a preparation that may lack something."""
    chair = Chair(bedside=draw(st.sampled_from(beds())))
    if draw(st.booleans()):
        chair.ready().started()
    else:
        chair.opened().checked(consent=draw(st.sampled_from([None, {"ok": True}, {"ok": False}])))
        if draw(st.booleans()):
            chair.hung()
        if draw(st.booleans()):
            chair.vitals(-5)
    minute = 0
    for kind, data in draw(st.lists(told(), max_size=40)):
        minute += draw(st.sampled_from([0, 1, 5, 16, 31]))
        chair.tell(minute, kind, **data)
        skew = draw(st.sampled_from([0, 0, 0, 1, 10]))
        if skew:
            at = datetime.fromisoformat(chair.raws[-1]["device_at"])
            chair.raws[-1]["device_at"] = (at + timedelta(minutes=skew)).isoformat()
    return chair


def end_of(chair: Chair) -> datetime:
    return max(one.at for one in chair.record.told) + timedelta(minutes=7)


def must_not(events: list[Mapping[str, Any]], top: Fraction, wish: Wish) -> bool:
    """By the reports alone: what must never be permitted. Read from what stands, in order of time."""
    present: dict[str, bool] = {}
    over, started = False, False
    for one in events:
        kind, data = one["type"], one["data"]
        started = started or kind == "started"
        if kind == "symptom":
            present[data["symptom"]] = data["present"]
            grave = data.get("grade") == "severe" or data["symptom"] in {"frothy_sputum", "collapse"}
            over = over or (data["present"] and grave and started)
        over = over or kind == "treated_as_anaphylaxis"
    too_fast = wish.ml_per_h is not None and wish.ml_per_h > top
    return too_fast or over or any(present.values())


@seed(11)
@MANY
@given(sessions(), st.sampled_from(GOING_ON), rates)
def test_nothing_forbidden_is_ever_permitted(chair, action, rate):
    live, now = chair.live, end_of(chair)
    wish = Wish(action, Fraction(str(rate)))
    standing = [
        json.loads(one.event.model_dump_json(by_alias=True)) for one in chair.record.told if one.event is not None
    ]
    forbidden = must_not(standing, live.bedside.top_ml_per_h, wish)
    permitted = not may(wish, live.moment(now))
    event(f"forbidden {forbidden}, permitted {permitted}")
    assert not (forbidden and permitted)


@seed(12)
@MANY
@given(sessions())
def test_no_report_is_lost_and_grams_balance(chair):
    made = chair.record
    kept = {one.first.key for one in made.told} | {json.loads(one.raw)["key"] for one in made.rejected}
    assert kept | {one.key for one in made.unmatched} == {one["key"] for one in chair.raws}
    given_then = replay(made, chair.bedside).given(end_of(chair))
    for one in given_then.containers:
        assert 0 <= one.given_ml <= one.volume_ml
        assert one.given_ml + one.left_ml == one.volume_ml
    assert sum((one.given_ml for one in given_then.containers), given_then.unhung_ml) == given_then.ml
    assert sum(given_then.by_lot().values()) == given_then.grams
    assert given_then.grams + sum(one.left_ml * one.grams_per_ml for one in given_then.containers) == given_then.hung_g


@seed(13)
@MANY
@given(sessions(), st.randoms(use_true_random=False))
def test_repeats_and_order_change_nothing_and_replay_equals_live(chair, chance):
    raws = [*chair.raws, *chance.sample(chair.raws, min(5, len(chair.raws)))]
    chance.shuffle(raws)
    other = gather(raws, SESSION, chair.bedside.protocol)
    assert other == chair.record
    assert replay(other, chair.bedside).session == chair.live.session


@seed(16)
@MANY
@given(sessions(), st.data())
def test_any_prefix_has_one_defined_session_and_a_late_arrival_makes_the_whole(chair, data):
    size = data.draw(st.integers(0, len(chair.raws)))
    some = gather(chair.raws[:size], SESSION, chair.bedside.protocol)
    assert replay(some, chair.bedside).session == replay(some, chair.bedside).session
    late = gather([*chair.raws[size:], *chair.raws[:size]], SESSION, chair.bedside.protocol)
    assert replay(late, chair.bedside).session == chair.live.session


@seed(14)
@MANY
@given(sessions(), st.sampled_from(list(Action)), st.one_of(st.none(), rates))
def test_the_pack_agrees_with_the_rules(chair, action, rate):
    live, now = chair.live, end_of(chair)
    wish = Wish(action, None if rate is None else Fraction(str(rate)))
    at = situation(wish, live.moment(now))
    looked = lookup.may(packed(), action.value, {name: getattr(at, name).value for name in at.__dataclass_fields__})
    told = tuple(one.code for one in may(wish, live.moment(now)))
    if action is Action.SLOW:
        # The tables permit slowing always; what is no slowing is told so.
        assert told == (() if wish.ml_per_h is None or wish.ml_per_h < live.session.ml_per_h else ("not-slower",))
        assert looked == lookup.Looked("allowed")
        return
    assert looked.codes == told
    assert (looked.answer == "allowed") == (not looked.codes)


@cache
def packed() -> Any:
    bedside = at_chair()
    at = bedside.infusion.starts_at
    signature = Signature(plan_id=bedside.plan.plan_id, by="Dr. Ada Test", role="physician", at=at)
    return json.loads(as_json(make_pack(bedside, signature, at, lambda name: cite(opened().source(name)))))


@seed(15)
@MANY
@given(sessions())
def test_every_advice_has_a_source_or_is_policy_and_adrenaline_stands_first(chair):
    live = chair.live
    said = advice(live.session, live.bedside)
    if said is not None:
        for one in said.steps:
            assert one.sources
        for criterion in said.criteria:
            assert criterion.rule in protocol().anaphylaxis
        if live.session.criteria or live.session.anaphylaxis_at is not None:
            assert said.adrenaline is not None
            assert said.restart == "never"
            assert not any(protocol().medicines[one.medicine].never_first_in_anaphylaxis for one in said.medicines)
        if said.grade in {Grade.SEVERE, Grade.LIFE_THREATENING}:
            assert said.flow == "stop"
    times = [one.at for one in due(live.session, live.bedside)]
    assert times == sorted(times)
