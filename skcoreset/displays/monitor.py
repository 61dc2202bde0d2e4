"""The evidence of a monitor over time."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from math import log

import numpy as np

from .base import Display, percent
from .palette import BLUE, GREY, ORANGE

# Windows in which the share of lost rows is shown.
N_WINDOWS = 40


class MonitorDisplay(Display):
    """Evidence that a promise is broken, and shares of lost rows, over time.

    The upper axes show the evidence after every row, and the line at which it becomes
    an alarm. The lower axes show which share of the rows was lost in each window of
    time, beside the largest share that was promised.

    It is recommended to use :meth:`from_monitor`. All parameters are stored as
    attributes.

    Parameters
    ----------
    history : dict of ndarrays
        As `history` of :class:`Monitor`.

    delta, alpha : float
        As in :class:`Monitor`.

    alarm_row : int, default=None
        Number of rows at the alarm. None if there was none.

    Attributes
    ----------
    evidence_ : matplotlib Line

    threshold_ : matplotlib Line

    alarm_ : matplotlib Line or None
        Mark of the alarm.

    shares_ : matplotlib StepPatch or None
        None before the first row.

    ax_ : matplotlib Axes
        Axes of the evidence.

    share_ax_ : matplotlib Axes
        Axes of the shares.

    figure_ : matplotlib Figure

    See Also
    --------
    Monitor : What is shown.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skcoreset import Monitor, MonitorDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> one, other = (LogisticRegression(C=C, tol=.1).fit(X, y) for C in (0.1, 1))
    >>> monitor = Monitor(one, other, error="prediction", delta=0.2).update(X)
    >>> MonitorDisplay.from_monitor(monitor)
    <...>
    """

    def __init__(self, history, delta, alpha, *, alarm_row=None):
        self.history = history
        self.delta = delta
        self.alpha = alpha
        self.alarm_row = alarm_row

    @classmethod
    def from_monitor(cls, monitor, *, ax=None, **kwargs):
        """Plot what a monitor has seen.

        Parameters
        ----------
        monitor : Monitor
            In use, or new.

        ax : matplotlib Axes, default=None
            Split between evidence and shares. By default a new figure is made.

        **kwargs : dict
            Passed on to :meth:`matplotlib.axes.Axes.plot` for the line of the evidence.

        Returns
        -------
        display : MonitorDisplay
        """
        display = cls(
            monitor.history, monitor.delta, monitor.alpha, alarm_row=monitor.alarm_row
        )
        return display.plot(ax=ax, **kwargs)

    def plot(self, *, ax=None, **kwargs):
        """Plot the evidence.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Split between evidence and shares. By default a new figure is made.

        **kwargs : dict
            Passed on to :meth:`matplotlib.axes.Axes.plot` for the line of the evidence.

        Returns
        -------
        display : MonitorDisplay
        """
        ax = self._set_axes(ax, figsize=(6.4, 5.6))
        n_rows = self.history["n_rows"]
        # powers of ten: the evidence itself may be too large for a number
        evidence = self.history["log_evidence"] / log(10)
        (self.evidence_,) = ax.plot(n_rows, evidence, **{"color": BLUE} | kwargs)
        threshold = -log(self.alpha) / log(10)
        label = f"alarm at {1 / self.alpha:.4g}"
        self.threshold_ = ax.axhline(threshold, color=GREY, label=label)
        self.alarm_ = None
        if self.alarm_row is not None:
            label = f"alarm after {self.alarm_row:,} rows"
            self.alarm_ = ax.axvline(self.alarm_row, color=ORANGE, label=label)
        ax.set_ylim(min(-0.5, evidence.min() - 0.2), max(2, evidence.max()) + 0.5)
        ax.yaxis.set_major_formatter(_power_of_ten)
        ax.set_ylabel("Evidence against the promise")
        ax.legend(loc="upper left", frameon=False)
        self.share_ax_ = self._divide_axes()
        self._plot_shares(self.share_ax_)
        return self

    def _plot_shares(self, ax):
        """Plot the share of lost rows in windows of equally many rows."""
        n_rows, n_lost = self.history["n_rows"], self.history["n_lost"]
        step = max(1, (len(n_rows) - 1) // N_WINDOWS)
        edges, lost = n_rows[::step], n_lost[::step]
        self.shares_ = None
        if len(edges) > 1:
            shares = np.diff(lost) / np.diff(edges)
            self.shares_ = ax.stairs(shares, edges, color=BLUE, label="lost")
            ax.set_ylim(0, min(1.05, 1.4 * max(shares.max(), 1.2 * self.delta)))
        label = f"promised: at most {percent(self.delta)}"
        ax.axhline(self.delta, color=GREY, label=label)
        if self.alarm_row is not None:
            ax.axvline(self.alarm_row, color=ORANGE)
        ax.yaxis.set_major_formatter(percent)
        ax.set(xlabel="New rows", ylabel="Share of rows lost")
        ax.legend(loc="upper left", frameon=False)


def _power_of_ten(exponent, position):
    """A tick of the evidence: the number itself if it is short."""
    if abs(exponent) <= 3:
        return f"{10**exponent:.3g}"
    return f"$10^{{{exponent:.3g}}}$"
