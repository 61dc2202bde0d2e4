"""What the output, or the loss, loses with an edge."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import pytest
from scipy.sparse import csr_array

from skcoreset._importance import edge_importance, fisher_importance, output_gains
from skcoreset._network import DERIVATIVES, augment

from .conftest import random_network
from .training.common import ACTIVATIONS, make_network, make_sparse_X, make_X


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
    # The output is linear in these edges: there is no higher order.
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


@pytest.mark.parametrize("shrinkage", [0.0, 0.2])
def test_sparse_inputs_and_gains_are_averaged_by_themselves(shrinkage):
    network, X = make_network(), make_sparse_X()
    network.coefs[0][:2] = 0  # inputs that nothing reads
    weights = np.random.default_rng(3).random(len(X))
    dense, from_sparse = (
        edge_importance(network, rows, weights, shrinkage=shrinkage)
        for rows in (X, csr_array(X))
    )
    for got, expected in zip(from_sparse, dense, strict=True):
        for one, two in zip(got[1:], expected[1:], strict=True):
            np.testing.assert_allclose(one, two, atol=1e-12)
    probes = np.eye(3)[:, np.newaxis]
    gains = output_gains(network, network.activations(X), weights, probes)[0][0]
    mean = np.average(X, axis=0, weights=gains.sum(axis=1))
    variance = np.average((X - mean) ** 2, axis=0, weights=gains.sum(axis=1))
    # Ten inputs have ten edges each; one of them is always 0.
    variance += shrinkage * 10 * np.median(np.delete(variance[2:], 4 - 2))
    expected = network.coefs[0] ** 2 * np.outer(variance, gains.sum(axis=0))
    importance, means = from_sparse[0][0], from_sparse[1][0]
    np.testing.assert_allclose(importance, expected, atol=1e-12)
    np.testing.assert_allclose(means[2:], np.tile(mean[2:, np.newaxis], 10))


def test_sparse_rows_without_anything_are_no_error():
    network = make_network()
    importance, means = edge_importance(
        network, csr_array((20, 12)), np.ones(20), shrinkage=0.2
    )
    assert not importance[0].any()
    assert not means[0].any()


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


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("out_activation", ["softmax", "logistic"])
def test_fisher_importance_is_the_expected_squared_score(activation, out_activation):
    # On average, drawn labels agree with all labels weighted by their probabilities.
    network = random_network((4, 5, 2), activation, out_activation)
    network.coefs[1][3] = 0  # a neuron without effect
    X = np.repeat(make_X(3, 4), 4000, axis=0)
    importance = fisher_importance(network, X, np.random.default_rng(0))

    A = network.activations(X)
    P = network.activate_output(A[-1])
    if out_activation == "softmax":
        labels = [(P[:, [k]], np.eye(2)[[k]]) for k in range(2)]
    else:
        both = [np.array([[a, b]]) for a in (0, 1) for b in (0, 1)]
        labels = [
            (np.prod(np.where(Y, P, 1 - P), axis=1, keepdims=True), Y) for Y in both
        ]
    expected = [0.0, 0.0]
    for probability, Y in labels:
        last = P - Y
        first = last @ network.coefs[1].T * DERIVATIVES[activation](A[1])
        for layer, delta in enumerate([first, last]):
            inputs = np.hstack([A[layer], np.ones((len(X), 1))])
            expected[layer] += (inputs**2).T @ (probability * delta**2)
    for parameters, total, got in zip(augment(network), expected, importance):
        np.testing.assert_allclose(got, parameters**2 * total, rtol=0.1, atol=1e-8)
    assert not importance[0][:, 3].any()


def test_fisher_importance_on_sparse_rows_is_that_on_dense_ones():
    network, X = random_network((12, 5, 2), out_activation="softmax"), make_sparse_X()
    dense, from_sparse = (
        fisher_importance(network, rows, np.random.default_rng(0))
        for rows in (X, csr_array(X))
    )
    for got, expected in zip(from_sparse, dense, strict=True):
        np.testing.assert_allclose(got, expected, atol=1e-12)


def test_a_shift_of_all_outputs_is_worth_nothing_where_it_does_not_count():
    network, X = make_network((12, 10, 4)), make_X()
    coefs = [network.coefs[0], network.coefs[1].copy()]
    coefs[1][5] = 2.0  # neuron 5 adds the same to all outputs
    network = network.with_weights(coefs)
    importance, _ = edge_importance(network, X, np.ones(len(X)), centred=True)
    np.testing.assert_allclose(importance[0][:, 5], 0, atol=1e-10)
    assert (importance[0][:, 4] > 1e-3).any()


def test_a_feature_that_was_never_seen_keeps_its_large_weight():
    network, X = make_network(), make_X()
    X[:, 3] = 0.0
    network.coefs[0][3, 1], network.coefs[0][3, 2] = 10.0, 1e-3
    weights = np.ones(len(X))
    plain, _ = edge_importance(network, X, weights)
    shrunk, _ = edge_importance(network, X, weights, shrinkage=0.2)
    assert not plain[0][3].any()
    assert shrunk[0][3, 1] > np.median(shrunk[0][:, 1])
    assert shrunk[0][3, 2] < np.delete(shrunk[0][:, 2], 3).min()


def test_shrinkage_adds_a_share_of_the_median_variance_of_the_features():
    # With one linear output the variance of a feature is that of its column.
    network, X = make_network((12, 1)), make_X()
    X[:, 0], X[:, 1] = 0.0, 1000 * X[:, 1]
    importance, _ = edge_importance(network, X, np.ones(len(X)), shrinkage=0.3)
    variance = X.var(axis=0)
    variance += 0.3 * np.median(variance[1:])
    expected = len(X) * np.square(network.coefs[0][:, 0]) * variance
    np.testing.assert_allclose(importance[0][:, 0], expected)


def test_hidden_layers_are_not_shrunk():
    network, X = make_network(), make_X()
    weights = np.ones(len(X))
    (_, *plain), means = edge_importance(network, X, weights)
    (_, *shrunk), other = edge_importance(network, X, weights, shrinkage=0.2)
    for a, b in zip([*plain, *means], [*shrunk, *other]):
        np.testing.assert_array_equal(a, b)


def test_where_no_feature_varies_there_is_nothing_to_shrink_to():
    network, X = make_network(), np.zeros((50, 12))
    importance, _ = edge_importance(network, X, np.ones(50), shrinkage=0.2)
    assert not importance[0].any()
