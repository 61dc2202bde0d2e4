"""What leaves Python, or this package: compact files, C, pages and ONNX."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from . import onnx
from .c import CProgram, to_c
from .file import dump, load
from .html import to_html
from .micropython import MicroPythonProgram, to_micropython

__all__ = [
    "CProgram",
    "MicroPythonProgram",
    "dump",
    "load",
    "onnx",
    "to_c",
    "to_html",
    "to_micropython",
]
