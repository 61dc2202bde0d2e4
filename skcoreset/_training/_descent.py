"""From large to small: rank, drop, train, over and over."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from ._engine import Trainer


class Descent:
    """A network that loses its edges a few at a time, and is trained in between.

    Parameters
    ----------
    trainer : Trainer

    rank : callable
        Called with the working network; returns the `scores` and `means` of `drop`.

    ratio : float
        Share of the edges that is left each time, at least.

    between : callable
        Called with the trainer: the training between two droppings.

    finish : callable
        Likewise, before a network is yielded.

    drop : callable, default=Trainer.drop
        `Trainer.drop`, or `Trainer.drop_neurons`.
    """

    def __init__(self, trainer, rank, *, ratio, between, finish, drop=Trainer.drop):
        self._trainer, self._rank, self._drop = trainer, rank, drop
        self._ratio = ratio
        self._between, self._finish = between, finish

    def path(self, n_edges):
        """Yield one network for each of the decreasing numbers of edges.

        A number that is not below what the network has, or that it cannot come down to,
        yields it as it is.
        """
        trainer = self._trainer
        ranking, trains = None, False
        for n_target in n_edges:
            n_start = trainer.n_edges
            while trainer.n_edges > n_target:
                # weights that have not been trained keep their ranks
                ranking = ranking or self._rank(trainer.working_network)
                n_before = trainer.n_edges
                n_next = max(n_target, int(self._ratio * n_before))
                self._drop(trainer, n_next, *ranking)
                if trainer.n_edges == n_before:
                    break
                trains = trains or trainer.needs_training()
                if trains and trainer.n_edges > n_target:
                    self._between(trainer)
                    ranking = None
            if trains and trainer.n_edges < n_start:
                self._finish(trainer)
                ranking = None
            yield trainer.network
