"""The smallest facts: one value, its unit in the key, and where it was read."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator

from ivigil.quantities import (
    ml_per_kg_h_from_mg_per_kg_h,
    ml_per_kg_h_from_mg_per_kg_min,
    ml_per_kg_h_from_ml_per_kg_min,
)
from ivigil.sources import RANK, Origin, Read


def _one_or_many(value: object) -> object:
    return (value,) if isinstance(value, str) else value


#: Source ids; a TOML file may write a single id as a plain string.
SourceIds = Annotated[tuple[str, ...], BeforeValidator(_one_or_many)]
#: A list of terms; a TOML file may write a single one as a plain string.
Terms = Annotated[tuple[str, ...], BeforeValidator(_one_or_many)]


class Record(BaseModel):
    """Base of every knowledge record: frozen, and a key nobody knows is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=False)


class Fact(Record):
    """What every fact carries beside its value.

    ``src`` are source ids; ``place`` is the section or table; ``origin`` how the value was obtained; ``read`` the best
    kind of page on which it was read; ``note`` what a reader must know. ``by`` is set by a site's overlay.
    """

    src: SourceIds = ()
    place: str = ""
    origin: Origin
    read: Read
    note: str = ""
    by: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _has_a_basis(self) -> Self:
        if self.origin in {Origin.ASSUMED, Origin.POLICY}:
            if not self.note:
                raise ValueError(f"origin {self.origin.value} needs a note that says why")
        elif self.read is not Read.NOT_READ and not self.src:
            raise ValueError(f"read = {self.read.value} needs src")
        if self.origin is Origin.DERIVED and not self.note:
            raise ValueError("origin derived needs a note that says how")
        return self


def weakest(*facts: Fact) -> Read:
    """The poorest reading among facts: what the whole rests on."""
    return max((fact.read for fact in facts), key=RANK.__getitem__, default=Read.NOT_READ)


class Statement(Fact):
    """A sentence in the project's own words."""

    text: str


class Items(Fact):
    """A list of short terms, for example dedicated viral reduction steps or allowed fluids."""

    items: Terms


class Concentration(Fact):
    """Protein concentration (g/mL); ``range_g_per_ml`` where the label prints one."""

    g_per_ml: Decimal
    range_g_per_ml: tuple[Decimal, Decimal] | None = None


class VialSizes(Fact):
    """Grams of protein per vial, ascending."""

    sizes_g: tuple[Decimal, ...]

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        if list(self.sizes_g) != sorted(set(self.sizes_g)) or not self.sizes_g or self.sizes_g[0] <= 0:
            raise ValueError("sizes_g must be positive, ascending and without repeats")
        return self


class Age(Fact):
    """An age limit in completed years."""

    years: Decimal


class Count(Fact):
    """A bare count, for example the least number of donors in a pool."""

    count: int


class Minutes(Fact):
    """A time in minutes."""

    min: int


class Interval(Fact):
    """The time between two rate increases that a label prints (min); one number is written as both."""

    min_min: int
    max_min: int


class Amount(Fact):
    """A measured property as printed: typical, or a range, or a bound; the unit is in the record's field name."""

    typical: Decimal | None = None
    min: Decimal | None = None
    max: Decimal | None = None
    qualifier: str = ""


class Rate(Fact):
    """An infusion rate exactly as printed, in one or more units.

    Where two printed units disagree the lower governs (:meth:`ml_per_kg_h_at`); the disagreement is a conflict that the
    checks list. ``below`` marks a limit that must not be reached.
    """

    mg_per_kg_min: Decimal | None = None
    ml_per_kg_min: Decimal | None = None
    ml_per_kg_h: Decimal | None = None
    mg_per_kg_h: Decimal | None = None
    below: bool = False

    @model_validator(mode="after")
    def _printed(self) -> Self:
        printed = [self.mg_per_kg_min, self.ml_per_kg_min, self.ml_per_kg_h, self.mg_per_kg_h]
        if not any(value is not None for value in printed):
            raise ValueError("a rate needs at least one printed unit")
        if any(value is not None and value <= 0 for value in printed):
            raise ValueError("a rate must be positive")
        return self

    def each_ml_per_kg_h(self, concentration_g_per_ml: Decimal) -> dict[str, Decimal]:
        """Every printed unit as mL/kg/h, keyed by the unit it was printed in."""
        found: dict[str, Decimal] = {}
        if self.mg_per_kg_min is not None:
            found["mg/kg/min"] = ml_per_kg_h_from_mg_per_kg_min(self.mg_per_kg_min, concentration_g_per_ml)
        if self.ml_per_kg_min is not None:
            found["mL/kg/min"] = ml_per_kg_h_from_ml_per_kg_min(self.ml_per_kg_min)
        if self.ml_per_kg_h is not None:
            found["mL/kg/h"] = self.ml_per_kg_h
        if self.mg_per_kg_h is not None:
            found["mg/kg/h"] = ml_per_kg_h_from_mg_per_kg_h(self.mg_per_kg_h, concentration_g_per_ml)
        return found

    def ml_per_kg_h_at(self, concentration_g_per_ml: Decimal) -> Decimal:
        """The governing rate (mL/kg/h): the lowest of the printed units."""
        return min(self.each_ml_per_kg_h(concentration_g_per_ml).values())


class HeldRate(Rate):
    """A printed step: a rate and how long it is held (min); the last step of a ladder may leave ``hold_min`` out."""

    hold_min: int | None = None


class TierRate(Rate):
    """A maximum that holds from so many earlier infusions of the same product on."""

    after_infusions: int


class RateStep(Fact):
    """A printed fixed increment: add so much every so many minutes."""

    add_mg_per_kg_min: Decimal
    every_min: int
