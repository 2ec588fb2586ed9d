"""``ivigil plan --route sc``: the start under the skin. Called by the plan command with options already parsed."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import typer

from ivigil.cli import EXIT_BLOCKED, EXIT_DONE
from ivigil.cli.opening import formulary_of, limits_of, region_or_refuse, start_or_now
from ivigil.errors import UsageError
from ivigil.knowledge.loading import Knowledge
from ivigil.knowledge.regimens import Phase
from ivigil.patient import read_patient
from ivigil.prescription.plan import as_json
from ivigil.prescription.request import Price, Request
from ivigil.prescription.subcutaneous import Start, plan_start
from ivigil.prescription.subcutaneous.plan import SubcutaneousPlan

#: What a start plan takes from the options of ``ivigil plan``; any other that is given is refused, never ignored.
TAKEN = ("product", "regimen", "days", "interval_days", "weight_basis", "accepted")
#: Options that mean something under the skin only.
ONLY_HERE = ("iv_dose_g", "iv_interval_days", "times_per_week")
#: Read here, not handed on.
READ_HERE = ("phase", "indication", "region", "start", *ONLY_HERE)


def plan_subcutaneous(raw: object, options: dict[str, Any], knowledge: Knowledge, *, json_: bool = False) -> int:
    """Make and show one start plan; the exit code (0 planned, 3 blocked).

    ``options`` are those of ``ivigil plan`` by name, typed, with ``iv_dose_g`` (Decimal), ``iv_interval_days`` (int) and
    ``times_per_week`` (int) beside them; an option left out may be absent or None.
    """
    plan = make_subcutaneous(raw, options, knowledge)
    if json_:
        typer.echo(as_json(plan))
    else:
        from rich.console import Console

        from ivigil.documents.subcutaneous_terminal import render_start

        render_start(plan, Console())
    return EXIT_BLOCKED if plan.status == "blocked" else EXIT_DONE


def make_subcutaneous(raw: object, options: dict[str, Any], knowledge: Knowledge) -> SubcutaneousPlan:
    """The start plan for a raw patient record."""
    refuse_what_is_not_taken(options)
    condition = options.get("indication")
    if condition is None:
        raise UsageError("--indication", None, "A plan is for one condition.", "Name it with --indication.")
    region = region_or_refuse(options.get("region"))
    patient = read_patient(raw, limits_of(knowledge))
    start, assumed = start_or_now(options.get("start"))
    given = {name: options[name] for name in TAKEN if options.get(name) is not None}
    dose: Decimal | None = options.get("iv_dose_g")
    asked = Start(
        request=Request(patient=patient, region=region, start=start, **given),
        iv_dose_g=dose,
        iv_interval_days=options.get("iv_interval_days"),
        times_per_week=options.get("times_per_week"),
        start_given=not assumed,
    )
    return plan_start(asked, formulary_of(knowledge, condition))


def refuse_what_is_not_taken(options: dict[str, Any]) -> None:
    """Refuse an option that a start plan would not heed.

    Raises:
        UsageError: naming the option.
    """
    if options.get("phase") not in (None, Phase.MAINTENANCE):
        raise UsageError(
            "--phase", str(options["phase"]), "Under the skin only a maintenance is started.", "Leave --phase out."
        )
    for name, value in options.items():
        if name not in {*TAKEN, *READ_HERE} and value not in (None, (), [], False):
            raise UsageError(
                "--price-per-g" if name == "price" else f"--{name.replace('_', '-')}",
                str(value.per_g if isinstance(value, Price) else value),
                "A start plan under the skin does not take this option.",
                "Leave it out, or plan with --route iv.",
            )


def refuse_without_route(options: dict[str, Any]) -> None:
    """Refuse the options of a start under the skin in a plan into a vein, where nobody would heed them.

    Raises:
        UsageError: naming the option.
    """
    for name in ONLY_HERE:
        if options.get(name) is not None:
            raise UsageError(
                f"--{name.replace('_', '-')}",
                str(options[name]),
                "This option belongs to a start under the skin.",
                "Plan with --route sc, or leave it out.",
            )


def refuse_files(pdf: Path | None, stock: str | None, batch: Path | None) -> None:
    """Refuse what a start plan cannot do yet: a PDF, a stock list, a cohort.

    Raises:
        UsageError: naming the option.
    """
    for name, value, what in (
        ("--pdf", pdf, "A sheet on paper is"),
        ("--stock", stock, "Choosing vials from a stock list is"),
        ("--batch", batch, "A cohort is"),
    ):
        if value is not None:
            rule = f"{what} not there yet for a start under the skin."
            raise UsageError(name, str(value), rule, "Leave it out; plan one patient, with --json for the whole plan.")
