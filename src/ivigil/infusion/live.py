"""A session told event by event, or all at once: both make the same one."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
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
    """When the session was locked as it stood at any time: what a late report or a correction takes back was acted on."""
    first = [(one.first_at, one.first) for one in record.told]
    late = sorted(first, key=_receipt) != sorted(first, key=_order)
    if late or any(one.stood for one in record.told):
        yield from _locks_as_heard(_heard_of(record), bedside)
    if record.refused:
        heard = [*_heard_of(record), *(Heard(_receipt(row), None, row) for row in record.refused)]
        yield from _locks_as_heard(heard, bedside)


Row = tuple[datetime, Event]
Receipt = tuple[datetime, datetime, int, str]


def _order(row: Row) -> tuple[datetime, int, str]:
    return row[0], row[1].seq, row[1].key


def _receipt(row: Row) -> Receipt:
    return row[1].received_at, *_order(row)


@dataclass(frozen=True)
class Heard:
    """What the record learned of an event, and when: that it happened so, or (``row`` None) that it never did.

    ``key`` None: what nothing corrects, because another event counts under its key.
    """

    when: Receipt
    key: str | None
    row: Row | None
    corrects: bool = False


def _heard_of(record: Record) -> Iterable[Heard]:
    """Every report and what each correction made of it. Reports that were sent together came in as they were written."""
    for one in record.told:
        when = _receipt((one.first_at, one.first))
        yield Heard(when, one.first.key, (one.first_at, one.first))
        for by, at, stood in one.stood:
            # Not before what it corrects, whatever the order in which the two came in.
            when = max(when, _receipt((by.device_at, by)))
            yield Heard(when, one.first.key, None if stood is None else (at, stood), corrects=True)


def _locks_as_heard(heard: Iterable[Heard], bedside: Bedside) -> Iterable[tuple[datetime, Lock]]:
    """The locks of the session as it stood after each report came in. A correction takes the place of what it corrects."""
    rows: list[Row] = []
    states: list[tuple[Session, Fraction]] = []
    stands: dict[str | None, Row] = {}
    inorder = sorted(heard, key=lambda one: one.when)
    for _, group in groupby(enumerate(inorder), key=lambda two: (two[1].when[0], two[0] if two[1].corrects else None)):
        told = [one for _, one in group]
        gone = [stands.pop(one.key) for one in told if one.corrects and one.key in stands]
        came = [one.row for one in told if one.row is not None]
        stands.update((one.key, one.row) for one in told if one.row is not None)
        yield from _heard(came, gone, rows, states, bedside)


def _heard(
    came: list[Row], gone: list[Row], rows: list[Row], states: list[tuple[Session, Fraction]], bedside: Bedside
) -> Iterable[tuple[datetime, Lock]]:
    """Put what came in its place, take out what is gone, and step again from there until the session is as it was."""
    places = [_order(row) for row in (*came, *gone)]
    if not places:
        return
    first = bisect_left(rows, min(places), key=_order)
    later, were = rows[first:], states[first:]
    del rows[first:], states[first:]
    told, owed = 0, len(places)
    for row in merge(later, came, key=_order):
        was = told < len(later) and row is later[told]
        told += was
        struck = was and any(row is one for one in gone)
        owed -= struck or not was
        if struck:
            continue
        at, event = row
        session, rate = states[-1] if states else (Session(), Fraction(0))
        rate = rate_after(event.data, rate)
        rows.append(row)
        states.append((step(session, at, event, rate, bedside), rate))
        yield at, states[-1][0].lock
        if was and not owed and states[-1] == were[told - 1]:
            rows += later[told:]
            states += were[told:]
            return
