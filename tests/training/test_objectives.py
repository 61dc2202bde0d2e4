"""What training minimises."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.sparse import csr_array
from scipy.special import log_softmax

from skcoreset._errors import ERRORS
from skcoreset._network import augment
from skcoreset._training import FitLabels, MatchOriginal, Trainer
from skcoreset._training.core import Core

from ..conftest import random_network
from .common import ACTIVATIONS, make_compressed, make_network, make_sparse_X, make_X

LOSSES = {
    "softmax": lambda F, Y: -(Y * log_softmax(F, axis=1)).sum(axis=1),
    "logistic": lambda F, Y: (np.logaddexp(0, F) - Y * F).sum(axis=1),
    "identity": lambda F, Y: ((F - Y) ** 2).sum(axis=1) / 2,
    "exp": lambda F, Y: (np.exp(F) - Y * F).sum(axis=1),
}


def targets(out_activation, n_samples, n_outputs, rng):
    if out_activation == "softmax":
        return np.eye(n_outputs)[rng.integers(n_outputs, size=n_samples)]
    if out_activation == "logistic":
        return rng.integers(2, size=(n_samples, n_outputs)).astype(float)
    return rng.poisson(2, size=(n_samples, n_outputs)).astype(float)


def gradient(network, objective):
    """Of a step on all rows, by the engine, for all edges of the layers one by one."""
    trainer = Trainer(network, objective, rng=np.random.default_rng(0))
    core = Core(trainer, objective.n_samples, 1.0, None)
    core.start(core.parts[0])
    rows = np.arange(objective.n_samples)
    core.look_up(rows)
    (worker,) = core.workers
    core.gradient(objective.total(rows), rows, worker)
    gradient = worker.gradient
    if core.sparse_inputs is not None:
        edges = core.sparse_inputs.layer[:-1] != 0
        gradient = np.concatenate([worker.inputs_gradient[edges], gradient])
    everywhere = np.zeros(len(trainer.theta))
    everywhere[core.trained] = gradient
    return everywhere


def numerical_gradient(loss, network, step=1e-6):
    """Of a function of a network, by central differences."""
    layers = augment(network)
    moved = network.with_weights(
        [layer[:-1] for layer in layers], [layer[-1] for layer in layers]
    )  # changes with the layers
    out = []
    for layer in layers:
        for place in np.ndindex(layer.shape):
            losses, value = [], layer[place]
            for change in (step, -step):
                layer[place] = value + change
                losses.append(loss(moved.with_weights(moved.coefs)))
            layer[place] = value
            out.append((losses[0] - losses[1]) / (2 * step))
    return out


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("out_activation", LOSSES)
@pytest.mark.parametrize("weighted", [False, True])
def test_gradient_for_labels_is_that_of_the_loss(activation, out_activation, weighted):
    rng = np.random.default_rng(0)
    network = random_network((5, 4, 3, 2), activation, out_activation)
    X = rng.standard_normal((20, 5))
    Y = targets(out_activation, 20, 2, rng)
    sample_weight = rng.random(20) if weighted else None

    def loss(network):
        losses = LOSSES[out_activation](network.forward(X), Y)
        return np.average(losses, weights=sample_weight)

    objective = FitLabels(network, X, Y, sample_weight=sample_weight)
    assert_allclose(
        gradient(network, objective), numerical_gradient(loss, network), atol=1e-8
    )


@pytest.mark.parametrize("out_activation", ["softmax", "logistic"])
def test_gce_power_is_that_of_the_generalized_cross_entropy(out_activation):
    rng = np.random.default_rng(0)
    network = random_network((3, 2), out_activation=out_activation)
    X, Y = rng.standard_normal((1, 3)), np.array([[0.0, 1.0]])
    q = 0.7

    def loss(network):
        P = network.activate_output(network.forward(X))
        P = P[:, 1:] if out_activation == "softmax" else np.where(Y, P, 1 - P)
        return ((1 - P**q) / q).sum()

    objective = FitLabels(network, X, Y, gce_power=q)
    assert_allclose(
        gradient(network, objective), numerical_gradient(loss, network), atol=1e-8
    )


@pytest.mark.parametrize("error", ["relative", "scaled", "absolute"])
@pytest.mark.parametrize("out_activation", ["identity", "softmax"])
def test_gradient_for_outputs_is_that_of_the_loss(error, out_activation):
    # No hidden layers, as their errors would count, too.
    original = random_network((5, 3), out_activation=out_activation)
    objective = MatchOriginal(original, make_X(40, 5), ERRORS[error])
    other = random_network((5, 3), out_activation=out_activation, seed=1)
    # The engine minimises half of the squares.
    expected = np.divide(
        numerical_gradient(objective.loss, objective.standardised(other)), 2
    )
    assert_allclose(gradient(other, objective), expected, atol=1e-7)


# Inputs and neurons that lead nowhere.
@pytest.mark.parametrize("n_inputs", [0, 3])
@pytest.mark.parametrize("n_neurons", [0, 3])
def test_sparse_rows_have_the_losses_and_gradients_of_dense_ones(n_inputs, n_neurons):
    network, X = make_network(activation="tanh"), make_sparse_X()
    other = make_compressed(network, share=0.9)
    other.coefs[0][:n_inputs] = 0
    other.coefs[1][:n_neurons] = 0
    Y = np.eye(3)[np.random.default_rng(5).integers(3, size=len(X))]
    dense, from_sparse = (
        MatchOriginal(network, rows, ERRORS["relative"]) for rows in (X, csr_array(X))
    )
    assert from_sparse.loss(from_sparse.network) == 0
    assert_allclose(from_sparse.scales, dense.scales)
    changed = dense.standardised(other)
    assert_allclose(from_sparse.loss(changed), dense.loss(changed))
    for arrays in zip(from_sparse.rank(changed), dense.rank(changed)):
        for got, expected in list(zip(*arrays, strict=True))[1:]:
            assert_allclose(got, expected, atol=1e-12)
    for one, two in (
        (from_sparse, dense),
        (FitLabels(network, csr_array(X), Y), FitLabels(network, X, Y)),
    ):
        assert_allclose(gradient(other, one), gradient(other, two), atol=1e-12)


@pytest.mark.parametrize("error", ["relative", "scaled", "absolute", "entrywise"])
@pytest.mark.parametrize("out_activation", ["identity", "softmax"])
def test_loss_of_the_original_is_0_and_of_its_mean_or_of_0_is_1(error, out_activation):
    network, X = random_network((12, 6, 3), "tanh", out_activation), make_X()
    objective = MatchOriginal(network, X, ERRORS[error])
    assert objective.loss(objective.network) == 0
    nothing = objective.network.with_weights(
        [np.zeros_like(coef) for coef in objective.network.coefs],
        [np.zeros_like(b) for b in objective.network.intercepts],
    )
    assert_allclose(objective.loss(nothing), 1)


def test_networks_return_to_the_units_they_came_in():
    network, X = random_network((12, 6, 3)), make_X()
    network = network.rescaled_output(np.full(3, -70.0), np.array([1e-3, 1.0, 1e3]))
    objective = MatchOriginal(network, X, ERRORS["scaled"])
    F = objective.network.forward(X)
    assert_allclose(F.mean(axis=0), 0, atol=1e-10)
    assert_allclose(F.std(axis=0), 1)
    restored = objective.restored(objective.standardised(network))
    assert_allclose(restored.forward(X), network.forward(X))


@pytest.mark.parametrize("error", ["scaled", "absolute"])
def test_made_rows_are_trained_on_and_nothing_else(error):
    network, X = random_network((12, 6, 3), out_activation="softmax"), make_X()
    other = random_network((12, 6, 3), out_activation="softmax", seed=1)
    made = 100 * make_X(50)
    plain = MatchOriginal(network, X, ERRORS[error])
    more = MatchOriginal(network, X, ERRORS[error], made=made)
    one, two = (objective.standardised(other) for objective in (plain, more))
    assert_allclose(two.forward(X), one.forward(X))
    assert_allclose(more.loss(two), plain.loss(one))
    # Ranks may differ by a factor.
    one, two = (objective.rank(one)[0][0] for objective in (plain, more))
    assert_allclose(two / two.max(), one / one.max())
    assert more.n_samples == len(X) + 50
    batch = np.empty((50, 12 + 6 + 3 + 2))
    more.fill(np.arange(len(X), len(X) + 50), batch)
    np.testing.assert_array_equal(batch[:, :12], made)
    assert_allclose(batch[:, -3:], more.network.forward(made))


def test_on_sparse_rows_training_waits_for_a_loss_or_for_few_edges():
    network = make_network((12, 10, 8, 3))
    rows = csr_array(make_sparse_X(40)[:, :12])
    for X, waits in ((rows, True), (rows.toarray(), False)):
        objective = MatchOriginal(network, X, ERRORS["relative"])
        assert network.n_edges > rows.nnz
        slightly, much, sparser = (
            objective.standardised(other)
            for other in (
                network.with_weights(network.weights * 1.01),
                network.with_weights(network.weights * 2),
                make_compressed(network.with_weights(network.weights), share=0.3),
            )
        )
        assert objective.negligible < objective.loss(slightly) < objective.small
        assert objective.needs_training(slightly)
        assert objective.needs_training(slightly, goes_on=True) != waits
        assert objective.needs_training(much, goes_on=True)
        assert objective.needs_training(sparser, goes_on=True)
