"""Training: how a network is trained in `fit`, and signs of how it was before."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings
from inspect import Parameter, signature

import numpy as np
from scipy.special import xlogy
from scipy.stats import rankdata
from sklearn.base import clone, is_classifier
from sklearn.pipeline import Pipeline
from sklearn.utils import column_or_1d

from .compat import num_samples
from .containers import last_step, thawed
from .mlp import encode_targets, is_multilabel, network_of, predicts_labels
from .rows import inputs_of

# SAME_ORDER: above this rank correlation, y is probably the network's own target in
# other units.
SAME_ORDER = 0.5

# MUCH_WORSE: accuracy that other rows may lose against the best epoch of early
# stopping, in addition to four standard errors.
MUCH_WORSE = 0.02


def takes_in_fit(estimator, name):
    """Tell whether `fit` has a parameter; that of a Pipeline has those of its steps."""
    if isinstance(estimator, Pipeline):
        step, _, name = name.partition("__")
        steps = estimator.named_steps
        return step in steps and takes_in_fit(thawed(steps[step]), name)
    parameters = signature(estimator.fit).parameters
    kinds = {parameter.kind for parameter in parameters.values()}
    return name in parameters or Parameter.VAR_KEYWORD in kinds


def train_copy(estimator, X, y, fit_params, rng):
    """Return a trained copy of an unfitted estimator, the same for the same `rng`."""
    estimator = clone(estimator)
    seeds = {
        name: rng.randint(np.iinfo(np.int32).max)
        for name, value in sorted(estimator.get_params().items())
        if value is None and name.split("__")[-1] == "random_state"
    }
    return estimator.set_params(**seeds).fit(X, y, **fit_params)


def warn_if_class_is_held_out(mlp, y, y_kept):
    """Warn of classes whose rows are all held out, so that none is left to train on.

    Parameters
    ----------
    mlp : unfitted MLPClassifier or MLPRegressor

    y, y_kept : array-likes
        Targets of all rows, and of those that are not held out.
    """
    if not is_classifier(mlp) or predicts_labels(mlp, y):
        return
    lost = np.setdiff1d(column_or_1d(y), column_or_1d(y_kept)).tolist()
    if lost:
        warnings.warn(
            f"The network is not trained on the classes {lost}, and will not predict "
            "them: all their rows are among the held-out ones. Pass rows to hold out "
            "as X_val, or take another random_state.",
            UserWarning,
        )


def warn_if_not_trained_on(estimator, X, y):
    """Warn if a fitted network does not predict `y`, or worse than in its training.

    Raises
    ------
    ValueError
        If `y` has a class that the network does not know.
    """
    mlp = last_step(estimator)
    kind, y_pred = f"The fitted {type(mlp).__name__}", estimator.predict(X)
    Y = encode_targets(mlp, y)
    if is_classifier(mlp) and not is_multilabel(mlp):
        is_right = column_or_1d(y) == y_pred
        constant = np.unique(column_or_1d(y), return_counts=True)[1].max()
        if is_right.sum() > constant or constant == len(y_pred):
            _warn_if_worse_than_in_training(mlp, is_right)
            return
    else:
        Y_pred = np.asarray(y_pred).reshape(Y.shape)
        loss = np.square(Y_pred - Y, dtype=float).sum()
        if loss < np.square(Y - Y.mean(axis=0), dtype=float).sum() or not loss:
            return
        ranks = min(map(_rank_correlation, Y_pred.T, Y.T))
        if not is_classifier(mlp) and ranks > SAME_ORDER:
            warnings.warn(
                f"{kind} predicts values in the order of y (rank correlation "
                f"{ranks:.2f}) but far from them; it is compressed as it is. If it was "
                "trained on a transformed y, put the compressor into the "
                "TransformedTargetRegressor.",
                UserWarning,
            )
            return
    warnings.warn(
        f"{kind} predicts y no better than a constant does. It is compressed as it is, "
        "without training on y: pass an unfitted one to train it, or X scaled as for "
        "its training.",
        UserWarning,
    )


def _warn_if_worse_than_in_training(mlp, is_right):
    """Compare with the rows that early stopping validated the network on."""
    if _validation_scores(mlp) is None or not mlp.best_validation_score_ > 0:
        return
    n_trained = mlp.t_ / mlp.n_iter_
    fraction = mlp.validation_fraction
    n_validated = n_trained * fraction / (1 - fraction)
    before, after = mlp.best_validation_score_, is_right.mean()
    both = np.average([before, after], weights=[n_validated, len(is_right)])
    variance = both * (1 - both) * (1 / n_validated + 1 / len(is_right))
    if before - after > MUCH_WORSE + 4 * np.sqrt(variance):
        warnings.warn(
            f"The network predicts {after:.1%} of these rows as y has them, and "
            f"predicted {before:.1%} of the validation rows of its training: are these "
            "rows scaled and ordered as they were then?",
            UserWarning,
        )


def _rank_correlation(a, b):
    """Spearman's; 0 where one is constant."""
    a, b = (rankdata(each) - (len(each) + 1) / 2 for each in (a, b))
    norm = np.linalg.norm(a) * np.linalg.norm(b)
    return a @ b / norm if norm else 0.0


def warn_if_training_rows(estimator, X, y):
    """Warn if rows seem to be those that a fitted network was trained on.

    Without `y` there is no telling: half of the rows for each is a common split.

    Parameters
    ----------
    estimator : fitted estimator

    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        The rows that held-out ones are taken from.

    y : array-like of shape (n_samples,) or (n_samples, n_outputs), or None
    """
    if y is not None and looks_like_training_rows(estimator, X, y):
        warnings.warn(
            f"X has as many rows as the network was trained on, {num_samples(X)}, and "
            "the loss on them is no higher than at the end of its training. If they "
            "are the same rows, the certificate does not carry over to new rows: pass "
            "rows that the network has not seen as X_val.",
            UserWarning,
        )


def looks_like_training_rows(estimator, X, y):
    """Tell whether rows may be those that a fitted network was trained on.

    They are as many, and the loss on them is no higher than the one that the training
    ended with. L-BFGS does not count rows: its networks are not recognised.

    Parameters
    ----------
    estimator : fitted estimator

    X : {array-like, sparse matrix} of shape (n_samples, n_features)

    y : array-like of shape (n_samples,) or (n_samples, n_outputs)

    Returns
    -------
    maybe : bool
    """
    mlp, n_samples = last_step(estimator), num_samples(X)
    n_epochs, scores = getattr(mlp, "n_iter_", 0), _validation_scores(mlp)
    if scores is not None:
        n_samples -= np.ceil(mlp.validation_fraction * n_samples)
    if not n_epochs or getattr(mlp, "t_", 0) != n_samples * n_epochs:
        return False
    # early stopping keeps the weights of its best epoch
    loss = mlp.loss_ if scores is None else mlp.loss_curve_[np.argmax(scores)]
    return bool(_loss(estimator, X, y) <= loss)


def _validation_scores(mlp):
    """Scores of early stopping, or None."""
    return getattr(mlp, "validation_scores_", None) if mlp.early_stopping else None


def _loss(estimator, X, y):
    """Mean loss of rows, as `loss_` has it, without the penalty."""
    network, Y = network_of(estimator), encode_targets(last_step(estimator), y)
    F = network.forward(inputs_of(estimator, X)).astype(np.float64)
    P = network.activate_output(F)
    if network.out_activation == "identity":
        return np.square(F - Y).mean() / 2
    if network.out_activation == "exp":
        return (P - Y + xlogy(Y, Y) - Y * F).mean()
    eps = np.finfo(network.dtype).eps
    P = np.clip(P, eps, 1 - eps)
    losses = -(Y * np.log(P))
    if network.out_activation == "logistic":
        losses -= (1 - Y) * np.log(1 - P)
    return losses.sum(axis=1).mean()
