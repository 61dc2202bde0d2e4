"""The promise for any two fitted estimators, compressed by whomever."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from numbers import Real

import numpy as np
from scipy.special import logit
from sklearn.base import is_classifier

from ._compressor import CoresetCompressor
from ._errors import ERRORS, check_error, default_error
from ._network import dense
from ._promise.judge import HeldOutRows
from ._promise.target import Target
from ._wrapped import inputs_of, is_fitted, is_mlp, last_step, network_of, thawed
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

    delta : float, default=0.05
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
    classifier = _predicts_classes(original)
    if error == "auto":
        error = default_error(classifier)
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
    about = {}
    if kind.counts_rows:
        y, y_hat = _predictions(original, X), _predictions(compressed, X)
        _check_same_shape(y, y_hat)
        errors = (y != y_hat).reshape(len(y), -1).any(axis=1).astype(np.float64)
        if kind.by_class:
            check_error(error, classifier=True, multilabel=y.ndim > 1)
            predicted, groups = np.unique(y, return_inverse=True)
            others = np.setdiff1d(getattr(original, "classes_", predicted), predicted)
            classes = [*predicted, *others]
    else:
        F, F_hat, out_activation = _outputs_of_both(original, compressed, X, error)
        if error == "scaled":
            scale = _checked_scale(compressed, scale, F.shape[1])
        errors = kind.measure(F_hat, F, out_activation, scale)
        about = {"out_activation": out_activation, "n_outputs": F.shape[1]}
    rows = HeldOutRows(groups, classes)
    target = Target(error, epsilon, delta, confidence)
    if delta is not None:
        rows.check_sizes(target)
    if scale is not None:
        about["scale"] = tuple(scale.tolist())
    return rows.certificate(errors, rows.completed(target, errors), "test", **about)


def _predicts_classes(estimator):
    """Tell a classifier from a regressor, also where it is no estimator of sklearn."""
    if hasattr(estimator, "__sklearn_tags__"):
        return is_classifier(thawed(estimator))
    return hasattr(estimator, "predict_proba") or hasattr(estimator, "classes_")


def _predictions(estimator, X):
    """Predictions, 1-d where each row has one."""
    y = np.asarray(dense(estimator.predict(X)))
    return y.ravel() if y.ndim == 2 and y.shape[1] == 1 else y


def _check_same_shape(of_original, of_compressed):
    if of_original.shape != of_compressed.shape:
        raise ValueError(
            f"original predicts an array of shape {of_original.shape} and compressed "
            f"one of shape {of_compressed.shape}: they cannot be compared."
        )


def _outputs_of_both(original, compressed, X, error):
    """Outputs before the output activation, of both, and the activation."""
    classifier = _predicts_classes(original)
    F, activation = _outputs(original, X, error, classifier)
    F_hat, activation_hat = _outputs(compressed, X, error, classifier)
    if activation != activation_hat and "exp" in (activation, activation_hat):
        # Poisson networks output logarithms of what others predict
        with np.errstate(divide="ignore", invalid="ignore"):
            F = F if activation == "exp" else np.log(F)
            F_hat = F_hat if activation_hat == "exp" else np.log(F_hat)
    _check_same_shape(F, F_hat)
    if activation == "softmax" or (activation == "logistic" and F.shape[1] == 1):
        _check_same_classes(original, compressed)
    if error != "probability" and not np.isfinite(F).all():
        raise ValueError(
            f"The output of original on X, for error={error!r}, is not finite; of a "
            "probability of 0 or 1 no logit is. Use error='probability' or 'prediction'"
            " for a classifier."
        )
    return F, F_hat, activation


def _check_same_classes(original, compressed):
    if hasattr(original, "classes_") and hasattr(compressed, "classes_"):
        names, names_hat = (
            np.asarray(e.classes_).tolist() for e in (original, compressed)
        )
        if set(names) != set(names_hat):
            raise ValueError(
                f"original has the classes {names} and compressed {names_hat}: their "
                "outputs cannot be compared."
            )


def _outputs(estimator, X, error, classifier):
    """Outputs before the output activation, and the activation.

    In the order of the sorted classes.
    """
    estimator = thawed(getattr(estimator, "best_estimator_", estimator))
    last = last_step(estimator)
    if isinstance(last, CoresetCompressor):
        F = estimator.transform(X)
        return F, last_step(last.estimator_).out_activation_
    if is_mlp(last) and is_fitted(estimator):
        network = network_of(estimator)
        return network.forward(inputs_of(estimator, X)), network.out_activation
    if not classifier:
        y = _predictions(estimator, X).astype(np.float64)
        return y.reshape(len(y), -1), "identity"
    if not hasattr(estimator, "predict_proba"):
        raise ValueError(
            f"{type(estimator).__name__} has no predict_proba, and error={error!r} is "
            "about outputs: use error='prediction' or 'classwise'."
        )
    P = estimator.predict_proba(X)
    several_labels = isinstance(P, list) or _predictions(estimator, X).ndim > 1
    if isinstance(P, list):
        P = np.column_stack([p[:, -1] for p in P])
    P = np.asarray(P, dtype=np.float64)
    if not several_labels and hasattr(estimator, "classes_"):
        P = P[:, np.argsort(estimator.classes_)]
    with np.errstate(divide="ignore"):
        if several_labels:
            return logit(P), "logistic"
        if P.shape[1] <= 2:
            return logit(P[:, -1:]), "logistic"
        if not ERRORS[error].ignores_shift:
            raise ValueError(
                f"error={error!r} is about outputs, which predict_proba tells up to a "
                "shift only: use error='relative' or 'probability'."
            )
        return np.log(P), "softmax"


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
