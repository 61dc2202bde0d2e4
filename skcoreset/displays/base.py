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

    def _divide_axes(self):
        """Give the lower part of `ax_` to new axes; return these."""
        ax = self.ax_
        within = ax.get_subplotspec()
        if within is None:
            left, bottom, right, top = ax.get_position().extents
            edges = {"left": left, "bottom": bottom, "right": right, "top": top}
            (within,) = self.figure_.add_gridspec(1, 1, **edges)
        above, below = within.subgridspec(2, 1, height_ratios=(3, 2), hspace=0.05)
        ax.set_subplotspec(above)
        ax.tick_params(labelbottom=False)
        return self.figure_.add_subplot(below, sharex=ax)


def statistic_label(certificate):
    """Name the number that is compared with the limit."""
    if certificate.confidence is not None:
        return "p-value"
    differ = "that change" if ERRORS[certificate.error].counts_rows else "over epsilon"
    return f"Share of rows {differ} (this network or the one before)"


def percent(share, position=None):
    """Format a share; `position` makes it a formatter of ticks."""
    return f"{100 * share:.3g}%"


def density_axis(ax):
    """Make the horizontal axis one of densities."""
    from matplotlib.ticker import LogLocator, NullFormatter

    ax.set(xscale="log", xlabel="Edges kept")
    # the dense network is at the right end, also where it is the only one
    ax.set_xlim(right=1.15)
    # labels of a shorter axis have room for more digits
    lowest = ax.get_xlim()[0]
    digits = "125" if lowest < 0.1 else "12357" if lowest < 0.3 else "123456789"
    ax.xaxis.set_major_locator(LogLocator(subs=tuple(map(int, digits))))
    ax.xaxis.set_major_formatter(percent)
    ax.xaxis.set_minor_formatter(NullFormatter())
