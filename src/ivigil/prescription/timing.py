"""Whether the infusions of a plan have the time they need: how long each runs, what follows it, what went before."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from ivigil.findings import Finding, MayBe, Severity
from ivigil.knowledge.policies import DosePolicy, RatePolicy
from ivigil.knowledge.products import Product, Route
from ivigil.knowledge.regimens import Regimen
from ivigil.patient import ProductHistory
from ivigil.prescription.plan import Infusion
from ivigil.quantities import MIN_PER_H

SLOWER_THAN_NEEDED = "Raise the ceiling if that is safe, or divide the dose over more days."


def about_durations(
    infusions: Sequence[Infusion], next_course_at: datetime | None, product: Product, policy: RatePolicy
) -> Iterable[Finding]:
    """What is to be said of the longest infusion, and of the first whose observation ends after the next one starts.

    Args:
        infusions: of the course, in order.
        next_course_at: when the next course begins, None if it is not repeated at an interval.
        product: whose label may print a time in use.
        policy: how long a session and an infusion may be.
    """
    if infusions:
        yield from _length(max(infusions, key=lambda one: one.duration_min), product, policy)
    starts = [*(one.starts_at for one in infusions), next_course_at]
    for infusion, follows_at in zip(infusions, starts[1:], strict=True):
        over_at = infusion.starts_at + timedelta(minutes=max(infusion.vitals_due_min))
        if follows_at is not None and over_at > follows_at:
            yield Finding(
                code="infusions-overlap",
                severity=Severity.BLOCKS,
                text=f"Infusion {infusion.number} runs {_hours(infusion.duration_min)} and is observed until {over_at:%Y-%m-%d %H:%M}, "
                f"after the next one starts ({follows_at:%Y-%m-%d %H:%M}).",
                remedy=SLOWER_THAN_NEEDED,
            )
            return


def _length(infusion: Infusion, product: Product, policy: RatePolicy) -> Iterable[Finding]:
    minutes, longest, in_use = infusion.duration_min, policy.longest_infusion_min, product.administration.in_use
    runs = f"Infusion {infusion.number} runs {_hours(minutes)}"
    if minutes > longest.value:
        yield Finding(
            code="infusion-too-long",
            severity=Severity.BLOCKS,
            text=f"{runs}; by policy nothing hangs for more than {_hours(int(longest.value))}.",
            remedy=SLOWER_THAN_NEEDED,
            sources=longest.src,
        )
    elif minutes > policy.long_session_min.value:
        yield Finding(
            code="infusion-long",
            severity=Severity.WARNS,
            text=f"{runs}, longer than the {_hours(int(policy.long_session_min.value))} that policy counts as one session.",
            remedy="Plan staff or a bed for it, or divide the dose over more days.",
            sources=policy.long_session_min.src,
        )
    if in_use is not None and minutes > in_use.min:
        yield Finding(
            code="in-use-time-exceeded",
            severity=Severity.BLOCKS,
            may_be=MayBe.OVERRIDDEN,
            text=f"{runs}; a prepared infusion of {product.brand} lasts {_hours(in_use.min)} at most. {in_use.note}".strip(),
            remedy="Divide the dose over more days, or hang it in parts prepared one after the other and override with that reason.",
            sources=in_use.src,
        )


def about_last_infusion(
    history: Sequence[ProductHistory],
    products: Sequence[Product],
    regimen: Regimen,
    start: datetime,
    policy: DosePolicy,
) -> Iterable[Finding]:
    """Whether a course begins too soon after the last immunoglobulin given into a vein.

    Args:
        history: what the patient was given; what was given under the skin does not count.
        products: to know the route of what was given.
        regimen: its shortest interval, where it has one, is the time to wait.
        start: when the course begins.
        policy: the share of that interval, or the days where there is none, below which a prescriber must say so.
    """
    under_skin = {product.id for product in products if product.route is not Route.IV}
    last = max((one.last_given_at for one in history if one.product not in under_skin), default=None)
    if last is None:
        return
    days, low = (start.date() - last.astimezone(start.tzinfo).date()).days, regimen.interval_days_min
    least = policy.course_gap_days.value if low is None else low * policy.interval_least_fraction.value
    since = f"The last infusion of immunoglobulin was {days} day(s) before this course"
    if days < least:
        rule = policy.course_gap_days if low is None else policy.interval_least_fraction
        expected = (
            f"policy waits {least.normalize():f} days"
            if low is None
            else f"half of the source's shortest interval is {least.normalize():f} days"
        )
        yield Finding(
            code="course-too-soon",
            severity=Severity.BLOCKS,
            may_be=MayBe.OVERRIDDEN,
            text=f"{since}; {expected}. A whole course now may be the same course twice.",
            remedy="Check what was given. If more is meant, a prescriber confirms it with the reason.",
            sources=rule.src,
        )
    elif low is not None and days < low:
        yield Finding(
            code="course-early",
            severity=Severity.WARNS,
            text=f"{since}; the source's shortest interval is {low} days.",
            remedy="Check that the earlier date is meant.",
            sources=regimen.src,
        )


def _hours(minutes: int) -> str:
    return f"{minutes // MIN_PER_H} h" + (f" {minutes % MIN_PER_H} min" if minutes % MIN_PER_H else "")
