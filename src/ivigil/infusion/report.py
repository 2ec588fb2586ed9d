"""The infusion record: what happened in order, what was missed, what deviated, and where every gram went."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, PlainSerializer

from ivigil.infusion.bedside import Bedside
from ivigil.infusion.delivered import Delivered
from ivigil.infusion.due import DueKind, due
from ivigil.infusion.events import (
    CheckConfirmed,
    ContainerChanged,
    Correction,
    Data,
    EmergencyCalled,
    MedicineGiven,
    Note,
    Opened,
    Paused,
    PrescriberNotified,
    RateChanged,
    Resumed,
    Started,
    StoppedEarly,
    SymptomSeen,
    Vitals,
    as_json,
)
from ivigil.infusion.live import Live, replay, retold
from ivigil.infusion.medicines import Amiss, amiss
from ivigil.infusion.missed import Late, Owed
from ivigil.infusion.record import Record, Told
from ivigil.infusion.response import line
from ivigil.infusion.session import Session
from ivigil.infusion.tolerance import lesson, remembered
from ivigil.infusion.workflow import Phase
from ivigil.knowledge.protocol import Grade
from ivigil.patient import ProductHistory
from ivigil.prescription.plan import as_plain_number

TENTHS, HUNDREDTHS = 10, 100
MINUTE = timedelta(minutes=1)

Number = Annotated[Decimal, PlainSerializer(as_plain_number, return_type=float, when_used="json")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Change(_Part):
    """A correction as it was made: who, when and why."""

    at: AwareDatetime
    by: str
    role: str
    because: str


class Entry(_Part):
    """One line of the timeline. ``first`` is what was reported first, where it was corrected since.

    ``signs`` holds the values of vital signs as they stand, by name; it is empty for every other report. ``told_late_min`` is how
    many minutes after it happened the record got it, where that is more than the protocol bears: written down later, sent
    later, or the device's clock is behind. ``clock_ahead`` and ``clock_behind``: it cannot have been right, and the time of
    receipt counts.
    """

    at: AwareDatetime
    minute: int | None
    type: str
    by: str
    role: str
    text: str
    first: str | None = None
    struck: bool = False
    clock_ahead: bool = False
    clock_behind: bool = False
    told_late_min: int | None = None
    corrected: tuple[Change, ...] = ()
    signs: dict[str, Number] = {}


class Missed(_Part):
    """What was due and came late, or never (``taken_at`` null): ``what`` is a kind of due that must be done (:mod:`.missed`)."""

    what: str = DueKind.VITALS.value
    due_at: AwareDatetime
    taken_at: AwareDatetime | None


class Unread(_Part):
    """Something that was sent and counts for nothing, as it came, with the reason."""

    reason: str
    raw: str


class Broken(_Part):
    """Something that was done and was not permitted: by whom, the reasons against it, and the reason that was given for it."""

    at: AwareDatetime
    action: str
    by: str
    role: str
    reasons: tuple[str, ...]
    because: str | None


class Alarm(_Part):
    """A limit of a vital sign or a set of criteria that was met after the start; ``grade`` null: shown, and asked about.

    Or a medicine that was given otherwise than by the protocol: its dose for this patient, its route, or again too soon.
    """

    at: AwareDatetime
    code: str
    text: str
    grade: Grade | None
    policy: bool
    sources: tuple[str, ...]


class ReactionSeen(_Part):
    """A symptom after the start, from when to when (``until`` null: it was still there)."""

    symptom: str
    grade: Grade
    graded_by_nurse: bool
    since: AwareDatetime
    until: AwareDatetime | None


class ContainerGiven(_Part):
    """A container: what it held, what of it was given, and what was left."""

    product: str
    lot: str | None
    expires_on: str | None
    size_g: Number
    given_g: Number
    left_g: Number


class RateRun(_Part):
    """A time at one rate, for the chart."""

    begins: AwareDatetime
    ends: AwareDatetime
    pump_ml_per_h: Number


class Reconciled(_Part):
    """Plan against delivered. ``unaccounted_ml`` ran although no reported container held it.

    ``residual_agrees``: what was measured in what hung last is what the reported rates leave there, within the protocol's share
    of the volume (null: not measured). ``beyond_plan_g`` was given beyond the planned dose and that share.
    """

    planned_g: Number
    given_g: Number
    hung_g: Number
    left_g: Number
    planned_ml: Number
    given_ml: Number
    unaccounted_ml: Number
    measured_residual_ml: Number | None
    expected_residual_ml: Number
    residual_agrees: bool | None
    beyond_plan_g: Number
    balances: bool


class SessionReport(_Part):
    """What ``ivigil infuse replay`` returns."""

    schema_: Literal["ivigil-session-report/1"]
    session: str
    plan_id: str
    infusion: int
    patient_ref: str
    synthetic: bool
    product: str
    protocol: str
    ctcae_version: str
    phase: Phase
    opened_by: str | None
    signed_by: str | None
    signed_at: AwareDatetime | None
    started_at: AwareDatetime | None
    ended_at: AwareDatetime | None
    duration_min: int | None
    planned_duration_min: int
    timeline: tuple[Entry, ...]
    missed: tuple[Missed, ...]
    due: tuple[tuple[str, AwareDatetime], ...]
    deviations: tuple[Broken, ...]
    reactions: tuple[ReactionSeen, ...]
    alarms: tuple[Alarm, ...]
    worst_grade: Grade | None
    worst_ctcae: int | None
    locked_by: str
    given: Reconciled
    containers: tuple[ContainerGiven, ...]
    rates: tuple[RateRun, ...]
    learned: ProductHistory | None
    history_given: bool
    for_review: tuple[Unread, ...]
    notice: str

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=lambda name: name.rstrip("_"), populate_by_name=True
    )


NOTICE = (
    "A record of what was reported. Rates and grams are worked out from the reports; a clinician checks and signs it."
)


def report(record: Record, bedside: Bedside, before: ProductHistory | None = None) -> SessionReport:
    """The record of a session up to its last report.

    Args:
        record: everything that was reported.
        bedside: plan, protocol and policies.
        before: the product's entry in the patient's history before this infusion, where it is known.
    """
    live = replay(record, bedside)
    session, until = live.session, live.last or bedside.infusion.starts_at
    given = live.given(until)
    missed, seen, alarms = _walk(record, bedside)
    by_key = {one.first.key: one for one in record.told}
    ever = tuple((one.since, one.symptom) for one in seen)
    labels = tuple(one.label for one in given.containers if one.given_ml)
    learned = lesson(session, bedside, given.grams, ever, labels)
    if learned is not None and before is not None and before.product != learned.product:
        before = None
    worst = session.worst_ever
    opened = session.opened
    length = None if session.started_at is None else (session.ended_at or until) - session.started_at
    return SessionReport(
        schema_="ivigil-session-report/1",
        session=record.session,
        plan_id=bedside.plan.plan_id,
        infusion=bedside.infusion.number,
        patient_ref=bedside.plan.patient_ref,
        synthetic=bedside.plan.synthetic,
        product=bedside.ordered.brand,
        protocol=bedside.protocol.name,
        ctcae_version=bedside.protocol.ctcae_version.text,
        phase=session.phase,
        opened_by=next((one.first.actor.by for one in record.told if isinstance(one.first.data, Opened)), None),
        signed_by=None if opened is None else f"{opened.signed_by}, {opened.signed_role}",
        signed_at=None if opened is None else opened.signed_at,
        started_at=session.started_at,
        ended_at=session.ended_at,
        duration_min=None if length is None else int(length.total_seconds() // 60),
        planned_duration_min=bedside.infusion.duration_min,
        timeline=tuple(_entry(one, session.started_at, bedside) for one in record.told),
        missed=missed,
        due=tuple((one.kind.value, one.at) for one in due(session, bedside)),
        deviations=tuple(
            Broken(
                at=one.at,
                action=one.action.value,
                by=by_key[one.key].first.actor.by,
                role=by_key[one.key].first.actor.role,
                reasons=tuple(bedside.protocol.bars[code].text for code in one.codes),
                because=_because(by_key[one.key]),
            )
            for one in session.deviations
        ),
        reactions=seen,
        alarms=alarms,
        worst_grade=worst,
        worst_ctcae=None if worst is None else bedside.protocol.responses[worst].ctcae,
        locked_by=session.lock.value,
        given=_reconciled(given, session, bedside),
        containers=tuple(
            ContainerGiven(
                product=one.label.product,
                lot=one.label.lot,
                expires_on=None if one.label.expires_on is None else one.label.expires_on.isoformat(),
                size_g=one.label.size_g,
                given_g=_rounded(one.given_g, HUNDREDTHS),
                left_g=_rounded(one.left_ml * one.grams_per_ml, HUNDREDTHS),
            )
            for one in given.containers
        ),
        rates=tuple(
            RateRun(begins=one.begins, ends=one.ends, pump_ml_per_h=_rounded(one.ml_per_h, TENTHS))
            for one in given.stretches
        ),
        learned=None if learned is None else remembered(learned, before),
        history_given=before is not None,
        for_review=(
            *(Unread(reason=one.reason, raw=one.raw) for one in record.rejected),
            *(
                Unread(reason=f"A correction of {one.data.corrects!r}, which was never reported.", raw=as_json(one))
                for one in record.unmatched
                if isinstance(one.data, Correction)
            ),
        ),
        notice=NOTICE,
    )


def _rounded(value: Fraction, parts: int) -> Decimal:
    return Decimal(round(value * parts)) / parts


def _reconciled(given: Delivered, session: Session, bedside: Bedside) -> Reconciled:
    left = sum((one.left_ml * one.grams_per_ml for one in given.containers), Fraction(0))
    share = Fraction(bedside.protocol.complete_within.value)
    planned_g, measured = Fraction(bedside.infusion.dose_g), session.residual_ml
    off = None if measured is None else abs(Fraction(measured) - given.hanging_ml)
    beyond = given.grams - planned_g if given.grams > planned_g * (1 + share) else Fraction(0)
    return Reconciled(
        planned_g=bedside.infusion.dose_g,
        given_g=_rounded(given.grams, HUNDREDTHS),
        hung_g=_rounded(given.hung_g, HUNDREDTHS),
        left_g=_rounded(left, HUNDREDTHS),
        planned_ml=bedside.infusion.total_ml,
        given_ml=_rounded(given.ml, TENTHS),
        unaccounted_ml=_rounded(given.unhung_ml, TENTHS),
        measured_residual_ml=measured,
        expected_residual_ml=_rounded(given.hanging_ml, TENTHS),
        residual_agrees=None if off is None else off <= Fraction(bedside.infusion.total_ml) * share,
        beyond_plan_g=_rounded(beyond, HUNDREDTHS),
        balances=given.hung_g == given.grams + left,
    )


def _because(told: Told) -> str | None:
    """The reason that somebody gave for what was done."""
    said: str | None = getattr((told.event or told.first).data, "because", None)
    return said


def _alarms(at: datetime, before: Session, after: Session, bedside: Bedside) -> Iterable[Alarm]:
    """What was met with this report and not before it."""
    if after.started_at is None:
        return
    earlier = {one.code for one in before.met} if before.started_at is not None else set()
    for met in after.met:
        if met.code not in earlier:
            text = f"{met.trigger.text} It was {_plain(met.value)}."
            row = line(text, met.trigger)
            yield Alarm(
                at=at, code=met.code, text=text, grade=met.trigger.grade, policy=row.policy, sources=row.sources
            )
    known = {(one.rule, one.number) for one in before.criteria}
    for one in after.criteria:
        if (one.rule, one.number) not in known:
            rule = bedside.protocol.anaphylaxis[one.rule]
            yield Alarm(
                at=at,
                code=f"{one.rule}_{one.number}",
                text=f"Anaphylaxis by {_words(one.rule).upper()}, criterion {one.number}: {', '.join(one.because)}.",
                grade=Grade.SEVERE,
                policy=line(rule.text, rule).policy,
                sources=rule.src,
            )


def _of_medicine(at: datetime, found: Amiss) -> Alarm:
    return Alarm(at=at, code=found.code, text=found.text, grade=None, policy=found.policy, sources=found.sources)


def _walk(record: Record, bedside: Bedside) -> tuple[tuple[Missed, ...], tuple[ReactionSeen, ...], tuple[Alarm, ...]]:
    """What was due and came late, every symptom with its beginning and end, and every limit that was met."""
    live, owed, seen = Live(bedside), Owed(bedside), []
    late: list[Late] = []
    alarms: list[Alarm] = []
    open_: dict[str, ReactionSeen] = {}
    for at, event, before in retold(live, record):
        after = live.session
        late += owed.tell(at, before, after)
        alarms += _alarms(at, before, after, bedside)
        if isinstance(event.data, MedicineGiven):
            alarms += (_of_medicine(at, one) for one in amiss(at, event.data, before, bedside))
        for name, one in after.symptoms.items():
            if after.started_at is not None and name not in open_:
                open_[name] = ReactionSeen(
                    symptom=name, grade=one.grade, graded_by_nurse=one.graded_by_nurse, since=one.since, until=None
                )
            elif name in open_ and one.grade.rank > open_[name].grade.rank:
                open_[name] = open_[name].model_copy(
                    update={"grade": one.grade, "graded_by_nurse": one.graded_by_nurse}
                )
        for name in set(open_) - set(after.symptoms):
            seen.append(open_.pop(name).model_copy(update={"until": at}))
    if live.last is not None:
        late += owed.undone(live.last, live.session)
    missed = [Missed(what=one.kind.value, due_at=one.due_at, taken_at=one.done_at) for one in late]
    reactions = sorted((*seen, *open_.values()), key=lambda one: (one.since, one.symptom))
    return tuple(sorted(missed, key=lambda one: one.due_at)), tuple(reactions), tuple(alarms)


def _entry(told: Told, started_at: datetime | None, bedside: Bedside) -> Entry:
    stands = told.event or told.first
    said = sentence(stands.data, bedside)
    first = sentence(told.first.data, bedside)
    return Entry(
        at=told.at,
        minute=None if started_at is None else int((told.at - started_at).total_seconds() // 60),
        type=told.first.type.value,
        by=told.first.actor.by,
        role=told.first.actor.role,
        text=said,
        first=first if told.corrections and told.event is not None and first != said else None,
        struck=told.event is None,
        clock_ahead=told.clock_ahead,
        clock_behind=told.clock_behind,
        told_late_min=told.late // MINUTE
        if told.late > bedside.minutes(bedside.protocol.observing.told_late_after.value)
        else None,
        corrected=tuple(
            Change(at=one.received_at, by=one.actor.by, role=one.actor.role, because=one.data.because)
            for one in told.corrections
            if isinstance(one.data, Correction)
        ),
        signs={sign.value: value for sign, value in stands.data.measured.items()}
        if isinstance(stands.data, Vitals)
        else {},
    )


def sentence(data: Data, bedside: Bedside) -> str:
    """What an event says, in words."""
    match data:
        case Opened():
            return (
                f"Opened for infusion {data.infusion}, signed by {data.signed_by} ({data.signed_role}); {data.setting}, "
                f"protocol {data.protocol}"
            )
        case CheckConfirmed():
            figures = [f"{_plain(data.weight_kg)} kg"] if data.weight_kg is not None else []
            figures += [f"{_plain(data.pump_ml_per_h)} mL/h"] if data.pump_ml_per_h is not None else []
            state = "as it should be" if data.ok else "NOT as it should be"
            return ", ".join((f"{_words(data.check.value)}: {state}", *figures, *_texts(data.text)))
        case Started():
            return f"Started at {_plain(data.pump_ml_per_h)} mL/h"
        case Vitals():
            return ", ".join(_vitals(data))
        case SymptomSeen():
            known = bedside.protocol.symptoms.get(data.symptom)
            name = known.name if known else data.text or data.symptom
            grade = f", {_words(data.grade.value)}" if data.grade else ""
            return f"{name}{grade}" if data.present else f"{name}: gone"
        case RateChanged() | Resumed():
            verb = "Rate" if isinstance(data, RateChanged) else "Resumed at"
            return ", ".join((f"{verb} {_plain(data.pump_ml_per_h)} mL/h", *_texts(data.because)))
        case Paused():
            return ", ".join(("Paused", *_texts(data.because)))
        case ContainerChanged():
            lot = f"lot {data.lot}" if data.lot is not None else "lot UNRECORDED"
            until = "expiry UNRECORDED" if data.expires_on is None else f"expires {data.expires_on.isoformat()}"
            return f"Hung {data.product} {_plain(data.size_g)} g in {_plain(data.volume_ml)} mL, {lot}, {until}"
        case MedicineGiven():
            dose = f" {_plain(data.dose_mg)} mg" if data.dose_mg is not None else ""
            return ", ".join((f"Given: {_words(data.medicine)}{dose} {data.route}", *_texts(data.text)))
        case PrescriberNotified():
            extra = [
                *(["agrees to go on"] if data.agrees_to_restart else []),
                *(["lifts the limit"] if data.lifts_cap else []),
                *(["lets the patient go"] if data.lets_go else []),
            ]
            return ", ".join((f"Told {data.who}: {data.said}", *extra))
        case EmergencyCalled():
            return f"Emergency called{f' ({data.number})' if data.number else ''}"
        case StoppedEarly():
            return ", ".join(("Stopped early", *_texts(data.because)))
        case Note():
            return data.text
        case Correction():
            return f"Correction of {data.corrects}: {data.because}"
    return _words(data.type.value).capitalize()


def _plain(value: Decimal) -> str:
    """A figure without trailing zeros: 1.0 is read as 10."""
    return f"{value.normalize():f}"


def _words(name: str) -> str:
    return name.replace("_", " ")


def _texts(*texts: str | None) -> Iterable[str]:
    return (text for text in texts if text)


def _vitals(data: Vitals) -> Iterable[str]:
    if data.systolic_mmhg is not None:
        yield f"BP {_plain(data.systolic_mmhg)}/{'?' if data.diastolic_mmhg is None else _plain(data.diastolic_mmhg)} mmHg"
    elif data.diastolic_mmhg is not None:
        yield f"diastolic {_plain(data.diastolic_mmhg)} mmHg"
    if data.pulse_per_min is not None:
        yield f"pulse {_plain(data.pulse_per_min)}"
    if data.respirations_per_min is not None:
        yield f"respirations {_plain(data.respirations_per_min)}"
    if data.temperature_c is not None:
        yield f"{_plain(data.temperature_c)} °C"
    if data.spo2_percent is not None:
        yield f"SpO2 {_plain(data.spo2_percent)} %"
