"""Training of the kept edges."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.special import log_softmax
from sklearn.datasets import make_multilabel_classification
from sklearn.neural_network import MLPClassifier, MLPRegressor

from skcoreset._fine_tune import (
    _backpropagate,
    encode_targets,
    fine_tune,
    flat_with_views,
    live_inputs,
    train,
)
from skcoreset._network import Network, augment
from skcoreset._quantise import Grid

from .conftest import fitted, random_network

LOSSES = {
    "softmax": lambda F, Y: -(Y * log_softmax(F, axis=1)).sum(axis=1),
    "logistic": lambda F, Y: (np.logaddexp(0, F) - Y * F).sum(axis=1),
    "identity": lambda F, Y: ((F - Y) ** 2).sum(axis=1) / 2,
    "exp": lambda F, Y: (np.exp(F) - Y * F).sum(axis=1),
}


def sparsified(network, density, seed=0):
    """Drop edges at random."""
    rng = np.random.default_rng(seed)
    coefs = [coef * (rng.random(coef.shape) < density) for coef in network.coefs]
    return network.with_weights([coef.astype(network.dtype) for coef in coefs])


def targets(out_activation, n_samples, n_outputs, rng):
    if out_activation == "softmax":
        return np.eye(n_outputs)[rng.integers(n_outputs, size=n_samples)]
    if out_activation == "logistic":
        return rng.integers(2, size=(n_samples, n_outputs)).astype(float)
    return rng.poisson(2, size=(n_samples, n_outputs)).astype(float)


def accuracy(network, X, y):
    return np.mean(network.forward(X).argmax(axis=1) == y)


@pytest.fixture(scope="module")
def pruned(mlp):
    """A tenth of the digits network's edges: the largest."""
    network = Network.from_estimator(mlp)
    threshold = np.quantile(np.abs(network.weights), 0.9)
    kept = np.where(np.abs(network.weights) > threshold, network.weights, 0)
    return network.with_weights(kept)


@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "identity"])
@pytest.mark.parametrize("out_activation", LOSSES)
@pytest.mark.parametrize("weighted", [False, True])
def test_gradient_is_that_of_the_loss(activation, out_activation, weighted):
    rng = np.random.default_rng(0)
    network = random_network((5, 4, 3, 2), activation, out_activation)
    X = rng.standard_normal((20, 5))
    Y = targets(out_activation, 20, 2, rng)
    sample_weight = rng.random(20) if weighted else None

    flat, layers = flat_with_views(augment(network))
    gradient, gradients = flat_with_views(augment(network))
    _backpropagate(
        layers, gradients, X, Y, network, sample_weight=sample_weight, forgiveness=0
    )

    def loss(weights):
        moved, views = flat_with_views(layers)
        moved[:] = weights
        moved_network = network.with_weights(
            [view[:-1] for view in views], [view[-1] for view in views]
        )
        losses = LOSSES[out_activation](moved_network.forward(X), Y)
        return np.average(losses, weights=sample_weight)

    step = 1e-6
    expected = [
        (loss(flat + step * unit) - loss(flat - step * unit)) / (2 * step)
        for unit in np.eye(flat.size)
    ]
    assert_allclose(gradient, expected, atol=1e-8)


@pytest.mark.parametrize("out_activation", ["softmax", "logistic"])
def test_forgiveness_has_the_gradient_of_the_generalized_cross_entropy(out_activation):
    rng = np.random.default_rng(0)
    network = random_network((3, 2), out_activation=out_activation)
    X, Y = rng.standard_normal((1, 3)), np.array([[0.0, 1.0]])
    q = 0.7

    layers, gradients = augment(network), augment(network)
    _backpropagate(layers, gradients, X, Y, network, sample_weight=None, forgiveness=q)

    def loss(b):
        moved = network.with_weights(network.coefs, [network.intercepts[0] + b])
        P = moved.activate_output(moved.forward(X))
        if out_activation == "softmax":
            P = P[:, 1:]
        else:
            P = np.where(Y, P, 1 - P)
        return ((1 - P**q) / q).sum()

    step = 1e-6
    expected = [(loss(step * e) - loss(-step * e)) / (2 * step) for e in np.eye(2)]
    assert_allclose(gradients[0][-1], expected, atol=1e-8)


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
    network = sparsified(random_network((6, 5, 3), out_activation="softmax"), 0.5)
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


def test_unit_of_the_weights_does_not_matter_nor_batches_without_any(pruned, digits):
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
    network = sparsified(Network.from_estimator(mlp), 0.3)
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
    live = live_inputs(augment(network))
    assert_array_equal(live[1], [False, True, True])
    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((30, 4)), np.eye(2)[rng.integers(2, size=30)]
    tuned = fine_tune(network, X, Y, n_epochs=2, rng=rng)
    assert_array_equal(tuned.coefs[0][:, 0], network.coefs[0][:, 0])
    assert (tuned.coefs[0][:, 1] != network.coefs[0][:, 1]).all()


def test_rounded_training_beats_rounding(pruned, digits):
    X, y, _, _ = digits
    Y = (y[:, np.newaxis] == np.arange(10)).astype(np.float32)
    layers = augment(pruned)
    kept = [layer != 0 for layer in layers]
    sizes = [mask.sum() for mask in kept]
    steps = [np.abs(layer).max() / 3 for layer in layers]
    grid = Grid(np.repeat(steps, sizes).astype(np.float32), n_levels=2)
    trained = train(layers, kept, X, Y, pruned, grid=grid, rng=np.random.default_rng(0))

    def rounded_accuracy(layers):
        rounded = [Grid(step, 2).round(layer) for step, layer in zip(steps, layers)]
        network = pruned.with_weights(
            [layer[:-1] for layer in rounded], [layer[-1] for layer in rounded]
        )
        return accuracy(network, X, y)

    assert rounded_accuracy(trained) > rounded_accuracy(layers) + 0.2


@pytest.mark.parametrize(
    "y, expected",
    [
        (["b", "a", "c"], [[0, 1, 0], [1, 0, 0], [0, 0, 1]]),
        (np.array([["b"], ["a"], ["c"]]), [[0, 1, 0], [1, 0, 0], [0, 0, 1]]),
    ],
)
def test_targets_of_classes(y, expected):
    mlp = SimpleNamespace(
        classes_=np.array(["a", "b", "c"]),
        out_activation_="softmax",
        intercepts_=[np.zeros(3)],
    )
    assert_array_equal(encode_targets(mlp, y), expected)


def test_targets_of_two_classes_are_one_column():
    mlp = SimpleNamespace(
        classes_=np.array([-1, 1]),
        out_activation_="logistic",
        intercepts_=[np.zeros(1)],
    )
    assert_array_equal(encode_targets(mlp, [1, -1, 1]), [[1], [0], [1]])


def test_targets_are_those_of_scikit_learn():
    X, Y = make_multilabel_classification(60, n_classes=3, random_state=0)
    mlp = fitted(MLPClassifier((3,), max_iter=2), X, Y)
    assert_array_equal(encode_targets(mlp, Y), mlp._label_binarizer.transform(Y))
    assert_array_equal(encode_targets(mlp, sparse.csr_array(Y)), Y)
    with pytest.raises(ValueError, match=r"y has 2 columns.* 3 outputs"):
        encode_targets(mlp, Y[:, :2])


def test_unknown_class_is_named():
    mlp = SimpleNamespace(
        classes_=np.array([0, 1, 2]),
        out_activation_="softmax",
        intercepts_=[np.zeros(3)],
    )
    with pytest.raises(ValueError, match=r"contains .*7.*none of the classes"):
        encode_targets(mlp, [0, 7])
