"""What many tests need: the shipped facts, opened once, and Hypothesis with a fixed seed."""

from __future__ import annotations

import sys

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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """While mutants are judged the quickest test first: most of them are noticed by one of a few milliseconds."""
    judging = sys.modules.get("mutmut.state")
    if judging is not None:
        took = judging.state().duration_by_test
        items.sort(key=lambda item: took.get(item.nodeid, 0))
