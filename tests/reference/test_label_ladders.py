"""The ladders against what a pharmacist typed from the labels by hand (``label_ladders.toml``, ``label_doses.toml``)."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from pathlib import Path

import pytest

from ivigil.knowledge.loading import Knowledge
from ivigil.knowledge.products import Route
from ivigil.prescription.deliverable import deliverability
from ivigil.prescription.needs import planned_concentration
from ivigil.prescription.schedule import Pattern, build_ladder

HERE = Path(__file__).parent
LADDERS = tomllib.loads((HERE / "label_ladders.toml").read_text("utf-8"))["ladder"]
DOSES = tomllib.loads((HERE / "label_doses.toml").read_text("utf-8"))["dose"]


def _name(row: dict) -> str:
    return "-".join(str(row[key]) for key in ("product", "use", "concentration", "tier", "phase") if key in row)


def _use(knowledge: Knowledge, row: dict):
    return knowledge.product(row["product"]).labels["US"].uses[row["use"]]


def _infusions(row: dict) -> int:
    """Earlier infusions at which a row's tier is open (0 for rows without one)."""
    return {"first": 0, "after_more_than_3": 4, "after_6": 6}[row.get("tier", "first")]


@pytest.mark.parametrize("row", LADDERS, ids=_name)
def test_start_and_maximum_are_the_labels(knowledge: Knowledge, row: dict) -> None:
    strength = knowledge.product(row["product"]).concentrations[row["concentration"]].g_per_ml
    rates = _use(knowledge, row).rates[row["concentration"]]

    ladder = build_ladder(rates, strength, "first", _infusions(row), knowledge.policies.rate, None)

    assert ladder.rungs[0].rate_ml_per_kg_h == Decimal(str(row["start_ml_per_kg_h"]))
    assert ladder.max_rate_ml_per_kg_h == Decimal(str(row["max_ml_per_kg_h"]))
    if "start_hold_min" in row and len(ladder.rungs) > 1:
        assert ladder.rungs[0].hold_min == row["start_hold_min"]


@pytest.mark.parametrize("row", [row for row in LADDERS if "steps" in row], ids=_name)
def test_a_ladder_printed_in_full_is_met_step_by_step(knowledge: Knowledge, row: dict) -> None:
    strength = knowledge.product(row["product"]).concentrations[row["concentration"]].g_per_ml
    rates = _use(knowledge, row).rates[row["concentration"]]

    ladder = build_ladder(rates, strength, "first", _infusions(row), knowledge.policies.rate, None)

    planned = [(rung.rate_ml_per_kg_h, rung.hold_min or 0) for rung in ladder.rungs]
    assert planned == [(Decimal(str(rate)), hold) for rate, hold in row["steps"]]


@pytest.mark.parametrize("row", [row for row in LADDERS if "interval_min" in row and "steps" not in row], ids=_name)
@pytest.mark.parametrize("pattern", ["first", "experienced"])
def test_holds_keep_the_labels_interval(knowledge: Knowledge, row: dict, pattern: Pattern) -> None:
    """The longer end of a printed interval on a first infusion, the shorter once experienced; never outside it."""
    strength = knowledge.product(row["product"]).concentrations[row["concentration"]].g_per_ml
    rates = _use(knowledge, row).rates[row["concentration"]]
    shortest, longest = row["interval_min"]

    ladder = build_ladder(rates, strength, pattern, _infusions(row), knowledge.policies.rate, None)

    expected = longest if pattern == "first" else shortest
    assert {rung.hold_min for rung in ladder.rungs[1:-1]} <= {expected}


@pytest.mark.parametrize("row", LADDERS, ids=_name)
def test_at_risk_stays_below_the_label_cap_and_below_the_ordinary_maximum(knowledge: Knowledge, row: dict) -> None:
    product = knowledge.product(row["product"])
    strength = product.concentrations[row["concentration"]].g_per_ml
    rates = _use(knowledge, row).rates[row["concentration"]]

    ladder = build_ladder(
        rates, strength, "at_risk", _infusions(row), knowledge.policies.rate, product.labels["US"].at_risk
    )

    assert ladder.max_rate_ml_per_kg_h <= Decimal(str(row["max_ml_per_kg_h"])) / 2
    if "at_risk_cap_ml_per_kg_h" in row:
        cap = Decimal(str(row["at_risk_cap_ml_per_kg_h"]))
        if row["at_risk_cap_below"]:
            assert ladder.max_rate_ml_per_kg_h < cap
        else:
            assert ladder.max_rate_ml_per_kg_h <= cap


@pytest.mark.parametrize("row", DOSES, ids=_name)
def test_doses_are_the_labels(knowledge: Knowledge, row: dict) -> None:
    wanted = {key: Decimal(str(row[key])) for key in ("g_per_kg_low", "g_per_kg_high") if key in row}
    found = [
        regimen
        for regimen in _use(knowledge, row).regimens.values()
        if regimen.phase.value == row["phase"]
        and regimen.g_per_kg_max == wanted["g_per_kg_high"]
        and ("g_per_kg_low" not in wanted or regimen.g_per_kg_min == wanted["g_per_kg_low"])
        and ("days_low" not in row or (regimen.days_min, regimen.days_max) == (row["days_low"], row["days_high"]))
        and (
            "interval_days_low" not in row
            or (regimen.interval_days_min, regimen.interval_days_max)
            == (row["interval_days_low"], row["interval_days_high"])
        )
    ]

    assert found, f"no {row['phase']} regimen like {wanted} among {list(_use(knowledge, row).regimens)}"


def _rows(rows: list[dict], product: str, use: str) -> list[dict]:
    return [row for row in rows if (row["product"], row["use"]) == (product, use)]


def test_every_use_that_is_planned_has_its_ladder_and_every_dose_typed_from_a_page_that_permits(
    knowledge: Knowledge,
) -> None:
    """What no pharmacist typed is checked by nobody: a use that becomes deliverable first needs its rows here."""
    adult_from = knowledge.policies.weight.adult_from_years.value
    planned = [
        (product, row.use)
        for product in knowledge.products
        if product.route is Route.IV
        for row in deliverability(product, "US", knowledge.source, adult_from)
        if row.deliverable
    ]

    assert planned
    for product, name in planned:
        strength = planned_concentration(product)
        ladders = [row for row in _rows(LADDERS, product.id, name) if row["concentration"] == strength]
        assert ladders, (product.id, name)
        assert all(row["read_well"] and row["source"] for row in ladders), (product.id, name)
        doses = _rows(DOSES, product.id, name)
        for regimen_id, regimen in product.labels["US"].uses[name].regimens.items():
            typed = [
                row
                for row in doses
                if (row["phase"], Decimal(row["g_per_kg_high"])) == (regimen.phase.value, regimen.g_per_kg_max)
                and row["read_well"]
                and row["source"]
            ]
            assert typed, (product.id, name, regimen_id)
