"""Percentiles and bands against sorting, and the walk of doses and levels against the closed form."""

from __future__ import annotations

import numpy as np
import pytest

from ivigil.errors import BadInput
from ivigil.kinetics import kernels
from ivigil.kinetics.bands import bands, quantiles
from ivigil.kinetics.fitting import Data, Prior, fit, log_density, predicted, simulate
from ivigil.kinetics.randomness import normals

PERCENTS = (5.0, 25.0, 50.0, 75.0, 95.0)
#: CL 0.16 L/d, Vc 3 L, Q 0.5 L/d, Vp 2 L, Ka 0.3 /d, F 0.7 and 0.9, baseline 2 g/L: plausible, nobody's model.
TYPICAL = np.array([0.16, 3.0, 0.5, 2.0, 0.3, 0.7, 0.9, 2.0])
ROUTES = {"into a vein": kernels.IV, "under the skin": kernels.SC, "facilitated": kernels.FACILITATED}


def by_sorting(values, weights, percents):
    order = np.argsort(values)
    reached = np.cumsum(weights[order])
    at = np.searchsorted(reached, np.array(percents) / 100 * reached[-1])
    return values[order][np.minimum(at, values.size - 1)]


def test_more_percentiles_than_can_be_told_apart_are_refused():
    with pytest.raises(BadInput, match="At most 255 percentiles are found at once"):
        quantiles(np.ones(4), np.ones(4), tuple(np.linspace(0.1, 99.9, 256)))


@pytest.mark.parametrize("size", [1, 2, 31, 32, 33, 4000])
@pytest.mark.parametrize("shape", ["even", "long tail", "ties", "one value"])
def test_weighted_percentiles_are_those_of_sorting(size, shape):
    random = np.random.default_rng(size)
    values = {
        "even": random.uniform(3, 9, size),
        "long tail": random.lognormal(0, 3, size),
        "ties": random.integers(3, 6, size).astype(float),
        "one value": np.full(size, 7.0),
    }[shape]
    weights = random.exponential(size=size) ** 3
    assert quantiles(values, weights, PERCENTS) == pytest.approx(list(by_sorting(values, weights, PERCENTS)), rel=0)


def test_a_sample_of_no_weight_moves_no_percentile():
    values, weights = np.array([1.0, 2.0, 3.0, 1000.0]), np.array([1.0, 1.0, 1.0, 0.0])
    assert quantiles(values, weights, (50.0, 95.0)) == [2.0, 3.0]


def drawn(rows: int):
    random = np.random.default_rng(20261121)
    return TYPICAL * np.exp(0.3 * random.standard_normal((rows, kernels.SLOTS))), random.exponential(size=rows)


@pytest.mark.parametrize("route", ROUTES.values(), ids=ROUTES)
@pytest.mark.parametrize("over", [0.0, 4 / 24, 2.5], ids=["at once", "4 h", "60 h"])
def test_bands_are_percentiles_of_the_closed_form(route, over):
    parameters, weights = drawn(700)
    given = np.array([0.0, 7.0, 14.0, 20.3, 21.3, 29.0])
    doses = (given, np.linspace(8, 30, given.size), np.full(given.size, over), np.full(given.size, route))
    nobody = Data(*doses, np.empty(0), np.empty(0), np.empty(0, bool))
    found = bands(simulate([(parameters[:300], nobody), (parameters[300:], nobody)], 1.0, 40), weights, PERCENTS)
    levels = np.array([predicted(row, nobody, np.arange(40.0)) for row in parameters])
    for day in range(40):
        assert found[day] == pytest.approx(by_sorting(levels[:, day], weights, PERCENTS), rel=1e-6)


@pytest.mark.parametrize("route", ROUTES.values(), ids=ROUTES)
@pytest.mark.parametrize("over", [0.0, 4 / 24, 2.5], ids=["at once", "4 h", "60 h"])
def test_the_density_is_that_of_the_closed_form_at_every_kind_of_moment(route, over):
    """Levels before, at, during and after doses, two at one moment, and one before all doses that count."""
    given = np.array([0.0, 7.0, 14.0, 14.5, 28.0])
    days = np.array([0.0, 3.3, 7.0, 7.1, 7.0 + over, 14.6, 14.6, 30.0])
    levels = np.linspace(3, 12, days.size)
    below = np.arange(days.size) == 1
    data = Data(given, np.full(5, 20.0), np.full(5, over), np.full(5, route), days, levels, below)
    omega = np.full(kernels.SLOTS, 0.25)
    prior = Prior(TYPICAL, omega, 0.3, 0.1)
    zs = np.random.default_rng(4).standard_normal((20, kernels.SLOTS))
    from scipy.stats import norm

    for z, density in zip(zs, log_density(prior, data, zs), strict=True):
        at = predicted(TYPICAL * np.exp(omega * z), data, days)
        sd = np.hypot(0.3, 0.1 * at)
        each = np.where(below, norm.logcdf(levels, at, sd), norm.logpdf(levels, at, sd))
        assert density == pytest.approx(norm.logpdf(z).sum() + each.sum(), rel=1e-9)


def test_the_standard_draws_are_the_keyed_normals_of_their_row():
    """A posterior's sample number k rests on the numbers of (seed, k) alone, however many samples there are."""
    blank = Data(*(np.empty(0),) * 3, np.empty(0, np.int64), np.empty(0), np.empty(0), np.empty(0, bool))
    prior = Prior(TYPICAL, np.where(np.arange(8) == kernels.CL, 0.4, 0.0), 0.3, 0.1)
    one = fit(prior, blank, 1000, 11)
    numbers = np.empty(1 + 5)
    normals(np.uint64(11), 0, 1, numbers)
    t = numbers[0] * np.sqrt(5 / (numbers[1:] ** 2).sum())
    # Without levels the proposal is the prior made wider and refitted: a straight line through every draw's t.
    eta = np.log(one.samples[:, kernels.CL] / TYPICAL[kernels.CL]) / 0.4
    normals(np.uint64(11), 999, 1, numbers)
    last = numbers[0] * np.sqrt(5 / (numbers[1:] ** 2).sum())
    normals(np.uint64(11), 500, 1, numbers)
    middle = numbers[0] * np.sqrt(5 / (numbers[1:] ** 2).sum())
    slope = (eta[999] - eta[0]) / (last - t)
    assert eta[500] == pytest.approx(eta[0] + slope * (middle - t))
    assert abs(slope) == pytest.approx(1.2, rel=0.25)
