"""From large to small: rank, drop, train, over and over."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from ._engine import Trainer


class Descent:
    """A network that loses its edges a few at a time, and is trained in between.

    The numbers of edges that it goes through do not depend on what is asked of it. A
    network is a copy of it that loses a few edges more and is finished, so that it does
    not depend on which others were asked for.

    Parameters
    ----------
    trainer : Trainer

    rank : callable
        Called with the working network; returns the `scores` and `means` of `drop`.

    ratio : float
        Share of the edges that is left each time.

    between : callable
        Called with the trainer: the training between two droppings.

    finish : callable
        Called with a copy of the trainer, before its network is yielded.

    drop : callable, default=Trainer.drop
        `Trainer.drop`, or `Trainer.drop_neurons`.
    """

    def __init__(self, trainer, rank, *, ratio, between, finish, drop=Trainer.drop):
        self.trainer, self._rank, self._drop = trainer, rank, drop
        self._ratio = ratio
        self._between, self._finish = between, finish
        self._n_start = trainer.n_edges
        self._trains, self._ranking = False, None

    def path(self, n_edges):
        """Yield one network for each of the decreasing numbers of edges.

        A number that is not below what the network has yields it as it is. One that it
        cannot come down to, as no layer may lose its last neuron, yields the smallest.
        """
        return map(self.network, n_edges)

    def network(self, n_edges):
        """Return the network of so many edges; no more than were last asked for."""
        self.go_down(n_edges)
        copy = self.trainer.copy()
        if n_edges < copy.n_edges:
            self._drop(copy, n_edges, *self._ranks())
        if copy.n_edges < self._n_start:
            if self._trains or copy.needs_training():
                self._finish(copy)
        return copy.network

    def go_down(self, n_edges):
        """Lose edges as long as so many are left."""
        while (n_left := int(self._ratio * self.trainer.n_edges)) >= n_edges:
            n_before = self.trainer.n_edges
            self._drop(self.trainer, n_left, *self._ranks())
            if self.trainer.n_edges == n_before:
                return
            self._trains = self._trains or self.trainer.needs_training()
            if self._trains:
                self._between(self.trainer)
                self._ranking = None

    def _ranks(self):
        # weights that have not been trained keep their ranks
        if self._ranking is None:
            self._ranking = self._rank(self.trainer.working_network)
        return self._ranking
