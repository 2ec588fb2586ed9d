"""IgG in this patient: what the levels say of the parameters, and where IgG is going, with honest uncertainty.

Each model that can forecast is fitted alone. Models are weighed by how well each predicted this patient's levels (its
evidence); models built on the same trials share one weight. The forecast is the mixture.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from ivigil.errors import BadInput
from ivigil.findings import Finding, Severity, in_order
from ivigil.kinetics import kernels
from ivigil.kinetics.bands import bands, quantiles
from ivigil.kinetics.catalogue import VERIFICATION, provenance, why_not_forecast
from ivigil.kinetics.changing import Stretch, stretches
from ivigil.kinetics.dose_range import of_doses
from ivigil.kinetics.exposure import Belief, Voice, with_unlearnt
from ivigil.kinetics.fitting import Data, Posterior, Prior, predicted, simulate
from ivigil.kinetics.individual import Parameters, check_baseline, individual
from ivigil.kinetics.population import NAMES, ROUTES, check_seed, omega
from ivigil.kinetics.regimens import IMMUNOGLOBULIN, dose_days
from ivigil.kinetics.subjects import Subject
from ivigil.kinetics.surprises import explained
from ivigil.kinetics.treatment import Treatment
from ivigil.knowledge.kinetic_models import BaselineKind, Capability, KineticModel
from ivigil.knowledge.policies import KineticsPolicy

Floats = NDArray[np.float64]

#: A model of less weight says nothing of its own.
COUNTS_FROM = 0.01
PERCENTS = (5.0, 25.0, 50.0, 75.0, 95.0)
UNITS = dict(zip((*NAMES, "baseline"), ("L/d", "L", "L/d", "L", "/d", "", "", "g/L"), strict=True))


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class WeighedModel(_Part):
    """One model's part in the forecast. ``why_not`` is why it has none, or what speaks against it."""

    id: str
    weight: float
    in_population: bool
    why_not: tuple[str, ...]
    verification: str


class Estimate(_Part):
    """One parameter of one model. ``shrinkage`` is the posterior's spread over the prior's: 1 when the levels told nothing."""

    model: str
    name: str
    unit: str
    typical: float
    map: float
    p5: float
    p95: float
    shrinkage: float | None


class LevelSeen(_Part):
    """One level under the model of the greatest weight. ``iwres`` is its distance in residual standard deviations.

    Below quantification only what is predicted above the limit is a distance.

    ``surprise`` is its distance from what the other levels predict, in standard deviations of that prediction. An
    ``unexplained`` level is told and does not count in the estimate.
    """

    time: str | float
    observed: float
    below_lloq: bool
    population_predicted: float
    individual_predicted: float
    iwres: float
    surprise: float
    unexplained: bool


class Curve(_Part):
    """Percentiles of IgG (g/L) over time, of the true level; the error of measuring it is not in them."""

    time: tuple[str | float, ...]
    day: tuple[float, ...]
    median: tuple[float, ...]
    p5: tuple[float, ...]
    p25: tuple[float, ...]
    p75: tuple[float, ...]
    p95: tuple[float, ...]
    includes_residual: bool = False


class Diagnostics(_Part):
    """Whether the modes were reached, and the least effective number of samples among the models that count."""

    converged: bool
    ess: float
    samples: int


class Forecast(_Part):
    """What ``ivigil forecast`` returns. It informs; a clinician decides."""

    models: tuple[WeighedModel, ...]
    parameters: tuple[Estimate, ...]
    levels: tuple[LevelSeen, ...]
    curve: Curve
    diagnostics: Diagnostics
    findings: tuple[Finding, ...]
    notice: str


NOTICE = "A forecast of IgG from published models and this patient's levels. It informs a clinician's decision and decides nothing."


@dataclass(frozen=True)
class _Fitted:
    """One model with what it knows of the patient. ``data`` holds all levels, ``posterior`` rests on those that count."""

    model: KineticModel
    prior: Prior
    data: Data
    posterior: Posterior


def forecast(
    models: Iterable[KineticModel],
    subject: Subject,
    treatment: Treatment,
    policy: KineticsPolicy,
    *,
    indication: str | None = None,
    baseline_g_per_l: float | None = None,
    seed: int = 1,
    asked_for: str | None = None,
) -> Forecast:
    """The forecast alone; see :func:`believe`."""
    made, _, _ = _forecast(models, subject, treatment, policy, indication, baseline_g_per_l, seed, asked_for)
    return made


def believe(
    models: Iterable[KineticModel],
    subject: Subject,
    treatment: Treatment,
    policy: KineticsPolicy,
    *,
    indication: str | None = None,
    baseline_g_per_l: float | None = None,
    seed: int = 1,
    asked_for: str | None = None,
) -> tuple[Forecast, Belief]:
    """The forecast from all models that can make one for this patient, and the posterior that it shows.

    Args:
        models: the candidates.
        subject: covariates of the patient.
        treatment: doses and levels so far, future doses among them.
        policy: samples, thresholds.
        indication: the condition, to leave out models of other diseases; None keeps all and says so.
        baseline_g_per_l: IgG before any immunoglobulin (g/L), where it is known.
        seed: of the posterior's samples; the same seed gives the same forecast.
        asked_for: the one model to use; why it cannot be used is then an error.

    Raises:
        BadInput: no model can forecast this patient, or the one asked for cannot.
        ImpossibleValue: a baseline that is no level, or a seed that is no 64-bit number.
    """
    made, fitted, weights = _forecast(models, subject, treatment, policy, indication, baseline_g_per_l, seed, asked_for)
    return made, Belief(tuple(_voice(one, float(weight), seed) for one, weight in zip(fitted, weights, strict=True)))


def _forecast(
    models: Iterable[KineticModel],
    subject: Subject,
    treatment: Treatment,
    policy: KineticsPolicy,
    indication: str | None,
    baseline_g_per_l: float | None,
    seed: int,
    asked_for: str | None,
) -> tuple[Forecast, list[_Fitted], Floats]:
    """The forecast, the models fitted, and their weights."""
    if baseline_g_per_l is not None:
        check_baseline(baseline_g_per_l)
    check_seed(seed)
    for dose in treatment.doses:
        if dose.drug != IMMUNOGLOBULIN:
            raise BadInput("doses", dose.drug, "A forecast counts doses of immunoglobulin.", "Leave other drugs out.")
    over_time = replace(subject, weight_kg=None, weights=treatment.weights) if treatment.weights else subject
    latest = over_time.at(math.inf)
    candidates: list[tuple[KineticModel, Prior, Data]] = []
    aside: list[WeighedModel] = []
    for model in models:
        if asked_for is not None and model.id != asked_for:
            continue
        against = _against(model, over_time, treatment, indication if asked_for is None else None, baseline_g_per_l)
        if against:
            if asked_for is not None:
                raise BadInput(
                    "--model", model.id, f"It cannot forecast here: {'; '.join(against)}.", "Choose another."
                )
            aside.append(_weighed(model, 0.0, against, latest, indication))
            continue
        candidates.append((model, *_prepared(model, over_time, treatment, baseline_g_per_l)))
    if not candidates:
        reasons = "; ".join(f"{one.id}: {', '.join(one.why_not)}" for one in aside) or "no model was given"
        raise BadInput("RECORD", None, f"No model can forecast this patient ({reasons}).", "Add what they need.")
    counted, surprises, posteriors = explained([(prior, data) for _, prior, data in candidates], policy, seed)
    fitted = [_Fitted(*one, posterior) for one, posterior in zip(candidates, posteriors, strict=True)]
    weights = _weights(fitted, bool(counted.any()))
    best = fitted[int(np.argmax(weights))]
    levels = _levels(best, treatment, counted, surprises)
    ess = min(one.posterior.ess for one, weight in zip(fitted, weights, strict=True) if weight > COUNTS_FROM)
    converged = all(one.posterior.converged for one in fitted)
    made = Forecast(
        models=(
            *(
                _weighed(one.model, float(weight), (), latest, indication)
                for one, weight in zip(fitted, weights, strict=True)
            ),
            *aside,
        ),
        parameters=tuple(estimate for one in fitted for estimate in _estimates(one)),
        levels=levels,
        curve=_curve(fitted, weights, treatment, policy),
        diagnostics=Diagnostics(converged=converged, ess=ess, samples=int(policy.samples.value)),
        findings=in_order(
            (
                *treatment.findings,
                *_findings(
                    fitted, weights, levels, ess, converged, treatment, policy, indication, latest, baseline_g_per_l
                ),
                *_carried_over(fitted, weights, over_time, treatment, indication),
                *_weight_said(subject, treatment, policy),
            )
        ),
        notice=NOTICE,
    )
    return made, fitted, weights


# ---- which models


def _against(
    model: KineticModel, subject: Subject, treatment: Treatment, indication: str | None, baseline: float | None
) -> tuple[str, ...]:
    """Why a model cannot forecast this patient."""
    if Capability.FORECAST not in model.capabilities:
        return why_not_forecast(model)
    found = []
    if indication is not None and indication not in model.population.indications:
        found.append(f"built for {model.population.disease}")
    missing = {dose.route.value for dose in treatment.doses} - set(model.population.routes)
    if missing:
        found.append(f"knows no {' or '.join(sorted(missing))} doses")
    if model.baseline is not None and model.baseline.kind is BaselineKind.OWN and baseline is None:
        found.append("needs the level before any immunoglobulin")
    else:
        try:
            stretches(model, subject, baseline)
        except BadInput as problem:
            found.append(f"needs {problem.where.removeprefix('subject.')}")
    return tuple(found)


def _weighed(
    model: KineticModel, weight: float, why_not: tuple[str, ...], subject: Subject, indication: str | None
) -> WeighedModel:
    inside = (indication is None or indication in model.population.indications) and all(
        span.min is None or span.max is None or value is None or span.min <= value <= span.max
        for span, value in (
            (model.population.age_years, subject.age_years),
            (model.population.weight_kg, subject.weight_kg),
        )
    )
    told = VERIFICATION.get(model.copying_steps, f"copied {model.copying_steps} times")
    return WeighedModel(id=model.id, weight=weight, in_population=inside, why_not=why_not, verification=told)


def _prepared(
    model: KineticModel, subject: Subject, treatment: Treatment, baseline_g_per_l: float | None
) -> tuple[Prior, Data]:
    parts, made = stretches(model, subject, baseline_g_per_l)
    typical = _slots(made.parameters)
    spread = omega(model)
    if baseline_g_per_l is not None:
        spread[kernels.BASELINE] = 0.0
    # Without a dose under the skin nothing is learnt of absorption.
    if all(dose.route.value == "iv" for dose in treatment.doses):
        spread[[kernels.KA, kernels.F_SC, kernels.F_FACILITATED]] = 0.0
    residual = model.residual
    assert residual is not None  # a model that forecasts has one
    prior = Prior(
        typical,
        spread,
        residual.additive_sd_g_per_l,
        residual.proportional_sd,
    )
    doses = sorted(treatment.doses, key=lambda dose: dose.day + dose_days(dose.over_h))
    data = Data(
        np.array([dose.day for dose in doses]),
        np.array([dose.amount_g for dose in doses]),
        np.array([dose_days(dose.over_h) for dose in doses]),
        np.array([ROUTES[dose.route] for dose in doses], dtype=np.int64),
        np.array([level.day for level in treatment.levels]),
        np.array([level.igg_g_per_l for level in treatment.levels]),
        np.array([level.below for level in treatment.levels], dtype=np.bool_),
        np.array([part.start_d for part in parts[1:]]),
        _scale(parts, typical),
    )
    return prior, data


def _slots(p: Parameters) -> Floats:
    """Parameters in the order of the kernels' slots."""
    return np.array([p.cl, p.vc, p.q, p.vp, p.ka, p.f_sc, p.f_facilitated_sc, p.baseline_g_per_l])


def _scale(parts: tuple[Stretch, ...], typical: Floats) -> Floats:
    """What each stretch multiplies the typical parameters of the latest weight by; what a model lacks stays."""
    each = np.array([_slots(part.parameters) for part in parts])
    return np.asarray(np.divide(each, typical, out=np.ones_like(each), where=typical != 0))


def _carried_over(
    fitted: list[_Fitted], weights: Floats, subject: Subject, treatment: Treatment, indication: str | None
) -> Iterable[Finding]:
    """Where a model that counts is carried to a condition or to doses that it was not built on."""
    for model in (one.model for one, weight in zip(fitted, weights, strict=True) if weight > COUNTS_FROM):
        if indication is not None and indication not in model.population.indications:
            yield Finding(
                code="outside-condition",
                severity=Severity.WARNS,
                text=f"{model.id} was built on {model.population.disease}, and this patient is treated for {indication}; IgG may be cleared far faster or slower there.",
                remedy="Leave --model out, so that the models of the condition are weighed.",
                sources=(model.citation,),
            )
        yield from of_doses(model, treatment.doses, lambda day: subject.at(day).weight_kg)


def _weight_said(subject: Subject, treatment: Treatment, policy: KineticsPolicy) -> Iterable[Finding]:
    if not treatment.weights:
        return
    last = treatment.weights[-1].weight_kg
    if subject.weight_kg is not None and subject.weight_kg != last:
        yield Finding(
            code="weight-differs",
            severity=Severity.WARNS,
            text=f"The record says weight_kg {subject.weight_kg:g} and ends its weights with {last:g} kg; the forecast counts the weights.",
            remedy="Add the missing weighing to `weights`, or correct weight_kg.",
        )
    if len({one.weight_kg for one in treatment.weights}) > 1:
        yield Finding(
            code="weight-changes",
            severity=Severity.INFORMS,
            text=f"{policy.changing_weight.text} The typical parameters shown are those of the last weight, {last:g} kg.",
            remedy="Record the weight as often as it was taken.",
            sources=policy.changing_weight.src,
        )


def _voice(one: _Fitted, weight: float, seed: int) -> Voice:
    """A model's samples; what no level could tell of (absorption before any dose under the skin) varies as published."""
    unlearnt = np.where(one.prior.omega > 0, 0.0, omega(one.model))
    unlearnt[kernels.BASELINE] = 0.0  # known, or varied already
    parameters, above = with_unlearnt(one.posterior.samples, unlearnt, seed)
    masses = weight * one.posterior.weights
    return Voice(one.model, parameters, masses, one.data, float(one.posterior.weights[above].sum()))


def _weights(fitted: list[_Fitted], measured: bool) -> Floats:
    """By evidence; a family of models on the same trials has one voice, shared by its members' own evidence."""
    families = [one.model.shared_trials or one.model.id for one in fitted]
    logs = np.array([one.posterior.log_evidence if measured else 0.0 for one in fitted])
    odds = np.exp(logs - logs.max()) / np.array([families.count(name) for name in families])
    return np.asarray(odds / odds.sum())


# ---- what is shown


def _estimates(one: _Fitted) -> Iterable[Estimate]:
    for slot, name in enumerate((*NAMES, "baseline")):
        typical = float(one.prior.typical[slot])
        if not typical and name != "baseline":
            continue
        low = high = typical
        told = None
        spread = float(one.prior.omega[slot])
        if spread:
            values, weights = one.posterior.samples[:, slot], one.posterior.weights
            low, high = quantiles(values, weights, (5.0, 95.0))
            logs = np.log(values / typical)
            centre = weights @ logs
            told = float(np.sqrt(weights @ (logs - centre) ** 2)) / spread
        yield Estimate(
            model=one.model.id,
            name=name,
            unit=UNITS[name],
            typical=typical,
            map=float(one.posterior.mode[slot]),
            p5=low,
            p95=high,
            shrinkage=told,
        )


def _levels(
    best: _Fitted, treatment: Treatment, counted: NDArray[np.bool_], surprises: Floats
) -> tuple[LevelSeen, ...]:
    days = best.data.level_d
    typical = predicted(best.prior.typical, best.data, days)
    own = predicted(best.posterior.mode, best.data, days)
    deviation = np.sqrt(best.prior.additive_g_per_l**2 + (best.prior.proportional * own) ** 2)
    found = []
    for place, level in enumerate(treatment.levels):
        iwres = float((level.igg_g_per_l - own[place]) / deviation[place])
        found.append(
            LevelSeen(
                time=_when(treatment, level.day),
                observed=level.igg_g_per_l,
                below_lloq=level.below,
                population_predicted=float(typical[place]),
                individual_predicted=float(own[place]),
                iwres=min(iwres, 0.0) if level.below else iwres,
                surprise=float(surprises[place]),
                unexplained=not bool(counted[place]),
            )
        )
    return tuple(found)


def _when(treatment: Treatment, day: float) -> str | float:
    moment = treatment.moment(day)
    return moment if isinstance(moment, float) else moment.isoformat(timespec="minutes")


def _mixture(fitted: list[_Fitted], weights: Floats) -> tuple[list[tuple[Floats, Data]], Floats]:
    """Samples of each model that counts, and the weights of all: as many in all as for one model, shared by its weight."""
    parts, masses = [], []
    for one, weight in zip(fitted, weights, strict=True):
        own = one.posterior.weights
        first = math.ceil(weight * own.size)
        if first and own[:first].sum() > 0.0:
            parts.append((one.posterior.samples[:first], one.data))
            masses.append(own[:first] * (weight / own[:first].sum()))
    return parts, np.concatenate(masses)


def _moments(treatment: Treatment, days: Floats) -> tuple[str | float, ...]:
    """Whole days as the record writes times: the clock of day 0 stands behind each date."""
    if treatment.zero is None:
        return tuple(days.tolist())
    clock = treatment.zero.isoformat(timespec="minutes")[len("2026-11-21") :]
    dates = np.datetime64(treatment.zero.date(), "D") + days.astype(np.int64)
    return tuple(one + clock for one in dates.astype(str).tolist())


def _curve(fitted: list[_Fitted], weights: Floats, treatment: Treatment, policy: KineticsPolicy) -> Curve:
    last = max([dose.day for dose in treatment.doses] + [level.day for level in treatment.levels])
    end = last + float(policy.curve_days_after_last.value)
    outputs = int(np.ceil(end)) + 1  # one a day
    days = np.arange(outputs, dtype=np.float64)
    parts, masses = _mixture(fitted, weights)
    percents = bands(simulate(parts, 1.0, outputs), masses, PERCENTS)
    return Curve(
        time=_moments(treatment, days),
        day=tuple(days.tolist()),
        p5=tuple(percents[:, 0].tolist()),
        p25=tuple(percents[:, 1].tolist()),
        median=tuple(percents[:, 2].tolist()),
        p75=tuple(percents[:, 3].tolist()),
        p95=tuple(percents[:, 4].tolist()),
    )


def _findings(
    fitted: list[_Fitted],
    weights: Floats,
    levels: tuple[LevelSeen, ...],
    ess: float,
    converged: bool,
    treatment: Treatment,
    policy: KineticsPolicy,
    indication: str | None,
    subject: Subject,
    baseline_g_per_l: float | None,
) -> Iterable[Finding]:
    if not levels:
        yield Finding(
            code="no-levels",
            severity=Severity.WARNS,
            text="No measured level: this is what the models expect of anybody of this size, not of this patient.",
            remedy="Measure a trough and forecast again.",
        )
    for one in levels:
        if one.unexplained:
            yield Finding(
                code="level-unexplained",
                severity=Severity.WARNS,
                text=f"The level of {one.observed:g} g/L at {one.time} lies {abs(one.surprise):.1f} standard deviations from what the other levels predict; the curve without it is at {one.individual_predicted:.1f} g/L. No model explains it, and none was bent to it.",
                remedy="Check the sample, its unit and its time, missed doses, and protein loss; do not plan on this level alone.",
                sources=policy.unexplained_from.src,
            )
    if indication is None:
        yield Finding(
            code="indication-not-recorded",
            severity=Severity.WARNS,
            text="No condition is given, so models of all diseases were weighed; those of neuropathies clear IgG two to three times faster.",
            remedy="Give --indication.",
        )
    for model, weight in zip((one.model for one in fitted), weights, strict=True):
        made = individual(model, subject, baseline_g_per_l)
        yield from (one for one in made.findings if one.severity is Severity.WARNS and weight > COUNTS_FROM)
    if not converged or ess < policy.least_effective_samples.value:
        yield Finding(
            code="forecast-unsure",
            severity=Severity.WARNS,
            text=f"The estimate is numerically weak ({ess:.0f} effective samples{'' if converged else ', a mode was not reached'}).",
            remedy="Read the bands as rough.",
            sources=policy.least_effective_samples.src,
        )
    for model in (one.model for one in fitted):
        yield from (said for said in provenance(model) if said.code == "own-model")
    if any(one.model.copying_steps for one in fitted):
        yield Finding(
            code="model-not-verified",
            severity=Severity.INFORMS,
            text="The parameters were not checked against the papers: they passed through one or two copying steps.",
            remedy="A site that has read a paper can confirm its model in the overlay.",
            sources=tuple(one.model.citation for one in fitted),
            verified=False,
        )
    if len(treatment.doses) == 1:
        yield Finding(
            code="one-dose",
            severity=Severity.INFORMS,
            text="One dose is recorded; IgG from earlier treatment, if there was any, would be taken for this patient's own.",
            remedy="Record all doses of the last half year.",
        )
