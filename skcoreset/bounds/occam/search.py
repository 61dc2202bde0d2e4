"""The search for a network with few errors and a short code."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass
from math import ceil, inf, log, sqrt
from operator import itemgetter

import numpy as np
from joblib import Parallel, delayed
from scipy import sparse

from ..._codec.blocks import tilings
from ..._network import Network
from ..._parallel import one_blas_thread
from .short_codes import ShortCodes

# Levels of weights in either direction, of hidden layers and of the last one, that are
# tried; the first of them everywhere.
N_LEVELS = (3, 5), (2, 4)

# Ratio of neighbouring numbers of edges, how many there are above and below the first
# that is looked at, and how many in turn have to be no better for the search to end.
EDGE_RATIO = 0.75
N_ABOVE, N_BELOW, PATIENCE = 5, 8, 2

# Of inputs that are cut into blocks, so many sizes of blocks are tried: those with a
# number of blocks the nearest to so many edges for each.
N_TILINGS, EDGES_PER_BLOCK = 3, 7

# New networks of the kind that was best.
N_STARTS = 3

# With more features than that, blocks of them only, where neighbours are alike.
MOST_FEATURES = 200


@dataclass
class Line:
    """Quantised networks of ever fewer edges, from one start.

    Parameters
    ----------
    codes : ShortCodes

    n_edges : list of int
        Decreasing.

    rng : numpy.random.Generator

    network : Network, default=None
        None is a new one.
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
        """Return the network of one of the numbers of edges, with so many levels."""
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
        """The same from other new networks, where this one is new."""
        if self.network is not None:
            return []
        return [
            Line(self.codes, self.n_edges, rng) for rng in self.rng.spawn(N_STARTS - 1)
        ]


def numbers_of_edges(n_samples):
    """Decreasing numbers of edges around what is a good one for so many rows."""
    first = n_samples ** (2 / 3) / 2
    return [ceil(first * EDGE_RATIO**i) for i in range(-N_ABOVE, N_BELOW + 1)]


def _first(n_edges):
    """Which of the numbers is looked at first."""
    return min(N_ABOVE, len(n_edges) - 1)


def lines_of(network, inputs, codes, n_edges, rng):
    """Where to start from: new networks that are narrow, and the network itself.

    Neighbouring inputs that are alike get common weights. Where there are many, a
    network that has weights for each of them would lose to that, and is not tried.

    Parameters
    ----------
    network : Network

    inputs : {ndarray, csr_array} of shape (n_samples, n_features)

    codes : callable
        Of the rows, as the network is to see them, and the blocks that they are means
        of, or None; returns `ShortCodes`.

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
    """Look at a network of every line, and at more of the line where it was best.

    Where that starts from a new network, some more of its kind are begun first.

    Parameters
    ----------
    lines : list of Line

    measure : callable
        Of a quantised network; returns its bound, infinite where there is none.

    cost : callable
        Of the number of errors and of bits; returns the value of the bound.

    n_jobs : int, default=None
        Of joblib.
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
