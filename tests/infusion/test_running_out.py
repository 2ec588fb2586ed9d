"""When the dose is through or a container is empty: due to the minute, at a plan of 300 mL whose line may hold 5 % of it."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest

from ivigil.documents.chair import DUE
from ivigil.infusion.delivered import Ahead
from ivigil.infusion.due import DueKind, due
from ivigil.infusion.report import report
from ivigil.infusion.session import Session, changed
from tests.infusion.chair import Chair


def rows(chair: Chair) -> dict[str, float]:
    """What is due, in minutes after nine."""
    start = chair.minute(0)
    return {one.kind.value: (one.at - start).total_seconds() / 60 for one in due(chair.live.session, chair.bedside)}


def running(rate: float = 60, **hung: Any) -> Chair:
    """At 60 mL/h one mL a minute."""
    return Chair().opened().checked().hung(**hung).vitals(-5).started(pump_ml_per_h=rate)


def of(grams: float) -> dict[str, float]:
    """A container of 10 %."""
    return {"size_g": grams, "volume_ml": grams * 10}


def test_the_dose_is_through_when_its_volume_has_run_at_the_present_rate():
    found = rows(running())
    assert (found.get("complete"), "hang" in found) == (300, False)


def test_each_rate_counts_for_its_own_time():
    # 30 mL in 30 minutes; the other 270 at 120 mL/h take 135.
    chair = running().tell(30, "rate_changed", pump_ml_per_h=120)
    assert rows(chair)["complete"] == 165
    # Ten minutes of pause are ten minutes later.
    assert rows(chair.tell(60, "paused").tell(70, "resumed", pump_ml_per_h=120))["complete"] == 175


def test_what_came_stays_where_it_came():
    chair = running().vitals(299)
    assert rows(chair)["complete"] == 300
    for minute in (300, 310, 320):
        assert rows(chair.vitals(minute))["complete"] == 300


def test_a_moment_is_never_told_before_it_comes():
    # 300 mL at 21 mL/h: 14 2/7 hours, 51428.571428 571... seconds.
    found = running(21).live.session.ahead.through_at
    assert found is not None
    assert found - running().minute(0) == timedelta(seconds=51428, microseconds=571429)


def test_a_container_is_replaced_before_it_runs_empty():
    found = rows(running(**of(10)))
    assert (found.get("hang"), "complete" in found) == (100, False)
    # To the microsecond, also where a share of an hour is no sum of halves.
    assert rows(running(**of(3.1)))["hang"] == 31


def test_one_hung_in_its_place_lasts_from_then_on_and_one_beside_it_for_longer():
    # After 90 mL 200 more: to 290 mL, and the line holds the rest. Beside the first, which has 10 mL left: to 300.
    assert rows(running(**of(10)).hung(90, **of(20)))["complete"] == 290
    assert rows(running(**of(10)).hung(90, **of(20), beside=True))["complete"] == 300


@pytest.mark.parametrize("beside", [True, False])
def test_one_hung_after_ten_minutes_of_air_does_not_give_them_back(beside):
    chair = running(**of(10)).vitals(110)
    assert rows(chair)["hang"] == 100
    # 110 minutes ran, and 15 g last 150 more: 260 mL are not enough.
    assert rows(chair.hung(110, **of(15), beside=beside))["hang"] == 260


@pytest.mark.parametrize(("grams", "kind"), [(28.5, "complete"), (28.4, "hang")])
def test_what_lasts_for_all_that_counts_as_the_dose_is_not_replaced(grams, kind):
    # 95 % of 300 mL are 285.
    found = rows(running(**of(grams)))
    assert {name: found[name] for name in ("hang", "complete") if name in found} == {kind: grams * 10}


def test_what_nobody_recorded_is_owed_from_the_start_on():
    assert rows(Chair().opened().started())["hang"] == 0
    assert rows(Chair().opened().started().vitals(20))["hang"] == 0


def test_a_pump_that_stands_still_empties_nothing():
    found = rows(running().tell(50, "paused"))
    assert "restart" in found
    assert not {"hang", "complete"} & set(found)
    assert not {"hang", "complete"} & set(rows(Chair().ready()))


def test_when_all_has_run_a_pause_is_not_ended_but_the_infusion_is():
    found = rows(running().tell(300, "paused"))
    assert (found["complete"], "restart" in found) == (300, False)
    assert "restart" in rows(running().tell(299, "paused"))


@pytest.mark.parametrize(
    # What hangs lasts for 287 mL. Half an hour at 21 mL/h, then 42: 244.3 mL after 364 minutes, 245 after 365. At 84 mL/h, held
    # for half an hour, 42 mL run: there is something left to go faster, and there is not.
    ("minute", "step", "through"),
    [(364, 394, 394.5), (365, None, 395)],
)
def test_no_step_is_due_that_would_come_when_all_has_run(minute, step, through):
    chair = running(21, **of(28.7)).vitals(30).tell(30, "rate_changed", pump_ml_per_h=42)
    found = rows(chair.vitals(minute).tell(minute, "rate_changed", pump_ml_per_h=84))
    assert (found.get("rate_step"), found["complete"]) == (step, through)


def test_where_it_is_to_be_stopped_nothing_is_hung_or_completed():
    assert not {"hang", "complete"} & set(rows(running().felt(40, "headache", "severe")))
    assert not {"hang", "complete"} & set(rows(running(**of(10)).felt(40, "headache", "severe")))


def test_where_it_runs_too_fast_what_hangs_is_told_all_the_same():
    found = rows(running(400))
    assert (found["slow"], found["complete"]) == (0, 45)


@pytest.mark.parametrize("end", ["stopped_early", "completed"])
def test_after_the_end_nothing_is_hung_or_completed(end):
    assert not {"hang", "complete"} & set(rows(running().vitals(299).tell(300, end)))
    assert not {"hang", "complete"} & set(rows(running(**of(10)).vitals(99).tell(100, end)))


def test_what_runs_so_slowly_that_no_calendar_holds_it_does_not_come():
    assert running(0.000000001).live.session.ahead == Ahead()
    assert running(0.001).live.session.ahead.through_at is not None


def test_a_field_that_a_session_does_not_have_is_not_changed():
    with pytest.raises(TypeError, match=r"^no field of a session: hold, rates$"):
        changed(Session(), rates=1, hold=2, ml_per_h=Fraction(3))
    assert changed(Session(), ml_per_h=Fraction(3)) == Session(ml_per_h=Fraction(3))
    untouched = Session()
    changed(untouched, ml_per_h=Fraction(3))
    assert untouched == Session()


def test_everything_that_may_be_due_has_its_words():
    assert set(DUE) == {kind.value for kind in DueKind}


# ---- and what of it came late


def late(chair: Chair) -> list[tuple[str, float, float | None]]:
    start = chair.minute(0)

    def minute(at: Any) -> Any:
        return None if at is None else (at - start).total_seconds() / 60

    found = report(chair.record, chair.bedside).missed
    return [(one.what, minute(one.due_at), minute(one.taken_at)) for one in found if one.what in {"hang", "complete"}]


@pytest.mark.parametrize("end", ["paused", "completed", "stopped_early"])
@pytest.mark.parametrize(("minute", "told"), [(305, []), (305.1, [("complete", 300, 305.1)])])
def test_an_infusion_that_was_ended_late(end, minute, told):
    chair = running().vitals(299).tell(minute, end)
    assert late(chair) == told
    # What stands still owes nothing more.
    assert late(chair.vitals(400).vitals(401)) == told


def test_an_infusion_that_ran_on_is_never_ended():
    assert late(running().vitals(305)) == []
    assert late(running().vitals(306)) == [("complete", 300, None)]


@pytest.mark.parametrize(("minute", "told"), [(105, []), (105.1, [("hang", 100, 105.1)])])
def test_a_container_that_was_replaced_late(minute, told):
    assert late(running(**of(10)).hung(minute, **of(20))) == told
    assert late(running(**of(10)).hung(minute, **of(20), beside=True)) == told
    assert late(running(**of(10)).vitals(99).tell(minute, "paused").vitals(200)) == told


def test_a_container_that_was_never_replaced():
    assert late(running(**of(10)).vitals(106)) == [("hang", 100, None)]


def test_what_runs_more_slowly_since_lasts_longer():
    # 50 mL in 50 minutes, the other 50 at 30 mL/h in 100.
    chair = running(**of(10)).tell(50, "rate_changed", pump_ml_per_h=30)
    assert late(chair.hung(150, **of(20))) == []
