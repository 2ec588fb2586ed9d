"""Files a command writes: whole or not at all, and nothing that was there before is lost unasked."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import typer

from ivigil.errors import BadInput, UsageError

OVERWRITE = typer.Option(False, "--overwrite", help="Replace the file if there is one.")


def check_target(path: Path, option: str, inputs: Iterable[str | Path | None] = (), *, overwrite: bool) -> None:
    """Refuse a file that must not be written: one that is read, a link, what is no file, one that exists already.

    Raises:
        BadInput: naming the option and the way out.
    """
    try:
        why = _against(path, inputs, overwrite=overwrite)
    except OSError as problem:
        why = (f"The file cannot be written: {problem.strerror}.", "Name another file.")
    if why is not None:
        raise BadInput(option, str(path), *why)


def check_page(pdf: Path | None, paper: str | None) -> str:
    """The paper of a page: a4 unless another is named; one that is named has a page to be printed on.

    Raises:
        UsageError: a paper and no page.
        BadInput: no sheet is made for this paper.
    """
    if paper is None:
        return "a4"
    if pdf is None:
        raise UsageError(
            "--paper", paper, "It is the paper of a page, and none is made.", "Give --pdf too, or leave it out."
        )
    from ivigil.documents.pdf import check_paper

    check_paper(paper)
    return paper


def _against(path: Path, inputs: Iterable[str | Path | None], *, overwrite: bool) -> tuple[str, str] | None:
    if str(path) == "-":
        return "Standard output is for the result, and this is a file.", "Name the file."
    if path.is_symlink():
        return "Nothing is written through a link.", "Name the file itself."
    if not path.parent.is_dir():
        return "The file cannot be written: its folder does not exist.", "Make the folder, or name another."
    if not path.exists():
        return None
    if any(given is not None and Path(given).exists() and path.samefile(given) for given in inputs):
        return "This file is read by the same command; it is never written over.", "Name another file."
    if not path.is_file():
        return "It is no ordinary file.", "Name a file."
    if not overwrite:
        return "There is such a file already.", "Name another file, or say --overwrite."
    return None


def save(path: Path, content: bytes, option: str, inputs: Iterable[str | Path | None] = (), *, overwrite: bool) -> None:
    """Write a file beside its place and move it there when it is whole.

    Raises:
        BadInput: the file must not be written (:func:`check_target`), or cannot be.
    """
    with whole(path, option, inputs, overwrite=overwrite) as part, part.open("xb") as stream:
        stream.write(content)


@contextlib.contextmanager
def whole(path: Path, option: str, inputs: Iterable[str | Path | None] = (), *, overwrite: bool) -> Iterator[Path]:
    """A path to write beside the file's place; it is moved there when the block ends well, and removed when not.

    Raises:
        BadInput: the file must not be written (:func:`check_target`), or cannot be.
    """
    check_target(path, option, inputs, overwrite=overwrite)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        try:
            yield part
            with part.open("rb+") as stream:
                os.fsync(stream.fileno())
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as problem:
        raise BadInput(
            option,
            str(path),
            f"The file cannot be written: {problem.strerror}.",
            "Check the folder, its permissions and its space.",
        ) from problem
