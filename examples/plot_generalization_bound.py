"""
============================================
What the size of a network says of its error
============================================

A network that can be described in few bits cannot have learnt its training rows by
heart, and so its error on them says something about its error on all others. How much
is Occam's bound, :func:`skcoreset.bounds.occam_bound`: it needs no test rows.
"""

# %%
# A network with many more weights than it needs
# ----------------------------------------------
#
# Two classes in 40 dimensions, 20,000 rows to train on, and as many to look at the true
# error with, which no bound gets to see.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_classification
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from skcoreset import CoresetCompressor
from skcoreset.bounds import corenet_bound, occam_bound

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
# Dense: nothing can be said
# --------------------------
#
# Written down in 32 bits a weight, the dense network is longer than the list of the
# right answers, one bit a row. The bound of the paper starts from its margins and is
# far above 1, too.
n_weights = sum(coef.size for coef in mlp.coefs_ + mlp.intercepts_)
print(f"dense: {32 * n_weights:,} bits for {len(X):,} rows")

refined = CoresetCompressor(mlp, density=0.1, random_state=0).fit(X[:4000])
print(corenet_bound(refined, X, y, margin=1.0))

# %%
# Pruned and refined: from vacuous to useful
# ------------------------------------------
#
# The search starts from a compressed network, takes edges away while it trains the
# others, rounds the weights to a few levels and writes the result in a prefix code. It
# returns the network with the smallest bound.
pruned = CoresetCompressor(
    mlp, method="magnitude", prune_neurons=True, density=0.1, random_state=0
).fit(X[:4000])
bounds = {
    "pruned by magnitude": occam_bound(pruned, X, y),
    "refined": occam_bound(refined, X, y),
}
for name, bound in bounds.items():
    test_error = 1 - bound.estimator.score(X_test, y_test)
    print(f"\n{name}, test error {test_error:.2%}:\n{bound}")

# %%
# From right to left edges are taken away. The bound (lines) falls with the bits, while
# the training error (dotted) hardly rises; where errors rise faster than bits are
# saved, there is nothing more to gain and the search ends. The true error of the
# network with the smallest bound (star) lies below its bound.
colors = {"pruned by magnitude": "#D55E00", "refined": "#1F85C7"}
fig, ax = plt.subplots(layout="constrained")
for name, bound in bounds.items():
    path = bound.path
    order = np.argsort(path["n_edges"])
    edges = path["n_edges"][order]
    ax.plot(edges, path["error_bound"][order], "o-", color=colors[name], label=name)
    ax.plot(edges, path["train_error"][order], ":", color=colors[name])
test_error = 1 - bounds["refined"].estimator.score(X_test, y_test)
ax.plot(
    bounds["refined"].n_edges,
    test_error,
    "*",
    color="#808080",
    markersize=12,
    label="test error of the best",
)
ax.set(
    xscale="log",
    xlabel="Edges of the quantised network",
    ylabel="Bound (lines), training error (dotted)",
    ylim=(0, None),
)
ax.xaxis.set_major_formatter("{x:g}")
ax.xaxis.set_minor_formatter("{x:g}")
_ = ax.legend()
