"""Rounding of weights to few levels."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skcoreset._training import Rounding
from skcoreset._training.rounding import best_step, short_float16, short_float32


def test_rounding_is_to_the_nearest_level_within_reach():
    rounding = Rounding(np.array([0.5, 2.0]), n_levels=2)
    theta = np.array([0.8, -7.0])
    assert_array_equal(rounding.levels(theta), [2, -2])
    assert_array_equal(rounding.round(theta), [1.0, -4.0])
    rounding.clip(theta)
    assert_array_equal(rounding.round(theta), [1.0, -4.0])
    assert -5 < theta[1] < -4


def test_odd_multiples_leave_out_zero():
    rounding = Rounding(np.array([1.0, 1.0, 1.0, 0.0]), 2, odd=True, intercepts=False)
    theta = np.array([0.1, -1.9, 9.0, 0.3])
    assert_array_equal(rounding.round(theta), [1, -1, 3, 0.3])
    rounding.clip(theta)
    assert_array_equal(theta[[0, 1, 3]], [0.1, -1.9, 0.3])
    assert 3 < theta[2] < 4


def test_parameters_have_the_steps_of_their_layers_and_units():
    rounding = Rounding(np.array([0.5, 2.0]), n_levels=2, intercepts=False)
    weights = np.array([True, True, False])
    parameters = rounding.of_parameters([(weights, 1.0), (weights, np.arange(1, 4))])
    assert_array_equal(parameters.steps, [0.5, 0.5, 0, 2, 1, 0])
    assert_array_equal(parameters[3:5].levels(np.array([3.0, 3.0])), [2, 2])


@pytest.mark.parametrize("representable", [short_float16, short_float32])
def test_step_of_exact_levels_is_found(representable):
    weights = np.array([0.25, -0.5, 0.5])
    assert best_step(weights, 2, representable) == 0.25


def test_step_is_chosen_where_errors_count():
    weights = np.array([0.3, -1.0])
    steps = [
        best_step(weights, 1, short_float32, curvature=np.array(curvature))
        for curvature in ([1.0, 0.0], [0.0, 1.0])
    ]
    np.testing.assert_allclose(steps, [0.3, 1.0], rtol=0.05)


def test_odd_multiples_of_short_steps_are_exact_in_float32():
    steps = short_float32(np.random.default_rng(0).random(1000))
    for level in range(1, 256, 2):
        assert_array_equal(np.float32(level) * steps, level * steps.astype(float))
