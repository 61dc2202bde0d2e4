"""Objectives: what training minimises."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from abc import ABC, abstractmethod
from copy import copy
from functools import partial

import numpy as np
from scipy import sparse
from sklearn.utils.sparsefuncs import mean_variance_axis

from .._importance import (
    edge_importance,
    neuron_statistics,
    output_gains,
    probes_of,
    row_blocks,
    sum_parts,
)
from .._network import augment, dense
from .._network.activations import unknown
from .._parallel import serial_map
from .core import forward, layer_columns, rms
from .elimination import neuron_ranking
from .made_rows import stack

# Rows that edges are ranked on: more of them hardly change the ranks.
N_ROWS_RANKING = 1024

# How much the ranking shrinks variances of features; see `edge_importance`. Chosen on
# the networks of tests/benchmarks/panel.py, where 0.1 to 0.3 are about as good.
SHRINKAGE = 0.2


class Objective(ABC):
    """What a :class:`Trainer` asks of an objective.

    Attributes
    ----------
    network : Network
        In the units and the dtype of the training.

    X : {ndarray, csr_array} of shape (n_samples, n_inputs)

    n_samples, batch_size : int

    learning_rate, warm_up, beta_2 : float
        Of Adam: relative to the root mean square weight of a layer; the share of the
        steps in which it rises from 0; and the decay of the second moment.

    alpha : float
        Strength of the L2 penalty on the weights.

    output_scale : float or ndarray of shape (n_outputs,)
        Units of the outputs in the training, in those of the original network.
    """

    alpha, output_scale = 0.0, 1.0

    @property
    def has_sparse_rows(self):
        """Whether batches take their inputs from `X`, not from `fill`."""
        return sparse.issparse(self.X)

    def scale(self, layer):
        """Return what learning rates of a layer's intercepts are multiplied by."""
        return 1.0

    def standardised(self, network):
        """Return a network of the original's units in the units of the training."""
        return network

    def restored(self, network):
        """Return a network of the training's units in those of the original."""
        return network

    def needs_training(self, network, *, goes_on=False):
        """Whether the loss can still be lowered; now, or on the way to fewer edges."""
        return True

    def total(self, rows):
        """Return the weight of some rows; the loss is a mean over it."""
        return len(rows)

    @abstractmethod
    def restricted(self, live):
        """Return the objective for a network of some of the neurons.

        Parameters
        ----------
        live : list of n_layers + 1 ndarrays of bool
            Masks of the inputs and of the neurons of each layer.
        """

    @abstractmethod
    def fill(self, rows, batch):
        """Write dense inputs, and what `differentiate` needs, into a batch.

        Parameters
        ----------
        rows : ndarray of int

        batch : ndarray of shape (n_rows, n_columns)
            Inputs, if they are dense, and neurons, as laid out by `layer_columns`.
        """

    @abstractmethod
    def differentiate(self, rows, total, values, errors):
        """Write the derivatives of the loss with respect to the neurons' own values.

        Parameters
        ----------
        rows : ndarray of int

        total : float
            What the sum over the rows is divided by.

        values, errors : ndarrays of shape (n_rows, n_columns)
            Values of the neurons, as laid out by `layer_columns`; and what `fill` has
            left in their columns, which the derivatives replace.
        """


class MatchOriginal(Objective):
    """Squared distance to the original's outputs, and to its hidden neurons.

    The kind of error says how errors of the outputs count. An error of a hidden neuron
    counts by its effect on the outputs, to first order. Hidden layers have far more
    numbers than the outputs: to keep them close to the original's prevents overfitting
    to few rows.

    Parameters
    ----------
    network : Network
        The original, with dense weights.

    X : {ndarray, csr_array} of shape (n_samples, n_features)

    error : Error
        From `ERRORS`.

    made : {ndarray, csr_array} of shape (n_made, n_features), default=None
        More rows for the training only: units, ranks and losses are those of `X`.

    batch_size : int, default=128

    thread_map : callable, default=serial_map
        From `threads`.
    """

    learning_rate, warm_up, beta_2 = 0.03, 0.0, 0.99

    # Up to this loss there is nothing to train.
    negligible = 1e-4

    # Up to this loss a descent goes on without training while there are more edges than
    # entries in sparse rows: training all of these would take longest.
    small = 5e-3

    def __init__(
        self, network, X, error, *, made=None, batch_size=128, thread_map=serial_map
    ):
        self._map, self.batch_size = thread_map, batch_size
        self._n_real = X.shape[0]
        self._centred = error.centred(network)
        self._center, self._scale = self._units(network, X, error)
        # The last layer is in float64.
        exact = network.rescaled_output(self._center, self._scale)
        dtype = exact.astype(network.dtype).working_dtype(X)
        self.network = exact.astype(dtype)
        if made is not None:
            X = stack(X, made)
        self.n_samples, n_inputs = X.shape
        is_sparse = sparse.issparse(X)
        # What a batch takes of each row: its inputs, if they are dense, and the values
        # of all neurons, with a 1 for the intercepts after every layer but the last.
        inputs, outputs = layer_columns([0 if is_sparse else n_inputs, *network.widths])
        self._rows = np.ones((self.n_samples, outputs[-1].stop), dtype)
        self._inputs = [self._rows[:, columns] for columns in inputs]
        self._targets = [self._rows[:, columns] for columns in outputs]
        if is_sparse:
            self.X = self._inputs[0] = X.astype(dtype, copy=False)
        else:
            self.X = self._inputs[0][:, :-1]
        self._noise, self._live_inputs = None, slice(None)
        thread_map(partial(self._forward, X, augment(self.network)), row_blocks(X))
        self.scales = [rms(A) for A in (self.X, *(A[:, :-1] for A in self._inputs[1:]))]
        self.output_scale = self._scale

        F = self._without_shift(self._targets[-1].copy())
        self.row_weights = error.row_weights(F)
        # A network whose outputs are 0 has a loss of 1.
        self.row_weights /= np.square(F).sum(axis=1) @ self.row_weights or 1
        F, real = F[: self._n_real], self.row_weights[: self._n_real]
        self._real_weights = real / (np.square(F).sum(axis=1) @ real or 1)
        (hidden,) = sum_parts(thread_map(self._neuron_weights, row_blocks(X)))
        # The 1 of the intercepts has no error.
        weights = [np.append(weight, 0) for weight in hidden]
        self._error_weights = np.concatenate(
            [*weights, np.ones(network.widths[-1])], dtype=dtype
        )

    @property
    def has_sparse_rows(self):
        return super().has_sparse_rows and self._noise is None

    def _units(self, network, X, error):
        """Center and scale of the outputs, without the common shift of a softmax."""
        F = network.astype(network.working_dtype(X)).forward(X, thread_map=self._map)
        F = F.astype(np.float64)
        center, scale = error.standard_units(F)
        if self._centred:
            center = center + (F - center).mean()
        return center, scale

    def _forward(self, X, layers, blocks):
        # Use the training's own matrix products, so that an unchanged network has zero
        # error: Adam's steps do not shrink with the error, and would chase rounding
        # noise.
        with np.errstate(over="ignore", invalid="ignore"):
            for rows in blocks:
                if not sparse.issparse(X):
                    self.X[rows] = X[rows]
                inputs = [A[rows] for A in self._inputs]
                outputs = [Z[rows] for Z in self._targets]
                forward(self.network.activation, inputs, layers, outputs)

    def _neuron_weights(self, blocks):
        weights = [np.zeros_like(b) for b in self.network.intercepts[:-1]]
        for rows in blocks:
            A = [self.X[rows], *(target[rows] for target in self._targets)]
            probes = probes_of(self.network, rows, self.n_samples, self._centred)
            gains = output_gains(self.network, A, self.row_weights[rows], probes)
            for weight, (_, gain) in zip(weights, gains):
                weight += gain.sum(axis=0)
        return (weights,)

    def _without_shift(self, F):
        """Subtract, in place, the mean over the outputs if it does not matter."""
        if self._centred:
            # As a product, since sums of short rows are slow.
            F -= F @ np.full((F.shape[1], 1), 1 / F.shape[1], F.dtype)
        return F

    def scale(self, layer):
        return self.scales[layer]

    def standardised(self, network):
        network = network.to_dense().rescaled_output(self._center, self._scale)
        return network.astype(self.network.dtype)

    def restored(self, network):
        return network.rescaled_output(-self._center / self._scale, 1 / self._scale)

    def loss(self, network):
        """Return the mean squared error of the outputs of a standardised network."""
        F = network.forward(self.X[: self._n_real])
        F -= self._targets[-1][: self._n_real]
        return np.square(self._without_shift(F), out=F).sum(axis=1) @ self._real_weights

    def needs_training(self, network, *, goes_on=False):
        can_wait = goes_on and self.has_sparse_rows and network.n_edges > self.X.nnz
        return self.loss(network) > (self.small if can_wait else self.negligible)

    def rank(self, network):
        """Return importance and mean input of each edge of a standardised network."""
        return self._importance(partial(edge_importance, shrinkage=SHRINKAGE), network)

    def rank_neurons(self, network):
        """Return the `neuron_ranking` of a standardised network."""
        return neuron_ranking(network, *self._importance(neuron_statistics, network))

    def _importance(self, measure, network):
        rows = slice(None, self._n_real, -(-self._n_real // N_ROWS_RANKING))
        return measure(
            network,
            self.X[rows],
            self.row_weights[rows],
            centred=self._centred,
            thread_map=self._map,
        )

    def with_noise(self, noise):
        """Return an objective of the outputs alone, on rows with fresh noise each time.

        Targets are the original's outputs on the noisy row. This prevents overfitting
        to few rows, too, and leaves hidden neurons free to do the work of others.
        Sparse rows become dense, one batch at a time.

        Parameters
        ----------
        noise : float
            Standard deviation, relative to that of each input.
        """
        X = self.X[: self._n_real]
        if sparse.issparse(X):
            scale = np.sqrt(mean_variance_axis(X, axis=0)[1])
        else:
            scale = X.std(axis=0)
        other = copy(self)
        other._noise = noise * scale
        other._error_weights = self._error_weights.copy()
        other._error_weights[: -self.network.widths[-1]] = 0
        return other

    def restricted(self, live):
        inputs = np.append(live[0], True)
        neurons = np.concatenate([np.append(part, True) for part in live[1:]])[:-1]
        if inputs.all() and neurons.all():
            return self
        restricted = copy(self)
        if sparse.issparse(self.X):
            inputs = inputs[-1:]
        if self.has_sparse_rows:
            restricted.X = self.X[:, live[0]]
        columns = np.concatenate([inputs, neurons])
        restricted._rows = self._rows.compress(columns, axis=1)
        restricted._live_inputs = live[0]
        restricted._error_weights = self._error_weights[neurons]
        return restricted

    def fill(self, rows, batch):
        if self._noise is None:
            self._rows.take(rows, axis=0, out=batch, mode="clip")
            return
        # The same for whichever thread has these rows.
        rng = np.random.default_rng(rows)
        X = rng.standard_normal((len(rows), self.X.shape[1]), dtype=np.float32)
        X = self._noise * X
        X += dense(self.X[rows])
        F = self.network.forward(X)
        X = X[:, self._live_inputs]
        batch[:, : X.shape[1]] = X
        batch[:, X.shape[1] + 1 : -F.shape[1]] = 0
        batch[:, -F.shape[1] :] = F

    def differentiate(self, rows, total, values, errors):
        # `fill` has left the targets in `errors`.
        np.subtract(values, errors, out=errors)
        errors *= self._error_weights / errors.dtype.type(total)
        outputs = self._without_shift(errors[:, -self.network.widths[-1] :])
        outputs *= (self.row_weights[rows] * self.n_samples)[:, np.newaxis]


class FitLabels(Objective):
    """The loss of scikit-learn's MLPs that belongs to the output activation.

    It is cross-entropy, squared error or the Poisson deviance.

    Parameters
    ----------
    network : Network
        For its output activation and dtype.

    X : {ndarray, csr_array} of shape (n_samples, n_features)

    Y : ndarray of shape (n_samples, n_outputs)
        Values, or indicators of the classes.

    batch_size : int or "auto", default="auto"
        "auto" is 200.

    alpha : float, default=0.0
        Strength of the L2 penalty on the weights.

    sample_weight : ndarray of shape (n_samples,), default=None
        Non-negative, not all zero. By default all rows weigh the same.

    gce_power : float, default=0.0
        The gradient of a row is multiplied by this power of the probability of its true
        class: 0 gives cross-entropy, and 1 the probability of being wrong, which gives
        up rows that a small network cannot learn. This is the generalized cross-entropy
        of Zhang and Sabuncu (2018). For values the power is that of
        ``exp(-(error / tolerance) ** 2 / 2)``.

    tolerance : ndarray of shape (n_outputs,), default=None
        Required for values if `gce_power` is not 0.

    augmented : callable, default=None
        Called with the numbers of the rows of a batch, an ndarray of int; returns new
        inputs in place of theirs, an ndarray of shape (n_rows, n_features).
    """

    learning_rate, warm_up, beta_2 = 0.0125, 0.03, 0.999

    def __init__(
        self,
        network,
        X,
        Y,
        *,
        batch_size="auto",
        alpha=0.0,
        sample_weight=None,
        gce_power=0.0,
        tolerance=None,
        augmented=None,
    ):
        self.network = network
        self._augmented, self._live_inputs = augmented, slice(None)
        self.X, self.Y = X.astype(network.dtype, copy=False), Y
        self.n_samples = X.shape[0]
        self.batch_size = 200 if batch_size == "auto" else batch_size
        self.alpha = alpha
        self.gce_power, self.tolerance = gce_power, tolerance
        if sample_weight is not None:
            # In this order, as the smallest numbers have no reciprocal.
            sample_weight = sample_weight / sample_weight.max()
            sample_weight = sample_weight / sample_weight.mean()
        self.sample_weight = sample_weight

    def with_gce_power(self, gce_power):
        other = copy(self)
        other.gce_power = gce_power
        return other

    def restricted(self, live):
        restricted = copy(self)
        restricted._live_inputs = live[0]
        restricted.X = self.X[:, live[0]]
        if not sparse.issparse(restricted.X):
            # Rows are gathered in every step: each should be contiguous.
            restricted.X = np.ascontiguousarray(restricted.X)
        return restricted

    def total(self, rows):
        if self.sample_weight is None:
            return len(rows)
        total = float(self.sample_weight[rows].sum())
        return total if total > np.finfo(self.network.dtype).eps else 0.0

    @property
    def has_sparse_rows(self):
        return sparse.issparse(self.X) and self._augmented is None

    def fill(self, rows, batch):
        if self._augmented is not None:
            batch[:, : self.X.shape[1]] = self._augmented(rows)[:, self._live_inputs]
        elif not self.has_sparse_rows:
            batch[:, : self.X.shape[1]] = self.X[rows]

    def differentiate(self, rows, total, values, errors):
        # For these pairs of loss and output activation the derivative with respect to
        # the output is the prediction minus the target.
        Y = self.Y[rows]
        P = self.network.activate_output(values[:, -Y.shape[1] :])
        delta = P - Y
        if self.gce_power:
            delta *= self._chance_to_be_right(P, Y) ** self.gce_power
        if self.sample_weight is not None:
            delta *= self.sample_weight[rows][:, np.newaxis]
        errors[:, : -Y.shape[1]] = 0
        np.divide(delta, total, out=errors[:, -Y.shape[1] :], casting="same_kind")

    def _chance_to_be_right(self, P, Y):
        if self.tolerance is not None:
            return np.exp(np.square((P - Y) / self.tolerance) / -2)
        match self.network.out_activation:
            case "softmax":
                return np.sum(P * Y, axis=1, keepdims=True)
            case "logistic":
                return np.where(Y, P, 1 - P)
        raise unknown(self.network.out_activation)

    def is_wrong(self, F):
        """Return which rows are wrong by their outputs before the activation.

        A row is wrong if another class has an output as large as the true one.
        """
        if self.tolerance is not None:
            errors = np.abs(self.network.activate_output(F) - self.Y)
            return ~(errors <= self.tolerance).all(axis=1)
        is_true = self.Y.astype(bool, copy=False)
        match self.network.out_activation:
            case "softmax":
                others = np.where(is_true, -np.inf, F).max(axis=1)
                return others >= F[is_true]
            case "logistic":
                return ((F > 0) != is_true).any(axis=1)
        raise unknown(self.network.out_activation)
