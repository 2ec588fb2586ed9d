"""The record of a session: any heap of reported events, in any order, told twice or late, read in one defined way.

Nothing that was reported is lost. What cannot be an event of this session is kept for review; a key told twice counts
once; a correction changes what an earlier event says, and both stay visible.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from ivigil.infusion.events import SCHEMA, Correction, Event, EventType, Opened, SymptomSeen, Vitals, as_json
from ivigil.knowledge.protocol import Protocol


@dataclass(frozen=True)
class Rejected:
    """Something that was sent and is no event of this session, kept as it came, with the reason."""

    raw: str
    reason: str


@dataclass(frozen=True)
class Torn:
    """A line that is no JSON, as it came, with what is wrong with it."""

    text: str
    why: str


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
    clock_behind: bool = False
    late: timedelta = timedelta(0)
    """How long after it happened the record got it."""
    stood: tuple[tuple[Event, datetime, Event | None], ...] = ()
    """What stood from each correction on, in order, also from one that was taken back or takes one back: by which, and when
    it happened as it stood then."""


@dataclass(frozen=True)
class Record:
    """Everything that was reported, in the order in which it happened."""

    session: str
    told: tuple[Told, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    unmatched: tuple[Event, ...] = field(default=())
    """Corrections of an event that has not arrived."""
    refused: tuple[tuple[datetime, Event], ...] = field(default=())
    """What came under a key that was used before: kept for review, and never a reason to permit more."""

    @property
    def standing(self) -> tuple[tuple[datetime, Event], ...]:
        """What counts, with when it happened."""
        return tuple((one.at, one.event) for one in self.told if one.event is not None)


def read_event(raw: object, session: str, protocol: Protocol) -> Event | Rejected:
    """One reported event, or why it is none.

    Args:
        raw: parsed JSON, or a line that is none.
        session: the session that is open.
        protocol: whose limits of the possible, words for symptoms, and roles hold.

    Returns:
        The event, or what is kept for review: malformed, of another session, or by nobody who may write.
    """
    if isinstance(raw, Torn):
        return Rejected(raw.text, raw.why)
    kept = _written(raw)
    if not isinstance(raw, Mapping):
        return Rejected(kept, "An event is one JSON object.")
    if raw.get("schema") != SCHEMA:
        return Rejected(kept, f"schema: an event of this version says {SCHEMA!r}.")
    try:
        event = Event.model_validate(raw)
    except ValidationError as problem:
        return Rejected(kept, _why(problem))
    if event.session != session:
        return Rejected(kept, f"session: it belongs to {event.session!r}, and {session!r} is open.{_opens(event)}")
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


#: Whole numbers that are the same in every reader of JSON.
_WHOLE_DIGITS = 15


def _as_it_came(value: object) -> object:
    """A number of a file as a number again; one that no plain number holds stays in its own digits."""
    if not isinstance(value, Decimal):
        return str(value)
    if value.is_finite() and value == value.to_integral_value() and value.adjusted() < _WHOLE_DIGITS:
        return int(value)
    plain = float(value)
    return plain if value.is_nan() or Decimal(str(plain)) == value else str(value)


def _written(value: object) -> str:
    """As JSON; half a character, which no text of ours can hold, is spelled out as it was."""
    text = json.dumps(value, ensure_ascii=False, default=_as_it_came, sort_keys=True)
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _opens(event: Event) -> str:
    """What an opening of another session means for this one: perhaps one infusion was recorded twice."""
    if not isinstance(event.data, Opened):
        return ""
    return f" It was opened for infusion {event.data.infusion} of a plan: what was given in it is not counted here."


def gather(raws: Iterable[object], session: str, protocol: Protocol) -> Record:
    """The record that a heap of reports makes: the same for the same heap, whatever its order and repeats.

    Events stand in the order of the time at which they happened; at one time, by number and key. Two different events
    under one key: the first received counts, the other is kept for review. Where the other stops, pauses, treats or calls it
    counts as well, under a key of its own: two devices may have made the same one.
    """
    told_as: dict[str, dict[object, list[Event]]] = {}
    rejected: dict[str, Rejected] = {}
    for raw in raws:
        read = read_event(raw, session, protocol)
        if isinstance(read, Rejected):
            rejected[read.raw] = read
            continue
        _once(told_as.setdefault(read.key, {}).setdefault(_alike(read), []), read)
    events: dict[str, Event] = {}
    others: list[Event] = []
    for key, alike in told_as.items():
        kept, *rest = sorted((one for rows in alike.values() for one in rows), key=_received)
        events[key] = kept
        for other in rest:
            rejected[as_json(other)] = Rejected(as_json(other), f"key: {key!r} was used before for another event.")
            others.append(other)
    for other in others:
        if other.type in ALWAYS_COUNT:
            key = _own_key(other)
            events.setdefault(key, other.model_copy(update={"key": key}))
    skew = timedelta(minutes=int(protocol.observing.clock_ahead_most.value))
    not_before = _not_before(events.values(), protocol)
    told, unmatched, refused = _corrected(events, skew, not_before, protocol)
    for one in refused:
        rejected[one.raw] = one
    return Record(
        session,
        tuple(sorted(told, key=lambda one: (one.at, one.first.seq, one.first.key))),
        tuple(sorted(rejected.values(), key=lambda one: one.raw)),
        unmatched,
        tuple(
            sorted(
                ((one.at(skew, not_before), one) for one in others), key=lambda row: (row[0], row[1].seq, row[1].key)
            )
        ),
    )


FIRST_DAY = datetime.min.replace(tzinfo=UTC) + timedelta(days=2)
#: What is done before any form: it is never dropped because another device made the same key.
ALWAYS_COUNT = frozenset(
    {
        EventType.PAUSED,
        EventType.STOPPED_EARLY,
        EventType.TREATED_AS_ANAPHYLAXIS,
        EventType.MEDICINE_GIVEN,
        EventType.EMERGENCY_CALLED,
    }
)


def _alike(event: Event) -> object:
    """What two copies of one event surely share, so that a key that is used ten thousand times is not searched through."""
    data = event.data
    return event.type, event.device_at, data if not isinstance(data, Correction) else (data.corrects, data.because)


def _once(rows: list[Event], read: Event) -> None:
    """Add an event to those of its key, unless it is one of them told again: then the copy that came first stays."""
    for place, known in enumerate(rows):
        if known.content == read.content:
            rows[place] = min(known, read, key=_received)
            return
    rows.append(read)


def _own_key(event: Event) -> str:
    """A key made of the event's own content: the same for every copy of it."""
    bare = event.model_copy(update={"seq": 1, "received_at": event.device_at})
    return "again-" + hashlib.sha256(as_json(bare).encode()).hexdigest()[:16]


def _not_before(events: Iterable[Event], protocol: Protocol) -> datetime | None:
    """The earliest time that a device may name: long before the plan was signed there was no such session."""
    opened = min((one for one in events if isinstance(one.data, Opened)), key=_received, default=None)
    if opened is None or not isinstance(opened.data, Opened):
        return None
    most = timedelta(minutes=int(protocol.observing.clock_behind_most.value))
    signed = opened.data.signed_at
    return signed - most if signed.astimezone(UTC) > FIRST_DAY + most else None


def _received(event: Event) -> tuple[Any, ...]:
    return (event.received_at, event.seq, as_json(event))


def _corrected(
    events: Mapping[str, Event], skew: timedelta, not_before: datetime | None, protocol: Protocol
) -> tuple[list[Told], tuple[Event, ...], list[Rejected]]:
    """Events with the corrections that stand. A correction may itself be taken back, by one without ``instead``."""
    corrections = [
        (one, one.data) for one in sorted(events.values(), key=_received) if isinstance(one.data, Correction)
    ]
    keys = {one.key for one, _ in corrections}
    taken_back = _taken_back(
        [(one, said) for one, said in corrections if said.instead is None and said.corrects in keys]
    )
    refused: list[Rejected] = []
    unmatched: list[Event] = []
    of: dict[str, list[tuple[Event, Event | None]]] = {}
    ever = _Ever(events)
    for one, said in corrections:
        if said.corrects not in events:
            unmatched.append(one)
        elif said.corrects in keys:
            if said.instead is not None:
                refused.append(Rejected(as_json(one), TAKEN_BACK_ONLY))
            else:
                ever.taken_back(one, said)
        else:
            made = _instead(events[said.corrects], said, one.received_at, protocol)
            if isinstance(made, Rejected):
                refused.append(Rejected(as_json(one), made.reason))
                continue
            ever.corrected(one, said, made)
            if one.key not in taken_back:
                of.setdefault(said.corrects, []).append((one, made))
    told = []
    for event in events.values():
        rows = of.get(event.key, [])
        stands = rows[-1][1] if rows else event
        moment = (stands or event).at(skew, not_before)
        told.append(
            Told(
                moment,
                stands,
                event.at(skew, not_before),
                event,
                tuple(row for row, _ in rows),
                clock_ahead=event.device_at > event.received_at + skew,
                clock_behind=event.clock_behind(not_before),
                late=max(event.received_at - event.at(skew, not_before), timedelta(0)),
                stood=tuple((by, (one or event).at(skew, not_before), one) for by, one in ever.of(event.key)),
            )
        )
    return told, tuple(unmatched), refused


def _taken_back(by: list[tuple[Event, Correction]]) -> set[str]:
    """The corrections that no longer count. The last word first: one that was taken back takes nothing back itself."""
    found: set[str] = set()
    for one, said in reversed(by):
        if one.key not in found:
            found.add(said.corrects)
    return found


class _Ever:
    """What stood of each event from each correction on, told in the order of receipt."""

    def __init__(self, events: Mapping[str, Event]) -> None:
        self._events = events
        self._back: dict[str, list[tuple[Event, Correction]]] = {}
        self._made: dict[str, list[tuple[str, Event | None]]] = {}
        self._stood: dict[str, list[tuple[Event, Event | None]]] = {}

    def of(self, key: str) -> Iterable[tuple[Event, Event | None]]:
        """What stood of an event, and from which correction on."""
        return self._stood.get(key, ())

    def corrected(self, one: Event, said: Correction, made: Event | None) -> None:
        """A correction of an event: what it makes of it."""
        self._made.setdefault(said.corrects, []).append((one.key, made))
        self._stood.setdefault(said.corrects, []).append((one, made))
        if said.corrects in self._back:
            # What takes it back may have come in before it.
            self._stands(said.corrects, one)

    def taken_back(self, one: Event, said: Correction) -> None:
        """A correction that takes another one back. Those that take back each other are of no event."""
        key = said.corrects
        seen: set[str] = set()
        while key not in seen and isinstance(data := self._events[key].data, Correction):
            if data.corrects not in self._events:
                return
            seen.add(key)
            key = data.corrects
        self._back.setdefault(key, []).append((one, said))
        self._stands(key, one)

    def _stands(self, key: str, by: Event) -> None:
        if key not in self._made:
            return
        back = _taken_back(self._back[key])
        stands = next((made for name, made in reversed(self._made[key]) if name not in back), self._events[key])
        self._stood.setdefault(key, []).append((by, stands))


#: What a correction of a correction may say.
TAKEN_BACK_ONLY = "corrects: a correction is taken back, never rewritten; correct the event itself."


def _instead(target: Event, correction: Correction, told_at: datetime, protocol: Protocol) -> Event | Rejected | None:
    """The event as the correction tells it: the same type, other data, perhaps another time."""
    if correction.instead is None:
        return None
    raw = json.loads(as_json(target)) | {"data": correction.instead}
    if correction.happened_at is not None:
        if correction.happened_at > told_at:
            return Rejected("", "happened_at: nothing is corrected to a time that had not come when it was corrected.")
        # The time that counts is the correction's, which was written down when it was received.
        raw["device_at"], raw["received_at"] = correction.happened_at.isoformat(), told_at.isoformat()
    made = read_event(raw, target.session, protocol)
    return Rejected("", f"instead: {made.reason}") if isinstance(made, Rejected) else made


def _why(problem: ValidationError) -> str:
    """What is wrong first: where, the rule, what stood there, and what to write."""
    first = problem.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    rule = first["msg"].removeprefix("Value error, ").rstrip(".")
    said, remedy = first["input"], getattr(first.get("ctx", {}).get("error"), "remedy", "")
    stood = "" if said is None or isinstance(said, Mapping) else f" It said {_short(said)}."
    return f"{where or 'event'}: {rule}.{stood} {remedy}".rstrip()


#: So much of a value is shown beside what is wrong with it.
LONGEST_SHOWN = 40


def _short(value: object) -> str:
    text = _written(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"
