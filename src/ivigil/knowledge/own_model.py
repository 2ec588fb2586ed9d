"""A user's own kinetic model: one TOML file in the format of the shipped ones, under the same checks.

The file may describe its sources in ``[sources.KEY]`` tables and cites them as ``own/KEY``; it may cite shipped ones too.
What is wrong is told with the file, the line, the rule and the remedy.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from ivigil.errors import BadKnowledge
from ivigil.knowledge.checks.rows import CheckRow, error, located
from ivigil.knowledge.checks.sources import (
    reading_is_carried,
    shipped_facts_are_unsigned,
    sources_are_whole,
    sources_exist,
)
from ivigil.knowledge.kinetic_models import KineticModel, OwnFile
from ivigil.knowledge.loading import Knowledge
from ivigil.sources import Source

M = TypeVar("M", bound=BaseModel)
SUFFIX = ".toml"
OWN = "own"
_HEADER = re.compile(r"\[\[?([^\[\]]+)\]\]?")
_DESCRIBE = "Describe it under [sources.KEY] and cite it as own/KEY."
_CORRECT = "Correct the file; `ivigil knowledge schema model` prints what a model may hold."


def read_own_model(path: str, content: bytes, knowledge: Knowledge) -> KineticModel:
    """The model of a file's content, marked as the user's own with its sha256. ``path`` is how the user named the file.

    Raises:
        BadKnowledge: content that is no model, cites what has no record, or takes a shipped model's id.
    """
    try:
        text = content.decode("utf-8")
        raw = tomllib.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError) as problem:
        raise BadKnowledge(path, None, "A model is a TOML file in UTF-8.", f"Mend it: {problem}.") from problem
    shards = raw.pop("sources", {})
    sources = {f"{OWN}/{key}": row for key, row in shards.items()} if isinstance(shards, dict) else shards
    model = _validated(KineticModel, raw, path, text, ())
    _named(model, path, text, knowledge)
    _sourced(model, sources, path, text, knowledge)
    model.mark_own(OwnFile(_file_name(path), "sha256:" + hashlib.sha256(content).hexdigest()))
    return model


def _named(model: KineticModel, path: str, text: str, knowledge: Knowledge) -> None:
    if model.id in knowledge.kinetic_model_ids:
        rule = "This id belongs to a model that ivigil ships; its results would be taken for that model's."
        raise BadKnowledge(_place(path, text, ("id",)), model.id, rule, "Give your model another id.")
    if model.project:
        rule = "A project's model is one that ivigil made itself."
        raise BadKnowledge(_place(path, text, ("project",)), None, rule, "Take the line out.")
    stem = _file_name(path).removesuffix(SUFFIX)
    if model.id != stem:
        raise BadKnowledge(_place(path, text, ("id",)), model.id, "The id is the file's name.", f"Write {stem!r}.")


def _file_name(path: str) -> str:
    return path.replace("\\", "/").rpartition("/")[2]


def _sourced(model: KineticModel, rows: object, path: str, text: str, knowledge: Knowledge) -> None:
    """The checks that shipped facts pass, over this one file."""
    if not isinstance(rows, dict):
        raise BadKnowledge(_place(path, text, ("sources",)), None, "Sources are tables, [sources.KEY].", _CORRECT)
    sources = {name: knowledge.source(name) for name in knowledge.source_ids}
    for name, row in rows.items():
        above = ("sources", name.partition("/")[2])
        sources[name] = _validated(Source, {**row, "id": name} if isinstance(row, dict) else row, path, text, above)
    records = located("", model)
    found: list[CheckRow] = [
        *(replace(row, remedy=_DESCRIBE) for row in sources_exist(records, sources)),
        *reading_is_carried(records, sources),
        *shipped_facts_are_unsigned(records),
        *sources_are_whole({name: sources[name] for name in rows}),
    ]
    if model.citation not in sources:
        found.append(error(": citation", f"The source {model.citation} has no record.", _DESCRIBE))
    for row in found:
        file, _, dotted = row.where.partition(": ")
        keys = (("sources",) if file else ()) + tuple(dotted.split("."))
        raise BadKnowledge(_place(path, text, keys), None, row.message, row.remedy)


def _validated(kind: type[M], raw: object, path: str, text: str, above: tuple[str, ...]) -> M:
    try:
        return kind.model_validate(raw)
    except ValidationError as problem:
        first = problem.errors()[0]
        # A rule over the whole model is one of its structure.
        keys = (*above, *(str(key) for key in first["loc"])) or ("structure",)
        got = first.get("input")
        raise BadKnowledge(
            _place(path, text, keys),
            got if isinstance(got, str | int | float | bool) else str(got) if isinstance(got, Decimal) else None,
            first["msg"].removeprefix("Value error, ").rstrip(".") + ".",
            _CORRECT,
        ) from problem


def _place(path: str, text: str, keys: Sequence[str]) -> str:
    line = _line(text, keys)
    named = path if line is None else f"{path}, line {line}"
    return f"{named}: {'.'.join(keys)}" if keys else named


def _line(text: str, keys: Sequence[str]) -> int | None:
    """The line of the deepest key or table on the way to ``keys``; None where none of them is written."""
    found, deepest = None, 0
    table: tuple[str, ...] = ()
    for number, row in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(row.strip()):
            at = table = _split(header.group(1))
        elif "=" in row:
            at = (*table, *_split(row.partition("=")[0]))
        else:
            continue
        if len(at) > deepest and tuple(keys[: len(at)]) == at:
            found, deepest = number, len(at)
    return found


def _split(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))
