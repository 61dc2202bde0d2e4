"""Prediction speed of compressed networks, as a multiple of the dense MLP's.

One thread, best of several runs, dense and compressed in one run:

    python tests/benchmarks/inference.py
"""

import argparse
import time

import numpy as np
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from skcoreset import CoresetCompressor

DENSITIES = (0.5, 0.2, 0.1, 0.05, 0.02, 0.01)


def seconds(*calls, n_runs=7):
    """Least time of each call; they take turns, as a machine's pace may change."""
    best = [np.inf] * len(calls)
    for _ in range(n_runs):
        for i, call in enumerate(calls):
            start = time.process_time()
            call()
            best[i] = min(best[i], time.process_time() - start)
    return best


def main(n_rows, hidden_layer_sizes):
    rng = np.random.default_rng(0)
    X = rng.random((n_rows, 784), dtype=np.float32)
    mlp = MLPClassifier(hidden_layer_sizes, random_state=0)
    mlp.partial_fit(X[:200], rng.integers(0, 10, 200), classes=np.arange(10))

    def one_by_one(estimator):
        return lambda: [estimator.predict(X[i : i + 1]) for i in range(300)]

    with threadpool_limits(1):
        print("density  compressor.predict  one row  estimator_.predict")
        for density in DENSITIES:
            compressor = CoresetCompressor(mlp, method="magnitude", density=density)
            compressor.fit(X[:300])
            estimator = compressor.estimator_
            dense, blocked, plain = seconds(
                lambda: mlp.predict(X),
                lambda: compressor.predict(X),  # noqa: B023
                lambda: estimator.predict(X),  # noqa: B023
            )
            dense_one, one = seconds(one_by_one(mlp), one_by_one(compressor))
            ratios = dense / blocked, dense_one / one, dense / plain
            columns = zip((18, 7, 18), ratios)
            print(
                f"{density:7.2f}", *(f"{ratio:{width}.2f}" for width, ratio in columns)
            )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--hidden", type=int, nargs="+", default=[500, 500, 500])
    arguments = parser.parse_args()
    main(arguments.rows, tuple(arguments.hidden))
