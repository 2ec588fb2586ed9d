"""What a patient's record says of another therapy: rows of facts, run by the engine that screens."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from ivigil.assessment.lines import Line, Part, line_of
from ivigil.assessment.screening import Circumstances, Rules, screen_dose, screen_patient, screen_product
from ivigil.findings import Finding, Severity, in_order
from ivigil.knowledge.evidence import Alternatives, Option, Therapy
from ivigil.knowledge.rules import Rule

_DOUBT = "-unknown"


class MarkHere(Part):
    """What the record says of an option: ``against`` it, for it or ``to_know``, or what is ``not_recorded`` and matters."""

    code: str
    says: Literal["against", "to_know", "not_recorded"]
    line: Line
    remedy: str


def marks_for(
    family: Alternatives, option: Option, therapies: Iterable[Therapy], about: Circumstances
) -> tuple[MarkHere, ...]:
    """Marks of one option for this patient, what weighs most first."""
    rows = {code: mark for one in therapies if one.id == option.therapy for code, mark in one.coded_marks.items()}
    rows |= family.coded_marks(option)
    book = Rules.of(rows)
    found = screen_patient(book, about) + screen_product(book, about) + screen_dose(book, about)
    return tuple(_here(one, rows) for one in in_order(found.findings))


def _here(found: Finding, rows: dict[str, Rule]) -> MarkHere:
    known = found.code in rows
    fact = rows[found.code if known else found.code.removesuffix(_DOUBT)]
    against: Literal["against", "to_know"] = "against" if found.severity is Severity.WARNS else "to_know"
    return MarkHere(
        code=found.code,
        says=against if known else "not_recorded",
        line=line_of(found.text, fact),
        remedy=found.remedy or "",
    )
