"""The code of sparse networks with rounded weights, as files hold it.

It is frozen: its constants belong to a format version.
"""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from .._network.levels import levels_of
from .arithmetic import Decoder, Encoder
from .sparse import (
    MAX_INTEGER,
    autocorrelation,
    code_integers,
    code_levels,
    code_support,
)

__all__ = [
    "MAX_INTEGER",
    "Decoder",
    "Encoder",
    "autocorrelation",
    "code_integers",
    "code_levels",
    "code_support",
    "levels_of",
]
