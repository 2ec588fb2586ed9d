"""Which body weight a dose and a rate are counted on."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from ivigil.errors import BadInput
from ivigil.findings import Finding, Severity
from ivigil.knowledge.policies import WeightPolicy
from ivigil.knowledge.regimens import WeightBasis
from ivigil.patient import Sex
from ivigil.quantities import CM_PER_INCH, TENTH, bmi_kg_per_m2

#: Devine BJ. Gentamicin therapy. Drug Intell Clin Pharm 1974;8:650-5: 50 kg (men) or 45.5 kg (women) at 5 feet,
#: and 2.3 kg for each inch above.
DEVINE_AT_5_FEET_KG: dict[Sex, Decimal] = {"male": Decimal("50"), "female": Decimal("45.5")}
DEVINE_PER_INCH_KG = Decimal("2.3")
DEVINE_FROM_INCHES = Decimal(60)


def ideal_body_weight_kg(sex: Sex, height_cm: Decimal) -> Decimal:
    """Ideal body weight (kg) by Devine 1974, for adults of at least 5 feet (152.4 cm).

    Raises:
        BadInput: below 5 feet, where the formula says nothing.
    """
    inches = height_cm / CM_PER_INCH
    if inches < DEVINE_FROM_INCHES:
        raise BadInput(
            "height_cm",
            str(height_cm),
            "Devine's ideal weight is defined from 152.4 cm (5 feet) on.",
            "Dose on actual weight (--weight-basis actual), or state the dosing weight by another rule.",
        )
    return DEVINE_AT_5_FEET_KG[sex] + DEVINE_PER_INCH_KG * (inches - DEVINE_FROM_INCHES)


def adjusted_body_weight_kg(ideal_kg: Decimal, actual_kg: Decimal, fraction: Decimal) -> Decimal:
    """Adjusted body weight (kg): ideal + fraction x (actual - ideal)."""
    return ideal_kg + fraction * (actual_kg - ideal_kg)


@dataclass(frozen=True)
class DosingWeight:
    """The weight a dose is counted on (kg), its basis, and the rate's weight (kg)."""

    basis: WeightBasis
    dosing_kg: Decimal
    rate_kg: Decimal
    findings: tuple[Finding, ...] = ()


def choose_weight(
    actual_kg: Decimal,
    height_cm: Decimal | None,
    sex: Sex | None,
    age_years: Decimal,
    policy: WeightPolicy,
    source_basis: WeightBasis | None,
    asked_basis: WeightBasis | None,
) -> DosingWeight:
    """The dosing weight: as asked, else as the dose's source says, else by policy (adults at or above a BMI).

    The rate is counted on the lower of actual and dosing weight.

    Raises:
        BadInput: ideal or adjusted weight was asked for, or the source demands it, and cannot be worked out.
    """
    adult = age_years >= policy.adult_from_years.value
    demanded = asked_basis or source_basis
    if demanded is None:
        by_policy = _by_policy(actual_kg, height_cm, sex, adult, policy)
        if isinstance(by_policy, Finding):
            return DosingWeight(WeightBasis.ACTUAL, actual_kg, actual_kg, (by_policy,))
        basis = by_policy
    else:
        basis = demanded
    if basis is WeightBasis.ACTUAL:
        return DosingWeight(basis, actual_kg, actual_kg)
    if not adult:
        raise BadInput(
            "--weight-basis" if asked_basis else "weight basis of the source",
            basis.value,
            f"Ideal and adjusted weight (Devine) are defined for adults; the patient is below {policy.adult_from_years.value} years.",
            "Dose on actual weight (--weight-basis actual).",
        )
    if height_cm is None or sex is None:
        raise BadInput(
            "--weight-basis" if asked_basis else "weight basis of the source",
            basis.value,
            "Ideal and adjusted weight (Devine) need an adult's sex and height.",
            "Record sex and height_cm, or use --weight-basis actual.",
        )
    ideal = ideal_body_weight_kg(sex, height_cm)
    exact = (
        ideal
        if basis is WeightBasis.IDEAL
        else adjusted_body_weight_kg(ideal, actual_kg, policy.adjusted_fraction.value)
    )
    dosing = exact.quantize(TENTH, rounding=ROUND_HALF_UP)
    if dosing >= actual_kg:
        return DosingWeight(WeightBasis.ACTUAL, actual_kg, actual_kg, (_lean(basis, dosing, actual_kg),))
    finding = Finding(
        code=f"dosing-weight-{basis.value}",
        severity=Severity.INFORMS,
        text=f"The dose is counted on {basis.value} weight, {dosing} kg, not on the actual {actual_kg.normalize():f} kg"
        f" (ideal weight by Devine {ideal.quantize(TENTH)} kg; rule set {policy.name}).",
        remedy="Use --weight-basis to choose another basis; the label states its doses per kg of body weight.",
        sources=policy.obese_from_bmi.src + policy.adjusted_fraction.src,
    )
    return DosingWeight(basis, dosing, min(actual_kg, dosing), (finding,))


def _lean(basis: WeightBasis, dosing_kg: Decimal, actual_kg: Decimal) -> Finding:
    """A lean patient is never dosed on more weight than there is."""
    return Finding(
        code="dosing-weight-actual",
        severity=Severity.WARNS,
        text=f"The {basis.value} weight, {dosing_kg} kg, is not below the actual {actual_kg} kg; the dose is counted on the actual weight.",
        remedy="Nothing, unless the height or weight is wrong.",
    )


def _by_policy(
    actual_kg: Decimal, height_cm: Decimal | None, sex: Sex | None, adult: bool, policy: WeightPolicy
) -> WeightBasis | Finding:
    if not adult:
        return WeightBasis.ACTUAL
    if height_cm is None or sex is None:
        missing = " and ".join(name for name, value in (("height", height_cm), ("sex", sex)) if value is None)
        return Finding(
            code="height-missing" if height_cm is None else "sex-missing",
            severity=Severity.INFORMS,
            text=f"Without {missing}, obesity cannot be judged; the dose is counted on actual weight.",
            remedy=f"Record {missing} if the patient may have a BMI of {policy.obese_from_bmi.value} or more.",
        )
    if bmi_kg_per_m2(actual_kg, height_cm) < policy.obese_from_bmi.value:
        return WeightBasis.ACTUAL
    if height_cm / CM_PER_INCH < DEVINE_FROM_INCHES:
        return Finding(
            code="ideal-weight-undefined",
            severity=Severity.WARNS,
            text=f"At {height_cm} cm Devine's ideal weight is not defined; the dose is counted on actual weight.",
            remedy="Judge the dosing weight by hand and state it with --dose-g-per-kg if it should be lower.",
        )
    return WeightBasis(policy.obese_basis.value)
