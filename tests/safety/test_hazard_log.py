"""The hazard log holds together: every control has a test that exists and a line that can be broken."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter

import pytest

from tests.safety.hazard_log import LIKELIHOODS, PAGE, RISK, ROOT, UNACCEPTABLE, Control, page, read

LOG = read()


def test_ids_are_unique_and_in_order() -> None:
    ids = [hazard.id for hazard in LOG.hazards]
    assert ids == sorted(set(ids), key=lambda one: int(one.removeprefix("H-")))
    for hazard in LOG.hazards:
        expected = [f"{hazard.id}.{number}" for number in range(1, len(hazard.controls) + 1)]
        assert [control.id for control in hazard.controls] == expected
        assert expected, f"{hazard.id} has no control"


def test_no_unacceptable_risk_remains_and_no_control_adds_one() -> None:
    for hazard in LOG.hazards:
        before, after = LIKELIHOODS.index(hazard.likelihood_before), LIKELIHOODS.index(hazard.likelihood_after)
        assert after < before, hazard.id
        assert hazard.risk_after < UNACCEPTABLE, hazard.id
        assert hazard.risk_after <= hazard.risk_before, hazard.id


def test_the_risk_matrix_never_falls() -> None:
    for row in (*RISK, *zip(*RISK, strict=True)):
        assert list(row) == sorted(row)


@pytest.mark.parametrize("control", LOG.controls, ids=lambda control: control.id)
def test_the_line_to_break_stands_exactly_once(control: Control) -> None:
    change = control.mutation
    assert change.file.startswith("src/ivigil/")
    assert (ROOT / change.file).read_text("utf-8").count(change.find) == 1
    assert (ROOT / control.where).is_file()


def test_no_two_controls_are_the_same() -> None:
    changes = Counter((one.mutation.file, one.mutation.find, one.mutation.replace) for one in LOG.controls)
    assert [change for change, count in changes.items() if count > 1] == []


def test_every_test_of_a_control_exists() -> None:
    files = sorted({control.test.partition("::")[0] for control in LOG.controls})
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *files],
        cwd=ROOT,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    nodes = set(done.stdout.splitlines())
    known = nodes | {re.sub(r"\[.*\]$", "", node) for node in nodes}

    assert sorted({control.test for control in LOG.controls} - known) == []


def test_the_page_is_up_to_date() -> None:
    written = PAGE.read_text("utf-8")
    assert written == page(LOG), "run `.venv/bin/python tests/safety/prove_controls.py --write`"
