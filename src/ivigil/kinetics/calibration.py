"""Simulation-based calibration: are the forecast's bands as wide as they say?

Patients are drawn from a model, measured with its error, and forecast with the same model. Then the posterior's share
below the truth is uniform, and a band of 50 % holds the truth in half of them (Talts S et al. Validating Bayesian
inference algorithms with simulation-based calibration, arXiv:1804.06788, 2018; Cook SR et al. J Comput Graph Stat
2006;15:675-92). The samples are weighted, so the share is a sum of weights and the ranks are counted in equal bins.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from ivigil.kinetics import kernels
from ivigil.kinetics.fitting import Data, Prior, fit
from ivigil.kinetics.forecast import forecast
from ivigil.kinetics.individual import individual
from ivigil.kinetics.population import Drawn, Schedule, draw, levels, omega, schedule
from ivigil.kinetics.regimens import Route
from ivigil.kinetics.synthetic import Arm, residual_of, with_error
from ivigil.kinetics.treatment import Level, Treatment
from ivigil.knowledge.kinetic_models import KineticModel
from ivigil.knowledge.policies import KineticsPolicy

Floats = NDArray[np.float64]

BINS = 20
BANDS = (0.5, 0.9)
#: What is forecast: the level on the arm's last day, which is not measured, and the two parameters behind it.
TARGETS = ("trough", "clearance", "central volume")
#: Two standard deviations of a share: what chance alone leaves.
DEVIATIONS = 1.96


def _chance(band: float, patients: int) -> float:
    return DEVIATIONS * float(np.sqrt(band * (1.0 - band) / patients))


class Calibration(BaseModel):
    """One target: the posterior's share below the truth per patient, coverage by band, and the test of uniformity."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    regimen: str
    target: str
    patients: int
    shares: tuple[float, ...]
    coverage: dict[str, float]
    counts: tuple[int, ...]
    chi2: float
    p: float

    def chance(self, band: float) -> float:
        """Half the width of the 95 % interval of a coverage under right bands."""
        return _chance(band, self.patients)


def shares_below(
    model: KineticModel, arm: Arm, seed: int, samples: int, *, error_believed: float = 1.0
) -> dict[str, Floats]:
    """The posterior's share below the truth, per target and patient of the arm.

    Args:
        model: draws the patients and forecasts them.
        arm: the design; the level on its last day is forecast, the others are measured.
        seed: of patients, errors and samples.
        samples: of each posterior.
        error_believed: the forecast takes the error of measuring for this times what it is; other than 1 it must fail.
    """
    residual = residual_of(model)
    chunk, plan, true, measured = _patients(model, arm, seed)
    p = individual(model, arm.subject).parameters
    spread = omega(model)
    if arm.regimen.routes == {Route.IV}:
        spread[[kernels.KA, kernels.F_SC, kernels.F_FACILITATED]] = 0.0
    prior = Prior(
        np.array([p.cl, p.vc, p.q, p.vp, p.ka, p.f_sc, p.f_facilitated_sc, p.baseline_g_per_l]),
        spread,
        error_believed * residual.additive_sd_g_per_l,
        error_believed * residual.proportional_sd,
    )
    days = np.array(arm.days[:-1], dtype=np.float64)
    ahead = Schedule(
        plan.dose_d, plan.dose_g * chunk.scale[0], plan.dose_over_d, plan.dose_route, float(arm.days[-1]), 1.0, 1
    )
    found: dict[str, list[float]] = {name: [] for name in TARGETS}
    for patient in range(arm.subjects):
        data = Data(
            ahead.dose_d,
            ahead.dose_g,
            ahead.dose_over_d,
            ahead.dose_route,
            days,
            measured[patient, :-1],
            np.zeros(days.size, dtype=np.bool_),
        )
        known = fit(prior, data, samples, seed + patient)
        forecast = levels(Drawn(0, known.samples, np.ones(samples)), ahead)[:, 0]
        for name, values, truth in (
            ("trough", forecast, true[patient, -1]),
            ("clearance", known.samples[:, kernels.CL], chunk.parameters[patient, kernels.CL]),
            ("central volume", known.samples[:, kernels.VC], chunk.parameters[patient, kernels.VC]),
        ):
            found[name].append(float(known.weights @ (values < truth)))
    return {name: np.array(values) for name, values in found.items()}


def _patients(model: KineticModel, arm: Arm, seed: int) -> tuple[Drawn, Schedule, Floats, Floats]:
    """The arm's patients, what they are given, and their true and measured levels (patients, days)."""
    chunk = next(draw(model, arm.subject, arm.regimen.parts[0].per_kg, arm.subjects, seed))[0]
    plan = schedule(arm.regimen, float(max(arm.days)))
    true = levels(chunk, plan)[:, list(arm.days)].astype(np.float64)
    return chunk, plan, true, with_error(true, residual_of(model), seed)


class WholeForecast(BaseModel):
    """Patients of one model before the forecast as it is used: all models weighed, unexplained levels set aside.

    ``below`` counts true levels below the 5th, up to the 25th, 50th, 75th and 95th percentile, and above; ``set_aside``
    is the share of levels named unexplained, ``weight`` the mean weight of the patients' own model.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    drawn_from: str
    patients: int
    below: tuple[int, ...]
    set_aside: float
    weight: float

    @property
    def coverage(self) -> dict[float, float]:
        """Share of true levels inside the band of 50 and of 90 %."""
        _, low, second, third, high, _ = self.below
        return {0.5: (second + third) / self.patients, 0.9: (low + second + third + high) / self.patients}

    def chance(self, band: float) -> float:
        """Half the width of the 95 % interval of a coverage under right bands."""
        return _chance(band, self.patients)


def whole_forecast(
    models: tuple[KineticModel, ...],
    drawn_from: KineticModel,
    arm: Arm,
    seed: int,
    policy: KineticsPolicy,
    indication: str,
) -> WholeForecast:
    """Coverage of the forecast that ``ivigil forecast`` makes, for patients of one of its models."""
    _, _, true, measured = _patients(drawn_from, arm, seed)
    doses = arm.regimen.doses(arm.subject.dosing_weight_kg or arm.subject.weight_kg, float(arm.days[-1]))
    below, aside, weight = [0] * 6, 0, 0.0
    for patient in range(arm.subjects):
        known = tuple(
            Level(float(day), max(float(one), 0.0), False)
            for day, one in zip(arm.days[:-1], measured[patient, :-1], strict=True)
        )
        made = forecast(
            models, arm.subject, Treatment(doses, known, None), policy, indication=indication, seed=seed + patient
        )
        at = made.curve.day.index(float(arm.days[-1]))
        ends = [getattr(made.curve, name)[at] for name in ("p5", "p25", "median", "p75", "p95")]
        below[int(np.searchsorted(ends, true[patient, -1]))] += 1
        aside += sum(one.unexplained for one in made.levels)
        weight += next((one.weight for one in made.models if one.id == drawn_from.id), 0.0)
    return WholeForecast(
        drawn_from=drawn_from.id,
        patients=arm.subjects,
        below=tuple(below),
        set_aside=aside / (arm.subjects * (len(arm.days) - 1)),
        weight=weight / arm.subjects,
    )


def calibration(model: str, regimen: str, target: str, shares: Floats) -> Calibration:
    """Coverage and uniformity of shares below the truth."""
    from scipy import stats

    counts, _ = np.histogram(shares, BINS, (0.0, 1.0))
    chi2, p = stats.chisquare(counts)
    return Calibration(
        model=model,
        regimen=regimen,
        target=target,
        patients=shares.size,
        shares=tuple(shares.tolist()),
        coverage={f"{band:g}": float((np.abs(shares - 0.5) <= band / 2).mean()) for band in BANDS},
        counts=tuple(int(one) for one in counts),
        chi2=float(chi2),
        p=float(p),
    )
