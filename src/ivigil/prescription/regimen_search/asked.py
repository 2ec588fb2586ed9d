"""What is asked of a search: the level to reach, how surely, with which products at which prices."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from ivigil.errors import BadInput, ImpossibleValue
from ivigil.knowledge.policies import ProposalPolicy
from ivigil.knowledge.targets import TroughTarget
from ivigil.knowledge.vocabulary import LabTest
from ivigil.quantities import MG_PER_DL_IN_G_PER_L
from ivigil.sources import Origin, Read


@dataclass(frozen=True)
class Aim:
    """The least trough (g/L, true IgG just before a dose) to reach, and whose it is."""

    g_per_l: float
    name: str | None = None
    target: TroughTarget | None = None

    @property
    def text(self) -> str:
        """Where the level comes from."""
        return "given as a number" if self.target is None else f"{self.target.body}: {self.target.text}"

    @classmethod
    def number(cls, g_per_l: float, igg: LabTest) -> Aim:
        """A level given as a number.

        Raises:
            ImpossibleValue: not a trough in g/L; what looks like mg/dL is asked about.
        """
        where = "--target-trough"
        if not math.isfinite(g_per_l) or g_per_l <= 0:
            raise ImpossibleValue(where, g_per_l, "A trough is a number above zero, in g/L.", "Correct it.")
        if igg.likely is not None and g_per_l > float(igg.likely[1]):
            raise ImpossibleValue(
                where,
                g_per_l,
                f"A trough target lies below {igg.likely[1]} g/L; this looks like {igg.looks_like}.",
                f"Give g/L: {g_per_l:g} mg/dL is {g_per_l / MG_PER_DL_IN_G_PER_L:g} g/L.",
            )
        return cls(g_per_l)

    @classmethod
    def named(cls, name: str, target: TroughTarget, indication: str | None) -> Aim:
        """A target by its name.

        Raises:
            BadInput: nobody read it, or it was printed for other conditions.
        """
        if target.read is Read.NOT_READ and target.origin is not Origin.POLICY:
            raise BadInput(
                "--target",
                name,
                "No page was read for it, so nothing is proposed by it.",
                f"Give the level yourself (--target-trough {target.at_least_g_per_l.normalize():f}), or name another target.",
            )
        if indication is not None and indication not in target.indications:
            raise BadInput(
                "--target",
                name,
                f"Its source prints it for {', '.join(target.indications)}, not for {indication}.",
                "Name another target (`ivigil kinetics targets`), or give the level with --target-trough.",
            )
        return cls(float(target.at_least_g_per_l), name, target)


@dataclass(frozen=True)
class Search:
    """What is searched. ``products`` empty: the one that the patient now takes. ``prices`` are per gram, by product."""

    aim: Aim
    probability: float
    products: tuple[str, ...] = ()
    prices: Mapping[str, Decimal] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0 < self.probability < 1:
            raise ImpossibleValue(
                "--probability", self.probability, "It lies above 0 and below 1.", "Write 0.8 for four in five."
            )
        for product, price in self.prices.items():
            if not price.is_finite() or price <= 0:
                raise ImpossibleValue("--price", f"{product}={price}", "A price is above zero.", "Correct it.")

    def check_prices(self, products: tuple[str, ...]) -> None:
        """Refuse the price of a product that is not searched: nobody would heed it."""
        for product in sorted(set(self.prices) - set(products)):
            raise BadInput(
                "--price", product, "This product is not searched.", "Name it with --product, or leave its price out."
            )

    @classmethod
    def of(
        cls,
        aim: Aim,
        probability: float | None,
        policy: ProposalPolicy,
        products: tuple[str, ...] = (),
        prices: Mapping[str, Decimal] | None = None,
    ) -> Search:
        """A search at the probability given, else at policy's."""
        return cls(aim, float(policy.probability.value) if probability is None else probability, products, prices or {})
