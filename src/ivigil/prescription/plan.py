"""The plan: immutable, identified by its content, signed by a separate record.

The JSON names are the interface (``docs/reference/plan.md``); ``ivigil.prescription.plan.SCHEMA`` names its version.
"""

from __future__ import annotations

import hashlib
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, PlainSerializer

from ivigil.errors import BadInput, Blocked
from ivigil.findings import Finding
from ivigil.knowledge.policies import AcceptancePolicy
from ivigil.knowledge.regimens import Phase, WeightBasis
from ivigil.patient import Sex
from ivigil.prescription.words import check_name
from ivigil.sources import CitedSource, MadeWith

SCHEMA = "ivigil-plan/1"


@lru_cache(maxsize=4096)  # weights and rates of a cohort recur; equal numbers are written alike
def as_plain_number(value: Decimal) -> int | float:
    """A decimal as JSON writes it."""
    return int(value) if value == value.to_integral_value() else float(value)


def _of_this_world(value: Decimal) -> Decimal:
    if value.adjusted() > LARGEST_POWER_OF_TEN:
        raise ValueError("no figure of a plan is that large")
    return value


#: Beyond this no weight, dose, rate, volume or price lies; a larger figure could only stall what reads it.
LARGEST_POWER_OF_TEN = 12

#: A decimal inside, a plain JSON number outside.
Number = Annotated[
    Decimal, AfterValidator(_of_this_world), PlainSerializer(as_plain_number, return_type=float, when_used="json")
]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Accepted(_Part):
    """A blocking finding that somebody confirmed or overrode: who it was, in which role, why and when.

    ``at`` None: not recorded; a plan with such an acceptance is not signed.
    """

    code: str
    by: str
    role: str
    because: str
    at: AwareDatetime | None = None


class Candidate(_Part):
    """A product that was considered: whether it fits, and every reason."""

    product: str
    fits: bool
    reasons: tuple[Finding, ...]


class Premedication(_Part):
    """An option before the infusion; ``dose`` is what the source prints, empty where it prints none.

    Of the options that name the same ``one_of`` at most one is given; empty where it stands alone.
    """

    what: str
    one_of: str = ""
    dose: str
    route: str
    min_before: tuple[int, int] | None
    reason: str
    caution: str
    sources: tuple[str, ...]


class Cost(_Part):
    """Cost of the course at the price that was supplied."""

    price_per_g: Number
    currency: str
    course: Number


class Prescription(_Part):
    """What is prescribed. Weights in kg, doses in g/kg of dosing weight and g, intervals in days from course start.

    ``age_years`` is the age at the first infusion, down to a hundredth; None if it was not recorded. The chair needs it:
    doses of first aid and limits of blood pressure go by it. ``height_cm`` and ``sex`` stand where the dosing weight was
    worked out from them (ideal, adjusted), so that whoever reads the plan can work it out again; else None.
    """

    product: str
    brand: str
    region: str
    label_revision: str
    phase: Phase
    regimen: str
    authority: str
    off_label: str | None
    age_years: Number | None
    weight_kg: Number
    weight_basis: WeightBasis
    height_cm: Number | None = None
    sex: Sex | None = None
    dosing_weight_kg: Number
    rate_weight_kg: Number
    dose_g_per_kg: Number
    prescribed_course_dose_g: Number
    course_dose_g: Number
    interval_days: int | None
    next_course_on: date | None
    premedication: tuple[Premedication, ...]
    setting: Literal["hospital", "clinic", "home"]
    cost: Cost | None
    sources: tuple[str, ...]


class Instruction(_Part):
    """One line of how to hang, watch or act; ``read`` says at what kind of page, ``not_read`` means: see the label."""

    topic: str
    text: str
    basis: Literal["label", "policy", "source", "not_read"]
    sources: tuple[str, ...]


class AdministrationPlan(_Part):
    """How to prepare and hang it, what to watch, and the first lines on a reaction."""

    preparation: tuple[Instruction, ...]
    hydration: tuple[Instruction, ...]
    monitoring: tuple[Instruction, ...]
    first_lines_on_a_reaction: tuple[Instruction, ...]


class LotCount(_Part):
    """Vials taken from one lot."""

    lot: str
    count: int
    expires_on: date


class VialCount(_Part):
    """Vials of one size; ``lots`` only when a stock list was given."""

    size_g: Number
    count: int
    lots: tuple[LotCount, ...] = ()


class Step(_Part):
    """One step of the pump: from ``start_min``, for ``duration_min``, at ``pump_ml_per_h``.

    ``basis`` says whether the label prints this rate or policy chose it, ``hold_basis`` the same for its duration.
    Volumes are whole tenths of mL; ``cumulative_ml`` is the volume given at the end of the step.
    """

    start_min: int
    duration_min: int
    rate_ml_per_kg_h: Number
    rate_mg_per_kg_min: Number
    pump_ml_per_h: Number
    volume_ml: Number
    cumulative_ml: Number
    basis: Literal["label", "policy"]
    hold_basis: Literal["label", "policy"]
    sources: tuple[str, ...]


class Infusion(_Part):
    """One day of the course: whole vials of one product, and a rate schedule."""

    number: int
    starts_at: AwareDatetime
    dose_g: Number
    vials: tuple[VialCount, ...]
    waste_g: Number
    concentration_g_per_ml: Number
    total_ml: Number
    duration_min: int
    pattern: Literal["first", "experienced", "at_risk"]
    max_rate_ml_per_kg_h: Number
    ceiling_ml_per_h: Number | None
    steps: tuple[Step, ...]
    vitals_due_min: tuple[int, ...]


class AnyPlan(_Part):
    """What a plan of any route begins with: enough to identify it, to show its reasons and to sign it."""

    schema_: str
    plan_id: str
    made_with: MadeWith
    status: Literal["planned", "blocked"]
    valid_until: AwareDatetime
    patient_ref: str
    synthetic: bool
    indication: str
    indication_name: str
    findings: tuple[Finding, ...]
    accepted: tuple[Accepted, ...]
    candidates: tuple[Candidate, ...]

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=lambda name: name.rstrip("_"), populate_by_name=True
    )


class Plan(AnyPlan):
    """A complete, checked, cited plan, or the reasons why there is none."""

    schema_: Literal["ivigil-plan/1"]
    prescription: Prescription | None
    administration: AdministrationPlan | None
    infusions: tuple[Infusion, ...]
    sources: dict[str, CitedSource]
    notice: str


P = TypeVar("P", bound=AnyPlan)


class Signature(_Part):
    """Who signed which plan. Kept apart from the plan, so that signing cannot change it."""

    plan_id: str
    by: str
    role: str
    at: AwareDatetime


NOTICE = "Decision support: a clinician decides. Check every figure against the product's label before use."


def as_json(plan: AnyPlan) -> str:
    """The plan as one line of JSON."""
    return plan.model_dump_json(by_alias=True)


def content_id(plan: AnyPlan) -> str:
    """sha256 of the plan's JSON as printed, with an empty ``plan_id``: equal content, equal id."""
    return _id_of(_without_id(plan))


def identified(plan: P) -> P:
    """The plan with its id set from its content."""
    return plan.model_copy(update={"plan_id": content_id(plan)})


def identified_json(plan: AnyPlan) -> str:
    """The JSON of the plan with its id set, written once: what :func:`as_json` writes of the :func:`identified` plan."""
    text = _without_id(plan)
    # No text inside a plan can read like the empty key: JSON escapes its quotes.
    return text.replace('"plan_id":""', f'"plan_id":"{_id_of(text)}"', 1)


def _without_id(plan: AnyPlan) -> str:
    return as_json(plan.model_copy(update={"plan_id": ""}))


def _id_of(text: str) -> str:
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def check_unchanged(plan: AnyPlan) -> None:
    """Raise if a plan's content is not what its id says.

    Raises:
        BadInput: the plan was altered after it was made.
    """
    if plan.plan_id != content_id(plan):
        raise BadInput(
            "plan_id",
            plan.plan_id,
            "The plan's content does not match its id.",
            "Make the plan anew; a plan is never edited.",
        )


def sign(plan: AnyPlan, by: str, role: str, at: datetime, policy: AcceptancePolicy) -> Signature:
    """A signature under a plan.

    Raises:
        BadInput: an altered plan, a time without offset, or anything that :func:`check_signature` refuses.
        Blocked: a blocked plan.
    """
    check_unchanged(plan)
    if at.tzinfo is None:
        raise BadInput("at", at.isoformat(), "A datetime carries its offset.", "Write it as 2026-11-20T09:00:00-05:00.")
    made = Signature(plan_id=plan.plan_id, by=by.strip(), role=role.strip(), at=at)
    check_signature(plan, made, policy, at)
    return made


def check_belongs(plan: AnyPlan, signature: Signature) -> None:
    """Refuse a signature that cannot stand under this plan.

    Raises:
        BadInput: it is for another plan.
        Blocked: the plan is blocked.
    """
    if signature.plan_id != plan.plan_id:
        raise BadInput(
            "--signature",
            signature.plan_id,
            f"This signature is for another plan; the plan given is {plan.plan_id}.",
            "Give the plan that was signed, or have this plan signed.",
        )
    if plan.status != "planned":
        raise Blocked(
            "status",
            plan.status,
            "A blocked plan cannot be signed. Only a plan that is not blocked can be signed.",
            "Resolve what blocks it, plan again and have that plan signed.",
        )


def check_signature(plan: AnyPlan, signature: Signature, policy: AcceptancePolicy, now: datetime) -> None:
    """Refuse a signature that may not stand under this plan, when it is given and whenever it is read again.

    Args:
        plan: the plan, unchanged.
        signature: who signed, in which role, when.
        policy: who may sign, and how long before the plan ends.
        now: the caller's clock.

    Raises:
        BadInput: another plan's signature, a name that is none, a role that may not sign, a time after the plan's
            validity, in the future, so long ago that the plan was not made, or before something in it was accepted.
        Blocked: the plan is blocked.
    """
    check_belongs(plan, signature)
    for key, value in (("by", signature.by), ("role", signature.role)):
        check_name(key, value, "A signature names a person and a role.", f"Give --{key}.")
    if signature.role not in policy.sign_roles.items:
        allowed = ", ".join(policy.sign_roles.items)
        raise BadInput("role", signature.role, f"A plan is signed by: {allowed}.", "Ask one of them.")
    at = signature.at
    if at > plan.valid_until:
        raise BadInput(
            "at", at.isoformat(), f"This plan was valid until {plan.valid_until.isoformat()}.", "Make a new plan."
        )
    if at > now:
        raise BadInput("at", at.isoformat(), "No signature lies in the future.", "Check the clock and sign again.")
    days = int(policy.signed_within_days.value)
    for where, when in (("at", at), *(("accepted", row.at) for row in plan.accepted if row.at is not None)):
        if plan.valid_until - when > timedelta(days=days):
            raise BadInput(
                where,
                when.isoformat(),
                f"By policy nothing is signed or accepted more than {days} days before the plan ends"
                f" ({plan.valid_until.isoformat()}): no plan for that day was made then.",
                "Check the clock, and sign or accept again.",
            )
    for row in plan.accepted:
        if row.at is not None and row.at > at:
            raise BadInput(
                "at",
                at.isoformat(),
                f"{row.code} was accepted at {row.at.isoformat()}, after this signature.",
                "Sign again: a signature covers what was accepted before it.",
            )
