"""What a session runs on: one infusion of a signed plan, a protocol, and what a site watches by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

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
    quarantined: frozenset[str]
    roles: frozenset[str]

    @property
    def steps(self) -> tuple[Step, ...]:
        """The ladder, lowest rate first."""
        return self.infusion.steps

    @property
    def top_ml_per_h(self) -> Fraction:
        """The highest rate that the plan allows: already below the label's, the policy's and the pump's limit."""
        return max(Fraction(step.pump_ml_per_h) for step in self.steps)

    def step_at(self, ml_per_h: Fraction) -> Step | None:
        """The step whose rate has been reached; None below the first."""
        reached = [step for step in self.steps if Fraction(step.pump_ml_per_h) <= ml_per_h]
        return reached[-1] if reached else None

    def step_above(self, ml_per_h: Fraction) -> Step | None:
        """The next higher step; None at the top."""
        return next((step for step in self.steps if Fraction(step.pump_ml_per_h) > ml_per_h), None)

    @property
    def adult(self) -> bool:
        """Whether the protocol's adult figures hold; a patient without a recorded age is not taken for one."""
        age = self.ordered.age_years
        return age is not None and age >= self.protocol.adult_from_years.value

    @property
    def weight_tolerance(self) -> Decimal:
        """How far today's weight may lie from the plan's, as a share."""
        ours = self.protocol.weight_tolerance_adult if self.adult else self.protocol.weight_tolerance_child
        return ours.value

    def checks(self, setting: str) -> frozenset[Check]:
        """What must be confirmed before the start."""
        rows = [self.protocol.checks[name].items for name in ("all", setting) if name in self.protocol.checks]
        return frozenset(Check(item) for row in rows for item in row)

    @property
    def opened_g(self) -> Decimal:
        """Grams in all vials that the plan opens."""
        return sum((vial.size_g * vial.count for vial in self.infusion.vials), Decimal(0))

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

    @property
    def grace(self) -> timedelta:
        """How late vital signs may be before they are overdue."""
        return timedelta(minutes=self.protocol.observing.grace.min)

    @staticmethod
    def minutes(value: Decimal | int) -> timedelta:
        """A policy's minutes."""
        return timedelta(minutes=int(value))

    @staticmethod
    def exactly(ml_per_h: Decimal) -> Fraction:
        """A rate of the plan as the session counts with it."""
        return Fraction(ml_per_h)

    @property
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
    roles: tuple[str, ...],
    quarantined: frozenset[str] = frozenset(),
) -> Bedside:
    """One day of a plan.

    Args:
        plan: a plan that was checked.
        number: which of its infusions, from 1.
        protocol: what is done at the chair.
        monitoring: how often one looks.
        roles: who may write in a session.
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
    return Bedside(plan, plan.prescription, found, protocol, monitoring, quarantined, frozenset(roles))
