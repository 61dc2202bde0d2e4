"""The training of the parameters of a network that are kept."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings
from copy import copy, deepcopy
from functools import partial
from itertools import pairwise
from math import ceil

import numpy as np

from .._network import augment, views
from .._parallel import N_PARTS, serial_map
from .core import BLOCK_SIZE, PRODUCTS_PER_STEP, Core
from .elimination import eliminate

# Attributes of a trainer that training changes, and those that it replaces.
CHANGED, REPLACED = ("theta", "_moments", "_rng"), ("_places", "_is_edge")
STATE = *CHANGED, *REPLACED, "_n_steps", "_changed"


class Trainer:
    """The kept parameters of a network, and their training towards an objective.

    Parameters
    ----------
    network : Network
        Its non-zero weights are the edges that are trained; there will be no others.

    objective : Objective

    prunes_intercepts : bool, default=False
        Whether intercepts count as edges: those of 0 are not trained, and they may be
        dropped like others. By default every neuron has one.

    rng : numpy.random.Generator
        Shuffles the rows.

    thread_map : callable, default=None
        From `threads`: large steps are divided into parts that do not depend on the
        number of threads. None is no division, the fastest in a single thread.

    products_per_step, block_size : int
        Products from which a step is divided; parameters updated together.
    """

    def __init__(
        self,
        network,
        objective,
        *,
        prunes_intercepts=False,
        rng,
        thread_map=None,
        products_per_step=PRODUCTS_PER_STEP,
        block_size=BLOCK_SIZE,
    ):
        self.objective = objective
        self.n_parts = N_PARTS if thread_map else 1
        self.products_per_step, self.block_size = products_per_step, block_size
        self._map = thread_map or serial_map
        self._rng = rng
        self._original, self._changed = network, False
        self._start = objective.standardised(network)
        # A layer is its weights with the intercepts as one more row. One array has the
        # places of the kept parameters of all layers, another their values (theta).
        layers = augment(self._start)
        self._shapes = [layer.shape for layer in layers]
        self._starts = np.cumsum([0, *(layer.size for layer in layers)])
        kept, is_edge = ([layer != 0 for layer in layers] for _ in range(2))
        if not prunes_intercepts:
            for kept_in_layer, edges in zip(kept, is_edge):
                kept_in_layer[-1], edges[-1] = True, False
        places = np.flatnonzero(_flat(kept))
        # half the memory, for all networks but the largest
        fits = self._starts[-1] <= np.iinfo(np.int32).max
        self._places = places.astype(np.int32 if fits else np.int64, copy=False)
        self._is_edge = _flat(is_edge)[self._places]
        self.theta = _flat(layers)[self._places]
        # Adam's moments outlive a call of `train`: many short calls are as good as one.
        self._forget_moments()

    @property
    def state(self):
        """All that training changes: not a copy."""
        return {name: getattr(self, name) for name in STATE}

    def at(self, state):
        """Return another trainer that goes on from a copy of a state."""
        other = copy(self)
        vars(other).update(state)
        for name in CHANGED:
            setattr(other, name, deepcopy(state[name]))
        return other

    @property
    def network(self):
        """The network now, in the units and dtype of the one at the start."""
        if not self._changed:
            return self._original
        dtype = self._original.dtype
        network = self.objective.restored(self.working_network).astype(dtype)
        edges = views(self._in_layers(self._is_edge), self._shapes)
        for coef, kept in zip(network.coefs, edges):
            # A weight that has been trained to 0 is still an edge.
            coef[kept[:-1] & (coef == 0)] = np.finfo(dtype).tiny
        return network

    @property
    def working_network(self):
        """The network now, in the units and dtype of the objective."""
        return self._start.with_layers(views(self._in_layers(self.theta), self._shapes))

    @property
    def n_edges(self):
        return np.count_nonzero(self._is_edge)

    def drop(self, n_edges, scores, means=None):
        """Keep only the edges of highest score.

        Parameters
        ----------
        n_edges : int
            Number of edges to keep, less than `n_edges`.

        scores : list of (n_in, n_out) or (n_in + 1, n_out) ndarrays
            The latter where intercepts are edges.

        means : list of (n_in, n_out) ndarrays, default=None
            Mean inputs of the edges: intercepts take over what a dropped edge
            contributes on average.
        """
        scores = [
            score.take(places[self._is_edge[layer]])
            for score, layer, places in self.by_layer(scores)
        ]
        kept = ~self._is_edge
        kept[self._is_edge] = _mask_of_largest(np.concatenate(scores), n_edges)
        for mean, layer, places in self.by_layer(means or []):
            gone = ~kept[layer]
            width = mean.shape[1]
            self.theta[layer][-width:] += np.bincount(
                places[gone] % width,
                self.theta[layer][gone] * mean.take(places[gone]),
                minlength=width,
            )
        self._keep(kept)

    def drop_neurons(self, n_edges, *ranking):
        """Drop hidden neurons with all their edges; others take over from them.

        Parameters
        ----------
        n_edges : int
            Largest number of edges to keep. More are kept if every layer is down to one
            neuron.

        *ranking : lists
            From `neuron_ranking`.
        """
        layers, edges = (
            views(flat, self._shapes)
            for flat in (self._in_layers(self.theta), self._in_layers(self._is_edge))
        )
        eliminate(layers, [kept[:-1] for kept in edges], n_edges, *ranking)
        self.theta = _flat(layers)[self._places]
        self._keep(_flat(edges)[self._places] | ~self._is_edge)

    def _keep(self, kept):
        """Keep the parameters of a mask."""
        self._places, self.theta = self._places[kept], self.theta[kept]
        self._is_edge = self._is_edge[kept]
        if self._moments is not None:
            self._moments = self._moments.compress(kept, axis=1)
        self._changed = True

    def _in_layers(self, values):
        """Values of the parameters at their places in all layers, 0 elsewhere."""
        layers = np.zeros(self._starts[-1], values.dtype)
        layers[self._places] = values
        return layers

    def train(
        self,
        n_passes,
        *,
        min_steps=0,
        learning_rate=None,
        decay=True,
        rounding=None,
        trains_steps=False,
    ):
        """Minimise the objective by Adam.

        If the training diverges it ends early, with the last finite parameters.

        Parameters
        ----------
        n_passes : float
            Passes over the rows.

        min_steps : float, default=0
            A pass of fewer steps is repeated until it has made this many.

        learning_rate : float, default=None
            Its peak, relative to the root mean square weight of the layer. None takes
            that of the objective.

        decay : bool, default=True
            Whether the learning rate falls to 0, along a cosine.

        rounding : Rounding, default=None
            Levels that the parameters are rounded to in every product, with a step for
            each layer in the network's own units. The gradient is taken as if they were
            not rounded (a straight-through estimate), and the parameters stay
            unrounded.

        trains_steps : bool, default=False
            Whether the step of each layer is trained, too.

        Returns
        -------
        rounding : Rounding or None
            With the trained steps.

        Raises
        ------
        ValueError
            If not even the first step is finite.

        Warns
        -----
        UserWarning
            If a later step is not.
        """
        objective = self.objective
        n_batches = max(1, round(objective.n_samples / objective.batch_size))
        n_steps = round(n_passes * max(min_steps, n_batches))
        peak = objective.learning_rate if learning_rate is None else learning_rate
        batch_size = ceil(objective.n_samples / n_batches)
        core = Core(self, batch_size, peak, rounding, trains_steps)
        self._map(core.start, core.parts)
        warm_up = max(1, objective.warm_up * n_steps)
        for i in range(n_steps):
            if i % n_batches == 0:
                finite = core.values()
                order = self._rng.permutation(objective.n_samples)
                batches = np.array_split(order, n_batches)
            rows = batches[i % n_batches]
            total = objective.total(rows)
            rate = min(1, (i + 1) / warm_up)
            if decay:
                rate *= (1 + np.cos(np.pi * i / n_steps)) / 2
            if total:
                core.look_up(rows)
                parts = [rows[worker.part] for worker in core.workers]
                self._map(partial(core.gradient, total), parts, core.workers)
                core.train_steps(rate)
                rate = float(rate * core.adam.begin_step())
                self._map(partial(core.step, rate, total), core.parts)
                core.step_inputs(rate)
            ends_pass = i % n_batches == n_batches - 1
            if ends_pass or i == n_steps - 1:
                core.settle()
            if (i == 0 or ends_pass or i == n_steps - 1) and not core.is_finite():
                self._stop(i, n_steps)
                self.theta[core.trained], self._changed = finite, True
                return rounding
        self.theta[core.trained], self._changed = core.values(), True
        self.moments[:, core.trained] = core.moments()
        self._n_steps = core.adam.n_steps
        return core.layer_rounding(rounding)

    def _stop(self, i, n_steps):
        """Give up on a training whose numbers are no longer finite."""
        dtype = self.theta.dtype
        if i == 0:
            raise ValueError(
                f"The training overflowed in {dtype} at its first step: X or y are too "
                "large for the network. Scale them as for its own training."
            )
        warnings.warn(
            f"The training overflowed in {dtype} by step {i + 1} of {n_steps}: it was "
            "ended, and the weights are the last that were found finite. Scale X, and "
            "y, as for the network's own training.",
            UserWarning,
        )
        self._forget_moments()

    def _forget_moments(self):
        # None stands for zeros as long as nothing is trained.
        self._moments, self._n_steps = None, 0

    @property
    def n_steps(self):
        """Steps that are in the moments."""
        return self._n_steps

    @property
    def moments(self):
        if self._moments is None:
            self._moments = np.zeros((2, len(self.theta)), self.theta.dtype)
        return self._moments

    def by_layer(self, arrays):
        """Yield each array, its layer's slice of theta, and the places in the layer."""
        ends = np.searchsorted(self._places, self._starts.astype(self._places.dtype))
        for array, (first, last), start in zip(arrays, pairwise(ends), self._starts):
            yield array, slice(first, last), self._places[first:last] - start


def _mask_of_largest(values, n):
    """Mask of the `n` largest of more than `n` values; ties go to earlier entries."""
    threshold = np.partition(values, len(values) - n - 1)[len(values) - n - 1]
    chosen = values > threshold
    ties = np.flatnonzero(values == threshold)
    chosen[ties[: n - chosen.sum()]] = True
    return chosen


def _flat(arrays):
    return np.concatenate([array.ravel() for array in arrays])
