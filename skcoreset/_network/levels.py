"""Weights as whole levels times a step: the nearest levels, and the best step."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass, replace

import numpy as np

# Candidates for a step: their number, and the ratio of neighbouring ones.
N_CANDIDATES, CANDIDATE_RATIO = 48, 2 ** (-1 / 8)


@dataclass(frozen=True, eq=False)
class Rounding:
    """Projection to whole multiples of a step, at most `n_levels` in each direction.

    Parameters
    ----------
    steps : ndarray
        One for each layer, or one for each parameter. A parameter with step 0 is left
        as it is.

    n_levels : int or ndarray of the shape of `steps`
        In each direction; 0 is not counted.

    odd : bool, default=False
        Whether only odd multiples are allowed: then 0 is not, and neighbouring levels
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
            For the parameters of each layer: which of them are weights, and the scale
            of the units that they are in.
        """
        steps = [
            np.where(is_weight | self.intercepts, step / scale, 0)
            for step, (is_weight, scale) in zip(self.steps, layers)
        ]
        n_levels = self.n_levels
        if np.ndim(n_levels):
            n_levels = np.repeat(n_levels, [len(part) for part in steps])
        return replace(self, steps=np.concatenate(steps), n_levels=n_levels)

    @property
    def _largest(self):
        return 2 * self.n_levels - 1 if self.odd else self.n_levels

    def levels(self, theta):
        """Return the nearest levels; they are undefined where the step is 0."""
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
        """Keep weights, in place, just inside the outermost rounding interval.

        From there a small change can still take them to a smaller level.
        """
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
        `short_float16` or `short_float32`: rounds candidates, in float64, to steps of
        that type.

    curvature : float or ndarray of shape (n_weights,), default=1.0
        Weights of the squared errors.

    odd : bool, default=False
        As in :class:`Rounding`.
    """
    weights = weights.astype(np.float64)
    largest = np.abs(weights).max(initial=2.0**-10)
    candidates = (
        largest
        / (2 * n_levels if odd else n_levels)
        * CANDIDATE_RATIO ** np.arange(N_CANDIDATES)
    )
    candidates = representable(candidates)
    errors = []
    for step in candidates:
        rounded = Rounding(np.float64(step), n_levels, odd).round(weights)
        errors.append(np.sum(curvature * (weights - rounded) ** 2))
    return candidates[np.argmin(errors)]


def short_float16(steps):
    """Round steps to normal float16 numbers with 2 of the 10 bits of mantissa."""
    bits = np.asarray(steps).clip(2.0**-14, 2.0**15).astype(np.float16).view(np.uint16)
    return ((bits + 0x80) & 0xFF00).astype(np.uint16).view(np.float16)


def short_float32(steps):
    """Round steps to float32 with 16 bits of mantissa: 255 times them is exact."""
    bits = steps.astype(np.float32).view(np.uint32)
    return ((bits + 0x80) & 0xFFFFFF00).astype(np.uint32).view(np.float32)


def round_to_bits(values, bits):
    """Round to multiples of a power of two that are signed integers of some bits."""
    largest = float(np.abs(values).max())
    if not largest:
        return values
    step = 2.0 ** np.ceil(np.log2(largest / (2 ** (bits - 1) - 1)))
    return (np.rint(values / step) * step).astype(values.dtype)


def levels_of(values, largest=255):
    """Write numbers exactly as whole multiples of one step, if there is one.

    Parameters
    ----------
    values : ndarray, dtype float32 or float64

    largest : int, default=255
        Largest level, in each direction.

    Returns
    -------
    step : float32 or float64
        Of the dtype of `values`; positive. The largest step that is possible.

    levels : ndarray of int32, of the shape of `values`
        ``step * levels.astype(values.dtype)`` are `values` to the bit, except for the
        sign of zeros. None is returned instead of the pair if there is no such step.
    """
    dtype = values.dtype.type
    magnitudes = np.unique(np.abs(values))
    magnitudes = magnitudes[magnitudes > 0][::-1]
    if not len(magnitudes):
        return dtype(1), np.zeros(values.shape, np.int32)
    if len(magnitudes) > largest or not np.isfinite(values).all():
        return None

    # Levels that the largest magnitude may have if all others are whole as well.
    tops = np.arange(1, largest + 1)
    precision = 4 * np.finfo(dtype).eps
    for magnitude in magnitudes.astype(float):
        multiples = magnitude / float(magnitudes[0]) * tops
        off = np.abs(multiples - np.rint(multiples))
        tops = tops[(off <= precision * multiples) & (multiples > 0.5)]
    for top in tops:
        # The rounding of the largest one hides the step by up to two units in the last
        # place.
        middle = magnitudes[0] / dtype(top)
        steps = middle + np.arange(-2, 3).astype(dtype) * np.spacing(middle)
        for step in steps[steps > 0]:
            with np.errstate(all="ignore"):
                levels = np.rint(values / step)
                exact = np.array_equal(step * levels, values)
            if exact and np.abs(levels).max() == top:
                return step, levels.astype(np.int32)
    return None
