"""A prefix code for sparse networks: of which edges there are, and of rounded weights.

One description of the code serves both ways: an :class:`Encoder` writes the symbols it
is given and returns them, a :class:`Decoder` ignores what it is given and returns what
it reads. All probabilities are ratios of integers, so that both see the same ones on
every machine.
"""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate, chain
from math import log, log2

import numpy as np
from scipy.special import gammaln
from sklearn.utils import gen_batches

from .._network import ACTIVATIONS
from .blocks import Blocks, autocorrelation

# The arithmetic coder's interval is kept at least _SHORTEST long: whenever it gets
# shorter, a word is moved out of it. Totals of counts must be far smaller than that.
_WORD = 32
_SHORTEST = 1 << 64
_LONGEST = _SHORTEST << _WORD
_MASK = (1 << _WORD) - 1

# How much an adaptive count grows with every occurrence; all start at 1.
_INCREMENT = 2

# Symbols that are coded with the same counts, as a share of those counted so far.
_BATCH = 16

# Edges that every end is believed to have before any is seen, times _EDGE: one of them
# is chosen for each layer. Few mean that the next edge is likely where others are.
_EDGE = 4
_PRIORS = (1, 4, 16, 64)

# An edge is never more certain than 1 - 1 / _DOUBT, whatever its end has so far.
_DOUBT = 64

# Weight of an end that has no edge from any of the inputs near by; each adds 1.
_ALONE = 2

# Inputs that are near are so many numbers away; at most so many such distances. In an
# image these are the distances to the next pixel and to the next row.
_MAX_LAGS = 6
_MAX_LAG = 1024

# How sure it has to be that they are near: a squared number of standard deviations.
_EVIDENCE = 30

# Levels of weights are no larger than that, either way.
MAX_LEVEL = 255

# What the counts of magnitudes are kept apart by: so many groups of inputs and so many
# of neurons, by their numbers of edges, and whether the sign.
_CONTEXTS = (1, 1, False), (1, 1, True), (4, 1, False), (4, 4, False)

# More lines than this are coded only where there are no fewer across.
_MAX_LINES = 4096

# Digits of an intercept's level.
_MAX_LENGTH = 15
MAX_INTEGER = (1 << _MAX_LENGTH) - 1

# Ends that are looked at at once.
_PIECE = 4096

# Digits of an integer that is coded, at most.
_MAX_DIGITS = 48


@dataclass(frozen=True, eq=False)
class QuantisedNetwork:
    """A network as the code sees it: whole levels times a step for each layer.

    Parameters
    ----------
    levels : list of (n_in + 1, n_out) ndarrays of int
        Intercepts, edges from a constant 1, are in the last row.

    steps : ndarray of shape (n_layers,), dtype float16
        Not negative, and such as :func:`round_steps` returns.

    activation : {"identity", "logistic", "relu", "tanh"}

    blocks : Blocks, default=None
        Of inputs that share weights: the first levels are of the means of blocks. None
        is each input by itself.

    units : tuple of two (n_outputs,) ndarrays of float32, default=None
        Center and scale of the outputs, such as :func:`units_of` returns. None is 0
        and 1.
    """

    levels: list
    steps: np.ndarray
    activation: str
    blocks: Blocks = None
    units: tuple = None

    @property
    def n_features(self):
        return self.blocks.n_features if self.blocks else len(self.levels[0]) - 1

    def layers(self, dtype):
        """Weights, intercepts in the last row."""
        layers = [
            np.asarray(step, dtype) * levels.astype(dtype)
            for step, levels in zip(self.steps, self.levels)
        ]
        if self.blocks:
            layers[0] = self.blocks.spread(layers[0])
        if self.units:
            center, scale = (part.astype(dtype) for part in self.units)
            layers[-1] = layers[-1] * scale
            layers[-1][-1] += center
        return layers


def bits_per_edge(kept):
    """About how many bits say that an edge is there, at every place of a layer.

    It is the dearer, the fewer edges its input and its neuron have.
    """
    rows, columns = kept.sum(axis=1, keepdims=True), kept.sum(axis=0)
    chance = (rows + 0.5) * (columns + 0.5) / (kept.sum() + 1)
    return -np.log2(np.minimum(chance, 0.97))


def round_steps(steps):
    """Round to float16 with 2 of its 10 bits of mantissa: the steps that have codes."""
    bits = np.asarray(steps, np.float16).view(np.uint16)
    return ((bits + 0x80) & 0xFF00).astype(np.uint16).view(np.float16)


def units_of(Y):
    """Means and standard deviations of values, as the code can say them.

    Parameters
    ----------
    Y : ndarray of shape (n_samples, n_outputs)

    Returns
    -------
    center, scale : ndarrays of shape (n_outputs,), dtype float32
        The scale has 7 of the 23 bits of its mantissa. That of a constant is 1.
    """
    center, scale = Y.mean(axis=0, dtype=float), Y.std(axis=0, dtype=float)
    center, scale = (part.astype(np.float32) for part in (center, scale))
    scale = (scale.view(np.uint32) & 0xFFFF0000).view(np.float32)
    return center, np.where(scale > 0, scale, np.float32(1))


def levels_of(values, largest=MAX_LEVEL):
    """Write numbers as whole multiples of one step.

    Parameters
    ----------
    values : ndarray, dtype float32 or float64

    largest : int, default=255
        Largest level, either way.

    Returns
    -------
    step : float32 or float64
        As `values`; positive. The largest that will do.

    levels : ndarray of int32, of the shape of `values`
        ``step * levels.astype(values.dtype)`` are `values` to the bit, but for the sign
        of zeros. In place of the pair, None is returned where there is no such step.
    """
    dtype = values.dtype.type
    magnitudes = np.unique(np.abs(values))
    magnitudes = magnitudes[magnitudes > 0][::-1]
    if not len(magnitudes):
        return dtype(1), np.zeros(values.shape, np.int32)
    if len(magnitudes) > largest or not np.isfinite(values).all():
        return None

    # levels that the largest magnitude may have, so that all others are whole as well
    tops = np.arange(1, largest + 1)
    precision = 4 * np.finfo(dtype).eps
    for magnitude in magnitudes.astype(float):
        multiples = magnitude / float(magnitudes[0]) * tops
        off = np.abs(multiples - np.rint(multiples))
        tops = tops[(off <= precision * multiples) & (multiples > 0.5)]
    for top in tops:
        # its own rounding may hide the step by two units in the last place
        middle = magnitudes[0] / dtype(top)
        steps = middle + np.arange(-2, 3).astype(dtype) * np.spacing(middle)
        for step in steps[steps > 0]:
            with np.errstate(all="ignore"):
                levels = np.rint(values / step)
                exact = np.array_equal(step * levels, values)
            if exact and np.abs(levels).max() == top:
                return step, levels.astype(np.int32)
    return None


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
    encoder = Encoder()
    _code_network(encoder, network)
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
    data = np.packbits(np.asarray(code, np.uint8)).tobytes()
    return _code_network(Decoder(data), network)


def _code_network(coder, network):
    n_outputs = network.levels[-1].shape[1]

    coder.part = "blocks"
    blocks = _code_blocks(coder, network.blocks, network.n_features)
    n_inputs = blocks.n_groups if blocks else network.n_features

    coder.part = "units"
    units = _code_units(coder, network.units, n_outputs)

    coder.part = "layer sizes"
    names = sorted(ACTIVATIONS)
    activation = names[coder.uniform(len(names), names.index(network.activation))]
    n_layers = 1 + coder.integer({}, len(network.levels) - 1)
    given = [levels.shape[1] for levels in network.levels[:-1]]
    given += [0] * (n_layers - len(network.levels))
    widths = [coder.integer({}, width) for width in given[: n_layers - 1]]
    shapes = list(zip([n_inputs, *widths], [*widths, n_outputs]))
    if isinstance(coder, Decoder):
        blanks = [np.zeros((n_in + 1, n_out), np.int8) for n_in, n_out in shapes]
        network = QuantisedNetwork(blanks, np.zeros(n_layers, np.float16), activation)

    coder.part = "steps"
    given = network.steps.view(np.uint16) >> 8
    steps = [coder.uniform(128, int(step)) << 8 for step in given]
    levels = []
    for layer in network.levels:
        is_intercept = np.arange(len(layer)) == len(layer) - 1
        kept, lags = code_support(coder, layer != 0, np.sign(layer))
        levels.append(code_levels(coder, layer, kept, lags, is_intercept))
    steps = np.array(steps, np.uint16).view(np.float16)
    return QuantisedNetwork(levels, steps, activation, blocks, units)


def _code_blocks(coder, blocks, n_features):
    if not coder.uniform(2, blocks is not None):
        return None
    given = (blocks.row_length, blocks.height, blocks.width) if blocks else (1, 1, 1)
    row_length, *size = (1 + coder.integer({}, number - 1) for number in given)
    return Blocks(n_features, row_length, *size)


def _code_units(coder, units, n_outputs):
    if not coder.uniform(2, units is not None):
        return None
    given = np.zeros((2, n_outputs), np.float32) if units is None else np.array(units)
    center, scale = given.view(np.uint32).astype(int)
    # the lower half of the scale is 0
    halves = np.concatenate([center >> 16, center & 0xFFFF, scale >> 16]).tolist()
    halves = np.array(coder.uniforms([1 << 16] * len(halves), halves), np.uint32)
    high, low, of_scale = halves.reshape(3, n_outputs)
    return (high << 16 | low).view(np.float32), (of_scale << 16).view(np.float32)


def code_support(coder, kept, signs):
    """Code which edges of a layer there are.

    Line after line: the edges of each input, or those of each neuron. First how many a
    line has; then for one end after another whether it is among them. Its probability
    is proportional to the number of edges that the end has so far, plus the prior, and
    is larger where inputs that are near have an edge to the same neuron.

    Parameters
    ----------
    coder : Encoder or Decoder

    kept : ndarray of shape (n_in, n_out), dtype bool
        Of a decoder only the shape matters.

    signs : ndarray of shape (n_in, n_out)
        Signs of the weights: an encoder finds from them which inputs are near.

    Returns
    -------
    kept : ndarray of shape (n_in, n_out), dtype bool

    lags : tuple of int
        Differences of the numbers of inputs that are near.
    """
    coder.part = "supports"
    ways = [way for way in (True, False) if kept.shape[not way] <= _MAX_LINES]
    ways = ways or [kept.shape[0] <= kept.shape[1]]
    by_inputs, prior, lags = ways[0], 0, ()
    if isinstance(coder, Encoder):
        by_inputs, prior, lags = _cheapest(kept, signs, ways)
    if len(ways) == 2:
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
    """Code numbers of edges, as differences from the mean of those that are near."""
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


def _cheapest(kept, signs, ways):
    """Direction, prior and lags with the shortest code."""

    def cost(plan):
        by_inputs, prior, lags = plan
        meter = _Meter()
        _code_lines(meter, kept if by_inputs else kept.T, prior, lags)
        contexts = _near(signs, lags)[kept] + _MAX_LAGS
        return meter.n_bits + _length((signs[kept] < 0).astype(int), contexts, 2)

    lags = _best_lags(signs)
    plans = [
        (way, prior, lags if way else ())
        for way in ways
        for prior in range(len(_PRIORS))
    ]
    return min(plans, key=cost)


def _best_lags(signs):
    """Differences of the numbers of inputs between which signs repeat themselves."""
    n_in = len(signs)
    n_lags = min(_MAX_LAG, n_in - 1)
    products, pairs = (
        np.rint(autocorrelation(each, n_lags)) for each in (signs, np.abs(signs))
    )
    evidence = np.maximum(products, 0) ** 2 / np.maximum(pairs, 1)
    best = np.argsort(-evidence, kind="stable")[:_MAX_LAGS]
    return tuple(int(lag) + 1 for lag in best if evidence[lag] > _EVIDENCE)


def _near(signs, lags):
    """Sums of the signs of the edges from inputs that are near, to each neuron."""
    near = np.zeros(signs.shape, int)
    for lag in lags:
        near[lag:] += signs[:-lag]
    return near


def code_levels(coder, levels, kept, lags, is_intercept=None):
    """Code the levels of the edges that there are.

    The sign by those of the edges from inputs that are near to the same neuron, the
    magnitude by the numbers of edges that the input and the neuron have.

    Parameters
    ----------
    coder : Encoder or Decoder

    levels : ndarray of shape (n_in, n_out), dtype int
        Of a decoder not looked at.

    kept : ndarray of shape (n_in, n_out), dtype bool

    lags : tuple of int
        As from `code_support`.

    is_intercept : ndarray of shape (n_in,), dtype bool, default=None
        Rows whose levels have counts of their own. None is no row.

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
        # line after line, as each depends on those before
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
    """Code whole numbers up to 32,767 either way: lengths and signs adaptively.

    Parameters
    ----------
    coder : Encoder or Decoder

    values : ndarray of shape (n,), dtype int
        Of a decoder only the shape matters.

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
    # the first digit is 1
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
    """Group of each end, from few edges to many: about as many edges in each group."""
    order = np.argsort(degrees, kind="stable")
    edges = degrees[order]
    groups = np.empty(len(degrees), int)
    # by the edge in the middle of each end's
    groups[order] = (2 * np.cumsum(edges) - edges) * n_groups // (2 * edges.sum())
    return groups


def _length(values, contexts, n_values):
    """Bits of symbols that are coded by their counts so far in each context."""
    counts = _tally(contexts, values, (contexts.max(initial=0) + 1, n_values))
    start = 1 / _INCREMENT
    before = gammaln(start) * n_values - gammaln(start * n_values)
    after = gammaln(counts + start).sum(axis=1)
    after -= gammaln(counts.sum(axis=1) + start * n_values)
    return (before - after).sum() / log(2)


def _tally(contexts, values, shape):
    """How often each value occurs in each context."""
    flat = np.bincount(contexts * shape[1] + values, minlength=shape[0] * shape[1])
    return flat.reshape(shape)


class _Coder:
    """What an arithmetic coder codes, made of its symbols."""

    def __init__(self):
        self.part = ""

    def uniform(self, n, value):
        """Code one of `n` equally likely symbols."""
        return self.uniforms([n], [value])[0]

    def adaptive(self, counts, value):
        """Code a symbol by the counts so far, and count it."""
        value = self._one([0, *accumulate(counts)], int(value))
        counts[value] += _INCREMENT
        return value

    def integer(self, contexts, value, context=0):
        """Code an integer >= 0: its length adaptively, then its digits (Elias).

        So is the first of the digits. There are different counts for each context.
        """
        n_digits, length = (value + 1).bit_length() - 1, 0
        while length < _MAX_DIGITS:
            counts = contexts.setdefault((context, length), [1, 1])
            if not self.adaptive(counts, length < n_digits):
                break
            length += 1
        out = 1
        for digit in reversed(range(length)):
            # A decoder's value is not looked at.
            bit = (value + 1) >> digit & 1
            if digit == length - 1:
                counts = contexts.setdefault((context, length, "first"), [1, 1])
                bit = self.adaptive(counts, bit)
            else:
                bit = self.uniform(2, bit)
            out = 2 * out + bit
        return out - 1

    def symbols(self, counts, contexts, values):
        """Code symbols by the counts so far in the context of each, and count them.

        Parameters
        ----------
        counts : ndarray of shape (n_contexts, n_values), dtype int
            Changed. Few symbols at a time have the same counts.

        contexts, values : ndarrays of shape (n_symbols,), dtype int

        Returns
        -------
        values : ndarray of shape (n_symbols,), dtype int
        """
        out = np.empty(len(contexts), int)
        start = 0
        while start < len(contexts):
            seen = (counts.sum() - counts.size) // _INCREMENT
            batch = slice(start, min(start + 1 + seen // _BATCH, len(contexts)))
            tables = np.zeros((counts.shape[0], counts.shape[1] + 1), int)
            np.cumsum(counts, axis=1, out=tables[:, 1:])
            out[batch] = self._many(tables, contexts[batch], values[batch])
            counts += _INCREMENT * _tally(contexts[batch], out[batch], counts.shape)
            start = batch.stop
        return out


class Encoder(_Coder):
    """Writes symbols as bits.

    Attributes
    ----------
    parts : dict of str to float
        Bits that the symbols of each part take.
    """

    def __init__(self):
        super().__init__()
        self._words, self._low, self._span = [], 0, _LONGEST
        self.parts = {}

    @property
    def n_bits(self):
        """Bits that all symbols so far take."""
        return sum(self.parts.values())

    def subset(self, weights, size, chosen):
        """Code which `size` of the ends are chosen; `weights` make some more likely."""
        tails = weights[::-1].cumsum()[::-1]
        left = size - np.cumsum(chosen) + chosen
        ones = np.minimum(left * weights, tails - tails // _DOUBT - 1)
        starts = np.where(chosen, tails - ones, 0)
        widths = np.where(chosen, ones, tails - ones)
        open_ = (left > 0) & (left < np.arange(len(chosen), 0, -1))
        starts, widths, tails = starts[open_], widths[open_], tails[open_]
        bits = np.log2(tails / widths).sum()
        self._add(starts.tolist(), widths.tolist(), tails.tolist(), bits)
        return chosen

    def uniforms(self, totals, values):
        """Code symbols of which each is one of some number of equally likely ones."""
        self._add(values, [1] * len(values), totals, sum(map(log2, totals)))
        return values

    def finish(self):
        """Return all bits: the fewest that stay in the interval, whatever follows."""
        unit = 1 << self._span.bit_length() - 1
        while (value := -(-self._low // unit) * unit) + unit > self._low + self._span:
            unit >>= 1
        n_bits = _WORD * len(self._words) + (_LONGEST // unit).bit_length() - 1
        words = [
            *self._words,
            value >> 2 * _WORD,
            value >> _WORD & _MASK,
            value & _MASK,
        ]
        for number in reversed(range(len(words) - 1)):
            words[number] += words[number + 1] >> _WORD
        data = (np.array(words) & _MASK).astype(">u4").view(np.uint8)
        return np.unpackbits(data)[:n_bits]

    def _many(self, tables, contexts, values):
        values = values.astype(int)
        totals, starts = tables[contexts, -1], tables[contexts, values]
        widths = tables[contexts, values + 1] - starts
        bits = np.log2(totals / widths).sum()
        self._add(starts.tolist(), widths.tolist(), totals.tolist(), bits)
        return values

    def _one(self, table, value):
        width = table[value + 1] - table[value]
        self._add([table[value]], [width], table[-1:], log2(table[-1] / width))
        return value

    def _add(self, starts, widths, totals, bits):
        low, span, words = self._low, self._span, self._words
        for start, width, total in zip(starts, widths, totals):
            unit = span // total
            low += unit * start
            # What the division leaves is the last symbol's.
            span = span - unit * start if start + width == total else unit * width
            while span < _SHORTEST:
                # Where there is a carry, this is more than fits a word.
                words.append(low // _SHORTEST)
                low = low % _SHORTEST << _WORD
                span <<= _WORD
        self._low, self._span = low, span
        self.parts[self.part] = self.parts.get(self.part, 0.0) + float(bits)


class _Meter(Encoder):
    """Counts bits, and does not write them."""

    def _add(self, starts, widths, totals, bits):
        super()._add((), (), (), bits)


class Decoder(_Coder):
    """Reads symbols from bytes, the first bit of each first; behind the end all are 0.

    Parameters
    ----------
    data : bytes
    """

    def __init__(self, data):
        super().__init__()
        data += bytes(-len(data) % (_WORD // 8))
        self._words = iter(np.frombuffer(data, ">u4").tolist())
        self._span, self._value = _LONGEST, 0
        for _ in range(_LONGEST.bit_length() // _WORD):
            self._value = self._value << _WORD | next(self._words, 0)

    def subset(self, weights, size, chosen):
        """Read which `size` of the ends are chosen; `chosen` is not looked at."""
        n_ends = len(weights)
        out = np.zeros(n_ends, bool)
        tails = weights[::-1].cumsum()[::-1]
        span, value = self._span, self._value
        pairs = chain.from_iterable(
            zip(weights[piece].tolist(), tails[piece].tolist())
            for piece in gen_batches(n_ends, _PIECE)
        )
        pairs = enumerate(pairs)
        for end, (weight, tail) in pairs:  # pragma: no branch (the last is known)
            if size == 0 or size == n_ends - end:
                break
            ones = min(size * weight, tail - tail // _DOUBT - 1)
            bound = span // tail * (tail - ones)
            if value < bound:
                span = bound
            else:
                span -= bound
                value -= bound
                out[end] = True
                size -= 1
            if span < _SHORTEST:
                span <<= _WORD
                value = value << _WORD | next(self._words, 0)
        self._span, self._value = span, value
        if size:
            out[n_ends - size :] = True
        return out

    def uniforms(self, totals, values):
        """Read such symbols; `values` are not looked at."""
        return self._read(range(total + 1) for total in totals)

    def _many(self, tables, contexts, values):
        tables = tables.tolist()
        return self._read(tables[context] for context in contexts.tolist())

    def _one(self, table, value):
        return self._read([table])[0]

    def _read(self, tables):
        span, value = self._span, self._value
        out = []
        for table in tables:
            total = table[-1]
            unit = span // total
            symbol = bisect_right(table, min(value // unit, total - 1)) - 1
            bound = unit * table[symbol]
            value -= bound
            if table[symbol + 1] == total:
                span -= bound
            else:
                span = unit * (table[symbol + 1] - table[symbol])
            while span < _SHORTEST:
                span <<= _WORD
                value = value << _WORD | next(self._words, 0)
            out.append(symbol)
        self._span, self._value = span, value
        return out
