"""Before a product and a dose are chosen: what is certain already, and what this patient makes possible."""

from __future__ import annotations

from ivigil.assessment.screening.circumstances import Circumstances
from ivigil.assessment.screening.decide import Verdict, all_of, any_of, decide, parts
from ivigil.assessment.screening.screen import Rules, Screened, Stage, needs_product_or_dose
from ivigil.findings import Finding, Severity
from ivigil.knowledge import rules


def screen_ahead(book: Rules, about: Circumstances) -> Screened:
    """Rules on products and doses, asked of the patient alone.

    What holds whatever the product is found as it stands. What holds by the patient's part and waits for the product or
    the dose is told as possible (``CODE-possible``), with the rule's own words and what to do: nobody learns first from a
    plan that group A and 2 g/kg go badly together, or that the glucose meter matters. What would stop a plan warns here.
    """
    findings: list[Finding] = []
    risks: set[str] = set()
    for stage in (Stage.PRODUCT, Stage.DOSE):
        for code, rule in book.rows[stage]:
            verdict = decide(rule.when, about)
            if verdict is True:
                risks.update(rule.raises)
                findings.append(book.finding(code, rule, about.region, None))
            elif verdict is None and _by_patient(rule.when, about) is True:
                findings.append(_possible(code, rule))
    return Screened(tuple(findings), frozenset(risks))


def _by_patient(when: rules.Predicate, about: Circumstances) -> Verdict:
    """What the patient's part of a predicate says; None where it has none or the record does not say."""
    if needs_product_or_dose(when):
        return None
    if isinstance(when, rules.AllOf | rules.AnyOf):
        own = [part for part in when.of if any(map(_is_of_patient, parts(part)))]
        verdicts = [_by_patient(part, about) for part in own]
        joined = all_of(verdicts) if isinstance(when, rules.AllOf) else any_of(verdicts)
        return joined if own else None
    return decide(when, about)


def _is_of_patient(part: rules.Predicate) -> bool:
    return not isinstance(part, rules.AllOf | rules.AnyOf | rules.NoneOf) and not needs_product_or_dose(part)


def _possible(code: str, rule: rules.Rule) -> Finding:
    return Finding(
        code=f"{code}-possible",
        severity=Severity.WARNS if rule.severity is Severity.BLOCKS else Severity.INFORMS,
        text=f"Possible with this patient, once product and dose are chosen: {rule.text}",
        remedy=rule.remedy,
        sources=rule.src,
    )
