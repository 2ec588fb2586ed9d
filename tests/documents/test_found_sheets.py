"""What was found on paper and screen: rates pushed off page 1, tables over the edge, wrong days after midnight."""

from __future__ import annotations

import io
import re
import struct
import zlib
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from pypdf import PdfReader
from rich.console import Console

from ivigil.documents.days import AlikeDays, alike_days
from ivigil.documents.leaflet import Facts, leaflet
from ivigil.documents.pdf import plan_pdf
from ivigil.documents.sheet import sheet
from ivigil.documents.staircase import staircase
from ivigil.documents.summary import summary
from ivigil.documents.terminal import render_plan
from ivigil.documents.wording import clock, per_kg
from ivigil.findings import MayBe, Severity
from ivigil.knowledge.leaflet import leaflet_facts
from ivigil.prescription.plan import LotCount, Plan, Premedication, Step, VialCount
from tests import planning
from tests.documents import plans

PAPERS = ("a4", "us-letter")
EVENING = plans.START + timedelta(hours=12)  # Monday 21:00, the infusion ends at 00:05
SIDE_MARGIN_MM = 14
PIXELS_AN_INCH = 36
LONG = "A rather long statement that somebody typed without ever thinking of the width of a sheet of paper. "


def page_one(plan: Plan, paper: str = "a4") -> str:
    return PdfReader(io.BytesIO(plan_pdf(plan, None, paper))).pages[0].extract_text()


def on_screen(plan: Plan, width: int = 80, **more: Any) -> str:
    out = io.StringIO()
    render_plan(plan, Console(file=out, width=width, **more))
    return out.getvalue()


def squeezed(text: str) -> str:
    return re.sub(r"\s", "", text)


# ---- plans that are hard to lay out


def reacted() -> Plan:
    """The planner's own: five medicines are proposed after an earlier reaction."""
    reactions = [{"kind": "headache", "at": "2026-11-02T10:20:00-05:00", "grade": 2, "text": "Synthetic."}]
    raw = planning.record(immunoglobulin_history=[planning.history("privigen", reactions=reactions)])
    made = planning.plan(raw, "primary-immunodeficiency", product="privigen")
    assert made.prescription is not None
    assert len(made.prescription.premedication) == 5
    return made


def long_words() -> Plan:
    rows = tuple(
        Premedication(
            what=f"medicine {place} {'x' * 60}",
            dose=LONG,
            route="by mouth or vein",
            min_before=(30, 60),
            reason=f"{place} {LONG}",
            caution=LONG * 2,
            sources=("paper/b",),
        )
        for place in range(8)
    )
    changed = {"premedication": rows, "off_label": LONG * 3, "brand": "A Very Long Brand of Immunoglobulin"}
    return plans.plan(
        patient_ref="Maximiliana-Theodora " * 8,
        indication_name="A condition with a long name " * 4,
        prescription=plans.PRESCRIPTION.model_copy(update=changed),
    )


def five_nights() -> Plan:
    return plans.plan(infusions=tuple(plans.infusion(number, starts_at=EVENING) for number in range(1, 6)))


def many_steps() -> Plan:
    ladder = plans.steps([f"{Decimal(place) / 5}" for place in range(1, 19)], 10, 400)
    return plans.plan(infusions=tuple(plans.infusion(number, ladder, EVENING) for number in range(1, 6)))


def many_lots() -> Plan:
    lots = tuple(
        LotCount(lot=f"P1003{place:02}-{'LONG' * 5}", count=1, expires_on=date(2027, 3, 31)) for place in range(20)
    )
    return plans.plan(infusions=(plans.infusion(1, vials=(VialCount(size_g=Decimal(10), count=20, lots=lots),)),))


HARD: tuple[Callable[[], Plan], ...] = (
    reacted,
    long_words,
    five_nights,
    many_steps,
    many_lots,
    plans.five_days,
    plans.eight_steps,
    plans.off_label_and_accepted,
    plans.many_findings,
)


@pytest.mark.parametrize("paper", PAPERS)
@pytest.mark.parametrize("make", HARD, ids=lambda make: make.__name__)
def test_what_the_nurse_sets_stands_on_the_first_page(make, paper):
    plan = make()
    first = squeezed(page_one(plan, paper))
    assert "setpumpto" in first
    shown = plan.infusions[0].steps if make is not many_steps else plan.infusions[0].steps[:10]
    for step in shown:
        assert f"{step.pump_ml_per_h.normalize():f}mL/h{step.duration_min}min" in first


@pytest.mark.parametrize("make", [reacted, long_words, plans.five_days], ids=lambda make: make.__name__)
def test_premedication_is_named_on_the_first_page_even_where_its_table_follows(make):
    assert "Before the infusion" in page_one(make())


def test_a_reason_that_all_premedication_shares_is_said_once():
    shown = sheet(reacted(), None)["prescription"]
    assert shown["premedication_reason"] == "Option after an earlier reaction: headache."
    assert all("earlier reaction" not in row["caution"] for row in shown["premedication"])
    assert on_screen(reacted()).count("Option after an earlier reaction: headache.") == 1


def _columns_with_ink(png: bytes) -> tuple[set[int], int]:
    """Columns of pixels that are not white, and how many there are: 8-bit RGBA, as typst writes it."""
    place, packed, wide = 8, b"", 0
    while place < len(png):
        size, kind = struct.unpack(">I4s", png[place : place + 8])
        body = png[place + 8 : place + 8 + size]
        if kind == b"IHDR":
            wide, _, depth, colour = struct.unpack(">IIBB", body[:10])
            assert (depth, colour) == (8, 6)
        packed += body if kind == b"IDAT" else b""
        place += size + 12
    raw = zlib.decompress(packed)
    row_bytes = 4 * wide
    before, inked = bytearray(row_bytes), set()
    for start in range(0, len(raw), row_bytes + 1):
        how, row = raw[start], bytearray(raw[start + 1 : start + 1 + row_bytes])
        for at in range(row_bytes):
            left = row[at - 4] if at >= 4 else 0
            above, corner = before[at], before[at - 4] if at >= 4 else 0
            guess = left + above - corner
            _, _, paeth = min((abs(guess - value), order, value) for order, value in enumerate((left, above, corner)))
            row[at] = (row[at] + (0, left, above, (left + above) // 2, paeth)[how]) % 256
        inked |= {at // 4 for at in range(0, row_bytes, 4) if row[at : at + 3] != b"\xff\xff\xff"}
        before = row
    return inked, wide


@pytest.mark.parametrize("paper", PAPERS)
@pytest.mark.parametrize("make", [reacted, long_words, many_steps, many_lots], ids=lambda make: make.__name__)
def test_nothing_runs_into_the_margins_at_the_sides(make, paper, monkeypatch):
    import typst

    real: Any = typst.compile
    last: dict[str, Any] = {}

    def kept(template, **more):
        last.update(template=template, **more)
        return real(template, **more)

    monkeypatch.setattr(typst, "compile", kept)
    plan_pdf(make(), None, paper)
    drawn = real(
        last["template"], sys_inputs=last["sys_inputs"], ignore_system_fonts=True, format="png", ppi=PIXELS_AN_INCH
    )
    margin = int(SIDE_MARGIN_MM / 25.4 * PIXELS_AN_INCH)
    for png in drawn if isinstance(drawn, list) else [drawn]:
        inked, wide = _columns_with_ink(png)
        assert min(inked) >= margin
        assert max(inked) < wide - margin


# ---- times on another date than the start


def test_a_time_on_another_date_says_so_with_and_without_its_weekday():
    assert clock(plans.START, 15 * 60) == "00:00 Tue +1 day"
    assert clock(plans.START, 15 * 60, named=False) == "00:00 +1 day"
    assert clock(plans.START, 40 * 60) == "01:00 Wed +2 days"
    assert clock(plans.START, -10 * 60) == "23:00 Sun −1 day"


def test_no_weekday_stands_for_a_night_of_which_there_are_five():
    nights = alike_days(five_nights().infusions)[0]
    assert nights.clock(185) == "00:05 +1 day"
    assert AlikeDays(nights.infusions[:1]).clock(185) == "00:05 Tue +1 day"


@pytest.mark.parametrize("paper", PAPERS)
def test_a_sheet_for_five_nights_names_no_weekday_but_in_its_dates(paper):
    shown = sheet(five_nights(), None)["days"][0]
    vitals = [time for row in shown["vitals"] for time in row]
    assert [time["other_date"] for time in vitals if time["clock"] == "00:05"] == ["+1 day"]
    assert [time["other_date"] for time in vitals if time["clock"] == "23:30"] == [""]
    text = page_one(five_nights(), paper)
    assert "00:05 +1 day" in text
    assert text.count("Tue") == text.count("Tue 24 Nov 2026") == 1


def test_a_step_after_midnight_says_so_in_the_table_of_rates():
    ladder = plans.steps(("0.3", "0.6", "1.2"), 120, 60)  # 21:00, 23:00, 01:00
    rows = sheet(plans.plan(infusions=(plans.infusion(1, ladder, EVENING),)), None)["days"][0]["steps"]
    assert [(row["clock"], row["other_date"]) for row in rows] == [
        ("21:00", ""),
        ("23:00", ""),
        ("01:00", "Tue +1 day"),
    ]


def test_the_screen_parts_the_vital_signs_by_date():
    text = on_screen(five_nights())
    assert re.search(r"\n +\+1 day: 00:00 00:05 ", text)
    assert "after the end, +1 day: 01:05" in text
    assert "21:00 to 00:05 +1 day" in text
    assert text.count("Tue") == text.count("Tue 24 Nov 2026")
    assert staircase(alike_days(five_nights().infusions)[0], 78)[-1].endswith("00:05 +1 day")


def test_the_summary_names_the_day_after_midnight():
    assert summary(five_nights())["plan"]["days"][0]["time"] == "21:00–00:05 Tue +1 day"


@pytest.mark.parametrize(
    ("lang", "end", "watch"),
    [
        ("en", "about 12:05 am (the next day)", "until 1:05 am (the next day)"),
        ("es", "hacia las 12:05 am (del día siguiente)", "hasta la 1:05 am (del día siguiente)"),
    ],
)
def test_a_leaflet_for_five_nights_tells_the_next_day_not_tuesday(lang, end, watch):
    knowledge = planning.opened()
    said = leaflet(five_nights(), Facts(leaflet_facts(knowledge), None, knowledge.source), lang)
    clocks = [row["clock"].replace("\u00a0", " ") for row in said["day"]["stations"]]
    assert end in clocks
    assert watch in clocks


# ---- the screen, in the order in which it is used


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("make", [reacted, plans.many_findings, plans.five_days], ids=lambda make: make.__name__)
def test_rates_come_before_what_warns_and_informs_and_sources_last(make, width):
    lines = on_screen(make(), width).splitlines()

    def first(start: str) -> int:
        return next(place for place, line in enumerate(lines) if line.startswith(start))

    order = [first("Prescription"), first("at "), first("What warns"), first("What informs"), first("Sources")]
    assert order == sorted(order)
    assert first("at ") < 40


def test_what_blocks_and_was_accepted_stands_above_the_dose():
    text = on_screen(plans.off_label_and_accepted())
    assert text.index("accepted by Dr Example (prescriber): Seen and weighed today.") < text.index("g/kg")
    assert "◼ 2 accepted although it blocks: weight-unlikely, age-below-label" in text


def test_what_warns_is_named_at_the_top_though_told_below():
    head = on_screen(plans.one_day()).partition("Prescription")[0]
    assert "▲ 2 to heed: first-infusion, not-verified-limit" in head


def test_a_blocked_plan_tells_what_blocks_before_what_warns():
    text = on_screen(plans.blocked())
    assert text.index("nobody may accept this") < text.index("▲ warns")
    assert "◼ 3 to resolve: weight-unlikely, age-below-label, anti-iga" in text


def test_findings_that_inform_under_one_code_are_one_paragraph():
    same = tuple(plans.finding("units-disagree", text=f"Line {place} disagrees.", remedy=None) for place in range(3))
    text = on_screen(plans.plan(findings=same))
    assert text.count("● informs units-disagree") == 1
    assert all(f"Line{place}disagrees." in squeezed(text) for place in range(3))


def test_without_colour_the_screen_says_the_same(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    bare = on_screen(plans.off_label_and_accepted(), force_terminal=True)
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]", bare)
    assert re.sub(r"\x1b\[[0-9;]*m", "", bare) == on_screen(plans.off_label_and_accepted())


# ---- who accepted what


def test_the_first_page_names_what_was_accepted_and_the_sheet_says_who_and_why():
    plan = plans.off_label_and_accepted()
    first = page_one(plan)
    assert "Accepted although it blocks" in first
    for row in plan.accepted:
        assert row.code in first
    whole = squeezed("".join(page.extract_text() for page in PdfReader(io.BytesIO(plan_pdf(plan, None))).pages))
    assert whole.count(squeezed("accepted by Dr Example (prescriber): Seen and weighed today.")) == 2
    assert "Accepted although it blocks" not in page_one(plans.one_day())


# ---- infants: small figures


def infant() -> Plan:
    """3.2 kg at 0.45 mL/kg/h: 1.4 mL/h; the first step gives 0.2 mL."""
    first: dict[str, Any] = {"start_min": 0, "duration_min": 9, "basis": "label", "hold_basis": "policy"}
    rates: dict[str, Any] = {"rate_ml_per_kg_h": Decimal("0.45"), "rate_mg_per_kg_min": Decimal("0.75")}
    volumes: dict[str, Any] = {
        "pump_ml_per_h": Decimal("1.4"),
        "volume_ml": Decimal("0.2"),
        "cumulative_ml": Decimal("0.2"),
    }
    step = Step(**first, **rates, **volumes, sources=("label/a",))
    vials = (VialCount(size_g=Decimal("0.5"), count=1),)
    return plans.plan(
        infusions=(
            plans.infusion(
                1, (step,), vials=vials, dose_g=Decimal("0.02"), waste_g=Decimal("0.48"), vitals_due_min=(0, 9)
            ),
        )
    )


def test_small_rates_and_volumes_are_printed_as_they_are():
    for text in (squeezed(page_one(infant())), squeezed(on_screen(infant()))):
        for figure in ("0.45", "0.75", "1.4", "0.2", "0.48"):
            assert figure in text
    assert "1.4mL/h9min0.2mL0.2mL0.45mL/kg/h0.75mg/kg/min" in squeezed(page_one(infant()))


@pytest.mark.parametrize(
    ("rate", "shown"),
    [
        ("0.45", "0.45"),
        ("0.0004", "0.0004"),
        ("0.00045678", "≈ 0.000456"),
        ("0.0123456", "≈ 0.0123"),
        ("1.95122", "≈ 1.951"),
        ("0", "0"),
    ],
)
def test_a_small_rate_per_kg_is_never_cut_to_nothing(rate, shown):
    assert per_kg(Decimal(rate)) == shown


def test_a_finding_nobody_may_accept_is_never_shown_as_accepted():
    never = plans.finding("anti-iga", Severity.BLOCKS, MayBe.NEITHER)
    forged = plans.Accepted(code="anti-iga", by="Dr Example", role="prescriber", because="x")
    text = on_screen(plans.plan(findings=(never,), accepted=(forged,)))
    assert "◼ 1 to resolve: anti-iga" in text
    assert "nobody may accept this" in text
    assert sheet(plans.plan(findings=(never,), accepted=(forged,)), None)["set_aside"] == []
