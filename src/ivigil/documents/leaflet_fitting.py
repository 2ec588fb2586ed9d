"""The leaflet's sentences as they fit one plan: for a small child, at home, with little fluid, made sleepy, not to be put off."""

from __future__ import annotations

import re

from ivigil.knowledge.leaflet import Instead, LeafletFacts
from ivigil.prescription.plan import Plan, Prescription


def fitted(facts: LeafletFacts, plan: Plan, ordered: Prescription) -> LeafletFacts:
    """The facts with what is said instead in the circumstances of this plan."""
    instead = facts.instead
    home = ordered.setting == "home"
    drowsy = _makes_sleepy(ordered, instead.drowsy_words.items)
    little = any(one.code in instead.little_fluid_findings.items for one in plan.findings)
    age = ordered.age_years
    small = age is not None and age < instead.small_child_below_years.value
    for holds, said in (
        (small, instead.small_child),
        (home, instead.home),
        (plan.indication in instead.urgent_conditions.items, instead.urgent),
        (little, instead.little_fluid),
        (drowsy, instead.drowsy),
        (drowsy and home, instead.drowsy_at_home),
    ):
        if holds:
            facts = _with(facts, said)
    return facts


def _makes_sleepy(ordered: Prescription, words: tuple[str, ...]) -> bool:
    said = {word for row in ordered.premedication for word in re.findall(r"[a-z]+", row.caution.casefold())}
    return not said.isdisjoint(words)


def _with(facts: LeafletFacts, said: Instead) -> LeafletFacts:
    return facts.model_copy(
        update={
            "day": facts.day.model_copy(update=said.day),
            "before": {**facts.before, **said.before},
            "bring": {**facts.bring, **said.bring},
            "signs": facts.signs.model_copy(
                update={
                    "help_at_once": {**facts.signs.help_at_once, **said.help_at_once},
                    "then": {**facts.signs.then, **said.then},
                }
            ),
        }
    )
