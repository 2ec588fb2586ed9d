"""What a patient's record says of another therapy: rows of facts, run by the engine that screens."""

from __future__ import annotations

from collections.abc import Iterable

from ivigil.assessment.screening import Circumstances, Rules, screen_dose, screen_patient, screen_product
from ivigil.findings import Finding, in_order
from ivigil.knowledge.evidence import Alternatives, Option, Therapy

_DOUBT = "-unknown"


def marks_for(
    family: Alternatives, option: Option, therapies: Iterable[Therapy], about: Circumstances
) -> tuple[Finding, ...]:
    """Marks of one option for this patient, what speaks against it first."""
    rows = {code: mark for one in therapies if one.id == option.therapy for code, mark in one.coded_marks.items()}
    book = Rules.of(rows | family.coded_marks(option))
    found = screen_patient(book, about) + screen_product(book, about) + screen_dose(book, about)
    return in_order(found.findings)


def is_doubt(mark: Finding) -> bool:
    """Whether a mark says only that something is not recorded."""
    return mark.code.endswith(_DOUBT)
