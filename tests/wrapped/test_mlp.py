"""scikit-learn's MLPs: weights in and out, labels and targets."""

import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.datasets import load_iris, make_multilabel_classification
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skcoreset import CoresetCompressor, certify
from skcoreset._errors import ERRORS
from skcoreset._wrapped import encode_targets, network_of, with_network

from ..conftest import fitted, random_network


def test_compressed_estimator_predicts_alone_and_carries_no_training_state(mlp, digits):
    X, network = digits[2], network_of(mlp)
    weights = network.weights.copy()
    weights[::2] = 0
    compressed = with_network(mlp, network.with_weights(weights))
    assert type(compressed) is type(mlp)
    assert all(isinstance(coef, sparse.csr_array) for coef in compressed.coefs_)
    assert compressed.predict(X).shape == (len(X),)
    left = {"_optimizer", "_best_coefs", "_best_intercepts", "_random_state"}
    assert left.isdisjoint(vars(compressed))
    assert left & set(vars(mlp)), "the original keeps its own"


def test_weights_are_dense_where_every_edge_is_kept_or_where_asked(mlp, digits):
    network = network_of(mlp)
    whole = with_network(mlp, network)
    halved = network.with_weights(network.weights * (np.arange(network.n_edges) % 2))
    dense = with_network(mlp, halved, to_dense=True)
    for estimator in (whole, dense):
        assert all(isinstance(coef, np.ndarray) for coef in estimator.coefs_)
    np.testing.assert_array_equal(whole.predict(digits[2]), mlp.predict(digits[2]))


def test_estimator_takes_the_sizes_of_a_smaller_network(mlp):
    small = random_network([64, 5, 4, 10], dtype=np.float32)
    assert with_network(mlp, small).hidden_layer_sizes == (5, 4)
    assert mlp.hidden_layer_sizes == (32, 16)


# Targets


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
    with pytest.raises(ValueError, match=r"contains .*7.*not one of the classes"):
        encode_targets(mlp, [0, 7])


def test_classes_of_names_are_written_without_their_type():
    mlp = SimpleNamespace(
        classes_=np.array(["left", "right"]),
        out_activation_="logistic",
        intercepts_=[np.zeros(1)],
    )
    with pytest.raises(ValueError, match="y contains 'stayed', which is not one of"):
        encode_targets(mlp, np.array(["left", "stayed"]))


# Memory


def arrays_in(value, seen=None):
    """All arrays that can be reached from a value."""
    seen = {} if seen is None else seen
    if id(value) in seen or isinstance(value, (type, str, bytes)) or callable(value):
        return seen
    seen[id(value)] = value
    if isinstance(value, dict):
        inside = value.values()
    elif isinstance(value, (list, tuple)):
        inside = value
    else:
        inside = getattr(value, "__dict__", {}).values()
    for each in inside:
        arrays_in(each, seen)
    return seen


def share_memory(one, other):
    one, other = (
        [each for each in arrays_in(value).values() if isinstance(each, np.ndarray)]
        for value in (one, other)
    )
    return any(np.shares_memory(a, b) for a in one for b in other)


CASES = {
    "uncompressed": {"epsilon": 1e-9},
    "sparse": {"density": 0.3},
    "neurons": {"method": "neurons", "density": 0.5},
}


@pytest.mark.parametrize("case", CASES)
def test_nothing_returned_shares_an_array_with_the_original(case, digits):
    X, y, X_new, _ = digits
    pipeline = make_pipeline(
        StandardScaler(), MLPClassifier((8,), max_iter=20, random_state=0)
    )
    fitted(pipeline, X, y)
    compressor = CoresetCompressor(pipeline, random_state=0, **CASES[case])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compressor.fit(X_new[:400])
    before = pipeline.predict_proba(X_new), compressor.transform(X_new)

    def check():
        np.testing.assert_array_equal(pipeline.predict_proba(X_new), before[0])
        np.testing.assert_array_equal(compressor.transform(X_new), before[1])

    dense, small = compressor.to_dense(), compressor.estimator_
    assert not share_memory(dense, [pipeline, small, compressor])
    assert not share_memory(small, pipeline)
    n_losses = len(pipeline[-1].loss_curve_)
    for estimator in (dense, small):
        for array in estimator[-1].coefs_ + estimator[-1].intercepts_:
            array *= -1
        check()
    dense[-1].partial_fit(X, (y + 1) % 10)
    dense[0].fit(5 * X + 3)
    check()
    assert len(pipeline[-1].loss_curve_) == n_losses
    # and the other way round
    fitted(compressor.original_estimator_, X, (y + 1) % 10)
    np.testing.assert_array_equal(compressor.transform(X_new), before[1])


def test_a_network_that_was_left_as_it_is_can_be_trained_further():
    X, y = load_iris(return_X_y=True)
    mlp = fitted(MLPClassifier((8,), max_iter=300, random_state=0), X[::2], y[::2])
    expected = mlp.predict_proba(X)
    compressor = CoresetCompressor(mlp, epsilon=1e-6, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compressor.fit(X[1::2])
    compressed = compressor.predict_proba(X)
    compressor.to_dense().partial_fit(X[::2], (y[::2] + 1) % 3)
    np.testing.assert_array_equal(mlp.predict_proba(X), expected)
    mlp.partial_fit(X[::2], (y[::2] + 1) % 3)
    np.testing.assert_array_equal(compressor.predict_proba(X), compressed)


def test_estimators_made_of_a_sparse_network_leave_it_as_it_is(mlp):
    network = random_network([64, 5, 10], dtype=np.float32)
    network = network.with_weights(
        [sparse.csr_array(coef * (coef > 0)) for coef in network.coefs]
    )
    assert not share_memory(with_network(mlp, network), network)


# One class


@pytest.fixture(scope="module")
def one_class():
    X = np.random.default_rng(0).normal(size=(300, 4))
    mlp = MLPClassifier((6,), max_iter=60, random_state=0)
    return fitted(mlp, X[:100], np.full(100, "all")), X[100:]


@pytest.mark.parametrize("error", ["auto", *ERRORS])
def test_a_network_of_one_class_is_compressed(error, one_class):
    mlp, X = one_class
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compressor = CoresetCompressor(mlp, error=error, random_state=0)
        if error == "absolute":
            compressor.set_params(epsilon=0.1)
        compressor.fit(X)
    np.testing.assert_array_equal(compressor.predict(X), mlp.predict(X))
    np.testing.assert_array_equal(compressor.estimator_.predict(X), mlp.predict(X))
    assert compressor.predict_proba(X).shape == mlp.predict_proba(X).shape
    y = np.full(len(X), "all")
    assert compressor.fine_tune(X, y, n_epochs=1).score(X, y) == 1
    certificate = certify(mlp, compressor, X, error="classwise", delta=None)
    assert certificate.share_by_class == {"all": 0}


def test_layers_without_edges_are_trained_on_sparse_rows():
    # of the words only "7" matters, and training leaves no edge at this density
    rng = np.random.default_rng(0)
    words = rng.integers(0, 30, (200, 2)).astype(str)
    y = (words == "7").any(axis=1).astype(int)
    network = make_pipeline(
        OneHotEncoder(handle_unknown="ignore"),
        MLPClassifier((20,), max_iter=20, random_state=0),
    )
    fitted(network, words[:100], y[:100])
    compressor = CoresetCompressor(network, density=0.0005, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compressor.fit(words[100:])
    assert 0 in [coef.size for coef in compressor.coefs_]
    assert np.isfinite(compressor.transform(words)).all()
