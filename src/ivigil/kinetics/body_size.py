"""Lean body mass: published equations, each with its citation."""

from __future__ import annotations

from typing import Final, Literal

from ivigil.errors import BadInput, ImpossibleValue

Sex = Literal["female", "male"]

ADULT_FROM_YEARS: Final = 18

#: Boer P. Am J Physiol 1984;247:F632-6: LBM (kg) = a × weight (kg) + b × height (cm) − c.
BOER: Final[dict[Sex, tuple[float, float, float]]] = {"male": (0.407, 0.267, 19.2), "female": (0.252, 0.473, 48.3)}

#: Peters AM et al. Br J Anaesth 2011;106:719-23: LBM = 3.8 × ECV, ECV (L) = 0.0215 × weight^0.6469 × height^0.7236.
PETERS_LBM_PER_ECV: Final = 3.8
PETERS_ECV: Final = 0.0215
PETERS_WEIGHT_POWER: Final = 0.6469
PETERS_HEIGHT_POWER: Final = 0.7236


def lean_mass_boer_kg(weight_kg: float, height_cm: float, sex: Sex) -> float:
    """Lean body mass (kg) of an adult by Boer 1984.

    Example: a man of 80 kg and 180 cm has 61.4 kg.
    """
    per_kg, per_cm, less = BOER[sex]
    return per_kg * weight_kg + per_cm * height_cm - less


def lean_mass_peters_kg(weight_kg: float, height_cm: float) -> float:
    """Lean body mass (kg) of a child by Peters 2011, made from children to about 14 years, without regard to sex.

    Example: a child of 40 kg and 153 cm has 33.8 kg.
    """
    ecv_l = PETERS_ECV * float(weight_kg**PETERS_WEIGHT_POWER * height_cm**PETERS_HEIGHT_POWER)
    return PETERS_LBM_PER_ECV * ecv_l


def lean_mass_kg(weight_kg: float, height_cm: float, sex: Sex | None, age_years: float) -> float:
    """Lean body mass (kg): Boer from 18 years on, Peters below.

    Raises:
        BadInput: an adult whose sex is not given.
        ImpossibleValue: a weight and height for which the equation gives no lean mass between zero and the weight.
    """
    if age_years < ADULT_FROM_YEARS:
        name, lean = "Peters", lean_mass_peters_kg(weight_kg, height_cm)
    elif sex is None:
        raise BadInput("sex", None, "Lean body mass of an adult is worked out by sex.", 'Give "female" or "male".')
    else:
        name, lean = "Boer", lean_mass_boer_kg(weight_kg, height_cm, sex)
    if not 0 < lean < weight_kg:
        raise ImpossibleValue(
            "height_cm",
            height_cm,
            f"With {weight_kg:g} kg the equation of {name} gives a lean mass of {lean:.1f} kg, which is not between 0 and the weight.",
            "Check weight and height, or choose a model that uses body weight.",
        )
    return lean
