"""Doses, choices, words, sources and signatures: each check on data broken on purpose."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ivigil.knowledge.checks import check
from ivigil.knowledge.checks.rows import Weight
from ivigil.knowledge.loading import SHIPPED, Knowledge

PRIVIGEN = "products/privigen.toml"
LOADING = 'g_per_kg_min = 2, g_per_kg_max = 2, days_min = 2, days_max = 5, src = ["privigen/M2"'
EVERY_3 = "days_min = 1, days_max = 2, interval_days_min = 21, interval_days_max = 21"


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        (
            PRIVIGEN,
            EVERY_3,
            EVERY_3.replace("max = 21", "max = 14"),
            "interval_days_min 21 is above interval_days_max 14.",
        ),
        (PRIVIGEN, EVERY_3, EVERY_3.replace("21", "1"), "A course of up to 2 days does not fit"),
        (PRIVIGEN, LOADING, f"max_g_per_kg_day = 0.1, {LOADING}", "At most 0.1 g/kg a day over 5 days never reaches 2"),
        (PRIVIGEN, LOADING, f"max_g_day = 0, {LOADING}", "greater than 0. It holds 0."),
        (PRIVIGEN, 'authority = "label", region = "US"', 'authority = "label", region = "EU"', "The regimen is of EU"),
        (
            PRIVIGEN,
            'origin = "reported", read = "label" }',
            'origin = "reported", read = "label", by = ["X"] }',
            "sign",
        ),
        ("products/panzyga.toml", "after_infusions = 0", "after_infusions = 1", "No maximum stands for a first"),
        (
            "policy/dose.toml",
            'rounding = { value = "nearest"',
            'rounding = { value = "Down"',
            "Input should be 'nearest' or 'down'. It holds 'Down'",
        ),
        (
            "policy/dose.toml",
            'at_risk_days = { value = "most"',
            'at_risk_days = { value = "more"',
            "Input should be 'fewest' or 'most'. It holds 'more'",
        ),
        (
            "policy/weight.toml",
            'rate_weight = { value = "lower"',
            'rate_weight = { value = "actual"',
            "Input should be 'lower'",
        ),
        (
            "policy/rate.toml",
            "at_risk_fraction = { value = 0.5",
            "at_risk_fraction = { value = 50",
            "less than 1. It holds 50.",
        ),
        ("policy/rate.toml", "step_factor = { value = 2", "step_factor = { value = 1", "equal to 1.1. It holds 1."),
        ("sources/privigen.toml", 'publisher = "fda.report DailyMed mirror"', 'publisher = " "', "It is empty."),
        ("vocabulary/allergies.toml", 'also = ["maltose allergy"]', 'also = ["maize"]', "'maize' means corn too."),
        ("vocabulary/labs.toml", '"mg/dL" = 0.01', '"mg/dL" = 0', "greater than 0. It holds 0."),
        ("vocabulary/labs.toml", "likely = [0.1, 40]", "likely = [0.1, 400]", "lie outside the possible ones"),
    ],
)
def test_a_broken_fact_is_an_error(tmp_path: Path, file: str, old: str, new: str, words: str):
    data = tmp_path / "data"
    shutil.copytree(SHIPPED, data)
    text = (data / file).read_text("utf-8")
    assert old in text, f"{file} no longer holds {old!r}: this test would be blind"
    (data / file).write_text(text.replace(old, new), "utf-8")

    found = [row for row in check(Knowledge(shipped=data)) if row.severity is Weight.ERROR]

    assert any(words in row.message for row in found), [row.message for row in found][:5]
    assert all(row.remedy for row in found)


def test_ages_that_cross_are_an_error(tmp_path: Path):
    data = tmp_path / "data"
    shutil.copytree(SHIPPED, data)
    path = data / PRIVIGEN
    text = path.read_text("utf-8")
    age = next(line for line in text.splitlines() if line.startswith("min_age = { years = 15"))
    path.write_text(text.replace(age, f"{age}\n{age.replace('min_age', 'max_age').replace('15', '12')}"), "utf-8")

    rows = check(Knowledge(shipped=data))

    assert [row.message for row in rows if row.severity is Weight.ERROR] == ["min_age is above max_age."]
