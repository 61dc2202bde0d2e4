"""Neurons that can go: those not live, silent or idle ones, and duplicates.

A neuron is *live* if edges lead from it to an output, *silent* if it is 0 on all rows
given, and *idle* if it makes no difference on any row.
"""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from sklearn.utils import gen_batches

from .activations import ACTIVATIONS

# Rows that go through the network together.
BLOCK_SIZE = 1024


def live_neurons(coefs):
    """Masks of the inputs and neurons from which edges lead to an output.

    Parameters
    ----------
    coefs : sequence of (n_in, n_out) ndarrays

    Returns
    -------
    live : list of n_layers + 1 ndarrays of bool
        Inputs first; all outputs are live.
    """
    live = [np.ones(coefs[-1].shape[1], dtype=bool)]
    for coef in reversed(coefs):
        live.append((coef if live[-1].all() else coef[:, live[-1]]).any(axis=1))
    return live[::-1]


def silent_neurons(network, X, *, block_size=BLOCK_SIZE):
    """Masks of the neurons of each hidden layer that are 0 on all rows of X."""
    silent = [np.ones(width, dtype=bool) for width in network.widths[:-1]]
    for rows in gen_batches(X.shape[0], block_size):
        for mask, A in zip(silent, network.activations(X[rows])[1:-1]):
            mask &= ~A.any(axis=0)
        if not any(mask.any() for mask in silent):
            break
    return silent


def without_idle_neurons(network):
    """Return the network without the hidden neurons that make no difference.

    These are the neurons that lead to no output, and those that are 0 whatever the
    input. Every layer keeps one neuron.

    Parameters
    ----------
    network : Network
        With dense weights.
    """
    if _is_zero_at_zero(network.activation):
        coefs = [coef.copy() for coef in network.coefs]
        for coef, b, following in zip(coefs, network.intercepts, coefs[1:]):
            following[~coef.any(axis=0) & (b == 0)] = 0
        network = network.with_weights(coefs)
    inputs, *hidden, outputs = live_neurons(network.coefs)
    for neurons in hidden:
        neurons[0] |= not neurons.any()
    return network.restricted([np.ones_like(inputs), *hidden, outputs])


def remove_neurons(network, X=None):
    """Remove the hidden neurons that are not needed, exactly on X.

    These are the idle neurons; those without incoming edges, which are constants that
    the intercepts of the next layer take over; the silent ones (CoreNet+, Baykal et al.
    2019, Section 4.3); and those that are left without edges when others go. Every
    layer keeps one neuron.

    Parameters
    ----------
    network : Network
        With dense weights.

    X : {ndarray, sparse array} of shape (n_samples, n_features), default=None
        Calibration rows, on which the output does not change. With None no neuron
        counts as silent, and the output does not change on any row.

    Returns
    -------
    smaller : Network
    """
    coefs = [coef.copy() for coef in network.coefs]
    intercepts = list(network.intercepts)
    silent = [np.zeros(width, dtype=bool) for width in network.widths[:-1]]
    if X is not None:
        silent = silent_neurons(network, X)
    for layer, mask in enumerate(silent):
        constant = ~coefs[layer].any(axis=0)
        folded = constant & ~mask
        values = intercepts[layer][folded]
        ACTIVATIONS[network.activation](values)
        contribution = values @ coefs[layer + 1][folded]
        intercepts[layer + 1] = intercepts[layer + 1] + contribution
        coefs[layer + 1][constant | mask] = 0
    return without_idle_neurons(network.with_weights(coefs, intercepts))


def merge_duplicates(network):
    """Let one of several equal hidden neurons stand for all of them.

    Neurons of a layer are equal if their incoming weights and intercepts are.

    Parameters
    ----------
    network : Network
        With dense weights.

    Returns
    -------
    merged : Network
        Of the same widths. The neurons that are no longer needed have no edges.
    """
    coefs = [coef.copy() for coef in network.coefs]
    for incoming, intercept, outgoing in zip(coefs, network.intercepts, coefs[1:]):
        columns = np.vstack([incoming, intercept])
        _, first, group = np.unique(
            columns, axis=1, return_index=True, return_inverse=True
        )
        kept = first[group.ravel()]
        others = np.flatnonzero(kept != np.arange(len(kept)))
        np.add.at(outgoing, kept[others], outgoing[others])
        outgoing[others], incoming[:, others] = 0, 0
    return network.with_weights(coefs)


def _is_zero_at_zero(activation):
    value = np.zeros(1)
    ACTIVATIONS[activation](value)
    return not value.any()
