"""Judge: the held-out rows, and what they say of each network of a path."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass, replace
from math import inf

import numpy as np

from .._network import Network
from .._parallel import serial_map
from .certificate import Certificate
from .digest import digest_of_network
from .document import plain
from .provenance import Provenance, packed
from .rules import smallest_delta
from .target import check_n_rows

# Quantiles of the error that a certificate and a path report.
QUANTILES = (0.5, 0.9, 0.99)


class HeldOutRows:
    """Which held-out rows count together, and what their errors allow.

    Parameters
    ----------
    groups : ndarray of int of shape (n_samples,)
        Class that the original predicts, if each class is counted by itself; else 0.

    classes : sequence, default=()
        Names of the groups.
    """

    def __init__(self, groups, classes=()):
        self.groups = groups
        self.classes = [plain(name) for name in classes]
        self.n_samples = len(groups)
        self.sizes = np.bincount(groups, minlength=max(1, len(classes)))

    def check_sizes(self, target):
        """Refuse too few rows, of all or of a class, to promise anything."""
        if not len(self.classes):
            check_n_rows(target, self.n_samples, "there are")
            return
        needed = target.rule.n_needed
        short = [
            f"{name} ({size}, {needed - size} missing)"
            for name, size in zip(self.classes, self.sizes)
            if 0 < size < needed
        ]
        if short:
            raise ValueError(
                f"error={target.error!r} at delta={target.delta!r} needs {needed} "
                "held-out rows of every class that the original predicts. Too few "
                f"have: {', '.join(short)}. Give more held-out rows or a larger delta."
            )

    def counts(self, lost):
        """Numbers of lost rows and of rows, of each group that has rows."""
        covered = self.sizes > 0
        n_lost = np.bincount(self.groups[lost], minlength=len(self.sizes))
        return n_lost[covered], self.sizes[covered]

    def statistic(self, lost, rule):
        """The largest statistic of a group."""
        return float(np.max(rule.statistic(*self.counts(lost))))

    def completed(self, target, errors):
        """Return the target with the smallest epsilon or delta in place of None."""
        if target.delta is None:
            counts = self.counts(target.lost(errors))
            deltas = smallest_delta(*counts, target.confidence)
            return replace(target, delta=float(deltas.max()))
        if target.epsilon is None and not target.kind.counts_rows:
            # with too few rows not even the largest error will do
            n_most = target.rule.most_allowed(self.n_samples)
            epsilon = np.append(np.sort(errors), inf)[self.n_samples - 1 - n_most]
            return replace(target, epsilon=float(epsilon))
        return target

    def certificate(
        self, errors, target, *, guarantee=None, statistic=None, promises=True, **about
    ):
        """Return what is promised with these errors of the rows.

        Parameters
        ----------
        errors : ndarray of shape (n_samples,)

        target : Target

        guarantee : str, default=None
            None is that of the target's rule.

        statistic : float, default=None
            None is that of these errors.

        promises : bool, default=True
            Whether a statistic within its limit makes a promise.

        **about
            `scale`, `out_activation`, `n_outputs`, `n_networks` and `provenance` of a
            :class:`Certificate`.
        """
        lost = target.lost(errors)
        if statistic is None:
            statistic = self.statistic(lost, target.rule)
        # bounds that hold together are compared with delta itself
        together = guarantee == "simultaneous"
        limit = target.delta if together else target.rule.limit
        by_class, not_covered = {}, ()
        if target.kind.by_class:
            covered = [name for name, n in zip(self.classes, self.sizes) if n]
            not_covered = [name for name, n in zip(self.classes, self.sizes) if not n]
            n_lost, n_rows = self.counts(lost)
            by_class = dict(zip(covered, (n_lost / n_rows).tolist()))
        return Certificate(
            epsilon=0.0 if target.kind.counts_rows else target.epsilon,
            delta=target.delta,
            guarantee=guarantee or target.rule.guarantee,
            error=target.error,
            holds=bool(promises and statistic <= limit),
            confidence=target.confidence,
            n_validation=self.n_samples,
            quantiles=quantiles(errors),
            share_over_epsilon=float(lost.mean()),
            statistic=statistic,
            limit=limit,
            share_by_class=by_class,
            not_covered=tuple(not_covered),
            **about,
        )


@dataclass(frozen=True, eq=False)
class Verdict:
    """What the held-out rows say of one network.

    Attributes
    ----------
    network : Network

    errors : ndarray of shape (n_samples,)

    lost : ndarray of bool of shape (n_samples,)
        Rows whose error is over epsilon.

    statistic : float
        The number that decides, of this network and the one before it.

    passes : bool

    number : int
        Networks that were judged before.

    before : Network or None
        The network before this one on the path, if the rows that it loses count, too.

    lost_before : ndarray of bool of shape (n_samples,), or None
        These rows.
    """

    network: Network
    errors: np.ndarray
    lost: np.ndarray
    statistic: float
    passes: bool
    number: int
    before: Network | None = None
    lost_before: np.ndarray | None = None


class Judge:
    """Judges the networks of a path by the held-out rows, in their order.

    Parameters
    ----------
    network : Network
        The original.

    X : {ndarray, sparse array} of shape (n_samples, n_features)
        Calibration rows: errors may be measured in units that they determine.

    X_val : {ndarray, sparse array} of shape (n_val, n_features)
        Held-out rows.

    plan : Plan

    thread_map : callable, default=serial_map
        From `threads`. The result does not depend on it.
    """

    def __init__(self, network, X, X_val, plan, thread_map=serial_map):
        self.network, self.X_val = network, X_val
        self.plan, self.target, self.verbose = plan, plan.target, plan.verbose
        self.thread_map = thread_map
        self.scale = plan.error.scale_of(network, X)
        self.F = network.forward(X_val, thread_map=thread_map)
        # numbers stand for classes without names
        self.classes = plan.classes
        if self.classes is None:
            self.classes = range(max(2, network.widths[-1]))
        if plan.error.by_class:
            groups = network.labels(self.F)[:, 0].astype(np.intp)
            self.rows = HeldOutRows(groups, self.classes)
        else:
            self.rows = HeldOutRows(np.zeros(len(self.F), dtype=np.intp))
        self._points = []

    def original(self):
        """Return the verdict on the original; refuse too few rows for any promise."""
        self.rows.check_sizes(self.target)
        return self(self.network)

    def __call__(self, network, *, after=None):
        """Return the verdict on a network.

        Parameters
        ----------
        network : Network

        after : Verdict, default=None
            On the network before it on the path.

        Returns
        -------
        verdict : Verdict
        """
        return self._verdict(network, self.errors(network), after)

    def _verdict(self, network, errors, after=None):
        rule, lost = self.target.rule, self.target.lost(errors)
        counted = lost if after is None else rule.counted(lost, after.lost)
        statistic = self.rows.statistic(counted, rule)
        passes = statistic <= rule.limit
        number = len(self._points)
        self._points.append(
            _point(network, self.network)
            | {_key(q): value for q, value in quantiles(errors).items()}
            | {"share_over_epsilon": lost.mean(), "statistic": statistic}
        )
        if self.verbose:
            differ = "change" if self.target.kind.counts_rows else "over epsilon"
            print(
                f"[skcoreset] density {self._points[-1]['density']:.4f}: "
                f"{lost.mean():.2%} of {self.rows.n_samples} held-out rows {differ}"
            )
        verdict = Verdict(network, errors, lost, statistic, passes, number)
        # some rules count what this network loses, and nothing else
        if after is None or counted is lost:
            return verdict
        return replace(verdict, before=after.network, lost_before=after.lost)

    def errors(self, network):
        """Error of every held-out row."""
        F_hat = network.forward(self.X_val, thread_map=self.thread_map)
        kind = self.target.kind
        errors = kind.measure(F_hat, self.F, self.network.out_activation, self.scale)
        # no prediction is made from such an output
        errors[~np.isfinite(F_hat).all(axis=1)] = 1 if kind.counts_rows else inf
        return errors

    def certificate(self, chosen):
        """Return what is promised of the network that was chosen on the path."""
        return self._certificate(chosen, statistic=chosen.statistic)

    def measured(self, network):
        """Return verdict and certificate of a network that was not chosen by its error.

        Whatever it is, the smallest epsilon or delta that the rows allow is promised.
        """
        errors, target, promises = self.errors(network), self.target, True
        if not target.kind.counts_rows:
            target = replace(target, epsilon=None)
        elif target.confidence is not None:
            target = replace(target, delta=None)
        else:
            # one network, and nothing to choose: no share can be promised
            promises = False
        # Whether anything is promised depends on the number of rows alone: a promise
        # made only where these rows allow it would be kept less often.
        self.target = self.rows.completed(target, errors)
        self(self.network)
        verdict = self._verdict(network, errors)
        return verdict, self._certificate(verdict, promises=promises)

    def _certificate(self, verdict, **options):
        before = {}
        if verdict.before is not None:
            before["before"] = digest_of_network(verdict.before)
            before["lost_before"] = packed(verdict.lost_before)
        return self.rows.certificate(
            verdict.errors,
            self.target,
            scale=None if self.scale is None else tuple(self.scale.tolist()),
            out_activation=self.network.out_activation,
            n_outputs=self.network.widths[-1],
            provenance=Provenance(
                digest_of_network(self.network),
                digest_of_network(verdict.network),
                **before,
            ),
            **options,
        )

    def path(self, chosen):
        """Return what was seen of each network, as arrays; one of them was chosen."""
        return _as_arrays(self._points, chosen.number)


def unjudged_path(network, compressed):
    """The path of a network that no held-out rows have judged."""
    return _as_arrays([_point(each, network) for each in (network, compressed)], 1)


def _point(compressed, network):
    """A network of a path, before it is seen on any rows."""
    unknown = [*map(_key, QUANTILES), "share_over_epsilon", "statistic"]
    density = compressed.n_edges / network.n_edges
    return {"density": density} | dict.fromkeys(unknown, np.nan)


def _as_arrays(points, chosen):
    path = {key: np.array([point[key] for point in points]) for key in points[0]}
    path["chosen"] = np.arange(len(points)) == chosen
    return path


def _key(q):
    """Name of a quantile in a path."""
    return f"error_q{100 * q:g}"


def quantiles(errors):
    """Return quantiles that are values themselves, as some may be infinite."""
    values = np.quantile(errors, QUANTILES, method="higher")
    return dict(zip(QUANTILES, values.tolist()))
