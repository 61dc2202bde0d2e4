"""Network: the weights of a multi-layer perceptron as a value."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np
from scipy import sparse
from scipy.special import expit, softmax

from ._parallel import deal, serial_map

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

# What is taken, as weights and as rows.
DTYPES = (np.float64, np.float32)
SPARSE_FORMATS = ("csr", "csc")

# What only training needs: most of a pickled MLP.
_TRAINING_STATE = (
    "_optimizer",
    "_best_coefs",
    "_best_intercepts",
    "_random_state",
    "_coef_indptr",
    "_intercept_indptr",
)

# What a training that goes on from these weights compares itself with.
_START_OF_TRAINING = {
    "_no_improvement_count": 0,
    "best_loss_": np.inf,
    "best_validation_score_": -np.inf,
}

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
            tuple(map(_native, mlp.coefs_)),
            tuple(map(_native, mlp.intercepts_)),
            mlp.activation,
            mlp.out_activation_,
        )

    def to_estimator(self, mlp, *, dense=False):
        """Return a copy of `mlp` that has these weights and no training state."""
        convert = _dense if dense else _canonical
        estimator = copy(mlp)
        for name in _TRAINING_STATE:
            estimator.__dict__.pop(name, None)
        for name, start in _START_OF_TRAINING.items():
            if vars(estimator).get(name) is not None:
                setattr(estimator, name, start)
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

    def with_layers(self, layers):
        """Return the same network with the weights and intercepts of `augment`."""
        return self.with_weights(
            [layer[:-1] for layer in layers], [layer[-1] for layer in layers]
        )

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
        return self.with_weights([_dense(coef) for coef in self.coefs])

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
            [coef[np.ix_(*ends)] for coef, ends in zip(self.coefs, pairwise(neurons))],
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
            Z = _dense(activations[-1] @ coef)
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
                else _dense(coef),
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
        # of probabilities, which tie where outputs differ by little
        P = self.activate_output(F)
        if self.out_activation == "softmax":
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
    which = f"estimator is a {type(mlp).__name__}"
    for attribute in ("coefs_", "intercepts_", "activation", "out_activation_"):
        if not hasattr(mlp, attribute):
            raise ValueError(f"{which} without {attribute}: it was not fitted whole.")
    for attribute in ("coefs_", "intercepts_"):
        arrays = getattr(mlp, attribute)
        if not isinstance(arrays, (list, tuple)):
            raise ValueError(
                f"{which} whose {attribute} is of type {type(arrays).__name__}, not a "
                "list of arrays."
            )
    if len(mlp.coefs_) != len(mlp.intercepts_) or not mlp.coefs_:
        raise ValueError(
            f"{which} with {len(mlp.coefs_)} coefs_ and {len(mlp.intercepts_)} "
            "intercepts_: it needs one of each for every layer."
        )
    for attribute, known in (
        ("activation", sorted(ACTIVATIONS)),
        ("out_activation_", sorted(OUT_ACTIVATIONS)),
    ):
        if getattr(mlp, attribute) not in known:
            raise ValueError(
                f"{which} with {attribute}={getattr(mlp, attribute)!r}, which is none "
                f"of {known}."
            )
    n_in = getattr(mlp, "n_features_in_", None)
    for layer, (coef, b) in enumerate(zip(mlp.coefs_, mlp.intercepts_)):
        _check_array(coef, f"{which} whose coefs_[{layer}]", n_dimensions=2)
        _check_array(b, f"{which} whose intercepts_[{layer}]", n_dimensions=1)
        last = layer == len(mlp.coefs_) - 1
        n_in = coef.shape[0] if n_in is None else n_in
        n_out = getattr(mlp, "n_outputs_", len(b)) if last else len(b)
        if coef.shape != (n_in, n_out) or b.shape != (n_out,) or n_out == 0:
            raise ValueError(
                f"{which} whose coefs_[{layer}] has shape {coef.shape} and "
                f"intercepts_[{layer}] {b.shape}; the layers around it make them "
                f"{(n_in, n_out)} and {(n_out,)}, and no layer is empty."
            )
        values = coef.data if sparse.issparse(coef) else coef
        if not (np.isfinite(values).all() and np.isfinite(b).all()):
            raise ValueError(
                f"{which} with NaN or infinity in coefs_[{layer}] or "
                f"intercepts_[{layer}]: its training has failed, or its file is "
                "damaged."
            )
        if sparse.issparse(coef):
            _check_indices(coef, f"{which} whose coefs_[{layer}]")
        n_in = n_out


def _check_array(array, which, n_dimensions):
    """Refuse what is no array of float32 or float64, dense or, if 2-d, sparse."""
    if sparse.issparse(array):
        is_array = array.ndim == n_dimensions == 2 and array.format in SPARSE_FORMATS
    else:
        unusual = (np.matrix, np.ma.MaskedArray)
        is_array = isinstance(array, np.ndarray) and not isinstance(array, unusual)
    if not is_array:
        dense_or_sparse = " or sparse array (CSR or CSC)" if n_dimensions == 2 else ""
        raise ValueError(
            f"{which} is of type {type(array).__name__}, not an ndarray"
            f"{dense_or_sparse}."
        )
    if array.dtype.type not in DTYPES:
        raise ValueError(
            f"{which} is of {array.dtype}, not of float32 or float64: convert it."
        )


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


def _native(array):
    """The same in this machine's byte order; a file may come from another."""
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _canonical(array):
    """A sparse array that later use leaves as it is: SciPy notes its form on it."""
    array = sparse.csr_array(array)
    array.sum_duplicates()
    return array


def _magnitude(array):
    """Largest magnitude, also of sparse arrays, without a copy."""
    return float(max(array.max(), -array.min())) if array.size else 0.0


def _count_nonzero(array):
    if sparse.issparse(array):
        return array.count_nonzero()
    return np.count_nonzero(array)
