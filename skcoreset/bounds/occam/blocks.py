"""Blocks of neighbouring inputs that share their weights."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from ..._codec import autocorrelation

# Rows that correlations of inputs are measured on.
N_ROWS = 1000

# Least mean correlation of neighbouring inputs.
LEAST_CORRELATION = 0.25

# Lengths of the blocks that are tried.
LENGTHS = (2, 3, 4, 6, 8, 12, 16)


@dataclass(frozen=True)
class Blocks:
    """Inputs in rows, like the pixels of an image, divided into blocks.

    Parameters
    ----------
    n_features : int

    row_length : int
        Inputs in a row; all of them for a series.

    height, width : int
        Of a block. Blocks at the ends of rows, and the last ones, may be smaller.
    """

    n_features: int
    row_length: int
    height: int
    width: int

    @property
    def groups(self):
        """The number of the block that each input belongs to."""
        row, column = np.divmod(np.arange(self.n_features), self.row_length)
        across = -(-self.row_length // self.width)
        return row // self.height * across + column // self.width

    @property
    def n_groups(self):
        return int(self.groups[-1]) + 1 if self.n_features else 0

    def means(self, X):
        """Return the mean of each block in each sample."""
        groups = self.groups
        shares = 1 / np.bincount(groups)[groups]
        places = np.arange(self.n_features), groups
        return X @ sparse.csr_array((shares.astype(X.dtype), places))

    def expand(self, layer):
        """Return the layer on inputs that equals a layer on means of blocks.

        Parameters
        ----------
        layer : ndarray of shape (n_groups + 1, n_out)
            Intercepts in the last row.

        Returns
        -------
        layer : ndarray of shape (n_features + 1, n_out)
        """
        groups = self.groups
        sizes = np.bincount(groups).astype(layer.dtype)
        weights = layer[:-1] / sizes[:, np.newaxis]
        return np.vstack([weights[groups], layer[-1:]])


def tilings(X):
    """Return possible divisions of the inputs into blocks, from small to large.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)

    Returns
    -------
    tilings : list of Blocks
        Empty if neighbouring inputs are hardly correlated.
    """
    n_features = X.shape[1]
    correlations = _correlations(X[:: -(-len(X) // N_ROWS)])
    if correlations[1:2].max(initial=0) < LEAST_CORRELATION:
        return []
    row_length = _row_length(correlations, n_features)
    flat = row_length == n_features
    return [
        Blocks(n_features, row_length, 1 if flat else length, length)
        for length in LENGTHS
        if length <= row_length / 2
    ]


def _correlations(X):
    """Mean correlation of inputs by their distance, from 0."""
    scale = X.std(axis=0)
    varies = (scale > 0).astype(float)
    Z = (X - X.mean(axis=0)) / np.where(varies, scale, 1)
    n_lags = X.shape[1] - 1
    products = autocorrelation(Z.T, n_lags) / len(X)
    pairs = np.rint(autocorrelation(varies[:, np.newaxis], n_lags))
    return np.append(1, products / np.maximum(pairs, 1))


def _row_length(correlations, n_features):
    """The divisor of `n_features` at which inputs are alike again; or `n_features`."""
    lengths = np.arange(4, n_features // 2 + 1)
    lengths = lengths[n_features % lengths == 0]
    here = correlations[lengths]
    peaks = here > np.maximum(correlations[lengths - 1], correlations[lengths + 1])
    lengths, here = lengths[peaks], here[peaks]
    if here.max(initial=0) < LEAST_CORRELATION:
        return n_features
    return int(lengths[here.argmax()])
