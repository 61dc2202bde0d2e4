"""What leaves Python, or this package: a compact file of a network, and ONNX."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from ._file import dump, load

__all__ = ["dump", "load"]
