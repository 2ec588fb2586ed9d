"""A cohort line by line: reading its file, and telling why one line failed. A failed line stops no other."""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from rich.console import Console
from rich.progress import wrap_file

from ivigil.cli import EXIT_BAD_INPUT, EXIT_BLOCKED, EXIT_DONE, EXIT_OUR_FAULT
from ivigil.cli.opening import parse_json
from ivigil.errors import BadInput, IvigilError


@contextmanager
def opened(path: Path, doing: str, console: Console) -> Iterator[IO[bytes]]:
    """The cohort's file, or standard input where it is ``-``, with progress on ``console`` where that is a terminal.

    Raises:
        BadInput: the file cannot be read.
    """
    try:
        piped = str(path) == "-"
        size = 0 if piped else path.stat().st_size
        stream = sys.stdin.buffer if piped else path.open("rb")
    except OSError as problem:
        raise BadInput(
            "--batch", str(path), "The cohort must be a file that can be read.", f"Check the path: {problem.strerror}."
        ) from problem
    with stream, wrap_file(stream, size, description=doing, console=console, disable=not console.is_terminal) as lines:
        yield lines


def read_line(line: bytes) -> object:
    """The JSON of one line.

    Raises:
        BadInput: not UTF-8, or not JSON.
    """
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as problem:
        raise BadInput("line", "not UTF-8", "A cohort is UTF-8 text.", "Convert the file.") from problem
    return parse_json(text, "line")


def refused(problem: Exception, number: int, done: str) -> tuple[int, str]:
    """How one line failed, as an exit code (ours or the input's), and the JSON that says why it could not be ``done``."""
    ours = not isinstance(problem, IvigilError)
    if not isinstance(problem, IvigilError):
        problem = BadInput(
            "ivigil",
            type(problem).__name__,
            f"This line could not be {done}: a fault of ivigil.",
            "Report it without patient data.",
        )
    said = problem.as_json()
    said["error"]["where"] = f"line {number}: {problem.where}"
    return EXIT_OUR_FAULT if ours else EXIT_BAD_INPUT, json.dumps(said, ensure_ascii=False)


def told(codes: Collection[int]) -> int:
    """The exit code of a run by those of its lines: a fault of ours first, then input that could not be used."""
    worst = (EXIT_OUR_FAULT, EXIT_BAD_INPUT, EXIT_BLOCKED)
    return next((code for code in worst if code in codes), EXIT_DONE)
