"""The start plan under the skin: immutable, identified by its content, like the plan into a vein."""

from __future__ import annotations

import hashlib
from datetime import date
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict

from ivigil.errors import BadInput
from ivigil.findings import Finding
from ivigil.prescription.plan import Accepted, Candidate, Instruction, Number, VialCount
from ivigil.sources import CitedSource, MadeWith

SCHEMA = "ivigil-sc-plan/1"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FromIv(_Part):
    """The intravenous regimen that is converted: grams, days between infusions, and grams per week of it."""

    product: str | None
    dose_g: Number
    interval_days: int
    weekly_g: Number
    last_given_on: date | None


class SubcutaneousOrder(_Part):
    """What is ordered. Either ``factor`` (of the weekly intravenous dose) or ``dose_g_per_kg_week`` is set.

    ``weekly_dose_g`` is exact to the milligram, before vials. ``infusions_per_cycle`` infusions fall in each
    ``cycle_days``; ``dose_g`` is one of them in whole vials once the ramp-up is over.
    """

    product: str
    brand: str
    region: str
    label_revision: str
    from_iv: FromIv | None
    factor: Number | None
    dose_g_per_kg_week: Number | None
    regimen: str | None
    weight_kg: Number
    weekly_dose_g: Number
    cycle_days: int
    infusions_per_cycle: int
    consecutive_days: bool
    schedule: str
    prescribed_dose_g: Number
    dose_g: Number
    first_on: date
    max_sites: int | None
    spacing_cm: Number | None
    setting: Literal["hospital", "clinic", "home"]
    notes: tuple[Instruction, ...]
    sources: tuple[str, ...]


class RateStep(_Part):
    """One step at each site; the last goes on to the end."""

    ml_per_h_per_site: Number
    duration_min: int


class SubcutaneousInfusion(_Part):
    """One infusion: vials, volume, sites and rates.

    ``site_volumes_ml`` are whole tenths that add up to ``total_ml``. ``ml_per_h_per_site`` is planned;
    ``max_ml_per_h_per_site`` is the highest allowed at this infusion. ``dose_weeks`` is set during a ramp-up.
    """

    number: int
    starts_at: AwareDatetime
    dose_weeks: int | None
    prescribed_g: Number
    dose_g: Number
    vials: tuple[VialCount, ...]
    waste_g: Number
    total_ml: Number
    sites: int
    site_volumes_ml: tuple[Number, ...]
    max_ml_per_site: Number
    ml_per_h_per_site: Number
    max_ml_per_h_per_site: Number
    ml_per_h_all_sites: Number
    steps: tuple[RateStep, ...]
    duration_min: int
    sources: tuple[str, ...]


class SubcutaneousPlan(_Part):
    """A cited start plan under the skin, or the reasons why there is none."""

    schema_: Literal["ivigil-sc-plan/1"]
    plan_id: str
    made_with: MadeWith
    status: Literal["planned", "blocked"]
    route: Literal["sc"]
    valid_until: AwareDatetime
    patient_ref: str
    synthetic: bool
    indication: str
    indication_name: str
    findings: tuple[Finding, ...]
    accepted: tuple[Accepted, ...]
    candidates: tuple[Candidate, ...]
    order: SubcutaneousOrder | None
    infusions: tuple[SubcutaneousInfusion, ...]
    first_lines_on_a_reaction: tuple[Instruction, ...]
    sources: dict[str, CitedSource]
    notice: str

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=lambda name: name.rstrip("_"), populate_by_name=True
    )


def as_json(plan: SubcutaneousPlan) -> str:
    """The plan as one line of JSON."""
    return plan.model_dump_json(by_alias=True)


def content_id(plan: SubcutaneousPlan) -> str:
    """sha256 of the plan's JSON as printed, with an empty ``plan_id``: equal content, equal id."""
    return "sha256:" + hashlib.sha256(as_json(plan.model_copy(update={"plan_id": ""})).encode()).hexdigest()


def identified(plan: SubcutaneousPlan) -> SubcutaneousPlan:
    """The plan with its id set from its content."""
    return plan.model_copy(update={"plan_id": content_id(plan)})


def check_unchanged(plan: SubcutaneousPlan) -> None:
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
