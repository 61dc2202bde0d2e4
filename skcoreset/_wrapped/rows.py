"""Rows on their way into a network, and the outputs that they lead to."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from contextlib import suppress
from copy import copy

import numpy as np
from scipy import sparse
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import validate_data

from .._network import dense
from .compat import safe_indexing
from .containers import levels
from .mlp import DTYPES, SPARSE_FORMATS


def inputs_of(estimator, X, owner=None):
    """Validate rows, and return what the MLP of a fitted estimator gets of them.

    Parameters
    ----------
    estimator : fitted estimator
        As in :func:`last_step`.

    X : {array-like, sparse matrix} of shape (n_samples, n_features)

    owner : estimator, default=None
        The estimator that error messages name. None is the MLP.

    Returns
    -------
    X : {ndarray, csr_array} of shape (n_samples, n_inputs)
    """
    *_, (mlp, X) = levels(estimator, X)
    checker = mlp if owner is None else owner
    if not hasattr(checker, "n_features_in_") or (
        checker is owner and mlp is not vars(owner).get("estimator_")
    ):
        checker = copy(checker)
        vars(checker).pop("feature_names_in_", None)
        checker.n_features_in_ = mlp.coefs_[0].shape[0]
        if hasattr(mlp, "feature_names_in_"):
            checker.feature_names_in_ = mlp.feature_names_in_
    X = validate_data(
        checker, X, reset=False, accept_sparse=SPARSE_FORMATS, dtype=DTYPES
    )
    if sparse.issparse(X):
        X = sparse.csr_array(X)
        if not X.has_canonical_format:
            X = X.copy()  # the caller's rows stay as they are
            X.sum_duplicates()
    return X


def input_names(estimator, n_features):
    """Names of what enters the network of an estimator."""
    names = None
    for level, _ in levels(estimator):
        if isinstance(level, Pipeline):
            names = None
            # some Pipelines have no step before the network, some steps no names
            with suppress(AttributeError, IndexError, ValueError):
                names = level[:-1].get_feature_names_out()
    names = getattr(level, "feature_names_in_", names)
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


class AugmentedRows:
    """Inputs of the MLP for the rows of a batch, changed anew each time.

    Parameters
    ----------
    estimator : fitted estimator
        As in :func:`last_step`.

    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Rows as the user gives them.

    augment : callable
        Called with the rows of a batch and a Generator; returns as many rows.

    seed : ndarray of int
    """

    def __init__(self, estimator, X, augment, seed):
        self._estimator, self._augment, self._seed = estimator, augment, seed
        # row numbers are those of an array, whatever it was given as
        self._X = X if hasattr(X, "shape") else np.asarray(X)
        self._X = self._X.tocsr() if sparse.issparse(self._X) else self._X

    def __call__(self, rows):
        batch = safe_indexing(self._X, rows)
        # the same whichever thread has these rows
        rng = np.random.default_rng([*self._seed, *rows])
        augmented = self._augment(batch, rng)
        if np.shape(augmented) != batch.shape:
            raise ValueError(
                f"augment returned an array of shape {np.shape(augmented)} for rows of "
                f"shape {batch.shape}: it must return as many rows and features."
            )
        try:
            return dense(inputs_of(self._estimator, augmented))
        except ValueError as error:
            raise ValueError(f"augment returned bad rows: {error}") from error
