"""Conditions that the indication itself means: they count although nobody wrote them into the record."""

from __future__ import annotations

from collections.abc import Iterable

from ivigil.findings import Finding, Severity
from ivigil.knowledge.indications import Indication
from ivigil.knowledge.vocabulary import Vocabulary
from ivigil.sources import Read


def implied_words(indication: Indication) -> tuple[str, ...]:
    """Words of the vocabulary's conditions that the indication means."""
    return () if indication.implies is None else indication.implies.items


def implied_conditions(indication: Indication, vocabulary: Vocabulary) -> Iterable[Finding]:
    """That they count, and on whose word."""
    if indication.implies is None:
        return
    names = ", ".join(vocabulary.conditions[word].name for word in indication.implies.items)
    yield Finding(
        code="condition-by-indication",
        severity=Severity.INFORMS,
        text=f"By the indication, {indication.name}, this counts as if it were recorded: {names}. {indication.implies.note}".strip(),
        sources=indication.implies.src,
        verified=indication.implies.read is not Read.NOT_READ,
    )
