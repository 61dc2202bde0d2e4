"""Guarantees: what is promised of a compressed network, and how it is chosen."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Context
from itertools import chain
from math import inf, isinf, log, log1p

import numpy as np
from scipy.special import betaincc, betainccinv

from .._errors import ERRORS
from .._parallel import serial_map
from .path import networks_of_path

# Takes the place of a delta of which the inverse would overflow.
TINY = 1e-300

# Quantiles of the error that a certificate and a path report.
QUANTILES = (0.5, 0.9, 0.99)


@dataclass(frozen=True)
class Target:
    """What is asked of a compressed network.

    Parameters
    ----------
    error : str
        A name in `ERRORS`.

    epsilon : float or None, default=0.1
        Largest error of a row that keeps the promise. None is to be found.

    delta : float or None, default=0.1
        Share of rows that need not keep it. None is to be found, which takes a
        confidence.

    confidence : float, default=None
        Of the promise for one network; None is the promise on average.

    density : float, default=None
        Share of the edges to keep. Then neither `epsilon` nor `delta` is targeted.
    """

    error: str
    epsilon: float | None = 0.1
    delta: float | None = 0.1
    confidence: float | None = None
    density: float | None = None

    @property
    def counts_rows(self):
        """Whether the error is 0 or 1, so that there is no epsilon."""
        return ERRORS[self.error].counts_rows

    @property
    def rule(self):
        """When so many lost rows of so many are few enough."""
        if self.confidence is None:
            return OnAverage(self.delta)
        return WithConfidence(self.delta, self.confidence)

    def lost(self, errors):
        """Tell which rows do not keep the promise."""
        # so that an error that is not a number is not kept either
        return ~(errors <= (0 if self.counts_rows else self.epsilon))


@dataclass(frozen=True)
class Rule(ABC):
    """Whether few enough of the held-out rows are lost, for a share `delta`."""

    delta: float

    @property
    @abstractmethod
    def limit(self):
        """What the statistic may be at the most."""

    @abstractmethod
    def statistic(self, n_lost, n_rows):
        """Return the number that is compared with the limit."""

    @abstractmethod
    def _solved_for_rows(self):
        """Return the number of rows at which none may be lost, before rounding."""

    def allows(self, n_lost, n_rows):
        """Tell whether so many of the held-out rows may be lost."""
        return self.statistic(n_lost, n_rows) <= self.limit

    def most_allowed(self, n_rows):
        """Most rows that may be lost; -1 where there are too few to promise at all."""
        return int(self.allows(np.arange(n_rows), n_rows).sum()) - 1

    @property
    def n_needed(self):
        """Fewest rows on which anything can be promised."""
        # what only rounding lifted above a whole number is that number
        needed = np.ceil(self._solved_for_rows() - 1e-9)
        return int(needed) + (not self.allows(0, needed))


class OnAverage(Rule):
    """Conformal risk control (Angelopoulos et al. 2022).

    The promise is for a fresh row and the held-out rows together.
    """

    procedure = "conformal risk control"
    needs = "1 / delta - 1"

    # A row counts as well where the network before lost it.
    remembers = True

    @property
    def limit(self):
        return self.delta

    def statistic(self, n_lost, n_rows):
        return (n_lost + 1) / (n_rows + 1)

    def _solved_for_rows(self):
        return 1 / max(self.delta, TINY) - 1


@dataclass(frozen=True)
class WithConfidence(Rule):
    """Exact binomial test of the share of lost rows, of one network.

    Networks of a path are tested in their order until one fails: fixed-sequence testing
    (Learn then Test, Angelopoulos et al. 2021).
    """

    confidence: float

    procedure = "exact binomial test"
    needs = "log(1 - confidence) / log(1 - delta)"
    remembers = False

    @property
    def limit(self):
        return 1 - self.confidence

    def statistic(self, n_lost, n_rows):
        """Return the p-value: the chance of so few if the share lost were delta."""
        if self.delta == 1:
            # no share is larger
            return np.zeros(np.shape(n_lost))
        n_kept = np.subtract(n_rows, n_lost)
        p_value = betaincc(n_lost + 1, np.maximum(n_kept, 1), self.delta)
        return np.where(n_kept > 0, p_value, 1.0)

    def _solved_for_rows(self):
        return log(self.limit) / log1p(-max(self.delta, TINY))


def smallest_delta(n_lost, n_rows, confidence):
    """Return the smallest delta that the binomial test lets pass.

    The upper confidence bound of Clopper and Pearson (1934).
    """
    n_kept = n_rows - n_lost
    delta = betainccinv(n_lost + 1, np.maximum(n_kept, 1), 1 - confidence)
    # rounded up, so that the test passes
    return np.where(n_kept > 0, np.minimum(delta * (1 + 1e-9), 1), 1.0)


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
        Confidence of the promise for this network. None where it is one on average.

    n_validation : int
        Held-out rows.

    quantiles : dict of float to float
        Quantiles of the error on the held-out rows; empty without such rows.

    share_over_epsilon : float
        Share of the held-out rows that are not kept.

    statistic : float
        The number that was compared with `limit`. It is no bound on anything once the
        network was chosen by it. Without a confidence `(n_lost + 1) / (n + 1)`, where a
        row is lost if the chosen network, or the one before it, did not keep it;
        with one, the p-value of the binomial test. Where classes count by themselves,
        the largest of theirs.

    limit : float
        `delta`, or `1 - confidence`.

    scale : tuple of float of length n_outputs, or None
        With ``error="scaled"``, the spread of each output that errors are measured in:
        the standard deviation of the original's on the calibration rows, or what
        :func:`~skcoreset.certify` was given.

    share_by_class : dict of object to float
        Of each class that the original predicts, the share of its held-out rows that
        changed, where classes count by themselves.

    not_covered : tuple
        Classes that the original predicts for none of the held-out rows: nothing is
        promised of them.
    """

    epsilon: float
    delta: float
    guarantee: str | None
    error: str
    holds: bool
    confidence: float | None = None
    n_validation: int = 0
    quantiles: dict = field(default_factory=dict)
    share_over_epsilon: float = np.nan
    statistic: float = np.nan
    limit: float = np.nan
    scale: tuple | None = None
    share_by_class: dict = field(default_factory=dict)
    not_covered: tuple = ()

    def revoked(self):
        """Return the certificate of a network that was changed since."""
        return replace(self, guarantee=None, holds=False)

    def __str__(self):
        if self.guarantee is None:
            return (
                "No promise: the network was trained further, with labels, after it was"
                " certified. skcoreset.certify makes a promise from fresh rows."
            )
        # No number is rounded to where more would be promised.
        kept = ERRORS[self.error].kept.format(epsilon=_rounded(self.epsilon))
        share = _rounded(self.delta)
        if self.guarantee == "theoretical":
            return (
                "By the theorem of CoreNet and under its assumptions, with probability "
                f"at least 1 - {share} over the calibration rows, the draws of edges "
                f"and a fresh row: {kept}. No rows were held out."
            )
        if isinf(self.epsilon):
            kept += ", which is no bound"
        n_lost = round(self.share_over_epsilon * self.n_validation)
        measured = (
            f"A row is kept where {kept}. Of the {self.n_validation} held-out rows "
            f"{n_lost} {'is' if n_lost == 1 else 'are'} not kept"
        )
        if not self.holds:
            return f"No promise: {self._reason}. {measured}."
        within, procedure = "", self._rule.procedure
        if self.share_by_class:
            within = " of each class that the original predicts for a held-out row"
            procedure += " in the worst class"
        if self.confidence is None:
            promise = (
                f"On average over draws of the held-out rows, a fresh row{within} is "
                f"kept with probability at least 1 - {share}"
            )
        else:
            confidence = _rounded(self.confidence, ROUND_FLOOR)
            promise = (
                f"With confidence {confidence} over the draw of the held-out rows, at "
                f"most a share {share} of fresh rows{within} is not kept by this "
                "network"
            )
        sentence = (
            f"{promise}. {measured} ({procedure}: {self.statistic:.4g} is at most "
            f"{self.limit:.4g})."
        )
        if self.not_covered:
            sentence += (
                " Nothing is promised of classes that the original predicts for no "
                f"held-out row: {', '.join(map(str, self.not_covered))}."
            )
        return sentence

    @property
    def _rule(self):
        return Target(self.error, self.epsilon, self.delta, self.confidence).rule

    @property
    def _reason(self):
        """Why nothing is promised."""
        if self.n_validation < self._rule.n_needed:
            share, needed = _rounded(self.delta), self._rule.n_needed
            return f"delta={share} takes at least {needed} held-out rows"
        if self.confidence is None:
            return (
                f"of one network, error={self.error!r} promises something only with a "
                "confidence"
            )
        return f"the {self._rule.procedure} does not let it pass"


def _rounded(number, rounding=ROUND_CEILING):
    """Four digits of a number, rounded to the side that promises less."""
    digits = Context(prec=4, rounding=rounding).create_decimal(repr(float(number)))
    return f"{float(digits):.4g}"


def check_n_rows(target, n_rows, which):
    """Refuse too few held-out rows; `which` says where the number comes from."""
    needed = target.rule.n_needed
    if n_rows < needed:
        raise ValueError(
            f"delta={target.delta!r} can be promised on at least {target.rule.needs} = "
            f"{needed:.6g} held-out rows and {which} {n_rows}: {needed - n_rows:.6g} "
            "are missing. Give more held-out rows or a larger delta."
        )


class HeldOutRows:
    """Which rows count together, and what may be said where some of them are lost.

    Parameters
    ----------
    groups : ndarray of shape (n_samples,)
        Class that the original predicts, where classes count by themselves.

    classes : sequence, default=()
        What the numbers of the groups stand for.
    """

    def __init__(self, groups, classes=()):
        self.groups = groups
        self.classes = classes
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
        """Lost rows of each group, and all of them, where there are any."""
        covered = self.sizes > 0
        n_lost = np.bincount(self.groups[lost], minlength=len(self.sizes))
        return n_lost[covered], self.sizes[covered]

    def statistic(self, lost, rule):
        """The largest statistic of a group."""
        return float(np.max(rule.statistic(*self.counts(lost))))

    def completed(self, target, errors):
        """Return the target with the smallest epsilon or delta where it has None."""
        if target.delta is None:
            counts = self.counts(target.lost(errors))
            deltas = smallest_delta(*counts, target.confidence)
            return replace(target, delta=float(deltas.max()))
        if target.epsilon is None and not target.counts_rows:
            # with too few rows not even the largest error will do
            n_most = target.rule.most_allowed(self.n_samples)
            epsilon = np.append(np.sort(errors), inf)[self.n_samples - 1 - n_most]
            return replace(target, epsilon=float(epsilon))
        return target

    def certificate(
        self, errors, target, guarantee, *, statistic=None, promises=True, scale=None
    ):
        """Return what is promised with these errors of the rows.

        Parameters
        ----------
        errors : ndarray of shape (n_samples,)

        target : Target

        guarantee : str

        statistic : float, default=None
            None is that of these errors.

        promises : bool, default=True
            Whether a statistic within its limit makes a promise.

        scale : ndarray of shape (n_outputs,), default=None
        """
        lost = target.lost(errors)
        if statistic is None:
            statistic = self.statistic(lost, target.rule)
        by_class, not_covered = {}, ()
        if ERRORS[target.error].by_class:
            covered = [name for name, n in zip(self.classes, self.sizes) if n]
            not_covered = [name for name, n in zip(self.classes, self.sizes) if not n]
            n_lost, n_rows = self.counts(lost)
            by_class = dict(zip(covered, (n_lost / n_rows).tolist()))
        return Certificate(
            epsilon=0.0 if target.counts_rows else target.epsilon,
            delta=target.delta,
            guarantee=guarantee,
            error=target.error,
            holds=bool(promises and statistic <= target.rule.limit),
            confidence=target.confidence,
            n_validation=self.n_samples,
            quantiles=quantiles(errors),
            share_over_epsilon=float(lost.mean()),
            statistic=statistic,
            limit=target.rule.limit,
            scale=None if scale is None else tuple(np.asarray(scale).tolist()),
            share_by_class=by_class,
            not_covered=tuple(not_covered),
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
        self.verbose = verbose
        self.thread_map = thread_map
        self.F = network.forward(X, thread_map=thread_map)
        if ERRORS[target.error].by_class:
            groups = network.labels(self.F)[:, 0].astype(np.intp)
            classes = range(max(2, network.widths[-1])) if classes is None else classes
            self.rows = HeldOutRows(groups, classes)
        else:
            self.rows = HeldOutRows(np.zeros(len(self.F), dtype=np.intp))
        self.trace = []

    def errors(self, compressed):
        """Error of every held-out row, noted in the trace of the path."""
        F_hat = compressed.forward(self.X, thread_map=self.thread_map)
        errors = ERRORS[self.target.error].measure(
            F_hat, self.F, self.network.out_activation, self.scale
        )
        # no prediction is made from such an output
        errors[~np.isfinite(F_hat).all(axis=1)] = 1 if self.target.counts_rows else inf
        point = _point(compressed, self.network)
        point |= {_key(q): value for q, value in quantiles(errors).items()}
        point["share_over_epsilon"] = self.target.lost(errors).mean()
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
        rule = self.target.rule
        self.rows.check_sizes(self.target)
        over_before = np.zeros(self.rows.n_samples, dtype=bool)
        for index, compressed in enumerate(chain([self.network], path)):
            errors = self.errors(compressed)
            over = self.target.lost(errors)
            # what is over at none of two networks in turn says nothing of the choice
            # between them: that is all that the promise takes
            lost = over | over_before if rule.remembers else over
            over_before = over
            statistic = self.rows.statistic(lost, rule)
            self.trace[-1]["statistic"] = statistic
            if statistic > rule.limit:
                break
            chosen, chosen_index = compressed, index
            chosen_errors, chosen_statistic = errors, statistic
        certificate = self.rows.certificate(
            chosen_errors,
            self.target,
            "conformal",
            statistic=chosen_statistic,
            scale=self.scale,
        )
        return chosen, certificate, _as_arrays(self.trace, chosen_index)

    def measure(self, compressed):
        """Report on one network that was not chosen by its error."""
        for network in (self.network, compressed):
            errors = self.errors(network)
            # of epsilon and delta as the parameters have them, not targeted
            lost = self.target.lost(errors)
            self.trace[-1]["statistic"] = self.rows.statistic(lost, self.target.rule)
        # Whether anything is promised depends on the number of rows alone: a promise
        # made only where these rows allow it would be kept less often.
        promises = True
        if not self.target.counts_rows:
            reached = replace(self.target, epsilon=None)
        elif self.target.confidence is not None:
            reached = replace(self.target, delta=None)
        else:
            reached, promises = self.target, False
        certificate = self.rows.certificate(
            errors,
            self.rows.completed(reached, errors),
            "conformal",
            promises=promises,
            scale=self.scale,
        )
        return compressed, certificate, _as_arrays(self.trace, 1)


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
    def check_options(self, target, method, name, *, refine, bits, activation, X_val):
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

    def check_options(self, target, method, name, *, refine, bits, activation, X_val):
        pass

    def check_n_rows(self, target, n_rows, which):
        if target.density is None:
            check_n_rows(target, n_rows, which)

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

    def check_options(self, target, method, name, *, refine, bits, activation, X_val):
        conflicts = {
            f"method={name!r}": not hasattr(method, "by_theorem"),
            f"epsilon={target.epsilon!r}, which is not below 1": target.epsilon >= 1,
            f"density={target.density!r}": target.density is not None,
            f"error={target.error!r}": target.error != "entrywise",
            f"confidence={target.confidence!r}": target.confidence is not None,
            f"bits={bits!r}": bits is not None,
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
        *map(_key, QUANTILES),
        "share_over_epsilon",
        "statistic",
    ]
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
