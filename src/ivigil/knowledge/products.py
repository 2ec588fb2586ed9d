"""One immunoglobulin product: what it is, and per region what its label permits and restricts."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from pydantic import model_validator

from ivigil.findings import MayBe, Severity
from ivigil.knowledge.facts import (
    Age,
    Amount,
    Concentration,
    Count,
    Fact,
    HeldRate,
    Interval,
    Items,
    Minutes,
    Rate,
    RateStep,
    Record,
    Statement,
    Terms,
    TierRate,
    VialSizes,
    Words,
)
from ivigil.knowledge.regimens import Regimen
from ivigil.knowledge.rules import Predicate, Risk, Unknown
from ivigil.knowledge.subcutaneous import SubcutaneousLabel
from ivigil.sources import Read


class Route(StrEnum):
    """How a product is given."""

    IV = "iv"
    SC = "sc"


class Steps(Fact):
    """A rate ladder that the label prints in full, first step first."""

    rates: tuple[HeldRate, ...]


class RateTable(Record):
    """What a label prints about rates for one use at one concentration.

    ``start`` is held for ``start_hold``; then either the printed ``steps`` (the first of which is the start), a fixed
    ``increment``, or steps of the site's policy no closer than ``interval``, up to ``max``. ``tiers`` are maxima that
    depend on how many infusions of this product went before.
    """

    start: Rate
    start_hold: Minutes | None = None
    steps: Steps | None = None
    increment: RateStep | None = None
    interval: Interval | None = None
    max: Rate
    tiers: tuple[TierRate, ...] = ()
    when: Statement | None = None

    @model_validator(mode="after")
    def _one_ladder(self) -> Self:
        if self.steps is not None and self.increment is not None:
            raise ValueError("a label prints either steps or an increment, not both")
        return self


class Limitation(Fact):
    """What a label says a use is limited by, in the project's own words.

    It holds where ``when`` holds and one of ``risks`` was raised by screening; with neither it always holds. ``regimens``
    are the regimens of the use that it concerns (empty: all); one that blocks there is not proposed while another stands.
    ``unknown`` is said where the record does not tell.
    """

    text: str
    severity: Severity
    may_be: MayBe = MayBe.NEITHER
    remedy: str = ""
    when: Predicate | None = None
    risks: tuple[Risk, ...] = ()
    regimens: Terms = ()
    unknown: Unknown | None = None

    @model_validator(mode="after")
    def _says_what_to_do(self) -> Self:
        if self.severity is not Severity.INFORMS and not self.remedy:
            raise ValueError(f"a limitation that {self.severity.value} needs a remedy")
        if self.may_be is not MayBe.NEITHER and self.severity is not Severity.BLOCKS:
            raise ValueError("only a limitation that blocks may be accepted")
        return self


class Use(Record):
    """One labelled use of a product: for whom, how much, how fast.

    ``indications`` are the ids of the conditions it serves. ``rates`` is keyed by concentration (a key of
    ``Product.concentrations``). A use with no ``min_age`` has no age that was read: adults only.
    """

    indications: tuple[str, ...]
    indication: Statement
    min_age: Age | None = None
    max_age: Age | None = None
    regimens: dict[str, Regimen]
    rates: dict[str, RateTable] = {}
    limitations: dict[str, Limitation] = {}

    @model_validator(mode="after")
    def _limits_its_own_regimens(self) -> Self:
        named = {name for one in self.limitations.values() for name in one.regimens}
        if unknown := sorted(named - set(self.regimens)):
            raise ValueError(f"a limitation names a regimen this use does not have: {', '.join(unknown)}")
        return self


class AtRisk(Record):
    """What a label says for patients at risk of kidney failure or thrombosis; ``cap`` only where a number is printed."""

    rule: Statement
    cap: Rate | None = None


class Label(Record):
    """What one region's label says about a product."""

    region: Words
    revision: Words
    uses: dict[str, Use]
    at_risk: AtRisk | None = None
    not_labelled_for: Items | None = None
    switching: Statement | None = None
    subcutaneous: SubcutaneousLabel | None = None


class Fluids(Fact):
    """Which fluids may be used for a purpose, and which may not.

    ``permitted`` False means the label forbids the purpose itself (for example "do not dilute"). None: not stated.
    """

    permitted: bool | None = None
    allowed: Terms = ()
    forbidden: Terms = ()
    text: str = ""

    @property
    def permits(self) -> bool:
        """Whether it lets anything be mixed in or run through, beyond what it forbids."""
        return self.permitted is True or bool(self.allowed)

    @model_validator(mode="after")
    def _one_voice(self) -> Self:
        if self.permitted is False and self.allowed:
            raise ValueError("permitted = false and allowed contradict each other")
        if both := set(self.allowed) & set(self.forbidden):
            raise ValueError(f"{', '.join(sorted(both))} stands under allowed and under forbidden")
        if self.permits and self.read is Read.NOT_READ:
            raise ValueError("read = not_read permits no fluid; keep what it forbids, or read it")
        return self


class InUse(Minutes):
    """How long a prepared infusion may last (min)."""


class Administration(Record):
    """How to hang this product. What was not read is absent and is shown as "not read: see the label".

    ``in_use`` is the longest time a prepared infusion may last, where ``time_limit`` says so in figures.
    """

    line: Statement | None = None
    dilution: Fluids | None = None
    flush: Fluids | None = None
    filter: Statement | None = None
    pooling: Statement | None = None
    time_limit: Statement | None = None
    in_use: InUse | None = None
    temperature: Statement | None = None
    shaking: Statement | None = None
    venting: Statement | None = None
    needle: Statement | None = None
    residual: Statement | None = None
    reconstitution: Statement | None = None


class Product(Record):
    """One product at one set of concentrations. The id is that of the facts and never changes.

    ``excipients`` None means that no list was read: a rule that asks for one is then undecided, never "no".
    """

    id: str
    brand: Words
    route: Route
    form: Words
    routes: Items
    manufacturer: Statement | None = None
    first_us_approval: Count | None = None
    market_status: Statement | None = None
    concentrations: dict[str, Concentration]
    vials: VialSizes | None = None
    stabiliser: Statement | None = None
    excipients: dict[str, Statement] | None = None
    cautions: dict[str, Statement] = {}
    iga_mcg_per_ml: Amount | None = None
    sodium: Statement | None = None
    osmolality_mosm_per_kg: Amount | None = None
    ph: Amount | None = None
    storage: Statement | None = None
    min_donors: Count | None = None
    viral_reduction: Items | None = None
    contraindications: dict[str, Statement] = {}
    boxed_warnings: dict[str, Statement] = {}
    administration: Administration = Administration()
    labels: dict[str, Label] = {}
