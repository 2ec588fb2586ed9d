"""Breaks each safety control on purpose and shows that its test notices (``make mutants``).

    .venv/bin/python tests/safety/prove_controls.py                 prove every control
    .venv/bin/python tests/safety/prove_controls.py --only H-01.1   prove one, or a hazard's (H-01)
    .venv/bin/python tests/safety/prove_controls.py --list          list the controls
    .venv/bin/python tests/safety/prove_controls.py --write         write docs/safety/hazards.md anew

First all tests run on the source as it is and must pass. Then, for each control, a copy of ``src`` gets the one-line change
that removes it, and its test alone runs on that copy and must fail, by an assertion of its own: a crash, an error of
collection or a test that is skipped proves nothing and counts as not proved.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from tests.safety.hazard_log import PAGE, ROOT, Control, page, read

SOURCE = ROOT / "src"
WORKERS = max(2, min(4, os.cpu_count() or 2))
#: A changed kernel is compiled anew, which takes a minute on a free core.
LIMIT_S = 300
TESTS_FAILED = 1
#: How pytest names a failure in which a test's own expectation was not met.
HONEST = re.compile(r"\n(?:E +|\S+: )(?:AssertionError|assert |Failed: DID NOT RAISE)")

#: Runs pytest only if the copy is what gets imported.
RUN = """
import sys, pathlib, ivigil, pytest
home = pathlib.Path(ivigil.__file__).resolve()
if not home.is_relative_to(pathlib.Path(sys.argv[1]).resolve()):
    sys.exit(f"ivigil was imported from {home}, not from {sys.argv[1]}")
sys.exit(pytest.main(sys.argv[2:]))
"""


@dataclass(frozen=True)
class Verdict:
    """What came of one control: proved or not, why, and how long it took."""

    control: Control
    proved: bool
    said: str
    seconds: float


def run_tests(source: Path, nodes: list[str], *options: str) -> subprocess.CompletedProcess[str]:
    """Run tests with ``source`` as the place of the package."""
    environment = {**os.environ, "PYTHONPATH": str(source), "PYTHONDONTWRITEBYTECODE": "1", "NO_COLOR": "1"}
    command = [sys.executable, "-c", RUN, str(source), "-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    return subprocess.run(
        [*command, *options, *nodes],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )


def mutated(control: Control, folder: Path) -> Path:
    """A copy of the source without the control.

    Raises:
        LookupError: the line to change does not stand exactly once in its file.
    """
    copied = folder / "src"
    shutil.copytree(SOURCE, copied, ignore=shutil.ignore_patterns("*.egg-info"))
    change = control.mutation
    file = folder / change.file
    text = file.read_text("utf-8")
    if text.count(change.find) != 1:
        raise LookupError(f"{change.find!r} stands {text.count(change.find)} times in {change.file}, not once")
    file.write_text(text.replace(change.find, change.replace), "utf-8")
    for compiled in file.parent.glob(f"__pycache__/{file.stem}.*"):
        compiled.unlink()
    return copied


def prove(control: Control) -> Verdict:
    """Remove one control and see whether its test fails by its own assertion."""
    began = time.monotonic()

    def verdict(proved: bool, said: str) -> Verdict:
        return Verdict(control, proved, said, time.monotonic() - began)

    with tempfile.TemporaryDirectory(prefix="ivigil-mutant-") as folder:
        try:
            done = run_tests(mutated(control, Path(folder)), [control.test], "--tb=short")
        except LookupError as problem:
            return verdict(False, str(problem))
        except subprocess.TimeoutExpired:
            return verdict(False, f"no answer within {LIMIT_S} s")
    last = (done.stdout.strip() or done.stderr.strip() or "nothing was said").splitlines()[-1]
    if done.returncode == 0:
        return verdict(False, f"SURVIVED: the test passes without the control ({last})")
    if done.returncode != TESTS_FAILED:
        return verdict(False, f"the test did not run: {last}")
    if not HONEST.search(done.stdout):
        return verdict(False, f"it failed by a crash, not by an assertion: {_reason(done.stdout)}")
    return verdict(True, _reason(done.stdout))


def _reason(output: str) -> str:
    lines = [line[1:].strip() for line in output.splitlines() if line.startswith("E ")]
    return lines[0] if lines else "failed"


def prove_all(controls: tuple[Control, ...]) -> bool:
    """Prove controls, print a table, and say whether every one is proved."""
    began = time.monotonic()
    nodes = sorted({control.test for control in controls})
    whole = run_tests(SOURCE, nodes)
    if whole.returncode != 0:
        print(whole.stdout + whole.stderr)
        print("The tests of the controls must pass before anything is broken.")
        return False
    print(f"{len(nodes)} tests pass on the source as it is ({time.monotonic() - began:.0f} s).\n")
    verdicts = []
    with ThreadPoolExecutor(WORKERS) as pool:
        for verdict in pool.map(prove, controls):
            verdicts.append(verdict)
            mark = "proved" if verdict.proved else "NOT PROVED"
            print(f"{verdict.control.id:7} {mark:10} {verdict.seconds:4.1f} s  {verdict.control.what}", flush=True)
            print(f"{'':26} {verdict.said[:150]}")
    open_ = [verdict.control.id for verdict in verdicts if not verdict.proved]
    print(f"\n{len(verdicts) - len(open_)} of {len(verdicts)} controls proved in {time.monotonic() - began:.0f} s.")
    if open_:
        print(f"Not proved: {', '.join(open_)}")
    return not open_


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", action="append", default=[], metavar="ID", help="a control (H-01.1) or hazard (H-01)")
    parser.add_argument("--list", action="store_true", help="list the controls and stop")
    parser.add_argument("--write", action="store_true", help="write docs/safety/hazards.md anew and stop")
    asked = parser.parse_args(arguments)
    log = read()
    if asked.write:
        PAGE.write_text(page(log), "utf-8")
        print(f"Written: {PAGE.relative_to(ROOT)}")
        return 0
    wanted = set(asked.only)
    controls = tuple(one for one in log.controls if not wanted or {one.id, one.id.partition(".")[0]} & wanted)
    if wanted - {name for one in log.controls for name in (one.id, one.id.partition(".")[0])}:
        parser.error(f"no such control: {', '.join(sorted(wanted))}; --list shows them")
    if asked.list:
        for control in controls:
            print(f"{control.id:7} {control.what}\n{'':7} {control.test}")
        return 0
    return 0 if prove_all(controls) else 1


if __name__ == "__main__":
    sys.exit(main())
