"""Bounds on the shares over epsilon of all networks of a path, as a band."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from .base import Display, density_axis, percent
from .palette import BLUE, GREY, ORANGE


class PathPromisesDisplay(Display):
    """What is promised of every network of a path at once, as a band.

    The line is the share of held-out rows that each network loses, and the band reaches
    up to the largest share of new rows that it may lose. With the stated confidence the
    true shares are all inside.

    It is recommended to use :meth:`from_promises`. All parameters are stored as
    attributes.

    Parameters
    ----------
    density, share, upper : ndarrays of shape (n_networks,)
        Shares of the edges, of lost held-out rows, and the bounds.

    delta : float
        Largest share that is wanted.

    confidence : float
        That all bounds hold together.

    label : str, default="lost"
        What is counted.

    Attributes
    ----------
    line_ : matplotlib Line

    band_ : matplotlib FillBetweenPolyCollection

    passing_ : matplotlib Line or None
        Mark of the sparsest network that may be promised; None if none can.

    ax_ : matplotlib Axes

    figure_ : matplotlib Figure

    See Also
    --------
    path_promises : Makes what is shown.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.neural_network import MLPClassifier
    >>> from skcoreset import CoresetCompressor, PathPromisesDisplay, path_promises
    >>> X, y = load_iris(return_X_y=True)
    >>> mlp = MLPClassifier((20,), solver="lbfgs", max_iter=500, random_state=0)
    >>> compressor = CoresetCompressor(
    ...     mlp.fit(X[::3], y[::3]), method="magnitude", delta=0.3)
    >>> promises = path_promises(compressor, X[1::3], X[2::3], confidence=0.8)
    >>> PathPromisesDisplay.from_promises(promises, epsilon=0.2)
    <...>
    """

    def __init__(self, density, share, upper, delta, confidence, *, label="lost"):
        self.density = density
        self.share = share
        self.upper = upper
        self.delta = delta
        self.confidence = confidence
        self.label = label

    @classmethod
    def from_promises(cls, promises, *, epsilon=None, delta=None, ax=None, **kwargs):
        """Plot the bounds of a path.

        Parameters
        ----------
        promises : PathPromises
            From :func:`path_promises`.

        epsilon : float, default=None
            None is that of the compressor. It must be None if the error counts rows.

        delta : float, default=None
            Largest share that is wanted. None is that of the compressor.

        ax : matplotlib Axes, default=None
            By default a new figure is made.

        **kwargs : dict
            Passed on to :meth:`matplotlib.axes.Axes.plot` for the line.

        Returns
        -------
        display : PathPromisesDisplay
        """
        target = promises.bounds.target
        epsilon_shown = target.epsilon if epsilon is None else epsilon
        label = "predictions that change"
        if not target.kind.counts_rows:
            label = rf"error over $\varepsilon$ = {epsilon_shown:.3g}"
        display = cls(
            promises.density,
            promises.share_over(epsilon),
            promises.upper_share(epsilon),
            target.delta if delta is None else delta,
            promises.confidence,
            label=label,
        )
        return display.plot(ax=ax, **kwargs)

    def plot(self, *, ax=None, **kwargs):
        """Plot the bounds.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            By default a new figure is made.

        **kwargs : dict
            Passed on to :meth:`matplotlib.axes.Axes.plot` for the line.

        Returns
        -------
        display : PathPromisesDisplay
        """
        ax = self._set_axes(ax)
        style = {"color": BLUE, "marker": ".", "label": f"held-out rows: {self.label}"}
        (self.line_,) = ax.plot(self.density, self.share, **style | kwargs)
        label = f"new rows, all together with {percent(self.confidence)} confidence"
        self.band_ = ax.fill_between(
            self.density, self.share, self.upper, color=BLUE, alpha=0.25, label=label
        )
        label = rf"$\delta$ = {percent(self.delta)}"
        ax.axhline(self.delta, color=GREY, label=label)
        passing = np.flatnonzero(self.upper <= self.delta)
        self.passing_ = None
        if len(passing):
            sparsest = self.density[passing[-1]]
            label = f"sparsest that passes: {percent(sparsest)} of the edges"
            self.passing_ = ax.axvline(sparsest, color=ORANGE, label=label)
        ax.set_ylim(0, min(1.05, 5 * self.delta))
        ax.yaxis.set_major_formatter(percent)
        ax.set_ylabel("Share of rows")
        ax.legend(loc="upper right", frameon=False)
        density_axis(ax)
        return self
