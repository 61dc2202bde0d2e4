"""Refined coresets: importance to the output, and training towards the outputs."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from .._training import (
    Descent,
    MatchOriginal,
    Trainer,
    match,
    rows_to_match,
    stack,
)
from .base import RATIO, Method, TrainedFamily
from .ranking import RankedFamily

# Passes over the rows: after each step while more than half of the edges are left,
# after each step below, and to finish a network. One density can afford a longer
# finish; on a path many networks are finished, and what they begin with may take
# longer.
N_PASSES_DENSITY, N_PASSES_PATH = (1, 1, 8), (1, 3, 3)


class Refined(Method):
    """Keep what matters to the output, and train it to give the original outputs.

    One descent from dense to sparse. Edges are ranked by what the output, not only
    their own neuron, would lose; the least important go; the others are trained, from
    where they are, towards the original outputs and hidden activations, on the
    calibration rows alone.
    """

    refines = True
    prunes_neurons = True

    def untrained(self, network, calibration, plan):
        objective = MatchOriginal(
            network, calibration.X, plan.error, thread_map=calibration.thread_map
        )
        scores, _ = objective.rank(objective.network)
        return RankedFamily(network, scores)

    def trained(self, network, calibration, plan):
        rng, thread_map = calibration.rng, calibration.thread_map
        made = rows_to_match(calibration.X, rng)

        def matching(more):
            return MatchOriginal(
                network, calibration.X, plan.error, made=more, thread_map=thread_map
            )

        objective = last = matching(made)
        n_dense, n_sparse, n_finish = N_PASSES_DENSITY
        if calibration.pilot is not None:
            # finished networks are trained on the pilot rows as well
            last = matching(stack(calibration.pilot.X, made))
            n_dense, n_sparse, n_finish = N_PASSES_PATH

        def between(trainer):
            is_dense = 2 * trainer.n_edges > network.n_edges
            match(trainer, n_dense if is_dense else n_sparse, decay=False)

        def finish(trainer):
            trainer.objective = last
            match(trainer, n_finish, decay=True)

        descent = Descent(
            Trainer(network, objective, rng=rng, thread_map=thread_map),
            objective.rank,
            ratio=RATIO,
            between=between,
            finish=finish,
            memory=calibration.memory,
        )
        return DescentFamily(network, calibration, descent)


class DescentFamily(TrainedFamily):
    """The networks of one descent, of which finished copies are returned.

    Parameters
    ----------
    network : Network
        The original.

    calibration : Calibration

    descent : Descent
    """

    steps_apart = 1

    def __init__(self, network, calibration, descent):
        super().__init__(network, calibration)
        self._descent = descent

    def at(self, n_edges):
        return self._descent.network(n_edges)

    def unfinished(self, step):
        return self._descent.unfinished(step)
