"""The search for a network with few errors and a short code."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass
from math import ceil, inf, log, sqrt
from operator import itemgetter

import numpy as np
from joblib import Parallel, delayed
from scipy import sparse

from ..._network import Network
from ..._parallel import one_blas_thread
from .blocks import tilings
from .short_codes import ShortCodes

# Levels in each direction that are tried, as pairs for the hidden layers and for the
# last layer; the second pair only for the best network.
N_LEVELS = (3, 5), (2, 4)

# The grid of numbers of edges: ratio of neighbours, and points above and below the
# first. PATIENCE: the search ends after this many points in a row without improvement.
EDGE_RATIO = 0.75
N_ABOVE, N_BELOW, PATIENCE = 5, 8, 2

# Sizes of blocks that are tried: the N_TILINGS that come closest to EDGES_PER_BLOCK.
N_TILINGS, EDGES_PER_BLOCK = 3, 7

# New networks of the best kind, the first included.
N_STARTS = 3

# With more features only networks on blocks are tried, if there are blocks.
MOST_FEATURES = 200


@dataclass
class Line:
    """Quantised networks of ever fewer edges from one starting network.

    Parameters
    ----------
    codes : ShortCodes

    n_edges : list of int
        Decreasing.

    rng : numpy.random.Generator

    network : Network, default=None
        With None the descent starts from a new network.
    """

    codes: ShortCodes
    n_edges: list
    rng: np.random.Generator
    network: Network = None

    def __post_init__(self):
        self.first = _first(self.n_edges)
        self._descent = None
        self._children = self.rng.spawn(len(self.n_edges))
        self._settled = {}

    def quantised(self, number, n_levels=N_LEVELS[0]):
        """Return the network for one of the numbers of edges, with some levels."""
        with one_blas_thread:
            if self._descent is None:
                width = ceil(sqrt(self.n_edges[self.first]))
                network = self.network or self.codes.narrow(width, self.rng)
                self._descent = self.codes.descent(network, self.rng)
            rng = self._children[number]
            if number not in self._settled:
                network = self._descent.network(self.n_edges[number])
                self._settled[number] = self.codes.settled(network, rng)
            return self.codes.rounded(self._settled[number], n_levels, rng)

    def other_starts(self):
        """Return lines from other new networks, if this one starts from a new one."""
        if self.network is not None:
            return []
        return [
            Line(self.codes, self.n_edges, rng) for rng in self.rng.spawn(N_STARTS - 1)
        ]


def numbers_of_edges(n_samples):
    """Return decreasing numbers of edges around a good one for `n_samples`."""
    first = n_samples ** (2 / 3) / 2
    return [ceil(first * EDGE_RATIO**i) for i in range(-N_ABOVE, N_BELOW + 1)]


def _first(n_edges):
    """The index of the number of edges that is tried first."""
    return min(N_ABOVE, len(n_edges) - 1)


def lines_of(network, inputs, codes, n_edges, rng):
    """Return the lines to search: from new, narrow networks, and from `network`.

    Neighbouring inputs that are alike share weights. If there are many inputs, networks
    with weights of their own for each would lose to these, and are not tried.

    Parameters
    ----------
    network : Network

    inputs : {ndarray, csr_array} of shape (n_samples, n_features)

    codes : callable
        Called with the rows, as the network sees them, and the blocks that they are
        means of, or None; returns `ShortCodes`.

    n_edges : list of int
        Decreasing.

    rng : numpy.random.Generator
    """
    blocks = [] if sparse.issparse(inputs) else tilings(inputs)
    n_inputs = n_edges[_first(n_edges)] / EDGES_PER_BLOCK
    blocks.sort(key=lambda each: abs(log(each.n_groups / n_inputs)))
    starts = []
    if not blocks or inputs.shape[1] <= MOST_FEATURES:
        own = codes(inputs, None)
        starts = [(own, None), (own, network)]
    starts += [(codes(each.means(inputs), each), None) for each in blocks[:N_TILINGS]]
    return [
        Line(codes, n_edges, child, start)
        for (codes, start), child in zip(starts, rng.spawn(len(starts)))
    ]


def search(lines, measure, cost, *, n_jobs=None):
    """Measure one network of every line, and more networks of the best line.

    If that line starts from a new network, other new networks of its kind are tried
    first.

    Parameters
    ----------
    lines : list of Line

    measure : callable
        Called with a quantised network; returns its bound, infinite if it has none.

    cost : callable
        Called with the numbers of errors and of bits; returns the bound.

    n_jobs : int, default=None
        Lines begun at once. The result does not depend on it.
    """

    def begin(lines):
        lines = Parallel(n_jobs=n_jobs)(map(delayed(_begun), lines))
        found = [(measure(quantised), line, quantised) for line, quantised in lines]
        return min(found, key=itemgetter(0))

    found = begin(lines)
    _, line, _ = found
    if others := line.other_starts():
        found = min(found, begin(others), key=itemgetter(0))
    bound, line, best = found
    number = line.first
    for step in (1, -1):
        at, n_misses = line.first, 0
        while n_misses < PATIENCE and 0 <= at + step < len(line.n_edges):
            at += step
            other = line.quantised(at)
            n_misses += 1
            if (lower := measure(other)) < bound:
                bound, best, number, n_misses = lower, other, at, 0
        if number != line.first:
            break
    for n_levels in N_LEVELS[1:]:
        other = line.quantised(number, n_levels)
        if (lower := measure(other)) < bound:
            bound, best = lower, other
    if bound < inf:
        with one_blas_thread:
            for better in line.codes.improve(best, cost):
                measure(better)


def _begun(line):
    return line, line.quantised(line.first)
