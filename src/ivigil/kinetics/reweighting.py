"""Compiled: what the samples of a posterior say of each level once its own likelihood is taken out of their weights.

(Gelfand AE, Dey DK, Chang H, in Bernardo JM et al. Bayesian Statistics 4, 1992, pages 147-67.) :mod:`.surprises` says when
that is to be trusted.
"""

# mypy: disable-error-code="no-untyped-def,call-arg"
# ruff: noqa: ANN001, ANN202

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ivigil.kinetics.compiling import compiled
from ivigil.kinetics.exponentials import exponentials
from ivigil.kinetics.fitting import Data, Posterior, Prior
from ivigil.kinetics.likelihood import TINY, log_below, variance_of

Floats = NDArray[np.float64]


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
