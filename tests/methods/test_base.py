"""What every compression method has."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import pytest

from skcoreset._methods import n_edges_at

from ..conftest import random_network
from .common import networks_at


@pytest.mark.parametrize(
    "density, n_edges, expected",
    [(1.0, 63, 63), (0.5, 63, 31), (0.29, 100, 29), (0.07, 100, 7), (0.001, 63, 1)],
)
def test_a_density_is_the_most_edges_that_do_not_exceed_it(density, n_edges, expected):
    assert n_edges_at(density, n_edges) == expected


def path(method, densities, *, refine=True, seed=0):
    network = random_network([9, 7, 3], seed=1)
    X = np.random.default_rng(0).random((300, 9))
    return networks_at(method, network, X, densities, refine=refine, seed=seed)


@pytest.mark.parametrize("method", ["magnitude", "sipp", "refined"])
def test_as_many_edges_with_refinement_as_without(method):
    densities = [0.9, 0.5, 0.123]
    pairs = zip(path(method, densities), path(method, densities, refine=False))
    for refined, plain in pairs:
        assert refined.n_edges == plain.n_edges


@pytest.mark.parametrize("method", ["magnitude", "corenet", "l1"])
def test_refinement_draws_from_the_generator_and_keeps_the_edges(method):
    (one,), (same,), (other,) = (path(method, [0.5], seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one.weights, same.weights)
    if method == "magnitude":
        (plain,) = path(method, [0.5], refine=False)
        np.testing.assert_array_equal(one.weights != 0, plain.weights != 0)
    assert (one.weights != other.weights).any()


def test_each_network_is_refined_on_its_own():
    alone, *_ = path("magnitude", [0.5])
    first, second = path("magnitude", [0.5, 0.3])
    np.testing.assert_array_equal(alone.weights, first.weights)
    assert second.n_edges < first.n_edges
