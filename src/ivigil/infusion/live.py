"""A session told event by event, or all at once: both make the same one."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from datetime import datetime
from fractions import Fraction
from heapq import merge
from itertools import groupby

from ivigil.infusion.bedside import Bedside
from ivigil.infusion.delivered import Delivered, Running, rate_after
from ivigil.infusion.events import Event
from ivigil.infusion.permission import Moment, deviations
from ivigil.infusion.record import Record
from ivigil.infusion.session import Session, changed, step
from ivigil.infusion.workflow import Lock


class Live:
    """A session as it is told. Events come in order of time; what arrives late, or corrects, is replayed (:func:`replay`)."""

    def __init__(self, bedside: Bedside) -> None:
        self.bedside = bedside
        self.session = Session()
        self.last: datetime | None = None
        self._running = Running()

    def tell(self, at: datetime, event: Event) -> Session:
        """One event at or after the last."""
        broken = deviations(event, self.moment(at))
        self._running.tell(at, event)
        after = step(self.session, at, event, self._running.ml_per_h, self.bedside, broken)
        ahead = self._running.ahead(self.bedside.dose_ml, self.bedside.enough_ml)
        self.session = changed(after, deviations=(*self.session.deviations, *broken), ahead=ahead)
        self.last = at
        return self.session

    def lock_since(self, since: Mapping[Lock, datetime]) -> None:
        """Hold what locked once, if it is graver than what locks now."""
        ever = max((self.session.lock, *since), key=list(Lock).index)
        if ever is not self.session.lock:
            self.session = changed(self.session, lock=ever, locked_at=since[ever])

    def given(self, until: datetime) -> Delivered:
        """What was given up to a moment at or after the last event."""
        return self._running.until(until)

    def moment(self, now: datetime) -> Moment:
        """The session at a moment at or after the last event."""
        return Moment(self.session, self.bedside, self._running.ml(now), self._running.hung_g, now)


def replay(record: Record, bedside: Bedside) -> Live:
    """The session that a record makes.

    A correction never unlocks: what once ended an infusion for good was acted on, and going on needs a new plan.
    """
    live = Live(bedside)
    for _ in retold(live, record):
        pass
    return live


def retold(live: Live, record: Record) -> Iterable[tuple[datetime, Event, Session]]:
    """Tell a record to a session that has not begun: each event, with the session just before it."""
    since: dict[Lock, datetime] = {}
    for at, lock in _locked_ever(record, live.bedside):
        since[lock] = min(at, since.get(lock, at))
    for at, event in record.standing:
        live.lock_since({lock: begun for lock, begun in since.items() if begun < at})
        before = live.session
        live.tell(at, event)
        yield at, event, before
    live.lock_since(since)


def _locked_ever(record: Record, bedside: Bedside) -> Iterable[tuple[datetime, Lock]]:
    """When the session was locked as it was first told, at any time, and with everything told that was ever said of it."""
    first = [(one.first_at, one.first) for one in record.told]
    heard = sorted(first, key=lambda row: (row[1].received_at, *_order(row)))
    corrected = record.refused or any(len(one.versions) > 1 or one.event is not one.first for one in record.told)
    if corrected:
        yield from _locks([row for one in record.told for row in one.versions] + list(record.refused), bedside)
    if corrected or heard != sorted(first, key=_order):
        yield from _locks_as_heard(heard, bedside)


Row = tuple[datetime, Event]


def _order(row: Row) -> tuple[datetime, int, str]:
    return row[0], row[1].seq, row[1].key


def _locks(rows: Iterable[Row], bedside: Bedside) -> Iterable[tuple[datetime, Lock]]:
    session, rate = Session(), Fraction(0)
    for at, event in sorted(rows, key=_order):
        rate = rate_after(event.data, rate)
        session = step(session, at, event, rate, bedside)
        yield at, session.lock


def _locks_as_heard(heard: Iterable[Row], bedside: Bedside) -> Iterable[tuple[datetime, Lock]]:
    """The locks of the session as it stood after each report came in: what a late one takes back was acted on."""
    rows: list[Row] = []
    states: list[tuple[Session, Fraction]] = []
    for _, came in groupby(heard, key=lambda row: row[1].received_at):
        yield from _heard(sorted(came, key=_order), rows, states, bedside)


def _heard(
    came: list[Row], rows: list[Row], states: list[tuple[Session, Fraction]], bedside: Bedside
) -> Iterable[tuple[datetime, Lock]]:
    """Put what came in its place, and step again from there until the session is as it was without it."""
    first = bisect_right(rows, _order(came[0]), key=_order)
    later, were = rows[first:], states[first:]
    del rows[first:], states[first:]
    told = 0
    for row in merge(later, came, key=_order):
        at, event = row
        session, rate = states[-1] if states else (Session(), Fraction(0))
        rate = rate_after(event.data, rate)
        rows.append(row)
        states.append((step(session, at, event, rate, bedside), rate))
        yield at, states[-1][0].lock
        if told == len(later) or row is not later[told]:
            continue
        told += 1
        if len(rows) - first - told == len(came) and states[-1] == were[told - 1]:
            rows += later[told:]
            states += were[told:]
            return
