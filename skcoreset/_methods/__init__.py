"""Compression methods, one class each, and the table that names them."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from ._base import COARSE_STEPS, RATIO
from ._corenet import CoreNet, CoreNetPlus, CoreNetPlusPlus
from ._entrywise import L1, L1L2, L2, Uniform
from ._neurons import remove_neurons
from ._ranking import Magnitude, SiPP
from ._refined import Refined
from ._theorem import theorem_of

METHODS = {
    "refined": Refined(),
    "corenet": CoreNet(),
    "corenet+": CoreNetPlus(),
    "corenet++": CoreNetPlusPlus(),
    "uniform": Uniform(),
    "l1": L1(),
    "l2": L2(),
    "l1+l2": L1L2(),
    "magnitude": Magnitude(),
    "sipp": SiPP(),
}

__all__ = ["COARSE_STEPS", "METHODS", "RATIO", "remove_neurons", "theorem_of"]
