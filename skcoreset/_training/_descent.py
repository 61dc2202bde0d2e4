"""From dense to sparse: rank, drop, train, over and over."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause


class Descent:
    """A network that loses its edges a few at a time, and is trained in between.

    Parameters
    ----------
    trainer : Trainer

    rank : callable
        Called with the working network; returns the `scores` and `means` of
        `Trainer.drop`.

    ratio : float
        Share of the edges that is left each time, at least.

    between : callable
        Called with the trainer: the training between two droppings.

    finish : callable
        Likewise, before a network is yielded.
    """

    def __init__(self, trainer, rank, *, ratio, between, finish):
        self._trainer, self._rank = trainer, rank
        self._ratio = ratio
        self._between, self._finish = between, finish

    def path(self, n_edges):
        """Yield one network for each of the decreasing numbers of edges.

        A number that is not below what the network has yields it as it is.
        """
        trainer, objective = self._trainer, self._trainer.objective
        ranking, trains = None, False
        for n_target in n_edges:
            n_start = trainer.n_edges
            while trainer.n_edges > n_target:
                # weights that have not been trained keep their ranks
                ranking = ranking or self._rank(trainer.working_network)
                n_next = max(n_target, int(self._ratio * trainer.n_edges))
                trainer.drop(n_next, *ranking)
                trains = trains or objective.needs_training(trainer.working_network)
                if trains and trainer.n_edges > n_target:
                    self._between(trainer)
                    ranking = None
            if trains and trainer.n_edges < n_start:
                self._finish(trainer)
                ranking = None
            yield trainer.network
