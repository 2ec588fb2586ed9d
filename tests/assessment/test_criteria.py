"""Each computed criterion: met, not met at the boundary, not recorded; limits and units from the researched facts."""

from __future__ import annotations

from typing import Any

import pytest

from ivigil.assessment.lines import Met
from ivigil.assessment.report import AskedOrComputed, assess
from ivigil.cli.opening import library_of
from tests.planning import START, TAKEN, opened, patient, record


def _lab(test: str, value: float | str, unit: str | None = None) -> dict[str, Any]:
    result = {"test": test, "value": value, "taken_at": TAKEN}
    return {"labs": [result if unit is None else result | {"unit": unit}]}


def _igg(g_per_l: float) -> dict[str, Any]:
    return _lab("igg", g_per_l, "g/L")


def _mg_per_dl(value: float) -> dict[str, Any]:
    return _lab("igg", value, "mg/dL")


def _platelets(value: float) -> dict[str, Any]:
    return _lab("platelets", value, "10*9/L")


Change = dict[str, Any]
PREGNANT = {"conditions": ["pregnancy"]}
NO_LABS: Change = {"labs": ...}
#: condition, criterion, who says it and where, and records that meet it, do not meet it, and do not hold the datum.
ROWS: list[tuple[str, str, str, str, list[Change], list[Change], list[Change]]] = [
    # Europe: serum IgG below 4 g/L; US work group 2022: below 150 mg/dL, whatever the infections.
    *(
        row
        for condition in ("cll", "myeloma", "b-cell-depletion")
        for row in (
            (f"secondary-immunodeficiency-{condition}", "igg", "European core SmPC wording", "EU", [_igg(3.99), _mg_per_dl(399)], [_igg(4), _mg_per_dl(400)], [NO_LABS]),
            (f"secondary-immunodeficiency-{condition}", "igg_very_low", "AAAAI work group 2022", "US", [_igg(1.49), _mg_per_dl(149)], [_igg(1.5), _mg_per_dl(150)], [NO_LABS]),
        )
    ),
    # Hill et al.: 400 mg/dL OR BELOW; HCT guidelines: BELOW 400 mg/dL.
    ("secondary-immunodeficiency-car-t", "igg", "Hill et al.", "any", [_igg(4), _mg_per_dl(400)], [_igg(4.01), _mg_per_dl(401)], [NO_LABS]),
    ("hsct-related", "igg", "HCT guidelines", "any", [_igg(3.99), _mg_per_dl(399)], [_igg(4), _mg_per_dl(400)], [NO_LABS]),
    # ASH 2011: newly diagnosed adults below 30.
    ("itp-adult", "platelets", "American Society of Hematology 2011", "US", [_platelets(29), _lab("platelets", 29999, "/uL")], [_platelets(30), _lab("platelets", 30000, "/uL")], [NO_LABS]),
    # Australia: 15 years and younger, so until the sixteenth birthday.
    ("itp-child", "age", "National Blood Authority (Australia)", "AU",
     [{"age_years": 15}, {"age_years": 15.99}, {"age_years": ..., "birth_date": "2010-11-24"}],
     [{"age_years": 16}, {"age_years": ..., "birth_date": "2010-11-23"}], [{"age_years": ...}]),
    # Nova Scotia: platelets below 10 at any time in pregnancy.
    ("itp-pregnancy", "ns_platelets", "Nova Scotia", "CA", [_platelets(9) | PREGNANT],
     [_platelets(10) | PREGNANT, _platelets(9)], [NO_LABS | PREGNANT, _platelets(9) | {"conditions": ...}]),
    ("haemolytic-disease-of-newborn", "dat", "American Academy of Pediatrics 2004", "US",
     [_lab("direct_antiglobulin_test", "positive")], [_lab("direct_antiglobulin_test", "negative")], [NO_LABS]),
    # ISTH: platelets below 150.
    ("vitt", "platelets", "ISTH interim guidance", "any", [_platelets(149)], [_platelets(150)], [NO_LABS]),
]  # fmt: skip

CASES = [
    pytest.param(condition, name, who, where, change, expected, id=f"{condition}-{name}-{expected.value}-{number}")
    for condition, name, who, where, *columns in ROWS
    for expected, changes in zip((Met.MET, Met.NOT_MET, Met.NOT_RECORDED), columns, strict=True)
    for number, change in enumerate(changes)
]


def _criterion(condition: str, name: str, change: Change) -> AskedOrComputed:
    place = list(opened().indication(condition).eligibility).index(name)
    return assess(patient(record(**change)), "US", START, library_of(opened(), condition)).criteria[place]


@pytest.mark.parametrize(("condition", "name", "who", "where", "change", "expected"), CASES)
def test_a_computed_criterion(condition: str, name: str, who: str, where: str, change: Change, expected: Met) -> None:
    made = _criterion(condition, name, change)

    assert (made.computed, made.status) == (True, expected)
    assert (made.body, made.region) == (who, where)


def test_every_computed_criterion_has_a_row() -> None:
    computed = {
        (one.id, name) for one in opened().indications for name, row in one.eligibility.items() if row.when is not None
    }
    assert computed == {row[:2] for row in ROWS}
    assert len({condition for condition, _ in computed}) == 10


def test_one_way_in_among_several_says_so_where_it_is_read_as_not_met() -> None:
    """A "not met" of an alternative excludes nobody; the sentence itself has to say so."""
    for one in opened().indications:
        for name, row in one.eligibility.items():
            if row.when is not None and "does not exclude" in row.note:
                assert "ways in" in row.text or "would do instead" in row.text, f"{one.id} {name}: {row.text}"
