"""Calibration rows: most are trained on; pilot rows say where a path begins.

No unfinished network is trained on pilot rows. They are not the held-out rows, which
judge.
"""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .._network import Network

# 20% of the calibration rows are pilot rows, at least 50 and at most 1,000, but no more
# than a quarter; of every class if each is counted by itself.
SHARE, N_LEAST, N_MOST = 0.2, 50, 1000


@dataclass(frozen=True, eq=False)
class Pilot:
    """Pilot rows, and the errors of networks on them.

    Parameters
    ----------
    network : Network
        The original.

    X : {ndarray, csr_array} of shape (n_pilot, n_features)

    groups : ndarray of int of shape (n_pilot,)
        Class that the original predicts, if each class is counted by itself; else 0.

    error : Error

    scale : ndarray of shape (n_outputs,) or None
        Standard deviations of the original's outputs on all calibration rows.
    """

    network: Network
    X: object
    groups: np.ndarray
    error: object
    scale: np.ndarray | None

    def errors(self, compressed):
        """Error of every pilot row."""
        F = self.network.forward(self.X)
        F_hat = compressed.forward(self.X)
        return self.error.measure(F_hat, F, self.network.out_activation, self.scale)


@dataclass(frozen=True, eq=False)
class Calibration:
    """What a family of networks is made with.

    Parameters
    ----------
    X : {ndarray, csr_array} of shape (n_samples, n_features)
        Calibration rows that may be trained on.

    pilot : Pilot or None
        None if the networks are not trained, or only one of them is asked for.

    memory : callable
        A `Store`, or `compute`.

    rng : numpy.random.Generator

    thread_map : callable
        From `threads`. The result does not depend on it.
    """

    X: object
    pilot: Pilot | None
    memory: Callable
    rng: np.random.Generator
    thread_map: Callable

    @classmethod
    def of(cls, network, X, plan, thread_map):
        """Divide the calibration rows as a plan needs it."""
        rng, pilot = plan.new_rng(), None
        memory = plan.open_memory(network, X)
        if plan.density is None and plan.refine:
            groups = np.zeros(X.shape[0], dtype=np.intp)
            if plan.error.by_class:
                groups = network.labels(network.forward(X))[:, 0].astype(np.intp)
            chosen = choose_pilot_rows(groups, rng)
            scale = plan.error.scale_of(network, X)
            pilot = Pilot(network, X[chosen], groups[chosen], plan.error, scale)
            X = X[~chosen]
        return cls(X, pilot, memory, rng, thread_map)


def choose_pilot_rows(groups, rng):
    """Mask of the calibration rows that are pilot rows, some of each group.

    Parameters
    ----------
    groups : ndarray of int of shape (n_samples,)

    rng : numpy.random.Generator
    """
    chosen = np.zeros(len(groups), bool)
    order = rng.permutation(len(groups))
    for group in np.unique(groups):
        rows = order[groups[order] == group]
        n = min(len(rows) // 4, max(N_LEAST, int(SHARE * len(rows))), N_MOST)
        chosen[rows[:n]] = True
    return chosen
