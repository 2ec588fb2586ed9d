"""What could be given at all: each labelled use of a product, whether every fact that permits was read, and what lacks.

The same needs are asked here as for a patient's plan (:mod:`ivigil.prescription.needs`); the patient's own reasons are not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from ivigil.findings import Severity
from ivigil.knowledge.products import Product, Route, Use
from ivigil.knowledge.subcutaneous import SiteTable, SubcutaneousUse
from ivigil.prescription.needs import age_need, dose_need, indication_need, infusion_needs, planned_concentration
from ivigil.prescription.permission import Need, SourceOf, permitted
from ivigil.prescription.subcutaneous.conversion import regimen_of
from ivigil.prescription.subcutaneous.needs import product_needs, ramp_need, several_sites_need, site_needs


@dataclass(frozen=True)
class Said:
    """A reason with the code a plan would show for it; ``need`` is the code of the fact it is about, if any."""

    code: str
    text: str
    need: str = ""


@dataclass(frozen=True)
class Deliverability:
    """One product, for one labelled condition, in one region.

    ``use`` and ``indication`` are empty where the product as a whole cannot be given. ``adults_only`` is True where no
    age below the policy's adult age was read well enough.
    """

    product: str
    use: str
    indication: str
    region: str
    deliverable: bool
    adults_only: bool
    warnings: tuple[Said, ...] = ()
    missing: tuple[Said, ...] = ()


def deliverability(
    product: Product,
    region: str,
    source_of: SourceOf,
    adult_from_years: Decimal,
    waiting: Sequence[str] = (),
) -> tuple[Deliverability, ...]:
    """Every labelled use of a product in a region, condition by condition; one row without a use where there is none.

    Args:
        product: the product.
        region: whose label.
        source_of: the source record of an id.
        adult_from_years: the policy's adult age.
        waiting: paths of this product's overlay facts that wait to be confirmed again.
    """
    held = tuple(
        Said("overlay-waiting", f"A fact of this site's overlay ({path}) waits to be confirmed again.")
        for path in waiting
    )
    label = product.labels.get(region)
    starts = label.subcutaneous if label is not None else None
    if label is None or (product.route is Route.SC and starts is None):
        none = Said("no-label-for-region", f"No {region} label of {product.brand} stands in the knowledge base.")
        return (_nowhere(product, region, (*held, none)),)
    if not product.concentrations:
        unknown = Said("concentration-not-read", f"No concentration of {product.brand} stands here.", "concentration")
        return (_nowhere(product, region, (*held, unknown)),)
    rows: dict[str, Deliverability] = {}
    for name, use in label.uses.items():
        sc = starts.uses.get(name) if starts is not None else None
        warnings, missing = (
            _weighed(product, use, region, source_of)
            if product.route is Route.IV
            else _weighed_under_skin(product, use, sc, region, source_of)
        )
        adults_only, on_age = _age(use, region, source_of, adult_from_years)
        for indication in use.indications:
            # As in a plan, the first use that names a condition is the one that serves it.
            rows.setdefault(
                indication,
                Deliverability(
                    product=product.id,
                    use=name,
                    indication=indication,
                    region=region,
                    deliverable=not (held or missing),
                    adults_only=adults_only,
                    warnings=(*warnings, *on_age),
                    missing=(*held, *missing),
                ),
            )
    return tuple(rows.values())


def _nowhere(product: Product, region: str, missing: tuple[Said, ...]) -> Deliverability:
    return Deliverability(product.id, "", "", region, deliverable=False, adults_only=False, missing=missing)


def _weighed(product: Product, use: Use, region: str, source_of: SourceOf) -> tuple[tuple[Said, ...], tuple[Said, ...]]:
    """What warns and what is missing for anybody. A use is dosed if at least one of its regimens may be."""
    concentration = planned_concentration(product)
    needs = (indication_need(use), *infusion_needs(product, concentration, use.rates.get(concentration)))
    found = [_asked(need, region, source_of) for need in needs]
    in_figures = [one for one in use.regimens.values() if one.g_per_kg_max is not None]
    doses = [_asked(dose_need(one), region, source_of) for one in in_figures]
    usable = [row for row in doses if row[1] is None]
    if usable:
        found.append(next((row for row in usable if row[0] is None), usable[0]))
    else:
        none = Said("dose-not-read", "The label gives no dose in figures for this use.", "dose")
        found.append(doses[0] if doses else (None, none))
    return (
        tuple(warning for warning, _ in found if warning is not None),
        tuple(lacking for _, lacking in found if lacking is not None),
    )


def _weighed_under_skin(
    product: Product, use: Use, sc: SubcutaneousUse | None, region: str, source_of: SourceOf
) -> tuple[tuple[Said, ...], tuple[Said, ...]]:
    """The same for a start under the skin. A use is started if one band of age or weight has all its limits."""
    if sc is None:
        return (), (Said("not-labelled-under-skin", "No facts for a start under the skin stand here.", "dose"),)
    regimen = regimen_of(sc.conversion.regimens, None)
    needs = (indication_need(use), *product_needs(product, sc.conversion, None if regimen is None else regimen[1]))
    found = [_asked(need, region, source_of) for need in needs]
    if sc.conversion.ramp_up_required is not None:
        days = sc.conversion.intervals.days if sc.conversion.intervals is not None else ()
        ramps = [_asked(ramp_need(sc.conversion, each), region, source_of) for each in days]
        found.append(next((row for row in ramps if row[1] is None), ramps[0] if ramps else (None, None)))
    bands = [_band(table, region, source_of) for table in sc.rates.values()] or [_band(None, region, source_of)]
    best = min(bands, key=lambda rows: sum(lacking is not None for _, lacking in rows))
    elsewhere = [
        Said("not-for-everybody", f"For some ages or weights: {lacking.text}", lacking.need)
        for rows in bands
        if rows is not best
        for _, lacking in rows
        if lacking is not None
    ]
    warnings = [warning for warning, _ in (*found, *best) if warning is not None]
    missing = [lacking for _, lacking in (*found, *best) if lacking is not None]
    return tuple(dict.fromkeys((*warnings, *elsewhere))), tuple(dict.fromkeys(missing))


def _band(table: SiteTable | None, region: str, source_of: SourceOf) -> list[tuple[Said | None, Said | None]]:
    several = () if table is None else (several_sites_need(table),)
    return [_asked(need, region, source_of) for need in (*site_needs(table), *several)]


def _asked(need: Need, region: str, source_of: SourceOf) -> tuple[Said | None, Said | None]:
    """What warns, or what is missing, about one need."""
    finding = permitted(need, region, source_of)
    if finding is None:
        return None, None
    said = Said(finding.code, finding.text, need.code)
    return (None, said) if finding.severity is Severity.BLOCKS else (said, None)


def _age(use: Use, region: str, source_of: SourceOf, adult_from_years: Decimal) -> tuple[bool, tuple[Said, ...]]:
    """Whether only adults can be planned for, and what is said about the age."""
    floor = use.min_age
    if floor is None:
        return True, (
            Said("age-not-read", "No lower age was read on the label for this use: planned for adults only.", "age"),
        )
    if floor.years >= adult_from_years:
        return True, ()
    warning, lacking = _asked(age_need(floor), region, source_of)
    return lacking is not None, tuple(said for said in (warning, lacking) if said is not None)
