"""Scorers that need no labels, and the choice of the sparsest good candidate.

Accuracy alone always picks the least compression. These say what is meant instead: as
small as possible, and still as good.
"""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass
from numbers import Real

import numpy as np
from sklearn.base import is_classifier

from ._errors import ERRORS
from ._wrapped import check_is_compressor, inputs_of, is_compressor, levels, network_of

__all__ = ["SparsestWithin", "density_score", "fidelity_score", "neg_error_score"]


def _compressor_and_inputs(estimator, X):
    """The compressor that an estimator ends in, and the rows that it gets."""
    for level, rows in levels(estimator, X):
        if is_compressor(level):
            return level, rows
    return check_is_compressor(level), rows


def fidelity_score(estimator, X, y=None):
    """Share of rows for which the compressed network predicts as the original does.

    A scorer: pass it as `scoring` of :class:`~sklearn.model_selection.GridSearchCV`,
    which then needs no labels.

    Parameters
    ----------
    estimator : CoresetCompressor or Pipeline
        Fitted; a Pipeline has to end in a compressor. Its network is a classifier.

    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Rows to predict.

    y : object, default=None
        Ignored.

    Returns
    -------
    score : float
        Between 0 and 1; 1 where no prediction differs.

    Raises
    ------
    ValueError
        If the network is a regressor: use :func:`neg_error_score`.

    See Also
    --------
    neg_error_score : How far the outputs are from the original's.
    density_score : Share of edges kept.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.neural_network import MLPClassifier
    >>> from skcoreset import CoresetCompressor
    >>> from skcoreset.model_selection import fidelity_score
    >>> X, y = load_iris(return_X_y=True)
    >>> mlp = MLPClassifier(solver="lbfgs", max_iter=500, random_state=0).fit(X, y)
    >>> compressor = CoresetCompressor(mlp, density=0.5, random_state=0).fit(X)
    >>> fidelity_score(compressor, X) > 0.9
    True
    """
    compressor, X = _compressor_and_inputs(estimator, X)
    if not is_classifier(compressor):
        raise ValueError(
            "fidelity_score compares predicted classes and the network is a regressor: "
            "use neg_error_score."
        )
    return 1 - float(_errors(compressor, X, "prediction").mean())


def neg_error_score(estimator, X, y=None):
    """Negate the median error of the output of the compressed network.

    The error is the one that the compressor was fitted with, or "relative" where that
    one counts rows. A scorer like :func:`fidelity_score`.

    Parameters
    ----------
    estimator : CoresetCompressor or Pipeline
        Fitted; a Pipeline has to end in a compressor.

    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Rows to predict.

    y : object, default=None
        Ignored.

    Returns
    -------
    score : float
        At most 0; 0 where the output is the original's.

    See Also
    --------
    fidelity_score : Share of equal predictions.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.neural_network import MLPRegressor
    >>> from skcoreset import CoresetCompressor
    >>> from skcoreset.model_selection import neg_error_score
    >>> X, y = load_diabetes(return_X_y=True)
    >>> mlp = MLPRegressor(solver="lbfgs", max_iter=5000, random_state=0).fit(X, y)
    >>> compressor = CoresetCompressor(mlp, density=0.5, random_state=0).fit(X)
    >>> neg_error_score(compressor, X) > -0.5
    True
    """
    compressor, X = _compressor_and_inputs(estimator, X)
    error = compressor.certificate_.error
    error = "relative" if ERRORS[error].counts_rows else error
    return -float(np.median(_errors(compressor, X, error)))


def _errors(compressor, X, error):
    """Error of every row, by its name in `ERRORS`."""
    original = compressor.original_estimator_
    network = network_of(original)
    F, F_hat = network.forward(inputs_of(original, X)), compressor.transform(X)
    scale = compressor.certificate_.scale
    return ERRORS[error].measure(np.asarray(F_hat), F, network.out_activation, scale)


def density_score(estimator, X=None, y=None):
    """Share of the original network's edges that were kept.

    For a search over several metrics, beside one that says how good a candidate is.
    Lower is better: do not maximise it, give it to :class:`SparsestWithin`.

    Parameters
    ----------
    estimator : CoresetCompressor or Pipeline
        Fitted; a Pipeline has to end in a compressor.

    X, y : object, default=None
        Ignored.

    Returns
    -------
    density : float
        `density_` of the compressor.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.neural_network import MLPClassifier
    >>> from skcoreset import CoresetCompressor
    >>> from skcoreset.model_selection import density_score
    >>> X, y = load_iris(return_X_y=True)
    >>> mlp = MLPClassifier(solver="lbfgs", max_iter=500, random_state=0).fit(X, y)
    >>> compressor = CoresetCompressor(mlp, density=0.5, random_state=0).fit(X)
    >>> density_score(compressor) <= 0.5
    True
    """
    return float(_compressor_and_inputs(estimator, None)[0].density_)


@dataclass(frozen=True)
class SparsestWithin:
    """Pick the sparsest candidate of a search that scores almost as well as the best.

    An instance is a callable for the `refit` of
    :class:`~sklearn.model_selection.GridSearchCV` or
    :class:`~sklearn.model_selection.RandomizedSearchCV`, with several metrics of which
    one is :func:`density_score` under the name ``"density"``.

    Parameters
    ----------
    tolerance : float or "one_se", default="one_se"
        How much less than the best mean score is good enough: an amount, in units of
        the score, or one standard error of the best candidate's mean over the splits.

    score : str, default="score"
        Name of the metric that has to be good; greater is better.

    density : str, default="density"
        Name of the metric that is to be small.

    Raises
    ------
    ValueError
        If `tolerance` is negative or another string, or a metric is missing.

    Notes
    -----
    A certificate of the candidate so chosen is the best of several on the same rows and
    no longer holds at its `delta`: certify the choice again on fresh rows.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklearn.neural_network import MLPClassifier
    >>> from skcoreset import CoresetCompressor
    >>> from skcoreset.model_selection import (
    ...     SparsestWithin, density_score, fidelity_score)
    >>> X, y = load_iris(return_X_y=True)
    >>> mlp = MLPClassifier(solver="lbfgs", max_iter=500, random_state=0).fit(X, y)
    >>> search = GridSearchCV(
    ...     CoresetCompressor(mlp, random_state=0),
    ...     {"density": [0.1, 0.3, 0.5]},
    ...     scoring={"fidelity": fidelity_score, "density": density_score},
    ...     refit=SparsestWithin(0.05, score="fidelity"),
    ...     cv=3,
    ... )
    >>> search.fit(X).best_params_["density"] < 0.5
    True
    """

    tolerance: float | str = "one_se"
    score: str = "score"
    density: str = "density"

    def __post_init__(self):
        if self.tolerance != "one_se" and not (
            isinstance(self.tolerance, Real) and self.tolerance >= 0
        ):
            raise ValueError(
                f"tolerance={self.tolerance!r} must be a number of at least 0 or "
                "'one_se'."
            )

    def __call__(self, cv_results):
        """Return the index of the chosen candidate.

        Parameters
        ----------
        cv_results : dict
            `cv_results_` of a search.

        Returns
        -------
        best_index : int
        """
        for metric in (self.score, self.density):
            if f"mean_test_{metric}" not in cv_results:
                raise ValueError(
                    f"The search has no metric {metric!r}: give `scoring` a dict with "
                    f"the keys {self.score!r} and {self.density!r}."
                )
        scores = np.asarray(cv_results[f"mean_test_{self.score}"])
        densities = np.asarray(cv_results[f"mean_test_{self.density}"])
        scores = np.where(np.isnan(densities), np.nan, scores)
        if np.isnan(scores).all():
            raise ValueError(
                f"Every candidate failed: {self.score!r} or {self.density!r} is NaN."
            )
        best = np.nanargmax(scores)
        tolerance = self.tolerance
        if tolerance == "one_se":
            n_splits = sum(
                name.startswith("split") and name.endswith(f"_test_{self.score}")
                for name in cv_results
            )
            deviation = cv_results[f"std_test_{self.score}"][best]
            tolerance = deviation / np.sqrt(max(1, n_splits - 1))
        good = scores >= scores[best] - tolerance
        return int(np.argmin(np.where(good, densities, np.inf)))
