"""Arrays that may be sparse."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy import sparse

# Rows with a smaller share of non-zero values are multiplied in sparse form.
SPARSE_ROWS = 0.08

# For the layers of a network: saturating activations make infinite sums finite again.
# Callers check the output.
OVERFLOW_ALLOWED = np.errstate(over="ignore", invalid="ignore")


def dense(array):
    """Return an ndarray, whether the array is sparse or not."""
    return array.toarray() if sparse.issparse(array) else array


def is_mostly_zero(array, threshold):
    """Whether the share of non-zero values is below a threshold."""
    return count_nonzero(array) < threshold * np.prod(array.shape)


def fastest(X):
    """Return rows in the form that is multiplied fastest, sparse or dense."""
    return sparse.csr_array(X) if is_mostly_zero(X, SPARSE_ROWS) else dense(X)


def views(flat, shapes):
    """Return the consecutive parts of a flat array in their shapes."""
    ends = np.cumsum([np.prod(shape) for shape in shapes])[:-1]
    return [part.reshape(shape) for part, shape in zip(np.split(flat, ends), shapes)]


def magnitude(array):
    """Return the largest magnitude, also of a sparse array, without a copy."""
    return float(max(array.max(), -array.min())) if array.size else 0.0


def count_nonzero(array):
    if sparse.issparse(array):
        return array.count_nonzero()
    return np.count_nonzero(array)
