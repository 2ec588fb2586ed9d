"""How far a level lies from what the others predict: from the posterior's own samples, and by a fit where those do not tell."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from ivigil.kinetics import fitting, kernels, surprises
from ivigil.kinetics.exponentials import exponentials
from ivigil.kinetics.fitting import Data, Prior, fit, predicted, surprise, without
from ivigil.kinetics.individual import individual
from ivigil.kinetics.population import omega
from ivigil.kinetics.reweighting import reweighted
from ivigil.kinetics.subjects import Subject
from ivigil.kinetics.surprises import explained
from ivigil.knowledge.loading import Knowledge

KNOWLEDGE = Knowledge()
POLICY = KNOWLEDGE.policies.kinetics
ENOUGH, LIMIT, SAMPLES = 600, 3.0, 4000
#: How far the samples may be off (standard deviations): a quarter of the margin within which a fit decides, and half of
#: what the fit by 600 samples is off itself (0.5 for one level here).
TOLERANCE = surprises.NEAR_LIMIT / 4


def prior_of(name: str) -> Prior:
    model = KNOWLEDGE.kinetic_model(name)
    p = individual(model, Subject(weight_kg=70, age_years=40)).parameters
    assert model.residual is not None
    typical = np.array([p.cl, p.vc, p.q, p.vp, p.ka, p.f_sc, p.f_facilitated_sc, p.baseline_g_per_l])
    spread = omega(model)
    spread[[kernels.KA, kernels.F_SC, kernels.F_FACILITATED]] = 0.0
    return Prior(typical, spread, model.residual.additive_sd_g_per_l, model.residual.proportional_sd)


def patients(prior: Prior, number: int, wrong: float = 0.0):
    """Patients drawn from the model itself, 2 to 8 levels each; a share ``wrong`` of the levels is off by a factor."""
    random = np.random.default_rng(20261121)
    for _ in range(number):
        truth = prior.typical * np.exp(prior.omega * random.standard_normal(kernels.SLOTS))
        doses = 10
        days = np.sort(random.choice(np.arange(7.0, 280, 7), random.integers(2, 9), replace=False))
        blank = Data(
            np.arange(0.0, 28.0 * doses, 28.0), np.full(doses, 30.0), np.full(doses, 0.125), np.zeros(doses, np.int64),
            days, np.zeros(days.size), np.zeros(days.size, np.bool_),
        )  # fmt: skip
        level = predicted(truth, blank, days)
        seen = level + np.hypot(prior.additive_g_per_l, prior.proportional * level) * random.standard_normal(days.size)
        seen *= np.where(random.random(days.size) < wrong, random.choice([0.4, 2.2], days.size), 1.0)
        yield replace(blank, level_g_per_l=np.maximum(seen, 0.1))


@pytest.mark.parametrize("name", ["zhang2020", "navarromora2022"])
def test_what_the_samples_tell_is_what_a_fit_without_the_level_tells(name):
    prior, apart = prior_of(name), []
    for data in patients(prior, 12, wrong=0.1):
        found, worth = reweighted(prior, data, fit(prior, data, SAMPLES, 1))
        for place in np.flatnonzero((worth >= ENOUGH) & (np.abs(found) <= LIMIT - surprises.NEAR_LIMIT)):
            apart.append(found[place] - surprise(prior, data, int(place), 20_000, 5))
    assert len(apart) >= 15
    assert np.abs(apart).max() < TOLERANCE
    assert np.sqrt(np.mean(np.square(apart))) < TOLERANCE / 4


def test_a_level_below_quantification_surprises_only_by_what_is_predicted_above_it():
    prior = prior_of("zhang2020")
    data = next(patients(prior, 1))
    low = replace(data, level_g_per_l=np.where(np.arange(data.level_d.size) == 0, 30.0, data.level_g_per_l))
    low = replace(low, below=np.arange(data.level_d.size) == 0)
    found, worth = reweighted(prior, low, fit(prior, low, SAMPLES, 1))
    assert worth[0] > ENOUGH
    assert found[0] == 0.0
    high = replace(
        low, level_g_per_l=np.where(low.below, predicted(prior.typical, low, low.level_d), low.level_g_per_l)
    )
    found, worth = reweighted(prior, high, fit(prior, high, SAMPLES, 1))
    assert worth[0] > ENOUGH
    assert found[0] == pytest.approx(surprise(prior, high, 0, 20_000, 5), abs=TOLERANCE)


def by_fits_alone(candidates, seed: int = 1):
    """Which levels count if every level is looked at by a fit: the definition."""
    counted = np.ones(candidates[0][1].level_d.size, bool)
    while counted.any():
        places, told = np.flatnonzero(counted), []
        for at in range(places.size):
            each = [surprise(prior, without(data, counted), at, ENOUGH, seed) for prior, data in candidates]
            told.append(min(each, key=abs))
        worst = int(np.argmax(np.abs(told)))
        if abs(told[worst]) <= LIMIT:
            break
        counted[places[worst]] = False
    return counted


def test_the_levels_set_aside_are_those_of_fits_alone():
    own, other = prior_of("zhang2020"), prior_of("navarromora2022")
    aside = 0
    for data in patients(own, 12, wrong=0.2):
        candidates = [(own, data), (other, data)]
        counted, _, posteriors = explained(candidates, POLICY, 1)
        assert counted.tolist() == by_fits_alone(candidates).tolist()
        assert posteriors[0].log_evidence == fit(own, without(data, counted), SAMPLES, 1).log_evidence
        aside += int((~counted).sum())
    assert aside >= 5


@pytest.mark.parametrize(
    ("found", "worth"), [(0.0, ENOUGH - 1.0), (2.5, 4000.0), (-2.5, 4000.0)], ids=["few samples", "near", "near below"]
)
def test_where_the_samples_do_not_tell_the_model_is_fitted_without_the_level(monkeypatch, found, worth):
    prior = prior_of("zhang2020")
    data = next(patients(prior, 1))
    size = data.level_d.size
    monkeypatch.setattr(surprises, "reweighted", lambda *_: (np.full(size, found), np.full(size, worth)))
    _, told, _ = explained([(prior, data)], POLICY, 1)
    assert told.tolist() == [surprise(prior, data, place, ENOUGH, 1) for place in range(size)]


def test_where_they_do_nothing_is_fitted_twice(monkeypatch):
    prior = prior_of("zhang2020")
    data = next(patients(prior, 1))
    size = data.level_d.size
    monkeypatch.setattr(surprises, "surprise", lambda *_: pytest.fail("fitted"))
    monkeypatch.setattr(surprises, "reweighted", lambda *_: (np.full(size, 1.9), np.full(size, ENOUGH)))
    counted, told, _ = explained([(prior, data)], POLICY, 1)
    assert counted.all()
    assert (told == 1.9).all()


def test_a_posterior_keeps_what_its_samples_predict_for_the_levels():
    prior = prior_of("zhang2020")
    data = next(patients(prior, 1))
    made = fit(prior, data, 300, 1)
    for row in (0, 127, 128, 299):  # within a block of candidates, at its end, in the last
        assert made.predicted[row] == pytest.approx(predicted(made.samples[row], data, data.level_d), rel=1e-12)


def test_without_levels_nothing_is_set_aside_and_nothing_told():
    prior = prior_of("zhang2020")
    data = without(next(patients(prior, 1)), np.empty(0, np.int64))
    counted, told, posteriors = explained([(prior, data)], POLICY, 1)
    assert (counted.size, told.size, len(posteriors)) == (0, 0, 1)


@pytest.mark.parametrize("over", [1e-9, 1e-5, 1e-3, 0.02, 5.0])
def test_short_and_long_infusions_are_the_closed_form(over):
    prior = prior_of("zhang2020")
    data = replace(next(patients(prior, 1)), dose_over_d=np.full(10, over))
    made = fitting.fit(prior, data, 200, 1)
    assert made.predicted[7] == pytest.approx(predicted(made.samples[7], data, data.level_d), rel=1e-11)


def test_exponentials_side_by_side_are_exponentials():
    values = np.concatenate([np.random.default_rng(5).uniform(-700, 700, 10_001), [0.0, -0.0, 1e-300, math.log(2) / 2]])
    out = np.empty(values.size)
    exponentials(values, np.empty(values.size), out)
    assert out == pytest.approx(np.exp(values), rel=5e-16)
    assert out[-4:-1].tolist() == [1.0, 1.0, 1.0]
    far = np.array([-1e9, -math.inf, 1e9])
    out = np.empty(3)
    exponentials(far, np.empty(3), out)
    assert (out[:2] < 1e-307).all()
    assert out[2] > 1e307
