"""What every compression method has."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from abc import ABC, abstractmethod
from contextlib import contextmanager
from copy import deepcopy
from functools import partial

from .._memory import compute, recall_network
from .._training import refine as refine_network
from .._training import steps_down

# Share of the edges that is left by a step of a walk, and steps between the networks of
# its coarse part.
RATIO, COARSE_STEPS = 0.9, 6


class Method(ABC):
    """A way from a network and calibration points to ever sparser networks.

    A new method is a subclass with :meth:`sparsify` and a name in `METHODS`.
    """

    # What `refine=None` and `prune_neurons=None` mean for the method.
    refines = False
    prunes_neurons = False

    # Networks of a path for each step of a walk, where it is fine, without and with
    # training. More of them bring the share over epsilon closer to delta, and the
    # network smaller.
    n_per_step, n_refined_per_step = 10, 3

    # Why an asked density cannot always be had.
    limits = "A density is a whole number of edges."

    # Whether it is hidden neurons that are kept or dropped, with all their edges.
    drops_neurons = False

    def largest_piece(self, network):
        """Most edges that are kept or dropped together."""
        return 1

    @abstractmethod
    def sparsify(self, network, X, densities, *, rng, n_jobs=None):
        """Yield one network for each of the decreasing `densities`.

        Parameters
        ----------
        network : Network
            With dense weights.

        X : {ndarray, sparse array} of shape (n_samples, n_features)
            Calibration points, of the dtype of the network.

        densities : sequence or iterator of float
            Shares of the edges of `network` to keep: decreasing, or an iterator over
            any. No network depends on which others are asked for.

        rng : numpy.random.Generator
            Methods that do not draw leave it alone.

        n_jobs : int, default=None
            The result does not depend on it.

        Yields
        ------
        compressed : Network
            With dense weights that are zero at the dropped edges.
        """

    def path(
        self,
        network,
        X,
        densities,
        *,
        refine,
        error,
        rng,
        recall=compute,
        n_jobs=None,
    ):
        """Like `sparsify`, the kept edges reweighted where `refine` is true.

        Parameters
        ----------
        network, X, densities, rng, n_jobs
            As in :meth:`sparsify`.

        refine : bool

        error : Error
            From `ERRORS`: what refinement keeps small.

        recall : callable, default=compute
            A `Store`, for what has been trained before.

        Yields
        ------
        compressed : Network
        """
        (child,) = rng.spawn(1)
        for compressed in self.sparsify(network, X, densities, rng=rng, n_jobs=n_jobs):
            if refine:
                # the same shuffles for all: none depends on the others
                refined = partial(
                    refine_network,
                    compressed,
                    network,
                    X,
                    error=error,
                    rng=deepcopy(child),
                    n_jobs=n_jobs,
                )
                # drawn networks of as many edges need not be the same
                compressed = recall_network(recall, compressed.weights, refined)
            yield compressed

    @contextmanager
    def walk(self, network, X, X_more=None, **options):
        """Open a walk from a network to ever sparser ones.

        Parameters
        ----------
        network, X
            As in :meth:`sparsify`.

        X_more : {ndarray, sparse array} of shape (n_more, n_features), default=None
            Rows that the networks may be trained on as well, but not the rough ones,
            which are to be measured on them.

        **options : dict
            As in :meth:`path`.

        Yields
        ------
        walk : Walk
        """
        yield Walk(self, network, X, **options)


class Walk:
    """Networks of a method, each of which can be had without the others.

    Parameters
    ----------
    method : Method

    network : Network
        Where it starts.

    X, refine, **options
        As in :meth:`Method.path`.

    Attributes
    ----------
    n_edges : list of int
        How many are left after each step.

    steps_apart : int
        Steps between the networks that tell where a path should begin.
    """

    steps_apart = COARSE_STEPS

    def __init__(self, method, network, X, *, refine, **options):
        self.n_edges = steps_down(network.n_edges, RATIO)
        self._density, self._coarse = 1.0, {}
        # as many densities as will be asked for, each when it is
        densities = iter(lambda: self._density, None)
        self._networks = method.path(network, X, densities, refine=refine, **options)

    def network(self, n_edges):
        """Return the network of so many edges."""
        if n_edges not in self._coarse:
            self._density = n_edges / self.n_edges[0]
            return next(self._networks)
        return self._coarse.pop(n_edges)

    def unfinished(self, step):
        """Return a network after so many steps, which tells about those that follow."""
        n_edges = self.n_edges[step]
        network = self._coarse[n_edges] = self.network(n_edges)
        return network


def n_edges_at(density, n_edges):
    """Whole number of edges at a density: the most that do not exceed it, or one."""
    # a product such as 0.29 * 100 must not lose an edge to rounding
    return max(1, int(density * n_edges * (1 + 1e-12)))
