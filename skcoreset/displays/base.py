"""What all displays share."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from .._errors import ERRORS
from .._wrapped.compat import check_matplotlib_support


class Display:
    """Sets `ax_` and `figure_`, where a display draws."""

    def _set_axes(self, ax, figsize=None):
        check_matplotlib_support(f"{type(self).__name__}.plot")
        import matplotlib.pyplot as plt

        if ax is None:
            _, ax = plt.subplots(figsize=figsize, layout="constrained")
        self.ax_, self.figure_ = ax, ax.figure
        return ax


def statistic_label(certificate):
    """Name the number that is compared with the limit."""
    if certificate.confidence is not None:
        return "p-value"
    differ = "that change" if ERRORS[certificate.error].counts_rows else "over epsilon"
    return f"Share of rows {differ} (this network or the one before)"


def percent(share, position=None):
    """Format a share; `position` makes it a formatter of ticks."""
    return f"{100 * share:.3g}%"
