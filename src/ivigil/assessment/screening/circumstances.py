"""What a screening rule is asked about: this patient, at this moment, with this product and dose."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Literal

from ivigil.knowledge.policies import CriteriaPolicy
from ivigil.knowledge.products import Product
from ivigil.knowledge.recognition import WordList
from ivigil.patient import Lab, Patient, ProductHistory

Newness = Literal["naive", "switch", "gap"]


@dataclass(frozen=True)
class Words:
    """The words of a patient's lists, by list: those recorded (None: not recorded) and those found in free texts.

    Rules ask for them hundreds of times a plan, so they are gathered once.
    """

    listed: dict[WordList, frozenset[str] | None]
    in_texts: dict[WordList, frozenset[str]]

    @classmethod
    def of(cls, patient: Patient) -> Words:
        """Gathered from a record."""
        return cls({name: patient.listed(name) for name in LISTS}, {name: patient.in_texts(name) for name in LISTS})

    def present(self, name: WordList) -> frozenset[str]:
        """Every word of a list that is recorded or stands in a text."""
        return (self.listed[name] or frozenset()) | self.in_texts[name]

    def implying(self, conditions: tuple[str, ...]) -> Words:
        """The same with conditions that the indication itself means.

        They count as recorded; where no conditions are recorded, the others stay not recorded.
        """
        if not conditions:
            return self
        recorded, found = self.listed["conditions"], self.in_texts["conditions"]
        listed = self.listed | {"conditions": None if recorded is None else recorded | set(conditions)}
        return replace(self, listed=listed, in_texts=self.in_texts | {"conditions": found | set(conditions)})


LISTS: tuple[WordList, ...] = ("conditions", "allergies", "medicines")


@dataclass(frozen=True)
class Circumstances:
    """The patient at the planned start; ``product`` and ``course_dose_g_per_kg`` are None until they are known.

    ``permits`` is set when a yes would speak for treatment: then a word found in a free text is no yes. With ``criteria``
    a result older than that policy lets count says nothing.
    """

    patient: Patient
    at: datetime
    region: str
    long_gap_days: Decimal
    product: Product | None = None
    course_dose_g_per_kg: Decimal | None = None
    permits: bool = False
    known_words: Words | None = None
    """Those of ``patient``, where they are gathered already."""
    criteria: CriteriaPolicy | None = None

    def counts(self, lab: Lab) -> bool:
        """Whether a result is young enough; without the policy one of any age is."""
        return self.criteria is None or self.days_old(lab) <= self.criteria.of_test(lab.test).value

    def days_old(self, lab: Lab) -> int:
        """Completed days from a sample to the moment."""
        return (self.at - lab.taken_at).days

    @cached_property
    def words(self) -> Words:
        """The words of the patient's lists."""
        return self.known_words or Words.of(self.patient)

    @property
    def history_of_product(self) -> ProductHistory | None:
        """What this patient bore of the product under consideration; None if never given or not recorded."""
        entries = self.patient.immunoglobulin_history or ()
        return next((entry for entry in entries if self.product and entry.product == self.product.id), None)

    @property
    def newness(self) -> frozenset[Newness] | None:
        """In which ways the product is new to the patient (empty: it is not); None if the history or the product is not known.

        A patient may be switched and come back after a gap at once. The gap is counted from the last infusion of any
        immunoglobulin.
        """
        history = self.patient.immunoglobulin_history
        if history is None:
            return None
        if not history:
            return frozenset({"naive"})  # whatever the product
        if self.product is None:
            return None
        latest = max(history, key=lambda entry: entry.last_given_at)
        ways: set[Newness] = set()
        if latest.product != self.product.id:
            ways.add("switch")
        if (self.at - latest.last_given_at).days > self.long_gap_days:
            ways.add("gap")
        return frozenset(ways)

    @property
    def borne(self) -> ProductHistory | None:
        """The history of the product if it is the one borne now: given last, without a long gap."""
        return self.history_of_product if self.newness == frozenset() else None
