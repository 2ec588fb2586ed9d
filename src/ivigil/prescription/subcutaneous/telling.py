"""What a reader must know about a start: the dose, the limits, the schedule, and which of it is policy."""

from __future__ import annotations

from collections.abc import Iterable

from ivigil.findings import Finding, Severity
from ivigil.knowledge.facts import Fact, Statement
from ivigil.knowledge.products import Product
from ivigil.knowledge.subcutaneous import SiteVolume, SubcutaneousLabel, SubcutaneousUse
from ivigil.prescription.candidates import SLOWING_RISKS, about_unread_vials
from ivigil.prescription.plan import Instruction
from ivigil.prescription.request import Formulary
from ivigil.prescription.subcutaneous.asked import Start
from ivigil.prescription.subcutaneous.intravenous import OWN_LABEL, figure
from ivigil.prescription.subcutaneous.sites import cited
from ivigil.prescription.subcutaneous.weighing import Draft, Weighed
from ivigil.sources import Origin, Read


def about(chosen: Weighed, draft: Draft, asked: Start, formulary: Formulary) -> Iterable[Finding]:
    """Findings about the product that was chosen."""
    brand, conversion, table = chosen.product.brand, draft.use.conversion, draft.rules.table
    revision = chosen.label.revision if chosen.label else ""
    if not asked.start_given:
        yield Finding(
            code="start-assumed",
            severity=Severity.INFORMS,
            text=f"No --start was given: the first day after the last intravenous infusion, {draft.first_on.isoformat()}, is planned.",
            remedy="Give --start to plan for another day.",
        )
    for row in conversion.superseded.values():
        if conversion.factor is not None:
            yield Finding(
                code="superseded-factor",
                severity=Severity.INFORMS,
                text=f"The factor {figure(row.factor)} of {brand} still circulates; it was superseded by {figure(conversion.factor.factor)}{f' ({row.until})' if row.until else ''}. A factor, its limits and its trough table belong to one label version.",
                remedy="Do not use a calculator or an adjustment table built on it.",
                sources=cited(row, conversion.factor),
            )
    for one in draft.infusions[-1:]:
        if one.dose_g != one.prescribed_g or one.waste_g:
            yield Finding(
                code="part-vial" if one.waste_g else "rounded-to-vials",
                severity=Severity.INFORMS,
                text=f"{figure(one.dose_g)} g is drawn; {figure(one.waste_g)} g is discarded at each infusion."
                if one.waste_g
                else f"{figure(one.prescribed_g)} g is given as {figure(one.dose_g)} g in whole vials.",
                sources=formulary.policies.dose.tolerance_fraction.src,
            )
        yield from about_unread_vials(chosen.product, one.dose_g)
    for cap in table.caps.values():
        yield Finding(
            code="stricter-volume",
            severity=Severity.INFORMS,
            text=f"{_when(cap)} at most {figure(cap.ml_per_site)} mL for each site. {cap.note}",
            sources=cap.src,
            verified=cap.read in OWN_LABEL,
        )
    if draft.rules.stay_at_first:
        boxed = chosen.product.boxed_warnings.get("thrombosis")
        yield Finding(
            code="at-risk-rate",
            severity=Severity.WARNS,
            text=f"Because of {' and '.join(sorted(chosen.risks & SLOWING_RISKS))} risk the first infusion's limits hold throughout (policy); the label asks for the lowest practicable dose and rate.",
            remedy="Hydrate first; raise volume or rate only by a prescriber's decision.",
            sources=boxed.src if boxed else formulary.policies.subcutaneous.at_risk_limits.src,
        )
    yield Finding(
        code="first-dose-only",
        severity=Severity.INFORMS,
        text=f"This is the first dose by the label of {brand} ({revision}). Later doses follow the response and the trough.",
        remedy="Measure the IgG trough before the switch." if formulary.indication.replacement else None,
    )


def _when(cap: SiteVolume) -> str:
    if cap.to_infusion is None:
        return f"From infusion {cap.from_infusion} on"
    if cap.to_infusion == cap.from_infusion:
        return f"At infusion {cap.from_infusion}"
    return f"From infusion {cap.from_infusion} to {cap.to_infusion}"


def notes(
    product: Product, under_skin: SubcutaneousLabel | None, draft: Draft, asked: Start, formulary: Formulary
) -> tuple[Instruction, ...]:
    """Where, how and by whom, each with its basis, then what is policy; what was not read says so."""
    return (*_label_notes(product, under_skin, draft.use), *_policies(draft, asked, formulary))


def _label_notes(product: Product, under_skin: SubcutaneousLabel | None, sc: SubcutaneousUse) -> Iterable[Instruction]:
    training: list[tuple[str, Statement | None]] = [
        ("Training", fact) for fact in (under_skin.training.values() if under_skin else ())
    ]
    rows: list[tuple[str, Statement | None]] = [
        ("Where", under_skin.where if under_skin else None),
        *(training or [("Training", None)]),
        *((("Ramp-up", sc.conversion.ramp_up_required),) if sc.conversion.ramp_up_required else ()),
        *((("Line", product.administration.line),) if product.administration.line else ()),
        *(("Trough", fact) for fact in sc.trough.values()),
    ]
    for topic, fact in rows:
        if fact is None:
            yield Instruction(topic=topic, text="Not read: see the label.", basis="not_read", sources=())
        elif fact.read is Read.NOT_READ or fact.origin is Origin.ASSUMED:
            yield Instruction(topic=topic, text=f"{fact.text} (Not verified.)", basis="not_read", sources=fact.src)
        else:
            yield Instruction(
                topic=topic, text=fact.text, basis="label" if fact.read in OWN_LABEL else "source", sources=fact.src
            )


def _policies(draft: Draft, asked: Start, formulary: Formulary) -> Iterable[Instruction]:
    """Each choice of policy that made this plan what it is."""
    policy, table, rules = formulary.policies.subcutaneous, draft.rules.table, draft.rules
    rates = table.rate.values()

    def said(topic: str, text: str, fact: Fact) -> Instruction:
        return Instruction(topic=topic, text=text, basis="policy", sources=fact.src)

    if rules.stay_at_first:
        yield said("At risk", "The first infusion's volume and rate at a site hold throughout.", policy.at_risk_limits)
    elif rules.at_risk:
        yield said("At risk", "Volume and rate rise as for anybody.", policy.at_risk_limits)
    pace = rules.pace
    if pace is not None and not rules.stay_at_first:
        text = (
            f"The {policy.growth.value} growth that is printed, as tolerated: {figure(pace.add_ml)} mL a site every "
            f"{pace.every_weeks} weeks, {figure(pace.add_ml_per_h)} mL/h at each infusion."
        )
        yield said("Growth", text, policy.growth)
    ranges = any(rate.start_ml_per_h_per_site is not None for rate in rates)
    ends = f"The {policy.within_range.value} rate of a printed range; where" if ranges else "Where"
    yield said("Rate", f"{ends} only a highest one is printed, that, as tolerated.", policy.within_range)
    if asked.request.product is None:
        keys = ", ".join(policy.order.items).replace("_", " ")
        yield said("Product", f"Proposed in the order {keys}; no judgement of which is better.", policy.order)
    if any(one.sites > 1 for one in draft.infusions):
        yield said("Sites", f"The {policy.sites.value} that hold the volume.", policy.sites)
    if not asked.schedule_given and draft.weekly.regimen is None:
        yield said("Schedule", f"{draft.cycle.shown.capitalize()}: nobody named one.", policy.schedule)
    if draft.use.previous is not None:
        text = f"A month of earlier treatment counts as {figure(policy.weeks_per_month.value)} weeks."
        yield said("Earlier treatment", text, policy.weeks_per_month)
