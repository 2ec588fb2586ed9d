"""A leaflet says what this plan says: how much to drink, at home or not, and who may drive."""

from __future__ import annotations

from typing import Any

import pytest

from ivigil.documents.leaflet import leaflet
from ivigil.documents.leaflet_writing import Facts
from ivigil.knowledge.leaflet import leaflet_facts
from ivigil.prescription.plan import Plan
from tests.planning import history, opened, plan, record

PI = "primary-immunodeficiency"


def told(made: Plan, lang: str = "en") -> dict[str, Any]:
    return leaflet(made, Facts(leaflet_facts(opened()), opened().product("privigen"), opened().source), lang)


def texts(part: dict[str, Any]) -> str:
    return " ".join(row["text"] for row in part["rows"])


def at_home() -> Plan:
    borne = [history("privigen", infusions=12)]
    return plan(record(setting_wish="home", immunoglobulin_history=borne), PI, product="privigen")


@pytest.mark.parametrize(("lang", "plenty"), [("en", "plenty"), ("es", "mucha agua")])
def test_nobody_with_a_weak_heart_is_told_to_drink_plenty(lang: str, plenty: str) -> None:
    weak = plan(record(conditions=["heart_failure"]), PI, product="privigen")
    assert plenty not in texts(told(weak, lang)["before"])
    assert plenty in texts(told(plan(record(), PI, product="privigen"), lang)["before"])


@pytest.mark.parametrize(
    ("lang", "titles", "label"),
    [
        ("en", ("Before your nurse comes", "What to have ready"), "If your nurse is not there"),
        ("es", ("Antes de que llegue la enfermera", "Qué tener a mano"), "Si la enfermera no está"),
    ],
)
def test_at_home_nobody_comes_brings_or_leaves(lang: str, titles: tuple[str, str], label: str) -> None:
    made = at_home()
    assert made.prescription is not None
    assert made.prescription.setting == "home"
    said = told(made, lang)
    assert (said["before"]["title"], said["bring"]["title"], said["help"]["at_home_label"]) == (*titles, label)
    assert "911" in said["help"]["call"]["text"]
    if lang == "en":
        whole = " ".join(map(texts, (said["before"], said["bring"], said["then"])))
        for phrase in ("before you come", "take you home", "A doctor sees you", "Warm clothes"):
            assert phrase not in whole


def test_who_gets_premedication_is_told_not_to_drive() -> None:
    reacted = [history("privigen", reactions=[{"kind": "headache", "grade": 1}])]
    made = plan(record(immunoglobulin_history=reacted), PI, product="privigen")
    assert made.prescription is not None
    assert made.prescription.premedication
    assert "Do not drive that day" in texts(told(made)["before"])
    assert "Do not drive" not in texts(told(plan(record(), PI, product="privigen"))["before"])


def test_the_spanish_says_that_a_meter_reads_falsely_high() -> None:
    maltose = plan(record(), PI, product="octagam_5")
    said = leaflet(maltose, Facts(leaflet_facts(opened()), opened().product("octagam_5"), opened().source), "es")
    assert "marcan más azúcar de la que hay" in texts(said["explained"])
