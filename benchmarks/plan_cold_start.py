"""Cold start of ``ivigil plan`` as a whole process, beside the bare interpreter in the same run.

Target: under 0.8 s. The ratio to ``python -c pass`` is what travels between machines.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

from benchmarks.machine import described

RUNS = 9
COMMAND = [
    sys.executable, "-m", "ivigil.cli", "plan", "examples/03-cidp-bmi-38-loading/patient.json",
    "--indication", "cidp", "--region", "US", "--phase", "loading", "--start", "2026-11-23T09:00:00-05:00", "--json",
]  # fmt: skip
BARE = [sys.executable, "-c", "pass"]


def _seconds(command: list[str]) -> float:
    begin = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begin


def main() -> None:
    _seconds(COMMAND)  # writes the byte code
    pairs = [(_seconds(COMMAND), _seconds(BARE)) for _ in range(RUNS)]
    ours, bare = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(described())
    print(
        f"ivigil plan --json, whole process: median {ours:.2f} s of {RUNS} (min {min(a for a, _ in pairs):.2f}); target 0.8 s"
    )
    print(f"bare interpreter: {bare:.3f} s; ratio {ours / bare:.0f}")
    imports = _seconds([sys.executable, "-c", "import ivigil.cli.app"])
    print(f"of it, imports alone: {imports:.2f} s (pydantic builds the record types; the rest reads facts and plans)")
