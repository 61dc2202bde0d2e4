"""Training of the kept edges with labels."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from copy import deepcopy

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.datasets import make_classification
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skcoreset import CoresetCompressor
from skcoreset._training import fine_tune
from skcoreset._wrapped import encode_targets, network_of

from ..conftest import fitted, random_network
from .common import make_compressed
from .test_objectives import LOSSES


def accuracy(network, X, y):
    return np.mean(network.forward(X).argmax(axis=1) == y)


@pytest.fixture(scope="module")
def pruned(mlp):
    """A tenth of the digits network's edges: the largest."""
    network = network_of(mlp)
    threshold = np.quantile(np.abs(network.weights), 0.9)
    kept = np.where(np.abs(network.weights) > threshold, network.weights, 0)
    return network.with_weights(kept)


@pytest.mark.parametrize("convert", [np.asarray, sparse.csr_array])
def test_support_stays_and_accuracy_rises(pruned, digits, convert):
    X, y, X_test, y_test = digits
    network = pruned.with_weights([convert(coef) for coef in pruned.coefs])
    Y = y[:, np.newaxis] == np.arange(10)
    tuned = fine_tune(network, convert(X), Y, rng=np.random.default_rng(0))

    for old, new in zip(network.coefs, tuned.coefs):
        assert type(new) is type(old)
        assert new.dtype == old.dtype
        same = (old != 0) != (new != 0)
        assert same.sum() == 0
    assert accuracy(tuned, X_test, y_test) > accuracy(network, X_test, y_test) + 0.05
    assert accuracy(tuned, X, y) > 0.99


def test_same_generator_same_result_and_input_untouched(pruned, digits):
    X, y, _, _ = digits
    Y = y[:, np.newaxis] == np.arange(10)
    before = [coef.copy() for coef in pruned.coefs]
    first, second, other = (
        fine_tune(pruned, X, Y, n_epochs=2, rng=np.random.default_rng(seed))
        for seed in (0, 0, 1)
    )
    assert_array_equal(first.weights, second.weights)
    assert (first.weights != other.weights).any()
    for coef, old in zip(pruned.coefs, before):
        assert_array_equal(coef, old)


def test_float64_stays_and_dense_and_sparse_inputs_agree():
    rng = np.random.default_rng(0)
    network = make_compressed(random_network((6, 5, 3), out_activation="softmax"), 0.5)
    X = rng.standard_normal((50, 6)) * (rng.random((50, 6)) < 0.5)
    Y = np.eye(3)[rng.integers(3, size=50)]
    dense, from_sparse = (
        fine_tune(network, rows, Y, n_epochs=3, rng=np.random.default_rng(0))
        for rows in (X, sparse.csr_array(X))
    )
    assert dense.dtype == np.float64
    assert_allclose(dense.weights, from_sparse.weights)


def test_penalty_makes_weights_small(pruned, digits):
    X, y, _, _ = digits
    Y = y[:, np.newaxis] == np.arange(10)
    norms = [
        np.linalg.norm(
            fine_tune(
                pruned, X, Y, alpha=alpha, n_epochs=10, rng=np.random.default_rng(0)
            ).weights
        )
        for alpha in (0, 100)
    ]
    assert norms[1] < 0.7 * norms[0]


def test_rows_of_no_weight_do_not_matter(pruned, digits):
    X, y, _, _ = digits
    wrong = np.arange(len(y)) % 3 == 0
    Y = np.where(wrong, (y + 1) % 10, y)[:, np.newaxis] == np.arange(10)
    tuned = fine_tune(
        pruned,
        X,
        Y,
        sample_weight=(~wrong).astype(float),
        rng=np.random.default_rng(0),
    )
    assert accuracy(tuned, X, y) > 0.95


def test_neither_the_unit_of_sample_weights_nor_batches_of_weight_0_matter(
    pruned, digits
):
    X, y, _, _ = digits
    Y = y[:, np.newaxis] == np.arange(10)
    weights = (np.arange(len(y)) < 30).astype(float)
    one, tiny = (
        fine_tune(
            pruned,
            X,
            Y,
            alpha=1.0,
            batch_size=10,
            sample_weight=unit * weights,
            n_epochs=30,
            rng=np.random.default_rng(0),
        )
        for unit in (1, 1e-300)
    )
    assert_array_equal(one.weights, tiny.weights)
    assert accuracy(one, X[:30], y[:30]) > 0.95


@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
def test_regression(digits, loss):
    if loss == "poisson" and "loss" not in MLPRegressor().get_params():
        pytest.skip("scikit-learn below 1.7 has no Poisson loss")
    X, y, _, _ = digits
    options = {"loss": "poisson"} if loss == "poisson" else {}
    mlp = MLPRegressor(hidden_layer_sizes=(16,), max_iter=30, random_state=0, **options)
    values = 1000.0 * y if loss == "squared_error" else y
    fitted(mlp, X, values)
    network = make_compressed(network_of(mlp), 0.3)
    Y = encode_targets(mlp, values)
    tuned = fine_tune(network, X, Y, rng=np.random.default_rng(0))
    out = mlp.out_activation_
    before, after = (LOSSES[out](net.forward(X), Y).mean() for net in (network, tuned))
    assert after < before


def test_neurons_without_outgoing_edges_are_left_alone():
    network = random_network((4, 3, 2), out_activation="softmax")
    coefs = [coef.copy() for coef in network.coefs]
    coefs[1][0] = 0
    network = network.with_weights(coefs)
    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((30, 4)), np.eye(2)[rng.integers(2, size=30)]
    tuned = fine_tune(network, X, Y, n_epochs=2, rng=rng)
    assert_array_equal(tuned.coefs[0][:, 0], network.coefs[0][:, 0])
    assert (tuned.coefs[0][:, 1] != network.coefs[0][:, 1]).all()


def test_penalty_is_on_weights_and_not_on_intercepts():
    network = random_network((4, 3), out_activation="identity")
    X, Y = np.zeros((50, 4)), np.full((50, 3), 0.5)
    tuned = fine_tune(network, X, Y, alpha=50, rng=np.random.default_rng(0))
    assert_allclose(tuned.weights, 0, atol=1e-3)
    assert tuned.n_edges == network.n_edges
    assert_allclose(tuned.intercepts[0], 0.5, atol=1e-3)


def test_targets_beyond_the_precision_are_refused():
    network = random_network((4, 3), dtype=np.float32)
    X, Y = np.ones((20, 4)), np.full((20, 3), 1e30)
    with pytest.raises(ValueError, match="overflowed in float32 at its first step"):
        fine_tune(network, X, Y, rng=np.random.default_rng(0))


def test_augmentation_sees_rows_as_given_and_the_network_sees_what_it_returns():
    X, y = make_classification(300, 5, n_informative=4, n_redundant=0, random_state=0)
    frame = X * 100 + 20
    pipeline = make_pipeline(
        StandardScaler(), MLPClassifier((8,), max_iter=50, random_state=0)
    )
    pipeline = fitted(pipeline, frame, y)
    compressor = CoresetCompressor(pipeline, density=0.3, random_state=0)
    compressor = compressor.fit(frame[:150])
    seen = []

    def augment(batch, rng):
        assert isinstance(rng, np.random.Generator)
        assert np.isin(batch, frame).all() and batch.shape[1] == 5
        seen.append(len(batch))
        return batch + rng.normal(size=batch.shape)

    tuned, again, plain = (
        deepcopy(compressor).fine_tune(frame, y, n_epochs=2, augment=function)
        for function in (augment, augment, None)
    )
    assert sum(seen) == 2 * 2 * 300
    F = tuned.transform(frame)
    assert_array_equal(F, again.transform(frame))
    assert not np.allclose(F, plain.transform(frame), rtol=1e-3)
    # rows that stay as they are train as without augmentation
    same = deepcopy(compressor).fine_tune(frame, y, n_epochs=2, augment=lambda X, _: X)
    assert_allclose(same.transform(frame), plain.transform(frame), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("convert", [np.asarray, sparse.csr_array, list])
def test_augmentation_takes_any_rows_and_refuses_another_shape(convert):
    X, y = make_classification(120, 6, random_state=0)
    X[np.abs(X) < 0.8] = 0
    mlp = fitted(MLPClassifier((6,), max_iter=20, random_state=0), X, y)
    compressor = CoresetCompressor(mlp, density=0.5, random_state=0).fit(X[:50])
    rows = convert(X)
    compressor.fine_tune(rows, y, n_epochs=1, augment=lambda X, rng: X)
    with pytest.raises(
        ValueError, match=r"augment returned an array of shape \(1, 6\)"
    ):
        compressor.fine_tune(rows, y, augment=lambda X, rng: X[:1])
    with pytest.raises(ValueError, match=r"augment returned bad rows: .* NaN"):
        compressor.fine_tune(rows, y, augment=lambda X, rng: np.nan * X)
    with pytest.raises(ValueError, match="'augment' parameter of fine_tune"):
        compressor.fine_tune(rows, y, augment=3)
