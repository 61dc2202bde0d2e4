"""Labels and values as targets."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.datasets import make_multilabel_classification
from sklearn.neural_network import MLPClassifier

from skcoreset._fine_tune import encode_targets

from .conftest import fitted


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
