"""The posterior against brute force: integrals over a fine grid, an independent optimiser, and simulated patients."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import norm

from ivigil.kinetics import fitting, kernels
from ivigil.kinetics.fitting import Data, Prior, fit, predicted
from ivigil.kinetics.individual import Parameters, individual
from ivigil.kinetics.linear import concentrations, disposition
from ivigil.kinetics.population import omega
from ivigil.kinetics.regimens import Dose, Route
from ivigil.kinetics.subjects import Subject
from ivigil.knowledge.loading import Knowledge

KNOWLEDGE = Knowledge()
LEE, ZHANG = KNOWLEDGE.kinetic_model("lee2021"), KNOWLEDGE.kinetic_model("zhang2020")


def prior(model, subject, baseline=None, only=None) -> Prior:
    p = individual(model, subject, baseline).parameters
    spread = omega(model)
    if only is not None:
        spread[[slot for slot in range(kernels.SLOTS) if slot not in only]] = 0.0
    return Prior(
        np.array([p.cl, p.vc, p.q, p.vp, p.ka, p.f_sc, p.f_facilitated_sc, p.baseline_g_per_l]),
        spread,
        model.residual.additive_sd_g_per_l,
        model.residual.proportional_sd,
    )


def data(levels: list[tuple[float, float]], grams=12.0, every=28.0, doses=6, below=()) -> Data:
    days = np.arange(doses) * every
    return Data(
        days,
        np.full(doses, grams),
        np.zeros(doses),
        np.zeros(doses, np.int64),
        np.array([day for day, _ in levels], float),
        np.array([level for _, level in levels], float),
        np.array([number in below for number in range(len(levels))], bool),
    )


CHILD = prior(LEE, Subject(weight_kg=27), 0.7)
MEASURED = data([(56.0, 5.4), (112.0, 6.6), (120.0, 8.0)])


def grid(one: Prior, seen: Data, half=5.0, points=101):
    """Log posterior density on a square grid of standardised η, and the parameters there."""
    z = np.linspace(-half, half, points)
    logs, parameters = np.empty((points, points)), np.empty((points, points, kernels.SLOTS))
    first, second = one.slots
    doses = tuple(Dose(d, g, Route.IV) for d, g in zip(seen.dose_d, seen.dose_g, strict=True))
    for i, a in enumerate(z):
        for j, b in enumerate(z):
            p = one.typical.copy()
            p[first] *= np.exp(one.omega[first] * a)
            p[second] *= np.exp(one.omega[second] * b)
            own = Parameters(*p)
            f = concentrations(disposition(own), doses, np.nextafter(seen.level_d, -1)) + own.baseline_g_per_l
            sd = np.hypot(one.additive_g_per_l, one.proportional * f)
            each = np.where(seen.below, norm.logcdf(seen.level_g_per_l, f, sd), norm.logpdf(seen.level_g_per_l, f, sd))
            logs[i, j] = norm.logpdf(a) + norm.logpdf(b) + each.sum()
            parameters[i, j] = p
    return z, logs, parameters


@pytest.mark.parametrize("below", [(), (1,)], ids=["all measured", "one below quantification"])
def test_posterior_and_evidence_are_the_integrals_over_a_grid(below):
    seen = data([(56.0, 5.4), (112.0, 6.6), (120.0, 8.0)], below=below)
    z, logs, parameters = grid(CHILD, seen)
    cell = (z[1] - z[0]) ** 2
    mass = np.exp(logs - logs.max())
    evidence = logs.max() + np.log(mass.sum() * cell)
    made = fit(CHILD, seen, 8000, 3)

    assert made.log_evidence == pytest.approx(evidence, abs=0.03)
    assert made.ess > 2000
    for slot in CHILD.slots:
        exact = (mass * parameters[..., slot]).sum() / mass.sum()
        deviation = np.sqrt((mass * (parameters[..., slot] - exact) ** 2).sum() / mass.sum())
        mean = made.weights @ made.samples[:, slot]
        assert abs(mean - exact) < 0.06 * deviation
        spread = np.sqrt(made.weights @ (made.samples[:, slot] - mean) ** 2)
        assert spread == pytest.approx(deviation, rel=0.05)


@pytest.mark.parametrize("model", [LEE, ZHANG, KNOWLEDGE.kinetic_model("navarromora2022")], ids=lambda m: m.id)
def test_the_mode_is_that_of_another_optimiser(model):
    own = prior(model, Subject(weight_kg=70, age_years=40), 4.0)
    seen = data([(56.0, 8.9), (112.0, 9.6), (141.0, 14.0), (168.0, 9.1)], grams=35.0)
    other = minimize(lambda z: -fitting.log_density(own, seen, z[None])[0], np.full(own.slots.size, 0.3), method="Nelder-Mead",
                     options={"xatol": 1e-9, "fatol": 1e-12, "maxiter": 60_000, "maxfev": 60_000, "adaptive": True})  # fmt: skip
    z, converged = fitting.mode(own, seen)
    assert converged
    assert -fitting.log_density(own, seen, z[None])[0] <= other.fun + 1e-7


def test_without_levels_the_posterior_is_the_prior():
    made = fit(CHILD, data([]), 8000, 3)
    assert made.log_evidence == pytest.approx(0.0, abs=0.02)
    assert (made.mode == CHILD.typical).all()
    eta = np.log(made.samples[:, kernels.CL] / CHILD.typical[kernels.CL]) / CHILD.omega[kernels.CL]
    assert made.weights @ eta == pytest.approx(0.0, abs=0.05)
    assert np.sqrt(made.weights @ eta**2) == pytest.approx(1.0, abs=0.03)


def test_the_same_seed_gives_the_same_posterior():
    one, other = fit(CHILD, MEASURED, 500, 9), fit(CHILD, MEASURED, 500, 9)
    assert (one.samples == other.samples).all()
    assert (one.weights == other.weights).all()
    assert not (one.samples == fit(CHILD, MEASURED, 500, 10).samples).all()


def test_a_prediction_is_the_closed_form_just_before_a_dose():
    p = Parameters(*CHILD.typical)
    doses = tuple(Dose(d, g, Route.IV) for d, g in zip(MEASURED.dose_d, MEASURED.dose_g, strict=True))
    days = np.array([0.0, 28.0, 28.5, 140.0])
    expected = concentrations(disposition(p), doses, np.nextafter(days, -1)) + 0.7
    assert predicted(CHILD.typical, MEASURED, days) == pytest.approx(expected)


def test_bands_hold_the_truth_as_often_as_they_say():
    """Simulation-based calibration (Talts S et al. 2018): patients drawn from the model itself, 50 and 90 % bands."""
    random = np.random.default_rng(20261121)
    own = prior(
        KNOWLEDGE.kinetic_model("navarromora2022"), Subject(weight_kg=70, age_years=40), only={kernels.CL, kernels.VC}
    )
    days = np.array([56.0, 84.0, 112.0])
    ranks = []
    for _ in range(250):
        truth = own.typical.copy()
        truth[own.slots] *= np.exp(own.omega[own.slots] * random.standard_normal(own.slots.size))
        blank = data([(day, 0.0) for day in days], grams=35.0)
        level = predicted(truth, blank, days)
        noisy = level + np.hypot(own.additive_g_per_l, own.proportional * level) * random.standard_normal(days.size)
        made = fit(own, data(list(zip(days, np.maximum(noisy, 0.0), strict=True)), grams=35.0), 600, 5)
        ahead = data([], grams=35.0)
        future = np.array([168.0])
        lower = (
            np.array([predicted(row, ahead, future)[0] for row in made.samples]) < predicted(truth, ahead, future)[0]
        )
        ranks.append(made.weights @ lower)
    found = np.array(ranks)
    assert np.mean(np.abs(found - 0.5) < 0.25) == pytest.approx(0.50, abs=0.10)
    assert np.mean(np.abs(found - 0.5) < 0.45) == pytest.approx(0.90, abs=0.06)
