"""Training of the kept edges with labels."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import replace

from scipy import sparse

from .engine import Trainer
from .few_bits import train_few_bits
from .objectives import FitLabels

# Meaning of `n_epochs=None`: this number of passes, and the least steps in each.
N_PASSES = 15
MIN_STEPS_PER_PASS = 2_000 / N_PASSES


def fine_tune(
    network,
    X,
    Y,
    *,
    alpha=0.0,
    batch_size="auto",
    sample_weight=None,
    augmented=None,
    n_epochs=None,
    bits=None,
    rng,
):
    """Train the edges and intercepts of a compressed network further, with labels.

    Parameters
    ----------
    network : Network
        Its non-zero weights are the edges to train; there will be no others.

    X : {ndarray, csr_array} of shape (n_samples, n_features)

    Y, alpha, batch_size, sample_weight, augmented
        As in :class:`FitLabels`.

    n_epochs : int, default=None
        Passes over the rows. None is 15, or as many as make 2,000 steps.

    bits : int, default=None
        Rounds weights to this number of bits each, with as many passes again through
        the rounding. None rounds nothing.

    rng : numpy.random.Generator
        Shuffles the rows.

    Returns
    -------
    network : Network
        With the same edges; its weights are sparse where they were sparse.

    Raises
    ------
    ValueError
        If the training overflows at its first step.

    Warns
    -----
    UserWarning
        If it overflows later: the weights are the last finite ones.
    """
    objective = FitLabels(
        network,
        X,
        Y,
        batch_size=batch_size,
        alpha=alpha,
        sample_weight=sample_weight,
        augmented=augmented,
    )
    trainer = Trainer(network, objective, rng=rng)
    passes = {"n_passes": N_PASSES, "min_steps": MIN_STEPS_PER_PASS}
    if n_epochs is not None:
        passes = {"n_passes": n_epochs, "min_steps": 0}
    trainer.train(**passes)
    tuned = trainer.network if bits is None else train_few_bits(trainer, bits, **passes)
    coefs = [
        type(old)(new) if sparse.issparse(old) else new
        for old, new in zip(network.coefs, tuned.coefs)
    ]
    return replace(tuned, coefs=tuple(coefs))
