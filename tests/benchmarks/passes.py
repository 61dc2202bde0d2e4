"""What a compression costs, in passes of scikit-learn's own training.

A pass is one epoch of `MLPClassifier.fit` on the rows that are given to `fit`, in the
same dtype, at the same batch size, on one thread. Run by hand::

    python -m tests.benchmarks.passes                    # a quarter of an hour
    python -m tests.benchmarks.passes --widths 300-100   # one network
    python -m tests.benchmarks.passes --data mnist.npz   # instead of generated rows

Times are CPU seconds. What agrees is the share of fresh rows whose predicted class is
that of the original.
"""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import argparse
import tempfile
import warnings
from time import process_time

import numpy as np
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from skcoreset import CoresetCompressor

WIDTHS = "100", "300-100", "1000-1000", "2000-2000-1000"
N_ROWS, N_INPUTS, N_CLASSES = 4000, 784, 10
N_EPOCHS = 8

# Name, and parameters of the compressor.
FITS = {
    "10% of the edges": {"density": 0.1},
    "1% of the edges": {"density": 0.01},
    "probability 0.05": {},
    "relative 0.1": {"error": "relative", "epsilon": 0.1},
    "relative 0.3": {"error": "relative", "epsilon": 0.3},
    "prediction": {"error": "prediction"},
}
EPSILONS = [0.1, 0.15, 0.2, 0.3, 0.4]


def generated(rng):
    """Rows of which a tenth of the inputs matter, with their classes."""
    X, y = make_classification(
        6 * N_ROWS,
        N_INPUTS,
        n_informative=N_INPUTS // 10,
        n_classes=N_CLASSES,
        class_sep=2,
        random_state=rng,
    )
    return X.astype(np.float32), y


def loaded(path):
    with np.load(path) as data:
        X = data["X_train"].reshape(-1, N_INPUTS).astype(np.float32) / 255
        return X[: 6 * N_ROWS], data["y_train"][: 6 * N_ROWS]


def cpu_seconds(function, *arguments):
    start = process_time()
    function(*arguments)
    return process_time() - start


def seconds_per_pass(mlp, X, y):
    """CPU seconds of one epoch of scikit-learn's training."""
    shorter, longer = (clone(mlp).set_params(max_iter=n) for n in (1, 5))
    difference = cpu_seconds(longer.fit, X, y) - cpu_seconds(shorter.fit, X, y)
    return difference / 4


def search(mlp, X, y, epsilons, folder):
    """A search over epsilon in five folds, whose fits share what they train."""
    compressor = CoresetCompressor(mlp, error="relative", memory=folder, random_state=0)
    GridSearchCV(compressor, {"epsilon": epsilons}, cv=5, refit=False).fit(X, y)


def measure(widths, X, y, searches):
    """Print a line for each kind of fit."""
    hidden = tuple(map(int, widths.split("-")))
    mlp = MLPClassifier(hidden, max_iter=N_EPOCHS, tol=0, random_state=0)
    mlp.fit(X[2 * N_ROWS :], y[2 * N_ROWS :])
    rows, labels, fresh = X[:N_ROWS], y[:N_ROWS], X[N_ROWS : 2 * N_ROWS]
    one_pass = seconds_per_pass(mlp, rows, labels)
    n_edges = sum(coef.size for coef in mlp.coefs_)
    print(f"\n{widths}: {n_edges:,} edges, {one_pass:.3f} s a pass", flush=True)
    for name, parameters in FITS.items():
        compressor = CoresetCompressor(mlp, random_state=0, **parameters)
        seconds = cpu_seconds(compressor.fit, rows)
        agreement = np.mean(compressor.predict(fresh) == mlp.predict(fresh))
        print(
            f"{name:>20} {seconds / one_pass:8.1f} passes {seconds:8.2f} s "
            f"{compressor.density_:8.2%} of the edges {agreement:8.2%} agree",
            flush=True,
        )
    if not searches:
        return
    times = []
    for epsilons in (EPSILONS[2:3], EPSILONS):
        with tempfile.TemporaryDirectory() as folder:
            times.append(cpu_seconds(search, mlp, rows, labels, epsilons, folder))
    print(
        f"{'search of 1 epsilon':>20} {times[0] / one_pass:8.1f} passes; of "
        f"{len(EPSILONS)}: {times[1] / times[0]:.2f} times that",
        flush=True,
    )


def main(arguments):
    X, y = loaded(arguments.data) if arguments.data else generated(0)
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", UserWarning)
        for widths in arguments.widths:
            measure(widths, X, y, widths in arguments.search)


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--widths", nargs="*", default=WIDTHS)
    arguments.add_argument(
        "--search", nargs="*", default=WIDTHS[:2], help="networks of a search as well"
    )
    arguments.add_argument("--data", help="MNIST, as npz")
    main(arguments.parse_args())
