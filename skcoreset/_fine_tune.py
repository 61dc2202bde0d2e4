"""Training of the kept edges with labels."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import replace
from itertools import pairwise
from math import ceil

import numpy as np
from scipy import sparse
from sklearn.utils import gen_batches

from ._network import ACTIVATIONS, DERIVATIVES, augment, views

# Step of Adam at its highest, relative to the root mean square weight of the layer, so
# that it means the same for outputs of any scale.
LEARNING_RATE = 0.0125

# Share of the steps during which the learning rate rises from 0.
WARM_UP = 0.03

BETA_1, BETA_2 = 0.9, 0.999

# What `n_epochs=None` means: this many passes, more where they are short.
MIN_EPOCHS = 15
MIN_STEPS = 2_000


def fine_tune(
    network,
    X,
    Y,
    *,
    alpha=0.0,
    batch_size="auto",
    sample_weight=None,
    n_epochs=None,
    learning_rate=LEARNING_RATE,
    rng,
):
    """Train the edges and intercepts of a sparse network further, with labels.

    Minimises the loss that belongs to the output activation (cross-entropy, squared
    error, Poisson) plus the L2 penalty of scikit-learn's MLPs by Adam, whose learning
    rate falls to 0 along a cosine.

    Parameters
    ----------
    network : Network
        Its non-zero weights are the edges to train; there will be no others.

    X : {ndarray, sparse array} of shape (n_samples, n_features)

    Y : ndarray of shape (n_samples, n_outputs)
        From :func:`encode_targets`.

    alpha : float, default=0.0
        Strength of the L2 penalty on the weights.

    batch_size : int or "auto", default="auto"
        Rows in a step. "auto" is `min(200, n_samples)`.

    sample_weight : ndarray of shape (n_samples,), default=None
        None is negative, and not all are 0.

    n_epochs : int, default=None
        Passes over the rows. None is 15, or as many as make 2,000 steps.

    learning_rate : float, default=0.0125
        At its highest, relative to the root mean square weight of the layer.

    rng : numpy.random.Generator
        Shuffles the rows.

    Returns
    -------
    network : Network
        With the same edges; sparse where it was sparse.

    Raises
    ------
    ValueError
        If a weight overflows.
    """
    if sample_weight is not None:
        sample_weight = sample_weight / sample_weight.max()
        sample_weight = (sample_weight / sample_weight.mean()).astype(network.dtype)
    layers = augment(network)
    live = live_inputs(layers)
    # Rows and columns that no edge connects to the output stay out of the products.
    blocks = [
        np.ix_(np.append(rows, True), columns) for rows, columns in pairwise(live)
    ]
    small = [layer[block] for layer, block in zip(layers, blocks)]
    kept = [layer != 0 for layer in small]
    for mask in kept:
        mask[-1] = True
    with np.errstate(over="ignore", invalid="ignore"):
        trained = train(
            small,
            kept,
            X[:, live[0]],
            Y,
            network,
            alpha=alpha,
            batch_size=batch_size,
            sample_weight=sample_weight,
            n_epochs=n_epochs,
            learning_rate=learning_rate,
            rng=rng,
        )
    if not all(np.isfinite(weights).all() for weights in trained):
        raise ValueError(
            f"The training overflowed in {network.dtype}: X or y are too large for the "
            "network. Scale them as for its own training."
        )
    smallest = np.finfo(network.dtype).tiny
    for layer, block, weights, mask in zip(layers, blocks, trained, kept):
        weights[mask & (weights == 0)] = smallest
        layer[block] = weights
    tuned = detach(layers, network)
    coefs = [
        type(old)(new) if sparse.issparse(old) else new
        for old, new in zip(network.coefs, tuned.coefs)
    ]
    return replace(tuned, coefs=tuple(coefs))


def train(
    layers,
    kept,
    X,
    Y,
    network,
    *,
    alpha=0.0,
    batch_size="auto",
    sample_weight=None,
    n_epochs=None,
    learning_rate=LEARNING_RATE,
    decay=True,
    forgiveness=0.0,
    grid=None,
    rng,
):
    """Train some of the weights of augmented layers; see :func:`fine_tune`.

    Parameters
    ----------
    layers : list of (n_in + 1, n_out) ndarrays
        Weights, intercepts in the last row.

    kept : list of (n_in + 1, n_out) ndarrays of bool
        What is trained. The rest is 0.

    network : Network
        For its activations.

    decay : bool, default=True
        Whether the learning rate falls to 0 at the end.

    forgiveness : float, default=0.0
        Power of the probability of the true class that the gradient of a row is
        multiplied by: 0 is cross-entropy, 1 the probability of being wrong, which
        gives up rows that a small network cannot learn (the generalized cross-entropy
        of Zhang and Sabuncu 2018).

    grid : Grid, default=None
        Levels that the weights are rounded to in every product. The gradient is taken
        as if they were not (a straight-through estimate).

    Returns
    -------
    layers : list of (n_in + 1, n_out) ndarrays
        Not rounded to `grid`.
    """
    n_samples = X.shape[0]
    dtype = layers[0].dtype
    X = X.astype(dtype, copy=False)
    if not sparse.issparse(X):
        # rows are gathered in every step: each should lie together
        X = np.ascontiguousarray(X)
    Y = Y.astype(dtype, copy=False)
    batches = make_batches(n_samples, batch_size)
    if n_epochs is None:
        n_epochs = max(MIN_EPOCHS, ceil(MIN_STEPS / len(batches)))
    rates = _learning_rates(n_epochs * len(batches), learning_rate, decay)

    # All trained weights are one vector, so that Adam is a handful of operations;
    # it is scattered into the dense layers that multiply.
    edges = np.flatnonzero(np.concatenate([mask.ravel() for mask in kept]))
    weights, weight_views = flat_with_views(layers)
    gradient, gradient_views = flat_with_views(layers)
    weights[:] = 0
    theta = np.concatenate([layer[mask] for layer, mask in zip(layers, kept)])
    scale = np.concatenate(
        [np.full(mask.sum(), _root_mean_square(layer[:-1]), dtype)
         for layer, mask in zip(layers, kept)]
    )  # fmt: skip
    penalty = np.concatenate([_penalised(mask, alpha)[mask] for mask in kept])
    penalty = penalty.astype(dtype)
    mean, square = np.zeros_like(theta), np.zeros_like(theta)

    for _ in range(n_epochs):
        order = rng.permutation(n_samples)
        for batch in batches:
            rows = order[batch]
            weights[edges] = theta if grid is None else grid.round(theta)
            importance = None if sample_weight is None else sample_weight[rows]
            if importance is not None and importance.sum() < np.finfo(dtype).eps:
                continue  # a batch that counts for nothing
            total = _backpropagate(
                weight_views,
                gradient_views,
                X[rows],
                Y[rows],
                network,
                sample_weight=importance,
                forgiveness=forgiveness,
            )
            g = gradient[edges]
            g += penalty / total * theta
            mean += (1 - BETA_1) * (g - mean)
            square += (1 - BETA_2) * (g * g - square)
            theta -= next(rates) * scale * mean / (np.sqrt(square) + 1e-8)
            if grid is not None:
                grid.clip(theta)
    weights[edges] = theta
    return weight_views


def make_batches(n_samples, batch_size):
    """Return the slices of a pass; the last joins the one before if it is short."""
    size = min(200 if batch_size == "auto" else batch_size, n_samples)
    return list(gen_batches(n_samples, size, min_batch_size=size // 2))


def detach(layers, network):
    """Return `network` with the weights and intercepts of augmented layers."""
    coefs = tuple(np.ascontiguousarray(layer[:-1]) for layer in layers)
    return replace(
        network, coefs=coefs, intercepts=tuple(layer[-1].copy() for layer in layers)
    )


def live_inputs(layers):
    """Tell for every layer which inputs are connected to an output.

    Returns
    -------
    live : list of n_layers + 1 ndarrays of bool
        The last is the outputs, all of them live.
    """
    live = [np.ones(layers[-1].shape[1], dtype=bool)]
    for layer in reversed(layers):
        live.append((layer[:-1, live[-1]] != 0).any(axis=1))
    return live[::-1]


def backward(layers, activations, delta, activation):
    """Yield `(layer, gradient with respect to its neurons)` from the output down."""
    for layer in reversed(range(len(layers))):
        yield layer, delta
        if layer:
            delta = delta @ layers[layer][:-1].T
            delta *= DERIVATIVES[activation](activations[layer])


def forward(layers, X, activation):
    """Return what enters each of the augmented layers, and the output."""
    activations = [X]
    for number, layer in enumerate(layers, start=1):
        Z = activations[-1] @ layer[:-1]
        Z += layer[-1]
        if number < len(layers):
            ACTIVATIONS[activation](Z)
        activations.append(Z)
    return activations


def _backpropagate(layers, gradients, X, Y, network, *, sample_weight, forgiveness):
    """Write the gradient of the mean loss; return the weight of the rows in all.

    For the pairs of loss and output activation of scikit-learn's MLPs the gradient
    with respect to the output is the prediction less the target.
    """
    if sparse.issparse(X):
        X = X.toarray()
    activations = forward(layers, X, network.activation)
    P = network.activate_output(activations[-1])
    delta = P - Y
    if forgiveness:
        delta *= _true_class_probability(P, Y, network.out_activation) ** forgiveness
    if sample_weight is None:
        total = len(X)
    else:
        total = float(sample_weight.sum())
        delta *= sample_weight[:, np.newaxis]
    delta /= total
    for layer, part in backward(layers, activations, delta, network.activation):
        np.dot(activations[layer].T, part, out=gradients[layer][:-1])
        np.sum(part, axis=0, out=gradients[layer][-1])
    return total


def _true_class_probability(P, Y, out_activation):
    if out_activation == "softmax":
        return np.sum(P * Y, axis=1, keepdims=True)
    return np.where(Y, P, 1 - P)


def _learning_rates(n_steps, peak, decay):
    """Yield the rates of Adam, with its corrections for a start from zeros."""
    warm_up = max(1, WARM_UP * n_steps)
    for step in range(1, n_steps + 1):  # pragma: no branch (no one asks for more)
        rate = peak * min(1, step / warm_up)
        if decay:
            rate *= (1 + np.cos(np.pi * step / n_steps)) / 2
        yield float(rate * np.sqrt(1 - BETA_2**step) / (1 - BETA_1**step))


def flat_with_views(layers):
    """Return a flat copy of all layers, and each layer as a view of it."""
    flat = np.concatenate([layer.ravel() for layer in layers])
    return flat, views(flat, [layer.shape for layer in layers])


def _root_mean_square(weights):
    n = np.count_nonzero(weights)
    return np.sqrt(np.sum(weights * weights, dtype=float) / n) if n else 1.0


def _penalised(mask, alpha):
    """Strength of the L2 penalty for each weight: intercepts have none."""
    penalty = np.full(mask.shape, alpha)
    penalty[-1] = 0
    return penalty
