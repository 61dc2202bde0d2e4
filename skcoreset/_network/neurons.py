"""Neurons that nothing is lost with: idle ones, and duplicates."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from sklearn.utils import gen_batches

from .network import ACTIVATIONS

# Rows that go through the network together.
BLOCK_SIZE = 1024


def remove_neurons(network, X=None):
    """Remove the hidden neurons that do nothing.

    Those are the neurons without outgoing edges, those without incoming edges, which
    are constants that the intercepts of the next layer take over, and those with
    activation 0 on all of X (CoreNet+, Baykal et al. 2019, Section 4.3); then those
    that the removal of others leaves without edges. Every layer keeps one neuron.

    Parameters
    ----------
    network : Network
        With dense weights.

    X : {ndarray, sparse array} of shape (n_samples, n_features), default=None
        Calibration rows, on which the output does not change. None removes only what
        has no edges: then the output does not change on any row.

    Returns
    -------
    smaller : Network
    """
    coefs = [coef.copy() for coef in network.coefs]
    intercepts = list(network.intercepts)
    for layer, silent in enumerate(_silent_neurons(network, X)):
        constant = ~coefs[layer].any(axis=0)
        folded = constant & ~silent
        values = intercepts[layer][folded]
        ACTIVATIONS[network.activation](values)
        contribution = values @ coefs[layer + 1][folded]
        intercepts[layer + 1] = intercepts[layer + 1] + contribution
        coefs[layer + 1][constant | silent] = 0
    return network.with_weights(coefs, intercepts).without_dead_neurons()


def merge_duplicates(network):
    """Let one of several equal hidden neurons speak for all of them.

    Neurons of a layer are equal where their weights and intercepts are: then their
    values are, whatever the input.

    Parameters
    ----------
    network : Network
        With dense weights.

    Returns
    -------
    merged : Network
        Of the same widths, without edges at the neurons that are no longer needed.
    """
    coefs = [coef.copy() for coef in network.coefs]
    for incoming, intercept, outgoing in zip(coefs, network.intercepts, coefs[1:]):
        columns = np.vstack([incoming, intercept])
        _, first, group = np.unique(
            columns, axis=1, return_index=True, return_inverse=True
        )
        speaker = first[group.ravel()]
        others = np.flatnonzero(speaker != np.arange(len(speaker)))
        np.add.at(outgoing, speaker[others], outgoing[others])
        outgoing[others], incoming[:, others] = 0, 0
    return network.with_weights(coefs)


def _silent_neurons(network, X):
    """Which hidden neurons are 0 on all of X."""
    if X is None:
        return [np.zeros(width, dtype=bool) for width in network.widths[:-1]]
    silent = [np.ones(width, dtype=bool) for width in network.widths[:-1]]
    for rows in gen_batches(X.shape[0], BLOCK_SIZE):
        for quiet, A in zip(silent, network.activations(X[rows])[1:-1]):
            quiet &= ~A.any(axis=0)
        if not any(quiet.any() for quiet in silent):
            break
    return silent
