"""Dense output in single precision stays within 1e-5 of the closed form in double precision."""

from __future__ import annotations

import numpy as np
import pytest

from ivigil.kinetics import kernels
from ivigil.kinetics.individual import Parameters
from ivigil.kinetics.linear import concentrations, disposition
from ivigil.kinetics.regimens import Dose, Route

ROUTES = {Route.IV: kernels.IV, Route.SC: kernels.SC, Route.FACILITATED_SC: kernels.FACILITATED}
#: Without a baseline nothing hides the error of the exponentials.
SUBJECTS = np.array(
    [
        [0.16, 3.0, 0.5, 2.0, 0.3, 0.7, 0.9, 0.0],
        [0.02, 5.0, 0.9, 4.0, 0.1, 0.5, 0.8, 0.0],
        [0.16, 3.0, 0, 0, 0.3, 0.7, 0.9, 0.0],
    ]
)
SCHEDULES = {
    "once, then nothing for two years": (np.array([0.0]), 0.0, 730, 1.0),
    "every 21 days for a year": (np.arange(0.0, 364, 21), 0.0, 365, 1.0),
    "every day, four hours each": (np.arange(0.0, 100), 4 / 24, 101, 1.0),
    "at odd times, over 60 h, seen every 6 h": (np.array([0.1, 7.3, 9.0, 9.0, 30.7]), 2.5, 900, 0.25),
    "weekly for ten years": (np.arange(0.0, 3650, 7), 0.0, 3651, 1.0),
}


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("route", ROUTES)
def test_dense_output_is_the_closed_form_to_five_digits(name, route):
    given, over, outputs, step = SCHEDULES[name]
    out = np.full((len(SUBJECTS), outputs), np.nan, np.float32)
    size = given.size
    kernels.dense(
        SUBJECTS, np.ones(len(SUBJECTS)), 0.0, step, given, np.full(size, 30.0), np.full(size, over),
        np.full(size, ROUTES[route]), out,
    )  # fmt: skip
    doses = tuple(Dose(float(day), 30.0, route, over * 24) for day in given)
    days = np.nextafter(np.arange(outputs) * step, -1)
    for row, found in zip(SUBJECTS, out, strict=True):
        exact = concentrations(disposition(Parameters(*row)), doses, days)
        seen = exact > 1e-6 * exact.max()
        assert np.abs(found[seen] - exact[seen]).max() <= 1e-5 * exact.max()
        assert np.max(np.abs(found[seen] / exact[seen] - 1)) <= 1e-5
        assert (found[~seen] <= 1.01e-6 * exact.max()).all()
