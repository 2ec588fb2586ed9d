"""Units and conversions. Every conversion in the project lives here, named for what it converts.

All arithmetic that ends in a dose or a rate is done in :class:`decimal.Decimal`, so that a printed 0.3 mL/kg/h at
82 kg is 24.6 mL/h and not 24.599999.
"""

from __future__ import annotations

from decimal import ROUND_DOWN, ROUND_FLOOR, Decimal

MIN_PER_H = 60
HOURS_PER_DAY = 24
MIN_PER_DAY = HOURS_PER_DAY * MIN_PER_H
MG_PER_G = 1000
ML_PER_L = 1000
DAYS_PER_WEEK = 7
DAYS_IN_A_LEAP_YEAR = 366
#: Inch and pound in SI, exact by definition (NIST SP 811, appendix B.8).
CM_PER_INCH = Decimal("2.54")
KG_PER_POUND = Decimal("0.45359237")
#: 1 dL is 0.1 L, so 1 g/L is 100 mg/dL.
MG_PER_DL_IN_G_PER_L = 100
#: Creatinine: 113.12 g/mol, so 1 mg/dL is 88.4 umol/L (rounded as laboratories do).
UMOL_PER_L_IN_MG_PER_DL_CREATININE = Decimal("88.4")

#: 1 nmol of 1 kDa is 1 µg, a thousandth of a milligram.
NMOL_KDA_IN_MG = 1000

TENTH = Decimal("0.1")
#: Rates derived by division are cut, never rounded up, at this many decimals of mL/kg/h.
RATE_QUANTUM = Decimal("0.000001")


def ml_per_kg_h_from_mg_per_kg_min(rate_mg_per_kg_min: Decimal, concentration_g_per_ml: Decimal) -> Decimal:
    """Volume rate (mL/kg/h) of a mass rate (mg/kg/min) at a protein concentration (g/mL), cut downwards."""
    rate = rate_mg_per_kg_min * MIN_PER_H / (concentration_g_per_ml * MG_PER_G)
    return rate.quantize(RATE_QUANTUM, rounding=ROUND_FLOOR).normalize()


def ml_per_kg_h_from_ml_per_kg_min(rate_ml_per_kg_min: Decimal) -> Decimal:
    """mL/kg/h of mL/kg/min."""
    return rate_ml_per_kg_min * MIN_PER_H


def ml_per_kg_h_from_mg_per_kg_h(rate_mg_per_kg_h: Decimal, concentration_g_per_ml: Decimal) -> Decimal:
    """Volume rate (mL/kg/h) of a mass rate (mg/kg/h) at a protein concentration (g/mL), cut downwards."""
    rate = rate_mg_per_kg_h / (concentration_g_per_ml * MG_PER_G)
    return rate.quantize(RATE_QUANTUM, rounding=ROUND_FLOOR).normalize()


def mg_per_kg_min_from_ml_per_kg_h(rate_ml_per_kg_h: Decimal, concentration_g_per_ml: Decimal) -> Decimal:
    """Mass rate (mg/kg/min) of a volume rate (mL/kg/h) at a protein concentration (g/mL)."""
    return rate_ml_per_kg_h * concentration_g_per_ml * MG_PER_G / MIN_PER_H


def ml_from_g(mass_g: Decimal, concentration_g_per_ml: Decimal) -> Decimal:
    """Volume (mL) that holds a mass of protein (g)."""
    return mass_g / concentration_g_per_ml


def tenths_down(volume_or_rate: Decimal) -> Decimal:
    """A volume (mL) or pump rate (mL/h) in whole tenths, rounded down: what a pump can be set to."""
    return volume_or_rate.quantize(TENTH, rounding=ROUND_DOWN)


def g_per_l_from_mg_per_dl(level_mg_per_dl: Decimal) -> Decimal:
    """g/L of mg/dL (IgG, IgA, IgM)."""
    return level_mg_per_dl / MG_PER_DL_IN_G_PER_L


def mg_per_dl_from_umol_per_l_creatinine(level_umol_per_l: Decimal) -> Decimal:
    """Serum creatinine in mg/dL from umol/L."""
    return level_umol_per_l / UMOL_PER_L_IN_MG_PER_DL_CREATININE


def kg_from_pounds(weight_lb: Decimal) -> Decimal:
    """Kilograms of avoirdupois pounds."""
    return weight_lb * KG_PER_POUND


def bmi_kg_per_m2(weight_kg: Decimal, height_cm: Decimal) -> Decimal:
    """Body mass index (kg/m2)."""
    height_m = height_cm / 100
    return weight_kg / (height_m * height_m)


def mg_per_l_from_nmol_per_l(nmol_per_l: float, molar_mass_kda: float) -> float:
    """Mass concentration (mg/L) of a molar one (nmol/L) of so many kDa."""
    return nmol_per_l * molar_mass_kda / NMOL_KDA_IN_MG
