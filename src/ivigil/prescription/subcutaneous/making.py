"""From one patient and an intravenous regimen to a start under the skin, or to the reasons why there is none."""

from __future__ import annotations

from collections.abc import Iterable

from ivigil.findings import Finding, Severity, in_order
from ivigil.knowledge.facts import Fact
from ivigil.knowledge.products import Label, Product, Route
from ivigil.patient import Setting
from ivigil.prescription.administration import administration_plan
from ivigil.prescription.candidates import candidate, circumstances
from ivigil.prescription.making import before_products, check_request, none_fits, valid_until
from ivigil.prescription.plan import NOTICE, Instruction, identified
from ivigil.prescription.reasons import blocks
from ivigil.prescription.request import Formulary, Request, check_accepted
from ivigil.prescription.setting import choose_setting
from ivigil.prescription.subcutaneous.asked import Start
from ivigil.prescription.subcutaneous.conversion import to_milligrams
from ivigil.prescription.subcutaneous.plan import FromIv, SubcutaneousOrder, SubcutaneousPlan
from ivigil.prescription.subcutaneous.sites import cited
from ivigil.prescription.subcutaneous.telling import about, notes
from ivigil.prescription.subcutaneous.weighing import Draft, Weighed, in_order_of_proposal, weigh
from ivigil.sources import CitedSource, Read


def plan_start(asked: Start, formulary: Formulary) -> SubcutaneousPlan:
    """The start plan for a request.

    Raises:
        UnknownName: no product has the id that was asked for.
        BadInput: an acceptance that this plan does not allow, or a weight basis that cannot be worked out.
    """
    request = asked.request
    check_request(request, formulary)
    findings, patient_risks = before_products(request, formulary)
    findings.extend(never_under_skin(request, formulary))
    findings.extend(_bleeding(request, formulary, patient_risks))
    products = [one for one in formulary.products if one.route is Route.SC or one.id == request.product]
    weighed = in_order_of_proposal((weigh(one, asked, formulary, patient_risks) for one in products), formulary)
    chosen = _choose(weighed, request)
    if chosen is None:
        findings.append(none_fits([one.findings for one in weighed], "products for use under the skin"))
    else:
        findings.extend(chosen.findings)
    order: SubcutaneousOrder | None = None
    first_lines: tuple[Instruction, ...] = ()
    draft = chosen.draft if chosen is not None else None
    if chosen is not None and draft is not None and chosen.label is not None:
        setting, about_setting = choose_setting(request, formulary, chosen.product)
        findings.extend((*about(chosen, draft, asked, formulary), *about_setting))
        order = _ordered(chosen.product, chosen.label, draft, asked, formulary, setting)
        first_lines = administration_plan(chosen.product, formulary.policies, setting).first_lines_on_a_reaction
    ordered = in_order(findings)
    check_accepted(request.accepted, ordered, formulary.policies.acceptance)
    blocked = order is None or any(request.stops(finding) for finding in ordered)
    begins = draft.infusions[0].starts_at if draft is not None and not blocked else request.start
    plan = SubcutaneousPlan(
        schema_="ivigil-sc-plan/1",
        plan_id="",
        made_with=formulary.made_with,
        status="blocked" if blocked else "planned",
        valid_until=valid_until(begins, formulary),
        patient_ref=request.patient.ref,
        synthetic=request.patient.synthetic,
        indication=formulary.indication.id,
        indication_name=formulary.indication.name,
        findings=ordered,
        accepted=request.accepted,
        candidates=tuple(candidate(one.product, one.findings, fits=one.fits) for one in weighed),
        route="sc",
        order=None if blocked else order,
        infusions=() if blocked or draft is None else draft.infusions,
        first_lines_on_a_reaction=() if blocked else first_lines,
        sources={},
        notice=NOTICE,
    )
    return identified(plan.model_copy(update={"sources": _cited(plan, formulary)}))


def never_under_skin(request: Request, formulary: Formulary) -> Iterable[Finding]:
    """What any label of the formulary forbids under the skin is forbidden with every product."""
    said: set[str] = set()
    recorded = circumstances(request, formulary).words.present("conditions")
    for product in formulary.products:
        for label in product.labels.values():
            if label.subcutaneous is None:
                continue
            never_for, never_with = label.subcutaneous.never_for, label.subcutaneous.never_with
            if never_for is not None and formulary.indication.id in never_for.items:
                yield from _never(formulary.indication.name, product, never_for, said)
            for word in sorted(recorded & set(never_with.items)) if never_with is not None else ():
                yield from _never(formulary.vocabulary.conditions[word].name, product, never_with, said)


def _never(condition: str, product: Product, fact: Fact | None, said: set[str]) -> Iterable[Finding]:
    if condition in said or fact is None:
        return
    said.add(condition)
    finding = blocks(
        "never-under-skin",
        f"{condition[:1].upper()}{condition[1:]}: immunoglobulin is not given under the skin; the label of {product.brand} forbids it. {fact.note}",
        "Plan an intravenous product.",
        sources=fact.src,
    )
    yield finding.model_copy(update={"verified": fact.read is not Read.NOT_READ})


def _bleeding(request: Request, formulary: Formulary, risks: frozenset[str]) -> Iterable[Finding]:
    """Needles under the skin of somebody who bleeds easily; shown as policy."""
    policy = formulary.policies.subcutaneous.bleeding_with
    taken = sorted(set(policy.items) & circumstances(request, formulary).words.present("medicines"))
    why = [formulary.vocabulary.medicines[word].name for word in taken]
    if "bleeding" in risks:
        why.insert(0, "few platelets or a tendency to bleed")
    if why:
        yield Finding(
            code="bleeding-under-skin",
            severity=Severity.WARNS,
            text=f"Recorded: {' and '.join(why)}. By policy that is warned of: a needle under the skin can leave a haematoma.",
            remedy="Settle with the prescriber whether a vein is better; otherwise press on each site for minutes and look at it the next day.",
            sources=policy.src,
        )


def _choose(weighed: tuple[Weighed, ...], request: Request) -> Weighed | None:
    if request.product is not None:
        return next(one for one in weighed if one.product.id == request.product)
    return weighed[0] if weighed and weighed[0].fits else None


def _ordered(
    product: Product, label: Label, draft: Draft, asked: Start, formulary: Formulary, setting: Setting
) -> SubcutaneousOrder:
    conversion, weekly, table = draft.use.conversion, draft.weekly, draft.rules.table
    iv, last, under_skin = weekly.from_iv, draft.infusions[-1], label.subcutaneous
    rests_on = (weekly.factor, weekly.regimen, conversion.intervals, draft.ramp)
    facts: list[Fact] = [fact for fact in rests_on if fact is not None]
    return SubcutaneousOrder(
        product=product.id,
        brand=product.brand,
        region=label.region,
        label_revision=label.revision,
        from_iv=None
        if iv is None
        else FromIv(
            product=iv.last.product if iv.last else None,
            dose_g=iv.dose_g,
            interval_days=iv.interval_days,
            weekly_g=to_milligrams(iv.weekly_g),
            last_given_on=iv.last.last_given_at.date() if iv.last else None,
        ),
        factor=None if weekly.factor is None else weekly.factor.factor,
        dose_g_per_kg_week=None if weekly.regimen is None else weekly.regimen.g_per_kg_week,
        regimen=weekly.regimen_id,
        dosing_weight_kg=None if weekly.weight is None else weekly.weight.dosing_kg,
        weight_basis=None if weekly.weight is None else weekly.weight.basis,
        weekly_dose_g=to_milligrams(weekly.grams),
        cycle_days=draft.cycle.days,
        infusions_per_cycle=draft.cycle.infusions,
        consecutive_days=draft.cycle.consecutive,
        schedule=draft.cycle.shown,
        prescribed_dose_g=last.prescribed_g,
        dose_g=last.dose_g,
        first_on=draft.first_on,
        max_sites=table.max_sites.count if table.max_sites else None,
        spacing_cm=under_skin.spacing.cm if under_skin and under_skin.spacing else None,
        setting=setting,
        notes=notes(product, under_skin, draft, asked, formulary),
        sources=cited(*facts),
    )


def _cited(plan: SubcutaneousPlan, formulary: Formulary) -> dict[str, CitedSource]:
    """Every source id that stands anywhere in the plan, resolved once."""
    ids: set[str] = set()
    for finding in (*plan.findings, *(row for one in plan.candidates for row in one.reasons)):
        ids.update(finding.sources)
    if plan.order is not None:
        ids.update(plan.order.sources)
        ids.update(name for note in plan.order.notes for name in note.sources)
    for infusion in plan.infusions:
        ids.update(infusion.sources)
    ids.update(name for row in plan.first_lines_on_a_reaction for name in row.sources)
    return {name: formulary.cited(name) for name in sorted(ids)}
