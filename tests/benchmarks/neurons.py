"""Whole neurons on the reference network: how close, and how fast.

One thread, all in one run; tests.benchmarks.mnist makes the files:

    python -m tests.benchmarks.neurons --data mnist.npz --network network.npz
"""

import time
import warnings

import numpy as np
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from skcoreset import CoresetCompressor
from tests.benchmarks.mnist import load, parser

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
    from skcoreset._network.neurons import remove_neurons
    from skcoreset._training import refine
    from skcoreset._wrapped import network_of, with_network

    network = network_of(mlp)
    compressed = network.with_weights(by_magnitude(mlp, widths))
    rng = np.random.default_rng(0)
    refined = refine(compressed, network, X, error=ERRORS["relative"], rng=rng)
    return with_network(mlp, remove_neurons(refined))


def quality(reference, from_scratch):
    mlp, X_calibration = reference.mlp, reference.X_calibration
    X_test, y_test = reference.X_test, reference.y_test
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
            report(
                "60,000 labels",
                small.fit(reference.X, reference.y),
                time.process_time() - start,
            )


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


def speed(reference, n_rows):
    mlp, X_calibration = reference.mlp, reference.X_calibration
    X = reference.X_test[:n_rows]

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
    arguments = parser(__doc__)
    arguments.add_argument("--rows", type=int, default=10_000)
    arguments.add_argument("--from-scratch", action="store_true")
    arguments.add_argument("--only", choices=["quality", "speed"])
    arguments = arguments.parse_args()
    reference = load(arguments.data, arguments.network)
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if arguments.only != "speed":
            quality(reference, arguments.from_scratch)
        if arguments.only != "quality":
            speed(reference, arguments.rows)
