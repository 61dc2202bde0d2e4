"""
CoreNet against refined coresets
================================

CoreNet draws edges at random and weights them so that every neuron is right on average.
Refined coresets rank edges by what the output would lose, and train those that stay to
reproduce it. Neither needs labels.
"""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from skcoreset import CoresetCompressor

X, y = load_digits(return_X_y=True)
X = (X / 16).astype(np.float32)
X_train, X_rest, y_train, y_rest = train_test_split(
    X, y, train_size=800, random_state=0, stratify=y
)
X_calibration, X_test, _, y_test = train_test_split(
    X_rest, y_rest, test_size=400, random_state=0, stratify=y_rest
)
mlp = MLPClassifier((128, 64), max_iter=300, random_state=0).fit(X_train, y_train)

# %%
# The step that trains the kept edges stands on its own: `refine=True` gives it to any
# method, so that CoreNet's choice of edges can be told from CoreNet's weights.

densities = [0.8, 0.5, 0.3, 0.2, 0.1, 0.05]
candidates = {
    "corenet": dict(method="corenet"),
    "corenet, refined weights": dict(method="corenet", refine=True),
    "refined": dict(method="refined"),
}
errors, accuracies = {}, {}
for name, parameters in candidates.items():
    fits = [
        CoresetCompressor(mlp, density=density, random_state=0, **parameters).fit(
            X_calibration
        )
        for density in densities
    ]
    errors[name] = [fit.certificate_.quantiles[0.5] for fit in fits]
    accuracies[name] = [fit.score(X_test, y_test) for fit in fits]

# %%

figure, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
for name, color, marker in zip(
    candidates, ["#1F85C7", "#D55E00", "#009E73"], ["o", "^", "s"]
):
    for ax, values in zip(axes, [errors, accuracies]):
        ax.plot(densities, values[name], color=color, marker=marker, label=name)
axes[1].axhline(mlp.score(X_test, y_test), color="#808080", label="original")
axes[0].set(yscale="log", ylabel="Median relative error of the outputs")
axes[1].set(ylabel="Test accuracy")
for ax in axes:
    ax.set(xscale="log", xlabel="Share of edges kept", xticks=densities)
    ax.xaxis.set_major_formatter("{x:g}")
    ax.minorticks_off()
_ = axes[1].legend()
