"""Entrywise sampling of weight matrices, blind to the data: the paper's baselines."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from abc import abstractmethod

import numpy as np

from .sampling import Coresets, Sampling

# Sequences of draws end here: at four draws an edge uniform sampling keeps 98%.
DRAWS_PER_EDGE = 4


class Entrywise(Sampling):
    """Draw the entries of each weight matrix from one distribution.

    Every layer is given draws in proportion to its edges.
    """

    limits = f"It makes at most {DRAWS_PER_EDGE} draws an edge."

    @abstractmethod
    def distribution(self, weights):
        """Return the probability of each of a layer's weights."""

    def coresets(self, network, X, *, n_jobs=None):
        importance = []
        for coef in network.coefs:
            # at scale 1 no square overflows
            weights = np.abs(coef).ravel().astype(np.float64)
            weights /= weights.max(initial=0) or 1
            share = self.distribution(weights) if weights.any() else weights
            importance.append(share * np.count_nonzero(weights))
        layers = np.arange(len(network.coefs))
        return Coresets(
            network,
            np.concatenate(importance),
            np.repeat(layers, [coef.size for coef in network.coefs]),
            len(layers),
            DRAWS_PER_EDGE,
        )


class Uniform(Entrywise):
    """All edges alike."""

    def distribution(self, weights):
        return (weights > 0) / np.count_nonzero(weights)


class L1(Entrywise):
    """In proportion to the magnitude of the weight (Achlioptas et al. 2013)."""

    def distribution(self, weights):
        return weights / weights.sum()


class L2(Entrywise):
    """In proportion to the square of the weight (Drineas and Zouzias 2011)."""

    def distribution(self, weights):
        return weights**2 / (weights**2).sum()


class L1L2(Entrywise):
    """The even mixture of `L1` and `L2` (Kundu and Drineas 2014)."""

    def distribution(self, weights):
        return (L1().distribution(weights) + L2().distribution(weights)) / 2
