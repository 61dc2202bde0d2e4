"""Prediction speed of compressed networks, as a multiple of the dense MLP's.

One thread, best of several runs, dense and compressed in one run:

    python -m tests.benchmarks.inference
    python -m tests.benchmarks.inference --data mnist.npz --network network.npz

The second is about a trained network, of files that tests.benchmarks.mnist makes.
"""

import argparse
import time

import numpy as np
from onnxruntime import InferenceSession, SessionOptions
from skl2onnx import to_onnx
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from skcoreset import CoresetCompressor
from tests.benchmarks.mnist import load

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


def untrained(n_rows, hidden_layer_sizes):
    """A network of random weights, and random rows.

    All layers have the same distribution of weights: with scikit-learn's initial ones
    magnitude pruning would leave no edge in the widest layer.
    """
    rng = np.random.default_rng(0)
    X = rng.random((n_rows, 784), dtype=np.float32)
    mlp = MLPClassifier(hidden_layer_sizes, random_state=0)
    mlp.partial_fit(X[:200], rng.integers(0, 10, 200), classes=np.arange(10))
    mlp.coefs_ = [
        rng.normal(0, 0.05, coef.shape).astype(np.float32) for coef in mlp.coefs_
    ]
    return mlp, X[:300], X


def dense_session(mlp, X):
    """The dense network in onnxruntime, on one thread."""
    options = SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    onnx = to_onnx(mlp, X[:1], options={"zipmap": False}).SerializeToString()
    session = InferenceSession(onnx, options)
    return lambda rows: session.run(None, {"X": rows})


def main(mlp, X_calibration, X, method):
    def one_by_one(predict):
        return lambda: [predict(X[i : i + 1]) for i in range(300)]

    run = dense_session(mlp, X)
    with threadpool_limits(1):
        dense, onnx = seconds(lambda: mlp.predict(X), lambda: run(X))
        dense_one, onnx_one = seconds(one_by_one(mlp.predict), one_by_one(run))
        print(f"dense in onnxruntime: {dense / onnx:.2f}", end="")
        print(f", one row at a time: {dense_one / onnx_one:.2f}")
        print("density  compressor.predict  one row  estimator_.predict")
        for density in DENSITIES:
            compressor = CoresetCompressor(
                mlp, method=method, density=density, random_state=0
            ).fit(X_calibration)
            estimator = compressor.estimator_
            dense, blocked, plain = seconds(
                lambda: mlp.predict(X),
                lambda: compressor.predict(X),  # noqa: B023
                lambda: estimator.predict(X),  # noqa: B023
            )
            dense_one, one = seconds(
                one_by_one(mlp.predict), one_by_one(compressor.predict)
            )
            ratios = dense / blocked, dense_one / one, dense / plain
            columns = zip((18, 7, 18), ratios)
            print(
                f"{density:7.2f}", *(f"{ratio:{width}.2f}" for width, ratio in columns)
            )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--hidden", type=int, nargs="+", default=[500, 500, 500])
    parser.add_argument("--data", help="images, for a trained network")
    parser.add_argument("--network", help="its weights")
    arguments = parser.parse_args()
    if arguments.network:
        reference = load(arguments.data, arguments.network)
        networks = reference.mlp, reference.X_calibration, reference.X_test
        main(*networks, method="refined")
    else:
        networks = untrained(arguments.rows, tuple(arguments.hidden))
        main(*networks, method="magnitude")
