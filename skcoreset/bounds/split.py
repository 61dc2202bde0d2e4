"""The error bound of networks made from some rows, by their errors on others."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings
from dataclasses import dataclass
from numbers import Real
from tempfile import TemporaryDirectory

import numpy as np
from joblib import Memory
from sklearn.base import clone, is_classifier
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.utils import check_consistent_length, check_random_state

from .._compressor import CoresetCompressor
from .._promise.rules import smallest_delta
from .._wrapped import is_fitted, thawed, train_copy
from .._wrapped.compat import Interval, num_samples, safe_indexing, validate_params
from .checks import CONFIDENCE, are_wrong, check_tolerance, error_words, percent

# Shares of the edges of the networks that are tried besides the original.
DENSITIES = (0.5, 0.2, 0.1, 0.05, 0.02, 0.01)


@dataclass(frozen=True, repr=False)
class SplitBound:
    """A bound on the true error of networks, from rows that they were not made from.

    Attributes
    ----------
    error_bound : float
        With probability at least `confidence` over the draw of the rows that count, the
        error rate of `estimator` on fresh rows is at most this.

    error : float
        Its error rate on the rows that count.

    density : float
        Its share of the edges of the original network.

    estimator : MLPClassifier, MLPRegressor or Pipeline
        The network that the bound is about.

    n_samples : int
        Number of rows that count.

    n_candidates : int
        Number of networks that were tried. The bound pays for the choice among them.

    confidence : float
        As given.

    tolerance : float or None
        As given.

    path : dict of str to ndarray of shape (n_candidates,)
        `density`, `fine_tuned`, `error` and `error_bound` of every candidate. All
        bounds hold at once.

    estimators : list
        The candidates, in the order of `path`.
    """

    error_bound: float
    error: float
    density: float
    estimator: object
    n_samples: int
    n_candidates: int
    confidence: float
    tolerance: float | None
    path: dict
    estimators: list

    def __repr__(self):
        rows = "\n".join(
            f"  {density:>7.2%}  {'yes' if tuned else 'no':>10}  {error:>7.2%}  "
            f"{bound:>7.2%}"
            for density, tuned, error, bound in zip(*self.path.values())
        )
        return (
            f"With {percent(self.confidence)} confidence, the network with "
            f"{self.density:.2%} of the edges is {error_words(self.tolerance)} on at "
            f"most {self.error_bound:.2%} of fresh rows. It is on {self.error:.2%} of "
            f"{self.n_samples} rows that it was not made from, and is the best of "
            f"{self.n_candidates} networks.\n"
            f"    edges  fine-tuned   errors    bound\n{rows}"
        )


@validate_params(
    {
        "compressor": [CoresetCompressor],
        "X": ["array-like", "sparse matrix"],
        "y": ["array-like", "sparse matrix"],
        "X_count": [None, "array-like", "sparse matrix"],
        "y_count": [None, "array-like", "sparse matrix"],
        "confidence": CONFIDENCE,
        "tolerance": [None, Interval(Real, 0, None, closed="neither")],
        "densities": [None, "array-like"],
    },
    prefer_skip_nested_validation=True,
)
def split_bound(
    compressor,
    X,
    y,
    *,
    X_count=None,
    y_count=None,
    confidence=0.95,
    tolerance=None,
    densities=None,
):
    """Bound on the true error of a network, from rows that it was not made from.

    One half of the rows trains the network and the steps before it, compresses it to
    several densities, and fine-tunes each of these networks. The other half counts
    their errors. This is Occam's bound with a prior that has seen half of the rows: the
    code of a network is its number among the candidates. With `m` candidates, and `k`
    errors of one of them on `n` rows, its true error is at most the upper end of the
    exact binomial confidence interval at level `(1 - confidence) / m` [1]_. The bounds
    of all candidates hold at once.

    The bound is much tighter than :func:`occam_bound`, whose code is fixed before any
    row is seen, but says less about why a network generalizes.

    Parameters
    ----------
    compressor : CoresetCompressor
        Need not be fitted, and is not changed. Networks are compressed with its
        parameters, and with each of `densities` as `density`.

    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Independent rows, as the wrapped estimator takes them.

    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Their classes, labels or values. With several labels or outputs a row is wrong
        if one of them is.

    X_count, y_count : array-like or sparse matrix, default=None
        The rows that count, instead of a random half of X. Required if the network of
        `compressor` is fitted: neither the network nor the steps before it may have
        seen them.

    confidence : float, default=0.95
        Probability, over the draw of the rows that count, with which all bounds hold.

    tolerance : float, default=None
        Required for regressors: a prediction that is off by more is an error. It has to
        be fixed before the rows are seen.

    densities : array-like of float, default=None
        Shares of the edges that are tried besides the original network. None is 0.5,
        0.2, 0.1, 0.05, 0.02 and 0.01.

    Returns
    -------
    bound : SplitBound
        The candidate with the smallest bound, and the bounds of all candidates. Print
        it to read it.

    Raises
    ------
    ValueError
        If the network is fitted and `X_count` is None, a regressor has no `tolerance`
        or a classifier has one, or a density is not in (0, 1].

    See Also
    --------
    occam_bound : A bound with a code that was fixed before the data.

    References
    ----------
    .. [1] J. Langford, "Tutorial on Practical Prediction Theory for Classification",
       Journal of Machine Learning Research 6, 2005.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.neural_network import MLPClassifier
    >>> from skcoreset import CoresetCompressor
    >>> from skcoreset.bounds import split_bound
    >>> X, y = load_digits(return_X_y=True)
    >>> mlp = MLPClassifier((30,), max_iter=200, random_state=0)
    >>> compressor = CoresetCompressor(mlp, random_state=0)
    >>> bound = split_bound(compressor, X / 16, y, densities=[0.3, 0.1])
    >>> bound.error < bound.error_bound < 0.1
    True
    """
    estimator = compressor.estimator
    estimator = MLPClassifier() if estimator is None else thawed(estimator)
    classifier, fitted = is_classifier(estimator), is_fitted(estimator)
    check_tolerance(classifier, tolerance)
    densities = np.asarray(DENSITIES if densities is None else densities, dtype=float)
    if densities.ndim != 1 or not ((densities > 0) & (densities <= 1)).all():
        raise ValueError(f"densities={densities.tolist()} must be values in (0, 1].")
    if (X_count is None) != (y_count is None):
        raise ValueError("X_count and y_count belong together: give both or neither.")
    check_consistent_length(X, y)
    rng = check_random_state(compressor.random_state)
    if X_count is None:
        if fitted:
            raise ValueError(
                "The network of compressor is fitted: give X_count and y_count, rows "
                "that it was not trained on, or a network that is not fitted."
            )
        made, count = train_test_split(
            np.arange(num_samples(X)), test_size=0.5, random_state=rng
        )
        X_count, y_count = safe_indexing(X, count), safe_indexing(y, count)
        X, y = safe_indexing(X, made), safe_indexing(y, made)
    check_consistent_length(X_count, y_count)
    original = estimator if fitted else train_copy(estimator, X, y, {}, rng)

    candidates = [(1.0, False, original)]
    seed = rng.randint(2**31)
    with TemporaryDirectory() as folder:
        # All densities are on one path, which is walked once.
        memory = compressor.memory or Memory(folder, verbose=0)
        for density in densities:
            small = clone(compressor).set_params(
                estimator=FrozenEstimator(original),
                density=density,
                memory=memory,
                random_state=seed,
            )
            with warnings.catch_warnings():
                # These rows may make the network; its certificate is not used.
                warnings.filterwarnings("ignore", "X has as many rows as the network")
                small.fit(X)
            candidates.append((small.density_, False, small.estimator_))
            small.fine_tune(X, y)
            candidates.append((small.density_, True, small.estimator_))

    n_samples = num_samples(X_count)
    n_wrong = np.array(
        [are_wrong(e, X_count, y_count, tolerance).sum() for *_, e in candidates]
    )
    alpha = (1 - confidence) / len(candidates)
    bounds = smallest_delta(n_wrong, n_samples, 1 - alpha)
    best = int(np.argmin(bounds))
    return SplitBound(
        error_bound=float(bounds[best]),
        error=float(n_wrong[best] / n_samples),
        density=candidates[best][0],
        estimator=candidates[best][2],
        n_samples=n_samples,
        n_candidates=len(candidates),
        confidence=confidence,
        tolerance=tolerance,
        path={
            "density": np.array([density for density, *_ in candidates]),
            "fine_tuned": np.array([tuned for _, tuned, _ in candidates]),
            "error": n_wrong / n_samples,
            "error_bound": bounds,
        },
        estimators=[candidate for *_, candidate in candidates],
    )
