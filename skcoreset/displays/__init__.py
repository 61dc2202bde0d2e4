"""Displays: what a compression kept, and why."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from .image import check_image_shape
from .inputs import InputDensityDisplay
from .layers import LayerDensityDisplay
from .monitor import MonitorDisplay
from .network import NetworkDisplay
from .path import CompressionPathDisplay
from .promises import PathPromisesDisplay
from .sensitivity import SensitivityDisplay
from .summary import html_summary

__all__ = [
    "CompressionPathDisplay",
    "InputDensityDisplay",
    "LayerDensityDisplay",
    "MonitorDisplay",
    "NetworkDisplay",
    "PathPromisesDisplay",
    "SensitivityDisplay",
    "check_image_shape",
    "html_summary",
]
