"""
Compress a large network, or train a small one?
===============================================

A small network can be trained from scratch with labels, or, without labels, on the
large network's answers. This example compares both with the compressed network, which
needs no labels either: by accuracy, and by how often the large network's answers stay
the same.
"""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from threadpoolctl import threadpool_limits

from skcoreset import CoresetCompressor

# One BLAS thread is faster for networks this small, and the figures below no longer
# depend on the number of cores.
threadpool_limits(1, user_api="blas")
warnings.simplefilter("ignore", ConvergenceWarning)

# %%
# One large network, trained with labels; rows without labels to compress it with; and
# rows to compare on.

X, y = load_digits(return_X_y=True)
X_train, X_rest, y_train, y_rest = train_test_split(
    X / 16, y, train_size=900, random_state=0
)
X_new, X_test, _, y_test = train_test_split(
    X_rest, y_rest, test_size=400, random_state=0
)
large = MLPClassifier((128, 64), max_iter=300, random_state=0).fit(X_train, y_train)
n_edges = sum(coef.size for coef in large.coefs_)

# %%
# Three ways to the same number of edges
# --------------------------------------
# Compression keeps some edges of the large network. A network with one hidden layer and
# as many edges (74 for each neuron) is trained from scratch with labels or, without
# labels, on the outputs of the large network. The latter is called distillation.


def compressed(density, seed):
    compressor = CoresetCompressor(large, density=density, random_state=seed)
    return compressor.fit(X_new).predict(X_test)


def from_scratch(density, seed):
    n_hidden = round(density * n_edges / 74)
    small = MLPClassifier((n_hidden,), max_iter=300, random_state=seed)
    return small.fit(X_train, y_train).predict(X_test)


# distillation needs no labels either, so that it may also use the training rows
X_all = np.concatenate([X_train, X_new])
outputs = large.predict_log_proba(X_all)
outputs -= outputs.mean(axis=1, keepdims=True)
outputs /= outputs.std()


def distilled(density, seed):
    n_hidden = round(density * n_edges / 74)
    small = MLPRegressor(
        hidden_layer_sizes=(n_hidden,), tol=1e-6, max_iter=200, random_state=seed
    )
    return small.fit(X_all, outputs).predict(X_test).argmax(axis=1)


densities, seeds = [0.2, 0.1, 0.05, 0.02], range(2)
rivals = {
    "compressed, no labels": compressed,
    "distilled, no labels": distilled,
    "from scratch, with labels": from_scratch,
}
original = large.predict(X_test)
accuracy, agreement = {}, {}
for name, predict in rivals.items():
    predictions = np.array([[predict(d, seed) for seed in seeds] for d in densities])
    accuracy[name] = (predictions == y_test).mean(axis=(1, 2))
    agreement[name] = (predictions == original).mean(axis=(1, 2))

print(f"{'':27}" + "".join(f"{density:>8.0%}" for density in densities))
for title, table in {"accuracy": accuracy, "agreement": agreement}.items():
    for name, values in table.items():
        row = "".join(f"{value:>8.1%}" for value in values)
        print(f"{name:27}{row}  {title}")

# %%
# For a table, try gradient boosting first. For images it is not the right tool:

trees = HistGradientBoostingClassifier(random_state=0).fit(X_train, y_train)
print(f"the large network: {large.score(X_test, y_test):.1%} accuracy")
print(f"gradient boosting: {trees.score(X_test, y_test):.1%} accuracy")

# %%
# Accuracy (left) depends on labels. Agreement (right) is what compression is for: the
# share of rows that are answered as the large network answers them.

figure, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained", sharey=True)
for ax, table, title in zip(
    axes, [accuracy, agreement], ["Accuracy", "Agreement with the large network"]
):
    for (name, values), marker in zip(table.items(), "os^"):
        ax.plot(densities, values, marker=marker, label=name)
    ax.set(xscale="log", xlabel="Edges, as a share of the large network's", title=title)
    ax.set_xticks(densities, [f"{density:.0%}" for density in densities])
    ax.minorticks_off()
axes[0].set_yticks([0.8, 0.85, 0.9, 0.95, 1])
axes[0].yaxis.set_major_formatter("{x:.0%}")
axes[0].set_ylabel("Share of new rows")
axes[0].legend(loc="lower right", frameon=False)
plt.show()
