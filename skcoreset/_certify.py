"""The guarantee for any two fitted estimators, whoever compressed them."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from numbers import Real

from ._errors import ERRORS, default_error
from ._promise.comparison import Comparison
from ._promise.digest import digest_of, digest_of_rows
from ._promise.judge import HeldOutRows
from ._promise.provenance import Provenance
from ._promise.target import Target
from ._wrapped import Predictor
from ._wrapped.compat import HasMethods, Interval, StrOptions, validate_params


@validate_params(
    {
        "original": [HasMethods(["predict"])],
        "compressed": [HasMethods(["predict"])],
        "error": [StrOptions({"auto", *ERRORS})],
        "epsilon": [None, Interval(Real, 0, None, closed="neither")],
        "delta": [None, Interval(Real, 0, 1, closed="neither")],
        "confidence": [Interval(Real, 0, 1, closed="neither")],
        "scale": [None, "array-like"],
    },
    prefer_skip_nested_validation=True,
)
def certify(
    original,
    compressed,
    X,
    *,
    error="auto",
    epsilon=None,
    delta=0.05,
    confidence=0.95,
    scale=None,
):
    """Certify on fresh rows how far one fitted estimator is from another.

    An exact binomial test on rows that neither estimator depends on: they were not
    used to train, calibrate or choose them. It does for any two estimators what `fit`
    does for the network that it chooses: for a network that was fine-tuned, exported,
    picked by a search, or compressed by another program.

    Parameters
    ----------
    original, compressed : fitted estimators
        Anything with `predict`. If `error` is about outputs: an MLP or a
        `CoresetCompressor`, a Pipeline or search that ends in one of them; a regressor,
        whose predictions are its outputs; or a classifier with `predict_proba`, whose
        outputs are the logits of its probabilities (for three classes or more up to a
        shift, which "relative" and "probability" ignore).

    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Fresh, independent rows of the kind that both estimators take.

    error : {"auto", "relative", "scaled", "absolute", "probability", "prediction", \
            "classwise", "entrywise"}, default="auto"
        As in :class:`CoresetCompressor`.

    epsilon : float, default=None
        Largest error that is allowed. None finds the smallest that can be promised at
        `delta`. It must be None if the error counts rows.

    delta : float, default=0.05
        Share of fresh rows whose error may be larger. None finds the smallest that can
        be promised at `epsilon`.

    confidence : float, default=0.95
        Confidence over the draw of X.

    scale : array-like of shape (n_outputs,), default=None
        With ``error="scaled"``, the standard deviation of each of the original's
        outputs. None takes it from the `certificate_` of a compressor that was fitted
        with this error. It must not be measured on X: that would invalidate the test.

    Returns
    -------
    certificate : Certificate
        `certificate.holds` says whether the promise can be made. Print it to read it.

    Raises
    ------
    ValueError
        If both `epsilon` and `delta` are None; X, or a class, has fewer rows than
        ``log(1 - confidence) / log(1 - delta)``; the estimators predict different
        classes or shapes, or lack what `error` measures; or `scale` is not known.

    See Also
    --------
    CoresetCompressor : Chooses the smallest network that passes.

    References
    ----------
    C. J. Clopper, E. S. Pearson, "The Use of Confidence or Fiducial Limits Illustrated
    in the Case of the Binomial", Biometrika 26(4), 1934.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.neural_network import MLPClassifier
    >>> from skcoreset import CoresetCompressor, certify
    >>> X, y = load_digits(return_X_y=True)
    >>> X /= 16
    >>> mlp = MLPClassifier(max_iter=300, random_state=0).fit(X[:800], y[:800])
    >>> compressor = CoresetCompressor(mlp, density=0.1, random_state=0)
    >>> compressor = compressor.fit(X[800:1300]).fine_tune(X[:800], y[:800])
    >>> certificate = certify(mlp, compressor, X[1300:], error="prediction", delta=None)
    >>> certificate.holds, certificate.delta < 0.1
    (True, True)
    """
    if error == "auto":
        error = default_error(Predictor(original).is_classifier)
    kind = ERRORS[error]
    if kind.counts_rows and epsilon is not None:
        raise ValueError(
            f"epsilon={epsilon!r} plays no part in error={error!r}, which counts rows: "
            "leave it out, and give delta or delta=None."
        )
    if not kind.counts_rows and epsilon is None and delta is None:
        raise ValueError(
            "epsilon=None and delta=None cannot both be found: give one of them."
        )
    compared = Comparison(original, compressed, error, scale).on(X)
    rows = HeldOutRows(compared.groups, compared.classes)
    target = Target(error, epsilon, delta, confidence)
    if delta is not None:
        rows.check_sizes(target)
    target = rows.completed(target, compared.errors)
    provenance = Provenance(
        *(digest_of(estimator, X, error) for estimator in (original, compressed)),
        rows_sha256=digest_of_rows(X),
    )
    return rows.certificate(
        compared.errors, target, provenance=provenance, **compared.about
    )
