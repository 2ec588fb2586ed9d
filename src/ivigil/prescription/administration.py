"""How to hang it, what to give before, what to watch, what to do first on a reaction: facts and policy in order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from ivigil.findings import Finding, Severity
from ivigil.knowledge.facts import Fact, Statement
from ivigil.knowledge.policies import Medicine, MonitoringPolicy, Policies
from ivigil.knowledge.products import Administration, Fluids, Product
from ivigil.knowledge.recognition import WordList
from ivigil.patient import Patient, Setting
from ivigil.prescription.plan import AdministrationPlan, Instruction, Premedication
from ivigil.sources import Origin, Read

NOT_READ = "Not read: see the label."

TOPICS: dict[str, str] = {
    "line": "Line",
    "dilution": "Dilution",
    "flush": "Flush",
    "filter": "Filter",
    "pooling": "Pooling",
    "time_limit": "Time limit",
    "temperature": "Temperature",
    "shaking": "Shaking",
    "venting": "Venting of glass bottles",
    "needle": "Needle",
    "residual": "What stays in the line",
    "reconstitution": "Reconstitution",
}
#: Topics that only some products have; they are left out when nothing is known.
ONLY_IF_KNOWN = frozenset({"needle", "reconstitution"})


def administration_plan(product: Product, policies: Policies, setting: Setting) -> AdministrationPlan:
    """Instructions for a product, each with its basis; what no page told reads "Not read: see the label."."""
    return AdministrationPlan(
        preparation=(
            *_of_product(product.administration),
            *_statements(policies.administration.statements),
            *(_statements(policies.setting.home_statements) if setting == "home" else ()),
        ),
        hydration=_statements(policies.premedication.hydration),
        monitoring=(_what_and_when(policies.monitoring), *_statements(policies.monitoring.statements)),
        first_lines_on_a_reaction=_statements(policies.first_lines.statements),
    )


def _what_and_when(policy: MonitoringPolicy) -> Instruction:
    """What is measured, when the baseline is taken; the minutes stand beside each infusion."""
    text = (
        f"Measure {', '.join(policy.measured.items)}: at most {policy.baseline_within_min.value} minutes before the start, "
        "then at the times given for each infusion."
    )
    return Instruction(topic="Vital signs", text=text, basis="policy", sources=policy.measured.src)


def _of_product(administration: Administration) -> tuple[Instruction, ...]:
    rows = []
    for name, topic in TOPICS.items():
        fact = getattr(administration, name)
        if fact is not None:
            rows.append(_instruction(topic, fluids_text(fact) if isinstance(fact, Fluids) else fact.text, fact))
        elif name not in ONLY_IF_KNOWN:
            rows.append(Instruction(topic=topic, text=NOT_READ, basis="not_read", sources=()))
    return tuple(rows)


def fluids_text(fluids: Fluids) -> str:
    """Which fluids may be used, in the facts' own words where there are some."""
    if fluids.text:
        return fluids.text
    said = ["Do not."] if fluids.permitted is False else []
    if fluids.allowed:
        said.append(f"Only {' or '.join(fluids.allowed)}.")
    if fluids.forbidden:
        said.append(f"Never {' or '.join(fluids.forbidden)}.")
    return " ".join(said) or NOT_READ


def _statements(statements: Mapping[str, Statement]) -> tuple[Instruction, ...]:
    return tuple(
        _instruction(key.replace("_", " ").replace("-", " ").capitalize(), fact.text, fact)
        for key, fact in statements.items()
    )


def _instruction(topic: str, text: str, fact: Fact) -> Instruction:
    unread = fact.read is Read.NOT_READ and fact.origin is not Origin.POLICY
    if fact.origin is Origin.POLICY:
        return Instruction(topic=topic, text=text, basis="policy", sources=fact.src)
    if unread:
        return Instruction(
            topic=topic, text=f"{text} (Not verified: see the label.)", basis="not_read", sources=fact.src
        )
    basis: Literal["label", "source"] = (
        "label" if fact.read in {Read.LABEL, Read.MANUFACTURER, Read.LABEL_COPY} else "source"
    )
    return Instruction(topic=topic, text=text, basis=basis, sources=fact.src)


def premedication(
    patient: Patient, risks: frozenset[str], policies: Policies
) -> tuple[tuple[Premedication, ...], Finding]:
    """What to give before the infusion, and the finding that says why (or why nothing)."""
    policy = policies.premedication
    kinds = {kind for reaction in patient.known_reactions for kind in reaction.kinds}
    occasions = {"routine"} if policy.routine.value == "routine" else set()
    if kinds:
        occasions.add("after_earlier_reaction")
    if "headache" in kinds:
        occasions.add("headache_earlier")
    lists: tuple[WordList, ...] = ("conditions", "allergies", "medicines")
    against = risks.union(*((patient.listed(name) or frozenset()) | patient.in_texts(name) for name in lists))
    # What speaks against a medicine cannot be ruled out while nobody recorded it: then it is not offered.
    unchecked = None in {patient.conditions, patient.medicines, patient.allergies}
    rows = tuple(
        _premedication(medicine, kinds)
        for medicine in policy.medicines.values()
        if medicine.when in occasions and not against & set(medicine.not_with) and not (medicine.not_with and unchecked)
    )
    sources = tuple(dict.fromkeys(name for statement in policy.statements.values() for name in statement.src))
    if not rows:
        text = "No premedication is proposed: none is routine by policy, and no earlier reaction is recorded."
    else:
        text = f"Premedication is offered because of earlier reactions ({', '.join(sorted(kinds)).replace('_', ' ')}); choose among the rows, none is required by a label."
    return rows, Finding(
        code="premedication", severity=Severity.INFORMS, text=text, sources=policy.routine.src or sources
    )


def _premedication(medicine: Medicine, kinds: set[str]) -> Premedication:
    return Premedication(
        what=medicine.drug,
        dose=medicine.dose,
        route=medicine.route,
        min_before=medicine.min_before,
        reason=f"Earlier reaction: {', '.join(sorted(kinds)).replace('_', ' ')}." if kinds else "Routine by policy.",
        caution=medicine.caution,
        sources=medicine.src,
    )
