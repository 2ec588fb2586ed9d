"""What each product offers for the condition in a region, whoever the patient is: worked out once for a cohort."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from ivigil.findings import Finding, Severity, in_order
from ivigil.knowledge.products import Label, Product, RateTable, Route, Use
from ivigil.knowledge.regimens import Regimen
from ivigil.prescription.needs import dose_need, indication_need, infusion_needs, planned_concentration
from ivigil.prescription.off_label import labelled_tables, strictest_rates
from ivigil.prescription.permission import Need, permitted
from ivigil.prescription.reasons import Judged, blocks, no_label, waiting
from ivigil.prescription.request import Formulary


@dataclass(frozen=True)
class Offer:
    """One product for one condition in one region.

    ``use`` None is off label. ``rates`` permits start and maximum; ``tables`` are what the ladder is built from: the
    use's own, off label every use's of the same label. ``refused`` says why no patient gets it, ``unnamed`` why none does
    without a reason for off-label use; both are empty where it can be given. ``indication`` and ``infusion`` are what was
    said of the facts that permit, ``dose`` the same for each regimen.
    """

    product: Product
    label: Label | None
    use: Use | None
    waiting: tuple[Finding, ...]
    refused: tuple[Finding, ...]
    unnamed: tuple[Finding, ...]
    concentration: str
    concentration_g_per_ml: Decimal
    rates: RateTable | None
    tables: tuple[RateTable, ...]
    indication: tuple[Judged, ...]
    infusion: tuple[Judged, ...]
    regimens: Mapping[str, Regimen]
    dose: Mapping[str, Judged]

    @cached_property
    def iga_mcg_per_g(self) -> Decimal:
        """IgA per gram of protein (mcg), so that 5 % and 10 % compare; what was not read comes last."""
        amount = self.product.iga_mcg_per_ml
        read = None if amount is None else amount.max or amount.typical
        return Decimal("Infinity") if read is None else read / self.concentration_g_per_ml


def offer_of(product: Product, region: str, formulary: Formulary) -> Offer:
    """What a product of the formulary offers in a region."""
    return formulary.once(("offer", product.id, region), lambda: _offer(product, region, formulary))


def _offer(product: Product, region: str, formulary: Formulary) -> Offer:
    label = product.labels.get(region) if product.route is Route.IV else None
    use = None
    if label is not None:
        use = next((one for one in label.uses.values() if formulary.indication.id in one.indications), None)
    waits = waiting(product, formulary)
    concentration = planned_concentration(product)
    strength = product.concentrations[concentration].g_per_ml
    tables, rates = _rates(label, use, concentration, strength)

    regimens = formulary.indication.regimens if use is None else use.regimens
    doses = {
        name: ("dose", permitted(dose_need(one), region, formulary.source_of, guideline=use is None))
        for name, one in regimens.items()
    }
    if use is None:
        # Off label a dose is taken from what may be dosed from, or from all if none may (the refusal says what to verify).
        usable = {name for name, (_, said) in doses.items() if said is None or said.severity is not Severity.BLOCKS}
        regimens = {name: one for name, one in regimens.items() if name in usable} or regimens

    def judged(needs: Iterable[Need]) -> tuple[Judged, ...]:
        return tuple((need.name, permitted(need, region, formulary.source_of)) for need in needs)

    return Offer(
        product=product,
        label=label,
        use=use,
        waiting=waits,
        refused=() if label is not None else in_order((*waits, _not_here(product, region))),
        unnamed=() if label is None or use is not None else in_order((*waits, _not_named(product, region, formulary))),
        concentration=concentration,
        concentration_g_per_ml=strength,
        rates=rates,
        tables=tables,
        indication=() if use is None else judged([indication_need(use)]),
        infusion=judged(infusion_needs(product, concentration, rates)),
        regimens=regimens,
        dose=doses,
    )


def _rates(
    label: Label | None, use: Use | None, concentration: str, strength: Decimal
) -> tuple[tuple[RateTable, ...], RateTable | None]:
    if use is not None:
        own = use.rates.get(concentration)
        return (() if own is None else (own,)), own
    tables = () if label is None else labelled_tables(label, concentration)
    return tables, strictest_rates(tables, strength)


def _not_here(product: Product, region: str) -> Finding:
    if product.route is not Route.IV:
        return blocks(
            "wrong-route",
            f"{product.brand} is given under the skin, never into a vein.",
            "Choose a product for intravenous use.",
        )
    return no_label(product, region)


def _not_named(product: Product, region: str, formulary: Formulary) -> Finding:
    return blocks(
        "off-label-reason-missing",
        f"The {region} label of {product.brand} does not name {formulary.indication.name}.",
        "Choose a product labelled for it, or give the reason for off-label use with --off-label.",
    )
