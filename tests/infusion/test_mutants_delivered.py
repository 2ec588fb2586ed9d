"""What was given and what it teaches: volumes, grams and memories worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from ivigil.infusion.delivered import Running
from ivigil.infusion.tolerance import Lesson, lesson, remembered
from ivigil.infusion.workflow import Lock
from ivigil.knowledge.protocol import Grade
from ivigil.patient import ProductHistory, Reaction
from tests.infusion.chair import Chair
from tests.planning import history

D = Decimal


def ran(chair: Chair, minute: float) -> Any:
    """What had been given by a minute."""
    return chair.live.given(chair.minute(minute))


# ---- volume and grams


def test_each_rate_counts_for_its_own_time_and_a_pause_for_none():
    chair = (
        Chair()
        .opened()
        .checked()
        .hung()
        .vitals(-5)
        .started(pump_ml_per_h=60)
        .tell(10, "rate_changed", pump_ml_per_h=30)
    )
    chair.tell(20, "paused").tell(50, "resumed", pump_ml_per_h=120).tell(60, "rate_changed", pump_ml_per_h=6)
    given = ran(chair, 70)
    # 10 min at 60 are 10 mL, 10 min at 30 are 5, 10 min at 120 are 20, 10 min at 6 are 1.
    assert [(one.ml_per_h, one.ml) for one in given.stretches] == [(60, 10), (30, 5), (120, 20), (6, 1)]
    assert (given.ml, given.grams) == (36, Fraction("3.6"))
    assert [(one.begins, one.ends) for one in given.stretches][2] == (chair.minute(50), chair.minute(60))


def test_a_rate_set_before_the_start_or_while_paused_does_not_run():
    chair = Chair().ready().tell(-1, "rate_changed", pump_ml_per_h=500).started(pump_ml_per_h=60)
    chair.tell(10, "paused").tell(11, "rate_changed", pump_ml_per_h=500)
    assert ran(chair, 60).ml == 10


@pytest.mark.parametrize(
    "kind", ["paused", "stopped_early", "completed", "treated_as_anaphylaxis", "observation_ended"]
)
def test_everything_that_ends_or_pauses_stops_the_pump(kind):
    chair = Chair().ready().started(pump_ml_per_h=60).tell(10, kind)
    assert ran(chair, 60).ml == 10


@pytest.mark.parametrize("kind", ["note", "vitals", "symptom", "emergency_called", "prescriber_notified"])
def test_nothing_else_changes_what_runs(kind):
    told: dict[str, dict[str, Any]] = {
        "note": {"text": "x"}, "vitals": {"pulse_per_min": 80}, "symptom": {"symptom": "headache", "present": True},
        "emergency_called": {}, "prescriber_notified": {"who": "Dr. Ada Test", "said": "x"},
    }  # fmt: skip
    chair = Chair().ready().started(pump_ml_per_h=60).tell(10, kind, **told[kind])
    assert ran(chair, 60).ml == 60


def test_what_runs_before_anything_hangs_is_held_by_nothing():
    chair = Chair().opened().started(pump_ml_per_h=60)
    chair.hung(10, size_g=10, volume_ml=100)
    given = ran(chair, 30)
    assert (given.unhung_ml, given.ml, given.grams, given.hung_g) == (10, 30, 2, 10)


def test_containers_beside_each_other_are_drawn_in_order_and_lots_add_up():
    chair = (
        Chair()
        .opened()
        .hung(-9, size_g=5, volume_ml=50, lot="A")
        .hung(-8, size_g=5, volume_ml=50, lot="B", beside=True)
    )
    chair.hung(-7, size_g=5, volume_ml=50, lot="A", beside=True).started(pump_ml_per_h=60)
    given = ran(chair, 120)
    # 120 mL: 50 of A, 50 of B, 20 of A again.
    assert [(one.given_ml, one.left_ml) for one in given.containers] == [(50, 0), (50, 0), (20, 30)]
    assert given.by_lot() == {("privigen", "A"): 7, ("privigen", "B"): 5}
    assert (given.hung_g, given.unhung_ml) == (15, 0)
    assert [one.key for one in given.containers] == ["k2", "k3", "k4"]
    assert given.containers[0].hung_at == chair.minute(-9)


def test_one_hung_in_the_place_of_others_ends_them_and_one_beside_it_adds():
    chair = (
        Chair()
        .opened()
        .hung(-9, size_g=5, volume_ml=50, lot="A")
        .hung(-8, size_g=5, volume_ml=50, lot="B", beside=True)
    )
    chair.started(pump_ml_per_h=60).hung(20, size_g=5, volume_ml=50, lot="C").hung(21, size_g=5, volume_ml=50, lot="D", beside=True)  # fmt: skip
    given = ran(chair, 90)
    # 20 mL of A; then 70: 50 of C and 20 of D. B is never reached.
    assert [one.given_ml for one in given.containers] == [20, 0, 50, 20]


def test_grams_are_by_each_label():
    chair = (
        Chair()
        .opened()
        .hung(-9, size_g=5, volume_ml=100, lot="A")
        .hung(-8, size_g=10, volume_ml=100, lot="B", beside=True)
    )
    chair.started(pump_ml_per_h=60)
    # 100 mL of 5 % are 5 g, 50 mL of 10 % are 5 g.
    assert ran(chair, 150).by_lot() == {("privigen", "A"): 5, ("privigen", "B"): 5}


def test_a_first_container_that_is_said_to_hang_beside_another_is_drawn_from_all_the_same():
    chair = Chair().opened().hung(-9, size_g=5, volume_ml=50, beside=True).started(pump_ml_per_h=30)
    assert ran(chair, 60).grams == 3


def test_all_grams_that_were_ever_hung_count_against_the_dose():
    chair = Chair().opened().hung(-9, size_g=20, volume_ml=200).hung(-8, size_g=5, volume_ml=50)
    assert chair.live.moment(chair.minute(0)).hung_g == 25


def test_asking_up_to_the_very_moment_gives_no_stretch_of_no_time():
    chair = Chair().ready().started(pump_ml_per_h=60)
    assert ran(chair, 0).stretches == ()
    fresh: Any = Running()
    assert (fresh.ml(chair.minute(5)), fresh.until(chair.minute(5)).ml, fresh.hung_g) == (0, 0, 0)


def test_what_ran_so_far_is_kept_between_questions():
    chair = Chair().ready().started(pump_ml_per_h=60).tell(10, "rate_changed", pump_ml_per_h=30)
    live: Any = chair.live
    assert (live.moment(chair.minute(10)).given_ml, live.moment(chair.minute(30)).given_ml) == (10, 20)
    assert (live.given(chair.minute(30)).ml, live.given(chair.minute(20)).ml) == (20, 15)


# ---- what it teaches


def learned(chair: Chair, *ever: tuple[float, str]) -> Lesson:
    live = chair.live
    assert live.last is not None
    made = lesson(live.session, chair.bedside, live.given(live.last).grams, tuple((chair.minute(at), name) for at, name in ever))  # fmt: skip
    assert made is not None
    return made


def calm() -> Chair:
    return Chair().ready().started().vitals(20).tell(60, "stopped_early")


def test_nothing_is_learned_from_what_never_ran():
    chair = Chair().ready()
    assert lesson(chair.live.session, chair.bedside, Fraction(0), ()) is None


def test_what_an_uneventful_infusion_teaches():
    told = learned(calm())
    # An hour at 21 mL/h of 10 % is 2.1 g; 21 mL/h for 70 kg was watched: 0.3 mL/kg/h.
    assert told == Lesson("privigen", Chair().minute(0), D("2.10"), D("0.3"), True, False, True, ())


def test_grams_and_rates_are_never_rounded_up():
    chair = Chair().ready().started(pump_ml_per_h=20.5).vitals(20).tell(50, "stopped_early")
    told = learned(chair)
    # 50 minutes at 20.5 mL/h are 17.083 mL, 1.7083 g.
    assert (told.dose_g, told.rate_borne_ml_per_kg_h) == (D("1.70"), D("0.29"))
    fast = Chair().ready().started(pump_ml_per_h=20.9).vitals(20).tell(50, "stopped_early")
    # 17.4167 mL; 20.9 / 70 are 0.29857 mL/kg/h.
    assert (learned(fast).dose_g, learned(fast).rate_borne_ml_per_kg_h) == (D("1.74"), D("0.29"))


def test_a_rate_that_nobody_watched_is_not_remembered():
    assert learned(Chair().ready().started().tell(60, "stopped_early")).rate_borne_ml_per_kg_h is None


def test_the_cap_of_a_reaction_goes_before_the_highest_that_was_borne():
    chair = Chair().ready().started().vitals(20).tell(30, "rate_changed", pump_ml_per_h=42).vitals(40)
    chair.felt(45, "headache", "mild").tell(50, "stopped_early")
    # 42 was borne for ten minutes and then was not: 21 mL/h, 0.3 mL/kg/h.
    assert learned(chair, (45, "headache")).rate_borne_ml_per_kg_h == D("0.3")
    # A prescriber lifted it: what was borne counts.
    chair.tell(51, "prescriber_notified", who="Dr. Ada Test", said="x", lifts_cap=True)
    assert learned(chair, (45, "headache")).rate_borne_ml_per_kg_h == D("0.6")
    low = chair.live.session
    assert low.borne_ml_per_h == 42
    capped = replace(low, cap_ml_per_h=Fraction(84))
    told = lesson(capped, chair.bedside, Fraction(1), ())
    assert told is not None
    assert told.rate_borne_ml_per_kg_h == D("0.6")


def test_what_does_not_count_as_uneventful():
    running = Chair().ready().started().vitals(20)
    assert not learned(running).uneventful
    deviating = Chair().ready().started(pump_ml_per_h=42).vitals(20).tell(60, "stopped_early")
    assert not learned(deviating).uneventful
    reacting = Chair().ready().started().felt(20, "headache", "mild").gone(30, "headache").tell(60, "stopped_early")
    assert not learned(reacting, (20, "headache")).uneventful


def test_who_watched_decides_whether_it_was_supervised():
    alone = Chair().opened(supervised=False).checked().hung().vitals(-5).started().tell(60, "stopped_early")
    assert not learned(alone).supervised
    unopened = Chair().checked().hung().vitals(-5).started().tell(60, "stopped_early")
    assert not learned(unopened).supervised


def test_each_kind_of_reaction_is_remembered_once_with_its_first_time_and_the_worst_grade():
    chair = Chair().ready().started().felt(20, "headache", "mild").felt(25, "other", "moderate", text="cold feet")
    chair.tell(60, "stopped_early")
    told = learned(chair, (20, "headache"), (22, "headache"), (25, "other: cold feet"))
    # CTCAE 2 is the moderate of the two.
    assert told.reactions == (
        Reaction(kind="headache", at=chair.minute(20), grade=2), Reaction(kind="other", at=chair.minute(25), grade=2),
    )  # fmt: skip


def test_treated_as_anaphylaxis_is_remembered_with_its_time_also_without_a_symptom():
    chair = Chair().ready().started().tell(30, "treated_as_anaphylaxis")
    assert learned(chair).reactions == (Reaction(kind="anaphylaxis", at=chair.minute(30), grade=3),)


def test_anaphylaxis_by_vital_signs_is_remembered_from_when_it_was_met():
    chair = Chair().ready().started().vitals(20, systolic_mmhg=70, diastolic_mmhg=40).tell(21, "stopped_early")
    assert chair.live.session.lock is Lock.ANAPHYLAXIS
    assert learned(chair).reactions == (Reaction(kind="anaphylaxis", at=chair.minute(20), grade=3),)


def test_a_reaction_of_vital_signs_alone_is_remembered_as_other():
    chair = Chair().ready().started().vitals(20, temperature_c=38.3).tell(60, "stopped_early")
    assert learned(chair).reactions == (Reaction(kind="other", at=chair.minute(0), grade=2),)


# ---- the patient's history afterwards


def before(**more: Any) -> ProductHistory:
    return ProductHistory.model_validate(history("privigen", **more))


LESSON = Lesson(
    "privigen", Chair().minute(0), D("2.1"), D("0.3"), uneventful=True, complete=True, supervised=True, reactions=()
)
HEADACHE = (Reaction(kind="headache", at=Chair().minute(20), grade=1),)


@pytest.mark.parametrize(
    ("borne", "earlier", "reactions", "after"),
    [
        # The highest ever borne, unless this one brought a reaction: then the lower.
        ("0.3", "2.4", (), "2.4"),
        ("3.0", "2.4", (), "3.0"),
        ("0.3", "2.4", HEADACHE, "0.3"),
        ("3.0", "2.4", HEADACHE, "2.4"),
        ("0.3", None, (), "0.3"),
        (None, "2.4", (), "2.4"),
        # A reaction and no rate borne: what was known does not stand any more.
        (None, "2.4", HEADACHE, None),
        (None, None, (), None),
    ],
)
def test_the_rate_that_is_remembered(borne, earlier, reactions, after):
    told = replace(LESSON, rate_borne_ml_per_kg_h=None if borne is None else D(borne), reactions=reactions)
    known = before(rate_borne_ml_per_kg_h=None if earlier is None else D(earlier))
    expected = None if after is None else D(after)
    assert remembered(told, known).rate_borne_ml_per_kg_h == expected


@pytest.mark.parametrize(("uneventful", "supervised", "counts"), [(True, True, 1), (True, False, 0), (False, True, 0), (False, False, 0)])  # fmt: skip
def test_only_the_uneventful_and_supervised_counts_toward_home(uneventful, supervised, counts):
    told = replace(LESSON, uneventful=uneventful, supervised=supervised)
    known = before(infusions=5, uneventful_supervised_infusions=3)
    after, first = remembered(told, known), remembered(told, None)
    assert (after.infusions, after.uneventful_supervised_infusions) == (6, 3 + counts)
    assert (first.infusions, first.uneventful_supervised_infusions) == (1, counts)


def test_the_rest_of_the_entry_is_that_of_this_infusion_and_reactions_add_up():
    known = before(reactions=[{"kind": "flushing"}])
    after = remembered(replace(LESSON, reactions=HEADACHE), known)
    assert (after.product, after.last_given_at, after.last_dose_g) == ("privigen", Chair().minute(0), D("2.1"))
    assert [one.kind for one in after.reactions or ()] == ["flushing", "headache"]
    assert remembered(replace(LESSON, dose_g=D(0)), known).last_dose_g is None
    assert remembered(LESSON, None).reactions == ()


def test_reactions_that_nobody_recorded_stay_unknown_where_there_are_none():
    assert remembered(LESSON, before(reactions=None)).reactions is None


def test_a_reaction_is_remembered_also_where_nobody_recorded_the_earlier_ones():
    after = remembered(replace(LESSON, reactions=HEADACHE), before(reactions=None))
    assert [one.kind for one in after.reactions or ()] == ["headache"]


def test_what_had_gone_before_the_start_is_no_reaction_to_the_infusion():
    chair = Chair().ready().felt(-4, "headache", "moderate").gone(-3, "headache").vitals(-2).started()
    chair.vitals(10).tell(20, "stopped_early")
    told = learned(chair)
    assert (told.reactions, told.uneventful) == ((), True)


def test_what_is_still_there_at_the_start_is_told_as_present_during_it():
    chair = Chair().ready().felt(-4, "headache", "moderate").started().gone(10, "headache").tell(20, "stopped_early")
    assert chair.live.session.worst_ever is Grade.MODERATE


def test_what_hangs_is_known_between_reports_too():
    chair = Chair().opened().checked().hung(-9, size_g=10, volume_ml=100).vitals(-5).started(pump_ml_per_h=60)
    chair.hung(20, size_g=20, volume_ml=200, lot="B").hung(21, size_g=5, volume_ml=50, lot="C", beside=True)
    # Nothing was told since 21; B took the place of A, and of 250 mL that hang 20 mL ran from 20 to 40.
    assert chair.live.given(chair.minute(40)).hanging_ml == 230
