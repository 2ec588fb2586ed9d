"""What is left out to plan faster changes no answer."""

import sys
import unicodedata

import pytest

from ivigil import errors
from ivigil.assessment.screening import screen_product
from ivigil.prescription.candidates import circumstances
from ivigil.prescription.request import Request
from tests.planning import START, formulary, patient, record

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
