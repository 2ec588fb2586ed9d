"""Which levels no model explains: how far each lies from what the patient's other levels predict for it.

The prediction from the others is that of the posterior without the level. Its samples are those of the whole posterior,
each weighed by what is left of its weight when the level's likelihood is taken out of it (Gelfand AE, Dey DK, Chang H, in
Bernardo JM et al. Bayesian Statistics 4, 1992, pages 147-67). Few samples carry such a sum where the level pulled the
estimate away from the others; and where a decision is near, an approximation decides nothing. In both cases the model is
fitted anew without the level (:func:`ivigil.kinetics.fitting.surprise`).
"""

# mypy: disable-error-code="no-untyped-def,call-arg"
# ruff: noqa: ANN001, ANN202

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ivigil.kinetics.compiling import compiled
from ivigil.kinetics.exponentials import exponentials
from ivigil.kinetics.fitting import Data, Posterior, Prior, fit, surprise, without
from ivigil.kinetics.likelihood import TINY, log_below, variance_of
from ivigil.knowledge.policies import KineticsPolicy

Floats = NDArray[np.float64]

#: A reweighted surprise nearer to the limit than this (standard deviations), or beyond it, is worked out by a fit.
NEAR_LIMIT = 1.0


def explained(
    candidates: Sequence[tuple[Prior, Data]], policy: KineticsPolicy, seed: int
) -> tuple[NDArray[np.bool_], Floats, list[Posterior]]:
    """Which levels count, how much each surprises the model that it surprises least, and what each model then knows.

    A level that the others make unlikely under every model is set aside, the most surprising first, and the rest is
    looked at again: it is reported, and no curve is bent to it.
    """
    number = candidates[0][1].level_d.size
    counted, told = np.ones(number, dtype=np.bool_), np.zeros(number)
    limit, samples = float(policy.unexplained_from.value), int(policy.samples.value)
    while True:
        known = [(prior, without(data, counted)) for prior, data in candidates]
        posteriors = [fit(prior, data, samples, seed) for prior, data in known]
        if not counted.any():
            break
        each = np.array(
            [_of_each(*one, posterior, policy, seed) for one, posterior in zip(known, posteriors, strict=True)]
        )
        told[counted] = each[np.abs(each).argmin(axis=0), np.arange(each.shape[1])]
        places = np.flatnonzero(counted)
        worst = places[int(np.argmax(np.abs(told[places])))]
        if abs(told[worst]) <= limit:
            break
        counted[worst] = False
    return counted, told, posteriors


def _of_each(prior: Prior, data: Data, posterior: Posterior, policy: KineticsPolicy, seed: int) -> Floats:
    """How far each level lies from what the others predict: from the posterior where that tells, else by a fit."""
    enough, limit = int(policy.check_samples.value), float(policy.unexplained_from.value)
    found, worth = reweighted(prior, data, posterior)
    for place in np.flatnonzero((worth < enough) | (np.abs(found) > limit - NEAR_LIMIT)):
        found[place] = surprise(prior, data, int(place), enough, seed)
    return found


def reweighted(prior: Prior, data: Data, posterior: Posterior) -> tuple[Floats, Floats]:
    """The surprise of each level from the samples of the posterior of all, and how many samples that rests on.

    As :func:`ivigil.kinetics.fitting.surprise`, but without a fit; to be trusted as far as the samples go.
    """
    found, worth = np.empty(data.level_d.size), np.empty(data.level_d.size)
    _reweighted(
        posterior.weights,
        posterior.predicted,
        data.level_g_per_l,
        data.below,
        prior.additive_g_per_l,
        prior.proportional,
        found,
        worth,
    )
    return found, worth


@compiled()
def _reweighted(weights, predicted, level, below, additive, proportional, found, worth):
    rows = weights.size
    logs, powers, halves = np.empty(rows), np.empty(rows), np.empty(rows)
    masses, values = np.empty(rows), np.empty(rows)
    for row in range(rows):
        logs[row] = math.log(max(weights[row], TINY))
    for place in range(level.size):
        values[:] = predicted[:, place]
        for row in range(rows):
            variance = variance_of(values[row], additive, proportional)
            if below[place]:
                powers[row] = logs[row] - log_below(values[row], level[place], variance)
            else:
                powers[row] = logs[row] + 0.5 * (level[place] - values[row]) ** 2 / variance
        powers -= powers.max()
        exponentials(powers, halves, masses)
        if not below[place]:
            for row in range(rows):
                masses[row] *= math.sqrt(variance_of(values[row], additive, proportional))
        total = squares = first = 0.0
        for row in range(rows):
            total += masses[row]
            squares += masses[row] * masses[row]
            first += masses[row] * values[row]
        mean = first / total
        spread = 0.0
        for row in range(rows):
            noise = variance_of(values[row], additive, proportional)
            spread += masses[row] * ((values[row] - mean) ** 2 + noise)
        found[place] = (level[place] - mean) / math.sqrt(spread / total)
        if below[place]:
            found[place] = min(found[place], 0.0)
        worth[place] = total * total / squares
