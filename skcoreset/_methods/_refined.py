"""Refined coresets: importance to the output, and outputs that are matched."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from functools import partial

from .._errors import ERRORS
from .._parallel import threads
from .._training import Descent, MatchOriginal, Trainer, match
from ._base import Method, n_edges_at
from ._ranking import keep_highest

# Edges are ranked anew, and the rest is trained, each time this share of them is left.
RATIO = 0.9

# Passes over the rows between two rankings, and before a network is yielded.
N_PASSES_BETWEEN, N_PASSES = 3, 8


class Refined(Method):
    """Keep what matters to the output, and train it to give the original outputs.

    One descent from dense to sparse. Edges are ranked by what the output, not only
    their own neuron, would lose; the least important go; the others are trained, from
    where they are, towards the original outputs and hidden activations, on the
    calibration points alone.
    """

    refines = True
    prunes_neurons = True

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
        """Yield one network for each of the decreasing `densities`.

        Parameters
        ----------
        network : Network
            With dense weights.

        X : ndarray of shape (n_samples, n_features), dtype of the network
            Calibration points.

        densities : sequence of float
            Shares of the edges of `network` to keep at most, decreasing. No network
            depends on the others.

        refine : bool
            Whether to train. Otherwise edges are ranked once, and keep their weights.

        error : Error
            From `ERRORS`: what is kept small.

        rng : numpy.random.Generator
            Shuffles the rows.

        n_jobs : int, default=None
            The result does not depend on it.

        Yields
        ------
        compressed : Network
            With dense weights that are zero at the dropped edges.
        """
        with threads(n_jobs) as thread_map:
            objective = MatchOriginal(network, X, error, thread_map=thread_map)
            if not refine:
                scores, _ = objective.rank(objective.network)
                yield from keep_highest(network, scores, densities)
                return
            trainer = Trainer(network, objective, rng=rng, thread_map=thread_map)
            descent = Descent(
                trainer,
                objective.rank,
                ratio=RATIO,
                between=partial(match, n_passes=N_PASSES_BETWEEN, decay=False),
                finish=partial(match, n_passes=N_PASSES, decay=True),
            )
            n_all = trainer.n_edges
            yield from descent.path(
                [n_edges_at(density, n_all) for density in densities]
            )
