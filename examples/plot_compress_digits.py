"""
A first example: compress a classifier of digits
================================================

A network is trained on scikit-learn's digits and compressed by the default method. The
result has a fraction of the edges, predicts as before, and says how sure that is.
"""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import pickle

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from skcoreset import (
    CompressionPathDisplay,
    CoresetCompressor,
    InputDensityDisplay,
    NetworkDisplay,
)

# %%
# Three parts of the data
# -----------------------
# The network is trained on one part. It is compressed with another: on the rows that a
# network was trained on it is surer of itself than elsewhere, and what is promised from
# them would not hold for new rows. The third part is for the comparison below.
# Calibration needs no labels.

X, y = load_digits(return_X_y=True)
X = (X / 16).astype(np.float32)
X_train, X_rest, y_train, y_rest = train_test_split(
    X, y, train_size=900, random_state=0, stratify=y
)
X_calibration, X_test, _, y_test = train_test_split(
    X_rest, y_rest, test_size=400, random_state=0, stratify=y_rest
)

mlp = MLPClassifier((128, 64), max_iter=300, random_state=0).fit(X_train, y_train)

# %%
# Compress
# --------
# `mlp` stays as it is; `estimator_` is an `MLPClassifier` with sparse weights.

compressor = CoresetCompressor(mlp, epsilon=0.1, delta=0.1, random_state=0)
compressor.fit(X_calibration)

before, after = mlp, compressor.estimator_
rows = {
    "edges": (
        sum(coef.size for coef in before.coefs_),
        sum(coef.nnz for coef in after.coefs_),
    ),
    # of the weights alone: a pickled MLP carries the state of its training, too
    "bytes": (len(pickle.dumps(before.coefs_)), len(pickle.dumps(after.coefs_))),
    "test accuracy": (before.score(X_test, y_test), after.score(X_test, y_test)),
}
print(f"{'':15}{'before':>10}{'after':>10}")
for name, values in rows.items():
    print(f"{name:15}" + "".join(f"{value:>10,}" for value in values))

# %%
# What is promised of rows to come, and what it rests on:

print(compressor.certificate_)

# %%
# Why this network? Above is the error of each network that was tried, the densest on
# the right; below is the number that decides. It may not exceed `delta`: the first
# network that takes it over is refused, and the one before it is chosen.

_ = CompressionPathDisplay.from_estimator(compressor, X_test, y_test)

# %%
# The network itself, of which at most 32 neurons of a layer are drawn. The heavier a
# weight, the thicker its line.

# sphinx_gallery_thumbnail_number = 2
_ = NetworkDisplay.from_estimator(compressor, max_neurons=32)

# %%
# Its inputs are pixels. Most of the edges start where digits have strokes, and none at
# pixels that are always black.

_ = InputDensityDisplay.from_estimator(compressor)
