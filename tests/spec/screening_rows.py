"""What each screening rule must say, written from the researched facts and not from the rules' own predicates.

One row a rule: what triggers it (one case for every alternative the facts name), what lies just on the other side, and
what is said when the datum is not recorded. ``fact`` names the row of the facts (``safety.yaml`` unless said otherwise);
"policy" marks what no source settles. Cases are changes to the well adult of ``tests.planning``; the planned start is
23 November 2026, 09:00.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from tests.planning import TAKEN, history

Heavy = Literal["blocks", "warns", "informs"]
May = Literal["confirmed", "overridden", "neither"]

LIQUID = "gammagard_liquid"  # glycine only: none of the excipients that a rule asks for
PLAN = {"by": "Synthetic S.", "role": "specialist", "at": "2026-02-01T10:00:00Z", "text": "In hospital, split dose."}


@dataclass(frozen=True)
class Case:
    """One patient, product and course; ``holds`` puts other excipients into the product, ``None`` leaves them unread."""

    change: dict[str, Any]
    product: str = LIQUID
    holds: tuple[str, ...] | None = ()
    g_per_kg: str | None = None
    region: str = "US"


@dataclass(frozen=True)
class Unrecorded:
    """A datum is absent: the rule keeps silent and ``asks`` (another rule, the plan, its own doubt) speaks; None: silence."""

    case: Case
    asks: str | None
    severity: Heavy | None = None
    may_be: May | None = None
    says: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    """What a rule must do. ``asks_itself`` marks rules whose very trigger is that something is not recorded."""

    fact: str
    severity: Heavy
    sources: str
    says: tuple[str, ...]
    hits: tuple[Case, ...]
    near: tuple[Case, ...]
    unrecorded: tuple[Unrecorded, ...] = ()
    may_be: May = "neither"
    raises: frozenset[str] = frozenset()
    verified: bool = True
    asks_itself: bool = False
    elsewhere: tuple[tuple[Case, Heavy], ...] = ()


# ---- short ways to a case


def lab(test: str, value: float | str, unit: str | None = None, taken: str = TAKEN) -> dict[str, Any]:
    found = {"test": test, "value": value, "taken_at": taken}
    return found if unit is None else found | {"unit": unit}


CREATININE, IGA, HB = lab("creatinine", 0.8, "mg/dL"), lab("iga", 1.6, "g/L"), lab("haemoglobin", 135, "g/L")


def labs(*more: dict[str, Any]) -> dict[str, Any]:
    """The well adult's laboratory results, those of the same test replaced, others added."""
    tests = {one["test"] for one in more}
    return {"labs": [*(one for one in (CREATININE, IGA, HB) if one["test"] not in tests), *more]}


def reacted(*reactions: str | dict[str, Any], **more: Any) -> dict[str, Any]:
    """Reactions to the product now under consideration; a plain word is a kind without grade or plan."""
    kinds = [{"kind": one} if isinstance(one, str) else one for one in reactions]
    return {"immunoglobulin_history": [history(LIQUID, uneventful_supervised_infusions=0, reactions=kinds, **more)]}


def planned(kind: str, **more: Any) -> dict[str, Any]:
    return {"kind": kind, "at": "2026-01-10T10:00:00Z", "specialist_plan": PLAN} | more


def each(key: str, words: str, **more: Any) -> tuple[Case, ...]:
    """One case for each word of a list."""
    return tuple(Case({key: [word.strip()]}, **more) for word in words.split(","))


def has(words: str, **more: Any) -> tuple[Case, ...]:
    return each("conditions", words, **more)


def reactions(words: str) -> tuple[Case, ...]:
    return tuple(Case(reacted(word.strip())) for word in words.split(","))


def graded(kind: str, grade: int = 2) -> Case:
    """A graded reaction: a rule on kinds must not read the grade for a kind."""
    return Case(reacted({"kind": kind, "grade": grade}))


def given(last: str, product: str = LIQUID) -> Case:
    return Case({"immunoglobulin_history": [history(product, last=last)]})


WELL = Case({})
NO_CONDITIONS = (Unrecorded(Case({"conditions": ...}), "conditions-missing"),)
NO_MEDICINES = (Unrecorded(Case({"medicines": ...}), "medicines-missing"),)
NO_HISTORY = (
    Unrecorded(Case({"immunoglobulin_history": ...}), "history-missing"),
    Unrecorded(Case({"immunoglobulin_history": [history(LIQUID, reactions=...)]}), "history-reactions-missing"),
)
NO_AGE = (Unrecorded(Case({"age_years": ...}), "age-missing"),)
ANTI_IGA, NO_ANTI_IGA = lab("anti_iga", "positive"), lab("anti_iga", "negative")
NO_IGA = {"labs": [CREATININE, HB]}
HYPERSENSITIVE = ("anaphylaxis", "severe_systemic_hypersensitivity", "rash_or_urticaria")
IG_ALLERGY: dict[str, Any] = {"allergies": ["human_immunoglobulin"]}
#: Reactions that may be what somebody called an allergy to immunoglobulin.
ANSWERS_ALLERGY = (*HYPERSENSITIVE, "chest_symptoms", "hypotension", "flushing", "other")
RENAL, CLOT, BOTH = frozenset({"renal"}), frozenset({"thrombotic"}), frozenset({"renal", "thrombotic"})
HAEMOLYSIS, VOLUME, MENINGITIS = frozenset({"haemolysis"}), frozenset({"volume"}), frozenset({"aseptic_meningitis"})
SORBITOL, PROLINE, MALTOSE = "flebogamma_dif_10", "privigen", "octagam_10"
#: The examples of the facts, by the names they print; contrast media, loop diuretics and tacrolimus are not verified there.
NEPHROTOXIC = (
    "aspirin, nsaids, ibuprofen, gentamicin, vancomycin, amphotericin B, pentamidine, bacitracin, ciclosporin, cisplatin, "
    "aciclovir, adefovir, cidofovir, foscarnet, ganciclovir, pamidronate, zoledronic acid, contrast medium, loop diuretics, "
    "tacrolimus"
)
BOXED_RENAL = "renal_insufficiency, diabetes_mellitus, volume_depletion, sepsis, paraproteinaemia"


def infant(age: float | None = None, **more: Any) -> dict[str, Any]:
    return {"age_years": ... if age is None else age, "weight_kg": 12, "height_cm": 86} | more


#: ESID defines IgA deficiency over 4 years of age; an age that nobody recorded counts as over.
LOW_IGA_FROM_4 = tuple(Case(infant(age) | labs(lab("iga", 0.06, "g/L"))) for age in (4, None))
LOW_IGA_BELOW_4 = Case(infant(3.99) | labs(lab("iga", 0.06, "g/L")))


def child(age: float, creatinine: float) -> dict[str, Any]:
    """A child without a height: eGFR cannot be worked out."""
    return {"age_years": age, "weight_kg": 30, "height_cm": ...} | labs(lab("creatinine", creatinine, "mg/dL"))


def old(days_ago: str, test: str = "creatinine", value: float = 0.8, unit: str = "mg/dL") -> dict[str, Any]:
    return {"labs": [IGA, HB, lab(test, value, unit, days_ago)]}


D6, D7, D28, D29 = (f"2026-{day}T09:00:00-05:00" for day in ("11-17", "11-16", "10-26", "10-25"))
D30, D31, D42, D43 = (f"2026-{day}T09:00:00-05:00" for day in ("10-24", "10-23", "10-12", "10-11"))
D56, D57, D90, D91 = (f"2026-{day}T09:00:00-05:00" for day in ("09-28", "09-27", "08-25", "08-24"))


def at_risk_of_kidney_failure(base: dict[str, Any], **more: Any) -> tuple[Case, ...]:
    """Every one of the boxed warning's renal risks, each alone."""
    return (
        *(Case(base | one.change, **more) for one in (*has(BOXED_RENAL), *each("medicines", NEPHROTOXIC))),
        Case(base | {"age_years": 65}, **more),
        Case(base | reacted(planned("acute_kidney_injury")), **more),
    )


def allergic(words: Iterable[tuple[str, str]]) -> tuple[Case, ...]:
    """Each allergy with a product that holds one excipient only."""
    return tuple(Case({"allergies": [allergy]}, holds=(held,)) for allergy, held in words)


def unread(code: str, change: dict[str, Any], severity: Heavy = "blocks") -> Unrecorded:
    """The patient's side holds, and nobody read what the product contains: the rule's own doubt speaks."""
    return Unrecorded(
        Case(change, holds=None),
        f"{code}-unknown",
        severity,
        "overridden",
        ("was not read", "not excluded", "ingredients"),
    )
