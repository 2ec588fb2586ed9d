"""Whether a condition can be this patient's: its ages and, where only one sex can have it, the sex."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from ivigil.findings import Finding, MayBe, Severity
from ivigil.knowledge.indications import AgeRange, Indication
from ivigil.patient import Patient


def belongs_to(indication: Indication, patient: Patient, at: datetime) -> Iterable[Finding]:
    """Ask when the condition belongs to another age or sex than the patient's; what is not recorded is not asked here."""
    age, ranges = patient.age_at(at), tuple(indication.ages.values())
    of_age = ranges if age is None else tuple(one for one in ranges if one.holds(age))
    if age is not None and ranges and not of_age:
        yield _asked(
            "age-unusual-for-condition",
            f"The facts place {indication.name} in another age ({_belongs(ranges)}); the patient is {years_or_months(age)}.",
            "Check the condition and the birth date; if both are right, have a prescriber accept this with the reason.",
            ranges,
        )
    elif of_age and patient.sex is not None and all(one.sex not in {None, patient.sex} for one in of_age):
        yield _asked(
            "sex-unusual-for-condition",
            f"The facts place {indication.name} in the other sex ({_belongs(of_age)}); the sex recorded is {patient.sex}.",
            "Check the condition and the sex; if both are right, have a prescriber accept this with the reason.",
            of_age,
        )


def _belongs(ranges: tuple[AgeRange, ...]) -> str:
    return " or ".join(one.text for one in ranges)


def _asked(code: str, text: str, remedy: str, ranges: tuple[AgeRange, ...]) -> Finding:
    return Finding(
        code=code,
        severity=Severity.BLOCKS,
        may_be=MayBe.OVERRIDDEN,
        text=text,
        remedy=remedy,
        sources=tuple(dict.fromkeys(name for one in ranges for name in one.src)),
    )


def years_or_months(age: Decimal) -> str:
    """An age (years) as it is spoken."""
    whole = int(age)
    return f"{whole} years" if whole >= 2 else f"{int(age * 12)} months"  # noqa: PLR2004 - how ages are spoken
