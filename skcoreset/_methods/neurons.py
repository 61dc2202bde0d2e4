"""Methods that drop whole neurons: what is left is a smaller dense network."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from functools import partial
from itertools import pairwise

from .._network.neurons import merge_duplicates
from .._training import Descent, MatchOriginal, Trainer, match, steps_down
from .base import RATIO, Family, Method
from .refined import DescentFamily

# Passes over the rows after each step, and to finish a network.
N_PASSES_BETWEEN, N_PASSES = 1, 24

# Noise on the inputs, relative to their standard deviations: what is left has about as
# many parameters as the rows have numbers, which would be learnt by heart without it.
NOISE = 0.5


class WholeNeurons(Method):
    """Keep hidden neurons with all their edges, or not at all.

    Networks have their full widths, without edges at the neurons that are gone; these
    are removed like idle ones.
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
    are, towards the original outputs, on the calibration rows alone. Of equal neurons
    one stays.
    """

    refines = True

    def untrained(self, network, calibration, plan):
        at_once = [network.n_edges]
        descent = _descent(network, calibration, plan, at_once, finish=_leave)
        return UntrainedNeurons(network, descent)

    def trained(self, network, calibration, plan):
        steps = steps_down(network.n_edges, RATIO)
        descent = _descent(network, calibration, plan, steps, finish=_finish)
        return DescentFamily(network, calibration, descent)


class UntrainedNeurons(Family):
    """Networks whose neurons are ranked once, and not trained.

    Parameters
    ----------
    network : Network
        The original.

    descent : Descent
    """

    def __init__(self, network, descent):
        super().__init__(network)
        self._descent = descent

    def at(self, n_edges):
        return self._descent.network(n_edges)


def _descent(network, calibration, plan, n_edges, finish):
    thread_map = calibration.thread_map
    objective = MatchOriginal(network, calibration.X, plan.error, thread_map=thread_map)
    merged = merge_duplicates(network)
    return Descent(
        Trainer(merged, objective, rng=calibration.rng, thread_map=thread_map),
        objective.rank_neurons,
        between=partial(match, n_passes=N_PASSES_BETWEEN, decay=False),
        drop=Trainer.drop_neurons,
        n_edges=n_edges,
        finish=finish,
        memory=calibration.memory,
    )


def _finish(trainer):
    trainer.objective = trainer.objective.with_noise(NOISE)
    match(trainer, N_PASSES, decay=True)


def _leave(trainer):
    pass
