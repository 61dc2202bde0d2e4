"""The forward pass over many rows."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from skcoreset._network import ACTIVATIONS
from skcoreset._network.forward import ForwardPass
from skcoreset._parallel import threads

from ..conftest import random_network


def sparse_network(share=0.05, activation="tanh", dtype=np.float64):
    network = random_network([30, 20, 10, 3], activation, dtype=dtype)
    rng = np.random.default_rng(0)
    return network.with_weights(
        network.weights * (rng.random(len(network.weights)) < share)
    )


def rows(n_samples, dtype=np.float64):
    return np.random.default_rng(1).standard_normal((n_samples, 30)).astype(dtype)


# All layers dense, some sparse, all sparse.
@pytest.mark.parametrize("sparse_below", [0, 0.05, 1.1])
@pytest.mark.parametrize("n_samples", [1, 5, 64, 65])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_blocks_and_sparse_layers_do_not_change_the_output(
    sparse_below, n_samples, activation
):
    network, X = sparse_network(activation=activation), rows(n_samples)
    forward = ForwardPass(network, sparse_below=sparse_below, block_size=8)
    expected = network.activations(X)[-1]
    assert_allclose(forward(X), expected, rtol=1e-12, atol=1e-14)
    assert_allclose(forward(sparse.csr_array(X)), expected, rtol=1e-12, atol=1e-14)
    assert_allclose(forward(np.asfortranarray(X)), expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("sparse_below", [0, 1.1])
def test_threads_do_not_change_a_bit(sparse_below):
    X = rows(100)
    forward = ForwardPass(sparse_network(), sparse_below=sparse_below, block_size=8)
    with threads(2) as thread_map:
        assert_array_equal(forward(X, thread_map), forward(X))


def test_float32_is_kept_and_rows_are_not_changed():
    network, X = sparse_network(dtype=np.float32), rows(20, np.float32)
    before = X.copy()
    F = ForwardPass(network, sparse_below=1.1, block_size=8)(X)
    assert F.dtype == np.float32
    assert_array_equal(X, before)
    assert_allclose(F, network.activations(X)[-1], rtol=1e-5, atol=1e-6)


def test_inputs_without_edges_may_be_anything():
    network, X = sparse_network(0.3), rows(20)
    network.coefs[0][[2, 5]] = 0
    forward = ForwardPass(network, sparse_below=1.1)
    expected = forward(X)
    X[:, [2, 5]] = np.nan
    assert_array_equal(forward(X), expected)


def test_a_network_without_edges_is_a_constant():
    network = sparse_network(0)
    F = ForwardPass(network)(rows(300))
    assert_allclose(F, np.tile(network.activations(rows(1))[-1], (300, 1)))


def test_sparse_layers_are_copies():
    network, X = sparse_network(), rows(20)
    expected = network.forward(X)
    for array in (*network.coefs, *network.intercepts):
        array[...] = 7
    assert_array_equal(network.forward(X), expected)
