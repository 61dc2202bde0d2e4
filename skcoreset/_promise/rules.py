"""Rules: how many of the held-out rows may be lost."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import log, log1p

import numpy as np
from scipy.special import betaincc, betainccinv

# Takes the place of a delta whose inverse would overflow.
TINY = 1e-300


@dataclass(frozen=True)
class Rule(ABC):
    """Decides whether `n_lost` of `n_rows` is acceptable, for a share `delta`."""

    delta: float

    @property
    @abstractmethod
    def limit(self):
        """Largest acceptable statistic."""

    @abstractmethod
    def counted(self, errors, errors_before):
        """Return the errors that count, of a network and the one before it on the path.

        Whether rows are lost can take the place of their errors.
        """

    @abstractmethod
    def statistic(self, n_lost, n_rows):
        """Return the number that is compared with the limit."""

    @abstractmethod
    def _solved_for_rows(self):
        """Return the number of rows at which none may be lost, before rounding."""

    def allows(self, n_lost, n_rows):
        """Tell whether `n_lost` of `n_rows` is acceptable."""
        return self.statistic(n_lost, n_rows) <= self.limit

    def most_allowed(self, n_rows):
        """Most rows that may be lost; -1 where `n_rows` are too few for any promise."""
        return int(self.allows(np.arange(n_rows), n_rows).sum()) - 1

    @property
    def n_needed(self):
        """Fewest rows on which anything can be promised."""
        # undo float error: 49.0000000001 must not become 50
        needed = np.ceil(self._solved_for_rows() - 1e-9)
        return int(needed) + (not self.allows(0, needed))


class OnAverage(Rule):
    """Conformal risk control (Angelopoulos et al. 2022).

    The promise is for a new row and the held-out rows together.
    """

    guarantee = "conformal"
    procedure = "conformal risk control"
    needs = "1 / delta - 1"

    @property
    def limit(self):
        return self.delta

    def counted(self, errors, errors_before):
        # A row lost by neither of two networks in turn says nothing about the choice
        # between them; that is all that the promise needs.
        return np.maximum(errors, errors_before)

    def statistic(self, n_lost, n_rows):
        return (n_lost + 1) / (n_rows + 1)

    def _solved_for_rows(self):
        return 1 / max(self.delta, TINY) - 1


@dataclass(frozen=True)
class WithConfidence(Rule):
    """Exact binomial test of the share of rows that one network loses.

    Networks of a path are tested in their order until one fails: fixed-sequence testing
    (Learn then Test, Angelopoulos et al. 2021).
    """

    confidence: float

    guarantee = "test"
    procedure = "exact binomial test"
    needs = "log(1 - confidence) / log(1 - delta)"

    @property
    def limit(self):
        return 1 - self.confidence

    def counted(self, errors, errors_before):
        return errors

    def statistic(self, n_lost, n_rows):
        """Return the p-value: the chance of so few if the share lost were delta."""
        if self.delta == 1:
            # no share is larger
            return np.zeros(np.shape(n_lost))
        n_kept = np.subtract(n_rows, n_lost)
        p_value = betaincc(n_lost + 1, np.maximum(n_kept, 1), self.delta)
        return np.where(n_kept > 0, p_value, 1.0)

    def _solved_for_rows(self):
        return log(self.limit) / log1p(-max(self.delta, TINY))


def smallest_delta(n_lost, n_rows, confidence):
    """Return the smallest delta that passes the binomial test.

    The upper confidence bound of Clopper and Pearson (1934).
    """
    n_kept = n_rows - n_lost
    delta = betainccinv(n_lost + 1, np.maximum(n_kept, 1), 1 - confidence)
    # rounded up, so that the test passes
    return np.where(n_kept > 0, np.minimum(delta * (1 + 1e-9), 1), 1.0)
