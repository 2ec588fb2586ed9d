"""Kinetic models and profiles on the terminal: the numbers first, then the curve, then what to know."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ivigil.documents.staircase import EIGHTHS
from ivigil.documents.terminal import WIDEST, render_findings
from ivigil.kinetics.catalogue import ModelSummary
from ivigil.kinetics.forecast import Forecast
from ivigil.kinetics.population import Drawn, Percentiles
from ivigil.kinetics.profile import Metrics, Profile
from ivigil.kinetics.regimens import Regimen
from ivigil.knowledge.kinetic_models import KineticModel

#: Marks of what a model can do.
CAN, CANNOT = "✓", "–"
HIGH_LINES = 8
NOT_A_DECISION = "A typical subject's curve. It informs a clinician's decision; it is no forecast of this patient."

PARAMETERS = {
    "cl_l_per_d": ("clearance", "L/d"),
    "vc_l": ("central volume", "L"),
    "q_l_per_d": ("exchange", "L/d"),
    "vp_l": ("peripheral volume", "L"),
    "ka_per_d": ("absorption", "/d"),
    "f_sc": ("bioavailability SC", ""),
    "f_facilitated_sc": ("bioavailability facilitated SC", ""),
    "baseline_g_per_l": ("baseline", "g/L"),
    "jmax_g_per_l_per_d": ("largest recycling", "g/L/d"),
    "km_g_per_l": ("half recycling at", "g/L"),
    "kint_per_d": ("uptake", "/d"),
    "production_g_per_l_per_d": ("production", "g/L/d"),
    "escape_per_d": ("escape", "/d"),
    "return_per_d": ("return", "/d"),
    "plasma_volume_l": ("plasma volume", "L"),
    "v_l": ("central volume", "L"),
    "v2_l": ("peripheral volume", "L"),
    "cla_l_per_d": ("clearance of free drug", "L/d"),
    "kd_nm": ("KD", "nmol/L"),
    "fcrn_nm": ("FcRn", "nmol/L"),
    "kdeg_per_d": ("loss of complex", "/d"),
    "igg_base_g_per_l": ("IgG without drug", "g/L"),
    "kout_per_d": ("loss of IgG", "/d"),
    "emax": ("Emax", ""),
    "ec50_mg_per_l": ("EC50", "mg/L"),
}


def render_models(rows: Iterable[ModelSummary], console: Console) -> None:
    """One row a model; piped, one line a record."""
    if not console.is_terminal:
        for row in rows:
            cells = (row.id, row.structure, ",".join(row.can), ",".join(row.needs), row.verification, row.name)
            console.file.write("\t".join(cells) + "\n")
        return
    wide = min(console.width, WIDEST)
    table = Table(box=None, pad_edge=False, width=wide)
    table.add_column("model", no_wrap=True)
    table.add_column("built on")
    for heading in ("typical", "population", "forecast"):
        table.add_column(heading, justify="center")
    table.add_column("needs")
    table.add_column("baseline")
    for row in rows:
        marks = (CAN if one in row.can else CANNOT for one in ("typical", "population", "forecast"))
        table.add_row(row.id, built_on(row), *marks, ", ".join(row.needs) or "nothing", row.baseline)
    console.print(table, highlight=False)
    console.print(
        Text("– means that a part is not known and none was borrowed; --json says which (why_not).", style="dim"),
        width=wide,
    )


def built_on(row: ModelSummary) -> str:
    """Whom a model was built on."""
    return row.disease if row.subjects is None else f"{row.disease} (n = {row.subjects})"


def render_profile(made: Profile, regimen: Regimen | None, console: Console) -> None:
    """A profile: whom and what, the metrics, the curve, the findings."""
    wide = min(console.width, WIDEST)
    metrics = made.metrics
    what = f"steady state, one interval of {metrics.tau_d:g} d" if metrics.tau_d else f"day 0 to {metrics.to_day:g}"
    console.print(Text(f"{made.model} · {what}", style="bold"), width=wide)
    shown = (
        f"{PARAMETERS[name][0]} {value:.4g} {PARAMETERS[name][1]}".strip() for name, value in made.parameters.items()
    )
    console.print(Text(" · ".join(shown), style="dim"), width=wide)
    console.print()
    console.print(_metrics(made), width=wide)
    half = metrics.terminal_half_life_d
    if half is not None:
        console.print(Text(f"terminal half-life {half:.1f} d (exogenous IgG)"), width=wide)
    console.print()
    for line in curve(made.times_d, made.igg_g_per_l, "g/L", wide):
        console.print(Text(line), width=wide)
    if made.response is not None:
        console.print()
        console.print(Text(made.response.name, style="bold"), width=wide)
        for line in curve(made.times_d, made.response.values, made.response.unit, wide):
            console.print(Text(line), width=wide)
    console.print()
    render_findings(made.findings, console)
    if made.unused:
        console.print(Text(f"Not used by this model: {', '.join(made.unused)}.", style="dim"), width=wide)
    console.print(Text(NOT_A_DECISION, style="dim"), width=wide)


def _metrics(made: Profile) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("g/L")
    for heading in ("trough", "lowest", "highest", "average", "AUC g·d/L", "swing", "fluctuation"):
        table.add_column(heading, justify="right")
    rows: tuple[tuple[str, Metrics | None], ...] = (
        ("total IgG", made.metrics.total),
        ("exogenous", made.metrics.exogenous),
    )
    for name, one in rows:
        if one is None:
            continue
        levels = (f"{value:.2f}" for value in (one.ctrough, one.cmin, one.cmax, one.cavg))
        ratios = ("–" if value is None else f"{value:.2f}" for value in (one.swing, one.fluctuation))
        table.add_row(name, *levels, f"{one.auc:.1f}", *ratios)
    return table


def curve(days: Sequence[float], values: Sequence[float], unit: str, wide: int) -> list[str]:
    """Lines of a filled curve: height from zero to the highest value, width is time, days beneath."""
    import numpy as np

    highest = max(values)
    axis = [f"{highest * (line + 1) / HIGH_LINES:.1f}" for line in reversed(range(HIGH_LINES))]
    axis[0] += f" {unit}"
    left = max(map(len, axis)) + 1
    columns = max(wide - left, 1)
    at = np.linspace(days[0], days[-1], columns)
    heights = np.interp(at, days, values) / highest * HIGH_LINES * 8 if highest else np.zeros(columns)
    rows = []
    for number, line in enumerate(reversed(range(HIGH_LINES))):
        cells = "".join(EIGHTHS[int(min(max(round(height) - line * 8, 0), 8))] for height in heights)
        rows.append(axis[number].rjust(left - 1) + " " + cells)
    first, last = f"day {days[0]:g}", f"{days[-1]:g}"
    return [*rows, " " * left + first.ljust(columns - len(last)) + last]


# ---- a forecast


def render_forecast(made: Forecast, console: Console) -> None:
    """A forecast: the models that speak, the levels against them, the curve with its band, the findings."""
    wide = min(console.width, WIDEST)
    speaking = [one for one in made.models if one.weight > 0]
    said = " · ".join(
        f"{one.id} {one.weight:.0%}{'' if one.in_population else ' (outside its cohort)'}" for one in speaking
    )
    console.print(Text(f"IgG forecast · {said}", style="bold"), width=wide)
    console.print()
    if made.levels:
        table = Table(box=None, pad_edge=False)
        table.add_column("measured")
        for heading in ("g/L", "expected", "own curve", "residual"):
            table.add_column(heading, justify="right")
        table.add_column("")
        for row in made.levels:
            below = "< " if row.below_lloq else ""
            table.add_row(
                _when(row.time),
                f"{below}{row.observed:.1f}",
                f"{row.population_predicted:.1f}",
                f"{row.individual_predicted:.1f}",
                f"{row.iwres:+.1f}",
                "▲ not explained" if row.unexplained else "",
            )
        console.print(table, width=wide, highlight=False)
        console.print()
    table = Table(box=None, pad_edge=False)
    table.add_column("true IgG, g/L")
    for heading in ("5 %", "25 %", "median", "75 %", "95 %"):
        table.add_column(heading, justify="right")
    line = made.curve
    for place in _shown_places(line.day):
        values = (f"{band[place]:.1f}" for band in (line.p5, line.p25, line.median, line.p75, line.p95))
        table.add_row(_when(line.time[place]), *values)
    console.print(table, width=wide, highlight=False)
    console.print()
    for drawn in curve(line.day, line.median, "g/L median", wide):
        console.print(Text(drawn), width=wide)
    console.print()
    render_findings(made.findings, console)
    aside = [f"{one.id}: {', '.join(one.why_not)}" for one in made.models if one.why_not]
    console.print(Text(f"Not used: {'; '.join(aside)}.", style="dim"), width=wide)
    console.print(Text(made.notice, style="dim"), width=wide)


def _when(time: str | float) -> str:
    return f"day {time:g}" if isinstance(time, float) else time.replace("T", " ")


#: Rows of the table of percentiles: the last weeks and what is ahead.
ROWS, EVERY_DAYS = 14, 7


def _shown_places(days: Sequence[float]) -> Iterator[int]:
    last = len(days) - 1
    yield from sorted({max(last - EVERY_DAYS * row, 0) for row in range(ROWS)})


# ---- a population


def progress(chunks: Iterable[tuple[Drawn, Any]], subjects: int) -> Iterator[tuple[Drawn, Any]]:
    """The chunks, with a bar on standard error that counts subjects."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("subjects"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=subjects)
        for drawn in chunks:
            yield drawn
            bar.advance(task, len(drawn[0].parameters))


def render_population(
    made: Percentiles, model: KineticModel, regimen: Regimen, console: Console, *, truncated: bool
) -> None:
    """Percentiles of a population by week, and the curve of the median."""
    wide = min(console.width, WIDEST)
    console.print(Text(f"{model.id} · {made.subjects} subjects", style="bold"), width=wide)
    table = Table(box=None, pad_edge=False)
    table.add_column("before the dose of", no_wrap=True)
    for percent in made.levels:
        table.add_column(f"{percent:g} %", justify="right")
    table.add_column("mean", justify="right")
    for place in _shown_places(made.days.tolist()):
        values = (f"{level[place]:.1f}" for level in made.levels.values())
        table.add_row(f"day {made.days[place]:g}", *values, f"{made.mean[place]:.1f}")
    console.print(table, width=wide, highlight=False)
    console.print(Text(f"g/L; each percentile to within {made.bin_error:.1%}.", style="dim"), width=wide)
    console.print()
    for row in curve(made.days.tolist(), made.levels[50.0].tolist(), "g/L median", wide):
        console.print(Text(row), width=wide)
    for name, count in made.outside.items():
        what = "drawn again" if truncated else "kept as published; --truncate draws them again"
        shown = PARAMETERS.get(name, (name, ""))[0]
        console.print(Text(f"▲ {count} subjects drew an impossible {shown} ({what})."), width=wide)
    render_findings(made.findings, console)
    console.print(
        Text(
            "Variability between subjects only: parameters are drawn independently, correlations were not published.",
            style="dim",
        ),
        width=wide,
    )
