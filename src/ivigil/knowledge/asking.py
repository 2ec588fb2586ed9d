"""How questions in free words are read: word lists, and the few sentences said before anything is looked up."""

from __future__ import annotations

from ivigil.knowledge.facts import FromOne, Record, Statement, Terms


class Cause(Record):
    """A sign that several conditions share: ``terms`` said in a context mean the conditions that ``means`` gives for it."""

    terms: Terms
    means: dict[str, Terms]


class DenialWords(Record):
    """How far a word of denial reaches in a question; the words themselves are those of ``policy/free_text.toml``.

    ``also`` are further words; ``only_before`` and ``only_after`` say on which side of its term a word stands, any other
    may stand on both. ``passes_before`` and ``passes_after`` may stand between; ``joins`` join the terms of a list.
    """

    also: Terms
    only_before: Terms
    only_after: Terms
    passes_before: Terms
    passes_after: Terms
    joins: Terms


class AskWords(Record):
    """Word lists for recognising conditions in a question.

    ``capitals_only`` abbreviations count only as written, ``ordinary_words`` among them only beside words that are not in
    capitals; ``units`` are abbreviations that are a unit or an hour after a
    number; ``not_specific`` terms never make a match alone; ``contexts`` are words for a form or a cause, ``forms`` says
    which condition a context then means, and ``causes`` which one a shared sign means. ``skipped`` are small words that
    are passed over.
    """

    capitals_only: tuple[str, ...]
    ordinary_words: tuple[str, ...]
    units: tuple[str, ...]
    not_specific: tuple[str, ...]
    contexts: dict[str, tuple[str, ...]]
    skipped: tuple[str, ...]
    forms: dict[str, dict[str, Terms]]
    causes: dict[str, Cause]
    denials: DenialWords


class Said(Record):
    """One way to write a sign: a word of each group, in any order, all within ``within_words`` words."""

    all_of: tuple[Terms, ...]
    within_words: FromOne


class Sign(Record):
    """A sign of the leaflet as people write it, and the statements for staff that belong to it."""

    said: tuple[Said, ...]
    staff: Terms = ()


class Advice(Record):
    """What is said before anything else, and ``unwell`` where no sign was seen. ``{numbers}`` are those of the regions."""

    now: Statement
    call: Statement
    unwell: Statement
    same_day: Statement


class AskSigns(Record):
    """Signs by their name in ``leaflet/leaflet.toml``; ``during`` is anything that is felt while the infusion runs."""

    advice: Advice
    help_at_once: dict[str, Sign]
    during: Sign
    same_day: dict[str, Sign]
    often: dict[str, Sign]
