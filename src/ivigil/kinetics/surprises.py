"""Which levels no model explains: how far each lies from what the patient's other levels predict for it.

The prediction from the others is that of the posterior without the level. Its samples are those of the whole posterior,
each weighed by what is left of its weight when the level's likelihood is taken out of it (Gelfand AE, Dey DK, Chang H, in
Bernardo JM et al. Bayesian Statistics 4, 1992, pages 147-67). Few samples carry such a sum where the level pulled the
estimate away from the others; and where a decision is near, an approximation decides nothing. In both cases the model is
fitted anew without the level (:func:`ivigil.kinetics.fitting.surprise`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ivigil.kinetics.fitting import Data, Posterior, Prior, fit, surprise, without
from ivigil.kinetics.reweighting import reweighted
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
