"""The words a patient record may use: conditions, allergies, medicine classes, reactions, tests."""

from __future__ import annotations

from decimal import Decimal

from ivigil.knowledge.facts import Record, SourceIds, Terms


class Term(Record):
    """A word with its names; ``severe`` marks reactions after which no infusion may be resumed or repeated unplanned.

    ``brands`` are trade names by which the word is written.
    """

    name: str
    also: Terms = ()
    brands: Terms = ()
    icd10: Terms = ()
    severe: bool = False
    note: str = ""


class LabTest(Record):
    """A laboratory test: canonical unit, other units with the divisor to the canonical one, and limits of the possible.

    ``units`` maps unit text to the factor by which a value is multiplied to reach ``unit``. Values outside
    ``possible`` are refused; outside ``likely`` they must be confirmed. ``qualitative`` tests take ``positive`` or
    ``negative`` as value and have no unit.
    """

    name: str
    qualitative: bool = False
    unit: str = ""
    units: dict[str, Decimal] = {}
    possible: tuple[Decimal, Decimal] | None = None
    likely: tuple[Decimal, Decimal] | None = None
    looks_like: str = ""
    src: SourceIds = ()
    note: str = ""


class Vocabulary(Record):
    """All word lists, each from one file of ``data/vocabulary``."""

    conditions: dict[str, Term]
    allergies: dict[str, Term]
    medicines: dict[str, Term]
    reactions: dict[str, Term]
    labs: dict[str, LabTest]
