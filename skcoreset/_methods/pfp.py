"""Provable Filter Pruning, of fully connected layers."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import replace
from itertools import pairwise

import numpy as np

from .._sensitivity import sensitivities
from .neurons import WholeNeurons
from .sampling import Coresets, Sampling
from .theorem import theorem_of

# Sequences of draws end here; of equally sensitive neurons hardly one is missed then.
DRAWS_PER_NEURON = 32


class NeuronCoresets(Coresets):
    """The same for hidden neurons: a group is the neurons of a layer.

    A neuron that is drawn multiplies its outgoing edges; one that is not loses all.
    """

    def expected_density(self, sizes):
        chances = np.zeros(len(self.importance))
        chances[np.flatnonzero(self.importance)] = self.chances(sizes)
        n_edges = sum(
            before @ (coef != 0) @ after
            for coef, (before, after) in zip(self.network.coefs, self._ends(chances))
        )
        return n_edges / self.network.n_edges

    def reweighted(self, factors):
        coefs = [
            # scaled edges of the neurons that are left
            (coef * before[:, np.newaxis] * (after > 0)).astype(coef.dtype)
            for coef, (before, after) in zip(self.network.coefs, self._ends(factors))
        ]
        return self.network.with_weights(coefs)

    def _ends(self, values):
        """Of each layer of edges, the values of its inputs and of its neurons."""
        *hidden, n_outputs = self.network.widths
        values = np.split(values, np.cumsum(hidden)[:-1])
        n_inputs = len(self.network.coefs[0])
        return pairwise([np.ones(n_inputs), *values, np.ones(n_outputs)])


class PFP(WholeNeurons, Sampling):
    """Provable Filter Pruning (Liebenwein et al. 2020), neurons being the filters.

    The sensitivity of a neuron is the largest share that it has, over the points and
    the neurons of the next layer, of one of their half-sums. The neurons of a layer are
    drawn in proportion to it, and in a number that is the layer's sum of sensitivities
    times one constant for the network, as the same error in every layer asks for.

    The sensitivities are those on as many of the calibration rows, drawn at random, as
    the theorem of CoreNet asks for.
    """

    limits = "Neurons are kept or dropped whole, and silent ones are never drawn."

    def untrained(self, network, calibration, plan):
        X = calibration.X
        order = calibration.rng.permutation(X.shape[0])
        points = X[order[: theorem_of(network, X).n_points]]
        return super().untrained(network, replace(calibration, X=points), plan)

    def coresets(self, network, X, *, n_jobs=None):
        layers = list(zip(network.activations(X), network.coefs))[1:]
        importance = [s.max(axis=1) for s in sensitivities(layers, n_jobs=n_jobs)]
        return NeuronCoresets(
            network,
            np.concatenate(importance).astype(np.float64),
            np.repeat(np.arange(len(layers)), network.widths[:-1]),
            len(layers),
            DRAWS_PER_NEURON,
        )
