"""From large to small: rank, drop, train, over and over."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from functools import partial

from .._memory import compute, remembered_network
from .engine import Trainer

# Of the states that a descent has been through, those after a multiple of this many
# steps are kept, and the last few.
STEPS_APART, N_LAST = 6, 4


class Descent:
    """A network that loses its edges a few at a time, and is trained in between.

    The numbers of edges that it goes through do not depend on what is asked of it. A
    network is made by a copy that loses a few edges more and is finished: it does not
    depend on which others were asked for.

    Parameters
    ----------
    trainer : Trainer

    rank : callable
        Called with the working network; returns the `scores` and `means` of `drop`.

    ratio : float
        Share of the edges that is left by a step.

    between : callable
        Called with the trainer: the training after a step.

    finish : callable
        Called with a copy of the trainer, before its network is returned.

    drop : callable, default=Trainer.drop
        `Trainer.drop`, or `Trainer.drop_neurons`.

    n_start : int, default=None
        Edges that it starts from, where the trainer has lost some for nothing. None is
        those of the trainer.

    recall : callable, default=compute
        A `Store`, for what has been computed before.

    Attributes
    ----------
    n_edges : list of int
        How many are left, at most, after each step.
    """

    # There is an unfinished network after each of them.
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
        recall=compute,
    ):
        self._trainer, self._rank, self._drop = trainer, rank, drop
        self._between, self._finish = between, finish
        self._recall = recall
        self.n_edges = steps_down(n_start or trainer.n_edges, ratio)
        self._states = {0: (trainer.state, False)}
        self._ranking = None, None
        self._last = None

    def path(self, n_edges):
        """Yield one network for each number of edges.

        A number that is not below what the network has yields it as it is. One that it
        cannot come down to, as no layer may lose its last neuron, yields the smallest.
        """
        return map(self.network, n_edges)

    def network(self, n_edges):
        """Return the network of so many edges."""
        step = max(0, sum(left >= n_edges for left in self.n_edges) - 1)
        finished = partial(self._finished, step, n_edges)
        return remembered_network(self._recall, n_edges, finished)

    def rough(self, step):
        """Return the unfinished network after so many steps."""
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
                # whole neurons may fall as far as the next step: one network for both
                return self._finished(step + 1, n_edges)
        if self._last is None or self._last.n_edges != trainer.n_edges:
            self._last = self._trained(trainer, trains)
        return self._last

    def _trained(self, trainer, trains):
        if trainer.n_edges < self.n_edges[0] and (trains or needs_training(trainer)):
            self._finish(trainer)
        return trainer.network

    def _after(self, step):
        """A trainer after so many steps, and whether it was trained on the way."""
        last = max(known for known in self._states if known <= step)
        for following in range(last + 1, step + 1):
            self._states[following] = self._recall(
                "state", following, partial(self._next, following - 1)
            )
            for old in list(self._states):
                if old % STEPS_APART and old < following - N_LAST:
                    del self._states[old]
        state, trains = self._states[step]
        return self._trainer.at(state), trains

    def _next(self, step):
        """The state one step further."""
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
    """Numbers of edges from all to one, of which a share is left by every step."""
    numbers = [n_edges]
    while (n_left := int(ratio * numbers[-1])) > 0:
        numbers.append(n_left)
    return numbers


def needs_training(trainer, *, goes_on=False):
    """Whether the objective leaves anything to gain; now, or on the way on."""
    return trainer.objective.needs_training(trainer.working_network, goes_on=goes_on)
