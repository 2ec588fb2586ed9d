"""What a labelled use needs before anything is given: the facts that permit, by name, for the planner and for the lists."""

from __future__ import annotations

from ivigil.knowledge.facts import Age
from ivigil.knowledge.products import Product, RateTable, Use
from ivigil.knowledge.regimens import Regimen
from ivigil.prescription.permission import Need


def planned_concentration(product: Product) -> str:
    """The concentration a plan is made at: the weakest that the product comes in."""
    return min(product.concentrations, key=lambda name: product.concentrations[name].g_per_ml)


def indication_need(use: Use) -> Need:
    """That the label names the condition."""
    return Need("indication", "indication", use.indication)


def age_need(floor: Age) -> Need:
    """The age from which the label permits: needed only for a patient who is not an adult."""
    return Need("age", "lower age limit", floor)


def infusion_needs(product: Product, concentration: str, rates: RateTable | None) -> tuple[Need, ...]:
    """What it takes to hang the product: concentration, vials, where to start and where to stop."""
    return (
        Need("concentration", "concentration", product.concentrations[concentration]),
        Need("vials", "vial sizes", product.vials),
        Need("start-rate", "starting rate", rates.start if rates else None),
        Need("max-rate", "maximum rate", rates.max if rates else None),
    )


def dose_need(regimen: Regimen) -> Need:
    """The dose."""
    return Need("dose", "dose", regimen)
