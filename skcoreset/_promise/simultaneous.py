"""Upper bounds on shares over epsilon that hold for many networks and every epsilon."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass, replace
from functools import lru_cache
from math import inf, log, sqrt

import numpy as np
from scipy.optimize import brentq
from scipy.special import betaincinv, gammaln, xlogy

from .judge import HeldOutRows
from .rules import smallest_delta
from .target import Target

# Of many rows, bounds are computed at this many numbers of rows over epsilon, and the
# others take that of the next larger one.
MOST_LEVELS = 2000

# Chances below this are taken for 0: the band becomes wider by no more than rounding.
NEGLIGIBLE = 1e-18


@dataclass(frozen=True, eq=False)
class SimultaneousBounds:
    """Upper bounds on the shares of lost rows, of several networks at once.

    With the confidence of the target all bounds hold together.

    Parameters
    ----------
    rows : HeldOutRows

    target : Target
        With a confidence.

    n_networks : int
        Networks that there are bounds for, fixed before the rows are seen.
    """

    rows: HeldOutRows
    target: Target
    n_networks: int

    @property
    def confidence(self):
        """Confidence of the bounds of one network and one group of rows."""
        n_groups = np.count_nonzero(self.rows.sizes)
        return 1 - (1 - self.target.confidence) / (self.n_networks * n_groups)

    def upper(self, n_rows):
        """Return the bounds on one group of rows, by the number of lost ones."""
        if self.target.kind.counts_rows:
            # one share, and no epsilon
            return smallest_delta(np.arange(n_rows + 1), n_rows, self.confidence)
        return upper_shares(n_rows, self.confidence)

    def upper_share(self, lost):
        """Return the bound of a network by its lost rows; the largest of a group."""
        n_lost, sizes = self.rows.counts(lost)
        return float(max(self.upper(n)[k] for k, n in zip(n_lost, sizes)))

    def smallest_epsilon(self, errors, delta):
        """Return the smallest epsilon with at most a share `delta` over it.

        Parameters
        ----------
        errors : ndarray of shape (n_samples,)
            Of one network.

        delta : float

        Returns
        -------
        epsilon : float
            Infinite if there is none.
        """
        n_most = int((self.upper(len(errors)) <= delta).sum()) - 1
        return float(np.sort(errors)[-1 - n_most]) if n_most >= 0 else inf

    def check_n_rows(self):
        """Refuse too few rows to promise the target's delta of any network."""
        smallest = int(self.rows.sizes[self.rows.sizes > 0].min())
        delta = self.target.delta
        if self.upper(smallest)[0] <= delta:
            return
        few, many = smallest, 2 * smallest
        while self.upper(many)[0] > delta:
            few, many = many, 2 * many
        while many - few > 1:
            middle = (few + many) // 2
            few, many = (
                (few, middle) if self.upper(middle)[0] <= delta else (middle, many)
            )
        of_class = " of every class" if self.target.kind.by_class else ""
        raise ValueError(
            f"delta={delta!r} can be promised of {self.n_networks} networks at once, "
            f"with confidence {self.target.confidence:.4g}, on at least {many} held-out"
            f" rows{of_class}, and there are {smallest}: {many - smallest} are missing."
            " Give more held-out rows, fewer networks or a larger delta."
        )


@dataclass(frozen=True, eq=False, repr=False)
class PathPromises:
    """What is promised of every network of a path, at every epsilon, at once.

    From :func:`path_promises`. Look at all of it before you choose: with the stated
    confidence, no bound is below the true share.

    Parameters
    ----------
    estimators : list of fitted estimators
        The networks, from dense to sparse, wrapped as the original was.

    density : ndarray of shape (n_networks,)
        Shares of the edges that they keep.

    errors : ndarray of shape (n_networks, n_val)
        Error of every held-out row.

    bounds : SimultaneousBounds
        Upper bounds on the shares of lost rows.

    about : dict
        `out_activation`, `n_outputs` and `scale` of the original.

    provenances : list of Provenance
        Digests of each network and of the rows.

    See Also
    --------
    path_promises : Makes one.
    PathPromisesDisplay : Draws it.
    """

    estimators: list
    density: np.ndarray
    errors: np.ndarray
    bounds: SimultaneousBounds
    about: dict
    provenances: list

    def __repr__(self):
        n_networks, n_rows = self.errors.shape
        return (
            f"PathPromises: {n_networks} networks of density {self.density[0]:.4g} to "
            f"{self.density[-1]:.4g}, {n_rows:,} held-out rows, "
            f"confidence={self.confidence!r}"
        )

    @property
    def confidence(self):
        """Confidence that all bounds hold together."""
        return self.bounds.target.confidence

    def share_over(self, epsilon=None):
        """Return the shares of held-out rows that are lost.

        Parameters
        ----------
        epsilon : float, default=None
            None is that of the compressor. It must be None if the error counts rows.

        Returns
        -------
        share : ndarray of shape (n_networks,)
        """
        return self._lost(epsilon).mean(axis=1)

    def upper_share(self, epsilon=None):
        """Return upper bounds on the shares of new rows that are lost.

        Parameters
        ----------
        epsilon : float, default=None
            As in :meth:`share_over`.

        Returns
        -------
        upper : ndarray of shape (n_networks,)
            If each class is counted by itself, of the worst class.
        """
        return np.array([self.bounds.upper_share(lost) for lost in self._lost(epsilon)])

    def smallest_epsilon(self, delta=None):
        """Return the smallest epsilons that can be promised.

        Parameters
        ----------
        delta : float, default=None
            Share of new rows that may be lost. None is that of the compressor.

        Returns
        -------
        epsilon : ndarray of shape (n_networks,)
            Infinite where none can be.

        Raises
        ------
        ValueError
            If the error counts rows.
        """
        target = self.bounds.target
        if target.kind.counts_rows:
            raise ValueError(f"error={target.error!r} counts rows: it has no epsilon.")
        delta = target.delta if delta is None else delta
        return np.array([self.bounds.smallest_epsilon(e, delta) for e in self.errors])

    def choose(self, *, epsilon=None, delta=None):
        """Return the sparsest network that loses few enough rows, and its certificate.

        Look at the bounds as often as you like before: the certificate holds for any
        choice.

        Parameters
        ----------
        epsilon : float, default=None
            As in :meth:`share_over`.

        delta : float, default=None
            Share of new rows that may be lost. None is that of the compressor.

        Returns
        -------
        estimator : fitted estimator
            An MLP, or a Pipeline that ends in one.

        certificate : Certificate

        Raises
        ------
        ValueError
            If no network can be promised; the message says what the best one reaches.
        """
        target = self.bounds.target
        delta = target.delta if delta is None else delta
        upper = self.upper_share(epsilon)
        passing = np.flatnonzero(upper <= delta)
        if not len(passing):
            best = upper.min()
            raise ValueError(
                f"delta={delta:.4g} cannot be promised of any of these networks; "
                f"{best:.4g} can, of one of density {self.density[upper.argmin()]:.4g}."
            )
        chosen = passing[-1]
        if not target.kind.counts_rows:
            epsilon = target.epsilon if epsilon is None else epsilon
        certificate = self.bounds.rows.certificate(
            self.errors[chosen],
            replace(target, epsilon=epsilon, delta=delta),
            guarantee="simultaneous",
            statistic=float(upper[chosen]),
            provenance=self.provenances[chosen],
            n_networks=self.bounds.n_networks,
            **self.about,
        )
        return self.estimators[chosen], certificate

    def _lost(self, epsilon):
        target = self.bounds.target
        if target.kind.counts_rows and epsilon is not None:
            raise ValueError(
                f"epsilon={epsilon!r} plays no part in error={target.error!r}, which "
                "counts rows: leave it out."
            )
        if epsilon is not None:
            target = replace(target, epsilon=epsilon)
        return target.lost(self.errors)


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
    log_level = brentq(
        excess, log(alpha / len(n_over)) - 1e-6, log(alpha) + 1e-6, xtol=1e-7
    )
    # on the side where the chance is at least the confidence
    found = bounds(np.exp(log_level - 1e-6))
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
