"""Two fitted estimators, whoever made them, and how far one is from the other."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass, field

import numpy as np
from scipy.special import logit
from sklearn.base import is_classifier

from .._errors import ERRORS, check_error
from .._network import dense
from .._wrapped import (
    inputs_of,
    is_fitted,
    is_mlp,
    last_step,
    network_of,
    thawed,
)


@dataclass(frozen=True, eq=False)
class Compared:
    """How far an estimator is from another one on some rows.

    Attributes
    ----------
    errors : ndarray of shape (n_samples,)

    groups : ndarray of int of shape (n_samples,)
        If each class is counted by itself, the class that the original predicts, as its
        number in `classes`; else 0.

    classes : list
        Names of the groups, predicted ones first; empty if all rows count together.

    about : dict
        `out_activation`, `n_outputs` and `scale` of the outputs, as far as they play a
        part.
    """

    errors: np.ndarray
    groups: np.ndarray
    classes: list = field(default_factory=list)
    about: dict = field(default_factory=dict)


class Comparison:
    """An original and a compressed estimator, compared row by row.

    Parameters
    ----------
    original, compressed : fitted estimators
        As for :func:`~skcoreset.certify`.

    error : str
        A name in `ERRORS`.

    scale : array-like of shape (n_outputs,), default=None
        With ``error="scaled"``, the unit of each output. None takes it from the
        certificate of `compressed`.
    """

    def __init__(self, original, compressed, error, scale=None):
        check_error(error, classifier=predicts_classes(original))
        if scale is not None and error != "scaled":
            raise ValueError(f"scale plays no part in error={error!r}: leave it out.")
        self.original = original
        self.compressed = compressed
        self.error = error
        self.scale = _checked_scale(compressed, scale) if error == "scaled" else None

    def on(self, X):
        """Compare both on some rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        compared : Compared
        """
        kind = ERRORS[self.error]
        if not kind.counts_rows:
            return self._outputs_compared(X)
        y, y_hat = (_predictions(each, X) for each in (self.original, self.compressed))
        _check_same_shape(y, y_hat)
        errors = (y != y_hat).reshape(len(y), -1).any(axis=1).astype(np.float64)
        if not kind.by_class:
            return Compared(errors, np.zeros(len(errors), dtype=np.intp))
        check_error(self.error, classifier=True, multilabel=y.ndim > 1)
        predicted, groups = np.unique(y, return_inverse=True)
        known = getattr(self.original, "classes_", predicted)
        return Compared(errors, groups, [*predicted, *np.setdiff1d(known, predicted)])

    def _outputs_compared(self, X):
        F, F_hat, out_activation = _outputs_of_both(
            self.original, self.compressed, X, self.error
        )
        about = {"out_activation": out_activation, "n_outputs": F.shape[1]}
        if self.scale is not None:
            if len(self.scale) != F.shape[1]:
                raise ValueError(
                    f"scale has {len(self.scale)} numbers and must have one for each "
                    f"of the {F.shape[1]} outputs."
                )
            about["scale"] = tuple(self.scale.tolist())
        errors = ERRORS[self.error].measure(F_hat, F, out_activation, self.scale)
        return Compared(errors, np.zeros(len(errors), dtype=np.intp), about=about)


def predicts_classes(estimator):
    """Tell a classifier from a regressor, also where it is no estimator of sklearn."""
    if hasattr(estimator, "__sklearn_tags__"):
        return is_classifier(thawed(estimator))
    return hasattr(estimator, "predict_proba") or hasattr(estimator, "classes_")


def _predictions(estimator, X):
    """Predictions, 1-d where each row has one."""
    y = np.asarray(dense(estimator.predict(X)))
    return y.ravel() if y.ndim == 2 and y.shape[1] == 1 else y


def _check_same_shape(of_original, of_compressed):
    if of_original.shape != of_compressed.shape:
        raise ValueError(
            f"original predicts an array of shape {of_original.shape} and compressed "
            f"one of shape {of_compressed.shape}: they cannot be compared."
        )


def _outputs_of_both(original, compressed, X, error):
    """Outputs before the output activation, of both, and the activation."""
    classifier = predicts_classes(original)
    F, activation = _outputs(original, X, error, classifier)
    F_hat, activation_hat = _outputs(compressed, X, error, classifier)
    if activation != activation_hat and "exp" in (activation, activation_hat):
        # Poisson networks output logarithms of what others predict
        with np.errstate(divide="ignore", invalid="ignore"):
            F = F if activation == "exp" else np.log(F)
            F_hat = F_hat if activation_hat == "exp" else np.log(F_hat)
    _check_same_shape(F, F_hat)
    if activation == "softmax" or (activation == "logistic" and F.shape[1] == 1):
        _check_same_classes(original, compressed)
    if error != "probability" and not np.isfinite(F).all():
        raise ValueError(
            f"The output of original on X, for error={error!r}, is not finite; of a "
            "probability of 0 or 1 no logit is. Use error='probability' or 'prediction'"
            " for a classifier."
        )
    return F, F_hat, activation


def _check_same_classes(original, compressed):
    if hasattr(original, "classes_") and hasattr(compressed, "classes_"):
        names, names_hat = (
            np.asarray(e.classes_).tolist() for e in (original, compressed)
        )
        if set(names) != set(names_hat):
            raise ValueError(
                f"original has the classes {names} and compressed {names_hat}: their "
                "outputs cannot be compared."
            )


def _outputs(estimator, X, error, classifier):
    """Outputs before the output activation, and the activation.

    In the order of the sorted classes.
    """
    estimator = thawed(getattr(estimator, "best_estimator_", estimator))
    last = last_step(estimator)
    if hasattr(last, "original_estimator_"):  # a fitted compressor
        return estimator.transform(X), last_step(last.estimator_).out_activation_
    if is_mlp(last) and is_fitted(estimator):
        network = network_of(estimator)
        return network.forward(inputs_of(estimator, X)), network.out_activation
    if not classifier:
        y = _predictions(estimator, X).astype(np.float64)
        return y.reshape(len(y), -1), "identity"
    if not hasattr(estimator, "predict_proba"):
        raise ValueError(
            f"{type(estimator).__name__} has no predict_proba, and error={error!r} is "
            "about outputs: use error='prediction' or 'classwise'."
        )
    P = estimator.predict_proba(X)
    several_labels = isinstance(P, list) or _predictions(estimator, X).ndim > 1
    if isinstance(P, list):
        P = np.column_stack([p[:, -1] for p in P])
    P = np.asarray(P, dtype=np.float64)
    if not several_labels and hasattr(estimator, "classes_"):
        P = P[:, np.argsort(estimator.classes_)]
    with np.errstate(divide="ignore"):
        if several_labels:
            return logit(P), "logistic"
        if P.shape[1] <= 2:
            return logit(P[:, -1:]), "logistic"
        if not ERRORS[error].ignores_shift:
            raise ValueError(
                f"error={error!r} is about outputs, which predict_proba tells up to a "
                "shift only: use error='relative' or 'probability'."
            )
        return np.log(P), "softmax"


def _checked_scale(compressed, scale):
    if scale is None:
        scale = getattr(getattr(compressed, "certificate_", None), "scale", None)
    if scale is None:
        raise ValueError(
            "error='scaled' needs scale, the spread of the original's outputs on rows "
            "other than X: pass it, or a compressor that was fitted with this error."
        )
    scale = np.asarray(scale, dtype=np.float64)
    if scale.ndim != 1 or not ((scale >= 0) & np.isfinite(scale)).all():
        raise ValueError(
            f"scale={scale.tolist()} must be one finite number of at least 0 for each "
            "output."
        )
    return scale


def outputs_or_predictions(estimator, X, error):
    """What an error compares of one estimator."""
    if ERRORS[error].counts_rows:
        return _predictions(estimator, X)
    return _outputs(estimator, X, error, predicts_classes(estimator))[0]
