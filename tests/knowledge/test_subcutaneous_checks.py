"""What a label says about a start under the skin: each slip of a figure or of a name is one row that says so."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from ivigil.knowledge.checks import check
from ivigil.knowledge.checks.rows import CheckRow, Weight
from ivigil.knowledge.checks.subcutaneous import starts_add_up, starts_stand
from ivigil.knowledge.facts import VialSizes
from ivigil.knowledge.policies import Choice, SubcutaneousPolicy
from ivigil.knowledge.products import Product
from ivigil.prescription.subcutaneous.weighing import ORDER_KEYS
from tests.planning import opened

PI = "labels.US.subcutaneous.uses.PI"
SKIN = "labels.US.subcutaneous"


def plain(value: Any) -> Any:
    """Frozen raw facts as dictionaries and lists that can be changed."""
    if isinstance(value, Mapping):
        return {key: plain(part) for key, part in value.items()}
    return [plain(one) for one in value] if isinstance(value, list | tuple) else copy.copy(value)


def broken(product: str, path: str, value: Any) -> list[CheckRow]:
    """The rows for a product with one value replaced (... takes it out)."""
    raw = plain(opened().raw("products", product))
    *way, last = path.split(".")
    place = raw
    for key in way:
        place = place.setdefault(key, {})
    if value is ...:
        del place[last]
    else:
        place[last] = value
    made, words = Product.model_validate(raw), opened().vocabulary.conditions
    return [*starts_stand(made, "f", opened().indication_ids, words), *starts_add_up(made, "f")]


@pytest.mark.parametrize(
    ("product", "path", "value", "words"),
    [
        ("hizentra", f"{SKIN}.uses.CIPD", {"conversion": {}}, "The label has no such use."),
        ("hizentra", f"{SKIN}.uses.CIDP", ..., "The use CIDP has no start under the skin."),
        ("hizentra", SKIN, ..., "No label says how it is infused under the skin."),
        ("privigen", SKIN, {"uses": {}}, "The product is entered for a vein."),
        ("gamunex_c_sc", f"{SKIN}.never_for.items", ["itp"], "No condition is called itp."),
        (
            "gamunex_c_sc",
            f"{SKIN}.never_for.items",
            ["primary-immunodeficiency"],
            "primary-immunodeficiency is a use of the same label.",
        ),
        ("gamunex_c_sc", f"{SKIN}.never_with.items", ["purpura"], "purpura is no word of conditions."),
        ("hizentra", f"{PI}.conversion.factor.factor", Decimal("1.53"), "1.53 is the factor in force."),
        ("cuvitru", f"{PI}.conversion.ml_per_g.factor", Decimal(6), "6 mL for a gram is not 1/0.2."),
        ("hyqvia", f"{PI}.conversion.intervals.days", [28], "It leads to no interval of the label."),
        (
            "hizentra",
            f"{SKIN}.uses.CIDP.conversion.intervals.days",
            [14],
            "A dose a week is given weekly.",
        ),
        ("cutaquig", f"{PI}.rates.adults.from_age_years", Decimal(18), "0 tables hold at 17 years"),
        ("cutaquig", f"{PI}.rates.adults.from_age_years", Decimal(16), "2 tables hold at 16 years"),
        ("gammagard_liquid_sc", f"{PI}.rates.under_40_kg.below_kg", Decimal(39), "0 tables hold at 2 years and 39"),
        ("hizentra", f"{PI}.rates.all.rate.later.ml_per_h_per_site", Decimal("2.5"), "is lower than an earlier one."),
        ("hizentra", f"{PI}.rates.all.volume.later.from_infusion", 1, "It begins at infusions 1, 1."),
        ("hizentra", f"{PI}.rates.all.volume.first.from_infusion", 2, "It begins at infusions 2, 2."),
        ("hizentra", f"{PI}.rates.all.caps.fifth.ml_per_site", Decimal(200), "It is not stricter"),
        ("cuvitru", f"{PI}.rates.from_40_kg.all_sites.ml_per_h", Decimal(2400), "2400 mL/h is more than 4 sites at 60"),
        ("hyqvia", f"{PI}.rates.from_40_kg.day.ml", Decimal(12000), "12000 mL is more than 3 sites of 600"),
    ],
    ids=lambda one: str(one) if isinstance(one, Decimal) else None,
)
def test_a_slip_is_an_error(product: str, path: str, value: Any, words: str) -> None:
    rows = broken(product, path, value)

    found = [row for row in rows if words in row.message]
    assert found, [row.message for row in rows]
    assert all(row.severity is Weight.ERROR and row.where.startswith("f: labels") for row in found)


def test_what_is_shipped_has_none() -> None:
    assert not [row for row in check(opened()) if row.severity is Weight.ERROR]
    for product in opened().products:
        assert not list(starts_add_up(product, "f"))


CHOSEN = sorted(
    name
    for name, field in SubcutaneousPolicy.model_fields.items()
    if isinstance(field.annotation, type) and issubclass(field.annotation, Choice)
)


@pytest.mark.parametrize("name", CHOSEN)
def test_a_policy_word_that_no_rule_knows_is_refused(name: str) -> None:
    shipped = opened().policies.subcutaneous.model_dump()
    shipped[name]["value"] = "slowestt"

    with pytest.raises(ValidationError, match=name):
        SubcutaneousPolicy.model_validate(shipped)


def test_every_choice_has_its_words_and_every_key_of_the_order_is_known() -> None:
    assert CHOSEN == ["at_risk_limits", "growth", "schedule", "sites", "sites_run_out", "within_range"]
    assert set(opened().policies.subcutaneous.order.items) <= set(ORDER_KEYS)


def test_a_vial_size_read_for_another_market_only_is_not_sold_here() -> None:
    """The US package directory was read for these; 4, 8 and 10 g stand on the UK label or second-hand."""
    vials = {name: opened().product(name).vials for name in ("cuvitru", "cutaquig", "xembify")}

    assert {name: one.sizes_g for name, one in vials.items() if isinstance(one, VialSizes)} == {
        "cuvitru": (1, 2),
        "cutaquig": (1, 2),
        "xembify": (1, 2, 4),
    }
