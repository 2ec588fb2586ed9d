"""The typical profile of one subject: IgG over time and the metrics of an interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from pydantic import BaseModel, ConfigDict

from ivigil.errors import BadInput
from ivigil.findings import Finding, Severity, in_order
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
from ivigil.kinetics.regimens import IMMUNOGLOBULIN, Dose, Regimen, dose_days
from ivigil.kinetics.subjects import Subject
from ivigil.knowledge.kinetic_models import LINEAR, KineticModel

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
    """Exogenous IgG of one subject over an interval, as a function, with the days at which it bends."""

    linear: Linear
    doses: tuple[Dose, ...]
    start: float
    end: float
    tau_d: float | None

    def __call__(self, days: Floats) -> Floats:
        if self.tau_d is None:
            return concentrations(self.linear, self.doses, days)
        return steady_concentrations(self.linear, self.doses, self.tau_d, days)

    @property
    def bends(self) -> Floats:
        """Starts and ends of doses inside the interval, and the interval's own ends."""
        inside = {self.start, self.end}
        for dose in self.doses:
            inside.update((dose.day, dose.day + dose_days(dose.over_h)))
        return np.array(sorted(day for day in inside if self.start <= day <= self.end))


def profile(
    model: KineticModel,
    regimen: Regimen,
    subject: Subject,
    *,
    days: float | None = None,
    steady_state: bool = False,
    baseline_g_per_l: float | None = None,
) -> Profile:
    """The typical profile of a subject under a regimen.

    Args:
        model: a linear model; others have their own functions.
        regimen: what is given. Steady state is that of its last part, which must repeat.
        subject: covariates, see :class:`~ivigil.kinetics.subjects.Subject`.
        days: simulate from day 0, at baseline and with no earlier dose, to this day.
        steady_state: instead of ``days``: one interval of the regimen repeated for ever.
        baseline_g_per_l: endogenous IgG (g/L) instead of the model's.

    Raises:
        BadInput: both or neither of ``days`` and ``steady_state``; a route, covariate or baseline that the model lacks;
            a steady state of something given once.
    """
    if model.structure not in LINEAR:
        raise BadInput("--model", model.id, "A profile of a regimen needs a linear model.", "Choose another model.")
    if (days is None) != steady_state:
        raise BadInput("--days", days, "A profile is over days or at steady state.", "Give --days N or --steady-state.")
    if days is not None and not 0 < days <= LONGEST_DAYS:
        raise BadInput("--days", days, f"It must be above 0 and at most {LONGEST_DAYS}.", "Give another number.")
    if baseline_g_per_l is not None and not 0 <= baseline_g_per_l < float("inf"):
        raise BadInput("--baseline-igg-g-per-l", baseline_g_per_l, "A level is not negative.", "Correct it.")
    _only_immunoglobulin(regimen, model)
    if len({one.weight_kg for one in subject.weights}) > 1:
        from ivigil.kinetics.changing_profile import changing_profile

        return changing_profile(model, regimen, subject, days, baseline_g_per_l)
    subject = subject.at(0.0)
    made = individual(model, subject, baseline_g_per_l)
    linear = disposition(made.parameters)
    weight = subject.dosing_weight_kg or subject.weight_kg
    curve = _steady(linear, regimen, weight) if steady_state else _from_zero(linear, regimen, weight, float(days or 0))
    times = _output_days(curve)
    exogenous = curve(times)
    base = made.parameters.baseline_g_per_l
    return Profile(
        model=model.id,
        parameters=_shown(made),
        metrics=_metrics(curve, regimen, base),
        times_d=tuple(times.tolist()),
        igg_g_per_l=tuple((exogenous + base).tolist()),
        response=_response(model, curve, times),
        findings=in_order((*made.findings, *_not_verified(model))),
        unused=tuple(sorted(subject.given - made.used - _dosing(regimen, subject))),
    )


def _only_immunoglobulin(regimen: Regimen, model: KineticModel) -> None:
    for drug in sorted(regimen.drugs - {IMMUNOGLOBULIN}):
        raise BadInput(
            "--regimen", drug, f"The model {model.id} describes immunoglobulin only.", "Choose another model."
        )


def _dosing(regimen: Regimen, subject: Subject) -> frozenset[str]:
    """The weight that turned g/kg into grams."""
    if not any(part.per_kg for part in regimen.parts):
        return frozenset()
    return frozenset({"weight_kg" if subject.dosing_weight_kg is None else "dosing_weight_kg"})


def _steady(linear: Linear, regimen: Regimen, weight_kg: float | None) -> _Curve:
    part = regimen.parts[-1]
    if part.every_d is None:
        raise BadInput("--steady-state", "once", "Only what is repeated has a steady state.", "Give --days instead.")
    if part.missed or part.late_d:
        raise BadInput("--steady-state", "missed or late", "A steady state has no exceptions.", "Give --days instead.")
    grams = part.grams(weight_kg)
    cycle = tuple(Dose(float(day), grams, part.route, part.over_h) for day in range(part.doses))
    if dose_days(part.over_h) > part.every_d:
        raise BadInput("--regimen", f"over {part.over_h:g} h", "An infusion ends before the next.", "Correct it.")
    return _Curve(linear, cycle, 0.0, part.every_d, part.every_d)


def _from_zero(linear: Linear, regimen: Regimen, weight_kg: float | None, days: float) -> _Curve:
    return _Curve(linear, regimen.doses(weight_kg, days), 0.0, days, None)


def _output_days(curve: _Curve) -> Floats:
    """A regular grid, with every bend on it: a peak is not stepped over."""
    steps = max(int(np.ceil((curve.end - curve.start) * OUTPUTS_PER_DAY)), 1)
    return np.unique(np.concatenate([np.linspace(curve.start, curve.end, steps + 1), curve.bends]))


# ---- metrics


def _metrics(curve: _Curve, regimen: Regimen, baseline_g_per_l: float) -> ProfileMetrics:
    exogenous = _of_interval(curve)
    return ProfileMetrics(
        total=_with_baseline(exogenous, baseline_g_per_l, curve.end - curve.start),
        exogenous=exogenous,
        terminal_half_life_d=terminal_half_life_d(curve.linear, regimen.routes),
        tau_d=curve.tau_d,
        from_day=curve.start,
        to_day=curve.end,
    )


def _of_interval(curve: _Curve) -> Metrics:
    length = curve.end - curve.start
    auc = (
        steady_area(curve.linear, curve.doses)
        if curve.tau_d is not None
        else area(curve.linear, curve.doses, curve.start, curve.end)
    )
    cmax, cmin = _extreme(curve, +1), _extreme(curve, -1)
    if curve.tau_d is not None:
        trough = _steady_trough(curve)
    else:
        trough = just_before(curve.linear, curve.doses, curve.end)
    cmin = min(cmin, trough)
    return _summary(cmin, trough, cmax, auc, length)


def _steady_trough(curve: _Curve) -> float:
    """Just before the first dose of the cycle: the end of the one before."""
    assert curve.tau_d is not None
    response_before = steady_concentrations(curve.linear, curve.doses, curve.tau_d, np.array([curve.tau_d]))
    return float(response_before[0])


def _extreme(curve: _Curve, sign: int) -> float:
    """The highest (+1) or lowest (−1) level: looked for between bends, then closed in on by golden section.

    All stretches at once: one at a time, the doses would be gone through anew for each point of each stretch.
    """
    bends = curve.bends
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


def _not_verified(model: KineticModel) -> tuple[Finding, ...]:
    if model.copying_steps == 0:
        return ()
    text = f"The parameters of {model.id} were not checked against its paper: they passed through {model.copying_steps} copying step{'s' if model.copying_steps > 1 else ''}."
    return (
        Finding(
            code="model-not-verified",
            severity=Severity.INFORMS,
            text=text,
            remedy="A site that has read the paper can confirm the model in its overlay.",
            sources=(model.citation,),
            verified=False,
        ),
    )


def _response(model: KineticModel, curve: _Curve, times: Floats) -> ResponseCurve | None:
    if model.grip is None:
        return None
    values = grip_strength_kg(model.grip, curve, curve.bends, times, repeats=curve.tau_d is not None)
    return ResponseCurve(name="grip strength, worse hand", unit="kg", values=tuple(values.tolist()))
