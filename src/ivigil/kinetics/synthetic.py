"""Invented data sets of a stated design under a model: what validation measures a method against.

Subjects and errors of measuring are keyed by (seed, subject), so a smaller set is the beginning of a larger one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ivigil.errors import BadInput
from ivigil.kinetics.individual import individual
from ivigil.kinetics.population import Drawn, draw, levels, schedule
from ivigil.kinetics.randomness import normals
from ivigil.kinetics.regimens import Regimen
from ivigil.kinetics.subjects import Subject
from ivigil.knowledge.kinetic_models import KineticModel, Residual

Floats = NDArray[np.float64]

#: Stream of the errors of measuring, apart from those of the subjects (which count from 0).
ERRORS = 1_000_000
#: Seeds of one data set's arms lie so far apart.
NEXT_ARM = 1_000_003


@dataclass(frozen=True)
class Arm:
    """Subjects alike in covariates and regimen, each with levels on these whole days (just before a dose of that day)."""

    subject: Subject
    regimen: Regimen
    subjects: int
    days: tuple[int, ...]


@dataclass(frozen=True)
class DataSet:
    """Levels (g/L) with their day, subject and arm; ``predicted`` is the typical prediction of the model named."""

    model: str
    days: Floats
    subject: NDArray[np.int64]
    predicted: Floats
    levels: Floats


def simulated(model: KineticModel, arms: tuple[Arm, ...], seed: int, copies: int = 1) -> Floats:
    """Levels with error of measuring under a model, shape (copies, n): arm by arm, subject by subject, day by day.

    Raises:
        BadInput: the model's variability or its residual error is not known.
    """
    residual = residual_of(model)
    found = []
    for number, arm in enumerate(arms):
        true = _true(model, arm, seed + number * NEXT_ARM, copies * arm.subjects)
        measured = with_error(true, residual, seed + number * NEXT_ARM)
        found.append(measured.reshape(copies, arm.subjects * len(arm.days)))
    return np.concatenate(found, axis=1)


def residual_of(model: KineticModel) -> Residual:
    """The error of measuring of a model.

    Raises:
        BadInput: it was not published.
    """
    if model.residual is None:
        raise BadInput("--model", model.id, "Its residual error is not known.", "Choose another model.")
    return model.residual


def with_error(true: Floats, residual: Residual, seed: int) -> Floats:
    """True levels (subjects, days) as an assay would give them."""
    errors = np.empty_like(true)
    row = np.empty(true.shape[1] + 1)
    for place in range(len(true)):
        normals(np.uint64(seed), place, ERRORS, row)
        errors[place] = row[:-1]
    return np.asarray(true + errors * np.sqrt(residual.additive_sd_g_per_l**2 + (residual.proportional_sd * true) ** 2))


def data_set(model: KineticModel, arms: tuple[Arm, ...], seed: int, judged_by: KineticModel) -> DataSet:
    """Levels from ``model`` with the typical predictions of ``judged_by``."""
    days = np.concatenate([np.tile(np.array(arm.days, dtype=np.float64), arm.subjects) for arm in arms])
    people = np.repeat(
        np.arange(sum(arm.subjects for arm in arms)),
        np.concatenate([np.full(arm.subjects, len(arm.days)) for arm in arms]),
    )
    typical = np.concatenate([np.tile(_typical(judged_by, arm), arm.subjects) for arm in arms])
    return DataSet(model.id, days, people, typical, simulated(model, arms, seed)[0])


def _typical(model: KineticModel, arm: Arm) -> Floats:
    p = individual(model, arm.subject).parameters
    row = np.array([[p.cl, p.vc, p.q, p.vp, p.ka, p.f_sc, p.f_facilitated_sc, p.baseline_g_per_l]])
    return np.asarray(_at(Drawn(0, row, np.array([_scale(arm)])), arm)[0])


def _true(model: KineticModel, arm: Arm, seed: int, subjects: int) -> Floats:
    chunks = draw(model, arm.subject, arm.regimen.parts[0].per_kg, subjects, seed)
    return np.concatenate([_at(chunk, arm) for chunk, _ in chunks])


def _at(chunk: Drawn, arm: Arm) -> Floats:
    plan = schedule(arm.regimen, float(max(arm.days)))
    return levels(chunk, plan)[:, list(arm.days)].astype(np.float64)


def _scale(arm: Arm) -> float:
    if not arm.regimen.parts[0].per_kg:
        return 1.0
    weight = arm.subject.dosing_weight_kg or arm.subject.weight_kg
    assert weight is not None  # draw() refuses it first
    return weight
