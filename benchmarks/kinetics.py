"""Kinetics: a million virtual patients, dense output against filling memory, a forecast, and a cohort of forecasts.

Targets: one million subjects, two compartments, 52 weeks of doses every 21 days, daily IgG to percentiles, under 5 s and
2 GB; dense output at no less than a fifth of the bandwidth of filling the same warm array; the mode of a patient with five
levels under 2 ms, the posterior under 50 ms; 10 000 patients forecast again under 60 s on two cores. Compiled code is
loaded before the clock starts; `make setup` compiles it (about 40 s), which is not in these numbers.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random

import numpy as np

from benchmarks.machine import described
from ivigil.kinetics.fitting import Data, Prior, fit, mode
from ivigil.kinetics.individual import individual
from ivigil.kinetics.population import draw, levels, omega, percentiles, schedule
from ivigil.kinetics.regimens import read_regimen
from ivigil.kinetics.subjects import Subject
from ivigil.knowledge.loading import Knowledge

SUBJECT = Subject(weight_kg=70, age_years=40)
REGIMEN = read_regimen("iv 0.5 g/kg every 21 d")
DAYS = 364
RECORD = Path(__file__).parent.parent / "examples" / "kinetics" / "pid-adult.json"
COHORT = 10_000


def _timed(what, repeats: int = 3) -> float:
    """The best of some runs, in seconds."""
    best = float("inf")
    for _ in range(repeats):
        begin = time.perf_counter()
        what()
        best = min(best, time.perf_counter() - begin)
    return best


def _population() -> None:
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


def _patient() -> None:
    model = Knowledge().kinetic_model("zhang2020")
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
    fit(prior, data, 100, 1)
    best = _timed(lambda: mode(prior, data), 20)
    whole = _timed(lambda: fit(prior, data, 4000, 1), 5)
    print(
        f"mode, five levels: {best * 1e3:.2f} ms (target 2); posterior of 4000 samples: {whole * 1e3:.1f} ms (target 50)"
    )


def _cpu_of_children() -> float:
    """Seconds of CPU of the processes that ended: what stays the same on a busy machine."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _cohort() -> None:
    """Records in, forecasts out, as ``ivigil forecast --batch`` does it: starting the processes included."""
    raw, random = json.loads(RECORD.read_text("utf-8")), Random(20261121)
    lines = []
    for number in range(COHORT):
        raw |= {"ref": f"synthetic-{number}", "weight_kg": round(random.uniform(45, 100), 1)}
        for level in raw["levels"]:
            level["igg_g_per_l"] = round(random.gauss(7.2, 0.8), 1)
        lines.append(json.dumps(raw))
    with tempfile.NamedTemporaryFile("w", suffix=".ndjson") as file:
        file.write("\n".join(lines))
        file.flush()
        command = [sys.executable, "-m", "ivigil.cli", "forecast", "--batch", file.name]
        for asked in (["--indication", "primary-immunodeficiency"], ["--model", "zhang2020"]):
            begin, before = time.perf_counter(), _cpu_of_children()
            subprocess.run([*command, *asked], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            took, cpu = time.perf_counter() - begin, _cpu_of_children() - before
            print(
                f"{COHORT} patients, three levels each, {' '.join(asked)}: {took:.0f} s (target 60 s); "
                f"{cpu:.0f} s of CPU, {cpu / COHORT * 1e3:.1f} ms each"
            )


def main() -> None:
    _population()
    _patient()
    _cohort()
