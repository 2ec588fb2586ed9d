"""``ivigil kinetics events``: NONMEM event tables read, written and predicted at."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ivigil.cli import EXIT_DONE
from ivigil.cli import asked as options
from ivigil.cli.opening import open_knowledge, parse_json, read_json
from ivigil.errors import BadInput, UsageError

if TYPE_CHECKING:
    from ivigil.findings import Finding
    from ivigil.kinetics.event_tables import EventSubject, Layout


def events_command(
    table: str | None = typer.Argument(None, help="Event table (CSV or blanks), or - for standard input."),
    time_unit: str = typer.Option(help="Unit of TIME and II: days or hours."),
    amount_unit: str = typer.Option(help="Unit of AMT: g or mg; RATE is that by unit of time."),
    level_unit: str = typer.Option(help="Unit of DV: g/L or mg/dL."),
    cmt: str = typer.Option(help="What each compartment is, for example 1=sc,2=iv."),
    sex: str | None = typer.Option(None, help="What the codes of SEX mean, for example 0=male,1=female."),
    drop: str | None = typer.Option(None, help="Columns to pass over, for example OCC,STUDY."),
    model: str | None = typer.Option(None, help="Predict at the table's observations with this model."),
    baseline_igg_g_per_l: str | None = typer.Option(
        None, metavar="NUMBER", help="Endogenous IgG (g/L) instead of the model's."
    ),
    regimen: str | None = typer.Option(None, help="Write a table of this regimen instead of reading one."),
    subject: str = typer.Option("{}", help="With --regimen: covariates as JSON."),
    days: str | None = typer.Option(None, metavar="NUMBER", help="With --regimen: from day 0 to this day."),
    every_days: str | None = typer.Option(
        None, metavar="NUMBER", help="With --regimen: a place for a prediction every so many days."
    ),
    record: str | None = typer.Option(None, help="Write a table of this forecast record instead of reading one."),
) -> int:
    """Event tables in NONMEM layout.

    A table becomes forecast records, one line of JSON a subject, or with --model predictions at its observations. A
    regimen or a forecast record becomes a table.
    """
    baseline = options.number("--baseline-igg-g-per-l", baseline_igg_g_per_l)
    until, step = options.number("--days", days), options.number("--every-days", every_days)
    layout = _layout(time_unit, amount_unit, level_unit, cmt, sex, drop)
    if sum(given is not None for given in (table, regimen, record)) != 1:
        raise UsageError("TABLE", None, "Give one of TABLE, --regimen and --record.", "Leave the others out.")
    if table is None:
        if model is not None:
            raise UsageError("--model", model, "It predicts at the rows of a TABLE.", "Write the table first.")
        from ivigil.kinetics.event_writing import write_events

        made = _of_record(record) if regimen is None else _of_regimen(regimen, subject, until, step)
        typer.echo(write_events((made,), layout), nl=False)
        return EXIT_DONE
    from ivigil.kinetics.event_tables import read_events, record_of

    read = read_events(_text(table), layout)
    limits = options.plausible(open_knowledge())
    limits.baseline(baseline)
    limits.events(read)
    if model is not None:
        _predict(read, layout, model, baseline)
        return EXIT_DONE
    for one in read:
        typer.echo(json.dumps(record_of(one), ensure_ascii=False))
    return EXIT_DONE


def _of_regimen(regimen: str, subject: str, days: float | None, every_days: float | None) -> EventSubject:
    from ivigil.kinetics.event_writing import events_of_regimen
    from ivigil.kinetics.regimens import read_regimen
    from ivigil.kinetics.subjects import read_subject

    if days is None:
        raise UsageError("--days", None, "A regimen goes on; a table ends.", "Give --days N.")
    asked, about = read_regimen(regimen), read_subject(parse_json(subject, "--subject"))
    limits = options.plausible(open_knowledge())
    limits.subject(about)
    limits.regimen(asked)
    limits.table(days)
    return events_of_regimen("1", asked, about, days, every_days)


def _of_record(path: str | None) -> EventSubject:
    from ivigil.kinetics.event_writing import events_of
    from ivigil.kinetics.subjects import read_subject
    from ivigil.kinetics.treatment import read_treatment

    raw = read_json(str(path), "--record")
    if not isinstance(raw, Mapping):
        raise BadInput(
            "--record", type(raw).__name__, "A record is one JSON object.", "See docs/reference/kinetics.md."
        )
    knowledge = open_knowledge()
    treatment = read_treatment(raw, knowledge.vocabulary.labs["igg"])
    options.plausible(knowledge).treatment(treatment)
    held = ("sex", "age_years", "height_cm", "secondary_deficiency", "igm_g_per_l")
    about: dict[str, object] = {key: raw[key] for key in held if key in raw}
    if treatment.weights:
        about["weights"] = [{"day": one.day, "weight_kg": one.weight_kg} for one in treatment.weights]
    elif "weight_kg" in raw:
        about["weight_kg"] = raw["weight_kg"]
    who = read_subject(about)
    options.plausible(knowledge).subject(who, "--record")
    return events_of("1", treatment, who)


def _predict(read: tuple[EventSubject, ...], layout: Layout, model: str, baseline: float | None) -> None:
    """Predictions as a table: the rows that are looked at, with the expected level beside DV, in the table's units."""
    from rich.console import Console

    from ivigil.documents.terminal import render_findings
    from ivigil.kinetics.event_profile import expect
    from ivigil.kinetics.event_tables import HOURS, PER_G_PER_L
    from ivigil.quantities import HOURS_PER_DAY

    chosen = open_knowledge().kinetic_model(model)
    typer.echo("ID,TIME,EVID,DV,PRED")
    scale = PER_G_PER_L[layout.level]
    said: dict[str, Finding] = {}
    for one in read:
        expected, made = expect(chosen, one, baseline)
        said |= {finding.text: finding for finding in made.findings}
        for found in expected:
            time = found.row.day * HOURS_PER_DAY / HOURS[layout.time]
            seen = "." if found.row.level is None else f"{found.row.level.igg_g_per_l * scale:.6g}"
            typer.echo(f"{one.id},{time:.10g},{found.row.evid.value},{seen},{found.igg_g_per_l * scale:.6g}")
    render_findings(tuple(said.values()), Console(stderr=True))


def _layout(time_unit: str, amount_unit: str, level_unit: str, cmt: str, sex: str | None, drop: str | None) -> Layout:
    from ivigil.kinetics.event_tables import AmountUnit, Layout, LevelUnit, TimeUnit
    from ivigil.kinetics.regimens import Route

    def one_of(option: str, kind: type, text: str):  # noqa: ANN202 - a member of kind
        if text not in {member.value for member in kind}:  # type: ignore[attr-defined]
            known = ", ".join(member.value for member in kind)  # type: ignore[attr-defined]
            raise UsageError(option, text, f"It is one of {known}.", "Say what the table holds.")
        return kind(text)

    compartments = {}
    for number, route in _pairs("--cmt", cmt, "1=sc,2=iv"):
        if not number.isdecimal() or not number.isascii() or int(number) in compartments:
            raise UsageError("--cmt", cmt, "Each compartment is a number and stands once.", "Write 1=sc,2=iv.")
        compartments[int(number)] = one_of("--cmt", Route, route)
    sexes: dict[str, Any] = {}
    for code, which in _pairs("--sex", sex, "0=male,1=female"):
        if which not in {"male", "female"} or code in sexes or which in sexes.values():
            raise UsageError("--sex", sex, "Each code stands for male or female, once.", "Write 0=male,1=female.")
        sexes[code] = which
    return Layout(
        one_of("--time-unit", TimeUnit, time_unit),
        one_of("--amount-unit", AmountUnit, amount_unit),
        one_of("--level-unit", LevelUnit, level_unit),
        compartments,
        sexes,
        frozenset(name.strip().upper() for name in (drop or "").split(",") if name.strip()),
    )


def _pairs(option: str, text: str | None, example: str) -> list[tuple[str, str]]:
    found = []
    for part in (text or "").split(",") if text else ():
        left, equals, right = part.partition("=")
        if not equals or not left.strip() or not right.strip():
            raise UsageError(option, text, "It is a list of code=meaning.", f"Write {example}.")
        found.append((left.strip(), right.strip()))
    return found


def _text(path: str) -> str:
    try:
        return sys.stdin.read() if path == "-" else Path(path).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise BadInput(
            "TABLE", path, "The file must exist and hold UTF-8 text.", f"Check the path: {problem}."
        ) from problem
