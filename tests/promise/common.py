"""Small networks whose errors are known, and the walk down a path of them."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from skcoreset._errors import ERRORS
from skcoreset._network import Network
from skcoreset._plan import Plan
from skcoreset._promise.judge import Judge
from skcoreset._promise.target import Target

ALL = tuple(ERRORS)
CONFIDENCES = (None, 0.9)


def linear(weights, out_activation="softmax"):
    """A network of one layer."""
    weights = np.asarray(weights, dtype=float)
    return Network((weights,), (np.zeros(weights.shape[1]),), "relu", out_activation)


def path_of_noise(n_networks, size=0.05, seed=0):
    """Networks that grow apart from the first, not monotonically on every row."""
    rng = np.random.default_rng(seed)
    W = rng.standard_normal((3, 3))
    noise = np.cumsum(size * rng.standard_normal((n_networks, 3, 3)), axis=0)
    return linear(W), [linear(W + step) for step in noise]


def networks_with_errors(n_networks):
    """Networks of which number j errs by the value of feature j, absolutely."""
    weights = np.zeros((n_networks + 1, n_networks + 1, 1))
    weights[:, 0] = 1
    weights[np.arange(1, n_networks + 1), np.arange(1, n_networks + 1)] = 1
    network, *path = (linear(w, "identity") for w in weights)
    return network, path


def rows_with_errors(errors):
    """Rows on which these networks err by that, (n_samples, n_networks)."""
    return np.column_stack([np.ones(len(errors)), errors])


# Rows that "scaled" errors of networks with three inputs and outputs are scaled by.
CALIBRATION = np.random.default_rng(8).standard_normal((20, 3))


def errors_of(name, network, compressed, X):
    error = ERRORS[name]
    scale = error.scale_of(network, CALIBRATION)
    F, F_hat = network.forward(X), compressed.forward(X)
    return error.measure(F_hat, F, network.out_activation, scale)


def judge_of(network, X, name, confidence=None, *, epsilon=0.3, delta=0.3, **options):
    target = Target(name, epsilon, delta, confidence)
    plan = Plan("magnitude", target, **options)
    return Judge(network, CALIBRATION, X, plan)


def walk(judge, networks):
    """Return the last of the networks in turn that pass, and its certificate."""
    chosen = judge.original()
    for network in networks:
        verdict = judge(network, after=chosen)
        if not verdict.passes:
            break
        chosen = verdict
    return chosen.network, judge.certificate(chosen), judge.path(chosen)


def groups_of(name, network, X):
    """Which rows count together, as masks."""
    if name != "classwise":
        return [np.ones(len(X), dtype=bool)]
    labels = network.forward(X).argmax(axis=1)
    return [labels == c for c in np.unique(labels)]
