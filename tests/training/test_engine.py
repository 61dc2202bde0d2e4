"""The engine that trains kept parameters."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array

from skcoreset._errors import ERRORS
from skcoreset._network import augment
from skcoreset._network.levels import Rounding
from skcoreset._parallel import serial_map, threads
from skcoreset._training import FitLabels, MatchOriginal, Trainer
from skcoreset._training.core import Core

from ..conftest import random_network
from .common import (
    ACTIVATIONS,
    assert_equal,
    assert_finite,
    make_compressed,
    make_network,
    make_sparse_X,
    make_X,
)


def objectives(network):
    """Both, on the same rows."""
    X = make_X()
    Y = np.eye(3)[np.random.default_rng(5).integers(3, size=len(X))]
    return [MatchOriginal(network, X, ERRORS["relative"]), FitLabels(network, X, Y)]


# Steps and blocks of parameters that are divided however small they are.
DIVIDED = {"products_per_step": 0, "block_size": 50}


def trained(network, objective, n_passes=2, thread_map=None, blocks=None, **options):
    trainer = Trainer(
        network,
        objective,
        rng=np.random.default_rng(0),
        thread_map=thread_map,
        **(blocks or {}),
    )
    trainer.train(n_passes, **options)
    return trainer.network


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_parts_of_a_batch_add_up(activation, which):
    network = make_network(activation=activation)
    compressed = make_compressed(network)
    objective = objectives(network)[which]
    whole = trained(compressed, objective)
    parts = trained(compressed, objective, thread_map=serial_map, blocks=DIVIDED)
    assert_allclose(parts.weights, whole.weights, rtol=1e-6, atol=1e-9)
    assert (whole.weights != compressed.weights).any()


@pytest.mark.parametrize("products_per_step", [0, 10**9])
def test_sparse_rows_train_like_dense_ones(products_per_step):
    network, X = make_network(activation="tanh"), make_sparse_X()
    compressed = make_compressed(network)
    dense, from_sparse = (
        trained(
            compressed,
            MatchOriginal(network, rows, ERRORS["relative"]),
            thread_map=serial_map,
            blocks={"products_per_step": products_per_step},
        )
        for rows in (X, csr_array(X))
    )
    assert_allclose(from_sparse.weights, dense.weights, rtol=1e-6, atol=1e-9)
    assert (dense.weights != compressed.weights).any()


@pytest.mark.parametrize("alpha", [0.0, 1e-3])
def test_sparse_rows_are_fitted_like_dense_ones(alpha):
    network, X = make_network(), make_sparse_X()
    compressed = make_compressed(network)
    Y = np.eye(3)[np.random.default_rng(5).integers(3, size=len(X))]
    dense, from_sparse = (
        # Batches with few features.
        trained(compressed, FitLabels(network, rows, Y, alpha=alpha, batch_size=2))
        for rows in (X, csr_array(X))
    )
    assert_allclose(from_sparse.weights, dense.weights, rtol=1e-4, atol=1e-7)
    assert (dense.weights != compressed.weights).any()


@pytest.mark.parametrize("which", [0, 1])
def test_threads_do_not_change_the_result(which):
    network = make_network()
    objective = objectives(network)[which]
    serial = trained(network, objective, thread_map=serial_map, blocks=DIVIDED)
    with threads(2) as thread_map:
        parallel = trained(network, objective, thread_map=thread_map, blocks=DIVIDED)
    assert_equal(parallel, serial)


def test_untrained_networks_are_returned_unchanged():
    network = make_network(dtype=np.float32)
    objective = MatchOriginal(network, make_X(), ERRORS["scaled"])
    trainer = Trainer(network, objective, rng=None)
    assert_equal(trainer.network, network)


def test_intercepts_take_over_what_dropped_edges_contribute_on_average():
    network, X = make_network((12, 3)), make_X()
    objective = MatchOriginal(network, X, ERRORS["relative"])
    trainer = Trainer(network, objective, rng=None)
    means = [np.repeat(X.mean(axis=0)[:, np.newaxis], 3, axis=1)]
    scores = [np.abs(network.coefs[0])]
    trainer.drop(20, scores, means)
    assert trainer.n_edges == trainer.network.n_edges == 20
    dropped = trainer.network.coefs[0] == 0
    assert scores[0][dropped].max() <= scores[0][~dropped].min()
    mean_output = network.forward(X).mean(axis=0)
    assert_allclose(trainer.network.forward(X).mean(axis=0), mean_output)


@pytest.mark.parametrize("which", [0, 1])
def test_neurons_that_lead_nowhere_and_missing_intercepts_are_not_trained(which):
    objective = objectives(make_network())[which]
    network = random_network((12, 10, 8, 3), seed=1)
    network.coefs[1][0] = 0  # nothing leads on from neuron 0
    network.intercepts[1][2] = 0
    trainer = Trainer(
        network, objective, prunes_intercepts=True, rng=np.random.default_rng(0)
    )
    trainer.train(1)
    after = trainer.network
    assert_array_equal(after.coefs[0][:, 0], network.coefs[0][:, 0])
    assert (after.coefs[0][:, 1] != network.coefs[0][:, 1]).all()
    assert after.intercepts[1][2] == 0


def test_having_nothing_to_train_is_not_an_error():
    network = make_network((12, 3))
    objective = objectives(network)[1]
    empty = network.with_weights(np.zeros(36), [np.zeros(3)])
    trainer = Trainer(
        empty, objective, prunes_intercepts=True, rng=np.random.default_rng(0)
    )
    trainer.train(1)
    assert_equal(trainer.network, empty)


@pytest.mark.parametrize("which", [0, 1])
def test_training_for_levels_beats_rounding(which):
    network = make_network((12, 30, 20, 3))
    X = make_X(1000)
    Y = np.eye(3)[network.forward(X).argmax(axis=1)]
    objective = [
        MatchOriginal(network, X, ERRORS["relative"]), FitLabels(network, X, Y)
    ][which]  # fmt: skip
    steps = np.array([np.abs(layer).max() / 3 for layer in augment(network)])
    rounding = Rounding(steps, n_levels=2)

    def distance(network):
        layers = [rounding[i].round(layer) for i, layer in enumerate(augment(network))]
        rounded = network.with_weights(
            [layer[:-1] for layer in layers], [layer[-1] for layer in layers]
        )
        if which:
            return np.mean(rounded.forward(X).argmax(axis=1) != Y.argmax(axis=1))
        return objective.loss(objective.standardised(rounded))

    after = trained(network, objective, 100, learning_rate=0.005, rounding=rounding)
    assert distance(after) < 0.7 * distance(network)


@pytest.mark.parametrize("which", [0, 1])
def test_training_that_diverges_ends_with_the_last_finite_weights(which, monkeypatch):
    network = make_network(dtype=np.float32)
    objective = objectives(network)[which]
    network = make_compressed(network).astype(np.float32)
    step, n_steps = Core.step, []

    def diverging(core, rate, total, chunks):
        n_steps.append(1)
        step(core, np.nan if len(n_steps) > 3 else rate, total, chunks)

    monkeypatch.setattr(Core, "step", diverging)
    rng = np.random.default_rng(0)
    trainer = Trainer(network, objective, rng=rng)
    with pytest.warns(UserWarning, match=r"overflowed in float32 by step \d+ of 10"):
        trainer.train(5)
    assert_finite(trainer.network)
    assert (trainer.network.weights != network.weights).any()

    # Training continues from there.
    monkeypatch.setattr(Core, "step", step)
    ended = trainer.network
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        trainer.train(1)
    assert_finite(trainer.network)
    assert (trainer.network.weights != ended.weights).any()


@pytest.mark.parametrize("which", [0, 1])
def test_training_without_a_finite_step_is_an_error(which):
    network = make_network(dtype=np.float32)
    objective = objectives(network)[which]
    trainer = Trainer(network, objective, rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="overflowed in float32 at its first step"):
        trainer.train(1, learning_rate=np.inf)
