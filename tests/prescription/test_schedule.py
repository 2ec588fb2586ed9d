"""Rate schedules worked out by hand; arithmetic beside each expected value."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from ivigil.knowledge.facts import HeldRate, Interval, Minutes, Rate
from ivigil.knowledge.products import AtRisk, RateTable, Steps
from ivigil.knowledge.regimens import Phase
from ivigil.prescription.schedule import Ladder, Rung, build_ladder, run_pump
from tests.planning import codes, history, opened, plan, record

READ: dict[str, Any] = {"src": "privigen/L2", "origin": "reported", "read": "label"}
TEN, FIVE = Decimal("0.1"), Decimal("0.05")


def _policy():
    return opened().policies.rate


def _steps(infusion) -> list[tuple[int, int, float, float]]:
    return [
        (step.start_min, step.duration_min, float(step.pump_ml_per_h), float(step.volume_ml)) for step in infusion.steps
    ]


def test_a_first_infusion_step_by_step() -> None:
    """Privigen, PI, 70 kg: 0.3 to 4.8 mL/kg/h doubled every 30 min; 28 g prescribed, 30 g in whole vials, 300 mL."""
    (infusion,) = plan(record(), "primary-immunodeficiency", product="privigen").infusions

    assert _steps(infusion) == [
        (0, 30, 21.0, 10.5),  # 0.3 x 70
        (30, 30, 42.0, 21.0),
        (60, 30, 84.0, 42.0),
        (90, 30, 168.0, 84.0),
        (120, 26, 336.0, 142.5),  # 300 - 157.5; 142.5 / 336 h = 25.4 min, rounded up
    ]
    assert [step.basis for step in infusion.steps] == ["label", "policy", "policy", "policy", "label"]
    assert infusion.duration_min == 146


def test_an_experienced_infusion_shortens_holds_only() -> None:
    (infusion,) = plan(
        record(immunoglobulin_history=[history("privigen")]), "primary-immunodeficiency", product="privigen"
    ).infusions

    assert infusion.pattern == "experienced"
    assert [step.duration_min for step in infusion.steps[:-1]] == [15, 15, 15, 15]
    assert [float(step.rate_ml_per_kg_h) for step in infusion.steps] == [0.3, 0.6, 1.2, 2.4, 4.8]


def test_pump_rates_and_volumes_are_whole_tenths_rounded_down() -> None:
    """0.3 mL/kg/h at 61.7 kg is 18.51: 18.5 mL/h; half an hour of it is 9.25: 9.2 mL."""
    (infusion,) = plan(record(weight_kg=61.7), "primary-immunodeficiency", product="privigen").infusions

    assert (float(infusion.steps[0].pump_ml_per_h), float(infusion.steps[0].volume_ml)) == (18.5, 9.2)


AT_RISK = [
    # product, indication, phase, maximum in mL/kg/h, why
    ("octagam_10", "dermatomyositis-adult", None, 1.2),  # half of 2.4 is below the label's 0.03 mL/kg/min = 1.8
    ("octagam_10", "itp-adult", None, 1.8),  # the label's 0.03 mL/kg/min is below half of 7.2
    ("bivigam", "primary-immunodeficiency", None, 1.14),  # 95 % of "below 2 mg/kg/min" = 1.2
    ("privigen", "cidp", Phase.LOADING, 2.4),  # no number printed: half of 4.8
    ("panzyga", "primary-immunodeficiency", None, 1.98),  # 3.3 mg/kg/min
    ("gammagard_liquid", "primary-immunodeficiency", None, 1.881),  # 95 % of the lower of "below 3.3" (1.98) and 2
]


@pytest.mark.parametrize(
    ("product", "indication", "phase", "expected"), AT_RISK, ids=[f"{row[0]}-{row[1]}" for row in AT_RISK]
)
def test_at_risk_maximum(product: str, indication: str, phase: Phase | None, expected: float) -> None:
    made = plan(record(conditions=["renal_insufficiency"]), indication, product=product, phase=phase)

    assert made.infusions[0].pattern == "at_risk"
    assert float(made.infusions[0].max_rate_ml_per_kg_h) == expected
    assert "at-risk-rate" in codes(made)


@pytest.mark.parametrize(
    ("weight_kg", "days", "each_g"),
    [
        (75, 5, 30),  # 150 g in 5 days
        (70, 4, 35),  # 140 g in 5 days is 28 g: 25 is 11 % below, 30 above the label's largest; 4 x 35 is exact
    ],
)
def test_an_at_risk_course_takes_the_most_days_that_whole_vials_meet(weight_kg: int, days: int, each_g: int) -> None:
    ordinary = plan(record(weight_kg=weight_kg), "cidp", product="privigen", phase=Phase.LOADING)
    at_risk = plan(
        record(weight_kg=weight_kg, conditions=["renal_insufficiency"]), "cidp", product="privigen", phase=Phase.LOADING
    )

    assert len(ordinary.infusions) == 2
    assert [float(infusion.dose_g) for infusion in at_risk.infusions] == [each_g] * days


def test_a_ceiling_in_ml_per_h_ends_the_ladder() -> None:
    made = plan(record(), "primary-immunodeficiency", product="privigen", ceiling_ml_per_h=Decimal(100))

    rates = [float(step.pump_ml_per_h) for step in made.infusions[0].steps]
    assert rates == [21.0, 42.0, 84.0, 100.0]
    assert "ceiling-binds" in codes(made)


def test_the_lower_of_disagreeing_printed_units_governs_and_is_said() -> None:
    """Octagam 5 %: 3.33 mg/kg/min is 3.996 mL/kg/h, beside a printed 0.07 mL/kg/min = 4.2."""
    made = plan(record(), "primary-immunodeficiency", product="octagam_5")

    assert float(made.infusions[0].max_rate_ml_per_kg_h) == 3.996
    (finding,) = [one for one in made.findings if one.code == "printed-rates-disagree" and "maximum" in one.text]
    assert "4.2" in finding.text
    assert "3.996" in finding.text


def test_a_printed_ladder_is_cut_at_the_cap_and_never_stretched() -> None:
    table = RateTable(
        start=Rate(mg_per_kg_min=Decimal(1), **READ),
        steps=Steps(
            rates=tuple(HeldRate(mg_per_kg_min=Decimal(rate), hold_min=30, **READ) for rate in (1, 2, 4, 8)), **READ
        ),
        max=Rate(mg_per_kg_min=Decimal(8), **READ),
    )
    cap = AtRisk(rule={"text": "Slow.", **READ}, cap=Rate(mg_per_kg_min=Decimal(3), **READ))  # type: ignore[arg-type]

    ladder = build_ladder(table, TEN, "at_risk", 0, _policy(), cap)

    assert [float(rung.rate_ml_per_kg_h) for rung in ladder.rungs] == [0.6, 1.2, 1.8]
    assert [rung.hold_min for rung in ladder.rungs] == [30, 30, None]


def test_a_cap_below_the_start_is_the_whole_ladder() -> None:
    table = RateTable(start=Rate(mg_per_kg_min=Decimal(2), **READ), max=Rate(mg_per_kg_min=Decimal(3), **READ))

    ladder = build_ladder(table, TEN, "at_risk", 0, _policy(), None)

    assert [float(rung.rate_ml_per_kg_h) for rung in ladder.rungs] == [0.9]  # half of 1.8, below the start of 1.2


@pytest.mark.parametrize(("pattern", "hold"), [("first", 30), ("experienced", 15), ("at_risk", 30)])
def test_a_printed_interval_goes_before_policy(pattern, hold: int) -> None:
    table = RateTable(
        start=Rate(mg_per_kg_min=Decimal("0.5"), **READ),
        start_hold=Minutes(min=10, **READ),
        interval=Interval(min_min=15, max_min=30, **READ),
        max=Rate(mg_per_kg_min=Decimal(8), **READ),
    )

    ladder = build_ladder(table, FIVE, pattern, 0, _policy(), None)

    assert ladder.rungs[0].hold_min == 10
    assert {rung.hold_min for rung in ladder.rungs[1:-1]} == {hold}
    assert {rung.hold_basis for rung in ladder.rungs[1:-1]} == {"label"}


def test_a_rate_too_fine_for_the_pump_is_refused() -> None:
    ladder = Ladder("first", (Rung(Decimal("0.3"), None, "label", "label", ()),))

    assert run_pump(ladder, Decimal("0.3"), Decimal(5), TEN, None) is None


def test_a_small_volume_ends_on_an_early_step() -> None:
    ladder = Ladder("first", (Rung(Decimal(1), 30, "label", "label", ()), Rung(Decimal(2), None, "label", "label", ())))

    run = run_pump(ladder, Decimal(10), Decimal("4.9"), TEN, None)

    assert run is not None
    assert [(step.duration_min, float(step.volume_ml)) for step in run.steps] == [(30, 4.9)]  # 4.9 / 10 h = 29.4 min


def test_vital_signs_are_due_before_at_changes_until_the_maximum_and_after() -> None:
    """Every 15 min until the maximum is reached at 120, then every 30 on a first infusion, the end, and 60 min after it."""
    (infusion,) = plan(record(), "primary-immunodeficiency", product="privigen").infusions

    assert infusion.vitals_due_min == (0, 15, 30, 45, 60, 75, 90, 105, 120, 146, 206)
