"""The infusions of one product on one schedule, up to the first at the full dose under its last limits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from math import ceil

from ivigil.findings import Finding
from ivigil.knowledge.policies import DosePolicy
from ivigil.knowledge.products import Product
from ivigil.knowledge.subcutaneous import Factor, RampUp
from ivigil.prescription.needs import planned_concentration
from ivigil.prescription.reasons import blocks
from ivigil.prescription.subcutaneous.conversion import WeeklyGrams, to_milligrams
from ivigil.prescription.subcutaneous.intravenous import figure
from ivigil.prescription.subcutaneous.plan import SubcutaneousInfusion
from ivigil.prescription.subcutaneous.schedule import Cycle
from ivigil.prescription.subcutaneous.sites import MOST_INFUSIONS, TENTHS, Limits, SiteRules, run_sites, share_out
from ivigil.prescription.vials import Day, DoseWindow, choose_vials
from ivigil.quantities import DAYS_PER_WEEK, ml_from_g, tenths_down


@dataclass(frozen=True)
class Work:
    """Everything that the infusions are made from. ``ml_per_g`` is the label's own count of volume, if it has one."""

    product: Product
    ml_per_g: Factor | None
    rules: SiteRules
    cycle: Cycle
    weekly: WeeklyGrams
    ramp: RampUp | None
    first_on: date
    start: datetime
    policy: DosePolicy

    def infusions(self) -> tuple[SubcutaneousInfusion, ...] | Finding:
        """Every infusion up to the first one at the full dose under the last limits, or why they cannot be given."""
        made: list[SubcutaneousInfusion] = []
        last = self.rules.last()
        for number in range(1, MOST_INFUSIONS + 1):
            weeks, day = self._dose_weeks(number)
            limits = self.rules.at(number, day)
            one = self._infusion(number, day, weeks, limits)
            if isinstance(one, Finding):
                return one
            made.append(one)
            full = self.ramp is None or number >= len(self.ramp.steps)
            if full and limits.alike(last) and number >= self.cycle.infusions:
                break
        return tuple(made)

    def _dose_weeks(self, number: int) -> tuple[int | None, int]:
        """Weeks' worth of the dose (None outside a ramp-up), and days from the first infusion."""
        if self.ramp is None:
            return None, self.cycle.day_of(number)
        steps = self.ramp.steps
        at = steps[min(number, len(steps)) - 1]
        beyond = max(number - len(steps), 0) * self.ramp.interval_days
        return at.dose_weeks, (at.week - 1) * DAYS_PER_WEEK + beyond

    def _infusion(self, number: int, day: int, weeks: int | None, limits: Limits) -> SubcutaneousInfusion | Finding:
        of_a_cycle = Fraction(self.cycle.days, DAYS_PER_WEEK * self.cycle.infusions)
        prescribed_g = to_milligrams(self.weekly.grams * (of_a_cycle if weeks is None else weeks))
        vials = self._vials(prescribed_g)
        if vials is None:
            percent = f"{(self.policy.tolerance_fraction.value * 100).normalize():f} %"
            return blocks(
                "vials-outside-tolerance",
                f"No whole vials of {self.product.brand} come within {percent} of {figure(prescribed_g)} g.",
                "Choose another schedule or product.",
            )
        given_g = to_milligrams(Fraction(vials.given_g))
        total = self._volume_tenths(given_g)
        sites = max(ceil(total / int(limits.site_ml * TENTHS)), 1)
        total_ml = Decimal(total) / TENTHS
        refused = self._too_much(number, sites, total_ml, limits)
        if refused is not None:
            return refused
        volumes = share_out(total, sites)
        planned, highest = self.rules.rates(limits, sites)
        steps = run_sites(volumes[0], planned, limits.rate, highest)
        together = self.rules.table.all_sites
        return SubcutaneousInfusion(
            number=number,
            starts_at=self.start + timedelta(days=(self.first_on - self.start.date()).days + day),
            dose_weeks=weeks,
            prescribed_g=prescribed_g,
            dose_g=given_g,
            vials=vials.vials,
            waste_g=to_milligrams(Fraction(vials.waste_g)),
            total_ml=total_ml,
            sites=sites,
            site_volumes_ml=volumes,
            max_ml_per_site=limits.site_ml,
            ml_per_h_per_site=planned,
            max_ml_per_h_per_site=highest,
            ml_per_h_all_sites=planned * sites,
            steps=steps,
            duration_min=sum(step.duration_min for step in steps),
            sources=tuple(dict.fromkeys((*limits.sources, *(together.src if together else ())))),
        )

    def _too_much(self, number: int, sites: int, total_ml: Decimal, limits: Limits) -> Finding | None:
        """Why a volume cannot be given: more sites than allowed, or more than a day takes."""
        most, day_ml = self.rules.table.max_sites, self.rules.table.day
        allowed = 1 if most is None else most.count
        volume = f"{figure(total_ml)} mL of {self.product.brand}"
        remedy = "Divide the dose over more infusions, or choose another product."
        if sites > allowed:
            how_many = f"{allowed} at a time are allowed." if most else "how many at a time was not read."
            return blocks(
                "too-many-sites",
                f"{volume} at infusion {number} needs {sites} sites of at most {figure(limits.site_ml)} mL; {how_many}",
                remedy,
                sources=() if most is None else most.src,
            )
        if day_ml is not None and total_ml > day_ml.ml:
            text = f"{volume} is more than the {figure(day_ml.ml)} mL of one day."
            return blocks("too-much-for-a-day", text, remedy, sources=day_ml.src)
        return None

    def _vials(self, prescribed_g: Decimal) -> Day | None:
        sizes = self.product.vials.sizes_g if self.product.vials else ()
        # A dose per kg that a label prints is not exceeded by rounding; a converted one is a first guess by the formula.
        labelled = self.weekly.regimen is not None
        largest = prescribed_g if labelled else prescribed_g * (1 + self.policy.tolerance_fraction.value)
        window = DoseWindow.around(prescribed_g, largest, self.policy)
        days = choose_vials(sizes, window, 1, self.policy.part_vial_below_g.value, self._g_per_ml, None)
        return None if days is None else days[0]

    @property
    def _g_per_ml(self) -> Decimal:
        """As the label counts a gram's volume, else the concentration."""
        if self.ml_per_g is not None:
            return 1 / self.ml_per_g.factor
        return self.product.concentrations[planned_concentration(self.product)].g_per_ml

    def _volume_tenths(self, dose_g: Decimal) -> int:
        volume = ml_from_g(dose_g, self._g_per_ml) if self.ml_per_g is None else dose_g * self.ml_per_g.factor
        return int(tenths_down(volume) * TENTHS)
