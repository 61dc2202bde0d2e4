"""Adam on the weights of sparse inputs: a step works on those that a batch has."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy import sparse

# Weights that are updated together, so that they stay in the cache.
N_WEIGHTS = 32_768

# Steps after which all weights are brought up to date: factors that grow with them must
# not overflow.
N_STEPS = 100


class SparseInputs:
    """The edges of the first layer where rows are sparse.

    The gradient of a batch is 0 for the weights of an input that no row of it has. Adam
    moves them all the same, by moments that decay: a known sum, which is made up for
    when a batch has the input again. So the steps are those of Adam on all weights, up
    to rounding, in a time that grows with what is not 0.

    Moments are kept as if they did not decay: gradients are scaled up instead.

    Parameters
    ----------
    theta : ndarray of shape (n_edges,)
        Weights, input by input.

    moments : ndarray of shape (2, n_edges)

    inputs, columns : ndarrays of int of shape (n_edges,)
        The ends of the edges.

    shape : tuple
        Of the layer, without intercepts.

    rate : float
        Learning rate.

    betas : tuple
        Decays of the moments.

    negligible : float
        What is added to the root of the second moment.

    Attributes
    ----------
    layer : ndarray of shape (n_seen + 1, n_outputs)
        For the inputs that the batch has, their weights, and a row for the intercepts.
    """

    def __init__(
        self, theta, moments, inputs, columns, shape, *, rate, betas, negligible
    ):
        self.theta, self.moments, self._columns = theta, moments, columns
        self._n_inputs, self._width = shape
        self._counts = np.bincount(inputs, minlength=self._n_inputs)
        self._starts = np.cumsum(self._counts) - self._counts
        self._numbers = np.zeros(self._n_inputs, np.int32)
        self._rate, self._betas, self._negligible = rate, betas, negligible
        self._layer = np.empty((0, self._width), theta.dtype)
        self._restart()

    def _restart(self):
        self._n_steps = 0
        # by how much weights with a ratio of moments of 1 have moved since, and how
        # much of it has been done
        self._way = 0.0
        self._done = np.zeros(self._n_inputs)

    @np.errstate(over="ignore", invalid="ignore")
    def look_up(self, X):
        """Turn to a batch; return its rows with the inputs that it has numbered."""
        seen = np.zeros(self._n_inputs, bool)
        seen[X.indices] = True
        seen = np.flatnonzero(seen)
        n_seen, counts = len(seen), self._counts[seen]
        self._numbers[seen] = np.arange(n_seen)
        ends = counts.cumsum()
        self._edges = np.arange(counts.sum())
        self._edges += np.repeat(self._starts[seen] - ends + counts, counts)
        rows = self._width * np.arange(n_seen)
        self._places = np.repeat(rows, counts)
        self._places += self._columns.take(self._edges)
        behind = (self._way - self._done[seen]).astype(self.theta.dtype)
        behind = np.repeat(behind, counts)
        self._seen = seen
        if len(self._layer) <= n_seen:
            self._layer = np.empty((n_seen * 5 // 4 + 1, self._width), self.theta.dtype)
        self.layer = self._layer[: n_seen + 1]
        self.layer[:] = 0
        self._now = (
            self.theta.take(self._edges),
            *(moment.take(self._edges) for moment in self.moments),
        )
        for part in self._parts(len(self._edges)):
            theta, first, second = (array[part] for array in self._now)
            step = self._ratio(first, second)
            step *= behind[part]
            theta -= step
        self.layer.reshape(-1)[self._places] = self._now[0]
        shape = X.shape[0], n_seen
        return sparse.csr_array((X.data, self._numbers[X.indices], X.indptr), shape)

    def _parts(self, n):
        for start in range(0, n, N_WEIGHTS):
            yield slice(start, start + N_WEIGHTS)

    def _ratio(self, first, second):
        ratio = np.sqrt(second)
        ratio += self._negligible * self._growth[1] ** 0.5
        return np.divide(first, ratio, out=ratio)

    @property
    def _growth(self):
        return [beta**-self._n_steps for beta in self._betas]

    @np.errstate(over="ignore", invalid="ignore")
    def step(self, rate, gradients):
        """Move the weights of the batch.

        Parameters
        ----------
        rate : float

        gradients : list of ndarrays of shape (n_seen, n_outputs)
            To be added up.
        """
        self._n_steps += 1
        growth_1, growth_2 = self._growth
        rate *= self._rate * growth_2**0.5 / growth_1
        self._way += rate
        gradients = [gradient.reshape(-1) for gradient in gradients]
        for part in self._parts(len(self._edges)):
            theta, first, second = (array[part] for array in self._now)
            places = self._places[part]
            slope = sum(gradient.take(places) for gradient in gradients)
            scaled = growth_1 * slope
            first += scaled
            slope *= slope
            slope *= growth_2
            second += slope
            step = self._ratio(first, second)
            step *= rate
            theta -= step
            edges = self._edges[part]
            self.theta[edges] = theta
            self.moments[0][edges] = first
            self.moments[1][edges] = second
        self._done[self._seen] = self._way
        if self._n_steps == N_STEPS:
            self.settle()

    @np.errstate(over="ignore", invalid="ignore")
    def settle(self):
        """Bring all weights and moments up to date."""
        behind = (self._way - self._done).astype(self.theta.dtype)
        behind = np.repeat(behind, self._counts)
        for part in self._parts(len(self.theta)):
            first, second = self.moments[:, part]
            step = self._ratio(first, second)
            step *= behind[part]
            self.theta[part] -= step
            for moment, growth in zip((first, second), self._growth):
                moment /= growth
        self._restart()
