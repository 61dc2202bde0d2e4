"""Errors: what one measures, and what training towards it weighs rows by."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Callable
from dataclasses import dataclass
from math import inf

import numpy as np

from ._network import activate_output, labels

# A row whose output is close to 0 must not outweigh all others in the training: this
# share of the mean squared output is added to its own.
ROW_FLOOR = 0.1


def relative_error(F_hat, F, out_activation, scale=None):
    """`||f_hat - f||_2 / ||f||_2`; of a softmax, without the shift of all outputs."""
    difference, F = _on_one_scale(F_hat, F)
    with np.errstate(over="ignore", invalid="ignore"):
        if out_activation == "softmax":
            difference, F = (A - A.mean(axis=1, keepdims=True) for A in (difference, F))
        difference = np.linalg.norm(difference, axis=1)
    difference = np.nan_to_num(difference, nan=np.inf, posinf=np.inf)
    return ratio(difference, np.linalg.norm(F, axis=1))


def entrywise_error(F_hat, F, out_activation, scale=None):
    """`max_k |f_hat_k - f_k| / |f_k|`, the error of the paper."""
    difference, F = _on_one_scale(F_hat, F)
    return ratio(np.abs(difference), np.abs(F)).max(axis=1)


def scaled_error(F_hat, F, out_activation, scale):
    """`max_k |f_hat_k - f_k| / s_k`, with the standard deviations `s_k` in `scale`."""
    return ratio(_distance(F_hat, F), scale).max(axis=1)


def absolute_error(F_hat, F, out_activation, scale=None):
    """`max_k |f_hat_k - f_k|`."""
    return _distance(F_hat, F).max(axis=1)


def probability_error(F_hat, F, out_activation, scale=None):
    """`max_k |p_hat_k - p_k|` of the predicted probabilities."""
    with np.errstate(invalid="ignore"):
        P_hat, P = (activate_output(F, out_activation) for F in (F_hat, F))
    return _distance(P_hat, P).max(axis=1)


def prediction_error(F_hat, F, out_activation, scale=None):
    """1 where the predicted class, or set of labels, has changed; else 0."""
    with np.errstate(invalid="ignore"):
        changed = labels(F_hat, out_activation) != labels(F, out_activation)
    return changed.any(axis=1).astype(np.float64)


def _on_one_scale(F_hat, F):
    """`f_hat - f` and `f` in float64, rows scaled to magnitude 1 against overflow."""
    scale = np.abs(F).max(axis=1, keepdims=True).astype(np.float64)
    scale[scale == 0] = 1
    F = F / scale
    with np.errstate(over="ignore"):
        difference = F_hat / scale - F
    # An output that is not finite is infinitely far away.
    return np.nan_to_num(difference, nan=np.inf, posinf=np.inf, neginf=-np.inf), F


def _distance(F_hat, F):
    with np.errstate(over="ignore", invalid="ignore"):
        distance = np.abs(np.subtract(F_hat, F, dtype=np.float64))
    return np.nan_to_num(distance, nan=np.inf, posinf=np.inf)


def ratio(numerator, denominator):
    """Elementwise quotient in float64 where 0/0 is 0 and x/0 is infinite."""
    numerator = np.asarray(numerator, dtype=np.float64)
    denominator = np.asarray(denominator)
    out = np.where(numerator > 0, np.inf, 0.0)
    with np.errstate(over="ignore"):
        return np.divide(numerator, denominator, out=out, where=denominator > 0)


def _relative_to_output(F):
    """Weights of rows under which a squared error is one relative to the output."""
    squares = np.square(F).sum(axis=1)
    squares += ROW_FLOOR * squares.mean() or 1
    return 1 / (len(F) * squares)


def _all_alike(F):
    return np.full(len(F), 1 / len(F), F.dtype)


@dataclass(frozen=True)
class Error:
    """How far the outputs of a compressed network are from the original's.

    Parameters
    ----------
    measure : callable
        Called with the outputs `F_hat` and `F`, (n_samples, n_outputs), the output
        activation, and the standard
        deviations of the original's outputs on the calibration rows;
        returns an ndarray of shape (n_samples,), float64.

    kept : str
        What a row whose error is at most `epsilon` keeps, for a sentence.

    row_weights : callable
        What a squared error of each row counts in the training, from the outputs that
        are to be matched.

    counts_rows : bool, default=False
        Whether the error is 1 or 0, so that only the share of such rows says anything.

    classifiers, multilabel : bool, default=False and True
        Whether it is for classifiers only; whether for several labels.

    by_class : bool, default=False
        Whether the rows of each class that the original predicts count by themselves.

    ignores_shift : bool, default=False
        Whether it is the same whatever is added to all outputs of a row before a
        softmax.

    units : {None, "offset", "scale"}, default=None
        What of the outputs' units it does not depend on: where they begin, or their
        scale as well.

    epsilon : float, default=None
        What ``epsilon=None`` stands for. None has no default: epsilon has to be given,
        or plays no part.

    largest : float, default=infinity
        The largest error that a row can have: an epsilon of this bounds nothing.

    kept_labels : str, default=None
        What a row of a network keeps that predicts sets of labels. None is `kept`.
    """

    measure: Callable
    kept: str
    row_weights: Callable = _relative_to_output
    counts_rows: bool = False
    classifiers: bool = False
    multilabel: bool = True
    by_class: bool = False
    ignores_shift: bool = False
    units: str | None = None
    epsilon: float | None = None
    largest: float = inf
    kept_labels: str | None = None

    def centred(self, network):
        """Whether errors are measured, and trained on, without a common shift."""
        return self.ignores_shift and network.out_activation == "softmax"

    def scale_of(self, network, X):
        """Standard deviations that errors are divided by, on calibration rows; None
        for errors that need none.
        """
        if self.units != "scale":
            return None
        return standard_deviations(network.forward(X))

    def standard_units(self, F):
        """Centre and scale of outputs in which training is independent of units."""
        center = np.zeros(F.shape[1], F.dtype)
        scale = np.ones(F.shape[1], F.dtype)
        if self.units:
            center = F.mean(axis=0)
        if self.units == "scale":
            scale = standard_deviations(F).astype(F.dtype)
            scale[scale == 0] = 1
        return center, scale


def standard_deviations(F):
    """Standard deviation of each output, in float64."""
    return F.std(axis=0, dtype=np.float64)


ERRORS = {
    "relative": Error(
        relative_error,
        "its outputs within {epsilon} of the original's, relative to their 2-norm,",
        ignores_shift=True,
        epsilon=0.1,
    ),
    "entrywise": Error(
        entrywise_error,
        "every output within {epsilon} of the original's, relative to its value,",
        epsilon=0.1,
    ),
    "scaled": Error(
        scaled_error,
        "every output within {epsilon} standard deviations of the original's",
        _all_alike,
        units="scale",
        epsilon=0.1,
    ),
    "absolute": Error(
        absolute_error,
        "every output within {epsilon} of the original's",
        _all_alike,
        units="offset",
    ),
    "probability": Error(
        probability_error,
        "every predicted probability within {epsilon} of the original's",
        # better than rows weighted by how much a change of the outputs moves their
        # probabilities, which are few
        _all_alike,
        classifiers=True,
        ignores_shift=True,
        epsilon=0.05,
        largest=1,
    ),
    "prediction": Error(
        prediction_error,
        "the class that the original predicts",
        counts_rows=True,
        classifiers=True,
        ignores_shift=True,
        kept_labels="the set of labels that the original predicts",
    ),
    "classwise": Error(
        prediction_error,
        "the class that the original predicts",
        counts_rows=True,
        classifiers=True,
        multilabel=False,
        by_class=True,
        ignores_shift=True,
    ),
}


def default_error(classifier, guarantee="conformal"):
    """Name of the error that "auto" stands for."""
    if guarantee == "theoretical":
        return "entrywise"
    return "probability" if classifier else "scaled"


def check_error(name, *, classifier, multilabel=False):
    """Refuse an error that a network does not have.

    Parameters
    ----------
    name : str
        A name in `ERRORS`.

    classifier, multilabel : bool
        Whether the network predicts classes; whether a set of labels for each row.
    """
    error = ERRORS[name]
    if error.classifiers and not classifier:
        raise ValueError(
            f"error={name!r} is about predicted classes, and a regressor predicts none:"
            " use 'scaled', 'absolute' or 'relative'."
        )
    if multilabel and not error.multilabel:
        raise ValueError(
            f"error={name!r} counts the rows of each class by themselves, and a "
            "multilabel network predicts sets of labels: use 'prediction'."
        )
