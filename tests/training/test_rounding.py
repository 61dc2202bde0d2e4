"""Rounding of weights to few levels."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from numpy.testing import assert_array_equal

from skcoreset._training import Rounding
from skcoreset._training._rounding import best_step


def test_rounding_is_to_the_nearest_level_within_reach():
    rounding = Rounding(np.array([0.5, 2.0]), n_levels=2)
    theta = np.array([0.8, -7.0])
    assert_array_equal(rounding.levels(theta), [2, -2])
    assert_array_equal(rounding.round(theta), [1.0, -4.0])
    rounding.clip(theta)
    assert_array_equal(rounding.round(theta), [1.0, -4.0])
    assert -5 < theta[1] < -4


def test_step_of_exact_levels_is_found():
    layer = np.array([[0.25, -0.5], [0.0, 0.5]])
    step = best_step(layer, np.ones((2, 2)) * layer**2, n_levels=2)
    assert step == 0.25
    assert step.dtype == np.float16
