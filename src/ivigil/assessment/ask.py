"""Free words, a code or a lay name to conditions, and the cited evidence for them. Looked up, never generated.

A match needs a term that belongs to the condition; ``why`` shows it. Typing errors are borne by edit distance. A term that the
question denies, doubts or says of somebody else comes last, with that word. A sign that needs help at once is answered first.
What is not in the knowledge base gives no match.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from pydantic import BaseModel, ConfigDict
from rapidfuzz import fuzz

from ivigil.assessment.denials import Denials
from ivigil.assessment.question import Words
from ivigil.assessment.signs import Emergency, Reactions, Told, told
from ivigil.knowledge.asking import AskWords
from ivigil.knowledge.evidence import Alternatives, Study, Therapy
from ivigil.knowledge.facts import Fact
from ivigil.knowledge.indications import Indication
from ivigil.knowledge.policies import FreeTextPolicy
from ivigil.knowledge.vocabulary import Term, region_name
from ivigil.sources import CitedSource, Source, cite

DISCLAIMER = (
    "This looks up what the knowledge base holds and cites it. It informs; it does not advise a person and decides nothing. "
    "Ask the treating team about your own care."
)
NOT_IN_BASE = "Not in the knowledge base."

#: A term of at least so many letters bears typing errors; the needed likeness (0-100) falls with length.
FUZZY_FROM_LETTERS = 6
LIKENESS = ((14, 86.0), (9, 88.0), (FUZZY_FROM_LETTERS, 90.0))
EXACT = 100.0
OTHER_ORDER = 96.0
PER_EXTRA_WORD = 6.0
ONE_WORD_LEFT_OUT = 90.0
#: A name of at least so many words may be said with one of them left out.
ALL_BUT_ONE_FROM_WORDS = 4
PER_SHARING_CONDITION = 4.0
FOR_CONTEXT = 8.0
SHORT_WORD = 3
#: What a denied term loses: more than any likeness leaves, so that it comes after every term that is not denied.
FOR_DENIAL = 60.0

_ICD10 = re.compile(r"\b([A-TV-Z][0-9][0-9AB](?:\.[0-9A-Z]{1,4})?)\b", re.IGNORECASE)
_WITHOUT_DOT = re.compile(r"\b([A-TV-Z][0-9][0-9AB])([0-9A-Z]{1,4})\b", re.IGNORECASE)
"""As bills write it (G6181). Many other things look so; it counts only where it is, or stands for, a code of the facts."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Match(_Part):
    """A condition found in the question: how well, and by which of its terms."""

    indication: str
    name: str
    score: float
    why: str
    status: str


class Cited(_Part):
    """One statement with its source ids."""

    indication: str
    text: str
    sources: tuple[str, ...]
    verified: bool


class Answer(_Part):
    """What the knowledge base holds on a question: matches best first, what guidelines say, what to mind, what studies found.

    ``emergency`` is read first wherever it stands; where no sign of one was seen, ``if_unwell`` says what to do without an
    answer. ``reactions`` holds what is known about signs that the question names,
    ``treatments`` what is known about other treatments it names.
    """

    question: str
    emergency: Emergency | None
    if_unwell: Told | None
    matches: tuple[Match, ...]
    medicines: tuple[str, ...]
    reactions: tuple[Told, ...]
    treatments: tuple[Told, ...]
    guidelines: tuple[Cited, ...]
    cautions: tuple[Cited, ...]
    studies: tuple[Cited, ...]
    sources: dict[str, CitedSource]
    note: str
    disclaimer: str


@dataclass(frozen=True)
class Ground:
    """What questions are put to: conditions, their evidence, medicines, signs of reactions, and the word lists."""

    indications: tuple[Indication, ...]
    studies: tuple[Study, ...]
    medicines: Mapping[str, Term]
    words: AskWords
    source_of: Callable[[str], Source]
    reactions: Reactions
    free_text: FreeTextPolicy
    alternatives: tuple[Alternatives, ...] = ()
    therapies: tuple[Therapy, ...] = ()

    @cached_property
    def terms(self) -> Mapping[tuple[str, ...], frozenset[str]]:
        """Every term as folded words, with the conditions it belongs to."""
        found: defaultdict[tuple[str, ...], set[str]] = defaultdict(set)
        blocked = {Words.of(word).folded for word in self.words.not_specific}
        for one in self.indications:
            for written in (one.name, *one.synonyms, *one.lay_terms, *one.specific_terms):
                for part in _split(written):
                    words = Words.of(part).without(self.skipped).folded
                    if words and words not in blocked and len("".join(words)) > 1:
                        found[words].add(one.id)
        return {words: frozenset(ids) for words, ids in found.items()}

    @cached_property
    def shortened(self) -> Mapping[tuple[str, ...], frozenset[str]]:
        """Names and synonyms of many words with one of them left out, unless that is a term of its own."""
        found: defaultdict[tuple[str, ...], set[str]] = defaultdict(set)
        for one in self.indications:
            for part in (part for written in (one.name, *one.synonyms) for part in _split(written)):
                words = Words.of(part).without(self.skipped).folded
                if len(words) >= ALL_BUT_ONE_FROM_WORDS:
                    for at in range(len(words)):
                        found[(*words[:at], *words[at + 1 :])].add(one.id)
        return {words: frozenset(ids) for words, ids in found.items() if words not in self.terms}

    @cached_property
    def skipped(self) -> frozenset[str]:
        """Small words that are passed over."""
        return frozenset(self.words.skipped)

    @cached_property
    def abbreviations(self) -> frozenset[tuple[str, ...]]:
        """Terms that count only when written in capitals."""
        return frozenset(Words.of(word).folded for word in self.words.capitals_only)

    @cached_property
    def ordinary(self) -> frozenset[tuple[str, ...]]:
        """Those of the abbreviations that are also words everybody writes."""
        return frozenset(Words.of(word).folded for word in self.words.ordinary_words)

    @cached_property
    def units(self) -> frozenset[tuple[str, ...]]:
        """Abbreviations that are a unit or an hour after a number."""
        return frozenset(Words.of(word).folded for word in self.words.units)

    @cached_property
    def denials(self) -> Denials:
        """The words by which a term is denied."""
        return Denials.of(self.words, self.free_text)

    @cached_property
    def causes(self) -> Mapping[tuple[str, ...], Mapping[str, tuple[str, ...]]]:
        """Signs that several conditions share, as folded words: the conditions that each context means."""
        return {Words.of(term).folded: one.means for one in self.words.causes.values() for term in one.terms}

    @cached_property
    def codes(self) -> Mapping[str, frozenset[str]]:
        """ICD-10-CM codes, with the conditions that carry them."""
        found: defaultdict[str, set[str]] = defaultdict(set)
        for one in self.indications:
            for code in one.icd10cm:
                found[code.code.upper()].add(one.id)
        return {code: frozenset(ids) for code, ids in found.items()}


@dataclass(frozen=True)
class _Hit:
    start: int
    end: int
    likeness: float
    term: tuple[str, ...]
    ids: frozenset[str]


def ask(question: str, ground: Ground) -> Answer:
    """The answer to a question in free words."""
    words = Words.of(question).without(ground.skipped)
    shouted = question.isupper() and len(question.split()) > 1
    hits = _outermost(_hits(words, ground, shouted=shouted))
    scores: dict[str, tuple[float, str]] = {}
    contexts = {
        name
        for name, said in ground.words.contexts.items()
        if any(_stands_in(Words.of(one).folded, words.folded) for one in said)
    }
    spans = {hit: (words.places[hit.start], words.places[hit.end - 1] + 1) for hit in hits}
    denied = ground.denials.told(question, spans.values())
    for hit in hits:
        base = hit.likeness + PER_EXTRA_WORD * (len(hit.term) - 1) - PER_SHARING_CONDITION * (len(hit.ids) - 1)
        why = f"“{' '.join(words.written[hit.start : hit.end])}”"
        if (word := denied.get(spans[hit])) is not None:
            base -= FOR_DENIAL
            why = f"{why}, of which the question says “{word}”"
        meant = {one for context, ids in ground.causes.get(hit.term, {}).items() if context in contexts for one in ids}
        for name in hit.ids:
            forms = ground.words.forms.get(name, {}).items()
            meant |= {one for context, ids in forms if context in contexts for one in ids}
        for found, score in (*((name, base) for name in hit.ids), *((one, base + FOR_CONTEXT) for one in meant)):
            if score > scores.get(found, (0.0, ""))[0]:
                scores[found] = (score, why)
    for code in _codes(question, ground.codes):
        for name, (fit, shown) in _by_code(code, ground.codes).items():
            scores[name] = max(scores.get(name, (0.0, "")), (EXACT + PER_EXTRA_WORD * fit, f"ICD-10 {shown}"))
    by_id = {one.id: one for one in ground.indications}
    matches = tuple(
        Match(
            indication=name,
            name=by_id[name].name,
            score=round(score, 1),
            why=why,
            status=by_id[name].status_group.value,
        )
        for name, (score, why) in sorted(scores.items(), key=lambda item: (-item[1][0], item[0]))
    )
    chosen = [by_id[match.indication] for match in matches]
    guidelines = tuple(said for one in chosen for said in _guidelines(one))
    cautions = tuple(said for one in chosen for said in _cautions(one, ground))
    studies = tuple(said for one in chosen for said in _studies(one, ground.studies))
    emergency, reactions = ground.reactions.emergency(question), ground.reactions.told(question)
    treatments = tuple(_treatments(words, {one.id for one in chosen}, ground))
    if_unwell = ground.reactions.unwell() if emergency is None else None
    first = () if emergency is None else (emergency,)
    standing = () if if_unwell is None else (if_unwell,)
    every: tuple[Emergency | Told | Cited, ...] = (*first, *reactions, *guidelines, *cautions, *studies, *treatments)
    return Answer(
        question=question,
        emergency=emergency,
        if_unwell=if_unwell,
        matches=matches,
        medicines=tuple(_medicines(words, ground.medicines)),
        reactions=reactions,
        treatments=treatments,
        guidelines=guidelines,
        cautions=cautions,
        studies=studies,
        sources={
            name: cite(ground.source_of(name))
            for name in sorted({one for said in (*every, *standing) for one in said.sources})
        },
        note="" if matches or every else NOT_IN_BASE,
        disclaimer=DISCLAIMER,
    )


# ---- recognising


def _split(written: str) -> Iterable[str]:
    """A name and what stands in its brackets, each a term; commas part terms too."""
    inside = re.findall(r"\(([^)]*)\)", written)
    for piece in (re.sub(r"\([^)]*\)", " ", written), *inside):
        parts = re.split(r";|, ", piece)
        for part in parts:
            # One plain word cut off at a comma ("thrombocytopenia, immune") is no name.
            if part.strip() and (len(parts) == 1 or len(part.split()) > 1 or part.strip().isupper()):
                yield part
                if "/" in part:  # SJS/TEN: each abbreviation stands alone too
                    yield from (one for one in re.split(r"[/ ]", part) if one.isupper())


def _hits(words: Words, ground: Ground, *, shouted: bool) -> list[_Hit]:
    hits = []
    for term, ids in ground.terms.items():
        size = len(term)
        joined = " ".join(term)
        needed = next((likeness for letters, likeness in LIKENESS if len(joined) >= letters), None)
        for start in range(len(words.folded) - size + 1):
            window = words.folded[start : start + size]
            if window == term:
                if term in ground.abbreviations and not (
                    all(word.isupper() for word in words.written[start : start + size])
                    and (term not in ground.ordinary or not shouted)
                ):
                    continue
                if term in ground.units and _after_a_number(words, start):
                    continue
                hits.append(_Hit(start, start + size, EXACT, term, ids))
            elif size > 1 and sorted(window) == sorted(term):
                hits.append(_Hit(start, start + size, OTHER_ORDER, term, ids))
            elif needed is not None and window[0][0] == term[0][0] and term not in ground.abbreviations:
                likeness = fuzz.ratio(" ".join(window), joined, score_cutoff=needed)
                if likeness >= needed and _each_word_is_near(window, term):
                    hits.append(_Hit(start, start + size, likeness, term, ids))
    for term, ids in ground.shortened.items():
        for start in range(len(words.folded) - len(term) + 1):
            if words.folded[start : start + len(term)] == term:
                hits.append(_Hit(start, start + len(term), ONE_WORD_LEFT_OUT, term, ids))
    return hits


def _after_a_number(words: Words, at: int) -> bool:
    """Whether the word right before is a number: nothing stands between, not even a word that is passed over."""
    return at > 0 and words.places[at - 1] == words.places[at] - 1 and words.folded[at - 1][-1].isdigit()


def _each_word_is_near(window: tuple[str, ...], term: tuple[str, ...]) -> bool:
    """No word of a term may be another word: short words count exactly, digits always."""
    for said, meant in zip(window, term, strict=True):
        if said == meant:
            continue
        if min(len(said), len(meant)) <= SHORT_WORD or any(one.isdigit() for one in said + meant):
            return False
        if fuzz.ratio(said, meant) < LIKENESS[0][1] - 10:
            return False
    return True


def _outermost(hits: list[_Hit]) -> list[_Hit]:
    """A term inside a longer one that was found does not speak for another condition."""
    return [
        hit
        for hit in hits
        if not any(
            other.start <= hit.start and hit.end <= other.end and other.end - other.start > hit.end - hit.start
            for other in hits
        )
    ]


def _stands_in(term: tuple[str, ...], words: tuple[str, ...]) -> bool:
    return any(words[start : start + len(term)] == term for start in range(len(words) - len(term) + 1))


def _codes(question: str, known: Mapping[str, frozenset[str]]) -> Iterable[str]:
    """Codes that stand in the question, in capitals and with their dot."""
    yield from map(str.upper, _ICD10.findall(question))
    for head, tail in _WITHOUT_DOT.findall(question):
        code = f"{head}.{tail}".upper()
        if any(one.startswith(code) for one in known):
            yield code


def _by_code(code: str, codes: Mapping[str, frozenset[str]]) -> Mapping[str, tuple[float, str]]:
    """Conditions of a code, with how well they fit (0 to 1) and the code as it is shown.

    A code that stands in the facts fits as it is. Another stands for the codes under it (WHO codes are shorter than those of
    ICD-10-CM): a condition fits by the part of its own codes that lies there. Else the nearest code above it is taken.
    """
    if code in codes:
        return dict.fromkeys(codes[code], (1.0, code))
    bare = code.replace(".", "")
    under = [one for one in codes if one.replace(".", "").startswith(bare)]
    if not under:
        above = max((one for one in codes if bare.startswith(one.replace(".", ""))), key=len, default=None)
        return {} if above is None else dict.fromkeys(codes[above], (0.5, f"{code}, as {above}"))
    found = {}
    for name in frozenset().union(*(codes[one] for one in under)):
        own = [one for one, ids in codes.items() if name in ids]
        inside = [one for one in own if one in under]
        found[name] = (len(inside) / len(own), f"{code}, as {inside[0]}")
    return found


def _medicines(words: Words, medicines: Mapping[str, Term]) -> Iterable[str]:
    for code, term in medicines.items():
        if any(_stands_in(Words.of(name).folded, words.folded) for name in (term.name, *term.also)):
            yield code


def _treatments(words: Words, conditions: set[str], ground: Ground) -> Iterable[Told]:
    """What is held on other treatments that are named: in the conditions that were found, else wherever it is held."""
    for therapy in ground.therapies:
        names = (therapy.name, *therapy.also, therapy.id.replace("_", " "))
        if not any(_stands_in(Words.of(name).folded, words.folded) for name in names):
            continue
        for fact in (*therapy.statements.values(), *therapy.beside.values()):
            yield told(fact, f"{therapy.name}: {{}}")
        for family in ground.alternatives:
            if conditions and not conditions & set(family.indications):
                continue
            for option in family.options.values():
                if option.therapy == therapy.id:
                    told_of = (*option.licensed.values(), *option.evidence.values(), option.preferred_when)
                    for fact in filter(None, told_of):
                        yield told(fact, f"{therapy.name}, {family.family}: {{}}")


# ---- what is said


def _guidelines(one: Indication) -> Iterable[Cited]:
    for region, place in one.regulatory.items():
        yield _cited(one.id, f"{one.name}, {region_name(region)}: {place.said}", place)
    for position in one.positions.values():
        grade = f" ({position.scheme}: {position.grade})" if position.grade else ""
        yield _cited(one.id, f"{position.body}{grade}: {position.text}", position)
    for regimen in one.regimens.values():
        yield _cited(one.id, f"{regimen.authority or 'Dose'}: {regimen.text}", regimen)


def _cautions(one: Indication, ground: Ground) -> Iterable[Cited]:
    """Cautions of the condition, and when what stands beside immunoglobulin must not be used."""
    names = {therapy.id: therapy.name for therapy in ground.therapies}
    for caution in one.cautions.values():
        yield _cited(one.id, caution.text, caution)
    for family in ground.alternatives:
        if one.id in family.indications:
            for option in family.options.values():
                if (wrong := option.wrong_when) is not None:
                    name = names.get(option.therapy, option.therapy.replace("_", " "))
                    yield _cited(one.id, f"{name}, wrong when: {wrong.text}", wrong)
            for pointless in family.pointless.values():
                yield _cited(one.id, pointless.text, pointless)


def _studies(one: Indication, studies: Iterable[Study]) -> Iterable[Cited]:
    for grade in one.evidence.values():
        yield _cited(
            one.id, f"{grade.scheme}: {' '.join(filter(None, (grade.category, grade.strength, grade.text)))}", grade
        )
    for study in studies:
        if one.id in study.indications:
            for result in study.results.values():
                yield _cited(one.id, f"{study.name}: {result.text}", result)


def _cited(indication: str, text: str, fact: Fact) -> Cited:
    return Cited(
        indication=indication, text=text, sources=fact.src, verified=bool(fact.src) and fact.read.value != "not_read"
    )
