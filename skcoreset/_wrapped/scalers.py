"""Scalers before a network, all together: one affine map and a range per feature."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass

import numpy as np
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    RobustScaler,
    StandardScaler,
)

from .containers import last_step, steps_before


@dataclass(frozen=True, eq=False)
class LinearInputs:
    """What a network gets of rows: ``clip(X * scale + offset, low, high)``.

    Parameters
    ----------
    scale, offset : ndarrays of shape (n_features,), float64
        Scales are positive.

    low, high : ndarrays of shape (n_features,), float64
        Range of what the network gets; infinite where nothing is clipped.
    """

    scale: np.ndarray
    offset: np.ndarray
    low: np.ndarray
    high: np.ndarray

    def __call__(self, X):
        """Return what the network gets of rows, (n_samples, n_features), float64."""
        return np.clip(X * self.scale + self.offset, self.low, self.high)

    @property
    def clips(self):
        """Whether the value of a feature can be clipped."""
        return bool(np.isfinite([self.low, self.high]).any())

    @property
    def is_identity(self):
        """Whether the network gets rows as they are."""
        same = np.all(self.scale == 1) and np.all(self.offset == 0)
        return bool(same) and not self.clips


# Factor, summand and range of each feature. Types must match exactly: a subclass may do
# something else.
_LINEAR = {
    StandardScaler: lambda step: _shifted(step.mean_ if step.with_mean else 0, step),
    RobustScaler: lambda step: _shifted(step.center_, step),
    MaxAbsScaler: lambda step: (
        *_shifted(0, step),
        *((-1, 1) if getattr(step, "clip", False) else _UNLIMITED),
    ),
    MinMaxScaler: lambda step: (
        step.scale_,
        step.min_,
        *(step.feature_range if step.clip else _UNLIMITED),
    ),
}

_UNLIMITED = -np.inf, np.inf


def _shifted(center, step):
    """Factor and summand of a step that subtracts and then divides."""
    center = 0 if center is None else center
    scale = 1 if step.scale_ is None else step.scale_
    return 1 / np.asarray(scale, dtype=np.float64), -center / scale


def linear_inputs(estimator):
    """Fold the steps before a network into one linear map with a range per feature.

    Parameters
    ----------
    estimator : fitted estimator
        As in :func:`last_step`: an MLP, a Pipeline, a compressor, a search, ...

    Returns
    -------
    inputs : LinearInputs
        The identity where there are no such steps. StandardScaler, MinMaxScaler,
        MaxAbsScaler and RobustScaler can be folded, with all their options;
        FunctionTransformer() and "passthrough" change nothing.

    Raises
    ------
    ValueError
        If another step comes before the network; its type is in the message.
    """
    n_features = last_step(estimator).coefs_[0].shape[0]
    scale, offset = np.ones(n_features), np.zeros(n_features)
    low, high = np.full(n_features, -np.inf), np.full(n_features, np.inf)
    for name, step in steps_before(estimator):
        if type(step) is FunctionTransformer and step.func is None:
            continue
        if type(step) not in _LINEAR:
            known = ", ".join(kind.__name__ for kind in _LINEAR)
            raise ValueError(
                f"The step {name!r} before the network is of type "
                f"{type(step).__name__}, and only {known} can be written as one linear "
                "map per feature: pass the network alone, and rows as it gets them."
            )
        factor, summand, *limits = _LINEAR[type(step)](step)
        scale, offset = scale * factor, offset * factor + summand
        limits = limits or _UNLIMITED
        low = np.clip(low * factor + summand, *limits)
        high = np.clip(high * factor + summand, *limits)
    return LinearInputs(scale, offset, low, high)
