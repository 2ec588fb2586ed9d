"""Controls on what goes in: units, words, dates and numbers that would make a wrong plan are refused or asked about."""

from __future__ import annotations

from typing import Any

import pytest

from ivigil.cli.opening import parse_json, start_or_now
from ivigil.cli.plan import _decimal
from ivigil.errors import BadInput, ImpossibleValue, UnknownName
from ivigil.findings import Finding
from ivigil.knowledge.regimens import Phase
from ivigil.prescription.plan import Plan
from tests.planning import TAKEN, codes, patient, plan, record

CIDP: dict[str, Any] = {"product": "gammagard_liquid", "phase": Phase.LOADING}


def found(made: Plan, code: str) -> Finding:
    all_of_it = [finding for finding in made.findings if finding.code == code]
    assert len(all_of_it) == 1, f"{code} is not found once among {sorted(codes(made))}"
    return all_of_it[0]


def lab(test: str, value: float | str, unit: str | None = None, taken_at: str = TAKEN) -> dict[str, Any]:
    row: dict[str, Any] = {"test": test, "value": value, "taken_at": taken_at}
    return row if unit is None else row | {"unit": unit}


# ---- weight


def test_a_weight_in_pounds_is_asked_about() -> None:
    # 160 kg at 1.70 m is a BMI of 160 / 2.89 = 55; 160 lb x 0.45359237 = 72.57 kg is a BMI of 25.
    made = plan(record(weight_kg=160, height_cm=170), "cidp", **CIDP)

    finding = found(made, "weight-looks-like-pounds")
    assert (made.status, finding.severity, finding.may_be) == ("blocked", "blocks", "confirmed")
    assert "160 lb would be 72.6 kg" in finding.text
    assert finding.remedy is not None
    assert "correct the unit" in finding.remedy


@pytest.mark.parametrize("change", [{"weight_kg": 0.1}, {"weight_kg": 700}, {"weight_kg": -70}])
def test_an_impossible_weight_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ImpossibleValue, match=r"weight_kg lies between 0\.3 and 400 kg"):
        patient(record(**change))


def test_a_height_in_metres_is_refused_and_said() -> None:
    with pytest.raises(ImpossibleValue, match="looks like metres"):
        patient(record(height_cm=1.7))


def test_without_a_weight_there_is_no_plan() -> None:
    made = plan(record(weight_kg=..., weight_measured_on=...), "cidp", **CIDP)

    finding = found(made, "weight-missing")
    assert (made.status, finding.severity, finding.may_be) == ("blocked", "blocks", "neither")
    assert finding.text.startswith("The weight is not recorded. Neither a dose nor a rate can be worked out.")


def test_a_weight_needs_its_date() -> None:
    with pytest.raises(BadInput, match="how old a weight is"):
        patient(record(weight_measured_on=...))


def test_an_old_weight_is_told() -> None:
    # From 25 October to 23 November are 6 + 23 = 29 days; policy: 28 for adults.
    old = plan(record(weight_measured_on="2026-10-25"), "cidp", **CIDP)
    fresh = plan(record(weight_measured_on="2026-10-26"), "cidp", **CIDP)

    finding = found(old, "weight-old")
    assert finding.severity == "warns"
    assert "29 days old" in finding.text
    assert finding.remedy is not None
    assert "Weigh the patient before the infusion" in finding.remedy
    assert "weight-old" not in codes(fresh)


def test_a_weight_from_the_future_is_refused() -> None:
    with pytest.raises(BadInput, match="after the planned start") as refused:
        plan(record(weight_measured_on="2026-11-24"), "cidp", **CIDP)
    assert refused.value.where == "weight_measured_on"


# ---- laboratory


@pytest.mark.parametrize("unit", [None, "mg", "mmol"])
def test_a_laboratory_unit_is_never_guessed(unit: str | None) -> None:
    with pytest.raises(BadInput, match="creatinine is read in mg/dL") as refused:
        patient(record(labs=[lab("creatinine", 1.1, unit)]))
    assert refused.value.where == "labs[0].unit"


def test_a_laboratory_value_is_converted() -> None:
    # 5 mg/dL is 0.05 g/L, below the 0.07 g/L of IgA deficiency; taken as 5 g/L it would pass for normal.
    made = plan(record(labs=[lab("iga", 5, "mg/dL")]), "cidp", **CIDP)

    assert found(made, "iga-deficiency").severity == "warns"


@pytest.mark.parametrize(
    ("row", "looks"), [(lab("creatinine", 90, "mg/dL"), "umol/L"), (lab("igg", 780, "g/L"), "mg/dL")]
)
def test_a_value_in_another_unit_is_refused_and_said(row: dict[str, Any], looks: str) -> None:
    with pytest.raises(ImpossibleValue, match=f"It looks like {looks}"):
        patient(record(labs=[row]))


def test_an_unlikely_laboratory_value_is_asked_about() -> None:
    made = plan(record(labs=[lab("creatinine", 12, "mg/dL")]), "cidp", **CIDP)

    finding = found(made, "creatinine-unlikely")
    assert (made.status, finding.severity, finding.may_be) == ("blocked", "blocks", "confirmed")
    assert "12 mg/dL is unlikely" in finding.text


# ---- time


def test_a_laboratory_time_without_offset_is_refused() -> None:
    with pytest.raises(BadInput, match="A datetime carries its offset") as refused:
        patient(record(labs=[lab("creatinine", 0.8, "mg/dL", "2026-11-20T08:00:00")]))
    assert refused.value.where == "labs[0].taken_at"


def test_a_start_without_offset_is_refused() -> None:
    with pytest.raises(BadInput, match="A datetime carries its offset"):
        start_or_now("2026-11-23T09:00:00")


def test_without_an_age_there_is_no_plan() -> None:
    made = plan(record(age_years=...), "cidp", **CIDP)

    finding = found(made, "age-missing")
    assert (made.status, finding.severity, finding.may_be) == ("blocked", "blocks", "neither")
    assert "label age limits and doses cannot be checked" in finding.text


# ---- keys and words


def test_an_unknown_key_is_refused_and_the_near_one_named() -> None:
    with pytest.raises(UnknownName, match="Did you mean conditions"):
        patient(record(condition=["hyperprolinaemia"]))


def test_a_key_written_twice_is_refused() -> None:
    with pytest.raises(BadInput, match="A key stands once in a record"):
        parse_json('{"weight_kg": 82, "weight_kg": 28}', "patient")


def test_a_misspelt_condition_is_refused_and_the_near_one_named() -> None:
    with pytest.raises(UnknownName, match=r"Did you mean .*hyperprolinaemia"):
        patient(record(conditions=["hyperprolinemea"]))


def test_free_text_is_shown_to_be_judged_by_hand() -> None:
    made = plan(record(conditions=[{"text": "an unusual syndrome"}]), "cidp", **CIDP)

    finding = found(made, "condition-not-understood")
    assert (made.status, finding.severity, finding.may_be) == ("blocked", "blocks", "overridden")
    assert "Not understood among the conditions: an unusual syndrome. No rule was applied to it." in finding.text


# ---- numbers


@pytest.mark.parametrize("number", ["Infinity", "-Infinity", "NaN"])
def test_a_record_holds_finite_numbers_only(number: str) -> None:
    with pytest.raises(BadInput, match="A number must be finite"):
        patient(record(weight_kg=float(number)))


@pytest.mark.parametrize("number", ["Infinity", "NaN", "-Infinity"])
def test_an_option_holds_finite_numbers_only(number: str) -> None:
    with pytest.raises(BadInput, match="A number must be finite"):
        _decimal("--dose-g-per-kg", number)


@pytest.mark.parametrize("written", ["70", True])
def test_a_number_is_never_made_of_text_or_truth(written: object) -> None:
    with pytest.raises(BadInput, match="Must be a number, written without quotes or unit"):
        patient(record(weight_kg=written))


@pytest.mark.parametrize(("option", "value"), [("dose_g_per_kg", "-2"), ("dose_g_per_kg", "0"), ("days", -1)])
def test_an_option_is_positive(option: str, value: Any) -> None:
    with pytest.raises(ImpossibleValue, match="must be positive"):
        plan(record(), "cidp", **CIDP, **{option: value})
