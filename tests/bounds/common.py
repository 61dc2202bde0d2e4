"""What the tests of bounds share."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings

import numpy as np
from sklearn.base import clone
from sklearn.datasets import make_classification, make_multilabel_classification
from sklearn.neural_network import MLPClassifier

from skcoreset import CoresetCompressor

from ..conftest import fitted


def compressor_of(mlp, X, **options):
    options = {"method": "magnitude", "density": 0.3, "random_state": 0} | options
    return refitted(CoresetCompressor(mlp, **options), X)


def refitted(compressor, X, **options):
    """A clone, fitted without warnings of its certificate: bounds do not use it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return clone(compressor).set_params(**options).fit(X)


def problem(kind):
    """A small fitted network, its rows and labels."""
    if kind == "multilabel":
        X, y = make_multilabel_classification(600, n_classes=3, random_state=0)
        mlp = MLPClassifier((8,), activation="tanh", random_state=0, max_iter=20)
    else:
        X, y = make_classification(600, class_sep=2, random_state=0)
        y = np.array(["no", "yes"])[y] if kind == "strings" else y
        hidden = (1,) if kind == "one hidden neuron" else (8, 4)
        mlp = MLPClassifier(hidden, random_state=0, max_iter=60)
    X = X.astype(np.float32)
    return fitted(mlp, X, y), X, y
