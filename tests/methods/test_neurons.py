"""Whole neurons: what goes, what takes over, what is left."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings
from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skcoreset import CoresetCompressor
from skcoreset._compress import compress
from skcoreset._errors import ERRORS
from skcoreset._methods import METHODS
from skcoreset._network import Network
from skcoreset._network.neurons import merge_duplicates, remove_neurons
from skcoreset._wrapped import network_of

from ..conftest import fitted, random_network
from .common import networks_at, plan_of

DENSITIES = [0.6, 0.4, 0.2, 0.1]


def path(network, X, densities=DENSITIES, *, refine=True, method="neurons", **options):
    return networks_at(method, network, X, densities, refine=refine, **options)


def small(network, X, density, **options):
    """The network of a density, without its dropped neurons."""
    (compressed,) = path(network, X, [density], **options)
    return remove_neurons(compressed)


def error(compressed, network, X):
    F_hat, F = compressed.forward(X), network.forward(X)
    return np.median(ERRORS["relative"].measure(F_hat, F, network.out_activation))


def kept_neurons(compressed):
    return [coef.any(axis=1) for coef in compressed.coefs[1:]]


@pytest.fixture(scope="module")
def rows(digits):
    X, _, X_new, _ = digits
    return X, X_new


@pytest.fixture(scope="module")
def network(mlp):
    return network_of(mlp)


@pytest.fixture(scope="module", params=[True, False])
def networks(request, network, rows):
    return path(network, rows[0], refine=request.param)


def test_at_most_the_density_and_less_by_one_neuron_at_most(network, networks):
    largest = METHODS["neurons"].largest_piece(network)
    for density, compressed in zip(DENSITIES, networks, strict=True):
        most = density * network.n_edges
        assert most - largest < compressed.n_edges <= most
        assert compressed.dtype == network.dtype


def test_largest_piece_is_that_of_the_neuron_with_most_edges():
    network = random_network([3, 4, 2])
    coefs = [coef.copy() for coef in network.coefs]
    coefs[0][:2, :3] = 0
    network = network.with_weights(coefs)
    assert METHODS["neurons"].largest_piece(network) == 3 + 2
    assert METHODS["refined"].largest_piece(network) == 1


def test_neurons_are_nested_and_whole(networks):
    for compressed in networks:
        small = remove_neurons(compressed)
        assert small.n_edges == compressed.n_edges == len(small.weights)
    for larger, smaller in pairwise(networks):
        for outer, inner in zip(kept_neurons(larger), kept_neurons(smaller)):
            assert not (inner & ~outer).any()


def test_better_than_other_ways_to_the_same_size(network, rows):
    X, X_new = rows
    ours = small(network, X, 0.25)
    peers = [
        small(network, X, 0.25, refine=False),
        small(network, X, 0.25, method="pfp", refine=True),
    ]
    largest = [error(peer, network, X_new) for peer in peers]
    assert error(ours, network, X_new) < 0.9 * min(largest)


def test_without_training_weights_of_neurons_that_stay_enter_as_they_did(network, rows):
    (compressed,) = path(network, rows[0], [0.4], refine=False)
    kept, _ = kept_neurons(compressed)
    assert_allclose(compressed.coefs[0][:, kept], network.coefs[0][:, kept], rtol=1e-5)


@pytest.mark.parametrize("refine", [True, False])
def test_same_seed_same_network_whatever_n_jobs(network, rows, refine):
    one, two = (
        small(network, rows[0], 0.2, refine=refine, n_jobs=n_jobs) for n_jobs in (1, 2)
    )
    assert_array_equal(one.weights, two.weights)


def test_arguments_stay_as_they_are(network, rows):
    X = rows[0]
    before = [array.copy() for array in (*network.coefs, *network.intercepts, X)]
    path(network, X, [0.2])
    for array, copy in zip((*network.coefs, *network.intercepts, X), before):
        assert_array_equal(array, copy)


# Duplicates, and what nothing reads


@pytest.mark.parametrize("activation", ["identity", "logistic", "relu", "tanh"])
def test_duplicates_are_merged_exactly(activation):
    network = random_network([6, 5, 4, 3], activation)
    twice = [0, 1, 2, 3, 4, 2, 2, 0]
    coefs = [
        network.coefs[0][:, twice],
        network.coefs[1][twice] * np.linspace(0.2, 1, 8)[:, np.newaxis],
        network.coefs[2],
    ]
    intercepts = [network.intercepts[0][twice], *network.intercepts[1:]]
    wide = network.with_weights(coefs, intercepts)
    merged = remove_neurons(merge_duplicates(wide))
    X = np.random.default_rng(0).normal(size=(50, 6))
    assert merged.widths == (5, 4, 3)
    assert_allclose(merged.forward(X), wide.forward(X), rtol=1e-12, atol=1e-12)


def test_neurons_of_other_intercepts_are_no_duplicates():
    network = random_network([6, 2, 3])
    same = network.with_weights([network.coefs[0][:, [0, 0]], network.coefs[1]])
    merged = merge_duplicates(same)
    assert_array_equal(merged.weights, same.weights)


@pytest.mark.parametrize("refine", [True, False])
def test_what_is_free_goes_first_and_changes_nothing(refine):
    network = random_network([6, 12, 3])
    coefs = [coef.copy() for coef in network.coefs]
    intercepts = [b.copy() for b in network.intercepts]
    coefs[0][:, 1], intercepts[0][1] = coefs[0][:, 0], intercepts[0][0]  # duplicate
    coefs[1][2] = 0  # nothing reads it
    intercepts[0][3] = -100  # silent
    coefs[0][:, 4], intercepts[0][4] = 0, 2.0  # constant
    network = network.with_weights(coefs, intercepts)
    X = np.random.default_rng(0).normal(size=(300, 6))
    compressed = small(network, X, 8 * 9 / network.n_edges, refine=refine)
    assert compressed.widths == (8, 3)
    assert_allclose(compressed.forward(X), network.forward(X), rtol=1e-5, atol=1e-6)


def test_a_neuron_that_others_explain_goes_at_hardly_any_cost():
    network = random_network([6, 5, 3], "identity")
    coefs = [coef.copy() for coef in network.coefs]
    coefs[0][:, 2] = coefs[0][:, [0, 1]] @ [0.5, -2]
    network = network.with_weights(coefs)
    X = np.random.default_rng(0).normal(size=(300, 6))
    (four, three) = (
        small(network, X, n * 9 / network.n_edges, refine=False) for n in (4, 3)
    )
    assert four.widths == (4, 3)
    # but for the ridge
    assert error(four, network, X) < 1e-3 < 0.1 < error(three, network, X)


# Corners


@pytest.mark.parametrize("refine", [True, False])
def test_every_layer_keeps_a_neuron(refine):
    network = random_network([5, 6, 4, 2])
    X = np.random.default_rng(0).normal(size=(40, 5))
    *_, last, again = path(network, X, [0.9, 0.5, 1e-9, 1e-10], refine=refine)
    assert remove_neurons(last).widths == (1, 1, 2)
    assert_array_equal(again.weights, last.weights)


@pytest.mark.parametrize("method", ["neurons", "pfp"])
@pytest.mark.parametrize("activation", ["identity", "logistic", "relu", "tanh"])
@pytest.mark.parametrize("n_samples", [1, 20])
@pytest.mark.parametrize("widths", [(6, 1, 1), (6, 30, 20, 4)])
def test_ends_well_whatever_the_network(method, activation, n_samples, widths):
    rng = np.random.default_rng(0)
    network = Network(
        tuple(rng.normal(size=ends) for ends in pairwise(widths)),
        tuple(rng.normal(size=n) for n in widths[1:]),
        activation,
    )
    X = rng.normal(size=(n_samples, 6))
    X[:, 0], X[:, 1] = 1, X[:, 2]
    with warnings.catch_warnings(), np.errstate(all="raise", under="ignore"):
        warnings.simplefilter("error")
        for compressed in path(network, X, [0.5, 0.01], method=method):
            for array in (*compressed.coefs, *compressed.intercepts):
                assert np.isfinite(array).all()


@pytest.mark.parametrize("method", ["neurons", "pfp"])
def test_a_network_that_has_lost_edges_loses_neurons(method):
    network = random_network([8, 20, 15, 3])
    mask = np.random.default_rng(1).random(len(network.weights)) < 0.5
    network = network.with_weights(network.weights * mask)
    X = np.random.default_rng(0).normal(size=(100, 8))
    compressed = small(network, X, 0.3, method=method, refine=True)
    assert compressed.n_edges < 0.45 * network.n_edges
    assert compressed.widths[0] < 20


@pytest.mark.parametrize("method", ["neurons", "pfp"])
def test_no_hidden_layer_is_refused_by_name(method):
    X = np.random.default_rng(0).normal(size=(40, 5))
    with pytest.raises(ValueError, match=f"method='{method}'.*no hidden layer"):
        plan_of(method).check(
            classifier=True,
            multilabel=False,
            activation="relu",
            n_hidden_layers=0,
            has_X_val=False,
        )
    unfitted = MLPClassifier(hidden_layer_sizes=())
    with pytest.raises(ValueError, match=f"method='{method}'.*no hidden layer"):
        CoresetCompressor(unfitted, method=method).fit(X, np.arange(40) % 3)


@pytest.mark.parametrize("method", ["neurons", "pfp"])
def test_neurons_cannot_be_kept_from_going(mlp, rows, method):
    compressor = CoresetCompressor(mlp, method=method, prune_neurons=False)
    with pytest.raises(ValueError, match=f"prune_neurons=False.*method='{method}'"):
        compressor.fit(rows[0])


# For users


@pytest.mark.parametrize("method", ["neurons", "pfp"])
def test_what_is_left_is_a_smaller_dense_estimator(mlp, rows, method):
    X, X_new = rows
    compressor = CoresetCompressor(
        mlp, method=method, refine=True, density=0.4, random_state=0
    ).fit(X)
    estimator = compressor.estimator_
    assert all(isinstance(coef, np.ndarray) for coef in estimator.coefs_)
    sizes = tuple(estimator.hidden_layer_sizes)
    assert sizes == tuple(coef.shape[1] for coef in estimator.coefs_[:-1])
    assert all(n < n_all for n, n_all in zip(sizes, mlp.hidden_layer_sizes))
    assert_array_equal(estimator.predict(X_new), compressor.predict(X_new))


def test_path_keeps_the_promise_and_goes_on_with_labels(mlp, digits):
    X, y, X_new, _ = digits
    compressor = CoresetCompressor(
        mlp,
        method="neurons",
        error="relative",
        epsilon=0.06,
        delta=0.3,
        random_state=0,
    ).fit(X_new[:400])
    assert compressor.certificate_.holds
    assert compressor.density_ < 1
    # neurons that nothing is lost with may go in one step or in two
    assert (np.diff(compressor.path_["density"]) <= 0).all()
    sizes = compressor.estimator_.hidden_layer_sizes
    tuned = compressor.fine_tune(X, y, n_epochs=2)
    assert tuned.estimator_.hidden_layer_sizes == sizes


@pytest.mark.parametrize("error", ERRORS)
def test_every_error_can_be_asked_for(error):
    network = random_network([6, 10, 3], out_activation="softmax")
    X, X_val = np.random.default_rng(0).normal(size=(2, 300, 6))
    plan = plan_of("neurons", error, epsilon=0.8, delta=0.4)
    result = compress(network, X, X_val, plan)
    compressed, certificate = result.network, result.certificate
    assert compressed.widths[0] < 10
    assert certificate.holds
    F_hat, F = compressed.forward(X_val), network.forward(X_val)
    scale = ERRORS[error].scale_of(network, X)
    errors = ERRORS[error].measure(F_hat, F, "softmax", scale)
    assert certificate.share_over_epsilon == (errors > certificate.epsilon).mean()


@pytest.mark.parametrize("target", [{"density": 0.3}, {"epsilon": 0.2, "delta": 0.3}])
def test_weights_of_few_bits(mlp, rows, target):
    X = rows[0][:400]
    compressor = CoresetCompressor(
        mlp, method="neurons", bits=3, random_state=0, **target
    ).fit(X)
    for coef in compressor.coefs_:
        assert isinstance(coef, np.ndarray) and coef.all()
        assert len(np.unique(coef)) <= 8
    sizes = compressor.estimator_.hidden_layer_sizes
    assert all(n < n_all for n, n_all in zip(sizes, mlp.hidden_layer_sizes))
    if "density" in target:
        assert compressor.density_ <= target["density"]
    else:
        assert compressor.certificate_.holds


@pytest.mark.parametrize("method", ["neurons", "pfp"])
def test_sparse_rows_are_as_good(method):
    network = random_network([40, 12, 3])
    X, X_new = np.random.default_rng(0).normal(size=(2, 300, 40))
    for rows in (X, X_new):
        rows[np.random.default_rng(1).random(rows.shape) < 0.95] = 0
    options = {"method": method, "refine": False}
    (one,) = path(network, X, [0.5], **options)
    (other,) = path(network, sparse.csr_array(X), [0.5], **options)
    assert_allclose(one.weights, other.weights, rtol=1e-9, atol=1e-12)
    options["refine"] = True
    (refined,) = path(network, sparse.csr_array(X), [0.5], **options)
    assert error(refined, network, X_new) < error(one, network, X_new)


def test_pipelines_lose_neurons(digits):
    X, y, X_new, _ = digits
    pipeline = make_pipeline(
        StandardScaler(), MLPClassifier((30, 20), max_iter=60, random_state=0)
    )
    fitted(pipeline, X, y)
    compressor = CoresetCompressor(
        pipeline, method="neurons", density=0.4, random_state=0
    ).fit(X_new)
    assert compressor.estimator_[-1].hidden_layer_sizes < (30, 20)
    assert_array_equal(compressor.estimator_.predict(X_new), compressor.predict(X_new))


def test_duplicates_go_whatever_epsilon():
    network = random_network([6, 9, 3])
    twice = [*range(9), *range(9)]
    wide = network.with_weights(
        [network.coefs[0][:, twice], network.coefs[1][twice] / 2],
        [network.intercepts[0][twice], network.intercepts[1]],
    )
    X = np.random.default_rng(0).normal(size=(200, 6))
    for refine in (True, False):
        plan = plan_of("neurons", epsilon=1e-9, refine=refine)
        result = compress(wide, X, X, plan)
        merged = result.network
        assert merged.widths == (9, 3) and result.certificate.holds
        assert_allclose(merged.forward(X), network.forward(X), atol=1e-12)


def test_networks_do_not_depend_on_which_others_are_asked_for():
    network = random_network([8, 12, 9, 3])
    X = np.random.default_rng(0).normal(size=(200, 8))
    # some are less than a neuron, and others more than a step apart
    densities = [0.6, 0.58, 0.56, 0.54, 0.52, 0.2]
    networks = path(network, X, densities)
    assert len({each.n_edges for each in networks}) < len(densities)
    for density, one in zip(densities[1:], networks[1:]):
        (other,) = path(network, X, [density])
        assert_array_equal(one.weights, other.weights)
    for one, other in pairwise(networks):
        same = one.n_edges == other.n_edges
        assert np.array_equal(one.weights, other.weights) == same


def test_support_is_what_changes_predictions(mlp, rows):
    X, X_new = rows
    compressor = CoresetCompressor(mlp, density=0.03, random_state=0).fit(X)
    support = compressor.get_support()
    assert_array_equal(compressor.get_support(indices=True), np.flatnonzero(support))
    F = compressor.transform(X_new)
    noisy = np.where(support, X_new, 7)
    assert_array_equal(compressor.transform(noisy), F)
    for feature in np.flatnonzero(support):
        changed = X_new.copy()
        changed[:, feature] += 1
        assert (compressor.transform(changed) != F).any()
    assert 0 < support.sum() < 64
