"""A network in integers beside the estimator that it stands for."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings
from pathlib import Path

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, validate_data

from ..._compressor import CoresetCompressor
from ..._network import dense, labels
from ..._wrapped import (
    DTYPES,
    SPARSE_FORMATS,
    Predictor,
    class_probabilities,
    is_mlp,
    is_multilabel,
    last_step,
    linear_inputs,
    network_of,
    steps_before,
)
from ..._wrapped.compat import safe_indexing
from ..comparison import compare, rows_to_compare
from .causes import MIN_ROWS, causes, few_rows
from .inputs import float_inputs, integer_inputs
from .integers import integer_network, level_weight, prepare, robust_std

# Ranges are set by a random sample of this many rows.
MAX_CALIBRATION_ROWS = 10_000

# Values of 8 bits do if at most this share of the predicted classes, or this share of
# the standard deviation of an output, changes against 16 bits.
MAX_LABELS_CHANGED = 0.005
MAX_RELATIVE_CHANGE = 0.01

# A scale for each feature is taken if it brings the error below this share.
OWN_SCALE_GAIN = 0.8

# Weights in this range neither vanish nor overflow on the way.
MIN_WEIGHT, MAX_WEIGHT = 1e-20, 1e20

# Of the outputs: then floats hold their multiples.
MAX_UNIT = 1e24

INPUT_BITS = (8, 10, 12)


class IntegerProgram:
    """The integer network that exported code computes, in NumPy.

    Parameters
    ----------
    estimator : fitted estimator
        An MLP, or what holds one.

    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Rows as `estimator` takes them.

    input_scale, input_offset, input_bits, hidden_bits, probabilities
        As in :func:`to_c`.
    """

    def __init__(
        self,
        estimator,
        X,
        *,
        input_scale,
        input_offset,
        input_bits,
        hidden_bits,
        probabilities,
    ):
        mlp = last_step(estimator)
        if isinstance(mlp, CoresetCompressor) or is_mlp(mlp):
            check_is_fitted(mlp)
        if not is_mlp(mlp):
            raise TypeError(
                "estimator must be a fitted CoresetCompressor, MLPClassifier, "
                "MLPRegressor or a Pipeline that ends in one; got a "
                f"{type(estimator).__name__}."
            )
        self.is_classifier = is_classifier(mlp)
        self.is_multilabel = is_multilabel(mlp)
        self.has_probabilities = probabilities
        if probabilities and not self.is_classifier:
            raise ValueError(
                "probabilities=True needs a classifier; the function of a regressor "
                "returns its values."
            )
        if self.is_classifier:
            self.classes_ = mlp.classes_
        original = network_of(mlp)
        _check_magnitudes(original)
        linear = linear_inputs(estimator)
        n_features = len(linear.scale)
        self._checker = _input_checker(estimator, n_features)
        names = getattr(self._checker, "feature_names_in_", None)
        self.has_names = names is not None
        self.input_names = [
            f"input {i}" if names is None else str(names[i]) for i in range(n_features)
        ]
        self.reads_scaled_rows = not linear.is_identity
        rows = self._rows(X)
        self.n_rows = len(rows)
        self.input_ranges = np.array([rows.min(axis=0), rows.max(axis=0)])
        if len(rows) > MAX_CALIBRATION_ROWS:
            chosen = np.random.default_rng(0).permutation(len(rows))
            sample = rows[chosen[:MAX_CALIBRATION_ROWS]]
        else:
            sample = rows
        live = dense(original.coefs[0]).any(axis=1)
        if input_scale is None:
            _check_no_integers(input_offset, input_bits)
            inputs = float_inputs(linear, live, sample)
        else:
            readings = _check_readings(input_scale, input_offset, input_bits, live)
            inputs = integer_inputs(linear, live, *readings)
        self.network = _quantize(original, linear, inputs, sample, hidden_bits)
        self.n_features_in_, self.n_outputs_ = n_features, original.widths[-1]
        self.input_type = self.network.inputs.ctype
        if (probabilities or not self.is_classifier) and (
            self.network.units.max() > MAX_UNIT
        ):
            raise ValueError(
                "The output of the network is too large for a float: scale X and y, "
                "and train again."
            )
        chosen = rows_to_compare(len(rows))
        if len(chosen) < len(rows):
            X, rows = safe_indexing(X, chosen), rows[chosen]
        F = Predictor(estimator).outputs(X).values
        self.comparison = self._compare(F, rows, chosen)
        self.causes = list(causes(self, linear, live, rows, F))

    def warn(self):
        """Warn of a difference from the original, with its causes, or of few rows.

        It is to be called by the function that a user calls.
        """
        self.comparison.warn("The integer network", self.causes, stacklevel=4)
        if self.n_rows < MIN_ROWS and not self.comparison.concern:
            warnings.warn(few_rows(self.n_rows), UserWarning, stacklevel=3)

    @property
    def agreement(self):
        return self.comparison.agreement

    @property
    def hidden_bits(self):
        hidden = self.network.layers[:-1]
        return max([8 * h.activation.values.n_bytes for h in hidden], default=8)

    def save(self, path):
        """Write `source` to a file.

        Parameters
        ----------
        path : str or path-like
            ASCII, with line feeds.
        """
        Path(path).write_text(self.source, encoding="ascii", newline="\n")

    def predict(self, X):
        """Return what the exported code says of rows in the units of X.

        Parameters
        ----------
        X : {array-like, sparse array} of shape (n_samples, n_features)
            With ``input_scale`` each number is prepared to the nearest reading.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Classes, sets of labels, or values in float32.
        """
        results = self.results(self._rows(X))
        if self.is_classifier and not self.is_multilabel:
            return self.classes_[results[:, 0]]
        single = self.n_outputs_ == 1 and not self.is_multilabel
        return results.ravel() if single else results

    @available_if(lambda self: self.has_probabilities)
    def predict_proba(self, X):
        """Return the probabilities that the code gives, with ``probabilities=True``.

        Parameters
        ----------
        X : {array-like, sparse array} of shape (n_samples, n_features)
            As for `predict`.

        Returns
        -------
        P : ndarray of shape (n_samples, n_classes), float32
        """
        P = self.network.outputs(self.network.sums(self._rows(X)))
        return class_probabilities(P)

    def transform(self, X):
        """Return the output before the output activation.

        Parameters
        ----------
        X : {array-like, sparse array} of shape (n_samples, n_features)
            As for `predict`.

        Returns
        -------
        F : ndarray of shape (n_samples, n_outputs), float64
        """
        return self.network.sums(self._rows(X)) * self.network.units

    def readings(self, X):
        """Return what the device reads for rows in the units of X.

        Parameters
        ----------
        X : {array-like, sparse array} of shape (n_samples, n_features)

        Returns
        -------
        U : ndarray of shape (n_samples, n_features), of `input_type`
        """
        return self.network.inputs.read(self._rows(X))

    def results(self, rows):
        """Return what the exported function gives.

        Parameters
        ----------
        rows : ndarray of shape (n_samples, n_features)
            As for `predict`, and already validated.

        Returns
        -------
        results : ndarray of shape (n_samples, n_columns)
            The index of a class, indicators of labels, or values.
        """
        sums = self.network.sums(rows)
        if not self.is_classifier:
            return self.network.outputs(sums)
        index = self.network.labels(sums).reshape(len(rows), -1)
        return index if self.is_multilabel else np.minimum(index, self._last_class)

    @property
    def _last_class(self):
        """A network of one class has an output that says nothing."""
        return len(self.classes_) - 1

    def _rows(self, X):
        X = validate_data(
            self._checker, X, reset=False, accept_sparse=SPARSE_FORMATS, dtype=DTYPES
        )
        return dense(X)

    def _compare(self, F, rows, numbers):
        """Compare with the outputs of the whole estimator."""
        network = self.network
        sums = network.sums(rows)
        if not self.is_classifier:
            F = np.exp(F) if network.out_activation == "exp" else F
            return compare(F, network.outputs(sums), rows=numbers)
        G, y = sums * network.units, labels(F, network.out_activation).astype(int)
        if network.out_activation == "softmax":
            F, G = (A - A.mean(axis=1, keepdims=True) for A in (F, G))
        y_hat = self.results(rows)
        if not self.is_multilabel:
            y = self.classes_[np.minimum(y[:, 0], self._last_class)]
            y_hat = self.classes_[y_hat[:, 0]]
        return compare(
            F, G, predictions=(y, y_hat), classes=self.classes_, rows=numbers
        )


def _quantize(original, linear, candidates, X, hidden_bits):
    """The integer network with the inputs that are best on `X`, and the hidden bits."""

    def networks(inputs, *hidden_bits):
        gained = inputs.gains[:, np.newaxis] * dense(original.coefs[0])
        network = original.with_weights([gained, *original.coefs[1:]])
        prepared = prepare(network)
        inputs = inputs.narrowed(level_weight(prepared[0][0], prepared[2][0]))
        return [
            integer_network(network, prepared, inputs, X, bits) for bits in hidden_bits
        ]

    inputs = candidates[0]
    if len(candidates) > 1:
        F = original.forward(linear(X))
        errors = [_error(*networks(each, 16), X, F) for each in candidates]
        inputs = candidates[int(errors[1] < OWN_SCALE_GAIN * errors[0])]
    if hidden_bits is not None:
        return networks(inputs, hidden_bits)[0]
    small, large = networks(inputs, 8, 16)
    return large if _differ(small, large, X) else small


def _error(network, X, F):
    """The largest error of an output, as a share of its standard deviation."""
    change = network.sums(X) * network.units - F
    if network.out_activation == "softmax":
        change, F = (A - A.mean(axis=1, keepdims=True) for A in (change, F))
    scale = np.maximum(robust_std(F), np.finfo(np.float32).tiny)
    return (_robust_size(change) / scale).max()


def _robust_size(change):
    """Root mean square without the most extreme values, which a wild row may have."""
    return np.hypot(robust_std(change), np.median(change, axis=0))


def _differ(small, large, X):
    """Whether hidden values of 8 bits change too much."""
    sums, reference = small.sums(X), large.sums(X)
    if small.out_activation in ("softmax", "logistic"):
        changed = small.labels(sums) != large.labels(reference)
        return bool(changed.reshape(len(X), -1).any(axis=1).mean() > MAX_LABELS_CHANGED)
    F, G = sums * small.units, reference * large.units
    return bool((_robust_size(F - G) > MAX_RELATIVE_CHANGE * robust_std(G)).any())


def _input_checker(estimator, n_features):
    """A small estimator that knows what rows the first step takes."""
    first = [*(step for _, step in steps_before(estimator)), last_step(estimator)][0]
    # of its class, which messages name
    checker = clone(first)
    checker.n_features_in_ = n_features
    if hasattr(first, "feature_names_in_"):
        checker.feature_names_in_ = first.feature_names_in_
    return checker


def _check_no_integers(offset, bits):
    for key, value, default in (("input_offset", offset, 0), ("input_bits", bits, 8)):
        if not np.array_equal(value, default):
            raise ValueError(
                f"{key}={value!r} needs input_scale: without it the inputs are floats "
                "in the units of X."
            )


def _check_readings(scale, offset, bits, live):
    """Scale and offset of every feature, and the bits of readings."""
    if bits not in INPUT_BITS:
        raise ValueError(f"input_bits must be 8, 10 or 12; got {bits!r}.")
    arrays = []
    for key, value in (("input_scale", scale), ("input_offset", offset)):
        array = np.asarray(value)
        is_number = array.dtype.kind in "iuf" and array.shape in ((), live.shape)
        array = np.broadcast_to(array if is_number else np.nan, live.shape)
        if not np.isfinite(array).all() or (key == "input_scale" and array.min() <= 0):
            kind = "positive " if key == "input_scale" else ""
            raise ValueError(
                f"{key} must be a {kind}number, or {len(live)} of them; got {value!r}."
            )
        arrays.append(array.astype(np.float64))
    return *arrays, bits


def _check_magnitudes(network):
    for layer, (coef, b) in enumerate(zip(network.coefs, network.intercepts)):
        for key, array in (("coefs_", coef), ("intercepts_", b)):
            largest = abs(array).max()
            lowest = MIN_WEIGHT if key == "coefs_" else 0
            if largest and not lowest <= largest <= MAX_WEIGHT:
                raise ValueError(
                    f"The largest number of {key}[{layer}] is {largest:.3g}, beyond "
                    f"what integers can follow ({MIN_WEIGHT:g} to {MAX_WEIGHT:g}): "
                    "scale X and train again."
                )
