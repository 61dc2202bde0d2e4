"""What is known of scikit-learn's MLPs: weights in and out, targets, labels of y."""

import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.datasets import make_multilabel_classification
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import LabelEncoder

from skcoreset import CoresetCompressor
from skcoreset._wrapped import encode_targets, inputs_of, network_of, with_network

from ..conftest import fitted, random_network


def compressor_of(mlp):
    return CoresetCompressor(mlp, method="magnitude", density=0.9, random_state=0)


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


def test_a_y_that_the_network_was_not_trained_on_is_said(mlp, regressor, digits):
    X, y = digits[2:]
    with pytest.warns(UserWarning, match="no better than a constant.*not trained"):
        compressor_of(mlp).fit(X, (y + 1) % 10)
    Y = np.random.default_rng(0).normal(size=(len(X), 2))
    with pytest.warns(UserWarning, match="MLPRegressor predicts y no better"):
        compressor_of(regressor).fit(X, Y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compressor_of(mlp).fit(X, y)
        # nothing can be told from one class
        compressor_of(mlp).fit(X[y == 3], y[y == 3])


def test_one_versus_rest_around_a_fitted_network_is_said(mlp, digits):
    X, y = digits[2:]
    with pytest.warns(UserWarning, match="not trained on this y"):
        OneVsRestClassifier(compressor_of(mlp)).fit(X, y)


def test_classes_that_a_fitted_network_does_not_know_are_refused(mlp, digits):
    X, y = digits[2:]
    with pytest.raises(ValueError, match="not one of the classes"):
        compressor_of(mlp).fit(X, y + 1)
    with pytest.raises(ValueError, match="2 columns, but the network has 10"):
        labels = fitted(MLPClassifier((4,), max_iter=5), X, np.eye(10)[y])
        compressor_of(labels).fit(X, np.eye(10)[y][:, :2])


def test_numbers_of_the_classes_pass_for_the_classes(digits):
    # as estimators that combine others hand them on
    X, y = digits[:2]
    names = np.array(list("abcdefghij"))[y]
    mlp = fitted(MLPClassifier((16,), max_iter=80, random_state=0), X, names)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compressor_of(mlp).fit(X, LabelEncoder().fit_transform(names))


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


def test_values_given_twice_add_up_and_the_callers_rows_stay_as_they_are(regressor):
    X = sparse.coo_array(
        (np.float32([1, 2, 3]), ([0, 0, 1], [5, 5, 2])), shape=(2, 64)
    ).tocsr()
    # row 0 has column 5 twice
    parts = np.float32([1, 2, 3]), np.array([5, 5, 2]), np.array([0, 2, 3])
    twice = sparse.csr_array(parts, shape=(2, 64))
    rows = inputs_of(regressor, twice)
    assert rows.nnz == 2 and twice.nnz == 3
    assert_array_equal(rows.toarray(), X.toarray())


def test_unknown_class_is_named():
    mlp = SimpleNamespace(
        classes_=np.array([0, 1, 2]),
        out_activation_="softmax",
        intercepts_=[np.zeros(3)],
    )
    with pytest.raises(ValueError, match=r"contains .*7.*not one of the classes"):
        encode_targets(mlp, [0, 7])
