"""Blocks of neighbouring inputs that share their weights."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass

import numpy as np
from scipy import sparse

# Rows that neighbours are looked for in.
N_ROWS = 1000

# Mean correlation of inputs that are neighbours, at least.
LEAST_CORRELATION = 0.25

# Lengths of blocks that are tried.
LENGTHS = (2, 3, 4, 6, 8, 12, 16)


@dataclass(frozen=True)
class Blocks:
    """Inputs that lie in rows, as the pixels of an image, cut into blocks.

    Parameters
    ----------
    n_features : int

    row_length : int
        Inputs in a row. A series is one row.

    height, width : int
        Of a block. Those at the ends of rows, and the last ones, may be smaller.
    """

    n_features: int
    row_length: int
    height: int
    width: int

    @property
    def groups(self):
        """Number of the block of each input."""
        row, column = np.divmod(np.arange(self.n_features), self.row_length)
        across = -(-self.row_length // self.width)
        return row // self.height * across + column // self.width

    @property
    def n_groups(self):
        return int(self.groups[-1]) + 1 if self.n_features else 0

    def means(self, X):
        """Mean of each block in each row."""
        groups = self.groups
        shares = 1 / np.bincount(groups)[groups]
        places = np.arange(self.n_features), groups
        return X @ sparse.csr_array((shares.astype(X.dtype), places))

    def spread(self, layer):
        """The layer on inputs that does what this one does on means of blocks.

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
    """Blocks that the inputs may be cut into, from small to large.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)

    Returns
    -------
    tilings : list of Blocks
        Empty where neighbouring inputs have little to do with each other.
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
    """Mean correlation of inputs so far apart, at every distance."""
    spread = X.std(axis=0)
    varies = (spread > 0).astype(float)
    Z = (X - X.mean(axis=0)) / np.where(varies, spread, 1)
    n_lags = X.shape[1] - 1
    products = autocorrelation(Z.T, n_lags) / len(X)
    pairs = np.rint(autocorrelation(varies[:, np.newaxis], n_lags))
    # the first is that of each with itself
    return np.append(1, products / np.maximum(pairs, 1))


def autocorrelation(values, n_lags):
    """Sums of products of values so far apart, over all columns.

    Parameters
    ----------
    values : ndarray of shape (n, n_columns)

    n_lags : int

    Returns
    -------
    sums : ndarray of shape (n_lags,)
        At distances from 1 to `n_lags`.
    """
    n_points = len(values) + n_lags
    power = 0
    for start in range(0, values.shape[1], 64):
        spectra = np.fft.rfft(values[:, start : start + 64], n_points, axis=0)
        power = power + (np.abs(spectra) ** 2).sum(axis=1)
    return np.fft.irfft(power, n_points)[1 : n_lags + 1]


def _row_length(correlations, n_features):
    """The divisor at which inputs are alike again, or all of them."""
    lengths = np.arange(4, n_features // 2 + 1)
    lengths = lengths[n_features % lengths == 0]
    here = correlations[lengths]
    peaks = here > np.maximum(correlations[lengths - 1], correlations[lengths + 1])
    lengths, here = lengths[peaks], here[peaks]
    if here.max(initial=0) < LEAST_CORRELATION:
        return n_features
    return int(lengths[here.argmax()])
