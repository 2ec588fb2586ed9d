"""Runs the rule book over circumstances. Each rule is asked once at the first stage where it can be decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from ivigil.assessment.screening.circumstances import Circumstances
from ivigil.assessment.screening.decide import decide, parts
from ivigil.findings import Finding, MayBe, Severity
from ivigil.knowledge import rules
from ivigil.sources import Origin, Read


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


def needs_product_or_dose(part: rules.Predicate) -> bool:
    """Whether one predicate is asked of a product or a dose, not of the patient."""
    return isinstance(part, (*_NEEDS_DOSE, *_NEEDS_PRODUCT))


def stage_of(rule: rules.Rule) -> Stage:
    """The first stage at which a rule can be decided."""
    kinds = tuple(parts(rule.when))
    if any(isinstance(part, _NEEDS_DOSE) for part in kinds):
        return Stage.DOSE
    return Stage.PRODUCT if any(isinstance(part, _NEEDS_PRODUCT) for part in kinds) else Stage.PATIENT


@dataclass(frozen=True)
class Rules:
    """The rule book sorted by stage, once; rows keep the order in which findings are shown."""

    rows: Mapping[Stage, tuple[tuple[str, rules.Rule], ...]]
    _said: dict[tuple[str, str, bool], Finding] = field(default_factory=dict, repr=False, compare=False)

    def finding(self, code: str, rule: rules.Rule, region: str, unknown: rules.Unknown | None) -> Finding:
        """What a rule says in a region, written once: findings are values, and a cohort asks for them again and again."""
        key = (code, region, unknown is not None)
        if key not in self._said:
            self._said[key] = _found(code, rule, region) if unknown is None else _undecided(code, rule, unknown)
        return self._said[key]

    @classmethod
    def of(cls, book: Mapping[str, rules.Rule]) -> Rules:
        """The rules of a book by stage."""
        return cls({stage: tuple(row for row in book.items() if stage_of(row[1]) is stage) for stage in Stage})

    def for_patient(self, about: Circumstances) -> Rules:
        """The same book, in which no product is asked about what the patient alone already excludes.

        A rule that joins the patient with the product is no for every product when its part on the patient is no; the
        answers are the same with it and without it.
        """
        product = tuple(row for row in self.rows[Stage.PRODUCT] if not _excluded(row[1].when, about))
        return replace(self, rows={**self.rows, Stage.PRODUCT: product})


def _excluded(when: rules.Predicate, about: Circumstances) -> bool:
    """Whether the patient alone certainly makes a predicate no, whatever the product."""
    if isinstance(when, rules.AllOf):
        return any(_excluded(part, about) for part in when.of)
    if isinstance(when, rules.AnyOf):
        return all(_excluded(part, about) for part in when.of)
    return not isinstance(when, (*_NEEDS_PRODUCT, rules.NoneOf)) and decide(when, about) is False


def screen_patient(book: Rules, about: Circumstances) -> Screened:
    """Rules that need only the patient."""
    return _screen(book, about, Stage.PATIENT)


def screen_product(book: Rules, about: Circumstances) -> Screened:
    """Rules that need a product; the plan's choice rests on them."""
    return _screen(book, about, Stage.PRODUCT)


def screen_dose(book: Rules, about: Circumstances) -> Screened:
    """Rules that need the prescribed dose."""
    return _screen(book, about, Stage.DOSE)


def _screen(book: Rules, about: Circumstances, stage: Stage) -> Screened:
    findings: list[Finding] = []
    risks: set[str] = set()
    for code, rule in book.rows[stage]:
        verdict = decide(rule.when, about)
        if verdict is True:
            risks.update(rule.raises)
            findings.append(book.finding(code, rule, about.region, None))
        elif verdict is None and _asks_of_unread_ingredients(rule, about):
            findings.append(_unread(code, rule, about))
        elif verdict is None and rule.unknown is not None:
            findings.append(book.finding(code, rule, about.region, rule.unknown))
    return Screened(tuple(findings), frozenset(risks))


def _asks_of_unread_ingredients(rule: rules.Rule, about: Circumstances) -> bool:
    """Whether a caution turns on what is in the bottle, and nobody read what is in this one."""
    return (
        rule.severity is not Severity.INFORMS
        and about.product is not None
        and about.product.excipients is None
        and any(isinstance(part, rules.ProductContains) for part in parts(rule.when))
    )


def _is_verified(rule: rules.Rule) -> bool:
    """A restriction read on some page, or the project's own policy, which needs none."""
    return rule.read is not Read.NOT_READ or rule.origin is Origin.POLICY


def _found(code: str, rule: rules.Rule, region: str) -> Finding:
    here = not rule.regions or region in rule.regions
    verified = _is_verified(rule)
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
        verified=_is_verified(rule),
    )


def _unread(code: str, rule: rules.Rule, about: Circumstances) -> Finding:
    brand = about.product.brand if about.product is not None else "this product"
    return Finding(
        code=f"{code}-unknown",
        severity=rule.severity if rule.unknown is None else rule.unknown.severity,
        may_be=MayBe.OVERRIDDEN,
        text=f"What {brand} contains was not read, so this is not excluded: {rule.text}",
        remedy="Read its ingredients on the label in force and enter them in the site's overlay, or choose another product.",
        sources=rule.src,
        verified=_is_verified(rule),
    )
