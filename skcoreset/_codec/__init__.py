"""skcoreset._codec."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from .code import (
    MAX_INTEGER,
    Decoder,
    Encoder,
    QuantisedNetwork,
    bits_per_edge,
    code_integers,
    code_levels,
    code_support,
    decode,
    encode,
    levels_of,
    round_steps,
    units_of,
)

__all__ = [
    "MAX_INTEGER",
    "Decoder",
    "Encoder",
    "QuantisedNetwork",
    "bits_per_edge",
    "code_integers",
    "code_levels",
    "code_support",
    "decode",
    "encode",
    "levels_of",
    "round_steps",
    "units_of",
]
