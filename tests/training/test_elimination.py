"""Neurons that go, and those that take over."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skcoreset._importance import neuron_statistics
from skcoreset._network import augment
from skcoreset._training.elimination import eliminate, neuron_ranking

from .common import make_network, make_X


def eliminated(network, n_edges, gains, means, precisions):
    layers = augment(network)
    edges = [coef != 0 for coef in network.coefs]
    eliminate(layers, edges, n_edges, gains, means, precisions)
    coefs = [layer[:-1] * kept for layer, kept in zip(layers, edges)]
    return network.with_weights(coefs, [layer[-1] for layer in layers])


def statistics(network, X):
    return neuron_statistics(network, X, np.full(len(X), 1 / len(X)))


def test_others_take_over_as_least_squares_say():
    network, X = make_network((12, 10, 3), "tanh"), make_X()
    gains, means, covariances = statistics(network, X)
    precisions = [np.linalg.inv(covariance) for covariance in covariances]
    smaller = eliminated(network, 4 * 15, gains, means, precisions)
    kept = smaller.coefs[1].any(axis=1)
    assert kept.sum() == 4
    _, A, F = network.activations(X)
    A = np.column_stack([A[:, kept], np.ones(len(A))])
    expected, *_ = np.linalg.lstsq(A, F, rcond=None)
    assert_allclose(smaller.coefs[1][kept], expected[:-1], rtol=1e-6, atol=1e-8)
    assert_allclose(smaller.intercepts[1], expected[-1], rtol=1e-6, atol=1e-8)


def test_the_first_to_go_is_the_one_that_costs_the_output_least_per_edge():
    network, X = make_network((12, 10, 3), "tanh"), make_X()
    gains, means, covariances = statistics(network, X)
    precisions = [np.linalg.inv(covariance) for covariance in covariances]
    smaller = eliminated(network, 9 * 15, gains, means, precisions)
    _, A, _ = network.activations(X)
    losses = []
    for neuron in range(10):
        others = np.delete(A, neuron, axis=1)
        others = np.column_stack([others, np.ones(len(A))])
        fitted, *_ = np.linalg.lstsq(others, A[:, neuron], rcond=None)
        rest = np.outer(A[:, neuron] - others @ fitted, network.coefs[1][neuron])
        losses.append(np.square(rest).sum())
    assert not smaller.coefs[1][np.argmin(losses)].any()
    assert smaller.coefs[1].any(axis=1).sum() == 9


def test_neurons_with_edges_missing_give_over_their_means_only():
    network, X = make_network(), make_X()
    coefs = [coef.copy() for coef in network.coefs]
    coefs[1][0, 0] = 0
    network = network.with_weights(coefs)
    gains, means, precisions = neuron_ranking(network, *statistics(network, X))
    assert_array_equal(precisions[0], np.diag(precisions[0].diagonal()))
    assert np.count_nonzero(precisions[1]) == 8 * 8
    smaller = eliminated(network, network.n_edges - 1, gains, means, precisions)
    gone = [~coef.any(axis=1) for coef in smaller.coefs[1:]]
    assert sum(mask.sum() for mask in gone) == 1
    if gone[0].any():
        expected = network.intercepts[1] + means[0][gone[0]] @ coefs[1][gone[0]]
        assert_allclose(smaller.intercepts[1], expected)
        assert_array_equal(smaller.coefs[1][~gone[0]], coefs[1][~gone[0]])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_ranking_of_neurons_that_do_not_vary_is_finite(dtype):
    network = make_network(dtype=dtype)
    X = np.repeat(make_X(1, dtype=dtype), 7, axis=0)
    _, _, precisions = neuron_ranking(network, *statistics(network, X))
    for precision in precisions:
        assert np.isfinite(precision).all()
        assert (precision.diagonal() > 0).all()


@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "identity"])
def test_statistics_by_their_definitions(activation):
    network, X = make_network((12, 10, 8, 3), activation), make_X(40)
    coefs = [coef.copy() for coef in network.coefs]
    coefs[2][3] = 0  # leads to no output
    network = network.with_weights(coefs)
    weights = np.random.default_rng(0).random(40)
    gains, means, covariances = neuron_statistics(network, X, weights)
    activations, step = network.activations(X), 1e-6
    for layer, (gain, mean, covariance) in enumerate(zip(gains, means, covariances)):
        A = activations[layer + 1]
        rest = type(network)(
            network.coefs[layer + 1 :],
            network.intercepts[layer + 1 :],
            network.activation,
        )
        live = network.coefs[layer + 1].any(axis=1)
        expected = [
            weights
            @ np.square((rest.forward(A + e) - rest.forward(A - e)) / (2 * step)).sum(
                axis=1
            )
            for e in step * np.eye(A.shape[1])
        ]
        assert_allclose(gain, expected, rtol=1e-4, atol=1e-8)
        assert_allclose(mean, live * np.average(A, axis=0, weights=weights))
        cov = np.cov(A.T, aweights=weights, ddof=0) * np.outer(live, live)
        assert_allclose(covariance, cov, atol=1e-12)


def test_every_layer_keeps_a_neuron():
    network, X = make_network(), make_X()
    ranking = neuron_ranking(network, *statistics(network, X))
    smaller = eliminated(network, 0, *ranking)
    for before, after in pairwise(smaller.coefs):
        assert before.any(axis=0).sum() == after.any(axis=1).sum() == 1
