"""What would help where no network of a path can be promised."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import replace
from math import ceil, floor, inf, log10

import numpy as np

from .._errors import ERRORS
from .._methods import METHODS
from .guarantees import Validation

# Methods that are tried, and how far.
RIVALS = "refined", "magnitude", "sipp"
DENSITIES = 0.8, 0.5, 0.2

# Rows that they calibrate on, at most.
N_ROWS = 10_000


def what_would_help(network, first, method, X, X_val, target, **options):
    """Say how the path failed, and what passes on the held-out rows.

    Parameters
    ----------
    network : Network

    first : Network or None
        The first of the path, which failed.

    method : str
        The one in use.

    X : ndarray of shape (n_samples, n_features)
        Calibration rows.

    X_val : {ndarray, sparse array} of shape (n_val, n_features)
        Held-out rows.

    target : Target
        Without a density.

    **options
        `scale` and `classes` of `Validation`.

    Returns
    -------
    advice : str
    """
    if first is None:
        return "It has no edge to spare."
    validation = Validation(network, X_val, target, **options)
    errors = validation.errors(first)
    lost = target.lost(errors)
    advice = (
        f"Its first network has {first.n_edges / network.n_edges:.0%} of the edges, and"
        f" does not keep {lost.sum()} of the {len(lost)} held-out rows"
    )
    if lost.mean() < target.delta and not ERRORS[target.error].by_class:
        advice += ", a smaller share than delta, but of too few rows: hold out more"
    name, value = _that_passes(validation, errors)
    if value < (1 if name == "delta" else inf):
        advice += f"; {name}={value:.3g} lets it pass"
    X = X[:: -(-X.shape[0] // N_ROWS)]
    reached = {
        rival: _density_reached(rival, network, X, X_val, target, options)
        for rival in RIVALS
        if rival != method
    }
    best = min(reached, key=reached.get)
    if reached[best] < 1:
        advice += f"; method={best!r} passes with about {reached[best]:.0%}"
    return f"{advice}. Certify on fresh rows what these have chosen."


def _that_passes(validation, errors):
    """The smallest epsilon or, where it does not count, delta that lets a network pass.

    Rounded up to the three digits that are shown.
    """
    target, rows = validation.target, validation.rows
    if not target.counts_rows:
        name = "epsilon"
        value = rows.completed(replace(target, epsilon=None), errors).epsilon
    elif target.confidence is None:
        name, value = "delta", rows.statistic(target.lost(errors), target.rule)
    else:
        name, value = "delta", rows.completed(replace(target, delta=None), errors).delta
    if value < inf:
        unit = 10.0 ** (floor(log10(value)) - 2)
        value = ceil(value / unit) * unit
    return name, value


def _density_reached(method, network, X, X_val, target, options):
    way = METHODS[method]
    path = way.path(
        network,
        X,
        DENSITIES,
        refine=way.refines,
        error=ERRORS[target.error],
        rng=np.random.default_rng(0),
    )
    chosen, _, _ = Validation(network, X_val, target, **options).choose(path)
    return chosen.n_edges / network.n_edges
