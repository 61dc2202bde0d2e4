"""Evidence that a share of lost rows is larger than was promised: an e-process."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from math import inf, log, log1p

import numpy as np
from scipy.special import logsumexp

# Rows between two starts: a change is judged mostly by rows that came after it.
ROWS_BETWEEN_STARTS = 100

# Shape of the beta distribution of the alternatives: their mean has odds that are
# twice those of delta, so that a doubled share is noticed soonest.
SHAPE, ODDS_RATIO = 2.0, 2.0

# Alternatives, log-spaced in their distance from delta: the sum over them is within a
# thousandth of the integral unless the evidence is overwhelming anyway.
N_ALTERNATIVES, NEAREST = 64, 1e-6


class Evidence:
    """Evidence against "each row is lost with probability at most `delta`".

    A mixture of likelihood ratios of larger shares against `delta` is a supermartingale
    that starts at 1 if the claim is true, and so is a sum of such mixtures that start
    at rows fixed in advance, with weights that add up to 1: it reaches ``1 / alpha``
    with probability at most ``alpha``, ever (Ville's inequality).

    Parameters
    ----------
    delta : float in (0, 1)

    Attributes
    ----------
    n_rows, n_lost : int
        Rows seen, and how many of them were lost.
    """

    def __init__(self, delta):
        self.delta = delta
        self.n_rows = self.n_lost = 0
        distances = np.linspace(log(NEAREST), 0, N_ALTERNATIVES, endpoint=False)
        shares = delta + (1 - delta) * np.exp(distances)
        self._if_lost = np.log(shares / delta)
        self._if_kept = np.log1p(-shares) - log1p(-delta)
        # The density of the beta distribution; `distances` are on a log scale.
        b = SHAPE * (1 - delta) / (ODDS_RATIO * delta)
        prior = (SHAPE - 1) * np.log(shares) + (b - 1) * np.log1p(-shares) + distances
        self._prior = prior - logsumexp(prior)
        # Log-weight of each alternative, all starts together, at the last start.
        self._weights = np.full(N_ALTERNATIVES, -inf)
        self._n_at_start = self._lost_at_start = 0

    def update(self, lost):
        """Take more rows, and return the log E-value after each of them.

        Parameters
        ----------
        lost : ndarray of bool of shape (n_samples,)
            In the order of arrival.

        Returns
        -------
        log_e : ndarray of shape (n_samples,)
            The same however rows are divided between calls.
        """
        log_e, n_done = np.empty(len(lost)), 0
        while n_done < len(lost):
            if self.n_rows % ROWS_BETWEEN_STARTS == 0:
                self._start()
            n_left = ROWS_BETWEEN_STARTS - self.n_rows % ROWS_BETWEEN_STARTS
            block = lost[n_done : n_done + n_left]
            n_lost = self.n_lost + np.cumsum(block)
            n_rows = self.n_rows + np.arange(1, len(block) + 1)
            weights = self._weights + self._ratios(n_rows, n_lost)
            # What has not started counts as 1.
            waiting = np.full((len(block), 1), log(_waiting(self._n_starts)))
            log_e[n_done : n_done + len(block)] = logsumexp(
                np.hstack([weights, waiting]), axis=1
            )
            self.n_rows, self.n_lost = int(n_rows[-1]), int(n_lost[-1])
            n_done += len(block)
        return log_e

    @property
    def _n_starts(self):
        return self._n_at_start // ROWS_BETWEEN_STARTS + 1

    def _ratios(self, n_rows, n_lost):
        """Log-likelihood ratios since the last start, (n_samples, n_alternatives)."""
        n_lost = np.atleast_1d(n_lost - self._lost_at_start)[:, np.newaxis]
        n_kept = np.atleast_1d(n_rows - self._n_at_start)[:, np.newaxis] - n_lost
        return n_lost * self._if_lost + n_kept * self._if_kept

    def _start(self):
        """Start a mixture at this row."""
        weights = self._weights + self._ratios(self.n_rows, self.n_lost)[0]
        self._n_at_start, self._lost_at_start = self.n_rows, self.n_lost
        weight = _waiting(self._n_starts - 1) - _waiting(self._n_starts)
        self._weights = np.logaddexp(weights, log(weight) + self._prior)

    def get_state(self):
        """Return all that the next update depends on, as what JSON can hold."""
        return {
            "delta": self.delta,
            "n_rows": self.n_rows,
            "n_lost": self.n_lost,
            "n_at_start": self._n_at_start,
            "lost_at_start": self._lost_at_start,
            # before the first row there are none, and JSON has no infinity
            "log_weights": self._weights.tolist() if self.n_rows else [],
        }

    @classmethod
    def from_state(cls, state):
        """Return the evidence whose state this is."""
        evidence = cls(state["delta"])
        evidence.n_rows, evidence.n_lost = state["n_rows"], state["n_lost"]
        evidence._n_at_start = state["n_at_start"]
        evidence._lost_at_start = state["lost_at_start"]
        if evidence.n_rows:
            evidence._weights = np.array(state["log_weights"])
        return evidence


def _waiting(n_starts):
    """Weight of all mixtures after these: falls slowly, for late changes."""
    return 1 / (1 + log1p(n_starts))
