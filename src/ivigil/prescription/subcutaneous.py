"""From an intravenous regimen to the first weeks under the skin, by one product's label: dose, sites, rates, dates.

Every number is the label's of that product, use and region. What permits must have been read; a restriction always
applies. Volumes are counted in whole tenths of mL and doses in whole vials.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from math import ceil
from typing import TypeVar

from ivigil.assessment.screening import (
    free_texts,
    kidney_function,
    screen_dose,
    screen_patient,
    screen_product,
    unlikely_values,
)
from ivigil.errors import BadInput, ImpossibleValue, UnknownName
from ivigil.findings import Finding, MayBe, Severity, in_order
from ivigil.knowledge.facts import Fact, Statement
from ivigil.knowledge.products import Label, Product, Route
from ivigil.knowledge.regimens import Phase, Regimen
from ivigil.knowledge.subcutaneous import (
    RampUp,
    SiteRate,
    SiteTable,
    SiteVolume,
    StartAfter,
    SubcutaneousLabel,
    SubcutaneousUse,
    WeeklyDose,
)
from ivigil.patient import ProductHistory, Setting
from ivigil.prescription.administration import administration_plan
from ivigil.prescription.body_weight import choose_weight
from ivigil.prescription.candidates import SLOWING_RISKS, _age, _blocks, _Reasons, circumstances
from ivigil.prescription.making import (
    _age_missing,
    _age_of_condition,
    _check_age,
    _indication_standing,
    _old_weight,
    _overlay_waits,
    _valid_until,
)
from ivigil.prescription.needs import indication_need, planned_concentration
from ivigil.prescription.permission import Need
from ivigil.prescription.plan import NOTICE, Candidate, Instruction
from ivigil.prescription.request import Formulary, Request, check_accepted
from ivigil.prescription.setting import choose_setting
from ivigil.prescription.subcutaneous_plan import (
    FromIv,
    RateStep,
    SubcutaneousInfusion,
    SubcutaneousOrder,
    SubcutaneousPlan,
    identified,
)
from ivigil.prescription.vials import Day, DoseWindow, choose_vials
from ivigil.quantities import DAYS_PER_WEEK, MIN_PER_H, ml_from_g, tenths_down
from ivigil.sources import CitedSource, Origin, Read, cite

MILLIGRAM = Decimal("0.001")
TENTHS = 10
#: Four weeks stand for a month where a label counts months of earlier treatment.
WEEKS_PER_MONTH = 4
#: Printed ramps are over long before; a bound for the search, not a rule.
MOST_INFUSIONS = 400

LimitRow = TypeVar("LimitRow", SiteVolume, SiteRate)


@dataclass(frozen=True)
class Start:
    """What is asked of the start plan beside the request.

    ``iv_dose_g`` and ``iv_interval_days`` are the intravenous regimen; the dose may come from the record instead.
    ``start_given`` is False when nobody named a start: then the label's day is taken.
    """

    request: Request
    iv_dose_g: Decimal | None = None
    iv_interval_days: int | None = None
    times_per_week: int | None = None
    start_given: bool = True

    def __post_init__(self) -> None:
        for name, value in (
            ("--iv-dose-g", self.iv_dose_g),
            ("--iv-interval-days", self.iv_interval_days),
            ("--times-per-week", self.times_per_week),
        ):
            if value is not None and (not Decimal(value).is_finite() or value <= 0):
                raise ImpossibleValue(name, str(value), f"{name} must be positive.", "Correct it or leave it out.")
        if self.times_per_week is not None and self.request.interval_days is not None:
            raise BadInput(
                "--times-per-week",
                str(self.times_per_week),
                "A schedule is an interval or a number of infusions a week.",
                "Give one of --interval-days and --times-per-week.",
            )


@dataclass(frozen=True)
class Cycle:
    """``infusions`` in every ``days``: on consecutive days, or as evenly as whole days allow."""

    days: int
    infusions: int = 1
    consecutive: bool = False

    def day_of(self, number: int) -> int:
        """Days from the first infusion to the one of this number (the first is 1)."""
        whole, rest = divmod(number - 1, self.infusions)
        return whole * self.days + (rest if self.consecutive else rest * self.days // self.infusions)

    @property
    def shown(self) -> str:
        """In words."""
        if self.infusions == 1:
            return "weekly" if self.days == DAYS_PER_WEEK else f"every {self.days} days"
        return f"{self.infusions} times a week" + (", on consecutive days" if self.consecutive else "")


@dataclass(frozen=True)
class Intravenous:
    """The intravenous regimen, exact. ``last`` is the history entry it rests on, if there is one."""

    dose_g: Decimal
    interval_days: int
    last: ProductHistory | None

    @property
    def weekly_g(self) -> Fraction:
        """Grams per week."""
        return Fraction(self.dose_g) * DAYS_PER_WEEK / self.interval_days


@dataclass(frozen=True)
class Draft:
    """One product, worked out to the first infusion at the full dose under its last limits."""

    use: SubcutaneousUse
    cycle: Cycle
    weekly_g: Fraction
    from_iv: Intravenous | None
    regimen: str | None
    table: SiteTable
    first_on: date
    ramp: RampUp | None
    infusions: tuple[SubcutaneousInfusion, ...]


@dataclass(frozen=True)
class Weighed:
    """One product considered: every reason, and the draft if there is one."""

    product: Product
    label: Label | None
    findings: tuple[Finding, ...]
    stopped: bool
    risks: frozenset[str] = frozenset()
    draft: Draft | None = None

    @property
    def fits(self) -> bool:
        """Whether it may be planned."""
        return self.draft is not None and not self.stopped


def plan_start(asked: Start, formulary: Formulary) -> SubcutaneousPlan:
    """The start plan for a request.

    Raises:
        UnknownName: no product has the id that was asked for.
        BadInput: an acceptance that this plan does not allow, or a weight basis that cannot be worked out.
    """
    request = asked.request
    if request.product is not None and request.product not in {product.id for product in formulary.products}:
        raise UnknownName(
            "--product", request.product, "No product has this id.", "`ivigil knowledge list products` lists them."
        )
    request.check_possible(formulary.policies.plausibility)
    _check_age(request, formulary)
    screened = screen_patient(formulary.rules, circumstances(request, formulary))
    adult_from = formulary.policies.weight.adult_from_years.value
    findings: list[Finding] = [
        *_overlay_waits(formulary),
        *_age_missing(request),
        *_indication_standing(request, formulary),
        *_age_of_condition(request, formulary),
        *_never_under_skin(formulary),
        *free_texts(request.patient, formulary.vocabulary, formulary.policies.free_text),
        *_old_weight(request, formulary),
        *unlikely_values(
            request.patient, request.start, formulary.policies.plausibility, formulary.vocabulary, adult_from
        ),
        *kidney_function(request.patient, request.start),
        *screened.findings,
    ]
    products = [one for one in formulary.products if one.route is Route.SC or one.id == request.product]
    weighed = sorted((weigh(one, asked, formulary, screened.risks) for one in products), key=_order)
    chosen = _choose(weighed, request)
    if chosen is None:
        findings.append(_none_fits(weighed))
    else:
        findings.extend(chosen.findings)
    order: SubcutaneousOrder | None = None
    first_lines: tuple[Instruction, ...] = ()
    if chosen is not None and chosen.draft is not None and chosen.label is not None:
        setting, about_setting = choose_setting(request, formulary, chosen.product)
        findings.extend((*_about(chosen, chosen.draft, formulary), *about_setting))
        order = _ordered(chosen.product, chosen.label, chosen.draft, request, setting)
        first_lines = administration_plan(chosen.product, formulary.policies, setting).first_lines_on_a_reaction
    ordered = in_order(findings)
    check_accepted(request.accepted, ordered, formulary.policies.acceptance)
    blocked = order is None or any(request.stops(finding) for finding in ordered)
    plan = SubcutaneousPlan(
        schema_="ivigil-sc-plan/1",
        plan_id="",
        made_with=formulary.made_with,
        status="blocked" if blocked else "planned",
        route="sc",
        valid_until=_valid_until(request, formulary),
        patient_ref=request.patient.ref,
        synthetic=request.patient.synthetic,
        indication=formulary.indication.id,
        indication_name=formulary.indication.name,
        findings=ordered,
        accepted=request.accepted,
        candidates=tuple(
            Candidate(
                product=one.product.id,
                fits=one.fits,
                reasons=tuple(row for row in one.findings if row.severity is not Severity.INFORMS),
            )
            for one in weighed
        ),
        order=None if blocked else order,
        infusions=() if blocked or chosen is None or chosen.draft is None else chosen.draft.infusions,
        first_lines_on_a_reaction=() if blocked else first_lines,
        sources={},
        notice=NOTICE,
    )
    return identified(plan.model_copy(update={"sources": _cited(plan, formulary)}))


# ---- before a product is weighed


def _never_under_skin(formulary: Formulary) -> Iterable[Finding]:
    """A condition that any label of the formulary forbids under the skin is forbidden with every product."""
    for product in formulary.products:
        for label in product.labels.values():
            never = label.subcutaneous.never_for if label.subcutaneous else None
            if never is not None and formulary.indication.id in never.items:
                yield Finding(
                    code="never-under-skin",
                    severity=Severity.BLOCKS,
                    text=f"Immunoglobulin is not given under the skin in {formulary.indication.name}: the label of {product.brand} forbids it.",
                    remedy="Plan an intravenous product.",
                    sources=never.src,
                    verified=never.read is not Read.NOT_READ,
                )


def last_intravenous(asked: Start, formulary: Formulary) -> ProductHistory | None:
    """The last infusion into a vein that is recorded."""
    routes = {product.id: product.route for product in formulary.products}
    entries = [one for one in asked.request.patient.immunoglobulin_history or () if routes.get(one.product) is Route.IV]
    return max(entries, key=lambda entry: entry.last_given_at, default=None)


def _iv_dose(asked: Start, formulary: Formulary) -> Decimal | None:
    last = last_intravenous(asked, formulary)
    return asked.iv_dose_g if asked.iv_dose_g is not None else (last.last_dose_g if last else None)


def _iv_unlikely(asked: Start, formulary: Formulary) -> Iterable[Finding]:
    """An intravenous regimen outside everything printed for the condition: weeks typed as days, mg/kg as grams."""
    dose, interval, weight = _iv_dose(asked, formulary), asked.iv_interval_days, asked.request.patient.weight_kg
    last = last_intravenous(asked, formulary)
    recorded = last.last_dose_g if last else None
    if asked.iv_dose_g is not None and recorded is not None and asked.iv_dose_g != recorded:
        yield Finding(
            code="iv-dose-differs",
            severity=Severity.BLOCKS,
            may_be=MayBe.CONFIRMED,
            text=f"The intravenous dose given is {_figure(asked.iv_dose_g)} g, the record's last dose is {_figure(recorded)} g.",
            remedy="Correct one of them, or have the dose to convert confirmed.",
        )
    printed = [one for one in _iv_regimens(asked.request.region, formulary) if one.phase is Phase.MAINTENANCE]
    days = [n for one in printed for n in (one.interval_days_min, one.interval_days_max) if n is not None]
    if interval is not None and days and not min(days) <= interval <= max(days):
        yield Finding(
            code="iv-interval-unlikely",
            severity=Severity.BLOCKS,
            may_be=MayBe.CONFIRMED,
            text=f"{interval} days between intravenous infusions is outside the {min(days)} to {max(days)} days printed for {formulary.indication.name}.",
            remedy="Give --iv-interval-days in days (4 weeks are 28); if it is right, have it confirmed.",
        )
    ranges = [
        (one.g_per_kg_min or one.g_per_kg_max, one.g_per_kg_max) for one in printed if one.g_per_kg_max is not None
    ]
    if dose is None or weight is None or not ranges:
        return
    least, most = min(low for low, _ in ranges), max(high for _, high in ranges)
    if not least * weight <= dose <= most * weight:
        yield Finding(
            code="iv-dose-unlikely",
            severity=Severity.BLOCKS,
            may_be=MayBe.CONFIRMED,
            text=f"{_figure(dose)} g at {_figure(weight)} kg is outside the {_figure(least)} to {_figure(most)} g/kg printed for {formulary.indication.name}.",
            remedy="Give the grams of one intravenous infusion; if the dose is right, have it confirmed.",
        )


def _iv_regimens(region: str, formulary: Formulary) -> Iterable[Regimen]:
    for product in formulary.products:
        label = product.labels.get(region)
        if product.route is Route.IV and label is not None:
            for use in label.uses.values():
                if formulary.indication.id in use.indications:
                    yield from use.regimens.values()
    yield from formulary.indication.regimens.values()


# ---- one product


def weigh(product: Product, asked: Start, formulary: Formulary, patient_risks: frozenset[str]) -> Weighed:
    """Weigh one product. Reasons are complete up to the first thing that makes the next question meaningless."""
    request = asked.request
    reasons = _Reasons(request)
    for path in formulary.waiting.get(f"products/{product.id}", ()):
        reasons.add(
            _blocks(
                "overlay-waiting",
                f"A fact of this site's overlay ({path}) waits to be confirmed again: the shipped fact under it changed.",
                "Confirm it against the label in force and sign it anew.",
            )
        )
    label = product.labels.get(request.region)
    under_skin = label.subcutaneous if label is not None else None
    if product.route is not Route.SC:
        reasons.add(
            _blocks(
                "wrong-route", f"{product.brand} is entered for a vein.", "Choose a product for use under the skin."
            )
        )
    elif label is None or under_skin is None:
        reasons.add(
            _blocks(
                "no-label-for-region",
                f"No {request.region} label of {product.brand} for use under the skin stands in the knowledge base.",
                "Enter it in the site's overlay, signed by two people.",
            )
        )
    else:
        return _with_label(product, label, under_skin, asked, formulary, patient_risks, reasons)
    return Weighed(product, label, reasons.all(formulary), reasons.stopped)


def _with_label(
    product: Product,
    label: Label,
    under_skin: SubcutaneousLabel,
    asked: Start,
    formulary: Formulary,
    patient_risks: frozenset[str],
    reasons: _Reasons,
) -> Weighed:
    request = asked.request
    found = next(((name, use) for name, use in label.uses.items() if formulary.indication.id in use.indications), None)
    if found is None or found[0] not in under_skin.uses:
        reasons.add(_not_labelled(product, label, request, formulary))
        return Weighed(product, label, reasons.all(formulary), reasons.stopped)
    use, sc = found[1], under_skin.uses[found[0]]
    screened = screen_product(formulary.rules, circumstances(request, formulary, product))
    reasons.found.extend(screened.findings)
    reasons.add(_age(product, label, use, request, formulary, reasons))
    reasons.need(indication_need(use), formulary, request.region)
    risks = patient_risks | screened.risks
    for finding in _about_history(product, sc, asked, formulary):
        reasons.add(finding)
    draft = _draft(product, sc, asked, formulary, risks, reasons)
    return Weighed(product, label, reasons.all(formulary), reasons.stopped, risks, draft)


def _not_labelled(product: Product, label: Label, request: Request, formulary: Formulary) -> Finding:
    against = label.not_labelled_for
    named = against is not None and formulary.indication.id in against.items
    return _blocks(
        "not-labelled-under-skin",
        f"The {request.region} label of {product.brand} does not name {formulary.indication.name} for use under the skin.",
        "Choose a product labelled for it; a start outside the label is not planned here.",
        sources=against.src if named and against is not None else (),
    )


def _about_history(product: Product, sc: SubcutaneousUse, asked: Start, formulary: Formulary) -> Iterable[Finding]:
    """Whether somebody with this history may start: never treated, treated under the skin, treated too shortly."""
    history = asked.request.patient.immunoglobulin_history
    if history is None:
        return  # screening blocks and asks
    if not history:
        yield _never_treated(product, sc)
        return
    latest = max(history, key=lambda entry: entry.last_given_at)
    if next((one.route for one in formulary.products if one.id == latest.product), None) is Route.SC:
        yield _blocks(
            "not-from-iv",
            "The last immunoglobulin recorded was given under the skin; this plan converts an intravenous regimen.",
            "Continue by the product's label; a change between products under the skin is planned by hand.",
        )
        return
    if sc.previous is None:
        return
    months, interval = sc.previous.months, asked.iv_interval_days
    known = None if interval is None else latest.infusions * interval
    if known is not None and known < months * WEEKS_PER_MONTH * DAYS_PER_WEEK:
        yield _blocks(
            "previous-treatment-short",
            f"The label of {product.brand} asks for at least {months} months of regular immunoglobulin before; {latest.infusions} infusions every {interval} days are recorded.",
            "Go on with the intravenous product until then, or have a prescriber override it with the reason.",
            MayBe.OVERRIDDEN,
            sc.previous.src,
        )
    else:
        yield Finding(
            code="previous-treatment",
            severity=Severity.WARNS,
            text=f"The label of {product.brand} asks for at least {months} months of regular immunoglobulin before the switch; the record counts infusions, not months.",
            remedy="Make sure that it was regular.",
            sources=sc.previous.src,
        )


def _never_treated(product: Product, sc: SubcutaneousUse) -> Finding:
    naive = sc.naive
    if naive is None:
        text = f"Whether the label of {product.brand} lets somebody start who never had immunoglobulin was not read."
        return _blocks("naive-not-read", text, "Read it on the label in force, or start intravenously.")
    unread = naive.read not in {Read.LABEL, Read.MANUFACTURER, Read.LABEL_COPY}
    code = "naive-not-labelled" if not naive.permitted else "naive-not-read" if unread else "naive-not-planned"
    finding = _blocks(
        code,
        f"The patient never had immunoglobulin. {product.brand}: {naive.text}",
        "Start intravenously, or plan the first doses by hand from the label in force.",
        sources=naive.src,
    )
    return finding.model_copy(update={"verified": not unread})


def _draft(
    product: Product,
    sc: SubcutaneousUse,
    asked: Start,
    formulary: Formulary,
    risks: frozenset[str],
    reasons: _Reasons,
) -> Draft | None:
    """Dose, dates, vials and sites, or None with the reasons why not."""
    request, conversion = asked.request, sc.conversion
    patient, age = request.patient, request.patient.age_at(request.start)
    strength = product.concentrations[planned_concentration(product)]
    weight = patient.weight_kg
    table = (
        None
        if age is None or weight is None
        else next((one for one in sc.rates.values() if one.holds_for(age, weight)), None)
    )
    regimen = _regimen(conversion.regimens, request)
    needs: list[Need] = [
        Need("concentration", "concentration", strength),
        Need("vials", "vial sizes", product.vials),
        Need("factor", "factor from the intravenous dose", conversion.factor)
        if regimen is None
        else Need("dose", "dose", regimen[1]),
        Need("interval", "intervals between infusions", conversion.intervals),
    ]
    if conversion.ml_per_g is not None:
        needs.append(Need("ml-per-g", "volume of a gram", conversion.ml_per_g))
    if age is not None and weight is not None:
        needs += _site_needs(table)
    for need in needs:
        reasons.need(need, formulary, request.region)
    iv = _intravenous(product, asked, formulary, reasons) if regimen is None else None
    cycles = _cycles(product, sc, regimen, asked, iv, reasons)
    ramp: RampUp | None = None
    if conversion.ramp_up_required is not None and cycles:
        ramp = next((one for one in conversion.ramp_up.values() if one.interval_days == cycles[0].days), None)
        reasons.need(Need("ramp-up", f"ramp-up to every {cycles[0].days} days", ramp), formulary, request.region)
        if ramp is None:
            return None
    weekly = _weekly(sc, regimen, iv, asked, formulary, reasons)
    if table is None or weekly is None or product.vials is None or not cycles or not table.volume or not table.rate:
        return None
    first_on, said = _first_day(product, sc, cycles[0], asked, formulary)
    reasons.found.extend(said)
    at_risk = bool(risks & SLOWING_RISKS)
    tried: list[tuple[Cycle, tuple[SubcutaneousInfusion, ...] | Finding]] = []
    for cycle in cycles:
        work = _Work(product, sc, table, cycle, weekly, ramp, regimen is not None, at_risk, first_on, asked, formulary)
        tried.append((cycle, work.infusions()))
        if not isinstance(tried[-1][1], Finding):
            break
    cycle, outcome = tried[-1] if not isinstance(tried[-1][1], Finding) else tried[0]
    if isinstance(outcome, Finding):
        reasons.add(outcome)
        return None
    if len(tried) > 1 and isinstance(tried[0][1], Finding):
        reasons.add(
            Finding(
                code="divided-to-fit-sites",
                severity=Severity.INFORMS,
                text=f"{cycle.shown.capitalize()}: given {tried[0][0].shown} it does not fit. {tried[0][1].text}",
                remedy="Choose another schedule with --interval-days or --times-per-week, or another product.",
            )
        )
    if any(one.sites > 1 for one in outcome):
        reasons.need(Need("max-sites", "number of sites at a time", table.max_sites), formulary, request.region)
    dosed = screen_dose(
        formulary.rules,
        circumstances(
            request, formulary, product, max(one.dose_g for one in outcome) / (weight if weight is not None else 1)
        ),
    )
    reasons.found.extend(dosed.findings)
    return Draft(sc, cycle, weekly, iv, None if regimen is None else regimen[0], table, first_on, ramp, outcome)


def _site_needs(table: SiteTable | None) -> list[Need]:
    if table is None:
        return [Need("site-limits", "limits for one site at this age and weight", None)]
    volumes: list[Fact | None] = [*table.volume.values()] or [None]
    rates: list[Fact | None] = [*table.rate.values()] or [None]
    return [
        *(Need("site-volume", "volume for one site", fact) for fact in volumes),
        *(Need("site-rate", "rate at one site", fact) for fact in rates),
    ]


def _regimen(regimens: Mapping[str, WeeklyDose], request: Request) -> tuple[str, WeeklyDose] | None:
    """The dose per kg that a label prints instead of a factor; one for a special population only when asked for."""
    if not regimens:
        return None
    if request.regimen is not None and request.regimen in regimens:
        return request.regimen, regimens[request.regimen]
    return next((item for item in regimens.items() if not item[1].population), None)


def _intravenous(product: Product, asked: Start, formulary: Formulary, reasons: _Reasons) -> Intravenous | None:
    dose, interval = _iv_dose(asked, formulary), asked.iv_interval_days
    reasons.found.extend(_iv_unlikely(asked, formulary))
    missing = [name for name, value in (("dose (g)", dose), ("interval (days)", interval)) if value is None]
    if dose is None or interval is None:
        reasons.add(
            _blocks(
                "iv-regimen-missing",
                f"{product.brand} is dosed from the intravenous regimen; its {' and '.join(missing)} is not given.",
                "Give --iv-dose-g (or record last_dose_g) and --iv-interval-days.",
            )
        )
        return None
    return Intravenous(dose, interval, last_intravenous(asked, formulary))


def _weekly(
    sc: SubcutaneousUse,
    regimen: tuple[str, WeeklyDose] | None,
    iv: Intravenous | None,
    asked: Start,
    formulary: Formulary,
    reasons: _Reasons,
) -> Fraction | None:
    """Grams per week, exact."""
    if regimen is None:
        factor = sc.conversion.factor
        return None if factor is None or iv is None else iv.weekly_g * Fraction(factor.factor)
    patient, age = asked.request.patient, asked.request.patient.age_at(asked.request.start)
    if patient.weight_kg is None or age is None:
        return None
    weight = choose_weight(
        patient.weight_kg,
        patient.height_cm,
        patient.sex,
        age,
        formulary.policies.weight,
        None,
        asked.request.weight_basis,
    )
    reasons.found.extend(weight.findings)
    return Fraction(weight.dosing_kg) * Fraction(regimen[1].g_per_kg_week)


def _cycles(
    product: Product,
    sc: SubcutaneousUse,
    regimen: tuple[str, WeeklyDose] | None,
    asked: Start,
    iv: Intravenous | None,
    reasons: _Reasons,
) -> tuple[Cycle, ...]:
    """The schedules to try, best first: what was asked for, else weekly, else the intravenous interval."""
    intervals = sc.conversion.intervals
    if intervals is None:
        return ()
    printed = ", ".join(str(days) for days in intervals.days)
    often = f", or up to {intervals.per_week_max} times a week" if intervals.per_week_max > 1 else ""
    wanted, times, days = asked.request.interval_days, asked.times_per_week, asked.request.days
    outside = (
        (wanted is not None and wanted not in intervals.days and not (wanted == 1 and _daily(intervals.per_week_max)))
        or (times is not None and times > max(intervals.per_week_max, 1))
        or (days is not None and days > (regimen[1].days_max if regimen else 1))
    )
    if outside:
        reasons.add(
            _blocks(
                "interval-not-labelled",
                f"The label of {product.brand} prints infusions every {printed} days{often} for this use.",
                "Choose one of them, or leave the schedule out.",
                sources=intervals.src,
            )
        )
        return ()
    if wanted == 1 and 1 not in intervals.days:
        return (Cycle(DAYS_PER_WEEK, DAYS_PER_WEEK),)
    if times is not None:
        return (Cycle(DAYS_PER_WEEK, times),)
    if regimen is not None:
        sessions = range(1, regimen[1].days_max + 1) if days is None else (days,)
        return tuple(Cycle(DAYS_PER_WEEK, n, consecutive=n > 1) for n in sessions)
    if wanted is not None:
        return (Cycle(wanted),)
    if DAYS_PER_WEEK in intervals.days:
        return tuple(Cycle(DAYS_PER_WEEK, n) for n in range(1, intervals.per_week_max + 1))
    return (Cycle(iv.interval_days if iv is not None and iv.interval_days in intervals.days else min(intervals.days)),)


def _daily(per_week_max: int) -> bool:
    return per_week_max >= DAYS_PER_WEEK


# ---- dates


def _first_day(
    product: Product, sc: SubcutaneousUse, cycle: Cycle, asked: Start, formulary: Formulary
) -> tuple[date, tuple[Finding, ...]]:
    """The day of the first infusion, and what is to be said about it."""
    request = asked.request
    given, last = request.start.date(), last_intravenous(asked, formulary)
    interval = cycle.days if cycle.infusions == 1 else DAYS_PER_WEEK
    rows = [one for one in sc.conversion.start.values() if one.up_to_interval_days >= interval]
    row = min(rows, key=lambda one: one.up_to_interval_days, default=None)
    if row is None or last is None:
        return given, (_start_open(product, row, last),)
    earliest = last.last_given_at.date() + timedelta(days=row.min_days)
    latest = last.last_given_at.date() + timedelta(days=row.max_days)
    if not asked.start_given:
        first = max(earliest, given)
        return first, () if first <= latest else (_late(product, row, first, latest),)
    if given < earliest:
        return given, (
            _blocks(
                "start-too-early",
                f"The label of {product.brand} starts {_window(row)} after the last intravenous infusion, on {earliest.isoformat()} at the earliest.",
                f"Plan with --start {earliest.isoformat()}, or have a prescriber override it with the reason.",
                MayBe.OVERRIDDEN,
                row.src,
            ),
        )
    return given, () if given <= latest else (_late(product, row, given, latest),)


def _window(row: StartAfter) -> str:
    return f"{row.min_days} days" if row.min_days == row.max_days else f"{row.min_days} to {row.max_days} days"


def _late(product: Product, row: StartAfter, first: date, latest: date) -> Finding:
    return Finding(
        code="start-late",
        severity=Severity.WARNS,
        text=f"The label of {product.brand} starts {_window(row)} after the last intravenous infusion, by {latest.isoformat()}; {first.isoformat()} is later.",
        remedy="Judge by trough and symptoms whether another intravenous infusion is needed first.",
        sources=row.src,
    )


def _start_open(product: Product, row: StartAfter | None, last: ProductHistory | None) -> Finding:
    text = (
        f"How long after the last intravenous infusion {product.brand} starts at this interval was not read."
        if row is None
        else f"The label of {product.brand} starts {_window(row)} after the last intravenous infusion, and none is recorded."
    )
    return Finding(
        code="start-not-checked",
        severity=Severity.WARNS,
        text=text,
        remedy="Settle the day by the label in force; the plan takes the start that was asked for.",
        sources=() if row is None else row.src,
    )


# ---- infusions


@dataclass(frozen=True)
class _Limits:
    """What holds at one infusion: mL per site in whole tenths, and the rate row at one site."""

    site_ml: Decimal
    max_ml_per_h: Decimal
    rate: SiteRate
    sources: tuple[str, ...]


@dataclass(frozen=True)
class _Work:
    """Everything that the infusions of one product on one schedule are made from."""

    product: Product
    sc: SubcutaneousUse
    table: SiteTable
    cycle: Cycle
    weekly_g: Fraction
    ramp: RampUp | None
    labelled_per_kg: bool
    at_risk: bool
    first_on: date
    asked: Start
    formulary: Formulary

    def infusions(self) -> tuple[SubcutaneousInfusion, ...] | Finding:
        """Every infusion up to the first one at the full dose under the last limits, or why they cannot be given."""
        made: list[SubcutaneousInfusion] = []
        last = self._limits(1, 0) if self.at_risk else self._last_limits()
        for number in range(1, MOST_INFUSIONS + 1):
            weeks, day = self._dose_weeks(number)
            limits = self._limits(number, day)
            one = self._infusion(number, day, weeks, limits)
            if isinstance(one, Finding):
                return one
            made.append(one)
            full = self.ramp is None or number >= len(self.ramp.steps)
            settled = (limits.site_ml, limits.max_ml_per_h) == (last.site_ml, last.max_ml_per_h)
            if full and settled and number >= self.cycle.infusions:
                break
        return tuple(made)

    def _dose_weeks(self, number: int) -> tuple[int | None, int]:
        """Weeks' worth of the dose (None outside a ramp-up), and days from the first infusion."""
        if self.ramp is None:
            return None, self.cycle.day_of(number)
        steps = self.ramp.steps
        if number <= len(steps):
            step = steps[number - 1]
            return step.dose_weeks, (step.week - 1) * DAYS_PER_WEEK
        beyond = (number - len(steps)) * self.ramp.interval_days
        return steps[-1].dose_weeks, (steps[-1].week - 1) * DAYS_PER_WEEK + beyond

    def _limits(self, number: int, day: int) -> _Limits:
        at = 1 if self.at_risk else number
        volume, rate = _row(self.table.volume, at), _row(self.table.rate, at)
        site_ml, max_rate = volume.ml_per_site, rate.ml_per_h_per_site
        growth = self.table.growth
        first_volume, first_rate = _row(self.table.volume, 1), _row(self.table.rate, 1)
        if growth is not None:
            grown = day // (growth.every_weeks * DAYS_PER_WEEK)
            site_ml = min(site_ml, first_volume.ml_per_site + growth.add_ml_per_site * grown)
            steps = at - rate.from_infusion + 1 if rate.from_infusion > 1 else 0
            max_rate = min(max_rate, first_rate.ml_per_h_per_site + growth.add_ml_per_h_per_site * steps)
        caps = [
            cap
            for cap in self.table.caps.values()
            if cap.from_infusion <= at and (cap.to_infusion is None or at <= cap.to_infusion)
        ]
        site_ml = min((site_ml, *(cap.ml_per_site for cap in caps)))
        facts: tuple[Fact, ...] = (volume, rate, *caps, *((growth,) if growth is not None else ()))
        return _Limits(tenths_down(site_ml), tenths_down(max_rate), rate, _src(*facts))

    def _last_limits(self) -> _Limits:
        """The limits that no later infusion changes: every row open, every growth done, every ending cap over."""
        volume, rate = _row(self.table.volume, MOST_INFUSIONS), _row(self.table.rate, MOST_INFUSIONS)
        caps = [cap.ml_per_site for cap in self.table.caps.values() if cap.to_infusion is None]
        site_ml = min((volume.ml_per_site, *caps))
        return _Limits(tenths_down(site_ml), tenths_down(rate.ml_per_h_per_site), rate, ())

    def _infusion(self, number: int, day: int, weeks: int | None, limits: _Limits) -> SubcutaneousInfusion | Finding:
        prescribed = (
            self.weekly_g * self.cycle.days / DAYS_PER_WEEK / self.cycle.infusions
            if weeks is None
            else self.weekly_g * weeks
        )
        prescribed_g = to_milligrams(prescribed)
        vials = self._vials(prescribed_g)
        if vials is None:
            percent = f"{(self.formulary.policies.dose.tolerance_fraction.value * 100).normalize():f} %"
            return _blocks(
                "vials-outside-tolerance",
                f"No whole vials of {self.product.brand} come within {percent} of {_figure(prescribed_g)} g.",
                "Choose another schedule or product.",
            )
        total = self._volume_tenths(vials.given_g)
        site = int(limits.site_ml * TENTHS)
        sites = max(ceil(total / site), 1)
        most, day_ml = self.table.max_sites, self.table.day
        allowed = 1 if most is None else most.count
        total_ml = Decimal(total) / TENTHS
        if sites > allowed:
            return _blocks(
                "too-many-sites",
                f"{_figure(total_ml)} mL of {self.product.brand} at infusion {number} needs {sites} sites of at most {_figure(limits.site_ml)} mL; "
                + (f"{allowed} at a time are allowed." if most is not None else "how many at a time was not read."),
                "Divide the dose over more infusions, or choose another product.",
                sources=() if most is None else most.src,
            )
        if day_ml is not None and total_ml > day_ml.ml:
            return _blocks(
                "too-much-for-a-day",
                f"{_figure(total_ml)} mL of {self.product.brand} is more than the {_figure(day_ml.ml)} mL of one day.",
                "Divide the dose over more infusions, or choose another product.",
                sources=day_ml.src,
            )
        start = self.asked.request.start
        moment = start + timedelta(days=(self.first_on - start.date()).days + day)
        volumes = share_out(total, sites)
        highest = self._rate(limits.max_ml_per_h, sites)
        planned = self._rate(limits.rate.start_ml_per_h_per_site or limits.max_ml_per_h, sites)
        planned = min(planned, highest)
        steps = run_sites(volumes[0], planned, limits.rate, highest)
        all_sites = self.table.all_sites
        return SubcutaneousInfusion(
            number=number,
            starts_at=moment,
            dose_weeks=weeks,
            prescribed_g=prescribed_g,
            dose_g=vials.given_g,
            vials=vials.vials,
            waste_g=vials.waste_g,
            total_ml=total_ml,
            sites=sites,
            site_volumes_ml=volumes,
            max_ml_per_site=limits.site_ml,
            ml_per_h_per_site=planned,
            max_ml_per_h_per_site=highest,
            ml_per_h_all_sites=planned * sites,
            steps=steps,
            duration_min=sum(step.duration_min for step in steps),
            sources=tuple(dict.fromkeys((*limits.sources, *(all_sites.src if all_sites else ())))),
        )

    def _rate(self, per_site_ml_per_h: Decimal, sites: int) -> Decimal:
        """The rate at one site, in whole tenths, within the limit of all sites together."""
        together = self.table.all_sites
        within = per_site_ml_per_h if together is None else min(per_site_ml_per_h, together.ml_per_h / sites)
        return tenths_down(within)

    def _vials(self, prescribed_g: Decimal) -> Day | None:
        policy = self.formulary.policies.dose
        sizes = self.product.vials.sizes_g if self.product.vials else ()
        # A dose per kg that a label prints is not exceeded by rounding; a converted one is a first guess by the formula.
        largest = prescribed_g if self.labelled_per_kg else prescribed_g * (1 + policy.tolerance_fraction.value)
        strength = self.product.concentrations[planned_concentration(self.product)].g_per_ml
        window = DoseWindow.around(prescribed_g, largest, policy)
        days = choose_vials(sizes, window, 1, policy.part_vial_below_g.value, strength, None)
        return None if days is None else days[0]

    def _volume_tenths(self, dose_g: Decimal) -> int:
        counted = self.sc.conversion.ml_per_g
        strength = self.product.concentrations[planned_concentration(self.product)].g_per_ml
        volume = ml_from_g(dose_g, strength) if counted is None else dose_g * counted.factor
        return int(tenths_down(volume) * TENTHS)


def _row(rows: Mapping[str, LimitRow], number: int) -> LimitRow:
    """The row that holds at an infusion."""
    return max((one for one in rows.values() if one.from_infusion <= number), key=lambda one: one.from_infusion)


def share_out(total_tenths: int, sites: int) -> tuple[Decimal, ...]:
    """A volume (whole tenths of mL) over sites as evenly as tenths allow, the fuller ones first."""
    each, over = divmod(total_tenths, sites)
    return tuple(Decimal(each + (place < over)) / TENTHS for place in range(sites))


def run_sites(
    site_ml: Decimal, planned_ml_per_h: Decimal, rate: SiteRate, highest_ml_per_h: Decimal
) -> tuple[RateStep, ...]:
    """The steps at the fullest site: a printed ladder up to the highest rate allowed, or one rate to the end."""
    left = site_ml
    steps: list[RateStep] = []
    if rate.step_min is not None:
        for ml_per_h in rate.steps_ml_per_h_per_site[:-1]:
            at = min(ml_per_h, highest_ml_per_h)
            needed = _minutes(left, at)
            if needed <= rate.step_min:
                return (*steps, RateStep(ml_per_h_per_site=at, duration_min=needed))
            steps.append(RateStep(ml_per_h_per_site=at, duration_min=rate.step_min))
            left -= at * rate.step_min / MIN_PER_H
    at = highest_ml_per_h if rate.step_min is not None else planned_ml_per_h
    return (*steps, RateStep(ml_per_h_per_site=at, duration_min=_minutes(left, at)))


def _minutes(volume_ml: Decimal, ml_per_h: Decimal) -> int:
    return ceil(Fraction(volume_ml) * MIN_PER_H / Fraction(ml_per_h))


def to_milligrams(mass_g: Fraction) -> Decimal:
    """Grams to the nearest whole milligram."""
    exact = Decimal(mass_g.numerator) / Decimal(mass_g.denominator)
    return exact.quantize(MILLIGRAM, rounding=ROUND_HALF_UP).normalize()


def _src(*facts: Fact) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for fact in facts for name in fact.src))


def _figure(value: Decimal) -> str:
    return f"{value.normalize():f}"


# ---- the choice, and what is said about it


def _order(one: Weighed) -> tuple[bool, int, int, int, str]:
    first = one.draft.infusions[0] if one.draft else None
    warnings = sum(finding.severity is Severity.WARNS for finding in one.findings)
    vials = sum(vial.count for vial in first.vials) if first else 0
    return not one.fits, warnings, first.sites if first else 0, vials, one.product.brand


def _choose(weighed: list[Weighed], request: Request) -> Weighed | None:
    if request.product is not None:
        return next(one for one in weighed if one.product.id == request.product)
    return weighed[0] if weighed and weighed[0].fits else None


def _none_fits(weighed: list[Weighed]) -> Finding:
    tally = Counter(
        next((finding.code for finding in one.findings if finding.severity is Severity.BLOCKS), "unknown")
        for one in weighed
    )
    reasons = ", ".join(f"{code} ({count})" for code, count in tally.most_common())
    return Finding(
        code="no-product-fits",
        severity=Severity.BLOCKS,
        text=f"None of {len(weighed)} products for use under the skin fits. First reasons: {reasons}.",
        remedy="See the candidates for each product's reasons; name a --product to see and accept what may be accepted.",
    )


def _about(chosen: Weighed, draft: Draft, formulary: Formulary) -> Iterable[Finding]:
    """What a reader must know about the dose, the limits and the schedule."""
    brand, conversion, table = chosen.product.brand, draft.use.conversion, draft.table
    revision = chosen.label.revision if chosen.label else ""
    for row in conversion.superseded.values():
        if conversion.factor is not None:
            yield Finding(
                code="superseded-factor",
                severity=Severity.INFORMS,
                text=f"The factor {_figure(row.factor)} of {brand} still circulates; it was superseded by {_figure(conversion.factor.factor)}{f' ({row.until})' if row.until else ''}. A factor, its limits and its trough table belong to one label version.",
                remedy="Do not use a calculator or an adjustment table built on it.",
                sources=_src(row, conversion.factor),
            )
    for one in draft.infusions[-1:]:
        if one.dose_g != one.prescribed_g:
            yield Finding(
                code="rounded-to-vials",
                severity=Severity.INFORMS,
                text=f"{_figure(one.prescribed_g)} g is given as {_figure(one.dose_g)} g in whole vials."
                if not one.waste_g
                else f"{_figure(one.dose_g)} g is drawn; {_figure(one.waste_g)} g is discarded at each infusion.",
                sources=formulary.policies.dose.tolerance_fraction.src,
            )
    for cap in table.caps.values():
        yield Finding(
            code="stricter-volume",
            severity=Severity.INFORMS,
            text=f"{_when(cap)} at most {_figure(cap.ml_per_site)} mL for each site. {cap.note}",
            sources=cap.src,
            verified=cap.read in {Read.LABEL, Read.MANUFACTURER, Read.LABEL_COPY},
        )
    if table.growth is not None:
        yield Finding(
            code="slow-growth",
            severity=Severity.INFORMS,
            text=f"Volume for each site grows by {_figure(table.growth.add_ml_per_site)} mL every {table.growth.every_weeks} weeks and the rate by {_figure(table.growth.add_ml_per_h_per_site)} mL/h at each infusion, as tolerated. {table.growth.note}",
            sources=table.growth.src,
        )
    if chosen.risks & SLOWING_RISKS:
        boxed = chosen.product.boxed_warnings.get("thrombosis")
        yield Finding(
            code="at-risk-rate",
            severity=Severity.WARNS,
            text=f"Because of {' and '.join(sorted(chosen.risks & SLOWING_RISKS))} risk the first infusion's limits hold throughout (policy); the label asks for the lowest practicable dose and rate.",
            remedy="Hydrate first; raise volume or rate only by a prescriber's decision.",
            sources=boxed.src if boxed else (),
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


def _ordered(product: Product, label: Label, draft: Draft, request: Request, setting: Setting) -> SubcutaneousOrder:
    conversion, iv, table = draft.use.conversion, draft.from_iv, draft.table
    regimen = None if draft.regimen is None else conversion.regimens[draft.regimen]
    factor = None if regimen is not None else conversion.factor
    last = draft.infusions[-1]
    under_skin = label.subcutaneous
    facts: list[Fact] = [fact for fact in (factor, regimen, conversion.intervals, draft.ramp) if fact is not None]
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
        factor=None if factor is None else factor.factor,
        dose_g_per_kg_week=None if regimen is None else regimen.g_per_kg_week,
        regimen=draft.regimen,
        weight_kg=request.patient.weight_kg or Decimal(0),
        weekly_dose_g=to_milligrams(draft.weekly_g),
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
        notes=tuple(_notes(product, under_skin, draft.use)),
        sources=_src(*facts),
    )


def _notes(product: Product, under_skin: SubcutaneousLabel | None, sc: SubcutaneousUse) -> Iterable[Instruction]:
    """Where, how and by whom, each with its basis; what was not read says so."""
    rows: list[tuple[str, Statement | None]] = [
        ("Where", under_skin.where if under_skin else None),
        *(("Training", fact) for fact in (under_skin.training.values() if under_skin else ())),
        *((("Ramp-up", sc.conversion.ramp_up_required),) if sc.conversion.ramp_up_required else ()),
        *((("Line", product.administration.line),) if product.administration.line else ()),
        *(("Trough", fact) for fact in sc.trough.values()),
    ]
    if not any(topic == "Training" for topic, _ in rows):
        rows.insert(1, ("Training", None))
    for topic, fact in rows:
        if fact is None:
            yield Instruction(topic=topic, text="Not read: see the label.", basis="not_read", sources=())
        elif fact.read is Read.NOT_READ or fact.origin is Origin.ASSUMED:
            yield Instruction(topic=topic, text=f"{fact.text} (Not verified.)", basis="not_read", sources=fact.src)
        else:
            own = fact.read in {Read.LABEL, Read.MANUFACTURER, Read.LABEL_COPY}
            yield Instruction(topic=topic, text=fact.text, basis="label" if own else "source", sources=fact.src)


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
    return {name: cite(formulary.source_of(name)) for name in sorted(ids)}
