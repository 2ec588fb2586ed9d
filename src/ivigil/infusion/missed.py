"""What was due and had to be done, and came late or never: one table for every kind of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from ivigil.infusion.bedside import Bedside
from ivigil.infusion.due import DueKind, adrenaline_given, due, slow_due
from ivigil.infusion.session import Session


@dataclass(frozen=True)
class Late:
    """Something that was done later than its time and the grace; ``done_at`` None: never."""

    kind: DueKind
    due_at: datetime
    done_at: datetime | None


def _always(_session: Session, _bedside: Bedside) -> bool:
    return True


@dataclass(frozen=True)
class Must:
    """A kind of due that somebody has to do.

    ``done``: whether it was done between two moments. ``counts``: whether it is owed at all in such a session. ``stands``: it
    is owed until it is done, also where its cause has gone. ``part_of``: what takes its place while that is due. ``moves``: its
    time changes before it is late without being done.
    """

    done: Callable[[Session, Session, Bedside], bool]
    counts: Callable[[Session, Bedside], bool] = _always
    stands: bool = False
    part_of: DueKind | None = None
    moves: bool = False


def _watched(before: Session, after: Session, bedside: Bedside) -> bool:
    wanted = bedside.protocol.observing.set_of
    return after.whole_set_at(wanted) != before.whole_set_at(wanted)


def _slowed(before: Session, after: Session, bedside: Bedside) -> bool:
    # To another rate that is still too fast is not slowed.
    return after.ml_per_h < before.ml_per_h and slow_due(after, bedside) is None


def _runs(session: Session, _bedside: Bedside) -> bool:
    return session.ml_per_h > 0


def _stands(_before: Session, after: Session, _bedside: Bedside) -> bool:
    return not after.ml_per_h


def _hung(before: Session, after: Session, _bedside: Bedside) -> bool:
    return not after.ml_per_h or after.hanging != before.hanging


def _injected(before: Session, after: Session, bedside: Bedside) -> bool:
    return len(adrenaline_given(after, bedside)) > len(adrenaline_given(before, bedside))


def _told(before: Session, after: Session, _bedside: Bedside) -> bool:
    return (after.notified_at, after.emergency_at) != (before.notified_at, before.emergency_at)


def _is_for_a_prescriber(session: Session, bedside: Bedside) -> bool:
    """Whether the protocol tells more than the team, and nobody called for help since it came."""
    if session.reaction is None or bedside.protocol.responses[session.reaction].tell.value == "team":
        return False
    called, since = session.emergency_at, session.reaction_since
    return called is None or (since is not None and called < since)


#: Everything that must be done once it is due. A second dose of adrenaline is a decision; a raise and a restart may be made.
MUSTS: Mapping[DueKind, Must] = {
    DueKind.VITALS: Must(_watched, counts=lambda session, _: session.started_at is not None, stands=True, moves=True),
    DueKind.STOP: Must(_stands),
    DueKind.SLOW: Must(_slowed, part_of=DueKind.STOP),
    DueKind.ADRENALINE: Must(_injected, stands=True),
    DueKind.TELL_PRESCRIBER: Must(_told, counts=_is_for_a_prescriber),
    DueKind.HANG: Must(_hung, counts=_runs, moves=True),
    DueKind.COMPLETE: Must(_stands, counts=_runs, moves=True),
}


class Owed:
    """What is owed so far, told event by event."""

    def __init__(self, bedside: Bedside) -> None:
        self.bedside = bedside
        self._since: dict[DueKind, datetime] = {}
        self._late: set[DueKind] = set()

    def tell(self, at: datetime, before: Session, after: Session) -> Iterable[Late]:
        """What was done late, or went undone, with one event."""
        self._look(at, before)
        still = self._due(after)
        for kind, since in tuple(self._since.items()):
            must = MUSTS[kind]
            done = must.done(before, after, self.bedside)
            if not done and (must.stands or kind in still or must.part_of in still):
                continue
            del self._since[kind]
            if kind in self._late:
                self._late.remove(kind)
                yield Late(kind, since, at if done else None)

    def undone(self, at: datetime, session: Session) -> Iterable[Late]:
        """What was never done, up to the last event."""
        self._look(at, session)
        return [Late(kind, self._since[kind], None) for kind in MUSTS if kind in self._late]

    def _look(self, at: datetime, session: Session) -> None:
        """Since when each thing is owed, and what of it is late."""
        for kind, due_at in self._due(session).items():
            since = self._since.get(kind)
            if since is None or (MUSTS[kind].moves and kind not in self._late):
                self._since[kind] = due_at
            else:
                self._since[kind] = min(since, due_at)
        self._late |= {kind for kind, since in self._since.items() if at > since + self.bedside.grace}

    def _due(self, session: Session) -> dict[DueKind, datetime]:
        musts = [one for one in due(session, self.bedside) if one.kind in MUSTS]
        return {one.kind: one.at for one in musts if MUSTS[one.kind].counts(session, self.bedside)}
