"""The leaflet's sentences as they fit one plan: at home, with little fluid, with a medicine that makes sleepy."""

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
    for holds, said in (
        (home, instead.home),
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
            "signs": facts.signs.model_copy(update={"then": {**facts.signs.then, **said.then}}),
        }
    )
