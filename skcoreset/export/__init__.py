"""Compressed networks outside of Python."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from ._html import to_html

__all__ = ["to_html"]
