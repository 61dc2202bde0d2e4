"""How many edges of each input were kept."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy import sparse

from .._wrapped import check_is_compressor, input_names
from .base import Display
from .image import check_image_shape
from .palette import BLUE

# Names of more inputs than this would overlap.
MOST_NAMES = 40


class InputDensityDisplay(Display):
    """Edges kept of each input, as an image if the inputs are pixels.

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
        The image. None if there are bars.

    bars_ : matplotlib BarContainer or None
        The bars. None if there is an image.

    ax_ : matplotlib Axes

    figure_ : matplotlib Figure

    See Also
    --------
    LayerDensityDisplay : How much of each layer was kept.

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
        """Plot how many edges of each input a fitted compressor kept.

        Parameters
        ----------
        compressor : CoresetCompressor
            Fitted.

        feature_names : array-like of shape (n_features,), default=None
            Names of the network's inputs. By default the names it was trained with, or
            the output names of the steps before it in a Pipeline.

        image_shape : tuple of 2 ints, "auto" or None, default="auto"
            Rows and columns of the pixels. "auto" draws an image if the number of
            inputs is the square of 8 or more. None draws bars.

        ax : matplotlib Axes, default=None
            By default a new figure is made.

        **kwargs : dict
            Passed on to :meth:`matplotlib.axes.Axes.imshow` or
            :meth:`matplotlib.axes.Axes.barh`.

        Returns
        -------
        display : InputDensityDisplay

        Raises
        ------
        ValueError
            If `image_shape` does not fit the number of inputs.
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
            Rows and columns of the pixels. "auto" draws an image if the number of
            inputs is the square of 8 or more. None draws bars.

        ax : matplotlib Axes, default=None
            By default a new figure is made.

        **kwargs : dict
            Passed on to :meth:`matplotlib.axes.Axes.imshow` or
            :meth:`matplotlib.axes.Axes.barh`.

        Returns
        -------
        display : InputDensityDisplay

        Raises
        ------
        ValueError
            If `image_shape` does not fit the number of inputs.
        """
        image_shape = check_image_shape(image_shape, len(self.n_kept))
        ax = self._set_axes(ax)
        self.image_ = self.bars_ = None
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
