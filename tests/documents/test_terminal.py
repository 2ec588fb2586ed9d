"""The plan on the terminal: every finding, every exact pump rate, at both widths, with and without colour."""

from __future__ import annotations

import io
import re

import pytest
from rich.cells import cell_len
from rich.console import Console

from ivigil.documents.terminal import render_findings, render_plan
from ivigil.documents.wording import SIGNS, number
from tests.documents import plans

WIDTHS = (80, 120)


def rendered(plan, width: int = 80, **more) -> str:
    out = io.StringIO()
    render_plan(plan, Console(file=out, width=width, **more))
    return out.getvalue()


def squeezed(text: str) -> str:
    return re.sub(r"\s", "", text)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("make", plans.ALL, ids=lambda make: make.__name__)
def test_holds_every_finding_with_sign_word_and_remedy(make, width):
    plan = make()
    text = squeezed(rendered(plan, width))
    for finding in plan.findings:
        assert squeezed(f"{SIGNS[finding.severity]} {finding.severity.value} {finding.code}") in text
        assert squeezed(finding.text) in text
        assert squeezed(finding.remedy or "") in text


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("make", plans.ALL, ids=lambda make: make.__name__)
def test_holds_every_pump_rate_exactly_and_unbroken(make, width):
    plan = make()
    lines = rendered(plan, width).splitlines()
    for infusion in plan.infusions:
        for step in infusion.steps:
            row = rf"\s{re.escape(number(step.pump_ml_per_h))}\s.*\s{re.escape(number(step.cumulative_ml))}\s"
            assert any(re.search(row, line) for line in lines)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("make", plans.ALL, ids=lambda make: make.__name__)
def test_no_line_is_wider_than_the_terminal(make, width):
    assert max(cell_len(line) for line in rendered(make(), width).splitlines()) <= width


def test_a_piped_plan_has_no_escape_codes_and_a_coloured_one_says_the_same():
    plain = rendered(plans.five_days())
    coloured = rendered(plans.five_days(), force_terminal=True, color_system="truecolor")
    assert "\x1b" not in plain
    assert "\x1b" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain


def test_alike_days_are_shown_once():
    text = rendered(plans.five_days())
    assert text.count("Days 1–4 alike: 60 g") == 1
    assert "Day 5: 17.5 g" in text
    assert text.count("mL/kg/h  mg/kg/min") == 2


def test_standing_and_identity_come_first():
    head = "\n".join(rendered(plans.one_day()).splitlines()[:4])
    for needed in ("DRAFT", "SYNTHETIC PATIENT", "synthetic-1", "Example-Ig 10 %", plans.one_day().plan_id[7:19]):
        assert needed in head
    assert "SYNTHETIC" not in rendered(plans.real_patient())


def test_a_blocked_plan_says_what_may_be_accepted_how_and_what_not():
    text = rendered(plans.blocked())
    assert "BLOCKED" in text
    assert "--accept weight-unlikely --by NAME --role ROLE --because TEXT" in text
    assert "--accept age-below-label --by NAME --role ROLE --because TEXT" in text
    assert "--accept anti-iga" not in text
    assert "Nobody may accept: anti-iga" in text
    assert "mL/h" not in text


def test_an_accepted_finding_says_who_and_why():
    text = squeezed(rendered(plans.off_label_and_accepted()))
    assert text.count(squeezed("accepted by Dr Example (prescriber): Seen and weighed today.")) == 2


def test_hostile_text_is_neither_markup_nor_escape_code():
    text = rendered(plans.hostile(), 120, force_terminal=True)
    assert squeezed(plans.HOSTILE) in squeezed(re.sub(r"\x1b\[[0-9;]*m", "", text))
    assert "[U+001B][31mA[U+202E]" in rendered(plans.plan(patient_ref="\x1b[31mA\u202eB"))


def test_findings_alone_can_be_rendered():
    out = io.StringIO()
    render_findings(plans.BLOCKING, Console(file=out, width=80))
    text = out.getvalue()
    assert "may be confirmed" in text
    assert "may be overridden" in text
    assert "nobody may accept this" in text
