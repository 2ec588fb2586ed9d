"""The typical profile of a subject whose weight changes; everything that does not change is :mod:`.profile`'s."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ivigil.errors import BadInput
from ivigil.findings import Finding, Severity, in_order
from ivigil.kinetics.catalogue import provenance
from ivigil.kinetics.changing import Changing, stretches
from ivigil.kinetics.dose_range import of_regimen
from ivigil.kinetics.linear import Floats, disposition, terminal_half_life_d
from ivigil.kinetics.profile import (
    Profile,
    ProfileMetrics,
    _Curve,
    _extreme,
    _output_days,
    _response,
    _shown,
    _summary,
    _unused,
    _with_baseline,
)
from ivigil.kinetics.regimens import Regimen
from ivigil.kinetics.subjects import Subject
from ivigil.kinetics.window import Window
from ivigil.knowledge.kinetic_models import KineticModel


@dataclass(frozen=True)
class _ChangedWindow(Window):
    """A window with the days on which the parameters change."""

    steps_d: tuple[float, ...] = ()

    @property
    def bends(self) -> Floats:
        inside = [day for day in self.steps_d if 0.0 < day < self.end]
        return np.union1d(super().bends, np.array(inside, dtype=np.float64))


@dataclass(frozen=True)
class _Changed(_Curve):
    """A curve whose parameters change; ``linear`` is the last stretch's."""

    changing: Changing

    def __call__(self, days: Floats) -> Floats:
        return self.changing(days)


def changing_profile(
    model: KineticModel, regimen: Regimen, subject: Subject, days: float | None, baseline_g_per_l: float | None
) -> Profile:
    """The typical profile from day 0, each dose in g/kg by the weight of its day, amounts carried over every weighing.

    Raises:
        BadInput: a steady state, which a changing weight does not have, or a baseline that changes with the weight.
    """
    if days is None:
        raise BadInput(
            "--steady-state", "weights", "A weight that changes has no steady state.", "Give --days, or one weight_kg."
        )
    parts, made = stretches(model, subject, baseline_g_per_l)
    base = made.parameters.baseline_g_per_l
    if any(one.parameters.baseline_g_per_l != base for one in parts):
        raise BadInput(
            "subject.weights", None, f"The baseline of {model.id} follows the weight.", "Give --baseline-igg-g-per-l."
        )
    doses = regimen.doses(lambda day: subject.dosing_weight_kg or subject.at(day).weight_kg, days)
    changing = Changing(parts, doses)
    linear = disposition(made.parameters)
    window = _ChangedWindow(doses, days, None, tuple(one.start_d for one in parts[1:]))
    curve = _Changed(linear, window, changing)
    weighed = "weight_kg" in made.used or any(part.per_kg for part in regimen.parts)
    trough, auc = float(changing.before(days)), changing.area(0.0, days)
    exogenous = _summary(min(_extreme(curve, -1), trough), trough, _extreme(curve, +1), auc, days)
    times = _output_days(window)
    return Profile(
        model=model.id,
        parameters=_shown(made),
        metrics=ProfileMetrics(
            total=_with_baseline(exogenous, base, days),
            exogenous=exogenous,
            terminal_half_life_d=terminal_half_life_d(linear, regimen.routes),
            tau_d=None,
            from_day=0.0,
            to_day=days,
        ),
        times_d=tuple(times.tolist()),
        igg_g_per_l=tuple((curve(times) + base).tolist()),
        response=_response(model, curve, times),
        findings=in_order((*of_regimen(model, regimen, subject), *made.findings, *provenance(model), _said(subject))),
        unused=tuple(one for one in _unused(subject, regimen, made.used) if one != "weights" or not weighed),
    )


def _said(subject: Subject) -> Finding:
    first, last = subject.weights[0], subject.weights[-1]
    return Finding(
        code="weight-changes",
        severity=Severity.INFORMS,
        text=f"The weight goes from {first.weight_kg:g} kg to {last.weight_kg:g} kg; each weighing holds until the next (last observation carried forward). Amounts are carried over, so the level steps where the volume does. The parameters shown hold from day {last.day:g} on.",
        remedy="Record the weight as often as it was taken.",
    )
