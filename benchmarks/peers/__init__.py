"""The same daily IgG of the same subjects from others: scipy, libRoadRunner, and mrgsolve where R has it.

libRoadRunner goes into a virtual environment of its own (``.tools/peers``, made at the first run): the project does
not depend on it. mrgsolve is R's: ``install.packages("mrgsolve")``; without ``Rscript`` or without it, a line says so.
The peers run on one thread. Targets: 100 times mrgsolve's closed form, 20 times its ODE.
"""

from __future__ import annotations

import csv
import itertools
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from numba import get_num_threads, set_num_threads
from scipy.integrate import solve_ivp

from benchmarks.machine import described
from ivigil.kinetics import kernels
from ivigil.kinetics.population import Drawn, draw, levels, schedule
from ivigil.kinetics.regimens import read_regimen
from ivigil.kinetics.subjects import Subject
from ivigil.knowledge.loading import Knowledge

HERE = Path(__file__).parent
VENV = HERE.parent.parent / ".tools" / "peers"
ROADRUNNER = "libroadrunner==2.10.0"
DAYS, GRAMS = 364, 35.0
SUBJECTS, SCIPY_SUBJECTS, OWN_SUBJECTS = 2000, 20, 100_000
COLUMNS = {"CL": kernels.CL, "V1": kernels.VC, "Q": kernels.Q, "V2": kernels.VP, "BASE": kernels.BASELINE}


def scipy_peer(parameters: np.ndarray) -> tuple[float, np.ndarray]:
    """Seconds a subject with LSODA at tolerances that give three correct figures, dose by dose; and the levels."""
    out = np.empty((len(parameters), DAYS + 1))
    begin = time.perf_counter()
    for place, row in enumerate(parameters):
        k10, k12, k21 = (
            row[kernels.CL] / row[kernels.VC],
            row[kernels.Q] / row[kernels.VC],
            row[kernels.Q] / row[kernels.VP],
        )

        def slope(_, x, k10=k10, k12=k12, k21=k21):
            return [-(k10 + k12) * x[0] + k21 * x[1], k12 * x[0] - k21 * x[1]]

        state = np.zeros(2)
        for left, right in itertools.pairwise([*range(0, DAYS, 21), DAYS]):
            out[place, left] = state[0] / row[kernels.VC] + row[kernels.BASELINE]
            state = state + np.array([GRAMS, 0.0])
            asked = np.arange(left, right + 0.5)
            solved = solve_ivp(slope, (left, right), state, "LSODA", asked, rtol=1e-4, atol=1e-6)
            out[place, left + 1 : right + 1] = solved.y[0, 1:] / row[kernels.VC] + row[kernels.BASELINE]
            state = solved.y[:, -1]
    return (time.perf_counter() - begin) / len(parameters), out


def outside(command: list[str], folder: Path, source: Path) -> tuple[dict, np.ndarray | None, str]:
    """What a peer's script printed and wrote, or why there is nothing."""
    target = folder / "levels.csv"
    ran = subprocess.run([*command, str(source), str(target)], check=False, capture_output=True, text=True)
    if ran.returncode:
        return {}, None, ran.stderr.strip()[-300:]
    said = json.loads(ran.stdout.strip().splitlines()[-1])
    if "missing" in said:
        return {}, None, f"{said['missing']} is not installed in this R"
    skip = 1 if command[0].endswith("Rscript") else 0
    return said, np.loadtxt(target, delimiter=",", skiprows=skip), ""


def roadrunner() -> Path | None:
    """The Python of the peers' own environment, made if need be; None if it cannot be made."""
    python = VENV / "bin" / "python"
    if not python.exists():
        print(f"making {VENV.relative_to(HERE.parent.parent)} with {ROADRUNNER} (once)")
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
        if subprocess.run([python, "-m", "pip", "install", "--quiet", ROADRUNNER, "numpy"], check=False).returncode:
            shutil.rmtree(VENV)
            return None
    return python


def own(chunk: Drawn, plan, threads: int) -> float:
    """Seconds a subject of :func:`levels`, the same dense output."""
    set_num_threads(threads)
    out = levels(chunk, plan)
    best = float("inf")
    for _ in range(5):
        begin = time.perf_counter()
        levels(chunk, plan, out)
        best = min(best, time.perf_counter() - begin)
    return best / len(chunk.parameters)


def main() -> None:
    model, plan = (
        Knowledge().kinetic_model("zhang2020"),
        schedule(read_regimen("iv 0.5 g/kg every 21 d until day 363"), DAYS),
    )
    subject = Subject(weight_kg=70, age_years=40)
    ((chunk, _),) = draw(model, subject, True, OWN_SUBJECTS, 1, chunk=OWN_SUBJECTS)
    few = Drawn(0, chunk.parameters[:SUBJECTS], chunk.scale[:SUBJECTS])
    reference = levels(few, plan)
    print(described())
    cores = get_num_threads()
    rows: list[tuple[str, float]] = []
    seconds, found = scipy_peer(chunk.parameters[:SCIPY_SUBJECTS])
    rows.append((f"scipy LSODA, off by at most {_apart(found, reference):.1e}", seconds))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = folder / "parameters.csv"
        with source.open("w") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            writer.writerows(few.parameters[:, list(COLUMNS.values())].tolist())
        python = roadrunner()
        if python is None:
            print("libRoadRunner: skipped, it could not be installed")
        else:
            said, other, why = outside([str(python), str(HERE / "roadrunner_peer.py")], folder, source)
            if other is None:
                print(f"libRoadRunner: skipped, {why}")
            else:
                rows.append(
                    (
                        f"libRoadRunner {said['version']} ODE, off by at most {_apart(other, reference):.1e}",
                        said["ode_s"],
                    )
                )
        rscript = shutil.which("Rscript")
        if rscript is None:
            print("mrgsolve: skipped, there is no Rscript here (benchmarks/peers/mrgsolve.R is ready)")
        else:
            said, other, why = outside([rscript, str(HERE / "mrgsolve.R")], folder, source)
            if other is None:
                print(f"mrgsolve: skipped, {why}")
            else:
                rows.append(
                    (
                        f"mrgsolve {said['version']} closed form, off by at most {_apart(other, reference):.1e}",
                        said["closed_s"],
                    )
                )
                rows.append((f"mrgsolve {said['version']} ODE, the same model", said["ode_s"]))
    one, every = own(chunk, plan, 1), own(chunk, plan, cores)
    print(f"here, {plan.outputs} levels a subject: {one * 1e6:.2f} us on one thread, {every * 1e6:.2f} us on {cores}")
    for what, taken in rows:
        print(
            f"{what}: {taken * 1e6:,.0f} us a subject; {taken / one:,.0f} times on one thread, {taken / every:,.0f} on {cores}"
        )


def _apart(found: np.ndarray, reference: np.ndarray) -> float:
    """The largest relative difference, days of doses left out: not everybody means "just before" there."""
    days = np.arange(DAYS + 1) % 21 > 0
    some = reference[: len(found), days]
    return float(np.max(np.abs(found[:, days] - some) / some))
