"""What a parent found in the leaflet: a baby told to drink water, and fever as a reason to wait with an urgent treatment."""

from __future__ import annotations

import re

import pytest
import textstat  # type: ignore[import-untyped]

from ivigil.documents.leaflet import Facts, leaflet_pdf, pages_of
from ivigil.documents.leaflet_html import leaflet_html
from ivigil.knowledge.leaflet import leaflet_facts
from ivigil.prescription.plan import Plan
from tests import planning
from tests.documents import plans
from tests.documents.test_leaflet import GRADE_8, NORMAL_ES, fernandez_huerta, spoken


def facts() -> Facts:
    knowledge = planning.opened()
    return Facts(leaflet_facts(knowledge), None, knowledge.source)


def made(indication: str = "kawasaki-disease", **order: object) -> Plan:
    return plans.plan(indication=indication, prescription=plans.PRESCRIPTION.model_copy(update=order))


def page(plan: Plan, lang: str = "en") -> str:
    shown = leaflet_html(plan, facts(), lang).partition("<details")[0].partition("<body>")[2]
    return re.sub(r"\s+", " ", re.sub(r"<sup>.*?</sup>|<[^>]+>", " ", shown)).replace(" .", ".")


def test_a_small_child_is_not_told_to_drink_plenty_of_water_nor_of_a_pregnancy() -> None:
    said = page(made(age_years=plans.D("0.7")))

    assert "Let your child drink as usual." in said
    assert "plenty of water" not in said
    assert "pregnant" not in said
    assert "A child who is limp, pale, blue, very sleepy or breathes fast" in said


def test_from_school_age_on_the_sheet_speaks_to_the_patient() -> None:
    said = page(made("primary-immunodeficiency", age_years=plans.D(6)))

    assert "plenty of water" in said
    assert "A child who is limp" not in said


def test_heart_failure_of_a_small_child_still_comes_first() -> None:
    plan = plans.plan(
        findings=(*plans.FINDINGS, plans.finding("heart-failure")),
        prescription=plans.PRESCRIPTION.model_copy(update={"age_years": plans.D(2)}),
    )

    assert "Do not drink more than they say." in page(plan)
    assert "drink as usual" not in page(plan)


@pytest.mark.parametrize("indication", ["kawasaki-disease", "guillain-barre-syndrome", "mg-exacerbation", "itp-adult"])
@pytest.mark.parametrize("setting", ["hospital", "home"])
def test_nobody_with_an_urgent_condition_is_told_that_it_may_be_better_to_wait(indication: str, setting: str) -> None:
    english, spanish = (page(made(indication, setting=setting), lang) for lang in ("en", "es"))

    assert "Do not put off this treatment on your own." in english
    assert "better to wait" not in english
    assert "No deje el tratamiento para otro día por su cuenta." in spanish
    assert "esperar unos días" not in spanish


def test_every_urgent_condition_is_a_condition_of_the_knowledge() -> None:
    assert set(facts().statements.instead.urgent_conditions.items) <= set(planning.opened().indication_ids)


@pytest.mark.parametrize("lang", ["en", "es"])
@pytest.mark.parametrize("paper", ["a4", "us-letter"])
def test_the_sheet_for_a_small_child_fits_two_pages_and_reads_as_easily(lang: str, paper: str) -> None:
    plan = made(age_years=plans.D(2))
    prose = spoken(leaflet_html(plan, facts(), lang))
    textstat.set_lang("en_US")

    assert pages_of(leaflet_pdf(plan, facts(), lang, paper)) == 2
    assert textstat.flesch_kincaid_grade(prose) <= GRADE_8 if lang == "en" else fernandez_huerta(prose) >= NORMAL_ES
