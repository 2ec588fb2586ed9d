"""What was really given: volume and grams from the rates that ran, over pauses and containers, to the last tenth.

Sums are exact fractions, so that what was given and what is left always make up what was hung.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fractions import Fraction
from functools import cached_property
from math import ceil

from ivigil.infusion.events import (
    Completed,
    ContainerChanged,
    Data,
    Event,
    ObservationEnded,
    Paused,
    RateChanged,
    Resumed,
    Started,
    StoppedEarly,
    TreatedAsAnaphylaxis,
)

HOUR, TICK = timedelta(hours=1), timedelta(microseconds=1)


@dataclass(frozen=True)
class Stretch:
    """A time over which the pump ran at one rate (mL/h)."""

    begins: datetime
    ends: datetime
    ml_per_h: Fraction

    @cached_property
    def ml(self) -> Fraction:
        """Volume given in it."""
        return self.ml_per_h * Fraction((self.ends - self.begins) // TICK, HOUR // TICK)


@dataclass(frozen=True)
class Container:
    """A vial or bag as it was hung, and what of it was given."""

    key: str
    hung_at: datetime
    label: ContainerChanged
    given_ml: Fraction = Fraction(0)

    @property
    def volume_ml(self) -> Fraction:
        """What its label says it holds."""
        return Fraction(self.label.volume_ml)

    @property
    def grams_per_ml(self) -> Fraction:
        """From its own label."""
        return Fraction(self.label.size_g) / self.volume_ml

    @property
    def left_ml(self) -> Fraction:
        """What is still in it."""
        return self.volume_ml - self.given_ml

    @property
    def given_g(self) -> Fraction:
        """Grams given from it."""
        return self.given_ml * self.grams_per_ml


@dataclass(frozen=True)
class Delivered:
    """What the reported rates gave. ``unhung_ml`` ran although nothing that was reported held it: a report is missing."""

    stretches: tuple[Stretch, ...]
    containers: tuple[Container, ...]
    unhung_ml: Fraction
    hanging: int = 0
    """How many of the containers, counted from the last, hang together."""

    @property
    def hanging_ml(self) -> Fraction:
        """What should still be in those that hang: what somebody who measures the residual would find."""
        return sum((one.left_ml for one in self.containers[len(self.containers) - self.hanging :]), Fraction(0))

    @property
    def ml(self) -> Fraction:
        """All volume that ran."""
        return sum((one.ml for one in self.stretches), Fraction(0))

    @property
    def grams(self) -> Fraction:
        """Grams given, from containers that were reported."""
        return sum((one.given_g for one in self.containers), Fraction(0))

    @property
    def hung_g(self) -> Fraction:
        """Grams that were hung."""
        return sum((Fraction(one.label.size_g) for one in self.containers), Fraction(0))

    def by_lot(self) -> dict[tuple[str, str | None], Fraction]:
        """Grams given by product and lot; None: a lot that nobody recorded."""
        found: dict[tuple[str, str | None], Fraction] = {}
        for one in self.containers:
            name = (one.label.product, one.label.lot)
            found[name] = found.get(name, Fraction(0)) + one.given_g
        return found


@dataclass(frozen=True)
class Ahead:
    """What comes if the pump is left as it is: the dose is through, or what hangs is empty before that.

    A moment in the past came then; None: it does not come, the other one does, or the pump stands still.
    """

    through_at: datetime | None = None
    empty_at: datetime | None = None


class Running:
    """What has run so far, event by event. Events come in order of time; asking changes nothing."""

    def __init__(self) -> None:
        self.ml_per_h = Fraction(0)
        self.hung_g = Fraction(0)
        self._since: datetime | None = None
        self._ml = Fraction(0)
        self._stretches: list[Stretch] = []
        self._by_then: list[Fraction] = []
        self._lasts_ml = Fraction(0)
        self._containers: list[Container] = []
        self._first_open = 0
        self._unhung = Fraction(0)

    def tell(self, at: datetime, event: Event) -> None:
        """Count what ran up to an event, then the event."""
        stretch = self._since_then(at)
        if stretch is not None:
            self._stretches.append(stretch)
            self._ml += stretch.ml
            self._by_then.append(self._ml)
            self._unhung += _draw(self._containers, self._first_open, stretch.ml)
        self._since = at
        self.ml_per_h = rate_after(event.data, self.ml_per_h)
        if isinstance(event.data, ContainerChanged):
            lasted = self._ml
            if event.data.beside:
                lasted = max(lasted, self._lasts_ml)
            else:
                self._first_open = len(self._containers)
            self._lasts_ml = lasted + Fraction(event.data.volume_ml)
            self._containers.append(Container(event.key, at, event.data))
            self.hung_g += Fraction(event.data.size_g)

    def ml(self, moment: datetime) -> Fraction:
        """Volume given up to a moment at or after the last event."""
        stretch = self._since_then(moment)
        return self._ml + (Fraction(0) if stretch is None else stretch.ml)

    def ahead(self, dose_ml: Fraction, enough_ml: Fraction) -> Ahead:
        """What comes if the pump is left as it is.

        Args:
            dose_ml: the volume of the whole dose.
            enough_ml: from which volume on it counts as given; what hangs and lasts as far is not replaced.
        """
        if self._lasts_ml < enough_ml:
            return Ahead(empty_at=self._reached(self._lasts_ml))
        return Ahead(through_at=self._reached(min(dose_ml, self._lasts_ml)))

    def _reached(self, ml: Fraction) -> datetime | None:
        """When so much had run, or will have; None: never at this rate, or not in any time that a calendar knows."""
        place = bisect_left(self._by_then, ml)
        if place < len(self._stretches):
            stretch = self._stretches[place]
            return stretch.ends - _takes(self._by_then[place] - ml, stretch.ml_per_h)
        if self._since is None or not self.ml_per_h:
            return None
        try:
            return self._since + _takes(ml - self._ml, self.ml_per_h)
        except OverflowError:
            return None

    def until(self, moment: datetime) -> Delivered:
        """What was given up to a moment at or after the last event.

        Containers are drawn from in the order of hanging. One that is hung in the place of others ends them: what they
        still held is their residual.
        """
        stretch, containers = self._since_then(moment), list(self._containers)
        hanging = len(containers) - self._first_open
        if stretch is None:
            return Delivered(tuple(self._stretches), tuple(containers), self._unhung, hanging)
        unhung = self._unhung + _draw(containers, self._first_open, stretch.ml)
        return Delivered((*self._stretches, stretch), tuple(containers), unhung, hanging)

    def _since_then(self, to: datetime) -> Stretch | None:
        if not self.ml_per_h or self._since is None or to <= self._since:
            return None
        return Stretch(self._since, to, self.ml_per_h)


def _takes(ml: Fraction, ml_per_h: Fraction) -> timedelta:
    """How long a volume takes."""
    return TICK * ceil(ml / ml_per_h * (HOUR // TICK))


def _draw(containers: list[Container], first_open: int, ml: Fraction) -> Fraction:
    """Take a volume from what hangs, in order; returned is what nothing held."""
    for place in range(first_open, len(containers)):
        if not ml:
            break
        drawn = min(ml, containers[place].left_ml)
        containers[place] = replace(containers[place], given_ml=containers[place].given_ml + drawn)
        ml -= drawn
    return ml


def rate_after(data: Data, running: Fraction) -> Fraction:
    """The pump's rate (mL/h) after an event; a rate set while it stands still does not start it."""
    match data:
        case Started(pump_ml_per_h=rate) | Resumed(pump_ml_per_h=rate):
            return Fraction(rate)
        case RateChanged(pump_ml_per_h=rate):
            return Fraction(rate) if running else running
        case Paused() | StoppedEarly() | Completed() | TreatedAsAnaphylaxis() | ObservationEnded():
            return Fraction(0)
        case _:
            return running
