"""Generalization bounds of compressed networks, and of the original one."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from .corenet import CoreNetBound, corenet_bound
from .occam import OccamBound, occam_bound
from .original import OriginalBound, original_bound
from .split import SplitBound, split_bound

__all__ = [
    "CoreNetBound",
    "OccamBound",
    "OriginalBound",
    "SplitBound",
    "corenet_bound",
    "occam_bound",
    "original_bound",
    "split_bound",
]
