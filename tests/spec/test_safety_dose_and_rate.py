"""Controls on how much and how fast. Expected figures are worked out by hand from the printed label."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from ivigil.findings import Finding
from ivigil.knowledge.regimens import Phase
from ivigil.prescription.plan import Infusion, Plan
from ivigil.quantities import ml_per_kg_h_from_mg_per_kg_min
from tests.planning import TAKEN, codes, history, plan, record

PI, CIDP, ITP = "primary-immunodeficiency", "cidp", "itp-adult"
GAMMAGARD_CIDP: dict[str, Any] = {"product": "gammagard_liquid", "phase": Phase.LOADING}


def found(made: Plan, code: str) -> Finding:
    all_of_it = [finding for finding in made.findings if finding.code == code]
    assert len(all_of_it) == 1, f"{code} is not found once among {sorted(codes(made))}"
    return all_of_it[0]


def first(made: Plan) -> Infusion:
    assert made.status == "planned", codes(made)
    return made.infusions[0]


# ---- dose


def test_a_dose_above_the_label_is_refused() -> None:
    # Privigen in primary immunodeficiency: 0.2 to 0.8 g/kg.
    made = plan(record(), PI, product="privigen", dose_g_per_kg="0.81")

    finding = found(made, "dose-above-source")
    assert (made.status, finding.severity, finding.may_be) == ("blocked", "blocks", "neither")
    assert "0.81 g/kg is above what the source prints (0.2 to 0.8 g/kg" in finding.text


def test_whole_vials_never_exceed_the_labels_dose() -> None:
    # 2 g/kg x 73 kg = 146 g over 2 days = 73 g a day; Privigen comes in steps of 5 g. 75 g is nearer than 70 g, and more
    # than the label's dose: 70 g it is.
    made = plan(record(weight_kg=73), ITP, product="privigen", phase=Phase.COURSE)

    assert [infusion.dose_g for infusion in made.infusions] == [70, 70]


def test_fewer_days_than_the_label_are_refused() -> None:
    # 1 g/kg daily on 2 days: on one day it would be twice the label's daily dose.
    made = plan(record(), ITP, product="privigen", phase=Phase.COURSE, days=1)

    finding = found(made, "days-too-few")
    assert (made.status, finding.may_be) == ("blocked", "neither")
    assert "each infusion would be too large" in finding.text


def test_an_obese_adult_is_dosed_on_adjusted_weight() -> None:
    # 180 cm = 70.866 in; Devine: 50 + 2.3 x 10.866 = 74.99 kg; + 0.4 x (120 - 74.99) = 93.0 kg. BMI 120 / 3.24 = 37.
    made = plan(record(sex="male", height_cm=180, weight_kg=120), CIDP, **GAMMAGARD_CIDP)

    assert made.prescription is not None
    assert made.prescription.dosing_weight_kg == 93
    assert "93.0 kg, not on the actual 120 kg" in found(made, "dosing-weight-adjusted").text


def test_the_rate_is_counted_on_the_lower_weight() -> None:
    # As above: 93 kg. Gammagard Liquid's highest rate in CIDP is 9 mg/kg/min = 5.4 mL/kg/h at 10 %: 93 x 5.4 = 502.2 mL/h.
    made = plan(record(sex="male", height_cm=180, weight_kg=120), CIDP, **GAMMAGARD_CIDP)

    assert made.prescription is not None
    assert made.prescription.rate_weight_kg == 93
    assert max(step.pump_ml_per_h for step in first(made).steps) <= Decimal("502.2")


# ---- rate


@pytest.mark.parametrize("step", range(3))
def test_no_step_passes_the_maximum(step: int) -> None:
    # Panzyga, new to it: 8 mg/kg/min = 0.08 x 60 = 4.8 mL/kg/h, although the label's last tier is 14 mg/kg/min.
    made = plan(record(weight_kg=(50, 70, 71.3)[step]), PI, product="panzyga", dose_g_per_kg="0.5")

    assert first(made).max_rate_ml_per_kg_h == Decimal("4.8")
    # At 71.3 kg it is 342.24 mL/h, set to 342.2, and 342.2 / 71.3 = 4.799438 is what really runs.
    assert max(one.rate_ml_per_kg_h for one in first(made).steps) == Decimal(("4.8", "4.8", "4.799438")[step])


def test_off_label_the_lowest_labelled_maximum_holds() -> None:
    # Gammagard Liquid: PI 8 mg/kg/min = 4.8 mL/kg/h, MMN and CIDP 9 = 5.4. No label rate in Guillain-Barre syndrome.
    asked: dict[str, Any] = {"product": "gammagard_liquid", "off_label": "Synthetic reason"}
    made = plan(record(), "guillain-barre-syndrome", **asked)

    assert first(made).max_rate_ml_per_kg_h == Decimal("4.8")
    assert "lowest maximum" in found(made, "no-label-rate").text


def test_the_pump_stays_below_a_ceiling() -> None:
    made = plan(record(), CIDP, **GAMMAGARD_CIDP, ceiling_ml_per_h=Decimal(100))

    assert max(step.pump_ml_per_h for step in first(made).steps) == 100
    assert "at or below 100.0 mL/h" in found(made, "ceiling-binds").text


def test_a_pump_rate_is_never_rounded_up() -> None:
    # Privigen starts at 0.5 mg/kg/min = 0.3 mL/kg/h: 71.5 x 0.3 = 21.45 mL/h, set to 21.4.
    made = plan(record(weight_kg=71.5), CIDP, product="privigen", phase=Phase.LOADING)

    assert first(made).steps[0].pump_ml_per_h == Decimal("21.4")


def test_volumes_add_up_even_when_the_infusion_ends_early() -> None:
    # 0.3 g/kg x 40 kg = 12 g = 120 mL at 10 %. Steps of 30 min at 0.48, 0.96, 1.92 mL/kg/h give 9.6 + 19.2 + 38.4 mL;
    # 52.8 mL are left where the fourth step could give 76.8 mL.
    asked: dict[str, Any] = {"product": "gammagard_liquid", "dose_g_per_kg": "0.3"}
    infusion = first(plan(record(weight_kg=40, height_cm=150), PI, **asked))

    assert infusion.total_ml == 120
    assert [step.volume_ml for step in infusion.steps] == [Decimal(text) for text in ("9.6", "19.2", "38.4", "52.8")]
    assert infusion.steps[-1].cumulative_ml == infusion.total_ml


# ---- concentration and printed units


def test_the_volume_is_that_of_the_products_strength() -> None:
    # Octagam 5 %: 0.4 g/kg x 70 kg = 28 g; at 50 mg/mL 560 mL (at 10 % it would be 280 mL).
    infusion = first(plan(record(), PI, product="octagam_5"))

    assert (infusion.dose_g, infusion.concentration_g_per_ml, infusion.total_ml) == (
        Decimal(28),
        Decimal("0.05"),
        Decimal(560),
    )


@pytest.mark.parametrize(("g_per_ml", "ml_per_kg_h"), [("0.1", "4.8"), ("0.05", "9.6")])
def test_a_mass_rate_becomes_a_volume_rate_at_the_products_strength(g_per_ml: str, ml_per_kg_h: str) -> None:
    # 8 mg/kg/min x 60 = 480 mg/kg/h; at 100 mg/mL 4.8 mL/kg/h, at 50 mg/mL 9.6 mL/kg/h.
    assert ml_per_kg_h_from_mg_per_kg_min(Decimal(8), Decimal(g_per_ml)) == Decimal(ml_per_kg_h)


def test_where_printed_units_disagree_the_lower_governs() -> None:
    # Octagam 5 %: 3.33 mg/kg/min x 60 / 50 = 3.996 mL/kg/h beside 0.07 x 60 = 4.2 mL/kg/h.
    infusion = first(plan(record(), PI, product="octagam_5"))

    assert infusion.max_rate_ml_per_kg_h == Decimal("3.996")


def test_printed_units_that_disagree_are_shown() -> None:
    made = plan(record(), PI, product="octagam_5")

    text = found(made, "printed-rates-disagree").text
    assert "mg/kg/min: 3.996 mL/kg/h" in text
    assert "mL/kg/min: 4.2 mL/kg/h" in text
    assert "the lower, 3.996 mL/kg/h, governs" in text


# ---- at risk


def test_a_patient_at_risk_leaves_the_ordinary_ladder() -> None:
    made = plan(record(conditions=["renal_insufficiency"]), CIDP, product="privigen", phase=Phase.LOADING, days=2)

    # Privigen prints no cap; policy: half of 8 mg/kg/min = 2.4 mL/kg/h.
    assert first(made).pattern == "at_risk"
    assert first(made).max_rate_ml_per_kg_h == Decimal("2.4")
    assert "Because of renal risk" in found(made, "at-risk-rate").text


def test_at_risk_the_lower_of_label_cap_and_policy_holds() -> None:
    # Gammagard Liquid: below 3.3 mg/kg/min = 1.98 mL/kg/h, lower than half of 5.4; kept 5 % below it: 1.881.
    made = plan(record(conditions=["previous_thrombosis"]), CIDP, **GAMMAGARD_CIDP)

    assert first(made).max_rate_ml_per_kg_h == Decimal("1.881")


def test_unrecorded_conditions_count_as_risk() -> None:
    made = plan(record(conditions=...), CIDP, **GAMMAGARD_CIDP)

    assert first(made).pattern == "at_risk"
    assert "the patient counts as one at risk" in found(made, "conditions-missing").text


# ---- who is experienced


def test_after_a_switch_the_first_ladder_returns() -> None:
    # Twelve quiet infusions of Panzyga, but the last one was of another product.
    before = [
        history("panzyga", 12, last="2026-10-12T09:00:00-05:00"),
        history("privigen", 1, last="2026-11-02T09:00:00-05:00"),
    ]
    made = plan(record(immunoglobulin_history=before), PI, product="panzyga")

    assert (first(made).pattern, first(made).max_rate_ml_per_kg_h) == ("first", Decimal("4.8"))
    assert found(made, "product-switch").severity == "warns"


def test_after_a_long_gap_the_first_ladder_returns() -> None:
    # From 27 September to 23 November are 3 + 31 + 23 = 57 days; policy: more than 56.
    after_57 = [history("panzyga", 12, last="2026-09-27T09:00:00-05:00")]
    after_56 = [history("panzyga", 12, last="2026-09-28T09:00:00-05:00")]
    gap = plan(record(immunoglobulin_history=after_57), PI, product="panzyga")
    no_gap = plan(record(immunoglobulin_history=after_56), PI, product="panzyga")

    assert (first(gap).pattern, first(gap).max_rate_ml_per_kg_h) == ("first", Decimal("4.8"))
    assert found(gap, "long-gap").severity == "warns"
    assert first(no_gap).pattern == "experienced"


@pytest.mark.parametrize(("infusions", "mg_per_kg_min"), [(3, 8), (4, 12), (5, 12), (6, 14)])
def test_a_label_tier_opens_only_after_its_infusions(infusions: int, mg_per_kg_min: int) -> None:
    # Panzyga: 8 mg/kg/min, 12 after more than 3 infusions, 14 after 6; x 60 / 100 in mL/kg/h.
    made = plan(record(immunoglobulin_history=[history("panzyga", infusions)]), PI, product="panzyga")

    assert first(made).max_rate_ml_per_kg_h == Decimal(mg_per_kg_min) * 60 / 100


def test_who_reacted_stays_on_the_first_ladder() -> None:
    before = [history("panzyga", 12, uneventful_supervised_infusions=11, reactions=[{"kind": "headache"}])]
    made = plan(record(immunoglobulin_history=before), PI, product="panzyga")

    assert first(made).pattern == "first"


# ---- printed least duration


def test_kawasaki_disease_is_not_infused_faster_than_its_source_says() -> None:
    # 2 g/kg x 10 kg = 20 g = 200 mL over at least 10 hours: never above 20 mL/h.
    raw = record(
        age_years=1,
        weight_kg=10,
        height_cm=75,
        labs=[{"test": "creatinine", "value": 0.3, "unit": "mg/dL", "taken_at": TAKEN}],
    )
    asked: dict[str, Any] = {"product": "gammagard_liquid", "phase": Phase.COURSE, "dose_g_per_kg": "2", "days": 1}
    made = plan(raw, "kawasaki-disease", off_label="Synthetic reason", accept=("age-below-label",), **asked)

    assert first(made).total_ml == 200
    assert first(made).duration_min >= 600
    assert max(step.pump_ml_per_h for step in first(made).steps) <= 20
    assert "over at least 10 h" in found(made, "ceiling-binds").text


# ---- where


@pytest.mark.parametrize(("uneventful", "setting"), [(2, "hospital"), (3, "home")])
def test_home_only_after_enough_uneventful_supervised_infusions(uneventful: int, setting: str) -> None:
    # Policy: three uneventful supervised infusions of this product.
    before = [history("panzyga", uneventful)]
    made = plan(record(immunoglobulin_history=before, setting_wish="home"), PI, product="panzyga")

    assert made.prescription is not None
    assert made.prescription.setting == setting
    if setting == "hospital":
        assert (
            "3 uneventful supervised infusions of Panzyga first; 2 are recorded" in found(made, "setting-not-home").text
        )
