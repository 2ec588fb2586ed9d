"""Of the regimens that a label allows, those that reach the target, and in what each of those offered is least."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from ivigil.findings import Finding, Severity
from ivigil.kinetics.bands import quantiles
from ivigil.kinetics.exposure import Belief, baseline
from ivigil.kinetics.regimens import Route
from ivigil.prescription.regimen_search.asked import Search
from ivigil.prescription.regimen_search.labelled import Option
from ivigil.prescription.regimen_search.outcomes import Repeated, Scene, outcome, per_gram_before_next, reaches
from ivigil.prescription.regimen_search.result import Proposal

ROUTE_WORDS = {Route.IV: "into a vein", Route.SC: "under the skin"}


@dataclass(frozen=True)
class Weighed:
    """An option and how likely its steady trough reaches the target."""

    option: Option
    reaches: float


def weigh(options: tuple[Option, ...], belief: Belief, target_g_per_l: float) -> tuple[Weighed, ...]:
    """The probability of every option; IgG above the patient's own is proportional to the dose."""
    own = baseline(belief.parameters)
    found = []
    for cycle in dict.fromkeys((one.route, one.cycle, one.offsets_d) for one in options):
        route, _, offsets = cycle
        per_gram = per_gram_before_next(belief, route, offsets, cycle[1].days)
        for one in options:
            if (one.route, one.cycle, one.offsets_d) == cycle:
                found.append(Weighed(one, reaches(belief, own + float(one.dose_g) * per_gram, target_g_per_l)))
    return tuple(found)


def offers(
    weighed: tuple[Weighed, ...], probability: float, prices: Mapping[str, Decimal], period_d: float
) -> dict[Option, tuple[str, ...]]:
    """One option each for least grams, least cost (where prices are given) and fewest infusions, with the reasons."""
    enough = [one for one in weighed if one.reaches >= probability]
    if not enough:
        return {}

    def grams(one: Weighed) -> float:
        return one.option.grams_in(period_d)

    def infusions(one: Weighed) -> float:
        return one.option.infusions_in(period_d)

    def cost(one: Weighed) -> float:
        return grams(one) * float(prices[one.option.product.id])

    route = ROUTE_WORDS[enough[0].option.route]
    found: dict[Option, list[str]] = {}

    def offer(one: Weighed, what: str) -> None:
        found.setdefault(one.option, []).append(f"{what} {route}")

    offer(min(enough, key=lambda one: (grams(one), infusions(one))), f"least grams in {period_d:g} days")
    priced = [one for one in enough if one.option.product.id in prices]
    if priced:
        offer(min(priced, key=lambda one: (cost(one), infusions(one))), f"least cost in {period_d:g} days")
    offer(min(enough, key=lambda one: (infusions(one), grams(one))), f"fewest infusions in {period_d:g} days")
    return {option: tuple(reasons) for option, reasons in found.items()}


def none_reaches(weighed: tuple[Weighed, ...], belief: Belief, search: Search) -> Finding:
    """That no labelled regimen reaches the target, and how near the nearest comes."""
    nearest = max(weighed, key=lambda one: (one.reaches, float(one.option.dose_g) / one.option.cycle.days))
    option = nearest.option
    per_gram = per_gram_before_next(belief, option.route, option.offsets_d, option.cycle.days)
    totals = baseline(belief.parameters) + float(option.dose_g) * per_gram
    median = quantiles(totals, belief.masses, (50.0,))[0]
    brands = ", ".join(dict.fromkeys(one.option.product.brand for one in weighed))
    return Finding(
        code="no-proposal-out-of-reach",
        severity=Severity.BLOCKS,
        text=f"No regimen {ROUTE_WORDS[option.route]} that the label allows ({brands}) reaches {search.aim.g_per_l:g} g/L with a probability of {search.probability:.0%}."
        f" The nearest, {option.product.brand} {option.dose_g.normalize():f} g {option.cycle.shown} ({option.g_per_kg:.2f} g/kg), reaches it with {nearest.reaches:.0%}, its median trough is {median:.1f} g/L. More is never proposed.",
        remedy="Look for missed doses and for loss of protein, question the target, or ask a specialist.",
        sources=option.sources,
    )


def lowest_is_enough(weighed: tuple[Weighed, ...], offered: Mapping[Option, tuple[str, ...]]) -> Finding | None:
    """That the least that is offered is also the least that may be: less would perhaps do, and is not searched."""
    least = min(weighed, key=lambda one: float(one.option.dose_g) / one.option.cycle.days * one.option.cycle.infusions)
    if least.option not in offered:
        return None
    return Finding(
        code="least-of-the-range",
        severity=Severity.INFORMS,
        text=f"The least that may be given of {least.option.product.brand} {ROUTE_WORDS[least.option.route]} reaches the target already; less is not searched.",
        remedy="Question whether the target is high enough for this patient.",
        sources=least.option.sources,
    )


def proposal(
    option: Option,
    reasons: tuple[str, ...],
    scene: Scene,
    belief: Belief,
    first_day: float | None,
    search: Search,
    period_d: int,
    caution: str,
) -> Proposal:
    """One option as it is shown."""
    cycle, grams = option.cycle, float(option.dose_g)
    tau = float(cycle.days)
    repeated = Repeated(option.route, tuple(map(float, option.offsets_d)), tau, grams)
    price = search.prices.get(option.product.id)
    per_period = option.grams_in(period_d)
    return Proposal(
        reasons=reasons,
        product=option.product.id,
        brand=option.product.brand,
        route=option.route.value,
        dose_g=grams,
        vials=option.vials,
        cycle_days=cycle.days,
        infusions_per_cycle=cycle.infusions,
        schedule=cycle.shown,
        g_per_kg=option.g_per_kg,
        dosing_weight_kg=float(option.weight.dosing_kg),
        weight_basis=option.weight.basis.value,
        grams_per_period=per_period,
        infusions_per_period=option.infusions_in(period_d),
        period_days=period_d,
        cost_per_period=None if price is None else per_period * float(price),
        outcome=outcome(scene, belief, repeated, first_day),
        caution=caution,
        sources=option.sources,
    )
