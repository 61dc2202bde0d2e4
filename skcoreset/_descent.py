"""A network on its way from dense to sparse, and what holds it to the original."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from functools import partial
from itertools import pairwise

import numpy as np
from sklearn.utils import gen_batches

from ._importance import (
    DERIVATIVES,
    edge_importance,
    output_gains,
    probes_of,
    row_blocks,
    sum_parts,
)
from ._network import ACTIVATIONS
from ._parallel import serial_map

# Rows that edges are ranked on: more of them do not change the ranks by much.
N_ROWS_RANKING = 2048

# So that a row whose output is close to 0 does not outweigh all others: this share of
# the mean squared output is added to its own.
ROW_FLOOR = 0.1

# Adam. The learning rate is relative to the root mean square of a layer's weights.
LEARNING_RATE = 0.03
BETA_1, BETA_2 = 0.9, 0.99
BATCH_SIZE = 128

# A pass over few rows goes over them again until it has made this many steps.
MIN_STEPS = 28

# Parts of a step, each in a thread: the same for any number of threads, as the order of
# sums depends on it. A step with fewer products than this has one.
N_PARTS = 2
PRODUCTS_PER_STEP = 4_000_000

# Parameters that Adam updates together, in the cache.
N_PARAMETERS = 131_072


class Reference:
    """What is to be reproduced on the calibration points, and what errors cost.

    An error of the output counts relative to the output of its row. One of a hidden
    neuron counts by what it does to the output, to first order: this holds the hidden
    layers, with far more numbers than the output has, close to the original's too, and
    keeps few rows from being learnt by heart.

    Parameters
    ----------
    network : Network

    X : ndarray of shape (n_samples, n_features)

    thread_map : callable, default=serial_map
        From `threads`.
    """

    def __init__(self, network, X, *, thread_map=serial_map):
        dtype = network.working_dtype(X)
        self.network = network.astype(dtype)
        # Of each point what is gathered for a batch: its input, a 1 that the intercepts
        # multiply, and the values of all neurons.
        ends = np.cumsum([X.shape[1] + 1, *network.widths])
        self.rows = np.empty((len(X), ends[-1]), dtype)
        self.X, one, *self.targets = np.split(
            self.rows, [X.shape[1], *ends[:-1]], axis=1
        )
        one[:] = 1
        thread_map(partial(self._fill, X, _matrices(self.network)), row_blocks(X))
        squares = np.square(self.targets[-1]).sum(axis=1)
        squares += ROW_FLOOR * squares.mean() or 1
        self.row_weights = 1 / (len(X) * squares)
        (self.neuron_weights,) = sum_parts(
            thread_map(self._neuron_weights, row_blocks(X))
        )

    def _fill(self, X, layers, blocks):
        # By the products of the training: what has not changed has no error, as far as
        # BLAS goes. Adam, to which all sizes are one, would run after rounding.
        activate = ACTIVATIONS[self.network.activation]
        with np.errstate(over="ignore", invalid="ignore"):
            for rows in blocks:
                self.X[rows] = X[rows]
                A = self.rows[rows, : X.shape[1] + 1]
                for layer, target in zip(layers, self.targets):
                    Z = A @ layer
                    if layer is not layers[-1]:
                        activate(Z)
                        A = np.pad(Z, ((0, 0), (0, 1)), constant_values=1)
                    target[rows] = Z

    def _neuron_weights(self, blocks):
        weights = [np.zeros_like(b) for b in self.network.intercepts[:-1]]
        for rows in blocks:
            A = [self.X[rows], *(target[rows] for target in self.targets)]
            probes = probes_of(self.network, rows, len(self.X))
            gains = output_gains(self.network, A, self.row_weights[rows], probes)
            for total, (_, gain) in zip(weights, gains):
                total += gain.sum(axis=0)
        return (weights,)

    def loss(self, network):
        """Mean squared relative error of the outputs."""
        F = network.astype(self.network.dtype).forward(self.X)
        F -= self.targets[-1]
        return np.square(F, out=F).sum(axis=1) @ self.row_weights


class Descent:
    """A network on its way from dense to sparse: rank, drop, train, over and over.

    Parameters
    ----------
    reference : Reference

    network : Network
        Where to start.

    rng : numpy.random.Generator, default=None
        Shuffles the rows. None is a generator of fixed seed.

    thread_map : callable, default=serial_map
        From `threads`. The result does not depend on it.
    """

    def __init__(self, reference, network, *, rng=None, thread_map=serial_map):
        self._reference = reference
        self._map = thread_map
        self._rng = np.random.default_rng(0) if rng is None else rng
        self._template = network
        # Each layer is its weights and, one row more, its intercepts. What is kept of
        # all layers, laid out flat: where it is, and its values.
        layers = _matrices(network.astype(reference.network.dtype))
        self._shapes = [layer.shape for layer in layers]
        self._starts = np.cumsum([0, *(layer.size for layer in layers)])
        kept = [layer != 0 for layer in layers]
        for layer in kept:
            layer[-1] = True
        self._places = np.flatnonzero(np.concatenate([layer.ravel() for layer in kept]))
        self._theta = np.concatenate([layer.ravel() for layer in layers])[self._places]
        # Adam's, which outlive a call of `train`: many short ones are as good as one.
        self._moments = np.zeros((2, len(self._theta)), self._theta.dtype)
        self._n_steps = 0
        inputs = [reference.X, *reference.targets[:-1]]
        self._scales = [_rms(A) for A in inputs]

    @property
    def network(self):
        """The network as it is now, in the dtype of the one at the start."""
        return self._network.astype(self._template.dtype)

    @property
    def _network(self):
        parameters = np.zeros(self._starts[-1], self._theta.dtype)
        parameters[self._places] = self._theta
        layers = [
            part.reshape(shape)
            for part, shape in zip(np.split(parameters, self._starts[1:]), self._shapes)
        ]
        return self._template.with_weights(
            [layer[:-1] for layer in layers], [layer[-1] for layer in layers]
        )

    @property
    def n_edges(self):
        return len(self._places) - sum(self._template.widths)

    def _layers(self):
        """Of each layer: its edges and intercepts in theta, the edges' flat places."""
        ends = np.searchsorted(self._places, self._starts)
        for first, last, start, width in zip(
            ends, ends[1:], self._starts, self._template.widths
        ):
            edges = slice(first, last - width)
            yield edges, slice(last - width, last), self._places[edges] - start

    def rank(self):
        """Estimate what every edge is worth now; `drop` goes by it until the next."""
        reference = self._reference
        rows = slice(None, None, -(-len(reference.X) // N_ROWS_RANKING))
        self._importance, self._means = edge_importance(
            self._network,
            reference.X[rows],
            reference.row_weights[rows],
            thread_map=self._map,
        )

    def drop(self, n_edges):
        """Keep the `n_edges` worth most; intercepts take over what the others mean."""
        layers = list(self._layers())
        stays = _largest(
            np.concatenate(
                [
                    importance.take(places)
                    for importance, (*_, places) in zip(self._importance, layers)
                ]
            ),
            n_edges,
        )
        kept = np.ones(len(self._theta), dtype=bool)
        n_before = 0
        for mean, (edges, intercepts, places) in zip(self._means, layers):
            kept[edges] = stays[n_before : n_before + len(places)]
            n_before += len(places)
            gone = ~kept[edges]
            contributions = self._theta[edges][gone] * mean.take(places[gone])
            self._theta[intercepts] += np.bincount(
                places[gone] % mean.shape[1], contributions, minlength=mean.shape[1]
            )
        self._places, self._theta = self._places[kept], self._theta[kept]
        self._moments = self._moments[:, kept]

    def train(self, n_passes, *, anneal=False):
        """Match the outputs, and the hidden neurons, by Adam on the kept edges.

        Parameters
        ----------
        n_passes : float
            Passes over the rows.

        anneal : bool, default=False
            Whether the learning rate falls to 0, along a cosine.
        """
        n_samples = len(self._reference.rows)
        n_batches = max(1, n_samples // BATCH_SIZE)
        core, trains = self._core(-(-n_samples // n_batches))
        self._map(core.start, core.parts)
        n_steps = round(n_passes * max(MIN_STEPS, n_batches))
        for i in range(n_steps):
            if i % n_batches == 0:
                batches = np.array_split(self._rng.permutation(n_samples), n_batches)
            rows = batches[i % n_batches]
            gradient = partial(core.gradient, 1 / len(rows))
            self._map(gradient, np.array_split(rows, len(core.workers)), core.workers)
            self._n_steps += 1
            pace = _bias_correction(self._n_steps)
            if anneal:
                pace *= (1 + np.cos(np.pi * i / n_steps)) / 2
            self._map(partial(core.step, float(pace)), core.parts)
        if np.isfinite(core.theta).all():
            self._theta[trains] = core.theta
            self._moments[:, trains] = core.moments

    def _core(self, batch_size):
        """What trains: neurons with edges onwards, and where their parameters are."""
        layers = list(self._layers())
        inputs, outputs, live = [], [], []
        for (n_in, n_out), (*_, places) in zip(self._shapes, layers):
            rows, columns = np.divmod(places, n_out)
            inputs.append(rows)
            outputs.append(columns)
            live.append(np.bincount(rows, minlength=n_in - 1) > 0)
        live.append(np.ones(self._template.widths[-1], dtype=bool))
        number = [np.cumsum(neurons) - 1 for neurons in live]
        n_live = [neurons.sum() for neurons in live]
        trains = np.zeros(len(self._theta), dtype=bool)
        rates = np.empty(len(self._theta), self._theta.dtype)
        positions, n_before = [], 0
        for i, (edges, intercepts, _) in enumerate(layers):
            alive = live[i + 1][outputs[i]]
            trains[edges], trains[intercepts] = alive, live[i + 1]
            # Relative to the layer's weights, so that it means the same at every scale
            # and density, and that of an intercept to what its inputs contribute.
            rate = LEARNING_RATE * _rms(self._theta[edges][alive])
            rates[edges], rates[intercepts] = rate, rate * self._scales[i]
            width = n_live[i + 1]
            position = number[i][inputs[i]] * width + number[i + 1][outputs[i]]
            end = n_before + n_live[i] * width
            positions += [n_before + position[alive], np.arange(end, end + width)]
            n_before = end + width
        columns = np.concatenate([live[0], [True], *live[1:]])
        reference = self._reference
        core = _Core(
            activation=self._template.activation,
            rows=np.compress(columns, reference.rows, axis=1),
            row_weights=reference.row_weights,
            neuron_weights=[
                weights[neurons]
                for weights, neurons in zip(reference.neuron_weights, live[1:])
            ],
            widths=n_live,
            positions=np.concatenate(positions),
            theta=self._theta[trains],
            moments=self._moments[:, trains],
            rates=rates[trains],
            batch_size=batch_size,
        )
        return core, trains


class _Core:
    """The part of a network that trains, by Adam, towards what its neurons were.

    Parameters
    ----------
    activation : str

    rows : ndarray of shape (n_samples, n_inputs + 1 + sum(widths[1:]))
        Inputs, 1, and the values of all neurons.

    row_weights : ndarray of shape (n_samples,)

    neuron_weights : list of (width,) ndarrays
        Of the hidden neurons.

    widths : list of int
        Neurons of each layer, inputs first.

    positions : ndarray of shape (n_parameters,)
        Where the parameters are in the layers' matrices, which have the intercepts as
        one row more, laid out flat.

    theta : ndarray of shape (n_parameters,)

    moments : ndarray of shape (2, n_parameters)
        Sums of the gradients and of their squares, faded by `BETA_1` and `BETA_2` a
        step.

    rates : ndarray of shape (n_parameters,)
        Learning rates.

    batch_size : int
    """

    def __init__(
        self,
        activation,
        rows,
        row_weights,
        neuron_weights,
        widths,
        positions,
        theta,
        moments,
        rates,
        batch_size,
    ):
        self.activate = ACTIVATIONS[activation]
        self.derivative = DERIVATIVES[activation]
        self.rows, self.row_weights = rows, row_weights * len(rows)
        self.neuron_weights = neuron_weights
        self.positions, self.theta, self.moments = positions, theta, moments
        self.rates = rates
        self.negligible = 1e-9 * LEARNING_RATE / float(rates.max())
        self.widths = widths
        sizes = [(n_in + 1) * n_out for n_in, n_out in pairwise(widths)]
        self.weights = np.zeros(sum(sizes), theta.dtype)
        self.layers = self.matrices(self.weights)
        n_parts = N_PARTS if batch_size * sum(sizes) > PRODUCTS_PER_STEP else 1
        n_rows = -(-batch_size // n_parts)
        self.workers = [_Worker(self, n_rows) for _ in range(n_parts)]
        chunks = list(gen_batches(len(theta), N_PARAMETERS))
        self.parts = [chunks[part::n_parts] for part in range(n_parts)]

    def matrices(self, flat):
        """Views of a flat array: a matrix for each layer."""
        shapes = [(n_in + 1, n_out) for n_in, n_out in pairwise(self.widths)]
        ends = np.cumsum([n_in * n_out for n_in, n_out in shapes])
        parts = np.split(flat, ends[:-1])
        return [part.reshape(shape) for part, shape in zip(parts, shapes)]

    def start(self, chunks):
        """Fill in the weights; forget tiny moments: denormal numbers are slow."""
        for where in chunks:
            self.weights[self.positions[where]] = self.theta[where]
            first, second = self.moments[:, where]
            first[np.abs(first) < 1e-11 * self.negligible] = 0
            second[second < (1e-6 * self.negligible) ** 2] = 0

    def gradient(self, share, rows, worker):
        """What some rows, each a share of the batch, add to the loss's gradient."""
        n = len(rows)
        batch = self.rows.take(rows, axis=0, out=worker.batch[:n], mode="clip")
        ends = np.cumsum([self.widths[0] + 1, *self.widths[1:-1]])
        inputs, *targets = np.split(batch, ends, axis=1)
        A = [inputs, *(array[:n] for array in worker.activations)]
        for layer, before, after in zip(self.layers, A, A[1:]):
            hidden = after[:, :-1]
            self.activate(np.matmul(before, layer, out=hidden))
        deltas = [array[:n] for array in worker.deltas]
        D = np.matmul(A[-1], self.layers[-1], out=deltas[-1])
        D -= targets[-1]
        D *= (self.row_weights[rows] * share)[:, np.newaxis]
        for i in range(len(self.layers) - 1, -1, -1):
            np.matmul(A[i].T, D, out=worker.products[i])
            if i:
                hidden = A[i][:, :-1]
                errors = np.subtract(hidden, targets[i - 1], out=targets[i - 1])
                errors *= self.neuron_weights[i - 1] * share
                D = np.matmul(D, self.layers[i][:-1].T, out=deltas[i - 1])
                D += errors
                D *= self.derivative(hidden)
        worker.product.take(self.positions, out=worker.gradient, mode="clip")

    def step(self, pace, chunks):
        for where in chunks:
            first, second = self.moments[:, where]
            gradient, *others = (worker.gradient[where] for worker in self.workers)
            for other in others:
                gradient += other
            first *= BETA_1
            first += gradient
            gradient *= gradient
            second *= BETA_2
            second += gradient
            step = np.sqrt(second, out=gradient)
            step += self.negligible
            np.divide(first, step, out=step)
            step *= self.rates[where]
            step *= pace
            theta = self.theta[where]
            theta -= step
            self.weights[self.positions[where]] = theta


class _Worker:
    """Arrays that one thread computes gradients in: fresh memory is slow."""

    def __init__(self, core, n_rows):
        dtype = core.theta.dtype
        self.batch = np.empty((n_rows, core.rows.shape[1]), dtype)
        # the last is the 1 of the intercepts
        self.activations = [np.ones((n_rows, n + 1), dtype) for n in core.widths[1:-1]]
        self.deltas = [np.empty((n_rows, n), dtype) for n in core.widths[1:]]
        self.product = np.empty_like(core.weights)
        self.products = core.matrices(self.product)
        self.gradient = np.empty_like(core.theta)


def _matrices(network):
    """Each layer's weights with its intercepts as one row more."""
    return [np.vstack(layer) for layer in zip(network.coefs, network.intercepts)]


def _bias_correction(n_steps):
    """Of the ratio of sums that Adam's moments are kept as, to a ratio of means."""
    first = (1 - BETA_1) / (1 - BETA_1**n_steps)
    second = (1 - BETA_2) / (1 - BETA_2**n_steps)
    return first / np.sqrt(second)


def _largest(values, n):
    """Which are the `n` largest of more; of equal ones the first. None is NaN."""
    threshold = np.partition(values, len(values) - n - 1)[len(values) - n - 1]
    chosen = values > threshold
    ties = np.flatnonzero(values == threshold)
    chosen[ties[: n - chosen.sum()]] = True
    return chosen


def _rms(array):
    """Root mean square; 1 where there is nothing, or only zeros, as a unit must be."""
    square = np.square(array).mean(dtype=np.float64) if array.size else 0
    return array.dtype.type(np.sqrt(square) or 1)
