"""Collapse: what a promise that is kept may hide.

The warnings are made on held-out rows, and change nothing of what is returned.
"""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings

import numpy as np
from sklearn.metrics import roc_auc_score

# A ranking is lost if its expected AUC, less the 1/2 of chance, falls by more than this
# share.
LOST_RANKING = 0.25

# Fewest rows of a class for a warning; for an AUC, as expected, of the others as well.
N_EXPECTED = 5

# A lost row is far off if its error is more than this many times epsilon.
FAR_OFF = 10

OTHER_ROWS = (
    "Then fit again with other held-out rows: a promise that was picked after these "
    "were seen does not hold on them."
)


def warn_of_collapse(judge, compressed):
    """Warn of constant outputs, lost classes and lost rankings.

    Parameters
    ----------
    judge : Judge
        Has the original and the held-out rows.

    compressed : Network
    """
    network, F = judge.network, judge.F
    F_hat = compressed.forward(judge.X_val, thread_map=judge.thread_map)
    classifies = network.out_activation in ("softmax", "logistic")
    # rows that are alike may differ by a rounding error
    varies = np.ptp(F, axis=0) > 16 * np.finfo(F.dtype).eps * np.abs(F).max(axis=0)
    constant = np.flatnonzero((np.ptp(F_hat, axis=0) == 0) & varies)
    found = []
    if classifies and len(judge.classes) == 1:
        pass  # whatever the outputs, the prediction stays
    elif len(constant) == F.shape[1] or (len(constant) and not classifies):
        which = (
            "" if len(constant) == F.shape[1] else f" in outputs {constant.tolist()}"
        )
        found.append(
            f"On the held-out rows the compressed network is constant{which}, and the "
            "original is not."
        )
    elif classifies:
        found += _lost_classes(judge, F_hat) + _lost_rankings(judge, F_hat)
    elif judge.target.epsilon is not None and np.isfinite(judge.target.epsilon):
        _warn_of_tails(judge, F_hat)
    if found:
        remedy = _remedy(judge.plan)
        warnings.warn(" ".join([*found, remedy, OTHER_ROWS]), UserWarning)
    elif compressed.n_edges == 0:
        warnings.warn(
            f"The compressed network has no edges left: on the {len(F)} held-out rows "
            "the original is constant, too. Nothing is promised of rows that differ "
            "more than these.",
            UserWarning,
        )


def _warn_of_tails(judge, F_hat):
    """Warn of held-out values that are far off: both networks extrapolate, differently.

    A promise says nothing of how much a lost row may be off.
    """
    errors = judge.target.kind.measure(
        F_hat, judge.F, judge.network.out_activation, judge.scale
    )
    far = errors > FAR_OFF * judge.target.epsilon
    if far.any():
        times = errors.max() / judge.target.epsilon
        warnings.warn(
            f"{np.count_nonzero(far)} of {len(errors)} held-out rows are further off "
            f"than {FAR_OFF} times epsilon={judge.target.epsilon!r}, up to {times:.3g} "
            "times: on unusual rows the compressed network may extrapolate otherwise "
            "than the original. Clip the inputs to the range of the calibration rows, "
            "in a step before the network such as MinMaxScaler(clip=True).",
            UserWarning,
        )


def _remedy(plan):
    """What keeps more."""
    if plan.density is not None:
        return "A larger density keeps more."
    if plan.error.by_class:
        return "A smaller delta or error='probability' keeps more."
    if plan.error.counts_rows:
        return "error='classwise' keeps every class, error='probability' the ranking."
    return "A smaller epsilon or delta keeps more; error='classwise' keeps every class."


def _lost_classes(judge, F_hat):
    network = judge.network
    labels, labels_hat = network.labels(judge.F), network.labels(F_hat)
    if labels.shape[1] == 1:
        numbers = np.arange(max(2, network.widths[-1]))
        labels, labels_hat = labels == numbers, labels_hat == numbers
    n_kept, n_rows = (labels & labels_hat).sum(axis=0), labels.sum(axis=0)
    lost = ", ".join(
        f"{judge.classes[i]} ({n_kept[i]} of {n_rows[i]})"
        for i in np.flatnonzero((n_kept < n_rows / 2) & (n_rows >= N_EXPECTED))
    )
    if not lost:
        return []
    return [
        "The compressed network keeps less than half of the held-out rows that the "
        f"original predicts as {lost}."
    ]


def _lost_rankings(judge, F_hat):
    """Compare the AUC that the original's own probabilities expect; needs no labels."""
    network = judge.network
    is_binary = network.out_activation == "logistic" and network.widths[-1] == 1
    names = judge.classes[1:] if is_binary else judge.classes
    with np.errstate(invalid="ignore"):
        P, P_hat = (network.activate_output(each) for each in (judge.F, F_hat))
    lost = []
    for name, p, p_hat in zip(names, P.T, P_hat.T):
        if min(p.sum(), (1 - p).sum()) < N_EXPECTED or not np.isfinite(p_hat).all():
            continue
        before, after = expected_auc(p, p), expected_auc(p, p_hat)
        if after - 0.5 < (1 - LOST_RANKING) * (before - 0.5):
            lost.append(f"{name} (AUC {before:.2f} to {after:.2f})")
    if not lost:
        return []
    return [
        "The compressed network does not rank the held-out rows as the original does: "
        f"{', '.join(lost)}, as expected from the original's probabilities."
    ]


def expected_auc(p, score):
    """AUC of a score if every row has label 1 with probability `p`.

    Every row counts once as 1 with weight p, and once as 0 with weight 1 - p.
    """
    y = np.repeat([1, 0], len(p))
    weights = np.concatenate([p, 1 - p]).astype(np.float64)
    return roc_auc_score(y, np.tile(score, 2), sample_weight=weights)
