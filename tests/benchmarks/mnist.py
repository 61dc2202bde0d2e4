"""MNIST, and the network that the benchmarks compress.

Both come from files; this makes them, from OpenML and by training for a few minutes:

    python -m tests.benchmarks.mnist --data mnist.npz --network network.npz
"""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import argparse
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.datasets import fetch_openml
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from skcoreset import CoresetCompressor

N_TRAIN, N_CALIBRATION, WIDTHS = 60_000, 4000, (300, 100)


@dataclass(frozen=True)
class Reference:
    """A fitted network, and images in [0, 1] as float32.

    `X_calibration` are some of the training images `X`.
    """

    mlp: MLPClassifier
    X: np.ndarray
    y: np.ndarray
    X_calibration: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray


def parser(doc, *, required=True):
    """A parser of the arguments of a benchmark that names both files."""
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    for name in ("data", "network"):
        parser.add_argument(
            f"--{name}",
            required=required,
            help="file that tests.benchmarks.mnist makes",
        )
    return parser


def load(data, network):
    """Read both files.

    Parameters
    ----------
    data : str
        Has `X_train`, `y_train`, `X_test` and `y_test`, images as bytes.

    network : str
        Has `coefs_0`, `intercepts_0`, ... of a ReLU classifier, and `calibration`,
        numbers of training images.
    """
    X, y, X_test, y_test = load_images(data)
    with np.load(network) as weights:
        n_layers = sum(name.startswith("coefs_") for name in weights)
        coefs = [weights[f"coefs_{layer}"] for layer in range(n_layers)]
        intercepts = [weights[f"intercepts_{layer}"] for layer in range(n_layers)]
        calibration = weights["calibration"]
    widths = tuple(len(intercept) for intercept in intercepts[:-1])
    mlp = MLPClassifier(widths, batch_size=128, random_state=0)
    # one step makes all that a fitted estimator has besides its weights
    mlp.partial_fit(X[:128], y[:128], classes=np.unique(y))
    mlp.coefs_, mlp.intercepts_ = coefs, intercepts
    return Reference(mlp, X, y, X[calibration], X_test, y_test)


def compress(reference, **options):
    """Compress to a density, calibrated on all of the calibration images."""
    X = reference.X_calibration
    # no rows need to be held out where it is a density that is asked for
    return CoresetCompressor(reference.mlp, **options).fit(X, X_val=X[:100])


def load_images(data):
    """Read `X`, `y`, `X_test` and `y_test`, images in [0, 1] as float32."""
    with np.load(data) as images:
        X, X_test = (
            images[name].reshape(len(images[name]), -1).astype(np.float32) / 255
            for name in ("X_train", "X_test")
        )
        return X, images["y_train"], X_test, images["y_test"]


def download(data):
    X, y = fetch_openml("mnist_784", return_X_y=True, as_frame=False)
    X, y = X.astype(np.uint8), y.astype(np.uint8)
    np.savez_compressed(
        data,
        X_train=X[:N_TRAIN],
        y_train=y[:N_TRAIN],
        X_test=X[N_TRAIN:],
        y_test=y[N_TRAIN:],
    )


def train(data, network):
    with np.load(data) as images:
        X = images["X_train"].reshape(-1, 784).astype(np.float32) / 255
        y = images["y_train"]
    mlp = MLPClassifier(WIDTHS, batch_size=128, max_iter=20, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        mlp.fit(X, y)
    weights = {f"coefs_{layer}": coef for layer, coef in enumerate(mlp.coefs_)}
    weights |= {f"intercepts_{i}": each for i, each in enumerate(mlp.intercepts_)}
    rows = np.random.default_rng(0).permutation(len(X))[:N_CALIBRATION]
    np.savez(network, **weights, calibration=rows)


if __name__ == "__main__":
    arguments = parser(__doc__).parse_args()
    if not Path(arguments.data).exists():
        download(arguments.data)
    if not Path(arguments.network).exists():
        train(arguments.data, arguments.network)
    reference = load(arguments.data, arguments.network)
    accuracy = reference.mlp.score(reference.X_test, reference.y_test)
    print(f"test accuracy of the network: {accuracy:.2%}")
