"""How far an exported network is from the one that stayed in Python."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings
from dataclasses import dataclass

import numpy as np
from sklearn.base import is_classifier

from .._network import dense
from .._wrapped.compat import num_samples, safe_indexing

# More rows than these are compared by a random sample of this size.
MAX_ROWS = 20_000

# A comparison is a concern below these shares of equal predictions, or above these
# root-mean-square errors as shares of an output's standard deviation: of any output of
# a regressor, and of the median output of a classifier, whose predictions may agree
# because they hardly change.
MIN_AGREEMENT = 0.98
MIN_CLASS_AGREEMENT = 0.9
MAX_ERROR = 0.05
MAX_CLASSIFIER_ERROR = 0.25

# Outputs of a classifier that hardly vary are measured by this share of the largest.
MIN_SCALE = 0.01

# A class is judged by itself if the original predicts it for this many rows.
MIN_CLASS_ROWS = 20

N_WORST_ROWS = 5


@dataclass(frozen=True, eq=False)
class Comparison:
    """An exported network beside its original, on the same rows.

    Attributes
    ----------
    n_rows : int
        Rows that were compared.

    errors : ndarray of shape (n_outputs,)
        Root-mean-square difference of each output, as a share of the standard deviation
        of the original's (of its magnitude, where it is constant; of a classifier's at
        least of 1% of the largest output).

    worst_rows : ndarray of int
        Up to five row numbers, the largest difference of an output first.

    worst_error_share : float
        What the first of these rows has of the sum of the squared differences.

    agreement : float or None
        Share of the rows with equal predictions; None for regressors.

    class_agreement : dict or None
        For every class that the original predicts, the share of its rows for which the
        exported network predicts it, too; for sets of labels, the share of rows on
        which both decide alike on a label.

    class_counts : dict or None
        The number of rows behind each `class_agreement`.
    """

    n_rows: int
    errors: np.ndarray
    worst_rows: np.ndarray
    worst_error_share: float
    agreement: float | None = None
    class_agreement: dict | None = None
    class_counts: dict | None = None

    @property
    def concern(self):
        """What exceeds the thresholds of this module, in words; else empty."""
        if self.agreement is None:
            worst = int(np.argmax(self.errors))
            if self.errors[worst] <= MAX_ERROR:
                return ""
            return (
                f"output {worst} is off by {self.errors[worst]:.2g} times its standard "
                "deviation (root mean square)"
            )
        if self.agreement < MIN_AGREEMENT:
            return f"predictions agree on {self.agreement:.1%} of {self._rows}"
        for name, share in self.class_agreement.items():
            if (
                share < MIN_CLASS_AGREEMENT
                and self.class_counts[name] >= MIN_CLASS_ROWS
            ):
                return (
                    f"predictions agree on {share:.1%} of the "
                    f"{self.class_counts[name]:,} rows of class {name!r}"
                )
        if np.median(self.errors) > MAX_CLASSIFIER_ERROR:
            return (
                f"outputs are off by {np.median(self.errors):.2g} times their standard "
                "deviation (root mean square)"
            )
        return ""

    def warn(self, what, causes=(), stacklevel=3):
        """Warn if there is a concern.

        Parameters
        ----------
        what : str
            What differs, the subject of the sentence.

        causes : list of str, default=()
            Sentences.

        stacklevel : int, default=3
            Frames from here to the caller that the warning is for.
        """
        if self.concern:
            reasons = " ".join(causes)
            warnings.warn(
                f"{what} differs from the original: {self.concern}. {reasons}".strip(),
                UserWarning,
                stacklevel=stacklevel,
            )

    def __str__(self):
        worst = int(np.argmax(self.errors))
        which = f" (output {worst})" if len(self.errors) > 1 else ""
        error = (
            f"root-mean-square error {self.errors[worst]:.2g} of the standard "
            f"deviation{which}"
        )
        if self.agreement is None:
            return f"{error}, on {self._rows}"
        return f"equal predictions on {self.agreement:.2%} of {self._rows}; {error}"

    @property
    def _rows(self):
        return f"{self.n_rows:,} row{'s' * (self.n_rows != 1)}"


def compare(original, exported, *, predictions=None, classes=None, rows=None):
    """Compare what an original and an exported network give for the same rows.

    Parameters
    ----------
    original, exported : ndarrays of shape (n_samples, n_outputs)
        Outputs on one scale: before the output activation, probabilities, or values.

    predictions : pair of ndarrays, default=None
        Of classifiers: predicted classes of shape (n_samples,), or indicators of labels
        of shape (n_samples, n_labels), of the original and of the exported network.

    classes : array-like, default=None
        Names of the labels, for indicators. None numbers them.

    rows : ndarray of int, default=None
        Numbers of these rows, if they are a sample; see `rows_to_compare`.

    Returns
    -------
    comparison : Comparison
    """
    original, exported = (
        np.asarray(F, np.float64).reshape(len(F), -1) for F in (original, exported)
    )
    with np.errstate(over="ignore", invalid="ignore"):
        scale = _scale(original, MIN_SCALE if predictions is not None else 0)
        difference = np.abs(exported - original) / scale
        difference = np.nan_to_num(difference, nan=np.inf, posinf=np.inf)
        errors = np.sqrt(np.square(difference).mean(axis=0))
        row_errors = difference.max(axis=1)
    worst = np.argsort(-row_errors, kind="stable")[:N_WORST_ROWS]
    finite = np.square(np.minimum(row_errors, 1e100))
    worst_error_share = float(finite[worst[0]] / (finite.sum() or 1))
    worst = worst if rows is None else rows[worst]
    if predictions is None:
        return Comparison(len(original), errors, worst, worst_error_share)
    y, y_exported = map(np.asarray, predictions)
    equal = y == y_exported
    if y.ndim == 2:
        names = range(y.shape[1]) if classes is None else np.asarray(classes).tolist()
        groups = {name: equal[:, k] for k, name in enumerate(names)}
        equal = equal.all(axis=1)
    else:
        groups = {name: equal[y == name] for name in np.unique(y).tolist()}
    return Comparison(
        len(original),
        errors,
        worst,
        worst_error_share,
        float(equal.mean()),
        {name: float(group.mean()) for name, group in groups.items()},
        {name: len(group) for name, group in groups.items()},
    )


def compare_on(X, original, exported):
    """Compare two estimators on rows, of very many on a random sample.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples, n_features)

    original : estimator

    exported : estimator or callable
        A callable takes the rows and returns what `answers` does.

    Returns
    -------
    comparison : Comparison
    """
    rows = rows_to_compare(num_samples(X))
    X = safe_indexing(X, rows)
    outputs, y = answers(original, X)
    is_function = not hasattr(exported, "predict")
    exported, y_exported = exported(X) if is_function else answers(exported, X)
    predictions = None if y is None else (y, y_exported)
    classes = getattr(original, "classes_", None)
    return compare(
        outputs, exported, predictions=predictions, classes=classes, rows=rows
    )


def answers(estimator, X):
    """Outputs of an estimator, and of a classifier its predictions, else None."""
    if not is_classifier(estimator):
        return estimator.predict(X), None
    return estimator.predict_proba(X), dense(estimator.predict(X))


def rows_to_compare(n_rows):
    """Numbers of the rows that are compared: all, or a fixed random sample of many."""
    if n_rows <= MAX_ROWS:
        return np.arange(n_rows)
    return np.sort(np.random.default_rng(0).choice(n_rows, MAX_ROWS, replace=False))


def _scale(F, least):
    """Standard deviation of each output, or `least` of the magnitude of any.

    Of a constant output its magnitude, or 1.
    """
    scale, magnitude = F.std(axis=0), np.abs(F).max(axis=0)
    scale = np.maximum(scale, least * magnitude.max())
    scale = np.where(scale > 1e-9 * magnitude, scale, magnitude)
    return np.where(scale > 0, scale, 1.0)
