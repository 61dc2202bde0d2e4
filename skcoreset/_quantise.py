"""From a sparse network to ever shorter descriptions of one, with labels."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass
from math import ceil

import numpy as np

from ._codec import QuantisedNetwork, round_steps
from ._fine_tune import (
    backward,
    flat_with_views,
    forward,
    live_inputs,
    make_batches,
    train,
)
from ._network import _dense, augment

# Ratio of the numbers of edges of neighbouring networks of the descent.
STEP = 0.85

# Passes over the rows after each step; before and during rounding. Passes shorter than
# STEPS_PER_EPOCH steps are repeated.
EPOCHS_BETWEEN, EPOCHS_BEFORE, EPOCHS_ROUNDED = 3, 8, 16
STEPS_PER_EPOCH = 100

# Where weights are rounded, large steps of Adam only flip them back and forth.
LEARNING_RATE_ROUNDED = 0.002

# Rows that a small network cannot learn anyway should not bend it: see `train`. Before
# the network has settled, whole classes would be given up.
FORGIVENESS = 0.5

# Rows that the importance of edges is measured on.
N_ROWS_IMPORTANCE = 20_000

# An edge goes by its importance per bits ** RATE_POWER. A power of 1 would do if the
# edges did not share bits: one that goes makes its input and neuron dearer for others.
RATE_POWER = 3
BITS_PER_LEVEL = 2

# Ratio of the candidates for the step between two levels.
STEP_GRID = 2 ** (-1 / 8)


@dataclass(frozen=True, eq=False)
class Grid:
    """What weights may be: multiples of a step, up to `n_levels` times it.

    Parameters
    ----------
    steps : float, or ndarray that is broadcast to the weights

    n_levels : int
        In either direction, 0 not counted.
    """

    steps: np.ndarray
    n_levels: int

    def round(self, theta):
        return self.steps * self.levels(theta)

    def levels(self, theta):
        return np.clip(np.rint(theta / self.steps), -self.n_levels, self.n_levels)

    def clip(self, theta):
        """Keep weights, in place, where a small change can still round them inwards."""
        limit = (self.n_levels + 0.499) * self.steps
        np.clip(theta, -limit, limit, out=theta)


@dataclass(frozen=True, eq=False)
class Trainee:
    """A small network, and rows to train it on.

    Parameters
    ----------
    layers : list of (n_in + 1, n_out) ndarrays
        Without the inputs that no edge leads from. Intercepts are edges like others.

    inputs : ndarray of int
        The features that are left.

    X, Y : ndarrays of shape (n_samples, n_features) and (n_samples, n_outputs)
        All features, and targets.

    network : Network
        For its activations.

    batch_size : int or "auto"
    """

    layers: list
    inputs: np.ndarray
    X: np.ndarray
    Y: np.ndarray
    network: object
    batch_size: object

    @classmethod
    def from_network(cls, network, X, Y, batch_size):
        layers = augment(network)
        inputs = np.arange(len(layers[0]) - 1)
        return cls(layers, inputs, X, Y, network, batch_size)._with(layers)

    @property
    def n_edges(self):
        return sum(np.count_nonzero(layer) for layer in self.layers)

    def train(self, n_epochs, *, rng, **options):
        """Return the layers after some epochs; the edges stay."""
        n_steps = len(make_batches(len(self.Y), self.batch_size))
        return train(
            self.layers,
            [layer != 0 for layer in self.layers],
            self.X[:, self.inputs],
            self.Y,
            self.network,
            batch_size=self.batch_size,
            n_epochs=ceil(n_epochs * max(1, STEPS_PER_EPOCH / n_steps)),
            rng=rng,
            **options,
        )

    def trained(self, n_epochs, *, rng, **options):
        """Return the network after some epochs."""
        return self._with(self.train(n_epochs, rng=rng, **options))

    def settled(self, rng):
        """Return the network trained until it is worth rounding."""
        return self.trained(EPOCHS_BEFORE, forgiveness=FORGIVENESS, rng=rng)

    def pruned(self, n_edges, rng):
        """Return the network with the `n_edges` that matter most for their bits."""
        scores = [
            importance / _bits(layer != 0) ** RATE_POWER
            for importance, layer in zip(self.importances(rng), self.layers)
        ]
        flat = np.concatenate([score.ravel() for score in scores])
        dropped = np.argsort(-flat, kind="stable")[n_edges:]
        weights, layers = flat_with_views(self.layers)
        weights[dropped] = 0
        return self._with(layers)

    def importances(self, rng):
        """Second-order estimate of what the loss gains where an edge goes.

        `w_ij^2 sum_x a_j(x)^2 (d loss / d z_i)^2`, for labels drawn from the network's
        own predictions: the Fisher information of the weight.
        """
        rows = rng.permutation(len(self.Y))[:N_ROWS_IMPORTANCE]
        X = self.X[rows][:, self.inputs]
        X = _dense(X)
        activations = forward(self.layers, X, self.network.activation)
        P = self.network.activate_output(activations[-1])
        out = []
        for number, delta in backward(
            self.layers,
            activations,
            P - _draw_targets(P, self.network.out_activation, rng),
            self.network.activation,
        ):
            square = delta**2
            weights = activations[number].T ** 2 @ square
            information = np.vstack([weights, square.sum(axis=0)])
            out.insert(0, self.layers[number] ** 2 * information)
        return out

    def rounded(self, n_levels, rng):
        """Return the network with weights of few levels, trained to be so."""
        steps = [
            _best_step(layer, importance, n_levels)
            for layer, importance in zip(self.layers, self.importances(rng))
        ]
        dtype = self.layers[0].dtype
        sizes = [np.count_nonzero(layer) for layer in self.layers]
        grid = Grid(np.repeat(np.array(steps, dtype), sizes), n_levels)
        layers = self.train(
            EPOCHS_ROUNDED,
            learning_rate=LEARNING_RATE_ROUNDED,
            forgiveness=FORGIVENESS,
            grid=grid,
            rng=rng,
        )
        levels = [
            Grid(dtype.type(step), n_levels).levels(layer).astype(np.int8)
            for step, layer in zip(steps, layers)
        ]
        first = np.zeros((self.X.shape[1] + 1, levels[0].shape[1]), np.int8)
        first[np.append(self.inputs, -1)] = levels[0]
        return QuantisedNetwork(
            _sort_neurons(_trim([first, *levels[1:]])),
            np.array(steps),
            self.network.activation,
        )

    def _with(self, layers):
        """Return a copy with other weights, without what these leave unconnected."""
        layers = _trim(layers)
        inputs = live_inputs(layers)[0]
        layers[0] = layers[0][np.append(inputs, True)]
        return Trainee(
            layers,
            self.inputs[inputs],
            self.X,
            self.Y,
            self.network,
            self.batch_size,
        )


def descend(trainee, n_edges, rng):
    """Yield trained networks of ever fewer edges.

    Parameters
    ----------
    trainee : Trainee

    n_edges : sequence of int
        Decreasing.

    rng : numpy.random.Generator

    Yields
    ------
    trainee : Trainee
    """
    for n_wanted in n_edges:
        while trainee.n_edges > n_wanted:
            n_next = max(n_wanted, int(STEP * trainee.n_edges))
            trainee = trainee.pruned(n_next, rng).trained(
                EPOCHS_BETWEEN, decay=False, rng=rng
            )
        yield trainee


def _trim(layers):
    """Remove hidden neurons without edges that lead to them, or from them."""
    layers = list(layers)
    n_neurons = None
    while n_neurons != (n_neurons := sum(layer.shape[1] for layer in layers)):
        for number in range(len(layers) - 1):
            kept = (layers[number] != 0).any(axis=0)
            kept &= (layers[number + 1][:-1] != 0).any(axis=1)
            # a layer has at least one neuron
            kept[0] |= not kept.any()
            layers[number] = layers[number][:, kept]
            layers[number + 1] = layers[number + 1][np.append(kept, True)]
    return layers


def _sort_neurons(layers):
    """Order hidden neurons by their number of edges: cheaper to describe."""
    layers = list(layers)
    for number in range(len(layers) - 1):
        degrees = np.count_nonzero(layers[number], axis=0)
        order = np.argsort(-degrees, kind="stable")
        layers[number] = layers[number][:, order]
        layers[number + 1] = layers[number + 1][np.append(order, -1)]
    return layers


def _bits(kept):
    """About how many bits each edge takes, by how many its input and neuron have."""
    rows, columns = kept.sum(axis=1, keepdims=True), kept.sum(axis=0)
    chance = (rows + 0.5) * (columns + 0.5) / (kept.sum() + 1)
    return BITS_PER_LEVEL - np.log2(np.minimum(chance, 0.97))


def _best_step(layer, importance, n_levels):
    """Step, a coarse float16, with the smallest rounding error where it matters."""
    edges = layer != 0
    weights = layer[edges].astype(float)
    curvature = importance[edges] / weights**2
    largest = np.abs(weights).max(initial=2.0**-10)
    candidates = largest / n_levels * STEP_GRID ** np.arange(40)
    # where float16 is neither 0 nor infinite after rounding
    candidates = round_steps(candidates.clip(2.0**-14, 2.0**15))
    errors = [
        curvature @ (weights - Grid(float(step), n_levels).round(weights)) ** 2
        for step in candidates
    ]
    return candidates[np.argmin(errors)]


def _draw_targets(P, out_activation, rng):
    """Draw targets with the probabilities that the network gives them."""
    if out_activation == "softmax":
        classes = (P.cumsum(axis=1) < rng.random((len(P), 1))).sum(axis=1)
        return np.eye(P.shape[1], dtype=P.dtype)[np.minimum(classes, P.shape[1] - 1)]
    return (rng.random(P.shape) < P).astype(P.dtype)
