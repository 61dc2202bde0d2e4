"""
What the remaining neurons look at
==================================

Dropping whole neurons leaves a smaller dense network: an ordinary `MLPClassifier` that
is faster in every program, and small enough to look into. This one reads digits of 8 by
8 pixels.
"""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from skcoreset import CoresetCompressor

# %%
# A network of 100 hidden neurons
# -------------------------------
# One part of the rows trains it. Another part, without labels, compresses it.

X, y = load_digits(return_X_y=True)
X_train, X_rest, y_train, y_rest = train_test_split(
    X / 16, y, train_size=900, random_state=0
)
X_new, X_test, _, y_test = train_test_split(
    X_rest, y_rest, train_size=600, random_state=0
)
mlp = MLPClassifier((100,), max_iter=400, random_state=0).fit(X_train, y_train)

# %%
# A tenth of it
# -------------
# `density` is the share of the edges. Each hidden neuron has 64 + 10 of them.

compressor = CoresetCompressor(mlp, method="neurons", density=0.1, random_state=0)
small = compressor.fit(X_new).estimator_
print(f"hidden neurons: {mlp.coefs_[0].shape[1]} -> {small.coefs_[0].shape[1]}")
print(f"accuracy: {mlp.score(X_test, y_test):.3f} -> {small.score(X_test, y_test):.3f}")
print(f"same predictions: {np.mean(small.predict(X_test) == mlp.predict(X_test)):.3f}")

# %%
# Each neuron at a glance
# -----------------------
# The upper row shows the pixels that raise (red) and lower (blue) a neuron: each weight
# times the standard deviation of its pixel. The lower row shows the digits that the
# neuron votes for and against. The neurons with the largest influence come first.

hidden = np.maximum(X_new @ small.coefs_[0] + small.intercepts_[0], 0)
influence = hidden.std(axis=0) * np.linalg.norm(small.coefs_[1], axis=1)
order = np.argsort(-influence)

pull = small.coefs_[0] * X_new.std(axis=0)[:, np.newaxis]
votes = small.coefs_[1] - small.coefs_[1].mean(axis=1, keepdims=True)
figure, axes = plt.subplots(
    2, len(order), figsize=(11, 2.9), layout="constrained", height_ratios=[2, 1]
)
for (image, bars), neuron in zip(axes.T, order):
    limit = np.abs(pull[:, neuron]).max()
    pixels = pull[:, neuron].reshape(8, 8)
    image.imshow(pixels, cmap="RdBu_r", vmin=-limit, vmax=limit)
    image.set(xticks=[], yticks=[], title=f"neuron {neuron}")
    bars.bar(
        range(10),
        votes[neuron],
        color=np.where(votes[neuron] > 0, "tab:red", "tab:blue"),
    )
    bars.axhline(0, color="gray", linewidth=0.5)
    bars.set(xticks=range(0, 10, 3), yticks=[])
    bars.tick_params(labelsize=8)
axes[0, 0].set_ylabel("pixels")
axes[1, 0].set_ylabel("digits")
plt.show()
