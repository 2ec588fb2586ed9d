"""Fever or infection on the day: the first-infusion ladder for today, whatever was borne before."""

from __future__ import annotations

from collections.abc import Iterable

from ivigil.assessment.screening import Words
from ivigil.findings import Finding, Severity
from ivigil.prescription.request import Formulary, Request


def unwell_today(request: Request, formulary: Formulary) -> frozenset[str]:
    """Conditions of the day for which the policy wants the first-infusion ladder, whatever was borne before."""
    named = formulary.policies.rate.first_ladder_conditions
    if named is None:
        return frozenset()
    return Words.of(request.patient).present("conditions") & frozenset(named.items)


def about_unwell(request: Request, formulary: Formulary) -> Iterable[Finding]:
    """That the ladder is the first infusion's, and that waiting may be better."""
    policy = formulary.policies.rate.first_ladder_conditions
    found = unwell_today(request, formulary)
    if policy is not None and found:
        names = sorted(formulary.vocabulary.conditions[word].name for word in found)
        yield Finding(
            code="first-ladder-today",
            severity=Severity.INFORMS,
            text=f"Because of {' and '.join(names)} this infusion takes the first-infusion ladder, whatever was borne before.",
            remedy="If it can wait, defer it and plan anew when the patient is well.",
            sources=policy.src,
        )
