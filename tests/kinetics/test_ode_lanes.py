"""Subjects side by side: each as near as the one integrator says, whoever stands beside it, and nobody left out in silence."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from ivigil.errors import ImpossibleValue
from ivigil.kinetics import ode, ode_lanes
from ivigil.kinetics.antagonist import rest, typical
from ivigil.kinetics.regimens import Dose, Route
from ivigil.knowledge.loading import Knowledge

BLOCKER = typical(Knowledge().kinetic_model("lledogarcia2022"))
#: A dose at the start, one between outputs, one at an output, and infusions that overlap.
DOSES = (
    Dose(0.0, 0.525, Route.IV, 0.0),
    Dose(7.25, 0.3, Route.IV, 2.0),
    Dose(14.0, 0.2, Route.IV, 0.0),
    Dose(20.0, 0.3, Route.IV, 30.0),
    Dose(20.5, 0.3, Route.IV, 30.0),
)
DAYS = np.arange(71.0)
SUBJECTS = 3 * ode_lanes.LANES + 5


def people(spread: float = 0.3) -> NDArray[np.float64]:
    """Parameters so far apart that no two lanes take the same steps."""
    return BLOCKER * np.exp(spread * np.random.default_rng(1).normal(size=(SUBJECTS, ode.SLOTS)))


def side_by_side(
    rows: NDArray[np.float64],
    gain: NDArray[np.float64],
    tolerance: tuple[float, float] = ode.QUICK,
    most_steps: int = ode.MOST_STEPS,
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """IgG (subjects, outputs) and status."""
    given = ode.events_of(DOSES, 70.0)
    out, status = np.zeros((DAYS.size, len(rows))), np.full(len(rows), -1)
    ode_lanes.igg(
        rows, rest(rows), gain, given.mark_d, given.bolus_g, given.flow_g_per_d, DAYS, *tolerance, most_steps, out, status
    )  # fmt: skip
    return out.T, status


def gains(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.linspace(50.0, 1500.0, len(rows))


def one_by_one(rows: NDArray[np.float64], tolerance: tuple[float, float]) -> NDArray[np.float64]:
    """The same by the integrator that the printed equations are held against in test_ode."""
    given, out = ode.events_of(DOSES, 70.0), np.empty((len(rows), DAYS.size, ode.STATES))
    status = np.empty(len(rows), np.int64)
    ode.integrate(
        ode.ANTAGONIST, rows, rest(rows), gains(rows), given.mark_d, given.bolus_g, given.flow_g_per_d, DAYS, True,
        *tolerance, ode.MOST_STEPS, out, status,
    )  # fmt: skip
    assert not status.any()
    return out[:, :, ode.IGG[ode.ANTAGONIST]]


def test_levels_are_those_of_the_integrator_that_takes_one_at_a_time():
    rows = people()
    made, status = side_by_side(rows, gains(rows), (1e-10, 1e-12))
    assert not status.any()
    assert made == pytest.approx(one_by_one(rows, ode.PRECISE), rel=1e-9)


def test_they_are_as_near_as_one_at_a_time():
    rows = people()
    exact = one_by_one(rows, ode.PRECISE)
    made, _ = side_by_side(rows, gains(rows))
    off, others = np.abs(made / exact - 1).max(), np.abs(one_by_one(rows, ode.QUICK) / exact - 1).max()
    assert off < 1.1 * others < 1e-5


@pytest.mark.parametrize("first", [1, 7, ode_lanes.LANES, ode_lanes.LANES + 3])
def test_a_subject_is_the_same_to_the_last_bit_in_any_lane_beside_anybody(first):
    rows = people()
    whole, _ = side_by_side(rows, gains(rows))
    part, _ = side_by_side(rows[first:], gains(rows)[first:])
    assert (part == whole[first:]).all()
    (alone,), _ = side_by_side(rows[first : first + 1], gains(rows)[first : first + 1])
    assert (alone == whole[first]).all()


def test_an_output_at_the_moment_of_a_dose_is_before_it():
    rows = np.tile(BLOCKER, (2, 1))
    made, _ = side_by_side(rows, np.array([0.0, 1000.0]))
    assert (made[:, 0] == BLOCKER[ode.BASE]).all()
    assert made[0] == pytest.approx(np.full(DAYS.size, BLOCKER[ode.BASE]), rel=1e-12)  # nothing given: nothing moves


@pytest.mark.parametrize("spoilt", [np.nan, 1e300])
@pytest.mark.parametrize("row", [0, 5, SUBJECTS - 1])
def test_who_cannot_be_solved_has_no_numbers_and_disturbs_nobody(spoilt, row):
    rows = people()
    whole, _ = side_by_side(rows, gains(rows))
    rows[row, ode.KDEG] = spoilt
    made, status = side_by_side(rows, gains(rows))
    assert status[row] == ode.NO_STEP
    assert np.isnan(made[row]).all()
    others = np.arange(SUBJECTS) != row
    assert (status[others] == ode.DONE).all()
    assert (made[others] == whole[others]).all()
    with pytest.raises(ImpossibleValue, match="So many subjects' equations could not be solved"):
        ode.refuse_failed(status)


def test_who_needs_too_many_steps_has_no_numbers():
    rows = people()
    made, status = side_by_side(rows, gains(rows), most_steps=3)
    assert (status == ode.TOO_MANY_STEPS).all()
    assert np.isnan(made).all()
