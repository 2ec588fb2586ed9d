"""What a patient's record says of an infusion at home: the one rule that the plan decides with and the assessment tells.

What depends on the part of treatment and the dose is the plan's own (``ivigil.prescription.setting``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ivigil.assessment.screening import Circumstances
from ivigil.knowledge.facts import Fact
from ivigil.knowledge.indications import Indication
from ivigil.knowledge.policies import SettingPolicy
from ivigil.knowledge.vocabulary import Vocabulary


@dataclass(frozen=True)
class Reason:
    """Why not at home: part of the record, in words, the policy it rests on; ``known`` is False where nobody recorded it."""

    of: Literal["indication", "conditions", "reactions"]
    why: str
    fact: Fact
    known: bool = True


@dataclass(frozen=True)
class Supervised:
    """Uneventful supervised infusions of a product: those that count now, and how many policy asks for."""

    given: int
    needed: int

    @property
    def enough(self) -> bool:
        """Whether home may follow."""
        return self.given >= self.needed


def emergency(indication: Indication, policy: SettingPolicy) -> Reason | None:
    """That the condition is never treated at home, whoever the patient is; None if it may be."""
    if indication.id not in policy.home_never_for.items:
        return None
    return Reason("indication", f"{indication.name} is an emergency of the hospital by policy", policy.home_never_for)


def against_home(about: Circumstances, policy: SettingPolicy, words: Vocabulary) -> tuple[Reason, ...]:
    """What of the record speaks against home, gravest first; what nobody recorded speaks against it too."""
    patient = about.patient
    known = patient.known_reactions
    severe = any(words.reactions[kind].severe for one in known for kind in one.kinds)
    worst = max((one.grade or 0 for one in known), default=0)
    excluding = sorted(set(policy.home_excluding_conditions.items) & about.words.present("conditions"))
    named = ", ".join(excluding).replace("_", " ")
    grade, conditions = policy.home_excluding_from_grade, policy.home_excluding_conditions
    reasons = (
        (severe, Reason("reactions", "a severe reaction to immunoglobulin is recorded", grade)),
        (
            worst >= grade.value,
            Reason("reactions", f"a reaction of grade {worst} to immunoglobulin is recorded", grade),
        ),
        (
            bool(excluding),
            Reason("conditions", f"these conditions speak against home by policy: {named}", conditions),
        ),
        (
            patient.conditions is None,
            Reason(
                "conditions",
                "conditions are not recorded, so what speaks against home cannot be checked",
                conditions,
                known=False,
            ),
        ),
        (
            patient.reactions is None,
            Reason("reactions", "it is not recorded whether there were reactions", grade, known=False),
        ),
    )
    return tuple(reason for holds, reason in reasons if holds)


def supervised(about: Circumstances, policy: SettingPolicy) -> Supervised:
    """Those of the product under consideration: they count while it is the one given last, without a long gap."""
    given = about.borne.uneventful_supervised_infusions if about.borne else 0
    return Supervised(given, int(policy.home_after_uneventful_supervised.value))
