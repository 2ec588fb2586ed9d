"""Slips of the unit or of a digit that look like a record: asked about or refused, never taken in silence."""

import pytest

from ivigil.errors import ImpossibleValue
from tests.planning import codes, history, patient, plan, record

PI = "primary-immunodeficiency"


def igg(value: float, unit: str) -> dict:
    return record(labs=[{"test": "igg", "value": value, "unit": unit, "taken_at": "2026-11-18T09:00:00-05:00"}])


@pytest.mark.parametrize(("value", "unit"), [(6.5, "mg/dL"), (0.065, "g/L"), (9.9, "mg/dL")])
def test_an_igg_of_g_per_l_typed_as_mg_per_dl_is_asked_about_and_may_be_confirmed(value, unit):
    made = plan(igg(value, unit), PI)
    assert made.status == "blocked"
    assert "igg-unlikely" in codes(made)
    asked = next(one for one in made.findings if one.code == "igg-unlikely")
    assert "expected 0.1 to 40 g/L" in asked.text
    assert "unit" in (asked.remedy or "")
    assert plan(igg(value, unit), PI, accept=("igg-unlikely",)).status == "planned"


@pytest.mark.parametrize(("value", "unit"), [(10, "mg/dL"), (650, "mg/dL"), (6.5, "g/L"), (0.3, "g/L")])
def test_an_igg_that_patients_have_is_taken(value, unit):
    assert "igg-unlikely" not in codes(plan(igg(value, unit), PI))


def test_a_history_of_more_infusions_than_a_life_holds_is_refused_with_its_place_and_limits():
    with pytest.raises(ImpossibleValue) as refused:
        patient(record(immunoglobulin_history=[history("privigen", infusions=1_000_000)]))
    assert refused.value.where == "immunoglobulin_history[0].infusions"
    assert refused.value.value == "1000000"
    assert "between 1 and 30000." in refused.value.rule


def test_a_long_history_is_taken():
    taken = patient(record(immunoglobulin_history=[history("privigen", infusions=2000)]))
    assert [one.infusions for one in taken.immunoglobulin_history or ()] == [2000]
