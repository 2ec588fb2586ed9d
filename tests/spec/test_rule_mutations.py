"""A mutation of any screening rule or mark makes its row of the table fail: one test a rule, on copies in memory."""

from __future__ import annotations

import pytest

from tests.planning import opened
from tests.spec.rule_mutations import mutants
from tests.spec.screening_engine import EVERY_ROW, mistakes


@pytest.mark.parametrize("code", EVERY_ROW)
def test_no_mutant_of_the_rule_survives(code: str) -> None:
    book = opened().rules | opened().marks
    tried, survived = 0, []
    for what, changed in mutants(book[code]):
        tried += 1
        others = {code: changed} if changed is not None else {}
        if next(mistakes(others, code), None) is None:
            survived.append(what)

    assert tried >= 10
    assert survived == [], f"{len(survived)} of {tried} changes of {code} go unnoticed: {survived}"


def test_an_unchanged_rule_is_no_mutant() -> None:
    for code, rule in (opened().rules | opened().marks).items():
        assert all(changed != rule for _, changed in mutants(rule)), code
