"""Where a number comes from: the source record, how a value was obtained, and how it was read."""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache

from pydantic import BaseModel, ConfigDict


class Origin(StrEnum):
    """How a value was obtained."""

    REPORTED = "reported"
    """Printed in the source."""
    DERIVED = "derived"
    """Worked out from what the source prints; the note says how."""
    READ_FROM_FIGURE = "read_from_figure"
    ASSUMED = "assumed"
    """Nobody printed it; the note says why it is believed."""
    POLICY = "policy"
    """The project's or the site's own choice."""


class Read(StrEnum):
    """At which kind of page a value was read, best first."""

    LABEL = "label"
    """The product's own label at its regulator or label repository."""
    MANUFACTURER = "manufacturer"
    PRIMARY = "primary"
    """A guideline, trial or regulator's page at its own publisher (abstract or full text)."""
    LABEL_COPY = "label_copy"
    """Label text copied by somebody else, of a stated age."""
    SECONDARY = "secondary"
    """A page about the source, such as a handbook, a payer's policy or news."""
    NOT_READ = "not_read"


#: What lets a product fact *permit* (see ``docs/decisions``): read well, read on a copy (warn), or not at all.
READ_WELL = frozenset({Read.LABEL, Read.MANUFACTURER})
READ_WELL_GUIDELINE = frozenset({Read.LABEL, Read.MANUFACTURER, Read.PRIMARY})

RANK: dict[Read, int] = {level: rank for rank, level in enumerate(Read)}


class SourceKind(StrEnum):
    """What sort of document a source is."""

    LABEL = "label"
    LABEL_COPY = "label_copy"
    MANUFACTURER = "manufacturer"
    REGULATOR = "regulator"
    GUIDELINE = "guideline"
    TRIAL = "trial"
    REVIEW = "review"
    SECONDARY = "secondary"
    PROJECT = "project"


#: Which kinds of document can carry a fact to a read level, best first.
CARRIES: dict[Read, frozenset[SourceKind]] = {
    Read.LABEL: frozenset({SourceKind.LABEL, SourceKind.REGULATOR}),
    Read.MANUFACTURER: frozenset({SourceKind.MANUFACTURER}),
    Read.PRIMARY: frozenset({SourceKind.GUIDELINE, SourceKind.TRIAL, SourceKind.REGULATOR, SourceKind.REVIEW}),
    Read.LABEL_COPY: frozenset({SourceKind.LABEL_COPY}),
}


class Source(BaseModel):
    """One document, recorded once and cited by id.

    ``region`` is the market the document speaks for (``US``, ``EU``, ``UK``, ``AU``, ``CA``, ... or ``any``).
    ``revision`` is the label revision or year as printed, empty when none was.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    title: str
    publisher: str
    kind: SourceKind
    region: str
    revision: str = ""
    date: str = ""
    address: str = ""
    note: str = ""


class CitedSource(BaseModel):
    """A source as a result shows it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    publisher: str
    kind: str
    region: str
    revision: str
    address: str


@lru_cache(maxsize=4096)
def cite(source: Source) -> CitedSource:
    """A source as a result shows it."""
    return CitedSource(
        title=source.title,
        publisher=source.publisher,
        kind=source.kind.value,
        region=source.region,
        revision=source.revision or source.date,
        address=source.address,
    )


class MadeWith(BaseModel):
    """What made a result: version, and fingerprints of the shipped facts and of the site's overlay."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ivigil: str
    knowledge: str
    overlay: str | None
