"""From what a forecast believes to labelled regimens that reach a trough, or to the reasons why there are none."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from ivigil.findings import Finding, Severity, in_order
from ivigil.kinetics.exposure import Belief
from ivigil.kinetics.forecast import Forecast
from ivigil.kinetics.regimens import Route
from ivigil.kinetics.treatment import Treatment
from ivigil.knowledge.indications import Indication
from ivigil.knowledge.policies import Policies
from ivigil.knowledge.products import Product
from ivigil.patient import Patient
from ivigil.prescription.regimen_search.asked import Search
from ivigil.prescription.regimen_search.labelled import Option, labelled, plan_will_ask, stops_every_plan
from ivigil.prescription.regimen_search.outcomes import Repeated, Scene, current_regimen, outcome
from ivigil.prescription.regimen_search.refusing import about_condition, about_forecast, about_patient, no_proposal
from ivigil.prescription.regimen_search.result import NOTICE, Advice, Asked, Current, Proposal
from ivigil.prescription.regimen_search.searching import lowest_is_enough, none_reaches, offers, proposal, weigh
from ivigil.prescription.regimen_search.switching import to_subcutaneous
from ivigil.prescription.request import Formulary, Request
from ivigil.prescription.subcutaneous.schedule import start_row

#: A bioavailability that was cut is spoken of from this share on.
SPOKEN_OF = 0.005


@dataclass(frozen=True)
class Case:
    """Whom a search is for. ``formulary`` None: no condition was given; ``region`` None: no region.

    ``at`` is the moment for ages and weights where the record holds days instead of times.
    """

    patient: Patient
    treatment: Treatment
    region: str | None
    at: datetime
    policies: Policies
    formulary: Formulary | None

    @property
    def indication(self) -> Indication | None:
        """The condition."""
        return None if self.formulary is None else self.formulary.indication


def propose(made: Forecast, belief: Belief, case: Case, search: Search) -> Advice:
    """The forecast with its proposals.

    Args:
        made: the forecast.
        belief: the posterior that it shows.
        case: patient, doses, region, facts.
        search: what to reach, how surely, with which products.

    Raises:
        BadInput: the price of a product that is not searched.
    """
    products = search.products or ((case.treatment.product,) if case.treatment.product else ())
    search.check_prices(products)
    findings = list(_against(made, case, products))
    asked = Asked(
        target_g_per_l=search.aim.g_per_l,
        target_name=search.aim.name,
        target_text=search.aim.text,
        probability=search.probability,
        indication=None if case.indication is None else case.indication.id,
        region=case.region,
        products=products,
        period_days=int(case.policies.proposals.period_days.value),
    )
    advice = Advice.of(made, asked)
    if case.formulary is None or case.region is None or any(_blocks(one) for one in findings):
        return advice.model_copy(update={"findings": in_order((*findings, *made.findings))})
    found = _Searched(made, belief, case, case.formulary, Request(case.patient, case.region, case.at), search)
    found.run(products)
    return advice.model_copy(
        update={
            "findings": in_order((*findings, *found.findings, *made.findings)),
            "proposals": tuple(found.proposals),
            "current": found.current,
            "to_subcutaneous": found.switch,
            "proposals_notice": NOTICE,
        }
    )


def _blocks(one: Finding) -> bool:
    return one.severity is Severity.BLOCKS


def _against(made: Forecast, case: Case, products: tuple[str, ...]) -> Iterable[Finding]:
    """Everything that forbids a proposal before any regimen is looked at, and what is not recorded."""
    yield from about_condition(case.indication)
    if case.region is None:
        yield no_proposal("region", "A label belongs to a region, and none is given.", "Give --region US.")
    if case.indication is not None and case.indication.replacement:
        yield from about_patient(case.patient, case.indication, case.policies.proposals)
    yield from about_forecast(made)
    if not products:
        yield no_proposal(
            "product", "The last dose recorded names no product, and none was asked for.", "Give --product."
        )


class _Searched:
    """One search, gathered step by step."""

    def __init__(
        self, made: Forecast, belief: Belief, case: Case, formulary: Formulary, request: Request, search: Search
    ) -> None:
        self.policy = formulary.policies.proposals
        self.formulary, self.request, self.search = formulary, request, search
        self.scene = Scene(belief, case.treatment, search.aim.g_per_l, float(self.policy.late_days.value))
        self.repeated = current_regimen(case.treatment, float(self.policy.same_course_days.value))
        self.findings: list[Finding] = []
        self.proposals: list[Proposal] = []
        self.asks: list[str] = []
        self.current: Current | None = None
        copied = ", ".join(one.model.id for one in belief.voices if one.model.copying_steps)
        unchecked = f"The parameters of {copied} were not checked against the primary papers. " if copied else ""
        self.caution = f"{unchecked}A clinician decides."

    def run(self, products: tuple[str, ...]) -> None:
        """All products, the present regimen, and the present regimen under the skin."""
        self.switch = None
        by_id = {one.id: one for one in self.formulary.products}
        stops, asks = stops_every_plan(self.request, self.formulary)
        self.asks.extend(asks)
        self.findings.extend((*stops, *self._by_policy()))
        if not any(_blocks(one) for one in stops):
            options = tuple(option for name in products for option in self._options(by_id[name]))
            for route in dict.fromkeys(one.route for one in options):
                self._by_route(route, tuple(one for one in options if one.route is route))
            self.findings.extend(self._own_igg())
        if self.asks:
            self.findings.append(plan_will_ask(self.asks))
        if self.repeated is None:
            self.findings.append(_not_repeated())
            return
        belief = self.scene.by_route(self.repeated.route)
        if belief is not None:
            self._present(self.repeated, belief)
            self.switch, said = to_subcutaneous(self.scene, self.repeated, self.request, self.formulary)
            self.findings.extend(said)

    def _by_policy(self) -> Iterable[Finding]:
        if self.search.probability == float(self.policy.probability.value):
            yield Finding(
                code="probability-by-policy",
                severity=Severity.INFORMS,
                text=f"A regimen counts as reaching the target from a probability of {self.search.probability:.0%} on, by policy. {self.policy.probability.note}",
                remedy="Set another with --probability.",
                sources=self.policy.probability.src,
            )

    def _own_igg(self) -> Iterable[Finding]:
        """A constant of the model in place of the patient's own IgG: the further a dose moves, the more it counts."""
        assumed = {one.model.id: one.assumes_own for one in self.scene.belief.voices if one.assumes_own is not None}
        if self.proposals and assumed:
            named = ", ".join(f"{name} {own:g} g/L" for name, own in assumed.items())
            yield Finding(
                code="own-igg-assumed",
                severity=Severity.WARNS,
                text=f"The patient's own IgG is the models' constant, not measured ({named}). If it is less, the trough follows the dose more steeply than shown: a smaller dose lowers it further, a larger one raises it further.",
                remedy="Give the level before any immunoglobulin (--baseline-igg-g-per-l), and measure after a change.",
                sources=tuple(one.model.citation for one in self.scene.belief.voices if one.model.id in assumed),
            )

    def _options(self, product: Product) -> tuple[Option, ...]:
        allowed = labelled(product, self.request, self.formulary)
        self.findings.extend(allowed.findings)
        self.asks.extend(allowed.asks)
        return allowed.options

    def _by_route(self, route: Route, options: tuple[Option, ...]) -> None:
        """One offer each for what is least by this route."""
        belief = self.scene.by_route(route)
        if belief is None:
            self.findings.append(
                no_proposal("route", f"No model that speaks knows {route.value} doses.", "Choose another product.")
            )
            return
        weighed = weigh(options, belief, self.search.aim.g_per_l)
        period = int(self.policy.period_days.value)
        offered = offers(weighed, self.search.probability, self.search.prices, period)
        if not offered:
            self.findings.append(none_reaches(weighed, belief, self.search))
            return
        least = lowest_is_enough(weighed, offered)
        self.findings.extend(() if least is None else (least,))
        if route is Route.SC:
            self._about_skin(belief, options)
        for option, reasons in offered.items():
            self.proposals.append(
                proposal(
                    option, reasons, self.scene, belief, self._first_day(option), self.search, period, self.caution
                )
            )

    def _about_skin(self, belief: Belief, options: tuple[Option, ...]) -> None:
        bounds = self.policy.subcutaneous_g_per_kg_period
        brands = dict.fromkeys(one.product.brand for one in options if set(bounds.src) <= set(one.sources))
        if brands:
            self.findings.append(
                Finding(
                    code="range-by-policy",
                    severity=Severity.INFORMS,
                    text=f"{', '.join(brands)}: by policy {bounds.low.normalize():f} to {bounds.high.normalize():f} g/kg in {self.policy.period_days.value} days is searched. {bounds.note}",
                    sources=bounds.src,
                )
            )
        cut = sum(one.cut_f * float(one.masses.sum()) for one in belief.voices)
        if cut > SPOKEN_OF:
            self.findings.append(
                Finding(
                    code="bioavailability-cut",
                    severity=Severity.INFORMS,
                    text=f"The published spread of the bioavailability goes beyond the whole dose; {cut:.0%} of what is believed was set to the whole dose.",
                )
            )

    def _first_day(self, option: Option) -> float | None:
        """When the next dose is due: after the present interval, or as a label starts under the skin after a vein."""
        last = self.scene.treatment.doses[-1]
        if option.under_skin is not None and last.route is Route.IV:
            row = start_row(option.under_skin, option.cycle)
            unread = self.formulary.policies.subcutaneous.days_after_iv_unread
            return last.day + (float(unread.value) if row is None else float(row.min_days))
        return None if self.repeated is None else last.day - self.repeated.offsets_d[-1] + self.repeated.tau_d

    def _present(self, what: Repeated, belief: Belief) -> None:
        last = self.scene.treatment.doses[-1]
        self.current = Current(
            product=self.scene.treatment.product,
            route=what.route.value,
            dose_g=what.dose_g * len(what.offsets_d),
            every_days=what.tau_d,
            outcome=outcome(self.scene, belief, what, last.day - what.offsets_d[-1] + what.tau_d),
        )


def _not_repeated() -> Finding:
    return Finding(
        code="regimen-not-clear",
        severity=Severity.INFORMS,
        text="The last recorded doses do not show one dose at one interval: what the present regimen does, a missed dose and the dose under the skin are not worked out.",
        remedy="Record the doses of the last half year.",
    )
