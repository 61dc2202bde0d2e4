"""Occam's bound: a prefix code for networks, and the search for short words of it."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from .bound import OccamBound, occam_bound

__all__ = ["OccamBound", "occam_bound"]
