"""Path: which networks are judged, and in which order.

Calibration rows alone decide it: nothing here has seen a held-out row.
"""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from .._methods import RATIO, STEPS_PER_HALVING

# Steps of the path before its predicted end.
MARGIN = 2


def path(family, target, verbose=0):
    """Return the numbers of edges of the networks to judge, decreasing.

    Networks that need no training are close together all the way. Of trained ones
    there is one after every halving, until somewhat above the density at which pilot
    rows predict that the path ends; from there on many are close together. A larger
    epsilon or delta never moves that point to a denser network, and from there on there
    are the same networks.

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
            f"ends a little below density {density:.4f}: at most {len(numbers)} "
            "networks follow"
        )
    return numbers


def first_step(family, target):
    """Step of a family from which its path is fine.

    Parameters
    ----------
    family : TrainedFamily

    target : Target
    """
    groups = family.pilot.groups
    sizes = np.bincount(groups)
    step = 0
    for step in range(family.steps_apart, len(family.steps), family.steps_apart):
        lost = target.lost(family.pilot_errors(step))
        n_lost = np.bincount(groups[lost], minlength=len(sizes))
        # more than the pilot rows themselves could be promised
        too_many = n_lost + 1 > target.delta * (sizes + 1)
        if too_many[sizes > 0].any() or len(groups) == 0:
            break
    return max(0, step - max(MARGIN, family.steps_apart))


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
    coarse = steps[STEPS_PER_HALVING:first:STEPS_PER_HALVING]
    fine = {
        int(n_edges * RATIO ** (i / n_per_step)) or 1
        for n_edges in steps[first:]
        for i in range(n_per_step)
    }
    return [*coarse, *sorted(fine - {steps[0]}, reverse=True)]
