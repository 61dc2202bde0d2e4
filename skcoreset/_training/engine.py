"""The engine: Adam on the parameters of a network that are kept."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings
from copy import copy, deepcopy
from functools import partial
from itertools import pairwise
from math import ceil

import numpy as np
from scipy import sparse

from .._network import ACTIVATIONS, DERIVATIVES, augment, live_neurons, views
from .._parallel import N_PARTS, deal, serial_map
from .elimination import eliminate
from .sparse_inputs import SparseInputs

# Decay of Adam's first moment.
BETA_1 = 0.9

# Attributes of a trainer that training changes.
STATE = ("theta", "_moments", "_places", "_is_edge", "_n_steps", "_changed", "_rng")

# Learning rate of the logarithm of a layer's step, and decay of its second moment.
STEP_RATE, STEP_BETA_2 = 0.02, 0.99

# A step with fewer products than this is not worth sharing between threads.
PRODUCTS_PER_STEP = 4_000_000

# Parameters that are updated together, so that they stay in the cache.
N_PARAMETERS = 131_072

# Keeps 0 / 0 away.
TINY = np.finfo(float).tiny


class Trainer:
    """The kept parameters of a network, and their training towards an objective.

    Parameters
    ----------
    network : Network
        Its non-zero weights are the edges that are trained; there will be no others.

    objective : MatchOriginal or FitLabels

    prunes_intercepts : bool, default=False
        Whether intercepts count as edges: those of 0 are not trained, and they may be
        dropped like others. By default every neuron has one.

    rng : numpy.random.Generator
        Shuffles the rows.

    thread_map : callable, default=None
        From `threads`: large steps are divided, into parts that do not depend on the
        number of threads. None is no division, the fastest in a single thread.
    """

    def __init__(
        self, network, objective, *, prunes_intercepts=False, rng, thread_map=None
    ):
        self.objective = objective
        self.n_parts = N_PARTS if thread_map else 1
        self._map = thread_map or serial_map
        self._rng = rng
        self._original, self._changed = network, False
        self._start = objective.standardised(network)
        # Each layer is its weights and, one row more, its intercepts. The kept
        # parameters of all layers in one array: their positions, and their values.
        layers = augment(self._start)
        self._shapes = [layer.shape for layer in layers]
        self._starts = np.cumsum([0, *(layer.size for layer in layers)])
        kept, is_edge = ([layer != 0 for layer in layers] for _ in range(2))
        if not prunes_intercepts:
            for kept_in_layer, edges in zip(kept, is_edge):
                kept_in_layer[-1], edges[-1] = True, False
        self._places = np.flatnonzero(_flat(kept))
        self._is_edge = _flat(is_edge)[self._places]
        self.theta = _flat(layers)[self._places]
        # Adam's moments outlive a call of `train`: many short ones are as good as one.
        self._forget_moments()

    @property
    def state(self):
        """All that training changes, to come back to."""
        return deepcopy({name: getattr(self, name) for name in STATE})

    def at(self, state):
        """Return a trainer that goes on from a state, by itself."""
        other = copy(self)
        vars(other).update(deepcopy(state))
        return other

    @property
    def network(self):
        """The network now, in the units and dtype of the one at the start."""
        if not self._changed:
            return self._original
        dtype = self._original.dtype
        network = self.objective.restored(self.working_network).astype(dtype)
        edges = views(self._spread(self._is_edge), self._shapes)
        for coef, kept in zip(network.coefs, edges):
            # a weight that has been trained to 0 is still an edge
            coef[kept[:-1] & (coef == 0)] = np.finfo(dtype).tiny
        return network

    @property
    def working_network(self):
        """The network now, in the units and dtype of the objective."""
        return self._start.with_layers(views(self._spread(self.theta), self._shapes))

    @property
    def n_edges(self):
        return np.count_nonzero(self._is_edge)

    def drop(self, n_edges, scores, means=None):
        """Keep only the edges of highest score.

        Parameters
        ----------
        n_edges : int
            How many to keep, fewer than there are.

        scores : list of (n_in, n_out) or (n_in + 1, n_out) ndarrays
            The latter where intercepts are edges.

        means : list of (n_in, n_out) ndarrays, default=None
            Mean inputs of the edges: the intercepts take over what a dropped edge
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
            How many edges to keep at most. Where every layer is down to one neuron
            there are more.

        *ranking : lists
            From `neuron_ranking`.
        """
        layers, edges = (
            views(flat, self._shapes)
            for flat in (self._spread(self.theta), self._spread(self._is_edge))
        )
        eliminate(layers, [kept[:-1] for kept in edges], n_edges, *ranking)
        self.theta = _flat(layers)[self._places]
        self._keep(_flat(edges)[self._places] | ~self._is_edge)

    def _keep(self, kept):
        """Keep only some of the parameters."""
        self._places, self.theta = self._places[kept], self.theta[kept]
        self._is_edge = self._is_edge[kept]
        if self._moments is not None:
            self._moments = self._moments.compress(kept, axis=1)
        self._changed = True

    def _spread(self, values):
        """Values of the parameters at their places in all layers, 0 elsewhere."""
        spread = np.zeros(self._starts[-1], values.dtype)
        spread[self._places] = values
        return spread

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
            A pass over few rows is repeated until it has made this many steps.

        learning_rate : float, default=None
            At its highest, relative to the root mean square weight of the layer. None
            is that of the objective.

        decay : bool, default=True
            Whether the learning rate falls to 0, along a cosine.

        rounding : Rounding, default=None
            Levels, with a step for each layer in the network's own units, that the
            parameters are rounded to in every product. The gradient is taken as if they
            were not (a straight-through estimate), and the parameters are left
            unrounded.

        trains_steps : bool, default=False
            Whether the step of each layer is trained as well.

        Returns
        -------
        rounding : Rounding or None
            With the steps as they are now.

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
        core = _Core(self, batch_size, peak, rounding, trains_steps)
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
                if trains_steps:
                    core.train_steps(rate)
                self._n_steps += 1
                rate = float(rate * self._bias_correction())
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
        self.moments[:, core.trained] = core.all_moments()
        return rounding.scaled(core.step_training.factors) if trains_steps else rounding

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
        # None is zeros, as long as nothing is trained
        self._moments, self._n_steps = None, 0

    @property
    def moments(self):
        if self._moments is None:
            self._moments = np.zeros((2, len(self.theta)), self.theta.dtype)
        return self._moments

    def _bias_correction(self):
        """Turns a ratio of Adam's moments, kept as sums, into one of means."""
        beta_2 = self.objective.beta_2
        first = (1 - BETA_1) / (1 - BETA_1**self._n_steps)
        second = (1 - beta_2) / (1 - beta_2**self._n_steps)
        return first / np.sqrt(second)

    def by_layer(self, arrays):
        """Each of the arrays, its layer's slice of theta, and the places in it."""
        ends = np.searchsorted(self._places, self._starts)
        for array, (first, last), start in zip(arrays, pairwise(ends), self._starts):
            yield array, slice(first, last), self._places[first:last] - start


class _Core:
    """The live part of a network, and the steps of Adam on its parameters.

    Parameters
    ----------
    trainer : Trainer

    batch_size : int

    learning_rate : float

    rounding : Rounding or None

    trains_steps : bool, default=False

    Attributes
    ----------
    trained : ndarray of bool
        Which of the trainer's parameters are in it.

    inputs : SparseInputs or None
        The weights of the first layer where rows are sparse, and a step need not move
        all of them. Then they are not among the following.

    theta : ndarray of shape (n_parameters,)
        Values of the parameters.

    positions : ndarray of shape (n_parameters,)
        Where they are in the layers' matrices, which have the intercepts as one row
        more, laid out flat.
    """

    def __init__(
        self, trainer, batch_size, learning_rate, rounding, trains_steps=False
    ):
        network, objective = trainer.working_network, trainer.objective
        theta, dtype = trainer.theta, trainer.theta.dtype
        live = live_neurons(network.coefs)
        self.has_sparse_rows = objective.has_sparse_rows
        # a penalty moves all weights in every step
        moves_few = self.has_sparse_rows and rounding is None and not objective.alpha
        of_rate = live[0]
        if moves_few:
            live[0] = of_rate & has_entries(objective.X)
        widths = [int(neurons.sum()) for neurons in live]
        # where neurons come among the live ones; last, the row of the intercepts
        numbers = [np.append(np.cumsum(neurons) - 1, neurons.sum()) for neurons in live]
        self.shapes = [(n_in + 1, n_out) for n_in, n_out in pairwise(widths)]
        starts = np.cumsum([0, *(n_in * n_out for n_in, n_out in self.shapes)])
        trained, positions, rates, is_weight, units = [], [], [], [], []
        for i, (coef, layer, places) in enumerate(trainer.by_layer(network.coefs)):
            rows, columns = np.divmod(places, coef.shape[1])
            alive = np.append(live[i], True)[rows] & live[i + 1][columns]
            weights = rows < len(coef)
            # Relative to the layer's weights, so that it means the same at every scale
            # and density, and that of an intercept to what its inputs contribute.
            counts = alive if i else np.append(of_rate, True)[rows] & live[1][columns]
            rate = learning_rate * rms(theta[layer][counts & weights])
            rows, columns, weights = rows[alive], columns[alive], weights[alive]
            position = numbers[i][rows] * widths[i + 1] + numbers[i + 1][columns]
            trained.append(alive)
            positions.append(starts[i] + position)
            rates.append(np.where(weights, rate, rate * objective.scale(i)))
            is_weight.append(weights)
            units.append(1.0)
            if i == len(self.shapes) - 1:
                units[-1] = np.broadcast_to(objective.output_scale, coef.shape[1])[
                    columns
                ]
        self.trained = np.concatenate(trained)
        self.theta = theta[self.trained]
        self.moments = trainer.moments.compress(self.trained, axis=1)
        self.positions = np.concatenate(positions)
        self.rates = np.concatenate(rates, dtype=dtype)
        # the penalty is on weights, not on intercepts
        self.decay = (objective.alpha * np.concatenate(is_weight)).astype(dtype)
        self.rounding = rounding and rounding.of_parameters(list(zip(is_weight, units)))
        self.step_training = trains_steps and _StepTraining(is_weight)
        # what Adam adds to the root of the second moment
        largest = float(self.rates.max(initial=0) or 1)
        self.negligible = 1e-9 * learning_rate / largest

        self.objective = objective.restricted(live)
        self.activation = network.activation
        n_inputs = 0 if self.has_sparse_rows else widths[0]
        self.columns_in, self.columns_out = layer_columns([n_inputs, *widths[1:]])
        n_products = batch_size * starts[-1]
        if self.has_sparse_rows:
            n_unseen = np.prod(self.objective.X.shape) - self.objective.X.nnz
            n_products -= batch_size * n_unseen / objective.n_samples * widths[1]
        n_parts = trainer.n_parts if n_products > PRODUCTS_PER_STEP else 1
        self.sparse_inputs = None
        if moves_few:
            starts[1:] -= self._separate_inputs(np.count_nonzero(is_weight[0]))
        self.weights = np.zeros(starts[-1], dtype)
        self.layers = views(self.weights, self.shapes)
        self.workers = [
            _Worker(self, slice(k, None, n_parts), -(-batch_size // n_parts))
            for k in range(n_parts)
        ]
        n_parts = n_parts if len(self.theta) > N_PARAMETERS else 1
        self.parts = deal(max(1, len(self.theta)), N_PARAMETERS, n_parts)

    def _separate_inputs(self, n_edges):
        """Let the first layer's edges, which come first, be updated by themselves."""
        n_inputs, n_outputs = self.shapes[0][0] - 1, self.shapes[0][1]
        inputs, columns = np.divmod(self.positions[:n_edges], n_outputs)
        self.sparse_inputs = SparseInputs(
            self.theta[:n_edges],
            self.moments[:, :n_edges],
            inputs,
            columns.astype(np.int32),
            (n_inputs, n_outputs),
            rate=float(self.rates[:n_edges].max(initial=0)),
            betas=(BETA_1, self.objective.beta_2),
            negligible=self.negligible,
        )
        self.theta, self.moments = self.theta[n_edges:], self.moments[:, n_edges:]
        self.rates, self.decay = self.rates[n_edges:], self.decay[n_edges:]
        self.positions = self.positions[n_edges:] - n_inputs * n_outputs
        self.shapes[0] = 1, n_outputs
        return n_inputs * n_outputs

    def values(self):
        """All of the trained parameters."""
        if self.sparse_inputs is None:
            return self.theta.copy()
        return np.concatenate([self.sparse_inputs.theta, self.theta])

    def all_moments(self):
        """Their moments."""
        if self.sparse_inputs is None:
            return self.moments
        return np.hstack([self.sparse_inputs.moments, self.moments])

    def look_up(self, rows):
        """Turn to a batch."""
        if self.sparse_inputs is not None:
            self._X = self.sparse_inputs.look_up(self.objective.X[rows])
            self.sparse_inputs.layer[-1] = self.layers[0][-1]

    def start(self, chunks):
        """Fill in the weights; forget tiny moments: denormal numbers are slow."""
        for where in chunks:
            self._fill_in(where)
            first, second = self.moments[:, where]
            first[np.abs(first) < 1e-11 * self.negligible] = 0
            second[second < (1e-6 * self.negligible) ** 2] = 0

    @np.errstate(over="ignore", invalid="ignore")
    def gradient(self, total, rows, worker):
        """Compute what some rows of a batch add to the gradient of the loss."""
        batch, values = worker.batch[: len(rows)], worker.values[: len(rows)]
        self.objective.fill(rows, batch)
        first, *others = self.columns_in
        layers = self.layers
        if self.sparse_inputs is not None:
            X = self._X if len(self.workers) == 1 else self._X[worker.part]
            layers = [self.sparse_inputs.layer, *layers[1:]]
        elif self.has_sparse_rows:
            X = self.objective.X[rows]
        else:
            X = batch[:, first]
        A = [X, *(values[:, columns] for columns in others)]
        Z = [values[:, columns] for columns in self.columns_out]
        forward(self.activation, A, layers, Z)
        errors = batch[:, first.stop :]
        self.objective.differentiate(rows, total, values[:, first.stop :], errors)
        deltas = [batch[:, columns] for columns in self.columns_out]
        for i in range(len(self.layers) - 1, -1, -1):
            if i == 0 and self.sparse_inputs is not None:
                worker.inputs_gradient = A[0].T @ deltas[0]
                deltas[0].sum(axis=0, out=worker.products[0][-1])
            elif sparse.issparse(A[i]):
                worker.multiply_sparse(A[i], deltas[i])
            else:
                np.matmul(A[i].T, deltas[i], out=worker.products[i])
            if i:
                through = worker.through[i - 1][: len(rows)]
                np.matmul(deltas[i], self.layers[i][:-1].T, out=through)
                delta = deltas[i - 1]
                delta += through
                delta *= DERIVATIVES[self.activation](Z[i - 1])
        worker.product.take(self.positions, out=worker.gradient, mode="clip")

    @np.errstate(over="ignore", invalid="ignore")
    def step(self, rate, total, chunks):
        """Update the parameters, for a batch of some total weight."""
        for where in chunks:
            theta = self.theta[where]
            first, second = self.moments[:, where]
            gradient, *others = (worker.gradient[where] for worker in self.workers)
            for other in others:
                gradient += other
            if self.objective.alpha:
                gradient += self.decay[where] / total * theta
            first *= BETA_1
            first += gradient
            gradient *= gradient
            second *= self.objective.beta_2
            second += gradient
            step = np.sqrt(second, out=gradient)
            step += self.negligible
            np.divide(first, step, out=step)
            step *= self.rates[where]
            step *= rate
            theta -= step
            if self.rounding is not None:
                self.rounding[where].clip(theta)
            self._fill_in(where)

    def step_inputs(self, rate):
        """Update the weights of sparse inputs."""
        if self.sparse_inputs is not None:
            gradients = [worker.inputs_gradient for worker in self.workers]
            self.sparse_inputs.step(rate, gradients)

    def settle(self):
        """Update those that past batches did not have."""
        if self.sparse_inputs is not None:
            self.sparse_inputs.settle()

    def train_steps(self, rate):
        """Change each layer's step, and its weights with it, so that levels stay."""
        gradient = sum(worker.gradient for worker in self.workers)
        rounded = self.weights.take(self.positions)
        factors = self.step_training(rate, gradient * rounded)
        self.theta *= factors
        self.rounding.steps[:] *= factors

    def is_finite(self):
        # Where squares of gradients overflow, parameters stay finite but stand still.
        arrays = [self.theta, self.moments[1]]
        if self.sparse_inputs is not None:
            arrays += [self.sparse_inputs.theta, self.sparse_inputs.moments[1]]
        return all(np.isfinite(array).all() for array in arrays)

    def _fill_in(self, where):
        theta = self.theta[where]
        if self.rounding is not None:
            theta = self.rounding[where].round(theta)
        self.weights[self.positions[where]] = theta


class _StepTraining:
    """Adam on the logarithms of the steps of the layers.

    Parameters
    ----------
    is_weight : list of ndarrays of bool
        For the parameters of each layer, whether they are weights.
    """

    def __init__(self, is_weight):
        n_layers = len(is_weight)
        # intercepts, which are not rounded, come last
        self._groups = np.concatenate(
            [np.where(w, layer, n_layers) for layer, w in enumerate(is_weight)]
        )
        self._moments = np.zeros((2, n_layers))
        self._n_steps = 0
        self.factors = np.ones(n_layers)

    @np.errstate(over="ignore", invalid="ignore")
    def __call__(self, rate, slopes):
        """Return a factor for each parameter.

        Parameters
        ----------
        rate : float

        slopes : ndarray of shape (n_parameters,)
            Derivatives of the loss by the logarithm of each parameter.
        """
        n_layers = len(self.factors)
        slope = np.bincount(self._groups, slopes, n_layers + 1)[:n_layers]
        first, second = self._moments
        first += (1 - BETA_1) * (slope - first)
        second += (1 - STEP_BETA_2) * (slope**2 - second)
        self._n_steps += 1
        mean = first / (1 - BETA_1**self._n_steps)
        square = second / (1 - STEP_BETA_2**self._n_steps)
        change = np.exp(-STEP_RATE * rate * mean / np.sqrt(square + TINY))
        self.factors *= change
        return np.append(change, 1).astype(slopes.dtype)[self._groups]


class _Worker:
    """Arrays that one thread computes gradients in: fresh memory is slow."""

    def __init__(self, core, part, n_rows):
        self.part = part
        dtype, n_columns = core.theta.dtype, core.columns_out[-1].stop
        # inputs, where they are dense, and neurons, with a 1 for the intercepts at the
        # end of each layer
        self.batch = np.ones((n_rows, n_columns), dtype)
        self.values = np.ones((n_rows, n_columns), dtype)
        hidden = core.layers[1:]
        self.through = [np.empty((n_rows, len(layer) - 1), dtype) for layer in hidden]
        self.product = np.zeros_like(core.weights)
        self.products = views(self.product, core.shapes)
        self.gradient = np.empty_like(core.theta)
        self._seen = np.zeros(0, np.intp)

    def multiply_sparse(self, A, delta):
        """Gradient of the first layer; of features that no row has it is 0."""
        product = self.products[0]
        product[self._seen] = 0
        self._seen, columns = np.unique(A.indices, return_inverse=True)
        seen = sparse.csr_array(
            (A.data, columns, A.indptr), (A.shape[0], len(self._seen))
        )
        product[self._seen] = seen.T @ delta
        delta.sum(axis=0, out=product[-1])


def layer_columns(widths):
    """Slices of a row of inputs and neurons, a 1 after all layers but the last.

    Parameters
    ----------
    widths : list of int
        Inputs first.

    Returns
    -------
    inputs : list of slice
        What enters each layer of weights, the 1 included.

    outputs : list of slice
        What leaves it.
    """
    ends = np.cumsum(np.add(widths, 1))
    neurons = [slice(end - n - 1, end - 1) for end, n in zip(ends, widths)]
    return [slice(part.start, part.stop + 1) for part in neurons[:-1]], neurons[1:]


def forward(activation, inputs, layers, outputs):
    """Fill in the outputs; those of hidden layers lie in the inputs of the next.

    Inputs end with the 1 of the intercepts, but for sparse rows.
    """
    activate = ACTIVATIONS[activation]
    for A, layer, Z in zip(inputs, layers, outputs):
        if sparse.issparse(A):
            np.add(A @ layer[:-1], layer[-1], out=Z)
        else:
            np.matmul(A, layer, out=Z)
        if layer is not layers[-1]:
            activate(Z)


def has_entries(X):
    """Which columns of a csr_array have any."""
    return np.bincount(X.indices, minlength=X.shape[1]) > 0


def _mask_of_largest(values, n):
    """Mask of the `n` largest of more than `n` values; ties go to earlier entries."""
    threshold = np.partition(values, len(values) - n - 1)[len(values) - n - 1]
    chosen = values > threshold
    ties = np.flatnonzero(values == threshold)
    chosen[ties[: n - chosen.sum()]] = True
    return chosen


def _flat(arrays):
    return np.concatenate([array.ravel() for array in arrays])


def rms(array):
    """Root mean square; 1 where there is nothing, or only zeros, as a unit must be."""
    values = array.data if sparse.issparse(array) else array
    square = np.square(values).sum(dtype=np.float64) / max(1, np.prod(array.shape))
    return array.dtype.type(np.sqrt(square) or 1)
