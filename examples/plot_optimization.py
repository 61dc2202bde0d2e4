"""
Optimize over a network: sparse ones can be solved
==================================================

Which settings make the prediction of a network largest? With ReLU that is a
mixed-integer linear program with a binary variable for each neuron, and solvers give up
even on small dense networks. With a tenth of the edges the answer comes at once.
"""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import time

import matplotlib.pyplot as plt
import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp
from sklearn.neural_network import MLPRegressor

from skcoreset import CoresetCompressor


def process(X):
    """What comes out of a process with six settings between -1 and 1."""
    return (
        np.sin(3 * X[:, 0]) * X[:, 1]
        + X[:, 2] * X[:, 3]
        - X[:, 4] ** 2
        + np.cos(2 * X[:, 5])
    )


rng = np.random.default_rng(0)
X = rng.uniform(-1, 1, (6000, 6))
y = process(X) + rng.normal(0, 0.05, len(X))
X_train, X_calibration, X_test = X[:3000], X[3000:5000], X[5000:]
mlp = MLPRegressor(
    hidden_layer_sizes=(32, 32), learning_rate_init=0.003, max_iter=300, random_state=0
)
mlp.fit(X_train, y[:3000])

# %%
# The program
# -----------
#
# A neuron is h = max(0, a), where a is linear in the neurons before. If a lies between
# `low` < 0 and `high` > 0, a binary variable z says on which side of 0 it is::
#
#     h >= a,   h <= a - low * (1 - z),   h <= high * z,   h >= 0
#
# A neuron that is on, or off, for all settings needs no z: interval arithmetic finds
# these. HiGHS, which comes with SciPy, solves the program.


def maximize(mlp, low, high, time_limit):
    """Settings between `low` and `high` with the largest prediction of a network.

    Returns the settings (None if the solver found none), whether they are proven to be
    the best, the seconds that it took and the number of binary variables.
    """
    bounds, is_binary, rows, limits = [*zip(low, high)], [0] * len(low), [], []

    def variable(low, high, binary=0):
        bounds.append((low, high))
        is_binary.append(binary)
        return len(bounds) - 1

    def constrain(coefficients, least, most):
        rows.append(coefficients)
        limits.append((least, most))

    before = np.arange(len(low))
    for layer, (coef, intercept) in enumerate(zip(mlp.coefs_, mlp.intercepts_)):
        after = []
        for weights, b in zip(coef.T, intercept):
            edges = np.flatnonzero(weights)
            ends = np.array([bounds[before[i]] for i in edges]).reshape(-1, 2)
            ends = weights[edges, np.newaxis] * ends
            lowest, highest = b + ends.min(axis=1).sum(), b + ends.max(axis=1).sum()
            minus_a = dict(zip(before[edges], -weights[edges]))
            if layer == len(mlp.coefs_) - 1 or lowest >= 0:
                h = variable(lowest, highest)
                constrain(minus_a | {h: 1}, b, b)
            elif highest <= 0:
                h = variable(0, 0)
            else:
                h, z = variable(0, highest), variable(0, 1, binary=1)
                constrain(minus_a | {h: 1}, b, np.inf)
                constrain(minus_a | {h: 1, z: -lowest}, -np.inf, b - lowest)
                constrain({h: 1, z: -highest}, -np.inf, 0)
            after.append(h)
        before = np.array(after)

    places = [(i, j) for i, row in enumerate(rows) for j in row]
    values = [value for row in rows for value in row.values()]
    matrix = sparse.csr_array(
        (values, tuple(zip(*places))), shape=(len(rows), len(bounds))
    )
    start = time.perf_counter()
    solution = milp(
        -(np.arange(len(bounds)) == before[0]).astype(float),
        integrality=is_binary,
        bounds=Bounds(*zip(*bounds)),
        constraints=LinearConstraint(matrix, *zip(*limits)),
        options={"time_limit": time_limit},
    )
    seconds = time.perf_counter() - start
    settings = None if solution.x is None else solution.x[: len(low)]
    return settings, solution.status == 0, seconds, sum(is_binary)


# %%
# Dense and compressed
# --------------------
#
# The calibration rows are settings, without their outcomes. `to_dense` returns a plain
# `MLPRegressor` of fewer neurons; packages for optimization (gurobi-machinelearning,
# PySCIPOpt-ML) take it as it is.

TIME_LIMIT = 5
found = []
print("edges  ReLUs     R2  seconds            outcome")
for density in (1, 0.1, 0.05, 0.02):
    network = mlp
    if density < 1:
        compressor = CoresetCompressor(mlp, density=density, random_state=0)
        network = compressor.fit(X_calibration).to_dense()
    settings, is_optimal, seconds, n_relus = maximize(
        network, -np.ones(6), np.ones(6), TIME_LIMIT
    )
    outcome = "no settings found"
    if settings is not None:
        outcome = f"{process(settings[np.newaxis])[0]:.2f}"
        outcome += "" if is_optimal else ", not proven best"
    r2 = network.score(X_test, y[5000:])
    print(f"{density:5.0%}  {n_relus:5}  {r2:.3f}  {seconds:7.2f}  {outcome:>17}")
    found.append((n_relus, seconds))

# %%
# The best outcome of the process itself is 3. The dense network is not solved within
# the time limit. With 10% and 5% of the edges the settings are nearly the best there
# are. 2% are too few: the program is solved, but the network describes the process far
# less well, and the settings are good by luck.

n_relus, seconds = zip(*found)
figure, ax = plt.subplots(figsize=(5, 3.2), layout="constrained")
ax.plot(n_relus, seconds, "o-")
ax.axhline(TIME_LIMIT, color="tab:gray", linestyle="--")
ax.text(n_relus[-1], 0.9 * TIME_LIMIT, "time limit", va="top")
ax.set(xlabel="ReLUs with a binary variable", ylabel="seconds to solve", yscale="log")
