"""The order in which products that were weighed are proposed: a stable list by policy, no judgement of which is better."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from ivigil.prescription.candidates import Considered
from ivigil.prescription.limitations import LIMIT_CODE
from ivigil.prescription.request import Formulary, Request
from ivigil.sources import RANK, Read


def _reading(one: Considered) -> int:
    course = one.course
    if course is None:
        return len(Read)
    return max(RANK[fact.read] for fact in (course.regimen, course.rates.start, course.rates.max))


ORDER_KEYS: dict[str, Callable[[Considered], int | str | Decimal]] = {
    "spread_for_volume": lambda one: -one.course.dose.days if one.course and "volume" in one.risks else 0,
    "fewest_label_limits": lambda one: sum(finding.code.startswith(LIMIT_CODE) for finding in one.warnings),
    "fewest_findings": lambda one: len(one.warnings),
    "label_read_best": _reading,
    "lowest_iga": lambda one: one.offer.iga_mcg_per_g,
    "fewest_vials": lambda one: sum(day.number_of_vials for day in one.course.days) if one.course else 0,
    "name": lambda one: one.product.brand,
}


def in_order_of_proposal(
    considered: tuple[Considered, ...], request: Request, formulary: Formulary
) -> tuple[Considered, ...]:
    """Fitting products first; of those the one the patient now tolerates, then labelled uses, then the policy's keys."""
    current = tolerated_now(request, formulary)
    keys = [ORDER_KEYS[name] for name in formulary.policies.product_choice.order.items]
    return tuple(
        sorted(
            considered,
            key=lambda one: (not one.fits, one.product.id != current, one.off_label, *(key(one) for key in keys)),
        )
    )


def tolerated_now(request: Request, formulary: Formulary) -> str | None:
    """The product given last, unless a severe reaction to it is recorded or nobody recorded whether there was one."""
    history = request.patient.immunoglobulin_history
    if not history:
        return None
    last = max(history, key=lambda entry: entry.last_given_at)
    if last.reactions is None or any(
        formulary.vocabulary.reactions[kind].severe for one in last.reactions for kind in one.kinds
    ):
        return None
    return last.product
