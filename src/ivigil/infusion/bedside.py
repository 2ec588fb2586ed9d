"""What a session runs on: one infusion of a signed plan, a protocol, and what a site watches by."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cached_property

from ivigil.errors import BadInput, Blocked
from ivigil.infusion.events import Check
from ivigil.knowledge.policies import MonitoringPolicy
from ivigil.knowledge.protocol import Protocol
from ivigil.prescription.plan import Infusion, Plan, Prescription, Step


@dataclass(frozen=True)
class Bedside:
    """One infusion day of a plan at a chair. Make one with :func:`bedside`."""

    plan: Plan
    ordered: Prescription
    infusion: Infusion
    protocol: Protocol
    monitoring: MonitoringPolicy
    sign_roles: tuple[str, ...]
    quarantined: frozenset[str]

    @property
    def steps(self) -> tuple[Step, ...]:
        """The ladder, lowest rate first."""
        return self.infusion.steps

    @cached_property
    def rates_ml_per_h(self) -> tuple[Fraction, ...]:
        """The pump's rate of each step, as the session counts with it."""
        return tuple(Fraction(step.pump_ml_per_h) for step in self.steps)

    @cached_property
    def first_day(self) -> datetime:
        """The day of the plan begins, by its own clock, or what is planned soon after midnight may: nothing runs before."""
        planned = self.infusion.starts_at
        midnight = planned.replace(hour=0, minute=0, second=0, microsecond=0)
        return min(midnight, planned - timedelta(minutes=self.protocol.early_most.min))

    @cached_property
    def long_pause(self) -> timedelta:
        """From how long a pause on it goes on at the first rate."""
        return timedelta(minutes=self.protocol.long_pause.min)

    @cached_property
    def top_ml_per_h(self) -> Fraction:
        """The highest rate that the plan allows: already below the label's, the policy's and the pump's limit."""
        return max(self.rates_ml_per_h)

    def step_at(self, ml_per_h: Fraction) -> Step | None:
        """The step whose rate has been reached; None below the first."""
        reached = bisect_right(self.rates_ml_per_h, ml_per_h)
        return self.steps[reached - 1] if reached else None

    def rate_above(self, ml_per_h: Fraction) -> Fraction | None:
        """The rate of the next higher step (mL/h); None at the top."""
        above = bisect_right(self.rates_ml_per_h, ml_per_h)
        return self.rates_ml_per_h[above] if above < len(self.rates_ml_per_h) else None

    @cached_property
    def adult(self) -> bool:
        """Whether the protocol's adult figures hold; a patient without a recorded age is not taken for one."""
        age = self.ordered.age_years
        return age is not None and age >= self.protocol.adult_from_years.value

    @cached_property
    def weight_tolerance(self) -> Decimal:
        """How far today's weight may lie from the plan's, as a share."""
        ours = self.protocol.weight_tolerance_adult if self.adult else self.protocol.weight_tolerance_child
        return ours.value

    def within_tolerance(self, weight_kg: Decimal) -> bool:
        """Whether a weight is still that of the plan."""
        planned = self.ordered.weight_kg
        return abs(weight_kg - planned) <= self.weight_tolerance * planned

    def checks(self, setting: str) -> frozenset[Check]:
        """What must be confirmed before the start."""
        return self._checks["all"] | self._checks.get(setting, frozenset())

    @cached_property
    def _checks(self) -> dict[str, frozenset[Check]]:
        return {name: frozenset(map(Check, row.items)) for name, row in self.protocol.checks.items()}

    @cached_property
    def opened_g(self) -> Decimal:
        """Grams in all vials that the plan opens."""
        return sum((vial.size_g * vial.count for vial in self.infusion.vials), Decimal(0))

    @cached_property
    def dose_ml(self) -> Fraction:
        """The volume of the whole dose."""
        return Fraction(self.infusion.total_ml)

    @cached_property
    def enough_ml(self) -> Fraction:
        """From which volume on the dose counts as given."""
        return self.dose_ml * (1 - Fraction(self.protocol.complete_within.value))

    @property
    def first_pattern(self) -> bool:
        """Whether the slower ladder and the longer watching hold."""
        return self.infusion.pattern != "experienced"

    def watch_every(self, *, at_top: bool, reacting: bool) -> timedelta:
        """How often vital signs are due while it runs."""
        policy = self.monitoring
        if reacting or not at_top:
            return timedelta(minutes=int(policy.until_max_every_min.value))
        later = policy.after_max_every_min_first if self.first_pattern else policy.after_max_every_min_experienced
        return timedelta(minutes=int(later.value))

    def hold(self, ml_per_h: Fraction) -> timedelta:
        """How long the present rate is held at least before the next step."""
        reached = self.step_at(ml_per_h) or self.steps[0]
        return timedelta(minutes=reached.duration_min)

    def whole_hold(self, ml_per_h: Fraction) -> timedelta:
        """How long a rate runs until what ran before it counts no more; the top, which runs to the end, as the longest below."""
        held = self.steps[:-1] or self.steps
        return min(self.hold(ml_per_h), max(timedelta(minutes=step.duration_min) for step in held))

    @cached_property
    def grace(self) -> timedelta:
        """How late vital signs may be before they are overdue."""
        return timedelta(minutes=self.protocol.observing.grace.min)

    @staticmethod
    def minutes(value: Decimal | int) -> timedelta:
        """A policy's minutes."""
        return timedelta(minutes=int(value))

    @cached_property
    def watch_after(self) -> timedelta:
        """How long the patient is watched after the end."""
        policy = self.monitoring
        after = policy.after_end_min_first if self.first_pattern else policy.after_end_min_experienced
        return timedelta(minutes=int(after.value))


def bedside(
    plan: Plan,
    number: int,
    protocol: Protocol,
    monitoring: MonitoringPolicy,
    sign_roles: tuple[str, ...],
    quarantined: frozenset[str] = frozenset(),
) -> Bedside:
    """One day of a plan.

    Args:
        plan: a plan that was checked.
        number: which of its infusions, from 1.
        protocol: what is done at the chair.
        monitoring: how often one looks.
        sign_roles: who may sign a plan.
        quarantined: lots that must not be hung.

    Raises:
        Blocked: the plan prescribes nothing.
        BadInput: it has no such infusion.
    """
    if plan.prescription is None or plan.status != "planned":
        raise Blocked("status", plan.status, "A blocked plan is not infused.", "Resolve what blocks it and plan again.")
    found = next((one for one in plan.infusions if one.number == number), None)
    if found is None:
        days = ", ".join(str(one.number) for one in plan.infusions)
        raise BadInput("--infusion", number, f"The plan has the infusions {days}.", "Give one of them.")
    return Bedside(plan, plan.prescription, found, protocol, monitoring, sign_roles, quarantined)
