"""How every chart looks: one plain style that reads in print, in grey, and with any colour sense. No network is used."""

from __future__ import annotations

from typing import Any

#: Liberation Sans travels with the renderer; the others are what a browser has.
FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
INK, FAINT, RULE = "#1a1a1a", "#6b6b6b", "#dddddd"
#: Bands from light to dark and a line: one hue, so that lightness alone tells them apart (ColorBrewer Blues).
WIDE_BAND, NARROW_BAND, LINE = "#cbdff0", "#8db9df", "#08306b"
#: The second colour stands for what is asked or wrong, never alone: its marks have another shape or dash as well.
WARNING = "#b2440c"
WIDTH, HEIGHT = 720, 340
#: Two dots for each point of the page: sharp on paper at the usual size.
SCALE = 2.0


def styled(chart: Any, title: str, subtitle: str | list[str] = "") -> Any:  # noqa: ANN401 - altair is imported late
    """A chart with the house's title, fonts, axes and legend."""
    return (
        chart.properties(
            background="white",
            padding=12,
            title={
                "text": title,
                "subtitle": subtitle,
                "anchor": "start",
                "fontSize": 15,
                "subtitleFontSize": 11.5,
                "subtitleColor": FAINT,
                "color": INK,
                "offset": 12,
                "subtitlePadding": 5,
            },
        )
        .configure(font=FONT)
        .configure_view(stroke=None)
        .configure_axis(
            labelFontSize=11.5,
            titleFontSize=12,
            titleFontWeight="normal",
            labelColor=INK,
            titleColor=INK,
            gridColor=RULE,
            domainColor=FAINT,
            tickColor=FAINT,
            titlePadding=8,
        )
        .configure_legend(
            labelFontSize=11.5,
            labelColor=INK,
            labelLimit=400,
            orient="bottom",
            title=None,
            symbolSize=90,
            columnPadding=16,
            offset=8,
        )
        .configure_header(labelFontSize=12, labelColor=INK, title=None)
    )


def svg(chart: Any) -> bytes:  # noqa: ANN401
    """The chart as SVG; its text stays text."""
    import vl_convert

    return str(vl_convert.vegalite_to_svg(chart.to_dict())).encode()


def png(chart: Any) -> bytes:  # noqa: ANN401
    """The chart as PNG."""
    import vl_convert

    return bytes(vl_convert.vegalite_to_png(chart.to_dict(), scale=SCALE))
