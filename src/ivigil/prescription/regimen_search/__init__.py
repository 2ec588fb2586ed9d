"""Regimens of a label that reach a trough, from what a forecast believes of this patient. Proposals, never plans."""

from ivigil.prescription.regimen_search.asked import Aim, Search
from ivigil.prescription.regimen_search.proposing import Case, propose
from ivigil.prescription.regimen_search.result import Advice, Proposal

__all__ = ["Advice", "Aim", "Case", "Proposal", "Search", "propose"]
