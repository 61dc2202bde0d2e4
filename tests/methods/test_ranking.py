"""Methods that rank all edges once."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import pytest
from scipy.sparse import csr_array

from skcoreset._methods import METHODS
from skcoreset._methods import ranking as _ranking
from skcoreset._sensitivity import mean_relative_importance

from ..conftest import random_network
from .common import networks_at


@pytest.mark.parametrize("method", ["magnitude", "sipp"])
def test_keeps_the_highest_scores_unchanged(method):
    network = random_network([9, 7, 3], seed=1)
    X = np.random.default_rng(0).random((30, 9))
    scores = np.concatenate(
        [score.ravel() for score in METHODS[method].scores(network, X)]
    )
    densities = [0.9, 0.5, 0.1]
    networks = networks_at(method, network, X, densities, refine=False)
    for density, sparse in zip(densities, networks):
        kept = sparse.weights != 0
        assert 0 <= density * network.n_edges - kept.sum() < 1
        assert scores[kept].min() >= scores[~kept].max()
        np.testing.assert_array_equal(sparse.weights[kept], network.weights[kept])


@pytest.mark.parametrize("n_rows", [1, 6, 40])
@pytest.mark.parametrize("convert", [np.asarray, csr_array])
def test_sipp_is_the_same_in_blocks_of_rows(convert, n_rows, monkeypatch):
    monkeypatch.setattr(_ranking, "BLOCK_SIZE", 0)
    monkeypatch.setattr(_ranking, "MIN_ROWS", n_rows)
    network = random_network([9, 7, 3])
    X = np.random.default_rng(0).normal(size=(40, 9))
    layers = zip(network.activations(X), network.coefs)
    scores = METHODS["sipp"].scores(network, convert(X))
    for score, (A, coef) in zip(scores, layers, strict=True):
        np.testing.assert_allclose(score, mean_relative_importance(A, coef), 1e-12)


def test_edges_that_are_zero_already_are_not_counted():
    network = random_network([9, 7, 3])
    weights = network.weights.copy()
    weights[::3] = 0
    network = network.with_weights(weights)
    (sparse,) = networks_at("magnitude", network, np.ones((1, 9)), [0.5])
    assert sparse.n_edges == network.n_edges // 2
