"""C99 for microcontrollers."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from .export import CProgram, to_c

__all__ = ["CProgram", "to_c"]
