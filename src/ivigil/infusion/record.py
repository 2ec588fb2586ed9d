"""The record of a session: any heap of reported events, in any order, told twice or late, read in one defined way.

Nothing that was reported is lost. What cannot be an event of this session is kept for review; a key told twice counts
once; a correction changes what an earlier event says, and both stay visible.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError

from ivigil.infusion.events import SCHEMA, Correction, Event, EventType, SymptomSeen, Vitals, as_json
from ivigil.knowledge.protocol import Protocol


@dataclass(frozen=True)
class Rejected:
    """Something that was sent and is no event of this session, kept as it came, with the reason."""

    raw: str
    reason: str


@dataclass(frozen=True)
class Told:
    """An event as it stands after corrections. ``event`` None: it was said never to have happened.

    ``first`` is what was reported first, ``corrections`` what changed it, in order.
    """

    at: datetime
    event: Event | None
    first_at: datetime
    first: Event
    corrections: tuple[Event, ...] = ()
    clock_ahead: bool = False


@dataclass(frozen=True)
class Record:
    """Everything that was reported, in the order in which it happened."""

    session: str
    told: tuple[Told, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    unmatched: tuple[Event, ...] = field(default=())
    """Corrections of an event that has not arrived."""

    @property
    def standing(self) -> tuple[tuple[datetime, Event], ...]:
        """What counts, with when it happened."""
        return tuple((one.at, one.event) for one in self.told if one.event is not None)


def read_event(raw: object, session: str, protocol: Protocol) -> Event | Rejected:
    """One reported event, or why it is none.

    Args:
        raw: parsed JSON.
        session: the session that is open.
        protocol: whose limits of the possible, words for symptoms, and roles hold.

    Returns:
        The event, or what is kept for review: malformed, of another session, or by nobody who may write.
    """
    kept = json.dumps(raw, ensure_ascii=False, default=str, sort_keys=True)
    if not isinstance(raw, Mapping):
        return Rejected(kept, "An event is one JSON object.")
    if raw.get("schema") != SCHEMA:
        return Rejected(kept, f"schema: an event of this version says {SCHEMA!r}.")
    try:
        event = Event.model_validate(raw)
    except ValidationError as problem:
        return Rejected(kept, _why(problem))
    if event.session != session:
        return Rejected(kept, f"session: it belongs to {event.session!r}, and {session!r} is open.")
    roles = protocol.roles.items
    if event.actor.role not in roles:
        return Rejected(
            kept, f"actor.role: {event.actor.role!r} does not write in a session; roles: {', '.join(roles)}."
        )
    if isinstance(event.data, Vitals):
        for sign, value in event.data.measured.items():
            least, most = protocol.possible[sign]
            if not least <= value <= most:
                return Rejected(
                    kept, f"data.{sign.value}: {value} is not possible; it lies between {least} and {most}."
                )
    if isinstance(event.data, SymptomSeen):
        word = event.data.symptom
        if word != "other" and word not in protocol.symptoms:
            return Rejected(
                kept, f"data.symptom: the protocol has no word {word!r}; write other, with a text and a grade."
            )
    return event


def gather(raws: Iterable[object], session: str, protocol: Protocol) -> Record:
    """The record that a heap of reports makes: the same for the same heap, whatever its order and repeats.

    Events stand in the order of the time at which they happened; at one time, by number and key. Two different events
    under one key: the first received counts, the other is kept for review.
    """
    events: dict[str, Event] = {}
    rejected: dict[str, Rejected] = {}
    for raw in raws:
        read = read_event(raw, session, protocol)
        if isinstance(read, Rejected):
            rejected[read.raw] = read
            continue
        known = events.get(read.key)
        if known is None:
            events[read.key] = read
            continue
        kept, other = sorted((known, read), key=_received)
        events[read.key] = kept
        if kept.content != other.content:
            rejected[as_json(other)] = Rejected(as_json(other), f"key: {read.key!r} was used before for another event.")
    skew = timedelta(minutes=int(protocol.observing.clock_ahead_most.value))
    told, unmatched, refused = _corrected(events, skew, protocol)
    for one in refused:
        rejected[one.raw] = one
    return Record(
        session,
        tuple(sorted(told, key=lambda one: (one.at, one.first.seq, one.first.key))),
        tuple(sorted(rejected.values(), key=lambda one: one.raw)),
        unmatched,
    )


def _received(event: Event) -> tuple[Any, ...]:
    return (event.received_at, event.seq, as_json(event))


def _corrected(
    events: Mapping[str, Event], skew: timedelta, protocol: Protocol
) -> tuple[list[Told], tuple[Event, ...], list[Rejected]]:
    """Events with the corrections that stand. A correction may itself be taken back, by one without ``instead``."""
    corrections = [
        (one, one.data) for one in sorted(events.values(), key=_received) if isinstance(one.data, Correction)
    ]
    keys = {one.key for one, _ in corrections}
    taken_back = {said.corrects for _, said in corrections if said.instead is None and said.corrects in keys}
    refused: list[Rejected] = []
    unmatched: list[Event] = []
    of: dict[str, list[tuple[Event, Event | None]]] = {}
    for one, said in corrections:
        if said.corrects not in events:
            unmatched.append(one)
        elif said.corrects in keys:
            if said.instead is not None:
                refused.append(Rejected(as_json(one), TAKEN_BACK_ONLY))
        elif one.key not in taken_back:
            made = _instead(events[said.corrects], said, protocol)
            if isinstance(made, Rejected):
                refused.append(Rejected(as_json(one), made.reason))
            else:
                of.setdefault(said.corrects, []).append((one, made))
    told = []
    for event in events.values():
        rows = of.get(event.key, [])
        stands = rows[-1][1] if rows else event
        moment = (stands or event).at(skew)
        told.append(
            Told(
                moment,
                stands,
                event.at(skew),
                event,
                tuple(row for row, _ in rows),
                clock_ahead=event.device_at > event.received_at + skew,
            )
        )
    return told, tuple(unmatched), refused


#: What a correction of a correction may say.
TAKEN_BACK_ONLY = "corrects: a correction is taken back, never rewritten; correct the event itself."


def _instead(target: Event, correction: Correction, protocol: Protocol) -> Event | Rejected | None:
    """The event as the correction tells it: the same type, other data, perhaps another time."""
    if correction.instead is None:
        return None
    raw = json.loads(as_json(target)) | {"data": correction.instead}
    if correction.happened_at is not None:
        raw["device_at"] = correction.happened_at.isoformat()
    made = read_event(raw, target.session, protocol)
    return Rejected("", f"instead: {made.reason}") if isinstance(made, Rejected) else made


def _why(problem: ValidationError) -> str:
    first = problem.errors()[0]
    where = ".".join(str(part) for part in first["loc"] if not isinstance(part, EventType))
    return f"{where or 'event'}: {first['msg'].removeprefix('Value error, ')}."
