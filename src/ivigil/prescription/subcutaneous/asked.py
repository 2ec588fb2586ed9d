"""What is asked of a start plan beside the request."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from ivigil.errors import BadInput, ImpossibleValue
from ivigil.prescription.request import Request


@dataclass(frozen=True)
class Start:
    """A request, with the intravenous regimen to convert and how often to infuse.

    ``iv_dose_g`` are the grams of one intravenous infusion, given every ``iv_interval_days``; the dose may come from
    the record instead. ``start_given`` is False when nobody named a start: then the label's first day is taken.
    """

    request: Request
    iv_dose_g: Decimal | None = None
    iv_interval_days: int | None = None
    times_per_week: int | None = None
    start_given: bool = True

    def __post_init__(self) -> None:
        for name, value in (
            ("--iv-dose-g", self.iv_dose_g),
            ("--iv-interval-days", self.iv_interval_days),
            ("--times-per-week", self.times_per_week),
        ):
            if value is not None and (not Decimal(value).is_finite() or value <= 0):
                raise ImpossibleValue(name, str(value), f"{name} must be positive.", "Correct it or leave it out.")
        schedules = {
            "--interval-days": self.request.interval_days,
            "--times-per-week": self.times_per_week,
            "--days": self.request.days,
        }
        given = [name for name, value in schedules.items() if value is not None]
        if self.times_per_week is not None and len(given) > 1:
            raise BadInput(
                "--times-per-week",
                str(self.times_per_week),
                "A schedule is an interval or a number of infusions a week.",
                f"Give one of {' and '.join(given)}.",
            )

    @property
    def schedule_given(self) -> bool:
        """Whether somebody named how often."""
        return not (self.request.interval_days is None and self.times_per_week is None and self.request.days is None)
