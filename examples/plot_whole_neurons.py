"""
What the neurons that are left look at
======================================

Dropping whole neurons leaves a smaller dense network: an ordinary `MLPClassifier`,
faster everywhere and small enough to look at. This one reads digits of 8 by 8 pixels.
"""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import argparse

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from skcoreset import CoresetCompressor

parser = argparse.ArgumentParser(description="Compress a network by whole neurons.")
parser.add_argument("--output", default="whole_neurons.png", help="the figure")
options, _ = parser.parse_known_args()

# %%
# A network of 100 hidden neurons
# -------------------------------
# One part of the rows trains it; another, without labels, compresses it.

X, y = load_digits(return_X_y=True)
X = (X / 16).astype(np.float32)
X_train, X_rest, y_train, y_rest = train_test_split(
    X, y, train_size=900, random_state=0, stratify=y
)
X_calibration, X_test, _, y_test = train_test_split(
    X_rest, y_rest, train_size=600, random_state=0
)
mlp = MLPClassifier((100,), max_iter=400, random_state=0).fit(X_train, y_train)

# %%
# A tenth of it
# -------------
# `density` is the share of the edges; each of the neurons has 64 + 10 of them.

compressor = CoresetCompressor(mlp, method="neurons", density=0.1, random_state=0)
compressor.fit(X_calibration)
small = compressor.estimator_
print(f"hidden neurons: {mlp.coefs_[0].shape[1]} -> {small.coefs_[0].shape[1]}")
print(f"accuracy: {mlp.score(X_test, y_test):.3f} -> {small.score(X_test, y_test):.3f}")
print(f"same predictions: {np.mean(small.predict(X_test) == mlp.predict(X_test)):.3f}")

# %%
# Each neuron at a glance
# -----------------------
# Above, the pixels that raise (red) and lower (blue) a neuron, each weight times the
# spread of its pixel; below, the digits that the neuron speaks for and against. The
# neurons whose contributions vary most come first.

hidden = np.maximum(X_calibration @ small.coefs_[0] + small.intercepts_[0], 0)
influence = hidden.std(axis=0) * np.linalg.norm(small.coefs_[1], axis=1)
order = np.argsort(-influence)

figure, axes = plt.subplots(
    2,
    len(order),
    figsize=(11, 2.9),
    layout="constrained",
    height_ratios=[2, 1],
    squeeze=False,
)
pull = small.coefs_[0] * X_calibration.std(axis=0)[:, np.newaxis]
votes = small.coefs_[1] - small.coefs_[1].mean(axis=1, keepdims=True)
for (image, bars), neuron in zip(axes.T, order):
    limit = np.abs(pull[:, neuron]).max()
    pixels = pull[:, neuron].reshape(8, 8)
    image.imshow(pixels, cmap="RdBu_r", vmin=-limit, vmax=limit)
    image.set(xticks=[], yticks=[], title=f"neuron {neuron}")
    colors = np.where(votes[neuron] > 0, "C3", "C0")
    bars.bar(range(10), votes[neuron], color=colors)
    bars.axhline(0, color="0.5", linewidth=0.5)
    bars.set(xticks=range(0, 10, 3), yticks=[])
    bars.tick_params(labelsize=8)
axes[0, 0].set_ylabel("pixels")
axes[1, 0].set_ylabel("digits")
figure.savefig(options.output, dpi=80)
