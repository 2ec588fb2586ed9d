"""The option that writes a chart, the same for every command that has one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import typer

from ivigil.cli.writing import check_target, save
from ivigil.errors import BadInput

OPTION = "--png"
ENDINGS = (".png", ".svg")
PNG: Path | None = typer.Option(None, OPTION, help="Write the curve as a picture; a name in .svg gives SVG.")


def check_picture(path: Path | None, inputs: Iterable[str | Path | None] = (), *, overwrite: bool) -> None:
    """Refuse a picture that could not be written, before anything is computed.

    Raises:
        BadInput: the name has another ending, or the file must not be written.
    """
    if path is None:
        return
    if path.suffix.lower() not in ENDINGS:
        raise BadInput(OPTION, str(path), "A picture is PNG or SVG, by its name.", "Name a file in .png or .svg.")
    check_target(path, OPTION, inputs, overwrite=overwrite)


def save_picture(
    path: Path | None, chart: Callable[[], Any], inputs: Iterable[str | Path | None] = (), *, overwrite: bool
) -> None:
    """Draw and write a picture, if one was asked for.

    Raises:
        BadInput: the file cannot be written.
    """
    if path is None:
        return
    from ivigil.documents.chart_style import png, svg

    made = svg(chart()) if path.suffix.lower() == ".svg" else png(chart())
    save(path, made, OPTION, inputs, overwrite=overwrite)
