"""What free texts of the record were taken for: asked, never dropped and never believed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Literal

from ivigil.findings import Finding, MayBe, Severity
from ivigil.knowledge.policies import FreeTextPolicy
from ivigil.knowledge.recognition import Found, WordList
from ivigil.knowledge.vocabulary import Term, Vocabulary
from ivigil.patient import Patient, ReadText

ONE_OF: Final[Mapping[WordList, str]] = {
    "conditions": "condition",
    "allergies": "allergy",
    "medicines": "medicine",
    "reactions": "reaction",
}
_LISTS: Final[tuple[Literal["conditions", "allergies", "medicines"], ...]] = ("conditions", "allergies", "medicines")


def code_of(found: Found) -> str:
    """The code of the finding that asks about a word found in a text; accepting it says that the word is not meant."""
    name, word = found
    return f"{ONE_OF[name]}-in-text-{word.replace('_', '-')}"


def not_meant(patient: Patient, accepted: Iterable[str]) -> tuple[Found, ...]:
    """The words found in free texts of which somebody accepted that they are not meant."""
    codes = set(accepted)
    return tuple(found for text in patient.texts for found in text.found if code_of(found) in codes)


def free_texts(patient: Patient, vocabulary: Vocabulary, policy: FreeTextPolicy) -> tuple[Finding, ...]:
    """Findings ``LIST-in-text-WORD`` for every word found in a text, and ``LIST-not-understood`` for texts without any."""
    return (*_found(patient, vocabulary), *_not_understood(patient, vocabulary, policy))


def _found(patient: Patient, vocabulary: Vocabulary) -> Iterable[Finding]:
    by_word: dict[Found, list[ReadText]] = {}
    for text in patient.texts:
        for one in (*text.found, *text.set_aside):
            by_word.setdefault(one, []).append(text)
    for (name, word), texts in by_word.items():
        terms: Mapping[str, Term] = getattr(vocabulary, name)
        quoted = "; ".join(f'"{one.text}"' for one in dict.fromkeys(texts))
        doubts = ", ".join(f'"{doubt}"' for doubt in dict.fromkeys(doubt for one in texts for doubt in one.doubts))
        unsure = f" The text also says {doubts}, so whether it holds is not certain." if doubts else ""
        named = f"Free text: {quoted}. It names the {ONE_OF[name]} {terms[word].name}"
        if not doubts and name != "reactions" and word in (patient.listed(name) or ()):
            told = f"{named}, which is recorded. Nothing else in the text was read."
            yield Finding(code=code_of((name, word)), severity=Severity.INFORMS, text=told)
            continue
        aside = all((name, word) in one.set_aside for one in texts)
        counts = (
            "which somebody accepted as not meant: it does not count"
            if aside
            else "and every restriction of that word applies"
        )
        where = "as the kind of the reaction" if name == "reactions" else f"under {name}"
        yield Finding(
            code=code_of((name, word)),
            severity=Severity.BLOCKS,
            may_be=MayBe.OVERRIDDEN,
            text=f"{named}, {counts}.{unsure} Nothing else in the text was read.",
            remedy=f'If it holds, write "{word}" {where}; if it does not, accept this with the reason, and it no longer counts.',
        )


def _not_understood(patient: Patient, vocabulary: Vocabulary, policy: FreeTextPolicy) -> Iterable[Finding]:
    asked = policy.must_be_accepted
    for name in _LISTS:
        entries = getattr(patient, name) or ()
        unread = [one.text for one in entries if not isinstance(one, str) and not _says_something(one)]
        if not unread:
            continue
        stops = name in asked.items
        near = _near(unread, getattr(vocabulary, name))
        yield Finding(
            code=f"{ONE_OF[name]}-not-understood",
            severity=Severity.BLOCKS if stops else Severity.WARNS,
            may_be=MayBe.OVERRIDDEN if stops else MayBe.NEITHER,
            text=f"Not understood among the {name}: {'; '.join(unread)}. No rule was applied to it.",
            remedy=f"{near}Write the word of the vocabulary if it has one, and an empty list if there are none"
            + (
                "; otherwise judge whether it matters and accept this with the reason."
                if stops
                else "; judge by hand whether it matters."
            ),
            sources=asked.src,
        )


def _says_something(entry: object) -> bool:
    return isinstance(entry, ReadText) and bool(entry.found or entry.set_aside)


def _near(texts: Iterable[str], terms: Mapping[str, Term]) -> str:
    from rapidfuzz import fuzz, process

    names = {
        written: code for code, term in terms.items() for written in (term.name, *term.also) if len(written) > _SHORT
    }
    close = [
        names[match]
        for text in texts
        for match, _, _ in process.extract(
            text.casefold(), tuple(names), scorer=fuzz.ratio, limit=1, score_cutoff=_CLOSE
        )
    ]
    return f"Did you mean {' or '.join(dict.fromkeys(close))}? " if close else ""


_SHORT: Final = 4
#: Likeness (0 to 100) from which a word of the vocabulary is offered; it only words the remedy.
_CLOSE: Final = 75
