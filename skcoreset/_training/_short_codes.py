"""From a compressed network to ever shorter descriptions of one, with labels."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from functools import partial

import numpy as np

from .._codec import QuantisedNetwork
from .._importance import fisher_importance
from .._network import ACTIVATIONS, augment
from ._descent import Descent
from ._engine import Trainer
from ._rounding import Rounding, best_step, short_float16

# Ratio of the numbers of edges of neighbouring networks of the descent.
RATIO = 0.85

# Passes over the rows after each step; before and during rounding. Passes shorter than
# STEPS_PER_PASS steps are repeated.
PASSES_BETWEEN, PASSES_BEFORE, PASSES_ROUNDED = 3, 8, 16
STEPS_PER_PASS = 100

# Where weights are rounded, large steps of Adam only flip them back and forth.
LEARNING_RATE_ROUNDED = 0.002

# Rows that a small network cannot learn anyway should not bend it. Before the network
# has settled, whole classes would be given up.
GCE_POWER = 0.5

# Rows that the importance of edges is measured on.
N_ROWS_IMPORTANCE = 20_000

# An edge goes by its importance per bits ** RATE_POWER. A power of 1 would do if the
# edges did not share bits: one that goes makes its input and neuron dearer for others.
RATE_POWER = 3
BITS_PER_LEVEL = 2


class ShortCodes:
    """Networks of short codes: pruned and rounded, and trained to be so.

    Intercepts are edges from a constant, like others.

    Parameters
    ----------
    objective : FitLabels
    """

    def __init__(self, objective):
        self.objective = objective

    def descend(self, network, n_edges, rng):
        """Yield trained networks of ever fewer edges.

        Parameters
        ----------
        network : Network
            With dense weights.

        n_edges : sequence of int
            Decreasing.

        rng : numpy.random.Generator

        Yields
        ------
        network : Network
        """

        # of its own: the trainer's begins anew with each of its copies
        (ranking_rng,) = rng.spawn(1)

        def rank(network):
            importance = self.importance(network, ranking_rng)
            return list(map(_per_bits, importance, augment(network))), None

        train = partial(
            Trainer.train,
            n_passes=PASSES_BETWEEN,
            min_steps=STEPS_PER_PASS,
            decay=False,
        )
        trainer = self._trainer(network, self.objective, rng)
        descent = Descent(trainer, rank, ratio=RATIO, between=train, finish=train)
        return descent.path(n_edges)

    def settled(self, network, rng):
        """Return the network trained until it is worth rounding."""
        trainer = self._trainer(network, self.objective.with_gce_power(GCE_POWER), rng)
        trainer.train(PASSES_BEFORE, min_steps=STEPS_PER_PASS)
        return trainer.network

    def rounded(self, network, n_levels, rng):
        """Return the network with weights of few levels, trained to be so."""
        network = without_idle_neurons(network)
        importances = self.importance(network, rng)
        pairs = zip(augment(network), importances)
        steps = np.array([_step(*pair, n_levels) for pair in pairs])
        rounding = Rounding(steps, n_levels)
        trainer = self._trainer(network, self.objective.with_gce_power(GCE_POWER), rng)
        trainer.train(
            PASSES_ROUNDED,
            min_steps=STEPS_PER_PASS,
            learning_rate=LEARNING_RATE_ROUNDED,
            rounding=rounding,
        )
        levels = [
            rounding[i].levels(layer).astype(np.int8)
            for i, layer in enumerate(augment(trainer.network))
        ]
        short = sort_neurons(without_idle_neurons(network.with_layers(levels)))
        return QuantisedNetwork(augment(short), steps, network.activation)

    def importance(self, network, rng):
        """What the loss gains where a parameter becomes 0."""
        rows = rng.permutation(self.objective.n_samples)[:N_ROWS_IMPORTANCE]
        return fisher_importance(network, self.objective.X[rows], rng)

    @staticmethod
    def _trainer(network, objective, rng):
        return Trainer(network, objective, prunes_intercepts=True, rng=rng)


def count_parameters(network):
    """Number of edges, intercepts included."""
    return sum(np.count_nonzero(layer) for layer in augment(network))


def without_idle_neurons(network):
    """Return the network without the hidden neurons that make no difference.

    Those are the neurons that lead to no output, and those that are 0 whatever the
    input. One neuron stays in every layer.
    """
    at_zero = np.zeros(1)
    ACTIVATIONS[network.activation](at_zero)
    if not at_zero.any():
        coefs = [coef.copy() for coef in network.coefs]
        for coef, b, following in zip(coefs, network.intercepts, coefs[1:]):
            following[~coef.any(axis=0) & (b == 0)] = 0
        network = network.with_weights(coefs)
    return network.without_dead_neurons()


def sort_neurons(network):
    """Order hidden neurons by their number of edges: cheaper to describe."""
    coefs, intercepts = list(network.coefs), list(network.intercepts)
    for i in range(len(coefs) - 1):
        degrees = np.count_nonzero(coefs[i], axis=0) + (intercepts[i] != 0)
        order = np.argsort(-degrees, kind="stable")
        coefs[i], intercepts[i] = coefs[i][:, order], intercepts[i][order]
        coefs[i + 1] = coefs[i + 1][order]
    return network.with_weights(coefs, intercepts)


def _per_bits(importance, layer):
    """Importance for about how many bits each edge of a layer takes.

    An edge is the dearer, the fewer its input and its neuron have.
    """
    kept = layer != 0
    rows, columns = kept.sum(axis=1, keepdims=True), kept.sum(axis=0)
    chance = (rows + 0.5) * (columns + 0.5) / (kept.sum() + 1)
    bits = BITS_PER_LEVEL - np.log2(np.minimum(chance, 0.97))
    return importance / bits**RATE_POWER


def _step(layer, importance, n_levels):
    """Step of a layer whose weights count by what it costs to lose them."""
    kept = layer != 0
    weights = layer[kept].astype(float)
    curvature = importance[kept] / weights**2
    return best_step(weights, n_levels, short_float16, curvature=curvature)
