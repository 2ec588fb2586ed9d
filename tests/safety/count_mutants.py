"""Breaks the rules of the infusion room one expression at a time and counts what the tests notice (``make mutants``).

    .venv/bin/python tests/safety/count_mutants.py           break everything anew, then count
    .venv/bin/python tests/safety/count_mutants.py --count   count what the last run left in mutants/

mutmut makes and judges the mutants; its settings stand in pyproject.toml. Every survivor has its reason in
docs/validation/mutants.md. A mutant that ran out of time, or that no test reaches, counts as not killed.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
MUTANTS = ROOT / "mutants"
#: What mutmut writes for a mutant that some test failed on: pytest's "tests failed" and "internal error".
KILLED = {1, 3}
#: mutmut's own code for a mutant that no test reaches.
NO_TESTS = 33
WANTED = 0.85


def verdict(code: int | None) -> str:
    """What an exit code of mutmut means."""
    if code is None:
        return "not run"
    if code in KILLED:
        return "killed"
    if code in {0, NO_TESTS}:
        return "survived" if code == 0 else "no test"
    return "other"


def results() -> dict[str, dict[str, str]]:
    """Verdicts by module and mutant, as the last run left them."""
    found = {}
    for file in sorted(MUTANTS.glob("src/ivigil/infusion/*.meta")):
        codes = json.loads(file.read_text("utf-8"))["exit_code_by_key"]
        if codes:
            found[file.name.removesuffix(".py.meta")] = {name: verdict(code) for name, code in codes.items()}
    return found


def count(found: dict[str, dict[str, str]]) -> bool:
    """Print a table and the survivors, and say whether enough was killed."""
    print(f"\n{'module':12}{'mutants':>9}{'killed':>8}{'share':>8}")
    whole: Counter[str] = Counter()
    for module, verdicts in found.items():
        tally = Counter(verdicts.values())
        whole += tally
        print(f"{module:12}{len(verdicts):9}{tally['killed']:8}{tally['killed'] / len(verdicts):8.1%}")
    share = whole["killed"] / max(1, whole.total())
    print(f"{'all':12}{whole.total():9}{whole['killed']:8}{share:8.1%}   wanted: {WANTED:.0%}\n")
    for verdicts in found.values():
        for name, said in verdicts.items():
            if said != "killed":
                print(f"{said:9} {name}")
    return share >= WANTED


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", action="store_true", help="count what the last run left, and break nothing")
    if not parser.parse_args(arguments).count:
        shutil.rmtree(MUTANTS, ignore_errors=True)
        mutmut = Path(sys.executable).with_name("mutmut")
        if subprocess.run([mutmut, "run"], cwd=ROOT, check=False).returncode != 0:
            return 1
    return 0 if count(results()) else 1


if __name__ == "__main__":
    sys.exit(main())
