"""The weights with which kept edges reproduce the original outputs best."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from .._parallel import threads
from .engine import Trainer
from .least_squares import reweight
from .made_rows import make_rows
from .objectives import MatchOriginal

# Passes over the rows, and the least number of rows in each.
N_PASSES = 24
MIN_ROWS_PER_PASS = 3584


def refine(compressed, network, X, *, error, n_passes=N_PASSES, rng, n_jobs=None):
    """Give the kept edges the weights that reproduce the original outputs best.

    Reweights layer by layer, then matches the outputs. Returns the network, before or
    after one of these steps, that is closest to `network` on `X`.

    Parameters
    ----------
    compressed : Network
        Its non-zero weights are the kept edges; any method may have chosen them.

    network : Network
        The original.

    X : ndarray of shape (n_samples, n_features)
        Calibration points; labels are not needed.

    error : Error
        How distances are measured.

    n_passes : int, default=24
        Passes of the matching over the rows.

    rng : numpy.random.Generator
        Shuffles the rows.

    n_jobs : int, default=None
        Blocks of neurons, or of rows, that run in parallel. The result does not depend
        on it.

    Returns
    -------
    refined : Network
        With the edges of `compressed`, and its dtype.
    """
    with threads(n_jobs) as thread_map:
        made = rows_to_match(X, rng)
        objective = MatchOriginal(network, X, error, made=made, thread_map=thread_map)

        def loss(candidate):
            return objective.loss(objective.standardised(candidate))

        reweighted = reweight(compressed, network, X, n_jobs=n_jobs)
        start = min(compressed, reweighted, key=loss)
        trainer = Trainer(start, objective, rng=rng, thread_map=thread_map)
        match(trainer, n_passes, decay=True)
        return min(start, trainer.network, key=loss)


def rows_to_match(X, rng):
    """Make as many rows as the matching can use without more steps.

    Parameters
    ----------
    X : {ndarray, csr_array} of shape (n_samples, n_features)

    rng : numpy.random.Generator

    Returns
    -------
    made : {ndarray, csr_array} of shape (n_made, n_features)
    """
    return make_rows(X, max(0, MIN_ROWS_PER_PASS - X.shape[0]), rng)


def match(trainer, n_passes, *, decay, learning_rate=None):
    """Train towards the original."""
    min_steps = MIN_ROWS_PER_PASS // trainer.objective.batch_size
    trainer.train(
        n_passes, min_steps=min_steps, learning_rate=learning_rate, decay=decay
    )
