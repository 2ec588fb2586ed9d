"""Which rate comes next: the first step, the next step, or where it may go on after a pause."""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction

from ivigil.infusion.bedside import Bedside
from ivigil.infusion.session import Session
from ivigil.infusion.workflow import Action, Lock


def proposed_ml_per_h(action: Action, session: Session, bedside: Bedside, now: datetime) -> Fraction | None:
    """The rate that the plan has next for an action: first step, next step, or where it may go on; None: there is none."""
    if action is Action.START:
        return bedside.rates_ml_per_h[0]
    if action is Action.RAISE:
        return bedside.rate_above(session.ml_per_h)
    if action is Action.RESUME:
        return restart_ml_per_h(session, bedside, now)
    return None


def long_paused(session: Session, bedside: Bedside, now: datetime) -> bool:
    """Whether it has stood still for so long that it begins again at the first rate."""
    still = session.paused_at or session.ended_at
    return still is not None and now - still >= bedside.long_pause


def most_ml_per_h(action: Action, session: Session, bedside: Bedside, now: datetime) -> Fraction:
    """The most that an action may set the pump to now, by the plan, the limit after a reaction, and how it climbed.

    What runs faster than was permitted rises no further; nor does what was raised too early, until it was held. What runs is
    not resumed to more.
    """
    if action in {Action.RAISE, Action.RESUME} and session.ml_per_h:
        if session.permitted_ml_per_h is not None:
            return session.permitted_ml_per_h
        if action is Action.RESUME or (session.hurried and not held(session, bedside, now)):
            return session.ml_per_h
    found, cap = proposed_ml_per_h(action, session, bedside, now), session.cap_ml_per_h
    limits = (session.ml_per_h if found is None else found, cap, bedside.top_ml_per_h)
    return min(limit for limit in limits if limit is not None)


def held(session: Session, bedside: Bedside, now: datetime) -> bool:
    """Whether the present rate has run for the time of its step."""
    return session.rate_since is not None and now >= session.rate_since + bedside.hold(session.ml_per_h)


def restart_ml_per_h(session: Session, bedside: Bedside, now: datetime) -> Fraction | None:
    """Where it may go on after a pause: at the rate before, or after a reaction by the protocol; None: it may not.

    After a long pause no faster than the plan's first step.
    """
    rate = _restart_soon_ml_per_h(session, bedside)
    return rate if rate is None or not long_paused(session, bedside, now) else min(rate, bedside.rates_ml_per_h[0])


def _restart_soon_ml_per_h(session: Session, bedside: Bedside) -> Fraction | None:
    if session.lock is not Lock.FREE:
        return None
    if session.episode is None:
        # A resumption before any start that was told begins where every infusion begins.
        return min(session.ran_before_pause or bedside.rates_ml_per_h[0], bedside.top_ml_per_h)
    last = session.cap_ml_per_h if session.cap_ml_per_h is not None else session.ran_before_pause
    half = session.ran_before_pause / 2
    rule = bedside.protocol.responses[session.episode].restart.value
    chosen = {"last_borne": last, "half_of_last_borne": last / 2, "lower_of_both": min(last, half), "never": None}[rule]
    if chosen is None:
        return None
    # A pump is set in whole tenths, and never above what was found.
    return Fraction(int(min(chosen, bedside.top_ml_per_h) * 10), 10) or None
