"""Labels and values as the outputs that training aims at."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy import sparse
from sklearn.utils import check_array, column_or_1d


def encode_targets(mlp, y):
    """Return labels or values as the outputs that training aims at.

    Parameters
    ----------
    mlp : fitted MLPClassifier or MLPRegressor

    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Labels of any type that `mlp` predicts, or values.

    Returns
    -------
    Y : ndarray of shape (n_samples, n_outputs)
        Indicators of the classes (bool), or the values.

    Raises
    ------
    ValueError
        If `y` holds a label that `mlp` does not know, what is no label or value, or has
        the wrong shape.
    """
    n_outputs = len(mlp.intercepts_[-1])
    if not hasattr(mlp, "classes_"):
        return _encode_values(mlp, y)
    if mlp.out_activation_ == "logistic" and n_outputs > 1:
        Y = _columns(y, n_outputs, dtype="numeric")
        is_indicator = np.isin(Y, (0, 1))
        if not is_indicator.all():
            raise ValueError(
                "y has to tell by 0 and 1 which labels a row has, and holds "
                f"{Y[~is_indicator][0]}."
            )
        return Y == 1
    y = column_or_1d(y)
    Y = y[:, np.newaxis] == mlp.classes_
    known = Y.any(axis=1)
    if not known.all():
        raise ValueError(
            f"y contains {y[~known][0]!r}, which is none of the classes that the "
            f"network was trained on: {mlp.classes_.tolist()}."
        )
    if n_outputs > 1:
        return Y
    # of two classes the second; of a single class none
    return Y[:, 1:] if len(mlp.classes_) > 1 else ~Y


def _encode_values(mlp, y):
    Y = _columns(y, len(mlp.intercepts_[-1]), dtype=mlp.coefs_[0].dtype)
    if mlp.out_activation_ == "exp" and (Y < 0).any():
        raise ValueError(
            f"y holds {Y.min()}, and loss='poisson' takes no negative values."
        )
    return Y


def _columns(y, n_outputs, dtype):
    """Validate values of one or several outputs; return them 2-d."""
    y = check_array(
        y, accept_sparse="csr", ensure_2d=False, dtype=dtype, input_name="y"
    )
    Y = y.toarray() if sparse.issparse(y) else y.reshape(len(y), -1)
    if Y.shape[1] != n_outputs:
        raise ValueError(
            f"y has {Y.shape[1]} columns, but the network has {n_outputs} outputs."
        )
    return Y
