import numpy as np
import pytest

from skcoreset._network.neurons import remove_neurons

from ..conftest import random_network


@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "identity"])
def test_removal_is_exact_on_the_calibration_rows(activation):
    network = random_network([8, 12, 9, 3], activation)
    X = np.random.default_rng(0).random((40, 8))
    coefs = [coef.copy() for coef in network.coefs]
    intercepts = [b.copy() for b in network.intercepts]
    coefs[0][:, [1, 5]] = 0  # without incoming edges: constants
    coefs[1][[2, 3]] = 0  # without outgoing edges
    if activation == "relu":
        intercepts[0][4] = -1e3  # dead
    coefs[1][:, 6] = 0
    coefs[2][7] = 0
    network = network.with_weights(coefs, intercepts)
    smaller = remove_neurons(network, X)
    silent = [~A.any(axis=0) for A in network.activations(X)[1:-1]]
    silent[0][[1, 2, 3, 5]] = silent[1][[6, 7]] = True
    assert smaller.widths == (*((~idle).sum() for idle in silent), 3)
    np.testing.assert_allclose(
        smaller.forward(X), network.forward(X), rtol=1e-12, atol=1e-12
    )


def test_removal_spreads_until_nothing_changes():
    network = random_network([4, 5, 5, 5, 2])
    coefs = [coef.copy() for coef in network.coefs]
    coefs[3][1:] = 0  # only neuron 0 of the last hidden layer speaks
    coefs[2][2:, 0] = 0  # and listens to two
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
