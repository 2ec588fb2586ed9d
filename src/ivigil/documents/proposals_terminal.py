"""Proposals on the terminal: the present regimen first, then each proposal with its reason, then the switch."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ivigil.documents.terminal import WIDEST
from ivigil.knowledge.targets import TroughTarget
from ivigil.prescription.plan import VialCount
from ivigil.prescription.regimen_search import Advice, Proposal
from ivigil.prescription.regimen_search.result import Asked, Current, Level, Outcome, ToSubcutaneous, Weekly

#: What stands before a line that goes on.
INDENT = 5


def render_targets(targets: Iterable[tuple[str, TroughTarget]], console: Console) -> None:
    """One row a target; piped, one line a record."""
    rows = [
        (name, f"{one.at_least_g_per_l.normalize():f}", one.read.value.replace("_", " "), one) for name, one in targets
    ]
    if not console.is_terminal:
        for name, level, read, one in rows:
            cells = (name, level, read, ",".join(one.indications), one.body, one.text)
            console.file.write("\t".join(cells) + "\n")
        return
    wide = min(console.width, WIDEST)
    table = Table(box=None, pad_edge=False, width=wide)
    table.add_column("target", no_wrap=True)
    table.add_column("g/L", justify="right")
    table.add_column("whose, and what it says")
    table.add_column("read")
    for name, level, read, one in rows:
        table.add_row(name, level, f"{one.body}. {one.text}", read)
    console.print(table, highlight=False)
    console.print(
        Text("None is a default. Sources differ, and infections count more than a number.", style="dim"), width=wide
    )


def render_proposals(made: Advice, console: Console) -> None:
    """What was asked, what the present regimen does, what is proposed, and what it is under the skin."""
    if made.asked is None:
        return
    wide = min(console.width, WIDEST)
    asked = made.asked
    console.print(Text(_headline(asked), style="bold"), width=wide)
    if made.current is None and not made.proposals:
        console.print(Text("No proposal; the findings say why."), width=wide)
        console.print()
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("", "dose", "how often"):
        table.add_column(heading)
    for heading in ("g/kg", f"g/{asked.period_days} d", "trough", "90 %", f"≥ {asked.target_g_per_l:g}"):
        table.add_column(heading, justify="right")
    if made.current is not None:
        table.add_row(*_current(made.current, asked.period_days))
    for number, one in enumerate(made.proposals, 1):
        table.add_row(f"{number}", *_proposal(one))
    console.print(table, width=wide, highlight=False)
    console.print()
    if made.current is not None:
        _said(f"now  {_what_if(made.current.outcome)}", console, wide)
    for number, one in enumerate(made.proposals, 1):
        cost = "" if one.cost_per_period is None else f" Costs {one.cost_per_period:.2f} in {one.period_days} days."
        said = f"{one.brand}, {vials(one.vials)}: {', '.join(one.reasons)}.{cost}"
        _said(f"{number:<{INDENT}}{said} {_first(one.outcome)}{_what_if(one.outcome)}", console, wide)
    if not made.proposals:
        _said("No proposal; the findings say why.", console, wide)
    console.print()
    if made.to_subcutaneous is not None:
        _switch(made.to_subcutaneous, asked, console, wide)
    for text in (*dict.fromkeys(one.caution for one in made.proposals), made.proposals_notice):
        if text:
            console.print(Text(text, style="dim"), width=wide)
    console.print()


def _said(text: str, console: Console, wide: int) -> None:
    lines = Text(text).wrap(console, wide - INDENT)
    for number, line in enumerate(lines):
        console.print(Text(" " * INDENT if number else "") + line, width=wide)


def _headline(asked: Asked) -> str:
    return f"True trough of {asked.target_g_per_l:g} g/L or more ({asked.target_text}), probability {asked.probability:.0%}"


def _band(level: Level) -> tuple[str, str, str]:
    return f"{level.median:.1f}", f"{level.p5:.1f}–{level.p95:.1f}", f"{int(level.reaches * 100)} %"


def _current(now: Current, period_d: int) -> tuple[str, ...]:
    return (
        "now",
        f"{now.dose_g:g} g {now.route}",
        f"every {now.every_days:g} d",
        "",
        f"{now.dose_g * period_d / now.every_days:.0f}",
        *_band(now.outcome.steady_trough),
    )


def _proposal(one: Proposal) -> tuple[str, ...]:
    return (
        f"{one.dose_g:g} g {one.route}",
        one.schedule,
        f"{one.g_per_kg:.2f}",
        f"{one.grams_per_period:.0f}",
        *_band(one.outcome.steady_trough),
    )


def vials(counts: Iterable[VialCount]) -> str:
    """Vials as a pharmacist writes them."""
    return " + ".join(f"{one.count} × {one.size_g.normalize():f} g" for one in counts)


def _first(outcome: Outcome) -> str:
    if outcome.first_trough is None or outcome.first_dose is None:
        return ""
    when = outcome.first_dose
    shown = when.strftime("%Y-%m-%d") if isinstance(when, datetime) else f"day {when:g}"
    first = outcome.first_trough
    return f"From {shown} on; first trough {first.median:.1f} ({first.p5:.1f}–{first.p95:.1f}). "


def _what_if(outcome: Outcome) -> str:
    off, missed = outcome.wear_off, outcome.missed
    half = (
        "more likely than not above it until the next dose"
        if off.half_below_d is None
        else f"more likely than not below it {'all along' if off.half_below_d < 1 else f'from day {off.half_below_d:g}'}"
        + ("" if off.most_below_d is None else f", almost surely from day {off.most_below_d:g}")
    )
    return (
        f"At steady state {half}; {missed.late.median:.1f} g/L if the next dose is late (day {missed.late.day:g}), "
        f"{missed.left_out.median:.1f} g/L if it is left out (day {missed.left_out.day:g})."
    )


def _weekly(one: Weekly) -> tuple[str, str]:
    return f"{one.median:.1f}", f"{one.p5:.1f}–{one.p95:.1f}"


def _switch(made: ToSubcutaneous, asked: Asked, console: Console, wide: int) -> None:
    _said(
        f"{made.from_dose_g:g} g every {made.from_every_days:g} days under the skin, once a week; side by side, none chosen:",
        console,
        wide,
    )
    table = Table(box=None, pad_edge=False)
    table.add_column("by")
    for heading in ("g/week", "90 %", "trough", "90 %", f"≥ {asked.target_g_per_l:g}"):
        table.add_column(heading, justify="right")
    for row in made.by_factor:
        table.add_row(f"label factor {row.factor:g}, {row.brand}", f"{row.weekly_g:.1f}", "", *_band(row.trough))
    table.add_row("equal trough", *_weekly(made.equal_trough), "", "", "")
    table.add_row("equal average", *_weekly(made.equal_exposure), "", "", "")
    console.print(table, width=wide, highlight=False)
    console.print(Text(f"Troughs and equal doses by {', '.join(made.models)}.", style="dim"), width=wide)
