"""Factors, limits and ramps under the skin against what a pharmacist typed by hand (``sc_labels.toml``)."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from pathlib import Path

import pytest

from ivigil.knowledge.loading import Knowledge
from ivigil.knowledge.products import Route
from ivigil.prescription.deliverable import deliverability

LABELS = tomllib.loads((Path(__file__).parent / "sc_labels.toml").read_text("utf-8"))["label"]


def _name(row: dict) -> str:
    return f"{row['product']}-{row['use']}"


def _use(knowledge: Knowledge, row: dict):
    label = knowledge.product(row["product"]).labels["US"]
    assert label.subcutaneous is not None
    return label.subcutaneous.uses[row["use"]]


def _at(rows: dict, number: int):
    return max((one for one in rows.values() if one.from_infusion <= number), key=lambda one: one.from_infusion)


def test_every_use_under_the_skin_is_typed_by_hand(knowledge: Knowledge) -> None:
    """And each belongs to a use of the same label, where its condition and age stand."""
    shipped = set()
    for product in knowledge.products:
        for label in product.labels.values():
            if label.subcutaneous is not None:
                assert product.route is Route.SC
                assert set(label.subcutaneous.uses) <= set(label.uses)
                shipped |= {(product.id, use) for use in label.subcutaneous.uses}

    assert shipped == {(row["product"], row["use"]) for row in LABELS}


@pytest.mark.parametrize("row", LABELS, ids=_name)
def test_the_factor_is_the_labels(knowledge: Knowledge, row: dict) -> None:
    conversion = _use(knowledge, row).conversion

    if "factor" in row:
        assert conversion.factor.factor == Decimal(row["factor"])
        assert not conversion.regimens
    else:
        assert conversion.factor is None
        assert conversion.regimens["start"].g_per_kg_week == Decimal(row["g_per_kg_week"])
    assert [one.factor for one in conversion.superseded.values()] == [Decimal(one) for one in row.get("superseded", ())]
    assert all(one.factor != conversion.factor.factor for one in conversion.superseded.values())


@pytest.mark.parametrize("row", LABELS, ids=_name)
def test_intervals_and_ramps_are_the_labels(knowledge: Knowledge, row: dict) -> None:
    conversion = _use(knowledge, row).conversion

    assert list(conversion.intervals.days) == row["intervals"]
    assert conversion.intervals.per_week_max == row["per_week"]
    ramps = {
        one.interval_days: [[step.week, step.dose_weeks] for step in one.steps] for one in conversion.ramp_up.values()
    }
    assert ramps == {days: row[f"ramp_{days}"] for days in (21, 28) if f"ramp_{days}" in row}


@pytest.mark.parametrize("row", LABELS, ids=_name)
def test_limits_are_the_labels(knowledge: Knowledge, row: dict) -> None:
    use = _use(knowledge, row)

    for band in row["limits"]:
        tables = [one for one in use.rates.values() if one.holds_for(Decimal(band["age"]), Decimal(band["kg"]))]
        assert len(tables) == 1
        table = tables[0]
        for number, ml, ml_per_h, sites in band["rows"]:
            caps = [
                cap.ml_per_site
                for cap in table.caps.values()
                if cap.from_infusion <= number and (cap.to_infusion is None or number <= cap.to_infusion)
            ]
            volume = min([_at(table.volume, number).ml_per_site, *caps]) if table.volume else Decimal(0)
            assert (number, volume) == (number, Decimal(ml))
            assert (number, _at(table.rate, number).ml_per_h_per_site) == (number, Decimal(ml_per_h))
            assert table.max_sites.count == sites


@pytest.mark.parametrize("row", LABELS, ids=_name)
def test_what_was_read_well_enough_and_what_lacks_is_as_typed(knowledge: Knowledge, row: dict) -> None:
    adult_from = knowledge.policies.weight.adult_from_years.value
    listed = deliverability(knowledge.product(row["product"]), "US", knowledge.source, adult_from)
    found = next(one for one in listed if one.use == row["use"])

    assert found.deliverable is row["can"]
    assert row.get("missing", "") in {said.code for said in found.missing} | {""}


@pytest.mark.parametrize("row", LABELS, ids=_name)
def test_bands_leave_no_gap_and_do_not_overlap(knowledge: Knowledge, row: dict) -> None:
    """From the labelled age on, every age and weight has exactly one table."""
    use = _use(knowledge, row)
    floor = knowledge.product(row["product"]).labels["US"].uses[row["use"]].min_age
    assert floor is not None

    for age in (n for n in (2, 6, 7, 9, 10, 16, 17, 18, 40, 90) if n >= floor.years):
        for kg in (8, 24, 25, 39, 40, 70, 150):
            assert sum(one.holds_for(Decimal(age), Decimal(kg)) for one in use.rates.values()) == 1
