"""Kidneys: the newest evidence decides, and nothing from after the moment counts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from ivigil.assessment.report import assess
from ivigil.cli.opening import library_of
from ivigil.errors import BadInput
from tests.planning import codes, opened, patient, plan, record

AT = datetime.fromisoformat("2026-11-23T09:00:00-05:00")


def lab(test: str, value: float, unit: str, day: str) -> dict[str, Any]:
    return {"test": test, "value": value, "unit": unit, "taken_at": f"{day}T08:00:00-05:00"}


OLD = lab("egfr", 90, "mL/min/1.73 m2", "2020-11-19")
NEW = lab("creatinine", 4.5, "mg/dL", "2026-11-19")


def test_an_old_normal_filtration_does_not_hide_a_new_creatinine_that_cannot_be_worked_out():
    made = plan(record(sex=..., labs=[OLD, NEW]), "primary-immunodeficiency", product="gammagard_liquid")
    assert {"creatinine-raised", "at-risk-rate"} <= codes(made)
    # With the sex it is worked out, and is 13: CKD-EPI 2021 of a woman of 40 with 4.5 mg/dL.
    known = plan(record(labs=[OLD, NEW]), "primary-immunodeficiency", product="gammagard_liquid")
    assert {"renal-impairment", "at-risk-rate"} <= codes(known)


def test_an_old_low_filtration_still_restricts():
    old = OLD | {"value": 35}
    new = NEW | {"value": 0.8}
    made = plan(record(sex=..., labs=[old, new]), "primary-immunodeficiency", product="gammagard_liquid")
    assert {"renal-impairment", "at-risk-rate"} <= codes(made)


def test_an_assessment_refuses_a_record_from_after_its_moment():
    late = lab("creatinine", 0.8, "mg/dL", "2027-01-10")
    with pytest.raises(BadInput, match="No record may lie after --at") as refused:
        assess(patient(record(labs=[NEW, late])), "US", AT, library_of(opened(), "cidp"), None)
    assert refused.value.where == "labs[1].taken_at"
