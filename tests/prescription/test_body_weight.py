"""Devine and adjusted weight against worked examples, and the policy that chooses between them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from ivigil.errors import BadInput
from ivigil.knowledge.loading import Knowledge
from ivigil.knowledge.regimens import WeightBasis
from ivigil.prescription.body_weight import adjusted_body_weight_kg, choose_weight, ideal_body_weight_kg


@pytest.mark.parametrize(
    ("sex", "inches", "ideal_kg"),
    [
        # Devine 1974, the formula's own anchors: 5 feet, and 2.3 kg for each inch above.
        ("male", 60, "50"),
        ("female", 60, "45.5"),
        ("male", 70, "73"),  # 50 + 10 x 2.3
        ("female", 64, "54.7"),  # 45.5 + 4 x 2.3
    ],
)
def test_ideal_weight_by_devine(sex: str, inches: int, ideal_kg: str) -> None:
    assert ideal_body_weight_kg(sex, inches * Decimal("2.54")) == Decimal(ideal_kg)  # type: ignore[arg-type]


def test_ideal_weight_is_refused_below_five_feet() -> None:
    with pytest.raises(BadInput, match=r"defined from 152\.4 cm"):
        ideal_body_weight_kg("female", Decimal("152.3"))


def test_adjusted_weight() -> None:
    """National Blood Authority (Australia): ideal + 0.4 x (actual - ideal); 70 + 0.4 x 50 = 90."""
    assert adjusted_body_weight_kg(Decimal(70), Decimal(120), Decimal("0.4")) == 90


@pytest.mark.parametrize(
    ("weight", "height", "age", "basis"),
    [
        ("86.6", 170, 40, WeightBasis.ACTUAL),  # BMI 29.97
        ("86.7", 170, 40, WeightBasis.ADJUSTED),  # BMI 30.00
        ("86.7", 170, "17.9", WeightBasis.ACTUAL),  # under 18 years: actual weight
    ],
)
def test_policy_adjusts_adults_from_bmi_30(
    knowledge: Knowledge, weight: str, height: int, age: object, basis: WeightBasis
) -> None:
    chosen = choose_weight(
        Decimal(weight), Decimal(height), "female", Decimal(str(age)), knowledge.policies.weight, None, None
    )

    assert chosen.basis is basis
    assert chosen.rate_kg == min(Decimal(weight), chosen.dosing_kg)


def test_a_source_that_names_its_weight_goes_before_policy_and_a_clinician_before_the_source(
    knowledge: Knowledge,
) -> None:
    policy = knowledge.policies.weight
    person = (Decimal(70), Decimal(170), "male", Decimal(40))

    by_source = choose_weight(*person, policy, WeightBasis.IDEAL, None)  # type: ignore[arg-type]
    by_clinician = choose_weight(*person, policy, WeightBasis.IDEAL, WeightBasis.ACTUAL)  # type: ignore[arg-type]

    assert by_source.dosing_kg == Decimal("65.9")  # 50 + 2.3 x (170/2.54 - 60) = 65.94
    assert by_source.findings[0].code == "dosing-weight-ideal"
    assert by_clinician.dosing_kg == 70


def test_a_basis_that_cannot_be_worked_out_is_refused_not_replaced(knowledge: Knowledge) -> None:
    with pytest.raises(BadInput, match="need an adult's sex and height"):
        choose_weight(Decimal(70), None, "male", Decimal(40), knowledge.policies.weight, None, WeightBasis.IDEAL)
