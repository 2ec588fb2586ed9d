"""One condition: its names and codes, where it stands with regulators, and how it is dosed."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Literal, Self

from pydantic import Field, model_validator

from ivigil.knowledge.facts import Fact, Items, Rate, Record, Statement
from ivigil.knowledge.regimens import Regimen
from ivigil.knowledge.rules import Predicate


class StatusGroup(StrEnum):
    """How a condition stands in the facts, over all regions; see ``regulatory`` for a region's own word."""

    FDA_APPROVED = "fda_approved"
    GUIDELINE_SUPPORTED_OFF_LABEL = "guideline_supported_off_label"
    INVESTIGATIONAL = "investigational"
    NOT_SUPPORTED = "not_supported"


class Code(Record):
    """An ICD-10-CM code with its title."""

    code: str
    label: str


class AgeRange(Fact):
    """Ages (years) in which a condition occurs or is treated: from ``from_years`` on and below ``below_years``.

    ``sex`` where at these ages only one sex can have it.
    """

    text: str
    from_years: Decimal | None = None
    below_years: Decimal | None = None
    sex: Literal["female", "male"] | None = None

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        low, high = self.from_years or Decimal(0), self.below_years
        if (self.from_years is None and high is None) or (high is not None and high <= low):
            raise ValueError("an age range needs from_years or below_years, and the second above the first")
        return self

    def holds(self, age_years: Decimal) -> bool:
        """Whether an age lies in the range."""
        return (self.from_years is None or age_years >= self.from_years) and (
            self.below_years is None or age_years < self.below_years
        )


class Regulatory(Fact):
    """A region's regulatory standing in that region's own words."""

    status: str
    text: str = ""

    @property
    def said(self) -> str:
        """Status and text in one breath, neither twice."""
        if self.text.casefold().startswith(self.status.casefold()):
            return self.text
        return f"{self.status}. {self.text}".rstrip() if self.text else f"{self.status}."


class Grade(Fact):
    """A grade in its own scheme; schemes are never mixed or translated into each other."""

    scheme: str
    category: str
    strength: str = ""
    text: str = ""


class Position(Fact):
    """Where a guideline or payer stands, in its own words and grading scheme.

    ``body`` is who says it, ``region`` where it holds, ``edition`` which version; ``grade`` and ``scheme`` as printed,
    empty where none was.
    """

    body: str
    region: str
    text: str
    edition: str = ""
    scheme: str = ""
    grade: str = ""


class Benefit(Fact):
    """How far benefit is established, and whose judgement that is."""

    judgement: str
    whose: str
    text: str = ""


class Criterion(Fact):
    """One criterion for treatment. ``when`` only where the source states it in terms of data a record can hold.

    Without ``when`` the criterion is a question for the clinician.
    """

    text: str
    body: str = ""
    region: str = ""
    when: Predicate | None = None


class Review(Fact):
    """When and how response is reviewed; ``within_days`` or ``within_months`` of the start where the source says so."""

    text: str
    within_days: int | None = Field(default=None, ge=1)
    within_months: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _one_span(self) -> Self:
        if self.within_days is not None and self.within_months is not None:
            raise ValueError("a review is due within days or within months, not both")
        return self


class MaxRate(Rate):
    """A highest rate that a source prints for a condition: it restricts every product given for it. ``text`` says whose."""

    text: str


class Indication(Record):
    """One condition. The id is that of the facts and never changes.

    ``regimens`` are guideline and foreign regimens, used for off-label plans; a product's own label regimen stands in
    the product. ``replacement`` is True where the aim is an IgG level rather than immune modulation.
    ``ages`` are the ages (and sex) in which the condition is met; a patient outside all of them is asked about.
    ``lay_terms`` are everyday names; ``specific_terms`` are words that by themselves point to this condition (a sign, an
    antibody, a syndrome), used to recognise it in a question. ``baseline`` are the measures to record before the start.
    ``max_rate`` is printed for the condition and holds for every product; ``implies`` are words of the vocabulary's
    conditions that the condition itself means: screening counts them as if they were recorded.
    """

    id: str
    name: str
    status_group: StatusGroup
    replacement: bool
    synonyms: tuple[str, ...] = ()
    icd10cm: tuple[Code, ...] = ()
    population: dict[str, Statement] = {}
    ages: dict[str, AgeRange] = {}
    regulatory: dict[str, Regulatory] = {}
    regimens: dict[str, Regimen] = {}
    max_rate: MaxRate | None = None
    implies: Items | None = None
    cautions: dict[str, Statement] = {}
    conflicts: dict[str, Statement] = {}
    lay_terms: tuple[str, ...] = ()
    specific_terms: tuple[str, ...] = ()
    positions: dict[str, Position] = {}
    evidence: dict[str, Grade] = {}
    benefit: Benefit | None = None
    eligibility: dict[str, Criterion] = {}
    baseline: dict[str, Statement] = {}
    review: dict[str, Review] = {}
    response: dict[str, Statement] = {}
    stopping: dict[str, Statement] = {}
