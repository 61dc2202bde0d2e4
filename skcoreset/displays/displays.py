"""Displays: what a compression kept, and why."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from itertools import pairwise
from math import ceil, isqrt, sqrt
from numbers import Integral

import numpy as np
from scipy import sparse
from sklearn.base import is_classifier
from sklearn.utils import check_scalar

from .._compressor import check_is_compressor
from .._errors import ERRORS
from .._network import dense
from .._sensitivity import sensitivity
from .._wrapped import input_names, inputs_of, last_step, network_of
from .._wrapped.compat import check_matplotlib_support

# Seen on white and on black, and told apart by the colour-blind.
BLUE, ORANGE, GREY = "#1F85C7", "#D55E00", "#808080"

# Fewer features than in an 8 x 8 image are no image unless the user says so.
SMALLEST_IMAGE = 64

# More names than this cannot be read beside their bars, or beside their neurons.
MOST_NAMES = 40
MOST_NEURON_NAMES = 16

# Where no weight is larger.
TINY = np.finfo(np.float64).tiny


class _Display:
    """Where a display draws."""

    def _set_axes(self, ax, figsize=None):
        check_matplotlib_support(f"{type(self).__name__}.plot")
        import matplotlib.pyplot as plt

        if ax is None:
            _, ax = plt.subplots(figsize=figsize, layout="constrained")
        self.ax_, self.figure_ = ax, ax.figure
        return ax


class CompressionPathDisplay(_Display):
    """Errors along the path of ever sparser networks, and why one was chosen.

    Above, what each network of the path does on the held-out rows. Below, the number
    that decides: the path is walked from dense to sparse while it is at most the limit.

    It is recommended to use :meth:`from_estimator`. All parameters are stored as
    attributes.

    Parameters
    ----------
    path : dict of ndarrays
        As `path_` of :class:`CoresetCompressor`.

    certificate : Certificate
        As `certificate_` of :class:`CoresetCompressor`.

    scores : tuple of 2 floats, default=None
        Scores of the original and of the chosen network, for the title. None has none.

    score_name : str, default="Score"
        Label of the scores.

    Attributes
    ----------
    lines_ : list of matplotlib Lines
        One for each quantile of the error; with an error that counts rows, such as
        "prediction", one, the share of these rows.

    statistic_ : matplotlib Line or None
        What was compared with the limit at each network; None where nothing was, as
        with a `density` or the theorem.

    chosen_ : matplotlib Line
        Mark of the chosen network.

    refused_ : matplotlib Line or None
        Mark of the network after the chosen one, where there is one.

    ax_ : matplotlib Axes
        Axes of the errors.

    decision_ax_ : matplotlib Axes or None
        Axes of the statistic, below those of the errors.

    figure_ : matplotlib Figure

    See Also
    --------
    NetworkDisplay : The network itself, before and after.
    LayerDensityDisplay : What was kept of each layer.

    Notes
    -----
    A network loses a row by taking it over `epsilon`, or by changing its prediction.
    Without a `confidence` the statistic is ``(k + 1) / (n + 1)``, where `k` of the `n`
    held-out rows were lost by the network or by the one before it. So it may reach
    the limit before the share of rows that a single network loses does. With a
    `confidence` it is the p-value of the rows that the network itself loses. Where
    classes count by themselves, it is the largest of theirs.

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
            Divided between the errors and the statistic. None creates a figure.

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
            Divided between the errors and the statistic. None creates a figure.

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
                "99 of 100 rows are below": ("error_q99", ":"),
                "9 of 10 rows are below": ("error_q90", "--"),
                "median row": ("error_q50", "-"),
            }
            bound, symbol = certificate.epsilon, r"$\varepsilon$"
            ylabel = f"{certificate.error.capitalize()} error"
        style = {"color": BLUE, "marker": _marker(density)} | kwargs
        self.lines_ = []
        for label, (key, linestyle) in curves.items():
            options = {"linestyle": linestyle, "label": label} | style
            self.lines_ += ax.plot(density, self.path[key], **options)
        if np.isfinite(bound):
            ax.axhline(bound, color=GREY, label=f"{symbol} = {bound:.3g}")
            # the last rows can be very far away
            ax.set_ylim(0, 3 * bound or None)
        ax.set_ylabel(ylabel)
        if self.scores is not None:
            before, after = self.scores
            ax.set_title(f"{self.score_name}: {before:.3f} before, {after:.3f} after")
        chosen = density[self.path["chosen"]].item()
        label = f"chosen: {_percent(chosen)} of the edges"
        self.chosen_ = ax.axvline(chosen, color=ORANGE, label=label)
        ax.legend(loc="upper right", frameon=False)
        self.statistic_ = self.refused_ = self.decision_ax_ = None
        # else it was not chosen by it, as with a density
        if self.path["statistic"][self.path["chosen"]] == certificate.statistic:
            self._plot_decision(chosen)
        _density_axis(self.decision_ax_ or ax)
        return self

    def _plot_decision(self, chosen):
        """What was compared with the limit, below the errors."""
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
        # room for the legend above the limit
        ax.set_ylim(0, max(2.4 * limit, 1.1 * np.nanmax(statistic)))
        ax.set_ylabel("Rows lost by two in turn" if confidence is None else "$p$-value")
        ax.legend(loc="upper right", frameon=False)

    def _divide_axes(self):
        """Axes below those of the errors, which become smaller."""
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
            n_kept=[sparse.csr_array(coef).nnz for coef in compressor.coefs_],
            n_edges=[np.count_nonzero(coef) for coef in coefs],
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
        n_kept = np.diff(sparse.csr_array(compressor.coefs_[0]).indptr)
        if feature_names is None:
            feature_names = input_names(compressor.original_estimator_, len(n_kept))
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


class NetworkDisplay(_Display):
    """The network itself, before and after: neurons as dots, edges as lines.

    The heavier an edge is within its layer, the thicker and darker its line. Neurons of
    hidden layers are sorted by where their edges come from, so that fewer lines cross;
    neurons without any edge are pale.

    It is recommended to use :meth:`from_estimator`. All parameters are stored as
    attributes.

    Parameters
    ----------
    original : sequence of arrays of shape (n_in, n_out)
        Weight matrices of the network before, input layer first, dense or sparse.

    compressed : sequence of arrays of shape (n_in, n_out)
        Weight matrices of the network after. Its hidden layers may be smaller.

    input_names, output_names : sequence of str, default=None
        Names written beside the neurons where these are few. None writes none.

    Attributes
    ----------
    edges_ : list of 2 matplotlib LineCollections
        Edges of the original and of the compressed network.

    neurons_ : list of 2 matplotlib PathCollections
        Their neurons.

    ax_ : matplotlib Axes

    figure_ : matplotlib Figure

    See Also
    --------
    LayerDensityDisplay : What was kept of each layer, in numbers.
    InputDensityDisplay : What was kept of each input.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.neural_network import MLPClassifier
    >>> from skcoreset import CoresetCompressor, NetworkDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> mlp = MLPClassifier((16,), solver="lbfgs", max_iter=500, random_state=0)
    >>> compressor = CoresetCompressor(mlp.fit(X, y), density=0.2, random_state=0)
    >>> NetworkDisplay.from_estimator(compressor.fit(X))
    <...>
    """

    def __init__(self, original, compressed, *, input_names=None, output_names=None):
        self.original = original
        self.compressed = compressed
        self.input_names = input_names
        self.output_names = output_names

    @classmethod
    def from_estimator(cls, compressor, *, max_neurons=64, ax=None, **kwargs):
        """Draw the network that a compressor was given beside the one it made.

        Parameters
        ----------
        compressor : CoresetCompressor
            Fitted.

        max_neurons : int, default=64
            Most neurons of a layer that are drawn. Of larger layers evenly spaced ones
            are, and the figure says so: the share of lines that is left is that of the
            edges. Layers of the compressed network are drawn at the same rate.

        ax : matplotlib Axes, default=None
            None creates a figure.

        **kwargs : dict
            Passed on to :class:`matplotlib.collections.LineCollection`.

        Returns
        -------
        display : NetworkDisplay

        Raises
        ------
        ValueError
            If `max_neurons` is below 1.
        """
        check_is_compressor(compressor)
        original = compressor.original_estimator_
        coefs = last_step(original).coefs_
        classes = getattr(compressor, "classes_", ())
        display = cls(
            coefs,
            compressor.coefs_,
            input_names=input_names(original, len(coefs[0])),
            # a binary classifier has one output for both
            output_names=classes if len(classes) == coefs[-1].shape[1] else None,
        )
        return display.plot(max_neurons=max_neurons, ax=ax, **kwargs)

    def plot(self, *, max_neurons=64, ax=None, **kwargs):
        """Draw both networks.

        Parameters
        ----------
        max_neurons : int, default=64
            Most neurons of a layer that are drawn.

        ax : matplotlib Axes, default=None
            None creates a figure.

        **kwargs : dict
            Passed on to :class:`matplotlib.collections.LineCollection`.

        Returns
        -------
        display : NetworkDisplay

        Raises
        ------
        ValueError
            If `max_neurons` is below 1.
        """
        check_scalar(max_neurons, "max_neurons", Integral, min_val=1)
        ax = self._set_axes(ax, figsize=(9, 4.5))
        widths = _widths(self.original)
        rates = [min(1, max_neurons / n) for n in widths]
        most = min(max_neurons, max(widths))
        heights = [sqrt(n * rate / most) for n, rate in zip(widths, rates)]
        n_edges = [
            sum(sparse.csr_array(coef).nnz for coef in coefs)
            for coefs in (self.original, self.compressed)
        ]
        share = _percent(n_edges[1] / max(n_edges[0], 1))
        captions = (
            f"before: {n_edges[0]:,} edges",
            f"after: {n_edges[1]:,} edges, {share}",
        )
        self.edges_, self.neurons_ = [], []
        for left, coefs, caption in zip(
            (0, 1.35), (self.original, self.compressed), captions
        ):
            self._draw(left, coefs, widths, heights, rates, kwargs)
            ax.text(left + 0.5, 0.56, caption, ha="center", va="bottom", size="large")
        for color, sign in ((BLUE, "positive weight"), (ORANGE, "negative weight")):
            ax.plot([], [], color=color, label=sign)
        if max(widths) > max_neurons:
            note = f"evenly spaced neurons, at most {max_neurons} of a layer"
            ax.plot([], [], "o", color=GREY, label=note)
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, 0), ncols=3, frameon=False)
        ax.set(xlim=(-0.05, 2.4), ylim=(-0.62, 0.62))
        ax.axis("off")
        return self

    def _draw(self, left, coefs, widths, heights, rates, kwargs):
        """Draw a network from x = `left` on, at the scale of the original's layers."""
        coefs = [sparse.coo_array(coef) for coef in coefs]
        ranks = _ranks(coefs)
        x = left + np.linspace(0, 1, len(widths))
        y, drawn, sizes = [], [], []
        for rank, width, height, rate in zip(ranks, widths, heights, rates):
            n = len(rank)
            # a layer that is left with fewer neurons is as much shorter
            height *= n / width
            y.append((0.5 - (rank + 0.5) / n) * height)
            n_drawn = ceil(n * rate)
            drawn.append(np.isin(rank, np.linspace(0, n - 1, n_drawn).round()))
            # points between two neurons, on a figure of the default size
            sizes.append(np.clip(180 * height / n_drawn, 2.5, 9) ** 2)
        self.edges_.append(self._draw_edges(coefs, x, y, drawn, kwargs))
        shown = [mask.sum() for mask in drawn]
        opacity = [
            np.where(used[mask], 1, 0.3) for used, mask in zip(_used(coefs), drawn)
        ]
        self.neurons_.append(
            self.ax_.scatter(
                np.repeat(x, shown),
                np.concatenate([at[mask] for at, mask in zip(y, drawn)]),
                s=np.repeat(sizes, shown),
                c=GREY,
                alpha=np.concatenate(opacity),
                linewidths=0,
                zorder=2,
            )
        )
        self._draw_names(x, y, drawn)

    def _draw_edges(self, coefs, x, y, drawn, kwargs):
        """A line for each edge between neurons that are drawn, the strongest on top."""
        from matplotlib.collections import LineCollection
        from matplotlib.colors import to_rgb

        negative, positive = to_rgb(ORANGE), to_rgb(BLUE)
        lines, colors, widths = [], [], []
        for layer, coef in enumerate(coefs):
            start, end = coef.coords
            strength = np.abs(coef.data)
            strength = strength / max(strength.max(initial=0), TINY)
            order = np.argsort(strength, kind="stable")
            order = order[(drawn[layer][start] & drawn[layer + 1][end])[order]]
            strength = strength[order]
            ends = np.column_stack([y[layer][start], y[layer + 1][end]])[order]
            across = np.broadcast_to(x[layer : layer + 2], ends.shape)
            lines.append(np.stack([across, ends], axis=-1))
            # many lines are paler, lest they fill the plane
            opacity = np.clip(strength * min(1, 40 / sqrt(len(order) + 1)), 0.06, 1)
            sign = np.where(coef.data[order, np.newaxis] > 0, positive, negative)
            colors.append(np.column_stack([sign, opacity]))
            widths.append(0.4 + 1.6 * strength)
        style = {
            "colors": np.concatenate(colors),
            "linewidths": np.concatenate(widths),
            "zorder": 1,
        }
        return self.ax_.add_collection(
            LineCollection(np.concatenate(lines), **style | kwargs)
        )

    def _draw_names(self, x, y, drawn):
        """Number of neurons below each layer; names where all are drawn."""
        ax = self.ax_
        for at, heights in zip(x, y):
            ax.text(at, -0.6, f"{len(heights):,}", ha="center", va="bottom")
        for layer, names, offset, side in (
            (0, self.input_names, -8, "right"),
            (-1, self.output_names, 8, "left"),
        ):
            few = len(y[layer]) <= MOST_NEURON_NAMES and drawn[layer].all()
            # between the two networks there is room for one of them
            room = layer == -1 or x[0] == 0
            if names is None or not few or not room:
                continue
            for name, height in zip(names, y[layer]):
                ax.annotate(
                    name,
                    (x[layer], height),
                    (offset, 0),
                    textcoords="offset points",
                    ha=side,
                    va="center",
                    size="small",
                )


def _widths(coefs):
    return [coefs[0].shape[0], *(coef.shape[1] for coef in coefs)]


def _ranks(coefs):
    """Place of each neuron in its layer; of hidden ones by that of their inputs."""
    ranks = [np.arange(coefs[0].shape[0])]
    for coef in coefs[:-1]:
        weights = abs(coef)
        total = weights.sum(axis=0)
        place = (ranks[-1] + 0.5) / len(ranks[-1])
        mean = np.divide(
            weights.T @ place, total, out=np.full(len(total), 0.5), where=total > 0
        )
        ranks.append(np.argsort(np.argsort(mean, kind="stable")))
    return [*ranks, np.arange(coefs[-1].shape[1])]


def _used(coefs):
    """Which neurons of each layer have an edge."""
    used = [np.zeros(n, dtype=bool) for n in _widths(coefs)]
    for coef, (before, after) in zip(coefs, pairwise(used)):
        start, end = coef.coords
        before[start] = after[end] = True
    return used


def _marker(density):
    return "." if len(density) < 50 else ""


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
