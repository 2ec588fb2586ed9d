"""Defects that the spec tables found, each with the patient who shows it."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from ivigil.knowledge.regimens import Phase
from tests.planning import codes, formulary, opened, plan, record
from tests.spec.screening_engine import EVERY_ROW, ROWS, variant
from tests.spec.screening_rows import D31, LIQUID, PLAN, Case, old, reacted

#: Words that records and questions may use and no rule or mark asks for; a new word has to be decided on.
READ_BY_NO_RULE = {
    "conditions": set(),
    "medicines": {
        *("paracetamol", "antihistamine", "corticosteroid", "beta_blocker", "cyclophosphamide"),
        *("antimetabolite_immunosuppressant", "anti_cd20", "complement_inhibitor", "tpo_receptor_agonist"),
    },
    "allergies": {"paracetamol", "nsaid", "antihistamine", "corticosteroid"},  # the premedication asks for these
}


@pytest.mark.parametrize("key", READ_BY_NO_RULE)
def test_every_word_of_a_record_is_read_by_a_rule_or_named_here(key: str) -> None:
    tried = {
        word
        for row in EVERY_ROW.values()
        for case in (*row.hits, *(one.case for one in row.unrecorded))
        if isinstance(words := case.change.get(key), list)
        for word in words
    }
    by_name = {
        written.casefold(): code
        for code, term in getattr(opened().vocabulary, key).items()
        for written in (code, term.name, *term.also)
    }
    assert set(getattr(opened().vocabulary, key)) - {by_name[word.casefold()] for word in tried} == READ_BY_NO_RULE[key]


def test_every_kind_of_reaction_is_answered() -> None:
    for kind in opened().vocabulary.reactions:
        made = plan(record(**reacted(kind)), "cidp", product=LIQUID, phase=Phase.LOADING)
        told = {code for code, row in ROWS.items() if row.hits and _speaks_of(row.hits, kind)}
        assert codes(made) & told, kind


def _reactions(entry: dict[str, Any]) -> list[dict[str, Any]]:
    found = entry.get("reactions")
    return found if isinstance(found, list) else []


def _speaks_of(cases: tuple[Case, ...], kind: str) -> bool:
    histories = [case.change.get("immunoglobulin_history") for case in cases]
    return any(
        kind == one["kind"] for past in histories if isinstance(past, list) and past for one in _reactions(past[0])
    )


def test_a_grave_reaction_of_any_kind_is_still_named_after_a_specialist_planned_another_infusion() -> None:
    """A rash of grade 4 with a plan was answered like a mild one: "keep to the same brand"."""
    rash = {"kind": "rash_or_urticaria", "grade": 4, "at": "2026-01-10T10:00:00Z", "specialist_plan": PLAN}
    made = plan(record(**reacted(rash)), "cidp", product=LIQUID, phase=Phase.LOADING)

    assert "prior-severe-reaction-planned" in codes(made)
    (finding,) = [one for one in made.findings if one.code == "prior-severe-reaction-planned"]
    assert finding.severity == "warns"
    assert "Follow that plan to the letter, in hospital" in str(finding.remedy)


def test_a_nephrotoxic_medicine_asks_for_a_recent_creatinine_too() -> None:
    """The boxed warning names nephrotoxic medicines beside diabetes and sepsis; a creatinine of 31 days passed."""
    made = plan(record(**old(D31), medicines=["gentamicin"]), "cidp", product=LIQUID, phase=Phase.LOADING)

    assert {"nephrotoxic-medicine", "creatinine-missing-at-risk"} <= codes(made)


def test_hyqvia_holds_the_hyaluronidase_that_its_text_contraindicates() -> None:
    """The enzyme comes in a vial of its own and stood in no list, so that an allergy to it stopped nothing."""
    assert "hyaluronidase" in (opened().product("hyqvia").excipients or {})


def test_of_a_product_whose_ingredients_nobody_read_nothing_false_is_said() -> None:
    """It said "This product contains sorbitol, and conditions are not recorded" of conditions that are recorded."""
    raw = record(conditions=["hereditary_fructose_intolerance"], glucose_meter="gdh_pqq", allergies=["polysorbate_80"])
    facts = formulary("cidp")
    products = tuple(variant(one, None) if one.id == LIQUID else one for one in facts.products)
    made = plan(raw, "cidp", product=LIQUID, phase=Phase.LOADING, facts=dataclasses.replace(facts, products=products))

    doubts = {one.code: one for one in made.findings if one.code.endswith("-unknown")}
    assert set(doubts) == {
        "fructose-intolerance-sorbitol-unknown",
        "glucose-meter-maltose-unknown",
        "excipient-allergy-unknown",
    }
    assert made.status == "blocked"
    for one in doubts.values():
        assert (one.severity, one.may_be) == ("blocks", "overridden")
        assert one.text.startswith("What Gammagard Liquid contains was not read, so this is not excluded: ")
        assert "not recorded" not in one.text
        assert "Read its ingredients on the label" in str(one.remedy)
