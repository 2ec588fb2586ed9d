"""The charts as somebody sees them: what is drawn, with which words, and that nothing is told by colour alone."""

from __future__ import annotations

import itertools
import re
import struct
import zlib
from functools import cache
from typing import Any

import pytest

from ivigil.documents.chart_style import LINE, NARROW_BAND, WIDE_BAND, png, svg
from ivigil.documents.igg_chart import forecast_chart, population_chart, profile_chart
from ivigil.kinetics.forecast import Forecast, forecast
from ivigil.kinetics.population import draw, percentiles, schedule
from ivigil.kinetics.profile import profile
from ivigil.kinetics.regimens import read_regimen
from ivigil.kinetics.subjects import Subject
from ivigil.kinetics.treatment import Treatment, read_treatment
from ivigil.knowledge.loading import Knowledge

KNOWLEDGE = Knowledge()
IGG = KNOWLEDGE.vocabulary.labs["igg"]
MODEL = KNOWLEDGE.kinetic_model("navarromora2022")
ADULT = Subject(weight_kg=70, age_years=40)
RECORD: dict[str, Any] = {
    "doses": [{"day": 28 * number, "route": "iv", "dose_g": 30, "duration_h": 4} for number in range(8)],
    "levels": [
        {"day": 56, "igg_g_per_l": 5.0, "below_lloq": True},
        {"day": 84, "igg_g_per_l": 6.9},
        {"day": 140, "igg_g_per_l": 7.4},
        {"day": 168, "igg_g_per_l": 22},
        {"day": 196, "igg_g_per_l": 7.2},
    ],
}
DATED: dict[str, Any] = {
    "doses": [{"time": "2026-04-20T09:00:00+00:00", "route": "iv", "dose_g": 30}],
    "levels": [{"time": "2026-05-18T08:00:00+00:00", "igg_g_per_l": 6.9}],
}


@cache
def known(dated: bool) -> tuple[Forecast, Treatment]:
    treatment = read_treatment(DATED if dated else RECORD, IGG)
    return forecast((MODEL,), ADULT, treatment, KNOWLEDGE.policies.kinetics), treatment


def chart(*, dated: bool = False, target_g_per_l: float | None = None) -> Any:
    return forecast_chart(*known(dated), target_g_per_l)


@pytest.fixture(scope="module")
def drawn() -> str:
    return svg(chart(target_g_per_l=8.0)).decode()


def words(drawn: str) -> list[str]:
    return re.findall(r">([^<>]+)</(?:text|tspan)>", drawn)


def marks(drawn: str, said: str) -> list[str]:
    """The drawn marks that a screen reader calls this."""
    return [
        one for one in re.findall(r"<path [^>]*>", drawn) if f"what: {said}" in one and 'role="graphics-symbol"' in one
    ]


def test_a_level_looks_like_what_it_is(drawn):
    """A limit is hollow, an unexplained level is a cross, and both have another name in the legend."""
    levels = marks(drawn, "level")
    plain = [one for one in levels if "what: level not explained" not in one]
    assert len(plain) == 3
    assert all('fill="#1a1a1a"' in one for one in plain)
    (limit,) = marks(drawn, "below quantification")
    assert 'fill="white"' in limit
    (cross,) = marks(drawn, "level not explained")
    assert "M-" in cross
    assert "L" in cross
    assert "A" not in cross.partition(' d="')[2].partition('"')[0]
    assert {"level", "below quantification (limit)", "level not explained"} <= set(words(drawn))


def test_every_dose_is_a_stroke_on_the_axis(drawn):
    assert len(marks(drawn, "dose")) == 8


def test_bands_median_and_target_are_drawn_and_named(drawn):
    for colour in (WIDE_BAND, NARROW_BAND, LINE):
        assert colour in drawn
    said = words(drawn)
    for one in ("median", "half of all curves (25–75 %)", "nine in ten (5–95 %)", "target 8 g/L", "IgG (g/L)", "days"):
        assert one in said
    assert "stroke-dasharray" in drawn
    assert any("error of measuring is not in the bands" in one for one in said)


def test_no_target_is_drawn_where_none_was_named():
    assert not any("target" in one for one in words(svg(chart()).decode()))


def test_dates_stand_on_the_axis_where_the_record_has_them():
    said = words(svg(chart(dated=True)).decode())
    assert "1 May 2026" in said
    assert "days" not in said
    assert any(one.startswith("1 dose of 30 g · 1 level ·") for one in said)


def lightness(colour: str) -> float:
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return (0.299 * red + 0.587 * green + 0.114 * blue) / 255


def test_bands_and_line_differ_in_grey():
    """Rec. 601 luma: white, wide band, narrow band and line stay at least 0.1 apart on a black-and-white printer."""
    shades = [1.0, *map(lightness, (WIDE_BAND, NARROW_BAND, LINE))]
    assert all(lighter - darker > 0.1 for lighter, darker in itertools.pairwise(shades))


def test_nothing_is_fetched(drawn):
    assert set(re.findall(r"https?://[^\"' ]+", drawn)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }


def test_the_picture_is_not_blank():
    width, height, colours = pixels(png(chart()))
    assert width > 1400
    assert height > 700
    assert len(colours) > 200


def pixels(picture: bytes) -> tuple[int, int, set[bytes]]:
    """Width, height and the different pixels of a PNG whose rows are read without undoing their filters."""
    assert picture.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", picture[16:24])
    place, packed = 8, b""
    while place < len(picture):
        (length,) = struct.unpack(">I", picture[place : place + 4])
        if picture[place + 4 : place + 8] == b"IDAT":
            packed += picture[place + 8 : place + 8 + length]
        place += 12 + length
    raw = zlib.decompress(packed)
    return width, height, {raw[at : at + 4] for at in range(0, len(raw), 4)}


def test_a_profile_names_its_regimen_and_its_trough():
    asked = read_regimen("iv 0.4 g/kg every 28 d")
    made = profile(MODEL, asked, ADULT, steady_state=True)
    said = words(svg(profile_chart(made, asked, "iv 0.4 g/kg every 28 d")).decode())
    trough = made.metrics.total.ctrough
    assert any(f"iv 0.4 g/kg every 28 d · navarromora2022 · trough {trough:.1f}" in one for one in said)
    assert "baseline 4 g/L" in said


def test_a_profile_over_days_promises_no_trough_and_shows_every_dose():
    asked = read_regimen("iv 0.4 g/kg every 28 d")
    made = profile(MODEL, asked, ADULT, days=100)
    drawn = svg(profile_chart(made, asked, "x")).decode()
    assert not any("trough" in one for one in words(drawn))
    assert len(marks(drawn, "dose")) == 4


def test_a_population_shows_its_bands_and_its_size():
    asked = read_regimen("sc 0.1 g/kg every 7 d")
    made = percentiles(draw(MODEL, ADULT, True, 1200, 1), schedule(asked, 28.0))
    drawn = svg(population_chart(made, asked, MODEL.id, "sc 0.1 g/kg every 7 d")).decode()
    said = words(drawn)
    assert any("1,200 subjects of one size and kind" in one for one in said)
    assert {"nine in ten subjects (5–95 %)", "half of all subjects (25–75 %)", "median"} <= set(said)
    assert len(marks(drawn, "dose")) == 4
