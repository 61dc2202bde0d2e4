"""From dense to sparse: rank, drop, train, over and over."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause


class Descent:
    """A network that loses its edges a few at a time, and is trained in between.

    The numbers of edges that it goes through do not depend on what is asked of it. A
    network is a copy of it that loses a few edges more and is finished, so that it does
    not depend on which others were asked for.

    Parameters
    ----------
    trainer : Trainer

    rank : callable
        Called with the working network; returns the `scores` and `means` of
        `Trainer.drop`.

    ratio : float
        Share of the edges that is left each time.

    between : callable
        Called with the trainer: the training between two droppings.

    finish : callable
        Called with a copy of the trainer, before its network is yielded.
    """

    def __init__(self, trainer, rank, *, ratio, between, finish):
        self.trainer, self._rank = trainer, rank
        self._ratio = ratio
        self._between, self._finish = between, finish
        self._n_start = trainer.n_edges
        self._trains, self._ranking = False, None

    def path(self, n_edges):
        """Yield one network for each of the decreasing numbers of edges.

        A number that is not below what the network has yields it as it is.
        """
        return map(self.network, n_edges)

    def network(self, n_edges):
        """Return the network of so many edges; no more than were last asked for."""
        self.go_down(n_edges)
        copy = self.trainer.copy()
        if n_edges < copy.n_edges:
            copy.drop(n_edges, *self._ranks())
        if copy.n_edges < self._n_start:
            if self._trains or needs_training(copy):
                self._finish(copy)
        return copy.network

    def go_down(self, n_edges):
        """Lose edges as long as so many are left."""
        while (n_left := int(self._ratio * self.trainer.n_edges)) >= n_edges:
            self.trainer.drop(n_left, *self._ranks())
            self._trains = self._trains or needs_training(self.trainer)
            if self._trains:
                self._between(self.trainer)
                self._ranking = None

    def _ranks(self):
        # weights that have not been trained keep their ranks
        if self._ranking is None:
            self._ranking = self._rank(self.trainer.working_network)
        return self._ranking


def needs_training(trainer):
    """Whether the objective leaves anything to gain."""
    return trainer.objective.needs_training(trainer.working_network)
