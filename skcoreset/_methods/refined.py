"""Refined coresets: importance to the output, and outputs that are matched."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from contextlib import contextmanager

from .._errors import ERRORS
from .._memory import compute
from .._parallel import threads
from .._training import Descent, MatchOriginal, Trainer, match, rows_to_match, stack
from .base import RATIO, Method, n_edges_at
from .ranking import keep_highest

# Passes over the rows after each step, while more than half of the edges are left and
# below, and before a network is returned: of a descent to one density, and of a walk.
# What many networks begin with may take longer, and what each of them adds is shorter.
N_PASSES, N_PASSES_WALK = (1, 1, 8), (1, 3, 3)


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
            with self._descent(network, X, None, N_PASSES, **options) as descent:
                for density in densities:
                    yield descent.network(n_edges_at(density, network.n_edges))
            return
        with threads(n_jobs) as thread_map:
            objective = MatchOriginal(network, X, error, thread_map=thread_map)
            scores, _ = objective.rank(objective.network)
        yield from keep_highest(network, scores, densities)

    def walk(self, network, X, X_more=None, *, refine, **options):
        """Open a walk: the descent itself, where it trains."""
        if not refine:
            return super().walk(network, X, refine=False, **options)
        return self._descent(network, X, X_more, N_PASSES_WALK, **options)

    @contextmanager
    def _descent(
        self, network, X, X_more, n_passes, *, error, rng, recall=compute, n_jobs=None
    ):
        n_passes_dense, n_passes_between, n_passes_finish = n_passes
        with threads(n_jobs) as thread_map:
            made = rows_to_match(X, rng)
            objective = last = MatchOriginal(
                network, X, error, made=made, thread_map=thread_map
            )
            if X_more is not None:
                more = stack(X_more, made)
                last = MatchOriginal(
                    network, X, error, made=more, thread_map=thread_map
                )

            def between(trainer):
                is_dense = 2 * trainer.n_edges > network.n_edges
                n_now = n_passes_dense if is_dense else n_passes_between
                match(trainer, n_now, decay=False)

            def finish(trainer):
                trainer.objective = last
                match(trainer, n_passes_finish, decay=True)

            yield Descent(
                Trainer(network, objective, rng=rng, thread_map=thread_map),
                objective.rank,
                ratio=RATIO,
                between=between,
                finish=finish,
                memory=recall,
            )
