"""How many rows may be lost: the numbers by their definition."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import pytest
from scipy.stats import binom

from skcoreset._promise.rules import OnAverage, WithConfidence, smallest_delta
from skcoreset._promise.target import Target, check_n_rows


@pytest.mark.parametrize("delta", [0.01, 0.05, 0.1, 1 - 0.9, 0.3, 0.5, 0.99])
@pytest.mark.parametrize("confidence", [None, 0.5, 0.75, 0.9, 0.95, 0.999])
def test_fewest_rows_are_those_of_which_none_may_be_lost(delta, confidence):
    rule = Target("relative", delta=delta, confidence=confidence).rule
    needed = rule.n_needed
    assert rule.allows(0, needed)
    assert needed == 1 or not rule.allows(0, needed - 1)
    assert rule.most_allowed(needed) == 0
    assert rule.most_allowed(needed - 1) == -1
    target = Target("relative", delta=delta, confidence=confidence)
    check_n_rows(target, needed, "there are")
    with pytest.raises(ValueError, match=f"and there are {needed - 1}: 1 are missing"):
        check_n_rows(target, needed - 1, "there are")


def test_fewest_rows_of_the_inverse_of_a_number():
    # 1 / (1 / 49) is not 49
    assert [OnAverage(1 / n).n_needed for n in range(2, 500)] == list(range(1, 499))
    halves = [WithConfidence(0.5, 1 - 0.5**n).n_needed for n in range(1, 40)]
    assert halves == list(range(1, 40))


@pytest.mark.parametrize("confidence", [None, 0.5, 1 - 1e-16])
def test_the_smallest_delta_there_is_needs_rows_without_number(confidence):
    tiny = np.nextafter(0, 1)
    rule = Target("relative", delta=tiny, confidence=confidence).rule
    assert rule.n_needed > 1e290
    with pytest.raises(ValueError, match=r"e\+30. held-out rows, and X has 9"):
        check_n_rows(Target("relative", delta=tiny), 9, "X has")


@pytest.mark.parametrize("n_rows", [1, 9, 59])
def test_no_more_rows_are_lost_than_condition_3_allows(n_rows):
    # deltas around every value that matters, as computations leave them
    steps = np.arange(1, n_rows + 2) / (n_rows + 1)
    deltas = np.concatenate(
        [steps, np.nextafter(steps, 0), np.nextafter(steps, 1), 1 - steps]
    )
    for delta in deltas[(deltas > 0) & (deltas < 1)]:
        most = OnAverage(delta).most_allowed(n_rows)
        assert most == -1 or (most + 1) / (n_rows + 1) <= delta
        assert (most + 2) / (n_rows + 1) > delta


@pytest.mark.parametrize("n_rows", [1, 2, 30, 1000])
@pytest.mark.parametrize("confidence", [0.01, 0.9, 0.999999])
def test_binomial_test_by_its_definition(n_rows, confidence):
    n_lost = np.arange(n_rows + 1)
    for delta in (1e-6, 0.1, 0.5, 1 - 1e-9):
        rule = WithConfidence(delta, confidence)
        p_values = binom.cdf(n_lost, n_rows, delta)
        np.testing.assert_allclose(rule.statistic(n_lost, n_rows), p_values, rtol=1e-9)
    deltas = smallest_delta(n_lost, np.full(n_rows + 1, n_rows), confidence)
    assert (np.diff(deltas) > 0).all() and deltas[-1] == 1
    for k, delta in zip(n_lost.tolist(), deltas):
        assert WithConfidence(delta, confidence).allows(k, n_rows)
        if k < n_rows:
            assert not WithConfidence(delta * (1 - 1e-6), confidence).allows(k, n_rows)
