"""Guarantees: the theorem's sample sizes, and the conformal choice on a path."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass, replace
from itertools import chain
from math import ceil, log, sqrt

import numpy as np

from ._parallel import serial_map
from ._sensitivity import ratio

# Quantiles of the error that a certificate and a path report.
QUANTILES = (0.5, 0.9, 0.99)


@dataclass(frozen=True)
class Theorem:
    """The constants of CoreNet (Baykal et al. 2019, Algorithm 1 and Theorem 4).

    Parameters
    ----------
    widths : tuple of int
        Neurons of each layer past the input.

    delta : float
        Failure probability.

    both_signs : bool
        Whether activations have both signs. Then two more half-sums of each neuron
        have to be close: 16 in place of 8 inside the logarithms.
    """

    widths: tuple
    delta: float = 0.1
    both_signs: bool = False

    @property
    def _log_edges(self):
        # A network of one neuron has a logarithm of 0, which would ask for nothing.
        return max(log(sum(self.widths) * max(self.widths)), 1.0)

    @property
    def _log_events(self):
        events = 16 if self.both_signs else 8
        return log(events) - log(self.delta) + self._log_edges

    @property
    def n_points(self):
        """Calibration points, `|S|`."""
        return ceil(self._log_events * self._log_edges)

    @property
    def kappa(self):
        """What `Delta` adds to the mean over the calibration points."""
        # lambda = log(eta eta_star) / 2
        return sqrt(self._log_edges) * (1 + sqrt(self._log_edges) * self._log_events)

    def errors(self, bounds, epsilon):
        """Error allowed to each layer, `eps_l`, from the `neuron_bounds`."""
        later = np.cumprod((np.asarray(bounds) + self.kappa)[::-1])[::-1]
        return epsilon / (2 * len(self.widths)) / later

    def sample_sizes(self, sums, errors, amplified=False):
        """Draws from groups of sensitivity `sums` that are allowed `errors`.

        Parameters
        ----------
        sums : ndarray
            Sum of the sensitivities of each group.

        errors : ndarray
            `eps_l` of the layer of each group.

        amplified : bool, default=False
            Whether the best of many coresets is taken, so that one alone need succeed
            with constant probability only (9/10).

        Returns
        -------
        sizes : ndarray of float64
            May be infinite.
        """
        events = 16 if self.both_signs else 8
        log_failures = (
            log(10 * events)
            if amplified
            else log(events * sum(self.widths) / self.delta)
        )
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            sizes = 8 * sums * self._log_edges * log_failures / errors**2
        return np.where(sums > 0, np.ceil(sizes), 0)

    @property
    def n_candidates(self):
        """Coresets of each neuron that CoreNet++ takes the best of, `tau`."""
        return ceil(log(4 * sum(self.widths) / self.delta) / log(10 / 9))

    @property
    def n_judges(self):
        """Points that CoreNet++ judges them on."""
        return ceil(8 * log(8 * self.n_candidates * sum(self.widths) / self.delta))


def relative_error(F_hat, F, network):
    """`||f_hat - f||_2 / ||f||_2` of every row, where 0/0 is 0 and x/0 infinite."""
    difference, F = _on_one_scale(F_hat, F)
    with np.errstate(over="ignore"):
        difference = np.linalg.norm(difference, axis=1)
    return ratio(difference, np.linalg.norm(F, axis=1))


def entrywise_error(F_hat, F, network):
    """`max_k |f_hat_k - f_k| / |f_k|` of every row, the error of the paper."""
    difference, F = _on_one_scale(F_hat, F)
    return ratio(np.abs(difference), np.abs(F)).max(axis=1)


def prediction_error(F_hat, F, network):
    """1 for every row whose predicted class, or set of labels, has changed; else 0."""
    changed = network.labels(F_hat) != network.labels(F)
    return changed.any(axis=1).astype(np.float64)


def _on_one_scale(F_hat, F):
    """`f_hat - f` and `f` in float64, rows scaled to magnitude 1 against overflow."""
    scale = np.abs(F).max(axis=1, keepdims=True).astype(np.float64)
    scale[scale == 0] = 1
    F = F / scale
    # An output that is not finite is infinitely far away.
    difference = np.nan_to_num(
        F_hat / scale - F, nan=np.inf, posinf=np.inf, neginf=-np.inf
    )
    return difference, F


ERRORS = {
    "relative": relative_error,
    "entrywise": entrywise_error,
    "prediction": prediction_error,
}

_ERROR_NAMES = {
    "relative": "relative error (2-norm)",
    "entrywise": "largest relative error of an output",
}


@dataclass(frozen=True)
class Certificate:
    """What is promised of a compressed network, and what it rests on.

    For a fresh row `x`, exchangeable with the held-out rows,
    ``P(error(f_hat(x), f(x)) > epsilon) <= delta``. Print it to read it.

    Attributes
    ----------
    epsilon : float
        Bound of the error. With ``density``, which targets no error, the bound that
        was reached at `delta`: infinite where too few rows were held out to tell. With
        ``error="prediction"`` it plays no part and is 0.

    delta : float
        Share of rows that may be over `epsilon`.

    guarantee : {"conformal", "theoretical"} or None
        None where the network was changed after it was certified.

    error : {"relative", "entrywise", "prediction"}

    holds : bool
        Whether the promise is made. It is not where ``density`` was asked for with
        ``error="prediction"``, or with too few held-out rows for `delta`.

    n_validation : int
        Held-out rows.

    quantiles : dict of float to float
        Quantiles of the error on the held-out rows; empty without such rows.

    share_over_epsilon : float
        Share of the held-out rows with an error over `epsilon`.

    upper_bound : float
        Bound on the probability that a fresh row is over `epsilon`. At most `delta`
        where the promise holds.
    """

    epsilon: float
    delta: float
    guarantee: str
    error: str
    holds: bool
    n_validation: int
    quantiles: dict
    share_over_epsilon: float
    upper_bound: float

    def revoked(self):
        """Return the certificate of a network that was changed since."""
        return replace(self, guarantee=None, holds=False, upper_bound=1.0)

    def __str__(self):
        if self.guarantee is None:
            return (
                "No promise: the kept edges were trained further with labels, and the "
                "network no longer follows the original."
            )
        if self.error == "prediction":
            event = "the predicted class changes"
            if not self.holds:
                return (
                    f"No promise, as a density was asked for: {event} for "
                    f"{self.share_over_epsilon:.2%} of {self.n_validation} held-out "
                    "rows."
                )
            promise = f"For at most {self.delta:.4g} of fresh rows {event}"
        else:
            name = _ERROR_NAMES[self.error]
            if not self.holds:
                return (
                    f"No promise at delta={self.delta:g}: {self.n_validation} held-out "
                    f"rows are too few, or the {name} has no bound on them."
                )
            promise = (
                f"With probability at least {1 - self.delta:.4g} the {name} of a fresh "
                f"row is at most {self.epsilon:.4g}"
            )
        if self.guarantee == "theoretical":
            return f"{promise}, by the theorem of CoreNet; no rows were held out."
        return (
            f"{promise}. This rests on {self.n_validation} held-out rows, of which "
            f"{self.share_over_epsilon:.2%} are over (conformal risk control; upper "
            f"bound {self.upper_bound:.4g})."
        )


class Validation:
    """Held-out rows, and what networks do on them.

    Parameters
    ----------
    network : Network
        The original.

    X : {ndarray, sparse array} of shape (n_samples, n_features)
        Held-out rows.

    error : {"relative", "entrywise", "prediction"}

    epsilon : float

    delta : float

    verbose : int, default=0
        Whether to print a line for each network.

    thread_map : callable, default=serial_map
        From `threads`. The result does not depend on it.
    """

    def __init__(
        self,
        network,
        X,
        *,
        error,
        epsilon,
        delta,
        verbose=0,
        thread_map=serial_map,
    ):
        self.network = network
        self.X = X
        self.thread_map = thread_map
        self.F = network.forward(X, thread_map=thread_map)
        self.error = error
        self.epsilon = 0.0 if error == "prediction" else epsilon
        self.delta = delta
        self.n_samples = len(self.F)
        self.verbose = verbose
        self.trace = []

    def errors(self, sparse):
        """Error of every held-out row, noted in the trace of the path."""
        F_hat = sparse.forward(self.X, thread_map=self.thread_map)
        errors = ERRORS[self.error](F_hat, self.F, self.network)
        point = _point(sparse, self.network)
        point |= {f"error_q{100 * q:g}": quantile(errors, q) for q in QUANTILES}
        point["share_over_epsilon"] = (errors > self.epsilon).mean()
        self.trace.append(point)
        if self.verbose:
            print(
                f"[skcoreset] density {point['density']:.4f}: "
                f"{point['share_over_epsilon']:.2%} of {self.n_samples} held-out rows "
                "over epsilon"
            )
        return errors

    def choose(self, path):
        """Choose the sparsest network of a path that may be promised.

        Conformal risk control (Angelopoulos et al. 2022) on the running maximum of the
        loss along the path, which is monotone. The path is walked no further than the
        first network that may not be promised.

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
        over = np.zeros(self.n_samples, dtype=bool)
        for index, sparse in enumerate(chain([self.network], path)):
            errors = self.errors(sparse)
            over |= errors > self.epsilon
            bound = upper_bound(over.sum(), self.n_samples)
            self.trace[-1]["upper_bound"] = bound
            if bound > self.delta:
                break
            chosen, chosen_index = sparse, index
            certificate = self._certificate(errors, self.epsilon, bound, True)
        return chosen, certificate, _as_arrays(self.trace, chosen_index)

    def measure(self, sparse):
        """Report on one network that was not chosen by its error.

        Its certificate has the smallest epsilon that may be promised at `delta`: the
        conformal quantile of the error.
        """
        self.errors(self.network)
        errors = self.errors(sparse)
        for point in self.trace:
            # of epsilon as the parameter has it, which was not targeted
            n_over = round(point["share_over_epsilon"] * self.n_samples)
            point["upper_bound"] = upper_bound(n_over, self.n_samples)
        bounds = upper_bound(np.arange(self.n_samples), self.n_samples)
        n_allowed = np.searchsorted(bounds, self.delta, side="right")
        reached = np.sort(errors)[-n_allowed] if n_allowed else np.inf
        if self.error == "prediction":
            # a promise made only where these rows allow it would be kept less often
            epsilon, holds = 0.0, False
        else:
            epsilon, holds = float(reached), bool(np.isfinite(reached))
        bound = upper_bound((errors > epsilon).sum(), self.n_samples)
        certificate = self._certificate(errors, epsilon, bound, holds)
        return sparse, certificate, _as_arrays(self.trace, 1)

    def _certificate(self, errors, epsilon, bound, holds):
        return Certificate(
            epsilon=epsilon,
            delta=self.delta,
            guarantee="conformal",
            error=self.error,
            holds=holds,
            n_validation=self.n_samples,
            quantiles={q: quantile(errors, q) for q in QUANTILES},
            share_over_epsilon=float((errors > epsilon).mean()),
            upper_bound=float(bound),
        )


def theoretical_result(sparse, network, epsilon, delta, error):
    """Certificate and path of a network that has the theorem's sample sizes."""
    certificate = Certificate(
        epsilon=epsilon,
        delta=delta,
        guarantee="theoretical",
        error=error,
        holds=True,
        n_validation=0,
        quantiles={},
        share_over_epsilon=np.nan,
        upper_bound=delta,
    )
    return certificate, _as_arrays([_point(n, network) for n in (network, sparse)], 1)


def _point(sparse, network):
    """A point of a path, before it is seen on any rows."""
    unknown = [
        *(f"error_q{100 * q:g}" for q in QUANTILES),
        "share_over_epsilon",
        "upper_bound",
    ]
    density = sparse.n_edges / network.n_edges
    return {"density": density} | dict.fromkeys(unknown, np.nan)


def _as_arrays(points, chosen):
    path = {key: np.array([point[key] for point in points]) for key in points[0]}
    path["chosen"] = np.arange(len(points)) == chosen
    return path


def quantile(errors, q):
    """Quantile that takes one of the values, as some may be infinite."""
    return float(np.quantile(errors, q, method="higher"))


def upper_bound(n_over, n_samples):
    """Bound on the probability that a fresh row is over (Angelopoulos et al. 2022)."""
    return (n_over + 1) / (n_samples + 1)


def n_missing_rows(n_samples, delta):
    """How many more held-out rows a promise at `delta` needs, at the least."""
    needed = ceil(1 / max(delta, np.finfo(float).tiny) - 1 - 1e-9)
    needed += int(upper_bound(0, needed) > delta)
    return max(0, needed - n_samples)


def path_densities(n_edges, step):
    """Densities of a path below 1: geometric steps, each of at least one edge."""
    n_steps = ceil(log(n_edges) / -log(step)) if n_edges > 1 else 0
    counts = np.unique(np.floor(n_edges * step ** np.arange(1.0, n_steps + 1)))
    return counts[counts > 0][::-1] / n_edges
