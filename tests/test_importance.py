"""What the output, or the loss, loses with an edge."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import pytest

from skcoreset._importance import edge_importance, output_gains

from .training.common import ACTIVATIONS, make_network, make_X


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gains_are_squared_finite_differences(activation):
    network, X = make_network(activation=activation), make_X(20)
    weights = np.random.default_rng(3).random(20)
    A = network.activations(X)
    gains = output_gains(network, A, weights, np.eye(3)[:, np.newaxis])
    for layer, (before, after) in enumerate(gains[:-1]):
        expected = np.zeros_like(before)
        for neuron in range(before.shape[1]):
            shift = np.zeros(before.shape[1])
            shift[neuron] = 1e-6
            outputs = [
                network.with_weights(
                    network.coefs,
                    [
                        b + sign * shift if i == layer else b
                        for i, b in enumerate(network.intercepts)
                    ],
                ).activations(X)[-1]
                for sign in (1, -1)
            ]
            slope = (outputs[0] - outputs[1]) / 2e-6
            expected[:, neuron] = np.square(slope).sum(axis=1) * weights
        np.testing.assert_allclose(before, expected, rtol=1e-4, atol=1e-8)
        assert (after >= before).all()


def test_importance_is_the_cost_of_an_edge_of_the_last_layer():
    # the output is linear in these edges, so that the first order is all there is
    network, X = make_network(), make_X()
    weights = np.random.default_rng(3).random(len(X))
    importance, means = edge_importance(network, X, weights)
    F = network.activations(X)[-1]
    coefs = [coef.copy() for coef in network.coefs]
    intercepts = [b.copy() for b in network.intercepts]
    intercepts[-1][1] += coefs[-1][4, 1] * means[-1][4, 1]
    coefs[-1][4, 1] = 0
    change = network.with_weights(coefs, intercepts).activations(X)[-1] - F
    cost = np.square(change).sum(axis=1) @ weights
    np.testing.assert_allclose(importance[-1][4, 1], cost)


def test_an_edge_that_makes_no_difference_is_worth_nothing():
    network, X = make_network(), make_X()
    X[:, 3] = 2.0  # constant: the intercept can do its work
    network.coefs[1][5] = 0  # neuron 5 is read by no one
    importance, _ = edge_importance(network, X, np.ones(len(X)))
    np.testing.assert_allclose(importance[0][3], 0, atol=1e-10)
    np.testing.assert_array_equal(importance[0][:, 5], 0)
    np.testing.assert_array_equal(importance[1][5], 0)


def test_many_outputs_are_probed():
    network, X = make_network((12, 40, 60)), make_X(1000)
    importance, _ = edge_importance(network, X, np.ones(len(X)))
    A = network.activations(X)
    probes = np.eye(60)[:, np.newaxis]
    exact = output_gains(network, A, np.ones(len(X)), probes)[0][0]
    expected = np.square(network.coefs[0]) * (
        np.square(X).T @ exact - np.square(X.T @ exact) / exact.sum(axis=0)
    )
    np.testing.assert_allclose(
        importance[0].sum(axis=0), expected.sum(axis=0), rtol=0.15
    )
    np.testing.assert_allclose(importance[0].sum(), expected.sum(), rtol=0.03)
