"""The typical profile of one subject: IgG over time and the metrics of an interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from pydantic import BaseModel, ConfigDict

from ivigil.errors import BadInput
from ivigil.findings import Finding, in_order
from ivigil.kinetics.catalogue import provenance
from ivigil.kinetics.dose_range import of_regimen
from ivigil.kinetics.grip import grip_strength_kg
from ivigil.kinetics.individual import Individual, individual
from ivigil.kinetics.linear import (
    Floats,
    Linear,
    area,
    concentrations,
    disposition,
    just_before,
    steady_area,
    steady_concentrations,
    terminal_half_life_d,
)
from ivigil.kinetics.regimens import Regimen
from ivigil.kinetics.subjects import Subject
from ivigil.kinetics.window import Window, from_zero, only_its_drug, only_its_routes, steady
from ivigil.knowledge.kinetic_models import LINEAR, KineticModel, Structure

if TYPE_CHECKING:
    import polars as pl

#: How finely an interval is looked through for its highest and lowest level, between doses and ends of infusion.
POINTS_PER_STRETCH = 400
#: Shrinkings of the bracket around an extreme: each leaves 0.62 of it, so the place is known to the last digits.
GOLDEN_STEPS = 60
GOLDEN = (5**0.5 - 1) / 2
#: The longest profile (days): a century of treatment.
LONGEST_DAYS = 36525
#: Points of the curve that is handed out.
OUTPUTS_PER_DAY = 4


class Metrics(BaseModel):
    """Levels (g/L) and area (g·day/L) of an interval. ``swing`` and ``fluctuation`` are None where they divide by 0."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cmin: float
    ctrough: float
    cmax: float
    cavg: float
    auc: float
    swing: float | None
    fluctuation: float | None


class ProfileMetrics(BaseModel):
    """Metrics of total and of exogenous IgG; None, with a finding, where a model has no such quantity."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    total: Metrics
    exogenous: Metrics | None
    terminal_half_life_d: float | None
    tau_d: float | None
    from_day: float
    to_day: float


class ResponseCurve(BaseModel):
    """A response that the model drives, over the same days."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    unit: str
    values: tuple[float, ...]


class Profile(BaseModel):
    """What ``ivigil kinetics profile`` returns."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    parameters: dict[str, float]
    metrics: ProfileMetrics
    times_d: tuple[float, ...]
    igg_g_per_l: tuple[float, ...]
    response: ResponseCurve | None
    findings: tuple[Finding, ...]
    unused: tuple[str, ...]

    def to_frame(self) -> pl.DataFrame:
        """The curve as a polars frame: ``day``, ``igg_g_per_l`` and, where the model has one, ``response``."""
        from ivigil.kinetics.frames import curve_frame

        return curve_frame(self.times_d, self.igg_g_per_l, None if self.response is None else self.response.values)


@dataclass(frozen=True)
class _Curve:
    """Exogenous IgG of one subject over a window, as a function."""

    linear: Linear
    window: Window

    def __call__(self, days: Floats) -> Floats:
        if self.window.tau_d is None:
            return concentrations(self.linear, self.window.doses, days)
        return steady_concentrations(self.linear, self.window.doses, self.window.tau_d, days)


def profile(
    model: KineticModel,
    regimen: Regimen | None,
    subject: Subject,
    *,
    days: float | None = None,
    steady_state: bool = False,
    baseline_g_per_l: float | None = None,
) -> Profile:
    """The typical profile of a subject under a regimen.

    Args:
        model: any model; one that is not linear has no exogenous metrics and no terminal half-life, and says so.
        regimen: what is given; None for turnover alone. Steady state is that of its last part, which must repeat.
        subject: covariates, see :class:`~ivigil.kinetics.subjects.Subject`.
        days: simulate from day 0, at baseline and with no earlier dose, to this day.
        steady_state: instead of ``days``: one interval of the regimen repeated for ever.
        baseline_g_per_l: endogenous IgG (g/L) instead of the model's; where turnover alone is asked for, its start.

    Raises:
        BadInput: both or neither of ``days`` and ``steady_state``; a drug, route, covariate or baseline that the model
            lacks; a regimen that is missing or that the model does not take; a steady state of something given once.
        ImpossibleValue: equations that could not be solved.
    """
    if (days is None) != steady_state:
        raise BadInput("--days", days, "A profile is over days or at steady state.", "Give --days N or --steady-state.")
    if days is not None and not 0 < days <= LONGEST_DAYS:
        raise BadInput("--days", days, f"It must be above 0 and at most {LONGEST_DAYS}.", "Give another number.")
    if baseline_g_per_l is not None and not 0 <= baseline_g_per_l < float("inf"):
        raise BadInput("--baseline-igg-g-per-l", baseline_g_per_l, "A level is not negative.", "Correct it.")
    if regimen is not None:
        only_its_drug(regimen, model)
        if model.structure not in LINEAR:
            only_its_routes(regimen, model)
    elif model.structure is not Structure.FCRN_TURNOVER:
        raise BadInput("--regimen", None, f"The model {model.id} describes doses.", "Say what is given.")
    if model.structure not in LINEAR:
        window = _window(regimen, subject.at(0.0), days)
        return _of_course(model, regimen, subject, window, baseline_g_per_l)
    assert regimen is not None
    if len({one.weight_kg for one in subject.weights}) > 1:
        from ivigil.kinetics.changing_profile import changing_profile

        return changing_profile(model, regimen, subject, days, baseline_g_per_l)
    subject = subject.at(0.0)
    window = _window(regimen, subject, days)
    made = individual(model, subject, baseline_g_per_l)
    curve = _Curve(disposition(made.parameters), window)
    times = _output_days(window)
    exogenous = curve(times)
    base = made.parameters.baseline_g_per_l
    return Profile(
        model=model.id,
        parameters=_shown(made),
        metrics=_metrics(curve, regimen, base),
        times_d=tuple(times.tolist()),
        igg_g_per_l=tuple((exogenous + base).tolist()),
        response=_response(model, curve, times),
        findings=in_order((*of_regimen(model, regimen, subject), *made.findings, *provenance(model))),
        unused=_unused(subject, regimen, made.used),
    )


def _window(regimen: Regimen | None, subject: Subject, days: float | None) -> Window:
    weight = subject.dosing_weight_kg or subject.weight_kg
    if days is not None:
        return from_zero(regimen, weight, days)
    if regimen is None:
        raise BadInput(
            "--steady-state", None, "Without a dose the steady state is the model's own level for ever.", "Give --days."
        )
    return steady(regimen, weight)


def _of_course(
    model: KineticModel,
    regimen: Regimen | None,
    subject: Subject,
    window: Window,
    baseline_g_per_l: float | None,
) -> Profile:
    from ivigil.kinetics.courses import COURSES  # compiled code: only who integrates pays for it

    course = COURSES[model.structure](model, regimen, subject, window, baseline_g_per_l)
    times = _output_days(window)
    states = course.states(times)
    trough, area = course.trough, course.area
    lowest, highest = course.extreme(-1)[0], course.extreme(+1)[0]
    return Profile(
        model=model.id,
        parameters=course.shown,
        metrics=ProfileMetrics(
            total=_summary(min(lowest, trough), trough, highest, area, window.end),
            exogenous=None,
            terminal_half_life_d=None,
            tau_d=window.tau_d,
            from_day=0.0,
            to_day=window.end,
        ),
        times_d=tuple(times.tolist()),
        igg_g_per_l=tuple(course.igg_of(states).tolist()),
        response=ResponseCurve(
            name=course.response.name,
            unit=course.response.unit,
            values=tuple(course.response.of(states).tolist()),
        ),
        findings=in_order((*course.findings, *provenance(model))),
        unused=_unused(subject, regimen, course.used),
    )


def _unused(subject: Subject, regimen: Regimen | None, used: frozenset[str]) -> tuple[str, ...]:
    """Keys that were given and did nothing: neither in the model nor as the weight that turned g/kg into grams."""
    dosing: frozenset[str] = frozenset()
    if regimen is not None and any(part.per_kg for part in regimen.parts):
        dosing = frozenset({"weight_kg" if subject.dosing_weight_kg is None else "dosing_weight_kg"})
    return tuple(sorted(subject.given - used - dosing))


def _output_days(window: Window) -> Floats:
    """A regular grid, with every bend on it: a peak is not stepped over."""
    steps = max(int(np.ceil(window.end * OUTPUTS_PER_DAY)), 1)
    return np.unique(np.concatenate([np.linspace(0.0, window.end, steps + 1), window.bends]))


# ---- metrics


def _metrics(curve: _Curve, regimen: Regimen, baseline_g_per_l: float) -> ProfileMetrics:
    exogenous, window = _of_interval(curve), curve.window
    return ProfileMetrics(
        total=_with_baseline(exogenous, baseline_g_per_l, window.end),
        exogenous=exogenous,
        terminal_half_life_d=terminal_half_life_d(curve.linear, regimen.routes),
        tau_d=window.tau_d,
        from_day=0.0,
        to_day=window.end,
    )


def _of_interval(curve: _Curve) -> Metrics:
    window = curve.window
    auc = (
        steady_area(curve.linear, window.doses)
        if window.tau_d is not None
        else area(curve.linear, window.doses, 0.0, window.end)
    )
    cmax, cmin = _extreme(curve, +1), _extreme(curve, -1)
    # At steady state the trough before the first dose of the cycle is the end of the one before.
    trough = (
        float(curve(np.array([window.tau_d]))[0])
        if window.tau_d is not None
        else just_before(curve.linear, window.doses, window.end)
    )
    return _summary(min(cmin, trough), trough, cmax, auc, window.end)


def _extreme(curve: _Curve, sign: int) -> float:
    """The highest (+1) or lowest (−1) level: looked for between bends, then closed in on by golden section.

    All stretches at once: one at a time, the doses would be gone through anew for each point of each stretch.
    """
    bends = curve.window.bends
    share = np.linspace(0.0, 1.0, POINTS_PER_STRETCH + 1)
    inner = bends[:-1, None] + np.diff(bends)[:, None] * share
    # The end of a stretch is the moment before the next dose.
    inner[:, -1] = np.nextafter(bends[1:], bends[:-1])
    levels = sign * curve(inner.ravel()).reshape(inner.shape)
    rows, at = np.arange(len(inner)), levels.argmax(axis=1)
    low, high = inner[rows, np.maximum(at - 1, 0)], inner[rows, np.minimum(at + 1, POINTS_PER_STRETCH)]
    return sign * max(float(levels.max()), _golden(curve, sign, low, high))


def _golden(curve: _Curve, sign: int, low: Floats, high: Floats) -> float:
    for _ in range(GOLDEN_STEPS):
        a, b = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
        first, second = np.split(sign * curve(np.concatenate([a, b])), 2)
        rises = first < second
        low, high = np.where(rises, a, low), np.where(rises, high, b)
    return float((sign * curve((low + high) / 2)).max())


def _summary(cmin: float, ctrough: float, cmax: float, auc: float, length_d: float) -> Metrics:
    cavg = auc / length_d
    return Metrics(
        cmin=cmin,
        ctrough=ctrough,
        cmax=cmax,
        cavg=cavg,
        auc=auc,
        swing=(cmax - cmin) / cmin if cmin > 0 else None,
        fluctuation=(cmax - cmin) / cavg if cavg > 0 else None,
    )


def _with_baseline(one: Metrics, baseline_g_per_l: float, length_d: float) -> Metrics:
    return _summary(
        one.cmin + baseline_g_per_l,
        one.ctrough + baseline_g_per_l,
        one.cmax + baseline_g_per_l,
        one.auc + baseline_g_per_l * length_d,
        length_d,
    )


# ---- what is shown


def _shown(made: Individual) -> dict[str, float]:
    p = made.parameters
    named = {
        "cl_l_per_d": p.cl,
        "vc_l": p.vc,
        "q_l_per_d": p.q,
        "vp_l": p.vp,
        "ka_per_d": p.ka,
        "f_sc": p.f_sc,
        "f_facilitated_sc": p.f_facilitated_sc,
        "baseline_g_per_l": p.baseline_g_per_l,
    }
    return {name: value for name, value in named.items() if value or name == "baseline_g_per_l"}


def _response(model: KineticModel, curve: _Curve, times: Floats) -> ResponseCurve | None:
    if model.grip is None:
        return None
    values = grip_strength_kg(model.grip, curve, curve.window.bends, times, repeats=curve.window.tau_d is not None)
    return ResponseCurve(name="grip strength, worse hand", unit="kg", values=tuple(values.tolist()))
