"""skcoreset: coresets that make scikit-learn's neural networks small."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from . import bounds, export, model_selection
from ._certify import certify
from ._compressor import CoresetCompressor
from ._promise.certificate import Certificate
from .displays import (
    CompressionPathDisplay,
    InputDensityDisplay,
    LayerDensityDisplay,
    NetworkDisplay,
    SensitivityDisplay,
)

__version__ = "0.1.0"

__all__ = [
    "Certificate",
    "CompressionPathDisplay",
    "CoresetCompressor",
    "InputDensityDisplay",
    "LayerDensityDisplay",
    "NetworkDisplay",
    "SensitivityDisplay",
    "__version__",
    "bounds",
    "certify",
    "export",
    "model_selection",
]
