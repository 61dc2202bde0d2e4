"""
Choose epsilon by grid search
=============================

How much error is too much? Where the answer is "as long as nearly all predictions
stay", a grid search over `epsilon` finds the smallest network that does it.
"""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from skcoreset import CoresetCompressor
from skcoreset.model_selection import SparsestWithin, density_score, fidelity_score

X, y = load_digits(return_X_y=True)
X_train, X_rest, y_train, _ = train_test_split(
    X, y, train_size=800, random_state=0, stratify=y
)
X_search, X_fresh = train_test_split(X_rest, test_size=300, random_state=0)

# %%
# The whole pipeline goes inside
# ------------------------------
# The network was trained on scaled inputs, so the scaler belongs to it. The compressor
# takes the fitted pipeline as one thing, and the search clones it without fitting it
# again. In ``make_pipeline(MinMaxScaler(), CoresetCompressor(mlp))`` the scaler would
# be fitted anew in every fold, and the network would get inputs that it does not know.

pipeline = make_pipeline(
    MinMaxScaler(), MLPClassifier((64,), max_iter=500, random_state=0)
).fit(X_train, y_train)

# %%
# Search
# ------
# The best score alone would always go to the smallest epsilon. `SparsestWithin` takes
# the sparsest candidate whose fidelity is at most 0.02 below the best. Fidelity is the
# share of predictions that are the original's: no labels are needed.

search = GridSearchCV(
    CoresetCompressor(pipeline, random_state=0),
    {"epsilon": [0.1, 0.2, 0.3, 0.5]},
    scoring={"fidelity": fidelity_score, "density": density_score},
    refit=SparsestWithin(0.02, score="fidelity"),
    cv=3,
).fit(X_search)
print(search.best_params_)

# %%

results = search.cv_results_
figure, ax = plt.subplots(layout="constrained")
ax.errorbar(
    results["mean_test_density"],
    results["mean_test_fidelity"],
    results["std_test_fidelity"],
    color="#1F85C7",
    marker="o",
    capsize=3,
)
for epsilon, density, fidelity in zip(
    results["param_epsilon"],
    results["mean_test_density"],
    results["mean_test_fidelity"],
):
    ax.annotate(
        f"{epsilon:g}", (density, fidelity), xytext=(6, -14), textcoords="offset points"
    )
ax.plot(
    results["mean_test_density"][search.best_index_],
    results["mean_test_fidelity"][search.best_index_],
    "o",
    color="#D55E00",
    markersize=12,
    fillstyle="none",
    label=f"chosen: epsilon = {search.best_params_['epsilon']:g}",
)
ax.set(
    xlabel="Share of edges kept",
    ylabel="Share of predictions that stay (three folds)",
    title="Each point is one epsilon",
)
ax.margins(x=0.1)
_ = ax.legend(loc="lower right")

# %%
# Certify again
# -------------
# The chosen network is the best of several on the rows of the search, and its
# certificate rests on some of these. Rows that the search has not seen make it hold.

compressor = search.best_estimator_.fit(X_search, X_val=X_fresh)
print(compressor.certificate_)
print(f"{compressor.density_:.1%} of the edges are kept.")
