"""The sheet of a start under the skin: this plan's amounts and dates, its own way, every sign of danger, easy to read."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import cache
from pathlib import Path

import pytest
import textstat  # type: ignore[import-untyped]

from ivigil.cli.app import run
from ivigil.documents.leaflet import Facts, leaflet_pdf, pages_of
from ivigil.documents.leaflet_html import leaflet_html
from ivigil.errors import BadInput
from ivigil.knowledge.leaflet import leaflet_facts
from ivigil.prescription.plan import as_json, identified
from ivigil.prescription.request import Request
from ivigil.prescription.subcutaneous import Start, plan_start
from ivigil.prescription.subcutaneous.plan import SubcutaneousPlan
from tests import planning
from tests.documents.test_leaflet import (
    GRADE_8,
    NORMAL_ES,
    NORMAL_ES_SZIGRISZT,
    fernandez_huerta,
    spoken,
    szigriszt_pazos,
)

TREATED = planning.record(immunoglobulin_history=[planning.history("privigen", last_dose_g=30)])


@cache
def made(product: str = "hizentra") -> SubcutaneousPlan:
    asked = Start(
        request=Request(patient=planning.patient(TREATED), region="US", start=planning.START, product=product),
        iv_dose_g=Decimal(30),
        iv_interval_days=28,
        start_given=True,
    )
    plan = plan_start(asked, planning.formulary("primary-immunodeficiency"))
    assert plan.status == "planned"
    return plan


def facts(product: str = "hizentra") -> Facts:
    knowledge = planning.opened()
    return Facts(leaflet_facts(knowledge), knowledge.product(product), knowledge.source)


def page(lang: str = "en", product: str = "hizentra", **more: str) -> str:
    shown = leaflet_html(made(product), facts(product), lang, **more).partition("<details")[0].partition("<body>")[2]
    return re.sub(r"\s+", " ", re.sub(r"<sup>.*?</sup>|<[^>]+>", " ", shown)).replace(" .", ".")


def test_the_first_infusions_are_those_of_the_plan() -> None:
    # 30 g every 28 days = 7.5 g a week, times 1.37 = 10.275 g, 10 g in whole vials = 50 mL of 20 %; at most 15 mL a site at
    # first: 4 needles of 12.5 mL, 15 mL/h at each: 50 minutes.
    said = page()

    assert "Start: Monday, November 23, 2026." in said
    assert (
        "Monday, November 23 10 g. 50 mL through 4 needles, up to 12.5 mL at each. It takes about 50 minutes." in said
    )
    assert "3 times from Monday, November 30" in said
    assert "You get it every week. From Monday, December 28, 2026 on it stays the same: 10 g each time." in said


def test_it_stays_the_same_from_the_first_infusion_of_the_last_kind_on() -> None:
    said = page(product="cutaquig")
    rows = re.findall(r"(?:\d+ times from )?(\w+, \w+ \d+) \d+ g\. ", said)

    assert f"From {rows[-1]}, " in said


def test_it_says_how_it_is_done_and_nothing_of_a_vein_or_a_drip() -> None:
    said = page()

    assert "A nurse trains you. Do it alone only when you both agree that you can." in said
    assert "If you see blood in the tube, take that needle out" in said
    assert "If you feel unwell in any way, stop the pump at once." in said
    assert "thin tube in a vein" not in said
    assert "tell your nurse at once" not in said


@pytest.mark.parametrize("lang", ["en", "es"])
def test_every_sign_that_needs_help_stands_with_the_number_to_call(lang: str) -> None:
    from ivigil.documents.texts import Texts

    say, said, known = Texts(lang).say, page(lang), facts().statements

    for sign in (
        *known.signs.help_at_once.values(),
        *known.signs.same_day.values(),
        *known.under_skin.same_day.values(),
    ):
        assert say(sign.text) in said
    assert say("Call {number}", number="911") in said
    assert say("At any time") in said


@pytest.mark.parametrize("lang", ["en", "es"])
@pytest.mark.parametrize("paper", ["a4", "us-letter"])
@pytest.mark.parametrize("product", ["hizentra", "cuvitru", "cutaquig"])
def test_it_fits_two_pages_and_reads_as_easily(lang: str, paper: str, product: str) -> None:
    prose = spoken(leaflet_html(made(product), facts(product), lang))

    assert pages_of(leaflet_pdf(made(product), facts(product), lang, paper)) == 2
    if lang == "en":
        textstat.set_lang("en_US")
        assert textstat.flesch_kincaid_grade(prose) <= GRADE_8
    else:
        assert fernandez_huerta(prose) >= NORMAL_ES
        assert szigriszt_pazos(prose) >= NORMAL_ES_SZIGRISZT


def test_a_product_with_maltose_says_so_here_too() -> None:
    assert "Your medicine holds a sugar, maltose." in page(product="cutaquig")
    assert "maltose" not in page()


def test_a_blocked_or_altered_start_gives_no_sheet() -> None:
    blocked = identified(made().model_copy(update={"status": "blocked", "order": None, "infusions": ()}))
    altered = made().model_copy(update={"patient_ref": "another"})

    with pytest.raises(BadInput, match="has nothing to tell a patient"):
        leaflet_html(blocked, facts())
    with pytest.raises(BadInput, match="does not match its id"):
        leaflet_html(altered, facts())


@pytest.mark.parametrize("option", ["--pdf", "--html"])
def test_the_command_takes_a_start_plan(option: str, tmp_path: Path) -> None:
    plan, out = tmp_path / "start.json", tmp_path / f"out.{option[2:]}"
    plan.write_text(as_json(made()), "utf-8")

    assert run(["leaflet", str(plan), option, str(out), "--phone", "555 0100"]) == 0
    assert out.stat().st_size > 2000
