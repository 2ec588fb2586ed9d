"""Values that can be but hardly are: each must be confirmed by somebody who checked."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from ivigil.assessment.kidney import EQUATIONS, below_every_equation, egfr_of, missing_for_egfr
from ivigil.findings import Finding, MayBe, Severity
from ivigil.knowledge.policies import PlausibilityPolicy, WeightRange
from ivigil.knowledge.vocabulary import Vocabulary
from ivigil.patient import Lab, Patient
from ivigil.quantities import bmi_kg_per_m2, kg_from_pounds


def unlikely_values(
    patient: Patient, at: datetime, policy: PlausibilityPolicy, words: Vocabulary, adult_from_years: Decimal
) -> tuple[Finding, ...]:
    """Findings ``weight-looks-like-pounds``, ``weight-unlikely`` and ``TEST-unlikely``, each to be confirmed."""
    found = (*_weight(patient, at, policy, adult_from_years), *_labs(patient, words))
    return tuple(one.model_copy(update={"sources": policy.basis.src}) for one in found)


def _weight(
    patient: Patient, at: datetime, policy: PlausibilityPolicy, adult_from_years: Decimal
) -> tuple[Finding, ...]:
    weight, age = patient.weight_kg, patient.age_at(at)
    if weight is None or age is None or _is_likely(patient, weight, age, policy, adult_from_years):
        return ()
    as_pounds = kg_from_pounds(weight)
    if _is_likely(patient, as_pounds, age, policy, adult_from_years) and as_pounds < weight:
        return (
            _to_confirm(
                "weight-looks-like-pounds",
                f"{weight} kg is unlikely for this age and height, and {weight} lb would be {as_pounds:.1f} kg, which is not.",
                "Weigh again or correct the unit; if the weight is right, have it confirmed.",
            ),
        )
    return (
        _to_confirm(
            "weight-unlikely",
            f"{weight} kg is outside the range expected for this age and height.",
            "Check weight, height and birth date; if they are right, have the weight confirmed.",
        ),
    )


def _is_likely(
    patient: Patient, weight_kg: Decimal, age: Decimal, policy: PlausibilityPolicy, adult_from_years: Decimal
) -> bool:
    if age >= adult_from_years and patient.height_cm is not None:
        low, high = policy.likely_adult_bmi
        return low <= bmi_kg_per_m2(weight_kg, patient.height_cm) <= high
    low, high = _range_at(age, policy.likely_weight_by_age).likely_kg
    return low <= weight_kg <= high


def _range_at(age: Decimal, ranges: tuple[WeightRange, ...]) -> WeightRange:
    return max((row for row in ranges if row.from_years <= age), key=lambda row: row.from_years)


def _labs(patient: Patient, words: Vocabulary) -> tuple[Finding, ...]:
    found = []
    for lab in patient.labs or ():
        likely = words.labs[lab.test].likely
        if likely is not None and isinstance(lab.value, Decimal) and not likely[0] <= lab.value <= likely[1]:
            found.append(
                _to_confirm(
                    f"{lab.test.replace('_', '-')}-unlikely",
                    f"{words.labs[lab.test].name} {lab.shown} is unlikely (expected {likely[0]} to {likely[1]} {words.labs[lab.test].unit}).",
                    "Check value and unit on the report; if they are right, have it confirmed.",
                )
            )
    return tuple(found)


def kidney_function(patient: Patient, at: datetime) -> tuple[Finding, ...]:
    """What eGFR the rules went by, with its method and inputs; or what is missing for one beside a creatinine."""
    egfr = egfr_of(patient, at)
    if egfr is None:
        creatinine = patient.latest("creatinine")
        return () if creatinine is None else (_not_worked_out(creatinine, patient, at),)
    return (
        Finding(
            code="egfr",
            severity=Severity.INFORMS,
            text=f"eGFR {egfr.ml_per_min_per_1_73_m2.normalize():f} mL/min/1.73 m² ({egfr.method}: {egfr.inputs}).",
            sources=EQUATIONS[egfr.method],
        ),
    )


def _not_worked_out(creatinine: Lab, patient: Patient, at: datetime) -> Finding:
    return Finding(
        code="egfr-not-worked-out",
        severity=Severity.INFORMS if below_every_equation(patient, at) else Severity.WARNS,
        text=f"No eGFR can be worked out from creatinine {creatinine.shown} of {creatinine.taken_at.date().isoformat()}:"
        f" missing is {missing_for_egfr(patient, at)}. A creatinine alone can look normal in reduced kidney function.",
        remedy="Record what is missing, or an eGFR from the laboratory.",
    )


def _to_confirm(code: str, text: str, remedy: str) -> Finding:
    return Finding(code=code, severity=Severity.BLOCKS, may_be=MayBe.CONFIRMED, text=text, remedy=remedy)
