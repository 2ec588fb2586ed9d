"""The plan on paper: identity and standing on every page, every rate, nothing hidden, nothing executed."""

from __future__ import annotations

import re
from datetime import timedelta
from io import BytesIO

import pytest
from pypdf import PdfReader

from ivigil.documents.pdf import plan_pdf
from ivigil.documents.wording import number
from ivigil.errors import BadInput
from ivigil.prescription.plan import Plan, Signature, sign
from tests.documents import plans
from tests.planning import opened


def pages(plan: Plan, signature: Signature | None = None, paper: str = "a4") -> list[str]:
    return [page.extract_text() for page in PdfReader(BytesIO(plan_pdf(plan, signature, paper))).pages]


def squeezed(text: str) -> str:
    """Text without spaces: where a line breaks is not what these tests are about."""
    return re.sub(r"\s", "", text)


@pytest.mark.parametrize("make", plans.ALL, ids=lambda make: make.__name__)
def test_every_page_says_which_plan_and_how_it_stands(make):
    plan = make()
    shown = pages(plan)
    standing = "BLOCKED" if plan.status == "blocked" else "DRAFT"
    for place, text in enumerate(shown, start=1):
        assert plan.plan_id.removeprefix("sha256:")[:12] in text
        assert standing in text
        assert ("SYNTHETIC PATIENT" in text) == plan.synthetic
        assert f"page {place} of {len(shown)}" in text
    assert plan.plan_id in squeezed(shown[0])


@pytest.mark.parametrize("make", plans.ALL, ids=lambda make: make.__name__)
def test_every_pump_rate_volume_and_vital_time_stands_in_the_text(make):
    plan = make()
    text = squeezed("".join(pages(plan)))
    for infusion in plan.infusions:
        assert squeezed(f"{number(infusion.dose_g)} g") in text
        for step in infusion.steps:
            assert f"{number(step.pump_ml_per_h)}mL/h" in text
            assert f"{number(step.volume_ml)}mL" in text
        for at_min in infusion.vitals_due_min:
            assert f"{infusion.starts_at + timedelta(minutes=at_min):%H:%M}" in text


@pytest.mark.parametrize("make", plans.ALL, ids=lambda make: make.__name__)
def test_every_finding_stands_in_the_text_with_its_severity_in_words(make):
    plan = make()
    text = squeezed("".join(pages(plan)))
    for finding in plan.findings:
        assert finding.code in text
        assert finding.severity.value in text
        if finding.text != plans.HOSTILE:
            assert squeezed(finding.text) in text


def test_a_blocked_plan_holds_no_dose_whatever_it_brings():
    blocked = plans.plan(status="blocked", findings=plans.BLOCKING)
    text = "".join(pages(blocked))
    assert "BLOCKED" in text
    assert "nobody may accept this" in text
    for absent in ("mL/h", "g/kg", "Example-Ig", "Course dose", "Prescriber", "DRAFT"):
        assert absent not in text


def test_a_signed_plan_names_the_signer_on_every_page_and_is_no_draft():
    plan = plans.five_days()
    for text in pages(plan, sign(plan, "Dr Example", "prescriber", plans.START, opened().policies.acceptance)):
        assert "Dr Example" in text
        assert "SIGNED" in text
        assert "DRAFT" not in text
        assert "Mon 23 Nov 2026 09:00" in text


def test_a_signature_for_another_plan_is_refused():
    other = plans.five_days()
    with pytest.raises(BadInput, match="This signature is for another plan") as refused:
        plan_pdf(plans.one_day(), sign(other, "Dr Example", "prescriber", plans.START, opened().policies.acceptance))
    assert refused.value.where == "--signature"
    assert plans.one_day().plan_id in refused.value.rule


def test_a_signature_under_a_blocked_plan_is_refused():
    plan = plans.blocked()
    forged = Signature(plan_id=plan.plan_id, by="Dr Example", role="prescriber", at=plans.START)
    with pytest.raises(BadInput, match="A blocked plan cannot be signed"):
        plan_pdf(plan, forged)


def test_an_altered_plan_is_refused():
    altered = plans.one_day().model_copy(update={"patient_ref": "somebody else"})
    with pytest.raises(BadInput, match="does not match its id"):
        plan_pdf(altered, None)


def test_an_unknown_paper_is_refused():
    with pytest.raises(BadInput, match="Use a4 or us-letter"):
        plan_pdf(plans.one_day(), None, paper="a5")


@pytest.mark.parametrize(("paper", "height_pt"), [("a4", 841.89), ("us-letter", 792)])
def test_paper_size(paper, height_pt):
    page = PdfReader(BytesIO(plan_pdf(plans.one_day(), None, paper))).pages[0]
    assert float(page.mediabox.height) == pytest.approx(height_pt, abs=0.5)


def test_hostile_text_is_shown_and_never_evaluated():
    text = squeezed("".join(pages(plans.hostile())))
    assert squeezed('Ada #let x = [*_$] \\ "q" `raw` <lab> @ref // [red]bold[/]') in text
    assert "مريم" in text


def test_a_character_that_no_embedded_font_draws_is_named_and_does_not_vanish():
    text = squeezed("".join(pages(plans.hostile())))
    assert "[U+1F642]" in text
    assert "[U+738B]end" in text


@pytest.mark.parametrize("sign_", ["\u202e", "\x00", "\x1b", "\u2066"])
def test_a_character_that_hides_or_reorders_is_spelled_out(sign_):
    plan = plans.plan(patient_ref=f"A{sign_}B")
    assert f"A[U+{ord(sign_):04X}]B" in squeezed(pages(plan)[0])


def test_a_name_without_spaces_does_not_run_over_the_edge():
    page = PdfReader(BytesIO(plan_pdf(plans.plan(patient_ref="W" * 150), None))).pages[0]
    longest = max(len(run) for run in re.findall("W+", page.extract_text()))
    assert longest < 60
    assert squeezed(page.extract_text()).replace("\u200b", "").count("W" * 150) == 1


def test_the_same_plan_makes_the_same_bytes():
    assert plan_pdf(plans.one_day(), None) == plan_pdf(plans.one_day(), None)


def test_only_fonts_that_travel_with_typst_are_used():
    names = set(re.findall(rb"/BaseFont\s*/[A-Z]{6}\+([\w-]+)", plan_pdf(plans.hostile(), None)))
    assert names
    assert {name.split(b"-")[0] for name in names} <= {b"LibertinusSerif", b"DejaVuSansMono"}


def test_one_short_plan_is_one_page_for_the_nurse_with_everything_to_sign():
    first = pages(plans.one_day())[0]
    for needed in ("patient label", "set pump to", "vital signs at", "Prescriber"):
        assert needed in first
