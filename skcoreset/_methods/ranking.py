"""Methods that rank all edges once and keep the first ones."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from abc import abstractmethod

import numpy as np
from scipy import sparse
from sklearn.utils import gen_batches

from .._sensitivity import mean_relative_importance
from .base import Family, Method

# Activations of a layer that are held at a time, but for those of so many rows: what
# is done for each block takes as long as the products of some rows.
BLOCK_SIZE, MIN_ROWS = 2**20, 64


class Ranking(Method):
    """Keep the edges of highest score, all layers ranked together."""

    @abstractmethod
    def scores(self, network, X):
        """Return one array of scores for each layer, shaped as its weights."""

    def untrained(self, network, calibration, plan):
        return RankedFamily(network, self.scores(network, calibration.X))


class RankedFamily(Family):
    """Networks with the edges of highest score.

    Parameters
    ----------
    network : Network
        With dense weights.

    scores : list of (n_in, n_out) ndarrays
    """

    def __init__(self, network, scores):
        super().__init__(network)
        self._network = network
        scores = np.concatenate([score.ravel() for score in scores])
        edges = np.flatnonzero(network.weights)
        # stable: edges of equal score go in the order of the layers
        self._ranked = edges[np.argsort(-scores[edges], kind="stable")]

    def at(self, n_edges):
        kept = self._ranked[:n_edges]
        weights = np.zeros_like(self._network.weights)
        weights[kept] = self._network.weights[kept]
        return self._network.with_weights(weights)


class Magnitude(Ranking):
    """Global magnitude pruning: the largest weights of the whole network."""

    def scores(self, network, X):
        return [np.abs(coef) for coef in network.coefs]


class SiPP(Ranking):
    """SiPP's deterministic rule: the largest mean relative importance.

    The mean, over the calibration points, of the share that an edge has of the
    half-sum of its neuron (Baykal et al. 2022).
    """

    def scores(self, network, X):
        scores = [np.zeros_like(coef) for coef in network.coefs]
        widths = network.widths if sparse.issparse(X) else (X.shape[1], *network.widths)
        # memory is that of a block of rows
        n_rows = max(MIN_ROWS, BLOCK_SIZE // max(widths))
        for rows in gen_batches(X.shape[0], n_rows):
            activations = network.activations(X[rows])
            share = (rows.stop - rows.start) / X.shape[0]
            for score, A, coef in zip(scores, activations, network.coefs):
                score += share * mean_relative_importance(A, coef)
        return scores
