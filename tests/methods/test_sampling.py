"""Sampling of edges, by definition and without bias."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import itertools

import numpy as np
import pytest

from skcoreset._methods import METHODS
from skcoreset._methods import sampling as _sampling
from skcoreset._methods.sampling import Coresets
from skcoreset._network import Network
from skcoreset._sensitivity import sensitivity

from ..conftest import random_network
from .common import networks_at

SAMPLING = ["corenet", "corenet+", "corenet++", "uniform", "l1", "l2", "l1+l2"]
CORENETS = SAMPLING[:3]


def at_density(method, network, X, density, seed=0, n_jobs=None):
    options = {"seed": seed, "n_jobs": n_jobs}
    (sparse,) = networks_at(method, network, X, [density], **options)
    return sparse


@pytest.fixture(scope="module")
def problem():
    network = random_network([20, 12, 4])
    return network, np.random.default_rng(1).random((400, 20))


@pytest.mark.parametrize("method", ["corenet", "uniform", "l1", "l2", "l1+l2"])
@pytest.mark.parametrize("density", [0.15, 0.4])
def test_mean_over_seeds_is_the_original(method, density, problem):
    network, X = problem
    n_seeds = 600
    # the sensitivities depend on the rows drawn for them: take all, and so the same
    X = X[:40]
    draws = np.array(
        [
            at_density(method, network, X, density, seed).weights
            for seed in range(n_seeds)
        ]
    )
    error = draws.mean(axis=0) - network.weights
    standard_error = draws.std(axis=0) / np.sqrt(n_seeds)
    drawn = (draws != 0).any(axis=0)
    kept_whole = standard_error[drawn] < 1e-14
    z = error[drawn][~kept_whole] / standard_error[drawn][~kept_whole]
    # an edge so rare that a few draws make its mean has no normal error
    common = (draws[:, drawn][:, ~kept_whole] != 0).sum(axis=0) > 25
    assert common.sum() > 50
    assert np.abs(z[common]).max() < 5
    assert np.abs(z[common].mean()) < 5 / np.sqrt(common.sum())
    np.testing.assert_allclose(error[drawn][kept_whole], 0, atol=1e-12)


# the best of many coresets has more edges than one: CoreNet++ keeps more
@pytest.mark.parametrize("method", [m for m in SAMPLING if m != "corenet++"])
@pytest.mark.parametrize("density", [0.2, 0.5])
def test_expected_density_is_the_one_asked(method, density):
    network = random_network([60, 40, 10])
    X = np.random.default_rng(1).random((500, 60))
    kept = np.mean(
        [
            at_density(method, network, X, density, seed).n_edges / network.n_edges
            for seed in range(10)
        ]
    )
    assert kept == pytest.approx(density, abs=5 * 0.5 / np.sqrt(10 * 2800))


@pytest.mark.parametrize("method", SAMPLING)
def test_kept_edges_keep_their_sign_and_intercepts_are_exact(method, problem):
    network, X = problem
    sparse = at_density(method, network, X, 0.3)
    kept = sparse.weights != 0
    assert 0 < kept.sum() < len(kept)
    np.testing.assert_array_equal(
        np.sign(sparse.weights[kept]), np.sign(network.weights[kept])
    )
    for b, expected in zip(sparse.intercepts, network.intercepts):
        np.testing.assert_array_equal(b, expected)


@pytest.mark.parametrize("method", SAMPLING)
def test_paths_are_nested_and_one_density_is_a_point_of_the_path(method, problem):
    network, X = problem
    densities = 0.8 ** np.arange(1, 9)
    path = networks_at(method, network, X, densities)
    for denser, sparser in itertools.pairwise(path):
        assert not ((sparser.weights != 0) & (denser.weights == 0)).any()
    if method != "corenet++":  # its candidates are compared at the densities asked
        alone = at_density(method, network, X, densities[3])
        assert any(np.array_equal(alone.weights, point.weights) for point in path)


@pytest.mark.parametrize("method", SAMPLING)
@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_result_does_not_depend_on_workers(method, backend, problem):
    from joblib import parallel_config

    network, X = problem
    alone = at_density(method, network, X, 0.3)
    with parallel_config(backend=backend):
        together = at_density(method, network, X, 0.3, n_jobs=2)
    np.testing.assert_array_equal(together.weights, alone.weights)


def test_edges_of_sensitivity_zero_are_dropped_and_others_can_all_stay():
    network = random_network([20, 12, 4])
    X = np.random.default_rng(1).random((50, 20))
    X[:, :5] = 0
    sparse = at_density("corenet", network, X, 1.0)
    assert not sparse.coefs[0][:5].any()
    np.testing.assert_array_equal(sparse.coefs[0][5:], network.coefs[0][5:])


def test_draws_follow_the_sensitivities():
    # one neuron, inputs of one sign: edge j is drawn with probability s_j / S
    network = Network((np.ones((5, 1)),), (np.zeros(1),), "relu")
    X = np.random.default_rng(0).random((4, 5)) ** 3
    s = sensitivity(X, network.coefs[0]).ravel()
    coresets = Coresets(network, s, np.zeros(5, int), 1)
    n_seeds = 4000
    counts = np.zeros(5)
    for seed in range(n_seeds):
        draws = coresets.draw(np.array([1]), rng=np.random.default_rng(seed))
        counts += draws.network(np.array([1])).weights != 0
    q = s / s.sum()
    deviation = np.sqrt(n_seeds * q * (1 - q))
    assert (np.abs(counts - n_seeds * q) < 4.5 * deviation).all()


def test_expected_density_by_its_definition(problem):
    network, X = problem
    coresets = METHODS["corenet"].coresets(network, X)
    sizes = coresets.sizes(2.0)
    expected = 0
    for edge, s in enumerate(coresets.importance):
        g = coresets.group[edge]
        if s == 0:
            continue
        whole = sizes[g] >= coresets.n_edges[g]
        q = s / coresets.sums[g]
        expected += 1 if whole else 1 - (1 - q) ** sizes[g]
    assert coresets.expected_density(sizes) == pytest.approx(
        expected / network.n_edges, rel=1e-9
    )


@pytest.mark.parametrize("method", ["corenet", "uniform", "l1", "l2", "l1+l2"])
@pytest.mark.parametrize("density", [0.3, 0.7, 0.75, 0.95])
def test_budget_has_the_expected_density_asked(method, density, problem):
    network, X = problem
    coresets = METHODS[method].coresets(network, X)

    def expected_density(budget):
        return coresets.expected_density(coresets.sizes(budget))

    most = expected_density(1e9)
    budget = coresets.budget_for(density)
    # a draw more or less of every group
    step = coresets.n_groups / network.n_edges
    assert expected_density(budget) == pytest.approx(min(density, most), abs=step)
    # whatever was asked before
    again = METHODS[method].coresets(network, X)
    again.budget_for(density / 2)
    assert again.budget_for(density) == budget


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("draws_per_edge, density", [(None, 0.2), (4, 0.2), (4, 0.95)])
def test_scale_of_the_importance_is_immaterial(draws_per_edge, density, scale):
    n_edges = 3000
    network = random_network([n_edges, 1])
    importance = np.full(n_edges, scale / n_edges)
    group = np.zeros(n_edges, int)
    coresets = Coresets(network, importance, group, 1, draws_per_edge)
    sizes = coresets.sizes(coresets.budget_for(density))
    assert coresets.expected_density(sizes) == pytest.approx(density, abs=1 / n_edges)


@pytest.mark.parametrize("method", ["corenet", "uniform", "l2"])
def test_sizes_are_the_budget_rounded_up(method, problem):
    network, X = problem
    coresets = METHODS[method].coresets(network, X)
    most = (coresets.draws_per_edge or 1) * coresets.n_edges
    for budget in (1e-9, 0.5, 2.0, 1e9):
        sizes = coresets.sizes(budget)
        assert (sizes <= most).all()
        asked = budget * coresets.sums
        free = sizes < most
        assert ((asked <= sizes) & (sizes < asked + 1))[free].all()
    # no density is below that of one draw for every group
    np.testing.assert_array_equal(coresets.sizes(coresets.budget_for(1e-9)), 1)


def test_probabilities_of_a_group_add_up_to_one(problem):
    network, X = problem
    coresets = METHODS["corenet"].coresets(network, X * (np.arange(20) > 3))
    q = coresets.probabilities
    np.testing.assert_allclose(np.bincount(coresets.group, q), 1)
    np.testing.assert_array_equal(q > 0, coresets.importance > 0)
    assert not q[: 4 * 12].any()


@pytest.mark.parametrize("method", SAMPLING)
def test_single_precision_stays_single(method):
    network = random_network([20, 12, 4], dtype=np.float32)
    X = np.random.default_rng(1).random((50, 20), np.float32)
    sparse = at_density(method, network, X, 0.3)
    assert {coef.dtype for coef in sparse.coefs} == {np.dtype(np.float32)}


def test_groups_draw_from_their_own_edges_where_sums_are_rounded():
    # 1e16 + 1 is 1e16: a draw of the second group lands on its end
    network = random_network([5, 1])
    group = np.array([0, 1, 1, 1, 2])
    coresets = Coresets(network, np.array([1e16, 1, 1, 1, 1e16]), group, 3)
    for seed in range(5):
        draws = coresets.draw(np.full(3, 9), rng=np.random.default_rng(seed))
        np.testing.assert_array_equal(group[draws.edge], draws.group)


def test_amplification_lowers_the_error():
    network = random_network([60, 40, 10])
    rng = np.random.default_rng(1)
    X, X_test = rng.random((600, 60)), rng.random((300, 60))
    F = network.forward(X_test)

    def error(method):
        return np.mean(
            [
                np.linalg.norm(
                    at_density(method, network, X, 0.3, seed).forward(X_test) - F
                )
                for seed in range(8)
            ]
        )

    assert error("corenet++") < 0.9 * error("corenet")


@pytest.mark.parametrize("task_size", [1, 17, 200, 10**6])
def test_groups_draw_from_their_own_edges(task_size, problem, monkeypatch):
    network, X = problem
    monkeypatch.setattr(_sampling, "TASK_SIZE", task_size)
    coresets = METHODS["corenet"].coresets(network, X)
    sizes = coresets.sizes(2.0)
    draws = coresets.draw(sizes, rng=np.random.default_rng(0))
    np.testing.assert_array_equal(coresets.group[draws.edge], draws.group)
    np.testing.assert_array_equal(np.bincount(draws.group, minlength=len(sizes)), sizes)
    # fewer draws of the same seed are the beginnings of these
    few = coresets.draw(sizes // 2, rng=np.random.default_rng(0))
    np.testing.assert_array_equal(
        few.edge, draws.edge[draws.position < (sizes // 2)[draws.group]]
    )


def test_the_candidates_of_a_group_are_seen_together_and_one_is_picked(problem):
    network, X = problem
    coresets = METHODS["corenet"].coresets(network, X)
    sizes = coresets.sizes(2.0)
    seen = {}

    def best_of(g, edges, probabilities, candidates):
        assert {g} == set(coresets.group[edges])
        np.testing.assert_allclose(probabilities, coresets.probabilities[edges])
        seen[g] = edges[candidates]
        return g % 3

    draws = coresets.draw(
        sizes, rng=np.random.default_rng(0), n_candidates=3, best_of=best_of
    )
    assert sorted(seen) == list(range(coresets.n_groups))
    for g, sequences in seen.items():
        assert sequences.shape == (sizes[g], 3)
        np.testing.assert_array_equal(draws.edge[draws.group == g], sequences[:, g % 3])


def test_a_network_for_every_density(problem):
    network, X = problem
    densities = np.array([0.6, 0.5, 0.4, 0.3, 0.2])
    path = networks_at("corenet", network, X, densities)
    shares = [sparse.n_edges / network.n_edges for sparse in path]
    np.testing.assert_allclose(shares, densities, atol=0.08)
    assert (np.diff(shares) < 0).all()


@pytest.mark.parametrize("method", CORENETS)
def test_inputs_that_are_all_zero_leave_nothing_to_draw(method, problem):
    network, X = problem
    silent = Network(network.coefs[:1], network.intercepts[:1], "relu", "identity")
    assert at_density(method, silent, np.zeros_like(X), 0.5).n_edges == 0


@pytest.mark.parametrize("method", CORENETS)
def test_edges_alone_of_their_sign_are_drawn_whole(method):
    # a draw can be no other, and misses with probability 0
    network = random_network([1, 30, 4])
    X = np.random.default_rng(1).random((60, 1))
    sparse = at_density(method, network, X, 0.5)
    np.testing.assert_allclose(sparse.coefs[0], network.coefs[0])
    assert 30 < sparse.n_edges < network.n_edges
