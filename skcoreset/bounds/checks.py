"""What bounds require of an estimator, and what counts as an error."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from numbers import Real

import numpy as np
from sklearn.base import is_classifier
from sklearn.utils.validation import check_is_fitted

from .._wrapped import encode_targets, last_step
from .._wrapped.compat import Interval

# Constraint on the parameter `confidence` of every bound.
CONFIDENCE = [Interval(Real, 0, 1, closed="neither")]


def check_tolerance(is_classifier, tolerance):
    """Refuse a classifier with a tolerance, and a regressor without one."""
    if is_classifier != (tolerance is None):
        raise ValueError(
            f"tolerance={tolerance!r}: a regressor needs a number, which a prediction "
            "may be off by; a classifier is right or wrong, and takes None."
        )


def check_classifier(compressor, function):
    """Refuse a compressor that is not fitted, or whose network predicts no classes."""
    check_is_fitted(compressor)
    mlp = last_step(compressor.estimator_)
    if not is_classifier(mlp):
        raise TypeError(
            f"{function} counts wrong classes, and {type(mlp).__name__} predicts "
            "values: use the compressor of an MLPClassifier."
        )


def are_wrong(estimator, X, y, tolerance=None):
    """Which rows are wrong, or off by more than the tolerance."""
    mlp = last_step(estimator)
    Y, Y_pred = encode_targets(mlp, y), encode_targets(mlp, estimator.predict(X))
    if tolerance is None:
        return (Y != Y_pred).any(axis=1)
    return ~(np.abs(Y - Y_pred) <= tolerance).all(axis=1)


def error_words(tolerance):
    """What is said of a row that counts as an error."""
    return "wrong" if tolerance is None else f"off by more than {tolerance:g}"


def percent(share):
    """Write a share as a percentage without rounding it: 0.995 is 99.5%."""
    return f"{100 * share:.12g}%"
