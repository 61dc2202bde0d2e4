"""
Beside a smaller network
========================

Is it better to compress a large network, or to train a small one? With labels, and time
to train, the small one is hard to beat. Without, or where the large network's own
answers are to stay, it is not.
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

from skcoreset import CoresetCompressor

warnings.simplefilter("ignore", ConvergenceWarning)

# %%
# One large network, trained with labels; rows without labels to compress it with; and
# rows to compare on.

X, y = load_digits(return_X_y=True)
X = (X / 16).astype(np.float32)
X_train, X_rest, y_train, y_rest = train_test_split(
    X, y, train_size=900, random_state=0, stratify=y
)
X_unlabelled, X_test, _, y_test = train_test_split(
    X_rest, y_rest, test_size=400, random_state=0, stratify=y_rest
)
large = MLPClassifier((128, 64), max_iter=300, random_state=0).fit(X_train, y_train)
n_edges = sum(coef.size for coef in large.coefs_)

# %%
# Three ways to as many edges
# ---------------------------
# A network with one hidden layer has 74 edges for each of its neurons here. It is
# trained from scratch, with labels; or on the outputs of the large network, without
# (distillation). The compressed network keeps as many edges of the large one.


def compressed(density, seed):
    compressor = CoresetCompressor(large, density=density, random_state=seed)
    return compressor.fit(X_unlabelled).predict(X_test)


def from_scratch(density, seed):
    n_hidden = round(density * n_edges / 74)
    small = MLPClassifier((n_hidden,), max_iter=300, random_state=seed)
    return small.fit(X_train, y_train).predict(X_test)


# needs no labels either, so the training rows may be used as well
X_all = np.concatenate([X_train, X_unlabelled])
outputs = large.predict_log_proba(X_all)
outputs -= outputs.mean(axis=1, keepdims=True)


def distilled(density, seed):
    n_hidden = round(density * n_edges / 74)
    small = MLPRegressor(
        hidden_layer_sizes=(n_hidden,), tol=1e-6, max_iter=200, random_state=seed
    )
    small.fit(X_all, outputs / outputs.std())
    return small.predict(X_test).argmax(axis=1)


densities, seeds = [0.2, 0.1, 0.05, 0.02], range(2)
ways = {
    "compressed, no labels": compressed,
    "distilled, no labels": distilled,
    "from scratch, with labels": from_scratch,
}
original = large.predict(X_test)
accuracy, agreement = {}, {}
for name, predict in ways.items():
    predictions = [[predict(density, s) for s in seeds] for density in densities]
    accuracy[name] = (np.array(predictions) == y_test).mean(axis=(1, 2))
    agreement[name] = (np.array(predictions) == original).mean(axis=(1, 2))

print(f"{'':27}" + "".join(f"{density:>8.0%}" for density in densities))
for title, table in {"accuracy": accuracy, "agreement": agreement}.items():
    for name, values in table.items():
        row = "".join(f"{value:>8.1%}" for value in values)
        print(f"{name:27}{row}  {title}")

# %%
# Gradient boosting is what to try first on a table. Images of digits are none:

trees = HistGradientBoostingClassifier(random_state=0).fit(X_train, y_train)
print(f"the large network: {large.score(X_test, y_test):.1%} accuracy")
print(f"gradient boosting: {trees.score(X_test, y_test):.1%} accuracy")

# %%
# The accuracy on the left is a question of labels. On the right is what compression is
# for: the share of rows that are still answered as the large network answers them.

figure, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained", sharey=True)
for ax, table, title in zip(
    axes, [accuracy, agreement], ["Accuracy", "Agreement with the large network"]
):
    for (name, values), color, marker in zip(
        table.items(), ["#1F85C7", "#D55E00", "#808080"], "os^"
    ):
        ax.plot(densities, values, color=color, marker=marker, label=name)
    ax.set(xscale="log", xlabel="Edges, as a share of the large network's", title=title)
    ax.set_xticks(densities, [f"{density:.0%}" for density in densities])
    ax.minorticks_off()
axes[0].yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
axes[0].set_ylabel("Share of new rows")
_ = axes[0].legend(loc="lower right", frameon=False)
