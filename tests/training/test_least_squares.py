"""Least-squares reweighting."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import pytest
import threadpoolctl

from skcoreset._training import _least_squares
from skcoreset._training._least_squares import reweight

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


def test_solving_does_not_depend_on_blas_threads():
    # which workers of a cluster have as many of as their machine allows
    A = np.random.default_rng(0).normal(size=(2000, 1200))
    gram, moments, old = A.T @ A, A[:1200, :1], np.ones((1200, 1))
    solutions = []
    for n_threads in (1, 2):
        with threadpoolctl.threadpool_limits(n_threads, user_api="blas"):
            solutions.append(_least_squares._solve(gram, moments, old, 1e-3))
    np.testing.assert_array_equal(*solutions)
