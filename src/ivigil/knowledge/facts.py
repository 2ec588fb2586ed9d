"""The smallest facts: one value, its unit in the key, and where it was read."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from typing import Annotated, Any, Self, get_args, get_origin

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from ivigil.quantities import (
    DAYS_IN_A_LEAP_YEAR,
    MIN_PER_DAY,
    ml_per_kg_h_from_mg_per_kg_h,
    ml_per_kg_h_from_mg_per_kg_min,
    ml_per_kg_h_from_ml_per_kg_min,
)
from ivigil.sources import RANK, Origin, Read


def _one_or_many(value: object) -> object:
    return (value,) if isinstance(value, str) else value


#: Source ids; a TOML file may write a single id as a plain string.
SourceIds = Annotated[tuple[str, ...], BeforeValidator(_one_or_many)]


def _says(words: str) -> str:
    if not words.strip():
        raise ValueError("it is empty; write what the page gives")
    return words


#: Words that say something.
Words = Annotated[str, AfterValidator(_says)]
#: A list of terms; a TOML file may write a single one as a plain string.
Terms = Annotated[tuple[Words, ...], BeforeValidator(_one_or_many)]

#: A quantity that exists.
Positive = Annotated[Decimal, Field(gt=0)]
FromZero = Annotated[Decimal, Field(ge=0)]
#: How long a step is held or how often one looks: at least a minute, and within a day.
WholeMinutes = Annotated[int, Field(ge=1, le=MIN_PER_DAY)]
#: Days between treatments: nothing that is planned lies more than a year ahead.
WholeDays = Annotated[int, Field(ge=1, le=DAYS_IN_A_LEAP_YEAR)]
FromOne = Annotated[int, Field(ge=1)]


@cache
def _numeric(record: type[BaseModel]) -> frozenset[str]:
    """The fields of a record that hold nothing but numbers."""
    found = {name: _kinds(field.annotation) for name, field in record.model_fields.items()}
    return frozenset(name for name, kinds in found.items() if kinds & {int, Decimal} and not kinds & {str, bool})


def _kinds(annotation: Any) -> frozenset[type]:  # noqa: ANN401 - an annotation is anything
    arguments = get_args(annotation)[1:] if get_origin(annotation) is dict else get_args(annotation)
    if arguments:
        return frozenset().union(*map(_kinds, arguments))
    return frozenset({annotation} if isinstance(annotation, type) else ())


def _strangers(value: object) -> tuple[object, ...]:
    """What stands among numbers and is a word, or yes or no, which Python would count as 1 or 0."""
    if isinstance(value, list | tuple):
        return tuple(one for part in value for one in _strangers(part))
    if isinstance(value, dict):
        return _strangers(list(value.values()))
    return (value,) if isinstance(value, bool | str) else ()


class Record(BaseModel):
    """Base of every knowledge record: frozen, a key nobody knows is refused, and a number is written as a number."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=False, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _numbers_are_numbers(cls, raw: object) -> object:
        if isinstance(raw, dict):
            for name in _numeric(cls) & set(raw):
                for one in _strangers(raw[name]):
                    raise ValueError(f"{name} = {one!r} is no number; a number stands without quotes")
        return raw


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

    text: Words


class Items(Fact):
    """A list of short terms, for example dedicated viral reduction steps or allowed fluids."""

    items: Terms


class Concentration(Fact):
    """Protein concentration (g/mL); ``range_g_per_ml`` where the label prints one."""

    g_per_ml: Positive
    range_g_per_ml: tuple[Positive, Positive] | None = None

    @model_validator(mode="after")
    def _in_its_range(self) -> Self:
        if self.range_g_per_ml is not None and not self.range_g_per_ml[0] <= self.g_per_ml <= self.range_g_per_ml[1]:
            raise ValueError(f"g_per_ml {self.g_per_ml} lies outside range_g_per_ml")
        return self


class VialSizes(Fact):
    """Grams of protein per vial, ascending; ``unread_g`` are sizes known to exist that no page read permits to plan."""

    sizes_g: tuple[Decimal, ...]
    unread_g: tuple[Positive, ...] = ()

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        if list(self.sizes_g) != sorted(set(self.sizes_g)) or not self.sizes_g or self.sizes_g[0] <= 0:
            raise ValueError("sizes_g must be positive, ascending and without repeats")
        return self


class Age(Fact):
    """An age limit in completed years."""

    years: FromZero


class Count(Fact):
    """A bare count, for example the least number of donors in a pool."""

    count: FromOne


class Minutes(Fact):
    """A time in minutes."""

    min: WholeMinutes


class Interval(Fact):
    """The time between two rate increases that a label prints (min); one number is written as both."""

    min_min: WholeMinutes
    max_min: WholeMinutes

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min_min > self.max_min:
            raise ValueError(f"min_min {self.min_min} is above max_min {self.max_min}")
        return self


class Amount(Fact):
    """A measured property as printed: typical, or a range, or a bound; the unit is in the record's field name."""

    typical: FromZero | None = None
    min: FromZero | None = None
    max: FromZero | None = None
    qualifier: str = ""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        printed = [value for value in (self.min, self.typical, self.max) if value is not None]
        if not printed or printed != sorted(printed):
            raise ValueError("an amount prints at least one of min, typical, max, and they rise in this order")
        return self


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

    hold_min: WholeMinutes | None = None


class TierRate(Rate):
    """A maximum that holds from so many earlier infusions of the same product on."""

    after_infusions: Annotated[int, Field(ge=0)]


class RateStep(Fact):
    """A printed fixed increment: add so much every so many minutes."""

    add_mg_per_kg_min: Positive
    every_min: WholeMinutes
