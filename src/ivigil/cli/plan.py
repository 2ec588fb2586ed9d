"""``ivigil plan``: one patient, or a cohort line by line."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any

import typer

from ivigil import written
from ivigil.cli import EXIT_BLOCKED, EXIT_DONE
from ivigil.cli.asked import as_written
from ivigil.cli.opening import (
    formulary_of,
    limits_of,
    open_knowledge,
    read_json,
    region_or_refuse,
    start_or_now,
)
from ivigil.cli.subcutaneous import plan_subcutaneous, refuse_files, refuse_without_route
from ivigil.cli.writing import OVERWRITE, check_target, save
from ivigil.errors import BadInput, UsageError
from ivigil.findings import Finding, Severity
from ivigil.knowledge.loading import Knowledge
from ivigil.knowledge.regimens import Phase, WeightBasis
from ivigil.patient import Limits, read_patient
from ivigil.prescription.making import draft_plan
from ivigil.prescription.plan import Accepted, Plan, as_json, identified, identified_json
from ivigil.prescription.request import Formulary, Price, Request
from ivigil.prescription.stock import StockRow, read_stock

#: What a line of a cohort may say for itself; anything else comes from the command line.
LINE_KEYS = (
    "indication",
    "region",
    "product",
    "phase",
    "regimen",
    "start",
    "off_label",
    "dose_g_per_kg",
    "days",
    "interval_days",
    "weight_basis",
)


class PlanRoute(StrEnum):
    """Into a vein, or under the skin."""

    IV = "iv"
    SC = "sc"


def plan_command(
    patient: str | None = typer.Argument(None, help="Patient record (JSON file), or - for standard input."),
    indication: str | None = typer.Option(None, help="Condition id; `ivigil knowledge list indications`."),
    region: str | None = typer.Option(None, help="Whose labels: US, ... (or IVIGIL_REGION)."),
    product: str | None = typer.Option(None, help="Product id; otherwise the tolerated one, then by policy."),
    phase: Phase | None = typer.Option(None, help="Which part of the treatment."),
    start: str | None = typer.Option(
        None, help="First infusion, ISO 8601 with offset. Default: the next quarter hour."
    ),
    stock: str | None = typer.Option(None, help="Stock list (JSON): only these vials and lots are used."),
    off_label: str | None = typer.Option(None, help="Reason for a use that the label does not name."),
    regimen: str | None = typer.Option(None, help="A named regimen of the label or guideline."),
    dose_g_per_kg: str | None = typer.Option(None, "--dose-g-per-kg", help="Course dose within the source's range."),
    days: str | None = typer.Option(None, metavar="INTEGER", help="Days over which the course is divided."),
    interval_days: str | None = typer.Option(None, metavar="INTEGER", help="Days from course start to course start."),
    weight_basis: WeightBasis | None = typer.Option(None, help="Which weight the dose is counted on."),
    ceiling_ml_per_h: str | None = typer.Option(
        None, "--ceiling-ml-per-h", help="The pump's or setting's highest rate."
    ),
    price_per_g: str | None = typer.Option(None, "--price-per-g", help="Price of a gram, to show the cost."),
    currency: str | None = typer.Option(None, help="Currency of the price, for example USD."),
    accept: list[str] = typer.Option(
        [], metavar="CODE", help="Accept a blocking finding; needs --by, --role, --because."
    ),
    by: list[str] = typer.Option([], metavar="NAME", help="Who accepts (one per --accept)."),
    role: list[str] = typer.Option([], metavar="ROLE", help="In which role."),
    because: list[str] = typer.Option([], metavar="TEXT", help="For which reason."),
    batch: Path | None = typer.Option(
        None, help="A cohort (NDJSON, or - for standard input): a record, or {patient, indication, ...}, a line."
    ),
    json_: bool = typer.Option(False, "--json", help="The plan as JSON on standard output."),
    pdf: Path | None = typer.Option(None, help="Write the plan as PDF (DRAFT until signed)."),
    overwrite: bool = OVERWRITE,
    route: PlanRoute = typer.Option(PlanRoute.IV, help="Into a vein, or a start under the skin (sc)."),
    iv_dose_g: str | None = typer.Option(
        None, "--iv-dose-g", help="sc: grams of one intravenous infusion; else the record's."
    ),
    iv_interval_days: str | None = typer.Option(None, help="sc: days between intravenous infusions."),
    times_per_week: str | None = typer.Option(None, help="sc: infusions a week."),
) -> int:
    """Make a complete, checked, cited plan for one patient.

    Exit code 0 planned, 3 blocked, 4 bad input, 2 usage.
    """
    options: dict[str, Any] = {
        "indication": indication,
        "region": region,
        "product": product,
        "phase": phase,
        "regimen": regimen,
        "start": start,
        "off_label": off_label,
        "dose_g_per_kg": _decimal("--dose-g-per-kg", dose_g_per_kg),
        "days": as_written(written.whole_in_text, "--days", days),
        "interval_days": as_written(written.whole_in_text, "--interval-days", interval_days),
        "weight_basis": weight_basis,
        "ceiling_ml_per_h": _decimal("--ceiling-ml-per-h", ceiling_ml_per_h),
        "price": _price(price_per_g, currency),
        "accepted": _accepted(accept, by, role, because),
    }
    if (patient is None) == (batch is None):
        raise UsageError(
            "PATIENT", patient, "Give one patient record, or --batch with a cohort.", "`ivigil plan --help` shows how."
        )
    start_options = {
        "iv_dose_g": _decimal("--iv-dose-g", iv_dose_g),
        "iv_interval_days": as_written(written.whole_in_text, "--iv-interval-days", iv_interval_days),
        "times_per_week": as_written(written.whole_in_text, "--times-per-week", times_per_week),
    }
    if overwrite and pdf is None:
        raise UsageError("--overwrite", None, "Nothing is written without --pdf.", "Give --pdf, or leave it out.")
    if route is PlanRoute.SC:
        refuse_files(pdf, stock, batch)
        raw = read_json("-" if patient is None else patient, "PATIENT")
        return plan_subcutaneous(raw, options | start_options, open_knowledge(), json_=json_)
    refuse_without_route(start_options)
    if pdf is not None:
        check_target(pdf, "--pdf", (patient, stock), overwrite=overwrite)
    knowledge = open_knowledge()
    shelf = None if stock is None else read_stock(read_json(stock, "--stock"), knowledge.product_ids)
    if batch is not None:
        if pdf is not None or accept:
            raise UsageError(
                "--batch", str(batch), "A cohort takes neither --pdf nor --accept.", "Plan those patients one by one."
            )
        return _cohort(batch, options, shelf, knowledge)
    if indication is None:
        raise UsageError(
            "--indication",
            None,
            "A plan is for one condition.",
            "Name it; `ivigil knowledge list indications` lists them.",
        )
    plan = identified(_draft(read_json("-" if patient is None else patient, "PATIENT"), options, shelf, knowledge, {}))
    if pdf is not None:
        from ivigil.documents.pdf import plan_pdf

        save(pdf, plan_pdf(plan, None), "--pdf", (patient, stock), overwrite=overwrite)
    if json_:
        typer.echo(as_json(plan))
    else:
        from rich.console import Console

        from ivigil.documents.terminal import render_plan

        render_plan(plan, Console())
    return EXIT_BLOCKED if plan.status == "blocked" else EXIT_DONE


def _draft(
    raw: object,
    options: dict[str, Any],
    shelf: tuple[StockRow, ...] | None,
    knowledge: Knowledge,
    kept: dict[str, Any],
    limits: Limits | None = None,
) -> Plan:
    """One plan without its id; ``kept`` keeps the formulary of each condition for a cohort."""
    region = region_or_refuse(options["region"])
    patient = read_patient(raw, limits or limits_of(knowledge))
    start, assumed = start_or_now(options["start"])
    condition = options["indication"]
    formulary: Formulary = kept.get(condition) or kept.setdefault(condition, formulary_of(knowledge, condition))
    given = {key: options[key] for key in options if key not in {"indication", "region", "start"}}
    plan = draft_plan(Request(patient=patient, region=region, start=start, stock=shelf, **given), formulary)
    return _with_assumed_start(plan) if assumed else plan


def _with_assumed_start(plan: Plan) -> Plan:
    """Say that the start was the clock's, in the plan itself."""
    said = Finding(
        code="start-assumed",
        severity=Severity.INFORMS,
        text="No --start was given: the next quarter of an hour is planned.",
        remedy="Give --start to plan for another time.",
    )
    return plan.model_copy(update={"findings": (*plan.findings, said)})


# ---- a cohort


def _cohort(path: Path, options: dict[str, Any], shelf: tuple[StockRow, ...] | None, knowledge: Knowledge) -> int:
    """Plan each line; results stream to standard output, progress to standard error; a failed line stops nothing."""
    from rich.console import Console

    from ivigil.cli.cohort import opened, refused, told

    if options["indication"] is not None:  # a name that nobody knows is refused before anything is worked out
        knowledge.indication(options["indication"])
    codes = set()
    kept: dict[str, Any] = {}
    limits = limits_of(knowledge)
    console = Console(stderr=True)
    counts = {"planned": 0, "blocked": 0, "failed": 0}
    with opened(path, "Planning", console) as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                raw, own = _line(line, options)
                plan = _draft(raw, own, shelf, knowledge, kept, limits)
                result = identified_json(plan)
                counts[plan.status] += 1
                codes.add(EXIT_BLOCKED if plan.status == "blocked" else EXIT_DONE)
            except Exception as problem:
                # One line must not stop the others, whosever fault it is.
                code, result = refused(problem, number, "planned")
                counts["failed"] += 1
                codes.add(code)
            typer.echo(result)
    console.print(f"{counts['planned']} planned, {counts['blocked']} blocked, {counts['failed']} could not be planned")
    return told(codes)


def _line(line: bytes, options: dict[str, Any]) -> tuple[object, dict[str, Any]]:
    from ivigil.cli.cohort import read_line

    raw = read_line(line)
    own = dict(options)
    if isinstance(raw, dict) and "patient" in raw:
        unknown = sorted(set(raw) - {"patient", *LINE_KEYS})
        if unknown:
            raise BadInput(
                unknown[0], str(raw[unknown[0]]), "No such key in a cohort line.", f"Use {', '.join(LINE_KEYS)}."
            )
        own.update({key: _typed(key, raw[key]) for key in LINE_KEYS if key in raw})
        raw = raw["patient"]
    if own["indication"] is None:
        raise UsageError(
            "indication", None, "A plan is for one condition.", "Give --indication, or `indication` in the line."
        )
    return raw, own


def _choice(kind: type[Phase] | type[WeightBasis]) -> Callable[[object], object]:
    return lambda value: kind(value) if isinstance(value, str) else _refuse_type()


def _refuse_type() -> object:
    raise ValueError


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    raise ValueError


_TYPES: dict[str, Callable[[object], object]] = {
    "phase": _choice(Phase),
    "weight_basis": _choice(WeightBasis),
    "days": written.whole,
    "interval_days": written.whole,
    "dose_g_per_kg": written.number,
}


def _typed(key: str, value: object) -> object:
    """A line's own option in the type the request takes; nothing is converted."""
    if value is None:
        return None
    try:
        return _TYPES.get(key, _text)(value)
    except written.NotReadable as problem:
        raise BadInput(key, str(value), problem.rule, problem.remedy) from problem
    except ValueError as problem:
        raise BadInput(
            key, str(value), "Not a value this option takes.", "`ivigil plan --help` says what it takes."
        ) from problem


# ---- options


def _decimal(option: str, text: str | None) -> Decimal | None:
    return as_written(written.number_in_text, option, text)


def _price(per_g: str | None, currency: str | None) -> Price | None:
    """The price of a gram; a number without a currency is no price, and none is guessed from the region."""
    amount = _decimal("--price-per-g", per_g)
    if (amount is None) != (currency is None):
        given, lacking = ("--price-per-g", "--currency") if currency is None else ("--currency", "--price-per-g")
        raise UsageError(lacking, None, f"{given} is given without it.", "Give both, or neither.")
    return None if amount is None or currency is None else Price(amount, currency)


def _accepted(codes: list[str], by: list[str], roles: list[str], because: list[str]) -> tuple[Accepted, ...]:
    counts = {"--by": len(by), "--role": len(roles), "--because": len(because)}
    for option, count in counts.items():
        if count != len(codes):
            raise UsageError(
                option,
                count,
                f"Each of {len(codes)} --accept needs its own --by, --role and --because.",
                "Give one of each, in the same order.",
            )
    rows = zip(codes, by, roles, because, strict=True)
    now = datetime.now().astimezone()
    return tuple(Accepted(code=code, by=who, role=role, because=why, at=now) for code, who, role, why in rows)
