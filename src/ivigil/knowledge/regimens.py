"""A dose regimen as a label or guideline prints it."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from ivigil.knowledge.facts import Fact, Positive, WholeDays
from ivigil.quantities import HOURS_PER_DAY


class Phase(StrEnum):
    """Which part of a treatment a regimen is for."""

    LOADING = "loading"
    """First high dose that starts a long treatment (induction)."""
    MAINTENANCE = "maintenance"
    """Repeated at an interval."""
    COURSE = "course"
    """One self-contained course, repeated only by a new decision."""


class WeightBasis(StrEnum):
    """Which body weight a g/kg dose is multiplied by."""

    ACTUAL = "actual"
    IDEAL = "ideal"
    ADJUSTED = "adjusted"


class Regimen(Fact):
    """One regimen.

    ``g_per_kg_min`` to ``g_per_kg_max`` is the whole course, that is everything given between two course starts (None as
    lower end: "up to"). ``days_min`` to ``days_max`` is over how many days the course is divided; ``g_per_kg_day`` is a
    printed daily dose (then days x daily = course). ``days_open`` marks a source that prints the whole dose (of a month, of
    a course) and no division into days: the days are then the prescriber's, within policy. ``interval_days_*`` is from course start to course start.
    ``min_duration_h`` is the shortest time over which one infusion is given, where the source prints one. ``deliverable`` is False for
    text that holds no numeric dose.
    """

    phase: Phase
    text: str
    authority: str = ""
    region: str = ""
    g_per_kg_min: Positive | None = None
    g_per_kg_max: Positive | None = None
    g_per_kg_day: Positive | None = None
    max_g_per_kg_day: Positive | None = None
    max_g_day: Positive | None = None
    max_g_course: Positive | None = None
    min_duration_h: Annotated[Decimal, Field(gt=0, le=HOURS_PER_DAY)] | None = None
    days_min: WholeDays = 1
    days_max: WholeDays = 1
    days_open: bool = False
    consecutive: bool = True
    interval_days_min: WholeDays | None = None
    interval_days_max: WholeDays | None = None
    weight_basis: WeightBasis | None = None
    population: str = ""

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        low, high = self.g_per_kg_min, self.g_per_kg_max
        if low is not None and high is None:
            raise ValueError("g_per_kg_min needs g_per_kg_max")
        if low is not None and high is not None and low > high:
            raise ValueError(f"g_per_kg_min {low} is above g_per_kg_max {high}")
        if self.days_min > self.days_max:
            raise ValueError(f"days_min {self.days_min} is above days_max {self.days_max}")
        if self.days_open and (self.days_max > 1 or self.g_per_kg_day is not None):
            raise ValueError("days_open is for a source that prints no days; leave out days_max and g_per_kg_day")
        first, last = self.interval_days_min, self.interval_days_max
        if (first is None) != (last is None):
            raise ValueError("interval_days_min and interval_days_max come together")
        if first is not None and last is not None and first > last:
            raise ValueError(f"interval_days_min {first} is above interval_days_max {last}")
        if self.g_per_kg_day is not None and self.g_per_kg_max is not None:
            if self.days_min != self.days_max or self.g_per_kg_day * self.days_max != self.g_per_kg_max:
                raise ValueError("g_per_kg_day x days must be g_per_kg_max, with one number of days")
        return self
