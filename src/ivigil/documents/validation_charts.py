"""The figures of the validation page, made from its numbers alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ivigil.documents.chart_style import INK, LINE, NARROW_BAND, WARNING, WIDE_BAND, styled
from ivigil.kinetics.calibration import BINS, Calibration
from ivigil.kinetics.validation import DataCheck, Validation
from ivigil.kinetics.vpc import PERCENTS
from ivigil.knowledge.published import PublishedKinetics

QUANTITIES = {
    "ctrough": "trough, g/L",
    "cmax": "peak, g/L",
    "cavg": "mean, g/L",
    "half_life_d": "half-life of total IgG, d",
    "ctrough_ratio": "ratio of troughs",
    "cmax_ratio": "ratio of peaks",
    "cavg_ratio": "ratio of means",
    "ctrough_difference": "rise of the trough, g/L",
    "rise": "rise, g/L",
    "bioavailability": "bioavailability SC",
}
FITTED, OTHERS = "built on these patients", "built on others"
#: The span of ratios that is drawn.
RATIOS, RATIO_TICKS = [0.4, 5.5], [0.5, 0.8, 1, 1.25, 2, 3, 5]
SHADE = "#e4e4e4"
#: Two standard deviations of a bin's count under uniform ranks.
DEVIATIONS = 1.96
PANEL = 230


def published_figure(made: Validation, published: PublishedKinetics) -> Any:  # noqa: ANN401
    """Predicted over printed, one row for each printed number, with the span that is called alike."""
    import altair as alt

    numbers = list(published.observations)
    rows = [
        {
            "ratio": row.ratio,
            "what": f"[{numbers.index(row.observation) + 1}] {QUANTITIES[row.quantity].split(',')[0]}",
            "whose": FITTED if row.fitted else OTHERS,
        }
        for row in made.published
        if row.ratio is not None
    ]
    order = list(dict.fromkeys(str(row["what"]) for row in rows))
    alike = published.alike
    scale = alt.Scale(type="log", domain=RATIOS, nice=False)
    x = alt.X("ratio:Q", title="predicted / printed", scale=scale, axis=alt.Axis(values=RATIO_TICKS, format="~g"))
    shade = (
        alt.Chart(alt.Data(values=[{"low": alike.low, "high": alike.high}]))
        .mark_rect(color=SHADE)
        .encode(x=alt.X("low:Q", scale=scale), x2="high:Q")
    )
    one = alt.Chart(alt.Data(values=[{"ratio": 1.0}])).mark_rule(color=INK, strokeWidth=1).encode(x=x)
    points = (
        alt.Chart(alt.Data(values=rows))
        .mark_point(size=48, strokeWidth=1.6, opacity=0.9)
        .encode(
            x=x,
            y=alt.Y("what:N", sort=order, title=None, axis=alt.Axis(labelLimit=260, grid=True, ticks=False)),
            shape=alt.Shape("whose:N", scale=alt.Scale(domain=[FITTED, OTHERS], range=["circle", "triangle-up"])),
            color=alt.Color("whose:N", scale=alt.Scale(domain=[FITTED, OTHERS], range=[LINE, WARNING])),
        )
    )
    return styled(
        alt.layer(shade, one, points).properties(width=430, height=17 * len(order)),
        "Published results: predicted against printed",
        f"One mark a model. Grey: {alike.low:g} to {alike.high:g} of what was printed. Numbers in brackets as in the table.",
    )


def calibration_figure(made: Validation) -> Any:  # noqa: ANN401
    """Ranks of the truth among the posterior's samples: flat when the bands are right."""
    import altair as alt

    named = [(one, f"{one.model} {one.regimen[:2].upper()}: {one.target}") for one in made.calibrations]
    named += [(one, f"control: {one.target}") for one in made.control]
    rows = [row for one, what in named for row in _counts(one, what)]
    order = [what for _, what in named]
    base = alt.Chart()
    x = alt.X("at:Q", title="share of the posterior below the truth", axis=alt.Axis(values=[0, 0.5, 1], grid=False))
    y = alt.Y("count:Q", title="patients", axis=alt.Axis(tickCount=4))
    chart = alt.layer(
        base.mark_rect(color=SHADE).encode(
            x=alt.value(0), x2=alt.value("width"), y=alt.Y("low:Q", title="patients"), y2="high:Q"
        ),
        base.mark_rect(color=LINE, opacity=0.75).encode(x=x, x2="to:Q", y=y, y2="zero:Q"),
        data=alt.Data(values=rows),
    ).properties(width=PANEL - 20, height=110)
    return styled(
        chart.facet(facet=alt.Facet("what:N", sort=order, title=None), columns=3).resolve_scale(y="independent"),
        "Calibration of the forecast: ranks of the truth",
        "Grey: where 19 of 20 bars lie if the bands are right. The control believes in half the error of measuring and must fail.",
    )


def _counts(one: Calibration, what: str) -> list[dict[str, Any]]:
    mean = one.patients / BINS
    away = DEVIATIONS * (mean * (1 - 1 / BINS)) ** 0.5
    return [
        {
            "at": n / BINS,
            "to": (n + 0.94) / BINS,
            "count": count,
            "zero": 0,
            "what": what,
            "low": mean - away,
            "high": mean + away,
        }
        for n, count in enumerate(one.counts)
    ]


def npde_figure(made: Validation) -> Any:  # noqa: ANN401
    """Quantiles of npde against those of the normal distribution."""
    import altair as alt
    from scipy.special import ndtri

    rows = []
    for check in made.data_checks:
        values = sorted(check.npde)
        count = len(values)
        rows += [
            {"normal": float(ndtri((n + 0.5) / count)), "npde": value, "what": _titled(check)}
            for n, value in enumerate(values)
        ]
    ends = alt.Data(values=[{"a": -3.5}, {"a": 3.5}])
    scale = alt.Scale(domain=[-3.5, 3.5], nice=False)
    chart = alt.layer(
        alt.Chart(ends).mark_line(color=INK, strokeWidth=1).encode(x="a:Q", y="a:Q"),
        alt.Chart()
        .mark_circle(aria=False, size=14, color=LINE, opacity=0.7, clip=True)
        .encode(
            x=alt.X("normal:Q", title="quantile of the normal distribution", scale=scale),
            y=alt.Y("npde:Q", title="npde", scale=scale),
        ),
        data=alt.Data(values=rows),
    ).properties(width=300, height=260)
    return styled(
        chart.facet(facet=alt.Facet("what:N", sort=[_titled(one) for one in made.data_checks], title=None), columns=2),
        "Normalised prediction distribution errors",
        "On the line when the model predicts the whole distribution.",
    )


def vpc_figure(made: Validation) -> Any:  # noqa: ANN401
    """Observed percentiles over the model's own intervals, prediction-corrected."""
    import altair as alt

    bands, points = [], []
    for check in made.data_checks:
        what = _titled(check)
        points += [
            {"day": day, "igg": level, "what": what}
            for day, level in zip(check.vpc.days, check.vpc.corrected, strict=True)
        ]
        for row in check.vpc.bins:
            for percent, seen, low, high in zip(PERCENTS, row.observed, row.low, row.high, strict=True):
                bands.append(
                    {
                        "day": row.day,
                        "seen": seen,
                        "low": low,
                        "high": high,
                        "percent": f"{percent:g} %",
                        "what": what,
                    }
                )
    together = alt.Data(values=[*bands, *points])
    order = [f"{one:g} %" for one in reversed(PERCENTS)]
    x = alt.X("day:Q", title="days", axis=alt.Axis(grid=False))
    shade = alt.Scale(domain=order, range=[WIDE_BAND, NARROW_BAND, WIDE_BAND])
    chart = alt.layer(
        alt.Chart()
        .transform_filter("isValid(datum.low)")
        .mark_area(opacity=0.9)
        .encode(
            x=x,
            y=alt.Y("low:Q", title="IgG, prediction-corrected (g/L)", scale=alt.Scale(type="log", nice=False)),
            y2="high:Q",
            fill=alt.Fill("percent:N", scale=shade, legend=None),
        ),
        alt.Chart().mark_circle(aria=False, size=8, color=INK, opacity=0.25).encode(x=x, y="igg:Q"),
        alt.Chart()
        .transform_filter("isValid(datum.seen)")
        .mark_line(color=WARNING, strokeWidth=1.8, point={"color": WARNING, "size": 30})
        .encode(
            x=x,
            y="seen:Q",
            strokeDash=alt.StrokeDash(
                "percent:N", sort=order, scale=alt.Scale(domain=order, range=[[6, 3], [1, 0], [2, 2]])
            ),
        ),
        data=together,
    ).properties(width=330, height=280)
    return styled(
        chart.facet(facet=alt.Facet("what:N", sort=[_titled(one) for one in made.data_checks], title=None), columns=2),
        "Prediction-corrected visual predictive check",
        "Lines: 5th, 50th and 95th percentile of the data. Areas: where the model's own percentiles lie in 95 of 100 data sets.",
    )


def _titled(check: DataCheck) -> str:
    return f"data from {check.drawn_from}, model {check.judged_by}"


def figures(made: Validation, published: PublishedKinetics) -> dict[str, Callable[[], Any]]:
    """Every figure by its file's name."""
    return {
        "published": lambda: published_figure(made, published),
        "calibration": lambda: calibration_figure(made),
        "npde": lambda: npde_figure(made),
        "vpc": lambda: vpc_figure(made),
    }
