"""eGFR against the published equations worked by hand, and at their boundaries."""

from __future__ import annotations

from typing import Any

import pytest

from ivigil.assessment.kidney import bedside_schwartz, ckd_epi_2021, egfr_of
from ivigil.errors import BadInput
from tests.planning import START, TAKEN, patient, record


@pytest.mark.parametrize(
    ("creatinine", "age", "sex", "expected"),
    [
        # At creatinine = kappa both powers are 1: 142 x 0.9938^age (x 1.012). 0.9938^50 = exp(-0.310968) = 0.732737.
        (0.9, 50, "male", 142 * 0.732737),
        (0.7, 50, "female", 142 * 0.732737 * 1.012),
        # Double kappa: 2^-1.2 = 0.435275.
        (1.8, 50, "male", 142 * 0.732737 * 0.435275),
        (1.4, 50, "female", 142 * 0.732737 * 1.012 * 0.435275),
        # Half kappa: 0.5^-0.302 = 1.232852; 0.5^-0.241 = 1.181811.
        (0.45, 50, "male", 142 * 0.732737 * 1.232852),
        (0.35, 50, "female", 142 * 0.732737 * 1.012 * 1.181811),
    ],
)
def test_ckd_epi_2021(creatinine: float, age: float, sex: Any, expected: float) -> None:
    assert ckd_epi_2021(creatinine, age, sex) == pytest.approx(expected, rel=1e-4)


def test_ckd_epi_is_continuous_where_its_slope_changes() -> None:
    assert ckd_epi_2021(0.9 - 1e-9, 60, "male") == pytest.approx(ckd_epi_2021(0.9 + 1e-9, 60, "male"), rel=1e-6)


def test_bedside_schwartz() -> None:
    """0.413 x 110 / 0.5 = 90.86."""
    assert bedside_schwartz(0.5, 110, 5) == pytest.approx(90.86)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ckd_epi_2021(0.8, 17.9, "male"), "holds from 18 years on"),
        (lambda: bedside_schwartz(0.5, 70, 0.9), "children of 1 to 17 years"),
        (lambda: bedside_schwartz(0.5, 170, 18), "children of 1 to 17 years"),
        (lambda: ckd_epi_2021(0, 40, "male"), "above zero"),
    ],
)
def test_outside_its_range_an_equation_says_nothing(call: Any, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        call()


LATER = "2026-11-21T08:00:00-05:00"


def _lab(test: str, value: float, unit: str, taken_at: str = TAKEN) -> dict[str, Any]:
    return {"test": test, "value": value, "unit": unit, "taken_at": taken_at}


@pytest.mark.parametrize(
    ("raw", "method", "value"),
    [
        (record(labs=[_lab("creatinine", 0.7, "mg/dL")], age_years=50), "CKD-EPI 2021", 105),  # 142 x 0.7327 x 1.012
        (record(labs=[_lab("creatinine", 61.88, "umol/L")], age_years=50), "CKD-EPI 2021", 105),  # 0.7 mg/dL
        (
            record(labs=[_lab("creatinine", 0.5, "mg/dL")], age_years=5, height_cm=110, weight_kg=18),
            "bedside Schwartz",
            91,
        ),
        (record(labs=[_lab("egfr", 48, "mL/min/1.73m2", LATER), _lab("creatinine", 0.7, "mg/dL")]), "recorded", 48),
        (
            record(labs=[_lab("egfr", 48, "mL/min/1.73m2"), _lab("creatinine", 0.7, "mg/dL", LATER)], age_years=50),
            "CKD-EPI 2021",
            105,
        ),
    ],
)
def test_the_newer_of_recorded_and_worked_out(raw: dict[str, Any], method: str, value: int) -> None:
    egfr = egfr_of(patient(raw), START)

    assert egfr is not None
    assert egfr.method == method
    assert int(egfr.ml_per_min_per_1_73_m2) == value


@pytest.mark.parametrize(
    "raw",
    [
        record(labs=...),
        record(sex=...),
        record(age_years=...),
        record(age_years=5, height_cm=..., weight_kg=18),
        record(age_years=0.5, height_cm=66, weight_kg=7),
    ],
)
def test_what_is_missing_is_not_guessed(raw: dict[str, Any]) -> None:
    assert egfr_of(patient(raw), START) is None
