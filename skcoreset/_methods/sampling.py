"""Sampling of edges with replacement, reweighted without bias."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from abc import abstractmethod
from bisect import bisect_left
from dataclasses import dataclass
from functools import cached_property
from math import ceil

import numpy as np
from joblib import delayed
from scipy.optimize import brentq

from .._network import Network
from .._parallel import one_blas_thread, run
from .base import Family, Method

# Between constants, as a logarithm, that the one for a density is looked for.
BRACKET = 0.25

# Edges in one task, which has a seed of its own: not to be tuned to a machine.
TASK_SIZE = 16_384


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

    def sizes_at(self, density):
        """Draws of each group for an expected density."""
        return self.sizes(self.budget_for(density))

    def whole(self, sizes):
        """Which groups are kept whole."""
        if self.draws_per_edge is None:
            return sizes >= self.n_edges
        return np.zeros(len(sizes), dtype=bool)

    def expected_density(self, sizes):
        """Expected share of the network's edges that are drawn at least once."""
        return self.chances(sizes).sum() / self.network.n_edges

    def chances(self, sizes):
        """Probability that each of the edges that may be drawn is."""
        group, log_missed = self._drawn_edges
        chances = -np.expm1(sizes.astype(np.float64)[group] * log_missed)
        chances[self.whole(sizes)[group]] = 1
        return chances

    def budget_for(self, density):
        """The constant whose *expected* density is the one asked, or the nearest."""
        drawn = self.sums > 0
        if not drawn.any():
            return 0.0
        # Brackets that do not depend on what was asked before: nor does the result.
        # rounding must not make two draws of the fewest, one for each group
        lowest = (1 - 1e-12) / self.sums[drawn].max()
        most = 2 * (self.draws_per_edge or 1)
        highest = most * (self.n_edges / np.where(drawn, self.sums, 1)).max()
        n_brackets = ceil(np.log(highest / lowest) / BRACKET)
        ends = np.linspace(np.log(highest), np.log(lowest), n_brackets + 1)

        def expected(log_budget):
            if log_budget not in self._expected:
                sizes = self.sizes(np.exp(log_budget))
                self._expected[log_budget] = self.expected_density(sizes)
            return self._expected[log_budget]

        i = bisect_left(ends, -density, key=lambda end: -expected(end))
        if i == 0 or i == len(ends):
            return np.exp(ends[min(i, n_brackets)])
        return np.exp(
            brentq(lambda end: expected(end) - density, ends[i], ends[i - 1], xtol=1e-5)
        )

    @cached_property
    def _expected(self):
        """Expected densities that were computed, by the logarithm of the constant."""
        return {}

    def reweighted(self, factors):
        """The network whose edges are multiplied by factors, 0 where not drawn."""
        weights = self.network.weights
        return self.network.with_weights((weights * factors).astype(weights.dtype))

    def draw(self, sizes, *, rng, n_jobs=None, n_candidates=1, best_of=None):
        """Draw the sequences of all groups.

        Parameters
        ----------
        sizes : ndarray of shape (n_groups,)
            Lengths of the sequences: the most draws that will be asked for.

        rng : numpy.random.Generator
            Groups draw, a few together, from seeds spawned from this one's.

        n_jobs : int, default=None

        n_candidates : int, default=1
            Independent sequences of each group.

        best_of : callable, default=None
            Returns the number of the best candidate. Called with the number of the
            group, its edges, their probabilities, and the candidates as an (length,
            n_candidates) array of positions in the edges.

        Returns
        -------
        draws : Draws
        """
        edges = np.flatnonzero(self.importance)
        edges = edges[np.argsort(self.group[edges], kind="stable")]
        importance, ends = self.importance[edges], np.cumsum(self.n_edges)
        tasks = np.flatnonzero(np.diff(ends // TASK_SIZE, append=-1)) + 1
        seeds = rng.bit_generator.seed_seq.spawn(len(tasks))
        calls, start = [], 0
        for first, last, seed in zip([0, *tasks], tasks, seeds):
            members = slice(start, ends[last - 1])
            calls.append(
                delayed(_draw_groups)(
                    range(first, last),
                    edges[members],
                    importance[members],
                    self.n_edges[first:last],
                    sizes[first:last],
                    n_candidates,
                    best_of,
                    seed,
                )
            )
            start = members.stop
        sequences = run(calls, n_jobs)
        return Draws(
            self,
            edge=np.concatenate(sequences),
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

    def network(self, sizes):
        """The network that the first `sizes` draws of each group make."""
        coresets = self.coresets
        drawn = self.edge[self.position < sizes[self.group]]
        counts = np.bincount(drawn, minlength=len(coresets.importance))
        scale = counts.astype(np.float64)
        np.divide(
            scale,
            sizes[coresets.group] * coresets.probabilities,
            out=scale,
            where=counts > 0,
        )
        whole = coresets.whole(sizes)[coresets.group]
        scale[whole] = coresets.importance[whole] > 0
        return coresets.reweighted(scale)


@one_blas_thread
def _draw_groups(
    groups, edges, importance, n_edges, sizes, n_candidates, best_of, seed
):
    """Draw the sequences of some groups by inverting their distributions."""
    rng = np.random.default_rng(seed)
    last = np.cumsum(n_edges)
    first = last - n_edges
    cumulated = np.concatenate([[0], np.cumsum(importance)])
    low, high = cumulated[first][:, np.newaxis], cumulated[last][:, np.newaxis]
    # a row a draw: a longer sequence begins with the shorter one
    draws = rng.random((sizes.max(), len(sizes), n_candidates))
    draws *= high - low
    draws += low
    draws = np.searchsorted(cumulated[1:], draws, side="right")
    # rounding may lead to a neighbouring group
    np.clip(draws, first[:, np.newaxis], last[:, np.newaxis] - 1, out=draws)
    best = np.zeros(len(sizes), dtype=np.intp)
    if best_of:
        for g in np.flatnonzero(sizes):
            members = slice(first[g], last[g])
            probabilities = importance[members] / importance[members].sum()
            candidates = draws[: sizes[g], g] - first[g]
            best[g] = best_of(groups[g], edges[members], probabilities, candidates)
    draws = draws[:, np.arange(len(sizes)), best].T
    return edges[draws[np.arange(draws.shape[1]) < sizes[:, np.newaxis]]]


class Sampling(Method):
    """Draw edges with replacement, in numbers set by one constant for all groups."""

    @abstractmethod
    def coresets(self, network, X, *, n_jobs=None):
        """Return the `Coresets` of the network."""

    def untrained(self, network, calibration, plan):
        coresets = self.coresets(network, calibration.X, n_jobs=plan.n_jobs)
        sizes = coresets.sizes_at(plan.density or 1.0)
        draws = coresets.draw(sizes, rng=calibration.rng, n_jobs=plan.n_jobs)
        return DrawnFamily(draws)


class DrawnFamily(Family):
    """Networks that prefixes of the same draws make.

    Parameters
    ----------
    draws : Draws
    """

    def __init__(self, draws):
        super().__init__(draws.coresets.network)
        self._draws = draws

    def at(self, n_edges):
        sizes = self._draws.coresets.sizes_at(n_edges / self.steps[0])
        return self._draws.network(sizes)
