"""Machine code that is kept is never older than any source it was made from, and never writes outside its arrays."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import ivigil.kinetics
from ivigil.kinetics import fitting, kernels
from ivigil.kinetics.bands import quantiles
from ivigil.kinetics.compiling import stamp

SOURCES = Path(ivigil.kinetics.__file__).parent

INNER = "from ivigil.kinetics.compiling import compiled\n@compiled()\ndef inner():\n    return {value}\n"
OUTER = "from inner import inner\nfrom ivigil.kinetics.compiling import compiled\n@compiled()\ndef outer():\n    return 10 * inner()\n"


@pytest.mark.slow
def test_a_function_is_compiled_anew_when_another_file_that_it_holds_changes(tmp_path):
    def answer() -> str:
        run = [sys.executable, "-c", "from outer import outer; print(outer())"]
        return subprocess.run(run, cwd=tmp_path, check=True, capture_output=True, text=True).stdout.strip()

    (tmp_path / "outer.py").write_text(OUTER)
    (tmp_path / "inner.py").write_text(INNER.format(value=1))
    assert answer() == "10"
    assert list((tmp_path / "__pycache__").glob("outer.outer*.nbi"))  # it was kept
    (tmp_path / "inner.py").write_text(INNER.format(value=2))
    assert answer() == "20"


def test_everything_that_is_compiled_here_shares_the_stamp_of_all_sources():
    assert fitting._fit._cache._cache_file._source_stamp == stamp(SOURCES)
    assert kernels.dense._cache._cache_file._source_stamp == stamp(SOURCES)


PREPARED = """
import pkgutil, importlib
import ivigil.kinetics
from ivigil.kinetics.compiling import prepare
prepare()
rooms = [importlib.import_module("ivigil.kinetics." + one.name) for one in pkgutil.iter_modules(ivigil.kinetics.__path__)]
print(*sorted({name for room in rooms for name, thing in vars(room).items()
               if hasattr(thing, "py_func") and not thing.targetoptions.get("inline")
               and not thing._cache._cache_file._load_index()}))
"""


@pytest.mark.slow
def test_make_setup_prepares_every_compiled_function():
    run = [sys.executable, "-c", PREPARED]
    assert subprocess.run(run, check=True, capture_output=True, text=True).stdout.strip() == ""


def test_no_function_of_the_project_is_compiled_past_the_shared_stamp():
    for path in SOURCES.glob("*.py"):
        if path.name != "compiling.py":
            assert "njit" not in path.read_text("utf-8"), f"{path.name}: use ivigil.kinetics.compiling.compiled"


@pytest.mark.parametrize(("end_d", "place"), [(-1.0, 0), (0.0, 1), (0.5, 1), (1.0, 2), (2.0, 3), (28.2, 3)])
def test_a_loop_over_outputs_begins_at_one_of_them_or_at_their_end(end_d, place):
    assert kernels._first_after(end_d, 0.0, 1.0, 3) == place


def test_a_dose_after_the_last_output_writes_nothing():
    many = np.tile(np.array([0.16, 3.0, 0.5, 2.0, 0.3, 0.7, 0.9, 2.0]), (2, 1))
    room = np.full((2, 64), 7.0, np.float32)
    doses = np.array([0.0, 28.0]), np.full(2, 30.0), np.full(2, 0.2), np.zeros(2, np.int64)
    kernels.dense(many[:1], np.ones(1), 0.0, 1.0, *doses, room[:1, :3])
    assert (room[0, 3:] == 7.0).all()
    assert (room[1] == 7.0).all()


def test_percentiles_of_what_is_not_a_number_stay_within_their_room():
    values = np.array([1.0, np.nan, np.inf, 2.0, -np.inf])
    assert len(quantiles(values, np.ones(5), (5.0, 50.0, 95.0))) == 3
