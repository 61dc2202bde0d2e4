"""A network on its way from dense to sparse, and what holds it to the original."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from functools import partial
from itertools import pairwise

import numpy as np

from ._importance import (
    edge_importance,
    output_gains,
    probes_of,
    row_blocks,
    sum_parts,
)
from ._network import ACTIVATIONS, DERIVATIVES, augment, views
from ._parallel import N_PARTS, deal, serial_map

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

# A step with fewer products than this is not worth sharing out.
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
        # Of each point what is gathered for a batch: its input and the values of all
        # neurons, with a 1 for the intercepts at the end of every layer but the last.
        inputs, outputs = _columns([X.shape[1], *network.widths])
        self.rows = np.ones((len(X), outputs[-1].stop), dtype)
        self.inputs = [self.rows[:, columns] for columns in inputs]
        self.targets = [self.rows[:, columns] for columns in outputs]
        self.X = self.inputs[0][:, :-1]
        thread_map(partial(self._fill, X, augment(self.network)), row_blocks(X))
        squares = np.square(self.targets[-1]).sum(axis=1)
        squares += ROW_FLOOR * squares.mean() or 1
        self.row_weights = 1 / (len(X) * squares)
        (self.neuron_weights,) = sum_parts(
            thread_map(self._neuron_weights, row_blocks(X))
        )

    def _fill(self, X, layers, blocks):
        # By the products of the training: what has not changed has no error, as far as
        # BLAS goes. Adam, to which all sizes are one, would run after rounding.
        with np.errstate(over="ignore", invalid="ignore"):
            for rows in blocks:
                self.X[rows] = X[rows]
                inputs = [A[rows] for A in self.inputs]
                outputs = [Z[rows] for Z in self.targets]
                _forward(self.network.activation, inputs, layers, outputs)

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
        layers = augment(network.astype(reference.network.dtype))
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
        self._scales = [_rms(A[:, :-1]) for A in reference.inputs]

    @property
    def network(self):
        """The network as it is now, in the dtype of the one at the start."""
        return self._network.astype(self._template.dtype)

    @property
    def _network(self):
        parameters = np.zeros(self._starts[-1], self._theta.dtype)
        parameters[self._places] = self._theta
        layers = views(parameters, self._shapes)
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
        self._moments = self._moments.compress(kept, axis=1)

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
            for moments, trained in zip(self._moments, core.moments):
                moments[trains] = trained

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
        reference = self._reference
        rows = reference.rows
        columns = np.concatenate([np.append(neurons, True) for neurons in live])[:-1]
        if not columns.all():
            rows = rows.compress(columns, axis=1)
        core = _Core(
            activation=self._template.activation,
            rows=rows,
            row_weights=reference.row_weights,
            neuron_weights=[
                weights[neurons]
                for weights, neurons in zip(reference.neuron_weights, live[1:])
            ],
            widths=n_live,
            positions=np.concatenate(positions),
            theta=self._theta[trains],
            moments=self._moments.compress(trains, axis=1),
            rates=rates[trains],
            batch_size=batch_size,
        )
        return core, trains


class _Core:
    """The part of a network that trains, by Adam, towards what its neurons were.

    Parameters
    ----------
    activation : str

    rows : ndarray of shape (n_samples, sum(widths) + len(widths) - 1)
        Inputs and the values of all neurons, with a 1 after all layers but the last.

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
        self.activation, self.derivative = activation, DERIVATIVES[activation]
        self.rows, self.row_weights = rows, row_weights * len(rows)
        ones = np.ones(widths[-1], theta.dtype)
        # the 1 of the intercepts is always right
        self.error_weights = np.concatenate(
            [*(np.append(w, 0) for w in neuron_weights), ones], dtype=theta.dtype
        )
        self.positions, self.theta, self.moments = positions, theta, moments
        self.rates = rates
        self.negligible = 1e-9 * LEARNING_RATE / float(rates.max())
        self.inputs, self.outputs = _columns(widths)
        self.shapes = [(n_in + 1, n_out) for n_in, n_out in pairwise(widths)]
        n_weights = sum(n_in * n_out for n_in, n_out in self.shapes)
        self.weights = np.zeros(n_weights, theta.dtype)
        self.layers = views(self.weights, self.shapes)
        n_parts = N_PARTS if batch_size * n_weights > PRODUCTS_PER_STEP else 1
        n_rows = -(-batch_size // n_parts)
        self.workers = [_Worker(self, n_rows) for _ in range(n_parts)]
        n_parts = n_parts if len(theta) > N_PARAMETERS else 1
        self.parts = deal(len(theta), N_PARAMETERS, n_parts)

    def start(self, chunks):
        """Fill in the weights; forget tiny moments: denormal numbers are slow."""
        for where in chunks:
            self.weights[self.positions[where]] = self.theta[where]
            first, second = self.moments[:, where]
            first[np.abs(first) < 1e-11 * self.negligible] = 0
            second[second < (1e-6 * self.negligible) ** 2] = 0

    def gradient(self, share, rows, worker):
        """What some rows, each a share of the batch, add to the loss's gradient."""
        batch = self.rows.take(rows, axis=0, out=worker.batch[: len(rows)], mode="clip")
        values = worker.values[: len(rows)]
        first, *others = self.inputs
        A = [batch[:, first], *(values[:, columns] for columns in others)]
        Z = [values[:, columns] for columns in self.outputs]
        _forward(self.activation, A, self.layers, Z)
        errors = batch[:, first.stop :]
        np.subtract(values[:, first.stop :], errors, out=errors)
        errors *= self.error_weights * share
        deltas = [batch[:, columns] for columns in self.outputs]
        deltas[-1] *= self.row_weights[rows][:, np.newaxis]
        for i in range(len(self.layers) - 1, -1, -1):
            np.matmul(A[i].T, deltas[i], out=worker.products[i])
            if i:
                through = worker.through[i - 1][: len(rows)]
                np.matmul(deltas[i], self.layers[i][:-1].T, out=through)
                delta = deltas[i - 1]
                delta += through
                delta *= self.derivative(Z[i - 1])
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
        dtype, n_columns = core.theta.dtype, core.rows.shape[1]
        self.batch = np.empty((n_rows, n_columns), dtype)
        # as the rows, with a 1 for the intercepts at the end of each layer
        self.values = np.ones((n_rows, n_columns), dtype)
        hidden = core.layers[1:]
        self.through = [np.empty((n_rows, len(layer) - 1), dtype) for layer in hidden]
        self.product = np.empty_like(core.weights)
        self.products = views(self.product, core.shapes)
        self.gradient = np.empty_like(core.theta)


def _columns(widths):
    """Where a row has each layer's inputs, with a 1 at the end, and its outputs."""
    ends = np.cumsum(np.add(widths, 1))
    neurons = [slice(end - n - 1, end - 1) for end, n in zip(ends, widths)]
    return [slice(part.start, part.stop + 1) for part in neurons[:-1]], neurons[1:]


def _forward(activation, inputs, layers, outputs):
    """Fill in the outputs; those of hidden layers lie in the inputs of the next."""
    activate = ACTIVATIONS[activation]
    for A, layer, Z in zip(inputs, layers, outputs):
        np.matmul(A, layer, out=Z)
        if layer is not layers[-1]:
            activate(Z)


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
