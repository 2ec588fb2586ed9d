"""What the patient's leaflet says as fact: plain sentences, each with its source, and the few policies it needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from ivigil.errors import BadKnowledge
from ivigil.knowledge.facts import Items, Record, Statement
from ivigil.knowledge.policies import Number

if TYPE_CHECKING:
    from ivigil.knowledge.loading import Knowledge

FOLDER = "leaflet"


class Explained(Record):
    """What the treatment is and does. The sentence on donors is filled from the product where its own number was read."""

    what: Statement
    why: Statement
    donors_general: Statement
    donors_product: Statement
    tested: Statement
    cleaned: Statement
    not_free_of_risk: Statement


class TheDay(Record):
    """How the day goes. ``arrive_before_min`` counts back from the start."""

    arrive_before_min: Number
    arrive: Statement
    arrive_home: Statement
    premedication: Statement
    line_in: Statement
    slow_start: Statement
    faster: Statement
    end: Statement
    watch: Statement
    leave: Statement
    leave_home: Statement


class Signs(Record):
    """What may be felt, what needs help at once or on the same day, and what then happens; each in the order shown."""

    often: dict[str, Statement]
    help_at_once: dict[str, Statement]
    same_day: dict[str, Statement]
    during: Statement
    afterwards: Statement
    then: dict[str, Statement]


class Instead(Record):
    """Sentences that replace those of the same name, or stand beside the others, in one circumstance of a plan."""

    day: dict[str, Statement] = {}
    before: dict[str, Statement] = {}
    bring: dict[str, Statement] = {}
    help_at_once: dict[str, Statement] = {}
    then: dict[str, Statement] = {}


class Circumstances(Record):
    """What a plan is like, and what the leaflet then says instead.

    ``little_fluid`` holds where the plan has a finding of ``little_fluid_findings``, ``drowsy`` where the caution of a
    medicine before the start has a word of ``drowsy_words``, ``small_child`` below an age, ``urgent`` for some conditions.
    """

    little_fluid_findings: Items
    drowsy_words: Items
    small_child_below_years: Number
    urgent_conditions: Items
    small_child: Instead
    urgent: Instead
    home: Instead
    little_fluid: Instead
    drowsy: Instead
    drowsy_at_home: Instead


class UnderSkin(Record):
    """What a start under the skin says beside or instead of the sentences for a vein."""

    how: dict[str, Statement]
    ready: dict[str, Statement]
    often: dict[str, Statement]
    during: Statement
    same_day: dict[str, Statement]
    then: dict[str, Statement]


class Emergency(Statement):
    """The number to call in one region; ``text`` is the number."""

    region: str


class LeafletFacts(Record):
    """Every statement of the leaflet: all files of ``data/leaflet`` together."""

    explained: Explained
    day: TheDay
    signs: Signs
    before: dict[str, Statement]
    bring: dict[str, Statement]
    later: dict[str, Statement]
    by_excipient: dict[str, Statement]
    emergency: dict[str, Emergency]
    instead: Circumstances
    under_skin: UnderSkin


def leaflet_facts(knowledge: Knowledge) -> LeafletFacts:
    """The leaflet's facts, a site's overlay applied.

    Raises:
        BadKnowledge: a file breaks the rules facts keep.
    """
    whole: dict[str, Any] = {}
    for name in knowledge.file_names(FOLDER):
        whole |= knowledge.raw(FOLDER, name)
    try:
        return LeafletFacts.model_validate(whole)
    except ValidationError as problem:
        first = problem.errors()[0]
        raise BadKnowledge(
            f"{FOLDER}: {'.'.join(map(str, first['loc']))}",
            None if isinstance(first.get("input"), dict) else first.get("input"),
            first["msg"].removeprefix("Value error, ") + ".",
            "Correct the fact file.",
        ) from problem
