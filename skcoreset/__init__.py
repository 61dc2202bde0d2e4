"""skcoreset: coresets that make scikit-learn's neural networks small."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from ._compressor import CoresetCompressor

__version__ = "0.1.0"

__all__ = ["CoresetCompressor", "__version__"]
