"""Evidence that a share of lost rows is larger than was promised: an e-process."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from math import inf, log, log1p

import numpy as np
from scipy.special import expit, log_expit, logsumexp

# A mixture starts at every so many rows: a change is judged by the rows after it.
ROWS_BETWEEN_STARTS = 100

# The prior of the alternatives is a beta distribution of this first shape, truncated to
# shares above delta. Its mean has twice the odds of delta: a doubled share is noticed
# soonest.
SHAPE, ODDS_RATIO = 2.0, 2.0

# Alternatives, evenly spaced in the logit of their place between delta and 1, stand
# for the integral over all: finer ones change no log E-value below 20 by more than
# 0.001.
LOGITS = np.linspace(-20, 8, 160)


class Mixture:
    """Likelihood ratios of shares above `delta` against `delta`, and their weights.

    Parameters
    ----------
    delta : float in (0, 1)

    Attributes
    ----------
    log_prior : ndarray of shape (n_alternatives,)
        Log-weights of the alternatives, which add up to 1.
    """

    def __init__(self, delta):
        place, log_rest = expit(LOGITS), log_expit(-LOGITS)
        shares = delta + (1 - delta) * place
        self._if_lost = np.log(shares / delta)
        # log((1 - shares) / (1 - delta))
        self._if_kept = log_rest
        b = SHAPE * (1 - delta) / (ODDS_RATIO * delta)
        # The density of the beta distribution, times how far apart the shares are.
        log_prior = (SHAPE - 1) * np.log(shares) + b * log_rest + np.log(place)
        self.log_prior = log_prior - logsumexp(log_prior)

    def log_ratios(self, n_rows, n_lost):
        """Log-likelihood ratios after some rows, (n_samples, n_alternatives).

        Parameters
        ----------
        n_rows, n_lost : ndarrays of int of shape (n_samples,)
        """
        n_lost, n_kept = n_lost[:, np.newaxis], (n_rows - n_lost)[:, np.newaxis]
        return n_lost * self._if_lost + n_kept * self._if_kept


class Evidence:
    """Evidence against "each row is lost with probability at most `delta`".

    A mixture of likelihood ratios of larger shares against `delta` is a supermartingale
    that starts at 1 if the claim is true. So is a sum of such mixtures that start at
    rows fixed in advance, with weights that add up to 1: it reaches ``1 / alpha`` with
    probability at most ``alpha``, ever (Ville's inequality).

    Parameters
    ----------
    delta : float in (0, 1)

    Attributes
    ----------
    n_rows, n_lost : int
        Rows seen, and how many of them were lost.

    log_e : float
        Logarithm of the E-value after the last row.
    """

    def __init__(self, delta):
        self.delta = delta
        self.n_rows = self.n_lost = 0
        self.log_e = 0.0
        self._mixture = Mixture(delta)
        # Log-weight of each alternative at the last start, of all mixtures together.
        self._weights = np.full(len(LOGITS), -inf)
        self._n_starts = self._lost_at_start = 0

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
            since = self.n_rows % ROWS_BETWEEN_STARTS
            if since == 0:
                self._start()
            block = lost[n_done : n_done + ROWS_BETWEEN_STARTS - since]
            n_rows = since + np.arange(1, len(block) + 1)
            n_lost = self.n_lost - self._lost_at_start + np.cumsum(block)
            started = self._weights + self._mixture.log_ratios(n_rows, n_lost)
            # What has not started counts as 1.
            waiting = np.full((len(block), 1), log(_waiting(self._n_starts)))
            log_e[n_done : n_done + len(block)] = logsumexp(
                np.hstack([started, waiting]), axis=1
            )
            self.n_rows += len(block)
            self.n_lost += int(block.sum())
            n_done += len(block)
            self.log_e = float(log_e[n_done - 1])
        return log_e

    def _start(self):
        """Start a mixture at this row."""
        if self._n_starts:
            n_lost = self.n_lost - self._lost_at_start
            counts = np.array([ROWS_BETWEEN_STARTS]), np.array([n_lost])
            self._weights = self._weights + self._mixture.log_ratios(*counts)[0]
        weight = _waiting(self._n_starts) - _waiting(self._n_starts + 1)
        new = log(weight) + self._mixture.log_prior
        self._weights = np.logaddexp(self._weights, new)
        self._n_starts += 1
        self._lost_at_start = self.n_lost

    def get_state(self):
        """Return what the next update depends on, as JSON can hold it."""
        return {
            "delta": self.delta,
            "n_rows": self.n_rows,
            "n_lost": self.n_lost,
            "log_e": self.log_e,
            "n_starts": self._n_starts,
            "lost_at_start": self._lost_at_start,
            # Before the first row they are infinite, which is no JSON.
            "log_weights": self._weights.tolist() if self._n_starts else [],
        }

    @classmethod
    def from_state(cls, state):
        """Return the evidence that goes on from a state."""
        evidence = cls(state["delta"])
        evidence.n_rows, evidence.n_lost = state["n_rows"], state["n_lost"]
        evidence.log_e = state["log_e"]
        evidence._n_starts = state["n_starts"]
        evidence._lost_at_start = state["lost_at_start"]
        if evidence._n_starts:
            evidence._weights = np.array(state["log_weights"])
        return evidence


def _waiting(n_starts):
    """Weight of the mixtures that have not started; falls slowly, for late changes."""
    return 1 / (1 + log1p(n_starts))
