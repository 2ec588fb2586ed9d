"""Edges that broken rules had passed unnoticed: the very minute, the very rate, steps that a pump cannot tell apart."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from ivigil.infusion.bedside import Bedside
from ivigil.infusion.due import due
from ivigil.infusion.response import most_at_once
from ivigil.infusion.session import Session
from tests.infusion.chair import Chair, at_chair, planned
from tests.infusion.test_mutants_pack import pack_of

D = Decimal


def kinds(chair: Chair) -> set[str]:
    return {one.kind.value for one in due(chair.live.session, chair.bedside)}


def child(**changes: object) -> Bedside:
    """8 years and 25 kg, planned in the US."""
    made = at_chair(planned(product="gammagard_liquid", age_years=8, weight_kg=25, height_cm=127))
    return replace(made, ordered=made.ordered.model_copy(update=changes))


def test_who_was_told_in_the_minute_of_the_reaction_was_told_of_it():
    told = {"who": "Dr. Ada Test", "said": "watch"}
    reacting = Chair().ready().started().felt(40, "headache", "mild")
    assert "tell_prescriber" in kinds(reacting)
    assert "tell_prescriber" not in kinds(reacting.tell(40, "prescriber_notified", **told))


def test_the_plans_highest_rate_is_not_too_fast():
    chair = Chair().ready().started()
    for minute, rate in ((30, 42), (60, 84), (90, 168), (120, 336)):
        chair.vitals(minute - 15).vitals(minute).tell(minute, "rate_changed", pump_ml_per_h=rate)
    assert chair.live.session.deviations == ()
    assert "slow" not in kinds(chair)


def test_no_second_adrenaline_is_due_when_all_had_gone_in_the_minute_of_the_first():
    chair = Chair().ready().started().felt(40, "breathless_or_wheeze").tell(41, "treated_as_anaphylaxis")
    chair.tell(45, "medicine_given", medicine="adrenaline", dose_mg=0.5, route="muscle")
    assert "adrenaline_again" in kinds(chair)
    assert "adrenaline_again" not in kinds(chair.gone(45, "breathless_or_wheeze"))


def test_steps_that_the_pump_cannot_tell_apart_are_one_that_is_held_for_both():
    made = at_chair()
    first, second, *rest = made.steps
    alike = second.model_copy(update={"pump_ml_per_h": first.pump_ml_per_h})
    infusion = made.infusion.model_copy(update={"steps": (first, alike, *rest)})
    ladder = pack_of(replace(made, infusion=infusion)).ladder
    assert [(step.pump_ml_per_h, step.hold_min, step.earliest_min) for step in ladder] == [
        (D(21), 60, 0),
        (D(84), 30, 60),
        (D(168), 30, 90),
        (D(336), 26, 120),
    ]


@pytest.mark.parametrize(
    ("medicine", "changes", "mg"),
    [
        # By weight 0.01 mg/kg, and the child's pen of 0.15 mg is less; by the bands of the UK 0.3 mg from 6 to 12 years.
        ("adrenaline", {}, D("0.25")),
        ("epinephrine", {"region": "UK"}, D("0.3")),
        # A kilogram a milligram.
        ("Diphenhydramine", {}, D(25)),
        # 5 to 10 mg from 6 to 12 years.
        ("cetirizine", {}, D(10)),
        # No child's dose was read.
        ("paracetamol", {}, None),
        ("penicillin", {}, None),
    ],
)
def test_the_most_that_a_child_is_given_at_once(medicine, changes, mg):
    found = most_at_once(medicine, Session(), child(**changes))
    assert (None if found is None else found[0]) == mg
