"""What every compression method has."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from abc import ABC, abstractmethod

from .._training import refine as refine_network


class Method(ABC):
    """A way from a network and calibration points to ever sparser networks.

    A new method is a subclass with :meth:`sparsify` and a name in `METHODS`.
    """

    # What `refine=None` and `prune_neurons=None` mean for the method.
    refines = False
    prunes_neurons = False

    # Ratio of neighbouring densities of a path that a network is chosen from. Finer
    # steps bring the share over epsilon closer to delta, and the network smaller.
    step = 0.995

    # The same where each network is refined: then it errs on other rows than the one
    # before, all of which count, and finer steps end with a denser network.
    refined_step = 0.85

    # Why an asked density cannot always be had.
    limits = "A density is a whole number of edges."

    @abstractmethod
    def sparsify(self, network, X, densities, *, rng, n_jobs=None):
        """Yield one network for each of the decreasing `densities`.

        Parameters
        ----------
        network : Network
            With dense weights.

        X : {ndarray, sparse array} of shape (n_samples, n_features)
            Calibration points, of the dtype of the network.

        densities : sequence of float
            Shares of the edges of `network` to keep, decreasing.

        rng : numpy.random.Generator
            Methods that do not draw leave it alone.

        n_jobs : int, default=None
            The result does not depend on it.

        Yields
        ------
        compressed : Network
            With dense weights that are zero at the dropped edges.
        """

    def path(self, network, X, densities, *, refine, error, rng, n_jobs=None):
        """Like `sparsify`, the kept edges reweighted where `refine` is true.

        Parameters
        ----------
        network, X, densities, rng, n_jobs
            As in :meth:`sparsify`. Each network is refined with a generator of its
            own.

        refine : bool

        error : Error
            From `ERRORS`: what refinement keeps small.

        Yields
        ------
        compressed : Network
        """
        for compressed in self.sparsify(network, X, densities, rng=rng, n_jobs=n_jobs):
            if refine:
                (child,) = rng.spawn(1)
                compressed = refine_network(
                    compressed, network, X, error=error, rng=child, n_jobs=n_jobs
                )
            yield compressed


def n_edges_at(density, n_edges):
    """Whole number of edges at a density: the most that do not exceed it, or one."""
    # a product such as 0.29 * 100 must not lose an edge to rounding
    return max(1, int(density * n_edges * (1 + 1e-12)))
