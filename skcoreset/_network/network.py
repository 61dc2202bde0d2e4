"""Network: the weights of a multi-layer perceptron as a value."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy import sparse
from scipy.special import expit, softmax

from .._parallel import deal, serial_map

# Below this share of non-zero values a sparse product beats the dense one.
SPARSE_BELOW = 0.08

# Rows that go through the layers together: many for BLAS, fewer for sparse products,
# whose operand should stay in the cache.
BLOCK_SIZE_DENSE = 1024
BLOCK_SIZE_SPARSE = 256


def _relu(Z):
    np.maximum(Z, 0, out=Z)


def _tanh(Z):
    np.tanh(Z, out=Z)


def _logistic(Z):
    expit(Z, out=Z)


def _identity(Z):
    pass


# In place, on arrays of any shape.
ACTIVATIONS = {
    "identity": _identity,
    "logistic": _logistic,
    "relu": _relu,
    "tanh": _tanh,
}

# Derivatives of the activations, from their values.
DERIVATIVES = {
    "identity": np.ones_like,
    "logistic": lambda A: A * (1 - A),
    "relu": lambda A: A > 0,
    "tanh": lambda A: 1 - A * A,
}

OUT_ACTIVATIONS = ("exp", "identity", "logistic", "softmax")


# Magnitudes whose squares and products float32 holds with room to spare.
SAFE_RANGE = 1e-8, 1e8

# Saturating activations make an infinite sum finite again; an infinite output is an
# error for those who asked for it to report.
_OVERFLOWS_SILENTLY = np.errstate(over="ignore", invalid="ignore")


@dataclass(frozen=True, eq=False)
class Network:
    """Weights, intercepts and hidden activation of a multi-layer perceptron.

    Parameters
    ----------
    coefs : tuple of (n_in, n_out) ndarrays or sparse arrays
        Weight matrices, input layer first.

    intercepts : tuple of (n_out,) ndarrays
        One for each weight matrix.

    activation : {"identity", "logistic", "relu", "tanh"}
        Activation of the hidden layers.

    out_activation : {"identity", "exp", "logistic", "softmax"}, default="identity"
        Activation of the output.
    """

    coefs: tuple
    intercepts: tuple
    activation: str
    out_activation: str = "identity"

    @cached_property
    def weights(self):
        """All dense weights in one flat array, input layer first."""
        return np.concatenate([coef.ravel() for coef in self.coefs])

    def equals(self, other):
        """Whether another network, with dense weights too, has the same weights."""
        return np.array_equal(self.weights, other.weights)

    def with_weights(self, weights, intercepts=None):
        """Return the same network with other weights.

        Parameters
        ----------
        weights : list of (n_in, n_out) arrays, or ndarray of shape (n_weights,)
            As `coefs`, or laid out flat as `weights`.

        intercepts : list of (n_out,) ndarrays, default=None
            None keeps them.
        """
        if isinstance(weights, np.ndarray):
            weights = views(weights, [coef.shape for coef in self.coefs])
        intercepts = self.intercepts if intercepts is None else intercepts
        return replace(self, coefs=tuple(weights), intercepts=tuple(intercepts))

    def with_layers(self, layers):
        """Return the same network with the weights and intercepts of `augment`."""
        return self.with_weights(
            [layer[:-1] for layer in layers], [layer[-1] for layer in layers]
        )

    def astype(self, dtype):
        """Return a copy in another precision; overflow becomes the largest number."""
        limits = np.finfo(dtype)

        def convert(array):
            fits = np.clip(array, limits.min, limits.max)
            return fits.astype(dtype, copy=False)

        return self.with_weights(
            [convert(coef) for coef in self.coefs],
            [convert(b) for b in self.intercepts],
        )

    def working_dtype(self, X):
        """float64 unless what is computed on the way from `X` is sure to fit float32.

        Parameters
        ----------
        X : {ndarray, sparse array} of shape (n_samples, n_features)
        """
        reached = _magnitude(X)
        magnitudes = [reached]
        for coef, b in zip(self.coefs, self.intercepts):
            scale = _magnitude(coef)
            reached = max(reached * scale, _magnitude(b))
            magnitudes += [scale, reached]
        safe = all(SAFE_RANGE[0] <= m <= SAFE_RANGE[1] for m in magnitudes)
        return self.dtype if safe else np.dtype(np.float64)

    def cast(self, X):
        """Return `X` in the network's precision; what does not fit it is infinite."""
        with np.errstate(over="ignore"):
            return X.astype(self.dtype, copy=False)

    def to_dense(self):
        """Return the same network with dense weights."""
        return self.with_weights([dense(coef) for coef in self.coefs])

    def to_sparse(self):
        """Return the same network with sparse weights."""
        return self.with_weights([sparse.csr_array(coef) for coef in self.coefs])

    def rescaled_output(self, center, scale):
        """Return the network whose output is `(f - center) / scale`.

        Parameters
        ----------
        center, scale : ndarrays of shape (n_outputs,)
        """
        return self.with_weights(
            [*self.coefs[:-1], self.coefs[-1] / scale],
            [*self.intercepts[:-1], (self.intercepts[-1] - center) / scale],
        )

    def restricted(self, neurons):
        """Return the network that some of the inputs and neurons make by themselves.

        Parameters
        ----------
        neurons : list of n_layers + 1 ndarrays of bool
            Masks of the inputs and of the neurons of each layer.
        """
        return self.with_weights(
            [_submatrix(*each) for each in zip(self.coefs, neurons, neurons[1:])],
            [b[chosen] for b, chosen in zip(self.intercepts, neurons[1:])],
        )

    def without_dead_neurons(self):
        """Return the network without the hidden neurons that lead to no output.

        One neuron stays in every layer. The weights have to be dense.
        """
        inputs, *hidden, outputs = live_neurons(self.coefs)
        for neurons in hidden:
            neurons[0] |= not neurons.any()
        return self.restricted([np.ones_like(inputs), *hidden, outputs])

    def locate(self, edges):
        """Layer, and inputs, of edges of one layer numbered as in `weights`."""
        ends = np.cumsum([coef.size for coef in self.coefs])
        layer = np.searchsorted(ends, edges[0], side="right")
        coef = self.coefs[layer]
        return layer, (edges - (ends[layer] - coef.size)) // coef.shape[1]

    @property
    def widths(self):
        """Number of neurons in every layer past the input."""
        return tuple(coef.shape[1] for coef in self.coefs)

    @property
    def dtype(self):
        return np.result_type(*(coef.dtype for coef in self.coefs))

    @cached_property
    def n_edges(self):
        """Number of weights that are not zero."""
        return sum(map(_count_nonzero, self.coefs))

    def magnitude_bound(self, X):
        """A magnitude that no sum on the way from `X` to the output exceeds."""
        bound = largest = _magnitude(X)
        for coef, intercept in zip(self.coefs, self.intercepts):
            column = float(abs(coef).sum(axis=0, dtype=np.float64).max())
            bound = max(bound, 1) * column + _magnitude(intercept)
            largest = max(largest, bound)
        return largest

    @_OVERFLOWS_SILENTLY
    def activations(self, X):
        """Return `[a^0, ..., a^(L-2), f]`: what enters each layer, and the output.

        Parameters
        ----------
        X : {ndarray, sparse array} of shape (n_samples, n_features)

        Returns
        -------
        activations : list of (n_samples, width) ndarrays
            The first is X itself, the last the output before the output activation.
        """
        activations = [X]
        for layer, (coef, intercept) in enumerate(zip(self.coefs, self.intercepts)):
            Z = dense(activations[-1] @ coef)
            Z += intercept
            if layer < len(self.coefs) - 1:
                ACTIVATIONS[self.activation](Z)
            activations.append(Z)
        return activations

    def forward(self, X, *, thread_map=serial_map):
        """Return the output before the output activation.

        In blocks of rows, so that memory does not grow with them; a layer with few
        edges multiplies as a sparse matrix, with the activations kept feature-major.

        Parameters
        ----------
        X : {ndarray, sparse array} of shape (n_samples, n_features)

        thread_map : callable, default=serial_map
            From `threads`. The result does not depend on it.

        Returns
        -------
        F : ndarray of shape (n_samples, n_outputs)
        """
        X = self.cast(X)
        some_sparse = any(sparse.issparse(operator) for operator, _ in self._operators)
        forward = self._forward_by_features if some_sparse else self._forward_by_rows
        size = BLOCK_SIZE_SPARSE if some_sparse else BLOCK_SIZE_DENSE
        if X.shape[0] <= size:
            return forward(X)
        F = np.empty((X.shape[0], self.widths[-1]), dtype=self.dtype)

        def fill(blocks):
            for rows in blocks:
                F[rows] = forward(X[rows])

        thread_map(fill, deal(X.shape[0], size))
        return F

    @cached_property
    def _operators(self):
        """Weights, dense or, where that is faster, transposed sparse, and intercepts.

        All copied at one time, where weights were sparse: later edits are no part of
        it.
        """
        return [
            (
                sparse.csr_array(coef.T)
                if _count_nonzero(coef) < SPARSE_BELOW * np.prod(coef.shape)
                else dense(coef),
                intercept.copy(),
            )
            for coef, intercept in zip(self.coefs, self.intercepts)
        ]

    @cached_property
    def _dense_network(self):
        return self.with_weights(*zip(*self._operators))

    def _forward_by_rows(self, X):
        return self._dense_network.activations(X)[-1]

    @_OVERFLOWS_SILENTLY
    def _forward_by_features(self, X):
        A = X.T
        last = len(self.coefs) - 1
        for layer, (operator, b) in enumerate(self._operators):
            transposed = operator if sparse.issparse(operator) else operator.T
            A = dense(transposed @ A)
            A += b[:, np.newaxis]
            if layer < last:
                ACTIVATIONS[self.activation](A)
        return A.T

    def activate_output(self, F):
        """Return `F` with the output activation applied: probabilities or values."""
        return activate_output(F, self.out_activation)

    def labels(self, F):
        """Predicted class of each row, (n_samples, 1), or set of labels."""
        return labels(F, self.out_activation)


def activate_output(F, out_activation):
    """Return probabilities, or values, from outputs before the output activation."""
    match out_activation:
        case "softmax":
            return softmax(F, axis=1)
        case "logistic":
            return expit(F)
        case "exp":
            return np.exp(F)
        case _:
            return F


def labels(F, out_activation):
    """Predicted class of each row, (n_samples, 1), or set of labels."""
    # of probabilities, which tie where outputs differ by little
    P = activate_output(F, out_activation)
    if out_activation == "softmax":
        return P.argmax(axis=1)[:, np.newaxis]
    return P > 0.5


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


def _submatrix(coef, rows, columns):
    """A copy of some rows and columns; np.ix_ would be slow."""
    if not rows.all():
        coef = coef.compress(rows, axis=0)
        return coef if columns.all() else coef.compress(columns, axis=1)
    return coef.compress(columns, axis=1)


def augment(network):
    """Return each layer as a dense copy with the intercepts below the weights."""
    return [
        np.vstack([dense(coef), intercept])
        for coef, intercept in zip(network.coefs, network.intercepts)
    ]


def views(flat, shapes):
    """Return the parts of a flat array, one after the other, in their shapes."""
    ends = np.cumsum([np.prod(shape) for shape in shapes])[:-1]
    return [part.reshape(shape) for part, shape in zip(np.split(flat, ends), shapes)]


def dense(array):
    """An ndarray, whether the array is sparse or not."""
    return array.toarray() if sparse.issparse(array) else array


def fastest(X):
    """Rows as they are multiplied fastest: sparse if most values are 0, or dense."""
    if _count_nonzero(X) < SPARSE_BELOW * np.prod(X.shape):
        return sparse.csr_array(X)
    return dense(X)


def _magnitude(array):
    """Largest magnitude, also of sparse arrays, without a copy."""
    return float(max(array.max(), -array.min())) if array.size else 0.0


def _count_nonzero(array):
    if sparse.issparse(array):
        return array.count_nonzero()
    return np.count_nonzero(array)
