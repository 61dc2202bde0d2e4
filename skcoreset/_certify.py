"""The guarantee for any two fitted estimators, whoever compressed them."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from numbers import Real

import numpy as np

from ._errors import ERRORS, check_error, default_error
from ._promise.judge import HeldOutRows
from ._promise.target import Target
from ._wrapped import Pair, is_compressor, levels
from ._wrapped.compat import (
    HasMethods,
    Interval,
    StrOptions,
    num_samples,
    validate_params,
)


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
    pair = Pair(original, compressed)
    if error == "auto":
        error = default_error(pair.original.is_classifier)
    check_error(error, classifier=pair.original.is_classifier)
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
    if scale is not None and error != "scaled":
        raise ValueError(f"scale plays no part in error={error!r}: leave it out.")
    target = Target(error, epsilon, delta, confidence)
    errors, rows, about = measure(pair, X, error, scale)
    if delta is not None:
        rows.check_sizes(target)
    return rows.certificate(errors, rows.completed(target, errors), "test", **about)


def measure(pair, X, error, scale=None):
    """Measure the error of each row between an original and what stands in for it.

    Parameters
    ----------
    pair : Pair

    X : {array-like, sparse matrix} of shape (n_samples, n_features)

    error : str
        A name in `ERRORS`.

    scale : array-like of shape (n_outputs,), default=None
        With ``error="scaled"``. None is that of the compressor, if it is one.

    Returns
    -------
    errors : ndarray of shape (n_samples,), float64

    rows : HeldOutRows
        Has the class that the original predicts for each row, if classes count by
        themselves.

    about : dict
        What else the certificate says: of the outputs, and `scale`.
    """
    kind = ERRORS[error]
    groups, classes = np.zeros(num_samples(X), dtype=np.intp), ()
    if not kind.counts_rows:
        F, F_hat = pair.outputs(X)
        _check_outputs(F, F_hat, error)
        n_outputs = F.values.shape[1]
        about = {"out_activation": F.activation, "n_outputs": n_outputs}
        if error == "scaled":
            scale = _checked_scale(pair.compressed.estimator, scale, n_outputs)
            about["scale"] = tuple(scale.tolist())
        errors = kind.measure(F_hat.values, F.values, F.activation, scale)
        return errors, HeldOutRows(groups), about
    y, y_hat = pair.predictions(X)
    errors = (y != y_hat).reshape(len(y), -1).any(axis=1).astype(np.float64)
    if kind.by_class:
        check_error(error, classifier=True, multilabel=y.ndim > 1)
        predicted, groups = np.unique(y, return_inverse=True)
        classes = predicted.tolist()
        if pair.original.classes is not None:
            classes += np.setdiff1d(pair.original.classes, predicted).tolist()
    return errors, HeldOutRows(groups, classes), {}


def _check_outputs(F, F_hat, error):
    """Refuse outputs that do not have what an error measures."""
    if (F.up_to_shift or F_hat.up_to_shift) and not ERRORS[error].ignores_shift:
        raise ValueError(
            f"error={error!r} is about outputs, which predict_proba tells up to a "
            "shift only: use error='relative' or 'probability'."
        )
    n_infinite = (~np.isfinite(F.values)).any(axis=1).sum()
    if n_infinite and F.activation in ("identity", "exp"):
        raise ValueError(
            f"original predicts NaN, infinity or what has no logarithm for {n_infinite}"
            " rows of X: leave them out, and say that the certificate does not cover "
            "such rows."
        )
    if n_infinite and error != "probability":
        raise ValueError(
            f"original gives a class the probability 0 or 1 on {n_infinite} rows of X, "
            f"which has no logit, and error={error!r} compares logits: use "
            "error='probability' or 'prediction'."
        )


def _checked_scale(compressed, scale, n_outputs):
    """Return the scales given, or those of the compressor."""
    if scale is None:
        for level, _ in levels(compressed):
            if is_compressor(level):
                scale = level.certificate_.scale
    if scale is None:
        raise ValueError(
            "error='scaled' needs scale, the standard deviations of the original's "
            "outputs on rows other than X: pass it, or a compressor that was fitted "
            "with this error."
        )
    scale = np.asarray(scale, dtype=np.float64)
    if scale.shape != (n_outputs,) or not ((scale >= 0) & np.isfinite(scale)).all():
        raise ValueError(
            f"scale={scale.tolist()} must be one finite number of at least 0 for each "
            f"of the {n_outputs} outputs."
        )
    return scale
