"""The network itself, before and after."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from itertools import pairwise
from math import ceil, sqrt
from numbers import Integral

import numpy as np
from scipy import sparse
from sklearn.utils import check_scalar

from .._wrapped import check_is_compressor, input_names, last_step
from .base import Display, percent
from .palette import BLUE, GREY, ORANGE

# Names of more neurons than this would overlap.
MOST_NAMES = 16

# Stands for the largest weight of a layer without weights, which has no edge to draw.
TINY = np.finfo(np.float64).tiny


class NetworkDisplay(Display):
    """The network itself, before and after: neurons as dots, edges as lines.

    The larger the weight of an edge within its layer, the thicker and darker its line.
    Hidden neurons are sorted by where their edges come from, so that fewer lines cross.
    Neurons without any edge are pale.

    It is recommended to use :meth:`from_estimator`. All parameters are stored as
    attributes.

    Parameters
    ----------
    original : sequence of arrays of shape (n_in, n_out)
        Weight matrices of the network before compression, input layer first, dense or
        sparse.

    compressed : sequence of arrays of shape (n_in, n_out)
        Weight matrices of the network after compression. Its hidden layers may be
        smaller.

    input_names, output_names : sequence of str, default=None
        Names to write beside the neurons of these layers, up to 16 of them.

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
    LayerDensityDisplay : How much of each layer was kept, in numbers.
    InputDensityDisplay : How many edges of each input were kept.

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
        """Draw the network before and after its compression.

        Parameters
        ----------
        compressor : CoresetCompressor
            Fitted.

        max_neurons : int, default=64
            Most neurons of a layer to draw. Of a larger layer, evenly spaced neurons
            are drawn, and the figure says so. Both networks are drawn at the same rate,
            so that the share of lines left is the share of edges left.

        ax : matplotlib Axes, default=None
            By default a new figure is made.

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
            # a binary classifier has a single output for both classes
            output_names=classes if len(classes) == coefs[-1].shape[1] else None,
        )
        return display.plot(max_neurons=max_neurons, ax=ax, **kwargs)

    def plot(self, *, max_neurons=64, ax=None, **kwargs):
        """Draw both networks.

        Parameters
        ----------
        max_neurons : int, default=64
            Most neurons of a layer to draw.

        ax : matplotlib Axes, default=None
            By default a new figure is made.

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
        share = percent(n_edges[1] / max(n_edges[0], 1))
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
        """Draw a network that starts at x = `left`, at the original's scale."""
        coefs = [sparse.coo_array(coef) for coef in coefs]
        ranks = _ranks(coefs)
        x = left + np.linspace(0, 1, len(widths))
        y, drawn, sizes = [], [], []
        for rank, width, height, rate in zip(ranks, widths, heights, rates):
            n = len(rank)
            # a layer that lost half its neurons is half as tall
            height *= n / width
            y.append((0.5 - (rank + 0.5) / n) * height)
            n_drawn = ceil(n * rate)
            drawn.append(np.isin(rank, np.linspace(0, n - 1, n_drawn).round()))
            # diameter in points: the gap between neurons in a figure of default size
            gap = 180 * height / max(n_drawn, 1)
            sizes.append(np.clip(gap, 2.5, 9) ** 2)
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
        """Draw the edges between drawn neurons, the strongest on top."""
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
            # paler the more lines there are, so that they do not merge into a surface
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
        """Write the size below each layer, and names if all its neurons are drawn."""
        ax = self.ax_
        for at, heights in zip(x, y):
            ax.text(at, -0.6, f"{len(heights):,}", ha="center", va="bottom")
        for layer, names, offset, side in (
            (0, self.input_names, -8, "right"),
            (-1, self.output_names, 8, "left"),
        ):
            few = len(y[layer]) <= MOST_NAMES and drawn[layer].all()
            # between the two networks there is room for the names of one layer
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
    """Number of inputs, and of neurons of each layer."""
    return [coefs[0].shape[0], *(coef.shape[1] for coef in coefs)]


def _ranks(coefs):
    """Order the neurons of each layer by the mean place of their inputs."""
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
    """Tell which neurons of each layer have an edge."""
    used = [np.zeros(n, dtype=bool) for n in _widths(coefs)]
    for coef, (before, after) in zip(coefs, pairwise(used)):
        start, end = coef.coords
        before[start] = after[end] = True
    return used
