"""Networks as values."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import pickle

import joblib
import numpy as np
import pytest
from scipy import sparse
from sklearn.neural_network import MLPClassifier, MLPRegressor

from skcoreset._network import (
    ACTIVATIONS,
    activate_output,
    dense,
    fastest,
    labels,
)
from skcoreset._wrapped import network_of, with_network

from ..conftest import fitted, random_network


def logits(mlp, X):
    """Output before the output activation, as scikit-learn computes it."""
    bare = with_network(mlp, network_of(mlp), to_dense=True)
    bare.out_activation_ = "identity"
    return bare._forward_pass_fast(X)


def problem(kind, dtype):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 5)).astype(dtype)
    Y = np.exp(0.3 * X @ rng.standard_normal((5, 3))).astype(dtype)
    match kind:
        case "binary":
            return MLPClassifier(), X, X[:, 0] > 0
        case "multiclass":
            return MLPClassifier(), X, np.array(["a", "b", "c"])[Y.argmax(axis=1)]
        case "multilabel":
            return MLPClassifier(), X, (Y > 1).astype(int)
        case "one output":
            return MLPRegressor(), X, Y[:, 0]
        case "many outputs":
            return MLPRegressor(), X, Y
        case "poisson":
            return MLPRegressor(loss="poisson"), X, Y[:, 0]


KINDS = ["binary", "multiclass", "multilabel", "one output", "many outputs", "poisson"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_network_computes_what_scikit_learn_does(kind, dtype, activation):
    if kind == "poisson" and "loss" not in MLPRegressor().get_params():
        pytest.skip("scikit-learn below 1.7 has no Poisson loss")
    estimator, X, y = problem(kind, dtype)
    estimator.set_params(hidden_layer_sizes=(7, 4), max_iter=5, activation=activation)
    mlp = fitted(estimator.set_params(random_state=0), X, y)
    network = network_of(mlp)
    F = network.forward(X)
    assert F.dtype == dtype
    rtol = 1e-4 if dtype == np.float32 else 1e-10
    np.testing.assert_allclose(F, logits(mlp, X), rtol=rtol, atol=rtol)
    np.testing.assert_allclose(F, network.activations(X)[-1], rtol=rtol, atol=rtol)
    outputs = network.activate_output(F)
    expected = mlp._forward_pass_fast(X)
    np.testing.assert_allclose(outputs, expected, rtol=rtol, atol=rtol)
    if kind in ("binary", "multilabel"):
        np.testing.assert_array_equal(network.labels(F), expected > 0.5)
    if kind == "multiclass":
        labels = mlp.classes_[network.labels(F).ravel()]
        np.testing.assert_array_equal(labels, mlp.predict(X))


def test_rows_are_sparse_where_few_values_are_not_0():
    for density, is_sparse in ((0.05, True), (0.2, False)):
        X = sparse.random(30, 40, density=density, format="csr", random_state=0)
        for rows in (X, X.toarray()):
            assert sparse.issparse(fastest(rows)) == is_sparse
            np.testing.assert_array_equal(dense(fastest(rows)), X.toarray())


@pytest.mark.parametrize("container", [sparse.csr_array, sparse.csc_matrix])
def test_sparse_input_gives_the_same_output(container):
    network = random_network([30, 8, 3])
    X = sparse.random(50, 30, density=0.2, random_state=0).toarray()
    F = network.forward(X)
    X = container(X).tocsr() if container is sparse.csc_matrix else container(X)
    np.testing.assert_allclose(network.forward(X), F, rtol=1e-12)


def test_flat_weights_are_the_coefs():
    network = random_network([5, 4, 3])
    twin = network.with_weights(network.weights)
    for coef, expected in zip(twin.coefs, network.coefs):
        np.testing.assert_array_equal(coef, expected)
    layer, inputs = network.locate(np.array([20 + 5, 20 + 11]))
    assert layer == 1
    np.testing.assert_array_equal(inputs, [1, 3])


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("convert", [np.asarray, sparse.csr_array])
def test_no_sum_exceeds_its_bound(convert, activation):
    rng = np.random.default_rng(0)
    network = random_network([6, 9, 7, 1], activation)
    for scales in ((1, 1, 1), (1e6, 1e6, 1e-12), (1e-6, 1e3, 1)):
        scaled = network.with_weights(
            [convert(coef * scale) for coef, scale in zip(network.coefs, scales)]
        )
        X = rng.standard_normal((50, 6))
        A, largest = X, 0
        for coef, b in zip(scaled.to_dense().coefs, scaled.intercepts):
            Z = A @ coef + b
            largest = max(largest, np.abs(Z).max())
            ACTIVATIONS[activation](A := Z.copy())
        assert largest <= scaled.magnitude_bound(convert(X))


def test_large_intercepts_need_double_precision():
    X = np.ones((3, 4), np.float32)
    network = random_network([4, 5, 2], dtype=np.float32)
    assert network.working_dtype(X) == np.float32
    *others, last = network.intercepts
    large = network.with_weights(network.coefs, [*others, last + np.float32(1e20)])
    assert large.working_dtype(X) == np.float64


@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel"])
def test_labels_are_those_predicted_even_where_probabilities_tie(kind):
    estimator, X, y = problem(kind, np.float64)
    mlp = fitted(estimator.set_params(max_iter=2, random_state=0), X, y)
    mlp.coefs_ = [coef * 1e-9 for coef in mlp.coefs_]
    mlp.intercepts_ = [0 * b for b in mlp.intercepts_]
    network = network_of(mlp)
    labels = network.labels(network.forward(X))
    predicted = mlp._label_binarizer.transform(mlp.predict(X))
    if kind == "multiclass":
        predicted = predicted.argmax(axis=1)[:, np.newaxis]
    np.testing.assert_array_equal(labels, predicted)


def test_what_does_not_fit_is_infinite():
    network = random_network([2, 1], dtype=np.float32)
    assert network.cast(np.array([[1e39, 1.0]])).tolist() == [[np.inf, 1]]


# Its units


def test_rescaled_output_is_the_output_in_other_units():
    network = random_network((6, 8, 3))
    X = np.random.default_rng(0).standard_normal((10, 6))
    center, scale = np.array([1.0, -2.0, 3.0]), np.array([0.1, 1.0, 10.0])
    np.testing.assert_allclose(
        network.rescaled_output(center, scale).forward(X),
        (network.forward(X) - center) / scale,
    )


def test_unknown_output_activations_are_refused():
    F = np.ones((2, 3))
    for function in (activate_output, labels):
        with pytest.raises(ValueError, match="out_activation='sparsemax' is not"):
            function(F, "sparsemax")
    with pytest.raises(ValueError, match="out_activation='exp' is not"):
        labels(F, "exp")


def test_what_is_cached_is_neither_hashed_nor_saved():
    network = random_network([30, 8, 3])
    key, size = joblib.hash(network), len(pickle.dumps(network))
    F = network.forward(np.ones((2, 30)))
    assert network.n_edges == len(network.weights)
    assert joblib.hash(network) == key
    assert len(pickle.dumps(network)) == size
    loaded = pickle.loads(pickle.dumps(network))
    np.testing.assert_array_equal(loaded.forward(np.ones((2, 30))), F)
