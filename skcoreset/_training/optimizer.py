"""Adam: the steps of every training, of all parameters or of those of sparse inputs."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy import sparse

# Decay of the first moment.
BETA_1 = 0.9

# Weights of sparse inputs that are updated together, so that they stay in the cache.
BLOCK_SIZE = 32_768

# Steps after which all weights of sparse inputs are brought up to date: factors that
# grow with the number of steps must not overflow.
N_STEPS = 100


class Adam:
    """Directions in which parameters move, from the moments of their gradients.

    Moments are sums of past gradients, which decay, and of their squares; the bias
    correction turns the ratio of sums into one of means.

    Parameters
    ----------
    moments : ndarray of shape (2, n_parameters)
        Changed in place.

    beta_2 : float
        Decay of the second moment.

    negligible : float
        What is added to the root of the second moment.

    n_steps : int, default=0
        Steps that are in the moments already.
    """

    def __init__(self, moments, beta_2, negligible, n_steps=0):
        self.moments, self.n_steps = moments, n_steps
        self._beta_2, self._negligible = beta_2, negligible

    def begin_step(self):
        """Count a step, and return the bias correction."""
        self.n_steps += 1
        first = (1 - BETA_1) / (1 - BETA_1**self.n_steps)
        second = (1 - self._beta_2) / (1 - self._beta_2**self.n_steps)
        return first / np.sqrt(second)

    def forget_tiny_moments(self, where):
        """Set moments that are without effect to 0: denormal numbers are slow."""
        first, second = self.moments[:, where]
        first[np.abs(first) < 1e-11 * self._negligible] = 0
        second[second < (1e-6 * self._negligible) ** 2] = 0

    def direction(self, gradient, where=slice(None)):
        """Return the direction of some parameters; overwrites their gradient."""
        first, second = self.moments[:, where]
        first *= BETA_1
        second *= self._beta_2
        first += gradient
        gradient *= gradient
        second += gradient
        return _ratio(first, second, self._negligible, out=gradient)


def _ratio(first, second, negligible, out=None):
    root = np.sqrt(second, out=out)
    root += negligible
    return np.divide(first, root, out=root)


class SparseInputs:
    """Adam on the edges of the first layer where rows are sparse.

    The gradient of a batch is 0 for the weights of an input that no row of it has. Adam
    moves them all the same, by moments that decay. The sum of these moves is known, and
    is made up for when a batch has the input again. So the steps are those of Adam on
    all weights, up to rounding, in a time that grows with the entries of the batch.

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

    beta_2 : float
        Decay of the second moment.

    negligible : float
        What is added to the root of the second moment.

    n_steps, block_size : int
        Steps until all weights are brought up to date; weights updated together.

    Attributes
    ----------
    layer : ndarray of shape (n_seen + 1, n_outputs)
        Weights of the inputs that the batch has, and a row for the intercepts.
    """

    def __init__(
        self,
        theta,
        moments,
        inputs,
        columns,
        shape,
        *,
        rate,
        beta_2,
        negligible,
        n_steps=N_STEPS,
        block_size=BLOCK_SIZE,
    ):
        self.theta, self.moments, self._columns = theta, moments, columns
        self._n_inputs, self._width = shape
        self._counts = np.bincount(inputs, minlength=self._n_inputs)
        self._starts = np.cumsum(self._counts) - self._counts
        self._numbers = np.zeros(self._n_inputs, np.int32)
        self._rate, self._betas, self._negligible = rate, (BETA_1, beta_2), negligible
        self._most_steps, self._block_size = n_steps, block_size
        self._layer = np.empty((0, self._width), theta.dtype)
        self._restart()

    def _restart(self):
        self._n_steps = 0
        # How far weights with a ratio of moments of 1 have moved since the restart, and
        # how much of it each input has made up for.
        self._moved = 0.0
        self._made_up = np.zeros(self._n_inputs)

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
        self._seen = seen
        if len(self._layer) <= n_seen:
            self._layer = np.empty((n_seen * 5 // 4 + 1, self._width), self.theta.dtype)
        self.layer = self._layer[: n_seen + 1]
        self.layer[:] = 0
        self._now = (
            self.theta.take(self._edges),
            *(moment.take(self._edges) for moment in self.moments),
        )
        self._make_up(*self._now, self._behind(seen))
        self.layer.reshape(-1)[self._places] = self._now[0]
        shape = X.shape[0], n_seen
        return sparse.csr_array((X.data, self._numbers[X.indices], X.indptr), shape)

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
        self._moved += rate
        gradients = [gradient.reshape(-1) for gradient in gradients]
        for part in self._parts(len(self._edges)):
            theta, first, second = (array[part] for array in self._now)
            places = self._places[part]
            slope = sum(gradient.take(places) for gradient in gradients)
            first += growth_1 * slope
            slope *= slope
            slope *= growth_2
            second += slope
            theta -= rate * self._ratio(first, second)
            edges = self._edges[part]
            self.theta[edges] = theta
            self.moments[0][edges] = first
            self.moments[1][edges] = second
        self._made_up[self._seen] = self._moved
        if self._n_steps == self._most_steps:
            self.settle()

    @np.errstate(over="ignore", invalid="ignore")
    def settle(self):
        """Bring all weights and moments up to date."""
        self._make_up(self.theta, *self.moments, self._behind(slice(None)))
        for moment, growth in zip(self.moments, self._growth):
            moment /= growth
        self._restart()

    def _behind(self, inputs):
        """How far each edge of some inputs has yet to move."""
        behind = (self._moved - self._made_up[inputs]).astype(self.theta.dtype)
        return np.repeat(behind, self._counts[inputs])

    def _make_up(self, theta, first, second, behind):
        for part in self._parts(len(theta)):
            theta[part] -= behind[part] * self._ratio(first[part], second[part])

    def _parts(self, n):
        for start in range(0, n, self._block_size):
            yield slice(start, start + self._block_size)

    def _ratio(self, first, second):
        return _ratio(first, second, self._negligible * self._growth[1] ** 0.5)

    @property
    def _growth(self):
        return [beta**-self._n_steps for beta in self._betas]
