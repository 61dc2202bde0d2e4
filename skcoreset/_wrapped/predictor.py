"""Predictor: classes, predictions and outputs of anything that predicts."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass

import numpy as np
from scipy.special import logit
from sklearn.base import is_classifier
from sklearn.compose import TransformedTargetRegressor

from .._network import dense
from .containers import (
    is_compressor,
    is_fitted,
    is_mlp,
    last_step,
    levels,
    thawed,
    transformed_target,
)
from .mlp import network_of
from .rows import inputs_of


@dataclass(frozen=True, eq=False)
class Outputs:
    """Outputs before the output activation.

    Parameters
    ----------
    values : ndarray of shape (n_samples, n_outputs)

    activation : {"identity", "exp", "logistic", "softmax"}
        The activation that makes predictions of them.

    up_to_shift : bool, default=False
        Whether `values` are known only up to a number added to all outputs of a row.
    """

    values: np.ndarray
    activation: str
    up_to_shift: bool = False


class Predictor:
    """Any fitted model that has `predict`.

    Parameters
    ----------
    estimator : object
        An MLP, a compressor, a Pipeline or search of one of them, another estimator of
        scikit-learn, or any object with `predict`; of a classifier also with
        `predict_proba`, where its outputs are asked for.
    """

    def __init__(self, estimator):
        self.estimator = estimator

    @property
    def is_classifier(self):
        """Whether it predicts classes."""
        estimator = self.estimator
        if hasattr(estimator, "__sklearn_tags__"):
            return is_classifier(thawed(estimator))
        return hasattr(estimator, "predict_proba") or hasattr(estimator, "classes_")

    @property
    def classes(self):
        """Its classes, an ndarray, or None if it has no `classes_`."""
        classes = getattr(self.estimator, "classes_", None)
        # of several outputs there are several arrays
        of_several = isinstance(classes, list) and any(map(np.ndim, classes))
        return None if classes is None or of_several else np.asarray(classes)

    def predictions(self, X):
        """Predictions of rows, 1-d where each row has one value."""
        y = np.asarray(dense(self.estimator.predict(X)))
        return y.ravel() if y.ndim == 2 and y.shape[1] == 1 else y

    def outputs(self, X):
        """Outputs of rows before the output activation; in the order of sorted classes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        outputs : Outputs
            Of a network, its own. Of another regressor, its predictions; of another
            classifier, the logits of its probabilities.

        Raises
        ------
        ValueError
            If it is a classifier without probabilities.
        """
        for level, rows in levels(self.estimator, X):
            if is_compressor(level):
                # a table, where set_output asks for one
                F = np.asarray(level.transform(rows))
                return Outputs(F, last_step(level).out_activation_)
            if is_mlp(level) and is_fitted(level):
                network = network_of(level)
                return Outputs(
                    network.forward(inputs_of(level, rows)), network.out_activation
                )
        if not self.is_classifier:
            y = self.predictions(X).astype(np.float64)
            return Outputs(y.reshape(len(y), -1), "identity")
        return self._logits(X)

    def _logits(self, X):
        """Outputs from probabilities."""
        estimator = self.estimator
        if not hasattr(estimator, "predict_proba"):
            raise ValueError(
                f"{type(estimator).__name__} has no predict_proba, from which outputs "
                "could be had: use error='prediction' or 'classwise'."
            )
        P = estimator.predict_proba(X)
        several_labels = isinstance(P, list) or self.predictions(X).ndim > 1
        if isinstance(P, list):
            P = np.column_stack([p[:, -1] for p in P])
        P = np.asarray(P, dtype=np.float64)
        if not several_labels and self.classes is not None:
            P = P[:, np.argsort(self.classes)]
        with np.errstate(divide="ignore"):
            if several_labels:
                return Outputs(logit(P), "logistic")
            if P.shape[1] <= 2:
                return Outputs(logit(P[:, -1:]), "logistic")
            return Outputs(np.log(P), "softmax", up_to_shift=True)


class Pair:
    """An original and what stands in for it, whose outputs can be compared.

    Parameters
    ----------
    original, compressed : object
        As in :class:`Predictor`.
    """

    def __init__(self, original, compressed):
        self.original, self.compressed = Predictor(original), Predictor(compressed)

    def predictions(self, X):
        """Predictions of both, of one shape.

        Raises
        ------
        ValueError
            If they have different shapes, or no class in common.
        """
        y, y_hat = self.original.predictions(X), self.compressed.predictions(X)
        _check_same_shape(y, y_hat)
        if y.ndim == 1:
            self._check_classes(y, y_hat)
        return y, y_hat

    def outputs(self, X):
        """Outputs of both before the output activation, of one shape.

        Returns
        -------
        outputs, outputs_hat : Outputs
            Where one of them only is on the log scale of a Poisson regressor, both are.

        Raises
        ------
        ValueError
            If they have different shapes, classes or units.
        """
        original, compressed = self.original.estimator, self.compressed.estimator
        network = getattr(compressed, "original_estimator_", None)
        if (
            isinstance(original, TransformedTargetRegressor)
            and network is not None
            and network is getattr(original, "regressor_", None)
        ):
            raise ValueError(
                "original predicts y, and compressed the transformed y: compare it "
                f"with {transformed_target(original, 'original')}."
            )
        F, F_hat = self.original.outputs(X), self.compressed.outputs(X)
        activations = {F.activation, F_hat.activation}
        if len(activations) > 1 and "exp" in activations:
            F, F_hat = _on_log_scale(F), _on_log_scale(F_hat)
        _check_same_shape(F.values, F_hat.values)
        of_one = F.activation == "logistic" and F.values.shape[1] == 1
        if F.activation == "softmax" or of_one:
            self._check_classes()
        return F, F_hat

    def _check_classes(self, y=None, y_hat=None):
        """Refuse estimators of different classes; with predictions, that share none."""
        names, names_hat = self.original.classes, self.compressed.classes
        if y is None:
            if names is None or names_hat is None:
                return
            comparable = set(names.tolist()) == set(names_hat.tolist())
        elif names is None or names_hat is None:
            names = y if names is None else names
            names_hat = y_hat if names_hat is None else names_hat
            comparable = _are_texts(names) == _are_texts(names_hat)
        else:
            comparable = not set(names.tolist()).isdisjoint(names_hat.tolist())
        if not comparable:
            names, names_hat = (
                list(dict.fromkeys(each.tolist())) for each in (names, names_hat)
            )
            raise ValueError(
                f"original has the classes {names} and compressed {names_hat}: their "
                f"{'outputs' if y is None else 'predictions'} cannot be compared."
            )


def _are_texts(values):
    """Whether classes are strings, also where their array holds objects."""
    if values.dtype.kind == "O":
        return all(isinstance(value, str) for value in values)
    return values.dtype.kind in "UST"


def _on_log_scale(outputs):
    """Outputs of a Poisson regressor as they are, others as their logarithms."""
    if outputs.activation == "exp":
        return outputs
    with np.errstate(divide="ignore", invalid="ignore"):
        return Outputs(np.log(outputs.values), "exp")


def _check_same_shape(of_original, of_compressed):
    if of_original.shape != of_compressed.shape:
        raise ValueError(
            f"original predicts an array of shape {of_original.shape} and compressed "
            f"one of shape {of_compressed.shape}: they cannot be compared."
        )
