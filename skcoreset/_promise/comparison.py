"""Two fitted estimators, whoever made them, and how far one is from the other."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass, field

import numpy as np

from .._errors import ERRORS, check_error
from .._wrapped import Pair, is_compressor, levels


@dataclass(frozen=True, eq=False)
class Compared:
    """How far an estimator is from another one on some rows.

    Attributes
    ----------
    errors : ndarray of shape (n_samples,), float64

    groups : ndarray of int of shape (n_samples,)
        If each class is counted by itself, the class that the original predicts, as its
        number in `classes`; else 0.

    classes : list
        Names of the groups, predicted ones first; empty if all rows count together.

    about : dict
        `out_activation`, `n_outputs` and `scale` of the outputs, as far as they play a
        part.
    """

    errors: np.ndarray
    groups: np.ndarray
    classes: list = field(default_factory=list)
    about: dict = field(default_factory=dict)


class Comparison:
    """An original and what stands in for it, compared row by row.

    Parameters
    ----------
    original, compressed : fitted estimators
        As for :func:`~skcoreset.certify`.

    error : str
        A name in `ERRORS`.

    scale : array-like of shape (n_outputs,), default=None
        With ``error="scaled"``, what the difference of each output is divided by. None
        takes it from the certificate of `compressed`.
    """

    def __init__(self, original, compressed, error, scale=None):
        self.pair = Pair(original, compressed)
        check_error(error, classifier=self.pair.original.is_classifier)
        if scale is not None and error != "scaled":
            raise ValueError(f"scale plays no part in error={error!r}: leave it out.")
        self.error = error
        self.scale = _checked_scale(compressed, scale) if error == "scaled" else None

    def on(self, X):
        """Compare both on some rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        compared : Compared
        """
        if ERRORS[self.error].counts_rows:
            return self._predictions_compared(X)
        return self._outputs_compared(X)

    def _predictions_compared(self, X):
        y, y_hat = self.pair.predictions(X)
        errors = (y != y_hat).reshape(len(y), -1).any(axis=1).astype(np.float64)
        if not ERRORS[self.error].by_class:
            return Compared(errors, np.zeros(len(errors), dtype=np.intp))
        check_error(self.error, classifier=True, multilabel=y.ndim > 1)
        predicted, groups = np.unique(y, return_inverse=True)
        classes = predicted.tolist()
        if self.pair.original.classes is not None:
            classes += np.setdiff1d(self.pair.original.classes, predicted).tolist()
        return Compared(errors, groups, classes)

    def _outputs_compared(self, X):
        F, F_hat = self.pair.outputs(X)
        _check_outputs(F, F_hat, self.error)
        n_outputs = F.values.shape[1]
        about = {"out_activation": F.activation, "n_outputs": n_outputs}
        if self.scale is not None:
            if len(self.scale) != n_outputs:
                raise ValueError(
                    f"scale={self.scale.tolist()} must be one finite number of at least"
                    f" 0 for each of the {n_outputs} outputs."
                )
            about["scale"] = tuple(self.scale.tolist())
        measure = ERRORS[self.error].measure
        errors = measure(F_hat.values, F.values, F.activation, self.scale)
        return Compared(errors, np.zeros(len(errors), dtype=np.intp), about=about)


def _check_outputs(F, F_hat, error):
    """Refuse outputs that do not have what an error measures."""
    if (F.up_to_shift or F_hat.up_to_shift) and not ERRORS[error].ignores_shift:
        raise ValueError(
            f"error={error!r} is about outputs, which predict_proba tells up to a "
            "shift only: use error='relative' or 'probability'."
        )
    n_infinite = (~np.isfinite(F.values)).any(axis=1).sum()
    if n_infinite and F.activation in ("identity", "exp"):
        raise ValueError(
            f"original predicts NaN, infinity or what has no logarithm for {n_infinite}"
            " rows of X: leave them out, and say that the certificate does not cover "
            "such rows."
        )
    if n_infinite and error != "probability":
        raise ValueError(
            f"original gives a class the probability 0 or 1 on {n_infinite} rows of X, "
            f"which has no logit, and error={error!r} compares logits: use "
            "error='probability' or 'prediction'."
        )


def _checked_scale(compressed, scale):
    """Return the scales given, or those of the compressor."""
    if scale is None:
        for level, _ in levels(compressed):
            if is_compressor(level):
                scale = level.certificate_.scale
    if scale is None:
        raise ValueError(
            "error='scaled' needs scale, the standard deviations of the original's "
            "outputs on rows other than X: pass it, or a compressor that was fitted "
            "with this error."
        )
    scale = np.asarray(scale, dtype=np.float64)
    if scale.ndim != 1 or not ((scale >= 0) & np.isfinite(scale)).all():
        raise ValueError(
            f"scale={scale.tolist()} must be one finite number of at least 0 for each "
            "output."
        )
    return scale
