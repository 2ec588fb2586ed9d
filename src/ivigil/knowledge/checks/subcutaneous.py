"""Whether what labels say about a start under the skin holds together: uses, bands, limits, sums and ramps."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from decimal import Decimal
from itertools import product as every

from ivigil.knowledge.checks.rows import CheckRow, Weight, error, spelled
from ivigil.knowledge.products import Label, Product, Route
from ivigil.knowledge.subcutaneous import SiteTable, SubcutaneousUse
from ivigil.quantities import DAYS_PER_WEEK

COMPARE = "Compare with the label."
#: A gram's volume as a label counts it may be rounded by so much (6 mL at 16.5 % is 1 % below 1/0.165).
ROUNDED_WITHIN = Decimal("0.02")
OLDEST_YEARS, HEAVIEST_KG = Decimal(120), Decimal(300)
LEAST_KG = Decimal(1)


def starts_stand(
    product: Product, file: str, indication_ids: Collection[str], conditions: Collection[str] | None
) -> Iterator[CheckRow]:
    """Uses under the skin are uses of the same label, and what must not be infused there is not one of them."""
    if product.route is Route.SC and not any(label.subcutaneous for label in product.labels.values()):
        yield error(f"{file}: labels", "No label says how it is infused under the skin.", "Enter it from the label.")
    for region, label in product.labels.items():
        under_skin = label.subcutaneous
        if under_skin is None:
            continue
        where = f"{file}: {spelled(('labels', region, 'subcutaneous'))}"
        if product.route is not Route.SC:
            yield error(where, "The product is entered for a vein.", "Give the subcutaneous use a product of its own.")
        for name in sorted(set(under_skin.uses) - set(label.uses)):
            yield error(
                f"{where}.uses.{spelled((name,))}",
                "The label has no such use.",
                "Name it as under `uses`, with its age.",
            )
        if product.route is Route.SC:
            for name in sorted(set(label.uses) - set(under_skin.uses)):
                yield error(f"{where}.uses", f"The use {name} has no start under the skin.", "Enter it from the label.")
        yield from _forbidden(label, where, indication_ids, conditions)


def _forbidden(
    label: Label, where: str, indication_ids: Collection[str], conditions: Collection[str] | None
) -> Iterator[CheckRow]:
    never_for = label.subcutaneous.never_for if label.subcutaneous else None
    never_with = label.subcutaneous.never_with if label.subcutaneous else None
    served = {one for use in label.uses.values() for one in use.indications}
    for indication in never_for.items if never_for is not None else ():
        if indication not in indication_ids:
            yield error(f"{where}.never_for", f"No condition is called {indication}.", "Correct the id.")
        if indication in served:
            yield error(f"{where}.never_for", f"{indication} is a use of the same label.", COMPARE)
    for word in never_with.items if never_with is not None else ():
        if conditions is not None and word not in conditions:
            yield error(
                f"{where}.never_with", f"{word} is no word of conditions.", "Add it to vocabulary/ or correct it."
            )


def starts_add_up(product: Product, file: str) -> Iterator[CheckRow]:
    """Factors, ramps, bands, and the sums of volume, sites and rates."""
    strengths = [one.g_per_ml for one in product.concentrations.values()]
    for region, label in product.labels.items():
        for name, sc in (label.subcutaneous.uses if label.subcutaneous else {}).items():
            where = f"{file}: {spelled(('labels', region, 'subcutaneous', 'uses', name))}"
            yield from _conversion_holds(sc, strengths, f"{where}.conversion")
            floor = label.uses[name].min_age if name in label.uses else None
            yield from _bands_fit(sc, floor.years if floor is not None else Decimal(0), f"{where}.rates")
            for key, table in sc.rates.items():
                yield from _limits_add_up(table, f"{where}.rates.{spelled((key,))}")


def _conversion_holds(sc: SubcutaneousUse, strengths: list[Decimal], where: str) -> Iterator[CheckRow]:
    conversion = sc.conversion
    if conversion.factor is not None:
        factor = conversion.factor.factor
        for key, row in conversion.superseded.items():
            if row.factor == factor:
                yield error(f"{where}.superseded.{spelled((key,))}", f"{factor} is the factor in force.", COMPARE)
    if conversion.regimens:
        if all(one.population for one in conversion.regimens.values()):
            yield error(f"{where}.regimens", "Every dose is for a special population.", "Enter the ordinary one.")
        if conversion.intervals is not None and DAYS_PER_WEEK not in conversion.intervals.days:
            yield error(f"{where}.intervals", "A dose a week is given weekly.", COMPARE)
    if conversion.ml_per_g is not None and strengths:
        counted, exact = conversion.ml_per_g.factor, 1 / min(strengths)
        if abs(counted - exact) > exact * ROUNDED_WITHIN:
            yield error(f"{where}.ml_per_g", f"{counted} mL for a gram is not 1/{min(strengths)}.", COMPARE)
    intervals = set(conversion.intervals.days) if conversion.intervals is not None else set()
    for key, ramp in conversion.ramp_up.items():
        if ramp.interval_days not in intervals:
            yield error(f"{where}.ramp_up.{spelled((key,))}", "It leads to no interval of the label.", COMPARE)
    for key, after in conversion.start.items():
        if intervals and after.up_to_interval_days > max(intervals):
            yield CheckRow(
                f"{where}.start.{spelled((key,))}", Weight.WARNING, "No interval of the label is as long.", COMPARE
            )


def _bands_fit(sc: SubcutaneousUse, from_years: Decimal, where: str) -> Iterator[CheckRow]:
    """From the labelled age on every age and weight has exactly one table: tried at each edge and just below it."""
    tables = sc.rates.values()
    just = Decimal("0.01")
    ages = {from_years, OLDEST_YEARS}
    weights = {LEAST_KG, HEAVIEST_KG}
    for table in tables:
        ages |= {edge for edge in (table.from_age_years, table.below_age_years) if edge is not None}
        weights |= {edge for edge in (table.from_kg, table.below_kg) if edge is not None}
    ages |= {edge - just for edge in ages}
    weights |= {edge - just for edge in weights}
    for age, weight in every(sorted(a for a in ages if a >= from_years), sorted(w for w in weights if w > 0)):
        count = sum(table.holds_for(age, weight) for table in tables)
        if count != 1:
            yield error(where, f"{count} tables hold at {age} years and {weight} kg.", "Make the bands meet.")
            return


def _limits_add_up(table: SiteTable, where: str) -> Iterator[CheckRow]:
    yield from _rises([(row.from_infusion, row.ml_per_site) for row in table.volume.values()], f"{where}.volume")
    yield from _rises([(row.from_infusion, row.ml_per_h_per_site) for row in table.rate.values()], f"{where}.rate")
    sites = table.max_sites.count if table.max_sites is not None else 1
    most_ml = max((row.ml_per_site for row in table.volume.values()), default=None)
    most_ml_per_h = max((row.ml_per_h_per_site for row in table.rate.values()), default=None)
    for key, cap in table.caps.items():
        if most_ml is not None and cap.ml_per_site > most_ml:
            yield error(f"{where}.caps.{spelled((key,))}", "It is not stricter than the label's own volume.", COMPARE)
    # A limit over all sites that the sites cannot reach restricts nothing: a slip of a figure would hide there.
    if table.all_sites is not None and most_ml_per_h is not None and table.all_sites.ml_per_h > sites * most_ml_per_h:
        yield error(
            f"{where}.all_sites",
            f"{table.all_sites.ml_per_h} mL/h is more than {sites} sites at {most_ml_per_h} mL/h.",
            COMPARE,
        )
    if table.day is not None and most_ml is not None and table.day.ml > sites * most_ml:
        yield error(f"{where}.day", f"{table.day.ml} mL is more than {sites} sites of {most_ml} mL.", COMPARE)


def _rises(rows: list[tuple[int, Decimal]], where: str) -> Iterator[CheckRow]:
    """Limits begin with the first infusion, each begins once, and none is lower than the one before."""
    if not rows:
        return
    rows = sorted(rows)
    starts, limits = [start for start, _ in rows], [limit for _, limit in rows]
    if starts[0] != 1 or len(set(starts)) < len(starts):
        yield error(
            where, "It begins at infusions " + ", ".join(map(str, starts)) + ".", "Begin once, with infusion 1."
        )
    if limits != sorted(limits):
        yield error(where, "A later limit is lower than an earlier one.", "Enter a stricter later one under caps.")
