"""eGFR against worked values that others published, and where the equations begin, end and change."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from ivigil.assessment.kidney import EQUATIONS, bedside_schwartz, ckd_epi_2021, egfr_of
from ivigil.assessment.screening import kidney_function
from tests.planning import START, TAKEN, opened, patient, record


def _creatinine(value: float, unit: str = "mg/dL", **changes: Any) -> dict[str, Any]:
    return record(labs=[{"test": "creatinine", "value": value, "unit": unit, "taken_at": TAKEN}], **changes)


def _worked_out(raw: dict[str, Any]) -> tuple[str, Decimal] | None:
    egfr = egfr_of(patient(raw), START)
    return None if egfr is None else (egfr.method, egfr.ml_per_min_per_1_73_m2)


@pytest.mark.parametrize(
    ("creatinine", "age", "sex", "published"),
    [
        (1.2, 55, "male", 71),  # National Kidney Foundation's calculator, as quoted by others
        (0.9, 55, "female", 76),  # creatinineclearancecalculator.net, worked example
    ],
)
def test_ckd_epi_gives_published_examples(creatinine: float, age: float, sex: Any, published: int) -> None:
    assert ckd_epi_2021(creatinine, age, sex) == pytest.approx(published, abs=0.6)


@pytest.mark.parametrize(("creatinine", "published"), [(0.5, 82.6), (0.4, 103)])
def test_bedside_schwartz_gives_published_examples(creatinine: float, published: float) -> None:
    """A child of 100 cm: calculatorlib.com (82.6) and doctaverse (103)."""
    assert bedside_schwartz(creatinine, 100, 5) == pytest.approx(published, abs=0.3)


# 18 years: adults by CKD-EPI, 142 x (1/0.7)^-1.2 x 0.9938^18 x 1.012 = 83.8; the day before by bedside Schwartz,
# 0.413 x 165 / 1 = 68.1. One year: 0.413 x 75 / 0.5 = 62.0; the day before nothing is worked out.
ADOLESCENT: dict[str, Any] = {"age_years": ..., "height_cm": 165, "weight_kg": 55}
INFANT: dict[str, Any] = {"age_years": ..., "height_cm": 75, "weight_kg": 9.5}


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (_creatinine(1, **ADOLESCENT, birth_date="2008-11-23"), ("CKD-EPI 2021", Decimal(84))),
        (_creatinine(1, **ADOLESCENT, birth_date="2008-11-24"), ("bedside Schwartz", Decimal(68))),
        (_creatinine(0.5, **INFANT, birth_date="2025-11-23"), ("bedside Schwartz", Decimal(62))),
        (_creatinine(0.5, **INFANT, birth_date="2025-11-24"), None),
        (_creatinine(88.4, "umol/L", **ADOLESCENT, birth_date="2008-11-23"), ("CKD-EPI 2021", Decimal(84))),
    ],
)
def test_which_equation_holds_on_a_birthday(raw: dict[str, Any], expected: tuple[str, Decimal] | None) -> None:
    assert _worked_out(raw) == expected


@pytest.mark.parametrize("sex", ["female", "male"])
def test_more_creatinine_or_more_years_never_mean_more_filtration(sex: Any) -> None:
    by_creatinine = [ckd_epi_2021(value / 100, 50, sex) for value in range(10, 1000)]
    by_age = [ckd_epi_2021(1, age, sex) for age in range(18, 120)]
    assert by_creatinine == sorted(by_creatinine, reverse=True)
    assert by_age == sorted(by_age, reverse=True)


def test_a_laboratory_value_of_the_same_moment_goes_before_our_own() -> None:
    raw = _creatinine(0.8)
    raw["labs"].append({"test": "egfr", "value": 41, "unit": "mL/min/1.73m2", "taken_at": TAKEN})
    assert _worked_out(raw) == ("recorded", Decimal(41))


def test_the_equation_is_cited_and_its_source_exists() -> None:
    (adult,) = kidney_function(patient(_creatinine(0.8)), START)
    (child,) = kidney_function(patient(_creatinine(0.5, age_years=5, height_cm=110, weight_kg=18)), START)

    assert "CKD-EPI 2021: creatinine 0.8 mg/dL of 2026-11-20, age 40, female" in adult.text
    assert [opened().source(name).title for name in adult.sources] == ["CKD-EPI Creatinine Equation (2021)"]
    assert [opened().source(name).title for name in child.sources] == [
        "Creatinine-based bedside Schwartz equation (2009)"
    ]
    assert all(opened().source(name) for names in EQUATIONS.values() for name in names)
