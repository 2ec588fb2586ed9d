"""The rate schedule of one infusion: what the label prints exactly, policy for the rest, each step marked.

Rates are mL per kg of rate weight per hour. Pump rates are whole tenths, rounded down; volumes are whole tenths.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Literal

from ivigil.knowledge.facts import Fact, Interval, Rate
from ivigil.knowledge.policies import MonitoringPolicy, RatePolicy
from ivigil.knowledge.products import AtRisk, RateTable
from ivigil.prescription.plan import Step
from ivigil.quantities import MIN_PER_H, RATE_QUANTUM, TENTH, mg_per_kg_min_from_ml_per_kg_h, tenths_down
from ivigil.sources import Read

Pattern = Literal["first", "experienced", "at_risk"]
Basis = Literal["label", "policy"]


@dataclass(frozen=True)
class Rung:
    """One rate of a ladder (mL/kg/h), how long it is held (min; None: to the end), and on whose word."""

    rate_ml_per_kg_h: Decimal
    hold_min: int | None
    basis: Basis
    hold_basis: Basis
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Cap:
    """A maximum (mL/kg/h), on whose word, and how it was found; ``verified`` False if nobody read the fact behind it."""

    rate_ml_per_kg_h: Decimal
    basis: Basis
    sources: tuple[str, ...]
    how: str = ""
    verified: bool = True


@dataclass(frozen=True)
class Ladder:
    """Rungs in rising order; the last is the maximum and lasts to the end.

    ``risk_cap`` is what a patient's risk allows, whether or not something else caps lower; None without a risk.
    """

    pattern: Pattern
    rungs: tuple[Rung, ...]
    risk_cap: Cap | None = None

    @property
    def max_rate_ml_per_kg_h(self) -> Decimal:
        """The highest rate this infusion may reach."""
        return self.rungs[-1].rate_ml_per_kg_h


def build_ladder(
    table: RateTable,
    concentration_g_per_ml: Decimal,
    pattern: Pattern,
    earlier_infusions: int,
    policy: RatePolicy,
    at_risk: AtRisk | None,
    borne_ml_per_kg_h: Decimal | None = None,
    ceiling: Rate | None = None,
) -> Ladder:
    """The ladder for one use at one concentration.

    Args:
        table: what the label prints.
        concentration_g_per_ml: protein concentration.
        pattern: first, experienced or at risk.
        earlier_infusions: of this product, 0 after a switch or a long gap; opens the label's tiers.
        policy: steps and limits that labels leave open.
        at_risk: the label's words for patients at risk; asked only for that pattern.
        borne_ml_per_kg_h: the highest rate borne of a product that caused a reaction; caps any pattern.
        ceiling: the highest rate that a source prints for the condition, whatever the product.
    """
    ordinary = ordinary_maximum(table, concentration_g_per_ml, earlier_infusions, ceiling)
    rungs = _printed(table, concentration_g_per_ml) or _by_policy(table, concentration_g_per_ml, pattern, policy)
    risk_cap = at_risk_maximum(ordinary, at_risk, concentration_g_per_ml, policy) if pattern == "at_risk" else None
    cap = risk_cap or ordinary
    if borne_ml_per_kg_h is not None:
        cap = min(cap, Cap(borne_ml_per_kg_h, "policy", ()), key=lambda one: one.rate_ml_per_kg_h)
    return Ladder(pattern, _up_to(rungs, cap), risk_cap)


def ordinary_maximum(
    table: RateTable, concentration_g_per_ml: Decimal, earlier_infusions: int, ceiling: Rate | None = None
) -> Cap:
    """The label's maximum, or its tier's for so many earlier infusions or the condition's where that is lower."""
    limit: Rate = table.max
    open_tiers = [tier for tier in table.tiers if tier.after_infusions <= earlier_infusions]
    if open_tiers:
        tier = max(open_tiers, key=lambda one: one.after_infusions)
        limit = min((limit, tier), key=lambda rate: rate.ml_per_kg_h_at(concentration_g_per_ml))
    if ceiling is not None:
        limit = min((limit, ceiling), key=lambda rate: rate.ml_per_kg_h_at(concentration_g_per_ml))
    return Cap(limit.ml_per_kg_h_at(concentration_g_per_ml), _basis(limit), limit.src)


def at_risk_maximum(ordinary: Cap, at_risk: AtRisk | None, concentration_g_per_ml: Decimal, policy: RatePolicy) -> Cap:
    """Strictly below the ordinary maximum: the lower of the label's cap and the policy's fraction."""
    part, margin = policy.at_risk_fraction, policy.below_margin_fraction
    half = f"policy: {_percent(part.value)} of the ordinary maximum"
    caps = [Cap(_fine(ordinary.rate_ml_per_kg_h * part.value), "policy", part.src, half)]
    printed = at_risk.cap if at_risk else None
    if printed is not None:
        rate, verified = printed.ml_per_kg_h_at(concentration_g_per_ml), printed.read is not Read.NOT_READ
        if printed.below:
            how = f"policy: {_percent(margin.value)} of {rate.normalize():f}, which it must stay below"
            caps.append(Cap(_fine(rate * margin.value), "policy", printed.src + margin.src, how, verified))
        else:
            how = "label" if _basis(printed) == "label" else "a limit not read on a label"
            caps.append(Cap(rate, _basis(printed), printed.src, how, verified))
    return min(caps, key=lambda cap: cap.rate_ml_per_kg_h)


def _printed(table: RateTable, concentration_g_per_ml: Decimal) -> tuple[Rung, ...]:
    """The ladder a label prints in full, or nothing."""
    maximum = table.max.ml_per_kg_h_at(concentration_g_per_ml)
    if table.steps is not None:
        return tuple(
            Rung(
                min(step.ml_per_kg_h_at(concentration_g_per_ml), maximum),
                step.hold_min,
                "label",
                "label",
                table.steps.src,
            )
            for step in table.steps.rates
        )
    if table.increment is None or table.start_hold is None:
        return ()
    added = replace_rate(table.start, table.increment.add_mg_per_kg_min).ml_per_kg_h_at(concentration_g_per_ml)
    rate = table.start.ml_per_kg_h_at(concentration_g_per_ml)
    rungs = [Rung(rate, table.start_hold.min, "label", "label", table.start.src)]
    while rate + added < maximum:
        rate += added
        rungs.append(Rung(rate, table.increment.every_min, "label", "label", table.increment.src))
    return (*rungs, Rung(maximum, None, "label", "label", table.max.src))


def replace_rate(rate: Rate, mg_per_kg_min: Decimal) -> Rate:
    """The same fact with one mass rate as its only figure."""
    return rate.model_copy(
        update={"mg_per_kg_min": mg_per_kg_min, "ml_per_kg_min": None, "ml_per_kg_h": None, "mg_per_kg_h": None}
    )


def _by_policy(
    table: RateTable, concentration_g_per_ml: Decimal, pattern: Pattern, policy: RatePolicy
) -> tuple[Rung, ...]:
    """Start and maximum from the label; in between the rate is multiplied by the policy's factor."""
    start, maximum = (rate.ml_per_kg_h_at(concentration_g_per_ml) for rate in (table.start, table.max))
    policy_hold = policy.experienced_hold_min if pattern == "experienced" else policy.first_hold_min
    hold, hold_basis = _hold(table.interval, pattern, int(policy_hold.value))
    first_hold, first_basis = (
        (table.start_hold.min, _basis(table.start_hold)) if table.start_hold else (hold, hold_basis)
    )
    rungs = [Rung(start, first_hold, _basis(table.start), first_basis, table.start.src)]
    rate = start * policy.step_factor.value
    while rate < maximum:
        rungs.append(Rung(rate, hold, "policy", hold_basis, policy.step_factor.src))
        rate *= policy.step_factor.value
    return (*rungs, Rung(maximum, None, _basis(table.max), "label", table.max.src))


def _hold(interval: Interval | None, pattern: Pattern, policy_min: int) -> tuple[int, Basis]:
    """How long a step is held: the label's interval (its longer end unless experienced), else policy."""
    if interval is None:
        return policy_min, "policy"
    return (interval.min_min if pattern == "experienced" else interval.max_min), _basis(interval)


def _up_to(rungs: Sequence[Rung], cap: Cap) -> tuple[Rung, ...]:
    """The rungs below a cap, and the cap as the last."""
    below = [rung for rung in rungs if rung.rate_ml_per_kg_h < cap.rate_ml_per_kg_h]
    at = next((rung for rung in rungs if rung.rate_ml_per_kg_h == cap.rate_ml_per_kg_h), None)
    last = at or Rung(cap.rate_ml_per_kg_h, None, cap.basis, "policy", cap.sources)
    return (*below, replace(last, hold_min=None))


def _basis(fact: Fact) -> Basis:
    """Label only where it was read on the label, at its maker or on a copy; second-hand steps slow, as policy does."""
    return "label" if fact.by or fact.read in {Read.LABEL, Read.MANUFACTURER, Read.LABEL_COPY} else "policy"


def _percent(fraction: Decimal) -> str:
    return f"{(fraction * 100).normalize():f} %"


def _fine(rate_ml_per_kg_h: Decimal) -> Decimal:
    """A rate cut at the precision the project keeps, never rounded up."""
    return rate_ml_per_kg_h.quantize(RATE_QUANTUM, rounding=ROUND_FLOOR).normalize()


# ---- on the pump


@dataclass(frozen=True)
class PumpRun:
    """Steps as the pump runs them, and the whole time (min)."""

    steps: tuple[Step, ...]
    duration_min: int
    ceiling_bound: bool


def run_pump(
    ladder: Ladder,
    rate_weight_kg: Decimal,
    total_ml: Decimal,
    concentration_g_per_ml: Decimal,
    ceiling_ml_per_h: Decimal | None,
) -> PumpRun | None:
    """Pump steps that deliver ``total_ml`` (whole tenths) exactly; None if a rate is too small for the pump's tenths.

    A step's rate per kg is the pump's own, and its volume takes its minutes: where the tenth of mL below the hold would
    run out more than a minute early, the step is held to the tenth above.
    """
    steps: list[Step] = []
    given, minute, bound = Decimal(0), 0, False
    rungs = list(ladder.rungs)
    for number, rung in enumerate(rungs):
        pump = tenths_down(rung.rate_ml_per_kg_h * rate_weight_kg)
        last = number == len(rungs) - 1
        if ceiling_ml_per_h is not None and pump > ceiling_ml_per_h:
            pump, bound, last = tenths_down(ceiling_ml_per_h), True, True
        if pump < TENTH:
            return None
        left = total_ml - given
        volume = left if last or rung.hold_min is None else _held_ml(pump, rung.hold_min)
        if last or volume >= left:
            volume, last = left, True
        duration = _minutes(volume, pump)
        given += volume
        rate = _fine(pump / rate_weight_kg)
        steps.append(
            Step(
                start_min=minute,
                duration_min=duration,
                rate_ml_per_kg_h=rate,
                rate_mg_per_kg_min=_fine(mg_per_kg_min_from_ml_per_kg_h(rate, concentration_g_per_ml)),
                pump_ml_per_h=pump,
                volume_ml=volume,
                cumulative_ml=given,
                basis="policy" if bound else rung.basis,
                hold_basis="policy" if bound else rung.hold_basis,
                sources=() if bound else rung.sources,
            )
        )
        minute += duration
        if last:
            break
    return PumpRun(tuple(steps), minute, bound)


def _held_ml(pump_ml_per_h: Decimal, hold_min: int) -> Decimal:
    """Volume (whole tenths of mL) of a step: the tenth below the hold, or above where that would end the step early."""
    volume = tenths_down(pump_ml_per_h * hold_min / MIN_PER_H)
    return volume if _minutes(volume, pump_ml_per_h) >= hold_min else volume + TENTH


def _minutes(volume_ml: Decimal, pump_ml_per_h: Decimal) -> int:
    return int((volume_ml * MIN_PER_H / pump_ml_per_h).to_integral_value(rounding=ROUND_CEILING))


def vitals_due_min(run: PumpRun, pattern: Pattern, policy: MonitoringPolicy) -> tuple[int, ...]:
    """Minutes from the start at which vital signs are due, the ones after the end included.

    Before the start (0), until the maximum is reached at a short interval, at every rate change, then at a longer one,
    at the end, and after it.
    """
    reached = run.steps[-1].start_min
    due = {0, run.duration_min}
    if policy.at_each_rate_change.value == "yes":
        due.update(step.start_min for step in run.steps)
    due.update(range(0, reached + 1, int(policy.until_max_every_min.value)))
    later, after = (
        (policy.after_max_every_min_experienced, policy.after_end_min_experienced)
        if pattern == "experienced"
        else (policy.after_max_every_min_first, policy.after_end_min_first)
    )
    due.update(range(reached, run.duration_min, int(later.value)))
    due.add(run.duration_min + int(after.value))
    return tuple(sorted(due))
