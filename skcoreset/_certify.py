"""The promise for any two fitted estimators, compressed by whomever."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from numbers import Real

import numpy as np
from scipy.special import logit
from sklearn.base import is_classifier

from ._compat import HasMethods, Interval, StrOptions, num_samples, validate_params
from ._compress import check_error
from ._compressor import CoresetCompressor
from ._errors import ERRORS
from ._guarantees import Target, certify_errors
from ._wrapped import inputs_of, is_fitted, is_mlp, last_step, network_of, thawed


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
        With `predict`. Where `error` is about outputs: an MLP, a Pipeline that ends in
        one, a `CoresetCompressor`, or a classifier with `predict_proba`, of which the
        logarithm is the output, or a regressor.

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
        in the `certificate_` of a compressor. Measured on X it would break the test.

    Returns
    -------
    certificate : Certificate
        Whose `holds` says whether the promise is made. Print it to read it.

    Raises
    ------
    ValueError
        If both `epsilon` and `delta` are None, X has too few rows, the estimators do
        not have what `error` measures, or the spread is not known.

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
    classifier = is_classifier(thawed(original))
    if error == "auto":
        error = "relative" if classifier else "scaled"
    kind = ERRORS[error]
    check_error(error, classifier=classifier)
    if kind.counts_rows and epsilon is not None:
        raise ValueError(
            f"epsilon={epsilon!r} plays no part in error={error!r}, which counts rows: "
            "leave it out, and give delta or delta=None."
        )
    if not kind.counts_rows and epsilon is None and delta is None:
        raise ValueError(
            "epsilon=None and delta=None cannot both be found: give one of them."
        )
    groups, classes = np.zeros(num_samples(X), dtype=np.intp), ()
    if kind.counts_rows:
        y, y_hat = original.predict(X), compressed.predict(X)
        changed = np.asarray(y != y_hat).reshape(len(groups), -1)
        errors = changed.any(axis=1).astype(np.float64)
        if kind.by_class:
            check_error(error, classifier=True, multilabel=np.ndim(y) > 1)
            classes = list(getattr(original, "classes_", np.unique(y)))
            groups = np.searchsorted(classes, y)
    else:
        (F, out_activation), (F_hat, _) = (
            _outputs(estimator, X) for estimator in (original, compressed)
        )
        if F.shape != F_hat.shape:
            raise ValueError(
                f"original has {F.shape[1]} outputs and compressed {F_hat.shape[1]}: "
                "they cannot be compared."
            )
        if error == "scaled":
            scale = _scale(compressed, scale, F.shape[1])
        errors = kind.measure(F_hat, F, out_activation, scale)
    target = Target(error, epsilon, delta, confidence)
    return certify_errors(errors, groups, classes, target, scale)


def _outputs(estimator, X):
    """Outputs before the output activation, and the activation."""
    if isinstance(estimator, CoresetCompressor):
        activation = last_step(estimator.estimator_).out_activation_
        return np.asarray(estimator._forward(X)), activation
    mlp = last_step(estimator)
    if is_mlp(mlp) and is_fitted(estimator):
        network = network_of(estimator)
        return network.forward(inputs_of(estimator, X)), network.out_activation
    if not is_classifier(estimator):
        y = np.asarray(estimator.predict(X), dtype=np.float64)
        return y.reshape(len(y), -1), "identity"
    if not hasattr(estimator, "predict_proba"):
        raise ValueError(
            f"{type(estimator).__name__} has no predict_proba, and this error is about "
            "outputs: use error='prediction' or 'classwise'."
        )
    P = np.asarray(estimator.predict_proba(X), dtype=np.float64)
    with np.errstate(divide="ignore"):
        if P.shape[1] == 2:
            return logit(P[:, 1:]), "logistic"
        return np.log(P), "softmax"


def _scale(compressed, scale, n_outputs):
    if scale is None:
        scale = getattr(getattr(compressed, "certificate_", None), "scale", None)
    if scale is None:
        raise ValueError(
            "error='scaled' needs scale, the spread of the original's outputs on rows "
            "other than X: pass it, or a compressor that was fitted with this error."
        )
    scale = np.asarray(scale, dtype=np.float64)
    if scale.shape != (n_outputs,) or not (scale >= 0).all():
        raise ValueError(
            f"scale={scale.tolist()} must be one number of at least 0 for each of the "
            f"{n_outputs} outputs."
        )
    return scale
