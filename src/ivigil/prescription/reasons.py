"""The reasons gathered for or against a product, in the order found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ivigil.findings import Finding, MayBe, Severity, in_order
from ivigil.knowledge.products import Product
from ivigil.prescription.permission import Need, permitted
from ivigil.prescription.request import Formulary, Request

Judged = tuple[str, Finding | None]
"""What a fact is called, and what is said of it (None: it permits)."""


@dataclass
class Reasons:
    """Findings gathered on the way, with label copies named once."""

    request: Request
    found: list[Finding] = field(default_factory=list)
    copies: list[tuple[str, Finding]] = field(default_factory=list)

    def add(self, finding: Finding | None) -> None:
        """One more reason, if there is one."""
        if finding is not None:
            self.found.append(finding)

    def need(self, need: Need, formulary: Formulary, region: str, *, guideline: bool = False) -> None:
        """Ask whether a fact permits, and keep what is said about it."""
        self.judged([(need.name, permitted(need, region, formulary.source_of, guideline=guideline))])

    def judged(self, facts: Iterable[Judged]) -> None:
        """Keep what was said about facts."""
        for name, finding in facts:
            if finding is not None and finding.code == "read-on-copy":
                self.copies.append((name, finding))
            else:
                self.add(finding)

    def waiting(self, product: Product, formulary: Formulary) -> None:
        """What waits in this site's overlay for the product stops it."""
        self.found.extend(waiting(product, formulary))

    @property
    def stopped(self) -> bool:
        """Whether one of them blocks and was not accepted."""
        return any(self.request.stops(finding) for finding in self.found)

    def all(self, formulary: Formulary) -> tuple[Finding, ...]:
        """Every reason, heaviest first."""
        return in_order((*self.found, *copied(self.copies, formulary)))


def waiting(product: Product, formulary: Formulary) -> tuple[Finding, ...]:
    """What waits in this site's overlay for a product: each of it stops the product."""
    return tuple(
        blocks(
            "overlay-waiting",
            f"A fact of this site's overlay ({path}) waits to be confirmed again: the shipped fact under it changed.",
            "Confirm it against the label in force and sign it anew.",
        )
        for path in formulary.waiting.get(f"products/{product.id}", ())
    )


def copied(copies: list[tuple[str, Finding]], formulary: Formulary) -> tuple[Finding, ...]:
    """One finding that names everything that was read on a copy of the label only."""
    if not copies:
        return ()
    names = tuple(name for name, _ in copies)
    sources = tuple(dict.fromkeys(name for _, finding in copies for name in finding.sources))
    return (formulary.once(("copied", names, sources), lambda: _copied(copies[0][1], names, sources, formulary)),)


def _copied(first: Finding, names: tuple[str, ...], sources: tuple[str, ...], formulary: Formulary) -> Finding:
    dated = "; ".join(
        f"{source.title}, {source.revision or source.date or 'no date'}" for source in map(formulary.source_of, sources)
    )
    text = f"Read on a copy of the label only: {', '.join(names)} ({dated})."
    return first.model_copy(update={"text": text, "sources": sources})


def no_label(product: Product, region: str) -> Finding:
    """That nobody entered a label of a product for a region."""
    return blocks(
        "no-label-for-region",
        f"No {region} label of {product.brand} stands in the knowledge base.",
        "Enter it in the site's overlay, signed by two people.",
    )


def blocks(code: str, text: str, remedy: str, may_be: MayBe = MayBe.NEITHER, sources: tuple[str, ...] = ()) -> Finding:
    """A finding that blocks, which nobody may accept unless it says so."""
    return Finding(code=code, severity=Severity.BLOCKS, may_be=may_be, text=text, remedy=remedy, sources=sources)
