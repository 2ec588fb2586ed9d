"""Runs the rule book over circumstances. Each rule is asked once at the first stage where it can be decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from ivigil.assessment.screening.circumstances import Circumstances
from ivigil.assessment.screening.decide import decide, parts
from ivigil.findings import Finding, MayBe
from ivigil.knowledge import rules
from ivigil.sources import Read


class Stage(StrEnum):
    """What must be known before a rule can be asked."""

    PATIENT = "patient"
    PRODUCT = "product"
    DOSE = "dose"


@dataclass(frozen=True)
class Screened:
    """Findings, and the risks the schedule must heed."""

    findings: tuple[Finding, ...] = ()
    risks: frozenset[str] = frozenset()

    def __add__(self, other: Screened) -> Screened:
        return Screened(self.findings + other.findings, self.risks | other.risks)


NOT_VERIFIED = " This restriction was not verified on a label; it applies all the same."

_NEEDS_DOSE = (rules.CourseDoseAtLeast,)
_NEEDS_PRODUCT = (rules.ProductContains, rules.ProductRoute, rules.NewToProduct)


def stage_of(rule: rules.Rule) -> Stage:
    """The first stage at which a rule can be decided."""
    return _stage_of(rule.when)


@lru_cache(maxsize=1024)
def _stage_of(when: rules.Predicate) -> Stage:
    kinds = tuple(parts(when))
    if any(isinstance(part, _NEEDS_DOSE) for part in kinds):
        return Stage.DOSE
    return Stage.PRODUCT if any(isinstance(part, _NEEDS_PRODUCT) for part in kinds) else Stage.PATIENT


def screen_patient(book: Mapping[str, rules.Rule], about: Circumstances) -> Screened:
    """Rules that need only the patient."""
    return _screen(book, about, Stage.PATIENT)


def screen_product(book: Mapping[str, rules.Rule], about: Circumstances) -> Screened:
    """Rules that need a product; the plan's choice rests on them."""
    return _screen(book, about, Stage.PRODUCT)


def screen_dose(book: Mapping[str, rules.Rule], about: Circumstances) -> Screened:
    """Rules that need the prescribed dose."""
    return _screen(book, about, Stage.DOSE)


def _screen(book: Mapping[str, rules.Rule], about: Circumstances, stage: Stage) -> Screened:
    findings: list[Finding] = []
    risks: set[str] = set()
    for code, rule in book.items():
        if stage_of(rule) is not stage:
            continue
        verdict = decide(rule.when, about)
        if verdict is True:
            risks.update(rule.raises)
            findings.append(_found(code, rule, about.region))
        elif verdict is None and rule.unknown is not None:
            findings.append(_undecided(code, rule, rule.unknown))
    return Screened(tuple(findings), frozenset(risks))


def _found(code: str, rule: rules.Rule, region: str) -> Finding:
    here = not rule.regions or region in rule.regions
    verified = rule.read is not Read.NOT_READ
    text = rule.text if here else f"{rule.text} (A rule of {', '.join(rule.regions)}; shown here as a caution.)"
    return Finding(
        code=code,
        severity=rule.severity if here else rule.severity_elsewhere,
        may_be=rule.may_be if here else MayBe.OVERRIDDEN,
        text=text if verified else text + NOT_VERIFIED,
        remedy=rule.remedy,
        sources=rule.src,
        verified=verified,
    )


def _undecided(code: str, rule: rules.Rule, unknown: rules.Unknown) -> Finding:
    return Finding(
        code=f"{code}-unknown",
        severity=unknown.severity,
        may_be=unknown.may_be,
        text=unknown.text,
        remedy=unknown.remedy,
        sources=rule.src,
        verified=rule.read is not Read.NOT_READ,
    )
