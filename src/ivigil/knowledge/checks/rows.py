"""What a check says, and the walk over records that every check takes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from pydantic import BaseModel

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
Located = tuple[str, BaseModel]
#: The remedy for a slip of the pen, or another unit.
COMPARE = "Compare the number and its unit with the source."


class Weight(StrEnum):
    """How much a row weighs, heaviest first."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


HEAVIEST_FIRST: dict[Weight, int] = {weight: rank for rank, weight in enumerate(Weight)}


@dataclass(frozen=True)
class CheckRow:
    """One thing that a check found."""

    where: str
    severity: Weight
    message: str
    remedy: str


def in_order(rows: Iterable[CheckRow]) -> tuple[CheckRow, ...]:
    """Rows heaviest first, then by place and words; each once."""
    return tuple(sorted(set(rows), key=lambda row: (HEAVIEST_FIRST[row.severity], row.where, row.message)))


def error(where: str, message: str, remedy: str) -> CheckRow:
    """A row that stops every plan made with an overlay."""
    return CheckRow(where, Weight.ERROR, message, remedy)


def spelled(keys: Iterable[str]) -> str:
    """A dotted path as an overlay writes it: a key that is not bare stands in quotes."""
    return ".".join(key if _BARE_KEY.fullmatch(key) else f'"{key}"' for key in keys)


def records_in(value: object, keys: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], BaseModel]]:
    """Every record in a value with its keys, itself first. A place in a list is a key of its own: ``[0]``."""
    if isinstance(value, BaseModel):
        yield keys, value
        for name in type(value).model_fields:
            yield from records_in(getattr(value, name), (*keys, name))
    elif isinstance(value, Mapping):
        for name, part in value.items():
            yield from records_in(part, (*keys, str(name)))
    elif isinstance(value, tuple):
        for number, part in enumerate(value):
            yield from records_in(part, (*keys, f"[{number}]"))


def located(file: str, value: object) -> list[Located]:
    """Every record of one file, named as a reader finds it."""
    return [(f"{file}: {dotted(keys)}", record) for keys, record in records_in(value) if keys]


def dotted(keys: tuple[str, ...]) -> str:
    """Keys as a reader finds them: a place in a list stands in brackets."""
    return ".".join(keys).replace(".[", "[")
