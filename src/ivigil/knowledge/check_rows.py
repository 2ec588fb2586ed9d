"""What a check of the facts reports: rows with a place, a weight and a remedy."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


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


def spelled(keys: Iterable[str]) -> str:
    """A dotted path as an overlay writes it: a key that is not bare stands in quotes."""
    return ".".join(key if _BARE_KEY.fullmatch(key) else f'"{key}"' for key in keys)


def error(where: str, message: str, remedy: str) -> CheckRow:
    """A row that must be put right."""
    return CheckRow(where, Weight.ERROR, message, remedy)
