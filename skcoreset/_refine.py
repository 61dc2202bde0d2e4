"""Least-squares reweighting and output matching of the edges that are kept."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np
from joblib import delayed
from scipy.linalg import cho_solve, cholesky
from sklearn.utils import gen_batches

from ._network import ACTIVATIONS
from ._parallel import run, serial_map, threads

# Passes of output matching over the rows.
N_PASSES = 24

# Penalty on moving a weight, relative to the mean of the Gram diagonal.
RIDGE = 1e-3

# Neurons solved in one task.
NEURONS_PER_TASK = 32

# Rows that go backward together: with all their activations they stay in the cache.
BLOCK_SIZE = 512

# Parts of the work, each in a thread: the same for any number of threads, as the order
# of sums depends on it. A step of training with fewer products than this has one.
N_PARTS = 2
PRODUCTS_PER_STEP = 4_000_000

# Parameters that Adam updates together, in the cache.
N_PARAMETERS = 262_144

# Rows that edges are ranked on: more of them do not change the ranks by much.
N_ROWS_RANKING = 2048

# More outputs than these are probed along random signs, not one by one.
MAX_PROBES = 16

# So that a row whose output is close to 0 does not outweigh all others: this share of
# the mean squared output is added to its own.
ROW_FLOOR = 0.1

# Adam. The learning rate is relative to the root mean square of a layer's weights.
LEARNING_RATE = 0.03
BETA_1, BETA_2 = 0.9, 0.99
BATCH_SIZE = 128

# A pass over few rows goes over them again until it has made this many steps.
MIN_STEPS = 28

# Magnitudes whose squares and products float32 holds with room to spare.
SAFE_RANGE = 1e-8, 1e8

# Derivative of the hidden activation, from its value.
DERIVATIVES = {
    "identity": np.ones_like,
    "logistic": lambda A: A * (1 - A),
    "relu": lambda A: A > 0,
    "tanh": lambda A: 1 - A * A,
}


def refine(sparse, network, X, *, n_passes=N_PASSES, rng=None, n_jobs=None):
    """Give the kept edges the weights that reproduce the original outputs best.

    Reweights layer by layer, then matches the outputs. Of the networks before and
    after each of the two steps the one closest to `network` on `X` is returned.

    Parameters
    ----------
    sparse : Network
        Its non-zero weights are the kept edges, whatever method chose them.

    network : Network
        The original.

    X : ndarray of shape (n_samples, n_features)
        Calibration points; labels are not needed.

    n_passes : int, default=24
        Passes of output matching over the rows.

    rng : numpy.random.Generator, default=None
        Shuffles the rows. None is a generator of fixed seed.

    n_jobs : int, default=None
        Blocks of neurons, or of rows, worked on at once. The result does not depend on
        it.

    Returns
    -------
    refined : Network
        With the edges of `sparse`; the dtype, too.
    """
    reweighted = reweight(sparse, network, X, n_jobs=n_jobs)
    with threads(n_jobs) as thread_map:
        reference = Reference(network, X, thread_map=thread_map)
        start = min(sparse, reweighted, key=reference.loss)
        descent = Descent(reference, start, rng=rng, thread_map=thread_map)
        descent.train(n_passes, anneal=True)
        return min(start, descent.network, key=reference.loss)


def reweight(sparse, network, X, *, ridge=RIDGE, n_jobs=None):
    """Least squares of the original pre-activations on the kept edges.

    Layer by layer from the input, every neuron is regressed, with an intercept, on
    what the layers reweighted so far let through.

    Parameters
    ----------
    sparse, network, X, n_jobs
        As in :func:`refine`.

    ridge : float, default=1e-3
        Penalty on the squared distance from the weights of `sparse`, relative to the
        mean of the diagonal of the layer's centred Gram matrix.

    Returns
    -------
    reweighted : Network
    """
    dtype = _working_dtype(network, X)
    hidden = ACTIVATIONS[network.activation]
    A = A_hat = X.astype(dtype, copy=False)
    coefs, intercepts = [], []
    for old, coef, intercept in zip(sparse.coefs, network.coefs, network.intercepts):
        Z = A @ coef.astype(dtype, copy=False)
        Z += intercept
        center, mean = A_hat.mean(axis=0), Z.mean(axis=0)
        A_hat = A_hat - center
        new = _regress(A_hat, Z - mean, old, ridge, n_jobs)
        coefs.append(_to(old.dtype, new))
        intercepts.append(_to(old.dtype, mean - center @ new))
        A, A_hat = Z, A_hat @ new.astype(dtype)
        A_hat += mean
        hidden(A)
        hidden(A_hat)
    return sparse.with_weights(coefs, intercepts)


def _regress(A, Z, old, ridge, n_jobs):
    """Ridge regression of every column of centred Z on the columns of A it keeps."""
    gram = (A.T @ A).astype(np.float64, copy=False)
    moments = (A.T @ Z).astype(np.float64, copy=False)
    penalty = ridge * gram.diagonal().mean() or 1.0
    blocks = run(
        (
            delayed(_solve)(gram, moments[:, neurons], old[:, neurons], penalty)
            for neurons in gen_batches(old.shape[1], NEURONS_PER_TASK)
        ),
        n_jobs,
    )
    return np.hstack(blocks)


def _solve(gram, moments, old, penalty):
    """A sub-system of the normal equations for each neuron."""
    coef = np.zeros(old.shape)
    for neuron, weights in enumerate(old.T):
        kept = np.flatnonzero(weights)
        if not len(kept):
            continue
        H = gram[np.ix_(kept, kept)]
        H.flat[:: len(kept) + 1] += penalty
        factor = cholesky(H, lower=True, overwrite_a=True, check_finite=False)
        target = moments[kept, neuron] + penalty * weights[kept]
        coef[kept, neuron] = cho_solve((factor, True), target, check_finite=False)
    return coef


def match_outputs(sparse, network, X, *, n_passes=N_PASSES, rng=None):
    """Train the kept edges to give the original outputs.

    Parameters
    ----------
    sparse, network, X, n_passes, rng
        As in :func:`refine`.

    Returns
    -------
    matched : Network
    """
    descent = Descent(Reference(network, X), sparse, rng=rng)
    descent.train(n_passes, anneal=True)
    return descent.network


def edge_importance(network, X, row_weights, *, thread_map=serial_map):
    """What it costs the output to replace an edge by its mean contribution.

    To first order: `w^2 sum_x r(x) (a(x) - mean)^2 ||d f(x) / d z||^2`. The mean is the
    one that costs least; the intercept takes it over when the edge goes.

    Parameters
    ----------
    network : Network

    X : ndarray of shape (n_samples, n_features)

    row_weights : ndarray of shape (n_samples,)
        The `r(x)`.

    thread_map : callable, default=serial_map
        From `threads`. The result does not depend on it.

    Returns
    -------
    importance : list of (n_in, n_out) ndarrays
        0 where there is no edge.

    means : list of (n_in, n_out) ndarrays
        The mean inputs.
    """
    live = _live_neurons(network.coefs)
    layers = [np.ix_(*ends) for ends in pairwise(live)]
    core = network.with_weights(
        [coef[layer] for coef, layer in zip(network.coefs, layers)],
        [b[neurons] for b, neurons in zip(network.intercepts, live[1:])],
    )
    sums = partial(_importance_sums, core, X, live[0], row_weights, _probes(network))
    total, first, second = _sum_parts(thread_map(sums, _row_blocks(X)))
    importance, means = [], []
    for layer, ends in enumerate(layers):
        mean = _divide(first[layer], total[layer])
        variance = np.maximum(second[layer] - mean * first[layer], 0)
        for arrays, values in (
            (importance, np.square(core.coefs[layer]) * variance),
            (means, mean),
        ):
            arrays.append(np.zeros_like(network.coefs[layer]))
            arrays[-1][ends] = values
    return importance, means


def _row_blocks(X):
    """Blocks of rows, dealt out to those who sum over them."""
    blocks = list(gen_batches(len(X), BLOCK_SIZE))
    return [blocks[part::N_PARTS] for part in range(N_PARTS)]


def _sum_parts(parts):
    """Sums, part by part in their order, of nested lists of arrays."""
    total, *others = parts
    for other in others:
        for arrays, more in zip(total, other):
            for array, increment in zip(arrays, more):
                array += increment
    return total


def _importance_sums(network, X, inputs, row_weights, probes, blocks):
    """`sum g`, `sum a g` and `sum a^2 g` of the gains `g` of each layer."""
    total = [np.zeros_like(b) for b in network.intercepts]
    first = [np.zeros_like(coef) for coef in network.coefs]
    second = [np.zeros_like(coef) for coef in network.coefs]
    for rows in blocks:
        A = network.activations(X[rows][:, inputs])
        gains = output_gains(network, A, row_weights[rows], probes)
        for layer, (gain, _) in enumerate(gains):
            total[layer] += gain.sum(axis=0)
            first[layer] += A[layer].T @ gain
            second[layer] += np.square(A[layer]).T @ gain
    return total, first, second


def output_gains(network, activations, row_weights, probes):
    """Squared norm of the output's derivative, times the row weights, layer by layer.

    Parameters
    ----------
    network : Network

    activations : list of ndarrays
        From `network.activations`.

    row_weights : ndarray of shape (n_samples,)

    probes : ndarray of shape (n_probes, n_outputs)
        Directions, squared and summed over: the unit vectors give the exact norm.

    Returns
    -------
    gains : list of pairs of (n_samples, width) ndarrays
        One for each layer past the input, with respect to its neurons before and after
        the activation.
    """
    derivative = DERIVATIVES[network.activation]
    slopes = [derivative(A).astype(A.dtype, copy=False) for A in activations[1:-1]]
    squares = [np.zeros_like(slope) for slope in slopes]
    # Written over and over: threads would wait for each other's fresh memory.
    results, scratch = ([np.empty_like(s) for s in slopes] for _ in range(2))
    for probe in probes:
        # A single row as far as the last hidden layer, then one for every sample.
        backward = probe[np.newaxis]
        for layer in range(len(slopes) - 1, -1, -1):
            out = results[layer][: len(backward)]
            np.matmul(backward, network.coefs[layer + 1].T, out=out)
            squares[layer] += np.square(out, out=scratch[layer][: len(out)])
            if layer:
                backward = np.multiply(out, slopes[layer], out=results[layer])
    row_weights = row_weights[:, np.newaxis]
    gains = []
    for slope, square in zip(slopes, squares):
        after = square * row_weights
        gains.append((after * slope * slope, after))
    gain = row_weights * np.square(probes).sum(axis=0)
    return [*gains, (gain, gain)]


def _probes(network):
    """The outputs one by one or, if they are many, sums of all with random signs."""
    n_outputs = network.widths[-1]
    if n_outputs <= MAX_PROBES:
        return np.eye(n_outputs, dtype=network.dtype)
    signs = np.random.default_rng(0).choice([-1.0, 1.0], (MAX_PROBES, n_outputs))
    return (signs / np.sqrt(MAX_PROBES)).astype(network.dtype)


def _live_neurons(coefs):
    """Inputs of each layer that have an edge to the next, and all outputs."""
    return [np.flatnonzero(coef.any(axis=1)) for coef in coefs] + [
        np.arange(coefs[-1].shape[1])
    ]


def _divide(a, b):
    """`a / b`, and 0 where b is 0."""
    return np.divide(a, b, out=np.zeros_like(a), where=b > 0)


def _working_dtype(network, X):
    """float64 unless everything computed on the way is sure to fit float32."""
    scales = [np.abs(coef).max(initial=0).astype(float) for coef in network.coefs]
    reached = np.cumprod([np.abs(X).max(initial=0).astype(float), *scales])
    safe = all(SAFE_RANGE[0] <= s <= SAFE_RANGE[1] for s in (*scales, *reached))
    return network.dtype if safe else np.dtype(np.float64)


def _to(dtype, array):
    """A copy in another precision; what it cannot hold becomes the nearest it can."""
    limits = np.finfo(dtype)
    return np.clip(array, limits.min, limits.max).astype(dtype)


def _cast(network, dtype):
    return network.with_weights(
        [coef.astype(dtype) for coef in network.coefs],
        [b.astype(dtype) for b in network.intercepts],
    )


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
        dtype = _working_dtype(network, X)
        self.network = _cast(network, dtype)
        self.activations = self.network.activations(X.astype(dtype, copy=False))
        squares = np.square(self.activations[-1]).sum(axis=1)
        squares += ROW_FLOOR * squares.mean() or 1
        self.row_weights = 1 / (len(X) * squares)
        sums = partial(self._neuron_weights, _probes(self.network))
        (self.neuron_weights,) = _sum_parts(thread_map(sums, _row_blocks(X)))

    def _neuron_weights(self, probes, blocks):
        weights = [np.zeros_like(b) for b in self.network.intercepts[:-1]]
        for rows in blocks:
            A = [A[rows] for A in self.activations]
            gains = output_gains(self.network, A, self.row_weights[rows], probes)
            for total, (_, gain) in zip(weights, gains):
                total += gain.sum(axis=0)
        return (weights,)

    def loss(self, network):
        """Mean squared relative error of the outputs."""
        F = network.activations(self.activations[0])[-1]
        F -= self.activations[-1]
        return np.square(F).sum(axis=1) @ self.row_weights


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
        dtype = reference.network.dtype
        arrays = [*network.coefs, *network.intercepts]
        # All weights, then all intercepts, and views of each layer's.
        self._parameters = np.concatenate([a.ravel() for a in arrays]).astype(dtype)
        ends = np.cumsum([a.size for a in arrays])
        self._starts = ends - [a.size for a in arrays]
        parts = np.split(self._parameters, ends[:-1])
        views = [part.reshape(a.shape) for part, a in zip(parts, arrays)]
        n_layers = len(network.coefs)
        self._coefs, self._intercepts = views[:n_layers], views[n_layers:]
        # Adam's, which outlive a call of `train`: many short ones are as good as one.
        self._moments = np.zeros((2, self._parameters.size), dtype)
        self._n_steps = 0
        self._scales = [_rms(A) for A in reference.activations[:-1]]

    @property
    def network(self):
        """The network as it is now, in the dtype of the one at the start."""
        dtype = self._template.dtype
        return self._template.with_weights(
            [_to(dtype, coef) for coef in self._coefs],
            [_to(dtype, b) for b in self._intercepts],
        )

    @property
    def n_edges(self):
        return sum(map(np.count_nonzero, self._coefs))

    def rank(self):
        """Estimate what every edge is worth now; `drop` goes by it until the next."""
        network = self._template.with_weights(self._coefs, self._intercepts)
        reference, X = self._reference, self._reference.activations[0]
        rows = slice(None, None, -(-len(X) // N_ROWS_RANKING))
        importance, means = edge_importance(
            network, X[rows], reference.row_weights[rows], thread_map=self._map
        )
        self._importance = np.concatenate([array.ravel() for array in importance])
        self._means = means

    def drop(self, n_edges):
        """Keep the `n_edges` worth most; intercepts take over what the others mean."""
        weights = self._parameters[: self._starts[len(self._coefs)]]
        edges = np.flatnonzero(weights)
        before = [coef.copy() for coef in self._coefs]
        weights[edges[~_largest(self._importance[edges], n_edges)]] = 0
        for old, coef, mean, b in zip(
            before, self._coefs, self._means, self._intercepts
        ):
            b += ((old - coef) * mean).sum(axis=0)

    def train(self, n_passes, *, anneal=False):
        """Match the outputs, and the hidden neurons, by Adam on the kept edges.

        Parameters
        ----------
        n_passes : float
            Passes over the rows.

        anneal : bool, default=False
            Whether the learning rate falls to 0, along a cosine.
        """
        layers, where = self._live_layers()
        reference, dtype = self._reference, self._parameters.dtype.type
        live = [layers[0].inputs, *(layer.outputs for layer in layers)]
        X, *targets = map(_columns, reference.activations, live)
        theta, moments = self._parameters[where], self._moments[:, where]
        n_batches = max(1, len(X) // BATCH_SIZE)
        batch_size = -(-len(X) // n_batches)
        n_products = batch_size * sum(layer.coef.size for layer in layers)
        n_parts = N_PARTS if n_products > PRODUCTS_PER_STEP else 1
        workers = [
            _Worker(layers, -(-batch_size // n_parts), len(theta))
            for _ in range(n_parts)
        ]
        adam = _Adam(theta, *moments, [worker.gradient for worker in workers])
        parts = adam.parts(layers)
        for part in parts:
            adam.start(part)
        n_steps = round(n_passes * max(MIN_STEPS, n_batches))
        for i in range(n_steps):
            if i % n_batches == 0:
                batches = np.array_split(self._rng.permutation(len(X)), n_batches)
            rows = batches[i % n_batches]
            gradient = partial(
                self._gradient, layers, theta, X, targets, dtype(1 / len(rows))
            )
            self._map(gradient, np.array_split(rows, n_parts), workers)
            self._n_steps += 1
            pace = _bias_correction(self._n_steps)
            if anneal:
                pace *= (1 + np.cos(np.pi * i / n_steps)) / 2
            self._map(partial(adam.step, pace), parts)
        if np.isfinite(theta).all():
            self._parameters[where] = theta
            self._moments[:, where] = moments

    def _live_layers(self):
        """The part of each layer that trains, and where its parameters are."""
        live = _live_neurons(self._coefs)
        layers, where, n_before = [], [], 0
        for i, (coef, inputs, outputs) in enumerate(zip(self._coefs, live, live[1:])):
            small = coef[np.ix_(inputs, outputs)]
            rows, columns = np.nonzero(small)
            where.append(
                self._starts[i] + inputs[rows] * coef.shape[1] + outputs[columns]
            )
            where.append(self._starts[len(self._coefs) + i] + outputs)
            n_after = n_before + len(rows)
            end = n_after + len(outputs)
            layers.append(
                _LiveLayer(
                    inputs=inputs,
                    outputs=outputs,
                    coef=np.zeros_like(small),
                    positions=np.ravel_multi_index((rows, columns), small.shape),
                    edges=slice(n_before, n_after),
                    intercepts=slice(n_after, end),
                    scale=self._scales[i],
                )
            )
            n_before = end
        return layers, np.concatenate(where)

    def _gradient(self, layers, theta, X, targets, share, rows, worker):
        """What some rows, each a share of the batch, add to the loss's gradient."""
        reference = self._reference
        name = self._template.activation
        A = [array[: len(rows)] for array in worker.activations]
        deltas = [array[: len(rows)] for array in worker.deltas]
        X.take(rows, axis=0, out=A[0], mode="clip")
        for i, layer in enumerate(layers):
            np.matmul(A[i], layer.coef, out=A[i + 1])
            A[i + 1] += theta[layer.intercepts]
            if layer is not layers[-1]:
                ACTIVATIONS[name](A[i + 1])
        D = np.subtract(A[-1], targets[-1].take(rows, axis=0), out=deltas[-1])
        D *= (reference.row_weights[rows] * (len(X) * share))[:, np.newaxis]
        for i in range(len(layers) - 1, -1, -1):
            layer = layers[i]
            G = worker.product[: layer.coef.size].reshape(layer.coef.shape)
            np.matmul(A[i].T, D, out=G)
            out = worker.gradient
            G.take(layer.positions, out=out[layer.edges], mode="clip")
            D.sum(axis=0, out=out[layer.intercepts])
            if i:
                weights = reference.neuron_weights[i - 1][layer.inputs] * share
                errors = targets[i - 1].take(rows, axis=0)
                np.subtract(A[i], errors, out=errors)
                errors *= weights
                D = np.matmul(D, layer.coef.T, out=deltas[i - 1])
                D += errors
                D *= DERIVATIVES[name](A[i])


def _bias_correction(n_steps):
    """Of the ratio of sums that Adam's moments are kept as, to a ratio of means."""
    first = (1 - BETA_1) / (1 - BETA_1**n_steps)
    second = (1 - BETA_2) / (1 - BETA_2**n_steps)
    return first / np.sqrt(second)


class _Worker:
    """Arrays that one thread computes gradients in: fresh memory is slow."""

    def __init__(self, layers, n_rows, n_parameters):
        dtype = layers[0].coef.dtype
        widths = [len(layer.outputs) for layer in layers]
        self.activations = [
            np.empty((n_rows, width), dtype)
            for width in (len(layers[0].inputs), *widths)
        ]
        self.deltas = [np.empty((n_rows, width), dtype) for width in widths]
        self.product = np.empty(max(layer.coef.size for layer in layers), dtype)
        self.gradient = np.empty(n_parameters, dtype)


@dataclass
class _Adam:
    """Adam's moments, and its steps on parts of the parameters."""

    theta: np.ndarray
    first: np.ndarray  # sums, faded by BETA_1 and BETA_2 a step
    second: np.ndarray
    gradients: list  # to be summed

    def parts(self, layers):
        """Lists of `(parameters, learning rate, scale, coef, positions in it)`.

        The rate is relative to the layer's weights, so that it means the same at every
        scale and density, and that of an intercept to what its inputs contribute.
        """
        parts = [[] for _ in self.gradients]
        for layer in layers:
            scale = float(_rms(self.theta[layer.edges]))
            coef, n_edges = layer.coef.ravel(), len(layer.positions)
            n_chunks = -(-n_edges // (len(parts) * N_PARAMETERS)) * len(parts)
            size = -(-n_edges // max(1, n_chunks))
            for i, start in enumerate(range(0, n_edges, max(1, size))):
                positions = layer.positions[start : start + size]
                start += layer.edges.start
                where = slice(start, start + len(positions))
                parts[i % len(parts)].append((where, scale, coef, positions))
            parts[-1].append((layer.intercepts, scale * float(layer.scale), None, None))
        return parts

    def start(self, chunks):
        """Fill in the weights; forget tiny moments: denormal numbers are slow."""
        for where, scale, coef, positions in chunks:
            first, second = self.first[where], self.second[where]
            first[np.abs(first) < 1e-20 / scale] = 0
            second[second < 1e-30 / scale**2] = 0
            if coef is not None:
                coef[positions] = self.theta[where]

    def step(self, pace, chunks):
        dtype = self.theta.dtype.type
        for where, scale, coef, positions in chunks:
            theta = self.theta[where]
            first, second = self.first[where], self.second[where]
            gradient, *others = (gradient[where] for gradient in self.gradients)
            for other in others:
                gradient += other
            first *= dtype(BETA_1)
            first += gradient
            gradient *= gradient
            second *= dtype(BETA_2)
            second += gradient
            step = np.sqrt(second, out=gradient)
            step += dtype(1e-9 / scale)
            np.divide(first, step, out=step)
            step *= dtype(LEARNING_RATE * scale * pace)
            theta -= step
            if coef is not None:
                coef[positions] = theta


@dataclass
class _LiveLayer:
    """The part of a layer between neurons that have edges onwards."""

    inputs: np.ndarray
    outputs: np.ndarray
    coef: np.ndarray
    positions: np.ndarray  # of the edges, in the flat `coef`
    edges: slice  # of all parameters in training
    intercepts: slice
    scale: float  # root mean square of the inputs


def _columns(array, which):
    """Columns of an array, row by row: batches of rows are gathered from it."""
    return array if len(which) == array.shape[1] else array.take(which, axis=1)


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
