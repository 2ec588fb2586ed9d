"""IgG under a drug that blocks FcRn: target-mediated disposition of the drug, and the loss of IgG that it speeds up.

Lledo-Garcia 2022; the equations are in :mod:`.ode`. Drug and receptor are held in mg of drug (a receptor as the drug that it
can bind), so that the free drug comes out in mg/L, as EC50 and the measured drug are. A dose is grams of drug.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ivigil.findings import Finding, Severity
from ivigil.kinetics import ode
from ivigil.kinetics.course import Course, Response, baseline_differs, not_linear, steady_start
from ivigil.kinetics.dose_range import beyond
from ivigil.kinetics.individual import doubts, outside
from ivigil.kinetics.regimens import Regimen
from ivigil.kinetics.subjects import Subject
from ivigil.kinetics.window import Window
from ivigil.knowledge.kinetic_models import KineticModel, Positive
from ivigil.quantities import MG_PER_G, mg_per_l_from_nmol_per_l

Floats = NDArray[np.float64]

#: Parameter facts in the order of the kernel's slots.
NAMES = (
    "v_l", "q_l_per_d", "v2_l", "cla_l_per_d", "kd_nm", "fcrn_nm",
    "kdeg_per_d", "igg_base_g_per_l", "kout_per_d", "emax", "ec50_mg_per_l",
)  # fmt: skip
#: Slots printed in nmol/L.
MOLAR = (ode.KD, ode.FCRN)


def facts(model: KineticModel) -> tuple[Positive, ...]:
    """The parameters by slot."""
    return tuple(getattr(model.antagonist, name) for name in NAMES)


def typical(model: KineticModel, baseline_g_per_l: float | None = None) -> Floats:
    """Typical parameters by slot, concentrations in mg/L."""
    assert model.antagonist is not None  # checked at load
    p = np.array([one.typical for one in facts(model)])
    for slot in MOLAR:
        p[slot] = mg_per_l_from_nmol_per_l(p[slot], model.antagonist.molar_mass_kda.typical)
    if baseline_g_per_l is not None:
        p[ode.BASE] = baseline_g_per_l
    return p


def rest(parameters: Floats) -> Floats:
    """States without the drug; parameters (…, slots), result (…, states)."""
    states = np.zeros((*parameters.shape[:-1], ode.STATES))
    states[..., ode.IGG[ode.ANTAGONIST]] = parameters[..., ode.BASE]
    return states


def free_mg_per_l(p: Floats, states: Floats) -> Floats:
    """Free drug (mg/L), as it is measured, from states (times, states) of one subject."""
    total, target = states[:, 0], p[ode.FCRN] * p[ode.V]
    both = p[ode.KD] * p[ode.V] + total + target
    bound = 2.0 * total * target / (both + np.sqrt(both * both - 4.0 * total * target))
    return np.asarray((total - bound) / p[ode.V])


def antagonist_course(
    model: KineticModel, regimen: Regimen | None, subject: Subject, window: Window, baseline_g_per_l: float | None
) -> Course:
    """The body's own IgG under the drug."""
    assert model.antagonist is not None
    p = typical(model, baseline_g_per_l)
    own = model.antagonist.igg_base_g_per_l
    system = ode.System(ode.ANTAGONIST, p, rest(p), float(MG_PER_G))
    course = Course(
        system=system,
        window=window,
        start=system.rest if window.tau_d is None else steady_start(system, window, model),
        shown={name: float(one.typical) for name, one in zip(NAMES, facts(model), strict=True)}
        | {"igg_base_g_per_l": float(p[ode.BASE])},
        response=Response(f"free {model.antagonist.drug}", "mg/L", lambda states: free_mg_per_l(p, states)),
        used=frozenset(),
        findings=(
            *baseline_differs(model, float(p[ode.BASE]), own),
            not_linear("all IgG of this model is the body's own, and its loss changes with the drug"),
            *dosing(model, regimen, subject),
            *outside(model, subject),
            *doubts(model),
        ),
    )
    return replace(course, findings=(*_nadir(model, course), *course.findings))


def _nadir(model: KineticModel, course: Course) -> tuple[Finding, ...]:
    """How deep IgG falls, and when."""
    lowest, day = course.extreme(-1)
    base = float(course.system.parameters[ode.BASE])
    if base == 0.0 or not course.window.doses:
        return ()
    return (
        Finding(
            code="igg-nadir",
            severity=Severity.INFORMS,
            text=f"IgG falls to {lowest:.2f} g/L, {1.0 - lowest / base:.1%} below {base:g} g/L, on day {day:.1f}.",
            sources=(model.citation,),
        ),
    )


def dosing(model: KineticModel, regimen: Regimen | None, subject: Subject) -> tuple[Finding, ...]:
    """Doses beyond those that the model was built on."""
    if regimen is None:
        return ()
    found: list[Finding | None] = []
    weight = subject.dosing_weight_kg or subject.weight_kg
    for part in regimen.parts:
        per_kg = part.amount / part.doses if part.per_kg else part.grams(weight) / weight if weight else None
        if per_kg is not None:
            found.append(beyond(model, model.population.course_mg_per_kg.iv, per_kg * MG_PER_G, "single doses"))
        if part.doses > 1 or part.every_d is not None or len(regimen.parts) > 1:
            found.append(
                Finding(
                    code="repeated-dose",
                    severity=Severity.WARNS,
                    text=f"{model.id} was built on single doses; repeated ones are an extrapolation.",
                    remedy="Read the result as an extrapolation.",
                    sources=(model.citation,),
                )
            )
    return tuple(dict.fromkeys(one for one in found if one is not None))
