"""One statement of an assessment, and what it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict

from ivigil.knowledge.facts import Fact, Statement
from ivigil.knowledge.indications import Review
from ivigil.sources import Origin, Read


class Met(StrEnum):
    """What became of one criterion."""

    MET = "met"
    NOT_MET = "not_met"
    NOT_RECORDED = "not_recorded"
    """Computed from a datum that the record does not hold, or a question that nobody answered."""


class Part(BaseModel):
    """Base of every part of an assessment: frozen, without unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Line(Part):
    """One statement and what it rests on. ``read`` says at what kind of page; ``basis`` marks the project's own words."""

    text: str
    basis: Literal["source", "own_reading", "policy", "not_verified"]
    read: Read
    sources: tuple[str, ...]


def line_of(text: str, fact: Fact) -> Line:
    """A statement with what it rests on."""
    if fact.origin is Origin.POLICY:
        basis: Literal["source", "own_reading", "policy", "not_verified"] = "policy"
    elif fact.read is Read.NOT_READ:
        basis = "not_verified"
    else:
        basis = "own_reading" if fact.origin in {Origin.DERIVED, Origin.ASSUMED} else "source"
    return Line(text=text, basis=basis, read=fact.read, sources=fact.src)


def lines_of(statements: Mapping[str, Statement] | Mapping[str, Review]) -> tuple[Line, ...]:
    """Statements in the order of their file."""
    return tuple(line_of(one.text, one) for one in statements.values())
