"""What the list of products promises is what a plan does: for a well adult, for every labelled use of the knowledge."""

from __future__ import annotations

import pytest

from ivigil.knowledge.products import Route
from ivigil.knowledge.regimens import Phase
from ivigil.prescription.deliverable import Deliverability, deliverability
from ivigil.prescription.making import make_plan
from ivigil.prescription.plan import Plan
from ivigil.prescription.request import Request
from ivigil.prescription.subcutaneous import Start, plan_start
from ivigil.prescription.subcutaneous.plan import SubcutaneousPlan
from tests.planning import START, formulary, history, opened, patient, record

ADULT = opened().policies.weight.adult_from_years.value


def _listed() -> list[Deliverability]:
    return [
        row
        for product in opened().products
        for row in deliverability(product, "US", opened().source, ADULT)
        if row.indication
    ]


#: Reasons of the patient, the request or the dose, which the list does not ask about.
OF_THE_PATIENT = {
    "age-above-label",
    "age-below-label",
    "age-unusual-for-condition",
    "no-regimen-for-phase",
    "vials-outside-tolerance",
}


@pytest.mark.parametrize("row", _listed(), ids=lambda row: f"{row.product}-{row.indication}")
def test_a_listed_use_is_planned_and_another_is_refused_for_the_reasons_listed(row: Deliverability):
    facts = formulary(row.indication)
    use = opened().product(row.product).labels["US"].uses[row.use]
    phases: list[Phase | None] = [*sorted({one.phase for one in use.regimens.values()})] or [None]
    made: list[Plan] | list[SubcutaneousPlan]
    if opened().product(row.product).route is Route.SC:
        last = history("privigen", 12, last="2026-11-16T09:00:00-05:00", last_dose_g=30)
        raw = patient(record(immunoglobulin_history=[last]))
        asked = Request(patient=raw, region="US", start=START, product=row.product)
        made = [plan_start(Start(asked, iv_interval_days=28), facts)]
    else:
        made = [
            make_plan(
                Request(patient=patient(record()), region="US", start=START, product=row.product, phase=phase), facts
            )
            for phase in phases
        ]
    blocking = [
        {finding.code for finding in plan.findings if finding.severity.value == "blocks"}
        | {
            finding.code
            for one in plan.candidates
            if one.product == row.product
            for finding in one.reasons
            if finding.severity.value == "blocks"
        }
        for plan in made
    ]

    not_read = [{code for code in codes if code.endswith("-not-read")} for codes in blocking]

    if row.deliverable:
        assert any(not codes for codes in not_read), blocking
        assert any(plan.status == "planned" for plan in made) or all(codes & OF_THE_PATIENT for codes in blocking)
    else:
        missing = {said.code for said in row.missing}
        assert all(plan.status == "blocked" for plan in made)
        assert all(missing <= codes | {"dose-not-read"} for codes in blocking), (missing, blocking)


def test_there_is_something_to_give():
    rows = _listed()

    assert any(row.deliverable for row in rows)
    assert any(not row.deliverable for row in rows)
