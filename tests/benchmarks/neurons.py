"""Whole neurons on the reference network: how close, and how fast.

The folder has `mnist.npz` (`X_train`, `y_train`, `X_test`, `y_test`) and the network,
`mnist_300_100.npz` (`coefs_0` to `intercepts_2`, `calibration`: row numbers). One
thread, all in one run:

    python tests/benchmarks/neurons.py --data FOLDER
"""

import argparse
import time
import warnings
from pathlib import Path

import numpy as np
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from skcoreset import CoresetCompressor

DENSITIES = (0.47, 0.28, 0.19, 0.09)


def seconds(*calls, n_runs=9):
    """Least time of each call; they take turns, as a machine's pace may change."""
    best = [np.inf] * len(calls)
    for _ in range(n_runs):
        for i, call in enumerate(calls):
            start = time.process_time()
            call()
            best[i] = min(best[i], time.process_time() - start)
    return best


def load(folder):
    """The network as a fitted estimator, calibration rows, and test rows."""
    rows, weights = (
        np.load(Path(folder) / name) for name in ("mnist.npz", "mnist_300_100.npz")
    )
    X, X_test = (
        rows[name].reshape(-1, 784).astype(np.float32) / 255
        for name in ("X_train", "X_test")
    )
    mlp = MLPClassifier((300, 100)).partial_fit(
        X[:300], rows["y_train"][:300], classes=np.arange(10)
    )
    mlp.coefs_ = [weights[f"coefs_{i}"] for i in range(3)]
    mlp.intercepts_ = [weights[f"intercepts_{i}"] for i in range(3)]
    X = X, rows["y_train"], X[weights["calibration"]]
    return mlp, *X, X_test, rows["y_test"]


def by_magnitude(mlp, widths):
    """The neurons with the largest product of norms of their edges, as they are."""
    coefs = [coef.copy() for coef in mlp.coefs_]
    for i, width in enumerate(widths):
        norms = [
            np.linalg.norm(coef, axis=axis)
            for coef, axis in ((mlp.coefs_[i], 0), (mlp.coefs_[i + 1], 1))
        ]
        gone = np.argsort(-norms[0] * norms[1])[width:]
        coefs[i][:, gone] = coefs[i + 1][gone] = 0
    return coefs


def refined_by_magnitude(mlp, widths, X):
    from skcoreset._errors import ERRORS
    from skcoreset._methods import remove_neurons
    from skcoreset._training import refine
    from skcoreset._wrapped import network_of, with_network

    network = network_of(mlp)
    compressed = network.with_weights(by_magnitude(mlp, widths))
    rng = np.random.default_rng(0)
    refined = refine(compressed, network, X, error=ERRORS["relative"], rng=rng)
    return with_network(mlp, remove_neurons(refined))


def quality(folder, from_scratch):
    mlp, X, y, X_calibration, X_test, y_test = load(folder)
    labels = mlp.predict(X_test)

    def report(name, estimator, spent):
        predicted = estimator.predict(X_test)
        accuracy, agreement = (
            100 * np.mean(predicted == other) for other in (y_test, labels)
        )
        sizes = "-".join(map(str, estimator.hidden_layer_sizes))
        print(
            f"{name:22} {sizes:8} {accuracy:6.2f} {agreement:6.2f} {spent:6.1f}",
            flush=True,
        )

    print("method                 widths   accuracy  agreement  seconds")
    report("dense", mlp, 0)
    for density in DENSITIES:
        for method, refine in (("neurons", None), ("neurons", False), ("pfp", True)):
            compressor = CoresetCompressor(
                mlp, method=method, refine=refine, density=density, random_state=0
            )
            start = time.process_time()
            compressor.fit(X_calibration, X_val=X_test)
            name = (
                method + {None: "", False: ", not refined", True: ", refined"}[refine]
            )
            report(name, compressor.estimator_, time.process_time() - start)
            if refine is None:
                widths = compressor.estimator_.hidden_layer_sizes
        start = time.process_time()
        estimator = refined_by_magnitude(mlp, widths, X_calibration)
        report("magnitude, refined", estimator, time.process_time() - start)
        if from_scratch:
            start = time.process_time()
            small = MLPClassifier(widths, max_iter=20, batch_size=128, random_state=0)
            report("60,000 labels", small.fit(X, y), time.process_time() - start)


def onnx_session(estimator):
    """A session of one thread, or None where the packages are missing."""
    try:
        import onnxruntime
        from skl2onnx import to_onnx
    except ImportError:
        return None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    model = to_onnx(
        estimator, np.zeros((1, 784), np.float32), options={"zipmap": False}
    )
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def speed(folder, n_rows):
    mlp, _, _, X_calibration, X_test, _ = load(folder)
    X = X_test[:n_rows]

    def calls(compressor, estimator):
        run, session = [], onnx_session(estimator)
        for predict in (
            compressor.predict,
            estimator.predict,
            session and (lambda X: session.run(["label"], {session_input: X})),
        ):
            if predict is None:
                continue
            run.append(lambda predict=predict: predict(X))
            run.append(
                lambda predict=predict: [predict(X[i : i + 1]) for i in range(300)]
            )
        if session:
            session_input = session.get_inputs()[0].name
        return run

    whole = CoresetCompressor(mlp, method="magnitude", density=1.0).fit(
        X_calibration, X_val=X[:100]
    )
    ways = [("neurons", density) for density in DENSITIES]
    ways += [("refined", density) for density in (0.28, 0.05)]
    print(
        "times as fast as the dense original: many rows, one row at a time\n"
        "method   density  compressor   estimator_   onnxruntime"
    )
    for method, density in ways:
        compressor = CoresetCompressor(
            mlp, method=method, density=density, random_state=0
        ).fit(X_calibration, X_val=X[:100])
        dense = calls(whole, mlp)
        small = calls(
            compressor,
            compressor.estimator_ if method == "neurons" else compressor.to_dense(),
        )
        times = seconds(*dense, *small)
        # beside plain predict of the original, but for onnxruntime beside its own
        beside = [times[2], times[3], times[2], times[3], *times[4:]]
        ratios = np.divide(beside[: len(small)], times[len(dense) :])
        print(
            f"{method:9}{density:6.2f} ",
            *(f"{ratio:6.2f}" for ratio in ratios),
            flush=True,
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--from-scratch", action="store_true")
    parser.add_argument("--only", choices=["quality", "speed"])
    arguments = parser.parse_args()
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if arguments.only != "speed":
            quality(arguments.data, arguments.from_scratch)
        if arguments.only != "quality":
            speed(arguments.data, arguments.rows)
