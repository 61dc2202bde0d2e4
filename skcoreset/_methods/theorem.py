"""The theorem of CoreNet: its constants and sample sizes."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass
from math import ceil, log, sqrt

import numpy as np


@dataclass(frozen=True)
class Theorem:
    """The constants of CoreNet (Baykal et al. 2019, Algorithm 1 and Theorem 4).

    Parameters
    ----------
    widths : tuple of int
        Neurons of each layer past the input.

    delta : float
        Failure probability.

    both_signs : bool
        Whether activations have both signs. Then two more half-sums of each neuron
        have to be close: 16 in place of 8 inside the logarithms.
    """

    widths: tuple
    delta: float = 0.1
    both_signs: bool = False

    @property
    def _events(self):
        return 16 if self.both_signs else 8

    @property
    def _log_edges(self):
        # A network of one neuron has a logarithm of 0, which would ask for nothing.
        return max(log(sum(self.widths) * max(self.widths)), 1.0)

    @property
    def _log_events(self):
        return log(self._events) - log(self.delta) + self._log_edges

    def _log_failures(self, n_events):
        """Logarithm of how rarely each of `n_events` events of a neuron may fail."""
        return log(n_events * sum(self.widths)) - log(self.delta)

    @property
    def n_points(self):
        """Calibration points, `|S|`."""
        return ceil(self._log_events * self._log_edges)

    @property
    def kappa(self):
        """What `Delta` adds to the mean over the calibration points."""
        # lambda = log(eta eta_star) / 2
        return sqrt(self._log_edges) * (1 + sqrt(self._log_edges) * self._log_events)

    def errors(self, bounds, epsilon):
        """Error allowed to each layer, `eps_l`, from the `neuron_bounds`."""
        later = np.cumprod((np.asarray(bounds) + self.kappa)[::-1])[::-1]
        return epsilon / (2 * len(self.widths)) / later

    def sample_sizes(self, sums, errors, amplified=False):
        """Draws from groups of sensitivity `sums` that are allowed `errors`.

        Parameters
        ----------
        sums : ndarray
            Sum of the sensitivities of each group.

        errors : ndarray
            `eps_l` of the layer of each group.

        amplified : bool, default=False
            Whether the best of many coresets is taken, so that one alone need succeed
            with constant probability only (9/10).

        Returns
        -------
        sizes : ndarray of float64
            May be infinite.
        """
        log_failures = (
            log(10 * self._events) if amplified else self._log_failures(self._events)
        )
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            sizes = 8 * sums * self._log_edges * log_failures / errors**2
        return np.where(sums > 0, np.ceil(sizes), 0)

    @property
    def n_candidates(self):
        """Coresets of each neuron that CoreNet++ takes the best of, `tau`."""
        return ceil(self._log_failures(self._events / 2) / log(10 / 9))

    @property
    def n_comparison_points(self):
        """Points that CoreNet++ compares them on."""
        return ceil(8 * self._log_failures(self._events * self.n_candidates))


def theorem_of(network, X, delta=0.1):
    """Return the `Theorem` for a network and its inputs."""
    both_signs = X.min() < 0 or (
        len(network.widths) > 1 and network.activation in ("tanh", "identity")
    )
    return Theorem(network.widths, delta, bool(both_signs))
