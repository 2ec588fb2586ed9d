"""A session told event by event, or all at once: both make the same one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from ivigil.infusion.bedside import Bedside
from ivigil.infusion.delivered import Delivered, Running
from ivigil.infusion.events import Event
from ivigil.infusion.permission import Moment, deviations
from ivigil.infusion.record import Record
from ivigil.infusion.session import Session, step
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
        after = step(self.session, at, event, self._running.ml_per_h, self.bedside)
        self.session = replace(after, deviations=(*self.session.deviations, *broken))
        self.last = at
        return self.session

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
    for at, event in record.standing:
        live.tell(at, event)
    if record.refused or any(len(one.versions) > 1 or one.event is not one.first for one in record.told):
        ever = max((live.session.lock, *_locks_ever(record, bedside)), key=list(Lock).index)
        live.session = replace(live.session, lock=ever)
    return live


def _locks_ever(record: Record, bedside: Bedside) -> Iterable[Lock]:
    """How the session was locked as it was first told, and with everything told that was ever said of it."""
    first = [(one.first_at, one.first) for one in record.told]
    ever = [row for one in record.told for row in one.versions]
    for rows in (first, [*ever, *record.refused]):
        live = Live(bedside)
        for at, event in sorted(rows, key=lambda row: (row[0], row[1].seq, row[1].key)):
            live.tell(at, event)
        yield live.session.lock
