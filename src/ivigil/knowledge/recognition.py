"""Words of the vocabulary found inside a free text, whatever its case, accents, punctuation, plural or side of the ocean."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from ivigil.knowledge.policies import FreeTextPolicy
from ivigil.knowledge.vocabulary import Term, Vocabulary

WordList = Literal["conditions", "allergies", "medicines", "reactions"]
#: A list and the code of one of its words.
Found = tuple[WordList, str]

#: Letters that lose no accent when they are taken apart.
_LETTERS = str.maketrans({"æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d"})
_INITIALS = re.compile(r"\b(?:\w\.){2,}\w?")
#: What British and American spelling write differently, applied to both sides alike.
_SPELLINGS = (("ae", "e"), ("oe", "e"), ("our", "or"), ("z", "s"))
_SHORT = 3


def words_of(text: str) -> tuple[str, ...]:
    """The words of a text in the form in which they are compared."""
    apart = unicodedata.normalize("NFKD", text.casefold().translate(_LETTERS))
    plain = "".join(one for one in apart if not unicodedata.combining(one) and unicodedata.category(one) != "Cf")
    joined = _INITIALS.sub(lambda match: match[0].replace(".", ""), plain)
    return tuple(_singular(_spelled(word)) for word in re.findall(r"[^\W_]+", joined))


def _spelled(word: str) -> str:
    for one, other in _SPELLINGS:
        word = word.replace(one, other)
    return word


def _singular(word: str) -> str:
    if len(word) <= _SHORT or word.endswith(("ss", "is", "us")):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith("ses"):
        return word[:-2] + "is"
    return word.removesuffix("s")


@dataclass(frozen=True)
class Recogniser:
    """The vocabulary, ready to be looked for in texts."""

    vocabulary: Vocabulary
    policy: FreeTextPolicy

    @cached_property
    def _by_first_word(self) -> Mapping[str, tuple[tuple[tuple[str, ...], Found], ...]]:
        lists: tuple[tuple[WordList, Mapping[str, Term]], ...] = (
            ("conditions", self.vocabulary.conditions),
            ("allergies", self.vocabulary.allergies),
            ("medicines", self.vocabulary.medicines),
            ("reactions", self.vocabulary.reactions),
        )
        rows: dict[str, dict[tuple[tuple[str, ...], Found], None]] = {}
        for name, terms in lists:
            for code, term in terms.items():
                for written in (code, term.name, *term.also, *term.brands):
                    words = words_of(written)
                    rows.setdefault(words[0], {})[(words, (name, code))] = None
        return {first: tuple(found) for first, found in rows.items()}

    def find(self, text: str, lists: Iterable[WordList]) -> tuple[Found, ...]:
        """Words of these lists that stand in a text as whole words, in the order in which they stand there."""
        wanted, words = set(lists), words_of(text)
        found = (
            hit
            for place, first in enumerate(words)
            for term, hit in self._by_first_word.get(first, ())
            if hit[0] in wanted and words[place : place + len(term)] == term
        )
        return tuple(dict.fromkeys(found))

    def lists_for(self, text: str, stands_in: WordList) -> tuple[WordList, ...]:
        """Where the words of an entry are looked for: a condition may hide an allergy or a medicine, an allergy no medicine."""
        if stands_in != "conditions":
            return (stands_in, "conditions")
        speaks_of_allergy = bool(_standing(text, self.policy.allergy.items))
        return ("conditions", "allergies" if speaks_of_allergy else "medicines")

    def doubts(self, text: str) -> tuple[str, ...]:
        """What in a text denies, doubts, or speaks of somebody else."""
        words = self.policy
        asked = ("?",) if "?" in unicodedata.normalize("NFKC", text) else ()
        return (*asked, *_standing(text, (*words.deny.items, *words.doubt.items, *words.of_others.items)))


def _standing(text: str, phrases: Iterable[str]) -> tuple[str, ...]:
    words = words_of(text)
    return tuple(
        phrase
        for phrase in phrases
        if any(words[place : place + len(own)] == own for own in (words_of(phrase),) for place in range(len(words)))
    )
