"""Networks with short codes."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skcoreset._network import Network, augment
from skcoreset._network.neurons import without_idle_neurons
from skcoreset._training import FitLabels
from skcoreset._wrapped import network_of
from skcoreset.bounds.occam.short_codes import ShortCodes, sort_neurons


def count_parameters(network):
    """Number of edges, intercepts included."""
    return sum(np.count_nonzero(layer) for layer in augment(network))


@pytest.mark.parametrize("activation", ["identity", "logistic", "relu", "tanh"])
def test_neurons_are_removed_and_sorted_without_a_change_of_the_output(activation):
    rng = np.random.default_rng(0)
    shapes = (6, 9), (10, 8), (9, 3)
    layers = [rng.standard_normal(s) * (rng.random(s) < 0.3) for s in shapes]
    network = Network(
        tuple(layer[:-1] for layer in layers),
        tuple(layer[-1] for layer in layers),
        activation,
    )
    network.coefs[0][:, 2], network.intercepts[0][2] = 0, 0  # no edges in
    network.coefs[1][3] = 0  # no edges out
    X = rng.standard_normal((10, 5))
    short = sort_neurons(without_idle_neurons(network))
    assert short.widths[0] <= (8 if activation == "logistic" else 7)
    assert_allclose(short.forward(X), network.forward(X))
    degrees = np.count_nonzero(augment(short)[0], axis=0)
    assert (np.diff(degrees) <= 0).all()


def test_descent_ends_at_the_numbers_asked_for_where_scores_tie():
    network = Network((np.ones((4, 3)),), (np.zeros(3),), "relu", "softmax")
    objective = FitLabels(network, np.ones((10, 4)), np.eye(3)[np.arange(10) % 3])
    rng = np.random.default_rng(0)
    descent = ShortCodes(objective).descent(network, rng)
    path = [descent.network(n_edges) for n_edges in (20, 5, 2)]
    assert [count_parameters(smaller) for smaller in path] == [12, 5, 2]
    assert_array_equal(path[0].weights, network.weights)


def test_rounded_networks_have_levels_that_fit_the_labels(mlp, digits):
    X, y, _, _ = digits
    network = network_of(mlp)
    objective = FitLabels(network, X, y[:, np.newaxis] == np.arange(10))
    quantised = ShortCodes(objective).rounded(network, (3, 4), np.random.default_rng(0))
    assert np.abs(quantised.levels[0]).max() <= 3
    assert np.abs(quantised.levels[1]).max() <= 4
    layers = quantised.layers(np.float32)
    rounded = network.with_weights(
        [layer[:-1] for layer in layers], [layer[-1] for layer in layers]
    )
    assert np.mean(rounded.forward(X).argmax(axis=1) == y) > 0.97
