"""The words a patient record may use: conditions, allergies, medicine classes, reactions, tests."""

from __future__ import annotations

from decimal import Decimal
from typing import Self

from pydantic import model_validator

from ivigil.knowledge.facts import Positive, Record, SourceIds, Terms, Words


class Term(Record):
    """A word with its names; ``severe`` marks reactions after which no infusion may be resumed or repeated unplanned.

    ``brands`` are trade names by which the word is written.
    """

    name: Words
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

    name: Words
    qualitative: bool = False
    unit: str = ""
    units: dict[str, Positive] = {}
    possible: tuple[Decimal, Decimal] | None = None
    likely: tuple[Decimal, Decimal] | None = None
    looks_like: str = ""
    src: SourceIds = ()
    note: str = ""

    @model_validator(mode="after")
    def _limits_rise(self) -> Self:
        for name in ("possible", "likely"):
            limits = getattr(self, name)
            if limits is not None and not limits[0] < limits[1]:
                raise ValueError(f"{name} runs from {limits[0]} to {limits[1]}")
        return self


class Vocabulary(Record):
    """All word lists, each from one file of ``data/vocabulary``."""

    conditions: dict[str, Term]
    allergies: dict[str, Term]
    medicines: dict[str, Term]
    reactions: dict[str, Term]
    labs: dict[str, LabTest]


def region_name(region: str) -> str:
    """A region's key as a reader knows it: ``us`` is US, ``england`` is England."""
    return region.upper() if len(region) == 2 else region.capitalize()  # noqa: PLR2004 - two letters are a code
