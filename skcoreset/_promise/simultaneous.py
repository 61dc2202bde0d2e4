"""Upper bounds on shares over epsilon that hold for every epsilon at once."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from functools import lru_cache
from math import log, sqrt

import numpy as np
from scipy.optimize import brentq
from scipy.special import betaincinv, gammaln, xlogy

# Of many rows, bounds are computed at this many numbers of rows over epsilon, and the
# others take that of the next larger one.
MOST_LEVELS = 2000

# Chances below this are taken for 0: the band becomes wider by no more than rounding.
NEGLIGIBLE = 1e-18


@lru_cache(maxsize=32)
def upper_shares(n_rows, confidence):
    """Upper bounds on a share, by the number of held-out rows over epsilon.

    With probability at least `confidence` over independent rows, the bounds hold for
    all epsilons at once. Each bound alone has the same chance to fail (equal local
    levels), so that small shares are bounded nearly as well as one share alone is.

    Parameters
    ----------
    n_rows : int
        Held-out rows.

    confidence : float in (0, 1)

    Returns
    -------
    upper : ndarray of shape (n_rows + 1,)
        Read-only. Entry `k` bounds the share over epsilon where `k` rows are.

    References
    ----------
    J. Moscovich, B. Nadler, C. Spiegelman, "On the exact Berk-Jones statistics and
    their p-value calculation", Electronic Journal of Statistics 10(2), 2016.
    """
    n_over = _levels(n_rows)
    alpha = 1 - confidence

    def excess(log_level):
        return 1 - chance_that_all_hold(bounds(np.exp(log_level)), n_rows) - alpha

    def bounds(level):
        # Clopper and Pearson; nothing bounds the share where all rows are over
        upper = betaincinv(n_over + 1, np.maximum(n_rows - n_over, 1), 1 - level)
        return dict(zip(n_over.tolist(), upper.tolist()))

    # between Bonferroni's level and that of a single bound
    ends = log(alpha / len(n_over)), log(alpha)
    level = ends[0]
    if excess(ends[0]) < 0:
        root = brentq(excess, *ends, xtol=1e-6)
        # on the side where the chance is at least the confidence
        level = root if excess(root) <= 0 else root - 2e-6
    found = bounds(np.exp(level))
    upper = np.ones(n_rows + 1)
    next_level = n_over[np.searchsorted(n_over, np.arange(n_rows))]
    upper[:-1] = [found[k] for k in next_level.tolist()]
    upper.flags.writeable = False
    return upper


def _levels(n_rows):
    """Numbers of rows over epsilon at which a bound is computed, below `n_rows`."""
    if n_rows <= MOST_LEVELS:
        return np.arange(n_rows)
    levels = np.geomspace(1, n_rows - 1, MOST_LEVELS).round().astype(int)
    return np.unique(np.append(0, levels))


def chance_that_all_hold(upper, n_rows):
    """Chance that no bound of a band is below the true share.

    The errors' places in their distribution are uniform, and a bound fails if `k` rows
    or fewer are above the place where the true share is the bound.

    Parameters
    ----------
    upper : dict of int to float
        Bounds by the number of rows over epsilon, ascending.

    n_rows : int
        Rows, of continuously distributed errors; atoms make the chance larger only.

    Returns
    -------
    chance : float
    """
    # A Poisson process of n_rows expected points, seen from the largest error down:
    # given n_rows points in all, these are n_rows independent errors. `chances` are
    # those of `fewest`, `fewest` + 1, ... points so far, and no bound has failed.
    chances, fewest, seen = np.ones(1), 0, 0.0
    for n_over, share in upper.items():
        expected = n_rows * (share - seen)
        most = int(expected + 9 * sqrt(expected) + 40)
        increments = _poisson(np.arange(most + 1), expected)
        increments = increments[: np.flatnonzero(increments > NEGLIGIBLE)[-1] + 1]
        chances = np.convolve(chances, increments)
        # as many points or fewer fail, and more than n_rows are not asked about
        start = max(0, n_over + 1 - fewest)
        chances = chances[start : n_rows + 1 - fewest]
        fewest += start
        heavy = np.flatnonzero(chances > NEGLIGIBLE)
        if not len(heavy):
            return 0.0
        chances = chances[heavy[0] : heavy[-1] + 1]
        fewest, seen = fewest + int(heavy[0]), share
    n_left = n_rows - fewest - np.arange(len(chances))
    ends = _poisson(n_left, n_rows * (1 - seen))
    return float(chances @ ends / _poisson(n_rows, n_rows))


def _poisson(counts, expected):
    """Poisson probabilities of some numbers of points."""
    return np.exp(xlogy(counts, expected) - expected - gammaln(counts + 1))
