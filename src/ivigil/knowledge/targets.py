"""Trough IgG that sources aim at in replacement: offered by name, none a default."""

from __future__ import annotations

from ivigil.knowledge.facts import Fact, Positive, Terms, Words


class TroughTarget(Fact):
    """The least trough (g/L, just before the next dose) that one body asks for in some conditions.

    ``indications`` are the ids of the conditions for which the source says so. A source that prints two levels has two
    targets.
    """

    body: Words
    region: Words
    at_least_g_per_l: Positive
    text: Words
    indications: Terms
