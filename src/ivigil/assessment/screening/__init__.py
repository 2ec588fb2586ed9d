"""Screening: rules in data, decided over three values (yes, no, not recorded), into findings."""

from ivigil.assessment.screening.ahead import screen_ahead
from ivigil.assessment.screening.circumstances import Circumstances, Words
from ivigil.assessment.screening.counting import thrombosis_factors
from ivigil.assessment.screening.plausibility import kidney_function, unlikely_values
from ivigil.assessment.screening.screen import NOT_VERIFIED, Rules, screen_dose, screen_patient, screen_product
from ivigil.assessment.screening.texts import free_texts, not_meant

__all__ = [
    "NOT_VERIFIED",
    "Circumstances",
    "Rules",
    "Words",
    "free_texts",
    "kidney_function",
    "not_meant",
    "screen_ahead",
    "screen_dose",
    "screen_patient",
    "screen_product",
    "thrombosis_factors",
    "unlikely_values",
]
