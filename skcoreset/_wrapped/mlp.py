"""What a compressor wraps: an MLP of scikit-learn, or a Pipeline that ends in one."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings
from contextlib import suppress
from copy import copy
from inspect import Parameter, signature

import numpy as np
from scipy import sparse
from sklearn.base import clone, is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import check_array, column_or_1d
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import validate_data

from .._network import ACTIVATIONS, OUT_ACTIVATIONS, Network, dense
from .compat import InvalidParameterError

# What is taken, as weights and as rows.
DTYPES = (np.float64, np.float32)
SPARSE_FORMATS = ("csr", "csc")

# What only training needs: most of a pickled MLP.
_TRAINING_STATE = (
    "_optimizer",
    "_best_coefs",
    "_best_intercepts",
    "_random_state",
    "_coef_indptr",
    "_intercept_indptr",
)

# What a training that goes on from these weights compares itself with.
_START_OF_TRAINING = {
    "_no_improvement_count": 0,
    "best_loss_": np.inf,
    "best_validation_score_": -np.inf,
}


# The steps


def thawed(estimator):
    """Return what is inside a FrozenEstimator."""
    while isinstance(estimator, FrozenEstimator):
        estimator = estimator.estimator
    return estimator


def last_step(estimator):
    """Return the MLP itself, where there are steps before it."""
    estimator = thawed(estimator)
    while isinstance(estimator, Pipeline) and estimator.steps:
        estimator = thawed(estimator.steps[-1][1])
    return estimator


def with_last_step(estimator, mlp):
    """Return the same estimator with another MLP in its last step."""
    if not isinstance(estimator, Pipeline):
        return mlp
    name, last = estimator.steps[-1]
    pipeline = copy(estimator)
    last = with_last_step(thawed(last), mlp)
    pipeline.steps = [*estimator.steps[:-1], (name, last)]
    return pipeline


def is_mlp(estimator):
    """Tell whether an estimator is one of scikit-learn's MLPs."""
    return isinstance(estimator, (MLPClassifier, MLPRegressor))


def is_fitted(estimator):
    """Tell whether the MLP has weights."""
    return hasattr(last_step(estimator), "coefs_")


def n_hidden_layers(mlp):
    """Number of hidden layers of an MLP, fitted or not."""
    if is_fitted(mlp):
        return len(mlp.coefs_) - 1
    return np.size(mlp.hidden_layer_sizes)


def is_multilabel(mlp):
    """Tell whether a fitted MLP predicts a set of labels for each row."""
    return is_classifier(mlp) and label_encoding(mlp)[0].startswith("multilabel")


def predicts_labels(mlp, y=None):
    """Whether an MLP, fitted or to be trained on `y`, predicts sets of labels."""
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


def takes_in_fit(estimator, name):
    """Tell whether `fit` has a parameter; that of a Pipeline has those of its steps."""
    if isinstance(estimator, Pipeline):
        step, _, name = name.partition("__")
        steps = estimator.named_steps
        return step in steps and takes_in_fit(thawed(steps[step]), name)
    parameters = signature(estimator.fit).parameters
    kinds = {parameter.kind for parameter in parameters.values()}
    return name in parameters or Parameter.VAR_KEYWORD in kinds


# Checks


def check_estimator(estimator):
    """Refuse what is no MLP, or is one that cannot be compressed."""
    mlp = last_step(estimator)
    _check_is_mlp(mlp)
    if isinstance(estimator, FrozenEstimator) and not is_fitted(estimator):
        raise NotFittedError(
            f"estimator={estimator!r} is frozen and not fitted: fit the network before "
            "freezing it."
        )
    if is_fitted(estimator):
        _check_weights(mlp)
        if is_classifier(mlp) and not hasattr(mlp, "_label_binarizer"):
            raise ValueError(
                f"estimator is a {type(mlp).__name__} without _label_binarizer, which "
                "predicts no classes: it was not fitted whole. A network made of given "
                "weights has it from a partial_fit on a few rows."
            )
    elif mlp.activation not in list(ACTIVATIONS):  # it may have no hash
        raise InvalidParameterError(
            f"estimator has activation={mlp.activation!r}; only {sorted(ACTIVATIONS)} "
            "can be compressed."
        )


def _check_is_mlp(estimator):
    if is_mlp(estimator):
        return
    inside = [
        name for name, value in vars(estimator).items() if is_mlp(last_step(value))
    ]
    # the fitted network, where there is one, and not its unfitted template
    inside.sort(key=lambda name: not name.endswith("_"))
    hint = f" Pass its attribute `{inside[0]}`." if inside else ""
    raise InvalidParameterError(
        "estimator must be an MLPClassifier, an MLPRegressor or a Pipeline that ends "
        f"in one; got {estimator!r}.{hint}"
    )


def _check_weights(mlp):
    which = f"estimator is a {type(mlp).__name__}"
    for attribute in ("coefs_", "intercepts_", "activation", "out_activation_"):
        if not hasattr(mlp, attribute):
            raise ValueError(f"{which} without {attribute}: it was not fitted whole.")
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


def network_of(estimator):
    """Return the weights of a fitted estimator as a Network.

    Raises
    ------
    ValueError
        If they do not make a network, or are not finite.
    """
    mlp = last_step(estimator)
    _check_weights(mlp)
    return Network(
        tuple(map(_native, mlp.coefs_)),
        tuple(map(_native, mlp.intercepts_)),
        mlp.activation,
        mlp.out_activation_,
    )


def with_network(estimator, network, *, to_dense=False):
    """Return a copy of a fitted estimator with the weights of another network.

    It has no training state. Its `coefs_` are of type csr_array, or ndarrays where
    `to_dense` is true or no weight is 0.
    """
    mlp = copy(last_step(estimator))
    for name in _TRAINING_STATE:
        mlp.__dict__.pop(name, None)
    for name, start in _START_OF_TRAINING.items():
        if vars(mlp).get(name) is not None:
            setattr(mlp, name, start)
    whole = network.n_edges == sum(np.prod(coef.shape) for coef in network.coefs)
    convert = dense if to_dense or whole else _canonical
    if network.widths != tuple(coef.shape[1] for coef in mlp.coefs_):
        mlp.hidden_layer_sizes = network.widths[:-1]
        mlp.n_layers_ = len(network.widths) + 1
    mlp.activation = network.activation
    mlp.coefs_ = [convert(coef) for coef in network.coefs]
    mlp.intercepts_ = [intercept.copy() for intercept in network.intercepts]
    return with_last_step(thawed(estimator), mlp)


def _native(array):
    """The same in this machine's byte order; a file may come from another."""
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _canonical(array):
    """A sparse array that later use leaves as it is: SciPy notes its form on it."""
    array = sparse.csr_array(array)
    array.sum_duplicates()
    return array


# Rows and targets


def inputs_of(estimator, X, owner=None):
    """Validate rows, and return what the MLP of a fitted estimator gets of them.

    Parameters
    ----------
    estimator : fitted MLP or Pipeline

    X : {array-like, sparse matrix} of shape (n_samples, n_features)

    owner : estimator, default=None
        In whose name errors are raised. None is the MLP.

    Returns
    -------
    X : {ndarray, csr_array} of shape (n_samples, n_inputs)
    """
    estimator = thawed(estimator)
    if isinstance(estimator, Pipeline):
        if len(estimator) > 1:
            X = estimator[:-1].transform(X)
        return inputs_of(estimator.steps[-1][1], X, owner)
    checker = estimator if owner is None else owner
    if estimator is not vars(checker).get("estimator_"):
        checker = copy(checker)
        vars(checker).pop("feature_names_in_", None)
        checker.n_features_in_ = estimator.coefs_[0].shape[0]
        if hasattr(estimator, "feature_names_in_"):
            checker.feature_names_in_ = estimator.feature_names_in_
    X = validate_data(
        checker, X, reset=False, accept_sparse=SPARSE_FORMATS, dtype=DTYPES
    )
    if sparse.issparse(X):
        X = sparse.csr_array(X)
        if not X.has_canonical_format:
            X = X.copy()  # which is the caller's
            X.sum_duplicates()
    return X


def input_names(estimator, n_features):
    """Names of what enters the network of an estimator."""
    names = None
    while isinstance(estimator, Pipeline):
        steps, estimator = estimator[:-1], thawed(estimator.steps[-1][1])
        names = None
        # where there are no steps, or one of them gives no names
        with suppress(AttributeError, IndexError, ValueError):
            names = steps.get_feature_names_out()
    names = getattr(estimator, "feature_names_in_", names)
    return [f"x{i}" for i in range(n_features)] if names is None else names


def check_finite_output(network, X):
    """Refuse rows on which the output of a network is not finite."""
    if not network.magnitude_bound(X) < float(np.finfo(network.dtype).max):
        check_is_finite(network.forward(X), network)


def check_is_finite(F, network):
    """Refuse outputs that are not finite."""
    if not np.isfinite(F).all():
        raise ValueError(
            f"The output of the network on X is not finite in {network.dtype}: X or "
            "the weights of `estimator` are too large. Scale X as for training."
        )


def train_copy(estimator, X, y, fit_params, rng):
    """Return a trained copy of an unfitted estimator, the same for the same `rng`."""
    estimator = clone(estimator)
    seeds = {
        name: rng.randint(np.iinfo(np.int32).max)
        for name, value in sorted(estimator.get_params().items())
        if value is None and name.split("__")[-1] == "random_state"
    }
    return estimator.set_params(**seeds).fit(X, y, **fit_params)


def warn_if_not_trained_on(estimator, X, y):
    """Say so where a fitted network predicts `y` no better than a constant would.

    Raises
    ------
    ValueError
        If `y` has a class that the network does not know.
    """
    mlp = last_step(estimator)
    y_pred = estimator.predict(X)
    if is_classifier(mlp) and not is_multilabel(mlp):
        y = column_or_1d(y)
        codes = np.arange(len(mlp.classes_))
        if not np.isin(y, mlp.classes_).all() and np.isin(y, codes).all():
            # numbers of the classes, as estimators that combine others pass them on
            y_pred = np.searchsorted(mlp.classes_, y_pred)
        else:
            encode_targets(mlp, y)
        constant = np.unique(y, return_counts=True)[1].max()
        better = (y == y_pred).sum() > constant or constant == len(y)
    else:
        Y = encode_targets(mlp, y)
        Y_pred = np.asarray(y_pred).reshape(Y.shape)
        loss = np.square(Y_pred - Y, dtype=float).sum()
        better = loss < np.square(Y - Y.mean(axis=0), dtype=float).sum() or not loss
    if not better:
        warnings.warn(
            f"The fitted {type(mlp).__name__} predicts y no better than a constant "
            "does: it was compressed as it is, and not trained on this y. Pass an "
            "unfitted one to train it.",
            UserWarning,
        )


def decode_outputs(mlp, outputs):
    """Return the predictions that activated outputs stand for."""
    if outputs.shape[1] == 1:
        outputs = outputs.ravel()
    if is_classifier(mlp):
        return mlp._label_binarizer.inverse_transform(outputs)
    return outputs


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
