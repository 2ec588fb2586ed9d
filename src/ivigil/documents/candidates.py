"""Products considered, those with the same first reason together: twenty lines become five."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ivigil.findings import Finding, Severity
from ivigil.prescription.plan import Candidate


@dataclass(frozen=True)
class CandidateGroup:
    """Products that fit, or that do not for the same first reason."""

    products: tuple[str, ...]
    fits: bool
    code: str
    text: str
    """The reason in one sentence; where it differs by product, that of the first."""


def candidate_groups(candidates: Iterable[Candidate]) -> tuple[CandidateGroup, ...]:
    """Groups in the order in which their first product was considered; those that fit first."""
    groups: dict[tuple[bool, str], list[tuple[str, str]]] = {}
    for candidate in candidates:
        reason = first_reason(candidate)
        key = (candidate.fits, "" if reason is None else reason.code)
        groups.setdefault(key, []).append((candidate.product, "" if reason is None else reason.text))
    ordered = sorted(groups.items(), key=lambda item: not item[0][0])
    return tuple(_group(fits, code, rows) for (fits, code), rows in ordered)


def _group(fits: bool, code: str, rows: list[tuple[str, str]]) -> CandidateGroup:
    texts = dict.fromkeys(text for _, text in rows)
    first = next(iter(texts))
    said = first if len(texts) == 1 else f"For {rows[0][0]}: {first}"
    return CandidateGroup(tuple(product for product, _ in rows), fits, code, said)


def first_reason(candidate: Candidate) -> Finding | None:
    """Why a product does not fit: the first reason that blocks. Nothing for one that fits."""
    if candidate.fits:
        return None
    blocking = (one for one in candidate.reasons if one.severity is Severity.BLOCKS)
    return next(blocking, candidate.reasons[0] if candidate.reasons else None)
