"""What one site takes at each infusion, how a volume is shared out, and how fast it runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import ceil
from typing import TypeVar

from ivigil.knowledge.facts import Fact
from ivigil.knowledge.policies import SubcutaneousPolicy
from ivigil.knowledge.subcutaneous import SiteRate, SiteTable, SiteVolume
from ivigil.prescription.subcutaneous.plan import RateStep
from ivigil.quantities import DAYS_PER_WEEK, MIN_PER_H, tenths_down

TENTHS = 10
#: Printed ramps are over long before; a bound for the search, not a rule.
MOST_INFUSIONS = 400

LimitRow = TypeVar("LimitRow", SiteVolume, SiteRate)


@dataclass(frozen=True)
class Limits:
    """What holds at one infusion: mL and mL/h for one site in whole tenths, and the rate row they come from."""

    site_ml: Decimal
    max_ml_per_h: Decimal
    rate: SiteRate
    sources: tuple[str, ...]

    def alike(self, other: Limits) -> bool:
        """Whether the other allows the same."""
        return (self.site_ml, self.max_ml_per_h) == (other.site_ml, other.max_ml_per_h)


@dataclass(frozen=True)
class Pace:
    """So much more volume for a site (mL) every so many weeks, so much more rate (mL/h) at each infusion."""

    every_weeks: int
    add_ml: Decimal
    add_ml_per_h: Decimal


@dataclass(frozen=True)
class SiteRules:
    """A label's limits for one band of age or weight under a policy; ``at_risk`` is the patient's."""

    table: SiteTable
    policy: SubcutaneousPolicy
    at_risk: bool

    @property
    def stay_at_first(self) -> bool:
        """Whether the first infusion's limits hold throughout."""
        return self.at_risk and self.policy.at_risk_limits.value != "label"

    @property
    def pace(self) -> Pace | None:
        """How fast limits grow, by policy within what is printed; None where the label prints no growth."""
        growth = self.table.growth
        if growth is None:
            return None
        slow, fast = (0, 1) if self.policy.growth.value != "fastest" else (1, 0)
        return Pace(growth.every_weeks[fast], growth.add_ml_per_site[slow], growth.add_ml_per_h_per_site[slow])

    def at(self, number: int, day: int) -> Limits:
        """The limits of an infusion, ``day`` days after the first."""
        at = 1 if self.stay_at_first else number
        volume, rate = _row(self.table.volume, at), _row(self.table.rate, at)
        site_ml, max_rate = volume.ml_per_site, rate.ml_per_h_per_site
        facts: list[Fact] = [volume, rate]
        pace = self.pace
        if pace is not None and self.table.growth is not None:
            facts.append(self.table.growth)
            grown = day // (pace.every_weeks * DAYS_PER_WEEK)
            steps = at - rate.from_infusion + 1 if rate.from_infusion > 1 else 0
            site_ml = min(site_ml, _row(self.table.volume, 1).ml_per_site + pace.add_ml * grown)
            max_rate = min(max_rate, _row(self.table.rate, 1).ml_per_h_per_site + pace.add_ml_per_h * steps)
        caps = [
            cap
            for cap in self.table.caps.values()
            if cap.from_infusion <= at and (cap.to_infusion is None or at <= cap.to_infusion)
        ]
        site_ml = min((site_ml, *(cap.ml_per_site for cap in caps)))
        return Limits(tenths_down(site_ml), tenths_down(max_rate), rate, cited(*facts, *caps))

    def last(self) -> Limits:
        """The limits that no later infusion changes: every row open, every growth done, every ending cap over."""
        if self.stay_at_first:
            return self.at(1, 0)
        volume, rate = _row(self.table.volume, MOST_INFUSIONS), _row(self.table.rate, MOST_INFUSIONS)
        caps = [cap.ml_per_site for cap in self.table.caps.values() if cap.to_infusion is None]
        site_ml = min((volume.ml_per_site, *caps))
        return Limits(tenths_down(site_ml), tenths_down(rate.ml_per_h_per_site), rate, ())

    def rates(self, limits: Limits, sites: int) -> tuple[Decimal, Decimal]:
        """The planned and the highest rate at one site (mL/h), within the limit of all sites together."""
        together = self.table.all_sites
        highest = limits.max_ml_per_h
        if together is not None:
            highest = min(highest, tenths_down(together.ml_per_h / sites))
        low = limits.rate.start_ml_per_h_per_site
        if low is None or self.policy.within_range.value == "highest":
            return highest, highest
        return min(tenths_down(low), highest), highest


def _row(rows: Mapping[str, LimitRow], number: int) -> LimitRow:
    """The row that holds at an infusion."""
    return max((one for one in rows.values() if one.from_infusion <= number), key=lambda one: one.from_infusion)


def share_out(total_tenths: int, sites: int) -> tuple[Decimal, ...]:
    """A volume (whole tenths of mL) over sites as evenly as tenths allow, the fuller ones first."""
    each, over = divmod(total_tenths, sites)
    return tuple(Decimal(each + (place < over)) / TENTHS for place in range(sites))


def run_sites(
    site_ml: Decimal, planned_ml_per_h: Decimal, rate: SiteRate, highest_ml_per_h: Decimal
) -> tuple[RateStep, ...]:
    """The steps at the fullest site: a printed ladder up to the highest rate allowed, or one rate to the end."""
    if rate.step_min is None:
        return (
            RateStep(ml_per_h_per_site=planned_ml_per_h, duration_min=_minutes(Fraction(site_ml), planned_ml_per_h)),
        )
    left = Fraction(site_ml)
    steps: list[RateStep] = []
    for ml_per_h in rate.steps_ml_per_h_per_site[:-1]:
        at = min(ml_per_h, highest_ml_per_h)
        needed = _minutes(left, at)
        if needed <= rate.step_min:
            return (*steps, RateStep(ml_per_h_per_site=at, duration_min=needed))
        steps.append(RateStep(ml_per_h_per_site=at, duration_min=rate.step_min))
        left -= Fraction(at) * rate.step_min / MIN_PER_H
    return (*steps, RateStep(ml_per_h_per_site=highest_ml_per_h, duration_min=_minutes(left, highest_ml_per_h)))


def _minutes(volume_ml: Fraction, ml_per_h: Decimal) -> int:
    return ceil(volume_ml * MIN_PER_H / Fraction(ml_per_h))


def cited(*facts: Fact) -> tuple[str, ...]:
    """The sources of facts, each once."""
    return tuple(dict.fromkeys(name for fact in facts for name in fact.src))
