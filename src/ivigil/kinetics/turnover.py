"""Saturable recycling of IgG by FcRn: turnover in plasma (Kim 2007), and ivigil's own extension by a pool outside it.

    catabolism(C) = kint − Jmax / (V·(Km + C)),  dC/dt = production/V − catabolism(C)·C,  production constant

Jmax in mg/kg/day and V in mL/kg make Jmax/V a level in g/L per day: the volume is per kilogram, and not mg/kg as a copy of
the model has it. The catabolism is that of the *plasma* pool; with more than half of all IgG outside, the whole body loses
less than half of that fraction a day. With a pool outside (T, in g per litre of plasma) and the share f inside at rest:

    dC/dt = … − escape·C + return·T,  dT/dt = escape·C − return·T,  return = escape·f/(1 − f)
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ivigil.errors import BadInput
from ivigil.findings import Finding, Severity
from ivigil.kinetics import ode
from ivigil.kinetics.course import Course, Response, baseline_differs, not_linear, steady_start
from ivigil.kinetics.individual import doubts, outside
from ivigil.kinetics.regimens import Regimen
from ivigil.kinetics.subjects import Subject
from ivigil.kinetics.window import Window
from ivigil.knowledge.kinetic_models import KineticModel
from ivigil.quantities import ML_PER_L

Floats = NDArray[np.float64]

PERCENT = 100.0


def _parameters(model: KineticModel, steady_g_per_l: float) -> Floats:
    """Slots of the kernel; production keeps ``steady_g_per_l`` where nothing is given."""
    turnover = model.turnover
    assert turnover is not None  # checked at load
    p = np.zeros(ode.SLOTS)
    # mg/(mL·day) are g/(L·day).
    p[ode.JMAX] = turnover.jmax_mg_per_d_per_kg.typical / turnover.v_ml_per_kg.typical
    p[ode.KM], p[ode.KINT] = turnover.km_g_per_l.typical, turnover.kint_per_d.typical
    p[ode.PRODUCTION] = float(catabolism_per_d(p, np.array([steady_g_per_l]))[0]) * steady_g_per_l
    if model.tissue is not None:
        inside = model.tissue.intravascular_fraction.typical
        p[ode.ESCAPE] = model.tissue.escape_per_d.typical
        p[ode.RETURN] = p[ode.ESCAPE] * inside / (1.0 - inside)
    return p


def catabolism_per_d(p: Floats, igg_g_per_l: Floats) -> Floats:
    """The fraction of the plasma pool that is lost for good a day, by level."""
    return np.asarray(p[ode.KINT] - p[ode.JMAX] / (p[ode.KM] + igg_g_per_l))


def turnover_course(
    model: KineticModel, regimen: Regimen | None, subject: Subject, window: Window, baseline_g_per_l: float | None
) -> Course:
    """Endogenous IgG on its way to the model's steady level, from ``baseline_g_per_l`` where it is given."""
    assert model.turnover is not None
    steady = model.turnover.css_g_per_l.typical
    start = steady if baseline_g_per_l is None else baseline_g_per_l
    p = _parameters(model, steady)
    meaning = f" It is taken as the start of the curve; production stays that of {steady:g} g/L."
    return Course(
        system=ode.System(ode.TURNOVER, p, _state(start, 0.0), 0.0),
        window=window,
        start=_state(start, 0.0),
        shown=_shown(p, steady),
        response=_catabolism(p),
        used=frozenset(),
        findings=(
            *baseline_differs(model, start, model.turnover.css_g_per_l, meaning),
            _of_plasma(model, p, start),
            not_linear("nothing is infused, and the loss is not in proportion to the level"),
            *doubts(model),
        ),
    )


def tissue_course(
    model: KineticModel, regimen: Regimen | None, subject: Subject, window: Window, baseline_g_per_l: float | None
) -> Course:
    """Infused IgG in a body that makes enough to keep ``baseline_g_per_l``, or the model's level, by itself.

    Raises:
        BadInput: no weight, from which the plasma volume follows.
    """
    assert model.turnover is not None
    assert model.tissue is not None
    if subject.weight_kg is None:
        raise BadInput(
            "subject.weight_kg", None, f"The model {model.id} needs it.", "Give weight_kg, or choose another model."
        )
    own = model.turnover.css_g_per_l
    steady = own.typical if baseline_g_per_l is None else baseline_g_per_l
    volume_l = model.turnover.v_ml_per_kg.typical * subject.weight_kg / ML_PER_L
    p = _parameters(model, steady)
    rest = _state(steady, 0.0 if steady == 0.0 else steady * p[ode.ESCAPE] / p[ode.RETURN])
    system = ode.System(ode.TURNOVER, p, rest, 1.0 / volume_l)
    return Course(
        system=system,
        window=window,
        start=rest if window.tau_d is None else steady_start(system, window, model),
        shown={**_shown(p, steady), "plasma_volume_l": volume_l},
        response=_catabolism(p),
        used=frozenset({"weight_kg"}),
        findings=(
            *baseline_differs(model, steady, own),
            not_linear("infused and own IgG share one loss, which is not in proportion to their sum"),
            *outside(model, subject),
            *doubts(model),
        ),
    )


def _state(plasma_g_per_l: float, outside_g_per_l: float) -> Floats:
    return np.array([plasma_g_per_l, outside_g_per_l, 0.0, 0.0])


def _shown(p: Floats, steady_g_per_l: float) -> dict[str, float]:
    named = {
        "jmax_g_per_l_per_d": p[ode.JMAX],
        "km_g_per_l": p[ode.KM],
        "kint_per_d": p[ode.KINT],
        "production_g_per_l_per_d": p[ode.PRODUCTION],
        "escape_per_d": p[ode.ESCAPE],
        "return_per_d": p[ode.RETURN],
    }
    return {"baseline_g_per_l": steady_g_per_l, **{name: float(value) for name, value in named.items() if value}}


def _catabolism(p: Floats) -> Response:
    return Response("plasma IgG lost for good a day", "%", lambda states: PERCENT * catabolism_per_d(p, states[:, 0]))


def _of_plasma(model: KineticModel, p: Floats, level_g_per_l: float) -> Finding:
    rate = float(catabolism_per_d(p, np.array([level_g_per_l]))[0])
    return Finding(
        code="plasma-pool-rate",
        severity=Severity.INFORMS,
        text=f"At {level_g_per_l:g} g/L plasma loses {rate:.1%} of its IgG a day (half in {math.log(2) / rate:.1f} days if none were made or came back). It is the rate of plasma and no half-life of the whole body, which is more than twice as long.",
        sources=(model.citation,),
    )
