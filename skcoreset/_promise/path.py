"""Path: which networks are judged, and in which order.

Calibration rows alone decide it: nothing here has seen a held-out row.
"""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from .._methods import STEPS_PER_HALVING, fine_steps

# A class has few pilot rows: its share of lost rows is measured as if so many more rows
# of it were lost as often as those of all classes.
N_BORROWED = 20

# Pilot rows and held-out rows are samples. A path that begins too late ends too dense,
# and one that begins too early takes longer: it begins where the share of lost pilot
# rows is so many standard errors below delta.
N_STANDARD_ERRORS = 1


def path(family, target, verbose=0):
    """Return the numbers of edges of the networks to judge, decreasing.

    Networks that need no training are close together all the way. Of trained ones
    there are few, until somewhat above the density at which pilot rows predict that the
    path ends; from there on many are close together. A larger epsilon or delta never
    moves that point to a denser network, and from there on there are the same networks.

    Parameters
    ----------
    family : Family

    target : Target

    verbose : int, default=0
        Above 0, the predicted end is printed.

    Returns
    -------
    n_edges : list of int
        All of them below the number of edges of the original.
    """
    first = 0 if family.pilot is None else first_step(family, target)
    numbers = path_edges(family.steps, first, family.n_per_step)
    if verbose and family.pilot is not None:
        density = family.steps[first] / family.steps[0]
        print(
            f"[skcoreset] {len(family.pilot.groups)} pilot rows predict that the path "
            f"ends below density {density:.4f}: at most {len(numbers)} networks follow"
        )
    return numbers


def first_step(family, target):
    """Step of a family from which its path is fine.

    Parameters
    ----------
    family : TrainedFamily

    target : Target
    """
    if len(family.pilot.groups) == 0:
        return 0
    step = last_step(family, target, family.pilot_errors)
    if family.tries:
        step = last_step(family, target, family.tried_errors, step)
    step -= step % family.steps_together
    # before the first of these there is nothing but the network itself
    return 0 if step == family.steps_together > 1 else step


def last_step(family, target, errors_after, step=0):
    """Last step from which on pilot rows keep what is to be promised.

    Parameters
    ----------
    family : TrainedFamily

    target : Target

    errors_after : callable
        Returns the errors of the pilot rows after a step.

    step : int, default=0
        Where to begin.
    """
    apart, before = family.steps_apart, False
    for following in range(step or apart, len(family.steps), apart):
        lost = target.lost(errors_after(following))
        # two networks in turn, as held-out rows will judge
        if share_lost(lost | before, family.pilot.groups) > target.delta:
            break
        step, before = following, lost
    return step


def share_lost(lost, groups):
    """Share of lost rows that is to be expected, of the group that loses most.

    One more row counts as lost: as few rows as cannot promise anything predict nothing.

    Parameters
    ----------
    lost : ndarray of bool of shape (n_rows,), n_rows > 0

    groups : ndarray of int of shape (n_rows,)
    """
    _, groups, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    overall = (lost.sum() + 1) / (len(lost) + 1)
    n_borrowed = N_BORROWED if len(sizes) > 1 else 1
    n_rows = sizes + n_borrowed
    shares = (np.bincount(groups, lost) + n_borrowed * overall) / n_rows
    errors = np.sqrt(shares * (1 - shares) / n_rows)
    return (shares + N_STANDARD_ERRORS * errors).max()


def path_edges(steps, first, n_per_step):
    """Numbers of edges of the networks of a path.

    Parameters
    ----------
    steps : list of int
        Decreasing.

    first : int
        Index of the step from which the path is fine.

    n_per_step : int
        Networks of each step where it is fine.

    Returns
    -------
    n_edges : list of int
        Decreasing, and all below the first of `steps`.
    """
    # from 1 all the way: a predicted end that is too sparse must not leave the network
    # uncompressed
    coarse = set(steps[STEPS_PER_HALVING:first:STEPS_PER_HALVING])
    fine = {n for n_edges in steps[first:] for n in fine_steps(n_edges, n_per_step)}
    return sorted((coarse | fine) - {steps[0]}, reverse=True)
