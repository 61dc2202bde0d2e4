"""Parts of scikit-learn that are private, experimental or differ between releases."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from functools import wraps

from sklearn.base import _clone_parametrized as clone_parametrized
from sklearn.base import _fit_context as fit_context
from sklearn.utils import _safe_indexing as safe_indexing
from sklearn.utils._optional_dependencies import check_matplotlib_support
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    InvalidParameterError,
    StrOptions,
    validate_parameter_constraints,
    validate_params,
)
from sklearn.utils.metadata_routing import _routing_enabled as routing_enabled
from sklearn.utils.validation import _check_method_params as check_method_params
from sklearn.utils.validation import _check_sample_weight as check_sample_weight
from sklearn.utils.validation import _num_samples as num_samples


def column_indices(transformer):
    """Return which columns each part of a fitted ColumnTransformer gets."""
    return transformer._transformer_to_input_indices


# Callbacks are experimental (since 1.9). If they are missing or have changed,
# everything but `set_callbacks` works.
try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # pragma: no cover (the oldest releases come here)

    class CallbackSupportMixin:
        """Stands in where scikit-learn has no callbacks."""

    def with_callbacks(method):
        """Stand in where scikit-learn has no callbacks."""
        return method


def fit_with_callbacks(fit):
    """Decorate `fit`, so that an estimator's callbacks end with it."""
    managed = with_callbacks(fit)

    @wraps(fit)
    def fit_of(estimator, *args, **kwargs):
        return (managed if _has_callbacks(estimator) else fit)(
            estimator, *args, **kwargs
        )

    return fit_of


def _has_callbacks(estimator):
    return hasattr(estimator, "_skl_callbacks")


def watch_fit(estimator, **data):
    """Tell an estimator's callbacks that its `fit` has begun.

    Parameters
    ----------
    estimator : estimator
        Whose `fit` is decorated by :func:`fit_with_callbacks`.

    **data : dict
        What callbacks are told of a fit: `estimator`, `X` and `y`.

    Returns
    -------
    watch : _Unwatched or _Watched
    """
    if not _has_callbacks(estimator):
        return _Unwatched()
    context = estimator._init_callback_context(max_subtasks=None)
    data = {"estimator": estimator} | data
    context.call_on_fit_task_begin(**data)
    return _Watched(context, data)


class _Unwatched:
    """A fit without callbacks."""

    def network(self, attributes):
        """Tell callbacks of a network; return whether one of them ends the path.

        `attributes` returns what `fit` would set for it.
        """
        return False

    def end(self, attributes):
        """Tell callbacks, if any, how the fit ended."""


class _Watched(_Unwatched):
    """A fit that callbacks are told of; each network of its path is a task of it."""

    def __init__(self, context, data):
        self.context, self.data = context, data

    def network(self, attributes):
        task = self.context.subcontext(task_name="network")
        task.call_on_fit_task_begin(**self.data)
        return bool(
            task.call_on_fit_task_end(**self.data, reconstruction_attributes=attributes)
        )

    def end(self, attributes):
        self.context.call_on_fit_task_end(
            **self.data, reconstruction_attributes=attributes
        )


__all__ = [
    "CallbackSupportMixin",
    "HasMethods",
    "Interval",
    "InvalidParameterError",
    "StrOptions",
    "check_matplotlib_support",
    "check_method_params",
    "check_sample_weight",
    "clone_parametrized",
    "column_indices",
    "fit_context",
    "fit_with_callbacks",
    "num_samples",
    "routing_enabled",
    "safe_indexing",
    "validate_parameter_constraints",
    "validate_params",
    "watch_fit",
]
