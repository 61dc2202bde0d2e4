"""Activations by scikit-learn's names, and what a network's output means."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.special import expit


def _relu(Z):
    # With both bounds in the dtype of Z this is three times as fast as np.maximum.
    Z.clip(Z.dtype.type(0), Z.dtype.type(np.inf), out=Z)


# Hidden layers. They change arrays of any shape in place.
ACTIVATIONS = {
    "identity": lambda Z: None,
    "logistic": lambda Z: expit(Z, out=Z),
    "relu": _relu,
    "tanh": lambda Z: np.tanh(Z, out=Z),
}

# Derivatives of the hidden activations, computed from their values.
DERIVATIVES = {
    "identity": np.ones_like,
    "logistic": lambda A: A * (1 - A),
    "relu": lambda A: A > 0,
    "tanh": lambda A: 1 - A * A,
}

OUT_ACTIVATIONS = ("exp", "identity", "logistic", "softmax")


def activate_output(F, out_activation):
    """Return probabilities, or values, from outputs before the output activation."""
    match out_activation:
        case "softmax":
            return _softmax(F)
        case "logistic":
            return expit(F)
        case "exp":
            return np.exp(F)
        case "identity":
            return F
    raise unknown(out_activation)


def _softmax(F):
    # For single rows several times as fast as SciPy's.
    P = np.exp(F - F.max(axis=1, keepdims=True))
    P /= P.sum(axis=1, keepdims=True)
    return P


def labels(F, out_activation):
    """Return the predicted class of each row, (n_samples, 1), or its set of labels."""
    # Labels of the probabilities: these tie where outputs differ by very little.
    P = activate_output(F, out_activation)
    match out_activation:
        case "softmax":
            return P.argmax(axis=1)[:, np.newaxis]
        case "logistic":
            return P > 0.5
    raise unknown(out_activation)


def unknown(out_activation):
    """Return the error for an output activation that a function does not handle."""
    return ValueError(f"out_activation={out_activation!r} is not supported here.")
