"""Rounding of weights to few levels."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass, replace

import numpy as np

from .._codec import round_steps

# Ratio of neighbouring candidates for the step between levels, and how many are tried.
STEP_RATIO = 2 ** (-1 / 8)
N_CANDIDATES = 48


@dataclass(frozen=True, eq=False)
class Rounding:
    """Projection to whole multiples of a step: `n_levels` in either direction.

    Parameters
    ----------
    steps : ndarray
        One for each layer, or for each parameter. A parameter whose step is 0 is left
        as it is.

    n_levels : int or ndarray of the shape of `steps`
        In either direction, 0 not counted.

    odd : bool, default=False
        Whether only odd multiples are taken: then 0 is none, and neighbouring levels
        are equally far apart.

    intercepts : bool, default=True
        Whether intercepts are rounded, too.
    """

    steps: np.ndarray
    n_levels: int
    odd: bool = False
    intercepts: bool = True

    def __getitem__(self, part):
        n_levels = self.n_levels[part] if np.ndim(self.n_levels) else self.n_levels
        return replace(self, steps=self.steps[part], n_levels=n_levels)

    def of_parameters(self, layers):
        """Return the rounding of single parameters.

        Parameters
        ----------
        layers : list of pairs of ndarrays
            Of the parameters of each layer: which are weights, and the scale of the
            units that they are in.
        """
        steps = [
            np.where(is_weight | self.intercepts, step / scale, 0)
            for step, (is_weight, scale) in zip(self.steps, layers)
        ]
        n_levels = self.n_levels
        if np.ndim(n_levels):
            n_levels = np.repeat(n_levels, [len(part) for part in steps])
        return replace(self, steps=np.concatenate(steps), n_levels=n_levels)

    def scaled(self, factors):
        """Return the rounding with each step multiplied by a factor."""
        return replace(self, steps=self.steps * factors)

    def representable(self, representable):
        """Return the rounding with steps that may be taken, from any."""
        return replace(self, steps=representable(self.steps))

    @property
    def _largest(self):
        return 2 * self.n_levels - 1 if self.odd else self.n_levels

    def levels(self, theta):
        """Return the nearest levels; what they are where the step is 0 is left open."""
        steps = np.asarray(self.steps, theta.dtype)
        with np.errstate(divide="ignore", invalid="ignore"):
            levels = theta / steps
        levels = 2 * np.floor(levels / 2) + 1 if self.odd else np.rint(levels)
        return np.clip(levels, -self._largest, self._largest, out=levels)

    def round(self, theta):
        """Return the nearest multiples of the steps."""
        steps = np.asarray(self.steps, theta.dtype)
        rounded = steps * self.levels(theta)
        return rounded if self.intercepts else np.where(steps > 0, rounded, theta)

    def clip(self, theta):
        """Keep weights, in place, where a small change can still round them inwards."""
        limit = (self._largest + 0.499) * np.asarray(self.steps, theta.dtype)
        if not self.intercepts:
            limit[limit == 0] = np.inf
        np.clip(theta, -limit, limit, out=theta)


def best_step(weights, n_levels, representable, *, curvature=1.0, odd=False):
    """Return the step with the smallest squared rounding error.

    Parameters
    ----------
    weights : ndarray of shape (n_weights,)

    n_levels : int

    representable : callable
        Rounds candidates, in float64, to steps that may be taken.

    curvature : float or ndarray of shape (n_weights,), default=1.0
        What the squared error of each weight counts.

    odd : bool, default=False
        As in :class:`Rounding`.
    """
    weights = weights.astype(np.float64)
    largest = np.abs(weights).max(initial=2.0**-10)
    candidates = (
        largest
        / (2 * n_levels if odd else n_levels)
        * STEP_RATIO ** np.arange(N_CANDIDATES)
    )
    candidates = representable(candidates)
    errors = []
    for step in candidates:
        rounded = Rounding(np.float64(step), n_levels, odd).round(weights)
        errors.append(np.sum(curvature * (weights - rounded) ** 2))
    return candidates[np.argmin(errors)]


def short_float16(steps):
    """Round steps to those that have codes, and are neither 0 nor infinite."""
    return round_steps(steps.clip(2.0**-14, 2.0**15))


def short_float32(steps):
    """Round steps to float32 of 16 bits of mantissa: 255 times them is exact."""
    bits = steps.astype(np.float32).view(np.uint32)
    return ((bits + 0x80) & 0xFFFFFF00).astype(np.uint32).view(np.float32)
