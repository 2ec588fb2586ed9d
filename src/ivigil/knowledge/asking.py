"""How questions in free words are read: word lists only, no medical fact."""

from __future__ import annotations

from ivigil.knowledge.facts import Record


class AskWords(Record):
    """Word lists for recognising conditions in a question.

    ``capitals_only`` abbreviations count only as written; ``not_specific`` terms never make a match alone; ``contexts``
    are words for a form of a condition (child, pregnancy), and ``forms`` says which condition a context then means.
    ``skipped`` are small words that are passed over.
    """

    capitals_only: tuple[str, ...]
    not_specific: tuple[str, ...]
    contexts: dict[str, tuple[str, ...]]
    skipped: tuple[str, ...]
    forms: dict[str, dict[str, str]]
