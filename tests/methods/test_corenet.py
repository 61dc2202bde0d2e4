"""CoreNet with the theorem's sample sizes: what it keeps, draws and refuses."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings

import numpy as np
import pytest
from scipy.sparse import csr_array

from skcoreset._compress import compress
from skcoreset._errors import ERRORS
from skcoreset._methods import METHODS
from skcoreset._methods.corenet import BestCoreset
from skcoreset._methods.theorem import theorem_of
from skcoreset._network import Network

from ..conftest import random_network
from .common import networks_at, plan_of

CORENETS = ["corenet", "corenet+", "corenet++"]


def one_layer(n_features):
    """A wide layer, of which the theorem asks fewer draws than there are edges."""
    rng = np.random.default_rng(0)
    coefs = (rng.uniform(0.5, 1, (n_features, 1)),)
    return Network(coefs, (np.zeros(1),), "relu"), 1 + 0.01 * rng.random(
        (200, n_features)
    )


def theorem_plan(method, epsilon=0.5, delta=0.1):
    options = {"epsilon": epsilon, "delta": delta, "guarantee": "theoretical"}
    return plan_of(method, "entrywise", **options)


def by_theorem(method, network, X, **options):
    return METHODS[method].by_theorem(network, X, theorem_plan(method, **options))


@pytest.mark.parametrize("method", CORENETS)
def test_wide_layers_are_sampled_and_the_promise_is_kept(method):
    network, X = one_layer(30_000)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sampled = by_theorem(method, network, X, epsilon=0.9)
    assert 0.1 < sampled.n_edges / network.n_edges < 0.9
    errors = ERRORS["entrywise"].measure(
        sampled.forward(X), network.forward(X), "identity"
    )
    assert (errors <= 0.9).mean() >= 0.9
    # unbiased weights are no smaller than those they stand for
    kept = sampled.weights != 0
    assert (sampled.weights[kept] > 0).all()
    assert sampled.weights.sum() == pytest.approx(network.weights.sum(), rel=0.05)


@pytest.mark.parametrize("method", CORENETS)
def test_ordinary_networks_are_left_whole_and_told_why(method):
    network = random_network([8, 12, 3])
    X = np.random.default_rng(0).random((400, 8))
    with pytest.warns(
        UserWarning, match=r"asks for \S+ draws where a neuron has . edges .* 100%"
    ):
        whole = by_theorem(method, network, X)
    np.testing.assert_array_equal(whole.weights, network.weights)


@pytest.mark.parametrize("method", CORENETS)
@pytest.mark.parametrize("delta", [1e-3, 0.1])
@pytest.mark.filterwarnings("ignore:The theorem asks")
def test_fewer_rows_than_the_theorem_asks_for_are_refused(method, delta):
    network = random_network([8, 20, 1])
    X = np.random.default_rng(0).random((1000, 8))
    theorem = theorem_of(network, X, delta)
    n_others = theorem.n_comparison_points * (method == "corenet++")
    needed = theorem.n_points + n_others
    by_theorem(method, network, X[:needed], delta=delta)
    compare = f", {n_others} of them to compare candidates," * (n_others > 0)
    message = (
        f"at delta={delta} needs {needed} calibration rows{compare} and n_samples="
        f"{needed - 1}: 1 are missing"
    )
    with pytest.raises(ValueError, match=message):
        by_theorem(method, network, X[: needed - 1], delta=delta)


@pytest.mark.parametrize("method", CORENETS)
def test_sparse_rows_sample_the_same_network_as_dense_ones(method):
    network, X = one_layer(30_000)
    X[np.random.default_rng(1).random(X.shape) < 0.2] = 0
    dense, from_sparse = (
        by_theorem(method, network, rows, epsilon=0.9) for rows in (X, csr_array(X))
    )
    np.testing.assert_allclose(from_sparse.weights, dense.weights)
    assert dense.n_edges < network.n_edges


@pytest.mark.parametrize("method", CORENETS)
@pytest.mark.filterwarnings("ignore:The theorem asks")
def test_neurons_that_are_silent_on_the_calibration_rows_only_stay(method):
    # the number of ones among 300 rare features: on 300 rows some are never lit
    network = Network(
        (np.eye(300), np.ones((300, 1))), (np.zeros(300), np.zeros(1)), "relu"
    )
    rng = np.random.default_rng(0)
    S, fresh = (rng.random((n, 300)) < 1 / 60 for n in (350, 500))
    S[:, :9] = 0
    plan = theorem_plan(method, epsilon=0.1)
    result = compress(network, S.astype(float), None, plan)
    compressed = result.network
    assert result.certificate.holds
    assert compressed.widths == (300, 1)
    F, F_hat = network.forward(fresh), compressed.forward(fresh)
    errors = ERRORS["entrywise"].measure(F_hat, F, "identity")
    assert (errors > 0.1).mean() <= 0.1


@pytest.mark.filterwarnings("ignore:The theorem asks")
def test_neurons_without_edges_go_with_the_plus():
    network = random_network([8, 12, 3])
    coefs = [coef.copy() for coef in network.coefs]
    coefs[1][4] = 0
    network = network.with_weights(coefs)
    X = np.random.default_rng(0).random((300, 8))
    for method, width in (("corenet", 12), ("corenet+", 11)):
        plan = theorem_plan(method, epsilon=0.1)
        compressed = compress(network, X, None, plan).network
        assert compressed.widths[0] == width
        np.testing.assert_allclose(compressed.forward(X), network.forward(X))


def test_few_rows_are_shared_where_nothing_is_promised():
    # a density needs fewer rows, for the sensitivities and to compare on
    network = random_network([8, 12, 3])
    for n_rows in (1, 2, 9, 1000):
        X = np.random.default_rng(0).random((n_rows, 8))
        (sparse,) = networks_at("corenet++", network, X, [0.5])
        assert 0.3 < sparse.n_edges / network.n_edges < 0.7


def test_what_finds_the_best_coreset_tells_how_large_it_is():
    network = random_network([8, 12, 3])
    activations = network.activations(np.ones((5, 8)))
    size = sum(array.nbytes for array in (*network.coefs, *activations))
    assert BestCoreset(network, activations, []).__sizeof__() == size
