"""The start plan under the skin: immutable, identified by its content, like the plan into a vein."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict

from ivigil.knowledge.regimens import WeightBasis
from ivigil.prescription.plan import AnyPlan, Instruction, Number, VialCount
from ivigil.sources import CitedSource

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
    """What is ordered: by ``factor`` of the weekly intravenous dose, or by ``dose_g_per_kg_week`` of ``dosing_weight_kg``.

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
    dosing_weight_kg: Number | None
    weight_basis: WeightBasis | None
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


class SubcutaneousPlan(AnyPlan):
    """A cited start plan under the skin, or the reasons why there is none."""

    schema_: Literal["ivigil-sc-plan/1"]
    route: Literal["sc"]
    order: SubcutaneousOrder | None
    infusions: tuple[SubcutaneousInfusion, ...]
    first_lines_on_a_reaction: tuple[Instruction, ...]
    sources: dict[str, CitedSource]
    notice: str
