"""Columns of X that given inputs of a network are made of."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from copy import copy

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.feature_selection import SelectorMixin
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    SplineTransformer,
    StandardScaler,
    TargetEncoder,
)

from .compat import column_indices
from .containers import open_steps, steps_before

# Each output of these steps depends only on the columns that its name contains. Each
# output of any other step is assumed to depend on all columns.
_NAMED_BY_COLUMNS = (
    Binarizer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    MissingIndicator,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    SelectorMixin,
    SimpleImputer,
    SplineTransformer,
    StandardScaler,
    TargetEncoder,
)


def columns_read(estimator, support):
    """Trace inputs of a network back to the columns that they are made of.

    Parameters
    ----------
    estimator : fitted estimator
        As in :func:`last_step`.

    support : ndarray of bool of shape (n_inputs,)
        The inputs of the network that matter.

    Returns
    -------
    columns : ndarray of bool of shape (n_features,)
        Which columns of what `estimator` takes make a difference to these inputs. A
        step that is not known to work column by column is taken to use all it gets.

    Raises
    ------
    ValueError
        If the first step takes no columns, but texts, say.
    """
    return _columns_before(steps_before(estimator), np.asarray(support, dtype=bool))


def _columns_before(steps, used):
    """The columns that go into the first of some steps for outputs of the last."""
    for _, step in reversed(steps):
        used = _columns_of(step, used)
    return used


def _columns_of(step, used):
    """The columns that one step needs for the outputs that are used."""
    if type(step) is FunctionTransformer and step.func is None:
        return used
    if not hasattr(step, "n_features_in_"):
        raise ValueError(
            f"{type(step).__name__} takes no columns, so that it cannot be told "
            "which ones the network still reads."
        )
    if isinstance(step, ColumnTransformer):
        return _columns_of_transformers(step, used)
    if not used.any():
        return np.zeros(step.n_features_in_, dtype=bool)
    if isinstance(step, _NAMED_BY_COLUMNS):
        return _columns_in_names(step, used)
    return np.ones(step.n_features_in_, dtype=bool)


def _columns_of_transformers(step, used):
    columns = np.zeros(step.n_features_in_, dtype=bool)
    indices = column_indices(step)
    for name, transformer, chosen in step.transformers_:
        needed = used[step.output_indices_[name]]
        if not len(needed):  # dropped, or without columns
            continue
        if isinstance(chosen, (str, int)):
            # it gets one column, of texts maybe, as a vector
            columns[indices[name]] |= needed.any()
        else:
            part = _columns_before(open_steps([(name, transformer)]), needed)
            columns[indices[name]] |= part
    return columns


def _columns_in_names(step, used):
    """Columns whose names are parts of the names of the outputs that are used."""
    unnamed = copy(step)
    vars(unnamed).pop("feature_names_in_", None)
    # in private-use characters, which no category has
    marks = [f"\ue000{i}\ue001" for i in range(step.n_features_in_)]
    names = unnamed.get_feature_names_out(np.array(marks, dtype=object))[used]
    if isinstance(step, PolynomialFeatures):
        names = names[names != "1"]  # the constant
    if not all("\ue000" in name for name in names):
        # someone's own function names them
        return np.ones(step.n_features_in_, dtype=bool)
    text = "".join(names)
    return np.array([mark in text for mark in marks])
