"""Displays: what a compression kept, and why."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from contextlib import suppress
from math import isqrt

import numpy as np
from sklearn.base import is_classifier
from sklearn.pipeline import Pipeline

from ._compat import check_matplotlib_support
from ._compressor import check_is_compressor
from ._network import dense
from ._sensitivity import sensitivity
from ._wrapped import inputs_of, last_step, network_of, thawed

# Okabe and Ito's colours, which the colour-blind can tell apart.
BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#666666"

# Fewer features than in an 8 x 8 image are no image unless the user says so.
SMALLEST_IMAGE = 64

# More names than this cannot be read beside their bars.
MOST_NAMES = 40


class _Display:
    """Where a display draws."""

    def _set_axes(self, ax):
        check_matplotlib_support(f"{type(self).__name__}.plot")
        import matplotlib.pyplot as plt

        if ax is None:
            _, ax = plt.subplots(layout="constrained")
        self.ax_, self.figure_ = ax, ax.figure
        return ax


class CompressionPathDisplay(_Display):
    """Error along the path of ever sparser networks, and the one that was chosen.

    It is recommended to use :meth:`from_estimator`. All parameters are stored as
    attributes.

    Parameters
    ----------
    path : dict of ndarrays
        As `path_` of :class:`CoresetCompressor`.

    certificate : Certificate
        As `certificate_` of :class:`CoresetCompressor`.

    scores : tuple of 2 floats, default=None
        Scores of the original and of the chosen network. None draws none.

    score_name : str, default="Score"
        Label of the scores.

    Attributes
    ----------
    lines_ : list of matplotlib Lines
        One for each quantile of the error; with ``error="prediction"`` one, the share
        of predictions that change.

    chosen_ : matplotlib Line
        Mark of the chosen network.

    score_ax_ : matplotlib Axes or None
        Axes of the scores, on the right.

    ax_ : matplotlib Axes

    figure_ : matplotlib Figure

    See Also
    --------
    LayerDensityDisplay : What was kept of each layer.

    Notes
    -----
    The choice counts a row from the first network of the path that takes it over
    `epsilon`, or changes its prediction, even where a sparser one does not. The path
    may end before the curve of a single network reaches the bound.

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

    def __init__(self, path, certificate, *, scores=None, score_name="Score"):
        self.path = path
        self.certificate = certificate
        self.scores = scores
        self.score_name = score_name

    @classmethod
    def from_estimator(cls, compressor, X=None, y=None, *, ax=None, **kwargs):
        """Plot the path of a fitted compressor.

        Parameters
        ----------
        compressor : CoresetCompressor
            Fitted.

        X : {array-like, sparse matrix} of shape (n_samples, n_features), default=None
            Rows to score the original and the chosen network on.

        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            True classes or values of X.

        ax : matplotlib Axes, default=None
            None creates a figure.

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
        )
        return display.plot(ax=ax, **kwargs)

    def plot(self, *, ax=None, **kwargs):
        """Plot the path.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            None creates a figure.

        **kwargs : dict
            Passed on to :meth:`matplotlib.axes.Axes.plot` for the lines of the error.

        Returns
        -------
        display : CompressionPathDisplay
        """
        ax = self._set_axes(ax)
        density, certificate = self.path["density"], self.certificate
        if certificate.error == "prediction":
            curves = {"on held-out rows": ("share_over_epsilon", "-")}
            bound, symbol = certificate.delta, r"$\delta$"
            ylabel = "Share of predictions that change"
        else:
            curves = {
                "99% of held-out rows": ("error_q99", ":"),
                "90%": ("error_q90", "--"),
                "50%": ("error_q50", "-"),
            }
            bound, symbol = certificate.epsilon, r"$\varepsilon$"
            ylabel = f"Error of the outputs ({certificate.error})"
        style = {"color": BLUE, "marker": "." if len(density) < 50 else ""} | kwargs
        self.lines_ = []
        for label, (key, linestyle) in curves.items():
            options = {"linestyle": linestyle, "label": label} | style
            self.lines_ += ax.plot(density, self.path[key], **options)
        chosen = density[self.path["chosen"]].item()
        self.chosen_ = ax.axvline(
            chosen, color=ORANGE, label=f"chosen: {_percent(chosen)} of the edges"
        )
        if np.isfinite(bound):
            ax.axhline(bound, color=GREY, linewidth=1, label=f"{symbol} = {bound:.3g}")
            # the last rows can be very far away
            ax.set_ylim(0, min(ax.get_ylim()[1], 3 * bound or np.inf))
        _density_axis(ax)
        ax.set_ylabel(ylabel)
        ax.legend(loc="upper right", framealpha=1)
        self.score_ax_ = None
        if self.scores is not None:
            self._plot_scores(chosen)
        return self

    def _plot_scores(self, chosen):
        """Score of the original and of the chosen network, above the errors."""
        from mpl_toolkits.axes_grid1 import make_axes_locatable

        divider = make_axes_locatable(self.ax_)
        ax = divider.append_axes("top", "25%", pad=0.1, sharex=self.ax_)
        ax.plot([1, chosen], self.scores, "o:", color=GREEN)
        for density, score, side in zip([1, chosen], self.scores, [-1, 1]):
            ax.annotate(
                f"{self.score_name} {score:.3f}",
                (density, score),
                xytext=(8 * side, 0),
                textcoords="offset points",
                ha="left" if side > 0 else "right",
                va="center",
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
            )
        ax.margins(y=0.5)
        ax.set_yticks([])
        ax.tick_params(labelbottom=False)
        self.score_ax_ = ax


class LayerDensityDisplay(_Display):
    """Share of the edges kept in each layer.

    It is recommended to use :meth:`from_estimator`. All parameters are stored as
    attributes.

    Parameters
    ----------
    n_kept : array-like of shape (n_layers,)
        Edges kept of each layer, input layer first.

    n_edges : array-like of shape (n_layers,)
        Edges that it had.

    shapes : sequence of tuples of 2 ints
        Inputs and neurons that each layer had.

    Attributes
    ----------
    bars_ : matplotlib BarContainer
        One for each layer and one for the whole network.

    ax_ : matplotlib Axes

    figure_ : matplotlib Figure

    See Also
    --------
    InputDensityDisplay : What was kept of each input.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.neural_network import MLPClassifier
    >>> from skcoreset import CoresetCompressor, LayerDensityDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> mlp = MLPClassifier(solver="lbfgs", max_iter=500, random_state=0).fit(X, y)
    >>> compressor = CoresetCompressor(mlp, density=0.2, random_state=0).fit(X)
    >>> LayerDensityDisplay.from_estimator(compressor)
    <...>
    """

    def __init__(self, n_kept, n_edges, shapes):
        self.n_kept = n_kept
        self.n_edges = n_edges
        self.shapes = shapes

    @classmethod
    def from_estimator(cls, compressor, *, ax=None, **kwargs):
        """Plot what a fitted compressor kept of each layer.

        Parameters
        ----------
        compressor : CoresetCompressor
            Fitted.

        ax : matplotlib Axes, default=None
            None creates a figure.

        **kwargs : dict
            Passed on to :meth:`matplotlib.axes.Axes.barh`.

        Returns
        -------
        display : LayerDensityDisplay
        """
        check_is_compressor(compressor)
        coefs = last_step(compressor.original_estimator_).coefs_
        display = cls(
            n_kept=[coef.nnz for coef in compressor.coefs_],
            n_edges=[(coef != 0).sum() for coef in coefs],
            shapes=[coef.shape for coef in coefs],
        )
        return display.plot(ax=ax, **kwargs)

    def plot(self, *, ax=None, **kwargs):
        """Plot a bar for each layer.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            None creates a figure.

        **kwargs : dict
            Passed on to :meth:`matplotlib.axes.Axes.barh`.

        Returns
        -------
        display : LayerDensityDisplay
        """
        ax = self._set_axes(ax)
        n_kept = np.append(self.n_kept, np.sum(self.n_kept))
        n_edges = np.append(self.n_edges, np.sum(self.n_edges))
        names = [
            f"layer {layer}\n{n_in} → {n_out}"
            for layer, (n_in, n_out) in enumerate(self.shapes)
        ]
        style = {"height": 0.6, "color": [BLUE] * len(names) + [ORANGE]} | kwargs
        # a layer may have had no edges
        shares = n_kept / np.maximum(n_edges, 1)
        self.bars_ = ax.barh([*names, "network"], shares, **style)
        labels = [
            f"{_percent(share)}: {kept:,} of {total:,}"
            for share, kept, total in zip(shares, n_kept, n_edges)
        ]
        ax.bar_label(self.bars_, labels, padding=4)
        ax.invert_yaxis()
        # room for the labels beside the bars
        ax.margins(x=0.6)
        ax.xaxis.set_major_formatter(_percent)
        ax.set_xlabel("Edges kept")
        return self


class SensitivityDisplay(_Display):
    """Sorted sensitivities of the neurons of a layer, and their sums.

    A neuron that has few sensitive edges is approximated by few draws: their number is
    proportional to the sum of the sensitivities, not to the number of edges.

    It is recommended to use :meth:`from_estimator`. All parameters are stored as
    attributes.

    Parameters
    ----------
    sensitivities : ndarray of shape (n_in, n_out)
        Empirical sensitivity of every edge of a layer, between 0 and 1.

    layer : int, default=0
        Number of the layer.

    Attributes
    ----------
    lines_ : list of matplotlib Lines
        Median and maximum, over the neurons, of the sensitivity at each rank.

    ax_ : matplotlib Axes

    figure_ : matplotlib Figure

    See Also
    --------
    InputDensityDisplay : What was kept of each input.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.neural_network import MLPClassifier
    >>> from skcoreset import CoresetCompressor, SensitivityDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> mlp = MLPClassifier(solver="lbfgs", max_iter=500, random_state=0).fit(X, y)
    >>> compressor = CoresetCompressor(mlp, density=0.5, random_state=0).fit(X)
    >>> SensitivityDisplay.from_estimator(compressor, X, layer=1)
    <...>
    """

    def __init__(self, sensitivities, *, layer=0):
        self.sensitivities = sensitivities
        self.layer = layer

    @classmethod
    def from_estimator(cls, compressor, X, *, layer=0, ax=None, **kwargs):
        """Plot the sensitivities of the network that a compressor was given.

        Parameters
        ----------
        compressor : CoresetCompressor
            Fitted, by whichever method.

        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows to compute the sensitivities on; some hundreds do. They are maxima over
            the rows and grow slowly with their number.

        layer : int, default=0
            Which layer; 0 is the one that the inputs enter.

        ax : matplotlib Axes, default=None
            None creates a figure.

        **kwargs : dict
            Passed on to :meth:`matplotlib.axes.Axes.plot`.

        Returns
        -------
        display : SensitivityDisplay
        """
        check_is_compressor(compressor)
        network = network_of(compressor.original_estimator_)
        if layer not in range(len(network.coefs)):
            raise ValueError(
                f"layer={layer!r} is none of the network's, which are 0 to "
                f"{len(network.coefs) - 1}."
            )
        X = network.cast(inputs_of(compressor.original_estimator_, X))
        A = network.activations(dense(X))[layer]
        display = cls(sensitivity(A, network.coefs[layer]), layer=layer)
        return display.plot(ax=ax, **kwargs)

    def plot(self, *, ax=None, **kwargs):
        """Plot the sensitivities against their rank, and mark the sums.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            None creates a figure.

        **kwargs : dict
            Passed on to :meth:`matplotlib.axes.Axes.plot`.

        Returns
        -------
        display : SensitivityDisplay
        """
        ax = self._set_axes(ax)
        ranked = -np.sort(-self.sensitivities, axis=0)
        sums = ranked.sum(axis=0)
        n_in = len(ranked)
        rank = np.arange(1, n_in + 1)
        self.lines_ = []
        for label, values, linestyle in (
            ("maximum over neurons", ranked.max(axis=1), "--"),
            ("median over neurons", np.median(ranked, axis=1), "-"),
        ):
            style = {"color": BLUE, "linestyle": linestyle, "label": label} | kwargs
            self.lines_ += ax.plot(rank, values, **style)
        ax.axvspan(sums.min(), sums.max(), color=ORANGE, alpha=0.2, linewidth=0)
        ax.axvline(
            np.median(sums),
            color=ORANGE,
            label=f"sum: {np.median(sums):.1f} ({sums.min():.1f} to {sums.max():.1f})",
        )
        ax.axvline(n_in, color=GREY, label=f"edges: {n_in}")
        ax.set(
            xscale="log",
            xlabel=f"Edges of a neuron of layer {self.layer}, most sensitive first",
            ylabel="Sensitivity",
            ylim=(0, None),
        )
        ax.xaxis.set_major_formatter("{x:g}")
        ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, frameon=False)
        return self


class InputDensityDisplay(_Display):
    """Edges kept of each input, as an image where the inputs are pixels.

    It is recommended to use :meth:`from_estimator`. All parameters are stored as
    attributes.

    Parameters
    ----------
    n_kept : ndarray of shape (n_features,)
        Edges kept of each input.

    feature_names : array-like of shape (n_features,)
        Names of the inputs.

    Attributes
    ----------
    image_ : matplotlib AxesImage or None
        The image, where there is one.

    bars_ : matplotlib BarContainer or None
        The bars, where there is no image.

    ax_ : matplotlib Axes

    figure_ : matplotlib Figure

    See Also
    --------
    LayerDensityDisplay : What was kept of each layer.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.neural_network import MLPClassifier
    >>> from skcoreset import CoresetCompressor, InputDensityDisplay
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> mlp = MLPClassifier(solver="lbfgs", max_iter=500, random_state=0).fit(X, y)
    >>> compressor = CoresetCompressor(mlp, density=0.2, random_state=0).fit(X)
    >>> InputDensityDisplay.from_estimator(compressor)
    <...>
    """

    def __init__(self, n_kept, feature_names):
        self.n_kept = n_kept
        self.feature_names = feature_names

    @classmethod
    def from_estimator(
        cls,
        compressor,
        *,
        feature_names=None,
        image_shape="auto",
        ax=None,
        **kwargs,
    ):
        """Plot what a fitted compressor kept of each input of its network.

        Parameters
        ----------
        compressor : CoresetCompressor
            Fitted.

        feature_names : array-like of shape (n_features,), default=None
            Names of the network's inputs. None takes those it was trained with, or
            those that the steps of a pipeline before it give.

        image_shape : tuple of 2 ints, "auto" or None, default="auto"
            Rows and columns of the pixels. "auto" draws an image where the number of
            inputs is the square of 8 or more, None never.

        ax : matplotlib Axes, default=None
            None creates a figure.

        **kwargs : dict
            Passed on to :meth:`matplotlib.axes.Axes.imshow` or
            :meth:`matplotlib.axes.Axes.barh`.

        Returns
        -------
        display : InputDensityDisplay
        """
        check_is_compressor(compressor)
        n_kept = np.diff(compressor.coefs_[0].indptr)
        if feature_names is None:
            feature_names = _input_names(compressor.original_estimator_, len(n_kept))
        display = cls(n_kept, feature_names)
        return display.plot(image_shape=image_shape, ax=ax, **kwargs)

    def plot(self, *, image_shape="auto", ax=None, **kwargs):
        """Plot an image or bars.

        Parameters
        ----------
        image_shape : tuple of 2 ints, "auto" or None, default="auto"
            Rows and columns of the pixels. "auto" draws an image where the number of
            inputs is the square of 8 or more, None never.

        ax : matplotlib Axes, default=None
            None creates a figure.

        **kwargs : dict
            Passed on to :meth:`matplotlib.axes.Axes.imshow` or
            :meth:`matplotlib.axes.Axes.barh`.

        Returns
        -------
        display : InputDensityDisplay
        """
        ax = self._set_axes(ax)
        self.image_ = self.bars_ = None
        if image_shape == "auto":
            side = isqrt(len(self.n_kept))
            square = side**2 == len(self.n_kept) >= SMALLEST_IMAGE
            image_shape = (side, side) if square else None
        if image_shape is None:
            self._plot_bars(kwargs)
        else:
            pixels = np.reshape(self.n_kept, image_shape)
            self.image_ = ax.imshow(pixels, **{"cmap": "magma", "vmin": 0} | kwargs)
            self.figure_.colorbar(self.image_, ax=ax, label="Edges kept of the input")
            ax.set(xticks=[], yticks=[])
        return self

    def _plot_bars(self, kwargs):
        ax, position = self.ax_, np.arange(len(self.n_kept))
        self.bars_ = ax.barh(position, self.n_kept, **{"color": BLUE} | kwargs)
        if len(position) <= MOST_NAMES:
            ax.set_yticks(position, self.feature_names)
        else:
            ax.set_ylabel("Input")
        ax.invert_yaxis()
        ax.set_xlabel("Edges kept of the input")


def _percent(share, position=None):
    """Format the tick of an axis of shares."""
    return f"{100 * share:.3g}%"


def _density_axis(ax):
    """Make the horizontal axis one of densities."""
    from matplotlib.ticker import LogLocator, NullFormatter

    ax.set(xscale="log", xlabel="Edges kept")
    # a single density would be in the middle of two powers of ten
    ax.set_xlim(right=1.15)
    digits = (1, 2, 5) if ax.get_xlim()[0] < 0.3 else range(1, 10)
    ax.xaxis.set_major_locator(LogLocator(subs=digits))
    ax.xaxis.set_major_formatter(_percent)
    ax.xaxis.set_minor_formatter(NullFormatter())


def _input_names(estimator, n_features):
    """Names of what enters the network of an estimator."""
    names = None
    while isinstance(estimator, Pipeline):
        steps, estimator = estimator[:-1], thawed(estimator.steps[-1][1])
        names = None
        # where there are no steps, or one of them gives no names
        with suppress(AttributeError, IndexError, ValueError):
            names = steps.get_feature_names_out()
    names = getattr(estimator, "feature_names_in_", names)
    return [f"x{i}" for i in range(n_features)] if names is None else names
