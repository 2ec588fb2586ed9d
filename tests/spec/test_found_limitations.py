"""What a label says a use is limited by is shown and applied; reviews have a date; home and sex ask what they must."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from ivigil.findings import Finding
from ivigil.knowledge.regimens import Phase
from ivigil.prescription.plan import Plan
from tests.planning import codes, history, opened, plan, record

PRODUCTS = Path("src/ivigil/knowledge/data/products")
HEART = {"conditions": ["heart_failure"]}
HIGH = "label-limit-volume"


def found(made: Plan, code: str) -> Finding:
    return next(finding for finding in made.findings if finding.code == code)


# ---- limitations


def test_every_limitation_in_the_files_is_typed_and_loaded() -> None:
    written = {
        (path.stem, region, use, key)
        for path in PRODUCTS.glob("*.toml")
        for region, label in tomllib.loads(path.read_text())["labels"].items()
        for use, row in label.get("uses", {}).items()
        for key in row.get("limitations", {})
    }
    loaded = {
        (product.id, region, name, key)
        for product in opened().products
        for region, label in product.labels.items()
        for name, use in label.uses.items()
        for key in use.limitations
    }
    assert written == loaded
    # The two lists headed "limitations" in the facts, the MMN trial's first dose, and Kawasaki's window of 7 days.
    assert {
        ("gammagard_liquid", "US", "CIDP", "naive"),
        ("gammagard_liquid", "US", "CIDP", "duration"),
        ("privigen", "US", "CIDP", "duration"),
        ("gammagard_liquid", "US", "MMN", "naive"),
        ("gammagard_sd", "US", "Kawasaki", "onset"),
    } <= loaded


def test_volume_concern_stops_the_high_daily_dose_and_the_five_days_are_proposed() -> None:
    well = plan(record(), "itp-adult", product="gamunex_c")
    assert well.prescription is not None
    assert well.prescription.regimen == "two-days"
    assert HIGH not in codes(well)
    made = plan(record(**HEART), "itp-adult", product="gamunex_c")
    assert made.prescription is not None
    assert (made.status, made.prescription.regimen, len(made.infusions)) == ("planned", "five-days", 5)
    assert HIGH not in codes(made)


@pytest.mark.parametrize("asked", [{"regimen": "two-days"}, {"days": 2}])
def test_the_high_daily_dose_asked_for_by_name_or_days_stops_and_may_be_overridden(asked: dict[str, Any]) -> None:
    made = plan(record(**HEART), "itp-adult", product="gamunex_c", **asked)
    finding = found(made, HIGH)
    assert (made.status, finding.severity, finding.may_be) == ("blocked", "blocks", "overridden")
    assert finding.text == "Not the high daily dose where fluid volume is expanded or a concern."
    assert finding.sources == ("gamunex_c/M1", "gamunex_c/C4")
    assert "0.4 g/kg on 5 days" in (finding.remedy or "")
    again = plan(record(**HEART), "itp-adult", product="gamunex_c", accept=(HIGH,), **asked)
    assert again.status == "planned"
    assert again.prescription is not None
    assert again.prescription.regimen == "two-days"


def test_an_earlier_overload_is_a_volume_concern_as_well() -> None:
    overloaded = history("gamunex_c", reactions=[{"kind": "taco", "grade": 2}])
    made = plan(record(immunoglobulin_history=[overloaded]), "itp-adult", product="gamunex_c", regimen="two-days")
    assert HIGH in codes(made)


def test_conditions_that_nobody_recorded_leave_the_limitation_open_and_say_so() -> None:
    made = plan(record(conditions=...), "itp-adult", product="gamunex_c", regimen="two-days")
    finding = found(made, f"{HIGH}-unknown")
    assert finding.severity == "warns"
    assert "not recorded" in finding.text
    assert HIGH not in codes(made)


def test_a_limitation_nobody_read_applies_and_says_that_it_was_not_verified() -> None:
    made = plan(record(**HEART), "itp-adult", product="gammaked", regimen="two-days")
    finding = found(made, HIGH)
    assert finding.severity == "blocks"
    assert not finding.verified
    assert finding.text.endswith("This restriction was not verified on a label; it applies all the same.")


def test_where_volume_is_a_risk_the_product_spread_over_most_days_is_proposed_first() -> None:
    made = plan(record(**HEART), "itp-adult")
    assert made.prescription is not None
    assert (made.prescription.product, len(made.infusions)) == ("gamunex_c", 5)


def test_the_second_gram_may_be_left_out_is_said_only_for_the_regimen_that_has_one() -> None:
    assert "label-limit-second-dose" in codes(plan(record(), "itp-adult", product="gamunex_c"))
    five = plan(record(), "itp-adult", product="gamunex_c", regimen="five-days")
    assert "label-limit-second-dose" not in codes(five)
    assert "label-limit-route" in codes(five)


def test_a_first_treatment_of_cidp_is_warned_where_the_product_was_not_studied_in_one() -> None:
    loading: dict[str, Any] = {"product": "gammagard_liquid", "phase": Phase.LOADING}
    naive = plan(record(), "cidp", **loading)
    assert found(naive, "label-limit-naive").severity == "warns"
    assert "none is recorded for this patient" in found(naive, "label-limit-naive").text
    treated = plan(record(immunoglobulin_history=[history("privigen")]), "cidp", **loading)
    assert "label-limit-naive" not in codes(treated)
    unknown = plan(record(immunoglobulin_history=...), "cidp", **loading)
    assert "not recorded whether" in found(unknown, "label-limit-naive-unknown").text


@pytest.mark.parametrize("product", ["gammagard_liquid", "privigen"])
def test_how_long_maintenance_was_studied_is_said_of_maintenance_only(product: str) -> None:
    treated = record(immunoglobulin_history=[history(product)])
    made = plan(treated, "cidp", product=product, phase=Phase.MAINTENANCE)
    assert found(made, "label-limit-duration").text == "Maintenance beyond 6 months was not studied."
    assert "label-limit-duration" not in codes(plan(treated, "cidp", product=product, phase=Phase.LOADING))
