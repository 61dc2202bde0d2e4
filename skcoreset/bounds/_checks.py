"""What every bound asks of an estimator."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from sklearn.base import is_classifier
from sklearn.utils.validation import check_is_fitted

from .._wrapped import last_step


def check_classifier(compressor, function):
    """Refuse a compressor that is not fitted, or whose network predicts no classes."""
    check_is_fitted(compressor)
    mlp = last_step(compressor.estimator_)
    if not is_classifier(mlp):
        raise TypeError(
            f"{function} counts wrong classes, and {type(mlp).__name__} predicts "
            "values: give the compressor of an MLPClassifier."
        )
