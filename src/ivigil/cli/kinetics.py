"""``ivigil kinetics``: the models of IgG and what they predict for one subject."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ivigil.cli import EXIT_DONE
from ivigil.cli.opening import open_knowledge, parse_json
from ivigil.cli.picture import PNG, check_picture, save_picture
from ivigil.cli.validate import validate_command
from ivigil.cli.writing import OVERWRITE
from ivigil.errors import BadInput

if TYPE_CHECKING:
    from ivigil.kinetics.population import Percentiles
    from ivigil.kinetics.regimens import Regimen

#: A lifetime.
LONGEST_WEEKS = 5200

kinetics_app = typer.Typer(help="IgG over time: published models and what they predict.", no_args_is_help=True)
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


@kinetics_app.command("profile")
def profile_command(
    model: str = typer.Option(help="Model id; `ivigil kinetics models`."),
    regimen: str = typer.Option(help="What is given, for example: iv 0.4 g/kg every 28 d."),
    subject: str = typer.Option(help='Covariates as JSON, for example {"weight_kg": 70}.'),
    baseline_igg_g_per_l: float | None = typer.Option(None, help="Endogenous IgG (g/L) instead of the model's."),
    days: float | None = typer.Option(None, help="From day 0, at baseline and with no earlier dose, to this day."),
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
    asked = read_regimen(regimen)
    about = read_subject(parse_json(subject, "--subject"))
    if not model.strip():
        raise BadInput("--model", model, "A profile needs a model.", "`ivigil kinetics models` lists them.")
    knowledge = open_knowledge()
    made = profile(
        knowledge.kinetic_model(model),
        asked,
        about,
        days=days,
        steady_state=steady_state,
        baseline_g_per_l=baseline_igg_g_per_l,
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


def simulate_command(
    model: str = typer.Option(help="Model id; `ivigil kinetics models`."),
    regimen: str = typer.Option(help="What is given, for example: iv 0.4 g/kg every 21 d."),
    subject: str = typer.Option(help='Covariates of all subjects as JSON, for example {"weight_kg": 70}.'),
    subjects: int = typer.Option(min=1, help="How many subjects."),
    weeks: float = typer.Option(help="How long."),
    seed: int = typer.Option(help="The same seed gives the same subjects."),
    baseline_igg_g_per_l: float | None = typer.Option(None, help="Endogenous IgG (g/L) instead of the model's."),
    truncate: bool = typer.Option(False, "--truncate", help="Draw impossible subjects again instead of counting them."),
    json_: bool = typer.Option(False, "--json", help="Percentiles by day as JSON on standard output."),
    png: Path | None = PNG,
    overwrite: bool = OVERWRITE,
) -> int:
    """A population of one size and kind: percentiles of IgG just before the dose of each day."""
    from ivigil.kinetics.population import draw, impossible, percentiles, schedule
    from ivigil.kinetics.regimens import read_regimen
    from ivigil.kinetics.subjects import read_subject
    from ivigil.quantities import DAYS_PER_WEEK

    check_picture(png, overwrite=overwrite)
    asked = read_regimen(regimen)
    about = read_subject(parse_json(subject, "--subject"))
    if not 0 < weeks <= LONGEST_WEEKS:
        raise BadInput("--weeks", weeks, f"It must be above 0 and at most {LONGEST_WEEKS}.", "Give another number.")
    knowledge = open_knowledge()
    chosen = knowledge.kinetic_model(model)
    plan = schedule(asked, weeks * DAYS_PER_WEEK)
    bounds = impossible(about, asked, knowledge.policies.kinetics, draw_again=truncate)
    per_kg = asked.parts[0].per_kg
    chunks = draw(chosen, about, per_kg, subjects, seed, bounds, baseline_igg_g_per_l)
    if not json_:
        from ivigil.documents.kinetics_terminal import progress, render_population

        made = percentiles(progress(chunks, subjects), plan)
        _picture(png, made, asked, chosen.id, regimen, overwrite=overwrite)
        from rich.console import Console

        render_population(made, chosen, asked, Console(), truncated=truncate)
        return EXIT_DONE
    made = percentiles(chunks, plan)
    _picture(png, made, asked, chosen.id, regimen, overwrite=overwrite)
    typer.echo(
        json.dumps(
            {
                "model": chosen.id,
                "subjects": made.subjects,
                "seed": seed,
                "day": made.days.tolist(),
                "mean": made.mean.tolist(),
                **{f"p{percent:g}": level.tolist() for percent, level in made.levels.items()},
                "bin_error": made.bin_error,
                "outside": made.outside,
                "truncated": truncate,
            }
        )
    )
    return EXIT_DONE


def _picture(path: Path | None, made: Percentiles, asked: Regimen, model: str, words: str, *, overwrite: bool) -> None:
    if path is not None:
        from ivigil.documents.igg_chart import population_chart

        save_picture(path, lambda: population_chart(made, asked, model, words), overwrite=overwrite)
