"""What studies found, what else can be done, and how immunoglobulin is thought to work: statements with sources."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from ivigil.findings import Severity
from ivigil.knowledge.facts import Fact, Record, Statement, Terms
from ivigil.knowledge.rules import Rule


def _only_weighs(mark: Rule) -> Rule:
    if mark.severity is Severity.BLOCKS or mark.regions or mark.raises:
        raise ValueError("a mark warns or informs; it blocks nothing, has no regions and raises no risk for a schedule")
    return mark


#: What of a patient's record speaks against a therapy (``warns``), or for it or is to be known (``informs``): a row for
#: the engine that screens.
Mark = Annotated[Rule, AfterValidator(_only_weighs)]


class Result(Fact):
    """One finding of a study in words that keep denominator, window, analysis set and method with every number."""

    text: str
    measure: str = ""


class Study(Record):
    """One trial, cohort or review. ``indications`` are the condition ids it informs."""

    id: str
    name: str
    indications: Terms
    design: str
    n: int | None = None
    population: str = ""
    arms: tuple[str, ...] = ()
    follow_up: str = ""
    results: dict[str, Result]
    notes: dict[str, Statement] = {}


class Option(Record):
    """One alternative for a family of conditions. Absent parts were not found.

    ``evidence`` is evidence against or beside immunoglobulin; ``wrong_when`` says when it must not be used; ``marks``
    hold for a patient with these conditions, beside those of the therapy.
    """

    therapy: str
    licensed: dict[str, Statement] = {}
    evidence: dict[str, Statement] = {}
    setting: Statement | None = None
    frequency: Statement | None = None
    main_risks: Statement | None = None
    preferred_when: Statement | None = None
    wrong_when: Statement | None = None
    cost: Statement | None = None
    notes: dict[str, Statement] = {}
    marks: dict[str, Mark] = {}


class Therapy(Record):
    """What holds for a therapy whatever the condition: its risks and setting.

    ``beside`` is what to heed where immunoglobulin is given beside it, before it or after it; ``marks`` are what makes it
    better or worse for one patient.
    """

    id: str
    name: str
    also: Terms = ()
    statements: dict[str, Statement]
    beside: dict[str, Statement] = {}
    marks: dict[str, Mark] = {}

    @property
    def coded_marks(self) -> dict[str, Rule]:
        """Marks by the code of what they find."""
        return {_code(self.id, key): mark for key, mark in self.marks.items()}


class Alternatives(Record):
    """The alternatives for one family of conditions, and the order in which they may follow immunoglobulin."""

    id: str
    family: str
    indications: Terms
    guideline: dict[str, Statement] = {}
    options: dict[str, Option]
    sequence: dict[str, Statement] = {}
    pointless: dict[str, Statement] = {}
    notes: dict[str, Statement] = {}

    def coded_marks(self, option: Option) -> dict[str, Rule]:
        """The marks that one of the options has for these conditions alone, by code."""
        return {_code(self.id, option.therapy, key): mark for key, mark in option.marks.items()}


def _code(*parts: str) -> str:
    return "-".join(parts).replace("_", "-")


class Mechanism(Record):
    """One way in which immunoglobulin may work: what was measured, what speaks against it, what is not known."""

    id: str
    name: str
    indications: Terms = ()
    summary: Statement
    findings: dict[str, Statement]
    against: dict[str, Statement] = {}
    unknown: dict[str, Statement] = {}
