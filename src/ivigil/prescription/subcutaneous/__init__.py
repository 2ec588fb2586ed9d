"""The start under the skin: from an intravenous regimen to the first weeks, by one product's label and named policy."""

from ivigil.prescription.subcutaneous.asked import Start
from ivigil.prescription.subcutaneous.making import plan_start

__all__ = ["Start", "plan_start"]
