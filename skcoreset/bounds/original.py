"""The error bound of the original network, from that of a network with a short code."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass

import numpy as np

from .._compressor import CoresetCompressor
from .._promise.rules import smallest_delta
from .._wrapped.compat import num_samples, validate_params
from .checks import CONFIDENCE, are_wrong, check_classifier, percent
from .occam.bound import OccamBound, search_codes

# Share of `1 - confidence` for the bound of the small network: it enters that bound as
# a logarithm beside thousands of bits, and the other one as it is.
OCCAM_SHARE = 0.1


@dataclass(frozen=True, repr=False)
class OriginalBound:
    """A bound on the true error of the original network.

    Attributes
    ----------
    error_bound : float
        `occam.error_bound + disagreement_bound`, at most 1. With probability at least
        `confidence` over the draw of all rows, the error rate of the original network
        on fresh rows is at most this.

    occam : OccamBound
        The bound of the small network, at its share of the confidence.

    disagreement : float
        Share of the unlabelled rows on which the two networks differ.

    disagreement_bound : float
        Upper confidence bound on it (Clopper and Pearson), at the rest of the
        confidence.

    n_unlabelled : int
        Number of unlabelled rows.

    confidence : float
        As given.
    """

    error_bound: float
    occam: OccamBound
    disagreement: float
    disagreement_bound: float
    n_unlabelled: int
    confidence: float

    def __repr__(self):
        return (
            f"With {percent(self.confidence)} confidence, the original network is "
            f"wrong on at most {self.error_bound:.2%} of fresh rows:\n"
            f"  {self.occam.error_bound:>7.2%}  a network with a code of "
            f"{self.occam.n_bits} bits is wrong (on {self.occam.train_error:.2%} of "
            f"{self.occam.n_samples} labelled rows)\n"
            f"  {self.disagreement_bound:>7.2%}  the two differ (on "
            f"{self.disagreement:.2%} of {self.n_unlabelled} unlabelled rows)"
        )


@validate_params(
    {
        "compressor": [CoresetCompressor],
        "X": ["array-like", "sparse matrix"],
        "y": ["array-like", "sparse matrix"],
        "X_unlabelled": ["array-like", "sparse matrix"],
        "confidence": CONFIDENCE,
        "densities": [None, "array-like"],
    },
    prefer_skip_nested_validation=True,
)
def original_bound(compressor, X, y, X_unlabelled, *, confidence=0.95, densities=None):
    """Bound on the true error of the original network, trained on all its rows.

    The original network is wrong only where a small network is wrong or the two differ:

    ``P(original is wrong) <= P(small is wrong) + P(original != small)``.

    The first term has the bound of :func:`occam_bound`, which holds on the rows that
    all networks were trained on, as the code of the small network was fixed before. The
    second needs no labels: it is bounded on rows that played no part in the making of
    either network. Of all networks that the search tries, the one with the smallest sum
    is taken, with the difference measured on the training rows; so the unlabelled rows
    do not choose it. The two bounds share the confidence.

    Parameters
    ----------
    compressor : CoresetCompressor
        Fitted, with a classifier. It is not changed; its `random_state`, `n_jobs` and
        `verbose` are used.

    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Independent rows, as in :func:`occam_bound`. They may be those that the original
        network was trained on.

    y : array-like of shape (n_samples,) or (n_samples, n_labels)
        Their classes or labels.

    X_unlabelled : {array-like, sparse matrix} of shape (n_unlabelled, n_features)
        Independent rows from the same distribution that nothing was made or chosen
        with: no network, no step before it, and not this small network.

    confidence : float, default=0.95
        Probability, over the draw of all rows, with which the bound holds.

    densities : array-like of float, default=None
        As in :func:`occam_bound`.

    Returns
    -------
    bound : OriginalBound
        With both terms. Print it to read it.

    Raises
    ------
    TypeError
        If the wrapped estimator is not a classifier.

    ValueError
        As :func:`occam_bound`; or if `X_unlabelled` has no rows.

    See Also
    --------
    split_bound : A tighter bound, for networks made from half of the rows.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.neural_network import MLPClassifier
    >>> from skcoreset import CoresetCompressor
    >>> from skcoreset.bounds import original_bound
    >>> X, y = load_digits(n_class=2, return_X_y=True)
    >>> X_train, y_train, X_new = X[:250] / 16, y[:250], X[250:] / 16
    >>> mlp = MLPClassifier((10,), max_iter=100, random_state=0).fit(X_train, y_train)
    >>> compressor = CoresetCompressor(mlp, density=0.1, random_state=0)
    >>> compressor = compressor.fit(X_train[:200])
    >>> bound = original_bound(compressor, X_train, y_train, X_new, densities=[0.1])
    >>> print(bound)
    With 95% confidence, the original network is wrong on at most ...% of fresh rows:
       ...%  a network with a code of ... bits is wrong (on ...% of 250 labelled rows)
       ...%  the two differ (on ...% of 110 unlabelled rows)
    """
    check_classifier(compressor, "original_bound")
    if num_samples(X_unlabelled) == 0:
        raise ValueError("X_unlabelled has no rows: the bound needs some.")
    original = compressor.original_estimator_

    def disagreement(bound, X):
        return float(np.mean(are_wrong(bound.estimator, X, original.predict(X))))

    alpha = 1 - confidence
    tried = search_codes(compressor, X, y, 1 - OCCAM_SHARE * alpha, None, densities)
    occam = min(tried, key=lambda bound: bound.error_bound + disagreement(bound, X))
    share, n_rows = disagreement(occam, X_unlabelled), num_samples(X_unlabelled)
    n_different = round(share * n_rows)
    rest = 1 - (1 - OCCAM_SHARE) * alpha
    disagreement_bound = float(smallest_delta(n_different, n_rows, rest))
    return OriginalBound(
        error_bound=min(1.0, occam.error_bound + disagreement_bound),
        occam=occam,
        disagreement=share,
        disagreement_bound=disagreement_bound,
        n_unlabelled=n_rows,
        confidence=confidence,
    )
