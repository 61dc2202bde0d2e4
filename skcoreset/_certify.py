"""The promise for any two fitted estimators, compressed by whomever."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from numbers import Real

import numpy as np

from ._compress import check_error
from ._errors import ERRORS
from ._promise.guarantees import GUARANTEES, HeldOutRows, Target
from ._wrapped import Pair
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
    delta=0.1,
    confidence=0.95,
    scale=None,
):
    """Promise how far one fitted estimator is from another, on fresh rows.

    An exact binomial test on rows that neither was made from: not trained on, not
    calibrated on, not chosen by. It does for any pair what `fit` does for the network
    that it chooses: for one that was fine-tuned, exported, picked by a search, or
    compressed by another program.

    Parameters
    ----------
    original, compressed : fitted estimators
        Anything with `predict`. Where `error` is about outputs: an MLP, a
        `CoresetCompressor`, a Pipeline or search that ends in one of them; a regressor,
        whose predictions are its outputs; or a classifier with `predict_proba`, whose
        outputs are the logits of these (for three classes or more up to a shift, which
        "relative" and "probability" ignore).

    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Fresh, independent rows, of what both estimators take.

    error : {"auto", "relative", "scaled", "absolute", "probability", "prediction", \
            "classwise", "entrywise"}, default="auto"
        As in :class:`CoresetCompressor`.

    epsilon : float, default=None
        Largest error that keeps the promise. None finds the smallest that can be
        promised at `delta`. Has to be None where the error counts rows.

    delta : float, default=0.1
        Share of fresh rows that need not keep it. None finds the smallest that can be
        promised at `epsilon`.

    confidence : float, default=0.95
        Confidence over the draw of X.

    scale : array-like of shape (n_outputs,), default=None
        With ``error="scaled"``, the spread of the original's outputs. None is the one
        in the `certificate_` of a compressor that was fitted with this error. Measured
        on X it would break the test.

    Returns
    -------
    certificate : Certificate
        Whose `holds` says whether the promise is made. Print it to read it.

    Raises
    ------
    ValueError
        If both `epsilon` and `delta` are None, X (or a class) has fewer rows than
        ``log(1 - confidence) / log(1 - delta)``, the estimators do not have what
        `error` measures, or the spread is not known.

    See Also
    --------
    CoresetCompressor : Chooses a network so that the promise can be made.

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
    classifier = pair.original.is_classifier
    if error == "auto":
        error = GUARANTEES["conformal"].auto_error(classifier)
    check_error(error, classifier=classifier)
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
    groups, classes = np.zeros(num_samples(X), dtype=np.intp), ()
    if kind.counts_rows:
        y, y_hat = pair.predictions(X)
        errors = (y != y_hat).reshape(len(y), -1).any(axis=1).astype(np.float64)
        if kind.by_class:
            check_error(error, classifier=True, multilabel=y.ndim > 1)
            predicted, groups = np.unique(y, return_inverse=True)
            known = pair.original.classes
            others = [] if known is None else np.setdiff1d(known, predicted)
            classes = [*predicted.tolist(), *np.asarray(others).tolist()]
    else:
        F, F_hat = pair.outputs(X)
        _check_outputs(F, F_hat, error)
        if error == "scaled":
            scale = _checked_scale(compressed, scale, F.values.shape[1])
        errors = kind.measure(F_hat.values, F.values, F.activation, scale)
    rows = HeldOutRows(groups, classes)
    target = Target(error, epsilon, delta, confidence)
    if delta is not None:
        rows.check_sizes(target)
    return rows.certificate(errors, rows.completed(target, errors), "test", scale=scale)


def _check_outputs(F, F_hat, error):
    """Refuse outputs that do not have what an error measures."""
    if (F.up_to_shift or F_hat.up_to_shift) and not ERRORS[error].ignores_shift:
        raise ValueError(
            f"error={error!r} is about outputs, which predict_proba tells up to a "
            "shift only: use error='relative' or 'probability'."
        )
    if error != "probability" and not np.isfinite(F.values).all():
        raise ValueError(
            f"The output of original on X, for error={error!r}, is not finite: a "
            "probability of 0 or 1 has no logit. Use error='probability' or "
            "'prediction' for a classifier."
        )


def _checked_scale(compressed, scale, n_outputs):
    if scale is None:
        scale = getattr(getattr(compressed, "certificate_", None), "scale", None)
    if scale is None:
        raise ValueError(
            "error='scaled' needs scale, the spread of the original's outputs on rows "
            "other than X: pass it, or a compressor that was fitted with this error."
        )
    scale = np.asarray(scale, dtype=np.float64)
    if scale.shape != (n_outputs,) or not ((scale >= 0) & np.isfinite(scale)).all():
        raise ValueError(
            f"scale={scale.tolist()} must be one finite number of at least 0 for each "
            f"of the {n_outputs} outputs."
        )
    return scale
