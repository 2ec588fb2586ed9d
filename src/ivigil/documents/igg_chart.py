"""IgG over time as a picture: the forecast of a patient, a typical profile, a population.

Altair makes the specification; the same picture is SVG and PNG, without a browser or a network. Bands differ in
lightness, lines in dash and points in shape, so that nothing is told by colour alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ivigil.documents.chart_style import HEIGHT, INK, LINE, NARROW_BAND, WARNING, WIDE_BAND, WIDTH, styled
from ivigil.kinetics.forecast import Forecast
from ivigil.kinetics.population import Percentiles
from ivigil.kinetics.profile import Profile
from ivigil.kinetics.regimens import Dose, Regimen
from ivigil.kinetics.treatment import Treatment

#: What the legend calls a level; the shape and the filling say the same.
MEASURED, BELOW, UNEXPLAINED = "level", "below quantification (limit)", "level not explained"
MEDIAN, NARROW, WIDE = "median", "half of all curves (25–75 %)", "nine in ten (5–95 %)"
TYPICAL = "typical subject"
NARROW_OF_SUBJECTS, WIDE_OF_SUBJECTS = "half of all subjects (25–75 %)", "nine in ten subjects (5–95 %)"
DOSE = "dose"
#: The days of doses are the same whatever the weight that grams per kg are multiplied with.
ANYBODY_KG = 1.0


def forecast_chart(made: Forecast, treatment: Treatment, target_g_per_l: float | None = None) -> Any:  # noqa: ANN401
    """The forecast with its doses, levels and bands, and the target if one is named; in dates where the record has them."""
    import altair as alt

    dated = treatment.zero is not None
    curve = made.curve
    rows = _band_rows(curve.time, curve.p5, curve.p25, curve.median, curve.p75, curve.p95)
    levels = [
        {"time": one.time, "igg": one.observed, "what": _what(one.unexplained, one.below_lloq)} for one in made.levels
    ]
    x = _x(alt, dated)
    drawn = [_band(alt, rows, x, "p5", "p95", WIDE), _band(alt, rows, x, "p25", "p75", NARROW), _median(alt, rows, x)]
    if target_g_per_l is not None:
        drawn += _target(alt, target_g_per_l)
    drawn.append(_ticks(alt, [treatment.moment(dose.day) for dose in treatment.doses], x))
    if levels:
        drawn.append(_levels(alt, levels, x))
    speaking = [one for one in made.models if one.weight > 0.01]
    told = [
        f"{_grams(treatment.doses)} · {_count(levels)} · models: "
        + ", ".join(f"{one.id} {one.weight:.0%}" for one in speaking),
        "The true level once a day; the error of measuring is not in the bands. This informs a decision and makes none.",
    ]
    return styled(_layered(alt, drawn), "IgG over time: forecast", told)


def profile_chart(made: Profile, asked: Regimen | None, words: str | None) -> Any:  # noqa: ANN401
    """One typical subject's curve under a regimen, whose ``words`` stand above it."""
    import altair as alt

    metrics = made.metrics
    if asked is None:
        doses: tuple[float, ...] = ()
    elif metrics.tau_d is None:
        doses = tuple(dose.day for dose in asked.doses(ANYBODY_KG, metrics.to_day))
    else:
        doses = tuple(float(day) for day in range(asked.parts[-1].doses))
    x = _x(alt, dated=False)
    rows = [{"time": day, "p50": level} for day, level in zip(made.times_d, made.igg_g_per_l, strict=True)]
    base = made.parameters["baseline_g_per_l"]
    drawn = [_median(alt, rows, x, TYPICAL), _ticks(alt, doses, x)]
    drawn += _rule(alt, base, f"baseline {base:g} g/L", [2, 3], INK) if base else []
    total = metrics.total
    # Only an interval that repeats ends in a trough.
    low = f"lowest {total.cmin:.1f}" if metrics.tau_d is None else f"trough {total.ctrough:.1f}"
    told = [
        f"{words or 'no dose'} · {made.model} · {low}, mean {total.cavg:.1f}, peak {total.cmax:.1f} g/L",
        "A typical subject, no forecast of a patient."
        + (" One interval of the regimen repeated for ever." if metrics.tau_d else " No dose before day 0."),
    ]
    return styled(_layered(alt, drawn), "IgG over time: typical profile", told)


def population_chart(made: Percentiles, asked: Regimen, model: str, words: str) -> Any:  # noqa: ANN401
    """Percentiles of a population under a regimen, whose ``words`` stand above them."""
    import altair as alt

    x = _x(alt, dated=False)
    rows = _band_rows(made.days.tolist(), *(made.levels[one].tolist() for one in (5.0, 25.0, 50.0, 75.0, 95.0)))
    drawn = [
        _band(alt, rows, x, "p5", "p95", WIDE_OF_SUBJECTS),
        _band(alt, rows, x, "p25", "p75", NARROW_OF_SUBJECTS),
        _median(alt, rows, x),
        _ticks(alt, tuple(dose.day for dose in asked.doses(ANYBODY_KG, float(made.days[-1]))), x),
    ]
    told = [
        f"{words} · {model} · {made.subjects:,} subject{'' if made.subjects == 1 else 's'} of one size and kind",
        "Once a day, just before the dose of that day, so that peaks lie higher; without the error of measuring.",
    ]
    return styled(_layered(alt, drawn), "IgG over time: population", told)


# ---- parts


def _x(alt: Any, dated: bool) -> Any:  # noqa: ANN401
    if dated:
        axis = alt.Axis(title=None, format="%-d %b %Y", labelAngle=0, labelOverlap=True, grid=False, tickCount=8)
        return alt.X("time:T", axis=axis, scale=alt.Scale(type="utc"))
    axis = alt.Axis(title="days", labelAngle=0, grid=False, tickCount=10)
    return alt.X("time:Q", axis=axis, scale=alt.Scale(nice=False))


def _y(alt: Any, field: str) -> Any:  # noqa: ANN401
    return alt.Y(field, title="IgG (g/L)", scale=alt.Scale(zero=True, nice=True), axis=alt.Axis(tickCount=7))


def _band_rows(
    times: Iterable[Any],
    p5: Iterable[float],
    p25: Iterable[float],
    p50: Iterable[float],
    p75: Iterable[float],
    p95: Iterable[float],
) -> list[dict[str, Any]]:
    columns = zip(times, p5, p25, p50, p75, p95, strict=True)
    return [{"time": time, "p5": a, "p25": b, "p50": c, "p75": d, "p95": e} for time, a, b, c, d, e in columns]


#: A short upright stroke, and a cross that strikes out.
UPRIGHT, STRUCK = "M0,-1L0,1", "M-1,-1L1,1M-1,1L1,-1"
#: Shape, filling and outline of a level.
LOOKS = {
    MEASURED: ("circle", INK, INK),
    BELOW: ("circle", "white", INK),
    UNEXPLAINED: (STRUCK, WARNING, WARNING),
}
SHADES = {"p5": WIDE_BAND, "p25": NARROW_BAND}


def _band(alt: Any, rows: list[dict[str, Any]], x: Any, low: str, high: str, name: str) -> Any:  # noqa: ANN401
    return (
        alt.Chart(alt.Data(values=rows))
        .transform_calculate(what=f"'{name}'")
        .mark_area(opacity=1.0)
        .encode(
            x=x,
            y=_y(alt, f"{low}:Q"),
            y2=alt.Y2(f"{high}:Q"),
            fill=alt.Fill("what:N", scale=alt.Scale(domain=[name], range=[SHADES[low]]), title=None),
        )
    )


def _median(alt: Any, rows: list[dict[str, Any]], x: Any, name: str = MEDIAN) -> Any:  # noqa: ANN401
    return (
        alt.Chart(alt.Data(values=rows))
        .transform_calculate(what=f"'{name}'")
        .mark_line(strokeWidth=2)
        .encode(
            x=x,
            y=_y(alt, "p50:Q"),
            stroke=alt.Stroke("what:N", scale=alt.Scale(domain=[name], range=[LINE]), title=None),
        )
    )


def _target(alt: Any, level: float) -> list[Any]:  # noqa: ANN401
    return _rule(alt, level, f"target {level:g} g/L", [7, 4], WARNING)


def _rule(alt: Any, level: float, words: str, dash: list[int], colour: str) -> list[Any]:  # noqa: ANN401
    rows = alt.Data(values=[{"igg": level, "words": words}])
    line = alt.Chart(rows).mark_rule(strokeWidth=1.4, strokeDash=dash, color=colour).encode(y=_y(alt, "igg:Q"))
    text = (
        alt.Chart(rows)
        .mark_text(align="right", baseline="bottom", dy=-3, dx=-4, fontSize=11.5, color=colour)
        .encode(x=alt.value("width"), y=_y(alt, "igg:Q"), text="words:N")
    )
    return [line, text]


def _ticks(alt: Any, times: Iterable[Any], x: Any) -> Any:  # noqa: ANN401
    """Doses as short strokes that stand on the axis."""
    rows = [{"time": one if isinstance(one, float) else one.isoformat(), "what": DOSE} for one in times]
    return (
        alt.Chart(alt.Data(values=rows))
        .mark_point(size=110, strokeWidth=2, opacity=1.0)
        .encode(
            x=x,
            y=alt.value(HEIGHT - 7),
            shape=alt.Shape("what:N", scale=alt.Scale(domain=[DOSE], range=[UPRIGHT]), title=None),
            stroke=alt.value(INK),
        )
    )


def _levels(alt: Any, rows: list[dict[str, Any]], x: Any) -> Any:  # noqa: ANN401
    kinds = [one for one in (MEASURED, BELOW, UNEXPLAINED) if any(row["what"] == one for row in rows)]

    def scale(column: int) -> Any:  # noqa: ANN401
        return alt.Scale(domain=kinds, range=[LOOKS[one][column] for one in kinds])

    return (
        alt.Chart(alt.Data(values=rows))
        .mark_point(size=80, strokeWidth=1.8, opacity=1.0)
        .encode(
            x=x,
            y=_y(alt, "igg:Q"),
            shape=alt.Shape("what:N", scale=scale(0), title=None),
            fill=alt.Fill("what:N", scale=scale(1), title=None),
            stroke=alt.Stroke("what:N", scale=scale(2), title=None),
        )
    )


def _what(unexplained: bool, below: bool) -> str:
    if unexplained:
        return UNEXPLAINED
    return BELOW if below else MEASURED


def _grams(doses: Sequence[Dose]) -> str:
    grams = sorted({dose.amount_g for dose in doses})
    told = f"{grams[0]:g} g" if len(grams) == 1 else f"{grams[0]:g} to {grams[-1]:g} g"
    return f"{len(doses)} dose{'s' if len(doses) > 1 else ''} of {told}"


def _count(levels: Sequence[object]) -> str:
    return f"{len(levels)} level{'' if len(levels) == 1 else 's'}" if levels else "no level measured"


def _layered(alt: Any, drawn: list[Any]) -> Any:  # noqa: ANN401
    return (
        alt.layer(*drawn)
        .resolve_scale(fill="independent", stroke="independent", shape="independent")
        .properties(width=WIDTH, height=HEIGHT)
    )
