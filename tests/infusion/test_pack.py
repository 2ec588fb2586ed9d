"""The pack and the rules agree: whatever a client looks up, the rules would have said, and nothing more."""

from __future__ import annotations

import itertools
import json
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from functools import cache
from typing import Any, get_type_hints

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from ivigil.errors import BadInput
from ivigil.infusion import lookup
from ivigil.infusion.pack import LOW_PRESSURE, Pack, as_json, content_id, make_pack
from ivigil.infusion.rates import proposed_ml_per_h, restart_ml_per_h
from ivigil.infusion.response import advice, as_anaphylaxis
from ivigil.infusion.session import Session
from ivigil.infusion.signs import anaphylaxis
from ivigil.infusion.workflow import BARS, Action, Situation, barred
from ivigil.knowledge.protocol import Grade, Sign
from ivigil.prescription.plan import Signature
from ivigil.sources import cite
from tests.infusion.chair import Chair, at_chair, planned
from tests.planning import opened

QUESTIONS: dict[str, type[StrEnum]] = dict(get_type_hints(Situation))


@cache
def made() -> Pack:
    bedside = at_chair()
    at = bedside.infusion.starts_at - timedelta(hours=2)
    signature = Signature(plan_id=bedside.plan.plan_id, by="Dr. Ada Test", role="physician", at=at)
    return make_pack(bedside, signature, at, lambda name: cite(opened().source(name)))


@cache
def packed() -> dict[str, Any]:
    return json.loads(as_json(made()))


@pytest.fixture(autouse=True)
def made_anew() -> None:
    """Each test makes its pack itself: a rule that was broken since the last one must be seen."""
    made.cache_clear()
    packed.cache_clear()


situations = st.fixed_dictionaries({name: st.sampled_from(list(kind)) for name, kind in QUESTIONS.items()})


@seed(5)
@settings(max_examples=400, deadline=None)
@given(situations, st.sampled_from(list(Action)))
def test_a_lookup_says_what_the_rules_say(answers, action):
    codes = barred(action, Situation(**answers))
    looked = lookup.may(packed(), action.value, {name: one.value for name, one in answers.items()})
    assert looked.codes == codes
    assert looked.answer == ("barred" if codes else "allowed")


@seed(6)
@settings(max_examples=400, deadline=None)
@given(situations, st.sampled_from(list(Action)), st.sets(st.sampled_from(sorted(QUESTIONS))))
def test_what_is_not_known_is_never_allowed_unless_nothing_known_could_bar_it(answers, action, missing):
    told = {name: one.value for name, one in answers.items() if name not in missing}
    looked = lookup.may(packed(), action.value, told)
    asked = {bar.field for bar in BARS[action]}
    if looked.answer == "allowed":
        assert not asked & missing
        assert not barred(action, Situation(**answers))
    if asked & missing and not looked.codes:
        assert looked.answer == "call"


def test_a_word_that_the_pack_does_not_know_reads_call():
    whole = {name: next(iter(kind)).value for name, kind in QUESTIONS.items()}
    assert lookup.may(packed(), "restart_anyway", whole).answer == "call"
    assert lookup.may(packed(), "start", whole | {"lock": "probably free"}).answer == "call"
    assert lookup.next_rate(packed(), 20.9) == "call"
    assert lookup.restart_rate(packed(), "mild", 20.9, 0, 0) == "call"
    assert lookup.anaphylaxis(packed(), {"skin", "odd"}) == "call"
    assert lookup.response(packed(), "terrible") == "call"


@pytest.mark.parametrize(
    "action", ["stop", "pause", "slow", "give_medicine", "notify", "call_emergency", "treat_as_anaphylaxis", "record"]
)
def test_what_may_always_be_done_needs_no_answer(action):
    assert lookup.may(packed(), action, {}).answer == "allowed"


def test_every_combination_of_signs_reads_as_the_criteria():
    names = [*(one.value for one in Sign), LOW_PRESSURE]
    for size in range(len(names) + 1):
        for present in itertools.combinations(names, size):
            signs = frozenset(Sign(name) for name in present if name != LOW_PRESSURE)
            wanted = tuple(f"{one.rule} {one.number}" for one in anaphylaxis(signs, low=LOW_PRESSURE in present))
            assert lookup.anaphylaxis(packed(), present) == wanted


def test_the_next_rate_of_each_step_is_that_of_the_rules():
    bedside = at_chair()
    for step in bedside.steps:
        wanted = proposed_ml_per_h(
            Action.RAISE, Session(ml_per_h=Fraction(step.pump_ml_per_h)), bedside, bedside.infusion.starts_at
        )
        found = lookup.next_rate(packed(), float(step.pump_ml_per_h))
        assert (None if wanted is None else float(wanted)) == found


def test_every_restart_is_that_of_the_rules_and_never_above_what_was_borne():
    bedside = at_chair()
    rates = [step.pump_ml_per_h for step in bedside.steps]
    for grade, ran, borne in itertools.product(Grade, rates, (Decimal(0), *rates)):
        after = Session(episode=grade, ran_before_pause=Fraction(ran), cap_ml_per_h=Fraction(borne))
        wanted = restart_ml_per_h(after, bedside, bedside.infusion.starts_at)
        found = lookup.restart_rate(packed(), grade.value, float(ran), float(borne), 0)
        assert found == (None if wanted is None else float(wanted))
        assert found is None or found <= min(borne, ran / 2)
    for ran in rates:
        assert lookup.restart_rate(packed(), None, float(ran), 0, 0) == float(ran)


def test_the_reaction_card_holds_the_doses_that_advice_would_give():
    chair = Chair().ready().started().tell(20, "treated_as_anaphylaxis")
    said = advice(chair.live.session, chair.bedside)
    assert said is not None
    card = as_anaphylaxis(Session(), chair.bedside)
    assert said.adrenaline == card.adrenaline
    # 70 kg: 0.7 mg by weight, capped at the adult's 0.5 mg, which is 0.5 mL of 1 mg/mL. The pen from 30 kg on holds 0.3.
    held = packed()["adrenaline"]
    assert (held["mg"], held["ml"], held["mg_per_ml"], held["capped"], held["pen_mg"]) == (0.5, 0.5, 1, True, 0.3)
    assert held["repeat_min"] == 5


def test_a_pack_is_known_by_its_content_and_ends_a_day_after_the_infusion_begins():
    pack, bedside = made(), at_chair()
    assert pack.pack_id == content_id(pack)
    # Made two hours before the start: it serves the whole day of the infusion, and no longer than the plan.
    assert pack.valid_until == min(bedside.infusion.starts_at + timedelta(hours=24), bedside.plan.valid_until)
    assert Pack.model_validate_json(as_json(pack)) == pack


def test_a_pack_is_not_made_for_another_plans_signature_or_after_its_end():
    bedside = at_chair()
    other = Signature(plan_id="sha256:0", by="Dr. Ada Test", role="physician", at=bedside.infusion.starts_at)
    with pytest.raises(BadInput, match="another plan"):
        make_pack(bedside, other, bedside.infusion.starts_at, None)
    mine = other.model_copy(update={"plan_id": bedside.plan.plan_id})
    with pytest.raises(BadInput, match="no longer valid"):
        make_pack(bedside, mine, bedside.plan.valid_until + timedelta(minutes=1), None)


def test_every_reason_in_a_pack_has_a_source_or_is_policy():
    held = packed()
    rows = [*held["reasons"].values(), *held["symptoms"].values(), *held["triggers"].values()]
    rows += [step for one in held["responses"].values() for step in one["steps"]]
    for row in rows:
        assert row["sources"]
        for name in row["sources"]:
            assert name in held["sources"]


def test_a_childs_pack_holds_the_childs_limits_and_doses():
    # 8 years, 25 kg: systolic below 70 + 2 x 8 = 86 mmHg; adrenaline 0.25 mg; the pen below 30 kg holds 0.15 mg.
    made_for = planned(product="gammagard_liquid", age_years=8, weight_kg=25, height_cm=127)
    bedside = at_chair(made_for)
    at = bedside.infusion.starts_at
    signature = Signature(plan_id=made_for.plan_id, by="Dr. Ada Test", role="physician", at=at)
    held = json.loads(as_json(make_pack(bedside, signature, at, lambda name: cite(opened().source(name)))))
    low = [one["below"] for one in held["triggers"].values() if one["low_pressure"] and one["below"] is not None]
    assert low == [86]
    assert (held["adrenaline"]["mg"], held["adrenaline"]["ml"], held["adrenaline"]["pen_mg"]) == (0.25, 0.25, 0.15)
    assert (held["weight_from_kg"], held["weight_to_kg"]) == (23.75, 26.25)
    paracetamol = next(one for one in held["responses"]["mild"]["medicines"] if one["medicine"] == "paracetamol")
    assert paracetamol["mg"] is None
    assert "ask the prescriber" in paracetamol["ask"]
