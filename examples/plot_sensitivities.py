"""
What the sensitivities say
==========================

The sensitivity of an edge is the largest share that it has, on any row, in the sum that
enters its neuron. CoreNet samples edges in proportion to it.
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
X_new = X[900:]

compressor = CoresetCompressor(mlp, method="corenet", density=0.4, random_state=0)
compressor = compressor.fit(X_new)

# %%
# Few edges carry a neuron
# ------------------------
# How many sampled edges a neuron needs depends on the sum of its sensitivities, not on
# the number of its edges. In the first two layers the sum is far smaller. The line is
# the sum of the median neuron, the band shows those of all neurons.

figure, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained", sharey=True)
for layer, ax in enumerate(axes):
    SensitivityDisplay.from_estimator(compressor, X_new, layer=layer, ax=ax)
plt.show()

# %%
# Rare pixels count, too
# ----------------------
# Pixels that are never lit have no sensitivity and lose all their edges. Pixels that
# are rarely lit keep many: on the few images that light them, they matter. Compare the
# columns at the sides with the mean image, where they are nearly black.

figure, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
InputDensityDisplay.from_estimator(compressor, ax=axes[0])
image = axes[1].imshow(X.mean(axis=0).reshape(8, 8), cmap="magma")
axes[1].set(xticks=[], yticks=[])
figure.colorbar(image, ax=axes[1], label="Mean of the pixel")
plt.show()

# %%
# Where edges stay
# ----------------
# Every neuron gets draws in proportion to the sum of its sensitivities. So a layer
# keeps a larger share of its edges if these sums are large for its number of edges.
# Edges that are drawn several times count once.

LayerDensityDisplay.from_estimator(compressor)
plt.show()
