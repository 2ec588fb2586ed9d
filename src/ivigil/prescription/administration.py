"""How to hang it, what to give before, what to watch, what to do first on a reaction: facts and policy in order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from ivigil.assessment.screening.circumstances import LISTS, Circumstances
from ivigil.findings import Finding, Severity
from ivigil.knowledge.facts import Fact, Statement
from ivigil.knowledge.policies import Medicine, MonitoringPolicy, Policies
from ivigil.knowledge.products import Administration, Fluids, Product
from ivigil.patient import Setting
from ivigil.prescription.plan import AdministrationPlan, Instruction, Premedication
from ivigil.sources import Origin, Read

NOT_READ = "Not read: see the label."
OPTIONS = "Options; choose, none is required by a label"
NO_CHILD_DOSE = "no child dose read: ask the prescriber"

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
    about: Circumstances, risks: frozenset[str], policies: Policies, *, adult: bool
) -> tuple[tuple[Premedication, ...], Finding]:
    """Options before the infusion, and the finding that says why (or why none); adult doses only for an adult."""
    policy, patient = policies.premedication, about.patient
    kinds = {kind for reaction in patient.known_reactions for kind in reaction.kinds}
    occasions = {"routine"} if policy.routine.value == "routine" else set()
    if kinds:
        occasions.add("after_earlier_reaction")
    if "headache" in kinds:
        occasions.add("headache_earlier")
    against = risks.union(*(about.words.present(name) for name in LISTS))
    # What speaks against a medicine cannot be ruled out while nobody recorded it: then it is not offered.
    unchecked = None in {patient.conditions, patient.medicines, patient.allergies}
    meant = [medicine for medicine in policy.medicines.values() if medicine.when in occasions]
    rows = tuple(
        premedication_row(medicine, kinds, adult=adult)
        for medicine in meant
        if not against & set(medicine.not_with) and not (medicine.not_with and unchecked)
    )
    seen = ", ".join(sorted(kinds)).replace("_", " ")
    sources = tuple(dict.fromkeys(name for statement in policy.statements.values() for name in statement.src))
    if rows:
        why = f"because of earlier reactions ({seen})" if kinds else "as a routine of policy"
        text = f"Premedication is offered {why}. {OPTIONS}."
    elif meant:
        why = f"An earlier reaction is recorded ({seen})" if kinds else "Premedication is routine by policy"
        ruled_out = (
            "what would speak against it is not recorded" if unchecked else "something recorded speaks against each row"
        )
        text = f"{why}, and no premedication is proposed: {ruled_out}."
    else:
        text = "No premedication is proposed: none is routine by policy, and no earlier reaction is recorded."
    return rows, Finding(
        code="premedication", severity=Severity.INFORMS, text=text, sources=policy.routine.src or sources
    )


def premedication_row(medicine: Medicine, kinds: set[str], *, adult: bool) -> Premedication:
    """One option as the policy prints it; a child is never shown the dose of an adult."""
    return Premedication(
        what=medicine.drug,
        one_of=medicine.one_of,
        dose=medicine.dose if adult else medicine.child_dose or NO_CHILD_DOSE,
        route=medicine.route,
        min_before=medicine.min_before,
        reason=(
            f"Option after an earlier reaction: {', '.join(sorted(kinds)).replace('_', ' ')}."
            if kinds
            else "Option by policy, for everybody."
        ),
        caution=medicine.caution,
        sources=medicine.src,
    )
