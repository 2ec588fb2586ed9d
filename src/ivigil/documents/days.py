"""Infusion days that are alike, so that they are shown once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from ivigil.documents.wording import clock, other_date
from ivigil.prescription.plan import Infusion


@dataclass(frozen=True)
class AlikeDays:
    """Consecutive infusions that differ in nothing but their date."""

    infusions: tuple[Infusion, ...]

    @property
    def first(self) -> Infusion:
        """The day that is shown for all of them."""
        return self.infusions[0]

    @property
    def title(self) -> str:
        """Day 3, or Days 1–2 alike."""
        if len(self.infusions) == 1:
            return f"Day {self.first.number}"
        return f"Days {self.first.number}–{self.infusions[-1].number} alike"

    def clock(self, after_min: int) -> str:
        """Clock time so many minutes after the start; a weekday only where it holds for each of these days."""
        return clock(self.first.starts_at, after_min, named=len(self.infusions) == 1)

    def other_date(self, after_min: int) -> str:
        """What :meth:`clock` says beside a time on a later date, alone."""
        return other_date(self.first.starts_at, after_min, named=len(self.infusions) == 1)


def alike_days(infusions: Iterable[Infusion], most: int | None = None) -> tuple[AlikeDays, ...]:
    """Infusions in order, neighbours with the same content and clock time together, at most so many at once."""
    groups = (tuple(days) for _, days in groupby(infusions, key=_but_for_the_date))
    return tuple(
        AlikeDays(days[first : first + (most or len(days))])
        for days in groups
        for first in range(0, len(days), most or len(days))
    )


def _but_for_the_date(infusion: Infusion) -> tuple[str, str]:
    return infusion.starts_at.timetz().isoformat(), infusion.model_dump_json(exclude={"number", "starts_at"})
