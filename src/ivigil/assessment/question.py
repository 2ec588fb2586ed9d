"""A question as words: lower case, one spelling, singular, and where each word stands among the signs between them."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

#: British and American spellings of the same word; both the question and the names are read in the second.
SPELLINGS = (
    ("haem", "hem"),
    ("aemi", "emi"),
    ("paenia", "penia"),
    ("oedem", "edem"),
    ("foet", "fet"),
    ("paed", "ped"),
    ("fibre", "fiber"),
    ("tumour", "tumor"),
    ("isation", "ization"),
    ("ised", "ized"),
)
#: A final s of a word of so many letters is no part of it, unless it ends like a singular.
PLURAL_FROM_LETTERS = 5
SINGULAR_ENDINGS = ("ss", "us", "is", "as")

#: Words, and the signs that end a clause. Hyphens and strokes only part words.
_TOKEN = re.compile(r"[A-Za-z0-9]+|[,;:.!?()]")


def tokens(text: str) -> tuple[str, ...]:
    """Words as they were written, without accents, and the signs that end a clause; "n't" is read as "not"."""
    plain = "".join(one for one in unicodedata.normalize("NFKD", text) if not unicodedata.combining(one))
    plain = re.sub(r"n['\u2019]t\b", " not", plain, flags=re.IGNORECASE)
    plain = plain.replace("'s ", " ").replace("\u2019s ", " ").removesuffix("'s").removesuffix("\u2019s")
    return tuple(_TOKEN.findall(plain))


def folded(word: str) -> str:
    """The word in lower case, in the singular and in one of its spellings."""
    word = word.casefold()
    if len(word) >= PLURAL_FROM_LETTERS and word.endswith("s") and not word.endswith(SINGULAR_ENDINGS):
        word = word.removesuffix("s")
    for british, american in SPELLINGS:
        word = word.replace(british, american)
    return word


@dataclass(frozen=True)
class Words:
    """Folded words beside the words as they were written, and the place of each among the tokens of the text."""

    folded: tuple[str, ...]
    written: tuple[str, ...]
    places: tuple[int, ...]

    def without(self, skipped: frozenset[str]) -> Words:
        """The words that carry meaning; capitals do (an abbreviation may read like a small word)."""
        kept = [
            at
            for at, word in enumerate(self.folded)
            if word not in skipped or (len(self.written[at]) > 1 and self.written[at].isupper())
        ]
        return Words(
            tuple(self.folded[at] for at in kept),
            tuple(self.written[at] for at in kept),
            tuple(self.places[at] for at in kept),
        )

    @classmethod
    def of(cls, text: str) -> Words:
        """The words of a text."""
        found = [(place, word) for place, word in enumerate(tokens(text)) if word.isalnum()]
        return cls(
            tuple(folded(word) for _, word in found),
            tuple(word for _, word in found),
            tuple(place for place, _ in found),
        )
