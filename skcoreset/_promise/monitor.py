"""Monitor: whether a compressed network still does what was promised of it."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings
from math import inf, log
from numbers import Real

import numpy as np

from .._errors import ERRORS
from .._wrapped.compat import HasMethods, Interval, StrOptions, validate_params
from .comparison import Comparison
from .document import plain
from .evidence import Evidence

# Points of the evidence over time that are kept for the figure.
N_KEPT = 500


class Monitor:
    """Watch on fresh rows whether a compressed network keeps what was promised.

    The original runs beside the compressed network on some of the rows that come in. No
    label is needed to see whether a row is lost. If each row, whatever came before it,
    is lost with probability at most `delta`, the monitor ever alarms with probability
    at most `alpha`, however long and however often one looks.

    Parameters
    ----------
    original, compressed : fitted estimators
        As for :func:`certify`.

    error : {"relative", "scaled", "absolute", "probability", "prediction", \
            "classwise", "entrywise"}
        As in :class:`CoresetCompressor`.

    epsilon : float, default=None
        A row is lost if its error is larger. Has to be None where the error counts
        rows.

    delta : float
        Largest share of lost rows that keeps the promise; with "classwise", of each
        class.

    alpha : float, default=0.05
        Largest probability of an alarm while the promise is kept.

    scale : array-like of shape (n_outputs,), default=None
        With ``error="scaled"``, the unit of each output. None takes it from the
        certificate of `compressed`.

    classes : array-like, default=None
        With ``error="classwise"``, the classes that are judged. Rows of others are
        counted only. None judges all classes of `original`.

    on_average : bool, default=False
        Whether `delta` was promised on average over draws of the held-out rows, and not
        for this network. Then an alarm may come without any change, and the monitor
        says so.

    Attributes
    ----------
    alarm : bool
        Whether the evidence has ever reached ``1 / alpha``.

    alarm_row : int or None
        Number of judged rows at the alarm.

    log_evidence : float
        Natural logarithm of the evidence that more than a share `delta` of the rows is
        lost, an E-value: 0 before the first row. With "classwise" the mean over the
        classes.

    n_rows, n_lost : int
        Rows judged so far, and how many of them were lost.

    n_not_judged : int
        Rows of classes that are not judged.

    by_class : dict of object to dict
        With "classwise", `n_rows`, `n_lost` and `log_evidence` of each class.

    history : dict of ndarrays of shape (n_points,)
        `n_rows`, `n_lost` and `log_evidence` at evenly spaced rows, at most 500.

    See Also
    --------
    MonitorDisplay : The evidence over time.
    certify : Makes a new promise from fresh rows.

    Notes
    -----
    The evidence is a mixture of likelihood ratios of larger shares against `delta`,
    truncated to (`delta`, 1), and a weighted sum of such mixtures that start at every
    100th row, so that a change is noticed however long all went well. Only the numbers
    of rows and of lost rows enter. Their order is that of arrival: never sort or choose
    rows by anything that depends on the errors.

    References
    ----------
    Jean Ville, "Étude critique de la notion de collectif", 1939.

    Glenn Shafer, "Testing by betting", Journal of the Royal Statistical Society A,
    184(2), 2021.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skcoreset import Monitor
    >>> X, y = load_digits(return_X_y=True)
    >>> original = LogisticRegression(tol=0.1).fit(X[:600], y[:600])
    >>> compressed = LogisticRegression(tol=0.1).fit(X[:600] // 2, y[:600])
    >>> monitor = Monitor(original, compressed, error="prediction", delta=0.2)
    >>> monitor.update(X[600:1200]).update(X[1200:]).alarm
    False
    >>> monitor.n_rows
    1197
    """

    @validate_params(
        {
            "original": [HasMethods(["predict"])],
            "compressed": [HasMethods(["predict"])],
            "error": [StrOptions(set(ERRORS))],
            "epsilon": [None, Interval(Real, 0, None, closed="neither")],
            "delta": [Interval(Real, 0, 1, closed="neither")],
            "alpha": [Interval(Real, 0, 1, closed="neither")],
            "scale": [None, "array-like"],
            "classes": [None, "array-like"],
            "on_average": ["boolean"],
        },
        prefer_skip_nested_validation=True,
    )
    def __init__(
        self,
        original,
        compressed,
        *,
        error,
        epsilon=None,
        delta,
        alpha=0.05,
        scale=None,
        classes=None,
        on_average=False,
    ):
        kind = ERRORS[error]
        if kind.counts_rows != (epsilon is None):
            raise ValueError(
                f"epsilon={epsilon!r} does not go with error={error!r}: "
                + (
                    "it counts rows, so leave epsilon out."
                    if kind.counts_rows
                    else "give the largest error of a row that is kept."
                )
            )
        if classes is not None and not kind.by_class:
            raise ValueError(
                f"classes plays no part in error={error!r}, which judges all rows "
                "together: leave it out."
            )
        self._comparison = Comparison(original, compressed, error, scale)
        if kind.by_class and classes is None:
            classes = self._comparison.pair.original.classes
            if classes is None:
                raise ValueError(
                    "error='classwise' needs classes, as original has no classes_: "
                    "pass the classes that are to be judged."
                )
        self.error = error
        self.epsilon = epsilon
        self.delta = float(delta)
        self.alpha = float(alpha)
        self.classes = np.unique(classes).tolist() if kind.by_class else None
        self.on_average = bool(on_average)
        n_groups = len(self.classes) if kind.by_class else 1
        if n_groups == 0:
            raise ValueError("classes is empty: no row could be judged.")
        self._groups = [Evidence(self.delta) for _ in range(n_groups)]
        self.alarm_row = None
        self.n_not_judged = 0
        # The kept points: one row in each `_stride`.
        self._stride, self._points = 1, [(0, 0, 0.0)]
        if self.on_average:
            warnings.warn(
                "The promise was made without a confidence: it holds on average over "
                "draws of the rows that it rests on, and this network may lose more "
                f"than {100 * self.delta:.4g}% of the rows without any change. Then "
                "the monitor alarms, too. Certify with a confidence to watch this "
                "network.",
                UserWarning,
            )

    @property
    def alarm(self):
        return self.alarm_row is not None

    @property
    def n_rows(self):
        return sum(group.n_rows for group in self._groups)

    @property
    def n_lost(self):
        return sum(group.n_lost for group in self._groups)

    @property
    def log_evidence(self):
        return _log_mean([group.log_e for group in self._groups])

    @property
    def by_class(self):
        if self.classes is None:
            return {}
        return {
            name: {
                "n_rows": group.n_rows,
                "n_lost": group.n_lost,
                "log_evidence": group.log_e,
            }
            for name, group in zip(self.classes, self._groups)
        }

    @property
    def history(self):
        columns = zip(*self._points)
        names = ("n_rows", "n_lost", "log_evidence")
        return {name: np.array(column) for name, column in zip(names, columns)}

    def update(self, X):
        """Judge fresh rows, in the order of their arrival.

        The evidence is looked at after each row: the result does not depend on how the
        rows are divided between calls.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows that neither network was made from, and that no earlier call had.

        Returns
        -------
        self : Monitor

        Warns
        -----
        UserWarning
            At the alarm, once.
        """
        compared = self._comparison.on(X)
        lost, groups = ~(compared.errors <= (self.epsilon or 0)), compared.groups
        if self.classes is not None:
            number = {name: i for i, name in enumerate(self.classes)}
            # -1 is no judged class
            numbers = np.array(
                [number.get(plain(name), -1) for name in compared.classes]
            )
            groups = numbers[groups]
            self.n_not_judged += int((groups < 0).sum())
            lost, groups = lost[groups >= 0], groups[groups >= 0]
        n_before, n_lost_before = self.n_rows, self.n_lost
        log_e = self._log_evidence_after(lost, groups)
        n_rows = n_before + np.arange(1, len(lost) + 1)
        self._keep_points(n_rows, n_lost_before + np.cumsum(lost), log_e)
        over = np.flatnonzero(log_e >= -log(self.alpha))
        if not self.alarm and len(over):
            self.alarm_row = int(n_rows[over[0]])
            warnings.warn(str(self), UserWarning)
        return self

    def _log_evidence_after(self, lost, groups):
        """Log of the mean evidence of all groups, after each row."""
        log_sum = np.full(len(lost), -inf)
        for number, evidence in enumerate(self._groups):
            is_here = groups == number
            before = evidence.log_e
            of_group = np.append(before, evidence.update(lost[is_here]))
            log_sum = np.logaddexp(log_sum, of_group[np.cumsum(is_here)])
        return log_sum - log(len(self._groups))

    def _keep_points(self, n_rows, n_lost, log_e):
        kept = n_rows % self._stride == 0
        columns = (n_rows[kept], n_lost[kept], log_e[kept])
        self._points += zip(*(column.tolist() for column in columns))
        while len(self._points) > N_KEPT:
            self._points = self._points[::2]
            self._stride *= 2

    def __repr__(self):
        about = {"error": self.error, "epsilon": self.epsilon, "delta": self.delta}
        about |= {"n_rows": self.n_rows, "n_lost": self.n_lost, "alarm": self.alarm}
        return f"Monitor({', '.join(f'{k}={v!r}' for k, v in about.items())})"

    def __str__(self):
        bound = "" if self.epsilon is None else f" (error over {self.epsilon:.4g})"
        each = " of each class" if self.classes is not None else ""
        promised = f"at most {100 * self.delta:.4g}%{each} was promised"
        seen = "No row was judged yet."
        if self.n_rows:
            seen = (
                f"{self.n_lost:,} of {self.n_rows:,} rows lost{bound}: "
                f"{100 * self.n_lost / self.n_rows:.3g}%, where {promised}."
            )
        if not self.alarm:
            evidence = np.exp(self.log_evidence)
            words = (
                f"No alarm. {seen} Evidence {evidence:.3g}; an alarm comes at "
                f"{1 / self.alpha:.4g}."
            )
        else:
            words = (
                f"Alarm after {self.alarm_row:,} rows. {seen} While each row is lost "
                "with at most the promised probability, a monitor ever alarms with "
                f"probability at most {100 * self.alpha:.4g}%."
            )
            if self.classes is not None:
                worst = max(
                    self.by_class, key=lambda c: self.by_class[c]["log_evidence"]
                )
                words += f" Most of the evidence is from class {worst}."
        if self.n_not_judged:
            words += (
                f" {self.n_not_judged:,} rows of classes that the certificate does not "
                "cover were not judged."
            )
        if self.on_average:
            words += (
                " The promise is one on average, without a confidence: this network may"
                " have lost more from the start, without any change."
            )
        return words

    def get_state(self):
        """Return all but the two networks, as a dict that JSON can hold.

        Returns
        -------
        state : dict
        """
        scale = self._comparison.scale
        return {
            "error": self.error,
            "epsilon": self.epsilon,
            "delta": self.delta,
            "alpha": self.alpha,
            "scale": None if scale is None else scale.tolist(),
            "classes": self.classes,
            "on_average": self.on_average,
            "alarm_row": self.alarm_row,
            "n_not_judged": self.n_not_judged,
            "stride": self._stride,
            "points": [list(point) for point in self._points],
            "groups": [group.get_state() for group in self._groups],
        }

    @classmethod
    def from_state(cls, original, compressed, state):
        """Return a monitor that goes on where another one was.

        Parameters
        ----------
        original, compressed : fitted estimators
            The same as before.

        state : dict
            From :meth:`get_state`, also by way of JSON.

        Returns
        -------
        monitor : Monitor
        """
        names = ("error", "epsilon", "delta", "alpha", "scale", "classes")
        with warnings.catch_warnings():
            # what was said when it was made is in its words
            warnings.simplefilter("ignore")
            monitor = cls(
                original,
                compressed,
                on_average=state["on_average"],
                **{name: state[name] for name in names},
            )
        monitor.alarm_row = state["alarm_row"]
        monitor.n_not_judged = state["n_not_judged"]
        monitor._stride = state["stride"]
        monitor._points = [tuple(point) for point in state["points"]]
        monitor._groups = [Evidence.from_state(group) for group in state["groups"]]
        return monitor


def _log_mean(values):
    return float(np.logaddexp.reduce(values)) - log(len(values))
