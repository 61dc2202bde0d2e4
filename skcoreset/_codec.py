"""A prefix code for quantised sparse networks.

One description of the code serves both ways: an :class:`Encoder` writes the symbols it
is given and returns them, a :class:`Decoder` ignores what it is given and returns what
it reads. All probabilities are ratios of integers, so that both see the same ones on
every machine.
"""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass
from math import log2

import numpy as np

from ._network import ACTIVATIONS

# Width of the arithmetic coder's registers. Totals of counts stay far below 2 ** 60.
_BITS = 62
_HALF, _QUARTER = 1 << (_BITS - 1), 1 << (_BITS - 2)

# How much an adaptive count grows with every occurrence; all start at 1.
_INCREMENT = 2

# Edges that every input is believed to have before any is seen, times _EDGE: one of
# them is chosen for each layer. Few mean that the next edge is likely where others are.
_EDGE = 4
_PRIORS = (1, 4, 16, 64)

# An edge is never more certain than 1 - 1 / _DOUBT, whatever its input has so far.
_DOUBT = 64


@dataclass(frozen=True, eq=False)
class QuantisedNetwork:
    """A network as the code sees it: whole levels times a step for each layer.

    Parameters
    ----------
    levels : list of (n_in + 1, n_out) ndarrays of int
        Intercepts, edges from a constant 1, are in the last row.

    steps : ndarray of shape (n_layers,), dtype float16
        Not negative, and such as :func:`coarse` returns.

    activation : {"identity", "logistic", "relu", "tanh"}
    """

    levels: list
    steps: np.ndarray
    activation: str

    def layers(self, dtype):
        """Weights, intercepts in the last row."""
        return [
            np.asarray(step, dtype) * levels.astype(dtype)
            for step, levels in zip(self.steps, self.levels)
        ]


def coarse(steps):
    """Round to float16 with 2 of its 10 bits of mantissa: the steps that have codes."""
    bits = np.asarray(steps, np.float16).view(np.uint16)
    return ((bits + 0x80) & 0xFF00).astype(np.uint16).view(np.float16)


def encode(network):
    """Write a network as bits.

    Parameters
    ----------
    network : QuantisedNetwork

    Returns
    -------
    code : ndarray of shape (n_bits,), dtype uint8
        Zeros and ones. No code is the beginning of another.

    parts : dict of str to float
        How many bits each part took. They add up to `n_bits`.
    """
    priors = [_best_prior(levels) for levels in network.levels]
    encoder = Encoder()
    _code_network(encoder, network, priors)
    code = encoder.finish()
    parts = dict(encoder.parts)
    parts["end of code"] = len(code) - sum(parts.values())
    return code, parts


def decode(code, n_features, n_outputs):
    """Read the network that `code` begins with.

    Parameters
    ----------
    code : array-like of int
        What follows the code of the network is not looked at.

    n_features, n_outputs : int
        The problem is known to both sides; so is the type of its numbers.

    Returns
    -------
    network : QuantisedNetwork
    """
    blank = np.zeros((n_features + 1, n_outputs), dtype=np.int8)
    network = QuantisedNetwork([blank], np.zeros(1, np.float16), "relu")
    return _code_network(Decoder(code), network, priors=None)


def _code_network(coder, network, priors):
    n_features, n_outputs = len(network.levels[0]) - 1, network.levels[-1].shape[1]

    coder.part = "layer sizes"
    names = sorted(ACTIVATIONS)
    activation = names[coder.uniform(len(names), names.index(network.activation))]
    n_layers = 1 + coder.integer({}, len(network.levels) - 1)
    given = [levels.shape[1] for levels in network.levels[:-1]]
    given += [0] * (n_layers - len(network.levels))
    widths = [coder.integer({}, width) for width in given[: n_layers - 1]]
    shapes = list(zip([n_features, *widths], [*widths, n_outputs]))
    if isinstance(coder, Decoder):
        blanks = [np.zeros((n_in + 1, n_out), np.int8) for n_in, n_out in shapes]
        network = QuantisedNetwork(blanks, np.zeros(n_layers, np.float16), activation)
        priors = [0] * n_layers

    coder.part = "steps"
    given = network.steps.view(np.uint16) >> 8
    steps = [coder.uniform(128, int(step)) << 8 for step in given]
    levels = [
        _code_layer(coder, layer, prior) for layer, prior in zip(network.levels, priors)
    ]
    steps = np.array(steps, np.uint16).view(np.float16)
    return QuantisedNetwork(levels, steps, activation)


def _code_layer(coder, layer, prior):
    coder.part = "supports"
    kept = _code_support(coder, layer != 0, prior)

    coder.part = "levels"
    n_levels = coder.integer({}, int(np.abs(layer).max(initial=0)))
    alphabet = [*range(-n_levels, 0), *range(1, n_levels + 1)]
    out = np.zeros_like(layer)
    counts = [[1] * len(alphabet) for _ in range(2)]
    for j in range(layer.shape[1]):
        for i in np.flatnonzero(kept[:, j]):
            intercept = int(i == len(layer) - 1)
            # 0 is what a decoder passes, and is not looked at.
            symbol = alphabet.index(layer[i, j]) if layer[i, j] else 0
            out[i, j] = alphabet[coder.adaptive(counts[intercept], symbol)]
    return out


def _code_support(coder, kept, prior):
    """Code which edges there are, neuron after neuron.

    First how many the neuron has; then for one input after another whether it is among
    them. Its probability is proportional to the number of edges that the input has so
    far, plus the prior.
    """
    prior = coder.uniform(len(_PRIORS), prior)
    n_in, n_out = kept.shape
    out = np.zeros_like(kept)
    weights = np.full(n_in, _PRIORS[prior])
    degree, sizes, signs = 0, {}, [1, 1]
    for j in range(n_out):
        change = int(kept[:, j].sum()) - degree
        size = coder.integer(sizes, abs(change))
        if size:
            degree += -size if coder.adaptive(signs, int(change < 0)) else size
        tails = np.cumsum(weights[::-1])[::-1].tolist()
        left = degree
        edges = enumerate(zip(weights.tolist(), tails))
        for i, (weight, tail) in edges:  # pragma: no branch (the last edge is known)
            if left == 0:
                break
            if left == n_in - i:
                out[i:, j] = True
                break
            ones = min(left * weight, tail - tail // _DOUBT - 1)
            if coder.symbol((tail - ones, ones), kept[i, j]):
                out[i, j] = True
                left -= 1
        weights[out[:, j]] += _EDGE
    return out


def _best_prior(levels):
    lengths = []
    for prior in range(len(_PRIORS)):
        encoder = Encoder()
        _code_support(encoder, levels != 0, prior)
        lengths.append(sum(encoder.parts.values()))
    return int(np.argmin(lengths))


class _Coder:
    """Arithmetic coder: narrows an interval by the share of each symbol."""

    def __init__(self):
        self._low, self._high = 0, (1 << _BITS) - 1
        self.part = ""
        self.parts = {}

    def uniform(self, n, value):
        """Code one of `n` equally likely symbols; `n` is a power of two."""
        out = 0
        for shift in reversed(range(n.bit_length() - 1)):
            out = 2 * out + self.symbol((1, 1), value >> shift & 1)
        return out

    def adaptive(self, counts, value):
        """Code a symbol by the counts so far, and count it."""
        value = self.symbol(counts, value)
        counts[value] += _INCREMENT
        return value

    def integer(self, contexts, value):
        """Code an integer >= 0: its length adaptively, then its digits (Elias)."""
        n_digits, length = (value + 1).bit_length() - 1, 0
        while self.adaptive(contexts.setdefault(length, [1, 1]), length < n_digits):
            length += 1
        # A decoder's value is not looked at.
        digits = (value + 1) & ((1 << length) - 1)
        return (1 << length) - 1 + self.uniform(1 << length, digits)

    def _narrow(self, start, width, total):
        span = self._high - self._low + 1
        self._high = self._low + span * (start + width) // total - 1
        self._low += span * start // total
        share = self.parts.get(self.part, 0.0)
        self.parts[self.part] = share - log2(width / total)
        while True:
            if self._high < _HALF:
                offset = 0
            elif self._low >= _HALF:
                offset = _HALF
            elif self._low >= _QUARTER and self._high < _HALF + _QUARTER:
                offset = _QUARTER
            else:
                return
            self._low = 2 * (self._low - offset)
            self._high = 2 * (self._high - offset) + 1
            self._shift(offset)


class Encoder(_Coder):
    """Writes symbols as bits."""

    def __init__(self):
        super().__init__()
        self._bits = []
        self._pending = 0

    def symbol(self, counts, value):
        """Write a symbol whose probability is its share of the counts."""
        value = int(value)
        self._narrow(sum(counts[:value]), counts[value], sum(counts))
        return value

    def finish(self):
        """Return all bits: those of an interval within what the symbols leave."""
        self._pending += 1
        self._write(self._low >= _QUARTER)
        return np.array(self._bits, dtype=np.uint8)

    def _shift(self, offset):
        if offset == _QUARTER:
            self._pending += 1
        else:
            self._write(offset == _HALF)

    def _write(self, bit):
        self._bits += [int(bit)] + [int(not bit)] * self._pending
        self._pending = 0


class Decoder(_Coder):
    """Reads symbols from bits."""

    def __init__(self, bits):
        super().__init__()
        self._bits = iter(bits)
        self._value = 0
        for _ in range(_BITS):
            self._shift(0)

    def symbol(self, counts, value):
        """Read a symbol; `value` is not looked at."""
        total = sum(counts)
        span = self._high - self._low + 1
        place = ((self._value - self._low + 1) * total - 1) // span
        start, value = 0, 0
        while start + counts[value] <= place:
            start += counts[value]
            value += 1
        self._narrow(start, counts[value], total)
        return value

    def _shift(self, offset):
        self._value = 2 * (self._value - offset) + int(next(self._bits, 0))
