"""Published measurements of IgG against which the models are shown: what was given, to whom, and what was printed."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, PositiveFloat, model_validator

from ivigil.knowledge.facts import Fact, Record, Terms, Words

#: What is printed, always of total IgG: at steady state trough, peak and mean (g/L), half-life read off the falling
#: curve (days); ``*_ratio`` is one regimen over another, ``ctrough_difference`` one less another (g/L); ``rise`` the
#: level above that before treatment on ``at_day`` (g/L); ``bioavailability`` under the skin.
Quantity = Literal[
    "ctrough",
    "cmax",
    "cavg",
    "half_life_d",
    "ctrough_ratio",
    "cmax_ratio",
    "cavg_ratio",
    "ctrough_difference",
    "rise",
    "bioavailability",
]
#: Quantities that need a second regimen or subject.
COMPARED = frozenset({"ctrough_ratio", "cmax_ratio", "cavg_ratio", "ctrough_difference"})


class Printed(Record):
    """One printed number with its spread between subjects, or only the interval in which it lies."""

    value: PositiveFloat | None = None
    sd: PositiveFloat | None = None
    low: float | None = None
    high: float | None = None
    at_day: PositiveFloat | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.value is None and self.low is None and self.high is None:
            raise ValueError("a printed number has a value, or at least one end of an interval")
        return self


class Observation(Fact):
    """One published group under one regimen.

    ``subject`` are the covariates with which the models are asked; where they were not printed the note says whence they
    are. ``fitted`` are models built on these very patients: their agreement shows the copy right, not the model.
    ``limit`` says what a reader must know where the models disagree with what was printed.
    """

    title: Words
    patients: int | None = Field(default=None, gt=0)
    regimen: Words
    subject: dict[str, float | str | bool]
    baseline_g_per_l: float | None = Field(default=None, ge=0)
    against_regimen: str = ""
    against_subject: dict[str, float | str | bool] = {}
    models: Terms
    fitted: Terms = ()
    printed: dict[Quantity, Printed]
    limit: str = ""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if set(self.printed) & COMPARED and not (self.against_regimen or self.against_subject):
            raise ValueError("a ratio or difference needs against_regimen or against_subject")
        if set(self.fitted) - set(self.models):
            raise ValueError("fitted names models that are asked")
        for name, one in self.printed.items():
            if (name == "rise") != (one.at_day is not None):
                raise ValueError("a rise, and nothing else, has at_day")
        return self


class Agreeing(Fact):
    """From which to which ratio of predicted over printed the two are called alike."""

    low: PositiveFloat
    high: PositiveFloat


class PublishedKinetics(Record):
    """All published groups by id, and what counts as alike."""

    alike: Agreeing
    observations: dict[str, Observation]
