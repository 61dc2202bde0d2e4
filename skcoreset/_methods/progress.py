"""Progress: how far a descent is, and how long it will still take."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from time import perf_counter

# What a pass takes beside the edges that are left, as a share of all edges.
OVERHEAD = 0.2


class Progress:
    """Prints a line after every step of a descent.

    A step is taken to last in proportion to its passes and the edges that are left.

    Parameters
    ----------
    n_edges : int
        Of the original.

    steps : list of (int, float)
        Edges that are left after each step, and passes over the rows that follow.

    bound : str, default="about"
        What the remaining time is called.

    clock : callable, default=perf_counter
    """

    def __init__(self, n_edges, steps, *, bound="about", clock=perf_counter):
        self._n_all, self._bound, self._clock = n_edges, bound, clock
        self._left = [n_left for n_left, _ in steps]
        self._work = [
            n_passes * (n_left + OVERHEAD * n_edges) for n_left, n_passes in steps
        ]
        self._start = clock()

    def __call__(self, n_left):
        """Say that the step which leaves a number of edges was made."""
        step = sum(left >= n_left for left in self._left)
        done = sum(self._work[:step])
        remaining = (self._clock() - self._start) * (sum(self._work) / done - 1)
        print(
            f"[skcoreset] step {step} of {len(self._left)}: "
            f"{n_left / self._n_all:.2%} of the edges, {self._bound} "
            f"{remaining:.0f} s left"
        )
