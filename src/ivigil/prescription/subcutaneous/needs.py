"""What a start under the skin needs before anything is given: the facts that permit, by name, for planner and lists."""

from __future__ import annotations

from ivigil.knowledge.facts import Fact
from ivigil.knowledge.products import Product
from ivigil.knowledge.subcutaneous import FromIntravenous, SiteTable, WeeklyDose
from ivigil.prescription.needs import planned_concentration
from ivigil.prescription.permission import Need


def product_needs(product: Product, conversion: FromIntravenous, regimen: WeeklyDose | None) -> tuple[Need, ...]:
    """Whatever the patient's age and weight: strength, vials, dose, intervals."""
    dose = (
        Need("factor", "factor from the intravenous dose", conversion.factor)
        if regimen is None
        else Need("dose", "dose", regimen)
    )
    return (
        Need("concentration", "concentration", product.concentrations[planned_concentration(product)]),
        Need("vials", "vial sizes", product.vials),
        dose,
        Need("interval", "intervals between infusions", conversion.intervals),
        *((Need("ml-per-g", "volume of a gram", conversion.ml_per_g),) if conversion.ml_per_g is not None else ()),
    )


def site_needs(table: SiteTable | None) -> tuple[Need, ...]:
    """For one band of age or weight: how much and how fast at one site."""
    if table is None:
        return (Need("site-limits", "limits for one site at this age and weight", None),)
    volumes: list[Fact | None] = [*table.volume.values()] or [None]
    rates: list[Fact | None] = [*table.rate.values()] or [None]
    return (
        *(Need("site-volume", "volume for one site", fact) for fact in volumes),
        *(Need("site-rate", "rate at one site", fact) for fact in rates),
    )


def several_sites_need(table: SiteTable) -> Need:
    """How many sites at a time: needed only where one does not do."""
    return Need("max-sites", "number of sites at a time", table.max_sites)


def ramp_need(conversion: FromIntravenous, interval_days: int) -> Need:
    """The ramp-up to an interval, where the label wants one."""
    found = next((one for one in conversion.ramp_up.values() if one.interval_days == interval_days), None)
    return Need("ramp-up", f"ramp-up to every {interval_days} days", found)
