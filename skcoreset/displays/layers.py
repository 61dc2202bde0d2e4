"""How much of each layer was kept."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy import sparse

from .._wrapped import check_is_compressor, last_step
from .base import Display, percent
from .palette import BLUE, ORANGE


class LayerDensityDisplay(Display):
    """Share of the edges kept in each layer.

    It is recommended to use :meth:`from_estimator`. All parameters are stored as
    attributes.

    Parameters
    ----------
    n_kept : array-like of shape (n_layers,)
        Edges that each layer kept, input layer first.

    n_edges : array-like of shape (n_layers,)
        Edges that each layer had before.

    shapes : sequence of tuples of 2 ints
        Inputs and neurons of each layer before.

    Attributes
    ----------
    bars_ : matplotlib BarContainer
        One bar for each layer and one for the whole network.

    ax_ : matplotlib Axes

    figure_ : matplotlib Figure

    See Also
    --------
    InputDensityDisplay : How many edges of each input were kept.

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
        """Plot how much of each layer a fitted compressor kept.

        Parameters
        ----------
        compressor : CoresetCompressor
            Fitted.

        ax : matplotlib Axes, default=None
            By default a new figure is made.

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
            By default a new figure is made.

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
        # a layer may have had no edges before
        shares = n_kept / np.maximum(n_edges, 1)
        self.bars_ = ax.barh([*names, "network"], shares, **style)
        labels = [
            f"{percent(share)}: {kept:,} of {total:,}"
            for share, kept, total in zip(shares, n_kept, n_edges)
        ]
        ax.bar_label(self.bars_, labels, padding=4)
        ax.invert_yaxis()
        # leave room for the labels beside the bars
        ax.margins(x=0.6)
        ax.xaxis.set_major_formatter(percent)
        ax.set_xlabel("Edges kept")
        return self
