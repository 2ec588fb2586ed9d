"""What is left out to plan faster changes no answer."""

import sys
import unicodedata
from dataclasses import replace

import pytest

from ivigil import errors
from ivigil.assessment.screening import screen_product
from ivigil.knowledge.regimens import Phase
from ivigil.prescription.candidates import circumstances
from ivigil.prescription.making import make_plan
from ivigil.prescription.plan import Plan, as_json, check_unchanged, identified, identified_json
from ivigil.prescription.request import Request
from tests.planning import START, draft, formulary, patient, record

ASKED = {
    "well": record(),
    "nothing recorded": {"ref": "synthetic", "synthetic": True, "weight_kg": 70, "weight_measured_on": "2026-11-20"},
    "intolerant": record(conditions=["hereditary_fructose_intolerance", "diabetes_mellitus"], glucose_meter=...),
    "allergic": record(allergies=["polysorbate_80"]),
    "in words": record(conditions=[{"text": "fructose intolerance since birth"}]),
}


@pytest.mark.parametrize("who", ASKED)
def test_a_narrowed_rule_book_answers_as_the_whole_book_for_every_product(who):
    facts = formulary("cidp")
    request = Request(patient=patient(ASKED[who]), region="US", start=START)
    narrowed = facts.rules.for_patient(circumstances(request, facts))
    for product in facts.products:
        about = circumstances(request, facts, product)
        assert screen_product(narrowed, about) == screen_product(facts.rules, about)


def test_a_hidden_character_is_told_by_its_unicode_category_whatever_the_short_way_for_ascii():
    for number in range(sys.maxunicode + 1):
        sign = chr(number)
        by_category = unicodedata.category(sign) in errors.HIDDEN_CATEGORIES
        drawn_blank = sign in errors.BLANK or any(number in row for row in errors.SELECTORS)
        assert errors.is_hidden(sign) == (by_category or drawn_blank), f"U+{number:04X}"


@pytest.mark.parametrize("who", ASKED)
def test_a_plan_written_once_is_the_plan_with_its_id_written(who):
    made = draft(ASKED[who], "cidp", phase=Phase.LOADING)
    assert made.plan_id == ""
    assert identified_json(made) == as_json(identified(made))
    check_unchanged(Plan.model_validate_json(identified_json(made)))


def test_a_formulary_with_other_facts_keeps_nothing_of_the_first_ones():
    facts = replace(formulary("cidp"))
    asked = Request(patient=patient(ASKED["well"]), region="US", start=START, phase=Phase.LOADING)
    first = make_plan(asked, facts)
    assert first.prescription is not None
    without = tuple(
        one if one.id != first.prescription.product else one.model_copy(update={"labels": {}}) for one in facts.products
    )

    second = make_plan(asked, replace(facts, products=without))

    shown = {one.product: one for one in second.candidates}
    assert [one.code for one in shown[first.prescription.product].reasons] == ["no-label-for-region"]
    assert second.prescription is not None
    assert second.prescription.product != first.prescription.product
    assert make_plan(asked, facts) == first
