"""Short ways to a plan: records as JSON text goes in, plans come out, exactly as the command line does it."""

from __future__ import annotations

import copy
import json
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any

from ivigil.cli.opening import formulary_of, limits_of, parse_json
from ivigil.knowledge.loading import Knowledge
from ivigil.patient import Limits, Patient, read_patient
from ivigil.prescription.making import draft_plan
from ivigil.prescription.plan import Accepted, Plan, identified
from ivigil.prescription.request import Formulary, Request

START = datetime.fromisoformat("2026-11-23T09:00:00-05:00")
TAKEN = "2026-11-20T08:00:00-05:00"

#: A synthetic adult about whom everything is recorded and nothing is wrong.
WELL: dict[str, Any] = {
    "ref": "synthetic-well",
    "synthetic": True,
    "sex": "female",
    "age_years": 40,
    "weight_kg": 70,
    "weight_measured_on": "2026-11-20",
    "height_cm": 170,
    "blood_group": "O+",
    "glucose_meter": "none",
    "access": "peripheral",
    "conditions": [],
    "allergies": [],
    "medicines": [],
    "labs": [
        {"test": "creatinine", "value": 0.8, "unit": "mg/dL", "taken_at": TAKEN},
        {"test": "iga", "value": 1.6, "unit": "g/L", "taken_at": TAKEN},
        {"test": "haemoglobin", "value": 135, "unit": "g/L", "taken_at": TAKEN},
    ],
    "immunoglobulin_history": [],
}


def record(**changes: Any) -> dict[str, Any]:
    """The well adult with changes; a key set to ``...`` is left out (not recorded)."""
    raw = copy.deepcopy(WELL) | changes
    return {key: value for key, value in raw.items() if value is not ...}


def history(
    product: str, infusions: int = 6, last: str = "2026-11-02T09:00:00-05:00", **changes: Any
) -> dict[str, Any]:
    """What was borne of one product: six uneventful supervised infusions, the last three weeks ago."""
    borne = {
        "product": product,
        "last_given_at": last,
        "infusions": infusions,
        "uneventful_supervised_infusions": infusions,
        "reactions": [],
    }
    return {key: value for key, value in (borne | changes).items() if value is not ...}


@cache
def opened() -> Knowledge:
    return Knowledge()


@cache
def formulary(indication: str) -> Formulary:
    return formulary_of(opened(), indication)


@cache
def limits() -> Limits:
    return limits_of(opened())


def patient(raw: dict[str, Any]) -> Patient:
    return read_patient(parse_json(json.dumps(raw, default=float), "patient"), limits())


def plan(
    raw: dict[str, Any], indication: str, *, facts: Formulary | None = None, accept: tuple[str, ...] = (), **asked: Any
) -> Plan:
    """The US plan for a raw record; ``accept`` are codes accepted by a synthetic prescriber."""
    return identified(draft(raw, indication, facts=facts, accept=accept, **asked))


def draft(
    raw: dict[str, Any], indication: str, *, facts: Formulary | None = None, accept: tuple[str, ...] = (), **asked: Any
) -> Plan:
    """The same before it has its id, as a cohort makes it."""
    options: dict[str, Any] = {"region": "US", "start": START, **asked}
    accepted = tuple(Accepted(code=code, by="Synthetic P.", role="prescriber", because="test") for code in accept)
    if isinstance(options.get("dose_g_per_kg"), float | str):
        options["dose_g_per_kg"] = Decimal(str(options["dose_g_per_kg"]))
    return draft_plan(Request(patient=patient(raw), accepted=accepted, **options), facts or formulary(indication))


def codes(made: Plan) -> set[str]:
    return {finding.code for finding in made.findings}


def reasons(made: Plan, product: str) -> set[str]:
    """Codes of the reasons given for one candidate."""
    return {finding.code for one in made.candidates if one.product == product for finding in one.reasons}
