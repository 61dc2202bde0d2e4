"""Sampling of edges with replacement, reweighted without bias."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from abc import abstractmethod
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from joblib import delayed
from scipy.optimize import brentq

from .._network import Network
from .._parallel import run
from ._base import Method

# Draws in one task.
TASK_SIZE = 100_000


@dataclass(frozen=True, eq=False)
class Coresets:
    """Groups of edges and how each of them is sampled; all layers in flat arrays.

    A group is what shares one sequence of draws: the edges of one sign into a neuron
    (CoreNet), or a whole layer. Of a group that is given `m` draws, every edge `j` gets
    the weight `w_j c_j / (m q_j)`, where `q_j = s_j / S`, `S` is the sum of the
    importances `s` of the group and `c_j` counts the draws of `j`. Fewer draws are a
    prefix of the same sequence, so sparser networks are nested in denser ones.

    Parameters
    ----------
    network : Network
        What is sampled.

    importance : ndarray of shape (n_weights,), float64
        `s`. An edge of importance 0 is never drawn.

    group : ndarray of shape (n_weights,), int
        The group of each edge.

    n_groups : int

    draws_per_edge : int or None
        Most draws of a group, as a multiple of its edges. None: a group that is given
        at least as many draws as it has edges is kept whole instead, which is exact
        and no larger.
    """

    network: Network
    importance: np.ndarray
    group: np.ndarray
    n_groups: int
    draws_per_edge: int | None = None

    @cached_property
    def sums(self):
        """`S` of each group."""
        return np.bincount(self.group, self.importance, self.n_groups)

    @cached_property
    def n_edges(self):
        """Edges that may be drawn, of each group."""
        return np.bincount(self.group[self.importance > 0], minlength=self.n_groups)

    @cached_property
    def probabilities(self):
        """`q` of each edge."""
        sums = self.sums[self.group]
        return np.divide(
            self.importance, sums, out=np.zeros_like(sums), where=self.importance > 0
        )

    @cached_property
    def _drawn_edges(self):
        """Group, and log-probability that a draw is another, of what may be drawn."""
        edges = np.flatnonzero(self.importance)
        # the only edge of its group is never missed, but 0 * inf is not a number
        share = np.minimum(self.probabilities[edges], 1 - 1e-16)
        return self.group[edges], np.log1p(-share)

    def sizes(self, budget):
        """Draws of each group, `ceil(budget S)`."""
        most = (self.draws_per_edge or 1) * self.n_edges
        return np.minimum(np.ceil(budget * self.sums), most).astype(np.intp)

    def whole(self, sizes):
        """Which groups are kept whole."""
        if self.draws_per_edge is None:
            return sizes >= self.n_edges
        return np.zeros(len(sizes), dtype=bool)

    def expected_density(self, sizes):
        """Expected share of the network's edges that are drawn at least once."""
        whole = self.whole(sizes)
        group, log_missed = self._drawn_edges
        n_draws = np.where(whole, 0, sizes).astype(np.float64)
        kept = -np.expm1(n_draws[group] * log_missed).sum()
        return (kept + self.n_edges[whole].sum()) / self.network.n_edges

    def budget_for(self, density, at_most=None):
        """The constant whose *expected* density is the one asked, or the nearest.

        Parameters
        ----------
        density : float

        at_most : float, default=None
            Where the search starts: the constant of a higher density.
        """
        drawn = self.sums > 0
        if not drawn.any():
            return 0.0
        lowest = 1 / self.sums[drawn].max()
        if at_most is None:
            most = 2 * (self.draws_per_edge or 1)
            at_most = most * (self.n_edges / np.where(drawn, self.sums, 1)).max()

        def excess(log_budget):
            return self.expected_density(self.sizes(np.exp(log_budget))) - density

        high = low = np.log(at_most)
        if excess(high) <= 0:
            return at_most
        step = 0.02
        while excess(low) > 0:
            if low <= np.log(lowest):
                return lowest
            low, high, step = max(low - step, np.log(lowest)), low, 2 * step
        return np.exp(brentq(excess, low, high, xtol=1e-5))

    def draw(self, sizes, *, rng, n_jobs=None, n_candidates=1, judge=None):
        """Draw the sequences of all groups.

        Parameters
        ----------
        sizes : ndarray of shape (n_groups,)
            Lengths of the sequences: the most draws that will be asked for.

        rng : numpy.random.Generator
            Every group draws from a seed of its own, spawned from this one's.

        n_jobs : int, default=None

        n_candidates : int, default=1
            Independent sequences of each group.

        judge : callable, default=None
            Picks one of several candidates: called with the edges of the group and
            the candidates as an (length, n_candidates) array of positions in them.

        Returns
        -------
        draws : Draws
        """
        edges = np.flatnonzero(self.importance)
        edges = edges[np.argsort(self.group[edges], kind="stable")]
        members = np.split(edges, np.cumsum(self.n_edges)[:-1])
        seeds = rng.bit_generator.seed_seq.spawn(len(members))
        tasks = np.cumsum(sizes * n_candidates) // TASK_SIZE
        sequences = run(
            (
                delayed(_draw_groups)(
                    [
                        (members[g], self.importance[members[g]], sizes[g], seeds[g])
                        for g in groups
                    ],
                    n_candidates,
                    judge,
                )
                for groups in np.split(
                    np.arange(len(members)), np.flatnonzero(np.diff(tasks)) + 1
                )
            ),
            n_jobs,
        )
        return Draws(
            self,
            edge=np.concatenate([sequence for task in sequences for sequence in task]),
            position=np.concatenate([np.arange(size) for size in sizes]),
            group=np.repeat(np.arange(len(sizes)), sizes),
        )


@dataclass(frozen=True, eq=False)
class Draws:
    """Sequences of draws, one of each group, laid end to end."""

    coresets: Coresets
    edge: np.ndarray
    position: np.ndarray
    group: np.ndarray

    def networks(self, densities):
        """Yield a network for each decreasing density, as far as they differ."""
        budget, previous = None, None
        for density in densities:
            budget = self.coresets.budget_for(density, budget)
            sizes = self.coresets.sizes(budget)
            if previous is None or (sizes != previous).any():
                yield self.network(sizes)
            previous = sizes

    def network(self, sizes):
        """The network that the first `sizes` draws of each group make."""
        coresets = self.coresets
        weights = coresets.network.weights
        drawn = self.edge[self.position < sizes[self.group]]
        counts = np.bincount(drawn, minlength=len(weights))
        scale = counts.astype(np.float64)
        np.divide(
            scale,
            sizes[coresets.group] * coresets.probabilities,
            out=scale,
            where=counts > 0,
        )
        whole = coresets.whole(sizes)[coresets.group]
        scale[whole] = coresets.importance[whole] > 0
        return coresets.network.with_weights((weights * scale).astype(weights.dtype))


def _draw_groups(groups, n_candidates, judge):
    """Draw the sequence of each of several groups by inverting the distribution."""
    sequences = []
    for edges, importance, size, seed in groups:
        rng = np.random.default_rng(seed)
        cumulated = np.cumsum(importance)
        # a candidate a column: a longer sequence begins with the shorter one
        uniform = rng.random((size, n_candidates)) * (cumulated[-1] if size else 0)
        candidates = np.searchsorted(cumulated, uniform, side="right")
        np.minimum(candidates, len(edges) - 1, out=candidates)
        best = judge(edges, candidates) if judge and size else 0
        sequences.append(edges[candidates[:, best]])
    return sequences


class Sampling(Method):
    """Draw edges with replacement, in numbers set by one constant for all groups."""

    @abstractmethod
    def coresets(self, network, X, *, n_jobs=None):
        """Return the `Coresets` of the network."""

    def sparsify(self, network, X, densities, *, rng, n_jobs=None):
        coresets = self.coresets(network, X, n_jobs=n_jobs)
        sizes = coresets.sizes(coresets.budget_for(densities[0]))
        draws = coresets.draw(sizes, rng=rng, n_jobs=n_jobs)
        yield from draws.networks(densities)
