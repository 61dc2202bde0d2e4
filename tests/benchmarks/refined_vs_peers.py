"""Refined coresets beside other people's programs, on one MNIST network.

Run by hand::

    python -m tests.benchmarks.refined_vs_peers --data mnist.npz \\
        --network mnist_300_100.npz --peers peers_mnist.json
"""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import argparse
import json
from time import perf_counter

import numpy as np

from skcoreset._errors import ERRORS
from skcoreset._methods._refined import Refined
from skcoreset._network import Network

DENSITIES = [0.5, 0.3, 0.2, 0.1, 0.05, 0.03, 0.02, 0.01]

# What `measure` gives, and seconds; nan where a peer's run did not record it.
PEER_KEYS = "density", "err_median", "err_q90", "accuracy", "agreement", "seconds"

# Share of the calibration rows that nothing is fitted on, as a guarantee needs.
VALIDATION_FRACTION = 0.1

# Ratio of neighbouring densities of the fine path, and where it ends.
STEP, LOWEST = 0.985, 0.0099

# Relative errors and shares of changed predictions to look for along a path.
EPSILONS, DELTA, CHANGED = (0.1, 0.3), 0.1, 0.02


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("data", "network", "peers"):
        parser.add_argument(f"--{name}", required=True)
    arguments = parser.parse_args()
    mnist, weights = np.load(arguments.data), np.load(arguments.network)
    network = Network(
        tuple(weights[f"coefs_{layer}"] for layer in range(3)),
        tuple(weights[f"intercepts_{layer}"] for layer in range(3)),
        "relu",
    )
    X_test, y_test = scaled(mnist["X_test"]), mnist["y_test"]
    calibration = scaled(mnist["X_train"][weights["calibration"]])
    order = np.random.default_rng(0).permutation(len(calibration))
    X = calibration[order[: round((1 - VALIDATION_FRACTION) * len(order))]]

    rows = [("dense", *measure(network, network, X_test, y_test), 0.0)]
    for density in DENSITIES:
        start = perf_counter()
        compressed = next(refined(network, X, [density]))
        seconds = perf_counter() - start
        figures = measure(compressed, network, X_test, y_test)
        rows.append(("skcoreset refined", *figures, seconds))
    rows += [
        ("skcoreset refined, fine path", *figures)
        for figures in walk(network, X, X_test, y_test)
    ]
    with open(arguments.peers) as file:
        rows += [
            (peer["program"], *(peer.get(key, np.nan) for key in PEER_KEYS))
            for peer in json.load(file)
        ]
    show(rows)
    find_on_fresh_rows(network, X_test)


def scaled(X):
    return X.reshape(len(X), -1).astype(np.float32) / np.float32(255)


def refined(network, X, densities):
    return Refined().path(
        network,
        X,
        densities,
        refine=True,
        error=ERRORS["relative"],
        rng=np.random.default_rng(0),
    )


def measure(compressed, network, X, y):
    """Density, median and 90% quantile of the error, accuracy, agreement."""
    F, F_hat = network.forward(X), compressed.forward(X)
    errors = relative_errors(F_hat, F)
    labels = F_hat.argmax(axis=1)
    return (
        compressed.n_edges / network.n_edges,
        np.median(errors),
        np.quantile(errors, 1 - DELTA),
        np.mean(labels == y),
        np.mean(labels == F.argmax(axis=1)),
    )


def relative_errors(F_hat, F):
    return np.linalg.norm(F_hat - F, axis=1) / np.linalg.norm(F, axis=1)


def fine_grid():
    return STEP ** np.arange(np.ceil(np.log(LOWEST) / np.log(STEP)))


def walk(network, X, X_test, y_test):
    """Figures at `DENSITIES`, all from one walk; seconds since its start."""
    marks, seconds = list(DENSITIES), 0.0
    path = refined(network, X, fine_grid())
    start = perf_counter()
    for compressed in path:
        seconds += perf_counter() - start
        if marks and compressed.n_edges <= marks[0] * network.n_edges:
            marks.pop(0)
            yield *measure(compressed, network, X_test, y_test), seconds
        start = perf_counter()


def find_on_fresh_rows(network, X_test):
    """How sparse a path gets, from rows that the network was not trained on.

    The path is built on 3,500 of the first 5,000 test rows, and judged on the others:
    what a perfect choice on it would reach.
    """
    X, fresh = X_test[:3500], X_test[5000:]
    F = network.forward(fresh)
    labels = F.argmax(axis=1)
    reached = {}
    for density, compressed in zip(fine_grid(), refined(network, X, fine_grid())):
        F_hat = compressed.forward(fresh)
        quantile = np.quantile(relative_errors(F_hat, F), 1 - DELTA)
        for epsilon in EPSILONS:
            if quantile <= epsilon:
                reached[f"{1 - DELTA:.0%} of the errors below {epsilon}"] = density
        if np.mean(F_hat.argmax(axis=1) != labels) <= CHANGED:
            reached[f"at most {CHANGED:.0%} of the predictions change"] = density
    for what, density in reached.items():
        print(f"{what}: density {density:.2%}")


def show(rows):
    columns = "density", "median", "q90", "accuracy", "agreement", "seconds"
    print(f"{'':58}" + "".join(f"{column:>11}" for column in columns))
    for program, *figures, seconds in sorted(rows, key=lambda row: -row[1]):
        cells = "".join(f"{figure:11.4f}" for figure in figures)
        print(f"{program:58}{cells}{seconds:11.1f}")


if __name__ == "__main__":
    main()
