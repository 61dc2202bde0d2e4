"""Networks that were trained elsewhere, as fitted networks of scikit-learn, and back."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from .onnx import from_onnx

__all__ = ["from_onnx"]
