"""Certificate: what is promised of a compressed network, in numbers and in words."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass, field, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Context
from math import isinf

import numpy as np

from .digest import digest_of_rows
from .document import fields_of, read_json, to_dict, to_json
from .monitor import Monitor
from .provenance import Provenance
from .report import to_html
from .target import Target


@dataclass(frozen=True)
class Certificate:
    """What is promised of a compressed network, and what it rests on.

    A row is *lost* if ``error(f_hat(x), f(x)) > epsilon``, or if its prediction changes
    where that is the error. At most a share `delta` of new rows is lost: without a
    `confidence` on average over draws of the held-out rows, with one by this network,
    with that confidence over the draw of the held-out rows. Print it to read it.

    Attributes
    ----------
    epsilon : float
        Bound of the error. If none was targeted, the smallest that the held-out rows
        allow at `delta`, which may be infinite. 0 where the error counts rows.

    delta : float
        Share of rows that may be lost. If none was targeted, the smallest that the
        held-out rows allow.

    guarantee : {"conformal", "theoretical", "test", "simultaneous"} or None
        "conformal" is a promise on average over draws of the held-out rows, "test" one
        with a `confidence`, "simultaneous" that of :func:`~skcoreset.path_promises`.
        None if the network was changed after it was certified.

    error : str
        Which error.

    holds : bool
        Whether the promise is made.

    confidence : float or None
        Confidence of the promise for this network. None if it is one on average.

    n_validation : int
        Number of held-out rows.

    quantiles : dict of float to float
        Quantiles of the error on the held-out rows; empty without such rows.

    share_over_epsilon : float
        Share of the held-out rows that are lost.

    statistic : float
        The number that was compared with `limit`. It bounds nothing once the network
        was chosen by it. Without a confidence ``(n_lost + 1) / (n + 1)``, counting the
        rows that this network or the one before it on the path loses; with one, the
        p-value of the binomial test. If each class is counted by itself, the largest.
        Of "simultaneous" promises, the upper bound on the share of lost rows.

    limit : float
        `delta`, or ``1 - confidence`` for a p-value.

    scale : tuple of float of length n_outputs, or None
        With ``error="scaled"``, the standard deviations that errors are divided by:
        those of the original's outputs on the calibration rows, or what
        :func:`~skcoreset.certify` was given.

    share_by_class : dict of object to float
        If each class is counted by itself: of every class that the original predicts,
        the share of its held-out rows that changed.

    not_covered : tuple
        Classes that the original predicts for none of the held-out rows: nothing is
        promised of them.

    out_activation : {"softmax", "logistic", "identity", "exp"} or None
        Output activation of the original. None if it is not known.

    n_outputs : int or None
        Number of its outputs.

    n_networks : int
        Networks of which something was promised at once.

    provenance : Provenance or None
        Digests of the networks and of the held-out rows, date and versions. Two
        certificates that differ only in it are equal.

    See Also
    --------
    verify : Recomputes what a certificate says.
    Monitor : Watches whether the promise still holds.
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
    out_activation: str | None = None
    n_outputs: int | None = None
    n_networks: int = 1
    provenance: Provenance | None = field(default=None, compare=False)

    def revoked(self):
        """Return the certificate of a network that was changed since.

        Returns
        -------
        certificate : Certificate
            It promises nothing.
        """
        return replace(self, guarantee=None, holds=False, provenance=None)

    def for_rows(self, X):
        """Return the same certificate, with the digest of the held-out rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_val, n_features)
            As the user gave them.

        Returns
        -------
        certificate : Certificate
        """
        provenance = replace(self.provenance, rows_sha256=digest_of_rows(X))
        return replace(self, provenance=provenance)

    def to_dict(self):
        """Return all of it as a dict that JSON can hold.

        Returns
        -------
        document : dict
        """
        return to_dict(self)

    def to_json(self, indent=2):
        """Return all of it as strict JSON: without NaN and infinity.

        Parameters
        ----------
        indent : int, default=2
            As in :func:`json.dumps`.

        Returns
        -------
        text : str
        """
        return to_json(self, indent)

    @classmethod
    def from_json(cls, text):
        """Return the certificate that :meth:`to_json` wrote.

        Parameters
        ----------
        text : str or bytes
            JSON.

        Returns
        -------
        certificate : Certificate

        Raises
        ------
        ValueError
            If it is no strict JSON, or no certificate.
        """
        return cls(**fields_of(read_json(text)))

    def to_html(self, title="Certificate"):
        """Return a page for people who sign: self-contained, and made to be printed.

        Parameters
        ----------
        title : str, default="Certificate"
            Heading of the page.

        Returns
        -------
        html : str
        """
        return to_html(self, title)

    def monitor(self, original, compressed, *, alpha=0.05):
        """Return a monitor of this promise on new rows.

        Parameters
        ----------
        original, compressed : fitted estimators
            The two that it is about.

        alpha : float, default=0.05
            Largest probability of an alarm while the promise is kept.

        Returns
        -------
        monitor : Monitor

        Raises
        ------
        ValueError
            If nothing is promised, or too little for any row to break it.

        Warns
        -----
        UserWarning
            If it was made without a confidence: the monitor may then alarm without any
            change.
        """
        if not self.holds:
            raise ValueError(f"There is nothing to monitor. {self.promise}")
        if self.epsilon >= self._target.kind.largest or self.delta >= 1:
            raise ValueError(
                f"A promise with epsilon={self.epsilon:.4g} and delta={self.delta:.4g} "
                "cannot be broken: there is nothing to monitor."
            )
        return Monitor(
            original,
            compressed,
            error=self.error,
            epsilon=None if self._target.kind.counts_rows else self.epsilon,
            delta=self.delta,
            alpha=alpha,
            scale=self.scale,
            classes=list(self.share_by_class) if self._by_class else None,
            on_average=self.confidence is None,
        )

    @property
    def procedure(self):
        """Name of what let it pass."""
        if self.guarantee == "theoretical":
            return "theorem of CoreNet"
        if self.guarantee == "simultaneous":
            return f"simultaneous bounds for {self.n_networks} networks"
        return self._target.rule.procedure

    def __str__(self):
        return " ".join(filter(None, [self.promise, self.check, self.fine_print]))

    @property
    def promise(self):
        """The promise, as one sentence; or why there is none."""
        if self.guarantee is None:
            return (
                "No promise: the network was trained further, with labels, after it was"
                " certified. skcoreset.certify makes a promise from fresh rows."
            )
        if self.guarantee == "theoretical":
            return (
                f"By CoreNet's theorem a new row keeps {self._kept} with probability "
                f"at least {_percent(1 - self.delta)}."
            )
        if not self.holds:
            return f"No promise: {self._reason}."
        share = _percent(1 - self.delta)
        where = "in every class that the original predicts, " if self._by_class else ""
        if self.confidence is None:
            sentence = (
                f"{where}a new row like the held-out ones keeps {self._kept} with "
                f"probability at least {share}, the luck of the held-out draw included."
            )
        else:
            sentence = (
                f"with {_percent(self.confidence)} confidence, {where}at least {share} "
                f"of new rows like the held-out ones keep {self._kept.rstrip(',')}."
            )
        if float(_number(self.epsilon)) >= self._target.kind.largest:
            sentence += " That is no bound: any difference is allowed."
        if self.not_covered:
            sentence += (
                " Nothing is promised of classes that the original predicts for no "
                f"held-out row: {', '.join(map(str, self.not_covered))}."
            )
        return sentence[0].upper() + sentence[1:]

    @property
    def check(self):
        """How it was checked, as one sentence."""
        if self.guarantee is None:
            return ""
        if self.guarantee == "theoretical":
            return "No rows were held out to check it."
        rows = "row" if self.n_validation == 1 else "rows"
        checked = f"Checked on {self.n_validation:,} held-out {rows}"
        if isinf(self.epsilon):
            levels = (
                f"{_percent(level)} by at most {_number(error)}"
                for level, error in self.quantiles.items()
            )
            return f"{checked}, which differ: {', '.join(levels)}."
        n_lost = round(self.share_over_epsilon * self.n_validation)
        one = n_lost == 1
        if self._target.kind.counts_rows:
            verb = "changes" if one else "change"
        else:
            verb = "differs by more" if one else "differ by more"
            if not self.holds:
                verb += f" than {_number(self.epsilon)}"
        return f"{checked}: {n_lost:,} {verb}, {self.share_over_epsilon:.1%}."

    @property
    def fine_print(self):
        """Procedure, numbers and definitions."""
        if self.guarantee is None:
            return ""
        if self.guarantee == "theoretical":
            return (
                "(The probability is over the calibration rows, the draws of edges and "
                "the new row, under the assumptions of the theorem.)"
            )
        remarks = []
        if self.holds:
            worst = ", worst class" if self._by_class else ""
            relation = f"{self.statistic:.4g} is at most {self.limit:.4g}"
            name = "p-value" if self.confidence is not None else "(lost + 1) / (n + 1)"
            if self.guarantee == "simultaneous":
                name = "upper bound on the share"
            procedure = self.procedure
            remarks.append(
                f"{procedure[0].upper()}{procedure[1:]}{worst}: {name} = {relation}"
            )
            # a network of a given density has none before it
            alone = self.provenance is not None and self.provenance.before is None
            if self.confidence is None and not alone:
                remarks.append(
                    "rows that this network or the one before it loses are counted"
                )
        if self.error == "relative" and self.out_activation == "softmax":
            remarks.append("outputs are logits less their mean")
        if self.error == "scaled":
            remarks.append("standard deviations of the outputs are in `scale`")
        return f"({'; '.join(remarks)}.)" if remarks else ""

    @property
    def _by_class(self):
        return self._target.kind.by_class

    @property
    def _target(self):
        return Target(self.error, self.epsilon, self.delta, self.confidence)

    @property
    def _kept(self):
        """What a row that is not lost keeps."""
        kind = self._target.kind
        several = self.out_activation == "logistic" and (self.n_outputs or 1) > 1
        template = kind.kept_labels if several and kind.kept_labels else kind.kept
        return template.format(epsilon=_number(self.epsilon))

    @property
    def _reason(self):
        """Why nothing is promised."""
        needed = self._target.rule.n_needed
        if self.n_validation < needed:
            return (
                f"{needed:,} held-out rows are needed for "
                f"{_percent(1 - self.delta)}, and there are {self.n_validation:,}"
            )
        if self.confidence is None:
            return (
                f"with error={self.error!r}, one given network can only be promised "
                "something with a confidence"
            )
        return (
            f"the {self._target.rule.procedure} cannot exclude that more than "
            f"{_percent(self.delta, ROUND_CEILING)} of new rows are lost"
        )


def _number(value, rounding=ROUND_CEILING):
    """Four digits of a number, rounded to the side that promises less."""
    digits = Context(prec=4, rounding=rounding).create_decimal(repr(float(value)))
    return f"{float(digits):.4g}"


def _percent(share, rounding=ROUND_FLOOR):
    """A share in percent, rounded to the side that promises less."""
    # undo float error: 1 - 0.1 is 90%, and not a little less
    share = float(f"{share:.12g}")
    return f"{_number(100 * share, rounding)}%"
