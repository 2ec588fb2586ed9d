"""``ivigil kinetics validate``: the validation page with its figures and numbers."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import typer
from pydantic import BaseModel, ValidationError

from ivigil.cli import EXIT_DONE
from ivigil.cli.opening import open_knowledge
from ivigil.cli.writing import OVERWRITE, check_target, save
from ivigil.errors import BadInput

V = TypeVar("V", bound=BaseModel)

PAGE, FIGURES, NUMBERS = "kinetics.md", "kinetics", "numbers.json"
OUT = Path("docs/validation")


def validate_command(
    out: Path = typer.Option(OUT, "--out", help="Folder for kinetics.md, its figures and its numbers."),
    numbers: Path | None = typer.Option(
        None, "--numbers", help="Write the page and figures again from these numbers; nothing is computed."
    ),
    overwrite: bool = OVERWRITE,
) -> int:
    """Hold the kinetics against integrators, identities, published results and themselves; takes some minutes."""
    from rich.console import Console

    from ivigil.documents.chart_style import png, svg
    from ivigil.documents.validation_charts import figures
    from ivigil.documents.validation_page import validation_page
    from ivigil.kinetics.validation import Validation, validate

    page, folder = out / PAGE, out / FIGURES
    if out.is_dir():
        check_target(page, "--out", overwrite=overwrite)
    knowledge = open_knowledge()
    models = {name: knowledge.kinetic_model(name) for name in knowledge.kinetic_model_ids}
    published = knowledge.published_kinetics
    if numbers is None:
        with Console(stderr=True).status("…") as status:
            made = validate(models, published, knowledge.policies.kinetics, tell=status.update)
    else:
        made = _read(numbers, Validation)
    folder.mkdir(parents=True, exist_ok=True)
    written = {folder / NUMBERS: made.model_dump_json().encode() + b"\n"}
    for name, draw in figures(made, published).items():
        chart = draw()
        written |= {folder / f"{name}.svg": svg(chart), folder / f"{name}.png": png(chart)}
    written[page] = validation_page(made, published, models, knowledge.source).encode()
    for path, content in written.items():
        save(path, content, "--out", overwrite=overwrite)
        typer.echo(str(path))
    return EXIT_DONE


def _read(path: Path, record: type[V]) -> V:
    try:
        return record.model_validate_json(path.read_bytes())
    except OSError as problem:
        raise BadInput(
            "--numbers", str(path), f"It cannot be read: {problem.strerror}.", "Name another file."
        ) from problem
    except ValidationError as problem:
        raise BadInput(
            "--numbers",
            str(path),
            "These are no numbers of this version's validation.",
            "Compute them: leave out --numbers.",
        ) from problem
