"""What every method has: it opens a network, and gives networks of fewer edges."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from abc import ABC, abstractmethod
from copy import deepcopy
from dataclasses import replace
from functools import partial

from .._memory import remembered_network
from .._training import refine, steps_down
from .calibration import Calibration

# Share of the edges that is left by one step of a family.
RATIO = 0.8

# Steps after which about half of the edges are left.
STEPS_PER_HALVING = 3


class Method(ABC):
    """A compression method.

    A new one is a subclass with :meth:`untrained` and a line in `METHODS`.
    """

    # What `refine=None` and `prune_neurons=None` mean for the method.
    refines = False
    prunes_neurons = False

    # Why a density cannot always be reached.
    limits = "A density is a whole number of edges."

    # Whether hidden neurons are kept or dropped, with all their edges.
    drops_neurons = False

    def largest_piece(self, network):
        """Most edges that are kept or dropped together."""
        return 1

    def open(self, network, X, plan, thread_map):
        """Open the family of networks of this method.

        Parameters
        ----------
        network : Network
            The original, with dense weights.

        X : {ndarray, csr_array} of shape (n_samples, n_features), dtype of the network
            Calibration rows.

        plan : Plan

        thread_map : callable
            From `threads`. The result does not depend on it.

        Returns
        -------
        family : Family
        """
        calibration = Calibration.of(network, X, plan, thread_map)
        opened = self.trained if plan.refine else self.untrained
        return opened(network, calibration, plan)

    @abstractmethod
    def untrained(self, network, calibration, plan):
        """Open the family of networks whose kept edges keep their weights."""

    def trained(self, network, calibration, plan):
        """Open the family of networks whose kept edges are trained."""
        (shuffles,) = calibration.rng.spawn(1)
        family = self.untrained(network, calibration, plan)
        return RefinedFamily(family, network, replace(calibration, rng=shuffles), plan)


class Family(ABC):
    """The networks of a method by their number of edges, each made on demand.

    No network depends on which others were asked for.

    Parameters
    ----------
    network : Network
        The original.

    Attributes
    ----------
    steps : list of int
        Numbers of edges from all to one, each a share `RATIO` of the one before.

    pilot : Pilot or None
        Calibration rows that no unfinished network is trained on. They say where a path
        begins. None if networks cost so little that a path need not begin late.

    n_per_step : int
        Networks of a path for each step where it is fine. More of them bring the share
        of lost rows closer to delta, and the network is smaller.

    steps_apart : int
        Steps between the unfinished networks that the pilot rows are asked about.
    """

    pilot = None
    n_per_step = 20
    steps_apart = STEPS_PER_HALVING

    def __init__(self, network):
        self.steps = steps_down(network.n_edges, RATIO)

    @abstractmethod
    def at(self, n_edges):
        """Return the network with `n_edges` edges, or as many as the method can leave.

        Its weights are dense, with zeros at the dropped edges.
        """


class TrainedFamily(Family):
    """Networks whose kept edges are trained: a path begins where pilot rows say."""

    n_per_step = 5

    # Steps whose networks are made one from the other: a path is fine from a multiple.
    steps_together = 1

    # Whether there are `tried_errors`, which tell better where a path ends.
    tries = False

    def __init__(self, network, calibration):
        super().__init__(network)
        self.pilot, self._memory = calibration.pilot, calibration.memory

    @abstractmethod
    def unfinished(self, step):
        """Return a network that shows how good those after a step can be."""

    def pilot_errors(self, step):
        """Errors of the pilot rows after a step."""
        return self._errors("errors", step, self.unfinished)

    def _errors(self, name, step, network_after):
        return self._memory(name, step, lambda: self.pilot.errors(network_after(step)))


class RefinedFamily(TrainedFamily):
    """The networks of another family, their kept edges reweighted and trained.

    Parameters
    ----------
    family : Family

    network : Network
        The original.

    calibration : Calibration
        Its generator shuffles the rows, for all networks alike.

    plan : Plan
    """

    def __init__(self, family, network, calibration, plan):
        super().__init__(network, calibration)
        self._family, self._rng = family, calibration.rng
        self._refine = partial(
            refine,
            network=network,
            X=calibration.X,
            error=plan.error,
            n_jobs=plan.n_jobs,
        )
        self._unfinished = {}

    def at(self, n_edges):
        if n_edges in self._unfinished:
            return self._unfinished.pop(n_edges)
        compressed = self._family.at(n_edges)
        # drawn networks with the same number of edges need not be the same
        return remembered_network(
            self._memory,
            compressed.weights,
            lambda: self._refine(compressed, rng=deepcopy(self._rng)),
        )

    def unfinished(self, step):
        # training is all that there is to it: the path need not do it again
        n_edges = self.steps[step]
        network = self._unfinished[n_edges] = self.at(n_edges)
        return network


def fine_steps(n_edges, n_per_step):
    """Numbers of edges of the networks of a path, from one step to the next."""
    numbers = {int(n_edges * RATIO ** (i / n_per_step)) or 1 for i in range(n_per_step)}
    return sorted(numbers, reverse=True)


def n_edges_at(density, n_edges):
    """Whole number of edges at a density: the most that do not exceed it, or one."""
    # a product such as 0.29 * 100 must not lose an edge to rounding
    return max(1, int(density * n_edges * (1 + 1e-12)))
