"""No fact lies beyond what a fact can say: the outer limits of ``policy/plausibility.toml``, and what holds by arithmetic."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal, InvalidOperation

from pydantic import BaseModel

from ivigil.knowledge.checks.rows import COMPARE, CheckRow, Located, dotted, error, records_in, spelled
from ivigil.knowledge.facts import Age, Concentration, HeldRate, Interval, Minutes, Rate, RateStep, VialSizes
from ivigil.knowledge.policies import Above, PlausibilityPolicy
from ivigil.knowledge.policies import Limits as Span
from ivigil.knowledge.products import Product
from ivigil.knowledge.regimens import Regimen
from ivigil.knowledge.subcutaneous import Factor, Naive, SupersededFactor, WeeklyDose

PERCENT = 100
#: How long a rate is held before the next: where a record says so.
HELD: dict[type[BaseModel], tuple[str, ...]] = {
    Minutes: ("min",),
    Interval: ("min_min", "max_min"),
    HeldRate: ("hold_min",),
    RateStep: ("every_min",),
}


def numbers_are_possible(records: Iterable[Located], limits: PlausibilityPolicy) -> Iterator[CheckRow]:
    """Doses, strengths, vials and ages lie within what any label has ever printed, and a little beyond."""
    course = limits.fact_course_g_per_kg
    for where, one in records:
        if isinstance(one, Regimen):
            for name in ("g_per_kg_min", "g_per_kg_max", "g_per_kg_day", "max_g_per_kg_day"):
                yield from _within(f"{where}.{name}", getattr(one, name), course, "g/kg")
        elif isinstance(one, WeeklyDose):
            yield from _within(where, one.g_per_kg_week, course, "g/kg")
        elif isinstance(one, Naive):
            yield from _within(where, one.g_per_kg_day, course, "g/kg")
            yield from _within(where, one.g_per_kg_week, course, "g/kg")
        elif isinstance(one, Above) and ".toml: proposed_g_per_kg" in where:
            yield from _within(where, one.value, course, "g/kg")
        elif isinstance(one, Concentration):
            yield from _within(where, one.g_per_ml, limits.fact_protein_g_per_ml, "g/mL")
        elif isinstance(one, VialSizes):
            for size in one.sizes_g:
                yield from _within(where, size, limits.fact_vial_g, "g")
        elif isinstance(one, Age):
            yield from _within(where, one.years, limits.possible_age_years, "years")
        elif type(one) in HELD and not where.startswith("leaflet/"):
            for name in HELD[type(one)]:
                yield from _within(f"{where}.{name}", getattr(one, name), limits.fact_hold_min, "minutes")


def _within(where: str, value: Decimal | int | None, span: Span, unit: str) -> Iterator[CheckRow]:
    if value is not None and not span[0] <= value <= span[1]:
        yield error(
            where, f"{Decimal(value):f} {unit} lies outside {span[0]} to {span[1]} {unit}, beyond every label.", COMPARE
        )


def rates_are_possible(product: Product, file: str, limits: PlausibilityPolicy) -> Iterator[CheckRow]:
    """No rate, at the strength it is for, lies beyond what any label prints."""
    strengths = {name: one.g_per_ml for name, one in product.concentrations.items()}
    for keys, rate in records_in(product):
        if not isinstance(rate, Rate):
            continue
        own = [strengths[key] for key in keys if key in strengths and "rates" in keys]
        for g_per_ml in own or strengths.values():
            span = limits.fact_start_ml_per_kg_h if keys[-1] == "start" else limits.fact_rate_ml_per_kg_h
            for value in rate.each_ml_per_kg_h(g_per_ml).values():
                yield from _within(f"{file}: {dotted(keys)}", value, span, "mL/kg/h")


def condition_rate_is_possible(
    rate: Rate, strengths: Iterable[Decimal], file: str, limits: PlausibilityPolicy
) -> Iterator[CheckRow]:
    """The highest rate of a condition is one that a label could print, at every strength there is."""
    for g_per_ml in sorted(strengths):
        for value in rate.each_ml_per_kg_h(g_per_ml).values():
            yield from _within(f"{file}: max_rate", value, limits.fact_rate_ml_per_kg_h, "mL/kg/h")


def strengths_are_their_names(product: Product, file: str) -> Iterator[CheckRow]:
    """The key of a concentration is its percentage: a product of 10 % holds 0.1 g/mL."""
    for key, one in product.concentrations.items():
        try:
            percent = Decimal(key)
        except InvalidOperation:
            percent = Decimal(0)
        if percent != one.g_per_ml * PERCENT:
            yield error(
                f"{file}: {spelled(('concentrations', key))}",
                f"It stands under {key} and holds {one.g_per_ml} g/mL, which is {one.g_per_ml * PERCENT:f} %.",
                "Make the two the same.",
            )


def under_the_skin_is_possible(
    product: Product, file: str, limits: PlausibilityPolicy, within: Decimal
) -> Iterator[CheckRow]:
    """Sites, volumes, steps and factors are above zero; a gram has the volume that the concentration gives it."""
    volumes = [1 / one.g_per_ml for one in product.concentrations.values()]
    for keys, one in records_in(product):
        if "subcutaneous" not in keys:
            continue
        where = f"{file}: {dotted(keys)}"
        for name in type(one).model_fields:
            value = getattr(one, name)
            for number in value if isinstance(value, tuple) else (value,):
                if isinstance(number, int | Decimal) and not isinstance(number, bool):
                    if number < 0 or (number == 0 and not name.startswith("from_")):
                        yield error(f"{where}.{name}", f"{number} is not above zero.", COMPARE)
        if isinstance(one, Factor) and not isinstance(one, SupersededFactor):
            if keys[-1] == "ml_per_g":
                if volumes and not any(abs(one.factor - volume) <= volume * within for volume in volumes):
                    yield error(where, f"A gram does not have {one.factor} mL at the product's strength.", COMPARE)
            else:
                yield from _within(where, one.factor, limits.fact_sc_dose_factor, "times the dose")
