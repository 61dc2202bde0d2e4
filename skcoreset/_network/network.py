"""Network: the weights of a multi-layer perceptron as a value."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass, fields, replace
from functools import cached_property

import numpy as np
from scipy import sparse

from .._parallel import serial_map
from .activations import ACTIVATIONS, activate_output, labels
from .arrays import OVERFLOW_ALLOWED, count_nonzero, dense, magnitude, views
from .forward import ForwardPass

# Magnitudes whose squares and products float32 holds with room to spare.
SAFE_RANGE = 1e-8, 1e8


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

    def __getstate__(self):
        """Copies, files and hashes are those of the fields, without what is cached."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @cached_property
    def weights(self):
        """All dense weights in one flat array, input layer first."""
        return np.concatenate([coef.ravel() for coef in self.coefs])

    def equals(self, other):
        """Whether another network, with dense weights too, has the same weights."""
        return np.array_equal(self.weights, other.weights)

    def with_weights(self, weights, intercepts=None):
        """Return the network with other weights.

        Parameters
        ----------
        weights : list of (n_in, n_out) arrays, or ndarray of shape (n_weights,)
            Like `coefs`, or flat like `weights`.

        intercepts : list of (n_out,) ndarrays, default=None
            None keeps them.
        """
        if isinstance(weights, np.ndarray):
            weights = views(weights, [coef.shape for coef in self.coefs])
        intercepts = self.intercepts if intercepts is None else intercepts
        return replace(self, coefs=tuple(weights), intercepts=tuple(intercepts))

    def with_layers(self, layers):
        """Return the network with the layers that `augment` returns for it."""
        return self.with_weights(
            [layer[:-1] for layer in layers], [layer[-1] for layer in layers]
        )

    def astype(self, dtype):
        """Return the network in a precision; numbers are clipped to its range."""
        limits = np.finfo(dtype)

        def convert(array):
            if array.dtype == dtype:
                return array
            fits = np.clip(array, limits.min, limits.max)
            return fits.astype(dtype, copy=False)

        return self.with_weights(
            [convert(coef) for coef in self.coefs],
            [convert(b) for b in self.intercepts],
        )

    def working_dtype(self, X):
        """Return the network's dtype, or float64 if float32 might overflow for `X`.

        Parameters
        ----------
        X : {ndarray, sparse array} of shape (n_samples, n_features)
        """
        reached = magnitude(X)
        magnitudes = [reached]
        for coef, b in zip(self.coefs, self.intercepts):
            scale = magnitude(coef)
            reached = max(reached * scale, magnitude(b))
            magnitudes += [scale, reached]
        safe = all(SAFE_RANGE[0] <= m <= SAFE_RANGE[1] for m in magnitudes)
        return self.dtype if safe else np.dtype(np.float64)

    def cast(self, X):
        """Return `X` in the network's precision; numbers beyond it become infinite."""
        if X.dtype == self.dtype:
            return X
        with np.errstate(over="ignore"):
            return X.astype(self.dtype)

    def to_dense(self):
        """Return the network with dense weights."""
        return self.with_weights([dense(coef) for coef in self.coefs])

    def to_sparse(self):
        """Return the network with sparse weights."""
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
        """Return the part of the network with some of the inputs and neurons.

        Parameters
        ----------
        neurons : list of n_layers + 1 ndarrays of bool
            Masks of the inputs and of the neurons of each layer.
        """
        return self.with_weights(
            [_submatrix(*each) for each in zip(self.coefs, neurons, neurons[1:])],
            [b[chosen] for b, chosen in zip(self.intercepts, neurons[1:])],
        )

    def locate(self, edges):
        """Return the layer, and the inputs, of edges of one layer.

        Edges are numbered as in `weights`.
        """
        ends = np.cumsum([coef.size for coef in self.coefs])
        layer = np.searchsorted(ends, edges[0], side="right")
        coef = self.coefs[layer]
        return layer, (edges - (ends[layer] - coef.size)) // coef.shape[1]

    @property
    def widths(self):
        """Number of neurons in every layer past the input."""
        return tuple(coef.shape[1] for coef in self.coefs)

    @cached_property
    def dtype(self):
        return np.result_type(*(coef.dtype for coef in self.coefs))

    @cached_property
    def n_edges(self):
        """Number of weights that are not zero."""
        return sum(map(count_nonzero, self.coefs))

    def magnitude_bound(self, X):
        """Return an upper bound of all sums on the way from `X` to the output."""
        bound = largest = magnitude(X)
        for coef, intercept in zip(self.coefs, self.intercepts):
            column = float(abs(coef).sum(axis=0, dtype=np.float64).max())
            bound = max(bound, 1) * column + magnitude(intercept)
            largest = max(largest, bound)
        return largest

    @OVERFLOW_ALLOWED
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

    def output(self, X):
        """Return the last of the `activations`."""
        return self.activations(X)[-1]

    def forward(self, X, *, thread_map=serial_map):
        """Return the output before the output activation.

        Parameters
        ----------
        X : {ndarray, sparse array} of shape (n_samples, n_features)

        thread_map : callable, default=serial_map
            From `threads`. The result does not depend on it.

        Returns
        -------
        F : ndarray of shape (n_samples, n_outputs)
        """
        return self._forward_pass(self.cast(X), thread_map)

    @cached_property
    def _forward_pass(self):
        return ForwardPass(self)

    def activate_output(self, F):
        """Return `F` with the output activation applied: probabilities or values."""
        return activate_output(F, self.out_activation)

    def labels(self, F):
        """Return the predicted class of each row, (n_samples, 1), or its labels."""
        return labels(F, self.out_activation)


def _submatrix(coef, rows, columns):
    """A copy of some rows and columns; faster than with np.ix_."""
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
