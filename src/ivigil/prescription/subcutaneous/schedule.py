"""When: the schedules a label allows, best first, and the day of the first infusion."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from ivigil.findings import Finding, MayBe, Severity
from ivigil.knowledge.facts import Fact
from ivigil.knowledge.products import Product
from ivigil.knowledge.subcutaneous import StartAfter, SubcutaneousUse, WeeklyDose
from ivigil.patient import ProductHistory
from ivigil.prescription.reasons import blocks
from ivigil.prescription.request import Formulary
from ivigil.prescription.subcutaneous.asked import Start
from ivigil.prescription.subcutaneous.intravenous import Intravenous, last_intravenous
from ivigil.quantities import DAYS_PER_WEEK


@dataclass(frozen=True)
class Cycle:
    """``infusions`` in every ``days``: on consecutive days, or as evenly as whole days allow."""

    days: int
    infusions: int = 1
    consecutive: bool = False

    def day_of(self, number: int) -> int:
        """Days from the first infusion to the one of this number (the first is 1)."""
        whole, rest = divmod(number - 1, self.infusions)
        return whole * self.days + (rest if self.consecutive else rest * self.days // self.infusions)

    @property
    def shown(self) -> str:
        """In words."""
        if self.infusions == 1:
            return "weekly" if self.days == DAYS_PER_WEEK else f"every {self.days} days"
        return f"{self.infusions} times a week" + (", on consecutive days" if self.consecutive else "")


def cycles(
    product: Product,
    sc: SubcutaneousUse,
    regimen: WeeklyDose | None,
    asked: Start,
    iv: Intravenous | None,
    formulary: Formulary,
) -> tuple[Cycle, ...] | Finding:
    """The schedules to try, best first; none if what they rest on is missing; or why the one asked for is refused."""
    intervals = sc.conversion.intervals
    if intervals is None:
        return ()
    wanted, times, days = asked.request.interval_days, asked.times_per_week, asked.request.days
    weekly, daily = DAYS_PER_WEEK in intervals.days, intervals.per_week_max >= DAYS_PER_WEEK
    sessions = regimen.days_max if regimen is not None else 1
    most = max(intervals.per_week_max, sessions)
    if (
        (wanted is not None and wanted not in intervals.days and not (wanted == 1 and daily))
        or (times is not None and (not weekly or times > most))
        or (days is not None and days > sessions)
    ):
        return _not_printed(product, sc, most)
    if wanted == 1 and 1 not in intervals.days:
        return (Cycle(DAYS_PER_WEEK, DAYS_PER_WEEK),)
    if regimen is not None and wanted in {None, DAYS_PER_WEEK}:
        asked_for = days or times
        tried = range(1, sessions + 1) if asked_for is None else (asked_for,)
        return tuple(Cycle(DAYS_PER_WEEK, n, consecutive=n > 1) for n in tried)
    if times is not None:
        return (Cycle(DAYS_PER_WEEK, times),)
    if wanted is not None:
        return (Cycle(wanted),)
    if weekly:
        more_often = formulary.policies.subcutaneous.sites_run_out.value == "more_often"
        return tuple(Cycle(DAYS_PER_WEEK, n) for n in range(1, (intervals.per_week_max if more_often else 1) + 1))
    if iv is None:
        return ()
    return (Cycle(iv.interval_days),) if iv.interval_days in intervals.days else _not_printed(product, sc, most)


def _not_printed(product: Product, sc: SubcutaneousUse, most: int) -> Finding:
    intervals = sc.conversion.intervals
    printed = ", ".join(str(days) for days in intervals.days) if intervals else ""
    often = f", or up to {most} times a week" if most > 1 else ""
    return blocks(
        "interval-not-labelled",
        f"The label of {product.brand} prints infusions every {printed} days{often} for this use.",
        "Name one of them with --interval-days, --times-per-week or --days.",
        sources=intervals.src if intervals else (),
    )


def first_day(
    product: Product, sc: SubcutaneousUse, cycle: Cycle, asked: Start, formulary: Formulary
) -> tuple[date, tuple[Finding, ...]]:
    """The day of the first infusion, and what is to be said about it."""
    given, last = asked.request.start.date(), last_intravenous(asked, formulary)
    row = start_row(sc, cycle)
    if last is None:
        return given, (_not_checked(product, row, last, formulary),)
    unread = formulary.policies.subcutaneous.days_after_iv_unread
    waits = int(unread.value) if row is None else row.min_days
    earliest = last.last_given_at.date() + timedelta(days=waits)
    said = [] if row is not None else [_not_checked(product, row, last, formulary)]
    first = given if asked.start_given else max(earliest, given)
    if first < earliest:
        said.append(_too_early(product, row, unread, earliest, waits))
    if row is not None:
        latest = last.last_given_at.date() + timedelta(days=row.max_days)
        if first > latest:
            said.append(_late(product, row, first, latest))
    return first, tuple(said)


def start_row(sc: SubcutaneousUse, cycle: Cycle) -> StartAfter | None:
    """The label's days from the last intravenous infusion to the first of this schedule."""
    interval = cycle.days if cycle.infusions == 1 else DAYS_PER_WEEK
    rows = [one for one in sc.conversion.start.values() if one.up_to_interval_days >= interval]
    return min(rows, key=lambda one: one.up_to_interval_days, default=None)


def _window(row: StartAfter) -> str:
    return f"{row.min_days} days" if row.min_days == row.max_days else f"{row.min_days} to {row.max_days} days"


def _too_early(product: Product, row: StartAfter | None, unread: Fact, earliest: date, waits: int) -> Finding:
    whose = f"The label of {product.brand} starts {_window(row)}" if row else f"Policy starts {waits} days"
    return blocks(
        "start-too-early",
        f"{whose} after the last intravenous infusion, on {earliest.isoformat()} at the earliest.",
        f"Plan with --start {earliest.isoformat()}, or have a prescriber override it with the reason.",
        MayBe.OVERRIDDEN,
        row.src if row else unread.src,
    )


def _late(product: Product, row: StartAfter, first: date, latest: date) -> Finding:
    return Finding(
        code="start-late",
        severity=Severity.WARNS,
        text=f"The label of {product.brand} starts {_window(row)} after the last intravenous infusion, by {latest.isoformat()}; {first.isoformat()} is later.",
        remedy="Judge by trough and symptoms whether another intravenous infusion is needed first.",
        sources=row.src,
    )


def _not_checked(
    product: Product, row: StartAfter | None, last: ProductHistory | None, formulary: Formulary
) -> Finding:
    unread = formulary.policies.subcutaneous.days_after_iv_unread
    text = (
        f"How long after the last intravenous infusion {product.brand} starts at this interval was not read; policy waits {unread.value} days."
        if row is None
        else f"The label of {product.brand} starts {_window(row)} after the last intravenous infusion, and none is recorded."
    )
    return Finding(
        code="start-not-checked",
        severity=Severity.WARNS,
        text=text if last is not None or row is not None else f"{text} None is recorded.",
        remedy="Settle the day by the label in force.",
        sources=unread.src if row is None else row.src,
    )
