"""Small networks and rows for the tests of the training."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from ..conftest import random_network

ACTIVATIONS = ["identity", "logistic", "relu", "tanh"]


def make_network(widths=(12, 10, 8, 3), activation="relu", dtype=np.float64):
    return random_network(widths, activation, dtype=dtype)


def make_compressed(network, share=0.4, seed=1):
    """Drop edges at random."""
    rng = np.random.default_rng(seed)
    return network.with_weights(
        [coef * (rng.random(coef.shape) < share) for coef in network.coefs]
    )


def make_X(n_samples=300, n_features=12, dtype=np.float64):
    return np.random.default_rng(2).normal(size=(n_samples, n_features)).astype(dtype)


def make_sparse_X(n_samples=300, n_features=12):
    """Rows of few values that are not 0, dense; a feature is 0 in all of them."""
    rng = np.random.default_rng(2)
    X = rng.normal(size=(n_samples, n_features))
    X[rng.random(X.shape) < 0.8] = 0
    X[:, 4] = 0
    return X


def assert_finite(network):
    for array in (*network.coefs, *network.intercepts):
        assert np.isfinite(array).all()


def assert_equal(one, two):
    for a, b in zip(
        (*one.coefs, *one.intercepts), (*two.coefs, *two.intercepts), strict=True
    ):
        np.testing.assert_array_equal(a, b)
