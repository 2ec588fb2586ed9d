"""*May I?* The situation at a moment, and whether an action is permitted in it, with the reasons.

Advice only: nothing here stops a hand. What is not permitted and happens all the same is recorded as a deviation.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import get_args

from ivigil.errors import Blocked
from ivigil.infusion.bedside import Bedside
from ivigil.infusion.due import next_vitals_at
from ivigil.infusion.events import (
    Check,
    Completed,
    ContainerChanged,
    Event,
    ObservationEnded,
    RateChanged,
    Resumed,
    Started,
)
from ivigil.infusion.hanging import fitness
from ivigil.infusion.rates import held, long_paused, most_ml_per_h, proposed_ml_per_h
from ivigil.infusion.session import Deviation, Session
from ivigil.infusion.workflow import (
    NOT_SLOWER,
    TOO_FAST,
    Action,
    Agreement,
    Asked,
    AtThisRate,
    Checks,
    Hanging,
    Hold,
    Left,
    Lock,
    Observed,
    Phase,
    PlanState,
    ReactionState,
    Release,
    Situation,
    Today,
    Wait,
    Watched,
    Weight,
    barred,
)
from ivigil.knowledge.protocol import Bar, Grade
from ivigil.patient import Setting

#: Where one is infused, the most guarded place first.
GUARDED = get_args(Setting)


@dataclass(frozen=True)
class Reason:
    """Why an action is not permitted now, what to do about it, and on whose word."""

    code: str
    text: str
    remedy: str
    policy: bool
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Moment:
    """A session at one moment, not before its last event: the volume that had run by then, and the grams hung."""

    session: Session
    bedside: Bedside
    given_ml: Fraction
    hung_g: Fraction
    now: datetime


@dataclass(frozen=True)
class Wish:
    """What somebody wants to do. ``ml_per_h`` None takes the rate that the plan has next; ``hang`` is what is to be hung."""

    action: Action
    ml_per_h: Fraction | None = None
    hang: ContainerChanged | None = None


def may(wish: Wish, at: Moment) -> tuple[Reason, ...]:
    """The reasons against something that is wanted; none: it is permitted."""
    rows = at.bedside.protocol.bars
    if wish.action is Action.SLOW and wish.ml_per_h is not None and wish.ml_per_h >= at.session.ml_per_h:
        return (_reason(NOT_SLOWER, rows[NOT_SLOWER]),)
    return tuple(_reason(code, rows[code]) for code in barred(wish.action, situation(wish, at)))


def can(wish: Wish, at: Moment) -> bool:
    """Whether it is permitted now: :func:`may` without the reasons."""
    return not may(wish, at)


def check(wish: Wish, at: Moment) -> None:
    """Refuse what is not permitted now.

    Raises:
        Blocked: the first reason, with its remedy.
    """
    for reason in may(wish, at):
        raise Blocked(wish.action.value, None, reason.text, reason.remedy)


def _reason(code: str, row: Bar) -> Reason:
    return Reason(code, row.text, row.remedy, policy=row.origin.value == "policy", sources=row.src)


# ---- the situation


def situation(wish: Wish, at: Moment) -> Situation:
    """Every question that a permission depends on, answered for one moment."""
    session, bedside, now = at.session, at.bedside, at.now
    wanted = wish.ml_per_h if wish.ml_per_h is not None else proposed_ml_per_h(wish.action, session, bedside, now)
    return Situation(
        phase=session.phase,
        plan=_plan(session, bedside, now),
        checks=_checks(session, bedside),
        weight=_weight(session, bedside),
        hanging=_hanging(at, wish.hang),
        today=_today(session, bedside),
        watched=_watched(session, bedside, now),
        at_this_rate=_at_this_rate(session, bedside),
        reaction=ReactionState.NONE if session.reaction is None else ReactionState(session.reaction.value),
        lock=session.lock,
        hold=_hold(session, bedside, now),
        asked=_asked(wish.action, wanted, session, bedside, now),
        wait=_wait(session, bedside, now),
        agreement=_agreement(session),
        left=_left(at.given_ml, bedside),
        observed=_observed(session, bedside, now),
        release=_release(session),
    )


def _plan(session: Session, bedside: Bedside, now: datetime) -> PlanState:
    if session.opened is None:
        return PlanState.NOT_OPENED
    if (session.opened.plan_id, session.opened.infusion) != (bedside.plan.plan_id, bedside.infusion.number):
        return PlanState.OTHER
    # A signature that is younger than the opening signs nothing.
    skew = bedside.minutes(bedside.protocol.observing.clock_ahead_most.value)
    if session.opened_at is not None and session.opened.signed_at > session.opened_at + skew:
        return PlanState.NOT_OPENED
    if session.opened.signed_role not in bedside.sign_roles:
        return PlanState.NOT_SIGNED
    if GUARDED.index(session.opened.setting) > GUARDED.index(bedside.ordered.setting):
        return PlanState.OTHER_SETTING
    if now > bedside.plan.valid_until:
        return PlanState.EXPIRED
    return PlanState.TOO_EARLY if now < bedside.first_day else PlanState.VALID


def _checks(session: Session, bedside: Bedside) -> Checks:
    wanted = bedside.checks(session.opened.setting if session.opened else bedside.ordered.setting)
    done = {name: one.ok for name, one in session.checks.items() if name in wanted and name is not Check.WELL_TODAY}
    if not all(done.values()) or session.read_back_at is not None:
        return Checks.FAILED
    return Checks.COMPLETE if wanted <= set(session.checks) else Checks.MISSING


def _weight(session: Session, bedside: Bedside) -> Weight:
    found = session.checks.get(Check.WEIGHT)
    if found is None or found.weight_kg is None:
        return Weight.NOT_MEASURED
    within = bedside.within_tolerance(found.weight_kg)
    return Weight.WITHIN if within else Weight.BEYOND


def _hanging(at: Moment, hang: ContainerChanged | None) -> Hanging:
    bedside = at.bedside
    if hang is None:
        # What hangs beside a fit one runs with it.
        hangs = [fitness(label, bedside, at.now) for _, label in at.session.hanging]
        return next((one for one in hangs if one is not Hanging.FIT), Hanging.FIT if hangs else Hanging.UNRECORDED)
    found = fitness(hang, bedside, at.now)
    beyond = at.hung_g + Fraction(hang.size_g) > Fraction(bedside.opened_g)
    return Hanging.BEYOND_DOSE if found is Hanging.FIT and beyond else found


def _today(session: Session, bedside: Bedside) -> Today:
    said = session.checks.get(Check.WELL_TODAY)
    by_signs = any(one.trigger.grade is not None for one in session.met) and session.started_at is None
    if (said is None or said.ok) and not (by_signs or session.unwell_at_start):
        return Today.WELL
    if session.agreed_at is None:
        return Today.UNDECIDED
    return Today.GO_ON if bedside.first_pattern else Today.GO_ON_FAST_LADDER


def _watched(session: Session, bedside: Bedside, now: datetime) -> Watched:
    taken = session.whole_set_at(bedside.protocol.observing.set_of)
    if taken is None:
        return Watched.NO_BASELINE
    due = next_vitals_at(session, bedside)
    if due is None:
        return Watched.IN_TIME
    if session.started_at is None:
        return Watched.IN_TIME if now <= due else Watched.NO_BASELINE
    return Watched.IN_TIME if now <= due + bedside.grace else Watched.OVERDUE


def _at_this_rate(session: Session, bedside: Bedside) -> AtThisRate:
    if bedside.monitoring.at_each_rate_change.value != "yes":
        return AtThisRate.TAKEN
    taken = session.whole_set_at(bedside.protocol.observing.set_of)
    here = taken is not None and session.rate_since is not None and taken >= session.rate_since
    return AtThisRate.TAKEN if here else AtThisRate.NOT_TAKEN


def _hold(session: Session, bedside: Bedside, now: datetime) -> Hold:
    return Hold.ELAPSED if held(session, bedside, now) else Hold.RUNNING


def _asked(action: Action, wanted: Fraction | None, session: Session, bedside: Bedside, now: datetime) -> Asked:
    if action not in {Action.START, Action.RAISE, Action.RESUME}:
        return Asked.WITHIN
    if wanted is None:
        return Asked.BEYOND_MAXIMUM if action is Action.RAISE else Asked.BEYOND_CAP
    if wanted > bedside.top_ml_per_h:
        return Asked.BEYOND_MAXIMUM
    if session.cap_ml_per_h is not None and wanted > session.cap_ml_per_h:
        return Asked.BEYOND_CAP
    if wanted <= most_ml_per_h(action, session, bedside, now):
        return Asked.WITHIN
    return Asked.BEYOND_FIRST if action is Action.RESUME and long_paused(session, bedside, now) else Asked.BEYOND_STEP


def _wait(session: Session, bedside: Bedside, now: datetime) -> Wait:
    if session.episode is None:
        return Wait.OVER
    wait = bedside.protocol.responses[session.episode].wait
    if session.quiet_since is None or wait is None:
        return Wait.RUNNING
    return Wait.OVER if now >= session.quiet_since + bedside.minutes(wait.min) else Wait.RUNNING


def _agreement(session: Session) -> Agreement:
    if session.owes_agreement:
        return Agreement.MISSING
    return Agreement.NOT_NEEDED if session.episode in {None, Grade.MILD} else Agreement.GIVEN


def _left(given_ml: Fraction, bedside: Bedside) -> Left:
    if given_ml >= bedside.dose_ml:
        return Left.ALL_GIVEN
    return Left.SOME if given_ml < bedside.enough_ml else Left.NONE


def _observed(session: Session, bedside: Bedside, now: datetime) -> Observed:
    if session.ended_at is None:
        return Observed.RUNNING
    return Observed.OVER if now >= session.ended_at + bedside.watch_after else Observed.RUNNING


def _release(session: Session) -> Release:
    if session.lock not in {Lock.ANAPHYLAXIS, Lock.SEVERE}:
        return Release.NOT_NEEDED
    return Release.MISSING if session.let_go_at is None else Release.GIVEN


# ---- what was done against it


def asked_by(event: Event, session: Session) -> Wish | None:
    """What a report says was done, as a wish; None where nobody needs to ask.

    A rate set while the pump stands still is not a raise: the start that follows is asked about.
    """
    match event.data:
        case Started(pump_ml_per_h=rate):
            return Wish(Action.START, Fraction(rate))
        case Resumed(pump_ml_per_h=rate):
            return Wish(Action.RESUME, Fraction(rate))
        case RateChanged(pump_ml_per_h=rate) if session.phase is Phase.RUNNING and Fraction(rate) > session.ml_per_h:
            return Wish(Action.RAISE, Fraction(rate))
        case ContainerChanged():
            return Wish(Action.HANG, hang=event.data)
        case Completed():
            return Wish(Action.COMPLETE)
        case ObservationEnded():
            return Wish(Action.END_OBSERVATION)
    return None


def deviations(event: Event, before: Moment) -> tuple[Deviation, ...]:
    """What a report says was done and was not permitted just then."""
    wish = asked_by(event, before.session)
    if wish is None:
        return ()
    codes = barred(wish.action, situation(wish, before))
    return (Deviation(event.key, before.now, wish.action, codes, _most(wish, codes, before)),) if codes else ()


def _most(wish: Wish, codes: tuple[str, ...], before: Moment) -> Fraction | None:
    """Up to where it was permitted, of what was set too fast: no raise at all where something else spoke against it."""
    session = before.session
    if TOO_FAST.isdisjoint(codes):
        return None
    most = most_ml_per_h(wish.action, session, before.bedside, before.now)
    return min(most, session.ml_per_h) if wish.action is Action.RAISE and not TOO_FAST.issuperset(codes) else most
