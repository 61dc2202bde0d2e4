"""Network: the weights of a multi-layer perceptron as a value."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy import sparse
from scipy.special import expit, softmax
from sklearn.utils import gen_batches

# Below this share of non-zero weights a sparse product beats the dense one.
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

# What only training needs: most of a pickled MLP.
_TRAINING_STATE = (
    "_optimizer",
    "_best_coefs",
    "_best_intercepts",
    "_random_state",
    "_no_improvement_count",
    "_coef_indptr",
    "_intercept_indptr",
)


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

    @classmethod
    def from_estimator(cls, mlp):
        """Take the weights of a fitted `MLPClassifier` or `MLPRegressor`.

        Raises
        ------
        ValueError
            If they do not make a network, or are not finite.
        """
        _check_weights(mlp)
        return cls(
            tuple(mlp.coefs_),
            tuple(mlp.intercepts_),
            mlp.activation,
            mlp.out_activation_,
        )

    def to_estimator(self, mlp, *, dense=False):
        """Return a copy of `mlp` that has these weights and no training state."""
        convert = _dense if dense else _canonical
        estimator = copy(mlp)
        for name in _TRAINING_STATE:
            estimator.__dict__.pop(name, None)
        estimator.coefs_ = [convert(coef) for coef in self.coefs]
        estimator.intercepts_ = [intercept.copy() for intercept in self.intercepts]
        if self.widths != tuple(coef.shape[1] for coef in mlp.coefs_):
            estimator.hidden_layer_sizes = self.widths[:-1]
        return estimator

    @cached_property
    def weights(self):
        """All dense weights in one flat array, input layer first."""
        return np.concatenate([coef.ravel() for coef in self.coefs])

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

    def astype(self, dtype):
        """Return a copy in another precision; overflow becomes the largest number."""
        limits = np.finfo(dtype)

        def convert(array):
            return np.clip(array, limits.min, limits.max).astype(dtype)

        return self.with_weights(
            [convert(coef) for coef in self.coefs],
            [convert(b) for b in self.intercepts],
        )

    def working_dtype(self, X):
        """float64 unless what is computed on the way from `X` is sure to fit float32.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)
        """
        scales = [np.abs(coef).max(initial=0).astype(float) for coef in self.coefs]
        reached = np.cumprod([np.abs(X).max(initial=0).astype(float), *scales])
        safe = all(SAFE_RANGE[0] <= s <= SAFE_RANGE[1] for s in (*scales, *reached))
        return self.dtype if safe else np.dtype(np.float64)

    def to_dense(self):
        """Return the same network with dense weights."""
        return self.with_weights([_dense(coef) for coef in self.coefs])

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
        bound = float(abs(X).max()) if X.shape[0] else 0.0
        for coef, intercept in zip(self.coefs, self.intercepts):
            column = float(abs(coef).sum(axis=0, dtype=np.float64).max())
            bound = max(bound, 1) * column + float(np.abs(intercept).max())
        return bound

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
            Z = _dense(activations[-1] @ coef)
            Z += intercept
            if layer < len(self.coefs) - 1:
                ACTIVATIONS[self.activation](Z)
            activations.append(Z)
        return activations

    def forward(self, X):
        """Return the output before the output activation.

        In blocks of rows, so that memory does not grow with them; a layer with few
        edges multiplies as a sparse matrix, with the activations kept feature-major.

        Parameters
        ----------
        X : {ndarray, sparse array} of shape (n_samples, n_features)

        Returns
        -------
        F : ndarray of shape (n_samples, n_outputs)
        """
        X = X.astype(self.dtype, copy=False)
        some_sparse = any(map(sparse.issparse, self._operators))
        forward = self._forward_by_features if some_sparse else self._forward_by_rows
        size = BLOCK_SIZE_SPARSE if some_sparse else BLOCK_SIZE_DENSE
        if X.shape[0] <= size:
            return forward(X)
        F = np.empty((X.shape[0], self.widths[-1]), dtype=self.dtype)
        for rows in gen_batches(X.shape[0], size):
            F[rows] = forward(X[rows])
        return F

    @cached_property
    def _operators(self):
        """Weights of each layer, dense or, where that is faster, transposed sparse."""
        return [
            sparse.csr_array(coef.T)
            if _count_nonzero(coef) < SPARSE_BELOW * np.prod(coef.shape)
            else _dense(coef)
            for coef in self.coefs
        ]

    @cached_property
    def _dense_network(self):
        return self.with_weights(self._operators)

    def _forward_by_rows(self, X):
        return self._dense_network.activations(X)[-1]

    @_OVERFLOWS_SILENTLY
    def _forward_by_features(self, X):
        A = X.T
        last = len(self.coefs) - 1
        for layer, (operator, b) in enumerate(zip(self._operators, self.intercepts)):
            transposed = operator if sparse.issparse(operator) else operator.T
            A = _dense(transposed @ A)
            A += b[:, np.newaxis]
            if layer < last:
                ACTIVATIONS[self.activation](A)
        return A.T

    def activate_output(self, F):
        """Return `F` with the output activation applied: probabilities or values."""
        match self.out_activation:
            case "softmax":
                return softmax(F, axis=1)
            case "logistic":
                return expit(F)
            case "exp":
                return np.exp(F)
            case _:
                return F

    def labels(self, F):
        """Predicted class of each row, (n_samples, 1), or set of labels."""
        if self.out_activation == "softmax":
            return F.argmax(axis=1)[:, np.newaxis]
        return expit(F) > 0.5


def augment(network):
    """Return each layer as a dense copy with the intercepts below the weights."""
    return [
        np.vstack([_dense(coef), intercept])
        for coef, intercept in zip(network.coefs, network.intercepts)
    ]


def views(flat, shapes):
    """Return the parts of a flat array, one after the other, in their shapes."""
    ends = np.cumsum([np.prod(shape) for shape in shapes])[:-1]
    return [part.reshape(shape) for part, shape in zip(np.split(flat, ends), shapes)]


def _check_weights(mlp):
    name = type(mlp).__name__
    if len(mlp.coefs_) != len(mlp.intercepts_) or not mlp.coefs_:
        raise ValueError(
            f"estimator is a {name} with {len(mlp.coefs_)} coefs_ and "
            f"{len(mlp.intercepts_)} intercepts_: it needs one of each for every layer."
        )
    for attribute, known in (
        ("activation", ACTIVATIONS),
        ("out_activation_", OUT_ACTIVATIONS),
    ):
        if getattr(mlp, attribute) not in known:
            raise ValueError(
                f"estimator is a {name} with {attribute}="
                f"{getattr(mlp, attribute)!r}, which is none of {sorted(known)}."
            )
    n_in = getattr(mlp, "n_features_in_", mlp.coefs_[0].shape[0])
    for layer, (coef, b) in enumerate(zip(mlp.coefs_, mlp.intercepts_)):
        last = layer == len(mlp.coefs_) - 1
        n_out = getattr(mlp, "n_outputs_", len(b)) if last else len(b)
        if coef.shape != (n_in, n_out) or b.shape != (n_out,):
            raise ValueError(
                f"estimator is a {name} whose coefs_[{layer}] has shape {coef.shape} "
                f"and intercepts_[{layer}] {b.shape}; the layers around it make them "
                f"{(n_in, n_out)} and {(n_out,)}."
            )
        values = coef.data if sparse.issparse(coef) else coef
        if not all(np.issubdtype(array.dtype, np.floating) for array in (values, b)):
            raise ValueError(
                f"estimator is a {name} whose coefs_[{layer}] and intercepts_[{layer}] "
                f"are of {coef.dtype} and {b.dtype}, not of a floating-point type."
            )
        if not (np.isfinite(values).all() and np.isfinite(b).all()):
            raise ValueError(
                f"estimator is a {name} with NaN or infinity in coefs_[{layer}] or "
                f"intercepts_[{layer}]: its training has failed, or its file is "
                "damaged."
            )
        if sparse.issparse(coef):
            _check_indices(coef, f"estimator is a {name} whose coefs_[{layer}]")
        n_in = n_out


def _check_indices(coef, which):
    """Refuse positions outside of a sparse matrix, which products do not look at."""
    try:
        # of a copy, as the check may change the dtype of the indices
        copy(coef).check_format(full_check=True)
    except ValueError as error:
        raise ValueError(
            f"{which} is no valid sparse matrix: its file is damaged."
        ) from error


def _dense(array):
    return array.toarray() if sparse.issparse(array) else array


def _canonical(array):
    """A sparse array that later use leaves as it is: SciPy notes its form on it."""
    array = sparse.csr_array(array)
    array.sum_duplicates()
    return array


def _count_nonzero(array):
    if sparse.issparse(array):
        return array.count_nonzero()
    return np.count_nonzero(array)
