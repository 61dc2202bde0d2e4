"""The live part of a network, and one step of training on it."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import replace
from itertools import pairwise

import numpy as np
from scipy import sparse

from .._network import ACTIVATIONS, DERIVATIVES, live_neurons, views
from .._parallel import deal
from .optimizer import Adam, SparseInputs

# A step with fewer products than this is not worth sharing between threads.
PRODUCTS_PER_STEP = 4_000_000

# Parameters that are updated together, so that they stay in the cache.
BLOCK_SIZE = 131_072

# For the logarithm of a layer's step between levels: learning rate, and decay of Adam's
# second moment.
STEP_RATE, STEP_BETA_2 = 0.02, 0.99


class Core:
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
        Mask of the trainer's parameters that are live.

    sparse_inputs : SparseInputs or None
        The weights of the first layer if rows are sparse and a step need not move all
        of them. Then the following are without these weights.

    theta : ndarray of shape (n_parameters,)
        Values of the parameters.

    adam : Adam

    positions : ndarray of shape (n_parameters,)
        Places of the parameters in the layers, which have the intercepts as one more
        row, laid out flat.
    """

    def __init__(
        self, trainer, batch_size, learning_rate, rounding, trains_steps=False
    ):
        network, objective = trainer.working_network, trainer.objective
        theta, dtype = trainer.theta, trainer.theta.dtype
        live = live_neurons(network.coefs)
        self.has_sparse_rows = objective.has_sparse_rows
        # A penalty moves all weights in every step.
        moves_few = self.has_sparse_rows and rounding is None and not objective.alpha
        live_inputs = live[0]
        if moves_few:
            live[0] = live_inputs & has_entries(objective.X)
        widths = [int(neurons.sum()) for neurons in live]
        # The number of each neuron among the live ones, and of the row of intercepts.
        numbers = [np.append(np.cumsum(neurons) - 1, neurons.sum()) for neurons in live]
        self.shapes = [(n_in + 1, n_out) for n_in, n_out in pairwise(widths)]
        starts = np.cumsum([0, *(n_in * n_out for n_in, n_out in self.shapes)])
        trained, positions, rates, is_weight, units = ([] for _ in range(5))
        for i, (coef, layer, places) in enumerate(trainer.by_layer(network.coefs)):
            rows, columns = np.divmod(places, coef.shape[1])
            alive = np.append(live[i], True)[rows] & live[i + 1][columns]
            weights = rows < len(coef)
            # Rates are relative to the layer's weights, so that they mean the same at
            # every scale and density, and those of intercepts to their inputs' scale.
            counts = alive
            if not i:
                counts = np.append(live_inputs, True)[rows] & live[1][columns]
            rate = learning_rate * rms(theta[layer][counts & weights])
            rows, columns, weights = rows[alive], columns[alive], weights[alive]
            position = numbers[i][rows] * widths[i + 1] + numbers[i + 1][columns]
            trained.append(alive)
            positions.append(starts[i] + position)
            of_intercepts = rate * objective.scale(i)
            rates.append(np.where(weights, dtype.type(rate), dtype.type(of_intercepts)))
            is_weight.append(weights)
            units.append(1.0)
            if i == len(self.shapes) - 1:
                units[-1] = np.broadcast_to(objective.output_scale, coef.shape[1])[
                    columns
                ]
        self.trained = np.concatenate(trained)
        self.theta = theta[self.trained]
        moments = trainer.moments.compress(self.trained, axis=1)
        self.positions = np.concatenate(positions)
        self.rates = np.concatenate(rates)
        # The penalty is on weights, not on intercepts.
        self.decay = None
        if objective.alpha:
            self.decay = (objective.alpha * np.concatenate(is_weight)).astype(dtype)
        self.rounding = rounding and rounding.of_parameters(list(zip(is_weight, units)))
        self.step_training = StepTraining(is_weight) if trains_steps else None
        largest = float(self.rates.max(initial=0) or 1)
        negligible = 1e-9 * learning_rate / largest

        self.objective = objective.restricted(live)
        self.activation = network.activation
        n_inputs = 0 if self.has_sparse_rows else widths[0]
        self.columns_in, self.columns_out = layer_columns([n_inputs, *widths[1:]])
        n_products = batch_size * starts[-1]
        if self.has_sparse_rows:
            n_unseen = np.prod(self.objective.X.shape) - self.objective.X.nnz
            n_products -= batch_size * n_unseen / objective.n_samples * widths[1]
        n_parts = trainer.n_parts if n_products > trainer.products_per_step else 1
        self.sparse_inputs = None
        if moves_few:
            n_edges = np.count_nonzero(is_weight[0])
            starts[1:] -= self._separate_inputs(n_edges, moments, negligible)
            moments = moments[:, n_edges:]
        self.adam = Adam(moments, objective.beta_2, negligible, trainer.n_steps)
        self.weights = np.zeros(starts[-1], dtype)
        self.layers = views(self.weights, self.shapes)
        self.workers = [
            Worker(self, slice(k, None, n_parts), -(-batch_size // n_parts))
            for k in range(n_parts)
        ]
        block_size = trainer.block_size
        n_parts = n_parts if len(self.theta) > block_size else 1
        self.parts = deal(max(1, len(self.theta)), block_size, n_parts)

    def _separate_inputs(self, n_edges, moments, negligible):
        """Hand the first layer's edges, which come first, over to `SparseInputs`.

        Returns the number of places that this layer had.
        """
        n_inputs, n_outputs = self.shapes[0][0] - 1, self.shapes[0][1]
        inputs, columns = np.divmod(self.positions[:n_edges], n_outputs)
        self.sparse_inputs = SparseInputs(
            self.theta[:n_edges],
            moments[:, :n_edges],
            inputs,
            columns.astype(np.int32),
            (n_inputs, n_outputs),
            rate=float(self.rates[:n_edges].max(initial=0)),
            beta_2=self.objective.beta_2,
            negligible=negligible,
        )
        self.theta = self.theta[n_edges:]
        self.rates = self.rates[n_edges:]
        self.positions = self.positions[n_edges:] - n_inputs * n_outputs
        self.shapes[0] = 1, n_outputs
        return n_inputs * n_outputs

    def values(self):
        """Values of all trained parameters: a copy."""
        inputs = [self.sparse_inputs.theta] if self.sparse_inputs else []
        return np.concatenate([*inputs, self.theta])

    def moments(self):
        """Moments of all trained parameters."""
        if not self.sparse_inputs:
            return self.adam.moments
        return np.hstack([self.sparse_inputs.moments, self.adam.moments])

    def look_up(self, rows):
        """Turn to a batch."""
        if self.sparse_inputs is not None:
            self._X = self.sparse_inputs.look_up(self.objective.X[rows])
            self.sparse_inputs.layer[-1] = self.layers[0][-1]

    def start(self, chunks):
        """Fill in the weights of some blocks of parameters, before the first step."""
        for where in chunks:
            self._fill_in(where)
            self.adam.forget_tiny_moments(where)

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
        """Update some blocks of parameters, for a batch of some total weight."""
        for where in chunks:
            theta = self.theta[where]
            gradient, *others = (worker.gradient[where] for worker in self.workers)
            for other in others:
                gradient += other
            if self.objective.alpha:
                gradient += self.decay[where] / total * theta
            step = self.adam.direction(gradient, where)
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
        """Update the weights of sparse inputs that past batches did not have."""
        if self.sparse_inputs is not None:
            self.sparse_inputs.settle()

    def train_steps(self, rate):
        """Change each layer's step, and its weights with it: their levels stay."""
        if self.step_training is None:
            return
        gradient = sum(worker.gradient for worker in self.workers)
        rounded = self.weights.take(self.positions)
        factors = self.step_training(rate, gradient * rounded)
        self.theta *= factors
        self.rounding.steps[:] *= factors

    def layer_rounding(self, rounding):
        """Return the rounding of layers that `rounding` has become."""
        if self.step_training is None:
            return rounding
        return replace(rounding, steps=rounding.steps * self.step_training.factors)

    def is_finite(self):
        # If squares of gradients overflow, parameters stay finite but stand still.
        arrays = [self.theta, self.adam.moments[1]]
        if self.sparse_inputs:
            arrays += [self.sparse_inputs.theta, self.sparse_inputs.moments[1]]
        return all(np.isfinite(array).all() for array in arrays)

    def _fill_in(self, where):
        theta = self.theta[where]
        if self.rounding is not None:
            theta = self.rounding[where].round(theta)
        self.weights[self.positions[where]] = theta


class StepTraining:
    """Adam on the logarithms of the steps of the layers.

    Parameters
    ----------
    is_weight : list of ndarrays of bool
        For the parameters of each layer, whether they are weights.
    """

    def __init__(self, is_weight):
        n_layers = len(is_weight)
        # Intercepts, which are not rounded, come last.
        self._groups = np.concatenate(
            [np.where(w, layer, n_layers) for layer, w in enumerate(is_weight)]
        )
        tiny = np.finfo(float).tiny  # keeps 0 / 0 away
        self._adam = Adam(np.zeros((2, n_layers)), STEP_BETA_2, tiny)
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
        rate *= STEP_RATE * self._adam.begin_step()
        change = np.exp(-rate * self._adam.direction(slope))
        self.factors *= change
        return np.append(change, 1).astype(slopes.dtype)[self._groups]


class Worker:
    """Arrays that one thread computes gradients in: fresh memory is slow."""

    def __init__(self, core, part, n_rows):
        self.part = part
        dtype, n_columns = core.theta.dtype, core.columns_out[-1].stop
        # Inputs, if they are dense, and neurons, with a 1 for the intercepts at the end
        # of each layer.
        self.batch = np.ones((n_rows, n_columns), dtype)
        self.values = np.ones((n_rows, n_columns), dtype)
        hidden = core.layers[1:]
        self.through = [np.empty((n_rows, len(layer) - 1), dtype) for layer in hidden]
        self.product = np.zeros_like(core.weights)
        self.products = views(self.product, core.shapes)
        self.gradient = np.empty_like(core.theta)
        self._seen = np.zeros(0, np.intp)

    def multiply_sparse(self, A, delta):
        """Gradient of the first layer; it is 0 for features that no row has."""
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
        What enters each layer of weights, with the 1.

    outputs : list of slice
        What leaves it.
    """
    ends = np.cumsum(np.add(widths, 1))
    neurons = [slice(end - n - 1, end - 1) for end, n in zip(ends, widths)]
    return [slice(part.start, part.stop + 1) for part in neurons[:-1]], neurons[1:]


def forward(activation, inputs, layers, outputs):
    """Fill in the outputs; those of hidden layers are views of the next inputs.

    Inputs end with the 1 of the intercepts, except sparse rows.
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
    """Mask of the columns of a csr_array that have entries."""
    return np.bincount(X.indices, minlength=X.shape[1]) > 0


def rms(array):
    """Root mean square; 1 if all is 0, as a unit must not be."""
    values = array.data if sparse.issparse(array) else array
    square = np.square(values).sum(dtype=np.float64) / max(1, np.prod(array.shape))
    return array.dtype.type(np.sqrt(square) or 1)
