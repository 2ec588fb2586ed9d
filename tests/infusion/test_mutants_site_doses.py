"""Doses of a site's protocol against those that were read, one change at a time."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import pytest

from ivigil.infusion.protocols import more_than_read
from ivigil.knowledge.protocol import Protocol

Change = Callable[[dict[str, Any]], object]
FACT = {"src": "policy/ivigil", "origin": "policy", "read": "not_read", "note": "The site."}


def protocol(*changes: Change) -> Protocol:
    raw = tomllib.loads((files("ivigil.knowledge") / "data" / "protocol" / "ivigil.toml").read_text("utf-8"))
    for change in changes:
        change(raw)
    return Protocol.model_validate(raw)


def found(*changes: Change, against: Protocol | None = None) -> list[tuple[str, str]]:
    return list(more_than_read(protocol(*changes), against or protocol()))


def medicine(name: str, who: str, **rule: Any) -> Change:
    """A rule of dose in place of the protocol's."""
    return lambda raw: raw["medicines"][name].update({who: rule | FACT})


def without(name: str, who: str) -> Change:
    return lambda raw: raw["medicines"][name].pop(who)


def test_the_shipped_protocol_gives_no_more_than_itself():
    assert found() == []


# ---- adrenaline: 0.5 mg and 0.01 mg/kg are the most that was read


@pytest.mark.parametrize(
    ("rule", "wrong"),
    [
        ({"mg_per_kg": 0.01, "cap_mg": 0.5}, False),
        ({"mg_per_kg": 0.005, "cap_mg": 0.3}, False),
        ({"mg_per_kg": 0.1, "cap_mg": 0.5}, True),  # a slip of the point that the cap hides in an adult
        ({"mg_per_kg": 0.01, "cap_mg": 5}, True),
    ],
)
def test_a_scheme_by_weight(rule, wrong):
    told = ("adrenaline.schemes.weight", "No source read gives more than 0.5 mg, or 0.01 mg/kg.")
    assert found(lambda raw: raw["adrenaline"]["schemes"]["weight"].update(rule)) == ([told] if wrong else [])


def test_any_dose_by_weight_is_more_where_none_was_read():
    shipped = protocol()
    bands = {"age_bands": shipped.adrenaline.schemes["age_bands"]}
    read = shipped.model_copy(update={"adrenaline": shipped.adrenaline.model_copy(update={"schemes": bands})})
    assert found(against=read) == [("adrenaline.schemes.weight", "No source read gives more than 0.5 mg, or 0 mg/kg.")]


@pytest.mark.parametrize(("mg", "wrong"), [(0.5, False), (0.51, True)])
def test_a_cap_and_a_pen_may_reach_what_was_read(mg, wrong):
    rule = "No source read gives more than 0.5 mg."
    cap = found(lambda raw: raw["adrenaline"]["child_caps_mg"]["weight"].update(value=mg))
    pen = found(lambda raw: raw["adrenaline"]["pens"]["adult"].update(mg=mg))
    assert cap == ([("adrenaline.child_caps_mg.weight", rule)] if wrong else [])
    assert pen == ([("adrenaline.pens.adult", rule)] if wrong else [])


def test_another_concentration():
    assert found(lambda raw: raw["adrenaline"]["concentration"].update(mg_per_ml=0.1)) == [
        ("adrenaline.concentration", "Into the muscle it is 1 mg/mL; a volume of another is another dose.")
    ]


# ---- other medicines


def test_a_fixed_dose_above_the_highest_that_was_read():
    # Diphenhydramine: 25 to 50 mg for an adult.
    assert found(medicine("diphenhydramine", "adult", mg=50)) == []
    assert found(medicine("diphenhydramine", "adult", mg=500)) == [
        ("medicines.diphenhydramine.adult", "No source read gives more than 50 mg.")
    ]


@pytest.mark.parametrize(
    ("rule", "wrong"),
    [
        ({"mg_per_kg": 1, "cap_mg": 50}, False),
        ({"mg_per_kg": 2, "cap_mg": 50}, True),
        ({"mg_per_kg": 0.5, "mg_per_kg_max": 2, "cap_mg": 50}, True),
        ({"mg_per_kg": 1, "cap_mg": 500}, True),
    ],
)
def test_a_childs_dose_by_weight_goes_by_1_mg_per_kg_and_50_mg(rule, wrong):
    told = ("medicines.diphenhydramine.child", "No source read gives more than 50 mg.")
    assert found(medicine("diphenhydramine", "child", **rule)) == ([told] if wrong else [])


def test_a_dose_by_weight_within_a_fixed_one_that_was_read_is_no_more():
    assert found(medicine("diphenhydramine", "adult", mg_per_kg=2, cap_mg=50)) == []


def test_what_a_site_leaves_out_or_adds_is_not_measured_and_hides_nothing():
    assert found(without("cetirizine", "child")) == []
    assert found(medicine("paracetamol", "child", mg=250)) == []
    assert found(lambda raw: raw["medicines"].update(naproxen=raw["medicines"]["paracetamol"])) == []
    # Without the adult's rule the child's is still measured.
    hidden = found(without("diphenhydramine", "adult"), medicine("diphenhydramine", "child", mg_per_kg=1, cap_mg=500))
    assert [where for where, _ in hidden] == ["medicines.diphenhydramine.child"]
