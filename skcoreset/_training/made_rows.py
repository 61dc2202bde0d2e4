"""Rows that are made of others: the original labels them for nothing."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy import sparse

# Sparse rows are made as dense ones where these have no more numbers.
MOST_DENSE = 2**24

# How likely a made row has a feature, or a category, of its second parent.
SWAP_PROBABILITY = 0.1


def make_rows(X, n_rows, rng):
    """Make rows that are like those given, but for a few features of another row.

    Columns that look like the categories of one variable are taken together, so that a
    made row does not belong to two of them.

    Parameters
    ----------
    X : {ndarray, csr_array} of shape (n_samples, n_features)

    n_rows : int

    rng : numpy.random.Generator

    Returns
    -------
    made : {ndarray, csr_array} of shape (n_rows, n_features)
    """
    n_samples = X.shape[0]
    if n_rows == 0:
        return X[:0]
    is_sparse = sparse.issparse(X)
    if is_sparse and max(n_rows, n_samples) * X.shape[1] <= MOST_DENSE:
        return sparse.csr_array(make_rows(X.toarray(), n_rows, rng))
    # each row is a parent about as often as any other
    made = X[rng.permutation(n_rows) % n_samples]
    others = rng.integers(n_samples, size=n_rows)
    if is_sparse:
        return _swap_entries(made, X[others], rng)
    groups = exclusive_groups(X)
    swapped = rng.random((n_rows, groups[-1] + 1), np.float32) < SWAP_PROBABILITY
    np.copyto(made, X[others], where=swapped[:, groups])
    return made


def stack(X, made):
    """Return real rows, and those that were made of them, together."""
    if sparse.issparse(X):
        return sparse.vstack([X, made], format="csr")
    return np.concatenate([X, made])


def _swap_entries(made, others, rng):
    """The same where few features of a row are not 0: each goes its own way."""
    made.data[rng.random(made.nnz, np.float32) < SWAP_PROBABILITY] = 0
    others.data[rng.random(others.nnz, np.float32) >= SWAP_PROBABILITY] = 0
    made.eliminate_zeros()
    others.eliminate_zeros()
    # a feature that both have stays that of the first
    others -= others.multiply(made != 0)
    return (made + others).tocsr()


def exclusive_groups(X):
    """Number the columns by groups of which a row has one at most.

    A group is neighbouring columns of two values each, of which no row has the larger
    one twice: the categories of a variable, one-hot, are such columns, whatever was
    done to their units. Each other column is a group of its own.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)

    Returns
    -------
    groups : ndarray of shape (n_features,)
        Ascending from 0.
    """
    low, high = X.min(axis=0), X.max(axis=0)
    is_high = X == high
    binary = (low < high) & (is_high | (X == low)).all(axis=0)
    starts = np.ones(X.shape[1], bool)
    taken = np.zeros(len(X), bool)
    previous = -1
    for column in np.flatnonzero(binary):
        if column == previous + 1 and not (taken & is_high[:, column]).any():
            starts[column] = column == 0
        else:
            taken = np.zeros(len(X), bool)
        taken |= is_high[:, column]
        previous = column
    return np.cumsum(starts) - 1
