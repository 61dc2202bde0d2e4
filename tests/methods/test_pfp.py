"""Provable Filter Pruning against its definition."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skcoreset._methods import METHODS

from ..conftest import random_network
from .common import networks_at

PFP = METHODS["pfp"]


def sensitivity_by_definition(A, coef):
    """The largest share of a half-sum, over rows, next neurons and signs."""
    largest = np.zeros(A.shape[1])
    for a in np.concatenate([np.maximum(A, 0), np.maximum(-A, 0)]):
        for w in np.concatenate([np.maximum(coef, 0).T, np.maximum(-coef, 0).T]):
            if (w * a).sum() > 0:
                largest = np.maximum(largest, w * a / (w * a).sum())
    return largest


@pytest.fixture(params=["relu", "tanh"])
def network(request):
    return random_network([6, 12, 9, 4], request.param)


@pytest.fixture
def X():
    return np.random.default_rng(0).normal(size=(25, 6))


def test_importance_is_the_sensitivity_by_definition(network, X):
    A = network.activations(X)
    expected = [
        sensitivity_by_definition(a, coef) for a, coef in zip(A[1:], network.coefs[1:])
    ]
    coresets = PFP.coresets(network, X)
    assert_allclose(coresets.importance, np.concatenate(expected), rtol=1e-10)
    assert_allclose(coresets.sums, [s.sum() for s in expected], rtol=1e-10)


def test_sample_sizes_are_the_sums_times_one_constant(network, X):
    coresets = PFP.coresets(network, X)
    for budget in (0.2, 1.3, 7):
        assert_array_equal(coresets.sizes(budget), np.ceil(budget * coresets.sums))


def test_drawn_neurons_are_reweighted_without_bias(network, X):
    coresets = PFP.coresets(network, X)
    sizes = np.array([4, 3])
    sums = [np.zeros_like(coef) for coef in network.coefs]
    n_draws = 1500
    rng = np.random.default_rng(0)
    for child in rng.spawn(n_draws):
        compressed = coresets.draw(sizes, rng=child).network(sizes)
        for total, coef in zip(sums, compressed.coefs):
            total += coef
    # an edge counts only where both its ends are left
    p = np.zeros(len(coresets.importance))
    p[coresets.importance > 0] = coresets.chances(sizes)
    first, second = p[:12], p[12:]
    expected = [
        network.coefs[0] * first,
        network.coefs[1] * second,
        network.coefs[2],
    ]
    for total, coef in zip(sums, expected):
        assert_allclose(total / n_draws, coef, atol=0.25)


def test_a_network_has_multiples_of_its_draws(network, X):
    coresets = PFP.coresets(network, X)
    sizes = np.array([5, 4])
    draws = coresets.draw(sizes, rng=np.random.default_rng(0))
    counts = np.bincount(draws.edge, minlength=21)
    scale = counts / (sizes[coresets.group] * coresets.probabilities)
    left = counts > 0
    compressed = draws.network(sizes)
    assert_allclose(compressed.coefs[0], network.coefs[0] * left[:12])
    assert_allclose(
        compressed.coefs[1], network.coefs[1] * scale[:12, np.newaxis] * left[12:]
    )
    assert_allclose(compressed.coefs[2], network.coefs[2] * scale[12:, np.newaxis])


def test_expected_density_is_the_mean_over_draws(network, X):
    coresets = PFP.coresets(network, X)
    sizes = np.array([6, 4])
    rng = np.random.default_rng(0)
    n_edges = [
        coresets.draw(sizes, rng=child).network(sizes).n_edges
        for child in rng.spawn(1000)
    ]
    expected = coresets.expected_density(sizes) * network.n_edges
    deviation = np.std(n_edges) / np.sqrt(len(n_edges))
    assert abs(np.mean(n_edges) - expected) < 4 * deviation


def test_networks_are_nested(network, X):
    path = networks_at("pfp", network, X, [0.9, 0.7, 0.5, 0.3, 0.1])
    for larger, smaller in pairwise(path):
        assert smaller.n_edges <= larger.n_edges
        for outer, inner in zip(larger.coefs, smaller.coefs):
            assert not inner[outer == 0].any()


def test_silent_neurons_are_never_drawn(X):
    network = random_network([6, 12, 9, 4])
    intercepts = [b.copy() for b in network.intercepts]
    intercepts[0][[2, 5]] = -100
    network = network.with_weights(network.coefs, intercepts)
    (compressed,) = networks_at("pfp", network, X, [1])
    assert not compressed.coefs[1][[2, 5]].any()
    assert not compressed.coefs[0][:, [2, 5]].any()
    assert (compressed.coefs[1].any(axis=1).sum(), compressed.widths[0]) == (10, 12)


def test_same_seed_same_network_whatever_n_jobs(network, X):
    one, two = (
        networks_at("pfp", network, X, [0.4], n_jobs=n_jobs)[0] for n_jobs in (1, 2)
    )
    assert_array_equal(one.weights, two.weights)
