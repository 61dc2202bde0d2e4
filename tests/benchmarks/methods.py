"""The methods beside each other on MNIST: at a density, and with a promise.

    python -m tests.benchmarks.methods --data mnist.npz --network network.npz

Of a density: accuracy on the test images, median and 90% quantile of the relative
error of the outputs without their common shift, CPU seconds of a fit. Of a promise,
calibrated on the first half of the test images: density, and the share of the other
half that is over `epsilon`, or changes its prediction.
"""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings
from time import process_time

import numpy as np
from threadpoolctl import threadpool_limits

from skcoreset import CoresetCompressor
from skcoreset._errors import ERRORS
from skcoreset._wrapped import network_of
from tests.benchmarks.mnist import load, parser

DENSITIES = (0.5, 0.2, 0.1, 0.05, 0.02, 0.01)

METHODS = [
    {"method": "refined"},
    {"method": "corenet"},
    {"method": "corenet++"},
    {"method": "corenet", "refine": True},
    {"method": "sipp"},
    {"method": "sipp", "refine": True},
    {"method": "magnitude"},
    {"method": "magnitude", "refine": True},
    {"method": "uniform"},
]

PROMISES = [
    {"error": "relative", "epsilon": 0.1, "delta": 0.1},
    {"error": "relative", "epsilon": 0.3, "delta": 0.1},
    {"error": "prediction", "delta": 0.02},
]


def fit(reference, X, seed, options):
    """A compressor, and the CPU seconds that it took."""
    compressor = CoresetCompressor(reference.mlp, random_state=seed, **options)
    start = process_time()
    # no rows need to be held out where it is a density that is asked for
    X_val = X[:100] if "density" in options else None
    compressor.fit(X, X_val=X_val)
    return compressor, process_time() - start


def at_densities(reference, n_seeds):
    print("method                     density  accuracy  median     q90  seconds")
    for options in METHODS:
        for density in DENSITIES:
            figures = []
            for seed in range(n_seeds):
                compressor, spent = fit(
                    reference,
                    reference.X_calibration,
                    seed,
                    options | {"density": density},
                )
                off = relative_errors(reference.mlp, compressor, reference.X_test)
                accuracy = compressor.score(reference.X_test, reference.y_test)
                figures.append([accuracy, *np.quantile(off, [0.5, 0.9]), spent])
            accuracy, median, q90, spent = np.mean(figures, axis=0)
            print(
                f"{name(options):26} {density:7.0%} {accuracy:9.2%} {median:7.3f} "
                f"{q90:7.3f} {spent:8.2f}",
                flush=True,
            )


def with_promises(reference, n_seeds):
    X, X_fresh = reference.X_test[:5000], reference.X_test[5000:]
    labels = reference.mlp.predict(X_fresh)
    print(f"method      {'promise':42} density   share  seconds")
    for method in ("refined", "corenet", "magnitude"):
        for promise in PROMISES:
            figures = []
            for seed in range(n_seeds):
                compressor, spent = fit(
                    reference, X, seed, {"method": method} | promise
                )
                if "epsilon" in promise:
                    off = relative_errors(reference.mlp, compressor, X_fresh)
                    share = np.mean(off > promise["epsilon"])
                else:
                    share = np.mean(compressor.predict(X_fresh) != labels)
                figures.append([compressor.density_, share, spent])
            density, share, spent = np.mean(figures, axis=0)
            print(
                f"{method:11} {name(promise):42} {density:7.2%} {share:7.2%} "
                f"{spent:8.2f}",
                flush=True,
            )


def relative_errors(mlp, compressor, X):
    """Errors of the outputs before the softmax, without the shift that it ignores."""
    network = network_of(mlp)
    return ERRORS["relative"].measure(
        compressor.transform(X), network.forward(X), network.out_activation, None
    )


def name(options):
    return ", ".join(f"{key}={value}" for key, value in options.items())


if __name__ == "__main__":
    arguments = parser(__doc__)
    arguments.add_argument("--seeds", type=int, default=2)
    arguments.add_argument("--only", choices=["densities", "promises"])
    arguments = arguments.parse_args()
    reference = load(arguments.data, arguments.network)
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if arguments.only != "promises":
            at_densities(reference, arguments.seeds)
        if arguments.only != "densities":
            with_promises(reference, arguments.seeds)
