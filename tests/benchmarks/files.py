"""Sizes of files of a network, dense and with 5% of its edges; ONNX in ONNX Runtime.

python -m tests.benchmarks.files --data mnist.npz --network network.npz
"""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import gzip
import io
from copy import copy
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import joblib
import numpy as np
import onnx
import skops.io
from onnxruntime import InferenceSession, SessionOptions
from onnxruntime.quantization import quantize_dynamic
from skl2onnx import to_onnx

from skcoreset.export import dump
from skcoreset.export.onnx import sparsify
from tests.benchmarks.inference import seconds
from tests.benchmarks.mnist import compress, load, parser

# A second density, of ONNX.
SPARSER = 0.02

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


def onnx_of(estimator, sparse=False):
    estimator = with_dense_weights(getattr(estimator, "estimator_", estimator))
    row = np.zeros((1, estimator.n_features_in_), np.float32)
    model = to_onnx(estimator, row, options={"zipmap": False})
    return sparsify(model) if sparse else model


def onnx_bytes(estimator, sparse=False):
    return onnx_of(estimator, sparse).ByteSize()


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
    mlp = reference.mlp
    options = {"density": arguments.density, "random_state": 0}
    compressor = compress(reference, **options)
    few_bits = compress(reference, bits=3, **options)
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
    sparser = compress(reference, density=SPARSER, random_state=0)
    for name, estimator in {"": compressor, ", sparser": sparser}.items():
        print(f"export.dump{name}: {compact_bytes(estimator):,} bytes")
    models = {
        "dense": onnx_of(mlp),
        "compressed": onnx_of(compressor),
        "the same, sparse": onnx_of(compressor, sparse=True),
        "the same, int8": in_bytes(onnx_of(compressor)),
        "sparser, sparse": onnx_of(sparser, sparse=True),
    }
    compare_onnx(models, reference.X_test, reference.y_test)


def in_bytes(model):
    """Quantize the weights by ONNX Runtime."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "int8.onnx"
        quantize_dynamic(model, path)
        return onnx.load(path)


def compare_onnx(models, X, y):
    """Print accuracy, kB, and times on one thread as shares of the first model's."""
    options = SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    calls, accuracies = [], []
    for model in models.values():
        session = InferenceSession(model.SerializeToString(), options)

        def predict(X, session=session):
            return session.run(["label"], {"X": X})[0]

        accuracies.append(np.mean(predict(X) == y))
        calls.append(partial(predict, X))
        calls.append(lambda predict=predict: [predict(X[[i]]) for i in range(300)])
    times = np.reshape(seconds(*calls), (-1, 2))
    print("ONNX              accuracy      kB  gzipped  10,000 rows  one row")
    for name, accuracy, spent in zip(models, accuracies, times / times[0]):
        file = models[name].SerializeToString()
        sizes = len(file) / 1e3, len(gzip.compress(file)) / 1e3
        print(
            f"{name:16} {accuracy:9.2%} {sizes[0]:7,.0f} {sizes[1]:8,.0f} "
            f"{spent[0]:12.2f} {spent[1]:8.2f}"
        )


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
