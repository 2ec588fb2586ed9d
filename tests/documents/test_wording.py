"""How figures, times and spans are written."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest

from ivigil.documents.candidates import candidate_groups
from ivigil.documents.citations import Citations, merged
from ivigil.documents.days import AlikeDays, alike_days
from ivigil.documents.staircase import HIGH_LINES, staircase
from ivigil.documents.wording import clock, duration, number, offset, per_kg, strength, together
from tests.documents import plans


@pytest.mark.parametrize(
    ("value", "shown"),
    [("106.50", "106.5"), ("100", "100"), ("1E+2", "100"), ("0.050", "0.05"), ("0.000001", "0.000001")],
)
def test_a_number_has_no_trailing_zero_and_no_power_of_ten(value, shown):
    assert number(Decimal(value)) == shown


@pytest.mark.parametrize(("rate", "shown"), [("1.881", "1.881"), ("2.40", "2.4"), ("0.8333333", "≈ 0.833")])
def test_a_rate_per_kg_that_is_cut_says_so(rate, shown):
    assert per_kg(Decimal(rate)) == shown


@pytest.mark.parametrize(("value", "shown"), [("0.1", "10 %"), ("0.05", "5 %"), ("0.165", "16.5 %")])
def test_strength(value, shown):
    assert strength(Decimal(value)) == shown


@pytest.mark.parametrize(("minutes", "shown"), [(0, "0 min"), (45, "45 min"), (120, "2 h"), (163, "2 h 43 min")])
def test_duration(minutes, shown):
    assert duration(minutes) == shown


def test_a_time_after_midnight_names_its_day():
    assert clock(plans.START, 14 * 60 + 59) == "23:59"
    assert clock(plans.START, 15 * 60) == "00:00 Tue +1 day"


@pytest.mark.parametrize(("minutes", "shown"), [(-300, "UTC−05:00"), (0, "UTC+00:00"), (345, "UTC+05:45")])
def test_offset(minutes, shown):
    assert offset(datetime(2026, 1, 1, tzinfo=timezone(timedelta(minutes=minutes)))) == shown


def test_days_are_alike_only_if_nothing_but_the_date_differs():
    later = plans.infusion(3, starts_at=plans.START + timedelta(hours=1))
    groups = alike_days((plans.infusion(1), plans.infusion(2), later))
    assert [group.title for group in groups] == ["Days 1–2 alike", "Day 3"]


def test_many_alike_days_may_be_parted():
    groups = alike_days((plans.infusion(number) for number in range(1, 8)), most=5)
    assert [group.title for group in groups] == ["Days 1–5 alike", "Days 6–7 alike"]


def test_instructions_that_say_the_same_are_one():
    rows = merged(plans.ADMINISTRATION.preparation)
    assert rows[0].topic == "Filter, flush"
    assert rows[1].topic == "Topic 0, topic 3"
    assert len(rows) == 4


def test_every_source_cited_is_numbered_once_and_every_number_is_listed():
    plan = plans.five_days()
    cited = Citations(plan)
    numbers = [place for place, _, _ in cited.rows()]
    assert numbers == list(range(1, len(numbers) + 1))
    assert all(record is not None for _, _, record in cited.rows())


def test_products_with_the_same_first_reason_stand_together_those_that_fit_first():
    groups = candidate_groups(reversed(plans.CANDIDATES))
    assert [(group.fits, len(group.products), group.code) for group in groups] == [
        (True, 1, ""),
        (False, 9, "wrong-route"),
    ]


@pytest.mark.parametrize("ladder", [plans.SHORT, plans.LADDER_OF_EIGHT])
def test_a_staircase_rises_keeps_its_width_and_ends_at_the_end(ladder):
    lines = staircase(AlikeDays((plans.infusion(ladder=ladder),)), 78)
    assert len(lines) == HIGH_LINES + 1
    assert all(len(line) <= 78 for line in lines)
    assert lines[0].endswith("█")


@pytest.mark.parametrize("text", ["0.01 mg/kg", "5 %", "1 °C", "30 minutes", "4.8 mL/kg/h", "70 g"])
def test_no_line_ends_between_a_figure_and_its_unit(text):
    assert " " not in together(text)


def test_other_spaces_stay():
    assert together("day 6 of fever, 2 vials") == "day 6 of fever, 2 vials"
