"""Compression methods, one class each, and the table that names them."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from ._corenet import CoreNet, CoreNetPlus, CoreNetPlusPlus, theorem_of
from ._entrywise import L1, L1L2, L2, Uniform
from ._neurons import remove_neurons
from ._ranking import Magnitude, SiPP
from ._refined import Refined

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

__all__ = ["METHODS", "CoreNet", "remove_neurons", "theorem_of"]
