"""Screening: rules in data, decided over three values (yes, no, not recorded), into findings."""

from ivigil.assessment.screening.circumstances import Circumstances
from ivigil.assessment.screening.plausibility import unlikely_values
from ivigil.assessment.screening.screen import Rules, screen_dose, screen_patient, screen_product

__all__ = ["Circumstances", "Rules", "screen_dose", "screen_patient", "screen_product", "unlikely_values"]
