"""The integrator on IgG under an FcRn blocker: 10,000 subjects over 70 days, beside others on the same equations.

The others are scipy's LSODA, on few subjects, and mrgsolve's solver where R has it; each on one thread, at the same
tolerances and daily outputs, by processor time. Target: 20 times mrgsolve's. Compiled code is loaded before the clock starts.
"""

from __future__ import annotations

import csv
import shutil
import tempfile
import time
from pathlib import Path

import numba
import numpy as np
from scipy.integrate import solve_ivp

from benchmarks.machine import described
from benchmarks.peers import outside
from ivigil.kinetics import ode
from ivigil.kinetics.population import Drawn, draw, levels, percentiles, schedule
from ivigil.kinetics.regimens import read_regimen
from ivigil.kinetics.subjects import Subject
from ivigil.knowledge.loading import Knowledge

MODEL = "lledogarcia2022"
REGIMEN = read_regimen("rozanolixizumab iv 7 mg/kg once")
SUBJECT = Subject(weight_kg=75)
DAYS, SUBJECTS, PEER_SUBJECTS, MRGSOLVE_SUBJECTS = 70, 10_000, 20, 2000
GRAMS = 0.525
SCRIPT = Path(__file__).parent / "peers" / "mrgsolve_fcrn.R"
#: The script's names of the slots, in their order.
COLUMNS = ("V", "Q", "V2", "CLA", "KD", "FCRN", "KDEG", "BASE", "KOUT", "EMAX", "EC50")


def peer(parameters: np.ndarray, days: np.ndarray) -> np.ndarray:
    """IgG (g/L) of one subject by scipy's LSODA."""
    v, q, v2, cla, kd, fcrn, kdeg, base, kout, emax, ec50 = parameters

    def slope(_, x):
        total, outside, igg = x
        both = kd * v + total + fcrn * v
        bound = 2 * total * fcrn * v / (both + np.sqrt(both * both - 4 * total * fcrn * v))
        free = (total - bound) / v
        across = q * (free - outside / v2)
        stimulated = 1 + emax * free / (free + ec50)
        return [-cla * free - kdeg * bound - across, across, kout * (base - igg * stimulated)]

    start = [1000 * GRAMS, 0.0, base]
    return solve_ivp(slope, (0, days[-1]), start, "LSODA", days, rtol=ode.QUICK[0], atol=ode.QUICK[1]).y[2]


def mrgsolve(parameters: np.ndarray, reference: np.ndarray) -> tuple[str, float] | None:
    """What mrgsolve is and how far off it lies, and its seconds a subject; None, with a line said, where it is not there."""
    rscript = shutil.which("Rscript")
    if rscript is None:
        print(f"mrgsolve: skipped, there is no Rscript here ({SCRIPT.name} is ready)")
        return None
    with tempfile.TemporaryDirectory() as name:
        source = Path(name) / "parameters.csv"
        with source.open("w") as file:
            csv.writer(file).writerows([COLUMNS, *parameters.tolist()])
        said, levels_of_it, why = outside([rscript, str(SCRIPT)], Path(name), source)
    if levels_of_it is None:
        print(f"mrgsolve: skipped, {why}")
        return None
    apart = np.abs(levels_of_it / reference - 1).max()
    return f"mrgsolve {said['version']} ODE, off by at most {apart:.1e}", said["ode_s"]


def _best(what, clock=time.perf_counter, repeats: int = 5) -> float:
    """The best of some runs, in seconds."""
    found = float("inf")
    for _ in range(repeats):
        begin = clock()
        what()
        found = min(found, clock() - begin)
    return found


def main() -> None:
    model = Knowledge().kinetic_model(MODEL)
    plan = schedule(REGIMEN, DAYS, model=model)
    ((chunk, _),) = draw(model, SUBJECT, True, SUBJECTS, 1)
    few = Drawn(0, chunk.parameters[:PEER_SUBJECTS], chunk.scale[:PEER_SUBJECTS], None, True, chunk.names)
    out = np.empty((SUBJECTS, plan.outputs), np.float32)
    ours = levels(few, plan)
    theirs = np.array([peer(row, plan.days) for row in few.parameters])
    print(described())
    print(f"largest relative difference to the peer: {np.abs(ours[:, 1:] / theirs[:, 1:] - 1).max():.1e}")

    # Time of the processor: on a busy machine the clock on the wall measures the others too.
    scipys = _best(lambda: [peer(row, plan.days) for row in few.parameters], time.process_time, 3) / PEER_SUBJECTS
    peers = [("scipy LSODA", scipys)]
    some = chunk.parameters[:MRGSOLVE_SUBJECTS]
    made = mrgsolve(some, levels(Drawn(0, some, chunk.scale[: len(some)], None, True, chunk.names), plan))
    if made is not None:
        peers.append(made)
    threads = numba.get_num_threads()
    numba.set_num_threads(1)
    own = _best(lambda: levels(chunk, plan, out), time.process_time) / SUBJECTS
    numba.set_num_threads(threads)
    wall = _best(lambda: levels(chunk, plan, out)) / SUBJECTS
    print(
        f"{SUBJECTS} subjects x {plan.outputs} days: {own * 1e6:.1f} us a subject on one thread (processor time), "
        f"{wall * 1e6:.1f} us on {threads} (on the wall)"
    )
    for what, taken in peers:
        print(
            f"{what}: {taken * 1e6:,.0f} us a subject; {taken / own:,.0f} times on one thread, "
            f"{taken / wall:,.0f} on {threads}"
        )
    whole = _best(lambda: percentiles(draw(model, SUBJECT, True, SUBJECTS, 1), plan), repeats=3)
    print(f"drawn, integrated and reduced to percentiles, all threads: {whole:.2f} s")
