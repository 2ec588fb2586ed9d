"""The numbers of a policy agree with each other: what is for the more cautious case is never the bolder one."""

from __future__ import annotations

from collections.abc import Iterator

from ivigil.knowledge.checks.rows import COMPARE, CheckRow, error
from ivigil.knowledge.policies import Policies

#: A policy's number, and the limits of ``policy/plausibility.toml`` that it keeps.
WITHIN: tuple[tuple[str, str], ...] = (
    ("rate.step_factor", "fact_step_factor"),
    ("rate.at_risk_fraction", "fact_at_risk_fraction"),
    ("rate.first_hold_min", "fact_hold_min"),
    ("rate.experienced_hold_min", "fact_hold_min"),
    ("dose.part_vial_below_g", "fact_vial_g"),
    ("weight.adult_from_years", "fact_adult_from_years"),
    ("weight.obese_from_bmi", "likely_adult_bmi"),
    ("monitoring.baseline_within_min", "fact_hold_min"),
    ("monitoring.until_max_every_min", "fact_hold_min"),
    ("monitoring.after_max_every_min_first", "fact_hold_min"),
    ("monitoring.after_max_every_min_experienced", "fact_hold_min"),
    ("monitoring.after_end_min_first", "fact_hold_min"),
    ("monitoring.after_end_min_experienced", "fact_hold_min"),
)
#: The first is at most the second.
IN_ORDER: tuple[tuple[str, str], ...] = (
    ("rate.experienced_hold_min", "rate.first_hold_min"),
    ("dose.weight_valid_days_adult", "dose.weight_confirm_after_days_adult"),
    ("dose.weight_valid_days_child", "dose.weight_confirm_after_days_child"),
    ("dose.weight_valid_days_child", "dose.weight_valid_days_adult"),
    ("dose.weight_confirm_after_days_child", "dose.weight_confirm_after_days_adult"),
    ("monitoring.until_max_every_min", "monitoring.after_max_every_min_first"),
    ("monitoring.after_max_every_min_first", "monitoring.after_max_every_min_experienced"),
    ("monitoring.after_end_min_experienced", "monitoring.after_end_min_first"),
)


def policies_are_possible(policies: Policies) -> Iterator[CheckRow]:
    """A step is held long enough to see a reaction, the patient at risk is really spared, and somebody looks in time."""
    for place, limit in WITHIN:
        file, name = place.split(".")
        value, (least, most) = getattr(getattr(policies, file), name).value, getattr(policies.plausibility, limit)
        if not least <= value <= most:
            yield error(f"policy/{file}.toml: {name}", f"{value:f} lies outside {least} to {most}.", COMPARE)


def policies_agree_with_themselves(policies: Policies) -> Iterator[CheckRow]:
    """What is held longer, looked at oftener or renewed sooner in the cautious case stays so."""
    for least, most in IN_ORDER:
        (file, low), (other, high) = least.split("."), most.split(".")
        few, many = getattr(getattr(policies, file), low).value, getattr(getattr(policies, other), high).value
        if few > many:
            yield error(
                f"policy/{file}.toml: {low}", f"{few} is above {high} ({many}).", "Correct one of the two numbers."
            )
