"""Compression methods, one class each, and the table that names them."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from .base import RATIO, STEPS_PER_HALVING, fine_steps, n_edges_at
from .corenet import CoreNet, CoreNetPlus, CoreNetPlusPlus
from .entrywise import L1, L1L2, L2, Uniform
from .neurons import Neurons
from .pfp import PFP
from .ranking import Magnitude, SiPP
from .refined import Refined
from .theorem import theorem_of

METHODS = {
    "refined": Refined(),
    "neurons": Neurons(),
    "corenet": CoreNet(),
    "corenet+": CoreNetPlus(),
    "corenet++": CoreNetPlusPlus(),
    "uniform": Uniform(),
    "l1": L1(),
    "l2": L2(),
    "l1+l2": L1L2(),
    "magnitude": Magnitude(),
    "sipp": SiPP(),
    "pfp": PFP(),
}

__all__ = [
    "METHODS",
    "RATIO",
    "STEPS_PER_HALVING",
    "fine_steps",
    "n_edges_at",
    "theorem_of",
]
