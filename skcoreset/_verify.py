"""verify: whether a certificate says what the networks and the rows say."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass
from math import isclose, isinf

import numpy as np

from ._promise.certificate import Certificate
from ._promise.comparison import Comparison
from ._promise.digest import digest_of, digest_of_rows
from ._promise.judge import HeldOutRows, quantiles
from ._promise.simultaneous import SimultaneousBounds
from ._promise.target import Target
from ._wrapped import last_step

# TOLERANCE: the share of epsilon, or of themselves if that is more, to which errors in
# double and in single precision agree. On other machines the order of sums is another.
TOLERANCE = {8: 1e-6, 4: 1e-4}


@dataclass(frozen=True)
class Verification:
    """What agreed, and what nobody can recompute. Print it to read it.

    Attributes
    ----------
    recomputed : tuple of str

    not_recomputed : tuple of str
    """

    recomputed: tuple
    not_recomputed: tuple

    def __str__(self):
        lines = ["Recomputed, and equal:", *(f"- {it}" for it in self.recomputed)]
        lines += ["Not recomputed:", *(f"- {it}" for it in self.not_recomputed)]
        return "\n".join(lines)


def verify(certificate, original, compressed, X_val, *, before=None):
    """Recompute a certificate from the two networks and the held-out rows.

    Parameters
    ----------
    certificate : Certificate
        Also from :meth:`Certificate.from_json`.

    original, compressed : fitted estimators
        The two that it is about.

    X_val : {array-like, sparse matrix} of shape (n_val, n_features)
        The held-out rows, as they were given to `fit` or `certify`, in their order.

    before : fitted estimator, default=None
        The network before the chosen one on the path, where the certificate has its
        digest. None takes what the certificate says of the rows that it loses.

    Returns
    -------
    verification : Verification
        What was recomputed, and what cannot be.

    Raises
    ------
    TypeError
        If `certificate` is none.

    ValueError
        If anything differs: the message says what. Or if the certificate promises
        nothing that could be recomputed.

    Notes
    -----
    Errors are compared to 1e-6 of epsilon in double precision, and 1e-4 in single: the
    order of sums is another on other machines. A row whose error is as close to epsilon
    as that (epsilon is often exactly the error of one row) may count as lost or not.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.neural_network import MLPClassifier
    >>> from skcoreset import Certificate, certify, verify
    >>> X, y = load_iris(return_X_y=True)
    >>> one, other = (
    ...     MLPClassifier((8,), solver="lbfgs", max_iter=500, random_state=seed)
    ...     .fit(X[::2], y[::2]) for seed in range(2))
    >>> certificate = certify(one, other, X[1::2], error="prediction", delta=0.2)
    >>> again = Certificate.from_json(certificate.to_json())
    >>> print(verify(again, one, other, X[1::2]))
    Recomputed, and equal:
    - the digests of both networks
    - the digest of the held-out rows
    - the numbers of held-out and of lost rows
    - quantiles of the error
    - the number that was compared with the limit, the limit and what follows
    Not recomputed:
    - that neither network was trained on the held-out rows, or chosen by them otherwise
    - that the held-out rows are like the rows that the network will meet
    - the date and the versions
    """
    if not isinstance(certificate, Certificate):
        raise TypeError(
            f"certificate must be a Certificate; got a {type(certificate).__name__}. "
            "Certificate.from_json reads one."
        )
    provenance = certificate.provenance
    if certificate.guarantee is None or provenance is None:
        raise ValueError(
            "The certificate has no digests: it is revoked, or was not made by fit or "
            "certify. There is nothing to recompute."
        )
    checks = _Checks()
    digests = {"original": original, "compressed": compressed}
    if before is not None:
        if provenance.before is None:
            raise ValueError(
                "before plays no part in this certificate, which looks at one network "
                "only: leave it out."
            )
        digests["before"] = before
    for name, estimator in digests.items():
        digest = digest_of(estimator, X_val, certificate.error)
        checks.equal(f"digest of {name}", getattr(provenance, name), digest)
    checks.passed.append(f"the digests of {'all' if before else 'both'} networks")
    if certificate.guarantee == "theoretical":
        checks.missing.append("the theorem, which no held-out rows checked")
    else:
        checks.equal(
            "digest of the held-out rows",
            provenance.rows_sha256,
            digest_of_rows(X_val),
        )
        checks.passed.append("the digest of the held-out rows")
        _check_numbers(checks, certificate, original, compressed, X_val, before)
    if checks.differences:
        raise ValueError(
            "The certificate does not say what the networks and rows say. "
            + "; ".join(checks.differences)
            + "."
        )
    checks.missing.append("the date and the versions")
    return Verification(tuple(checks.passed), tuple(checks.missing))


class _Checks:
    """What agreed, what did not, and what could not be recomputed."""

    def __init__(self):
        self.passed, self.differences, self.missing = [], [], []

    def equal(self, name, stated, found):
        if stated != found:
            stated, found = (getattr(it, "sha256", it) for it in (stated, found))
            self.differences.append(f"{name}: stated {stated}, found {found}")

    def between(self, name, stated, low, high):
        """Compare with what is found if rows at epsilon are kept, and are lost."""
        slack = 1e-6 * max(abs(low), abs(high))
        if not low - slack <= stated <= high + slack:
            found = f"{low:.6g}" if low == high else f"{low:.6g} to {high:.6g}"
            self.differences.append(f"{name}: stated {stated:.6g}, found {found}")


def _check_numbers(checks, certificate, original, compressed, X_val, before):
    """Compare all that follows from the errors of the held-out rows."""
    scale = certificate.scale
    comparison = Comparison(original, compressed, certificate.error, scale)
    compared = comparison.on(X_val)
    rows = HeldOutRows(compared.groups, compared.classes)
    target = Target(
        certificate.error,
        certificate.epsilon,
        certificate.delta,
        certificate.confidence,
    )
    tolerance = _tolerance(original, compressed)
    margin = 0 if isinf(certificate.epsilon) else tolerance * certificate.epsilon
    # the rows that are lost in any case, and those that may be
    bounds = [
        _lost(compared.errors, certificate, sign * margin, target) for sign in (1, -1)
    ]
    checks.equal("n_validation", certificate.n_validation, rows.n_samples)
    for name in compared.about.keys() - {"scale"}:
        checks.equal(name, getattr(certificate, name), compared.about[name])
    low, high = (float(lost.mean()) for lost in bounds)
    checks.between("share_over_epsilon", certificate.share_over_epsilon, low, high)
    if target.kind.by_class:
        _check_classes(checks, certificate, rows, bounds)
    checks.passed.append("the numbers of held-out and of lost rows")
    found = quantiles(compared.errors)
    checks.equal("quantiles", sorted(certificate.quantiles), sorted(found))
    for level, value in certificate.quantiles.items():
        error = found.get(level, value)
        if not isclose(error, value, rel_tol=tolerance, abs_tol=margin + 1e-12):
            checks.differences.append(
                f"{level:g} quantile: stated {value:.6g}, found {error:.6g}"
            )
    checks.passed.append("quantiles of the error")
    _check_choice(checks, certificate, original, rows, bounds, target, X_val, before)
    if scale is not None:
        checks.missing.append("scale, which was measured on calibration rows")
    checks.missing += [
        "that neither network was trained on the held-out rows, or chosen by them "
        "otherwise",
        "that the held-out rows are like the rows that the network will meet",
    ]
    if certificate.provenance.before is not None and before is None:
        checks.missing.append(
            "which held-out rows the network before loses: pass it as `before`"
        )


def _lost(errors, certificate, margin, target):
    return ~(errors <= certificate.epsilon + margin) if margin else target.lost(errors)


def _check_classes(checks, certificate, rows, bounds):
    covered = [name for name, n in zip(rows.classes, rows.sizes) if n]
    others = [name for name, n in zip(rows.classes, rows.sizes) if not n]
    # as text, since JSON has no more than that of some classes
    stated = {str(name): share for name, share in certificate.share_by_class.items()}
    checks.equal("classes", sorted(stated), sorted(map(str, covered)))
    checks.equal(
        "classes not covered",
        sorted(map(str, certificate.not_covered)),
        sorted(map(str, others)),
    )
    (low, n_rows), (high, _) = (rows.counts(lost) for lost in bounds)
    for name, *ends in zip(covered, low / n_rows, high / n_rows):
        checks.between(f"share of class {name}", stated.get(str(name), -1), *ends)


def _check_choice(checks, certificate, original, rows, bounds, target, X_val, before):
    """Compare the statistic, its limit, and whether the promise is made."""
    mask = certificate.provenance.mask_before(rows.n_samples)
    if before is not None:
        comparison = Comparison(original, before, certificate.error, certificate.scale)
        errors = comparison.on(X_val).errors
        tolerance = _tolerance(original, before) * certificate.epsilon
        surely, maybe = (
            _lost(errors, certificate, sign * tolerance, target) for sign in (1, -1)
        )
        differs = np.flatnonzero((surely & ~mask) | (mask & ~maybe))
        if len(differs):
            checks.differences.append(
                f"rows that the network before loses: {len(differs)} differ, the first "
                f"is row {differs[0]}"
            )
        checks.passed.append("the rows that the network before loses")
    if mask.any():
        ends = [rows.statistic(lost | mask, target.rule) for lost in bounds]
    else:
        # the stated shares, which were compared, say which rows at epsilon are lost
        ends = [_statistic_of_shares(certificate, rows, target)] * 2
    limit, guarantee = target.rule.limit, target.rule.guarantee
    if certificate.guarantee == "simultaneous":
        limit, guarantee = certificate.delta, "simultaneous"
        together = SimultaneousBounds(rows, target, certificate.n_networks)
        ends = [together.upper_share(lost) for lost in bounds]
        checks.missing.append("the number of networks, which was fixed before")
    checks.between("statistic", certificate.statistic, *ends)
    checks.between("limit", certificate.limit, limit, limit)
    checks.equal("guarantee", certificate.guarantee, guarantee)
    passes = certificate.statistic <= certificate.limit
    # of one given network, without a confidence, no share can be promised
    may_hold = (
        certificate.confidence is not None
        or certificate.provenance.before is not None
        or not target.kind.counts_rows
    )
    if certificate.holds != passes and (certificate.holds or may_hold):
        checks.differences.append(f"holds: stated {certificate.holds}, found {passes}")
    checks.passed.append(
        "the number that was compared with the limit, the limit and what follows"
    )


def _statistic_of_shares(certificate, rows, target):
    stated = {str(name): share for name, share in certificate.share_by_class.items()}
    covered = [str(name) for name, n in zip(rows.classes, rows.sizes) if n]
    if stated.keys() == set(covered) != set():
        shares = [stated[name] for name in covered]
    else:
        shares = [certificate.share_over_epsilon] * np.count_nonzero(rows.sizes)
    sizes = rows.sizes[rows.sizes > 0]
    n_lost = np.round(np.array(shares) * sizes).astype(int)
    return float(np.max(target.rule.statistic(n_lost, sizes)))


def _tolerance(*estimators):
    """Of the lower of the precisions that networks compute in; others use double."""
    coefs = [getattr(last_step(each), "coefs_", None) for each in estimators]
    return max(TOLERANCE[4 if it and it[0].dtype.itemsize == 4 else 8] for it in coefs)
