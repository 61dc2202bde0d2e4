"""
A first example: compress a network that reads digits
=====================================================

A network is trained on scikit-learn's digits and compressed. The result has a fraction
of the edges, gives almost the same predictions, and comes with a promise about what
"almost" means.
"""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import pickle

import matplotlib.pyplot as plt
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
# The first part trains the network. The second compresses it: these rows must be new to
# the network, or the promise does not carry over to new data. They need no labels. The
# third part compares the two networks.

X, y = load_digits(return_X_y=True)
X_train, X_rest, y_train, y_rest = train_test_split(
    X / 16, y, test_size=0.5, random_state=0
)
X_new, X_test, _, y_test = train_test_split(
    X_rest, y_rest, test_size=0.3, random_state=0
)
mlp = MLPClassifier(max_iter=500, random_state=0).fit(X_train, y_train)

# %%
# Compress
# --------
# `mlp` stays as it is. `estimator_` is an `MLPClassifier` with sparse weights.

compressor = CoresetCompressor(mlp, random_state=0).fit(X_new)

small = compressor.estimator_
rows = {
    "edges": (
        sum(coef.size for coef in mlp.coefs_),
        sum(coef.nnz for coef in small.coefs_),
    ),
    # of the weights alone: a pickled MLP also contains the state of its training
    "bytes": (len(pickle.dumps(mlp.coefs_)), len(pickle.dumps(small.coefs_))),
    "accuracy": (mlp.score(X_test, y_test), small.score(X_test, y_test)),
}
print(f"{'':10}{'before':>10}{'after':>10}")
for name, (before, after) in rows.items():
    style = ",.3f" if name == "accuracy" else ","
    print(f"{name:10}{before:>10{style}}{after:>10{style}}")

# %%
# What is promised about new rows, and how it was checked:

print(compressor.certificate_)

# %%
# The figure shows why this network was chosen. Each dot is a network that was tried,
# the densest on the right. The upper part shows the errors on the held-out rows. The
# lower part shows the number that decides: the first network that exceeds the limit is
# refused, and the one before it is chosen.

_ = CompressionPathDisplay.from_estimator(compressor, X_test, y_test)

# %%
# The network itself, drawn with at most 32 neurons of each layer. The larger the weight
# of an edge, the thicker its line.

# sphinx_gallery_thumbnail_number = 2
_ = NetworkDisplay.from_estimator(compressor, max_neurons=32)

# %%
# The inputs are pixels. Most edges start where digits have strokes, and none at pixels
# that are always black.

_ = InputDensityDisplay.from_estimator(compressor)

plt.show()
