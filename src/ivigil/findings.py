"""What a rule found: the reasons that every clinical result carries."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class Severity(StrEnum):
    """How much a finding weighs, heaviest first."""

    BLOCKS = "blocks"
    WARNS = "warns"
    INFORMS = "informs"


class MayBe(StrEnum):
    """What a clinician may do about a finding that blocks."""

    CONFIRMED = "confirmed"
    """Unlikely but possible: someone who checked says that it is so."""
    OVERRIDDEN = "overridden"
    """A rule that a prescriber or pharmacist may set aside with a reason."""
    NEITHER = "neither"
    """Nobody can accept this; the input, the product or the plan has to change."""


class Finding(BaseModel):
    """One reason, in one sentence, with the sources it rests on.

    ``text`` says what was found and what it means; ``remedy`` says what to do. ``sources`` are source ids.
    ``verified`` is False when a fact that restricts was applied although no label or publisher page was read.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str
    severity: Severity
    may_be: MayBe = MayBe.NEITHER
    text: str
    remedy: str | None = None
    sources: tuple[str, ...] = ()
    verified: bool = True


WEIGHT: dict[Severity, int] = {Severity.BLOCKS: 0, Severity.WARNS: 1, Severity.INFORMS: 2}


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Findings heaviest first, each code and text once, otherwise in the order found."""
    once = dict.fromkeys(findings)
    return tuple(sorted(once, key=lambda finding: WEIGHT[finding.severity]))
