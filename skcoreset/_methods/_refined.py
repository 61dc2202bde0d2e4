"""Refined coresets: importance to the output, and outputs that are matched."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from contextlib import contextmanager
from functools import partial

from .._errors import ERRORS
from .._memory import compute
from .._parallel import threads
from .._training import Descent, MatchOriginal, Trainer, match, rows_to_match
from ._base import RATIO, Method, n_edges_at
from ._ranking import keep_highest

# Passes over the rows before a network is yielded, and after each step. A walk, which
# many networks begin with, makes more of these once half of the edges are gone.
N_PASSES, N_PASSES_BETWEEN, N_PASSES_WALK = 8, 1, 2


class Refined(Method):
    """Keep what matters to the output, and train it to give the original outputs.

    One descent from dense to sparse. Edges are ranked by what the output, not only
    their own neuron, would lose; the least important go; the others are trained, from
    where they are, towards the original outputs and hidden activations, on the
    calibration points alone.
    """

    refines = True
    prunes_neurons = True

    def sparsify(self, network, X, densities, **options):
        options |= {"refine": False, "error": ERRORS["relative"]}
        return self.path(network, X, densities, **options)

    def path(
        self,
        network,
        X,
        densities,
        *,
        refine,
        error,
        rng,
        recall=compute,
        n_jobs=None,
    ):
        """Yield one network for each of the `densities`.

        Parameters
        ----------
        network : Network
            With dense weights.

        X : ndarray of shape (n_samples, n_features), dtype of the network
            Calibration points.

        densities : iterable of float
            Shares of the edges of `network` to keep at most.

        refine : bool
            Whether to train. Otherwise edges are ranked once, and keep their weights.

        error : Error
            From `ERRORS`: what is kept small.

        rng : numpy.random.Generator
            Shuffles the rows.

        recall : callable, default=compute
            A `Store`, for what has been trained before.

        n_jobs : int, default=None
            The result does not depend on it.

        Yields
        ------
        compressed : Network
            With dense weights that are zero at the dropped edges.
        """
        if refine:
            options = {"error": error, "rng": rng, "recall": recall, "n_jobs": n_jobs}
            options["n_passes"] = N_PASSES_BETWEEN
            with self.walk(network, X, refine=True, **options) as walk:
                for density in densities:
                    yield walk.network(n_edges_at(density, network.n_edges))
            return
        with threads(n_jobs) as thread_map:
            objective = MatchOriginal(network, X, error, thread_map=thread_map)
            scores, _ = objective.rank(objective.network)
        yield from keep_highest(network, scores, densities)

    @contextmanager
    def walk(
        self,
        network,
        X,
        *,
        refine,
        error,
        rng,
        recall=compute,
        n_passes=N_PASSES_WALK,
        n_jobs=None,
    ):
        """Open a walk: the descent itself, where it trains."""
        if not refine:
            options = {"error": error, "rng": rng, "n_jobs": n_jobs}
            with super().walk(network, X, refine=False, **options) as walk:
                yield walk
            return
        with threads(n_jobs) as thread_map:
            made = rows_to_match(X, rng)
            objective = MatchOriginal(
                network, X, error, made=made, thread_map=thread_map
            )

            def between(trainer):
                is_dense = 2 * trainer.n_edges > network.n_edges
                n_now = N_PASSES_BETWEEN if is_dense else n_passes
                match(trainer, n_now, decay=False)

            yield Descent(
                Trainer(network, objective, rng=rng, thread_map=thread_map),
                objective.rank,
                ratio=RATIO,
                between=between,
                finish=partial(match, n_passes=N_PASSES, decay=True),
                recall=recall,
            )
