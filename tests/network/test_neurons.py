"""Neurons that can go."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import pytest

from skcoreset._network import ACTIVATIONS
from skcoreset._network.neurons import (
    live_neurons,
    remove_neurons,
    silent_neurons,
    without_idle_neurons,
)

from ..conftest import random_network


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_removal_is_exact_on_the_calibration_rows(activation):
    network = random_network([8, 12, 9, 3], activation)
    X = np.random.default_rng(0).random((40, 8))
    coefs = [coef.copy() for coef in network.coefs]
    intercepts = [b.copy() for b in network.intercepts]
    coefs[0][:, [1, 5]] = 0  # without incoming edges: constants
    coefs[1][[2, 3]] = 0  # without outgoing edges
    if activation == "relu":
        intercepts[0][4] = -1e3  # silent
    coefs[1][:, 6] = 0
    coefs[2][7] = 0
    network = network.with_weights(coefs, intercepts)
    smaller = remove_neurons(network, X)
    gone = [~A.any(axis=0) for A in network.activations(X)[1:-1]]
    gone[0][[1, 2, 3, 5]] = gone[1][[6, 7]] = True
    assert smaller.widths == (*((~mask).sum() for mask in gone), 3)
    np.testing.assert_allclose(
        smaller.forward(X), network.forward(X), rtol=1e-12, atol=1e-12
    )


def test_removal_spreads_until_nothing_changes():
    network = random_network([4, 5, 5, 5, 2])
    coefs = [coef.copy() for coef in network.coefs]
    coefs[3][1:] = 0  # only neuron 0 of the last hidden layer leads on
    coefs[2][2:, 0] = 0  # and only two lead to it
    intercepts = [*network.intercepts[:2], np.full(5, 9.0), network.intercepts[3]]
    network = network.with_weights(coefs, intercepts)
    smaller = remove_neurons(network, np.random.default_rng(0).random((9, 4)))
    assert smaller.widths[1:] == (2, 1, 2)


def test_a_layer_keeps_a_neuron():
    network = random_network([4, 5, 3, 2])
    X = np.random.default_rng(0).random((9, 4))
    zeros = network.with_weights(np.zeros_like(network.weights))
    smaller = remove_neurons(zeros, X)
    assert smaller.widths == (1, 1, 2)
    np.testing.assert_allclose(smaller.forward(X), zeros.forward(X))


def test_the_network_given_is_left_alone():
    network = random_network([4, 5, 3, 2])
    weights = network.weights.copy()
    intercepts = [b.copy() for b in network.intercepts]
    coefs = [coef.copy() for coef in network.coefs]
    coefs[0][:, 1] = 0
    network = network.with_weights(coefs)
    remove_neurons(network, np.ones((3, 4)))
    np.testing.assert_array_equal(network.coefs[0][:, 0], weights[:20:5])
    for b, expected in zip(network.intercepts, intercepts):
        np.testing.assert_array_equal(b, expected)


def test_live_neurons_are_those_that_the_output_depends_on():
    network = random_network((6, 8, 7, 3), "tanh")
    coefs = [coef.copy() for coef in network.coefs]
    coefs[2][[1, 4]] = 0  # these lead nowhere,
    coefs[1][2, [0, 2, 3, 5, 6]] = 0  # and this one leads only to them
    coefs[0][3] = 0
    network = network.with_weights(coefs)
    inputs, first, second, outputs = live_neurons(network.coefs)
    np.testing.assert_array_equal(np.flatnonzero(~inputs), [3])
    np.testing.assert_array_equal(np.flatnonzero(~first), [2])
    np.testing.assert_array_equal(np.flatnonzero(~second), [1, 4])
    assert outputs.all()

    X = np.random.default_rng(0).standard_normal((10, 6))
    alive = network.restricted([inputs, first, second, outputs])
    np.testing.assert_allclose(alive.forward(X[:, inputs]), network.forward(X))
    smaller = without_idle_neurons(network)
    assert smaller.widths == (7, 5, 3)
    np.testing.assert_allclose(smaller.forward(X), network.forward(X))


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_idle_neurons_are_those_that_make_no_difference(activation):
    network = random_network([8, 12, 9, 3], activation)
    coefs = [coef.copy() for coef in network.coefs]
    intercepts = [b.copy() for b in network.intercepts]
    coefs[0][:, [1, 5]], intercepts[0][[1, 5]] = 0, [0, 1]  # constants; one may be 0
    coefs[1][2] = 0  # leads nowhere
    network = network.with_weights(coefs, intercepts)
    smaller = without_idle_neurons(network)
    assert smaller.widths == (11 if activation == "logistic" else 10, 9, 3)
    X = np.random.default_rng(0).normal(size=(10, 8))
    np.testing.assert_allclose(smaller.forward(X), network.forward(X))


def test_without_live_neurons_each_layer_keeps_one():
    network = random_network((6, 8, 7, 3))
    network = network.with_weights(np.zeros_like(network.weights))
    assert without_idle_neurons(network).widths == (1, 1, 3)


def test_silent_neurons_are_0_on_all_rows_given():
    network = random_network([8, 12, 9, 3])
    network.intercepts[0][[4, 7]] = -1e3
    network.coefs[0][0, 7] = 1e4
    X = np.random.default_rng(0).random((30, 8))
    X[:, 0] = np.arange(30) == 29
    for silent, A in zip(
        silent_neurons(network, X, block_size=7), network.activations(X)[1:-1]
    ):
        np.testing.assert_array_equal(silent, (A == 0).all(axis=0))
    assert silent_neurons(network, X)[0][4] and not silent_neurons(network, X)[0][7]
