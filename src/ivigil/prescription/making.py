"""From one patient and one indication to a complete plan, or to the reasons why there is none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

from ivigil.assessment.belongs import belongs_to
from ivigil.assessment.implied import implied_conditions
from ivigil.assessment.level import high_level
from ivigil.assessment.screening import free_texts, kidney_function, screen_dose, screen_patient, unlikely_values
from ivigil.errors import ImpossibleValue, UnknownName, UsageError
from ivigil.findings import Finding, MayBe, Severity, in_order
from ivigil.knowledge.indications import Indication, StatusGroup
from ivigil.knowledge.products import Product, RateTable, Route
from ivigil.knowledge.regimens import Phase, WeightBasis
from ivigil.patient import Setting
from ivigil.prescription.administration import administration_plan, premedication
from ivigil.prescription.candidates import (
    SLOWING_RISKS,
    Considered,
    Course,
    circumstances,
    consider,
    shortest_duration_h,
)
from ivigil.prescription.dose import phases_of
from ivigil.prescription.off_label import slowest
from ivigil.prescription.plan import (
    NOTICE,
    AdministrationPlan,
    Cost,
    Infusion,
    Plan,
    Premedication,
    Prescription,
    identified,
)
from ivigil.prescription.proposal import in_order_of_proposal
from ivigil.prescription.request import Formulary, Request, check_accepted
from ivigil.prescription.schedule import Ladder, Pattern, build_ladder, run_pump, vitals_due_min
from ivigil.prescription.setting import Given, choose_setting
from ivigil.prescription.timing import about_durations, about_last_infusion
from ivigil.prescription.unwell import about_unwell, unwell_today
from ivigil.quantities import mg_per_kg_min_from_ml_per_kg_h, ml_from_g, tenths_down
from ivigil.sources import CitedSource, Read

CENT = Decimal("0.01")
#: Kidneys and clots want fluid; a heart that cannot bear volume does not.
HYDRATE = {True: "Hydrate no more than is needed", False: "Hydrate first"}


def make_plan(request: Request, formulary: Formulary) -> Plan:
    """The plan for a request, with its id. Raises what :func:`draft_plan` raises."""
    return identified(draft_plan(request, formulary))


def draft_plan(request: Request, formulary: Formulary) -> Plan:
    """The whole plan for a request, which has no id yet.

    Raises:
        UsageError: the indication has several phases and none was named.
        UnknownName: no product has the id that was asked for.
        BadInput: an acceptance that this plan does not allow, or a weight basis that cannot be worked out.
    """
    check_request(request, formulary)
    _check_phase(request, formulary)
    findings, patient_risks = before_products(request, formulary)
    rules = formulary.rules.for_patient(circumstances(request, formulary))
    considered = tuple(consider(product, request, formulary, rules, patient_risks) for product in formulary.products)
    considered = in_order_of_proposal(considered, request, formulary)
    chosen = _choose(considered, request)
    if chosen is None:
        findings.append(none_fits([one.findings for one in considered]))
    else:
        findings.extend(chosen.findings)
    infusions: tuple[Infusion, ...] = ()
    prescription: Prescription | None = None
    administration: AdministrationPlan | None = None
    if chosen is not None and chosen.course is not None:
        dosed = screen_dose(
            formulary.rules, circumstances(request, formulary, chosen.product, chosen.course.dose.g_per_kg)
        )
        risks = chosen.risks | dosed.risks
        findings.extend(dosed.findings)
        infusions, said = _infusions(chosen, chosen.course, request, formulary)
        findings.extend(said)
        findings.extend(_about_time(chosen.product, chosen.course, infusions, request, formulary))
        adult = is_adult(request, formulary)
        about = circumstances(request, formulary, chosen.product)
        rows, why = premedication(about, risks, formulary.policies, adult=adult)
        given = Given(chosen.course.regimen.phase, chosen.off_label, chosen.course.dose.g_per_kg)
        setting, about_setting = choose_setting(request, formulary, chosen.product, given)
        findings.extend((why, *about_setting))
        administration = formulary.once(
            ("administration", chosen.product.id, setting),
            lambda: administration_plan(chosen.product, formulary.policies, setting),
        )
        prescription = _prescription(chosen, chosen.course, infusions, request, formulary, rows, setting)
    ordered = in_order(findings)
    check_accepted(request.accepted, ordered, formulary.policies.acceptance)
    blocked = prescription is None or any(request.stops(finding) for finding in ordered)
    plan = Plan(
        schema_="ivigil-plan/1",
        plan_id="",
        made_with=formulary.made_with,
        status="blocked" if blocked else "planned",
        valid_until=valid_until(request.start, formulary),
        patient_ref=request.patient.ref,
        synthetic=request.patient.synthetic,
        indication=formulary.indication.id,
        indication_name=formulary.indication.name,
        findings=ordered,
        accepted=request.accepted,
        candidates=tuple(one.shown for one in considered),
        prescription=None if blocked else prescription,
        administration=None if blocked else administration,
        infusions=() if blocked else infusions,
        sources={},
        notice=NOTICE,
    )
    return plan.model_copy(update={"sources": cited(plan, formulary)})


# ---- before a product is weighed


def check_request(request: Request, formulary: Formulary) -> None:
    """Refuse what no plan of any route can be made for.

    Raises:
        UnknownName: no product has the id that was asked for.
        ImpossibleValue: an age that nobody has.
    """
    if request.product is not None and request.product not in {product.id for product in formulary.products}:
        raise UnknownName(
            "--product", request.product, "No product has this id.", "`ivigil knowledge list products` lists them."
        )
    request.check_possible(formulary.policies.plausibility)
    _check_age(request, formulary)


def before_products(request: Request, formulary: Formulary) -> tuple[list[Finding], frozenset[str]]:
    """What is said whatever the product and the route, and the risks of the patient."""
    screened = screen_patient(formulary.rules, circumstances(request, formulary))
    adult_from = formulary.policies.weight.adult_from_years.value
    findings = [
        *overlay_waits(formulary),
        *_age_missing(request),
        *indication_standing(formulary),
        *_age_of_condition(request, formulary),
        *free_texts(request.patient, formulary.vocabulary, formulary.policies.free_text),
        *_old_weight(request, formulary),
        *unlikely_values(
            request.patient, request.start, formulary.policies.plausibility, formulary.vocabulary, adult_from
        ),
        *kidney_function(request.patient, request.start),
        *implied_conditions(formulary.indication, formulary.vocabulary),
        *high_level(formulary.indication, request.patient, request.start, formulary.policies.dose),
        *screened.findings,
    ]
    return findings, screened.risks


def _check_phase(request: Request, formulary: Formulary) -> None:
    if request.phase is not None or request.regimen is not None:
        return
    phases = formulary.once(("phases", request.product, request.region), lambda: _dosed_phases(request, formulary))
    if len(phases) > 1:
        choices = "|".join(phase for phase in Phase if phase in phases)
        raise UsageError(
            "--phase",
            None,
            f"{formulary.indication.name} is dosed differently by phase.",
            f"Say which: --phase {choices}.",
        )


def _dosed_phases(request: Request, formulary: Formulary) -> frozenset[Phase]:
    """The phases for which the products in question print a dose, or the guidelines where no label names the condition."""
    products = [one for one in formulary.products if request.product in {None, one.id}]
    if not any(one.route is Route.IV and request.region in one.labels for one in products):
        return frozenset()  # the route or the region is the news, not the phase
    uses = [
        use
        for product in products
        for use in (product.labels[request.region].uses.values() if request.region in product.labels else ())
        if formulary.indication.id in use.indications
    ]
    regimens = [use.regimens for use in uses] if uses else [formulary.indication.regimens]
    return frozenset(phase for one in regimens for phase in phases_of(one))


def overlay_waits(formulary: Formulary) -> Iterable[Finding]:
    """What waits in this site's overlay outside of the products."""
    for place, paths in formulary.waiting.items():
        if not place.startswith("products/"):
            for path in paths:
                yield Finding(
                    code="overlay-waiting",
                    severity=Severity.BLOCKS,
                    text=f"A fact of this site's overlay ({place}: {path}) waits to be confirmed again: the shipped fact under it changed.",
                    remedy="Confirm it and sign it anew (docs/how-to/overlay.md).",
                )


def _check_age(request: Request, formulary: Formulary) -> None:
    """A birth date that makes an impossible age is refused like such an age."""
    age, (low, high) = request.patient.age_at(request.start), formulary.policies.plausibility.possible_age_years
    if age is not None and not low <= age <= high:
        born = request.patient.birth_date
        raise ImpossibleValue(
            "birth_date" if born else "age_years",
            born.isoformat() if born else str(age),
            f"Age lies between {low} and {high} years.",
            "Correct it, or leave it out if it is not recorded.",
        )


def _age_missing(request: Request) -> Iterable[Finding]:
    if request.patient.age_at(request.start) is None:
        yield Finding(
            code="age-missing",
            severity=Severity.BLOCKS,
            text="Neither birth date nor age is recorded; label age limits and doses cannot be checked.",
            remedy="Record birth_date or age_years.",
        )


def indication_standing(formulary: Formulary) -> Iterable[Finding]:
    """A condition for which the facts say that immunoglobulin is not supported is stopped before any product is."""
    indication = formulary.indication
    sources = tuple(dict.fromkeys(name for fact in indication.regulatory.values() for name in fact.src))
    if indication.status_group is StatusGroup.NOT_SUPPORTED:
        yield Finding(
            code="indication-not-supported",
            severity=Severity.BLOCKS,
            may_be=MayBe.OVERRIDDEN,
            text=f"The knowledge base lists {indication.name} as a condition in which immunoglobulin is not supported.",
            remedy="Reconsider the indication; a prescriber may override it with the reason (a trial, for example).",
            sources=sources,
        )
    elif indication.status_group is StatusGroup.INVESTIGATIONAL:
        yield Finding(
            code="indication-investigational",
            severity=Severity.WARNS,
            text=f"Immunoglobulin for {indication.name} is investigational.",
            remedy="Plan it in a trial or with specialist approval.",
            sources=sources,
        )


def _age_of_condition(request: Request, formulary: Formulary) -> Iterable[Finding]:
    """Ask when the condition belongs to another age or sex than the patient's."""
    return belongs_to(formulary.indication, request.patient, request.start)


def is_adult(request: Request, formulary: Formulary) -> bool:
    """Whether the patient is known to be of the age from which policy counts adults."""
    age = request.patient.age_at(request.start)
    return age is not None and age >= formulary.policies.weight.adult_from_years.value


def _old_weight(request: Request, formulary: Formulary) -> Iterable[Finding]:
    measured, age = request.patient.weight_measured_on, request.patient.age_at(request.start)
    if measured is None or age is None:
        return
    policy = formulary.policies.dose
    adult = is_adult(request, formulary)
    allowed, confirmed = (
        (policy.weight_valid_days_adult, policy.weight_confirm_after_days_adult)
        if adult
        else (policy.weight_valid_days_child, policy.weight_confirm_after_days_child)
    )
    days = (request.start.date() - measured).days
    if days <= allowed.value:
        return
    too_old = days > confirmed.value
    yield Finding(
        code="weight-too-old" if too_old else "weight-old",
        severity=Severity.BLOCKS if too_old else Severity.WARNS,
        may_be=MayBe.CONFIRMED if too_old else MayBe.NEITHER,
        text=f"The weight is {days} days old; policy asks for one of the last {allowed.value} days.",
        remedy="Weigh the patient and plan anew."
        if too_old
        else "Weigh the patient before the infusion; plan anew if the weight has changed.",
        sources=allowed.src,
    )


def valid_until(first_infusion: datetime, formulary: Formulary) -> datetime:
    """Until when a plan may be begun: so many days after its first infusion, by policy."""
    return first_infusion + timedelta(days=int(formulary.policies.dose.plan_valid_days.value))


# ---- the choice


def _choose(considered: tuple[Considered, ...], request: Request) -> Considered | None:
    if request.product is not None:
        return next(one for one in considered if one.product.id == request.product)
    first = considered[0] if considered else None
    return first if first is not None and first.fits else None


def none_fits(reasons: Sequence[Iterable[Finding]], what: str = "products") -> Finding:
    """That no product fits, with the first reason of each counted."""
    tally = Counter(
        next((finding.code for finding in findings if finding.severity is Severity.BLOCKS), "unknown")
        for findings in reasons
    )
    first = ", ".join(f"{code} ({count})" for code, count in tally.most_common())
    return Finding(
        code="no-product-fits",
        severity=Severity.BLOCKS,
        text=f"None of {len(reasons)} {what} fits. First reasons: {first}.",
        remedy="See the candidates for each product's reasons; name a --product to see and accept what may be accepted.",
    )


# ---- the infusions


def pattern_of(chosen: Considered, request: Request, formulary: Formulary) -> tuple[Pattern, int]:
    """The ladder's pattern, and the number of earlier infusions of this product that count.

    Off label nothing counts: a label's words on experienced patients are about its own uses.
    """
    entry = circumstances(request, formulary, chosen.product).borne
    # A tier or the experienced pattern opens only on infusions known to have been borne without a reaction.
    earlier = entry.infusions if entry is not None and entry.reactions == () and not chosen.off_label else 0
    if unwell_today(request, formulary):
        earlier = 0
    if chosen.risks & SLOWING_RISKS:
        return "at_risk", earlier
    experienced = earlier >= formulary.policies.rate.experienced_after_infusions.value
    return ("experienced" if experienced else "first"), earlier


def rate_borne_before_a_reaction(chosen: Considered, request: Request) -> Decimal | None:
    """The highest rate (mL/kg/h) this patient bore of a product to which a reaction is recorded; else None."""
    history = request.patient.immunoglobulin_history or ()
    entry = next((one for one in history if one.product == chosen.product.id and one.reactions), None)
    return None if entry is None else entry.rate_borne_ml_per_kg_h


def _ladder(chosen: Considered, course: Course, request: Request, formulary: Formulary) -> Ladder:
    pattern, earlier = pattern_of(chosen, request, formulary)
    at_risk, borne = chosen.label.at_risk if chosen.label else None, rate_borne_before_a_reaction(chosen, request)
    strength, policy, ceiling = course.concentration_g_per_ml, formulary.policies.rate, formulary.indication.max_rate
    return slowest(
        [build_ladder(one, strength, pattern, earlier, policy, at_risk, borne, ceiling) for one in course.tables]
    )


def _about_time(
    product: Product, course: Course, infusions: tuple[Infusion, ...], request: Request, formulary: Formulary
) -> Iterable[Finding]:
    interval, policies = course.dose.interval_days, formulary.policies
    next_course_at = None if interval is None else request.start + timedelta(days=interval)
    yield from about_durations(infusions, next_course_at, product, policies.rate)
    history = request.patient.immunoglobulin_history or ()
    yield from about_last_infusion(history, formulary.products, course.regimen, request.start, policies.dose)


def _below_pump(ladder: Ladder, weight_kg: Decimal) -> Finding:
    first = ladder.rungs[0].rate_ml_per_kg_h.normalize()
    return Finding(
        code="rate-below-pump",
        severity=Severity.BLOCKS,
        text=f"At {weight_kg} kg the first rate, {first:f} mL/kg/h, is below 0.1 mL/h, the finest a pump is set to here.",
        remedy="Plan by hand with a syringe pump.",
    )


def _infusions(
    chosen: Considered, course: Course, request: Request, formulary: Formulary
) -> tuple[tuple[Infusion, ...], tuple[Finding, ...]]:
    policies = formulary.policies
    ladder = _ladder(chosen, course, request, formulary)
    findings = list(_about_rates(chosen, course, ladder, formulary, request))
    setting_ceiling = policies.rate.ceilings_ml_per_h.get(request.patient.setting_wish or "")
    shortest = shortest_duration_h(course.regimen, chosen.off_label, formulary)
    infusions = []
    for number, day in enumerate(course.days, start=1):
        total_ml = tenths_down(ml_from_g(day.given_g, course.concentration_g_per_ml))
        ceilings = [
            request.ceiling_ml_per_h,
            setting_ceiling.value if setting_ceiling else None,
            None if shortest is None else total_ml / shortest[0],
        ]
        ceiling = min((tenths_down(one) for one in ceilings if one is not None), default=None)
        run = run_pump(ladder, course.weight.rate_kg, total_ml, course.concentration_g_per_ml, ceiling)
        if run is None:
            findings.append(_below_pump(ladder, course.weight.rate_kg))
            continue
        if run.ceiling_bound and number == 1:
            why = "a ceiling was set" if shortest is None else f"a source gives this dose over at least {shortest[0]} h"
            findings.append(
                Finding(
                    code="ceiling-binds",
                    severity=Severity.INFORMS,
                    text=f"The pump stays at or below {ceiling} mL/h: {why}.",
                    sources=() if shortest is None else shortest[1],
                )
            )
        infusions.append(
            Infusion(
                number=number,
                starts_at=request.start + timedelta(days=number - 1),
                dose_g=day.given_g,
                vials=day.vials,
                waste_g=day.waste_g,
                concentration_g_per_ml=course.concentration_g_per_ml,
                total_ml=total_ml,
                duration_min=run.duration_min,
                pattern=ladder.pattern,
                max_rate_ml_per_kg_h=ladder.max_rate_ml_per_kg_h,
                ceiling_ml_per_h=ceiling,
                steps=run.steps,
                vitals_due_min=vitals_due_min(run, ladder.pattern, policies.monitoring),
            )
        )
    return tuple(infusions), tuple(findings)


def _about_rates(
    chosen: Considered, course: Course, ladder: Ladder, formulary: Formulary, request: Request
) -> Iterable[Finding]:
    strength = course.concentration_g_per_ml
    yield from about_label_rates(chosen.product, course.rates, strength, chosen.off_label, formulary)
    yield from _borne_elsewhere(chosen, request, ladder)
    yield from about_unwell(request, formulary)
    if ladder.risk_cap is not None:
        cap, risk = ladder.risk_cap, chosen.label.at_risk if chosen.label else None
        asks = "" if risk is None else "; the label asks for the lowest practicable rate"
        yield Finding(
            code="at-risk-rate",
            severity=Severity.WARNS,
            text=f"Because of {' and '.join(sorted(chosen.risks & SLOWING_RISKS))} risk the rate stays at or below"
            f" {cap.rate_ml_per_kg_h.normalize():f} mL/kg/h ({cap.how}){asks}.",
            remedy=f"{HYDRATE['volume' in chosen.risks]}; slow further if anything changes.",
            sources=tuple(dict.fromkeys((risk.rule.src if risk else ()) + cap.sources)),
            verified=cap.verified,
        )
    borne = rate_borne_before_a_reaction(chosen, request)
    history = request.patient.immunoglobulin_history or ()
    if borne is None and any(one.product == chosen.product.id and one.reactions for one in history):
        yield Finding(
            code="no-rate-borne",
            severity=Severity.WARNS,
            text=f"A reaction to {chosen.product.brand} is recorded and no rate that was borne without symptoms: this plan rises to"
            f" {ladder.max_rate_ml_per_kg_h.normalize():f} mL/kg/h.",
            remedy="Settle at which rate it came; keep the rate below that with --ceiling-ml-per-h, or record rate_borne_ml_per_kg_h.",
        )
    if borne is not None and ladder.max_rate_ml_per_kg_h == borne:
        yield Finding(
            code="rate-capped-by-reaction",
            severity=Severity.WARNS,
            text=f"A reaction to {chosen.product.brand} is recorded: the rate stays at or below {borne.normalize():f} mL/kg/h, the highest borne without symptoms.",
            remedy="A prescriber may plan a higher rate once the reaction is understood, by correcting rate_borne_ml_per_kg_h.",
        )
    if any(rung.basis == "policy" or rung.hold_basis == "policy" for rung in ladder.rungs):
        yield Finding(
            code="policy-steps",
            severity=Severity.INFORMS,
            text="The label leaves steps or holds between start and maximum open; those marked policy are the site's.",
            sources=formulary.policies.rate.step_factor.src,
        )


def about_label_rates(
    product: Product, rates: RateTable, strength: Decimal, off_label: bool, formulary: Formulary
) -> Iterable[Finding]:
    """What the label's rates and those printed for the condition say of themselves, whoever the patient is."""
    agree = formulary.policies.rate.printed_units_agree_within.value
    for name, rate in (("starting rate", rates.start), ("maximum rate", rates.max)):
        printed = rate.each_ml_per_kg_h(strength)
        low, high = min(printed.values()), max(printed.values())
        if high > low * (1 + agree):
            shown = ", ".join(f"{unit}: {value.normalize():f} mL/kg/h" for unit, value in printed.items())
            yield Finding(
                code="printed-rates-disagree",
                severity=Severity.INFORMS,
                text=f"The label's units for the {name} disagree ({shown}); the lower, {low.normalize():f} mL/kg/h, governs.",
                sources=rate.src,
            )
    if off_label:
        yield Finding(
            code="no-label-rate",
            severity=Severity.INFORMS,
            text=f"No label rate for this use: lowest start, longest hold and lowest maximum of the labelled uses of {product.brand} are taken, as for a first infusion; at no minute is it faster than any of their ladders.",
            sources=tuple(dict.fromkeys(rates.start.src + rates.max.src)),
        )
    yield from _condition_rate(formulary.indication, strength, off_label)


def _condition_rate(indication: Indication, g_per_ml: Decimal, off_label: bool) -> Iterable[Finding]:
    """The highest rate that a source prints for the condition, which holds for every product."""
    limit = indication.max_rate
    if limit is None:
        return
    rate = limit.ml_per_kg_h_at(g_per_ml)
    yield Finding(
        code="rate-ceiling-of-condition",
        severity=Severity.WARNS if off_label else Severity.INFORMS,
        text=f"For {indication.name} no product runs faster than {rate.normalize():f} mL/kg/h"
        f" ({mg_per_kg_min_from_ml_per_kg_h(rate, g_per_ml).normalize():f} mg/kg/min). {limit.text}",
        sources=limit.src,
        verified=limit.read is not Read.NOT_READ,
    )


def _borne_elsewhere(chosen: Considered, request: Request, ladder: Ladder) -> Iterable[Finding]:
    """On a switch: at which rate another product was borne to which a reaction is recorded."""
    for entry in request.patient.immunoglobulin_history or ():
        borne = entry.rate_borne_ml_per_kg_h
        if entry.product == chosen.product.id or not entry.reactions or borne is None:
            continue
        if borne < ladder.max_rate_ml_per_kg_h:
            yield Finding(
                code="rate-borne-of-other-product",
                severity=Severity.WARNS,
                text=f"A reaction to {entry.product} is recorded, of which {borne.normalize():f} mL/kg/h was the highest rate borne"
                f" without symptoms; this plan of {chosen.product.brand} rises to {ladder.max_rate_ml_per_kg_h.normalize():f} mL/kg/h.",
                remedy="Settle what the reaction was; keep the rate at or below the one borne with --ceiling-ml-per-h, or stop rising there.",
            )


# ---- the result


def _prescription(
    chosen: Considered,
    course: Course,
    infusions: tuple[Infusion, ...],
    request: Request,
    formulary: Formulary,
    rows: tuple[Premedication, ...],
    setting: Setting,
) -> Prescription | None:
    if chosen.label is None or request.patient.weight_kg is None or not infusions:
        return None
    dose = course.dose
    age, worked_out = request.patient.age_at(request.start), course.weight.basis is not WeightBasis.ACTUAL
    given = sum((day.given_g for day in course.days), Decimal(0))
    next_on = None if dose.interval_days is None else request.start.date() + timedelta(days=dose.interval_days)
    cost = None
    if request.price is not None:
        opened = sum((vial.size_g * vial.count for day in course.days for vial in day.vials), Decimal(0))
        amount = (opened * request.price.per_g).quantize(CENT, rounding=ROUND_HALF_UP)
        cost = Cost(price_per_g=request.price.per_g, currency=request.price.currency, course=amount)
    return Prescription(
        product=chosen.product.id,
        brand=chosen.product.brand,
        region=chosen.label.region,
        label_revision=chosen.label.revision,
        phase=course.regimen.phase,
        regimen=course.regimen_id,
        authority=course.regimen.authority,
        off_label=request.off_label.strip() if chosen.off_label and request.off_label else None,
        age_years=None if age is None else age.quantize(CENT, rounding=ROUND_DOWN),
        weight_kg=request.patient.weight_kg,
        weight_basis=course.weight.basis,
        height_cm=request.patient.height_cm if worked_out else None,
        sex=request.patient.sex if worked_out else None,
        dosing_weight_kg=course.weight.dosing_kg,
        rate_weight_kg=course.weight.rate_kg,
        dose_g_per_kg=dose.g_per_kg,
        prescribed_course_dose_g=dose.course_g,
        course_dose_g=given,
        interval_days=dose.interval_days,
        next_course_on=next_on,
        premedication=rows,
        setting=setting,
        cost=cost,
        sources=course.regimen.src,
    )


def cited(plan: Plan, formulary: Formulary) -> dict[str, CitedSource]:
    """Every source id that stands anywhere in the plan, resolved once."""
    ids = {name for finding in plan.findings for name in finding.sources}
    ids.update(*(finding.sources for candidate in plan.candidates for finding in candidate.reasons))
    if plan.prescription is not None:
        ids.update(plan.prescription.sources)
        ids.update(name for row in plan.prescription.premedication for name in row.sources)
    if plan.administration is not None:
        for part in (
            plan.administration.preparation,
            plan.administration.hydration,
            plan.administration.monitoring,
            plan.administration.first_lines_on_a_reaction,
        ):
            ids.update(name for row in part for name in row.sources)
    ids.update(name for infusion in plan.infusions for step in infusion.steps for name in step.sources)
    return {name: formulary.cited(name) for name in sorted(ids)}
