"""When the first review is due: a date, counted from the start by the condition's source or, without one, by policy."""

from __future__ import annotations

import calendar
from datetime import date, timedelta

from ivigil.knowledge.indications import Indication, Review
from ivigil.knowledge.policies import Number, ReviewPolicy
from ivigil.knowledge.regimens import Phase


def first_review_on(start: date, indication: Indication, policy: ReviewPolicy) -> tuple[date, Review | Number]:
    """The last day for the first review, and the fact it rests on.

    A source's own span goes first; of several the shortest. Without one, policy gives some conditions days of their own,
    a single course days and treatment at an interval months.
    """
    dated = [(due, one) for one in indication.review.values() if (due := _due(start, one)) is not None]
    if dated:
        return min(dated, key=lambda row: row[0])
    own = policy.within_days_for.get(indication.id)
    if own is not None:
        return start + timedelta(days=int(own.value)), own
    if any(one.phase is not Phase.COURSE for one in indication.regimens.values()):
        return months_after(start, int(policy.ongoing_within_months.value)), policy.ongoing_within_months
    return start + timedelta(days=int(policy.course_within_days.value)), policy.course_within_days


def _due(start: date, one: Review) -> date | None:
    if one.within_days is not None:
        return start + timedelta(days=one.within_days)
    return None if one.within_months is None else months_after(start, one.within_months)


def months_after(day: date, months: int) -> date:
    """The same day so many months later, or that month's last day if it is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
