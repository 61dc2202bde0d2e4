"""Methods that drop whole neurons: what is left is a smaller dense network."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from contextlib import contextmanager
from functools import partial
from itertools import pairwise

from .._errors import ERRORS
from .._memory import compute
from .._network.neurons import merge_duplicates
from .._parallel import threads
from .._training import Descent, MatchOriginal, Trainer, match
from .base import RATIO, Method, n_edges_at

# Passes over the rows after each step, and before a network is yielded.
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

    def sparsify(self, network, X, densities, **options):
        options |= {"refine": False, "error": ERRORS["relative"]}
        return self.path(network, X, densities, **options)

    def path(self, network, X, densities, **options):
        """Yield one network for each of the `densities`.

        Parameters
        ----------
        network, X, **options
            As in :meth:`Method.path`. Where `refine` is false, neurons are ranked once.

        densities : iterable of float
            Shares of the edges of `network` to keep at most.

        Yields
        ------
        compressed : Network
            With dense weights that are zero at the dropped neurons.
        """
        with self._descent(network, X, **options) as descent:
            for density in densities:
                yield descent.network(n_edges_at(density, network.n_edges))

    def walk(self, network, X, X_more=None, *, refine, **options):
        """Open a walk: the descent itself, where it trains."""
        opened = self._descent if refine else super().walk
        return opened(network, X, refine=refine, **options)

    @contextmanager
    def _descent(self, network, X, *, refine, error, rng, recall=compute, n_jobs=None):
        with threads(n_jobs) as thread_map:
            objective = MatchOriginal(network, X, error, thread_map=thread_map)
            yield Descent(
                Trainer(
                    merge_duplicates(network), objective, rng=rng, thread_map=thread_map
                ),
                objective.rank_neurons,
                # 0: at once, however far
                ratio=RATIO if refine else 0,
                between=partial(match, n_passes=N_PASSES_BETWEEN, decay=False),
                finish=_finish if refine else _leave,
                drop=Trainer.drop_neurons,
                n_start=network.n_edges,
                memory=recall,
            )


def _finish(trainer):
    trainer.objective = trainer.objective.with_noise(NOISE)
    match(trainer, N_PASSES, decay=True)


def _leave(trainer):
    pass
