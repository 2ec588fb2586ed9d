"""Whole plans against what was typed from the labels by hand, never against the plan's own figures."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from ivigil.knowledge.regimens import Phase
from ivigil.prescription.plan import Infusion, Plan
from ivigil.quantities import MIN_PER_H, TENTH
from tests.planning import history, plan, record

TYPED = Path(__file__).parent.parent / "reference"
LADDERS = [
    row for row in tomllib.loads((TYPED / "label_ladders.toml").read_text("utf-8"))["ladder"] if row["read_well"]
]
DOSES = tomllib.loads((TYPED / "label_doses.toml").read_text("utf-8"))["dose"]
#: Product, use, condition and phase of every typed dose that has a typed ladder.
PAIRS = sorted(
    {
        (dose["product"], dose["use"], dose["indication"], dose["phase"])
        for dose in DOSES
        for ladder in LADDERS
        if (dose["product"], dose["use"]) == (ladder["product"], ladder["use"])
    }
)
OPENS = {"first": 0, "after_more_than_3": 4, "after_6": 6}
#: Conditions that the boxed warning of every label names, and the age that it names.
BOXED, OLD = {"renal_insufficiency", "previous_thrombosis", "diabetes_mellitus"}, 65
Case = tuple[tuple[str, str, str, str], dict[str, Any]]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    pair = draw(st.sampled_from(PAIRS))
    infusions = draw(st.integers(0, 9))
    age = draw(st.integers(2, 90))
    kg = st.integers(100, 600) if age < 18 else st.integers(400, 1600)
    return pair, record(
        age_years=age,
        weight_kg=Decimal(draw(kg)) / 10,
        height_cm=draw(st.integers(90, 140) if age < 12 else st.integers(150, 200)),
        sex=draw(st.sampled_from(["female", "male"])),
        conditions=draw(st.lists(st.sampled_from(sorted({*BOXED, "migraine"})), unique=True, max_size=2)),
        immunoglobulin_history=[history(pair[0], infusions)] if infusions else [],
    )


def made(case: Case) -> Plan:
    (product, _, indication, phase), raw = case
    asked: dict[str, Any] = {"product": product, "phase": Phase(phase)}
    found = plan(raw, indication, **asked)
    liftable = [one.code for one in found.findings if one.severity == "blocks" and one.may_be != "neither"]
    found = plan(raw, indication, accept=tuple(dict.fromkeys(liftable)), **asked) if liftable else found
    assume(found.status == "planned")
    return found


def typed_ladder(case: Case) -> dict[str, Any]:
    """The row for so many earlier infusions: of a label's tiers, the highest that is open."""
    (product, use, _, _), raw = case
    earlier = sum(entry["infusions"] for entry in raw["immunoglobulin_history"])
    rows = [row for row in LADDERS if (row["product"], row["use"]) == (product, use)]
    return max(
        (row for row in rows if OPENS[row.get("tier", "first")] <= earlier),
        key=lambda row: OPENS[row.get("tier", "first")],
    )


def figure(row: dict[str, Any], key: str) -> Decimal:
    return Decimal(row[f"{key}_ml_per_kg_h"])


@given(cases())
def test_no_minute_is_faster_than_the_label_allows(case: Case) -> None:
    found, row, raw = made(case), typed_ladder(case), case[1]
    at_risk = bool(BOXED & set(raw["conditions"])) or raw["age_years"] > OLD
    assert found.prescription is not None
    weight = found.prescription.rate_weight_kg
    for infusion in found.infusions:
        fastest = max(step.pump_ml_per_h for step in infusion.steps)
        assert fastest <= figure(row, "max") * weight
        assert infusion.max_rate_ml_per_kg_h <= figure(row, "max")
        if at_risk:
            assert infusion.pattern == "at_risk"
            assert fastest < figure(row, "max") * weight
            if "at_risk_cap_ml_per_kg_h" in row:
                cap = figure(row, "at_risk_cap")
                assert fastest < cap * weight if row["at_risk_cap_below"] else fastest <= cap * weight


@given(cases())
def test_a_plan_starts_as_the_label_starts_and_holds_as_long(case: Case) -> None:
    found, row = made(case), typed_ladder(case)
    assert found.prescription is not None
    for infusion in found.infusions:
        start = min(figure(row, "start"), infusion.max_rate_ml_per_kg_h) * found.prescription.rate_weight_kg
        assert start - TENTH < infusion.steps[0].pump_ml_per_h <= start
        held(infusion, row)


def held(infusion: Infusion, row: dict[str, Any]) -> None:
    """Every step but the last lasts what the label prints, within the minute that the pump's tenths cost."""
    *before, _ = infusion.steps
    shortest, longest = row.get("interval_min", (0, 10**6))
    for number, step in enumerate(before):
        least, most = (row["start_hold_min"],) * 2 if number == 0 and "start_hold_min" in row else (shortest, longest)
        if "steps" in row:
            least = most = row["steps"][number][1]
        finest = TENTH * MIN_PER_H / step.pump_ml_per_h  # the minutes that a tenth of mL takes
        assert least <= step.duration_min <= most + 1 + finest, (row["product"], row["use"], number)


@given(cases())
def test_no_course_is_larger_than_the_label_allows_or_divided_otherwise(case: Case) -> None:
    found, (product, use, _, phase) = made(case), case[0]
    assert found.prescription is not None
    weight, days = found.prescription.dosing_weight_kg, len(found.infusions)
    rows = [
        row
        for row in DOSES
        if (row["product"], row["use"], row["phase"]) == (product, use, phase)
        and row.get("days_low", days) <= days <= row.get("days_high", days)
    ]
    assert rows, f"{days} days are in no typed dose"
    assert found.prescription.course_dose_g <= max(Decimal(row["g_per_kg_high"]) for row in rows) * weight
    assert found.prescription.dosing_weight_kg <= found.prescription.weight_kg
    intervals = [(row.get("interval_days_low"), row.get("interval_days_high")) for row in rows]
    every = found.prescription.interval_days
    assert any(
        (low is None) if every is None else (low is not None and low <= every <= high) for low, high in intervals
    )
