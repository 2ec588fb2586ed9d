"""Lean mass against examples printed elsewhere, and a walk through childhood."""

from __future__ import annotations

import numpy as np
import pytest

from ivigil.errors import ImpossibleValue
from ivigil.kinetics.body_size import lean_mass_boer_kg, lean_mass_kg, lean_mass_peters_kg


@pytest.mark.parametrize(
    ("weight", "height", "sex", "expected"),
    [
        (80.0, 180.0, "male", 61.42),  # calculatorhub.com, lean body mass (Boer)
        (62.0, 165.0, "female", 45.4),  # super-calc.com, example 2
        (60.0, 160.0, "female", 42.5),  # shorttutorials.com, Boer in women
        (70.0, 170.0, "male", 54.68),  # van der Zeeuw 2026, the man used to compare models
    ],
)
def test_boer(weight, height, sex, expected):
    assert lean_mass_boer_kg(weight, height, sex) == pytest.approx(expected, abs=0.05)


def test_peters():
    # shorttutorials.com: a child of 40 kg and 153 cm has 33.8405 kg.
    assert lean_mass_peters_kg(40.0, 153.0) == pytest.approx(33.8405, abs=0.005)


#: Median weight (kg) and height (cm) by age, rounded, of the CDC growth charts of 2000 (public domain).
CHILDHOOD = {
    "male": {2: (12.7, 86.5), 4: (16.3, 102.5), 6: (20.8, 115.5), 8: (25.7, 128.1), 10: (32.1, 138.8),
             12: (40.7, 149.3), 14: (51.2, 164.0), 16: (61.1, 173.5), 18: (67.3, 176.1)},
    "female": {2: (12.1, 85.0), 4: (15.9, 101.0), 6: (20.3, 115.0), 8: (25.8, 127.8), 10: (33.1, 138.3),
               12: (41.8, 151.5), 14: (49.4, 160.1), 16: (53.9, 162.5), 18: (56.2, 163.1)},
}  # fmt: skip


@pytest.mark.parametrize("sex", CHILDHOOD)
def test_through_childhood_lean_mass_is_positive_below_weight_and_smooth(sex):
    ages = np.arange(2.0, 18.0, 0.05)
    known = sorted(CHILDHOOD[sex])
    weights = np.interp(ages, known, [CHILDHOOD[sex][age][0] for age in known])
    heights = np.interp(ages, known, [CHILDHOOD[sex][age][1] for age in known])
    lean = np.array([lean_mass_kg(w, h, sex, a) for w, h, a in zip(weights, heights, ages, strict=True)])
    assert (lean > 0).all()
    assert (lean < weights).all()
    assert (np.diff(lean) > 0).all()
    assert np.abs(np.diff(lean)).max() < 0.3


@pytest.mark.parametrize("sex", CHILDHOOD)
def test_the_step_at_eighteen_is_small(sex):
    weight, height = CHILDHOOD[sex][18]
    child, adult = lean_mass_kg(weight, height, sex, 17.99), lean_mass_kg(weight, height, sex, 18.0)
    assert abs(adult - child) / adult < 0.06


def test_a_lean_mass_above_the_weight_is_refused():
    with pytest.raises(ImpossibleValue, match=r"equation of Boer gives a lean mass of .* not between 0 and the weight"):
        lean_mass_kg(40.0, 200.0, "female", 30.0)
