"""
2. Why sampling, and why refinement
===================================

Edges can be drawn at random so that the sum of a neuron is still right on average. But
it is noisy. This notebook measures how noisy, and shows what works better. (45 minutes;
about ten seconds of computing.)
"""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from skcoreset import CoresetCompressor, NetworkDisplay

X, y = load_digits(return_X_y=True)
X = X / 16
X_train, X_new, y_train, y_new = train_test_split(X, y, train_size=800, random_state=0)
mlp = MLPClassifier((32, 16), learning_rate_init=0.005, max_iter=150, random_state=0)
mlp = mlp.fit(X_train, y_train)

# %%
# Drawing edges
# -------------
# Take the positive edges of a neuron and draw `m` of them with replacement, edge `j`
# with probability :math:`q_j`. If each drawn edge gets the weight :math:`w_j / (m \,
# q_j)`, the new sum is right on average, whatever the probabilities: edges that are
# rarely drawn count for more when they are.
#
# How far off the sum is does depend on the probabilities. Let us try two: the same for
# all edges, and in proportion to the sensitivities of the first notebook.

rng = np.random.default_rng(0)
weights = np.maximum(mlp.coefs_[0][:, 0], 0)
contribution = X_new * weights
exact = contribution.sum(axis=1)
sensitivity = (contribution / exact[:, np.newaxis]).max(axis=0)
probabilities = {
    "uniform": (weights > 0) / (weights > 0).sum(),
    "sensitivity": sensitivity / sensitivity.sum(),
}


def relative_error(q, m):
    """Largest relative error of the sum on any image; median of 50 repetitions."""
    errors = []
    for _ in range(50):
        n_drawn = rng.multinomial(m, q)
        drawn = np.divide(n_drawn, m * q, out=np.zeros(len(q)), where=q > 0)
        errors.append(np.abs(contribution @ drawn / exact - 1).max())
    return np.median(errors)


draws = [10, 30, 100, 300, 1000]
figure, ax = plt.subplots(figsize=(6, 3.5), layout="constrained")
for name, q in probabilities.items():
    ax.plot(draws, [relative_error(q, m) for m in draws], "o-", label=name)
ax.set(xscale="log", yscale="log", xlabel="Draws", ylabel="Largest relative error")
ax.legend()
plt.show()

# %%
# With sensitivities the *worst* image is less far off: that is what they are for. But
# look at the slope: ten times as many draws make the error only
# :math:`\sqrt{10} \approx 3` times smaller. An edge that is drawn twice still counts as
# one edge, so 1,000 draws need fewer than 1,000 edges. Still, a small error needs
# almost all edges of the neuron.

# %%
# A whole network
# ---------------
# `CoresetCompressor` does this for all neurons: `method="corenet"`. Other methods keep
# the edges that seem best and leave nothing to chance: `method="magnitude"` keeps the
# largest weights.
#
# The next step is **refinement**: the edges that stay are trained until the thin
# network gives the outputs of the dense one. This needs no labels, as the dense network
# is the teacher. `method="refined"` does both: it keeps the edges that matter most to
# the output, and trains them.

densities = [0.7, 0.5, 0.3, 0.2, 0.1, 0.05]


def agreement(method, **options):
    """Share of new images on which thin and dense network agree, by density."""
    agrees = []
    for density in densities:
        compressor = CoresetCompressor(
            mlp, method=method, density=density, random_state=0, **options
        ).fit(X_new[:500])
        agrees.append(
            (compressor.predict(X_new[500:]) == mlp.predict(X_new[500:])).mean()
        )
    return agrees


# the thinnest networks never predict some digits, and a warning would say so
warnings.simplefilter("ignore", UserWarning)
figure, ax = plt.subplots(figsize=(6, 3.5), layout="constrained")
for method in ("refined", "corenet", "magnitude", "uniform"):
    ax.plot(densities, agreement(method), "o-", label=method)
ax.set(xscale="log", xlabel="Share of edges kept", ylabel="Agreement with dense")
ax.set_xticks(densities, [f"{density:.0%}" for density in densities])
ax.minorticks_off()
ax.legend()
plt.show()

# %%
# The network itself
# ------------------
# This is what 5% of the edges look like:

thin = CoresetCompressor(mlp, density=0.05, random_state=0).fit(X_new[:500])
NetworkDisplay.from_estimator(thin)
plt.show()

# %%
# Exercise 1
# ----------
# How many draws does it take to halve the error of 100 draws? Work it out, then try it
# with `relative_error`.

# your turn

# %%
# Exercise 2
# ----------
# Refinement works with any choice of edges: `refine=True`. Add `"corenet"` and
# `"magnitude"` with refinement to the figure. What matters more: which edges are kept,
# or that they are trained?

# your turn

# %%
# Exercise 3
# ----------
# `thin.coefs_[0]` is a sparse array of shape (64, number of hidden neurons). Which
# pixels does the thin network look at? Draw how many edges each pixel has left. (Or see
# `InputDensityDisplay`.)

# your turn

# %%
# Exercise 4
# ----------
# Refinement needs images, though no labels. Refine at `density=0.05` with 30, 100 and
# 500 images, and measure the agreement on *other* images. What happens with few?

# your turn
