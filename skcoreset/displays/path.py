"""The path of ever sparser networks, and why one of them was chosen."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from sklearn.base import is_classifier

from .._errors import ERRORS
from .._wrapped import check_is_compressor
from .base import Display, density_axis, percent, statistic_label
from .palette import BLUE, GREY, ORANGE

# Lines of more networks than this have no marker for each.
MOST_MARKERS = 50


class CompressionPathDisplay(Display):
    """Errors along the path of ever sparser networks, and why one was chosen.

    The upper axes show the error of each network on the held-out rows. The lower axes
    show the number that decides: networks are tried from dense to sparse for as long as
    it is at most the limit.

    It is recommended to use :meth:`from_estimator`. All parameters are stored as
    attributes.

    Parameters
    ----------
    path : dict of ndarrays
        As `path_` of :class:`CoresetCompressor`.

    certificate : Certificate
        As `certificate_` of :class:`CoresetCompressor`.

    scores : tuple of 2 floats, default=None
        Scores of the original and of the chosen network, shown in the title.

    score_name : str, default="Score"
        Label of the scores.

    show_decision : bool, default=True
        Whether to show the lower axes. They mean nothing if the network was not chosen
        by the held-out rows but by its `density`.

    Attributes
    ----------
    lines_ : list of matplotlib Lines
        One for each quantile of the error. An error that counts rows, such as
        "prediction", has a single line, the share of rows that change.

    statistic_ : matplotlib Line or None
        What was compared with the limit, for each network. None without lower axes, as
        with the theorem, which compares nothing.

    chosen_ : matplotlib Line
        Mark of the chosen network.

    refused_ : matplotlib Line or None
        Mark of the network after the chosen one, if there is one.

    ax_ : matplotlib Axes
        Axes of the errors.

    decision_ax_ : matplotlib Axes or None
        The lower axes, of the statistic.

    figure_ : matplotlib Figure

    See Also
    --------
    NetworkDisplay : The network itself, before and after.
    LayerDensityDisplay : How much of each layer was kept.

    Notes
    -----
    A row is lost if its error is over `epsilon` or, with errors that count rows, if its
    prediction changes. Without a `confidence`, the statistic is ``(k + 1) / (n + 1)``,
    where `k` is the number of held-out rows, out of `n`, that are lost by this network
    or by the one before it. It can therefore reach the limit earlier than the share of
    rows that a single network loses. With a `confidence`, it is the p-value of a test
    of the rows that this network loses. With ``error="classwise"`` it is the largest
    statistic of any class.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.neural_network import MLPClassifier
    >>> from skcoreset import CompressionPathDisplay, CoresetCompressor
    >>> X, y = load_iris(return_X_y=True)
    >>> mlp = MLPClassifier(solver="lbfgs", max_iter=500, random_state=0).fit(X, y)
    >>> compressor = CoresetCompressor(mlp, random_state=0).fit(X)
    >>> CompressionPathDisplay.from_estimator(compressor)
    <...>
    """

    def __init__(
        self,
        path,
        certificate,
        *,
        scores=None,
        score_name="Score",
        show_decision=True,
    ):
        self.path = path
        self.certificate = certificate
        self.scores = scores
        self.score_name = score_name
        self.show_decision = show_decision

    @classmethod
    def from_estimator(cls, compressor, X=None, y=None, *, ax=None, **kwargs):
        """Plot the path of a fitted compressor.

        Parameters
        ----------
        compressor : CoresetCompressor
            Fitted.

        X : {array-like, sparse matrix} of shape (n_samples, n_features), default=None
            Rows on which the original and the chosen network are scored.

        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            True classes or values for `X`.

        ax : matplotlib Axes, default=None
            Split between the errors and the statistic. By default a new figure is made.

        **kwargs : dict
            Passed on to :meth:`matplotlib.axes.Axes.plot` for the lines of the error.

        Returns
        -------
        display : CompressionPathDisplay
        """
        check_is_compressor(compressor)
        scores = None
        if X is not None:
            original = compressor.original_estimator_
            scores = original.score(X, y), compressor.score(X, y)
        display = cls(
            compressor.path_,
            compressor.certificate_,
            scores=scores,
            score_name="Accuracy" if is_classifier(compressor) else "$R^2$",
            show_decision=compressor.density is None,
        )
        return display.plot(ax=ax, **kwargs)

    def plot(self, *, ax=None, **kwargs):
        """Plot the path.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Split between the errors and the statistic. By default a new figure is made.

        **kwargs : dict
            Passed on to :meth:`matplotlib.axes.Axes.plot` for the lines of the error.

        Returns
        -------
        display : CompressionPathDisplay
        """
        ax = self._set_axes(ax, figsize=(6.4, 5.6))
        density, certificate = self.path["density"], self.certificate
        if ERRORS[certificate.error].counts_rows:
            curves = {"predictions that change": ("share_over_epsilon", "-")}
            bound, symbol = certificate.delta, r"$\delta$"
            ylabel = "Share of held-out rows"
        else:
            curves = {
                "99% of rows are below": ("error_q99", ":"),
                "90% of rows are below": ("error_q90", "--"),
                "50% of rows are below": ("error_q50", "-"),
            }
            bound, symbol = certificate.epsilon, r"$\varepsilon$"
            ylabel = f"Error ({certificate.error})"
        style = {"color": BLUE, "marker": _marker(density)} | kwargs
        self.lines_ = []
        for label, (key, linestyle) in curves.items():
            options = {"linestyle": linestyle, "label": label} | style
            self.lines_ += ax.plot(density, self.path[key], **options)
        if np.isfinite(bound):
            ax.axhline(bound, color=GREY, label=f"{symbol} = {bound:.3g}")
            # the sparsest networks may be off by hundreds of times the bound
            ax.set_ylim(0, 3 * bound or None)
        ax.set_ylabel(ylabel)
        if self.scores is not None:
            before, after = self.scores
            ax.set_title(f"{self.score_name}: {before:.3f} before, {after:.3f} after")
        chosen = density[self.path["chosen"]].item()
        label = f"chosen: {percent(chosen)} of the edges"
        self.chosen_ = ax.axvline(chosen, color=ORANGE, label=label)
        ax.legend(loc="upper right", frameon=False)
        self.statistic_ = self.refused_ = self.decision_ax_ = None
        # the theorem has no statistic
        if self.show_decision and np.isfinite(self.path["statistic"]).all():
            self._plot_decision(chosen)
        density_axis(self.decision_ax_ or ax)
        return self

    def _plot_decision(self, chosen):
        """Plot what was compared with the limit, below the errors."""
        density, statistic = self.path["density"], self.path["statistic"]
        limit, confidence = self.certificate.limit, self.certificate.confidence
        ax = self.decision_ax_ = self._divide_axes()
        style = {"color": BLUE, "marker": _marker(density)}
        (self.statistic_,) = ax.plot(density, statistic, **style)
        symbol = r"$\delta$" if confidence is None else "1 - confidence"
        ax.axhline(limit, color=GREY, label=f"limit: {symbol} = {limit:.3g}")
        ax.axvline(chosen, color=ORANGE)
        index = np.flatnonzero(self.path["chosen"]).item()
        marks = {"linestyle": "", "markersize": 8, "color": ORANGE}
        label = rf"chosen: {statistic[index]:.3g} $\leq$ {limit:.3g}"
        ax.plot(chosen, statistic[index], "o", label=label, **marks)
        if index + 1 < len(density):
            label = f"refused: {statistic[index + 1]:.3g} > {limit:.3g}"
            after = density[index + 1], statistic[index + 1]
            (self.refused_,) = ax.plot(*after, "X", label=label, **marks)
        # leave room for the legend above the limit
        ax.set_ylim(0, max(2.4 * limit, 1.1 * np.nanmax(statistic)))
        ylabel = statistic_label(self.certificate).replace(" (", "\n(")
        ax.set_ylabel(ylabel.replace("epsilon", r"$\varepsilon$"), size="small")
        ax.legend(loc="upper right", frameon=False)


def _marker(density):
    return "." if len(density) <= MOST_MARKERS else ""
