"""How immunoglobulin is thought to work: what was measured, what speaks against it, what is not known."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from pydantic import BaseModel, ConfigDict

from ivigil.assessment.lines import Line, line_of, lines_of
from ivigil.assessment.report import NOTICE
from ivigil.knowledge.evidence import Mechanism
from ivigil.sources import CitedSource, Source, cite


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Explained(_Part):
    """One mechanism. ``concerns`` are the conditions its findings come from; empty: not tied to one."""

    mechanism: str
    name: str
    concerns: tuple[str, ...]
    summary: Line
    findings: tuple[Line, ...]
    against: tuple[Line, ...]
    unknown: tuple[Line, ...]


class Explanation(_Part):
    """Every mechanism of the knowledge base, those that concern the condition asked about first."""

    indication: str | None
    mechanisms: tuple[Explained, ...]
    sources: dict[str, CitedSource]
    notice: str


def explain_mechanism(
    mechanisms: Iterable[Mechanism], indication: str | None, source_of: Callable[[str], Source]
) -> Explanation:
    """The mechanisms, those whose findings concern a condition first."""
    ordered = sorted(mechanisms, key=lambda one: (indication not in one.indications if indication else False, one.id))
    explained = tuple(
        Explained(
            mechanism=one.id,
            name=one.name,
            concerns=one.indications,
            summary=line_of(one.summary.text, one.summary),
            findings=lines_of(one.findings),
            against=lines_of(one.against),
            unknown=lines_of(one.unknown),
        )
        for one in ordered
    )
    ids = sorted(
        {
            name
            for one in explained
            for line in (one.summary, *one.findings, *one.against, *one.unknown)
            for name in line.sources
        }
    )
    return Explanation(
        indication=indication,
        mechanisms=explained,
        sources={name: cite(source_of(name)) for name in ids},
        notice=NOTICE,
    )
