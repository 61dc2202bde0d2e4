"""Generalization bounds beside the errors on test rows.

    python -m tests.benchmarks.bounds
    python -m tests.benchmarks.bounds --data mnist.npz --network network.npz

Without files on data that ships with scikit-learn or is generated, with them on MNIST.
"""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings
from time import process_time

import numpy as np
from sklearn.base import clone
from sklearn.datasets import load_digits, make_classification, make_friedman1
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from threadpoolctl import threadpool_limits

from skcoreset import CoresetCompressor
from skcoreset.bounds import corenet_bound, occam_bound, split_bound
from skcoreset.bounds.checks import are_wrong
from tests.benchmarks.mnist import load, parser


def series(n_samples, rng):
    """Four frequencies, in noise."""
    time = np.linspace(0, 1, 128)
    y = rng.integers(4, size=n_samples)
    frequency = 3 + 0.7 * y + 0.2 * rng.standard_normal(n_samples)
    phase = 0.1 * rng.standard_normal(n_samples)
    waves = np.sin(2 * np.pi * (np.multiply.outer(frequency, time) + phase[:, None]))
    waves *= np.exp(-(((time - 0.5) / 0.3) ** 2))
    return waves + 0.3 * rng.standard_normal(waves.shape), y


def problems():
    """Yield name, network that is not fitted, rows, targets, and the tolerance."""
    digits = load_digits().data / 16, load_digits().target
    rng = np.random.default_rng(0)
    deep = rng.standard_normal((40_000, 10))
    waves = np.sin(3 * deep[:, 0]) + np.sin(3 * deep[:, 1]) * deep[:, 2]
    sizes = {"early_stopping": True, "random_state": 0}
    yield "digits", MLPClassifier((50,), random_state=0), *digits, None
    yield (
        "2 classes, 40 features",
        MLPClassifier((100, 50), **sizes),
        *make_classification(
            40_000, 40, n_informative=8, class_sep=1.5, flip_y=0.01, random_state=0
        ),
        None,
    )
    yield (
        "10 classes, 40 features",
        MLPClassifier((100, 50), **sizes),
        *make_classification(
            40_000,
            40,
            n_informative=15,
            n_classes=10,
            n_clusters_per_class=1,
            class_sep=2,
            random_state=1,
        ),
        None,
    )
    yield (
        "sines and products",
        MLPClassifier((60, 60), **sizes),
        deep,
        waves + np.abs(deep[:, 3]) > 0.8,
        None,
    )
    yield "series", MLPClassifier((60,), **sizes), *series(20_000, rng), None
    yield (
        "Friedman, tolerance 3",
        MLPRegressor(hidden_layer_sizes=(50, 30), **sizes),
        *make_friedman1(20_000, noise=1, random_state=0),
        3.0,
    )


def show(name, mlp, rows, test, tolerance):
    """Print a row: the bounds and errors of both, dense and of few bits."""
    X, y = rows
    compressor = CoresetCompressor(mlp, density=0.1, random_state=0).fit(X[:4000])
    start = process_time()
    occam = occam_bound(compressor, X, y, tolerance=tolerance)
    seconds = process_time() - start
    dense = are_wrong(mlp, *test, tolerance).mean()
    of_test = are_wrong(occam.estimator, *test, tolerance).mean()
    print(
        f"{name:<24} {len(X):>6} {dense:>6.2%}   {occam.error_bound:>6.2%} "
        f"{occam.train_error:>6.2%} {of_test:>6.2%} {occam.n_bits:>5} {seconds:>5.0f}",
        end="",
        flush=True,
    )
    start = process_time()
    compressor = CoresetCompressor(clone(mlp), random_state=0)
    bound = split_bound(compressor, X, y, tolerance=tolerance)
    seconds = process_time() - start
    of_test = are_wrong(bound.estimator, *test, tolerance).mean()
    print(
        f"   {bound.error_bound:>6.2%} {of_test:>6.2%} {bound.density:>6.2%} "
        f"{seconds:>5.0f}",
        flush=True,
    )
    return occam, bound


def main():
    options = parser(__doc__, required=False).parse_args()
    print(
        "                           rows  dense  |  occam  train   test  bits     s"
        "  |  split   test  edges     s"
    )
    if options.data:
        reference = load(options.data, options.network)
        mlp, rows = reference.mlp, (reference.X, reference.y)
        test = reference.X_test, reference.y_test
        for bound in show("MNIST", mlp, rows, test, None):
            print(bound)
        compressor = CoresetCompressor(mlp, density=0.05, random_state=0)
        compressor.fit(reference.X_calibration)
        print(corenet_bound(compressor, *rows, margin=1.0))
        return
    for name, mlp, X, y, tolerance in problems():
        X, X_test, y, y_test = train_test_split(
            X.astype(np.float32), y, test_size=0.3, random_state=0
        )
        show(name, mlp.fit(X, y), (X, y), (X_test, y_test), tolerance)


if __name__ == "__main__":
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        main()
