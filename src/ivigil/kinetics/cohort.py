"""Forecasts of many patients, one after the other and each for itself: a cohort changes nobody's forecast."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ivigil.errors import IvigilError
from ivigil.kinetics.forecast import Forecast, forecast
from ivigil.kinetics.subjects import Subject
from ivigil.kinetics.treatment import Treatment
from ivigil.knowledge.kinetic_models import KineticModel
from ivigil.knowledge.policies import KineticsPolicy


@dataclass(frozen=True)
class Case:
    """One patient of a cohort, with what is asked as in :func:`ivigil.kinetics.forecast.forecast`."""

    subject: Subject
    treatment: Treatment
    indication: str | None = None
    baseline_g_per_l: float | None = None
    asked_for: str | None = None


def forecasts(
    models: tuple[KineticModel, ...], cases: Iterable[Case], policy: KineticsPolicy, *, seed: int = 1
) -> Iterator[Forecast | IvigilError]:
    """The forecast of each case in order, or why there is none; the error of one stops no other.

    The heavy part runs compiled and without Python's lock: threads or processes, each with a part of the cases, give
    together what one gives alone.
    """
    for case in cases:
        try:
            yield forecast(
                models,
                case.subject,
                case.treatment,
                policy,
                indication=case.indication,
                baseline_g_per_l=case.baseline_g_per_l,
                seed=seed,
                asked_for=case.asked_for,
            )
        except IvigilError as problem:
            yield problem
