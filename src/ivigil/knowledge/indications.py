"""One condition: its names and codes, where it stands with regulators, and how it is dosed."""

from __future__ import annotations

from enum import StrEnum

from ivigil.knowledge.facts import Fact, Record, Statement
from ivigil.knowledge.regimens import Regimen


class StatusGroup(StrEnum):
    """How a condition stands in the facts, over all regions; see ``regulatory`` for a region's own word."""

    FDA_APPROVED = "fda_approved"
    GUIDELINE_SUPPORTED_OFF_LABEL = "guideline_supported_off_label"
    INVESTIGATIONAL = "investigational"
    NOT_SUPPORTED = "not_supported"


class Code(Record):
    """An ICD-10-CM code with its title."""

    code: str
    label: str


class Regulatory(Fact):
    """A region's regulatory standing in that region's own words."""

    status: str
    text: str = ""


class Indication(Record):
    """One condition. The id is that of the facts and never changes.

    ``regimens`` are guideline and foreign regimens, used for off-label plans; a product's own label regimen stands in
    the product. ``replacement`` is True where the aim is an IgG level rather than immune modulation.
    """

    id: str
    name: str
    status_group: StatusGroup
    replacement: bool
    synonyms: tuple[str, ...] = ()
    icd10cm: tuple[Code, ...] = ()
    population: dict[str, Statement] = {}
    regulatory: dict[str, Regulatory] = {}
    regimens: dict[str, Regimen] = {}
    cautions: dict[str, Statement] = {}
    conflicts: dict[str, Statement] = {}
