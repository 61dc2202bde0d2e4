"""Rounding of weights to few levels."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass

import numpy as np

from .._codec import coarse

# Ratio of neighbouring candidates for the step between levels, and how many are tried.
STEP_RATIO = 2 ** (-1 / 8)
N_CANDIDATES = 40


@dataclass(frozen=True, eq=False)
class Rounding:
    """Projection to whole multiples of a step, up to `n_levels` times it.

    Parameters
    ----------
    steps : ndarray
        One for each layer, or for each parameter.

    n_levels : int
        In either direction, 0 not counted.
    """

    steps: np.ndarray
    n_levels: int

    def __getitem__(self, part):
        return Rounding(self.steps[part], self.n_levels)

    def repeated(self, sizes):
        """The rounding of layers as that of each of their parameters."""
        return Rounding(np.repeat(self.steps, sizes), self.n_levels)

    def round(self, theta):
        steps = np.asarray(self.steps, theta.dtype)
        return steps * self.levels(theta)

    def levels(self, theta):
        steps = np.asarray(self.steps, theta.dtype)
        return np.clip(np.rint(theta / steps), -self.n_levels, self.n_levels)

    def clip(self, theta):
        """Keep weights, in place, where a small change can still round them inwards."""
        limit = (self.n_levels + 0.499) * np.asarray(self.steps, theta.dtype)
        np.clip(theta, -limit, limit, out=theta)


def best_step(layer, importance, n_levels):
    """Step with the smallest rounding error where it matters, one that has a code.

    Parameters
    ----------
    layer, importance : ndarrays of one shape
        Parameters, 0 where there is none, and what it costs to lose them.

    n_levels : int

    Returns
    -------
    step : float16
    """
    kept = layer != 0
    weights = layer[kept].astype(float)
    curvature = importance[kept] / weights**2
    largest = np.abs(weights).max(initial=2.0**-10)
    candidates = largest / n_levels * STEP_RATIO ** np.arange(N_CANDIDATES)
    # where float16 is neither 0 nor infinite after rounding
    candidates = coarse(candidates.clip(2.0**-14, 2.0**15))
    errors = [
        curvature @ (weights - Rounding(step, n_levels).round(weights)) ** 2
        for step in candidates
    ]
    return candidates[np.argmin(errors)]
