"""Trough targets name conditions that exist and are dosed to a level."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ivigil.knowledge.checks.labels import condition_exists
from ivigil.knowledge.checks.rows import CheckRow, error, spelled
from ivigil.knowledge.indications import Indication
from ivigil.knowledge.targets import TroughTarget


def targets_are_replacement(
    targets: Mapping[str, TroughTarget], indications: Mapping[str, Indication]
) -> Iterator[CheckRow]:
    """A level is an aim only where the treatment replaces IgG."""
    for name, target in targets.items():
        where = f"targets/trough.toml: {spelled((name,))}.indications"
        for condition in target.indications:
            yield from condition_exists(where, condition, indications)
            if condition in indications and not indications[condition].replacement:
                yield error(where, f"{condition} is dosed to function, not to a level.", "Take it out.")
