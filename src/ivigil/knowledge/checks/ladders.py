"""What a label prints about rates adds up."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise

from ivigil.knowledge.checks.rows import CheckRow, Weight, dotted, error, records_in, spelled
from ivigil.knowledge.facts import Rate
from ivigil.knowledge.products import Product, RateTable
from ivigil.quantities import ml_per_kg_h_from_mg_per_kg_min

#: The word by which a note records that a source contradicts itself or another.
RECORDED = "conflict"
#: More increments than this nobody makes in one infusion.
MOST_STEPS = 50


def ladders(product: Product, file: str, within: Decimal) -> Iterator[CheckRow]:
    """What a label prints about rates adds up: start, steps, tiers and maximum, at the concentration they are for.

    ``within`` is the relative distance that the rounding of printed units explains.
    """
    for where, concentration, table in _rate_tables(product, file):
        if concentration not in product.concentrations:
            yield error(
                where,
                f"The product has no concentration {concentration}.",
                f"Use a key of concentrations: {', '.join(product.concentrations) or 'there is none'}.",
            )
            continue
        yield from _adds_up(table, product.concentrations[concentration].g_per_ml, within, where)


def _rate_tables(product: Product, file: str) -> Iterator[tuple[str, str, RateTable]]:
    for region, label in product.labels.items():
        for name, use in label.uses.items():
            for concentration, table in use.rates.items():
                where = f"{file}: " + spelled(("labels", region, "uses", name, "rates", concentration))
                yield where, concentration, table


def _adds_up(table: RateTable, g_per_ml: Decimal, within: Decimal, where: str) -> Iterator[CheckRow]:
    start, most = table.start.ml_per_kg_h_at(g_per_ml), table.max.ml_per_kg_h_at(g_per_ml)
    if start > most * (1 + within):
        yield error(
            f"{where}.start", f"The start ({_ml(start)}) is above the maximum ({_ml(most)}).", "Compare with the label."
        )
    if table.steps is not None:
        steps = [step.ml_per_kg_h_at(g_per_ml) for step in table.steps.rates]
        there = f"{where}.steps"
        if not steps:
            yield error(there, "The ladder has no step.", "Enter the steps or leave the ladder out.")
            return
        if not _rises(steps):
            yield error(there, f"The ladder does not rise: {_chain(steps)}.", "Compare with the label.")
        if max(steps[0], start) > min(steps[0], start) * (1 + within):
            yield error(
                there,
                f"The first printed step ({_ml(steps[0])}) is not the start ({_ml(start)}).",
                "Compare both with the label.",
            )
        if steps[-1] > most * (1 + within):
            yield error(
                there,
                f"The last printed step ({_ml(steps[-1])}) is above the maximum ({_ml(most)}).",
                "Compare both with the label.",
            )
    if table.increment is not None:
        yield from _increments_arrive(table, g_per_ml, where)
    yield from _tiers_rise(table, g_per_ml, within, f"{where}.tiers")


def _increments_arrive(table: RateTable, g_per_ml: Decimal, where: str) -> Iterator[CheckRow]:
    """A fixed increment leads from the start to the maximum in as many steps as somebody can make."""
    assert table.increment is not None
    step = ml_per_kg_h_from_mg_per_kg_min(table.increment.add_mg_per_kg_min, g_per_ml)
    way = table.max.ml_per_kg_h_at(g_per_ml) - table.start.ml_per_kg_h_at(g_per_ml)
    if not step <= way <= step * MOST_STEPS:
        yield error(
            f"{where}.increment",
            f"Steps of {_ml(step)} do not lead from the start to the maximum, which is {_ml(way)} higher.",
            "Compare with the label.",
        )


def _tiers_rise(table: RateTable, g_per_ml: Decimal, within: Decimal, where: str) -> Iterator[CheckRow]:
    after = [Decimal(tier.after_infusions) for tier in table.tiers]
    rates = [tier.ml_per_kg_h_at(g_per_ml) for tier in table.tiers]
    if not _rises(after) or not _rises(rates):
        yield error(
            where,
            "The maxima do not rise with the number of earlier infusions.",
            "Sort them, or compare with the label.",
        )
    most = table.max.ml_per_kg_h_at(g_per_ml)
    if rates and max(rates) > most * (1 + within):
        yield error(
            where,
            f"The highest of these maxima ({_ml(max(rates))}) is above the maximum ({_ml(most)}).",
            "Compare with the label.",
        )


def _rises(values: list[Decimal]) -> bool:
    return all(earlier < later for earlier, later in pairwise(values))


def printed_units_agree(product: Product, file: str, within: Decimal) -> Iterator[CheckRow]:
    """Printed units of one rate agree, or the disagreement stands in the note."""
    strengths = {name: one.g_per_ml for name, one in product.concentrations.items()}
    for keys, rate in records_in(product):
        if not isinstance(rate, Rate) or not strengths:
            continue
        own = [strengths[key] for key in keys if key in strengths and "rates" in keys]
        # A cap stands beside the uses and names no concentration: it is held against each of the product's.
        apart = [pair for g_per_ml in own or strengths.values() if (pair := _apart(rate, g_per_ml, within))]
        if len(apart) < len(own or strengths):
            continue
        low, high = apart[0]
        text = f"The printed units disagree: {_ml(low)} and {_ml(high)}"
        where = f"{file}: {dotted(keys)}"
        if RECORDED in rate.note.casefold():
            yield CheckRow(where, Weight.INFO, f"{text}, as the note records. The lower governs.", "Nothing to do.")
        else:
            yield error(
                where, f"{text}, and the note does not say so.", "Write CONFLICT and what is printed into the note."
            )


def _apart(rate: Rate, g_per_ml: Decimal, within: Decimal) -> tuple[Decimal, Decimal] | None:
    printed = rate.each_ml_per_kg_h(g_per_ml).values()
    low, high = min(printed), max(printed)
    return (low, high) if high > low * (1 + within) else None


def _ml(rate: Decimal) -> str:
    return f"{rate.normalize():f} mL/kg/h"


def _chain(rates: list[Decimal]) -> str:
    return " → ".join(f"{rate.normalize():f}" for rate in rates) + " mL/kg/h"
