"""What one region's label says about starting under the skin: dose from the intravenous one, sites, volumes, rates.

A factor, a limit and a ramp-up belong to one product, one use and one label version. Keys are those that an overlay
guards: what stands under ``conversion`` or ``rates`` permits, and must have been read by two people.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Self

from pydantic import model_validator

from ivigil.knowledge.facts import Count, Fact, Items, Record, Statement
from ivigil.quantities import DAYS_PER_WEEK


class Factor(Fact):
    """The number by which the weekly share of the intravenous dose is multiplied."""

    factor: Decimal

    @model_validator(mode="after")
    def _positive(self) -> Self:
        if self.factor <= 0:
            raise ValueError("a factor must be positive")
        return self


class SupersededFactor(Factor):
    """A factor of an earlier label that still circulates. It never doses; it is shown as superseded."""

    until: str = ""


class WeeklyDose(Fact):
    """A dose per kg and week that a label prints instead of a factor; ``days_max`` sessions on consecutive days."""

    g_per_kg_week: Decimal
    days_max: int = 1
    text: str
    population: str = ""


class Intervals(Fact):
    """How often: whole days from infusion to infusion, or up to ``per_week_max`` infusions a week."""

    days: tuple[int, ...]
    per_week_max: int = 1


class StartAfter(Fact):
    """Days from the last intravenous infusion to the first under the skin, for intervals up to so many days."""

    up_to_interval_days: int
    min_days: int
    max_days: int

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not 0 < self.min_days <= self.max_days:
            raise ValueError("min_days must be positive and not above max_days")
        return self


class RampStep(Record):
    """One infusion of a ramp-up: in which week, and how many weeks' worth of the dose."""

    week: int
    dose_weeks: int


class RampUp(Fact):
    """How the full dose of one interval is reached: the last step is the full dose, then every ``interval_days``."""

    interval_days: int
    steps: tuple[RampStep, ...]

    @model_validator(mode="after")
    def _rises(self) -> Self:
        weeks, doses = [step.week for step in self.steps], [step.dose_weeks for step in self.steps]
        if weeks != sorted(set(weeks)) or doses != sorted(set(doses)) or weeks[:1] != [1]:
            raise ValueError("a ramp-up begins in week 1 and rises in week and dose")
        if doses[-1] * DAYS_PER_WEEK != self.interval_days:
            raise ValueError("the last step of a ramp-up is the dose of the whole interval")
        return self


class FromIntravenous(Record):
    """From the intravenous treatment to the first weeks under the skin.

    ``ramp_up_required`` says that the label wants a ramp-up: without one that was read nothing is planned. ``ml_per_g``
    is the volume of a gram as the label counts it.
    """

    factor: Factor | None = None
    superseded: dict[str, SupersededFactor] = {}
    regimens: dict[str, WeeklyDose] = {}
    intervals: Intervals | None = None
    start: dict[str, StartAfter] = {}
    ramp_up_required: Statement | None = None
    ramp_up: dict[str, RampUp] = {}
    ml_per_g: Factor | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.factor is not None and self.regimens:
            raise ValueError("a label converts by a factor or prints a dose per kg, not both")
        return self


class SiteVolume(Fact):
    """The most one site takes (mL), from one infusion on; ``to_infusion`` only for a cap that ends."""

    from_infusion: int = 1
    to_infusion: int | None = None
    ml_per_site: Decimal


class SiteRate(Fact):
    """The highest rate at one site (mL/h), from one infusion on.

    ``start_ml_per_h_per_site`` is the lower end where a range is printed; ``steps_ml_per_h_per_site`` a printed ladder
    whose steps last ``step_min`` each, the last to the end.
    """

    from_infusion: int = 1
    ml_per_h_per_site: Decimal
    start_ml_per_h_per_site: Decimal | None = None
    steps_ml_per_h_per_site: tuple[Decimal, ...] = ()
    step_min: int | None = None

    @model_validator(mode="after")
    def _within(self) -> Self:
        steps = self.steps_ml_per_h_per_site
        if bool(steps) != (self.step_min is not None):
            raise ValueError("steps and step_min come together")
        if steps and (list(steps) != sorted(steps) or steps[-1] != self.ml_per_h_per_site):
            raise ValueError("a ladder rises to the highest rate")
        if self.start_ml_per_h_per_site is not None and self.start_ml_per_h_per_site > self.ml_per_h_per_site:
            raise ValueError("the lower end of a range is not above its upper end")
        return self


class Growth(Fact):
    """How a limit may grow towards the later one, as printed: the least and the most of each.

    So much volume every so many weeks, so much rate at each infusion; policy chooses between the ends.
    """

    add_ml_per_site: tuple[Decimal, Decimal]
    every_weeks: tuple[int, int]
    add_ml_per_h_per_site: tuple[Decimal, Decimal]

    @model_validator(mode="after")
    def _ranges(self) -> Self:
        for low, high in (self.add_ml_per_site, self.every_weeks, self.add_ml_per_h_per_site):
            if not 0 < low <= high:
                raise ValueError("a range of growth is positive and rises")
        return self


class AllSites(Fact):
    """The highest rate over all sites together (mL/h): a restriction."""

    ml_per_h: Decimal


class DayVolume(Fact):
    """The most that may be given on one day (mL): a restriction."""

    ml: Decimal


class SiteTable(Record):
    """Limits for one band of age or weight. ``caps`` are stricter volumes read elsewhere: they always apply."""

    from_age_years: Decimal | None = None
    below_age_years: Decimal | None = None
    from_kg: Decimal | None = None
    below_kg: Decimal | None = None
    volume: dict[str, SiteVolume] = {}
    rate: dict[str, SiteRate] = {}
    caps: dict[str, SiteVolume] = {}
    growth: Growth | None = None
    max_sites: Count | None = None
    all_sites: AllSites | None = None
    day: DayVolume | None = None

    def holds_for(self, age_years: Decimal, weight_kg: Decimal) -> bool:
        """Whether this band is the patient's."""
        return (
            (self.from_age_years is None or age_years >= self.from_age_years)
            and (self.below_age_years is None or age_years < self.below_age_years)
            and (self.from_kg is None or weight_kg >= self.from_kg)
            and (self.below_kg is None or weight_kg < self.below_kg)
        )


class Previous(Fact):
    """How long regular intravenous treatment must have gone before (months): a restriction."""

    months: int


class Naive(Fact):
    """Whether the label lets somebody start who never had immunoglobulin, and how, in its own words."""

    permitted: bool
    text: str
    g_per_kg_day: Decimal | None = None
    days: int | None = None
    g_per_kg_week: Decimal | None = None
    weekly_from_day: int | None = None


class Spacing(Fact):
    """The least distance between two sites (cm)."""

    cm: Decimal


class SubcutaneousUse(Record):
    """One labelled use under the skin; its key is that of the same label's ``uses``, where condition and age stand."""

    conversion: FromIntravenous
    rates: dict[str, SiteTable] = {}
    previous: Previous | None = None
    naive: Naive | None = None
    trough: dict[str, Statement] = {}


class SubcutaneousLabel(Record):
    """What a label says about infusing under the skin.

    ``never_for`` are indications in which it must not be done, ``never_with`` conditions of the patient (vocabulary
    words) with which it must not, whatever it is given for.
    """

    uses: dict[str, SubcutaneousUse]
    never_for: Items | None = None
    never_with: Items | None = None
    where: Statement | None = None
    spacing: Spacing | None = None
    training: dict[str, Statement] = {}
