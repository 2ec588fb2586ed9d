"""What is asked of the planner, and the facts it may use: values only, nothing that can be read or waited for."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Any, TypeVar

from ivigil import written
from ivigil.assessment.dates import check_dates
from ivigil.assessment.screening import Rules, Words, not_meant
from ivigil.errors import BadInput, ImpossibleValue
from ivigil.findings import Finding, MayBe, Severity
from ivigil.knowledge.indications import Indication
from ivigil.knowledge.policies import AcceptancePolicy, PlausibilityPolicy, Policies
from ivigil.knowledge.products import Product
from ivigil.knowledge.regimens import Phase, WeightBasis
from ivigil.knowledge.vocabulary import Vocabulary
from ivigil.patient import Patient
from ivigil.prescription.plan import Accepted
from ivigil.prescription.stock import StockRow
from ivigil.prescription.words import check_name, check_reason
from ivigil.sources import CitedSource, MadeWith, Source, cite

T = TypeVar("T")


@dataclass(frozen=True)
class Formulary:
    """The facts a plan is made from, as they were handed out by the knowledge."""

    products: tuple[Product, ...]
    indication: Indication
    rules: Rules
    policies: Policies
    vocabulary: Vocabulary
    source_of: Callable[[str], Source]
    waiting: Mapping[str, tuple[str, ...]]
    """Paths of overlay facts that wait to be confirmed again, by ``products/ID``, ``indications/ID`` or ``policy``."""
    made_with: MadeWith
    _once: dict[Hashable, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """What these facts alone decide, whoever the patient is: made when first asked for, then kept for the cohort.

        A formulary with other facts (``dataclasses.replace``) keeps nothing of this one's.
        """
        if key not in self._once:
            self._once[key] = make()
        made: T = self._once[key]
        return made

    def cited(self, name: str) -> CitedSource:
        """A source as a plan cites it."""
        return self.once(("cited", name), lambda: cite(self.source_of(name)))


@dataclass(frozen=True)
class Price:
    """Price of one gram."""

    per_g: Decimal
    currency: str


@dataclass(frozen=True)
class Request:
    """One request for a plan. Options left None are chosen by label, then by policy, and said so.

    A word found in a free text counts no longer once somebody accepted that it is not meant.
    """

    patient: Patient
    region: str
    start: datetime
    product: str | None = None
    phase: Phase | None = None
    regimen: str | None = None
    off_label: str | None = None
    dose_g_per_kg: Decimal | None = None
    days: int | None = None
    interval_days: int | None = None
    weight_basis: WeightBasis | None = None
    ceiling_ml_per_h: Decimal | None = None
    stock: tuple[StockRow, ...] | None = None
    price: Price | None = None
    accepted: tuple[Accepted, ...] = ()

    def __post_init__(self) -> None:
        if self.start.tzinfo is None:
            raise BadInput(
                "--start",
                self.start.isoformat(),
                "A datetime carries its offset.",
                "Write it as 2026-11-20T09:00:00-05:00.",
            )
        for name, value in (
            ("--dose-g-per-kg", self.dose_g_per_kg),
            ("--days", self.days),
            ("--interval-days", self.interval_days),
            ("--ceiling-ml-per-h", self.ceiling_ml_per_h),
            ("--price-per-g", self.price.per_g if self.price else None),
        ):
            if value is not None and (not Decimal(value).is_finite() or value <= 0):
                raise ImpossibleValue(name, str(value), f"{name} must be positive.", "Correct it or leave it out.")
        self._check_texts()
        if self.off_label is not None:
            check_reason("--off-label", self.off_label, "Off-label use needs a reason in words.", "Say why.")
        check_dates(self.patient, self.start, "--start")
        if aside := not_meant(self.patient, (row.code for row in self.accepted)):
            object.__setattr__(self, "patient", self.patient.setting_aside(aside))

    def _check_texts(self) -> None:
        """What a plan shows as it was typed must show as it is."""
        texts = [("--region", self.region), ("--off-label", self.off_label), ("--regimen", self.regimen)]
        texts += [("--currency", self.price.currency if self.price else None)]
        for row in self.accepted:
            texts += [("--by", row.by), ("--role", row.role), ("--because", row.because)]
        for name, text in texts:
            try:
                written.line(text or "")
            except written.NotReadable as problem:
                raise BadInput(name, text, problem.rule, problem.remedy) from problem

    def check_possible(self, policy: PlausibilityPolicy) -> None:
        """Refuse a number that no infusion can have, before anything is worked out with it.

        Raises:
            ImpossibleValue: with the limits, which are policy.
        """
        for key, (low, high) in policy.possible_request.items():
            value = self.price.per_g if key == "price_per_g" and self.price else getattr(self, key, None)
            if value is not None and not low <= value <= high:
                raise ImpossibleValue(
                    f"--{key.replace('_', '-')}",
                    str(value),
                    f"It lies between {low} and {high}.",
                    "Correct it or leave it out.",
                )

    @cached_property
    def words(self) -> Words:
        """The words of the patient's lists, without those that somebody said are not meant."""
        return Words.of(self.patient)

    def accepts(self, finding: Finding) -> bool:
        """Whether somebody accepted this finding and it is one that may be accepted."""
        return finding.may_be is not MayBe.NEITHER and any(row.code == finding.code for row in self.accepted)

    def stops(self, finding: Finding) -> bool:
        """Whether a finding still blocks."""
        return finding.severity is Severity.BLOCKS and not self.accepts(finding)


def check_accepted(accepted: tuple[Accepted, ...], findings: tuple[Finding, ...], policy: AcceptancePolicy) -> None:
    """Refuse an acceptance of what was not found, that nobody may accept, by a role that may not, twice, or without words.

    Raises:
        BadInput: with the codes that may be accepted.
    """
    by_code = {finding.code: finding for finding in findings if finding.severity is Severity.BLOCKS}
    open_codes = [code for code, finding in by_code.items() if finding.may_be is not MayBe.NEITHER]
    hint = (
        f"This plan lets these be accepted: {', '.join(open_codes)}."
        if open_codes
        else "Nothing in this plan can be accepted."
    )
    for place, row in enumerate(accepted):
        if row.code in {one.code for one in accepted[:place]}:
            raise BadInput(
                "--accept", row.code, "A finding is accepted once, by one person.", "Leave out all but one of them."
            )
        finding = by_code.get(row.code)
        if finding is None:
            raise BadInput("--accept", row.code, "Only a finding that blocks this plan can be accepted.", hint)
        if finding.may_be is MayBe.NEITHER:
            raise BadInput("--accept", row.code, "Nobody may accept this finding.", finding.remedy or hint)
        roles = policy.confirm_roles if finding.may_be is MayBe.CONFIRMED else policy.override_roles
        if row.role not in roles.items:
            raise BadInput(
                "--role",
                row.role,
                f"{row.code} may be {finding.may_be.value} by: {', '.join(roles.items)}.",
                "Ask one of them.",
            )
        recorded = "Who accepts a finding, and why, is recorded."
        check_name("--by", row.by, recorded, "Give --by.")
        check_reason("--because", row.because, f"{recorded} A reason has words.", "Give --because in words.")
