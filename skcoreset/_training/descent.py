"""From many edges to few: rank, drop, train, again and again."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from functools import partial

from .._memory import compute, remembered_network
from .engine import Trainer

# States of the descent that stay in memory: those after multiples of KEPT_APART steps,
# and the last N_KEPT.
KEPT_APART, N_KEPT = 6, 4


class Descent:
    """A network that loses its edges in steps, and is trained in between.

    A network of some number of edges is made by a copy, which goes on from the step
    before and is then finished. So it does not depend on which other networks are asked
    for.

    Parameters
    ----------
    trainer : Trainer

    rank : callable
        Called with the working network; returns the arguments of `drop` after
        `n_edges`.

    ratio : float
        Share of the edges that a step keeps.

    between : callable
        Called with the trainer: the training after a step.

    finish : callable
        Called with a copy of the trainer before its network is returned.

    drop : callable, default=Trainer.drop
        `Trainer.drop` or `Trainer.drop_neurons`.

    n_start : int, default=None
        Number of edges that the steps start from, if the trainer has fewer. None is
        that of the trainer.

    memory : callable, default=compute
        A `Store` of results that were computed before.

    Attributes
    ----------
    n_edges : list of int
        Largest number of edges after each step.
    """

    # Steps between unfinished networks.
    steps_apart = 1

    def __init__(
        self,
        trainer,
        rank,
        *,
        ratio,
        between,
        finish,
        drop=Trainer.drop,
        n_start=None,
        memory=compute,
    ):
        self._trainer, self._rank, self._drop = trainer, rank, drop
        self._between, self._finish = between, finish
        self._memory = memory
        self.n_edges = steps_down(n_start or trainer.n_edges, ratio)
        self._states = {0: (trainer.state, False)}
        self._ranking = None, None
        self._last = None

    def network(self, n_edges):
        """Return the network with `n_edges` edges.

        It has fewer if the first network does, and more if no layer may lose its last
        neuron.
        """
        step = max(0, sum(left >= n_edges for left in self.n_edges) - 1)
        finished = partial(self._finished, step, n_edges)
        return remembered_network(self._memory, n_edges, finished)

    def unfinished(self, step):
        """Return the network after a number of steps, without the last training."""
        trainer, _ = self._after(step)
        return trainer.network

    def _finished(self, step, n_edges):
        trainer, trains = self._after(step)
        if n_edges < trainer.n_edges:
            self._drop(trainer, n_edges, *self._ranks(step, trainer))
            if (
                step + 1 < len(self.n_edges)
                and trainer.n_edges <= self.n_edges[step + 1]
            ):
                # Whole neurons may fall as far as the next step: one network for both.
                return self._finished(step + 1, n_edges)
        if self._last is None or self._last.n_edges != trainer.n_edges:
            self._last = self._trained(trainer, trains)
        return self._last

    def _trained(self, trainer, trains):
        if trainer.n_edges < self.n_edges[0] and (trains or needs_training(trainer)):
            self._finish(trainer)
        return trainer.network

    def _after(self, step):
        """A trainer after a number of steps, and whether it was trained on the way."""
        last = max(known for known in self._states if known <= step)
        for following in range(last + 1, step + 1):
            self._states[following] = self._memory(
                "state", following, partial(self._next, following - 1)
            )
            for old in list(self._states):
                if old % KEPT_APART and old < following - N_KEPT:
                    del self._states[old]
        state, trains = self._states[step]
        return self._trainer.at(state), trains

    def _next(self, step):
        """The state after one more step."""
        trainer, trains = self._after(step)
        n_before, n_left = trainer.n_edges, self.n_edges[step + 1]
        if n_left < n_before:
            self._drop(trainer, n_left, *self._ranks(step, trainer))
        if trainer.n_edges < n_before:
            trains = trains or needs_training(trainer, goes_on=True)
            if trains:
                self._between(trainer)
        return trainer.state, trains

    def _ranks(self, step, trainer):
        if self._ranking[0] != step:
            self._ranking = step, self._rank(trainer.working_network)
        return self._ranking[1]


def steps_down(n_edges, ratio):
    """Return numbers of edges from all to one; a step keeps a share `ratio`."""
    numbers = [n_edges]
    while (n_left := int(ratio * numbers[-1])) > 0:
        numbers.append(n_left)
    return numbers


def needs_training(trainer, *, goes_on=False):
    """Whether the objective can still be lowered; now, or on the way to fewer edges."""
    return trainer.objective.needs_training(trainer.working_network, goes_on=goes_on)
