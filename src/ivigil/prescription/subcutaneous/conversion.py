"""Grams a week under the skin: by the label's factor from the intravenous dose, or by its dose per kg."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from ivigil.knowledge.subcutaneous import Factor, WeeklyDose
from ivigil.prescription.body_weight import DosingWeight, choose_weight
from ivigil.prescription.request import Formulary, Request
from ivigil.prescription.subcutaneous.intravenous import Intravenous

MILLIGRAM = Decimal("0.001")


@dataclass(frozen=True)
class WeeklyGrams:
    """Grams a week, exact, and where they come from: a factor of the intravenous regimen, or a dose of a weight."""

    grams: Fraction
    from_iv: Intravenous | None = None
    factor: Factor | None = None
    regimen_id: str | None = None
    regimen: WeeklyDose | None = None
    weight: DosingWeight | None = None


def by_factor(iv: Intravenous, factor: Factor) -> WeeklyGrams:
    """The weekly share of the intravenous dose times the label's factor."""
    return WeeklyGrams(iv.weekly_g * Fraction(factor.factor), from_iv=iv, factor=factor)


def by_weight(regimen_id: str, regimen: WeeklyDose, request: Request, formulary: Formulary) -> WeeklyGrams | None:
    """The label's dose per kg; None while weight or age is missing (screening asks for them).

    Raises:
        BadInput: a weight basis that cannot be worked out.
    """
    patient, age = request.patient, request.patient.age_at(request.start)
    if patient.weight_kg is None or age is None:
        return None
    weight = choose_weight(
        patient.weight_kg, patient.height_cm, patient.sex, age, formulary.policies.weight, None, request.weight_basis
    )
    grams = Fraction(weight.dosing_kg) * Fraction(regimen.g_per_kg_week)
    return WeeklyGrams(grams, regimen_id=regimen_id, regimen=regimen, weight=weight)


def regimen_of(regimens: Mapping[str, WeeklyDose], asked: str | None) -> tuple[str, WeeklyDose] | None:
    """The dose per kg that a label prints instead of a factor; one for a special population only when asked for."""
    if asked is not None and asked in regimens:
        return asked, regimens[asked]
    return next((item for item in regimens.items() if not item[1].population), None)


def to_milligrams(mass_g: Fraction) -> Decimal:
    """Grams to the nearest whole milligram."""
    exact = Decimal(mass_g.numerator) / Decimal(mass_g.denominator)
    return exact.quantize(MILLIGRAM, rounding=ROUND_HALF_UP).normalize()
