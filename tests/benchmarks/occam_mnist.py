"""Generalization bound and fine-tuning of the reference network on MNIST.

Run by hand: python -m tests.benchmarks.occam_mnist --data FILE --network FILE
"""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import argparse
from time import perf_counter

import numpy as np
from sklearn.neural_network import MLPClassifier

from skcoreset import CoresetCompressor
from skcoreset._training import fine_tune
from skcoreset._wrapped import encode_targets, network_of
from skcoreset.bounds import corenet_bound, occam_bound


def load(data, network):
    """MNIST in [0, 1] as float32, and the network as a fitted estimator."""
    mnist, weights = np.load(data), np.load(network)
    rows = {
        part: (
            mnist[f"X_{part}"].reshape(-1, 784) / np.float32(255),
            mnist[f"y_{part}"],
        )
        for part in ("train", "test")
    }
    coefs = [weights[f"coefs_{layer}"] for layer in range(3)]
    intercepts = [weights[f"intercepts_{layer}"] for layer in range(3)]
    X, y = rows["train"]
    mlp = MLPClassifier((300, 100), batch_size=128, random_state=0)
    # one step makes all that a fitted estimator has besides its weights
    mlp.partial_fit(X[:128], y[:128], classes=np.unique(y))
    mlp.coefs_, mlp.intercepts_ = coefs, intercepts
    return rows["train"], rows["test"], mlp, weights["calibration"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="mnist.npz")
    parser.add_argument("--network", required=True, help="mnist_300_100.npz")
    parser.add_argument("--density", type=float, default=0.05)
    parser.add_argument("--n-jobs", type=int, default=None)
    options = parser.parse_args()
    (X, y), (X_test, y_test), mlp, calibration = load(options.data, options.network)

    for density in (0.05, 0.02, 0.01):
        compressor = CoresetCompressor(
            mlp, density=density, random_state=0, n_jobs=options.n_jobs
        )
        compressor.fit(X[calibration])
        network = network_of(compressor.estimator_)
        start = perf_counter()
        tuned = fine_tune(
            network,
            X,
            encode_targets(mlp, y),
            alpha=mlp.alpha,
            batch_size=mlp.batch_size,
            rng=np.random.default_rng(0),
        )
        seconds = perf_counter() - start
        accuracies = [
            np.mean(each.forward(X_test).argmax(axis=1) == y_test)
            for each in (network, tuned)
        ]
        print(
            f"density {density:g}: test accuracy {accuracies[0]:.2%}, fine-tuned "
            f"{accuracies[1]:.2%} in {seconds:.0f} s",
            flush=True,
        )

    compressor = CoresetCompressor(
        mlp, density=options.density, random_state=0, n_jobs=options.n_jobs
    ).fit(X[calibration])
    print(corenet_bound(compressor, X, y, margin=1.0), flush=True)
    start = perf_counter()
    bound = occam_bound(compressor, X, y)
    print(bound)
    for name, values in bound.path.items():
        print(f"  {name:<12}", *(f"{value:10.4g}" for value in values))
    test_error = 1 - bound.estimator.score(X_test, y_test)
    print(f"test error {test_error:.2%}; {perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
