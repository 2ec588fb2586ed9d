"""``ivigil kinetics``: the models of IgG and what they predict for one subject."""

from __future__ import annotations

import json
from pathlib import Path

import typer

from ivigil.cli import EXIT_DONE
from ivigil.cli.asked import number, plausible
from ivigil.cli.events import events_command
from ivigil.cli.opening import open_knowledge, open_model, parse_json
from ivigil.cli.picture import PNG, check_picture, save_picture
from ivigil.cli.validate import validate_command
from ivigil.cli.writing import OVERWRITE
from ivigil.errors import BadInput

kinetics_app = typer.Typer(help="IgG over time: published models and what they predict.", no_args_is_help=True)
kinetics_app.command("events")(events_command)
kinetics_app.command("validate")(validate_command)


@kinetics_app.command("models")
def models_command(
    json_: bool = typer.Option(False, "--json", help="The models as JSON on standard output."),
) -> int:
    """The models, whom they were built on, and what each can do."""
    from ivigil.kinetics.catalogue import summaries

    knowledge = open_knowledge()
    rows = summaries(tuple(knowledge.kinetic_model(name) for name in knowledge.kinetic_model_ids))
    if json_:
        typer.echo(json.dumps([row.model_dump(mode="json") for row in rows], ensure_ascii=False))
        return EXIT_DONE
    from rich.console import Console

    from ivigil.documents.kinetics_terminal import render_models

    render_models(rows, Console())
    return EXIT_DONE


@kinetics_app.command("targets")
def targets_command(
    json_: bool = typer.Option(False, "--json", help="The targets as JSON on standard output."),
) -> int:
    """Trough targets of replacement by name, whose they are and how they were read. None is a default."""
    targets = open_knowledge().trough_targets
    if json_:
        rows = [{"name": name, **one.model_dump(mode="json")} for name, one in targets.items()]
        for row in rows:
            row["at_least_g_per_l"] = float(row["at_least_g_per_l"])
        typer.echo(json.dumps(rows, ensure_ascii=False))
        return EXIT_DONE
    from rich.console import Console

    from ivigil.documents.proposals_terminal import render_targets

    render_targets(targets.items(), Console())
    return EXIT_DONE


@kinetics_app.command("profile")
def profile_command(
    model: str = typer.Option(help="Model id (`ivigil kinetics models`), or your own model's TOML file."),
    regimen: str | None = typer.Option(None, help="What is given, for example: iv 0.4 g/kg every 28 d."),
    subject: str = typer.Option(help='Covariates as JSON, for example {"weight_kg": 70}.'),
    baseline_igg_g_per_l: str | None = typer.Option(
        None, metavar="NUMBER", help="Endogenous IgG (g/L) instead of the model's."
    ),
    days: str | None = typer.Option(
        None, metavar="NUMBER", help="From day 0, at baseline and with no earlier dose, to this day."
    ),
    steady_state: bool = typer.Option(False, "--steady-state", help="One interval of the regimen repeated for ever."),
    json_: bool = typer.Option(False, "--json", help="The profile as JSON on standard output."),
    png: Path | None = PNG,
    overwrite: bool = OVERWRITE,
) -> int:
    """The typical IgG profile of one subject."""
    from ivigil.kinetics.profile import profile
    from ivigil.kinetics.regimens import read_regimen
    from ivigil.kinetics.subjects import read_subject

    check_picture(png, overwrite=overwrite)
    until, baseline = number("--days", days), number("--baseline-igg-g-per-l", baseline_igg_g_per_l)
    asked = None if regimen is None else read_regimen(regimen)
    about = read_subject(parse_json(subject, "--subject"))
    if not model.strip():
        raise BadInput("--model", model, "A profile needs a model.", "`ivigil kinetics models` lists them.")
    knowledge = open_knowledge()
    limits = plausible(knowledge)
    limits.baseline(baseline)
    limits.subject(about)
    if asked is not None:
        limits.regimen(asked)
        limits.profile(asked, until)
    made = profile(
        open_model(knowledge, model),
        asked,
        about,
        days=until,
        steady_state=steady_state,
        baseline_g_per_l=baseline,
    )
    if png is not None:
        from ivigil.documents.igg_chart import profile_chart

        save_picture(png, lambda: profile_chart(made, asked, regimen), overwrite=overwrite)
    if json_:
        typer.echo(made.model_dump_json())
        return EXIT_DONE
    from rich.console import Console

    from ivigil.documents.kinetics_terminal import render_profile

    render_profile(made, asked, Console())
    return EXIT_DONE
