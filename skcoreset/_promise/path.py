"""Which networks a path has, and where it begins to be fine."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from .._errors import ERRORS
from .._methods import COARSE_STEPS, RATIO

# Steps of a walk between where calibration rows say that it ends, and the beginning;
# networks before that, far apart.
MARGIN, N_COARSE = 2, 2

# Calibration rows that say so: this share of them, but as many as FEW where that is not
# more than a quarter.
SHARE, FEW, MANY = 0.1, 50, 1000


def networks_of_path(
    method, network, X, target, *, scale, refine, rng, recall, n_jobs, verbose=0
):
    """Yield the networks that a choice for a target is made between.

    Networks that need no training are close together all the way. Of trained ones there
    are first two, far apart, and then, from somewhat above the density at which the
    path is likely to end, many close together. Where that is, calibration rows tell
    that only finished networks are trained on. A larger epsilon or delta never begins
    at a denser network, and of networks that are no denser than where it begins it has
    the same ones.

    Parameters
    ----------
    method : Method

    network : Network
        The original.

    X : ndarray of shape (n_samples, n_features)
        Calibration rows.

    target : Target

    scale : ndarray of shape (n_outputs,) or None
        Spread of the original's outputs on the calibration rows.

    refine, rng, recall, n_jobs
        As in :meth:`Method.path`.

    verbose : int, default=0
        Whether to print where the path is likely to end.

    Yields
    ------
    compressed : Network
    """
    error = ERRORS[target.error]
    groups = np.zeros(X.shape[0], dtype=np.intp)
    if refine and error.by_class:
        groups = network.labels(network.forward(X))[:, 0].astype(np.intp)
    judges = choose_judges(groups, rng)
    # without training, a row that was seen is as good as any
    with method.walk(
        network,
        X[~judges] if refine else X,
        X[judges] if refine else None,
        refine=refine,
        error=error,
        rng=rng,
        recall=recall,
        n_jobs=n_jobs,
    ) as walk:
        first, n_per_step = 0, method.n_per_step
        if refine:
            measure = _errors_on(X[judges], network, error, scale)
            first = beginning(walk, measure, groups[judges], target, recall)
            n_per_step = method.n_refined_per_step
        numbers = path_edges(walk.n_edges, first, n_per_step)
        if verbose and refine:
            begins = walk.n_edges[first] / walk.n_edges[0]
            print(
                f"[skcoreset] {judges.sum()} calibration rows say that the path ends a "
                f"little below density {begins:.4f}, from which it is fine: at most "
                f"{len(numbers)} networks follow"
            )
        last = network
        for n_edges in numbers:
            compressed = walk.network(n_edges)
            if not np.array_equal(compressed.weights, last.weights):
                yield compressed
            last = compressed


def _errors_on(X, network, error, scale):
    """A function that returns the errors of a network on some rows."""
    F = network.forward(X)

    def measure(compressed):
        return error.measure(compressed.forward(X), F, network.out_activation, scale)

    return measure


def choose_judges(groups, rng):
    """Mask of the calibration rows, some of each group, that tell where to begin.

    Parameters
    ----------
    groups : ndarray of int of shape (n_samples,)

    rng : numpy.random.Generator
    """
    judges = np.zeros(len(groups), bool)
    order = rng.permutation(len(groups))
    for group in np.unique(groups):
        rows = order[groups[order] == group]
        n = min(len(rows) // 4, max(FEW, int(SHARE * len(rows))), MANY)
        judges[rows[:n]] = True
    return judges


def beginning(walk, measure, groups, target, recall):
    """Step of a walk from which a path is fine.

    Parameters
    ----------
    walk : Walk or Descent

    measure : callable
        Returns the errors of a network on the judges.

    groups : ndarray of int of shape (n_judges,)

    target : Target

    recall : callable
        A `Store`, or `compute`.
    """
    sizes = np.bincount(groups)
    step = 0
    for step in range(walk.steps_apart, len(walk.n_edges), walk.steps_apart):
        errors = recall(
            "errors", step, lambda step=step: measure(walk.unfinished(step))
        )
        n_lost = np.bincount(groups[target.lost(errors)], minlength=len(sizes))
        # what the judges could not promise by themselves
        too_many = n_lost + 1 > target.delta * (sizes + 1)
        if too_many[sizes > 0].any() or len(groups) == 0:
            break
    return max(0, step - max(MARGIN, walk.steps_apart))


def path_edges(steps, first, n_per_step):
    """Numbers of edges of the networks of a path.

    Parameters
    ----------
    steps : list of int
        Decreasing: those of a walk.

    first : int
        Index of the one from which the path is fine.

    n_per_step : int
        Networks to each step where it is.

    Returns
    -------
    n_edges : list of int
        Decreasing, and all below the first of `steps`.
    """
    coarse = steps[COARSE_STEPS:first:COARSE_STEPS][-N_COARSE:]
    fine = {
        int(start * RATIO ** (i / n_per_step)) or 1
        for start in steps[first:]
        for i in range(n_per_step)
    }
    return [*coarse, *sorted(fine - {steps[0]}, reverse=True)]
