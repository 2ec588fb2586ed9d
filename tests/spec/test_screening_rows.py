"""One row a screening rule, written from the facts: what triggers it, what does not, what is said when nothing is recorded."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from typing import Any

import pytest

from ivigil.findings import Finding
from ivigil.knowledge.regimens import Phase
from ivigil.prescription.plan import Plan
from tests.planning import formulary, opened, plan, record
from tests.spec.screening_engine import ROWS, mistakes, variant
from tests.spec.screening_rows import Case, Row

REPEATED_G_PER_KG = Decimal(1)


def test_every_rule_has_a_row_and_no_row_names_an_unknown_rule() -> None:
    assert set(ROWS) == set(opened().rules)


@pytest.mark.parametrize("code", ROWS)
def test_a_row_fills_every_column(code: str) -> None:
    row = ROWS[code]
    assert row.fact
    assert row.hits
    assert row.near
    assert row.says
    assert bool(row.unrecorded) or row.asks_itself


@pytest.mark.parametrize("code", ROWS)
def test_the_rule_book_agrees_with_its_row(code: str) -> None:
    assert list(mistakes(opened().rules, code)) == []


# ---- the same through whole plans


def planned_for(case: Case) -> Plan:
    """The plan for a case, as a clinician would ask for it."""
    facts = formulary("cidp")
    if case.holds != ():
        products = tuple(variant(one, case.holds) if one.id == case.product else one for one in facts.products)
        facts = dataclasses.replace(facts, products=products)
    asked: dict[str, Any] = {"product": case.product, "region": case.region, "off_label": "Synthetic reason"}
    if case.g_per_kg is not None:
        asked["dose_g_per_kg"] = case.g_per_kg
    phase = (
        Phase.MAINTENANCE
        if case.g_per_kg is not None and Decimal(case.g_per_kg) <= REPEATED_G_PER_KG
        else Phase.LOADING
    )
    return plan(record(**case.change), "cidp", facts=facts, phase=phase, **asked)


def only(made: Plan, code: str) -> Finding:
    found = [one for one in made.findings if one.code == code]
    assert len(found) == 1, f"{code} stands {len(found)} times among {sorted(one.code for one in made.findings)}"
    return found[0]


def numbered(column: str) -> list[Any]:
    return [
        pytest.param(row, code, case, id=f"{code}-{number}")
        for code, row in ROWS.items()
        for number, case in enumerate(getattr(row, column))
        # A product for under the skin is refused here before it is weighed; the rule book alone answers for it.
        if getattr(case, "product", "") != "hyqvia"
    ]


@pytest.mark.parametrize(("row", "code", "case"), numbered("hits"))
def test_it_triggers(row: Row, code: str, case: Case) -> None:
    finding = only(planned_for(case), code)

    assert finding.severity == row.severity
    assert finding.verified is row.verified
    if row.severity == "blocks":
        assert finding.may_be == row.may_be


@pytest.mark.parametrize(("row", "code", "case"), numbered("near"))
def test_it_does_not_trigger(row: Row, code: str, case: Case) -> None:
    made = planned_for(case)

    assert code not in {one.code for one in made.findings}
    if case.g_per_kg is not None:  # a rule on dose can only be silent where a dose was reached
        assert "premedication" in {one.code.removesuffix("-none") for one in made.findings}


@pytest.mark.parametrize(("row", "code", "doubt"), numbered("unrecorded"))
def test_not_recorded_is_never_no(row: Row, code: str, doubt: Any) -> None:
    made = planned_for(doubt.case)

    assert code not in {one.code for one in made.findings}
    if doubt.asks is None:
        assert f"{code}-unknown" not in {one.code for one in made.findings}
        return
    finding = only(made, doubt.asks)
    if doubt.severity is not None:
        assert finding.severity == doubt.severity
    if finding.severity == "blocks" and doubt.may_be is not None:
        assert finding.may_be == doubt.may_be
