"""The bound of a network that half of the rows have made, and the others count."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

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
from .checks import are_wrong, check_tolerance

# Shares of the edges of the networks that are tried, beside the original.
DENSITIES = (0.5, 0.2, 0.1, 0.05, 0.02, 0.01)


@dataclass(frozen=True, repr=False)
class SplitBound:
    """A bound on the true error of networks that other rows have made.

    Attributes
    ----------
    error_bound : float
        With probability at least `1 - delta` over the rows that count, the share of
        errors of `estimator` on fresh rows is at most this.

    error : float
        Its share of errors on the rows that count.

    density : float
        Share of the original network's edges that it has.

    estimator : MLPClassifier, MLPRegressor or Pipeline
        The network that the bound is about.

    n_samples : int
        Rows that count.

    n_candidates : int
        Networks that were tried; the choice among them is paid for.

    delta : float
        As given.

    tolerance : float or None
        As given: what an error of a regressor is.

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
    delta: float
    tolerance: float | None
    path: dict
    estimators: list

    def __repr__(self):
        what = "is wrong"
        if self.tolerance is not None:
            what = f"is off by more than {self.tolerance:g}"
        rows = "\n".join(
            f"  {density:>7.2%}  {'yes' if tuned else 'no':>10}  {error:>7.2%}  "
            f"{bound:>7.2%}"
            for density, tuned, error, bound in zip(*self.path.values())
        )
        return (
            f"With probability at least {1 - self.delta:g} the network with "
            f"{self.density:.2%} of the edges {what} on at most {self.error_bound:.2%} "
            f"of fresh rows: it is on {self.error:.2%} of {self.n_samples} rows that "
            f"it was not made from, and was chosen among {self.n_candidates} networks."
            "\n"
            f"    edges  fine-tuned   errors    bound\n{rows}"
        )


@validate_params(
    {
        "compressor": [CoresetCompressor],
        "X": ["array-like", "sparse matrix"],
        "y": ["array-like", "sparse matrix"],
        "X_count": [None, "array-like", "sparse matrix"],
        "y_count": [None, "array-like", "sparse matrix"],
        "delta": [Interval(Real, 0, 1, closed="neither")],
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
    delta=0.05,
    tolerance=None,
    densities=None,
):
    """Bound on the true error of a network, from rows that it was not made from.

    Half of the rows train the network and the steps before it, compress it to several
    densities, and fine-tune each of these; the other half counts their errors. This is
    Occam's bound with a prior that has seen half of the rows: the code of a network is
    its number among the candidates. With `m` of them, and `k` errors on `n` rows, its
    true error is at most the upper end of the exact binomial confidence interval at
    level `delta / m` [1]_. All these bounds hold at once.

    It says less about why a network generalizes than :func:`occam_bound`, whose code is
    fixed before any row is seen, and it is much tighter.

    Parameters
    ----------
    compressor : CoresetCompressor
        Need not be fitted, and is not changed. Its parameters say how networks are
        compressed; `density` is set to each of `densities`.

    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Independent rows of what the wrapped estimator takes.

    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Their classes, labels or values. Where there are several labels or outputs a row
        is wrong if one of them is.

    X_count, y_count : array-like or sparse matrix, default=None
        The rows that count, in place of a random half of X. They have to be given where
        the network of `compressor` is fitted already: it must not have seen them, and
        neither must the steps before it.

    delta : float, default=0.05
        Probability, over the draw of the rows that count, with which a bound may fail.

    tolerance : float, default=None
        For regressors, which need it: a prediction that is off by more is an error. It
        has to be fixed before the rows are seen.

    densities : array-like of float, default=None
        Shares of the edges that are tried, beside the original network. None is 0.5,
        0.2, 0.1, 0.05, 0.02 and 0.01.

    Returns
    -------
    bound : SplitBound
        The candidate with the smallest bound, and the bounds of all. Printing it says
        what it rests on.

    Raises
    ------
    ValueError
        If the network is fitted and there is no `X_count`, a regressor has no
        `tolerance` or a classifier has one, or a density is not in (0, 1].

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
        raise ValueError("X_count and y_count go together: give both, or none.")
    check_consistent_length(X, y)
    rng = check_random_state(compressor.random_state)
    if X_count is None:
        if fitted:
            raise ValueError(
                "The network of compressor is fitted: give X_count and y_count, rows "
                "that it was not trained on, or one that is not fitted."
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
        # all densities lie on one path, which is walked once
        memory = compressor.memory or Memory(folder, verbose=0)
        for density in densities:
            small = clone(compressor).set_params(
                estimator=FrozenEstimator(original),
                density=density,
                memory=memory,
                random_state=seed,
            )
            small.fit(X)
            candidates.append((small.density_, False, small.estimator_))
            small.fine_tune(X, y)
            candidates.append((small.density_, True, small.estimator_))

    n_samples = num_samples(X_count)
    n_wrong = np.array(
        [are_wrong(e, X_count, y_count, tolerance).sum() for *_, e in candidates]
    )
    bounds = smallest_delta(n_wrong, n_samples, 1 - delta / len(candidates))
    best = int(np.argmin(bounds))
    return SplitBound(
        error_bound=float(bounds[best]),
        error=float(n_wrong[best] / n_samples),
        density=candidates[best][0],
        estimator=candidates[best][2],
        n_samples=n_samples,
        n_candidates=len(candidates),
        delta=delta,
        tolerance=tolerance,
        path={
            "density": np.array([density for density, *_ in candidates]),
            "fine_tuned": np.array([tuned for _, tuned, _ in candidates]),
            "error": n_wrong / n_samples,
            "error_bound": bounds,
        },
        estimators=[candidate for *_, candidate in candidates],
    )
