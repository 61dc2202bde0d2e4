"""Removal of idle neurons."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from sklearn.utils import gen_batches

from .._network import ACTIVATIONS

# Rows that go through the network together.
BLOCK_SIZE = 1024


def remove_neurons(network, X=None):
    """Remove the hidden neurons that do nothing on the calibration points.

    Those are the neurons with activation 0 on all of X, those without outgoing edges,
    and those without incoming edges: the last are constants, which are folded into the
    intercepts of the next layer (CoreNet+, Baykal et al. 2019, Section 4.3). Repeated
    until nothing changes. Every layer keeps one neuron.

    Parameters
    ----------
    network : Network
        With dense weights.

    X : ndarray of shape (n_samples, n_features)
        Calibration points, on which the output does not change.

    Returns
    -------
    smaller : Network
    """
    coefs, intercepts = list(network.coefs), list(network.intercepts)
    silent = [np.zeros(width, dtype=bool) for width in network.widths[:-1]]
    if X is not None:
        silent = _silent_neurons(network, X)
    changed = True
    while changed:
        changed = False
        for layer, quiet in enumerate(silent):
            constant = ~coefs[layer].any(axis=0)
            idle = quiet | constant | ~coefs[layer + 1].any(axis=1)
            if idle.all():
                idle[0] = False
            if not idle.any():
                continue
            folded = idle & constant & ~quiet
            values = intercepts[layer][folded]
            ACTIVATIONS[network.activation](values)
            intercepts[layer + 1] = (
                intercepts[layer + 1] + values @ coefs[layer + 1][folded]
            )
            coefs[layer] = coefs[layer][:, ~idle]
            intercepts[layer] = intercepts[layer][~idle]
            coefs[layer + 1] = coefs[layer + 1][~idle]
            silent[layer] = quiet[~idle]
            changed = True
    return network.with_weights(coefs, intercepts)


def _silent_neurons(network, X):
    """Which hidden neurons are 0 on all of X."""
    silent = [np.ones(width, dtype=bool) for width in network.widths[:-1]]
    for rows in gen_batches(len(X), BLOCK_SIZE):
        for quiet, A in zip(silent, network.activations(X[rows])[1:-1]):
            quiet &= ~A.any(axis=0)
        if not any(quiet.any() for quiet in silent):
            break
    return silent
