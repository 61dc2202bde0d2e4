"""
===============================================
What the size of a network says about its error
===============================================

A network that can be described in few bits cannot have learnt its training rows by
heart. So its error on these rows says something about its error on all others. How much
it says is Occam's bound, :func:`skcoreset.bounds.occam_bound`, which needs no test
rows. Rows that were set apart say more.
"""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from skcoreset import CoresetCompressor
from skcoreset.bounds import corenet_bound, occam_bound, split_bound

# %%
# A network with many more weights than it needs
# ----------------------------------------------
#
# Two classes in 40 dimensions: 20,000 rows to train on, and 20,000 to measure the true
# error, which no bound gets to see.

X, y = make_classification(
    40_000, n_features=40, n_informative=8, class_sep=1.5, flip_y=0.01, random_state=0
)
X, X_test, y, y_test = train_test_split(
    X.astype(np.float32), y, test_size=0.5, random_state=0
)
mlp = MLPClassifier((100, 50), early_stopping=True, random_state=0)
mlp.fit(X, y)
print(f"dense: {1 - mlp.score(X, y):.2%} training, {1 - mlp.score(X_test, y_test):.2%}")

# %%
# Dense: no bound
# ---------------
#
# With 32 bits for each weight, the dense network is longer than the list of the right
# answers, one bit for each row. The bound of the paper starts from margins instead, and
# is far above 1, too.

n_weights = sum(coef.size for coef in mlp.coefs_ + mlp.intercepts_)
print(f"dense: {32 * n_weights:,} bits for {len(X):,} rows")

compressor = CoresetCompressor(mlp, density=0.1, random_state=0).fit(X[:4000])
paper = corenet_bound(compressor, X, y, margin=1.0)
print(paper)

# %%
# Few bits: a bound from the training rows
# ----------------------------------------
#
# The search removes edges while it trains the others with labels, rounds the weights to
# a few levels, and writes the result in a code that was fixed before any row was seen.
# It returns the network with the smallest bound.

occam = occam_bound(compressor, X, y)
print(occam)

# %%
# Each dot is a network that was tried. From right to left the networks have fewer bits.
# Up to a point this makes the bound smaller, although the errors on the training rows
# increase.

figure, ax = plt.subplots(layout="constrained")
path = occam.path
for name, label in (
    ("error_bound", "bound on the true error"),
    ("train_error", "errors on the training rows"),
):
    ax.plot(path["n_bits"], path[name], "o", label=label)
ax.plot(
    occam.n_bits,
    1 - occam.estimator.score(X_test, y_test),
    "*",
    markersize=12,
    label="true error of the best, on test rows",
)
ax.set(xlabel="Bits that describe the network", xlim=(0, None), ylim=(0, None))
ax.yaxis.set_major_formatter("{x:.0%}")
ax.legend()
plt.show()

# %%
# Rows that are set apart: a bound to quote
# -----------------------------------------
#
# If half of the rows can be spared for the bound, it is far tighter. The other half
# trains the network and makes a few compressed ones, and the errors of each are counted
# on rows that it has never seen.

split = split_bound(
    CoresetCompressor(clone(mlp), random_state=0), X, y, densities=[0.2, 0.05, 0.02]
)
print(split)

# %%
# Side by side
# ------------
# Each bound is about a different network: the first about one that CoreNet samples, the
# second about one of few bits, the third about the best of those that were made from
# half of the rows. All hold with a confidence of 95%.

print(f"corenet_bound (leading term): {paper.error_bound:.3g}, above 1: no bound")
for name, bound in {"occam_bound": occam, "split_bound": split}.items():
    error = 1 - bound.estimator.score(X_test, y_test)
    print(f"{name}: at most {bound.error_bound:.1%}. Errors on test rows: {error:.1%}")
