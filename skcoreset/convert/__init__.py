"""Networks trained elsewhere, as fitted networks of scikit-learn, and back."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from .keras import from_keras
from .onnx import from_onnx
from .rewrite import into_onnx
from .torch import from_torch, to_torch
from .weights import from_weights

__all__ = [
    "from_keras",
    "from_onnx",
    "from_torch",
    "from_weights",
    "into_onnx",
    "to_torch",
]
