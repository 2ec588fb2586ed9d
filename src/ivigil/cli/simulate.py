"""``ivigil simulate``: virtual subjects, reduced to percentiles, and streamed to a file if one is asked for."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ivigil.cli import EXIT_DONE
from ivigil.cli.asked import number, plausible
from ivigil.cli.asked import seed as read_seed
from ivigil.cli.asked import whole as read_whole
from ivigil.cli.opening import open_knowledge, open_model, parse_json
from ivigil.cli.picture import PNG, check_picture, save_picture
from ivigil.cli.writing import OVERWRITE, check_target, whole
from ivigil.errors import BadInput, UsageError
from ivigil.findings import in_order

if TYPE_CHECKING:
    from ivigil.kinetics.population import Reduction, Schedule


def simulate_command(
    model: str = typer.Option(help="Model id (`ivigil kinetics models`), or your own model's TOML file."),
    regimen: str = typer.Option(help="What is given, for example: iv 0.4 g/kg every 21 d."),
    subject: str | None = typer.Option(None, help='Covariates of all subjects as JSON, for example {"weight_kg": 70}.'),
    population: str | None = typer.Option(
        None, help="Subjects with a sex, age, weight and height of their own: children-cdc or us-adults."
    ),
    subjects: str = typer.Option(metavar="INTEGER", help="How many subjects."),
    weeks: str = typer.Option(metavar="NUMBER", help="How long."),
    seed: str = typer.Option(metavar="INTEGER", help="The same seed gives the same subjects."),
    baseline_igg_g_per_l: str | None = typer.Option(
        None, metavar="NUMBER", help="Endogenous IgG (g/L) instead of the model's."
    ),
    truncate: bool = typer.Option(False, "--truncate", help="Draw impossible subjects again instead of counting them."),
    out: Path | None = typer.Option(None, help="Parquet file for every subject's level at every day."),
    png: Path | None = PNG,
    overwrite: bool = OVERWRITE,
    json_: bool = typer.Option(False, "--json", help="Percentiles by day as JSON on standard output."),
) -> int:
    """A population: percentiles of IgG just before the dose of each day."""
    from ivigil.kinetics.covariate_populations import Crowd
    from ivigil.kinetics.frames import chunk_of
    from ivigil.kinetics.population import CHUNK, Reduction, draw, fractions, impossible, ready, said, schedule
    from ivigil.kinetics.regimens import read_regimen
    from ivigil.kinetics.subjects import read_subject
    from ivigil.quantities import DAYS_PER_WEEK

    count, drawn_by = read_whole("--subjects", subjects), read_seed(seed)
    days = (number("--weeks", weeks) or 0.0) * DAYS_PER_WEEK
    baseline = number("--baseline-igg-g-per-l", baseline_igg_g_per_l)
    asked = read_regimen(regimen)
    if subject is None and population is None:
        raise UsageError("--subject", None, "It is not said who is simulated.", "Give --subject or --population.")
    about = read_subject(parse_json(subject or "{}", "--subject"))
    if out is not None:
        check_target(out, "--out", overwrite=overwrite)
    check_picture(png, overwrite=overwrite)
    knowledge = open_knowledge()
    chosen, policy = open_model(knowledge, model), knowledge.policies.kinetics
    limits = plausible(knowledge)
    limits.baseline(baseline)
    limits.subject(about)
    limits.regimen(asked)
    limits.population(count, days, 0)
    ready(chosen, count, drawn_by)
    plan = schedule(asked, days, model=chosen)
    limits.population(count, days, plan.dose_d.size)
    per_kg, chunk = asked.parts[0].per_kg, CHUNK if out is None else chunk_of(plan)
    crowd = None
    if population is None:
        bounds = impossible(about, asked, policy, draw_again=truncate)
        chunks: Iterable[Any] = draw(chosen, about, per_kg, count, drawn_by, bounds, baseline, chunk)
    else:
        chunks = crowd = Crowd(
            chosen,
            knowledge.population(population),
            about,
            per_kg,
            count,
            drawn_by,
            policy,
            bioavailability_slots=fractions(asked),
            draw_again=truncate,
            baseline_g_per_l=baseline,
            chunk=chunk,
        )
    if not json_:
        from ivigil.documents.kinetics_terminal import progress

        chunks = progress(chunks, count)
    reduction = Reduction(plan)
    if out is None:
        for drawn, outside in chunks:
            reduction.add(drawn, outside)
    else:
        told = {"model": chosen.id, "regimen": regimen, "seed": str(drawn_by), "knowledge": knowledge.fingerprint}
        told |= {"subject": subject or "{}", "population": population or ""}
        _stream(chunks, reduction, plan, out, told, people=crowd is not None, overwrite=overwrite)
    findings = (*said(chosen, asked, about), *(crowd.findings() if crowd is not None else ()))
    made = replace(reduction.percentiles(), findings=in_order(findings))
    if png is not None:
        from ivigil.documents.igg_chart import population_chart

        save_picture(png, lambda: population_chart(made, asked, chosen.id, regimen), overwrite=overwrite)
    if not json_:
        from rich.console import Console

        from ivigil.documents.kinetics_terminal import render_population

        render_population(made, chosen, asked, Console(), truncated=truncate)
        return EXIT_DONE
    typer.echo(
        json.dumps(
            {
                "model": chosen.id,
                "population": population,
                "subjects": made.subjects,
                "seed": drawn_by,
                "day": made.days.tolist(),
                "mean": made.mean.tolist(),
                **{f"p{percent:g}": level.tolist() for percent, level in made.levels.items()},
                "bin_error": made.bin_error,
                "outside": made.outside,
                "truncated": truncate,
                "findings": [one.model_dump(mode="json") for one in made.findings],
            }
        )
    )
    return EXIT_DONE


def _stream(
    chunks: Iterable[Any],
    reduction: Reduction,
    plan: Schedule,
    out: Path,
    told: dict[str, str],
    *,
    people: bool,
    overwrite: bool,
) -> None:
    """Levels of every subject into a parquet file, a row group at a time, while the percentiles are gathered.

    The file appears when it is whole; a problem of the simulation is told as itself.
    """
    import polars as pl
    from polars.io.plugins import register_io_source

    from ivigil.kinetics.frames import ROWS, level_frames, level_schema

    problems: list[BaseException] = []

    def counted() -> Iterator[Any]:
        for drawn, outside in chunks:
            reduction.add(drawn, outside)
            yield drawn, outside

    def source(*_: object) -> Iterator[pl.DataFrame]:
        try:
            yield from level_frames(counted(), plan)
        except (Exception, KeyboardInterrupt) as problem:
            problems.append(problem)
            raise

    with whole(out, "--out", overwrite=overwrite) as part:
        try:
            register_io_source(source, schema=level_schema(people=people)).sink_parquet(
                part, row_group_size=ROWS, maintain_order=True, metadata=told
            )
        except pl.exceptions.PolarsError as problem:
            if problems:
                raise problems[0] from problem
            raise BadInput(
                "--out", str(out), f"The file cannot be written: {problem}.", "Check the folder and its space."
            ) from problem
