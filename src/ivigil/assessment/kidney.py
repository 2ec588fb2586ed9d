"""Estimated glomerular filtration rate from serum creatinine, with the inputs shown."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Final, Literal

from ivigil.errors import BadInput
from ivigil.patient import Lab, Patient, Sex

ADULT_FROM_YEARS = 18

#: CKD-EPI 2021 creatinine equation without race. Inker LA et al. N Engl J Med 2021;385:1737-49, table S10 / abstract:
#: 142 x min(Scr/k, 1)^a x max(Scr/k, 1)^-1.200 x 0.9938^age x 1.012 (female).
CKD_EPI_FACTOR: Final = 142.0
CKD_EPI_KAPPA_MG_PER_DL: Final[dict[Sex, float]] = {"female": 0.7, "male": 0.9}
CKD_EPI_ALPHA: Final[dict[Sex, float]] = {"female": -0.241, "male": -0.302}
CKD_EPI_ABOVE_KAPPA: Final = -1.200
CKD_EPI_PER_YEAR: Final = 0.9938
CKD_EPI_SEX: Final[dict[Sex, float]] = {"female": 1.012, "male": 1.0}

#: Bedside Schwartz. Schwartz GJ et al. J Am Soc Nephrol 2009;20:629-37: 0.413 x height (cm) / creatinine (mg/dL).
SCHWARTZ_FACTOR: Final = 0.413
SCHWARTZ_FROM_YEARS: Final = 1

Method = Literal["recorded", "CKD-EPI 2021", "bedside Schwartz"]

#: The source record of each equation; a recorded value rests on the laboratory.
EQUATIONS: Final[dict[Method, tuple[str, ...]]] = {
    "recorded": (),
    "CKD-EPI 2021": ("equations/ckd_epi_2021",),
    "bedside Schwartz": ("equations/schwartz_2009",),
}


@dataclass(frozen=True)
class Egfr:
    """eGFR (mL/min/1.73 m2), how it was obtained, and from what."""

    ml_per_min_per_1_73_m2: Decimal
    method: Method
    inputs: str
    taken_at: datetime


def ckd_epi_2021(creatinine_mg_per_dl: float, age_years: float, sex: Sex) -> float:
    """EGFR (mL/min/1.73 m2) of an adult by CKD-EPI 2021.

    Raises:
        BadInput: under 18 years, for whom the equation was not made, or a creatinine that is not positive.
    """
    _positive(creatinine_mg_per_dl)
    if age_years < ADULT_FROM_YEARS:
        raise BadInput(
            "age_years",
            age_years,
            "CKD-EPI 2021 holds from 18 years on.",
            "Use the bedside Schwartz equation with height.",
        )
    ratio = creatinine_mg_per_dl / CKD_EPI_KAPPA_MG_PER_DL[sex]
    return float(
        CKD_EPI_FACTOR
        * min(ratio, 1.0) ** CKD_EPI_ALPHA[sex]
        * max(ratio, 1.0) ** CKD_EPI_ABOVE_KAPPA
        * CKD_EPI_PER_YEAR**age_years
        * CKD_EPI_SEX[sex]
    )


def bedside_schwartz(creatinine_mg_per_dl: float, height_cm: float, age_years: float) -> float:
    """EGFR (mL/min/1.73 m2) of a child of 1 to 17 years by the bedside Schwartz equation.

    Raises:
        BadInput: outside 1 to 17 years, or a creatinine that is not positive.
    """
    _positive(creatinine_mg_per_dl)
    if not SCHWARTZ_FROM_YEARS <= age_years < ADULT_FROM_YEARS:
        raise BadInput(
            "age_years",
            age_years,
            "The bedside Schwartz equation was made for children of 1 to 17 years.",
            "Ask the laboratory for a measured or age-specific value.",
        )
    return SCHWARTZ_FACTOR * height_cm / creatinine_mg_per_dl


def egfr_of(patient: Patient, at: datetime) -> Egfr | None:
    """The newer of a recorded eGFR and one worked out from the latest creatinine, the lower of two of one day; None where
    neither can be had.

    A recorded value that is older than a creatinine from which none can be worked out says nothing of today's kidneys:
    it is left out here, and :func:`older_recorded_egfr` gives it for what it may still restrict.
    """
    recorded, creatinine = patient.latest("egfr"), patient.latest("creatinine")
    worked_out = None if creatinine is None else _worked_out(creatinine, patient, at)
    if recorded is not None and (creatinine is None or recorded.taken_at >= creatinine.taken_at):
        told = _recorded(recorded)
        return told if told is None or worked_out is None else _of_one_day(told, worked_out)
    if recorded is not None and worked_out is not None and (told := _recorded(recorded)) is not None:
        return _of_one_day(worked_out, told)
    return worked_out


def _of_one_day(newer: Egfr, other: Egfr) -> Egfr:
    """The newer; where the other is of the same day and lower, that one, with the higher beside it.

    Two values of one blood sample that disagree are a slip somewhere, and a slip must not hide reduced kidney function.
    """
    if newer.taken_at.date() != other.taken_at.date() or other.ml_per_min_per_1_73_m2 >= newer.ml_per_min_per_1_73_m2:
        return newer
    beside = f"{newer.method} {newer.ml_per_min_per_1_73_m2.normalize():f} of the same day; the lower counts"
    return replace(other, inputs=f"{other.inputs}; {beside}")


def older_recorded_egfr(patient: Patient) -> Egfr | None:
    """The latest recorded eGFR, however old it is beside the creatinine."""
    recorded = patient.latest("egfr")
    return None if recorded is None else _recorded(recorded)


def below_every_equation(patient: Patient, at: datetime) -> bool:
    """Whether the patient is too young for any equation: then no entry in the record helps but the laboratory's own."""
    age = patient.age_at(at)
    return age is not None and age < SCHWARTZ_FROM_YEARS


def missing_for_egfr(patient: Patient, at: datetime) -> str:
    """What the record lacks for an eGFR to be worked out from its creatinine; empty where nothing is lacking."""
    age = patient.age_at(at)
    if age is None:
        return "the age, and sex (adults) or height (children)"
    if age >= ADULT_FROM_YEARS:
        return "the sex" if patient.sex is None else ""
    if below_every_equation(patient, at):
        return f"the laboratory's own value, since no equation here holds below {SCHWARTZ_FROM_YEARS} year of age"
    return "the height" if patient.height_cm is None else ""


def _recorded(lab: Lab) -> Egfr | None:
    if not isinstance(lab.value, Decimal):
        return None
    return Egfr(lab.value, "recorded", f"laboratory value of {lab.taken_at.date().isoformat()}", lab.taken_at)


def _worked_out(lab: Lab, patient: Patient, at: datetime) -> Egfr | None:
    age = patient.age_at(at)
    if age is None or not isinstance(lab.value, Decimal) or lab.value <= 0:
        return None
    shown = f"creatinine {lab.shown} of {lab.taken_at.date().isoformat()}, age {int(age)}"
    if age >= ADULT_FROM_YEARS:
        if patient.sex is None:
            return None
        value = ckd_epi_2021(float(lab.value), float(age), patient.sex)
        return Egfr(_whole(value), "CKD-EPI 2021", f"{shown}, {patient.sex}", lab.taken_at)
    if patient.height_cm is None or age < SCHWARTZ_FROM_YEARS:
        return None
    value = bedside_schwartz(float(lab.value), float(patient.height_cm), float(age))
    return Egfr(_whole(value), "bedside Schwartz", f"{shown}, height {patient.height_cm} cm", lab.taken_at)


def _whole(value: float) -> Decimal:
    """As laboratories report it: whole mL/min/1.73 m2."""
    return Decimal(round(value))


def _positive(creatinine_mg_per_dl: float) -> None:
    if creatinine_mg_per_dl <= 0:
        raise BadInput("creatinine", creatinine_mg_per_dl, "Creatinine is above zero.", "Check the value and its unit.")
