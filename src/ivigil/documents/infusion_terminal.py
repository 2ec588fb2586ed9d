"""The chair on the terminal: the pack before a session, the record after one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from ivigil.documents import chair
from ivigil.documents.chair import Wall
from ivigil.documents.staircase import EIGHTHS
from ivigil.documents.terminal import WIDEST, section
from ivigil.documents.wording import duration, moment, number, short_id, visible
from ivigil.infusion.bedside import Bedside
from ivigil.infusion.pack import Pack, PackAdrenaline
from ivigil.infusion.report import Broken, Entry, SessionReport

HIGH_LINES = 4
NAME_WIDE = 20
#: Entries that somebody looks for first.
LOUD = frozenset({"symptom", "treated_as_anaphylaxis", "emergency_called", "stopped_early", "paused", "medicine_given"})


def render_report(made: SessionReport, bed: Bedside, console: Console) -> None:
    """Print an infusion record: what was given first, then what went wrong, then everything in order."""
    wide = min(console.width, WIDEST)
    for part in _report(made, bed, wide):
        console.print(part, width=wide, highlight=False)


def _report(made: SessionReport, bed: Bedside, wide: int) -> Iterator[RenderableType]:
    wall = Wall(bed.plan, made.infusion, made.started_at or next((one.at for one in made.timeline), None))
    kind = "SYNTHETIC  " if made.synthetic else ""
    yield Text(
        f"{kind}{visible(made.patient_ref)}  {made.product}, infusion {made.infusion}: {made.phase.value}", style="bold"
    )
    yield Text(
        f"plan {short_id(made.plan_id)}, signed by {visible(made.signed_by or 'nobody')}; {made.protocol}", style="dim"
    )
    yield from section("What was given", [_given(made)])
    if made.rates:
        yield Text()
        for line in chart(made, bed, wall, wide):
            yield Text(line)
    yield from section(
        "Reactions",
        [_reactions(made, wall), *_alarms(made, wall), Text(chair.worst(made))]
        if made.reactions or made.alarms or made.worst_grade
        else [Text("● None reported.")],
    )
    yield from section(
        "Done although not permitted",
        (
            _line("◼", wall, one.at, f"{one.action} by {one.by}: {' '.join(one.reasons)}{_given_reason(one)}")
            for one in made.deviations
        ),
    )
    yield from section(
        "Due, and late or never",
        (Text(f"▲ {', '.join(chair.missed(one, wall.clock))}") for one in made.missed),
    )
    yield from section(
        "For review",
        (Text(f"▲ {visible(one.reason)}\n  as it came: {visible(chair.cut(one.raw))}") for one in made.for_review),
    )
    yield from section("Timeline", [_timeline(made, wall)])
    if chair.learned(made):
        yield from section("For the patient's history", [Text(chair.learned(made))])
    yield Text()
    yield Text(made.notice, style="bold")


def _given_reason(one: Broken) -> str:
    return f" Reason given: {one.because}" if one.because else " No reason was given."


def _alarms(made: SessionReport, wall: Wall) -> Iterator[Text]:
    for one in made.alarms:
        grade = "ask" if one.grade is None else chair.words(one.grade.value)
        yield _line("◼" if one.grade is not None else "▲", wall, one.at, f"{one.text} ({grade})")


def _given(made: SessionReport) -> Table:
    given = made.given
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row(
        "given",
        f"{number(given.given_g)} g in {number(given.given_ml)} mL",
        f"planned {number(given.planned_g)} g in {number(given.planned_ml)} mL",
    )
    table.add_row(
        "hung",
        f"{number(given.hung_g)} g",
        f"left over {number(given.left_g)} g" + ("" if given.balances else "  ◼ DOES NOT BALANCE"),
    )
    if given.unaccounted_ml:
        table.add_row(
            "▲ ran without",
            f"{number(given.unaccounted_ml)} mL",
            "no reported container held it: a report is missing, or the container held more",
        )
    if given.measured_residual_ml is not None and given.residual_agrees is False:
        table.add_row(
            "▲ measured",
            f"{number(given.measured_residual_ml)} mL left",
            f"{number(given.expected_residual_ml)} mL by the reported rates: a rate, pause or container is missing",
        )
    if given.beyond_plan_g:
        table.add_row("◼ too much", f"{number(given.beyond_plan_g)} g", "more than the planned dose")
    if made.duration_min is not None:
        table.add_row("time", duration(made.duration_min), f"planned {duration(made.planned_duration_min)}")
    for one in made.containers:
        table.add_row(
            "lot",
            visible(one.lot or chair.NOT_RECORDED),
            f"{number(one.given_g)} of {number(one.size_g)} g; expires {one.expires_on or chair.NOT_RECORDED}",
        )
    return table


def chart(made: SessionReport, bed: Bedside, wall: Wall, wide: int) -> list[str]:
    """The rates that ran, drawn with characters: height is the pump's rate, width is time."""
    begin, end = made.rates[0].begins, made.rates[-1].ends
    top = max(float(bed.top_ml_per_h), *(float(one.pump_ml_per_h) for one in made.rates))
    axis = f"{top:g} mL/h "
    columns = max(wide - len(axis), 1)
    levels = []
    for column in range(columns):
        at = begin + (end - begin) * ((column + 0.5) / columns)
        rate = next((float(one.pump_ml_per_h) for one in made.rates if one.begins <= at < one.ends), 0.0)
        levels.append(max(1, round(rate / top * HIGH_LINES * 8)) if rate else 0)
    rows = []
    for row in reversed(range(HIGH_LINES)):
        cells = "".join(EIGHTHS[min(max(level - row * 8, 0), 8)] for level in levels)
        rows.append((axis if row == HIGH_LINES - 1 else " " * len(axis)) + cells)
    last = wall.clock(end)
    return [*rows, " " * len(axis) + wall.clock(begin).ljust(columns - len(last)) + last]


def _reactions(made: SessionReport, wall: Wall) -> Table:
    table = Table.grid(padding=(0, 2))
    for one in made.reactions:
        until = "still there" if one.until is None else f"gone {wall.clock(one.until)}"
        grade = Text(chair.words(one.grade.value), style="bold")
        grade.append(f" ({chair.graded_by(one)})", style="not bold dim")
        table.add_row("▲", wall.clock(one.since), _words(one.symptom), grade, until)
    return table


def _timeline(made: SessionReport, wall: Wall) -> Table:
    """Narrow columns keep their width, so that only what was said goes on in the next line."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(ratio=1)
    table.add_column(max_width=NAME_WIDE, overflow="fold")
    for one in made.timeline:
        table.add_row(
            wall.clock(one.at),
            "" if one.minute is None else f"{one.minute:+d} min",
            _said(one, wall),
            visible(one.by),
            style="" if one.type in LOUD else "dim" if one.struck else "",
        )
    return table


def _said(one: Entry, wall: Wall) -> Text:
    text = Text(visible(one.text), style="strike" if one.struck else "bold" if one.type in LOUD else "")
    if one.struck:
        text.append("  (never happened, by a correction)", style="not strike dim")
    if one.first is not None:
        text.append(f"  (first reported: {visible(one.first)})", style="not strike dim")
    for change in one.corrected:
        said = f"  (corrected {wall.clock(change.at)} by {visible(change.by)}: {visible(change.because)})"
        text.append(said, style="not strike dim")
    if one.clock_ahead:
        text.append("  (device clock ahead: time of receipt)", style="dim")
    if one.clock_behind:
        text.append("  (device clock behind: time of receipt)", style="dim")
    if one.told_late_min is not None:
        text.append(f"  (reached the record {duration(one.told_late_min)} later)", style="dim")
    return text


def _line(sign: str, wall: Wall, at: datetime, text: str) -> Text:
    return Text(f"{sign} {wall.clock(at)}  {visible(text)}")


def _words(name: str) -> str:
    return visible(chair.words(name))


# ---- the pack


def render_pack(made: Pack, console: Console) -> None:
    """Print a pack: the ladder, when to look, and the reaction card first of all."""
    wide = min(console.width, WIDEST)
    for part in _pack(made):
        console.print(part, width=wide, highlight=False)


def _pack(made: Pack) -> Iterator[RenderableType]:
    kind = "SYNTHETIC  " if made.synthetic else ""
    yield Text(
        f"{kind}{visible(made.patient_ref)}  {made.brand}, infusion {made.infusion}: {number(made.dose_g)} g in {number(made.total_ml)} mL",
        style="bold",
    )
    yield Text(
        f"pack {short_id(made.pack_id)}, plan {short_id(made.plan_id)}, valid until {moment(made.valid_until)}",
        style="dim",
    )
    yield from section("If it is anaphylaxis, or in doubt", [*_card(made.adrenaline), Text(f"Call {made.call}.")])
    table = Table(box=None, pad_edge=False)
    for heading in ("mL/h", "mL/kg/h", "not before", "hold at least", ""):
        table.add_column(heading, justify="right" if heading else "left")
    for step in made.ladder:
        last = step.next_pump_ml_per_h is None
        table.add_row(
            number(step.pump_ml_per_h),
            f"{step.rate_ml_per_kg_h:.2f}",
            f"+{step.earliest_min} min",
            "to the end" if last else f"{step.hold_min} min",
            step.basis,
        )
    yield from section("Rates", [table, Text(chair.long_pause(made))])
    yield from section("Vital signs", [Text(chair.watching(made))])
    for grade, response in made.responses.items():
        body: list[RenderableType] = [
            Text(f"{place}. {step.text}{' (policy)' if step.policy else ''}")
            for place, step in enumerate(response.steps, start=1)
        ]
        body += [Text(f"   {chair.dose_text(one)}") for one in response.medicines]
        yield from section(f"{_words(grade.value).capitalize()} (CTCAE {response.ctcae})", body)
    for one in made.symptoms.values():
        if one.steps:
            yield from section(
                one.name.capitalize(), [Text(f"{step.text}{' (policy)' if step.policy else ''}") for step in one.steps]
            )
    yield from section(
        "Before the start",
        [
            Text("; ".join(chair.CHECKS.get(name, _words(name)) for name in made.checks)),
            Text(
                f"Weight today between {number(made.weight_from_kg)} and {number(made.weight_to_kg)} kg, else a new plan."
            ),
            *(Text(f"{row.text}{' (policy)' if row.policy else ''}") for row in made.line),
        ],
    )
    yield Text()
    yield Text(made.notice, style="bold")


def _card(dose: PackAdrenaline) -> Iterator[Text]:
    yield Text(chair.adrenaline_text(dose), style="bold red")
    yield Text(
        f"Again after {dose.repeat_min} min if no better; after {dose.refractory_after} doses experts. {dose.position}"
    )
