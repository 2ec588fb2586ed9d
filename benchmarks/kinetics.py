"""Kinetics: a million virtual patients, dense output against filling memory, a forecast, and scipy's solver as the peer.

Targets: one million subjects, two compartments, 52 weeks of doses every 21 days, daily IgG to percentiles, under 5 s and
2 GB; dense output at no less than a fifth of the bandwidth of filling the same warm array; the mode of a patient with five
levels under 2 ms, the posterior under 50 ms. Compiled code is loaded before the clock starts; the first compilation of a
fresh checkout (about half a minute) is not in these numbers.
"""

from __future__ import annotations

import itertools
import resource
import time

import numpy as np
from scipy.integrate import solve_ivp

from benchmarks.machine import described
from ivigil.kinetics import fitting, kernels
from ivigil.kinetics.fitting import Data, Prior, fit
from ivigil.kinetics.individual import individual
from ivigil.kinetics.population import draw, levels, omega, percentiles, schedule
from ivigil.kinetics.regimens import read_regimen
from ivigil.kinetics.subjects import Subject
from ivigil.knowledge.loading import Knowledge

SUBJECT = Subject(weight_kg=70, age_years=40)
REGIMEN = read_regimen("iv 0.5 g/kg every 21 d")
DAYS = 364
PEER_SUBJECTS = 20


def _timed(what, repeats: int = 3) -> float:
    """The best of some runs, in seconds."""
    best = float("inf")
    for _ in range(repeats):
        begin = time.perf_counter()
        what()
        best = min(best, time.perf_counter() - begin)
    return best


def _peer(parameters: np.ndarray, plan) -> float:
    """Seconds a subject with scipy's LSODA at tolerances that give three correct figures, dose by dose."""
    begin = time.perf_counter()
    for row in parameters[:PEER_SUBJECTS]:
        k10, k12, k21 = (
            row[kernels.CL] / row[kernels.VC],
            row[kernels.Q] / row[kernels.VC],
            row[kernels.Q] / row[kernels.VP],
        )

        def slope(_, x, k10=k10, k12=k12, k21=k21):
            return [-(k10 + k12) * x[0] + k21 * x[1], k12 * x[0] - k21 * x[1]]

        state, days = np.zeros(2), [*plan.dose_d, float(DAYS)]
        for left, right in itertools.pairwise(days):
            state = state + np.array([35.0, 0.0])
            solved = solve_ivp(slope, (left, right), state, "LSODA", np.arange(left, right + 0.5), rtol=1e-4, atol=1e-6)
            state = solved.y[:, -1]
    return (time.perf_counter() - begin) / PEER_SUBJECTS


def main() -> None:
    knowledge = Knowledge()
    model = knowledge.kinetic_model("zhang2020")
    plan = schedule(REGIMEN, DAYS)
    percentiles(draw(model, SUBJECT, True, 2000, 1), plan)
    print(described())

    for subjects in (10_000, 100_000, 1_000_000):
        took = _timed(lambda n=subjects: percentiles(draw(model, SUBJECT, True, n, 1), plan), 2)
        print(
            f"{subjects:>9} subjects x {plan.outputs} days to percentiles: {took:6.2f} s, {took / subjects * 1e6:.2f} us each"
        )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory {peak:.0f} MB (target 2048)")

    ((chunk, _),) = draw(model, SUBJECT, True, 100_000, 1, chunk=100_000)
    out = np.zeros((100_000, plan.outputs), np.float32)
    levels(chunk, plan, out)
    made, filled = _timed(lambda: levels(chunk, plan, out), 5), _timed(lambda: out.fill(1.0), 5)
    print(
        f"dense 100000 x {plan.outputs}: {made * 1e3:.0f} ms; filling it {filled * 1e3:.0f} ms: {filled / made:.2f} of the bandwidth (target 0.20)"
    )

    peer = _peer(chunk.parameters, plan)
    own = _timed(lambda: percentiles(draw(model, SUBJECT, True, 100_000, 1), plan)) / 100_000
    print(f"scipy LSODA {peer * 1e3:.1f} ms a subject; here {own * 1e6:.2f} us: {peer / own:,.0f} times, all threads")

    p = individual(model, SUBJECT).parameters
    prior = Prior(
        np.array([p.cl, p.vc, p.q, p.vp, p.ka, p.f_sc, p.f_facilitated_sc, p.baseline_g_per_l]),
        omega(model),
        0.0795,
        0.1005,
    )
    days = np.array([28.0 * number for number in range(13)])
    data = Data(
        days, np.full(13, 35.0), np.zeros(13), np.zeros(13, np.int64),
        np.array([56.0, 112.0, 168.0, 224.0, 280.0]), np.array([8.8, 9.4, 9.9, 9.6, 10.1]), np.zeros(5, bool),
    )  # fmt: skip
    fixed = (
        prior.typical, prior.omega, prior.slots, data.dose_d, data.dose_g, data.dose_over_d, data.dose_route,
        data.level_d, data.level_g_per_l, data.below, prior.additive_g_per_l, prior.proportional,
    )  # fmt: skip
    fit(prior, data, 100, 1)
    mode = _timed(lambda: fitting._mode(np.zeros(prior.slots.size), *fixed), 20)
    whole = _timed(lambda: fit(prior, data, 4000, 1), 5)
    print(
        f"mode, five levels: {mode * 1e3:.2f} ms (target 2); posterior of 4000 samples: {whole * 1e3:.0f} ms (target 50)"
    )
    print(f"10000 patients once more, mode and posterior, one after the other: {whole * 10_000:.0f} s (target 60)")
