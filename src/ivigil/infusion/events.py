"""What a session is made of: append-only events, each typed, dated twice and signed by who wrote it.

Two clocks: ``device_at`` is when it happened by the device that wrote it down, ``received_at`` when the record got it.
An event is never changed; a correction is another event.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, StrictBool, model_validator

from ivigil.errors import is_hidden
from ivigil.knowledge.protocol import Grade, VitalSign
from ivigil.patient import Day, Line, Moment, Said, WholeNumber
from ivigil.patient import Number as Written
from ivigil.prescription.plan import as_plain_number

SCHEMA = "ivigil-session-event/1"
#: A key, an id or a name is a word, not a text.
LONGEST_WORD = 120


class EventType(StrEnum):
    """Everything that can be reported of a session."""

    OPENED = "opened"
    CHECK_CONFIRMED = "check_confirmed"
    STARTED = "started"
    VITALS = "vitals"
    SYMPTOM = "symptom"
    RATE_CHANGED = "rate_changed"
    PAUSED = "paused"
    RESUMED = "resumed"
    CONTAINER_CHANGED = "container_changed"
    MEDICINE_GIVEN = "medicine_given"
    PRESCRIBER_NOTIFIED = "prescriber_notified"
    EMERGENCY_CALLED = "emergency_called"
    TREATED_AS_ANAPHYLAXIS = "treated_as_anaphylaxis"
    STOPPED_EARLY = "stopped_early"
    COMPLETED = "completed"
    OBSERVATION_ENDED = "observation_ended"
    NOTE = "note"
    CORRECTION = "correction"


class Check(StrEnum):
    """What is confirmed before the start."""

    IDENTIFIERS = "identifiers"
    WEIGHT = "weight"
    APPEARANCE = "appearance"
    ACCESS = "access"
    PREMEDICATION = "premedication"
    CONSENT = "consent"
    PUMP_READ_BACK = "pump_read_back"
    WELL_TODAY = "well_today"
    KIT = "kit"


def _word(value: object) -> object:
    if not isinstance(value, str) or not value.strip() or len(value) > LONGEST_WORD or any(map(is_hidden, value)):
        raise ValueError(f"must be 1 to {LONGEST_WORD} visible characters")
    return value


Word = Annotated[str, BeforeValidator(_word)]
#: Read strictly, and a plain JSON number again when it is written.
Number = Annotated[Written, PlainSerializer(as_plain_number, return_type=float, when_used="json")]


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Opened(_Data):
    """The plan that this session runs, and who signed it. ``supervised``: a trained person is present throughout."""

    type: Literal[EventType.OPENED]
    plan_id: Word
    infusion: WholeNumber = Field(ge=1)
    signed_by: Word
    signed_role: Word
    signed_at: Moment
    setting: Literal["hospital", "clinic", "home"]
    supervised: StrictBool
    protocol: Word


class CheckConfirmed(_Data):
    """One check, and whether it was as it should be. ``weight_kg`` and ``pump_ml_per_h`` belong to their checks."""

    type: Literal[EventType.CHECK_CONFIRMED]
    check: Check
    ok: StrictBool
    weight_kg: Number | None = Field(default=None, gt=0)
    pump_ml_per_h: Number | None = Field(default=None, gt=0)
    text: Line | None = None

    @model_validator(mode="after")
    def _has_its_value(self) -> CheckConfirmed:
        owed = {Check.WEIGHT: "weight_kg", Check.PUMP_READ_BACK: "pump_ml_per_h"}
        for check, name in owed.items():
            if (self.check is check) != (getattr(self, name) is not None):
                raise ValueError(f"the check {check.value} gives {name}, and no other check does")
        return self


class Started(_Data):
    """The pump runs."""

    type: Literal[EventType.STARTED]
    pump_ml_per_h: Number = Field(gt=0)


class Vitals(_Data):
    """One set of vital signs, or a part of one."""

    type: Literal[EventType.VITALS]
    systolic_mmhg: Number | None = None
    diastolic_mmhg: Number | None = None
    pulse_per_min: Number | None = None
    respirations_per_min: Number | None = None
    temperature_c: Number | None = None
    spo2_percent: Number | None = None

    @model_validator(mode="after")
    def _measured_something(self) -> Vitals:
        if not self.measured:
            raise ValueError("vital signs hold at least one value")
        if self.systolic_mmhg is not None and self.diastolic_mmhg is not None:
            if self.diastolic_mmhg >= self.systolic_mmhg:
                raise ValueError("diastolic_mmhg lies below systolic_mmhg")
        return self

    @property
    def measured(self) -> dict[VitalSign, Decimal]:
        """The signs that were measured."""
        values = {sign: getattr(self, sign.value) for sign in VitalSign}
        return {sign: value for sign, value in values.items() if value is not None}


class SymptomSeen(_Data):
    """A symptom came (``present``) or has gone. ``symptom`` is a word of the protocol; ``other`` needs a text and a grade."""

    type: Literal[EventType.SYMPTOM]
    symptom: Word
    present: StrictBool
    grade: Grade | None = None
    text: Line | None = None

    @model_validator(mode="after")
    def _other_is_described(self) -> SymptomSeen:
        if self.symptom == "other" and (not (self.text or "").strip() or (self.present and self.grade is None)):
            raise ValueError("a symptom the protocol has no word for needs a text and a grade")
        return self


class RateChanged(_Data):
    """The pump was set to another rate."""

    type: Literal[EventType.RATE_CHANGED]
    pump_ml_per_h: Number = Field(gt=0)
    because: Line | None = None


class Paused(_Data):
    """The pump stands still, for now."""

    type: Literal[EventType.PAUSED]
    because: Line | None = None


class Resumed(_Data):
    """The pump runs again."""

    type: Literal[EventType.RESUMED]
    pump_ml_per_h: Number = Field(gt=0)
    because: Line | None = None


class ContainerChanged(_Data):
    """A vial or bag was hung. Grams and volume are those on its label.

    It takes the place of what hung before, unless it hangs ``beside`` it: pooled with it, or next in line. ``lot`` and
    ``expires_on`` None: nobody recorded them, which no rule permits and the record still has to hold.
    """

    type: Literal[EventType.CONTAINER_CHANGED]
    product: Word
    lot: Word | None = None
    expires_on: Day | None = None
    size_g: Number = Field(gt=0)
    volume_ml: Number = Field(gt=0)
    beside: StrictBool = False


class MedicineGiven(_Data):
    """A medicine was given: a word of the protocol, or its name."""

    type: Literal[EventType.MEDICINE_GIVEN]
    medicine: Word
    route: Word
    dose_mg: Number | None = Field(default=None, gt=0)
    text: Line | None = None


class PrescriberNotified(_Data):
    """A prescriber was told, and what they said. ``agrees_to_restart``, ``lifts_cap`` and ``lets_go`` are theirs alone to give.

    ``lets_go``: after a severe reaction the patient may leave once the watching is over.
    """

    type: Literal[EventType.PRESCRIBER_NOTIFIED]
    who: Word
    said: Line
    agrees_to_restart: StrictBool = False
    lifts_cap: StrictBool = False
    lets_go: StrictBool = False


class EmergencyCalled(_Data):
    """The team or the emergency number was called."""

    type: Literal[EventType.EMERGENCY_CALLED]
    number: Word | None = None


class TreatedAsAnaphylaxis(_Data):
    """Somebody treats it as anaphylaxis: the infusion is stopped with this. Needs no vital sign and no grade."""

    type: Literal[EventType.TREATED_AS_ANAPHYLAXIS]


class StoppedEarly(_Data):
    """The infusion ended before all of it was given. ``residual_ml`` is what is left in the container, if measured."""

    type: Literal[EventType.STOPPED_EARLY]
    because: Line | None = None
    residual_ml: Number | None = Field(default=None, ge=0)


class Completed(_Data):
    """All of it was given."""

    type: Literal[EventType.COMPLETED]
    residual_ml: Number | None = Field(default=None, ge=0)


class ObservationEnded(_Data):
    """The patient was watched long enough and may go."""

    type: Literal[EventType.OBSERVATION_ENDED]


class Note(_Data):
    """Something worth writing down."""

    type: Literal[EventType.NOTE]
    text: Said


class Correction(_Data):
    """An earlier event was wrong. ``instead`` is what it should say, None: it never happened. Nothing is deleted."""

    type: Literal[EventType.CORRECTION]
    corrects: Word
    because: Said
    instead: dict[str, Any] | None = None
    happened_at: Moment | None = None


Data = Annotated[
    Opened
    | CheckConfirmed
    | Started
    | Vitals
    | SymptomSeen
    | RateChanged
    | Paused
    | Resumed
    | ContainerChanged
    | MedicineGiven
    | PrescriberNotified
    | EmergencyCalled
    | TreatedAsAnaphylaxis
    | StoppedEarly
    | Completed
    | ObservationEnded
    | Note
    | Correction,
    Field(discriminator="type"),
]


class Actor(BaseModel):
    """Who wrote it, and in which role."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    by: Word
    role: Word


class Event(BaseModel):
    """One event of one session. ``key`` is made by the device: the same key again is the same event, told twice."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=lambda name: name.rstrip("_"), populate_by_name=True
    )

    schema_: Literal["ivigil-session-event/1"]
    session: Word
    seq: WholeNumber = Field(ge=1)
    key: Word
    type: EventType
    actor: Actor
    device_at: Moment
    received_at: Moment
    data: Data

    @model_validator(mode="before")
    @classmethod
    def _type_stands_once(cls, raw: object) -> object:
        """``data`` is typed by the event's own ``type``."""
        if isinstance(raw, dict) and isinstance(raw.get("data"), dict):
            data = raw["data"]
            if "type" in data:
                raise ValueError("data holds no type of its own; the event's type says what it is")
            raw = {**raw, "data": {"type": raw.get("type"), **data}}
        return raw

    def at(self, clock_ahead_most: timedelta, not_before: datetime | None = None) -> datetime:
        """When it happened: by the device, unless its clock cannot be right; then the time of receipt is the better one.

        An event cannot have happened after it was received, nor long before the plan that it runs was signed.
        """
        if self.clock_behind(not_before):
            return self.received_at
        return self.received_at if self.device_at > self.received_at + clock_ahead_most else self.device_at

    def clock_behind(self, not_before: datetime | None) -> bool:
        """Whether the device names a time at which there was no such session yet, and the record got it after."""
        return not_before is not None and self.device_at < not_before <= self.received_at

    @property
    def content(self) -> tuple[Any, ...]:
        """What two copies of the same event share; the time of receipt and the number differ from copy to copy."""
        return (self.session, self.type, self.actor, self.device_at, self.data)


def as_json(event: Event) -> str:
    """The event as one line of JSON, with its type once."""
    raw = event.model_dump(mode="json", by_alias=True)
    del raw["data"]["type"]
    return json.dumps(raw, ensure_ascii=False, separators=(",", ":"))
