"""Synthetic rows, made of real ones: the original network labels them."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy import sparse

# Sparse rows are made as dense ones if these have at most this many values.
MOST_DENSE = 2**24

# Probability that a feature, or a category, of a made row is that of its second parent.
SWAP_PROBABILITY = 0.1


def make_rows(X, n_rows, rng, *, most_dense=MOST_DENSE):
    """Make rows that equal real ones except for a few features of another row.

    Columns that look like the categories of one variable are swapped together, so that
    a made row does not belong to two categories.

    Parameters
    ----------
    X : {ndarray, csr_array} of shape (n_samples, n_features)

    n_rows : int

    rng : numpy.random.Generator

    most_dense : int, default=2**24
        Most values of sparse rows that are made as dense ones.

    Returns
    -------
    made : {ndarray, csr_array} of shape (n_rows, n_features)
    """
    n_samples = X.shape[0]
    if n_rows == 0:
        return X[:0]
    is_sparse = sparse.issparse(X)
    if is_sparse and max(n_rows, n_samples) * X.shape[1] <= most_dense:
        return sparse.csr_array(make_rows(X.toarray(), n_rows, rng))
    # Each row is the first parent about equally often.
    made = X[rng.permutation(n_rows) % n_samples]
    others = rng.integers(n_samples, size=n_rows)
    if is_sparse:
        return _swap_entries(made, X[others], rng)
    groups = exclusive_groups(X)
    swapped = rng.random((n_rows, groups[-1] + 1), np.float32) < SWAP_PROBABILITY
    np.copyto(made, X[others], where=swapped[:, groups])
    return made


def stack(X, made):
    """Return real rows, followed by made ones."""
    if sparse.issparse(X):
        return sparse.vstack([X, made], format="csr")
    return np.concatenate([X, made])


def _swap_entries(made, others, rng):
    """Swap single entries of sparse rows."""
    made.data[rng.random(made.nnz, np.float32) < SWAP_PROBABILITY] = 0
    others.data[rng.random(others.nnz, np.float32) >= SWAP_PROBABILITY] = 0
    made.eliminate_zeros()
    others.eliminate_zeros()
    # A feature that both have stays that of the first.
    others -= others.multiply(made != 0)
    return (made + others).tocsr()


def exclusive_groups(X):
    """Number the groups of columns of which a row has at most one.

    A group is a run of neighbouring columns with two values each, such that no row has
    the larger value twice: one-hot categories of a variable are such columns, in any
    units. Each other column is a group of its own.

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
