"""Refined coresets: importance to the output, and training towards the outputs."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from functools import cached_property, partial
from math import sqrt

from .._memory import remembered_network
from .._training import (
    Descent,
    MatchOriginal,
    Trainer,
    is_near,
    match,
    rows_to_match,
    stack,
    steps_down,
    steps_to,
)
from .base import (
    RATIO,
    STEPS_PER_HALVING,
    Family,
    Method,
    TrainedFamily,
    fine_steps,
)
from .progress import Progress
from .ranking import RankedFamily

BATCH_SIZE = 64

# Passes over the rows on the way to one density: after a large step, after a small one,
# and to finish the network.
N_PASSES_FAR, N_PASSES_NEAR, N_PASSES_LAST = 0.5, 1, 8

# On a path: after a step; to try a network out; to finish that of a halving, and each
# of those from there to the next halving, which goes on from the one before.
N_PASSES_STEP, N_PASSES_TRIED, N_PASSES_FIRST, N_PASSES_NEXT = 2, 3, 3, 1

# Up to this density the learning rate is that of the objective; above, it falls with
# the root of the density, as dense networks end closer to the original.
FULL_RATE_DENSITY = 0.1


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
        matching = Matching(network, calibration, plan)
        if plan.density is not None:
            return OneDensityFamily(network, matching)
        return PathFamily(network, calibration, matching)


class Matching:
    """Descents whose networks are trained towards the original.

    Parameters
    ----------
    network : Network
        The original.

    calibration : Calibration

    plan : Plan
    """

    def __init__(self, network, calibration, plan):
        self._network, self._calibration, self._error = network, calibration, plan.error
        self._verbose = plan.verbose
        self._made = rows_to_match(calibration.X, calibration.rng)
        self.objective = self._objective(self._made)

    def _objective(self, made):
        return MatchOriginal(
            self._network,
            self._calibration.X,
            self._error,
            made=made,
            batch_size=BATCH_SIZE,
            thread_map=self._calibration.thread_map,
        )

    @cached_property
    def objective_with_pilot(self):
        """Objective on the pilot rows as well."""
        return self._objective(stack(self._calibration.pilot.X, self._made))

    def train(self, trainer, n_passes, *, decay):
        density = trainer.n_edges / self._network.n_edges
        rate = self.objective.learning_rate
        rate *= min(1, sqrt(FULL_RATE_DENSITY / density))
        match(trainer, n_passes, decay=decay, learning_rate=rate)

    def progress(self, steps, bound="about"):
        """Return what is called after each step, with the edges that are left."""
        if not self._verbose:
            return _say_nothing
        return Progress(self._network.n_edges, steps, bound=bound)

    def descent(self, n_edges, between, finish):
        """Return a `Descent` from the original."""
        trainer = Trainer(
            self._network,
            self.objective,
            rng=self._calibration.rng,
            thread_map=self._calibration.thread_map,
        )
        return Descent(
            trainer,
            self.objective.rank,
            n_edges=n_edges,
            between=between,
            finish=finish,
            memory=self._calibration.memory,
        )


def _say_nothing(n_left):
    pass


class OneDensityFamily(Family):
    """Networks each of which has a descent of its own: the shortest to its density.

    Parameters
    ----------
    network : Network
        The original.

    matching : Matching
    """

    def __init__(self, network, matching):
        super().__init__(network)
        self._matching = matching

    def at(self, n_edges):
        train, steps = self._matching.train, steps_to(self.steps[0], n_edges)

        def n_passes(n_left):
            return N_PASSES_NEAR if is_near(n_left, n_edges) else N_PASSES_FAR

        work = [(n_left, n_passes(n_left)) for n_left in steps[1:]]
        say = self._matching.progress([*work, (n_edges, N_PASSES_LAST)])

        def between(trainer):
            train(trainer, n_passes(trainer.n_edges), decay=False)
            say(trainer.n_edges)

        def finish(trainer):
            train(trainer, N_PASSES_LAST, decay=True)
            say(trainer.n_edges)

        return self._matching.descent(steps, between, finish).network(n_edges)


class DescentFamily(TrainedFamily):
    """The networks of one descent: finished copies.

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


class PathFamily(DescentFamily):
    """The networks of one descent, and of short ones from each of its halvings.

    A short descent begins with the finished network of a halving and leads to the next.
    So a network depends on the halving before it alone.

    Parameters
    ----------
    network : Network
        The original.

    calibration : Calibration

    matching : Matching
    """

    tries, steps_together = True, STEPS_PER_HALVING

    def __init__(self, network, calibration, matching):
        self._matching = matching
        steps = steps_down(network.n_edges, RATIO)
        descent = matching.descent(steps, self._between, self._finish)
        super().__init__(network, calibration, descent)
        self._short = None, None
        work = [(n_left, N_PASSES_STEP) for n_left in steps[1:]]
        self._say = matching.progress(work, bound="at most")

    def at(self, n_edges):
        step = self._descent.step_before(n_edges)
        start = step - step % self.steps_together
        return remembered_network(
            self._memory, n_edges, lambda: self._short_descent(start).network(n_edges)
        )

    def tried_errors(self, step):
        """Errors of the pilot rows after a step and a short training without them."""
        train = partial(self._matching.train, n_passes=N_PASSES_TRIED, decay=True)

        def tried(step):
            return self._descent.finished(step, train).network

        return self._errors("tried errors", step, tried)

    def _short_descent(self, start):
        if self._short[0] != start:
            trainer = self._descent.finished(start)
            steps = self.steps[start : start + self.steps_together]
            descent = Descent(
                trainer,
                trainer.objective.rank,
                n_edges=[
                    n for left in steps for n in fine_steps(left, self.n_per_step)
                ],
                between=partial(
                    self._matching.train, n_passes=N_PASSES_NEXT, decay=True
                ),
            )
            self._short = start, descent
        return self._short[1]

    def _between(self, trainer):
        self._matching.train(trainer, N_PASSES_STEP, decay=False)
        self._say(trainer.n_edges)

    def _finish(self, trainer):
        # finished networks are trained on the pilot rows as well
        trainer.objective = self._matching.objective_with_pilot
        self._matching.train(trainer, N_PASSES_FIRST, decay=True)
