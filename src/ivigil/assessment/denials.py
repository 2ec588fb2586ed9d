"""Terms of a question that are denied, doubted or said of somebody else: told with that word, and never counted in full.

A word of denial reaches a term only over small words ("no history of CIDP"), and the other terms of its list ("no CIDP, GBS
or MMN"); any other word, or the end of a clause, stands between ("no response in CIDP" denies no CIDP).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from ivigil.assessment.question import folded, tokens
from ivigil.knowledge.asking import AskWords
from ivigil.knowledge.policies import FreeTextPolicy

#: First and last-but-one place of a term among the tokens of a question.
Span = tuple[int, int]
#: A word of denial, folded, and as the lists write it.
_Phrase = tuple[tuple[str, ...], str]


@dataclass(frozen=True)
class Denials:
    """The words of denial, ready to be looked for in questions.

    The record's own lists (``policy/free_text.toml``) hold here too; a relative whom the word lists take for the patient
    (a parent asks for a child) denies nothing.
    """

    before: tuple[_Phrase, ...]
    after: tuple[_Phrase, ...]
    passes_before: frozenset[str]
    passes_after: frozenset[str]
    joins: frozenset[str]

    @classmethod
    def of(cls, words: AskWords, policy: FreeTextPolicy) -> Denials:
        """The lists of the knowledge base."""
        own = words.denials
        asked_for = {one for said in words.contexts.values() for one in said}
        others = [one for one in policy.of_others.items if one not in asked_for]
        said = dict.fromkeys((*policy.deny.items, *policy.doubt.items, *others, *own.also))
        return cls(
            _phrases(one for one in said if one not in own.only_after),
            _phrases(one for one in (*said, *own.only_after) if one not in own.only_before),
            frozenset(map(folded, own.passes_before)),
            frozenset(map(folded, own.passes_after)),
            frozenset(own.joins),
        )

    def told(self, question: str, terms: Iterable[Span]) -> Mapping[Span, str]:
        """The word that denies, doubts or gives away each term that is not plainly asked about."""
        words = tuple(map(folded, tokens(question)))
        spans = sorted(set(terms))
        found = _Found()
        for span in spans:
            self._after(words, span, found)
        for span in spans:
            self._before(words, span, found)
        return self._along_lists(words, spans, found)

    def _after(self, words: tuple[str, ...], span: Span, found: _Found) -> None:
        at = span[1]
        while at < len(words):
            for phrase, shown in self.after:
                if words[at : at + len(phrase)] == phrase:
                    found.backward[span] = shown
                    found.used.update(range(at, at + len(phrase)))
                    return
            if words[at] not in self.passes_after:
                return
            at += 1

    def _before(self, words: tuple[str, ...], span: Span, found: _Found) -> None:
        at = span[0]
        while at > 0:
            for phrase, shown in self.before:
                start = at - len(phrase)
                if start >= 0 and words[start:at] == phrase and not found.used & set(range(start, at)):
                    found.forward[span] = shown
                    return
            if words[at - 1] not in self.passes_before:
                return
            at -= 1

    def _along_lists(self, words: tuple[str, ...], spans: list[Span], found: _Found) -> Mapping[Span, str]:
        """A denial before a list ("no CIDP, GBS or MMN") reaches all of it; without a joining word a comma ends what is denied."""
        forward, backward = dict(found.forward), dict(found.backward)
        lists: list[list[Span]] = []
        for span in spans:
            gap = words[lists[-1][-1][1] : span[0]] if lists else ()
            if lists and all(word == "," or word in self.joins for word in gap):
                lists[-1].append(span)
            else:
                lists.append([span])
        for row in lists:
            if not self.joins & set(words[row[0][0] : row[-1][1]]):
                continue
            for one, following in pairwise(row):
                if one in forward:
                    forward.setdefault(following, forward[one])
            for one, earlier in pairwise(row[::-1]):
                if one in backward:
                    backward.setdefault(earlier, backward[one])
        return backward | forward


@dataclass
class _Found:
    forward: dict[Span, str] = field(default_factory=dict)
    backward: dict[Span, str] = field(default_factory=dict)
    used: set[int] = field(default_factory=set)


def _phrases(said: Iterable[str]) -> tuple[_Phrase, ...]:
    """Longest first: "ruled out" before "out"."""
    rows = [(tuple(map(folded, tokens(one))), one) for one in dict.fromkeys(said)]
    return tuple(sorted(rows, key=lambda row: -len(row[0])))
