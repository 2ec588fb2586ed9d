"""The integrator on IgG under an FcRn blocker: 10,000 subjects over 70 days, beside others on the same equations.

The others are scipy's LSODA, on few subjects, and mrgsolve's solver where R has it; each on one thread, at the same
tolerances and daily outputs, by processor time. Target: 20 times mrgsolve's. Compiled code is loaded before the clock starts.
How far each lies off a tight solution is printed beside its time: nobody is faster by being less exact.
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
from ivigil.kinetics.antagonist import rest
from ivigil.kinetics.population import Drawn, draw, levels, percentiles, schedule
from ivigil.kinetics.regimens import read_regimen
from ivigil.kinetics.subjects import Subject
from ivigil.knowledge.loading import Knowledge

MODEL = "lledogarcia2022"
REGIMEN = read_regimen("rozanolixizumab iv 7 mg/kg once")
SUBJECT = Subject(weight_kg=75)
DAYS, SUBJECTS, PEER_SUBJECTS, MRGSOLVE_SUBJECTS = 70, 10_000, 20, 2000
SHORT_RUNS = 25
GRAMS = 0.525
SCRIPT = Path(__file__).parent / "peers" / "mrgsolve_fcrn.R"
#: The script's names of the slots, in their order.
COLUMNS = ("V", "Q", "V2", "CLA", "KD", "FCRN", "KDEG", "BASE", "KOUT", "EMAX", "EC50")


def peer(parameters: np.ndarray, days: np.ndarray, tolerance: tuple[float, float] = ode.QUICK) -> np.ndarray:
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
    return solve_ivp(slope, (0, days[-1]), start, "LSODA", days, rtol=tolerance[0], atol=tolerance[1]).y[2]


def tight(chunk: Drawn, days: np.ndarray) -> np.ndarray:
    """IgG (g/L) by the integrator that takes one subject at a time, at its tight tolerances."""
    given = ode.events(np.zeros(1), np.array([GRAMS]), np.zeros(1), 0.0, float(days[-1]))
    out = np.empty((len(chunk.parameters), days.size, ode.STATES))
    status = np.empty(len(chunk.parameters), np.int64)
    ode.integrate(
        ode.ANTAGONIST, chunk.parameters, rest(chunk.parameters), np.full(len(out), 1000.0), given.mark_d,
        given.bolus_g, given.flow_g_per_d, days, True, *ode.PRECISE, ode.MOST_STEPS, out, status,
    )  # fmt: skip
    ode.refuse_failed(status)
    return out[:, :, 2]


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
    return f"mrgsolve {said['version']} ODE, off the same by at most {off(levels_of_it, reference):.1e}", said["ode_s"]


def off(levels_of_one: np.ndarray, exact: np.ndarray) -> float:
    """The largest relative difference."""
    return float(np.abs(levels_of_one / exact - 1).max())


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
    exact = np.array([peer(row, plan.days, (1e-12, 1e-12)) for row in few.parameters])
    print(described())
    print(
        f"{PEER_SUBJECTS} subjects, off scipy's LSODA at 1e-12 by at most: ours {off(ours, exact):.1e}, LSODA as timed {off(theirs, exact):.1e}"
    )

    # Time of the processor: on a busy machine the clock on the wall measures the others too.
    scipys = _best(lambda: [peer(row, plan.days) for row in few.parameters], time.process_time, 3) / PEER_SUBJECTS
    peers = [("scipy LSODA", scipys)]
    some = chunk.parameters[:MRGSOLVE_SUBJECTS]
    same = Drawn(0, some, chunk.scale[: len(some)], None, True, chunk.names)
    reference = tight(same, plan.days)
    print(
        f"{len(some)} subjects, off our own at {ode.PRECISE[0]:.0e} by at most: ours {off(levels(same, plan), reference):.1e}; "
        f"that one off LSODA at 1e-12: {off(reference[:PEER_SUBJECTS], exact):.1e}"
    )
    made = mrgsolve(some, reference)
    if made is not None:
        peers.append(made)
    threads = numba.get_num_threads()
    numba.set_num_threads(1)
    # Our runs are so short that a few of them would measure one bad moment of the machine; together they take as long as a peer's.
    own = _best(lambda: levels(chunk, plan, out), time.process_time, SHORT_RUNS) / SUBJECTS
    numba.set_num_threads(threads)
    wall = _best(lambda: levels(chunk, plan, out), repeats=SHORT_RUNS) / SUBJECTS
    print(
        f"{SUBJECTS} subjects x {plan.outputs} days: {own * 1e6:.1f} us a subject on one thread (processor time), "
        f"{wall * 1e6:.1f} us on {threads} (on the wall)"
    )
    for what, taken in peers:
        print(
            f"{what}: {taken * 1e6:,.0f} us a subject; {taken / own:,.1f} times on one thread, "
            f"{taken / wall:,.1f} on {threads}"
        )
    whole = _best(lambda: percentiles(draw(model, SUBJECT, True, SUBJECTS, 1), plan), repeats=3)
    print(f"drawn, integrated and reduced to percentiles, all threads: {whole:.2f} s")
