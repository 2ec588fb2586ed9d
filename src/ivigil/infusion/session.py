"""The live session: events folded into where it stands, and every deviation from what was permitted.

A report is always taken as it is told; whether it was permitted is asked of :mod:`ivigil.infusion.permission` with the
situation just before it, and remembered. Telling events one by one or all at once gives the same session.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from ivigil.infusion.bedside import Bedside
from ivigil.infusion.delivered import Ahead
from ivigil.infusion.events import (
    Check,
    CheckConfirmed,
    Completed,
    ContainerChanged,
    EmergencyCalled,
    Event,
    MedicineGiven,
    Opened,
    PrescriberNotified,
    Resumed,
    Started,
    StoppedEarly,
    SymptomSeen,
    TreatedAsAnaphylaxis,
    Vitals,
)
from ivigil.infusion.signs import Criterion, Met, anaphylaxis, low_pressure, triggers_met, worst
from ivigil.infusion.workflow import HAPPENED, Action, Lock, Phase
from ivigil.knowledge.protocol import Grade, Sign, VitalSign

OTHER = "other"


@dataclass(frozen=True)
class Present:
    """A symptom that is there: its grade, by the nurse or else by the protocol, and since when."""

    symptom: str
    grade: Grade
    graded_by_nurse: bool
    since: datetime
    text: str | None = None


@dataclass(frozen=True)
class Deviation:
    """Something that was done although it was not permitted: what, when, and the codes of what spoke against it.

    ``most_ml_per_h`` is what was permitted just then, where the pump was set faster.
    """

    key: str
    at: datetime
    action: Action
    codes: tuple[str, ...]
    most_ml_per_h: Fraction | None = None


@dataclass(frozen=True)
class Session:
    """Where a session stands after the last event told. Times are those of the events; rates are in mL/h."""

    phase: Phase = Phase.PREPARING
    opened: Opened | None = None
    opened_at: datetime | None = None
    checks: Mapping[Check, CheckConfirmed] = field(default_factory=dict)
    check_failed_at: datetime | None = None
    """Since when a check is not as it should be: another patient, particles, a line that does not flush."""
    read_back_at: datetime | None = None
    """Since when the pump reads back faster than it may run next, until it reads right or is reported to run so fast."""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    rate_since: datetime | None = None
    ml_per_h: Fraction = Fraction(0)
    paused_at: datetime | None = None
    """Since when it stands still; pauses between which it did not run for a whole hold are one."""
    last_pause: tuple[datetime, datetime] | None = None
    """The pause before it went on last: since when, and until when."""
    ran_before_pause: Fraction = Fraction(0)
    permitted_ml_per_h: Fraction | None = None
    """Up to where it was permitted to run, while it runs faster than that; None: as it runs."""
    hurried: bool = False
    """Whether the last raise came before the rate below had been held."""
    borne_ml_per_h: Fraction = Fraction(0)
    """The highest rate at which the patient was watched without a symptom."""
    cap_ml_per_h: Fraction | None = None
    """After a reaction: the last rate borne without symptoms, until a prescriber lifts it."""
    hanging: tuple[tuple[datetime, ContainerChanged], ...] = ()
    """What hangs now, with when it was hung: the last, and what it was hung beside."""
    latest: Mapping[VitalSign, Decimal] = field(default_factory=dict)
    baseline: Mapping[VitalSign, Decimal] = field(default_factory=dict)
    first_since: Mapping[VitalSign, Decimal] = field(default_factory=dict)
    """The first value after the start: what a fall or rise is measured from where nobody measured before it."""
    unwell_at_start: bool = False
    """Whether a limit was reached by what was measured before the start."""
    taken_at: Mapping[VitalSign, datetime] = field(default_factory=dict)
    symptoms: Mapping[str, Present] = field(default_factory=dict)
    met: tuple[Met, ...] = ()
    criteria: tuple[Criterion, ...] = ()
    worst_ever: Grade | None = None
    reaction_since: datetime | None = None
    """When the reaction that is present, or was last, reached its present grade."""
    quiet_since: datetime | None = None
    """When the last symptom of a reaction had gone."""
    quiet_before: datetime | None = None
    """When all of a reaction had gone, that came back since."""
    episode: Grade | None = None
    """The worst of the reaction that is present or was last."""
    restarted: bool = False
    """Whether it went on after a reaction: resumed, or raised where it was only slowed."""
    lock: Lock = Lock.FREE
    locked_at: datetime | None = None
    """When it locked, where what locked it was struck or overtaken since."""
    agreed_at: datetime | None = None
    let_go_at: datetime | None = None
    notified_at: datetime | None = None
    emergency_at: datetime | None = None
    anaphylaxis_at: datetime | None = None
    """When somebody first treated it as anaphylaxis, or gave adrenaline."""
    criteria_at: datetime | None = None
    """When the criteria of anaphylaxis were first met."""
    medicines: tuple[tuple[datetime, MedicineGiven], ...] = ()
    residual_ml: Decimal | None = None
    deviations: tuple[Deviation, ...] = ()
    ahead: Ahead = field(default_factory=Ahead)
    """When the dose is through or what hangs is empty, if the pump is left as it is."""

    def whole_set_at(self, wanted: Iterable[VitalSign]) -> datetime | None:
        """When every sign of a set had been taken; None before that."""
        times = [self.taken_at.get(sign) for sign in wanted]
        known = [one for one in times if one is not None]
        return min(known) if known and len(known) == len(times) else None

    @property
    def reaction(self) -> Grade | None:
        """The worst that is present now, by symptoms and by vital signs after the start."""
        grades = [one.grade for one in self.symptoms.values()]
        if self.started_at is not None:
            grades += [one.trigger.grade for one in self.met if one.trigger.grade is not None]
        return worst(grades)

    @property
    def owes_agreement(self) -> bool:
        """Whether the team has still to agree before it goes on after this reaction."""
        return self.agreed_at is None and self.episode not in {None, Grade.MILD}

    def signs(self, bedside: Bedside) -> frozenset[Sign]:
        """What the present symptoms say of the body."""
        known = bedside.protocol.symptoms
        return frozenset(sign for name in self.symptoms if name in known for sign in known[name].signs)

    def never_restarts(self, bedside: Bedside) -> bool:
        """Whether a symptom is present after which the protocol never restarts, whatever its grade."""
        known, never = bedside.protocol.symptoms, bedside.protocol.never_restart_after.items
        return any(known[name].kind in never for name in self.symptoms if name in known)


def changed(session: Session, **changes: object) -> Session:
    """The session with some fields changed: what ``dataclasses.replace`` makes, without setting each of the others anew.

    Raises:
        TypeError: a name that is no field.
    """
    made = object.__new__(Session)
    vars(made).update(vars(session), **changes)
    if vars(made).keys() != vars(session).keys():
        raise TypeError(f"no field of a session: {', '.join(sorted(changes.keys() - vars(session).keys()))}")
    return made


def step(
    session: Session,
    at: datetime,
    event: Event,
    ran: Fraction,
    bedside: Bedside,
    broken: tuple[Deviation, ...] = (),
) -> Session:
    """The session after one event.

    Args:
        session: before it.
        at: when it happened.
        event: what was reported.
        ran: the pump's rate after it (mL/h).
        bedside: plan, protocol and policies.
        broken: in what it was not permitted.
    """
    after = changed(session, phase=HAPPENED[session.phase, event.type])
    after = _flow(session, after, at, ran, bedside, broken)
    match event.data:
        case Opened():
            after = changed(after, opened=event.data, opened_at=at)
        case CheckConfirmed():
            checks = {**session.checks, event.data.check: event.data}
            wrong = any(_wrong(one, bedside) for one in checks.values())
            unwell = event.data.check is Check.WELL_TODAY and not event.data.ok
            if event.data.check is Check.PUMP_READ_BACK:
                # The next step may be read back before it is reported.
                read, still = event.data.pump_ml_per_h, session.ran_before_pause or bedside.rates_ml_per_h[0]
                most = bedside.rate_above(ran) or ran if ran else still
                after = changed(after, read_back_at=at if read is not None and read > most else None)
            after = changed(
                after,
                checks=checks,
                check_failed_at=(session.check_failed_at or at) if wrong else None,
                agreed_at=None if unwell else session.agreed_at,
            )
        # A resumption without a start that was told: the report of the start was lost, and it runs all the same.
        case Started() | Resumed() if session.started_at is None:
            unwell = any(one.trigger.grade is not None for one in session.met)
            after = changed(after, started_at=at, baseline=dict(session.latest), unwell_at_start=unwell)
        case Vitals():
            values = event.data.measured
            after = changed(
                after,
                latest={**session.latest, **values},
                taken_at={**session.taken_at, **dict.fromkeys(values, at)},
                first_since={} if session.started_at is None else {**values, **session.first_since},
            )
        case SymptomSeen():
            after = changed(after, symptoms=_symptoms(session, at, event.data, bedside))
            known = bedside.protocol.symptoms.get(event.data.symptom)
            if event.data.present and known is not None and known.ends_access:
                # The line is lost: another must be confirmed before anything runs again.
                after = changed(
                    after, checks={name: one for name, one in session.checks.items() if name is not Check.ACCESS}
                )
        case ContainerChanged():
            beside = session.hanging if event.data.beside else ()
            after = changed(after, hanging=(*beside, (at, event.data)))
        case MedicineGiven():
            after = changed(after, medicines=(*session.medicines, (at, event.data)))
            if bedside.protocol.is_adrenaline(event.data.medicine):
                after = _as_anaphylaxis(after, at)
        case PrescriberNotified():
            relayed = event.actor.role in bedside.protocol.relays.items
            after = changed(
                after,
                notified_at=at,
                agreed_at=at if relayed and event.data.agrees_to_restart else session.agreed_at,
                let_go_at=at if relayed and event.data.lets_go else session.let_go_at,
                cap_ml_per_h=None if relayed and event.data.lifts_cap else session.cap_ml_per_h,
            )
        case EmergencyCalled():
            after = changed(after, emergency_at=at)
        case TreatedAsAnaphylaxis():
            after = _as_anaphylaxis(after, at)
        case StoppedEarly() | Completed():
            after = changed(after, residual_ml=event.data.residual_ml)
    found = isinstance(event.data, SymptomSeen | Vitals) or after.started_at != session.started_at
    return _reaction(session, after, at, bedside) if found else after


def _wrong(check: CheckConfirmed, bedside: Bedside) -> bool:
    """Whether a check stops the pump: it is not as it should be, or it is not the weight that the plan was made for."""
    beyond = check.weight_kg is not None and not bedside.within_tolerance(check.weight_kg)
    return beyond or not (check.ok or check.check is Check.WELL_TODAY)


def _as_anaphylaxis(session: Session, at: datetime) -> Session:
    """Somebody treats it as anaphylaxis: severe at least, and never restarted."""
    return changed(
        session,
        anaphylaxis_at=session.anaphylaxis_at or at,
        lock=Lock.ANAPHYLAXIS,
        worst_ever=worst((session.worst_ever, Grade.SEVERE)),
        let_go_at=None,
    )


def _flow(
    before: Session, after: Session, at: datetime, ran: Fraction, bedside: Bedside, broken: tuple[Deviation, ...]
) -> Session:
    """Rates, when the present one began, and when it ended: also where the pump stood still already."""
    ended_at = (before.ended_at or at) if after.phase in {Phase.STOPPED, Phase.COMPLETED, Phase.ENDED} else None
    if ran == before.ml_per_h:
        return changed(after, ended_at=ended_at)
    read = before.checks.get(Check.PUMP_READ_BACK)
    told = read is not None and read.pump_ml_per_h is not None and read.pump_ml_per_h <= ran
    stood, last = before.paused_at or before.ended_at, before.last_pause
    short = last is not None and at - last[1] < bedside.whole_hold(before.ml_per_h)
    return changed(
        after,
        ml_per_h=ran,
        read_back_at=None if told else before.read_back_at,
        rate_since=at if ran else None,
        ran_before_pause=_as_permitted(before) or before.ran_before_pause,
        permitted_ml_per_h=_permitted(before, ran, broken),
        hurried=any("too-early" in one.codes for one in broken) if ran > before.ml_per_h > 0 else before.hurried,
        ended_at=ended_at,
        # Also where it was ended instead of paused.
        paused_at=None if ran else last[0] if last is not None and short else at,
        last_pause=last if stood is None else (stood, at),
        restarted=before.restarted or (ran > before.ml_per_h and before.episode is not None),
    )


def _permitted(before: Session, ran: Fraction, broken: tuple[Deviation, ...]) -> Fraction | None:
    """Up to where it may run, if it runs faster. Slowing to what is still too fast, or a pause, earns no rate."""
    earlier = before.permitted_ml_per_h if ran <= before.ml_per_h else None
    limits = (earlier, *(one.most_ml_per_h for one in broken))
    return min((limit for limit in limits if limit is not None and ran > limit), default=None)


def _as_permitted(session: Session) -> Fraction:
    """The rate that runs, as far as it was permitted."""
    limit = session.permitted_ml_per_h
    return session.ml_per_h if limit is None else min(session.ml_per_h, limit)


def _symptoms(session: Session, at: datetime, seen: SymptomSeen, bedside: Bedside) -> dict[str, Present]:
    """Present symptoms after one was seen or has gone. A nurse's grade counts, but never below the symptom's least."""
    name = seen.symptom if seen.symptom != OTHER else f"{OTHER}: {seen.text}"
    left = {key: one for key, one in session.symptoms.items() if key != name}
    if not seen.present:
        return left
    known = bedside.protocol.symptoms.get(seen.symptom)
    grade = seen.grade or (known.grade if known else Grade.MODERATE)
    if known is not None and grade.rank < known.least.rank:
        grade = known.least
    since = session.symptoms[name].since if name in session.symptoms else at
    return {**left, name: Present(name, grade, seen.grade is not None, since, seen.text)}


def _reaction(before: Session, after: Session, at: datetime, bedside: Bedside) -> Session:
    """What a new finding means: criteria, the worst grade, what was borne, and whether it may ever run again."""
    signs = after.signs(bedside)
    age, protocol = bedside.ordered.age_years, bedside.protocol
    met = triggers_met(after.latest, after.baseline, age, signs, protocol, after.first_since)
    after = changed(after, met=met)
    # Before the start nothing has been infused that could be reacted to.
    criteria = () if after.started_at is None else anaphylaxis(signs, low=low_pressure(met))
    now, earlier = after.reaction, before.reaction
    after = changed(
        after, criteria=criteria, criteria_at=(before.criteria_at or at) if criteria else before.criteria_at
    )
    # A word that was given before a finding was not given about it.
    fresh = not _findings(after) <= _findings(before)
    if after.started_at is None:
        return changed(after, agreed_at=None) if fresh else after
    # Anaphylaxis is severe at least, whatever grades its parts were given.
    after = changed(after, worst_ever=worst((before.worst_ever, now, Grade.SEVERE if criteria else None)))
    if now is None:
        gone = at if earlier is not None else before.quiet_since
        borne = max(before.borne_ml_per_h, _as_permitted(before)) if earlier is None else before.borne_ml_per_h
        return changed(after, quiet_since=gone, borne_ml_per_h=borne)
    cap = before.cap_ml_per_h
    # A limit that was lifted for one finding was not lifted for another.
    worse = earlier is None or now.rank > earlier.rank or (fresh and cap is None)
    more = worse or fresh
    if worse:
        borne = before.borne_ml_per_h
        reached = before.ml_per_h or before.ran_before_pause
        last = borne if borne < reached else _below(bedside, reached)
        cap = last if cap is None else min(cap, last)
    lock = before.lock
    if criteria:
        lock = Lock.ANAPHYLAXIS
    elif lock in {Lock.FREE, Lock.RETURNED} and (now.rank >= Grade.SEVERE.rank or after.never_restarts(bedside)):
        lock = Lock.SEVERE
    elif lock is Lock.FREE and more and before.restarted:
        lock = Lock.RETURNED
    return changed(
        after,
        quiet_since=None,
        quiet_before=before.quiet_since or before.quiet_before,
        # A mild one that follows takes nothing away from what a worse one before it asks for.
        episode=worst((before.episode, now)),
        agreed_at=None if more else after.agreed_at,
        let_go_at=None if more else after.let_go_at,
        cap_ml_per_h=cap,
        lock=lock,
        reaction_since=at if worse or before.reaction_since is None else before.reaction_since,
    )


def _findings(session: Session) -> set[object]:
    """Everything present that makes up a reaction: symptoms, limits with a grade, and criteria of anaphylaxis."""
    limits = (one.code for one in session.met if one.trigger.grade is not None)
    return {*session.symptoms, *limits, *((one.rule, one.number) for one in session.criteria)}


def _below(bedside: Bedside, reached: Fraction) -> Fraction:
    """The step below a rate at which the patient was watched without a symptom before it began there; else none at all."""
    return max((rate for rate in bedside.rates_ml_per_h if rate < reached), default=Fraction(0))
