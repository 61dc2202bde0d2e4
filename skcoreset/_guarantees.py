"""Guarantees: what is promised of a compressed network, and how it is chosen."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from itertools import chain
from math import ceil, log, log1p

import numpy as np
from scipy.stats import beta, binom

from ._errors import ERRORS
from ._parallel import serial_map
from ._path import networks_of_path

# Quantiles of the error that a certificate and a path report.
QUANTILES = (0.5, 0.9, 0.99)


@dataclass(frozen=True)
class Target:
    """What is asked of a compressed network.

    Parameters
    ----------
    error : str
        A name in `ERRORS`.

    epsilon : float, default=0.1
        Largest error of a row that keeps the promise.

    delta : float, default=0.1
        Share of rows that need not keep it.

    confidence : float, default=None
        Of the promise for one network; None is the promise on average.

    density : float, default=None
        Share of the edges to keep. Then neither `epsilon` nor `delta` is targeted.
    """

    error: str
    epsilon: float = 0.1
    delta: float = 0.1
    confidence: float | None = None
    density: float | None = None

    @property
    def bound(self):
        """Error of which a row that is over it is lost."""
        return 0.0 if ERRORS[self.error].counts_rows else self.epsilon

    @property
    def rule(self):
        """When so many lost rows of so many are few enough."""
        if self.confidence is None:
            return OnAverage(self.delta)
        return WithConfidence(self.delta, self.confidence)


@dataclass(frozen=True)
class OnAverage:
    """Conformal risk control (Angelopoulos et al. 2022): THEORY's condition (3).

    The promise is for a fresh row and the held-out rows together.
    """

    delta: float

    # A row counts once it was lost anywhere along the path.
    remembers = True
    procedure = "conformal risk control"

    @property
    def limit(self):
        """What the statistic may be at the most."""
        return self.delta

    def statistic(self, n_lost, n_rows):
        """Return the number that is compared with the limit."""
        return (n_lost + 1) / (n_rows + 1)

    def allows(self, n_lost, n_rows):
        """Tell whether so many of the held-out rows may be lost."""
        return self.statistic(n_lost, n_rows) <= self.limit

    @property
    def n_needed(self):
        """Fewest rows on which anything can be promised."""
        needed = ceil(1 / max(self.delta, np.finfo(float).tiny) - 1 - 1e-9)
        return needed + int(not self.allows(0, needed))

    def most_allowed(self, n_rows):
        """Most rows that may be lost; -1 where there are too few to promise at all."""
        counts = np.arange(n_rows)
        return int(self.allows(counts, n_rows).sum()) - 1


@dataclass(frozen=True)
class WithConfidence(OnAverage):
    """Exact binomial test of the share of lost rows, of one network.

    Networks of a path are tested in their order until one fails: fixed-sequence testing
    (Learn then Test, Angelopoulos et al. 2021).
    """

    confidence: float = 0.95

    remembers = False
    procedure = "exact binomial test"

    @property
    def limit(self):
        """Return the level of the test."""
        return 1 - self.confidence

    def statistic(self, n_lost, n_rows):
        """Return the p-value: the chance of so few if the share lost were delta."""
        return binom.cdf(n_lost, n_rows, self.delta)

    @property
    def n_needed(self):
        """Fewest rows on which anything can be promised."""
        needed = ceil(log(self.limit) / log1p(-self.delta) - 1e-9)
        return needed + int(not self.allows(0, needed))

    def smallest_delta(self, n_lost, n_rows):
        """Return the smallest delta that passes (Clopper and Pearson 1934)."""
        return np.where(
            n_lost < n_rows,
            beta.ppf(self.confidence, n_lost + 1, np.maximum(n_rows - n_lost, 1)),
            1.0,
        )


@dataclass(frozen=True)
class Certificate:
    """What is promised of a compressed network, and what it rests on.

    A row is *kept* where ``error(f_hat(x), f(x)) <= epsilon``. A fresh row is kept with
    probability at least ``1 - delta``. Without a `confidence` that is true on average
    over draws of the held-out rows; with one it is true of this network, with that
    confidence over the draw of the held-out rows. Print it to read it.

    Attributes
    ----------
    epsilon : float
        Bound of the error. Where none was targeted, the smallest that the held-out rows
        allow at `delta`, which may be infinite. 0 where the error counts rows.

    delta : float
        Share of rows that need not be kept. Where none was targeted, the smallest that
        the held-out rows allow.

    guarantee : {"conformal", "theoretical", "test"} or None
        "test" is that of :func:`~skcoreset.certify`. None where the network was changed
        after it was certified.

    error : str
        Which error.

    holds : bool
        Whether the promise is made.

    confidence : float or None

    n_validation : int
        Held-out rows.

    quantiles : dict of float to float
        Quantiles of the error on the held-out rows; empty without such rows.

    share_over_epsilon : float
        Share of the held-out rows that are not kept.

    statistic : float
        The number that was compared with `limit`. It is no bound on anything once the
        network was chosen by it. Without a confidence `(n_lost + 1) / (n + 1)`, where a
        row is lost if any network of the path up to the chosen one did not keep it;
        with one, the p-value of the binomial test. Where classes count by themselves,
        the largest of theirs.

    limit : float
        `delta`, or `1 - confidence`.

    scale : ndarray of shape (n_outputs,) or None
        Standard deviation of each of the original's outputs on the calibration rows,
        where the error is measured in it.

    share_by_class : dict of object to float
        Of each class that the original predicts, the share of its held-out rows that
        changed, where classes count by themselves.

    not_covered : tuple
        Classes that the original predicts for none of the held-out rows: nothing is
        promised of them.
    """

    epsilon: float
    delta: float
    guarantee: str
    error: str
    holds: bool
    confidence: float | None = None
    n_validation: int = 0
    quantiles: dict = field(default_factory=dict)
    share_over_epsilon: float = np.nan
    statistic: float = np.nan
    limit: float = np.nan
    scale: np.ndarray | None = None
    share_by_class: dict = field(default_factory=dict)
    not_covered: tuple = ()

    def revoked(self):
        """Return the certificate of a network that was changed since."""
        return replace(self, guarantee=None, holds=False)

    def __str__(self):
        if self.guarantee is None:
            return (
                "No promise: the network was trained further with labels and no longer "
                "follows the original. skcoreset.certify makes one from fresh rows."
            )
        kept = ERRORS[self.error].kept.format(epsilon=self.epsilon)
        share = f"{self.delta:.4g}"
        if self.guarantee == "theoretical":
            return (
                "By the theorem of CoreNet and under its assumptions, with probability "
                f"at least 1 - {share} over the calibration rows, the draws of edges "
                f"and a fresh row: {kept}. No rows were held out."
            )
        measured = (
            f"Of the {self.n_validation} held-out rows {self.share_over_epsilon:.2%} "
            "are not kept"
        )
        if not self.holds:
            return f"No promise. A row is kept where {kept}. {measured}."
        within = " of each class that the original predicts" * bool(self.share_by_class)
        if self.confidence is None:
            promise = (
                f"On average over draws of the held-out rows, a fresh row{within} is "
                f"kept with probability at least 1 - {share}"
            )
        else:
            promise = (
                f"With confidence {self.confidence:.4g} over the draw of the held-out "
                f"rows, at most a share {share} of fresh rows{within} is not kept by "
                "this network"
            )
        sentence = (
            f"{promise}. A row is kept where {kept}. {measured} "
            f"({_PROCEDURES[self.confidence is None]}: {self.statistic:.4g} is at most "
            f"{self.limit:.4g})."
        )
        if self.not_covered:
            sentence += (
                " Nothing is promised of classes that the original predicts for no "
                f"held-out row: {', '.join(map(str, self.not_covered))}."
            )
        return sentence


_PROCEDURES = {True: OnAverage.procedure, False: WithConfidence.procedure}


class HeldOutRows:
    """Which rows count together, and whether few enough of them are lost.

    Parameters
    ----------
    target : Target

    groups : ndarray of shape (n_samples,)
        Class that the original predicts, where classes count by themselves.

    classes : sequence, default=()
        What the numbers of the groups stand for.
    """

    def __init__(self, target, groups, classes=()):
        self.target = target
        self.rule = target.rule
        self.groups = groups
        self.n_samples = len(groups)
        self.sizes = np.bincount(groups, minlength=max(1, len(classes)))
        self.classes = classes

    @property
    def not_covered(self):
        """Classes without a row."""
        return tuple(c for c, size in zip(self.classes, self.sizes) if size == 0)

    def check_sizes(self):
        """Refuse classes with too few rows to promise anything."""
        missing = np.maximum(self.rule.n_needed - self.sizes, 0)
        short = [
            f"{name} ({size}, {n_missing} missing)"
            for name, size, n_missing in zip(self.classes, self.sizes, missing)
            if n_missing and size
        ]
        if short:
            raise ValueError(
                f"error={self.target.error!r} at delta={self.target.delta!r} needs "
                f"{self.rule.n_needed} held-out rows of every class that the original "
                f"predicts. Too few have: {', '.join(short)}. Give more rows, a larger "
                "validation_fraction or a larger delta."
            )

    def counts(self, lost):
        """Lost rows of each group."""
        return np.bincount(self.groups[lost], minlength=len(self.sizes))

    def statistic(self, lost):
        """The largest statistic of a group."""
        covered = self.sizes > 0
        statistics = self.rule.statistic(
            self.counts(lost)[covered], self.sizes[covered]
        )
        return float(np.max(statistics))

    def reached(self, errors):
        """The target with the epsilon, or delta, that the rows allow; and if any.

        Whether anything is promised depends on the number of rows alone.
        """
        target = self.target
        if ERRORS[target.error].counts_rows:
            if target.confidence is None:
                # a promise made only where these rows allow it would be kept less often
                return target, False
            covered = self.sizes > 0
            deltas = self.rule.smallest_delta(
                self.counts(errors > 0)[covered], self.sizes[covered]
            )
            return replace(target, delta=float(deltas.max())), True
        n_allowed = self.rule.most_allowed(self.n_samples)
        if n_allowed < 0:
            return replace(target, epsilon=np.inf), False
        reached = np.sort(errors)[self.n_samples - 1 - n_allowed]
        return replace(target, epsilon=float(reached)), True

    def certificate(self, errors, target, statistic, holds, guarantee, scale=None):
        """Return what is promised with these errors of the rows."""
        lost = errors > target.bound
        by_class = {}
        if ERRORS[target.error].by_class:
            by_class = {
                name: float(n_lost / size)
                for name, n_lost, size in zip(
                    self.classes, self.counts(lost), self.sizes
                )
                if size
            }
        return Certificate(
            epsilon=target.bound,
            delta=target.delta,
            guarantee=guarantee,
            error=target.error,
            holds=holds,
            confidence=target.confidence,
            n_validation=self.n_samples,
            quantiles={q: quantile(errors, q) for q in QUANTILES},
            share_over_epsilon=float(lost.mean()),
            statistic=statistic,
            limit=target.rule.limit,
            scale=scale if target.error == "scaled" else None,
            share_by_class=by_class,
            not_covered=self.not_covered if by_class else (),
        )


class Validation:
    """Held-out rows, and what the networks of a path do on them.

    Parameters
    ----------
    network : Network
        The original.

    X : {ndarray, sparse array} of shape (n_samples, n_features)
        Held-out rows.

    target : Target

    scale : ndarray of shape (n_outputs,), default=None
        Spread of the original's outputs on the calibration rows.

    classes : sequence, default=None
        Names of the classes. None numbers them.

    verbose : int, default=0
        Whether to print a line for each network.

    thread_map : callable, default=serial_map
        From `threads`. The result does not depend on it.
    """

    def __init__(
        self,
        network,
        X,
        target,
        *,
        scale=None,
        classes=None,
        verbose=0,
        thread_map=serial_map,
    ):
        self.network = network
        self.X = X
        self.target = target
        self.scale = scale
        self.thread_map = thread_map
        self.F = network.forward(X, thread_map=thread_map)
        groups = np.zeros(len(self.F), dtype=np.intp)
        if ERRORS[target.error].by_class:
            groups = network.labels(self.F)[:, 0].astype(np.intp)
            classes = range(max(2, network.widths[-1])) if classes is None else classes
        else:
            classes = ()
        self.rows = HeldOutRows(target, groups, classes)
        self.verbose = verbose
        self.trace = []

    def errors(self, compressed):
        """Error of every held-out row, noted in the trace of the path."""
        F_hat = compressed.forward(self.X, thread_map=self.thread_map)
        errors = ERRORS[self.target.error].measure(
            F_hat, self.F, self.network.out_activation, self.scale
        )
        point = _point(compressed, self.network)
        point |= {f"error_q{100 * q:g}": quantile(errors, q) for q in QUANTILES}
        point["share_over_epsilon"] = (errors > self.target.bound).mean()
        self.trace.append(point)
        if self.verbose:
            print(
                f"[skcoreset] density {point['density']:.4f}: "
                f"{point['share_over_epsilon']:.2%} of {self.rows.n_samples} held-out "
                "rows over epsilon"
            )
        return errors

    def choose(self, path):
        """Choose the sparsest network of a path that may be promised.

        The path is walked no further than the first network that may not.

        Parameters
        ----------
        path : iterable of Network
            Ever sparser, and independent of the held-out rows.

        Returns
        -------
        chosen : Network

        certificate : Certificate

        path : dict of ndarrays
        """
        rule = self.rows.rule
        self.rows.check_sizes()
        lost = np.zeros(self.rows.n_samples, dtype=bool)
        for index, compressed in enumerate(chain([self.network], path)):
            errors = self.errors(compressed)
            over = errors > self.target.bound
            lost = lost | over if rule.remembers else over
            statistic = self.rows.statistic(lost)
            self.trace[-1]["statistic"] = statistic
            if statistic > rule.limit:
                break
            chosen, chosen_index = compressed, index
            certificate = self._certificate(errors, self.target, statistic, True)
        return chosen, certificate, _as_arrays(self.trace, chosen_index)

    def measure(self, compressed):
        """Report on one network that was not chosen by its error."""
        for network in (self.network, compressed):
            errors = self.errors(network)
            # of epsilon as the parameter has it, which was not targeted
            lost = errors > self.target.bound
            self.trace[-1]["statistic"] = self.rows.statistic(lost)
        reached, holds = self.rows.reached(errors)
        rows = HeldOutRows(reached, self.rows.groups, self.rows.classes)
        statistic = rows.statistic(errors > reached.bound)
        certificate = self._certificate(errors, reached, statistic, holds)
        return compressed, certificate, _as_arrays(self.trace, 1)

    def _certificate(self, errors, target, statistic, holds):
        return self.rows.certificate(
            errors, target, statistic, holds, "conformal", self.scale
        )


def certify_errors(errors, groups, classes, target, scale=None):
    """Test the promise for a fixed pair of networks, on rows neither was made from.

    Parameters
    ----------
    errors : ndarray of shape (n_samples,)

    groups, classes
        As in :class:`HeldOutRows`.

    target : Target
        With a confidence. An `epsilon` or `delta` of None is found.

    scale : ndarray, default=None

    Returns
    -------
    certificate : Certificate
    """
    given = replace(
        target,
        epsilon=0.0 if target.epsilon is None else target.epsilon,
        delta=0.5 if target.delta is None else target.delta,
    )
    rows = HeldOutRows(given, groups, classes)
    counts_rows = ERRORS[target.error].counts_rows
    if target.delta is None:
        covered = rows.sizes > 0
        lost = rows.counts(errors > given.bound)
        deltas = rows.rule.smallest_delta(lost[covered], rows.sizes[covered])
        given, holds = replace(given, delta=float(deltas.max())), True
    elif target.epsilon is None and not counts_rows:
        given, holds = rows.reached(errors)
    else:
        rows.check_sizes()
        holds = rows.statistic(errors > given.bound) <= rows.rule.limit
    rows = HeldOutRows(given, groups, classes)
    statistic = rows.statistic(errors > given.bound)
    return rows.certificate(errors, given, statistic, holds, "test", scale)


class Guarantee(ABC):
    """A kind of promise, and the choice of the network that it can be made of.

    A new one is a subclass with a name in `GUARANTEES`.
    """

    # Whether rows are held out for it. Then what is done to a network may rest on how
    # it behaves on the calibration rows: the held-out rows judge it.
    holds_rows_out = True

    @abstractmethod
    def auto_error(self, classifier):
        """Return the name of the error that "auto" stands for."""

    @abstractmethod
    def check_options(self, target, method, *, refine, activation, X_val):
        """Refuse options that do not go with it."""

    @abstractmethod
    def check_n_rows(self, target, n_rows, which):
        """Refuse too few held-out rows; `which` says where the number comes from."""

    @abstractmethod
    def path(self, method, network, X, target, *, scale, verbose=0, **options):
        """Yield the networks that the choice is between.

        `options` are those of :meth:`Method.path`.
        """

    @abstractmethod
    def choose(self, network, path, X_val, target, *, scale, classes, **options):
        """Return the chosen network, its certificate, and the path as arrays."""


class Conformal(Guarantee):
    """The sparsest network of a path that the held-out rows let pass."""

    def auto_error(self, classifier):
        return "relative" if classifier else "scaled"

    def check_options(self, target, method, *, refine, activation, X_val):
        pass

    def check_n_rows(self, target, n_rows, which):
        missing = target.rule.n_needed - n_rows
        if target.density is None and missing > 0:
            needs = (
                "1 / delta - 1"
                if target.confidence is None
                else "log(1 - confidence) / log(1 - delta)"
            )
            raise ValueError(
                f"delta={target.delta!r} can be promised on at least {needs} = "
                f"{n_rows + missing:.6g} held-out rows and {which} {n_rows}: "
                f"{missing:.6g} are missing. Give more rows, a larger "
                "validation_fraction or a larger delta."
            )

    def path(self, method, network, X, target, *, scale, verbose=0, **options):
        if target.density is None:
            options |= {"scale": scale, "verbose": verbose}
            return networks_of_path(method, network, X, target, **options)
        error = ERRORS[target.error]
        return method.path(network, X, [target.density], error=error, **options)

    def choose(self, network, path, X_val, target, **options):
        validation = Validation(network, X_val, target, **options)
        if target.density is None:
            return validation.choose(path)
        return validation.measure(*path)


class Theoretical(Guarantee):
    """The network that has the sample sizes of CoreNet's theorem."""

    holds_rows_out = False

    def auto_error(self, classifier):
        return "entrywise"

    def check_options(self, target, method, *, refine, activation, X_val):
        conflicts = {
            "this `method`": not hasattr(method, "by_theorem"),
            f"epsilon={target.epsilon!r}, which is not below 1": target.epsilon >= 1,
            f"density={target.density!r}": target.density is not None,
            f"error={target.error!r}": target.error != "entrywise",
            f"confidence={target.confidence!r}": target.confidence is not None,
            "refine=True": bool(refine),
            "X_val": X_val is not None,
            f"an estimator of activation={activation!r}": activation == "logistic",
        }
        for conflict, present in conflicts.items():
            if present:
                raise ValueError(
                    f"guarantee='theoretical' does not go with {conflict}: the theorem "
                    "bounds the entrywise relative error of plain CoreNet ('corenet', "
                    "'corenet+' or 'corenet++') with ReLU, tanh or identity "
                    "activations, from its own sample sizes and without held-out rows. "
                    "guarantee='conformal' covers all the rest."
                )

    def check_n_rows(self, target, n_rows, which):
        pass

    def path(self, method, network, X, target, *, rng, n_jobs, **options):
        yield method.by_theorem(
            network,
            X,
            epsilon=target.epsilon,
            delta=target.delta,
            rng=rng,
            n_jobs=n_jobs,
        )

    def choose(self, network, path, X_val, target, **options):
        (compressed,) = path
        certificate = Certificate(
            epsilon=target.epsilon,
            delta=target.delta,
            guarantee="theoretical",
            error=target.error,
            holds=True,
        )
        points = [_point(n, network) for n in (network, compressed)]
        return compressed, certificate, _as_arrays(points, 1)


GUARANTEES = {"conformal": Conformal(), "theoretical": Theoretical()}


def _point(compressed, network):
    """A point of a path, before it is seen on any rows."""
    unknown = [
        *(f"error_q{100 * q:g}" for q in QUANTILES),
        "share_over_epsilon",
        "statistic",
    ]
    density = compressed.n_edges / network.n_edges
    return {"density": density} | dict.fromkeys(unknown, np.nan)


def _as_arrays(points, chosen):
    path = {key: np.array([point[key] for point in points]) for key in points[0]}
    path["chosen"] = np.arange(len(points)) == chosen
    return path


def quantile(errors, q):
    """Return a quantile that is one of the values, as some may be infinite."""
    return float(np.quantile(errors, q, method="higher"))
