"""The sensitivities of the edges of a layer."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from .._network import dense
from .._sensitivity import sensitivity
from .._wrapped import check_is_compressor, inputs_of, network_of
from .base import Display
from .palette import BLUE, GREY, ORANGE


class SensitivityDisplay(Display):
    """Sorted sensitivities of the neurons of a layer, and their sums.

    A neuron with few sensitive edges can be approximated by few sampled edges: how many
    are needed is proportional to the sum of the sensitivities, not to their number.

    It is recommended to use :meth:`from_estimator`. All parameters are stored as
    attributes.

    Parameters
    ----------
    sensitivities : ndarray of shape (n_in, n_out)
        Empirical sensitivity of every edge of a layer, between 0 and 1.

    layer : int, default=0
        Number of the layer; 0 is the one that the inputs enter.

    Attributes
    ----------
    lines_ : list of matplotlib Lines
        Maximum and median over the neurons of the sensitivity at each rank.

    ax_ : matplotlib Axes

    figure_ : matplotlib Figure

    See Also
    --------
    InputDensityDisplay : How many edges of each input were kept.

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
        """Plot the sensitivities of the network before its compression.

        Parameters
        ----------
        compressor : CoresetCompressor
            Fitted, with any method.

        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows to compute the sensitivities from; a few hundred are enough. A
            sensitivity is a maximum over the rows and grows slowly with their number.

        layer : int, default=0
            Number of the layer; 0 is the one that the inputs enter.

        ax : matplotlib Axes, default=None
            By default a new figure is made.

        **kwargs : dict
            Passed on to :meth:`matplotlib.axes.Axes.plot`.

        Returns
        -------
        display : SensitivityDisplay

        Raises
        ------
        ValueError
            If the network has no such layer.
        """
        check_is_compressor(compressor)
        network = network_of(compressor.original_estimator_)
        if layer not in range(len(network.coefs)):
            raise ValueError(
                f"layer={layer!r} must be one of the network's layers, which are 0 to "
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
            By default a new figure is made.

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
