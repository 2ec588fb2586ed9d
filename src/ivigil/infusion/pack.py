"""The pack: everything that somebody at a chair without a network needs for one infusion, worked out beforehand.

A client that holds a pack only looks up in it (:mod:`ivigil.infusion.lookup`); it holds no rule of its own. Whatever the
tables do not answer reads "call", never "allowed".
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Annotated, Any, Literal, get_type_hints

from pydantic import AwareDatetime, BaseModel, ConfigDict, PlainSerializer

from ivigil.errors import BadInput
from ivigil.infusion.bedside import Bedside
from ivigil.infusion.doses import AdrenalineDose, MedicineDose
from ivigil.infusion.rates import restart_ml_per_h
from ivigil.infusion.response import Advice, adrenaline_first, as_anaphylaxis, line, medicines_of, weight_today
from ivigil.infusion.session import Session
from ivigil.infusion.signs import anaphylaxis
from ivigil.infusion.workflow import BARS, Situation
from ivigil.knowledge.protocol import Grade, Sign, VitalTrigger
from ivigil.prescription.plan import Plan, Signature, as_plain_number, check_belongs
from ivigil.sources import CitedSource

NOTICE = "For this patient and this infusion only. It informs; a clinician decides. What is not in it: call, and do not go on."
#: What a finding of low blood pressure is called beside the signs of the symptoms.
LOW_PRESSURE = "low_pressure"

Number = Annotated[Decimal, PlainSerializer(as_plain_number, return_type=float, when_used="json")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PackStep(_Part):
    """One step of the ladder: the pump's rate, how long it is held at least, and the earliest minute it may begin."""

    pump_ml_per_h: Number
    rate_ml_per_kg_h: Number
    hold_min: int
    earliest_min: int
    basis: Literal["label", "policy"]
    next_pump_ml_per_h: Number | None


class PackBar(_Part):
    """An action is barred while the situation's ``field`` is one of ``values``."""

    field: str
    values: tuple[str, ...]
    code: str


class PackReason(_Part):
    """Why, and what to do about it."""

    text: str
    remedy: str
    policy: bool
    sources: tuple[str, ...]


class PackLine(_Part):
    """A sentence with its basis."""

    text: str
    policy: bool
    sources: tuple[str, ...]


class PackSymptom(_Part):
    """A word for what the patient feels, the grade until it is graded, and what it says of the body."""

    name: str
    least: Grade
    grade: Grade
    signs: tuple[Sign, ...]
    ask: tuple[str, ...]
    ends_access: bool
    steps: tuple[PackLine, ...]
    policy: bool
    sources: tuple[str, ...]


class PackTrigger(_Part):
    """A limit of a vital sign, already worked out for this age. Parts that are null do not count."""

    sign: str
    text: str
    grade: Grade | None
    low_pressure: bool
    at_least: Number | None
    above: Number | None
    at_most: Number | None
    below: Number | None
    rise_at_least: Number | None
    fall_at_least: Number | None
    fall_share_above: Number | None
    only_with: tuple[Sign, ...]
    policy: bool
    sources: tuple[str, ...]


class PackDose(_Part):
    """A medicine for this patient."""

    medicine: str
    name: str
    use: str
    route: str
    mg: Number | None
    mg_max: Number | None
    caution: str
    ask: str
    sources: tuple[str, ...]


class PackAdrenaline(_Part):
    """Adrenaline for this patient: mg, mL with its concentration, and the pen."""

    name: str
    mg: Number
    mg_max: Number | None
    ml: Number
    mg_per_ml: Number
    scheme: str
    capped: bool
    pen: str
    pen_mg: Number
    route: str
    position: str
    repeat_min: int
    refractory_after: int
    note: str
    sources: tuple[str, ...]


class PackResponse(_Part):
    """What is done at one grade."""

    ctcae: int
    flow: str
    tell: str
    call: str
    restart: str
    wait_min: int | None
    steps: tuple[PackLine, ...]
    medicines: tuple[PackDose, ...]


class PackRestart(_Part):
    """Where it may go on: the worst of the reaction, the rate it ran at, the last rate borne; null: it may not.

    ``after_long_pause_ml_per_h`` is where, once it has stood still for the pack's ``long_pause`` or longer.
    ``episode`` null: it was paused without a reaction, and ``borne_ml_per_h`` says nothing.
    """

    episode: Grade | None
    ran_ml_per_h: Number
    borne_ml_per_h: Number
    restart_ml_per_h: Number | None
    after_long_pause_ml_per_h: Number | None


class PackPause(_Part):
    """From how long a pause on (min) it goes on at the first rate."""

    min: int
    policy: bool
    sources: tuple[str, ...]


class PackWatching(_Part):
    """When vital signs are due (minutes)."""

    set_of: tuple[str, ...]
    baseline_within_min: int
    until_top_every_min: int
    at_top_every_min: int
    reacting_every_min: int
    after_end_min: int
    grace_min: int
    planned_due_min: tuple[int, ...]


class Pack(_Part):
    """One infusion's pack. ``pack_id`` is the sha256 of its content."""

    schema_: Literal["ivigil-pack/1"]
    pack_id: str
    plan_id: str
    infusion: int
    patient_ref: str
    synthetic: bool
    signed_by: str
    signed_role: str
    signed_at: AwareDatetime
    made_at: AwareDatetime
    valid_until: AwareDatetime
    not_before: AwareDatetime
    protocol: str
    ctcae_version: str
    product: str
    brand: str
    concentration_g_per_ml: Number
    dose_g: Number
    total_ml: Number
    weight_kg: Number
    weight_from_kg: Number
    weight_to_kg: Number
    age_years: Number | None
    setting: str
    call: str
    checks: tuple[str, ...]
    line: tuple[PackLine, ...]
    ladder: tuple[PackStep, ...]
    top_ml_per_h: Number
    watching: PackWatching
    fields: dict[str, tuple[str, ...]]
    permissions: dict[str, tuple[PackBar, ...]]
    reasons: dict[str, PackReason]
    symptoms: dict[str, PackSymptom]
    triggers: dict[str, PackTrigger]
    anaphylaxis_signs: tuple[str, ...]
    anaphylaxis: dict[str, tuple[str, ...]]
    anaphylaxis_rules: dict[str, PackLine]
    responses: dict[Grade, PackResponse]
    long_pause: PackPause
    restarts: tuple[PackRestart, ...]
    adrenaline: PackAdrenaline
    reaction_card: tuple[PackLine, ...]
    sources: dict[str, CitedSource]
    notice: str

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=lambda name: name.rstrip("_"), populate_by_name=True
    )


def make_pack(bedside: Bedside, signature: Signature, made_at: datetime, cited: Any) -> Pack:  # noqa: ANN401 - a function from id to source
    """The pack of one infusion.

    Args:
        bedside: plan, infusion, protocol and policies.
        signature: who signed the plan.
        made_at: the caller's clock.
        cited: gives the source of an id.

    Raises:
        BadInput: the signature is for another plan, or the plan is no longer valid.
        Blocked: the plan is blocked.
    """
    plan, ordered, infusion, protocol = bedside.plan, bedside.ordered, bedside.infusion, bedside.protocol
    check_belongs(plan, signature)
    if made_at > plan.valid_until:
        raise BadInput(
            "valid_until",
            plan.valid_until.isoformat(),
            "This plan is no longer valid.",
            "Have a new plan made and signed.",
        )
    card = as_anaphylaxis(Session(), bedside)
    tolerance = bedside.weight_tolerance * ordered.weight_kg
    policy = bedside.monitoring
    reacting = bedside.watch_every(at_top=False, reacting=True)
    pack = Pack(
        schema_="ivigil-pack/1",
        pack_id="",
        plan_id=plan.plan_id,
        infusion=infusion.number,
        patient_ref=plan.patient_ref,
        synthetic=plan.synthetic,
        signed_by=signature.by,
        signed_role=signature.role,
        signed_at=signature.at,
        made_at=made_at,
        valid_until=min(
            plan.valid_until, max(made_at, infusion.starts_at) + timedelta(hours=int(protocol.pack_valid_h.value))
        ),
        not_before=bedside.first_day,
        protocol=protocol.id,
        ctcae_version=protocol.ctcae_version.text,
        product=ordered.product,
        brand=ordered.brand,
        concentration_g_per_ml=infusion.concentration_g_per_ml,
        dose_g=infusion.dose_g,
        total_ml=infusion.total_ml,
        weight_kg=ordered.weight_kg,
        weight_from_kg=ordered.weight_kg - tolerance,
        weight_to_kg=ordered.weight_kg + tolerance,
        age_years=ordered.age_years,
        setting=ordered.setting,
        call=card.call,
        checks=tuple(sorted(one.value for one in bedside.checks(ordered.setting))),
        line=tuple(_line_of(plan)),
        ladder=tuple(_ladder(bedside)),
        top_ml_per_h=max(step.pump_ml_per_h for step in infusion.steps),
        watching=PackWatching(
            set_of=tuple(one.value for one in protocol.observing.set_of),
            baseline_within_min=int(policy.baseline_within_min.value),
            until_top_every_min=_min(bedside.watch_every(at_top=False, reacting=False)),
            at_top_every_min=_min(bedside.watch_every(at_top=True, reacting=False)),
            reacting_every_min=_min(reacting),
            after_end_min=_min(bedside.watch_after),
            grace_min=protocol.observing.grace.min,
            planned_due_min=infusion.vitals_due_min,
        ),
        fields={
            name: tuple(one.value for one in kind)
            for name, kind in get_type_hints(Situation).items()
            if issubclass(kind, StrEnum)
        },
        permissions={
            action.value: tuple(
                PackBar(field=bar.field, values=tuple(sorted(one.value for one in bar.values)), code=bar.code)
                for bar in bars
            )
            for action, bars in BARS.items()
        },
        reasons={
            code: PackReason(text=row.text, remedy=row.remedy, policy=row.origin.value == "policy", sources=row.src)
            for code, row in protocol.bars.items()
        },
        symptoms={
            name: PackSymptom(
                name=one.name,
                least=one.least,
                grade=one.grade,
                signs=one.signs,
                ask=one.ask,
                ends_access=one.ends_access,
                steps=tuple(_line(step.text, step) for step in one.steps.values()),
                policy=one.origin.value == "policy",
                sources=one.src,
            )
            for name, one in protocol.symptoms.items()
        },
        triggers=dict(_triggers(bedside)),
        anaphylaxis_signs=SIGNS,
        anaphylaxis=dict(_anaphylaxis()),
        anaphylaxis_rules={name: _line(row.text, row) for name, row in protocol.anaphylaxis.items()},
        responses={grade: _response(grade, bedside, card.call) for grade in Grade},
        long_pause=PackPause(
            min=protocol.long_pause.min,
            policy=protocol.long_pause.origin.value == "policy",
            sources=protocol.long_pause.src,
        ),
        restarts=tuple(_restarts(bedside)),
        adrenaline=PackAdrenaline(**asdict(_adrenaline(card))),
        reaction_card=tuple(PackLine(**asdict(step)) for step in card.steps),
        sources={},
        notice=NOTICE,
    )
    pack = pack.model_copy(update={"sources": {name: cited(name) for name in sorted(set(_cited(pack)))}})
    return pack.model_copy(update={"pack_id": content_id(pack)})


def as_json(pack: Pack) -> str:
    """The pack as one line of JSON."""
    return pack.model_dump_json(by_alias=True)


def content_id(pack: Pack) -> str:
    """sha256 of the pack's JSON with an empty ``pack_id``."""
    return "sha256:" + hashlib.sha256(as_json(pack.model_copy(update={"pack_id": ""})).encode()).hexdigest()


def _min(length: timedelta) -> int:
    return length // timedelta(minutes=1)


def _ladder(bedside: Bedside) -> Iterable[PackStep]:
    """A step for each rate: where the pump's tenths make two of the plan's steps one rate, it is held for both."""
    earliest = 0
    for pump, alike in itertools.groupby(bedside.steps, key=lambda step: step.pump_ml_per_h):
        first, *more = alike
        hold = first.duration_min + sum(step.duration_min for step in more)
        above = bedside.rate_above(Fraction(pump))
        yield PackStep(
            pump_ml_per_h=pump,
            rate_ml_per_kg_h=first.rate_ml_per_kg_h,
            hold_min=hold,
            earliest_min=earliest,
            basis=first.basis,
            next_pump_ml_per_h=None if above is None else _decimal(above),
        )
        earliest += hold


def _decimal(rate: Fraction) -> Decimal:
    """A rate in whole tenths."""
    return Decimal(rate.numerator) / Decimal(rate.denominator)


#: Topics of the plan's preparation that somebody beside the line needs.
LINE_TOPICS = frozenset({"Line", "Flush", "Dilution", "What stays in the line"})


def _line_of(plan: Plan) -> Iterable[PackLine]:
    """With what the line may be flushed and the product diluted, in the plan's own words."""
    for row in plan.administration.preparation if plan.administration is not None else ():
        if row.topic in LINE_TOPICS:
            yield PackLine(text=f"{row.topic}: {row.text}", policy=row.basis == "policy", sources=row.sources)


def _line(text: str, fact: Any) -> PackLine:  # noqa: ANN401 - any fact
    return PackLine(**asdict(line(text, fact)))


def _triggers(bedside: Bedside) -> Iterable[tuple[str, PackTrigger]]:
    """Limits that hold at this age; without an age every one, as the rules take them."""
    age = bedside.ordered.age_years
    for name, one in bedside.protocol.triggers.items():
        if age is not None and not (
            (one.from_years is None or age >= one.from_years) and (one.below_years is None or age < one.below_years)
        ):
            continue
        yield (
            name,
            PackTrigger(
                sign=one.sign.value,
                text=one.text,
                grade=one.grade,
                low_pressure=one.role == "hypotension",
                at_least=one.at_least,
                above=one.above,
                at_most=one.at_most,
                below=_below(one, age),
                rise_at_least=one.rise_at_least,
                fall_at_least=one.fall_at_least,
                fall_share_above=one.fall_share_above,
                only_with=one.only_with,
                policy=one.origin.value == "policy",
                sources=one.src,
            ),
        )


def _below(one: VitalTrigger, age: Decimal | None) -> Decimal | None:
    if one.below is None:
        return None
    years = age if age is not None else one.below_years or Decimal(0)
    return one.below + (one.below_plus_per_year or 0) * int(years)


#: The order of the letters in the keys of the table of anaphylaxis.
SIGNS = (*(sign.value for sign in Sign), LOW_PRESSURE)


def sign_key(present: frozenset[str]) -> str:
    """The key of a set of signs in the table: one 0 or 1 for each of :data:`SIGNS`."""
    return "".join("1" if name in present else "0" for name in SIGNS)


def _anaphylaxis() -> Iterable[tuple[str, tuple[str, ...]]]:
    """Every combination of signs with the criteria that it meets."""
    for chosen in itertools.product((False, True), repeat=len(SIGNS)):
        present = frozenset(name for name, yes in zip(SIGNS, chosen, strict=True) if yes)
        signs = frozenset(Sign(name) for name in present if name != LOW_PRESSURE)
        criteria = anaphylaxis(signs, low=LOW_PRESSURE in present)
        yield sign_key(present), tuple(f"{one.rule} {one.number}" for one in criteria)


def _response(grade: Grade, bedside: Bedside, call: str) -> PackResponse:
    row = bedside.protocol.responses[grade]
    return PackResponse(
        ctcae=row.ctcae,
        flow=row.flow.value,
        tell=row.tell.value,
        call=call,
        restart=row.restart.value,
        wait_min=None if row.wait is None else row.wait.min,
        steps=tuple(_line(step.text, step) for step in row.steps.values()),
        medicines=tuple(
            _dose(one)
            for one in medicines_of(row, weight_today(Session(), bedside), bedside, adrenaline=adrenaline_first(grade))
        ),
    )


def _dose(one: MedicineDose) -> PackDose:
    return PackDose(**asdict(one))


def _adrenaline(card: Advice) -> AdrenalineDose:
    assert card.adrenaline is not None  # the card of anaphylaxis begins with it
    return card.adrenaline


def _restarts(bedside: Bedside) -> Iterable[PackRestart]:
    """For every rate of the ladder and every rate borne: where it may go on after each grade that may go on at all."""
    rates = list(dict.fromkeys(step.pump_ml_per_h for step in bedside.steps))
    for ran in rates:
        yield _restart(None, ran, Decimal(0), Session(ran_before_pause=Fraction(ran)), bedside)
    for grade, row in bedside.protocol.responses.items():
        if row.restart.value == "never":
            continue
        for ran, borne in itertools.product(rates, (Decimal(0), *rates)):
            after = Session(episode=grade, ran_before_pause=Fraction(ran), cap_ml_per_h=Fraction(borne))
            yield _restart(grade, ran, borne, after, bedside)


def _restart(grade: Grade | None, ran: Decimal, borne: Decimal, after: Session, bedside: Bedside) -> PackRestart:
    paused_at = bedside.infusion.starts_at
    after = replace(after, paused_at=paused_at)
    soon, late = (restart_ml_per_h(after, bedside, at) for at in (paused_at, paused_at + bedside.long_pause))
    return PackRestart(
        episode=grade,
        ran_ml_per_h=ran,
        borne_ml_per_h=borne,
        restart_ml_per_h=None if soon is None else _decimal(soon),
        after_long_pause_ml_per_h=None if late is None else _decimal(late),
    )


def _cited(part: object) -> Iterable[str]:
    """Every source id that stands anywhere in a pack."""
    if isinstance(part, BaseModel):
        for name in type(part).model_fields:
            value = getattr(part, name)
            if name == "sources" and isinstance(value, tuple):
                yield from value
            else:
                yield from _cited(value)
    elif isinstance(part, dict):
        for value in part.values():
            yield from _cited(value)
    elif isinstance(part, tuple):
        for value in part:
            yield from _cited(value)
