"""The numbers of a policy agree with each other: what is for the more cautious case is never the bolder one."""

from __future__ import annotations

from collections.abc import Iterator

from ivigil.knowledge.checks.rows import CheckRow, error
from ivigil.knowledge.policies import Policies

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


def policies_agree_with_themselves(policies: Policies) -> Iterator[CheckRow]:
    """What is held longer, looked at oftener or renewed sooner in the cautious case stays so."""
    for least, most in IN_ORDER:
        (file, low), (other, high) = least.split("."), most.split(".")
        few, many = getattr(getattr(policies, file), low).value, getattr(getattr(policies, other), high).value
        if few > many:
            yield error(
                f"policy/{file}.toml: {low}", f"{few} is above {high} ({many}).", "Correct one of the two numbers."
            )
