"""scikit-learn's MLPs: weights in and out, labels and targets."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from copy import copy, deepcopy

import numpy as np
from scipy import sparse
from sklearn.base import is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import check_array, column_or_1d
from sklearn.utils.multiclass import type_of_target

from .._network import ACTIVATIONS, OUT_ACTIVATIONS, Network, dense
from .compat import InvalidParameterError
from .containers import is_fitted, last_step, why_not, with_last_step

# DTYPES and SPARSE_FORMATS are accepted as weights and as rows.
DTYPES = (np.float64, np.float32)
SPARSE_FORMATS = ("csr", "csc")

# Attributes that only training needs: most of a pickled MLP.
_TRAINING_STATE = (
    "_optimizer",
    "_best_coefs",
    "_best_intercepts",
    "_random_state",
    "_coef_indptr",
    "_intercept_indptr",
)

# Where a training that continues from other weights starts to compare.
_START_OF_TRAINING = {
    "_no_improvement_count": 0,
    "best_loss_": np.inf,
    "best_validation_score_": -np.inf,
}


def n_hidden_layers(mlp):
    """Return the number of hidden layers of an MLP, fitted or not."""
    if is_fitted(mlp):
        return len(mlp.coefs_) - 1
    return np.size(mlp.hidden_layer_sizes)


# Checks


def check_estimator(estimator):
    """Refuse an estimator that is no MLP, or one that cannot be compressed."""
    reason = why_not(estimator)
    if reason is not None:
        raise InvalidParameterError(reason)
    mlp = last_step(estimator)
    if isinstance(estimator, FrozenEstimator) and not is_fitted(estimator):
        raise NotFittedError(
            f"estimator is a FrozenEstimator of {type(mlp).__name__}, which is frozen "
            "and not fitted: fit the network before freezing it."
        )
    if is_fitted(estimator):
        _check_weights(mlp)
        if is_classifier(mlp) and not hasattr(mlp, "_label_binarizer"):
            raise ValueError(
                f"estimator is a {type(mlp).__name__} without _label_binarizer, which "
                "cannot predict classes: it was not fitted completely. A network made "
                "of given weights gets it from a partial_fit on a few rows."
            )
    elif mlp.activation not in list(ACTIVATIONS):  # it may have no hash
        raise InvalidParameterError(
            f"estimator has activation={mlp.activation!r}; only {sorted(ACTIVATIONS)} "
            "can be compressed."
        )


def _check_weights(mlp):
    which = f"estimator is a {type(mlp).__name__}"
    for attribute in ("coefs_", "intercepts_", "activation", "out_activation_"):
        if not hasattr(mlp, attribute):
            raise ValueError(
                f"{which} without {attribute}: it was not fitted completely."
            )
    for attribute in ("coefs_", "intercepts_"):
        arrays = getattr(mlp, attribute)
        if not isinstance(arrays, (list, tuple)):
            raise ValueError(
                f"{which} whose {attribute} is of type {type(arrays).__name__}, not a "
                "list of arrays."
            )
    if len(mlp.coefs_) != len(mlp.intercepts_) or not mlp.coefs_:
        raise ValueError(
            f"{which} with {len(mlp.coefs_)} coefs_ and {len(mlp.intercepts_)} "
            "intercepts_: it needs one of each for every layer."
        )
    for attribute, known in (
        ("activation", sorted(ACTIVATIONS)),
        ("out_activation_", sorted(OUT_ACTIVATIONS)),
    ):
        if getattr(mlp, attribute) not in known:
            raise ValueError(
                f"{which} with {attribute}={getattr(mlp, attribute)!r}, which is none "
                f"of {known}."
            )
    n_in = getattr(mlp, "n_features_in_", None)
    for layer, (coef, b) in enumerate(zip(mlp.coefs_, mlp.intercepts_)):
        _check_array(coef, f"{which} whose coefs_[{layer}]", n_dimensions=2)
        _check_array(b, f"{which} whose intercepts_[{layer}]", n_dimensions=1)
        last = layer == len(mlp.coefs_) - 1
        n_in = coef.shape[0] if n_in is None else n_in
        n_out = getattr(mlp, "n_outputs_", len(b)) if last else len(b)
        if coef.shape != (n_in, n_out) or b.shape != (n_out,) or n_out == 0:
            raise ValueError(
                f"{which} whose coefs_[{layer}] has shape {coef.shape} and "
                f"intercepts_[{layer}] {b.shape}; the layers around it make them "
                f"{(n_in, n_out)} and {(n_out,)}, and no layer is empty."
            )
        values = coef.data if sparse.issparse(coef) else coef
        if not (np.isfinite(values).all() and np.isfinite(b).all()):
            raise ValueError(
                f"{which} with NaN or infinity in coefs_[{layer}] or "
                f"intercepts_[{layer}]: its training has failed, or its file is "
                "damaged."
            )
        if sparse.issparse(coef):
            _check_indices(coef, f"{which} whose coefs_[{layer}]")
        n_in = n_out


def _check_array(array, which, n_dimensions):
    """Refuse what is no array of float32 or float64, dense or, if 2-d, sparse."""
    if sparse.issparse(array):
        is_array = array.ndim == n_dimensions == 2 and array.format in SPARSE_FORMATS
    else:
        unusual = (np.matrix, np.ma.MaskedArray)
        is_array = isinstance(array, np.ndarray) and not isinstance(array, unusual)
    if not is_array:
        dense_or_sparse = " or sparse array (CSR or CSC)" if n_dimensions == 2 else ""
        raise ValueError(
            f"{which} is of type {type(array).__name__}, not an ndarray"
            f"{dense_or_sparse}."
        )
    if array.dtype.type not in DTYPES:
        raise ValueError(
            f"{which} is of {array.dtype}, not of float32 or float64: convert it."
        )


def _check_indices(coef, which):
    """Refuse positions outside of a sparse matrix, which products do not look at."""
    try:
        # of a copy, as the check may change the dtype of the indices
        copy(coef).check_format(full_check=True)
    except ValueError as error:
        raise ValueError(
            f"{which} is no valid sparse matrix: its file is damaged."
        ) from error


# Weights in and out


def network_of(estimator, *, copy=False):
    """Return the weights of a fitted estimator as a Network.

    With `copy`, it shares no array with the estimator.

    Raises
    ------
    ValueError
        If they do not make a network, or are not finite.
    """
    mlp = last_step(estimator)
    _check_weights(mlp)
    return Network(
        tuple(_native(coef, copy) for coef in mlp.coefs_),
        tuple(_native(intercept, copy) for intercept in mlp.intercepts_),
        mlp.activation,
        mlp.out_activation_,
    )


def with_network(estimator, network, *, to_dense=False):
    """Return a copy of a fitted estimator with the weights of another network.

    It shares no array with `estimator` or `network`, and has no training state. Its
    `coefs_` are of type csr_array, or ndarrays where `to_dense` is true or no weight
    is 0.
    """
    mlp = copy(last_step(estimator))
    widths = tuple(coef.shape[1] for coef in mlp.coefs_)
    for name in (*_TRAINING_STATE, "coefs_", "intercepts_"):
        vars(mlp).pop(name, None)
    mlp = deepcopy(mlp)
    for name, start in _START_OF_TRAINING.items():
        if vars(mlp).get(name) is not None:
            setattr(mlp, name, start)
    whole = network.n_edges == sum(np.prod(coef.shape) for coef in network.coefs)
    convert = _dense_copy if to_dense or whole else _sparse_copy
    if network.widths != widths:
        mlp.hidden_layer_sizes = network.widths[:-1]
        mlp.n_layers_ = len(network.widths) + 1
    mlp.activation = network.activation
    mlp.coefs_ = [convert(coef) for coef in network.coefs]
    mlp.intercepts_ = [intercept.copy() for intercept in network.intercepts]
    return with_last_step(estimator, mlp)


def _native(array, copy):
    """In this machine's byte order; the array may be from a file of another one."""
    return array.astype(array.dtype.newbyteorder("="), copy=copy)


def _dense_copy(array):
    return np.array(dense(array))


def _sparse_copy(array):
    """Without duplicates, which SciPy would otherwise sum up in a later product."""
    array = sparse.csr_array(array, copy=True)
    array.sum_duplicates()
    return array


# Labels and targets


def is_multilabel(mlp):
    """Tell whether a fitted MLP predicts a set of labels for each row."""
    return is_classifier(mlp) and label_encoding(mlp)[0].startswith("multilabel")


def predicts_labels(mlp, y=None):
    """Tell whether an MLP, fitted or to be trained on `y`, predicts sets of labels."""
    if is_fitted(mlp):
        return is_multilabel(mlp)
    return is_classifier(mlp) and type_of_target(y).startswith("multilabel")


def label_encoding(mlp):
    """Return scikit-learn's name for the kind of labels, and if they were sparse."""
    binarizer = mlp._label_binarizer
    return binarizer.y_type_, bool(binarizer.sparse_input_)


def set_label_encoding(mlp, kind, is_sparse):
    """Give an MLP with `classes_` what it decodes its outputs by."""
    mlp._label_binarizer = LabelBinarizer()
    mlp._label_binarizer.classes_ = mlp.classes_
    mlp._label_binarizer.y_type_ = kind
    mlp._label_binarizer.sparse_input_ = is_sparse


def numbered(estimator, y):
    """Return a fitted estimator whose classes are what `y` holds.

    Estimators that combine others number the classes before they fit these, and expect
    numbers to be predicted.

    Returns
    -------
    estimator : estimator
        The same; or, if `y` holds labels that it does not know and all of them number
        its classes, a copy that predicts the numbers.
    """
    mlp = last_step(estimator)
    if y is None or not is_classifier(mlp) or is_multilabel(mlp):
        return estimator
    y, codes = column_or_1d(y), np.arange(len(mlp.classes_))
    if np.isin(y, mlp.classes_).all() or not np.isin(y, codes).all():
        return estimator
    estimator = deepcopy(estimator)
    mlp = last_step(estimator)
    kind, is_sparse = label_encoding(mlp)
    mlp.classes_ = codes
    set_label_encoding(mlp, kind, is_sparse)
    return estimator


def decode_outputs(mlp, outputs):
    """Return the predictions that activated outputs stand for."""
    if outputs.shape[1] == 1:
        outputs = outputs.ravel()
    if is_classifier(mlp):
        return mlp._label_binarizer.inverse_transform(outputs)
    return outputs


def class_probabilities(outputs):
    """Return a column for each class; a binary network computes that of the second."""
    return np.hstack([1 - outputs, outputs]) if outputs.shape[1] == 1 else outputs


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
        If `y` holds a label that `mlp` does not know, or something that is no label or
        value, or has the wrong shape.
    """
    n_outputs = len(mlp.intercepts_[-1])
    if not hasattr(mlp, "classes_"):
        return _encode_values(mlp, y)
    if mlp.out_activation_ == "logistic" and n_outputs > 1:
        Y = _columns(y, n_outputs, dtype="numeric")
        is_indicator = np.isin(Y, (0, 1))
        if not is_indicator.all():
            raise ValueError(
                "y must say by 0 and 1 which labels each row has, and holds "
                f"{Y[~is_indicator][0]}."
            )
        return Y == 1
    y = column_or_1d(y)
    Y = y[:, np.newaxis] == mlp.classes_
    known = Y.any(axis=1)
    if not known.all():
        raise ValueError(
            f"y contains {y[~known].tolist()[0]!r}, which is not one of the classes "
            f"that the network was trained on: {mlp.classes_.tolist()}."
        )
    if n_outputs > 1:
        return Y
    # the one output of two classes is the second; a single class is trained towards 0
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
