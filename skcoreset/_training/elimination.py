"""Elimination of hidden neurons: others take over from them."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from itertools import pairwise

import numpy as np

# Added to the variances of neurons, relative to the mean variance, as few rows make
# neurons look more alike than they are; and relative to the mean squared value, which
# is more than rounding errors.
RIDGE, ROUNDING = 1e-4, 1e-9


def neuron_ranking(network, gains, means, covariances):
    """Return what `eliminate` needs of the hidden neurons, from their statistics.

    Parameters
    ----------
    network : Network

    gains, means, covariances : lists
        From `neuron_statistics`.

    Returns
    -------
    gains, means : lists
        The same.

    precisions : list of (width, width) ndarrays
        Inverse covariances of the neurons that have edges. If some edges to the next
        layer are missing, neurons cannot take over from each other, and count as
        uncorrelated.
    """
    edges = [coef != 0 for coef in network.coefs]
    present = [_degrees(*ends) > 0 for ends in pairwise(edges)]
    following = [*present[1:], np.ones(network.widths[-1], dtype=bool)]
    precisions = []
    for mean, covariance, here, there, outgoing in zip(
        means, covariances, present, following, edges[1:]
    ):
        precision = np.zeros_like(covariance)
        inner = covariance[np.ix_(here, here)]
        if not outgoing[np.ix_(here, there)].all():
            inner = np.diag(inner.diagonal())
        ridge = (
            RIDGE * inner.diagonal().mean() + ROUNDING * np.square(mean[here]).mean()
        )
        inner.flat[:: len(inner) + 1] += ridge or 1
        precision[np.ix_(here, here)] = np.linalg.inv(inner)
        precisions.append(precision)
    return gains, means, precisions


def eliminate(layers, edges, n_edges, gains, means, precisions):
    """Remove hidden neurons, one by one, until at most `n_edges` edges are left.

    The next neuron is the one whose removal costs the output least for each edge that
    goes with it. Least squares predict its values from those of the other neurons of
    the layer, which take over its outgoing edges accordingly (the optimal brain surgeon
    of Hassibi and Stork, 1993, for neurons). Every layer keeps one neuron.

    Parameters
    ----------
    layers : list of (n_in + 1, n_out) ndarrays
        Weights, and the intercepts below. Changed in place.

    edges : list of (n_in, n_out) ndarrays of bool
        Where there are edges. Changed in place.

    n_edges : int
        Largest number of edges to keep.

    gains, means, precisions
        From :func:`neuron_ranking`.
    """
    degrees = [_degrees(*ends) for ends in pairwise(edges)]
    precisions = [precision.copy() for precision in precisions]
    starts = np.cumsum([0, *map(len, gains)])
    n_left = sum(map(np.count_nonzero, edges))
    while n_left > n_edges:
        losses = np.concatenate(list(map(_losses_per_edge, gains, precisions, degrees)))
        first = losses.argmin()
        if losses[first] == np.inf:
            break
        layer = np.searchsorted(starts, first, side="right") - 1
        neuron = first - starts[layer]
        P, outgoing = precisions[layer], layers[layer + 1]
        shares = -P[neuron] / P[neuron, neuron]
        shares[neuron] = 0
        rest = means[layer][neuron] - shares @ means[layer]
        outgoing += np.outer([*shares, rest], outgoing[neuron]).astype(outgoing.dtype)
        P += np.outer(P[neuron], shares)
        P[neuron] = P[:, neuron] = 0
        n_left -= degrees[layer][neuron]
        degrees[layer][neuron] = 0
        if layer:
            degrees[layer - 1] -= edges[layer][:, neuron]
        if layer + 1 < len(degrees):
            degrees[layer + 1] -= edges[layer + 1][neuron]
        edges[layer][:, neuron] = edges[layer + 1][neuron] = False


def _degrees(incoming, outgoing):
    """Number of edges of each neuron between two layers of edges."""
    return incoming.sum(axis=0) + outgoing.sum(axis=1)


def _losses_per_edge(gains, precision, degrees):
    """Cost of removing each neuron; infinite for those that have to stay."""
    can_go = degrees > 0
    can_go &= can_go.sum() > 1
    # 1 / precision is the variance that the others do not explain.
    scale = precision.diagonal() * degrees
    return np.divide(gains, scale, out=np.full(len(gains), np.inf), where=can_go)
