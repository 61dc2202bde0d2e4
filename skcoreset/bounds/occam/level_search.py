"""Local search over single levels of a quantised network."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import replace
from math import ceil, inf

import numpy as np

from ..._network import ACTIVATIONS, DERIVATIVES, dense
from .code import bits_per_edge, encode

# Changes that a sweep tries for each edge, the most promising first.
TRIED_PER_EDGE = 1.5

# Another sweep follows if the last one lowered the cost by at least this share.
LEAST_GAIN = 0.003

# Estimated bits of an edge besides its place, and of each level above 1.
BITS_OF_SIGN, BITS_OF_LEVEL = 1.5, 0.7


class LevelSearch:
    """Changes of single levels that lower a cost of the errors and of the code.

    Errors are counted on all rows. The order in which changes are tried follows from
    the gradient of the probability of an error, and from estimates of their bits.

    Parameters
    ----------
    quantised : QuantisedNetwork

    objective : FitLabels
        With the rows and their targets.

    cost : callable
        Called with the number of wrong rows and the length of the code.
    """

    def __init__(self, quantised, objective, cost):
        self._quantised, self._cost = quantised, cost
        # Power 1: the probability of an error, not its logarithm.
        self._objective = objective.with_gce_power(1.0)
        self._objective.Y = np.asfortranarray(objective.Y)
        self._n_inputs = len(quantised.levels[0])
        # Inputs without edges stay so.
        self._used = np.append(quantised.levels[0][:-1].any(axis=1), True)
        levels = [level.astype(np.int16) for level in quantised.levels]
        self._levels = [levels[0][self._used], *levels[1:]]
        self._largest = [np.abs(level).max(initial=1) for level in levels]
        dtype = objective.network.dtype
        self._steps = quantised.steps.astype(dtype)
        X = dense(objective.X[:, self._used[:-1]])
        # Neuron by neuron, as single ones are changed; the constant is the last row.
        self._A = [np.ones((len(level), len(X)), dtype) for level in self._levels]
        self._A[0][:-1] = X.T
        self._Z = [None] * len(levels)
        self.n_bits = len(encode(self.network)[0])
        self._forward()

    @property
    def network(self):
        """The quantised network with the levels as they are now."""
        first = np.zeros((self._n_inputs, self._levels[0].shape[1]), np.int16)
        first[self._used] = self._levels[0]
        return replace(self._quantised, levels=[first, *self._levels[1:]])

    @property
    def cost(self):
        return self._cost(self.n_wrong, self.n_bits)

    def __iter__(self):
        """Yield the network after every sweep, as long as sweeps are worth while."""
        before = inf
        while self.cost < (1 - LEAST_GAIN) * before:
            before = self.cost
            self.sweep()
            yield self.network

    def sweep(self):
        """Try changes, and keep each that lowers the cost."""
        for layer, i, j, change, more_bits in self._promising():
            levels = self._levels[layer]
            changed = self._changed(layer, i, j, change)
            neurons, values = changed[-1]
            before = self._Z[-1][neurons]
            self._Z[-1][neurons] = values
            n_wrong = self._count()
            lowers = self._cost(n_wrong, self.n_bits + more_bits) < self.cost
            levels[i, j] += change
            if lowers:
                n_bits = len(encode(self.network)[0])
                lowers = self._cost(n_wrong, n_bits) < self.cost
            if lowers:
                self.n_wrong, self.n_bits = n_wrong, n_bits
                self._keep(layer, changed)
            else:
                levels[i, j] -= change
                self._Z[-1][neurons] = before
        # Undo the accumulated rounding errors of single changes.
        self._forward()

    def _promising(self):
        """Yield the layer, place and size of each change, and the bits it may add."""
        per_error = self._cost(self.n_wrong + 1, self.n_bits) - self.cost
        per_bit = self._cost(self.n_wrong, self.n_bits + 1) - self.cost
        moves = []
        for layer, gradient in enumerate(self._gradients()):
            levels = self._levels[layer]
            of_edge = bits_per_edge(levels != 0) + BITS_OF_SIGN
            for change in (-1, 1):
                changed = levels + change
                bits = _bits(changed, of_edge) - _bits(levels, of_edge)
                estimate = per_error * change * gradient + per_bit * bits
                i, j = np.nonzero(np.abs(changed) <= self._largest[layer])
                where = np.full(len(i), layer), i, j, np.full(len(i), change)
                moves.append(np.stack([estimate[i, j], *where, bits[i, j]]))
        moves = np.concatenate(moves, axis=1)
        n_tried = ceil(TRIED_PER_EDGE * sum(map(np.count_nonzero, self._levels)))
        best = np.argsort(moves[0], kind="stable")[:n_tried]
        for *where, bits in moves[1:, best].T.tolist():
            yield *map(int, where), bits

    def _gradients(self):
        """Derivatives of the expected number of errors with respect to each level."""
        F = self._Z[-1].T
        errors = np.empty_like(F)
        self._objective.differentiate(slice(None), 1.0, F, errors)
        if self._objective.tolerance is not None:
            errors /= self._objective.tolerance**2
        errors, gradients = errors.T, []
        for A, levels, step in zip(
            self._A[::-1], self._levels[::-1], self._steps[::-1]
        ):
            gradients.append(step * (A @ errors.T))
            errors = step * (levels[:-1].astype(step.dtype) @ errors)
            errors *= DERIVATIVES[self._quantised.activation](A[:-1])
        return gradients[::-1]

    def _forward(self):
        for layer, weights in enumerate(self._weights):
            self._Z[layer] = weights.T @ self._A[layer]
            if layer + 1 < len(self._Z):
                self._activate(layer + 1, slice(-1), self._Z[layer])
        self.n_wrong = self._count()

    @property
    def _weights(self):
        return [
            step * levels.astype(step.dtype)
            for step, levels in zip(self._steps, self._levels)
        ]

    def _activate(self, layer, neurons, Z):
        A = Z.copy()
        ACTIVATIONS[self._quantised.activation](A)
        self._A[layer][neurons] = A

    def _changed(self, layer, i, j, change):
        """Neurons of this layer and the following, and their sums after a change."""
        neurons = np.array([j])
        values = self._Z[layer][neurons]
        values += change * self._steps[layer] * self._A[layer][i]
        changed = [(neurons, values)]
        for after in range(layer + 1, len(self._Z)):
            more = values.copy()
            ACTIVATIONS[self._quantised.activation](more)
            more -= self._A[after][neurons]
            levels = self._levels[after][neurons]
            neurons = np.flatnonzero(levels.any(axis=0))
            weights = self._steps[after] * levels[:, neurons].astype(more.dtype)
            values = self._Z[after][neurons]
            values += weights.T @ more
            changed.append((neurons, values))
        return changed

    def _keep(self, layer, changed):
        for after, (neurons, values) in enumerate(changed, start=layer):
            self._Z[after][neurons] = values
            if after + 1 < len(self._Z):
                self._activate(after + 1, neurons, values)

    def _count(self):
        return np.count_nonzero(self._objective.is_wrong(self._Z[-1].T))


def _bits(levels, of_edge):
    magnitudes = np.abs(levels)
    return (magnitudes > 0) * of_edge + BITS_OF_LEVEL * np.maximum(magnitudes - 1, 0)
