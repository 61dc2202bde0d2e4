"""
============================================
What the size of a network says of its error
============================================

A network that can be described in few bits cannot have learnt its training rows by
heart, and so its error on them says something about its error on all others. How much
is Occam's bound, :func:`skcoreset.bounds.occam_bound`: it needs no test rows. Rows that
were kept apart say more.
"""

# %%
# A network with many more weights than it needs
# ----------------------------------------------
#
# Two classes in 40 dimensions, 20,000 rows to train on, and as many to look at the true
# error with, which no bound gets to see.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from skcoreset import CoresetCompressor
from skcoreset.bounds import corenet_bound, occam_bound, split_bound

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

compressor = CoresetCompressor(mlp, density=0.1, random_state=0).fit(X[:4000])
paper = corenet_bound(compressor, X, y, margin=1.0)
print(paper)

# %%
# Few bits: a bound from the training rows
# ----------------------------------------
#
# The search takes edges away while it trains the others with labels, rounds the weights
# to a few levels, and writes the result in a code that was fixed before any row was
# seen. It returns the network with the smallest bound.
occam = occam_bound(compressor, X, y)
print(occam)

# %%
# Each dot is a network that was tried. Fewer bits are worth some errors on the training
# rows, up to a point.
fig, ax = plt.subplots(layout="constrained")
path = occam.path
for name, color, label in (
    ("error_bound", "#1F85C7", "bound on the true error"),
    ("train_error", "#808080", "errors on the training rows"),
):
    ax.plot(path["n_bits"], path[name], "o", color=color, label=label)
ax.plot(
    occam.n_bits,
    1 - occam.estimator.score(X_test, y_test),
    "*",
    color="#D55E00",
    markersize=12,
    label="true error of the best, on test rows",
)
ax.set(xlabel="Bits that describe the network", xlim=(0, None), ylim=(0, None))
ax.yaxis.set_major_formatter("{x:.0%}")
_ = ax.legend()

# %%
# Rows that are kept apart: a bound to quote
# ------------------------------------------
#
# Where half of the rows can be spared, they say far more: the other half makes the
# network and a few compressed ones, and the errors of each are counted on rows that it
# has never seen.
split = split_bound(
    CoresetCompressor(clone(mlp), random_state=0), X, y, densities=[0.2, 0.05, 0.02]
)
print(split)

# %%
# Side by side
# ------------
bounds = [
    ("corenet_bound", "the paper's leading term,\nconstants left out", paper, None),
    (
        "occam_bound",
        "code fixed before any row was seen,\nerrors of the training rows",
        occam,
        occam.estimator,
    ),
    (
        "split_bound",
        "half of the rows made the network,\nerrors of the other half",
        split,
        split.estimator,
    ),
]
fig, ax = plt.subplots(figsize=(7.5, 3.4), layout="constrained")
ticks = []
right = 1.6 * occam.error_bound
for place, (name, basis, bound, estimator) in enumerate(bounds):
    vacuous = bound.error_bound > 1
    length = right if vacuous else bound.error_bound
    text = "above 100%: says nothing" if vacuous else f"{length:.1%}"
    ax.barh(place, length, 0.5, color="#D0D0D0" if vacuous else "#1F85C7", alpha=0.8)
    ax.annotate(
        text,
        (right / 2 if vacuous else length, place),
        (0 if vacuous else 4, 0),
        textcoords="offset points",
        color="black" if vacuous else plt.rcParams["text.color"],
        ha="center" if vacuous else "left",
        va="center",
    )
    if estimator is not None:
        error = 1 - estimator.score(X_test, y_test)
        label = "true error, on test rows" if name == "split_bound" else None
        ax.plot(error, place, "D", color="#D55E00", label=label)
    ticks.append(f"{name}\n{basis}")
ax.set_yticks(range(len(bounds)), ticks)
ax.invert_yaxis()
ax.set(
    xlim=(0, right),
    xlabel="Bound on the error, which holds with probability 95%",
)
ax.xaxis.set_major_formatter("{x:.0%}")
_ = ax.legend(loc="lower right")

# %%
# Each is about another network: the first about one that CoreNet draws, the second
# about one of a few bits, the third about the best of those that half of the rows made.
