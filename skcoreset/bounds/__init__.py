"""Generalization bounds of compressed networks."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from .corenet import CoreNetBound, corenet_bound
from .occam.bound import OccamBound, occam_bound
from .split import SplitBound, split_bound

__all__ = [
    "CoreNetBound",
    "OccamBound",
    "SplitBound",
    "corenet_bound",
    "occam_bound",
    "split_bound",
]
