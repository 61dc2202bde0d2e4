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


def seconds(call, n_runs=5):
    times = []
    for _ in range(n_runs):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return min(times)


def main(n_rows, hidden_layer_sizes):
    rng = np.random.default_rng(0)
    X = rng.random((n_rows, 784), dtype=np.float32)
    mlp = MLPClassifier(hidden_layer_sizes, random_state=0)
    mlp.partial_fit(X[:200], rng.integers(0, 10, 200), classes=np.arange(10))

    def one_by_one(estimator):
        return lambda: [estimator.predict(X[i : i + 1]) for i in range(300)]

    with threadpool_limits(1):
        dense = seconds(lambda: mlp.predict(X))
        dense_one = seconds(one_by_one(mlp))
        print(
            f"dense: {dense:.3f} s for {n_rows} rows, {dense_one / 300:.2e} s for one"
        )
        print("density  compressor.predict  one row  estimator_.predict")
        for density in DENSITIES:
            compressor = CoresetCompressor(mlp, method="magnitude", density=density)
            compressor.fit(X[:300])
            estimator = compressor.estimator_
            ratios = (
                dense / seconds(lambda: compressor.predict(X)),  # noqa: B023
                dense_one / seconds(one_by_one(compressor)),
                dense / seconds(lambda: estimator.predict(X), 2),  # noqa: B023
            )
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
