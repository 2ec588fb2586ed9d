"""Signs of a reaction in a question: what needs help at once, what needs a call, and what often comes.

Recognising errs towards help: a sign counts wherever it stands, denied or not, and typing errors are borne.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict
from rapidfuzz import fuzz

from ivigil.assessment.question import folded, tokens
from ivigil.knowledge.asking import AskSigns, Said, Sign
from ivigil.knowledge.facts import Fact, Statement
from ivigil.knowledge.leaflet import LeafletFacts
from ivigil.knowledge.vocabulary import region_name

#: A word of at least so many letters bears a typing error; how like (0-100) it has to be.
TYPING_FROM_LETTERS = 6
LIKENESS = 88.0


class Emergency(BaseModel):
    """What to do at once, before anything else is read, with its source ids."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str
    sources: tuple[str, ...]


class Told(BaseModel):
    """One statement with its source ids that belongs to no condition."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str
    sources: tuple[str, ...]
    verified: bool


@dataclass(frozen=True)
class Reactions:
    """What is known about signs: how people write them, what patients are told, and what staff is told (by name)."""

    words: AskSigns
    leaflet: LeafletFacts
    staff: Mapping[str, Statement]

    def emergency(self, question: str) -> Emergency | None:
        """The advice for a question that names a sign which needs help at once."""
        held = self.leaflet.signs.help_at_once
        signs = [held[name] for name in _named(question, self.words.help_at_once)]
        if not signs:
            return None
        advice = self.words.advice
        shown = "; ".join(one.text for one in signs)
        said = (
            advice.now.text,
            advice.call.text.format(numbers=self._numbers()),
            f"Signs that need help at once: {shown}.",
        )
        facts: list[Fact] = [advice.now, advice.call, *signs]
        return Emergency(text=" ".join(said), sources=_sources(facts))

    def unwell(self) -> Told:
        """What to do if somebody is unwell although no sign was seen in the question."""
        fact = self.words.advice.unwell
        return told(fact).model_copy(update={"text": fact.text.format(numbers=self._numbers())})

    def told(self, question: str) -> tuple[Told, ...]:
        """What is held on the signs that a question names."""
        words, signs = self.words, self.leaflet.signs
        at_once = _named(question, words.help_at_once)
        during = () if at_once else _named(question, {"during": words.during})
        same_day = _named(question, words.same_day)
        often = () if at_once else _named(question, words.often)  # nothing is called mild beside an emergency
        rows = [told(signs.during) for _ in during]
        rows += [told(signs.same_day[name], f"{words.advice.same_day.text} {{}}.") for name in same_day]
        rows += [told(one) for one in (signs.often.values() if often else ())]
        rows += [told(signs.afterwards)] if same_day or often else []
        named = (
            *(words.help_at_once[name] for name in at_once),
            *(words.during for _ in during),
            *(words.same_day[name] for name in same_day),
            *(words.often[name] for name in often),
        )
        staff = [name for sign in named for name in sign.staff]
        rows += [told(self.staff[name], "For staff: {}") for name in dict.fromkeys(staff)]
        return tuple(rows)

    def _numbers(self) -> str:
        regions: defaultdict[str, list[str]] = defaultdict(list)
        for one in self.leaflet.emergency.values():
            regions[one.text].append(region_name(one.region))
        return ", ".join(f"{number} ({' and '.join(names)})" for number, names in regions.items())


def told(fact: Statement, frame: str = "{}") -> Told:
    """A statement as it is shown."""
    return Told(
        text=frame.format(fact.text), sources=fact.src, verified=bool(fact.src) and fact.read.value != "not_read"
    )


def _sources(facts: Iterable[Fact]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for fact in facts for name in fact.src))


def _named(question: str, signs: Mapping[str, Sign]) -> tuple[str, ...]:
    words = tuple(folded(one) for one in tokens(question) if one.isalnum())
    return tuple(name for name, sign in signs.items() if any(_stands(one, words) for one in sign.said))


def _stands(said: Said, words: tuple[str, ...]) -> bool:
    """Whether one word of each group stands within so many words, in any order."""
    groups = [tuple(map(folded, group)) for group in said.all_of]
    return any(
        all(
            any(_is(word, one) for word in words[start : start + said.within_words] for one in group)
            for group in groups
        )
        for start in range(max(1, len(words) - said.within_words + 1))
    )


def _is(word: str, meant: str) -> bool:
    if word == meant:
        return True
    return min(len(word), len(meant)) >= TYPING_FROM_LETTERS and fuzz.ratio(word, meant) >= LIKENESS
