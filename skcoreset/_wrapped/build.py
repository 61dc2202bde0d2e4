"""Fitted scikit-learn estimators made of given weights."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import StandardScaler

from .mlp import set_label_encoding

# What an MLP has before its first epoch. Its loss is unknown without rows.
_UNTRAINED = {
    "n_iter_": 0,
    "t_": 0,
    "loss_": np.nan,
    "best_loss_": np.inf,
    "validation_scores_": None,
    "best_validation_score_": None,
    "_no_improvement_count": 0,
}


def fitted_mlp(network, classes=None):
    """Return an MLP with the weights of a network; it can be trained further.

    Parameters
    ----------
    network : Network
        Its weights are copied.

    classes : ndarray of shape (n_classes,), default=None
        Sorted classes; of several logistic outputs `np.arange(n_outputs)`. None makes
        a regressor.

    Returns
    -------
    mlp : MLPClassifier or MLPRegressor

    Raises
    ------
    ValueError
        If the output is exponential and scikit-learn has no Poisson loss yet.
    """
    *hidden, n_outputs = network.widths
    params = {"hidden_layer_sizes": tuple(hidden), "activation": network.activation}
    if classes is not None:
        mlp = MLPClassifier(**params)
        kind = "multiclass" if network.out_activation == "softmax" else "binary"
        if network.out_activation == "logistic" and n_outputs > 1:
            kind = "multilabel-indicator"
        mlp.classes_ = classes
        set_label_encoding(mlp, kind, False)
    else:
        mlp = MLPRegressor(**params)
        if network.out_activation == "exp":
            if "loss" not in mlp.get_params():
                raise ValueError(
                    "An exponential output is that of loss='poisson', which the "
                    "installed scikit-learn does not have: install 1.7 or later."
                )
            mlp.set_params(loss="poisson")
    vars(mlp).update(_UNTRAINED, loss_curve_=[])
    mlp.coefs_ = [np.array(coef, order="C") for coef in network.coefs]
    mlp.intercepts_ = [np.array(intercept) for intercept in network.intercepts]
    mlp.n_features_in_ = len(mlp.coefs_[0])
    mlp.n_layers_ = len(network.widths) + 1
    mlp.n_outputs_ = n_outputs
    mlp.out_activation_ = network.out_activation
    return mlp


def fitted_scaler(mean, scale):
    """Return a StandardScaler that computes `(X - mean) / scale`."""
    scaler = StandardScaler()
    scaler.mean_, scaler.scale_ = np.array(mean, float), np.array(scale, float)
    with np.errstate(over="ignore", under="ignore"):
        scaler.var_ = scaler.scale_**2
    scaler.n_samples_seen_ = np.int64(0)
    scaler.n_features_in_ = len(scaler.mean_)
    return scaler
