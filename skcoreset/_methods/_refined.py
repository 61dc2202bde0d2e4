"""Refined coresets: importance to the output, and outputs that are matched."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from .._descent import Descent, Reference
from .._importance import edge_importance
from .._parallel import threads
from ._ranking import Ranking

# Edges are ranked anew, and the rest is trained, each time this share of them is left.
RATIO = 0.9

# Up to this mean squared relative error edges just go, and nothing needs training.
NEGLIGIBLE = 1e-4

# Passes over the rows before a network is yielded.
N_PASSES = 24


class Refined(Ranking):
    """Keep what matters to the output, and train it to give the original outputs.

    One descent from dense to sparse. Edges are ranked by what the output, not only
    their own neuron, would lose; the least important go; the others are trained, from
    where they are, towards the original outputs and hidden activations, on the
    calibration points alone.
    """

    refines = True
    prunes_neurons = True

    def scores(self, network, X):
        reference = Reference(network, X)
        return edge_importance(reference.network, reference.X, reference.row_weights)[0]

    def path(
        self, network, X, densities, *, refine=True, error=None, rng=None, n_jobs=None
    ):
        """Yield one network for each of the decreasing `densities`.

        Parameters
        ----------
        network : Network
            With dense weights.

        X : ndarray of shape (n_samples, n_features), dtype of the network
            Calibration points.

        densities : sequence of float
            Shares of the edges of `network` to keep at most, decreasing. Each network
            is built upon the one before.

        refine : bool, default=True
            Whether to train. Otherwise edges are ranked once, and keep their weights.

        rng : numpy.random.Generator, default=None
            Shuffles the rows. None is a generator of fixed seed.

        n_jobs : int, default=None
            The result does not depend on it.

        Yields
        ------
        sparse : Network
            With dense weights that are zero at the dropped edges.
        """
        if not refine:
            yield from self.sparsify(network, X, densities, rng=rng, n_jobs=n_jobs)
            return
        with threads(n_jobs) as thread_map:
            reference = Reference(network, X, thread_map=thread_map)
            descent = Descent(reference, network, rng=rng, thread_map=thread_map)
            yield from self._descend(descent, reference, densities)

    def _descend(self, descent, reference, densities):
        n_all = reference.network.n_edges
        descent.rank()
        n_ranked, trains = n_all, False
        for density in densities:
            # a product such as 0.29 * 100 must not lose an edge to rounding
            n_target = max(1, int(density * n_all * (1 + 1e-12)))
            n_start = descent.n_edges
            while descent.n_edges > n_target:
                if descent.n_edges <= RATIO * n_ranked:
                    # weights that have not been trained keep their ranks
                    if trains:
                        descent.rank()
                    n_ranked = descent.n_edges
                descent.drop(max(n_target, int(RATIO * n_ranked)))
                trains = trains or reference.loss(descent.network) > NEGLIGIBLE
                if trains and descent.n_edges > n_target:
                    descent.train(1)
            if trains and descent.n_edges < n_start:
                descent.train(N_PASSES, anneal=True)
            yield descent.network
