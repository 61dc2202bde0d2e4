"""
Choose epsilon by grid search
=============================

How much error is too much? If the answer is "as long as nearly all predictions stay the
same", a grid search over `epsilon` finds the smallest network for it.
"""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from skcoreset import CoresetCompressor, certify
from skcoreset.model_selection import SparsestWithin, density_score, fidelity_score

X, y = load_digits(return_X_y=True)
X_train, X_rest, y_train, _ = train_test_split(X, y, train_size=800, random_state=0)
X_search, X_fresh = train_test_split(X_rest, test_size=300, random_state=0)

# %%
# The whole pipeline goes inside
# ------------------------------
# The network was trained on scaled inputs, so the scaler belongs to it. The compressor
# takes the fitted pipeline as a whole, and the search clones it without fitting it
# again.

pipeline = make_pipeline(
    MinMaxScaler(), MLPClassifier((64,), max_iter=500, random_state=0)
).fit(X_train, y_train)

# %%
# Search
# ------
# The score alone would always pick the smallest epsilon. `SparsestWithin` takes the
# sparsest candidate whose fidelity is at most 0.02 below the best. Fidelity is the
# share of predictions that are the same as the original's, so no labels are needed.

search = GridSearchCV(
    CoresetCompressor(pipeline, random_state=0),
    {"epsilon": [0.02, 0.05, 0.1, 0.2, 0.4]},
    scoring={"fidelity": fidelity_score, "density": density_score},
    refit=SparsestWithin(0.02, score="fidelity"),
    cv=3,
).fit(X_search)
print(search.best_params_)

# %%

results, best = search.cv_results_, search.best_index_
density, fidelity = results["mean_test_density"], results["mean_test_fidelity"]
figure, ax = plt.subplots(layout="constrained")
ax.errorbar(density, fidelity, results["std_test_fidelity"], marker="o", capsize=3)
for epsilon, *point in zip(results["param_epsilon"], density, fidelity):
    ax.annotate(f"{epsilon:g}", point, xytext=(6, -14), textcoords="offset points")
ax.plot(
    density[best],
    fidelity[best],
    "o",
    markersize=16,
    markeredgewidth=2,
    fillstyle="none",
    label=f"chosen: epsilon = {search.best_params_['epsilon']:g}",
)
ax.set(
    xlabel="Share of edges kept",
    ylabel="Share of predictions that stay the same (three folds)",
    title="Each point is one epsilon",
)
ax.margins(x=0.1)
ax.legend(loc="lower right")
plt.show()

# %%
# Certify on fresh rows
# ---------------------
# The chosen network is the best of several on the rows of the search, so its own
# certificate no longer holds. Rows that the search has not used give one that does.

print(f"{search.best_estimator_.density_:.1%} of the edges are left.")
print(
    certify(pipeline, search.best_estimator_, X_fresh, error="prediction", delta=None)
)
