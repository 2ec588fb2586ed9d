"""The intravenous regimen to convert: what it was, whether it is likely, and whether it went on for long enough."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from ivigil.findings import Finding, MayBe, Severity
from ivigil.knowledge.products import Product, Route
from ivigil.knowledge.regimens import Phase, Regimen
from ivigil.knowledge.subcutaneous import SubcutaneousUse
from ivigil.patient import ProductHistory
from ivigil.prescription.reasons import blocks
from ivigil.prescription.request import Formulary
from ivigil.prescription.subcutaneous.asked import Start
from ivigil.quantities import DAYS_PER_WEEK
from ivigil.sources import Read

#: Levels at which somebody read the product's own label, or a copy of it.
OWN_LABEL = frozenset({Read.LABEL, Read.MANUFACTURER, Read.LABEL_COPY})


@dataclass(frozen=True)
class Intravenous:
    """The intravenous regimen, exact. ``last`` is the history entry it rests on, if there is one."""

    dose_g: Decimal
    interval_days: int
    last: ProductHistory | None

    @property
    def weekly_g(self) -> Fraction:
        """Grams per week."""
        return Fraction(self.dose_g) * DAYS_PER_WEEK / self.interval_days


def last_intravenous(asked: Start, formulary: Formulary) -> ProductHistory | None:
    """The last infusion into a vein that is recorded."""
    routes = {product.id: product.route for product in formulary.products}
    entries = [one for one in asked.request.patient.immunoglobulin_history or () if routes.get(one.product) is Route.IV]
    return max(entries, key=lambda entry: entry.last_given_at, default=None)


def intravenous_regimen(product: Product, asked: Start, formulary: Formulary) -> Intravenous | Finding:
    """The regimen to convert, or what of it is missing."""
    last = last_intravenous(asked, formulary)
    dose, interval = _dose(asked, last), asked.iv_interval_days
    if dose is not None and interval is not None:
        return Intravenous(dose, interval, last)
    missing = [name for name, value in (("dose (g)", dose), ("interval (days)", interval)) if value is None]
    return blocks(
        "iv-regimen-missing",
        f"{product.brand} is dosed from the intravenous regimen; its {' and '.join(missing)} is not given.",
        "Give --iv-dose-g (or record last_dose_g) and --iv-interval-days.",
    )


def _dose(asked: Start, last: ProductHistory | None) -> Decimal | None:
    return asked.iv_dose_g if asked.iv_dose_g is not None else (last.last_dose_g if last else None)


def unlikely_regimen(asked: Start, formulary: Formulary) -> Iterable[Finding]:
    """An intravenous regimen outside everything printed for the condition: weeks typed as days, mg/kg as grams."""
    last = last_intravenous(asked, formulary)
    dose, interval, weight = _dose(asked, last), asked.iv_interval_days, asked.request.patient.weight_kg
    recorded = last.last_dose_g if last else None
    if asked.iv_dose_g is not None and recorded is not None and asked.iv_dose_g != recorded:
        yield blocks(
            "iv-dose-differs",
            f"The intravenous dose given is {figure(asked.iv_dose_g)} g, the record's last dose is {figure(recorded)} g.",
            "Correct one of them, or have the dose to convert confirmed.",
            MayBe.CONFIRMED,
        )
    name = formulary.indication.name
    printed = [one for one in _printed(asked.request.region, formulary) if one.phase is Phase.MAINTENANCE]
    days = [n for one in printed for n in (one.interval_days_min, one.interval_days_max) if n is not None]
    if interval is not None and days and not min(days) <= interval <= max(days):
        yield blocks(
            "iv-interval-unlikely",
            f"{interval} days between intravenous infusions is outside the {min(days)} to {max(days)} days printed for {name}.",
            "Give --iv-interval-days in days (4 weeks are 28); if it is right, have it confirmed.",
            MayBe.CONFIRMED,
        )
    ranges = [
        (one.g_per_kg_min or one.g_per_kg_max, one.g_per_kg_max) for one in printed if one.g_per_kg_max is not None
    ]
    if dose is None or weight is None or not ranges:
        return
    least, most = min(low for low, _ in ranges), max(high for _, high in ranges)
    if not least * weight <= dose <= most * weight:
        yield blocks(
            "iv-dose-unlikely",
            f"{figure(dose)} g at {figure(weight)} kg is outside the {figure(least)} to {figure(most)} g/kg printed for {name}.",
            "Give the grams of one intravenous infusion; if the dose is right, have it confirmed.",
            MayBe.CONFIRMED,
        )


def _printed(region: str, formulary: Formulary) -> Iterable[Regimen]:
    for product in formulary.products:
        label = product.labels.get(region)
        if product.route is Route.IV and label is not None:
            for use in label.uses.values():
                if formulary.indication.id in use.indications:
                    yield from use.regimens.values()
    yield from formulary.indication.regimens.values()


def about_history(product: Product, sc: SubcutaneousUse, asked: Start, formulary: Formulary) -> Iterable[Finding]:
    """Whether somebody with this history may start: never treated, treated under the skin, treated too shortly."""
    history = asked.request.patient.immunoglobulin_history
    if history is None:
        return  # screening blocks and asks
    if not history:
        yield _never_treated(product, sc)
        return
    latest = max(history, key=lambda entry: entry.last_given_at)
    if next((one.route for one in formulary.products if one.id == latest.product), None) is Route.SC:
        yield blocks(
            "not-from-iv",
            "The last immunoglobulin recorded was given under the skin; this plan converts an intravenous regimen.",
            "Continue by the product's label; a change between products under the skin is planned by hand.",
        )
    elif sc.previous is not None:
        yield _regular_before(product, sc, latest, asked, formulary)
    elif sc.naive is not None and not sc.naive.permitted:
        yield Finding(
            code="previous-treatment",
            severity=Severity.WARNS,
            text=f"{product.brand}: {sc.naive.text} The record cannot show that.",
            remedy="Make sure that it is so.",
            sources=sc.naive.src,
        )


def _regular_before(
    product: Product, sc: SubcutaneousUse, latest: ProductHistory, asked: Start, formulary: Formulary
) -> Finding:
    """Months of regular treatment, counted as infusions of the last product at the interval given."""
    months = sc.previous.months if sc.previous else 0
    sources = sc.previous.src if sc.previous else ()
    needed = months * formulary.policies.subcutaneous.weeks_per_month.value * DAYS_PER_WEEK
    asks = f"The label of {product.brand} asks for at least {months} months of regular immunoglobulin before"
    gap, days = formulary.policies.rate.long_gap_days, (asked.request.start - latest.last_given_at).days
    if days > gap.value:
        return blocks(
            "previous-treatment-short",
            f"{asks}; the last infusion recorded lies {days} days back, and by policy treatment that stopped for more than {figure(gap.value)} days does not count.",
            "Start again intravenously, or have a prescriber override it with the reason.",
            MayBe.OVERRIDDEN,
            (*sources, *gap.src),
        )
    if asked.iv_interval_days is None:
        return Finding(
            code="previous-treatment",
            severity=Severity.WARNS,
            text=f"{asks}; without an interval that cannot be counted.",
            remedy="Make sure that it is so.",
            sources=sources,
        )
    recorded = f"{latest.infusions} infusions every {asked.iv_interval_days} days are recorded"
    if latest.infusions * asked.iv_interval_days < needed:
        return blocks(
            "previous-treatment-short",
            f"{asks}; {recorded}.",
            "Go on with the intravenous product until then, or have a prescriber override it with the reason.",
            MayBe.OVERRIDDEN,
            sources,
        )
    return Finding(
        code="previous-treatment",
        severity=Severity.INFORMS,
        text=f"{asks}; {recorded}.",
        remedy="Make sure that they were regular.",
        sources=sources,
    )


def _never_treated(product: Product, sc: SubcutaneousUse) -> Finding:
    naive = sc.naive
    if naive is None:
        text = f"Whether the label of {product.brand} lets somebody start who never had immunoglobulin was not read."
        return blocks("naive-not-read", text, "Read it on the label in force, or start intravenously.")
    unread = naive.read not in OWN_LABEL
    code = "naive-not-labelled" if not naive.permitted else "naive-not-read" if unread else "naive-not-planned"
    finding = blocks(
        code,
        f"The patient never had immunoglobulin. {product.brand}: {naive.text}",
        "Start intravenously, or plan the first doses by hand from the label in force.",
        sources=naive.src,
    )
    return finding.model_copy(update={"verified": not unread})


def figure(value: Decimal) -> str:
    """A figure without trailing zeros."""
    return f"{value.normalize():f}"
