"""
Compress a classifier of digits
===============================

A network is trained on scikit-learn's digits and compressed by the default method. The
result has a fraction of the edges, predicts as before, and says how sure that is.
"""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import argparse
import pickle

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from skcoreset import CompressionPathDisplay, CoresetCompressor, InputDensityDisplay

parser = argparse.ArgumentParser(description="Compress a classifier of digits.")
parser.add_argument("--output", default="compress_digits.png", help="the figure")
options, _ = parser.parse_known_args()

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
    # a pickled MLP carries the state of its training, too
    "bytes": (len(pickle.dumps(before)), len(pickle.dumps(after))),
    "test accuracy": (before.score(X_test, y_test), after.score(X_test, y_test)),
}
print(f"{'':15}{'before':>10}{'after':>10}")
for name, values in rows.items():
    print(f"{name:15}" + "".join(f"{value:>10,}" for value in values))

# %%
# What is promised of rows to come, and what it rests on:

print(compressor.certificate_)

# %%
# The path to this network, and where its edges start: at the strokes, not the border.

figure, axes = plt.subplots(1, 2, figsize=(11, 4.5), layout="constrained")
CompressionPathDisplay.from_estimator(compressor, X_test, y_test, ax=axes[0])
InputDensityDisplay.from_estimator(compressor, ax=axes[1])
figure.savefig(options.output)
print(f"Figure saved as {options.output}")
