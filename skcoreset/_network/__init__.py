"""Networks as values: weights, activations, neurons, levels of rounded weights."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from .activations import (
    ACTIVATIONS,
    DERIVATIVES,
    OUT_ACTIVATIONS,
    activate_output,
    labels,
)
from .arrays import dense, fastest, views
from .network import Network, augment
from .neurons import live_neurons, remove_neurons

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
    "remove_neurons",
    "views",
]
