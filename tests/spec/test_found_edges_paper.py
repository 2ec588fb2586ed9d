"""The record on paper: a mark of an editor, years of rates, and a name as long as a line."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO, StringIO
from typing import Any

from pypdf import PdfReader
from rich.console import Console

from ivigil.documents.chair import Wall
from ivigil.documents.infusion_sheets import TICKS_MOST, _ticks, record_pdf
from ivigil.documents.infusion_terminal import render_report
from ivigil.documents.wording import visible
from ivigil.infusion.record import Torn, gather
from ivigil.infusion.report import SessionReport, report
from tests.infusion.chair import SESSION, Chair, at_chair


def told(chair: Chair, *more: object) -> SessionReport:
    return report(gather([*chair.raws, *more], SESSION, chair.bedside.protocol), chair.bedside)


def text_of(made: SessionReport, chair: Chair) -> list[str]:
    sheet = record_pdf(made, chair.bedside.plan, "a4")
    return [page.extract_text() for page in PdfReader(BytesIO(sheet)).pages]


def test_a_byte_order_mark_in_what_is_kept_for_review_does_not_stop_the_page():
    assert visible("a\ufeffb") == "a[U+FEFF]b"
    chair = Chair().ready()
    pages = text_of(told(chair, Torn("\ufeff{", "a byte order mark")), chair)
    assert "[U+FEFF]{" in "".join(pages)


def test_a_rate_of_years_has_no_more_marks_of_time_than_one_of_hours():
    chair = Chair()
    wall, begin = Wall(chair.bedside.plan, 1, None), chair.minute(0)
    for hours in (1, 2, 5, 9, 20, 37, 60, 100, 300, 9 * 24, 24 * 365 * 100):
        ticks = list(_ticks(begin, begin + timedelta(hours=hours), wall))
        assert 2 <= len(ticks) <= TICKS_MOST + 1, hours
        assert begin <= ticks[0] <= ticks[-1] <= begin + timedelta(hours=hours)


def test_what_was_said_keeps_its_width_beside_a_long_name():
    def pages(by: str) -> int:
        chair = Chair().ready()
        for minute in range(40):
            chair.tell(minute, "note", text="The patient is well, and reads. " * 20)
            chair.raws[-1]["actor"]["by"] = by
        return len(text_of(told(chair), chair))

    assert pages("Dr. Maximiliane-Henriette von und zu Hohenstein-Rothenburg-Lichtenfels") <= pages("Nurse One") + 1


def test_the_end_of_a_long_lot_stands_on_a_narrow_screen():
    chair = Chair(at_chair()).opened().checked().hung(lot="L" * 60 + "7")
    made: Any = told(chair)
    console = Console(width=60, record=True, file=StringIO())
    render_report(made, chair.bedside, console)
    found = console.export_text()
    assert "L7" in found
    assert "…" not in found.partition("Timeline")[0]
