"""Methods that drop whole neurons: what is left is a smaller dense network."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from functools import partial
from itertools import pairwise

import numpy as np

from .._errors import ERRORS
from .._parallel import threads
from .._training import Descent, MatchOriginal, Trainer, match
from ._base import Method, n_edges_at
from ._neurons import merge_duplicates

# Neurons are ranked anew, and the rest is trained, each time this share of the edges is
# left.
RATIO = 0.9

# Passes over the rows between two rankings, and before a network is yielded.
N_PASSES_BETWEEN, N_PASSES = 1, 24

# Of the inputs, relative to their spread. What is left has about as many parameters as
# the rows have numbers: they would be learnt by heart.
NOISE = 0.5


class WholeNeurons(Method):
    """Keep hidden neurons with all their edges, or not at all.

    Networks are yielded at their full widths, without edges at the neurons that are
    gone; these are removed like idle ones.
    """

    prunes_neurons = drops_neurons = True
    limits = "Neurons are kept or dropped whole, and every layer keeps one."

    def largest_piece(self, network):
        return max(
            int((incoming.sum(axis=0) + outgoing.sum(axis=1)).max())
            for incoming, outgoing in pairwise(coef != 0 for coef in network.coefs)
        )


class Neurons(WholeNeurons):
    """Keep the neurons that matter to the output, and train what is left.

    One descent from large to small. Neurons are ranked by what the output loses with
    them, for each edge that goes with them; the least important go, and the intercepts
    of the next layer take over their means; the others are trained, from where they
    are, towards the original outputs, on the calibration points alone. Of equal neurons
    one stays.
    """

    refines = True

    def sparsify(self, network, X, densities, *, rng, n_jobs=None):
        return self.path(
            network,
            X,
            densities,
            refine=False,
            error=ERRORS["relative"],
            rng=rng,
            n_jobs=n_jobs,
        )

    def path(self, network, X, densities, *, refine, error, rng, n_jobs=None):
        """Yield networks for the decreasing `densities`, as far as they differ.

        Parameters
        ----------
        network : Network
            With dense weights.

        X : ndarray of shape (n_samples, n_features), dtype of the network
            Calibration points.

        densities : sequence of float
            Shares of the edges of `network` to keep at most, decreasing. Each network
            is built upon the one before.

        refine : bool
            Whether to train. Otherwise neurons are ranked once.

        error : Error
            From `ERRORS`: what is kept small.

        rng : numpy.random.Generator
            Shuffles the rows.

        n_jobs : int, default=None
            The result does not depend on it.

        Yields
        ------
        compressed : Network
            With dense weights that are zero at the dropped neurons.
        """
        with threads(n_jobs) as thread_map:
            objective = MatchOriginal(network, X, error, thread_map=thread_map)
            trainer = Trainer(
                merge_duplicates(network), objective, rng=rng, thread_map=thread_map
            )
            n_edges = [n_edges_at(density, network.n_edges) for density in densities]
            descent = Descent(
                trainer,
                objective.rank_neurons,
                # 0: at once, however far
                ratio=RATIO if refine else 0,
                between=partial(match, n_passes=N_PASSES_BETWEEN, decay=False),
                finish=_finish if refine else _leave,
                drop=Trainer.drop_neurons,
            )
            fewest = np.inf
            for compressed, n_asked in zip(descent.path(n_edges), n_edges):
                if compressed.n_edges < fewest:
                    yield compressed
                fewest = compressed.n_edges
                if fewest > n_asked:
                    return


def _finish(trainer):
    trainer.objective = trainer.objective.with_noise(NOISE)
    match(trainer, N_PASSES, decay=True)


def _leave(trainer):
    pass
