"""skcoreset._network."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from .network import (
    ACTIVATIONS,
    DERIVATIVES,
    OUT_ACTIVATIONS,
    Network,
    activate_output,
    augment,
    dense,
    fastest,
    labels,
    live_neurons,
    views,
)

__all__ = [
    "ACTIVATIONS",
    "DERIVATIVES",
    "OUT_ACTIVATIONS",
    "Network",
    "activate_output",
    "augment",
    "dense",
    "fastest",
    "labels",
    "live_neurons",
    "views",
]
