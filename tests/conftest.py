"""What many tests need: the shipped facts, opened once, and Hypothesis with a fixed seed."""

from __future__ import annotations

import os
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, Verbosity, settings

from ivigil.knowledge.loading import Knowledge

# Few examples on every run and always the same ones; `--hypothesis-profile=night` looks further.
settings.register_profile(
    "day", max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("night", max_examples=3000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
# Thousands of runs, each to the first failure: a few examples, none made smaller and none printed.
settings.register_profile(
    "mutants",
    max_examples=2,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    verbosity=Verbosity.quiet,
    suppress_health_check=list(HealthCheck),
)
settings.load_profile("day")


@pytest.fixture(scope="session")
def knowledge() -> Knowledge:
    return Knowledge()


#: While mutants are judged: which test noticed which of them, a line each.
NOTICED = Path("noticed.txt")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """While mutants are judged: first what noticed one of the same function, then of the same module, then the quickest.

    Only the order changes; a mutant that survives has passed them all.
    """
    judging, mutant = sys.modules.get("mutmut.state"), os.environ.get("MUTANT_UNDER_TEST", "")
    if judging is None or not mutant.startswith("ivigil."):
        return
    took = judging.state().duration_by_test
    function, module = mutant.rpartition("__mutmut_")[0], mutant.rpartition(".")[0]
    here, beside = Counter[str](), Counter[str]()
    for row in NOTICED.read_text("utf-8").splitlines() if NOTICED.exists() else ():
        other, _, test = row.partition(" ")
        here[test] += other == function
        beside[test] += other.rpartition(".")[0] == module
    items.sort(key=lambda item: (-here[item.nodeid], -beside[item.nodeid], took.get(item.nodeid, 0)))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    mutant = os.environ.get("MUTANT_UNDER_TEST", "")
    if report.failed and mutant.startswith("ivigil."):
        with NOTICED.open("a", encoding="utf-8") as file:
            file.write(f"{mutant.rpartition('__mutmut_')[0]} {report.nodeid}\n")
