"""Networks with short codes: pruned, rounded and trained with labels."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import replace
from functools import partial
from itertools import pairwise
from math import sqrt

import numpy as np

from ..._importance import fisher_importance
from ..._network import augment
from ..._network.levels import Rounding, best_step, short_float16
from ..._network.neurons import without_idle_neurons
from ..._training import Descent, Trainer, steps_down
from .code import QuantisedNetwork, bits_per_edge
from .level_search import LevelSearch

# Ratio of the numbers of edges of neighbouring networks of the descent.
RATIO = 0.85

# Passes over the rows: for a new network, after each step, and before and during
# rounding. A pass of fewer steps than STEPS_PER_PASS is repeated.
PASSES_FIRST, PASSES_BETWEEN, PASSES_BEFORE, PASSES_ROUNDED = 6, 3, 8, 16
STEPS_PER_PASS = 100

# Large steps of Adam only flip rounded weights back and forth.
LEARNING_RATE_ROUNDED = 0.002

# Rows that a small network cannot learn should not distort it. Used once the network
# has settled: earlier, whole classes would be given up.
GCE_POWER = 0.5

# Rows that the importance of edges is measured on.
N_ROWS_IMPORTANCE = 20_000

# Edges are ranked by importance / bits**RATE_POWER. The power would be 1 if edges did
# not share bits: without an edge the others of its input and neuron take more.
RATE_POWER = 3
BITS_PER_LEVEL = 2


class ShortCodes:
    """Prunes and rounds networks, and trains them in between.

    Intercepts are edges from a constant.

    Parameters
    ----------
    objective : FitLabels
        Its rows are the means of the blocks, if there are any.

    blocks : Blocks, default=None

    units : pair of ndarrays, default=None
        Center and scale of the outputs, if the objective is in standard units.
    """

    def __init__(self, objective, blocks=None, units=None):
        self.objective, self._blocks, self._units = objective, blocks, units

    def narrow(self, width, rng):
        """Return a new, trained network with one hidden layer of some width."""
        like = self.objective.network
        widths = [self.objective.X.shape[1], width, like.widths[-1]]
        layers = [
            rng.standard_normal((n_in + 1, n_out)) * sqrt(2 / (n_in or 1))
            for n_in, n_out in pairwise(widths)
        ]
        network = like.with_layers([layer.astype(like.dtype) for layer in layers])
        trainer = self._trainer(network, self.objective, rng)
        trainer.train(PASSES_FIRST, min_steps=STEPS_PER_PASS, decay=False)
        return trainer.network

    def descent(self, network, rng):
        """Return the `Descent` of a network to ever fewer edges.

        Parameters
        ----------
        network : Network
            With dense weights.

        rng : numpy.random.Generator
        """
        # Edges are ranked on the same rows at every step.
        rank = partial(self._rank, int(rng.integers(2**32)))
        train = partial(
            Trainer.train,
            n_passes=PASSES_BETWEEN,
            min_steps=STEPS_PER_PASS,
            decay=False,
        )
        trainer = self._trainer(network, self.objective, rng)
        numbers = steps_down(trainer.n_edges, RATIO)
        return Descent(trainer, rank, n_edges=numbers, between=train, finish=train)

    def _rank(self, seed, network):
        importance = self.importance(network, np.random.default_rng(seed))
        return list(map(_per_bits, importance, augment(network))), None

    def settled(self, network, rng):
        """Return the network after the training that comes before rounding."""
        trainer = self._trainer(network, self.objective.with_gce_power(GCE_POWER), rng)
        trainer.train(PASSES_BEFORE, min_steps=STEPS_PER_PASS)
        return trainer.network

    def rounded(self, network, n_levels, rng):
        """Return the network rounded to few levels, and trained for them.

        Parameters
        ----------
        network : Network

        n_levels : pair of int
            In each direction, of the hidden layers and of the last layer.

        rng : numpy.random.Generator

        Returns
        -------
        quantised : QuantisedNetwork
        """
        network = without_idle_neurons(network)
        layers = augment(network)
        n_levels = np.repeat(n_levels, [len(layers) - 1, 1])
        triples = zip(layers, self.importance(network, rng), n_levels)
        steps = np.array([_step(*triple) for triple in triples])
        rounding = Rounding(steps, n_levels)
        trainer = self._trainer(network, self.objective.with_gce_power(GCE_POWER), rng)
        trainer.train(
            PASSES_ROUNDED,
            min_steps=STEPS_PER_PASS,
            learning_rate=LEARNING_RATE_ROUNDED,
            rounding=rounding,
        )
        levels = [
            rounding[i].levels(layer).astype(np.int16)
            for i, layer in enumerate(augment(trainer.network))
        ]
        return self._shortest(
            QuantisedNetwork(
                levels, steps, network.activation, self._blocks, self._units
            )
        )

    def improve(self, quantised, cost):
        """Yield the network after each sweep over its levels; see `LevelSearch`."""
        for better in LevelSearch(quantised, self.objective, cost):
            yield self._shortest(better)

    def _shortest(self, quantised):
        """The same function with a code that is not longer."""
        network = self.objective.network.with_layers(quantised.levels)
        levels = augment(sort_neurons(without_idle_neurons(network)))
        return replace(quantised, levels=levels)

    def importance(self, network, rng):
        """Estimate how much the loss grows if a parameter becomes 0."""
        rows = rng.permutation(self.objective.n_samples)[:N_ROWS_IMPORTANCE]
        return fisher_importance(network, self.objective.X[rows], rng)

    @staticmethod
    def _trainer(network, objective, rng):
        return Trainer(network, objective, prunes_intercepts=True, rng=rng)


def sort_neurons(network):
    """Order hidden neurons by their number of edges: this makes the code shorter."""
    coefs, intercepts = list(network.coefs), list(network.intercepts)
    for i in range(len(coefs) - 1):
        degrees = np.count_nonzero(coefs[i], axis=0) + (intercepts[i] != 0)
        order = np.argsort(-degrees, kind="stable")
        coefs[i], intercepts[i] = coefs[i][:, order], intercepts[i][order]
        coefs[i + 1] = coefs[i + 1][order]
    return network.with_weights(coefs, intercepts)


def _per_bits(importance, layer):
    """Importance of each edge of a layer by the bits that it may take."""
    bits = BITS_PER_LEVEL + bits_per_edge(layer != 0)
    return importance / bits**RATE_POWER


def _step(layer, importance, n_levels):
    """The best step of a layer; errors count by the importance of the weights."""
    kept = layer != 0
    weights = layer[kept].astype(float)
    curvature = importance[kept] / weights**2
    return best_step(weights, n_levels, short_float16, curvature=curvature)
