"""npde and the prediction-corrected check against answers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtri

from ivigil.errors import BadInput, ImpossibleValue
from ivigil.kinetics.npde import judge_npde, npde
from ivigil.kinetics.vpc import by_time, corrected, predictive_check

#: A thousand evenly spaced quantiles: a sample of the normal distribution without chance.
EVEN = ndtri((np.arange(1000) + 0.5) / 1000)


def test_one_level_each_is_its_distance_in_standard_deviations():
    # Simulations are normal around 10 with deviation 2: 10 is 0, 12 is +1, 6.08 (1.96 deviations below) is -1.96.
    simulated = np.tile(10.0 + 2.0 * EVEN[:, None], (1, 3))
    found = npde(np.array([10.0, 12.0, 6.08]), simulated, np.array([0, 1, 2]))
    assert found == pytest.approx([0.0, 1.0, -1.96], abs=0.02)


def test_levels_of_one_subject_are_decorrelated():
    # Two levels with correlation 0.8: observed = mean + L z with z = (1, -1), so npde are z, not the raw (1, 0.2).
    rng = np.random.default_rng(1)
    factor = np.array([[1.0, 0.0], [0.8, 0.6]])
    simulated = np.array([8.0, 7.0]) + rng.standard_normal((40_000, 2)) @ factor.T
    observed = np.array([8.0, 7.0]) + factor @ np.array([1.0, -1.0])
    assert observed == pytest.approx([9.0, 7.2])
    assert npde(observed, simulated, np.array([5, 5])) == pytest.approx([1.0, -1.0], abs=0.03)


def test_beyond_all_simulations_is_half_a_simulation_from_the_end():
    simulated = np.tile(10.0 + EVEN[:, None], (1, 2))
    found = npde(np.array([1000.0, -1000.0]), simulated, np.array([0, 1]))
    # Φ⁻¹(1 − 1/2000) = 3.2905
    assert found == pytest.approx([3.2905, -3.2905], abs=1e-3)


def test_the_order_of_subjects_does_not_matter():
    rng = np.random.default_rng(2)
    simulated, observed = rng.standard_normal((500, 4)), rng.standard_normal(4)
    mixed = npde(observed, simulated, np.array([0, 1, 0, 1]))
    place = [0, 2, 1, 3]
    sorted_ = npde(observed[place], simulated[:, place], np.array([0, 0, 1, 1]))
    assert mixed[place] == pytest.approx(sorted_)


def test_standard_normal_values_pass_and_shifted_or_spread_ones_do_not():
    values = ndtri((np.arange(200) + 0.5) / 200)
    assert judge_npde(values).global_p == 1.0
    shifted = judge_npde(values + 0.4)
    assert shifted.mean_p < 1e-4
    assert shifted.mean == pytest.approx(0.4)
    assert shifted.global_p < 1e-3
    spread = judge_npde(1.4 * values)
    assert spread.variance_p < 1e-6
    assert spread.mean_p > 0.9
    assert judge_npde(np.sign(values) * values**2).normality_p < 1e-4


def test_the_variance_test_by_hand():
    # Eleven values with variance 2: 10 × 2 = 20 on 10 degrees, upper tail 0.0293 in the table of χ², two-sided 0.0585.
    values = np.linspace(-1.0, 1.0, 11)
    values *= np.sqrt(2.0 / values.var(ddof=1))
    assert judge_npde(values).variance_p == pytest.approx(0.0585, abs=2e-4)


@pytest.mark.parametrize(
    ("observed", "simulated", "subject", "rule"),
    [
        ([1.0, 2.0], np.zeros((5, 3)), [0, 0], "Levels have shape (2,); simulations are (K, 2)"),
        ([1.0, np.nan], np.zeros((5, 2)), [0, 0], "Every level is a number."),
        ([1.0, 2.0], np.zeros((2, 2)), [0, 0], "To decorrelate 2 levels of one subject, more simulations"),
    ],
)
def test_what_does_not_belong_together_is_refused(observed, simulated, subject, rule):
    with pytest.raises(BadInput) as told:
        npde(np.array(observed), simulated, np.array(subject))
    assert rule in told.value.rule


def test_too_few_values_are_not_tested():
    with pytest.raises(ImpossibleValue, match="8 levels or more"):
        judge_npde(np.zeros(7))


def test_levels_of_two_doses_are_brought_to_one():
    # Predictions 5 and 10 in one bin, median 7.5: 6 × 7.5/5 = 9 and 12 × 7.5/10 = 9; the other bin keeps its own.
    predicted, bins = np.array([5.0, 10.0, 3.0]), np.array([0, 0, 1])
    assert corrected(np.array([6.0, 12.0, 4.0]), predicted, bins) == pytest.approx([9.0, 9.0, 4.0])
    # Above a lower bound of 4 (an endogenous level): 4 + (6 − 4) × (7.5 − 4)/(5 − 4) = 11.
    assert corrected(np.array([6.0]), np.array([5.0]), np.array([0]), 4.0) == pytest.approx([6.0])
    assert corrected(np.array([6.0, 12.0]), predicted[:2], bins[:2], 4.0)[0] == pytest.approx(11.0)


def test_a_prediction_at_the_lower_bound_is_refused():
    with pytest.raises(BadInput, match="divides by predictions above 4 g/L"):
        corrected(np.array([6.0]), np.array([4.0]), np.array([0]), 4.0)


def test_percentiles_lie_where_they_were_put():
    days = np.repeat([7.0, 28.0], 101)
    grid = np.tile(np.linspace(5.0, 15.0, 101), 2)
    copies = np.stack([grid, grid + 1.0, grid - 1.0])
    made = predictive_check(days, grid, np.full(202, 8.0), copies, by_time(days, np.unique(days)))
    first = made.bins[0]
    assert (first.day, first.levels) == (7.0, 101)
    # The 5th, 50th and 95th percentile of 5 to 15 are 5.5, 10 and 14.5; the copies' lie up to 1 beside them.
    assert first.observed == pytest.approx((5.5, 10.0, 14.5))
    assert first.low == pytest.approx((4.55, 9.05, 13.55))
    assert first.high == pytest.approx((6.45, 10.95, 15.45))
    assert (made.outside, made.percentiles) == (0, 6)
    away = predictive_check(days, grid + 2.0, np.full(202, 8.0), copies, by_time(days, np.unique(days)))
    assert away.outside == 6


def test_shapes_that_differ_are_refused():
    with pytest.raises(BadInput, match="one value a level"):
        predictive_check(np.zeros(2), np.ones(2), np.ones(2), np.ones((3, 4)), np.zeros(2, dtype=np.int64))
