"""First-order importance of edges and neurons to the output."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from functools import partial
from itertools import pairwise

import numpy as np
from scipy import sparse

from ._network import DERIVATIVES, augment, live_neurons
from ._network.activations import unknown
from ._parallel import deal, serial_map

# Rows that go backward together: with their activations they stay in the cache.
BLOCK_SIZE = 512

# The shrinkage of sparse rows grows with the edges of an input up to this number.
MOST_EDGES = 10

# Derivatives computed over all rows: those of each output if this number suffices, or
# else those of sums of the outputs with random signs.
N_PROBES = 4096


def edge_importance(
    network, X, row_weights, *, centred=False, shrinkage=0.0, thread_map=serial_map
):
    """Return what it costs the output to replace an edge by its mean contribution.

    To first order it is `w^2 sum_x r(x) (a(x) - mean)^2 ||d f(x) / d z||^2`, with the
    mean that costs least; the intercept takes it over when the edge is dropped.

    For sparse rows, few of which have a given feature, features and derivatives count
    as independent, and are averaged separately.

    Parameters
    ----------
    network : Network

    X : {ndarray, csr_array} of shape (n_samples, n_features)

    row_weights : ndarray of shape (n_samples,)
        The `r(x)`.

    centred : bool, default=False
        Whether `f` counts without the mean over its outputs.

    shrinkage : float, default=0.0
        What is added to the variance of each feature, relative to the median over the
        features that vary: few rows may say little about a feature that is usually 0.
        For sparse rows it is multiplied by the mean number of edges of a feature, at
        most `MOST_EDGES`: with few edges, rare features should get fewer of them.

    thread_map : callable, default=serial_map
        From `threads`. The result does not depend on it.

    Returns
    -------
    importance : list of (n_in, n_out) ndarrays
        0 where there is no edge.

    means : list of (n_in, n_out) ndarrays
        The mean inputs.
    """
    live = live_neurons(network.coefs)
    layers = list(pairwise(live))
    core = network.restricted(live)
    X = X if live[0].all() else X[:, live[0]]
    sums = partial(_importance_sums, core, X, row_weights, centred)
    totals = sum_parts(thread_map(sums, row_blocks(X)))
    shrinkages = [shrinkage] + [0.0] * (len(layers) - 1)
    parts = thread_map(_layer_importance, core.coefs, layers, shrinkages, *totals)
    return tuple(map(list, zip(*parts)))


def _layer_importance(coef, ends, shrinkage, total, first, second):
    """Importance and means of a layer; they are 0 for edges that are not live."""
    if first.ndim == 1:
        return _importance_of_sparse_inputs(coef, ends, shrinkage, total, first, second)
    # 0 / 0 is 0 here.
    mean = first / np.where(total > 0, total, 1)
    # In place, as fresh memory is slow.
    variance = np.subtract(second, np.multiply(mean, first, out=first), out=second)
    np.maximum(variance, 0, out=variance)
    if shrinkage:
        by_input = variance.sum(axis=1)
        if by_input.any():
            # The features in the smallest units would dominate a mean.
            typical = np.median(by_input[by_input > 0]) / total.sum()
            variance += shrinkage * typical * total
    variance *= np.square(coef, out=first)
    return [_between_zeros(values, *ends) for values in (variance, mean)]


def _importance_of_sparse_inputs(coef, ends, shrinkage, total, first, second):
    """Importance and means from sums over the neurons."""
    gain = total.sum() or 1
    mean = first / gain
    variance = np.maximum(second - mean * first, 0)
    seen = variance > 0
    if seen.any():
        n_edges = np.count_nonzero(coef) / len(coef)
        shrinkage *= min(max(n_edges, 1), MOST_EDGES)
        variance += coef.dtype.type(shrinkage) * np.median(variance[seen])
    importance = np.square(coef)
    importance *= variance[:, np.newaxis]
    importance *= total / gain
    means = np.repeat(mean[:, np.newaxis], len(total), axis=1)
    return [_between_zeros(values, *ends) for values in (importance, means)]


def _between_zeros(values, rows, columns):
    """Put values in their rows and columns; the others are 0."""
    for axis, chosen in enumerate((rows, columns)):
        if not chosen.all():
            shape = list(values.shape)
            shape[axis] = len(chosen)
            wider = np.zeros(shape, values.dtype)
            wider[(slice(None),) * axis + (chosen,)] = values
            values = wider
    return values


def neuron_statistics(network, X, row_weights, *, centred=False, thread_map=serial_map):
    """Return what it costs the output to change hidden neurons, and how they vary.

    To first order, a change of a neuron's values `a(x)` costs the output
    `sum_x r(x) (change of a)^2 ||d f(x) / d a||^2`, which is estimated by the `gain` of
    the neuron times the mean squared change.

    Parameters
    ----------
    network, X, row_weights, centred, thread_map
        As in :func:`edge_importance`.

    Returns
    -------
    gains, means : list of (width,) ndarrays, float64
        For each hidden layer: `sum_x r(x) ||d f(x) / d a||^2`, and mean values with
        rows weighted by `r`. Both are 0 for neurons that are not live.

    covariances : list of (width, width) ndarrays, float64
        Weighted in the same way.
    """
    live = live_neurons(network.coefs)
    core = network.restricted(live)
    X = X if live[0].all() else X[:, live[0]]
    sums = partial(_neuron_sums, core, X, row_weights, centred)
    gains, means, covariances = [], [], []
    total = row_weights.sum(dtype=np.float64)
    parts = zip(live[1:-1], *sum_parts(thread_map(sums, row_blocks(X))))
    for neurons, gain, first, second in parts:
        width, mean = len(neurons), first / total
        gains.append(np.zeros(width))
        gains[-1][neurons] = gain
        means.append(np.zeros(width))
        means[-1][neurons] = mean
        covariances.append(np.zeros((width, width)))
        covariances[-1][np.ix_(neurons, neurons)] = second / total - np.outer(
            mean, mean
        )
    return gains, means, covariances


def _neuron_sums(network, X, row_weights, centred, blocks):
    """Return `sum g`, `sum r a` and `sum r a a'` of each hidden layer, g the gains."""
    widths = network.widths[:-1]
    gains, first = ([np.zeros(n) for n in widths] for _ in range(2))
    second = [np.zeros((n, n)) for n in widths]
    for rows in blocks:
        activations, r = network.activations(X[rows]), row_weights[rows]
        probes = probes_of(network, rows, X.shape[0], centred)
        layers = output_gains(network, activations, r, probes)
        for layer, (A, (_, gain)) in enumerate(zip(activations[1:], layers[:-1])):
            A = A.astype(np.float64)
            weighted = r[:, np.newaxis] * A
            gains[layer] += gain.sum(axis=0)
            first[layer] += weighted.sum(axis=0)
            second[layer] += weighted.T @ A
    return gains, first, second


def row_blocks(X):
    """Return blocks of rows, in parts that are summed over in parallel."""
    return deal(X.shape[0], BLOCK_SIZE)


def sum_parts(parts):
    """Return the sum of the parts, nested lists of arrays, in their order."""
    total, *others = parts
    for other in others:
        for arrays, more in zip(total, other):
            for array, increment in zip(arrays, more):
                array += increment
    return total


def _importance_sums(network, X, row_weights, centred, blocks):
    """Return `sum g`, `sum a g` and `sum a^2 g` of each layer, g being the gains."""
    total = [np.zeros_like(b) for b in network.intercepts]
    first = [np.zeros_like(coef) for coef in network.coefs]
    second = [np.zeros_like(coef) for coef in network.coefs]
    if sparse.issparse(X):
        first[0], second[0] = np.zeros((2, X.shape[1]), network.dtype)
    # Reused, as threads would wait for each other's fresh memory.
    products = [np.empty_like(coef) for coef in network.coefs]
    for rows in blocks:
        A = network.activations(X[rows])
        probes = probes_of(network, rows, X.shape[0], centred)
        gains = output_gains(network, A, row_weights[rows], probes)
        for layer, (gain, _) in enumerate(gains):
            a, product = A[layer], products[layer]
            total[layer] += gain.sum(axis=0)
            if sparse.issparse(a):
                sums = gain.sum(axis=1)
                first[0] += a.T @ sums
                second[0] += a.power(2).T @ sums
                continue
            first[layer] += np.matmul(a.T, gain, out=product)
            second[layer] += np.matmul(np.square(a).T, gain, out=product)
    return total, first, second


def output_gains(network, activations, row_weights, probes):
    """Return squared norms of the output's derivatives, times the row weights.

    Parameters
    ----------
    network : Network

    activations : list of ndarrays
        From `network.activations`.

    row_weights : ndarray of shape (n_samples,)

    probes : ndarray of shape (n_probes, n_samples or 1, n_outputs)
        Directions whose squared derivatives are summed: unit vectors give the norm.

    Returns
    -------
    gains : list of pairs of (n_samples, width) ndarrays
        For each layer past the input, with respect to its neurons before and after the
        activation.
    """
    derivative = DERIVATIVES[network.activation]
    slopes = [derivative(A).astype(A.dtype, copy=False) for A in activations[1:-1]]
    squares = [np.zeros_like(slope) for slope in slopes]
    # Reused, too.
    results, scratch = ([np.empty_like(s) for s in slopes] for _ in range(2))
    for probe in probes:
        # A probe that is the same for all samples is one row up to the last hidden
        # layer.
        backward = probe
        for layer in range(len(slopes) - 1, -1, -1):
            out = results[layer][: len(backward)]
            np.matmul(backward, network.coefs[layer + 1].T, out=out)
            squares[layer] += np.square(out, out=scratch[layer][: len(out)])
            if layer:
                backward = np.multiply(out, slopes[layer], out=results[layer])
    row_weights = row_weights[:, np.newaxis]
    gains = []
    for slope, square in zip(slopes, squares):
        after = square * row_weights
        gains.append((after * slope * slope, after))
    gain = row_weights * np.square(probes).sum(axis=0)
    return [*gains, (gain, gain)]


def probes_of(network, rows, n_samples, centred=False):
    """Return unit vectors or, for many samples, random signs of each of the rows.

    If `centred` they are of the outputs minus their mean.
    """
    n_outputs, dtype = network.widths[-1], network.dtype
    n_probes = max(2, N_PROBES // n_samples)
    if n_outputs <= n_probes:
        probes = np.eye(n_outputs, dtype=dtype)[:, np.newaxis]
    else:
        # Each row has its own signs: errors of single rows cancel.
        rng = np.random.default_rng(rows.start)
        shape = (n_probes, rows.stop - rows.start, n_outputs)
        signs = rng.integers(2, size=shape) * 2 - 1
        probes = signs.astype(dtype) / np.sqrt(n_probes, dtype=dtype)
    if centred:
        probes -= probes.mean(axis=2, keepdims=True)
    return probes


def fisher_importance(network, X, rng):
    """Estimate, to second order, how much the loss grows if a parameter becomes 0.

    `w_ij^2 sum_x a_j(x)^2 (d loss / d z_i)^2`, the Fisher information of the weight
    times its square, for labels drawn from the network's own predictions.

    Parameters
    ----------
    network : Network
        With dense weights.

    X : {ndarray, csr_array} of shape (n_samples, n_features)

    rng : numpy.random.Generator
        Draws the labels. Values are drawn with variance 1.

    Returns
    -------
    importance : list of (n_in + 1, n_out) ndarrays
        The intercepts are in the last row.
    """
    live = live_neurons(network.coefs)
    core = network.restricted(live)
    *A, F = core.activations(X[:, live[0]])
    P = core.activate_output(F)
    delta = P - _draw_targets(P, core.out_activation, rng)
    importance = [np.zeros_like(layer) for layer in augment(network)]
    for i in range(len(A) - 1, -1, -1):
        squares = delta**2
        information = np.vstack([A[i].T ** 2 @ squares, squares.sum(axis=0)])
        parameters = np.vstack([core.coefs[i], core.intercepts[i]])
        where = np.ix_(np.append(live[i], True), live[i + 1])
        importance[i][where] = parameters**2 * information
        if i:
            delta = delta @ core.coefs[i].T
            delta *= DERIVATIVES[core.activation](A[i])
    return importance


def _draw_targets(P, out_activation, rng):
    """Draw targets with the probabilities that the network gives them."""
    match out_activation:
        case "softmax":
            classes = (P.cumsum(axis=1) < rng.random((len(P), 1))).sum(axis=1)
            classes = np.minimum(classes, P.shape[1] - 1)
            return np.eye(P.shape[1], dtype=P.dtype)[classes]
        case "identity":
            return P + rng.standard_normal(P.shape, dtype=P.dtype)
        case "exp":
            return rng.poisson(P).astype(P.dtype)
        case "logistic":
            return (rng.random(P.shape) < P).astype(P.dtype)
    raise unknown(out_activation)
