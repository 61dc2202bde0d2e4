"""Sizes of files of a network, dense and with 5% of its edges.

python -m tests.benchmarks.files --data mnist.npz --network network.npz
"""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import io
from copy import copy
from functools import partial

import joblib
import numpy as np
import skops.io
from skl2onnx import to_onnx

from skcoreset import CoresetCompressor
from skcoreset.export import dump
from skcoreset.export.onnx import sparsify
from tests.benchmarks.mnist import load, parser

# The state of training, which predictions do not need.
TRAINING = "_optimizer", "_random_state", "_best_coefs", "_best_intercepts"


def without_training(mlp):
    bare = copy(mlp)
    for name in TRAINING:
        vars(bare).pop(name, None)
    return bare


def joblib_bytes(estimator, compress=0):
    file = io.BytesIO()
    joblib.dump(estimator, file, compress=compress)
    return file.tell()


def compact_bytes(estimator):
    file = io.BytesIO()
    dump(estimator, file)
    return file.tell()


def onnx_bytes(estimator, sparse=False):
    estimator = with_dense_weights(getattr(estimator, "estimator_", estimator))
    model = to_onnx(estimator, np.zeros((1, estimator.n_features_in_), np.float32))
    return (sparsify(model) if sparse else model).ByteSize()


WAYS = {
    "joblib.dump": joblib_bytes,
    "joblib.dump, compress=3": partial(joblib_bytes, compress=3),
    "skops": lambda estimator: len(skops.io.dumps(estimator)),
    "ONNX": onnx_bytes,
    "ONNX, sparsify": partial(onnx_bytes, sparse=True),
    "export.dump": compact_bytes,
}


def main(arguments):
    reference = load(arguments.data, arguments.network)
    mlp, X = reference.mlp, reference.X_calibration
    options = {"density": arguments.density, "random_state": 0}
    compressor = CoresetCompressor(mlp, **options).fit(X)
    few_bits = CoresetCompressor(mlp, bits=3, **options).fit(X)
    networks = {
        "dense": mlp,
        "no training state": without_training(mlp),
        "estimator_": compressor.estimator_,
        "bits=3": few_bits.estimator_,
        "compressor": compressor,
    }
    print("kB" + " " * 24 + "".join(f"{name:>19}" for name in networks))
    for way, n_bytes in WAYS.items():
        print(f"{way:26}", end="")
        for estimator in networks.values():
            print(f"{n_bytes(estimator) / 1e3:19,.1f}", end="", flush=True)
        print()


def with_dense_weights(mlp):
    dense = copy(mlp)
    dense.coefs_ = [
        coef.toarray() if hasattr(coef, "toarray") else coef for coef in mlp.coefs_
    ]
    return dense


if __name__ == "__main__":
    arguments = parser(__doc__)
    arguments.add_argument("--density", type=float, default=0.05)
    main(arguments.parse_args())
