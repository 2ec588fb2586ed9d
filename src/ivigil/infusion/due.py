"""What is due at the chair: vital signs, the next step of the rate, waits, and the end of watching."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from ivigil.infusion.bedside import Bedside
from ivigil.infusion.hanging import fitness
from ivigil.infusion.rates import restart_ml_per_h
from ivigil.infusion.response import adrenaline_first
from ivigil.infusion.session import Session
from ivigil.infusion.workflow import Hanging, Lock, Phase

if TYPE_CHECKING:
    from fractions import Fraction


class DueKind(StrEnum):
    """What kind of thing is due."""

    VITALS = "vitals"
    RATE_STEP = "rate_step"
    RESTART = "restart"
    ADRENALINE = "adrenaline"
    ADRENALINE_AGAIN = "adrenaline_again"
    OBSERVATION_END = "observation_end"
    TELL_PRESCRIBER = "tell_prescriber"
    STOP = "stop"
    HANG = "hang"
    COMPLETE = "complete"
    SLOW = "slow"


@dataclass(frozen=True)
class Due:
    """Something due at a moment. ``ml_per_h`` for a step of the rate or a restart, and to what it is slowed (0: paused).

    Of two restarts the later one replaces the first from its moment on: after a long pause it goes on at the first rate.
    """

    kind: DueKind
    at: datetime
    ml_per_h: Fraction | None = None


def next_vitals_at(session: Session, bedside: Bedside) -> datetime | None:
    """When the next whole set of vital signs is due. Before the start: until when the baseline counts.

    While it runs: by the policy's interval from the last set or from the start, the later of the two. After the
    end: at the end, and when the time of watching is over, or so little before as they may be late; None once those were
    taken.
    """
    taken = session.whole_set_at(bedside.protocol.observing.set_of)
    if session.started_at is None:
        if taken is None:
            raise ValueError("no whole set was taken; ask for the baseline")
        return taken + bedside.minutes(bedside.monitoring.baseline_within_min.value)
    # What was measured before the start is the baseline; the leaf counts from the start as well.
    last = session.started_at if taken is None else max(taken, session.started_at)
    if session.ended_at is not None:
        # Who measures just before it ends has measured at the end; after a reaction that is not enough.
        quiet = session.episode is None and session.lock is Lock.FREE and last == taken
        until = last + bedside.grace if quiet else last
        ends, over = session.ended_at, session.ended_at + bedside.watch_after
        planned = ends if until < ends else over if until < over else None
        if session.reaction is None:
            return planned
        again = last + bedside.watch_every(at_top=False, reacting=True)
        return again if planned is None else min(planned, again)
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
    stop = stop_due_at(session, bedside)
    slow = slow_due(session, bedside)
    through = session.ahead.through_at
    barred = session.check_failed_at is not None or session.owes_agreement or stop is not None or slow is not None
    quiet = session.reaction is None and session.lock is Lock.FREE and not barred
    if session.phase is Phase.RUNNING and quiet and session.rate_since is not None:
        above, cap = bedside.rate_above(session.ml_per_h), session.cap_ml_per_h
        if above is not None and (cap is None or above <= cap):
            earliest = session.rate_since + bedside.hold(session.ml_per_h)
            if session.quiet_since is not None:
                earliest = max(earliest, _restart_at(session, bedside))
            # Nothing is left to run faster.
            if through is None or earliest < through:
                found.append(Due(DueKind.RATE_STEP, earliest, above))
    if session.phase is Phase.PAUSED and quiet and through is None:
        found += _restarts(session, bedside)
    if session.reaction is not None:
        # What was told before it came, or before it got worse, did not tell it.
        begun = _reaction_since(session)
        if session.notified_at is None or session.notified_at < begun:
            found.append(Due(DueKind.TELL_PRESCRIBER, begun))
    if stop is not None:
        found.append(Due(DueKind.STOP, stop))
    else:
        found += _run_out(session)
        if slow is not None:
            found.append(slow)
    adrenaline = adrenaline_due(session, bedside)
    if adrenaline is not None:
        found.append(adrenaline)
    if session.phase in {Phase.STOPPED, Phase.COMPLETED} and session.ended_at is not None:
        found.append(Due(DueKind.OBSERVATION_END, session.ended_at + bedside.watch_after))
    return tuple(sorted(found, key=lambda one: (one.at, one.kind)))


def stop_due_at(session: Session, bedside: Bedside) -> datetime | None:
    """Since when the pump should stand still and does not; None while it may run, or stands."""
    if not session.ml_per_h:
        return None
    told = (session.anaphylaxis_at, session.criteria_at, session.check_failed_at, session.read_back_at)
    since = [at for at in told if at is not None]
    # What nobody recorded is recorded; what is known to be wrong does not run.
    since += [
        at for at, label in session.hanging if fitness(label, bedside, at) not in {Hanging.FIT, Hanging.UNRECORDED}
    ]
    stops = session.reaction is not None and bedside.protocol.responses[session.reaction].flow.value == "stop"
    begun = session.locked_at or session.reaction_since or session.rate_since
    if begun is not None and (stops or session.lock is not Lock.FREE):
        since.append(begun)
    if not since:
        return None
    # What was known before it ran, or while it stood still, is due from when it went on.
    went_on, first = session.started_at if session.last_pause is None else session.last_pause[1], min(since)
    return max(first, went_on or first)


def _run_out(session: Session) -> Iterable[Due]:
    """What hangs is to be replaced before air follows it; what has all run is to be completed."""
    if session.phase in {Phase.RUNNING, Phase.PAUSED}:
        ahead = {DueKind.HANG: session.ahead.empty_at, DueKind.COMPLETE: session.ahead.through_at}
        yield from (Due(kind, at) for kind, at in ahead.items() if at is not None)


def slow_due(session: Session, bedside: Bedside) -> Due | None:
    """Since when the pump runs faster than the plan, than what was borne before a reaction, or than was permitted when it was set.

    None while it does not.
    """
    since, cap, permitted = session.rate_since, session.cap_ml_per_h, session.permitted_ml_per_h
    set_so = min(bedside.top_ml_per_h, bedside.top_ml_per_h if permitted is None else permitted)
    most = set_so if cap is None else min(set_so, cap)
    if since is None or session.ml_per_h <= most:
        return None
    # At a rate that was permitted it is the reaction that made it too fast.
    reacted = session.reaction_since if session.ml_per_h <= set_so else None
    return Due(DueKind.SLOW, max(since, reacted or since), most)


def adrenaline_due(session: Session, bedside: Bedside) -> Due | None:
    """The first adrenaline since anaphylaxis was seen or said, and the next one after each; None once all of it has gone."""
    if session.phase is Phase.ENDED:
        return None
    if session.lock is not Lock.ANAPHYLAXIS:
        # Life-threatening without a criterion: the protocol's first step all the same.
        return Due(DueKind.ADRENALINE, _reaction_since(session)) if _life_threatening(session) else None
    since, given = anaphylaxis_since(session), adrenaline_given(session, bedside)
    if session.quiet_before is not None and (session.criteria or _life_threatening(session)):
        # It came back: what was given before it had gone was given for the first.
        since, given = session.reaction_since, tuple(at for at in given if at >= session.quiet_before)
    last = given[-1] if given else since
    # Without a symptom entered since then nobody has said that it is over.
    gone = session.quiet_since
    if last is None or (gone is not None and gone >= last):
        return None
    if not given:
        return Due(DueKind.ADRENALINE, last)
    return Due(DueKind.ADRENALINE_AGAIN, last + bedside.minutes(bedside.protocol.adrenaline.repeat.min))


def _life_threatening(session: Session) -> bool:
    return session.reaction is not None and adrenaline_first(session.reaction)


def anaphylaxis_since(session: Session) -> datetime | None:
    """When anaphylaxis was first seen, by the criteria, or said; None if it never was."""
    return min((at for at in (session.anaphylaxis_at, session.criteria_at) if at is not None), default=None)


def adrenaline_given(session: Session, bedside: Bedside) -> tuple[datetime, ...]:
    """When adrenaline was given, by any of its names."""
    return tuple(at for at, one in session.medicines if bedside.protocol.is_adrenaline(one.medicine))


def _reaction_since(session: Session) -> datetime:
    """When the present reaction reached its grade; before the start, when the first symptom came."""
    return session.reaction_since or min(one.since for one in session.symptoms.values())


def _restarts(session: Session, bedside: Bedside) -> Iterable[Due]:
    at, paused_at = _restart_at(session, bedside), session.paused_at
    rate = restart_ml_per_h(session, bedside, at)
    if rate is None:
        return
    yield Due(DueKind.RESTART, at, rate)
    assert paused_at is not None  # a paused session was paused at some moment
    later = paused_at + bedside.long_pause
    slower = restart_ml_per_h(session, bedside, later)
    if slower != rate:
        yield Due(DueKind.RESTART, later, slower)


def _restart_at(session: Session, bedside: Bedside) -> datetime:
    begun = session.quiet_since if session.quiet_since is not None else session.paused_at
    assert begun is not None  # a paused session was paused at some moment
    wait = None if session.episode is None else bedside.protocol.responses[session.episode].wait
    return begun if wait is None else begun + bedside.minutes(wait.min)
