"""The rule of direction: what permits must have been read; what restricts always applies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from ivigil.findings import Finding, MayBe, Severity
from ivigil.knowledge.facts import Fact
from ivigil.sources import CARRIES, RANK, Origin, Read, Source

SourceOf = Callable[[str], Source]

ANY_REGION = "any"


@dataclass(frozen=True)
class Need:
    """One fact without which nothing may be given: what it is called, its code, and the fact itself (None: absent)."""

    code: str
    name: str
    fact: Fact | None


@lru_cache(maxsize=8192)  # the same facts are asked for every patient
def permitted(need: Need, region: str, source_of: SourceOf, *, guideline: bool = False) -> Finding | None:
    """None if the fact was read well for this region; a warning if on a copy; a block otherwise.

    With ``guideline`` the fact is an off-label dose, for which a guideline or paper at its own publisher counts as read
    well and the region does not bind (the text says whose guideline it is).
    """
    if need.fact is None:
        return _not_read(need, "not in the knowledge base", ())
    best = best_reading(need.fact, None if guideline else region, source_of)
    if need.fact.origin is Origin.ASSUMED:
        best = Read.NOT_READ  # nobody printed it
    if best in {Read.LABEL, Read.MANUFACTURER} or (guideline and best is Read.PRIMARY):
        return _derived(need) if need.fact.origin is Origin.DERIVED else None
    if best is Read.LABEL_COPY:
        dates = ", ".join(dict.fromkeys(_dated(source_of(name)) for name in need.fact.src))
        return Finding(
            code="read-on-copy",
            severity=Severity.WARNS,
            text=f"The {need.name} was read on a copy of the label only: {dates}.",
            remedy="Compare with the label in force before use.",
            sources=need.fact.src,
        )
    why = {
        Read.SECONDARY: "read second-hand only",
        Read.PRIMARY: "read in a paper or notice, not on the label",
    }.get(best, "not read on any label")
    return _not_read(
        need, why if region_fits(need.fact, region, source_of) else f"no {region} label was read for it", need.fact.src
    )


def best_reading(fact: Fact, region: str | None, source_of: SourceOf) -> Read:
    """The best level at which a fact was read in a region (None: in any); never better than the fact itself claims."""
    if fact.read in {Read.NOT_READ, Read.SECONDARY}:
        return fact.read
    sources = [source_of(name) for name in fact.src]
    here = [source for source in sources if region is None or source.region in {region, ANY_REGION}]
    levels = [level for level, kinds in CARRIES.items() if any(source.kind in kinds for source in here)]
    found = min(levels, key=RANK.__getitem__, default=Read.SECONDARY)
    return max(found, fact.read, key=RANK.__getitem__)


def region_fits(fact: Fact, region: str, source_of: SourceOf) -> bool:
    """Whether any source of the fact speaks for a region."""
    return not fact.src or any(source_of(name).region in {region, ANY_REGION} for name in fact.src)


def _derived(need: Need) -> Finding:
    """Worked out from a page that was read, not printed on it: good enough to plan with, and to be compared."""
    note = need.fact.note if need.fact else ""
    return Finding(
        code="derived-fact",
        severity=Severity.WARNS,
        text=f"The {need.name}: worked out, not printed as such. {note}",
        remedy="Compare with the carton or the label in force.",
        sources=need.fact.src if need.fact else (),
    )


def _not_read(need: Need, why: str, sources: tuple[str, ...]) -> Finding:
    return Finding(
        code=f"{need.code}-not-read",
        severity=Severity.BLOCKS,
        may_be=MayBe.NEITHER,
        text=f"No plan may rest on the {need.name}: {why}.",
        remedy="Read it on the label in force and enter it in the site's overlay, signed by two people.",
        sources=sources,
        verified=False,
    )


def _dated(source: Source) -> str:
    return f"{source.title} ({source.revision or source.date or 'no date'})"
