"""The present intravenous regimen under the skin: by the labels' factors, by equal trough and by equal exposure."""

from __future__ import annotations

from decimal import Decimal

from ivigil.findings import Finding, Severity
from ivigil.kinetics.bands import quantiles
from ivigil.kinetics.exposure import average_per_gram, baseline
from ivigil.kinetics.regimens import Route
from ivigil.knowledge.products import Route as ProductRoute
from ivigil.prescription.permission import permitted
from ivigil.prescription.regimen_search.outcomes import BAND, Repeated, Scene, level, per_gram_before_next
from ivigil.prescription.regimen_search.result import ByFactor, ToSubcutaneous, Weekly
from ivigil.prescription.request import Formulary, Request
from ivigil.prescription.subcutaneous.conversion import by_factor
from ivigil.prescription.subcutaneous.intravenous import Intravenous
from ivigil.prescription.subcutaneous.needs import product_needs
from ivigil.prescription.subcutaneous.weighing import labelled_use
from ivigil.quantities import DAYS_PER_WEEK

WEEK = (0.0,)


def to_subcutaneous(
    scene: Scene, current: Repeated, request: Request, formulary: Formulary
) -> tuple[ToSubcutaneous | None, tuple[Finding, ...]]:
    """Three ways side by side, none chosen; None where no model that speaks knows absorption under the skin."""
    belief = scene.by_route(Route.SC)
    if current.route is not Route.IV or belief is None:
        return None, ()
    parameters, own = belief.parameters, baseline(belief.parameters)
    course_g = current.dose_g * len(current.offsets_d)
    iv_trough = current.dose_g * per_gram_before_next(belief, Route.IV, current.offsets_d, current.tau_d)
    per_gram = per_gram_before_next(belief, Route.SC, WEEK, DAYS_PER_WEEK)
    iv_average = course_g * average_per_gram(parameters, Route.IV, 1, current.tau_d)
    sc_average = average_per_gram(parameters, Route.SC, 1, DAYS_PER_WEEK)
    factors, unread = _by_factors(course_g, current.tau_d, request, formulary)
    rows = tuple(
        ByFactor(
            product=product,
            brand=brand,
            factor=factor,
            weekly_g=weekly_g,
            trough=level(belief, own + weekly_g * per_gram, scene.target_g_per_l),
            sources=sources,
        )
        for product, brand, factor, weekly_g, sources in factors
    )
    return (
        ToSubcutaneous(
            from_dose_g=course_g,
            from_every_days=current.tau_d,
            by_factor=rows,
            equal_trough=_weekly(iv_trough / per_gram, belief.masses),
            equal_exposure=_weekly(iv_average / sc_average, belief.masses),
            models=tuple(one.model.id for one in belief.voices),
        ),
        unread,
    )


def _weekly(grams, masses) -> Weekly:  # type: ignore[no-untyped-def]  # noqa: ANN001 - arrays of floats
    low, middle, high = quantiles(grams, masses, BAND)
    return Weekly(median=middle, p5=low, p95=high)


def _by_factors(
    course_g: float, tau_d: float, request: Request, formulary: Formulary
) -> tuple[list[tuple[str, str, float, float, tuple[str, ...]]], tuple[Finding, ...]]:
    """Weekly grams by each label's factor, and the labels whose factor nobody read."""
    iv = Intravenous(Decimal(str(course_g)), int(tau_d), None)
    found, unread = [], []
    for product in formulary.products:
        label = product.labels.get(request.region)
        under_skin = label.subcutaneous if label is not None else None
        use = None if label is None or under_skin is None else labelled_use(label, under_skin, formulary.indication.id)
        conversion = use[1].conversion if use is not None else None
        if product.route is not ProductRoute.SC or conversion is None or conversion.ramp_up_required is not None:
            continue
        if conversion.factor is None:
            continue
        need = next(one for one in product_needs(product, conversion, None) if one.code == "factor")
        said = permitted(need, request.region, formulary.source_of)
        if said is not None and said.severity is Severity.BLOCKS:
            unread.append(product.brand)
            continue
        weekly = by_factor(iv, conversion.factor)
        found.append(
            (product.id, product.brand, float(conversion.factor.factor), float(weekly.grams), conversion.factor.src)
        )
    if not unread:
        return found, ()
    return found, (
        Finding(
            code="factor-not-read",
            severity=Severity.INFORMS,
            text=f"The factor of {', '.join(unread)} was not read on a {request.region} label, so nothing is worked out by it.",
            remedy="Read it on the label in force and enter it in the site's overlay.",
        ),
    )
