"""Advice: what is expected to help if no network of a path can be promised.

It comes from calibration rows that are set apart for it, with the options in hand. It
never looks at the held-out rows: whoever followed it would have picked a promise on
them.
"""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings
from dataclasses import replace
from math import ceil, floor, log10

import numpy as np

from .._methods import METHODS
from .._methods.calibration import Pilot
from .judge import HeldOutRows
from .target import Target

# Methods that are tried, and at which densities.
RIVALS = "refined", "magnitude", "sipp"
DENSITIES = 0.8, 0.5, 0.2

# Calibration rows that are used at most, and the share of them that is set apart.
N_ROWS, SHARE = 10_000, 0.25

# An epsilon or a delta more than this many times the one in hand is no advice.
FAR = 20

# Confidence with which the rows set apart must let a network pass. Held-out rows then
# do in about 9 of 10 draws.
CONFIDENCE = 0.95


def warn_of_no_promise(network, X, plan, finishing, thread_map):
    """Say that the network is left as it was, and what is expected to pass.

    Parameters
    ----------
    network : Network

    X : {ndarray, csr_array} of shape (n_samples, n_features)
        Calibration rows.

    plan : Plan

    finishing : callable
        Called with network, rows, plan and thread_map; returns what finishes networks.

    thread_map : callable
    """
    target = plan.target
    within = "" if target.kind.counts_rows else f" within epsilon={target.epsilon!r}"
    unrounded = "" if plan.bits is None else f" and not rounded to bits={plan.bits}"
    advice = Advice(network, X, plan, finishing, thread_map).words()
    warnings.warn(
        f"No network of method={plan.method_name!r} keeps error={target.error!r}"
        f"{within} at delta={target.delta!r}: the network is left uncompressed"
        f"{unrounded}. {advice}",
        UserWarning,
    )


class Advice:
    """Networks that were made without some calibration rows, and judged by these.

    Parameters
    ----------
    network, X, plan, finishing, thread_map
        As in :func:`warn_of_no_promise`.
    """

    def __init__(self, network, X, plan, finishing, thread_map):
        self.network, self.plan = network, plan
        self._finishing, self._map = finishing, thread_map
        order = plan.new_rng().permutation(X.shape[0])[:N_ROWS]
        n_apart = int(SHARE * len(order))
        self._X, apart = X[np.sort(order[n_apart:])], X[np.sort(order[:n_apart])]
        groups, classes = np.zeros(n_apart, dtype=np.intp), ()
        if plan.error.by_class:
            groups = network.labels(network.forward(apart))[:, 0].astype(np.intp)
            classes = range(max(2, network.widths[-1]))
        self.rows = HeldOutRows(groups, classes)
        scale = plan.error.scale_of(network, X)
        self._pilot = Pilot(network, apart, groups, plan.error, scale)
        self.target = replace(plan.target, confidence=CONFIDENCE)

    def words(self):
        """Return the advice."""
        if self.network.n_edges < 2:
            return "It has no edge to spare."
        n_rows = self.rows.n_samples
        sizes = self.rows.sizes
        if sizes[sizes > 0].min(initial=n_rows) < self.target.rule.n_needed:
            larger = "" if self.target.kind.counts_rows else "epsilon or "
            few = "have too few of some class" if self.target.kind.by_class else ""
            return (
                f"A larger {larger}delta keeps less. {self._X.shape[0] + n_rows} rows "
                f"to calibrate on {few or 'are too few'} to say what would pass."
            )
        densest = DENSITIES[1] if self.plan.refine else DENSITIES[0]
        errors = self._errors(self.plan, densest)
        found = [
            self._other_bits(densest),
            self._other_target(errors),
            self._other_method(),
        ]
        found = "; ".join(filter(None, found))
        return (
            f"On {n_rows} calibration rows set apart for this advice, a network with "
            f"about {densest:.0%} of the edges loses {self._n_lost(errors)}. "
            + (
                f"Expected to pass: {found}."
                if found
                else "Nothing that was tried is expected to pass."
            )
            + " Use other held-out rows, as these have been looked at."
        )

    def _errors(self, plan, density):
        """Errors, on the rows set apart, of the step of a path nearest to a density."""
        plan = replace(plan, memory=None)
        family = plan.method.open(self.network, self._X, plan, self._map)
        finish = self._finishing(self.network, self._X, plan, self._map)
        wanted = density * self.network.n_edges
        n_edges = min(family.steps, key=lambda left: abs(left - wanted))
        return self._pilot.errors(finish(family.at(n_edges)))

    def _n_lost(self, errors):
        """How many rows are lost; if each class counts, of the worst class."""
        n_lost, n_rows = self.rows.counts(self.target.lost(errors))
        if not self.target.kind.by_class:
            return f"{n_lost[0]}"
        worst = self.target.rule.statistic(n_lost, n_rows).argmax()
        return f"{n_lost[worst]} of the {n_rows[worst]} rows of one class"

    def _passes(self, errors):
        rule = self.target.rule
        return self.rows.statistic(self.target.lost(errors), rule) <= rule.limit

    def _other_bits(self, density):
        bits = self.plan.bits
        if bits is None:
            return None
        for more in range(bits + 1, 9):
            if self._passes(self._errors(replace(self.plan, bits=more), density)):
                return f"bits={more}, at {density:.0%} of the edges"
        return None

    def _other_target(self, errors):
        """The smallest epsilon or delta, rounded up to the digits shown, if not far."""
        if self._passes(errors):
            return "the same target, with more held-out rows"
        if self.target.kind.counts_rows:
            name, smallest = "delta", Target(self.target.error, None, None, CONFIDENCE)
        else:
            name, smallest = "epsilon", replace(self.target, epsilon=None)
        value = getattr(self.rows.completed(smallest, errors), name)
        if value > FAR * getattr(self.target, name):
            return None
        unit = 10.0 ** (floor(log10(value)) - 1)
        value = ceil(value / unit) * unit
        says_nothing = name == "epsilon" and value >= self.target.kind.largest
        return None if says_nothing else f"{name}={value:.2g}"

    def _other_method(self):
        reached = {}
        for name in RIVALS:
            if name != self.plan.method_name:
                plan = replace(
                    self.plan,
                    method_name=name,
                    refine=METHODS[name].refines,
                    prune_neurons=METHODS[name].prunes_neurons,
                )
                passing = [d for d in DENSITIES if self._passes(self._errors(plan, d))]
                reached[name] = min(passing, default=1)
        best = min(reached, key=reached.get)
        if reached[best] < 1:
            return f"method={best!r}, with about {reached[best]:.0%} of the edges"
        return None


def warn_of_density(network, compressed, plan):
    """Say if a method could not keep the share of edges that was asked for."""
    density, method = plan.density, plan.method
    reasons = method.limits
    if plan.prune_neurons:
        reasons += " Neurons that are removed take their edges with them."
    piece = method.largest_piece(network) / network.n_edges
    kept = compressed.n_edges / network.n_edges
    sampling_error = np.sqrt(density * (1 - density) * piece)
    if abs(kept - density) > 5 * sampling_error + piece + 0.02 * density:
        warnings.warn(
            f"density={density!r} cannot be had from method={plan.method_name!r} on "
            f"this network and these rows; {kept:.4g} was kept. {reasons}",
            UserWarning,
        )
