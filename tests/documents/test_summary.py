"""The clinician's page: nothing that blocks or warns is ever left out, and it is no order."""

from __future__ import annotations

import re
from html import unescape
from io import BytesIO

import pytest
from pypdf import PdfReader

from ivigil.documents.summary import summary, summary_pdf
from ivigil.documents.summary_html import summary_html
from ivigil.documents.wording import number, visible
from ivigil.errors import BadInput
from ivigil.findings import Severity
from ivigil.prescription.plan import Plan
from tests.documents import plans


def pages(plan: Plan, paper: str = "a4") -> list[str]:
    return [page.extract_text() for page in PdfReader(BytesIO(summary_pdf(plan, paper))).pages]


def squeezed(text: str) -> str:
    return re.sub(r"\s|\u200b", "", text)


@pytest.mark.parametrize("paper", ["a4", "us-letter"])
@pytest.mark.parametrize(
    "make", [one for one in plans.ALL if one is not plans.many_findings], ids=lambda make: make.__name__
)
def test_one_page(make, paper):
    assert len(pages(make(), paper)) == 1


@pytest.mark.parametrize("make", plans.ALL, ids=lambda make: make.__name__)
def test_what_blocks_or_warns_is_told_in_full_and_what_informs_at_least_by_code(make):
    plan = make()
    text = squeezed("".join(pages(plan)))
    for finding in plan.findings:
        assert finding.code in text
        if finding.severity is not Severity.INFORMS and finding.text != plans.HOSTILE:
            assert squeezed(finding.text) in text
            assert finding.severity.value in text


def test_what_warns_runs_on_rather_than_being_left_out():
    warned = tuple(plans.finding(f"w-{place}", Severity.WARNS, text="A long warning. " * 8) for place in range(60))
    shown = pages(plans.plan(findings=(*warned, plans.finding("only-informs"))))
    assert len(shown) > 1
    text = "".join(shown)
    assert all(f"w-{place}" in text for place in range(60))
    assert "only-informs" in text


@pytest.mark.parametrize("make", plans.ALL, ids=lambda make: make.__name__)
def test_the_plan_stands_in_it_with_every_day_dose_and_rate(make):
    plan = make()
    text = squeezed("".join(pages(plan)))
    assert plan.plan_id.removeprefix("sha256:")[:12] in text
    assert ("SYNTHETICPATIENT" in text) == plan.synthetic
    for infusion in plan.infusions:
        assert squeezed(f"{number(infusion.dose_g)} g") in text
        assert f"{infusion.starts_at:%H:%M}" in text
        for step in infusion.steps:
            assert number(step.pump_ml_per_h) in text


def test_a_blocked_plan_shows_no_dose_whatever_it_brings():
    text = "".join(pages(plans.plan(status="blocked", findings=plans.BLOCKING)))
    assert "BLOCKED" in text
    for absent in ("Example-Ig", "g/kg", "mL/h", "09:00–"):
        assert absent not in text


def test_it_says_that_it_is_no_order():
    assert "Not an order" in pages(plans.one_day())[0]


def test_who_accepted_what_and_why_stands_in_it():
    text = squeezed("".join(pages(plans.off_label_and_accepted())))
    assert squeezed("Accepted by Dr Example (prescriber): Seen and weighed today.") in text
    assert squeezed("No labelled product is in stock.") in text


@pytest.mark.parametrize("make", plans.ALL, ids=lambda make: make.__name__)
def test_every_mark_leads_to_a_reference_and_every_reference_is_cited(make):
    said = summary(make())
    listed = {row["number"] for row in said.pop("references")}
    used = {mark for marks in re.findall(r"'cited': '\[([\d,]*)\]'", str(said)) for mark in marks.split(",")}
    assert used == listed


def test_hostile_text_is_shown_and_never_evaluated():
    text = squeezed("".join(pages(plans.hostile())))
    assert squeezed('Ada #let x = [*_$] \\ "q" `raw` <lab> @ref // [red]bold[/]') in text


def test_an_altered_plan_and_an_unknown_paper_are_refused():
    with pytest.raises(BadInput, match="does not match its id"):
        summary_pdf(plans.one_day().model_copy(update={"patient_ref": "somebody else"}))
    with pytest.raises(BadInput, match="Use a4 or us-letter"):
        summary_pdf(plans.one_day(), "a5")


@pytest.mark.parametrize("make", plans.ALL, ids=lambda make: make.__name__)
def test_the_page_of_the_web_holds_the_words_of_the_paper(make):
    plan = make()
    shown = squeezed(unescape(re.sub(r"<[^>]+>", "", summary_html(plan))))
    said = summary(plan)
    for row in said["findings"]:
        assert squeezed(visible(row["text"])) in shown
        assert squeezed(visible(row["remedy"])) in shown
        assert row["code"] in shown
    for row in (*(said["plan"] or {"rows": []})["rows"], *said["references"]):
        assert squeezed(visible(row.get("value") or row["title"])) in shown
    for row in (said["plan"] or {"days": []})["days"]:
        assert squeezed(f"{row['dose']}{row['vials']}{row['rates']}") in shown
    assert ("Nothing may be given on this page" in summary_html(plan)) == (said["plan"] is None)
    assert ("SYNTHETIC PATIENT" in summary_html(plan)) == plan.synthetic


def test_the_page_of_the_web_loads_nothing_and_evaluates_nothing():
    page = summary_html(plans.hostile())

    assert "<lab>" not in page
    assert "<script" not in page
    assert "default-src 'none'" in page


def test_an_altered_plan_gives_no_page():
    with pytest.raises(BadInput, match="does not match its id"):
        summary_html(plans.one_day().model_copy(update={"patient_ref": "another"}))
