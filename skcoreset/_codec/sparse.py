"""The code of a sparse network with rounded weights: its edges, and their levels.

All constants belong to the file format: another value makes files unreadable.
"""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from math import log

import numpy as np
from scipy.special import gammaln

from .arithmetic import INCREMENT, Encoder, Meter, tally

# Prior of the number of edges of each end, in units of 1 / _EDGE edges; each layer
# chooses one. With a small one the next edge is likely where others are.
_EDGE, _PRIORS = 4, (1, 4, 16, 64)

# Weight of an end without an edge from any of the nearby inputs; each of these adds 1.
_ALONE = 2

# Inputs are nearby if their numbers differ by one of up to _MAX_LAGS lags, each at most
# _MAX_LAG. In an image these lead to the next pixel and to the next row.
_MAX_LAGS, _MAX_LAG = 6, 1024

# Evidence that a lag needs: a squared number of standard deviations.
_EVIDENCE = 30

# Largest level of a weight, in each direction.
MAX_LEVEL = 255

# What the counts of magnitudes are kept apart by: the number of groups of inputs and of
# neurons, by their numbers of edges, and whether the sign. Each layer chooses one.
_CONTEXTS = (1, 1, False), (1, 1, True), (4, 1, False), (4, 4, False)

# A direction with more lines than this is used only if the other one has no fewer.
_MAX_LINES = 4096

# Digits of an integer.
_MAX_LENGTH = 15
MAX_INTEGER = (1 << _MAX_LENGTH) - 1


def code_support(coder, kept, signs, *, max_lines=_MAX_LINES):
    """Code the places of the edges of a layer.

    Line by line: a line has the edges of one input, or those of one neuron. First comes
    the number of edges of the line, then, for one end after another, whether it has
    one. The probability is proportional to the number of edges that the end has so far
    plus the prior, and larger if nearby inputs have an edge to the same neuron.

    Parameters
    ----------
    coder : Encoder or Decoder

    kept : ndarray of shape (n_in, n_out), dtype bool
        A decoder uses its shape only.

    signs : ndarray of shape (n_in, n_out)
        Signs of the weights, which tell an encoder which inputs are nearby.

    max_lines : int
        Part of the code: encoder and decoder need the same.

    Returns
    -------
    kept : ndarray of shape (n_in, n_out), dtype bool

    lags : tuple of int
        Differences of the numbers of nearby inputs.
    """
    coder.part = "supports"
    directions = [d for d in (True, False) if kept.shape[not d] <= max_lines]
    directions = directions or [kept.shape[0] <= kept.shape[1]]
    by_inputs, prior, lags = directions[0], 0, ()
    if isinstance(coder, Encoder):
        by_inputs, prior, lags = _cheapest(kept, signs, directions)
    if len(directions) == 2:
        by_inputs = bool(coder.uniform(2, by_inputs))
    prior = coder.uniform(len(_PRIORS), prior)
    if by_inputs:
        n_lags = min(coder.integer({}, len(lags)), _MAX_LAGS)
        given = [*lags, *[1] * _MAX_LAGS][:n_lags]
        lags = tuple(1 + coder.integer({}, lag - 1) for lag in given)
    lines = _code_lines(coder, kept if by_inputs else kept.T, prior, lags)
    return (lines if by_inputs else lines.T), lags


def _code_lines(coder, lines, prior, lags):
    n_lines, n_ends = lines.shape
    out = np.zeros((n_lines, n_ends), bool)
    degrees = _code_degrees(coder, lines.sum(axis=1).tolist(), n_ends, lags or (1,))
    weights = np.full(n_ends, _PRIORS[prior])
    for number, degree in enumerate(degrees):
        if 0 < degree < n_ends:
            near = [out[number - lag] for lag in lags if lag <= number]
            factors = sum(near, start=np.full(n_ends, _ALONE))
            chosen = coder.subset(weights * factors, degree, lines[number])
            out[number] = chosen
            weights += _EDGE * chosen
        else:
            out[number] = degree
    return out


def _code_degrees(coder, degrees, largest, lags):
    """Code numbers of edges, as differences from the mean of nearby lines."""
    out, contexts = [], {}
    for number, degree in enumerate(degrees):
        near = [out[number - lag] for lag in lags if lag <= number]
        expected = (2 * sum(near) + len(near)) // (2 * len(near)) if near else 0
        size = coder.integer(contexts, abs(degree - expected), bool(expected))
        if size and expected:
            signs = contexts.setdefault("signs", [1, 1])
            size = -size if coder.adaptive(signs, degree < expected) else size
        out.append(min(max(expected + size, 0), largest))
    return out


def _cheapest(kept, signs, directions):
    """Direction, prior and lags with the shortest code."""

    def cost(plan):
        by_inputs, prior, lags = plan
        meter = Meter()
        _code_lines(meter, kept if by_inputs else kept.T, prior, lags)
        contexts = _near(signs, lags)[kept] + _MAX_LAGS
        return meter.n_bits + _length((signs[kept] < 0).astype(int), contexts, 2)

    lags = _best_lags(signs)
    plans = [
        (by_inputs, prior, lags if by_inputs else ())
        for by_inputs in directions
        for prior in range(len(_PRIORS))
    ]
    return min(plans, key=cost)


def _best_lags(signs):
    """Differences of the numbers of inputs with the same signs."""
    n_in = len(signs)
    n_lags = min(_MAX_LAG, n_in - 1)
    products, pairs = (
        np.rint(autocorrelation(each, n_lags)) for each in (signs, np.abs(signs))
    )
    evidence = np.maximum(products, 0) ** 2 / np.maximum(pairs, 1)
    best = np.argsort(-evidence, kind="stable")[:_MAX_LAGS]
    return tuple(int(lag) + 1 for lag in best if evidence[lag] > _EVIDENCE)


def _near(signs, lags):
    """Sums of the signs of the edges from nearby inputs to each neuron."""
    near = np.zeros(signs.shape, int)
    for lag in lags:
        near[lag:] += signs[:-lag]
    return near


def autocorrelation(values, n_lags):
    """Sums of products of values at a distance, over all columns.

    Parameters
    ----------
    values : ndarray of shape (n, n_columns)

    n_lags : int

    Returns
    -------
    sums : ndarray of shape (n_lags,)
        At distances from 1 to `n_lags`.
    """
    n_points = len(values) + n_lags
    power = 0
    for start in range(0, values.shape[1], 64):
        spectra = np.fft.rfft(values[:, start : start + 64], n_points, axis=0)
        power = power + (np.abs(spectra) ** 2).sum(axis=1)
    return np.fft.irfft(power, n_points)[1 : n_lags + 1]


def code_levels(coder, levels, kept, lags, is_intercept=None):
    """Code the levels of the edges of a layer.

    Probabilities of a sign depend on the signs of the edges from nearby inputs to the
    same neuron, those of a magnitude on the numbers of edges of input and neuron.

    Parameters
    ----------
    coder : Encoder or Decoder

    levels : ndarray of shape (n_in, n_out), dtype int
        A decoder ignores them.

    kept : ndarray of shape (n_in, n_out), dtype bool

    lags : tuple of int
        From `code_support`.

    is_intercept : ndarray of shape (n_in,), dtype bool, default=None
        Rows whose levels have counts of their own. None means no row.

    Returns
    -------
    levels : ndarray of shape (n_in, n_out), dtype int16
    """
    coder.part = "levels"
    if is_intercept is None:
        is_intercept = np.zeros(len(kept), bool)
    out = np.zeros(kept.shape, np.int16)
    rows, columns = np.nonzero(kept)
    given = levels[rows, columns]
    n_levels = min(coder.integer({}, int(np.abs(given).max(initial=0))), MAX_LEVEL)
    if not len(rows) or not n_levels:
        return out

    counts = np.ones((2 * _MAX_LAGS + 2, 2), int)
    contexts = np.where(is_intercept[rows], 2 * _MAX_LAGS + 1, _MAX_LAGS)
    if lags:
        # Line by line, as each depends on those before.
        ends = np.cumsum(np.count_nonzero(kept, axis=1))[:-1]
        parts = np.split(np.arange(len(rows)), ends)
    else:
        parts = [np.arange(len(rows))]
    for row, part in enumerate(parts):
        here = contexts[part]
        for lag in lags:
            if lag <= row:
                near = out[row - lag, columns[part]]
                here = here + np.where(is_intercept[row], 0, near)
        negative = coder.symbols(counts, here, given[part] < 0)
        out[rows[part], columns[part]] = 1 - 2 * negative

    magnitudes = np.abs(given) - 1
    signs = out[rows, columns] > 0
    edges = kept, rows, columns, signs, is_intercept[rows]
    best = 0
    if isinstance(coder, Encoder):
        lengths = [
            _length(magnitudes, _contexts(*edges, *options), n_levels)
            for options in _CONTEXTS
        ]
        best = int(np.argmin(lengths))
    best = coder.uniform(len(_CONTEXTS), best)
    contexts = _contexts(*edges, *_CONTEXTS[best])
    counts = np.ones((contexts.max() + 1, n_levels), int)
    magnitudes = coder.symbols(counts, contexts, magnitudes)
    out[rows, columns] *= (1 + magnitudes).astype(np.int16)
    return out


def code_integers(coder, values):
    """Code integers from -32,767 to 32,767: lengths and signs adaptively.

    Parameters
    ----------
    coder : Encoder or Decoder

    values : ndarray of shape (n,), dtype int
        A decoder uses their number only.

    Returns
    -------
    values : ndarray of shape (n,), dtype int
    """
    coder.part = "intercepts"
    powers = 1 << np.arange(_MAX_LENGTH)
    context = np.zeros(len(values), int)
    lengths = np.searchsorted(powers, np.abs(values), side="right")
    lengths = coder.symbols(np.ones((1, _MAX_LENGTH + 1), int), context, lengths)
    negative = coder.symbols(np.ones((1, 2), int), context, values < 0)
    # The first digit is 1.
    leading = powers[lengths - 1] * (lengths > 0)
    digits = np.where(lengths > 0, np.abs(values) - leading, 0)
    digits = coder.uniforms(np.maximum(leading, 1).tolist(), digits.tolist())
    return (leading + digits) * (1 - 2 * negative)


def _contexts(kept, rows, columns, signs, is_intercept, n_inputs, n_neurons, by_sign):
    """Number of the context of each edge: the groups of its ends, with its sign."""
    inputs, neurons = (
        _groups(np.count_nonzero(kept, axis=axis), n_groups)
        for axis, n_groups in ((1, n_inputs), (0, n_neurons))
    )
    contexts = n_neurons * inputs[rows] + neurons[columns]
    contexts = np.where(is_intercept, n_inputs * n_neurons, contexts)
    return 2 * contexts + signs if by_sign else contexts


def _groups(degrees, n_groups):
    """Group of each end, from few edges to many; groups have about as many edges."""
    order = np.argsort(degrees, kind="stable")
    edges = degrees[order]
    groups = np.empty(len(degrees), int)
    # By the middle one of the edges of each end.
    groups[order] = (2 * np.cumsum(edges) - edges) * n_groups // (2 * edges.sum())
    return groups


def _length(values, contexts, n_values):
    """Bits of symbols that are coded by their counts so far in each context."""
    counts = tally(contexts, values, (contexts.max(initial=0) + 1, n_values))
    start = 1 / INCREMENT
    before = gammaln(start) * n_values - gammaln(start * n_values)
    after = gammaln(counts + start).sum(axis=1)
    after -= gammaln(counts.sum(axis=1) + start * n_values)
    return (before - after).sum() / log(2)
