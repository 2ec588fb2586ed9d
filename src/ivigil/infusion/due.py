"""What is due at the chair: vital signs, the next step of the rate, waits, and the end of watching."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from ivigil.infusion.bedside import Bedside
from ivigil.infusion.rates import restart_ml_per_h
from ivigil.infusion.session import Session
from ivigil.infusion.workflow import Lock, Phase

if TYPE_CHECKING:
    from fractions import Fraction


class DueKind(StrEnum):
    """What kind of thing is due."""

    VITALS = "vitals"
    RATE_STEP = "rate_step"
    RESTART = "restart"
    ADRENALINE_AGAIN = "adrenaline_again"
    OBSERVATION_END = "observation_end"
    TELL_PRESCRIBER = "tell_prescriber"
    STOP = "stop"


@dataclass(frozen=True)
class Due:
    """Something due at a moment. ``ml_per_h`` for a step of the rate or a restart."""

    kind: DueKind
    at: datetime
    ml_per_h: Fraction | None = None


def next_vitals_at(session: Session, bedside: Bedside) -> datetime | None:
    """When the next whole set of vital signs is due. Before the start: until when the baseline counts.

    While it runs: by the policy's interval from the last set, and once a rate has been held, before the next step. After the
    end: at the end, and when the time of watching is over; None once those were taken.
    """
    taken = session.whole_set_at(bedside.protocol.observing.set_of)
    if session.started_at is None:
        if taken is None:
            raise ValueError("no whole set was taken; ask for the baseline")
        return taken + bedside.minutes(bedside.monitoring.baseline_within_min.value)
    last = session.started_at if taken is None else taken
    if session.ended_at is not None:
        over = session.ended_at + bedside.watch_after
        return session.ended_at if last < session.ended_at else over if last < over else None
    at_top = session.ml_per_h >= bedside.top_ml_per_h
    return last + bedside.watch_every(at_top=at_top, reacting=session.reaction is not None)


def due(session: Session, bedside: Bedside) -> tuple[Due, ...]:
    """Everything that is due, soonest first; a time in the past is overdue.

    A step of the rate stands here with its earliest time only while nothing else speaks against it that time will not
    mend: no reaction, no lock, and not at the top.
    """
    found = []
    measured = session.whole_set_at(bedside.protocol.observing.set_of) is not None
    if session.phase is not Phase.ENDED and (measured or session.started_at is not None):
        vitals = next_vitals_at(session, bedside)
        if vitals is not None:
            found.append(Due(DueKind.VITALS, vitals))
    quiet = session.reaction is None and session.lock is Lock.FREE
    if session.phase is Phase.RUNNING and quiet and session.rate_since is not None:
        above, cap = bedside.rate_above(session.ml_per_h), session.cap_ml_per_h
        if above is not None and (cap is None or above <= cap):
            earliest = session.rate_since + bedside.hold(session.ml_per_h)
            if session.quiet_since is not None:
                earliest = max(earliest, _restart_at(session, bedside))
            found.append(Due(DueKind.RATE_STEP, earliest, above))
    if session.phase is Phase.PAUSED and quiet:
        rate = restart_ml_per_h(session, bedside)
        if rate is not None:
            found.append(Due(DueKind.RESTART, _restart_at(session, bedside), rate))
    if session.reaction is not None and session.quiet_since is None and session.notified_at is None:
        begun = min((one.since for one in session.symptoms.values()), default=session.started_at)
        if begun is not None:
            found.append(Due(DueKind.TELL_PRESCRIBER, begun))
    stop = stop_due_at(session, bedside)
    if stop is not None:
        found.append(Due(DueKind.STOP, stop))
    given = [at for at, one in session.medicines if bedside.protocol.is_adrenaline(one.medicine)]
    # Without a symptom entered nobody has said that it is over.
    over = session.reaction is None and session.quiet_since is not None
    if given and session.lock is Lock.ANAPHYLAXIS and session.phase is not Phase.ENDED and not over:
        found.append(Due(DueKind.ADRENALINE_AGAIN, given[-1] + bedside.minutes(bedside.protocol.adrenaline.repeat.min)))
    if session.phase in {Phase.STOPPED, Phase.COMPLETED} and session.ended_at is not None:
        found.append(Due(DueKind.OBSERVATION_END, session.ended_at + bedside.watch_after))
    return tuple(sorted(found, key=lambda one: (one.at, one.kind)))


def stop_due_at(session: Session, bedside: Bedside) -> datetime | None:
    """Since when the pump should stand still and does not; None while it may run, or stands."""
    if not session.ml_per_h:
        return None
    since = [at for at in (session.anaphylaxis_at, session.criteria_at, session.check_failed_at) if at is not None]
    stops = session.reaction is not None and bedside.protocol.responses[session.reaction].flow.value == "stop"
    begun = session.reaction_since or session.rate_since
    if begun is not None and (stops or session.lock is not Lock.FREE):
        since.append(begun)
    return min(since, default=None)


def _restart_at(session: Session, bedside: Bedside) -> datetime:
    begun = session.quiet_since if session.quiet_since is not None else session.paused_at
    assert begun is not None  # a paused session was paused at some moment
    wait = None if session.episode is None else bedside.protocol.responses[session.episode].wait
    return begun if wait is None else begun + bedside.minutes(wait.min)
