"""What a search proposes, with every number that a pharmacist needs to judge it."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from ivigil.kinetics.forecast import Forecast
from ivigil.prescription.plan import VialCount

NOTICE = (
    "Proposals are no plans and no orders: a clinician decides, by infections as well as by levels; then `ivigil plan`"
    " checks contraindications, rates and stock."
)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Level(_Part):
    """True IgG (g/L) at one moment, the error of measuring left out. ``reaches`` is the probability of the target or more."""

    median: float
    p5: float
    p95: float
    reaches: float


class AtDay(Level):
    """A level so many days after the first dose of a cycle."""

    day: float


class WearOff(_Part):
    """Days after the first dose of a cycle from which on IgG stays below the target until the next cycle.

    ``half_below_d``: for half of what is believed; ``most_below_d``: for 95 % of it. None: not before the next cycle.
    """

    half_below_d: float | None
    most_below_d: float | None


class Missed(_Part):
    """The level when the next dose would have been due, if it comes ``late`` or is left out (until the one after it)."""

    late: AtDay
    left_out: AtDay


class Outcome(_Part):
    """What one regimen does, at steady state and at first.

    ``steady_trough`` is just before a dose when the regimen has been repeated for ever; ``first_trough`` just before the
    second cycle, the first cycle given at ``first_dose``; None where it is not known when that would be.
    """

    steady_trough: Level
    first_trough: Level | None
    first_dose: datetime | float | None
    average_g_per_l: float
    wear_off: WearOff
    missed: Missed


class Current(_Part):
    """The regimen that the last recorded doses follow."""

    product: str | None
    route: str
    dose_g: float
    every_days: float
    outcome: Outcome


class Proposal(_Part):
    """One labelled regimen in whole vials that reaches the target.

    ``reasons`` say in what it is least; no regimen is called best. ``dose_g`` is one infusion, ``infusions_per_cycle`` of
    them in every ``cycle_days``. ``g_per_kg`` is the cycle's dose for each kg of ``dosing_weight_kg``.
    """

    reasons: tuple[str, ...]
    product: str
    brand: str
    route: str
    dose_g: float
    vials: tuple[VialCount, ...]
    cycle_days: int
    infusions_per_cycle: int
    schedule: str
    caution: str
    g_per_kg: float
    dosing_weight_kg: float
    weight_basis: str
    grams_per_period: float
    infusions_per_period: float
    period_days: int
    cost_per_period: float | None
    outcome: Outcome
    sources: tuple[str, ...]


class Weekly(_Part):
    """Grams a week under the skin: median and 90 % band of what the models believe."""

    median: float
    p5: float
    p95: float


class ByFactor(_Part):
    """A label's factor: of one product, one use and one label version."""

    product: str
    brand: str
    factor: float
    weekly_g: float
    trough: Level
    sources: tuple[str, ...]


class ToSubcutaneous(_Part):
    """The present intravenous regimen under the skin, three ways side by side; none is chosen.

    ``equal_trough`` and ``equal_exposure`` (equal average) are grams a week, infused weekly, by the models that know
    absorption under the skin.
    """

    from_dose_g: float
    from_every_days: float
    by_factor: tuple[ByFactor, ...]
    equal_trough: Weekly
    equal_exposure: Weekly
    models: tuple[str, ...]


class Asked(_Part):
    """What was searched: the target and where it comes from, how likely it must be, for which condition and region."""

    target_g_per_l: float
    target_name: str | None
    target_text: str
    probability: float
    indication: str | None
    region: str | None
    products: tuple[str, ...]
    period_days: int


class Advice(Forecast):
    """A forecast, and the proposals made from it where a target was named. What ``ivigil forecast --json`` prints."""

    asked: Asked | None = None
    proposals: tuple[Proposal, ...] = ()
    current: Current | None = None
    to_subcutaneous: ToSubcutaneous | None = None
    proposals_notice: str | None = None

    @classmethod
    def of(cls, made: Forecast, asked: Asked | None = None) -> Advice:
        """A forecast without proposals yet."""
        return cls(**{name: getattr(made, name) for name in type(made).model_fields}, asked=asked)
