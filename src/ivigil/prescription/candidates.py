"""Each product weighed for this patient and indication: whether it fits, every reason, and the dose in its vials."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property

from ivigil.assessment.belongs import years_or_months
from ivigil.assessment.implied import implied_words
from ivigil.assessment.screening import Circumstances, Rules, screen_product
from ivigil.findings import Finding, MayBe, Severity
from ivigil.knowledge.facts import Age
from ivigil.knowledge.products import Label, Product, RateTable, Use
from ivigil.knowledge.regimens import Phase, Regimen
from ivigil.prescription.body_weight import DosingWeight, choose_weight
from ivigil.prescription.dose import Dose, choose_doses, choose_regimen, phases_of
from ivigil.prescription.limitations import limitation_findings, unbarred
from ivigil.prescription.needs import age_need
from ivigil.prescription.offers import Offer, offer_of
from ivigil.prescription.plan import Candidate
from ivigil.prescription.reasons import Reasons, blocks
from ivigil.prescription.request import Formulary, Request
from ivigil.prescription.stock import Shelf, shelf_of
from ivigil.prescription.vials import Day, DoseWindow, choose_vials

SLOWING_RISKS = frozenset({"renal", "thrombotic", "volume"})


@dataclass(frozen=True)
class Course:
    """What one product would be given as: regimen, weight, dose, vials per day.

    ``rates`` permits start and maximum; ``tables`` are what the ladder is built from: the use's own, off label every
    use's of the same label.
    """

    regimen_id: str
    regimen: Regimen
    weight: DosingWeight
    dose: Dose
    days: tuple[Day, ...]
    concentration: str
    concentration_g_per_ml: Decimal
    rates: RateTable
    tables: tuple[RateTable, ...]


@dataclass(frozen=True)
class Considered:
    """One product, weighed. ``course`` is None when nothing could be worked out."""

    offer: Offer
    findings: tuple[Finding, ...]
    risks: frozenset[str] = frozenset()
    course: Course | None = None
    stopped: bool = False

    @property
    def product(self) -> Product:
        """The product."""
        return self.offer.product

    @property
    def label(self) -> Label | None:
        """Its label for intravenous use in the region."""
        return self.offer.label

    @property
    def off_label(self) -> bool:
        """Whether that label does not name the condition."""
        return self.offer.label is not None and self.offer.use is None

    @property
    def fits(self) -> bool:
        """Whether the product may be planned."""
        return self.course is not None and not self.stopped

    @cached_property
    def warnings(self) -> tuple[Finding, ...]:
        """What is warned of."""
        return tuple(finding for finding in self.findings if finding.severity is Severity.WARNS)

    @cached_property
    def shown(self) -> Candidate:
        """The product as the plan lists it."""
        return candidate(self.product, self.findings, fits=self.fits)


def candidate(product: Product, findings: Iterable[Finding], *, fits: bool) -> Candidate:
    """A product considered, with the reasons that decide; what merely informs is said for the chosen one."""
    reasons = tuple(one for one in findings if one.severity is not Severity.INFORMS)
    return Candidate(product=product.id, fits=fits, reasons=reasons)


def consider(
    product: Product, request: Request, formulary: Formulary, rules: Rules, patient_risks: frozenset[str]
) -> Considered:
    """Weigh one product by the rules that this patient leaves open.

    Reasons are complete up to the first thing that makes the next question meaningless.
    """
    offer = offer_of(product, request.region, formulary)
    label, use = offer.label, offer.use
    if label is None:
        return formulary.once(("refused", product.id, request.region), lambda: _out(offer, offer.refused))
    if use is None and request.off_label is None:
        return formulary.once(("unnamed", product.id, request.region), lambda: _out(offer, offer.unnamed))
    reasons = Reasons(request, list(offer.waiting))
    if request.off_label is not None:
        said = off_label_said if use is None else _labelled_after_all
        reasons.add(said(product, request.region, request.off_label, formulary))
    screened = screen_product(rules, circumstances(request, formulary, product))
    reasons.found.extend(screened.findings)
    reasons.add(label_age(product, label, use, request, formulary, reasons))
    risks = patient_risks | screened.risks
    reasons.judged(offer.indication)
    course = _course(offer, request, formulary, risks, reasons)
    return Considered(offer, reasons.all(formulary), risks, course, reasons.stopped)


def _out(offer: Offer, why: tuple[Finding, ...]) -> Considered:
    """A product that no patient gets as it was asked for."""
    return Considered(offer, why, stopped=True)


def circumstances(
    request: Request, formulary: Formulary, product: Product | None = None, course_g_per_kg: Decimal | None = None
) -> Circumstances:
    """What the screening rules are asked about."""
    return Circumstances(
        patient=request.patient,
        known_words=request.words.implying(implied_words(formulary.indication)),
        at=request.start,
        region=request.region,
        long_gap_days=formulary.policies.rate.long_gap_days.value,
        product=product,
        course_dose_g_per_kg=course_g_per_kg,
    )


def off_label_said(product: Product, region: str, reason: str, formulary: Formulary) -> Finding:
    """That a label does not name the condition, and why the product is given all the same."""
    name = formulary.indication.name
    return Finding(
        code="off-label",
        severity=Severity.WARNS,
        text=f"Off-label: the {region} label of {product.brand} does not name {name}. Reason given: {reason.strip()}",
        remedy="Follow the site's rules on consent and approval for off-label use.",
    )


def _labelled_after_all(product: Product, region: str, reason: str, formulary: Formulary) -> Finding:
    return Finding(
        code="off-label-not-needed",
        severity=Severity.WARNS,
        text=f"The {region} label of {product.brand} names {formulary.indication.name}: the reason given with --off-label is not used.",
        remedy="Leave --off-label out, or choose the product that was meant.",
    )


def age_floor(label: Label, use: Use | None) -> Age | None:
    """The youngest age that was read for a use; off label the youngest of the label's uses."""
    limits = [use.min_age] if use is not None else [one.min_age for one in label.uses.values()]
    return min((limit for limit in limits if limit is not None), key=lambda limit: limit.years, default=None)


def label_age(
    product: Product, label: Label, use: Use | None, request: Request, formulary: Formulary, reasons: Reasons
) -> Finding | None:
    """The label's age limits, and whether the lower one was read well enough for a child."""
    age, floor = request.patient.age_at(request.start), age_floor(label, use)
    if age is None:
        return None  # screening asks for it
    adult_from = formulary.policies.weight.adult_from_years.value
    if floor is not None and floor.years <= age < adult_from:
        reasons.need(age_need(floor), formulary, request.region)
    return outside_label_age(product, label, use, age, adult_from)


def outside_label_age(
    product: Product, label: Label, use: Use | None, age: Decimal, adult_from: Decimal
) -> Finding | None:
    """What stands against an age. A use whose age nobody read is for adults only; off label, the youngest labelled age holds."""
    floor = age_floor(label, use)
    if floor is None:
        if age >= adult_from:
            return None
        return blocks(
            "age-not-read",
            f"No lower age was read on the label of {product.brand} for this use, so it is planned for adults only.",
            "Read the age on the label in force and enter it in the overlay.",
        )
    if age < floor.years:
        return blocks(
            "age-below-label",
            f"The label of {product.brand} starts at {floor.years.normalize():f} years; the patient is {years_or_months(age)}.",
            "Choose another product, or have a prescriber override it with the reason.",
            MayBe.OVERRIDDEN,
            floor.src,
        )
    ceiling = use.max_age if use is not None else None
    if ceiling is not None and age > ceiling.years:
        return blocks(
            "age-above-label",
            f"The label of {product.brand} ends at {ceiling.years.normalize():f} years; the patient is {years_or_months(age)}.",
            "Choose another product, or have a prescriber override it with the reason.",
            MayBe.OVERRIDDEN,
            ceiling.src,
        )
    return None


def _course(
    offer: Offer, request: Request, formulary: Formulary, risks: frozenset[str], reasons: Reasons
) -> Course | None:
    """Dose and vials, or None with the reasons why not."""
    product, use, rates = offer.product, offer.use, offer.rates
    reasons.judged(offer.infusion)
    if product.id != request.product and reasons.stopped:
        return None  # out already; only a product that was asked for is told everything
    regimens = offer.regimens
    phase = request.phase if request.regimen is None else None
    available = phases_of(regimens)
    if phase is None and request.regimen is None:
        phase = available[0] if len(available) == 1 else None
    at_risk = bool(risks & SLOWING_RISKS)
    limitations, about = ({} if use is None else use.limitations), circumstances(request, formulary, product)
    if request.regimen is None and request.days is None:  # what is asked for by name or number is judged, not replaced
        regimens = unbarred(regimens, limitations, risks, about)
    chosen = choose_regimen(regimens, phase, at_risk, request, formulary.policies.dose)
    if chosen is None:
        reasons.add(_no_regimen(product, use, phase, request, regimens))
        return None
    regimen_id, regimen = chosen
    reasons.found.extend(limitation_findings(limitations, regimen_id, risks, about))
    reasons.judged([offer.dose[regimen_id]])
    weight = _weight(request, formulary, regimen)
    if weight is None or rates is None or product.vials is None:
        return None
    reasons.found.extend(weight.findings)
    doses = choose_doses(regimen, weight.dosing_kg, formulary.indication.id, request, at_risk, formulary.policies.dose)
    if isinstance(doses, Finding):
        reasons.add(doses)
        return None
    tried = []
    for one in doses:
        tried.append((one, *_vials(product, offer.concentration_g_per_ml, one, use is None, request, formulary)))
        if tried[-1][1] is not None:
            break
    dose, days, said = tried[-1] if tried[-1][1] is not None else tried[0]
    reasons.found.extend((*dose.findings, *said))
    if days is None:
        return None
    return Course(
        regimen_id, regimen, weight, dose, days, offer.concentration, offer.concentration_g_per_ml, rates, offer.tables
    )


def shortest_duration_h(
    regimen: Regimen, off_label: bool, formulary: Formulary
) -> tuple[Decimal, tuple[str, ...]] | None:
    """The shortest time one infusion may take (h) by the sources of this use: a restriction, so any reading counts."""
    regimens = [regimen]
    if off_label:
        regimens += [one for one in formulary.indication.regimens.values() if one.phase is regimen.phase]
    printed = [(one.min_duration_h, one.src) for one in regimens if one.min_duration_h is not None]
    return max(printed, key=lambda item: item[0], default=None)


def _no_regimen(
    product: Product, use: Use | None, phase: Phase | None, request: Request, regimens: Mapping[str, Regimen]
) -> Finding:
    available = phases_of(regimens)
    whose = f"The label of {product.brand}" if use is not None else "The knowledge base's guidance"
    special = {
        name: one.population
        for name, one in regimens.items()
        if one.phase is phase and one.population and one.g_per_kg_max is not None
    }
    if request.regimen is not None:
        of_phase = "" if request.phase is None else f"{request.phase.value} "
        text = f"{whose} has no {of_phase}regimen called {request.regimen}."
    elif not available:
        return blocks(
            "dose-not-read",
            f"{whose} gives no dose in figures for this use.",
            "Read it on the source and enter it in the overlay.",
        )
    elif special:
        shown = "; ".join(f"{name} ({population})" for name, population in special.items())
        text = f"{whose} prints its {phase.value if phase else 'single'} dose only for particular patients: {shown}."
        return blocks("no-regimen-for-phase", text, "Name the one that fits this patient with --regimen.")
    else:
        text = f"{whose} prints no {phase.value if phase else 'single'} dose for this use (it prints: {', '.join(available)})."
    return blocks("no-regimen-for-phase", text, "Choose another --phase, --regimen or product.")


def _weight(request: Request, formulary: Formulary, regimen: Regimen) -> DosingWeight | None:
    patient, age = request.patient, request.patient.age_at(request.start)
    if patient.weight_kg is None or age is None:
        return None  # screening blocks and asks
    return choose_weight(
        patient.weight_kg,
        patient.height_cm,
        patient.sex,
        age,
        formulary.policies.weight,
        regimen.weight_basis,
        request.weight_basis,
    )


def _vials(
    product: Product, g_per_ml: Decimal, dose: Dose, off_label: bool, request: Request, formulary: Formulary
) -> tuple[tuple[Day, ...] | None, tuple[Finding, ...]]:
    """Vials for the course, or None, with what is to be said about them."""
    policy = formulary.policies.dose
    prescribed = dose.course_g / dose.days
    shelf = None if request.stock is None else shelf_of(request.stock, product.id, last_day(request, dose))
    sizes = product.vials.sizes_g if product.vials else ()
    unlabelled = sorted(set(shelf or ()) - set(sizes))
    if unlabelled:
        shown = ", ".join(map(str, unlabelled))
        text = f"The stock list holds {product.brand} in {shown} g, a size the knowledge base does not hold."
        return None, (blocks("stock-size-unknown", text, "Correct the stock list or enter the size in the overlay."),)

    def chosen(largest_g: Decimal, from_shelf: Shelf | None) -> tuple[Day, ...] | None:
        window = DoseWindow.around(prescribed, largest_g, policy)
        return choose_vials(sizes, window, dose.days, policy.part_vial_below_g.value, g_per_ml, from_shelf)

    days = chosen(dose.largest_infusion_g, shelf)
    if days is not None:
        return days, (
            *_about_part_vial(days[0], policy.part_vial_below_g.src),
            *about_unread_vials(product, days[0].given_g),
        )
    if off_label:
        # A guideline's dose is no label's largest dose: whole vials may round it up within tolerance, and the plan says so.
        above = prescribed * (1 + policy.tolerance_fraction.value)
        days = chosen(above if dose.ceiling_infusion_g is None else min(above, dose.ceiling_infusion_g), shelf)
    percent = f"{(policy.tolerance_fraction.value * 100).normalize():f} %"
    if days is not None:
        text = (
            f"Whole vials of {product.brand} do not come within {percent} below the guideline's {prescribed:.2f} g; "
            f"{days[0].given_g.normalize():f} g is planned, above it but within the tolerance."
        )
        remedy = "Divide the course differently, or choose a product with smaller vials, to stay below."
        sources = policy.tolerance_fraction.src
        return days, (
            Finding(code="rounded-above-guideline", severity=Severity.WARNS, text=text, remedy=remedy, sources=sources),
            *about_unread_vials(product, days[0].given_g),
        )
    if shelf is not None and chosen(dose.largest_infusion_g, None):
        text = (
            f"The stock list does not hold enough usable vials of {product.brand} for {dose.days} x {prescribed:.1f} g."
        )
        return None, (blocks("stock-short", text, "Order more, or choose another product."),)
    text = f"No whole vials of {product.brand} come within {percent} of {prescribed:.2f} g without exceeding the largest dose."
    return None, (blocks("vials-outside-tolerance", text, "Divide the course differently, or choose another product."),)


def _about_part_vial(day: Day, sources: tuple[str, ...]) -> tuple[Finding, ...]:
    if not day.waste_g:
        return ()
    opened = day.given_g + day.waste_g
    text = (
        f"{day.given_g.normalize():f} g is drawn from {opened.normalize():f} g; "
        f"{day.waste_g.normalize():f} g is discarded at each infusion."
    )
    return (Finding(code="part-vial", severity=Severity.INFORMS, text=text, sources=sources),)


def about_unread_vials(product: Product, dose_g: Decimal) -> tuple[Finding, ...]:
    """Larger vials that would serve a dose and exist by pages that do not permit to plan them."""
    held = product.vials
    larger = [] if held is None else [size for size in held.unread_g if held.sizes_g[-1] < size <= dose_g]
    if held is None or not larger:
        return ()
    shown = ", ".join(f"{size.normalize():f}" for size in larger)
    return (
        Finding(
            code="larger-vials-unread",
            severity=Severity.INFORMS,
            text=f"{product.brand} is known to come in vials of {shown} g too; they were not read well enough for this label, so the"
            f" dose is planned in vials of {held.sizes_g[-1].normalize():f} g and less.",
            remedy="Read the sizes on the label in force and enter them in the site's overlay; do not swap vials by hand without a new plan.",
            sources=held.src,
        ),
    )


def last_day(request: Request, dose: Dose) -> date:
    """The last calendar day of the course."""
    return (request.start + timedelta(days=dose.days - 1)).date()
