import numpy as np
import pytest

from skcoreset._methods import METHODS

from ..conftest import random_network


@pytest.mark.parametrize("method", ["magnitude", "sipp"])
def test_keeps_the_highest_scores_unchanged(method):
    network = random_network([9, 7, 3], seed=1)
    X = np.random.default_rng(0).random((30, 9))
    scores = np.concatenate(
        [score.ravel() for score in METHODS[method].scores(network, X)]
    )
    densities = [0.9, 0.5, 0.1]
    for density, sparse in zip(
        densities, METHODS[method].sparsify(network, X, densities)
    ):
        kept = sparse.weights != 0
        assert 0 <= density * network.n_edges - kept.sum() < 1
        assert scores[kept].min() >= scores[~kept].max()
        np.testing.assert_array_equal(sparse.weights[kept], network.weights[kept])


def test_edges_that_are_zero_already_are_not_counted():
    network = random_network([9, 7, 3])
    weights = network.weights.copy()
    weights[::3] = 0
    network = network.with_weights(weights)
    (sparse,) = METHODS["magnitude"].sparsify(network, None, [0.5])
    assert sparse.n_edges == network.n_edges // 2
