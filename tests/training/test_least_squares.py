"""Least-squares reweighting."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import pytest
import threadpoolctl
from scipy import sparse

from skcoreset._training.least_squares import _solve, reweight

from ..conftest import peak_memory, random_network
from .common import ACTIVATIONS, make_compressed, make_network, make_X


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_reweight_is_ridge_regression_of_each_neuron(activation):
    network, X = make_network(activation=activation), make_X()
    compressed = make_compressed(network)
    ridge = 1e-2
    reweighted = reweight(compressed, network, X, ridge=ridge)
    A, A_hat = network.activations(X), reweighted.activations(X)
    for layer, old in enumerate(compressed.coefs):
        Z = A[layer] @ network.coefs[layer] + network.intercepts[layer]
        inputs = A_hat[layer] - A_hat[layer].mean(axis=0)
        penalty = ridge * np.square(inputs).sum(axis=0).mean()
        for neuron, weights in enumerate(old.T):
            kept = np.flatnonzero(weights)
            root = np.sqrt(penalty) * np.eye(len(kept))
            expected = np.linalg.lstsq(
                np.vstack([inputs[:, kept], root]),
                np.append(Z[:, neuron] - Z[:, neuron].mean(), root @ weights[kept]),
            )[0]
            got = reweighted.coefs[layer][:, neuron]
            np.testing.assert_allclose(got[kept], expected, rtol=1e-7, atol=1e-10)
            offset = Z[:, neuron].mean() - A_hat[layer].mean(axis=0) @ got
            np.testing.assert_allclose(reweighted.intercepts[layer][neuron], offset)


# One equation for each edge of a neuron, or for each row.
@pytest.mark.parametrize("n_samples", [300, 4])
@pytest.mark.parametrize("n_equations, rtol", [(1024, 1e-8), (0, 1e-4)])
@pytest.mark.parametrize("convert", [np.asarray, sparse.csr_array])
def test_wide_layers_and_sparse_rows_need_no_gram_matrix(
    convert, n_equations, rtol, n_samples
):
    network, X = make_network(activation="tanh"), make_X(n_samples)
    X = np.maximum(X, 0) + np.eye(12)[0]
    compressed = make_compressed(network)
    compressed.coefs[1][:, 2] = 0  # a neuron without edges
    expected = reweight(compressed, network, X, ridge=1e-2)
    got = reweight(
        compressed,
        network,
        convert(X),
        ridge=1e-2,
        n_inputs_gram=0,
        n_equations=n_equations,
    )
    for a, b in zip(
        (*got.coefs, *got.intercepts), (*expected.coefs, *expected.intercepts)
    ):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol)


def test_memory_does_not_grow_with_the_square_of_the_inputs():
    network, X = random_network((20_000, 3, 2)), make_X(20, 20_000)
    compressed = make_compressed(network)
    _, peak = peak_memory(lambda: reweight(compressed, network, X))
    assert peak < 4 * X.nbytes


def test_solving_does_not_depend_on_blas_threads():
    # Workers of a cluster have the number of threads that their machine allows.
    A = np.random.default_rng(0).normal(size=(2000, 1200))
    gram, moments, old = A.T @ A, A[:1200, :1], np.ones((1200, 1))
    solutions = []
    for n_threads in (1, 2):
        with threadpoolctl.threadpool_limits(n_threads, user_api="blas"):
            solutions.append(_solve(gram, moments, old, 1e-3))
    np.testing.assert_array_equal(*solutions)
