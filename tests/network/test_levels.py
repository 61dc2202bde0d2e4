"""Levels of weights: the nearest ones, the best step, and exact ones."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skcoreset._network.levels import (
    Rounding,
    best_step,
    levels_of,
    short_float16,
    short_float32,
)


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
    assert_allclose(steps, [0.3, 1.0], rtol=0.05)


def test_odd_multiples_of_short_steps_are_exact_in_float32():
    steps = short_float32(np.random.default_rng(0).random(1000))
    for level in range(1, 256, 2):
        assert_array_equal(np.float32(level) * steps, level * steps.astype(float))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("bits", range(1, 9))
@pytest.mark.parametrize("odd", [False, True])
def test_rounded_weights_are_levels_of_a_step(bits, odd, dtype):
    rng = np.random.default_rng(bits)
    largest = 2 ** (bits - 1)
    for _ in range(20):
        step = dtype(rng.lognormal(sigma=5))
        levels = rng.integers(1, largest + 1, (9, 4)) * rng.choice([-1, 1], (9, 4))
        levels = (2 * levels - np.sign(levels) if odd else levels) * (
            rng.random((9, 4)) < 0.7
        )
        weights = step * levels.astype(dtype)
        found, whole = levels_of(weights)
        assert found.dtype == dtype
        assert_array_equal(found * whole.astype(dtype), weights)
        # No other step has fewer levels.
        assert np.abs(whole).max() <= np.abs(levels).max()


def test_levels_with_a_common_divisor_are_divided_by_it():
    step, levels = levels_of(np.float32(0.3) * np.array([2, -4, 6], np.float32))
    assert_array_equal(levels, [1, -2, 3])
    assert step == np.float32(0.3) * np.float32(2)


def test_levels_are_no_larger_than_asked():
    values = np.arange(1, 301, dtype=np.float32)
    assert levels_of(values) is None
    assert levels_of(values, 299) is None
    step, levels = levels_of(values, 300)
    assert step == 1
    assert_array_equal(levels, values)


def test_zeros_are_levels_of_anything():
    step, levels = levels_of(np.zeros((2, 3), np.float32))
    assert step > 0
    assert_array_equal(levels, np.zeros((2, 3)))


@pytest.mark.parametrize(
    "values",
    [
        np.random.default_rng(0).standard_normal(40),
        np.array([1, np.pi, np.e]),
        np.array([1.0, np.nan]),
        np.array([1.0, np.inf]),
        np.array([1, 1 + 2.0**-20]),
        np.array([1e-300, 1e300]),
    ],
)
def test_values_without_a_common_step_have_no_levels(values):
    assert levels_of(values) is None


def test_smallest_numbers_have_levels():
    tiny = np.float32(1e-45)
    step, levels = levels_of(np.array([tiny, -3 * tiny], np.float32))
    assert step == tiny
    assert_array_equal(levels, [1, -3])
