"""What a label says a use is limited by: each limitation a finding, and a regimen it bars is not proposed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ivigil.assessment.screening import NOT_VERIFIED, Circumstances
from ivigil.assessment.screening.decide import Verdict, all_of, decide
from ivigil.findings import Finding, MayBe, Severity
from ivigil.knowledge.products import Limitation
from ivigil.knowledge.regimens import Regimen
from ivigil.sources import Origin, Read

#: How the code of a finding about a label's limitation begins.
LIMIT_CODE = "label-limit-"


def limitation_findings(
    limitations: Mapping[str, Limitation], regimen_id: str, risks: frozenset[str], about: Circumstances
) -> tuple[Finding, ...]:
    """Every limitation that concerns a regimen and holds for the patient, or cannot be decided.

    Args:
        limitations: those of the labelled use.
        regimen_id: the regimen that is planned.
        risks: what screening raised for this patient.
        about: the patient, the moment and the product.
    """
    found = []
    for key, one in limitations.items():
        if one.regimens and regimen_id not in one.regimens:
            continue
        verdict = _holds(one, risks, about)
        if verdict is True:
            found.append(_said(key, one, undecided=False))
        elif verdict is None and one.unknown is not None:
            found.append(_said(key, one, undecided=True))
    return tuple(found)


def unbarred(
    regimens: Mapping[str, Regimen],
    limitations: Mapping[str, Limitation],
    risks: frozenset[str],
    about: Circumstances,
) -> Mapping[str, Regimen]:
    """The regimens that no limitation bars; all of them if every one is barred (the refusal then says why)."""
    barred = {
        name
        for one in limitations.values()
        if one.severity is Severity.BLOCKS and one.regimens and _holds(one, risks, about)
        for name in one.regimens
    }
    return {name: regimen for name, regimen in regimens.items() if name not in barred} or regimens


def _holds(one: Limitation, risks: frozenset[str], about: Circumstances) -> Verdict:
    return all_of(_parts(one, risks, about))


def _parts(one: Limitation, risks: frozenset[str], about: Circumstances) -> Iterable[Verdict]:
    if one.risks:
        # A risk that nothing raised is only absent if somebody recorded the conditions that would raise it.
        yield True if risks & set(one.risks) else None if about.patient.conditions is None else False
    if one.when is not None:
        yield decide(one.when, about)


def _said(key: str, one: Limitation, *, undecided: bool) -> Finding:
    said = one.unknown if undecided and one.unknown is not None else one
    verified = one.read is not Read.NOT_READ or one.origin is Origin.POLICY
    return Finding(
        code=f"{LIMIT_CODE}{key}{'-unknown' if undecided else ''}",
        severity=said.severity,
        may_be=said.may_be if said.severity is Severity.BLOCKS else MayBe.NEITHER,
        text=said.text if verified else said.text + NOT_VERIFIED,
        remedy=said.remedy or None,
        sources=one.src,
        verified=verified,
    )
