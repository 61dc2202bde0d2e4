"""skcoreset: coresets that make scikit-learn's neural networks small."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from . import bounds, convert, export, model_selection
from ._certify import certify
from ._compressor import CoresetCompressor
from ._path_promises import path_promises
from ._promise.certificate import Certificate
from ._promise.monitor import Monitor
from ._promise.simultaneous import PathPromises
from ._sparse_mlp import SparseMLPClassifier, SparseMLPRegressor
from ._verify import verify
from ._version import __version__
from .displays import (
    CompressionPathDisplay,
    InputDensityDisplay,
    LayerDensityDisplay,
    MonitorDisplay,
    NetworkDisplay,
    PathPromisesDisplay,
    SensitivityDisplay,
)

__all__ = [
    "Certificate",
    "CompressionPathDisplay",
    "CoresetCompressor",
    "InputDensityDisplay",
    "LayerDensityDisplay",
    "Monitor",
    "MonitorDisplay",
    "NetworkDisplay",
    "PathPromises",
    "PathPromisesDisplay",
    "SensitivityDisplay",
    "SparseMLPClassifier",
    "SparseMLPRegressor",
    "__version__",
    "bounds",
    "certify",
    "convert",
    "export",
    "model_selection",
    "path_promises",
    "verify",
]
