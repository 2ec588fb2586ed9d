"""Short ways to a start under the skin, exactly as the command line makes it, and to one from facts nobody read yet."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from functools import cache
from typing import Any

from ivigil.knowledge.policies import SubcutaneousPolicy
from ivigil.knowledge.products import Product
from ivigil.prescription.plan import Accepted
from ivigil.prescription.request import Formulary, Request
from ivigil.prescription.subcutaneous import Start, plan_start
from ivigil.prescription.subcutaneous.plan import SubcutaneousPlan
from tests.planning import START, formulary, history, opened, patient, record

PI, CIDP = "primary-immunodeficiency", "cidp"
LAST = "2026-11-16T09:00:00-05:00"
#: Seven days before START, 30 g every 4 weeks.
BORNE = history("privigen", 12, last=LAST, last_dose_g=30)


def _read_anew(value: Any) -> Any:
    """Raw facts as if every one had been read on the US label: to try a planner on what nobody has read yet."""
    if isinstance(value, dict):
        made = {key: _read_anew(part) for key, part in value.items()}
        return (
            made | {"read": "label", "origin": "reported", "src": ["sc/hiz_dm"]}
            if {"read", "origin"} <= set(made)
            else made
        )
    return [_read_anew(one) for one in value] if isinstance(value, list | tuple) else value


@cache
def as_if_read(indication: str) -> Formulary:
    facts = formulary(indication)
    products = tuple(
        Product.model_validate(_read_anew(opened().raw("products", one.id))) if one.route == "sc" else one
        for one in facts.products
    )
    return replace(facts, products=products)


def start(
    indication: str = PI,
    raw: dict[str, Any] | None = None,
    *,
    facts: Formulary | None = None,
    accept: tuple[str, ...] = (),
    **asked: Any,
) -> Any:  # a plan; Any, so that figures compare with plain numbers
    own = {
        name: asked.pop(name)
        for name in ("iv_dose_g", "iv_interval_days", "times_per_week", "start_given")
        if name in asked
    }
    if "iv_dose_g" in own:
        own["iv_dose_g"] = Decimal(str(own["iv_dose_g"]))
    accepted = tuple(Accepted(code=code, by="Synthetic P.", role="prescriber", because="test") for code in accept)
    raw = record(immunoglobulin_history=[BORNE]) if raw is None else raw
    request = Request(patient=patient(raw), accepted=accepted, **{"region": "US", "start": START, **asked})
    return plan_start(Start(request, **own), facts or formulary(indication))


def with_policy(facts: Formulary, **words: Any) -> Formulary:
    """The same facts under a site's own choices."""
    shipped: SubcutaneousPolicy = facts.policies.subcutaneous
    changed = {
        name: getattr(shipped, name).model_copy(update={"items" if isinstance(value, tuple) else "value": value})
        for name, value in words.items()
    }
    policies = facts.policies.model_copy(update={"subcutaneous": shipped.model_copy(update=changed)})
    return replace(facts, policies=policies)


def codes(plan: SubcutaneousPlan) -> set[str]:
    return {one.code for one in plan.findings}


def text_of(plan: SubcutaneousPlan, code: str) -> str:
    found = [one.text for one in plan.findings if one.code == code]
    assert found, f"{code} is not among {sorted(codes(plan))}"
    return found[0]


def reasons(plan: SubcutaneousPlan, product: str) -> set[str]:
    return {one.code for row in plan.candidates if row.product == product for one in row.reasons}
