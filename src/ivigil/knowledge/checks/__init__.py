"""Whether the facts keep their own rules: every check a pure function over records, every row with its remedy.

``where`` is the file below ``data/`` (or below the overlay folder) with the path of the fact in it:
``products/ID.toml: labels.US.uses.PI.rates.10.max``.
"""

from ivigil.knowledge.checks.ladders import ladders
from ivigil.knowledge.checks.rows import CheckRow, Weight, in_order, located, spelled
from ivigil.knowledge.checks.sources import reading_is_carried, sources_exist
from ivigil.knowledge.checks.whole import check

__all__ = [
    "CheckRow",
    "Weight",
    "check",
    "in_order",
    "ladders",
    "located",
    "reading_is_carried",
    "sources_exist",
    "spelled",
]
