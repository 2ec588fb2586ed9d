"""What a protocol may not say, one fault at a time, with the place and the words of each."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import pytest

from ivigil.errors import BadKnowledge
from ivigil.infusion.protocols import check_protocol, faults
from ivigil.infusion.workflow import BARS, NOT_SLOWER
from ivigil.knowledge.protocol import Protocol
from tests.planning import opened

REMEDY = "Correct it; the shipped protocol shows the form."


def shipped() -> dict[str, Any]:
    return tomllib.loads((files("ivigil.knowledge") / "data" / "protocol" / "ivigil.toml").read_text("utf-8"))


def words() -> frozenset[str]:
    return frozenset(opened().vocabulary.reactions)


def changed(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    raw = shipped()
    change(raw)
    return raw


def refused(raw: dict[str, Any]) -> BadKnowledge:
    with pytest.raises(BadKnowledge) as found:
        check_protocol(raw, "ours.toml", words(), opened().source)
    return found.value


def test_the_shipped_protocol_holds_and_is_given_back():
    made = check_protocol(shipped(), "ours.toml", words(), opened().source)
    assert made == opened().protocol("ivigil")
    assert list(faults(made, words())) == []
    assert set(made.bars) == {bar.code for bars in BARS.values() for bar in bars} | {NOT_SLOWER}


def band(**more: Any) -> Callable[[dict[str, Any]], None]:
    def change(raw: dict[str, Any]) -> None:
        raw["adrenaline"]["schemes"]["age_bands"]["bands"] = [{"from_years": 0, "mg": 0.1} | more]

    return change


@pytest.mark.parametrize(
    ("change", "where", "rule"),
    [
        (lambda raw: raw["bars"].pop("too-early"), "bars.too-early", "Every reason of a session has its words."),
        (lambda raw: raw["bars"].update(odd=raw["bars"]["too-early"]), "bars.odd", "No session gives this reason."),
        (lambda raw: raw["symptoms"]["fatigue"].update(kind="tired"), "symptoms.fatigue.kind", "The vocabulary of reactions has no word 'tired'."),
        (lambda raw: raw["never_restart_after"]["items"].append("boredom"), "never_restart_after", "The vocabulary of reactions has no word 'boredom'."),
        (lambda raw: raw["checks"]["home"]["items"].append("dog"), "checks.home", "There is no check 'dog'."),
        (lambda raw: raw["checks"].pop("all"), "checks.all", "Some checks hold in every setting."),
        (lambda raw: [one.pop("role", None) for one in raw["triggers"].values()], "triggers", "The criteria of anaphylaxis need a limit with role = hypotension."),
        (lambda raw: raw["observing"].update(set_of=["pulse_per_min"]), "observing.set_of", "Without the systolic pressure no anaphylaxis is seen."),
        (lambda raw: raw["adrenaline"]["pens"].pop("child"), "adrenaline.pens", "The pens follow one another from 0 kg without a gap and without an end."),
        (lambda raw: raw["adrenaline"]["pens"]["adult"].update(below_kg=200), "adrenaline.pens", "The pens follow one another from 0 kg without a gap and without an end."),
        (lambda raw: raw["adrenaline"]["pens"]["adult"].update(from_kg=31), "adrenaline.pens", "The pens follow one another from 0 kg without a gap and without an end."),
        (lambda raw: raw["adrenaline"].update(pens={}), "adrenaline.pens", "The pens follow one another from 0 kg without a gap and without an end."),
        (band(from_years=1), "adrenaline.schemes.age_bands", "Its bands begin at birth and have no end: first aid is never withheld."),
        (band(below_years=90), "adrenaline.schemes.age_bands", "Its bands begin at birth and have no end: first aid is never withheld."),
    ],
)  # fmt: skip
def test_each_fault_has_its_place_its_words_and_a_remedy(change, where, rule):
    error = refused(changed(change))
    assert (error.where, error.value, error.rule, error.remedy) == (f"ours.toml: {where}", None, rule, REMEDY)


def test_every_fault_is_told_and_in_order():
    raw = shipped()
    for code in ("too-early", "above-cap"):
        del raw["bars"][code]
    raw["symptoms"]["fatigue"]["kind"] = "tired"
    found = [where for where, _ in faults(Protocol.model_validate(raw), words())]
    assert found == ["bars.above-cap", "bars.too-early", "symptoms.fatigue.kind"]


def test_pens_may_stand_in_any_order():
    raw = shipped()
    pens = raw["adrenaline"]["pens"]
    raw["adrenaline"]["pens"] = {name: pens[name] for name in ("adult", "child")}
    assert list(faults(Protocol.model_validate(raw), words())) == []


@pytest.mark.parametrize(("middle", "holds"), [({"from_kg": 30, "below_kg": 50}, True), ({"from_kg": 30, "below_kg": 49}, False)])  # fmt: skip
def test_three_pens_follow_one_another_too(middle, holds):
    raw = shipped()
    pens = raw["adrenaline"]["pens"]
    pens["middle"] = pens["adult"] | middle
    pens["adult"] = pens["adult"] | {"from_kg": 50}
    assert [where for where, _ in faults(Protocol.model_validate(raw), words())] == (
        [] if holds else ["adrenaline.pens"]
    )


def test_a_value_of_the_wrong_form_is_named_with_its_place():
    error = refused(changed(lambda raw: raw["responses"]["mild"].update(ctcae=9)))
    assert error.where == "ours.toml: responses.mild.ctcae"
    assert error.value == 9
    assert error.rule.endswith(".")
    assert error.remedy == REMEDY
    # A rule of a whole table shows no value, and no "Value error".
    whole = refused(changed(lambda raw: raw["triggers"]["fever_rise"].pop("rise_at_least")))
    assert (whole.where, whole.value) == ("ours.toml: triggers.fever_rise", None)
    assert whole.rule == "a trigger has at least one limit."


def test_a_source_that_is_not_known_is_named_at_its_place():
    error = refused(changed(lambda raw: raw["responses"]["mild"]["steps"]["look"].update(src="nowhere/nothing")))
    assert error.where == "ours.toml: responses.mild.steps.look"
    assert (error.value, error.rule) == ("nowhere/nothing", "No source record has this id.")
    assert error.remedy == "Add it to the overlay's sources."
    top = refused(changed(lambda raw: raw["roles"].update(src=["nowhere/nothing"])))
    assert top.where == "ours.toml: roles"
