"""Normalised prediction distribution errors: does a model predict the whole distribution of levels, correlations included?

For each subject the levels and K simulated copies of them are decorrelated by the mean and the Cholesky factor of the
simulations; the share of simulations below a level is its prediction distribution error, uniform under the right model;
its normal quantile is the npde, standard normal under the right model (Brendel K et al. Pharm Res 2006;23:2036-49;
Comets E et al. Comput Methods Programs Biomed 2008;90:154-66).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from ivigil.errors import BadInput, ImpossibleValue

Floats = NDArray[np.float64]

#: Fewest values that the tests are worth anything with.
FEWEST = 8
#: Tests that the global p-value is Bonferroni's over: mean, variance, normality.
TESTS = 3


class NpdeTests(BaseModel):
    """Moments of npde and p-values of Wilcoxon's signed-rank test (mean 0), Fisher's test of the variance (1), and
    Shapiro and Wilk's test; ``global_p`` is the smallest of them times three, at most 1.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    levels: int
    mean: float
    variance: float
    skewness: float
    kurtosis: float
    mean_p: float
    variance_p: float
    normality_p: float
    global_p: float


def npde(observed: Floats, simulated: Floats, subject: NDArray[np.int64]) -> Floats:
    """The npde of every level, in the order of ``observed``.

    Args:
        observed: levels (g/L), shape (n,).
        simulated: levels of the same design under the model, shape (K, n); K is larger than any subject's levels.
        subject: whose level each is, shape (n,).

    Raises:
        BadInput: shapes that do not belong together, too few simulations, or a level that is no number.
    """
    _check(observed, simulated, subject)
    found = np.empty(observed.size)
    for one in np.unique(subject):
        places = np.flatnonzero(subject == one)
        found[places] = _of_subject(observed[places], simulated[:, places])
    return found


def _of_subject(observed: Floats, simulated: Floats) -> Floats:
    from scipy.special import ndtri

    copies = len(simulated)
    mean = simulated.mean(axis=0)
    factor = np.linalg.cholesky(np.atleast_2d(np.cov(simulated.T)))
    away = np.linalg.solve(factor, np.column_stack([observed - mean, (simulated - mean).T]))
    below = (away[:, 1:] < away[:, :1]).mean(axis=1)
    # Beyond all simulations nothing more is known than that: half a simulation is left on that side.
    edge = 0.5 / copies
    return np.asarray(ndtri(np.clip(below, edge, 1.0 - edge)))


def judge_npde(values: Floats) -> NpdeTests:
    """Whether npde are standard normal.

    Raises:
        ImpossibleValue: fewer than eight values.
    """
    from scipy import stats

    if values.size < FEWEST:
        raise ImpossibleValue("npde", values.size, f"The tests need {FEWEST} levels or more.", "Add levels.")
    variance = float(values.var(ddof=1))
    spread = (values.size - 1) * variance
    tail = stats.chi2.cdf(spread, values.size - 1)
    mean_p = float(stats.wilcoxon(values).pvalue)
    variance_p = float(2.0 * min(tail, 1.0 - tail))
    normality_p = float(stats.shapiro(values).pvalue)
    return NpdeTests(
        levels=values.size,
        mean=float(values.mean()),
        variance=variance,
        skewness=float(stats.skew(values)),
        kurtosis=float(stats.kurtosis(values)),
        mean_p=mean_p,
        variance_p=variance_p,
        normality_p=normality_p,
        global_p=min(TESTS * min(mean_p, variance_p, normality_p), 1.0),
    )


def _check(observed: Floats, simulated: Floats, subject: NDArray[np.int64]) -> None:
    if observed.ndim != 1 or simulated.shape[1:] != observed.shape or subject.shape != observed.shape:
        raise BadInput(
            "simulated",
            f"{simulated.shape}",
            f"Levels have shape {observed.shape}; simulations are (K, {observed.size}) and subjects one a level.",
            "Simulate the same design.",
        )
    for name, values in (("observed", observed), ("simulated", simulated)):
        if not np.isfinite(values).all():
            raise BadInput(name, "nan or infinity", "Every level is a number.", "Leave out what was not measured.")
    most = int(np.unique(subject, return_counts=True)[1].max(initial=0))
    if len(simulated) <= most:
        raise BadInput(
            "simulated",
            len(simulated),
            f"To decorrelate {most} levels of one subject, more simulations than that are needed.",
            "Simulate a thousand copies.",
        )
