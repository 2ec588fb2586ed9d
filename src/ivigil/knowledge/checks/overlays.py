"""What only a site's overlay can have: facts that wait, and signatures of days to come."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import date

from ivigil.knowledge.checks.rows import CheckRow, Weight, error


def overlay_waits(waiting: Mapping[str, Collection[str]]) -> Iterator[CheckRow]:
    """Overlay facts that are not applied until somebody confirms them again."""
    for place, paths in waiting.items():
        for path in paths:
            yield CheckRow(
                f"{place}.toml: {path}",
                Weight.WARNING,
                "This fact of the overlay waits: the shipped fact under it changed, so no plan is made with it.",
                "Confirm it against the label, write the new base and sign it anew (docs/how-to/overlay.md).",
            )


def signed_by_now(signed_on: Mapping[str, Collection[tuple[str, date]]], today: date) -> Iterator[CheckRow]:
    """Nobody read a label on a day that has not come."""
    for place, rows in signed_on.items():
        for path, on in rows:
            if on > today:
                yield error(
                    f"{place}.toml: {path}",
                    f"It was signed on {on.isoformat()}, a day that has not begun anywhere yet.",
                    "Write the day on which the label was read.",
                )
