"""From many edges to few: rank, drop, train, again and again."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from functools import partial
from math import ceil

from .._memory import compute, remembered_network
from .engine import Trainer

# States of the descent that stay in memory: those after multiples of KEPT_APART steps,
# and the last N_KEPT.
KEPT_APART, N_KEPT = 3, 4

# Shares of the edges that a step keeps, far from the number that is wanted and near it,
# which is up to NEAR times that number.
FAR_RATIO, NEAR_RATIO, NEAR = 0.6, 0.9, 3


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

    n_edges : list of int
        Numbers of edges that the network goes through, decreasing from all of them. A
        step leads from one to the next.

    between : callable
        Called with the trainer after every step, to train it.

    finish : callable, default=None
        Called with a copy of the trainer before its network is returned. None returns
        networks as `between` leaves them.

    drop : callable, default=Trainer.drop
        `Trainer.drop` or `Trainer.drop_neurons`.

    memory : callable, default=compute
        A `Store` of results that were computed before.
    """

    def __init__(
        self,
        trainer,
        rank,
        *,
        n_edges,
        between,
        finish=None,
        drop=Trainer.drop,
        memory=compute,
    ):
        self._trainer, self._rank, self._drop = trainer, rank, drop
        self._between, self._finish = between, finish or between
        self._finishes = finish is not None
        self._memory = memory
        self.n_edges = n_edges
        self._states = {0: (trainer.state, False)}
        self._ranking = None, None
        self._last = None

    def network(self, n_edges):
        """Return the network with `n_edges` edges.

        It has fewer if the first network does, and more if no layer may lose its last
        neuron.
        """
        finished = partial(self._finished, self.step_before(n_edges), n_edges)
        return remembered_network(self._memory, n_edges, finished)

    def unfinished(self, step):
        """Return the network after a number of steps, without the last training."""
        trainer, _ = self._after(step)
        return trainer.network

    def finished(self, step, finish=None):
        """Return a trainer of the network after a number of steps, finished."""
        trainer, trains = self._after(step)
        self._train_last(trainer, trains, finish or self._finish)
        return trainer

    def step_before(self, n_edges):
        """Return the last step that leaves at least a number of edges."""
        return max(0, sum(left >= n_edges for left in self.n_edges) - 1)

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
        elif not self._finishes:
            return trainer.network
        if self._last is None or self._last.n_edges != trainer.n_edges:
            self._train_last(trainer, trains, self._finish)
            self._last = trainer.network
        return self._last

    def _train_last(self, trainer, trains, train):
        if trainer.n_edges < self.n_edges[0] and (trains or needs_training(trainer)):
            train(trainer)

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
            # they take as much memory as two networks
            self._ranking = None, None
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


def steps_to(n_edges, n_left):
    """Return numbers of edges on the way from all of them to some, without these.

    Steps are large as long as the network is far from where it is going.
    """
    near = [n_left]
    while (more := ceil(near[0] / NEAR_RATIO)) < min(NEAR * n_left, n_edges):
        near.insert(0, more)
    far = [n_edges]
    while (fewer := int(FAR_RATIO * far[-1])) > near[0] / NEAR_RATIO:
        far.append(fewer)
    return [*far, *near[:-1]]


def is_near(n_edges, n_left):
    """Whether steps of `steps_to` are small."""
    return n_edges <= NEAR * n_left


def needs_training(trainer, *, goes_on=False):
    """Whether the objective can still be lowered; now, or on the way to fewer edges."""
    return trainer.objective.needs_training(trainer.working_network, goes_on=goes_on)
