"""
Sampled or refined coresets
===========================

CoreNet samples edges and weights them so that every neuron is right on average. Refined
coresets rank the edges by how much the output would change without them, and train
those that stay. Neither needs labels.
"""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from skcoreset import CoresetCompressor

X, y = load_digits(return_X_y=True)
X_train, X_rest, y_train, y_rest = train_test_split(
    X / 16, y, train_size=800, random_state=0
)
X_new, X_test, _, y_test = train_test_split(
    X_rest, y_rest, test_size=400, random_state=0
)
mlp = MLPClassifier((128, 64), max_iter=300, random_state=0).fit(X_train, y_train)

# %%
# `refine=True` trains the edges that any method keeps. This separates CoreNet's choice
# of edges from CoreNet's weights.

densities = [0.8, 0.5, 0.3, 0.2, 0.1, 0.05]
candidates = {
    "refined": dict(method="refined"),
    "corenet": dict(method="corenet"),
    "corenet, refined weights": dict(method="corenet", refine=True),
}
errors, accuracies = {}, {}
# the sparsest sampled networks never predict some digits, and a warning says so
warnings.simplefilter("ignore", UserWarning)
for name, parameters in candidates.items():
    fits = [
        CoresetCompressor(mlp, density=density, random_state=0, **parameters).fit(X_new)
        for density in densities
    ]
    errors[name] = [fit.certificate_.quantiles[0.9] for fit in fits]
    accuracies[name] = [fit.score(X_test, y_test) for fit in fits]

# %%

figure, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
for name, marker in zip(candidates, "o^s"):
    for ax, values in zip(axes, [errors, accuracies]):
        ax.plot(densities, values[name], marker=marker, label=name)
axes[1].axhline(mlp.score(X_test, y_test), color="gray", label="original")
axes[0].set(yscale="log", ylabel="Change of a probability (90% of rows are below)")
axes[1].set(ylabel="Test accuracy")
for ax in axes:
    ax.set(xscale="log", xlabel="Share of edges kept", xticks=densities)
    ax.xaxis.set_major_formatter("{x:.0%}")
    ax.minorticks_off()
axes[1].legend()
plt.show()
