"""What leaves Python: compressed networks as C."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from ._c import CProgram, to_c

__all__ = ["CProgram", "to_c"]
