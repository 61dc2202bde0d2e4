"""Least-squares reweighting and output matching of the edges that are kept."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from joblib import delayed
from scipy.linalg import cho_solve, cholesky
from sklearn.utils import gen_batches

from ._network import ACTIVATIONS
from ._parallel import run

# Passes of output matching over the rows.
N_PASSES = 24

# Penalty on moving a weight, relative to the mean of the Gram diagonal.
RIDGE = 1e-3

# Neurons solved in one task.
NEURONS_PER_TASK = 32

# Rows that go backward together: with all their activations they stay in the cache.
BLOCK_SIZE = 512

# More outputs than these are probed along random signs, not one by one.
MAX_PROBES = 16

# So that a row whose output is close to 0 does not outweigh all others: this share of
# the mean squared output is added to its own.
ROW_FLOOR = 0.1

# Adam. The learning rate is relative to the root mean square of the layer's kept
# weights, so that it means the same at every scale and density.
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
        Blocks of neurons reweighted at once. The result does not depend on it.

    Returns
    -------
    refined : Network
        With the edges of `sparse`; the dtype, too.
    """
    reference = Reference(network, X)
    reweighted = reweight(sparse, network, X, n_jobs=n_jobs)
    start = min(sparse, reweighted, key=reference.loss)
    descent = Descent(reference, start, rng=rng)
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


def edge_importance(network, X, row_weights):
    """What it costs the output to replace an edge by its mean contribution.

    To first order: `w^2 sum_x r(x) (a(x) - mean)^2 ||d f(x) / d z||^2`. The mean is the
    one that costs least; the intercept takes it over when the edge goes.

    Parameters
    ----------
    network : Network

    X : ndarray of shape (n_samples, n_features)

    row_weights : ndarray of shape (n_samples,)
        The `r(x)`.

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
    probes = _probes(network)
    total = [np.zeros_like(b) for b in core.intercepts]
    first = [np.zeros_like(coef) for coef in core.coefs]
    second = [np.zeros_like(coef) for coef in core.coefs]
    for rows in gen_batches(len(X), BLOCK_SIZE):
        A = core.activations(X[rows][:, live[0]])
        gains = output_gains(core, A, row_weights[rows], probes)
        for layer, (gain, _) in enumerate(gains):
            total[layer] += gain.sum(axis=0)
            first[layer] += A[layer].T @ gain
            second[layer] += np.square(A[layer]).T @ gain
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
    for probe in probes:
        # A single row as far as the last hidden layer, then one for every sample.
        backward = probe[np.newaxis]
        for layer in range(len(slopes) - 1, -1, -1):
            backward = backward @ network.coefs[layer + 1].T
            squares[layer] += np.square(backward)
            if layer:
                backward = backward * slopes[layer]
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
    """

    def __init__(self, network, X):
        dtype = _working_dtype(network, X)
        self.network = _cast(network, dtype)
        self.activations = self.network.activations(X.astype(dtype, copy=False))
        squares = np.square(self.activations[-1]).sum(axis=1)
        squares += ROW_FLOOR * squares.mean() or 1
        self.row_weights = 1 / (len(X) * squares)
        self.neuron_weights = [np.zeros_like(b) for b in self.network.intercepts[:-1]]
        probes = _probes(self.network)
        for rows in gen_batches(len(X), BLOCK_SIZE):
            A = [A[rows] for A in self.activations]
            gains = output_gains(self.network, A, self.row_weights[rows], probes)
            for weights, (_, gain) in zip(self.neuron_weights, gains):
                weights += gain.sum(axis=0)

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
    """

    def __init__(self, reference, network, *, rng=None):
        self._reference = reference
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
        self._units = [_rms(coef[coef != 0]) for coef in reference.network.coefs]
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
        importance, means = edge_importance(
            network, self._reference.activations[0], self._reference.row_weights
        )
        self._importance = np.concatenate([array.ravel() for array in importance])
        self._means = means

    def drop(self, n_edges):
        """Keep the `n_edges` worth most; intercepts take over what the others mean."""
        weights = self._parameters[: self._starts[len(self._coefs)]]
        edges = np.flatnonzero(weights)
        # stable: edges worth the same go in the order of the layers
        order = np.argsort(-self._importance[edges], kind="stable")
        before = [coef.copy() for coef in self._coefs]
        weights[edges[order[n_edges:]]] = 0
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
        X = reference.activations[0][:, layers[0].inputs]
        targets = [A[:, k.outputs] for A, k in zip(reference.activations[1:], layers)]
        units = np.concatenate([layer.units for layer in layers]).astype(dtype)
        theta = self._parameters[where] / units
        first, second = self._moments[:, where]
        # Moments of inputs that have not been seen for long: denormal numbers are slow.
        first[np.abs(first) < 1e-20] = 0
        second[second < 1e-30] = 0
        rates = [np.full(k.units.shape, _rms(theta[k.edges])) for k in layers]
        rates = LEARNING_RATE * np.concatenate(rates).astype(dtype)
        gradient, step = np.empty_like(theta), np.empty_like(theta)
        n_batches = max(1, len(X) // BATCH_SIZE)
        n_steps = round(n_passes * max(MIN_STEPS, n_batches))
        for i in range(n_steps):
            if i % n_batches == 0:
                batches = np.array_split(self._rng.permutation(len(X)), n_batches)
            rows = batches[i % n_batches]
            self._gradient(layers, theta, X, targets, rows, out=gradient)
            self._n_steps += 1
            first += np.multiply(gradient - first, dtype(1 - BETA_1), out=step)
            np.square(gradient, out=gradient)
            second += np.multiply(gradient - second, dtype(1 - BETA_2), out=step)
            np.sqrt(second, out=step)
            step += dtype(1e-10)
            np.divide(first, step, out=step)
            step *= rates
            pace = np.sqrt(1 - BETA_2**self._n_steps) / (1 - BETA_1**self._n_steps)
            if anneal:
                pace *= (1 + np.cos(np.pi * i / n_steps)) / 2
            step *= dtype(pace)
            theta -= step
        if np.isfinite(theta).all():
            self._parameters[where] = theta * units
            self._moments[:, where] = first, second

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
                    unit=self._units[i],
                    scale=self._scales[i],
                )
            )
            n_before = end
        return layers, np.concatenate(where)

    def _gradient(self, layers, theta, X, targets, rows, out):
        """Gradient of the loss on some rows with respect to `theta`."""
        reference = self._reference
        name = self._template.activation
        A = [X[rows]]
        for layer in layers:
            layer.coef.ravel()[layer.positions] = theta[layer.edges]
            Z = A[-1] @ layer.coef
            Z += theta[layer.intercepts] * layer.scale
            Z *= layer.unit
            if layer is not layers[-1]:
                ACTIVATIONS[name](Z)
            A.append(Z)
        D = A[-1] - targets[-1][rows]
        D *= (reference.row_weights[rows] * (len(X) / len(rows)))[:, np.newaxis]
        for i in range(len(layers) - 1, -1, -1):
            layer = layers[i]
            D *= layer.unit
            G = A[i].T @ D
            np.take(G.ravel(), layer.positions, out=out[layer.edges])
            np.multiply(D.sum(axis=0), layer.scale, out=out[layer.intercepts])
            if i:
                weights = reference.neuron_weights[i - 1][layer.inputs] / len(rows)
                D = D @ layer.coef.T
                D += (A[i] - targets[i - 1][rows]) * weights
                D *= DERIVATIVES[name](A[i])


@dataclass
class _LiveLayer:
    """The part of a layer between neurons that have edges onwards.

    Weights are in units of the layer's original ones; `scale` is the root mean square
    input, so that an intercept moves as much as a weight does.
    """

    inputs: np.ndarray
    outputs: np.ndarray
    coef: np.ndarray
    positions: np.ndarray  # of the edges, in the flat `coef`
    edges: slice  # of all parameters in training
    intercepts: slice
    unit: float
    scale: float

    @property
    def units(self):
        """Of each weight and intercept."""
        n_edges, n_outputs = len(self.positions), len(self.outputs)
        return np.repeat([self.unit, self.unit * self.scale], [n_edges, n_outputs])


def _rms(array):
    """Root mean square; 1 where there is nothing, or only zeros, as a unit must be."""
    square = np.square(array).mean(dtype=np.float64) if array.size else 0
    return array.dtype.type(np.sqrt(square) or 1)
