"""The Python front door: its examples run, and opening it costs nothing."""

from __future__ import annotations

import doctest
import subprocess
import sys

from ivigil import kinetics


def test_the_examples_of_the_front_door_run():
    found = doctest.testmod(kinetics)
    assert found.attempted > 20
    assert found.failed == 0


def test_opening_the_room_imports_nothing_heavy():
    code = "import sys, ivigil.kinetics; print([m for m in ('numpy', 'numba', 'polars', 'pydantic', 'scipy') if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_every_name_of_the_front_door_is_there():
    assert all(callable(getattr(kinetics, name)) for name in kinetics.__all__)
