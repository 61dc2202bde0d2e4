"""
What the sensitivities say
==========================

The sensitivity of an edge is the largest share that it ever has of the sum that enters
its neuron. CoreNet draws edges in proportion to it.
"""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier

from skcoreset import (
    CoresetCompressor,
    InputDensityDisplay,
    LayerDensityDisplay,
    SensitivityDisplay,
)

X, y = load_digits(return_X_y=True)
X = X / 16
mlp = MLPClassifier((128, 64), max_iter=200, random_state=0).fit(X[:900], y[:900])
X_calibration = X[900:]

compressor = CoresetCompressor(mlp, method="corenet", density=0.2, random_state=0)
compressor.fit(X_calibration)

# %%
# Few edges carry a neuron
# ------------------------
# The sum of a neuron's sensitivities, not the number of its edges, says how many draws
# approximate it. In the first two layers it is far below the number of edges: the
# orange line is that of the median neuron, the band has all of them.

figure, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained", sharey=True)
for layer, ax in enumerate(axes):
    SensitivityDisplay.from_estimator(compressor, X_calibration, layer=layer, ax=ax)

# %%
# Rare pixels count, too
# ----------------------
# Pixels that are never lit have no sensitivity, and all their edges go. Those that are
# lit rarely keep many: sensitivity is the largest share that an edge *ever* has, and on
# the few images that light them they matter. Compare the columns at the sides with the
# mean image, where they are nearly black.

figure, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
InputDensityDisplay.from_estimator(compressor, ax=axes[0])
image = axes[1].imshow(X.mean(axis=0).reshape(8, 8), cmap="magma")
axes[1].set(xticks=[], yticks=[])
_ = figure.colorbar(image, ax=axes[1], label="Mean of the pixel")

# %%
# Where the edges stay
# --------------------
# One constant serves all neurons: each gets draws in proportion to the sums of its
# sensitivities. A layer keeps more of its edges where these sums are larger beside the
# number of edges, and where few edges are drawn again and again fewer different ones
# are kept.

_ = LayerDensityDisplay.from_estimator(compressor)
