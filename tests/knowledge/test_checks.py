"""Each check on data broken on purpose, and the shipped data against all of them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from ivigil.knowledge import checks
from ivigil.knowledge.checks import check
from ivigil.knowledge.checks.rows import CheckRow, Weight, in_order, spelled
from ivigil.knowledge.loading import SHIPPED, Knowledge

Broken = Callable[..., tuple[CheckRow, ...]]

#: Rules that no product of today can set off, kept on purpose.
SILENT = {"sucrose", "latex", "natural_rubber"}

PI_MAX = "max = { mg_per_kg_min = 8, ml_per_kg_min = 0.08,"
PRIVIGEN = "products/privigen.toml"


@pytest.fixture
def broken(tmp_path: Path) -> Broken:
    """The checks on a copy of the shipped facts in which one text of one file is replaced everywhere."""

    def run(file: str, old: str, new: str, times: int = -1) -> tuple[CheckRow, ...]:
        data = tmp_path / "data"
        shutil.copytree(SHIPPED, data)
        text = (data / file).read_text("utf-8")
        assert old in text, f"{file} no longer holds {old!r}: this test would be blind"
        (data / file).write_text(text.replace(old, new, times), "utf-8")
        return check(Knowledge(shipped=data))

    return run


def errors(rows: tuple[CheckRow, ...], words: str) -> list[CheckRow]:
    return [row for row in rows if row.severity is Weight.ERROR and words in row.message]


def test_the_shipped_facts_have_no_error(knowledge: Knowledge):
    assert [row for row in check(knowledge) if row.severity is Weight.ERROR] == []


def test_the_shipped_rules_that_stay_silent_are_known(knowledge: Knowledge):
    rows = [row for row in check(knowledge) if row.severity is Weight.WARNING]

    assert {row.message.split()[3].rstrip(":") for row in rows} == SILENT


def test_every_row_says_where_and_what_to_do(knowledge: Knowledge):
    rows = check(knowledge)

    assert all(row.where and row.message.endswith(".") and row.remedy.endswith(".") for row in rows)
    assert rows == in_order(reversed(rows))


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        (PRIVIGEN, 'brand = "Privigen"', "brand =", "A fact file is TOML"),
        (PRIVIGEN, 'id = "privigen"', 'id = "other"', "The id is the file's name."),
        (PRIVIGEN, 'route = "iv"', 'route = "oral"', "Input should be 'iv' or 'sc'"),
        (PRIVIGEN, 'src = "privigen/E1"', 'src = "privigen/E9"', "The source privigen/E9 has no record."),
        (PRIVIGEN, 'indications = ["cidp"]', 'indications = ["cipd"]', "No condition is called cipd."),
        (PRIVIGEN, 'indications = ["cidp"]', "indications = []", "The use serves no condition."),
        (PRIVIGEN, 'PI.rates."10"]', 'PI.rates."20"]', "The product has no concentration 20."),
        (PRIVIGEN, 'revision = "2022-04-04"', 'revision = " "', "it is empty; write what the page gives."),
        (PRIVIGEN, '[labels.US]\nregion = "US"', '[labels.US]\nregion = "EU"', "It stands under US but names EU."),
        (PRIVIGEN, PI_MAX, "max = { mg_per_kg_min = 0.1,", "is above the maximum (0.06 mL/kg/h)"),
        (PRIVIGEN, PI_MAX, "max = { mg_per_kg_min = 8, ml_per_kg_min = 0.12,", "4.8 mL/kg/h and 7.2 mL/kg/h"),
        ("products/octagam_10.toml", 'note = "CONFLICT: 3.3', 'note = "As printed: 3.3', "the note does not say so"),
        (
            "products/octagam_10.toml",
            "{ mg_per_kg_min = 2, ml_per_kg_min = 0.02, hold_min = 30,",
            "{ mg_per_kg_min = 5, ml_per_kg_min = 0.05, hold_min = 30,",
            "The ladder does not rise: 0.6 → 3 → 2.4",
        ),
        (
            "products/octagam_10.toml",
            "rates = [{ mg_per_kg_min = 1, ml_per_kg_min = 0.01, hold_min = 30,",
            "rates = [{ mg_per_kg_min = 1.5, ml_per_kg_min = 0.015, hold_min = 30,",
            "The first printed step (0.9 mL/kg/h) is not the start (0.6 mL/kg/h).",
        ),
        (
            "products/octagam_10.toml",
            "max = { mg_per_kg_min = 12, ml_per_kg_min = 0.12,",
            "max = { mg_per_kg_min = 10, ml_per_kg_min = 0.10,",
            "The last printed step (7.2 mL/kg/h) is above the maximum (6 mL/kg/h).",
        ),
        (
            PRIVIGEN,
            'iga_mcg_per_ml = { max = 25, qualifier = "at most", src = "privigen/E1", origin = "reported", read = "label_copy"',
            'iga_mcg_per_ml = { max = 25, qualifier = "at most", src = "privigen/P1", origin = "reported", read = "label"',
            "It says read = label, but its sources are of the kind",
        ),
        ("policy/dose.toml", "primary-immunodeficiency = {", "primary = {", "No condition is called primary."),
        ("policy/setting.toml", '"heart_failure", ', '"heart", ', "heart is no word of conditions."),
        ("policy/premedication.toml", 'not_with = ["paracetamol"]', 'not_with = ["para"]', "para is no word of"),
        (
            "screening/kidney.toml",
            'any = ["renal_insufficiency"]',
            'any = ["renal"]',
            "renal is no word of conditions.",
        ),
        (
            "screening/kidney.toml",
            'test = "creatinine", value = 1.2',
            'test = "kreatinine", value = 1.2',
            "kreatinine is no word of labs.",
        ),
        ("screening/kidney.toml", "at any degree of it.", "at any degree of it", "does not end with a full stop."),
        ("vocabulary/labs.toml", '[iga]\nname = "IgA"', '[iga]\nnames = "IgA"', "Field required"),
    ],
)
def test_a_broken_fact_is_an_error(broken: Broken, file: str, old: str, new: str, words: str):
    found = errors(broken(file, old, new), words)

    assert found, f"no error says {words!r}"
    assert all(file.split("/", maxsplit=1)[0] in row.where for row in found)


def test_one_unreadable_file_does_not_hide_the_others(broken: Broken):
    rows = broken(PRIVIGEN, 'brand = "Privigen"', "brand =")

    assert len(errors(rows, "A fact file is TOML")) == 1
    assert any(row.where.startswith("products/octagam_10.toml") for row in rows)


def test_a_rule_without_a_remedy_is_an_error(broken: Broken):
    remedy = 'remedy = "Correct any volume depletion'

    assert errors(broken("screening/kidney.toml", remedy, 'remedy = ""  # "'), "The rule names no remedy.")


def test_a_rule_that_stands_in_two_files_is_an_error(tmp_path: Path):
    data = tmp_path / "data"
    shutil.copytree(SHIPPED, data)
    shutil.copy(data / "screening" / "kidney.toml", data / "screening" / "zz.toml")

    assert errors(check(Knowledge(shipped=data)), "The rule stands in screening/kidney.toml too")


def test_a_rule_that_asks_for_an_excipient_of_no_product_is_named(broken: Broken):
    data = broken("screening/contraindications.toml", '"l_proline"', '"l_prolin"')

    assert any(row.message == "No product lists l_prolin." for row in data)


def test_maxima_that_depend_on_earlier_infusions_rise(knowledge: Knowledge):
    tiered = next(
        (product, table)
        for product in knowledge.products
        for label in product.labels.values()
        for use in label.uses.values()
        for table in use.rates.values()
        if len(table.tiers) > 1
    )
    product, table = tiered
    label = next(iter(product.labels.values()))
    name, use = next((name, use) for name, use in label.uses.items() if table in use.rates.values())
    strength = next(key for key, one in use.rates.items() if one == table)
    turned = table.model_copy(update={"tiers": tuple(reversed(table.tiers))})
    use = use.model_copy(update={"rates": {strength: turned}})
    label = label.model_copy(update={"uses": {name: use}})
    broken = product.model_copy(update={"labels": {label.region: label}})

    messages = [row.message for row in checks.ladders(broken, "products/x.toml", Decimal("0.015"))]

    assert "The maxima do not rise with the number of earlier infusions." in messages


def test_a_paper_is_no_copy_of_a_label(broken: Broken):
    rows = broken("sources/privigen.toml", 'kind = "label_copy"', 'kind = "trial"')

    assert errors(rows, "It says read = label_copy, but its sources are of the kind trial.")


def test_two_uses_for_one_condition_are_named(broken: Broken):
    rows = broken(PRIVIGEN, 'indications = ["cidp"]', 'indications = ["cidp", "itp-adult"]')

    assert [row.severity for row in rows if "itp-adult is served by ITP already" in row.message] == [Weight.WARNING]


def test_a_source_that_nothing_cites_is_named(broken: Broken):
    rows = broken(
        "sources/privigen.toml", "[L1]", '[SPARE]\ntitle = "t"\npublisher = "p"\nkind = "label"\nregion = "US"\n\n[L1]'
    )

    assert [row.severity for row in rows if row.where == "sources/privigen.toml: SPARE"] == [Weight.INFO]


def test_paths_are_spelled_as_an_overlay_writes_them():
    assert spelled(("labels", "US", "rates", "16.5", "a b")) == 'labels.US.rates."16.5"."a b"'
