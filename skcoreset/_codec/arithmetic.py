"""Arithmetic coding: symbols, by their probabilities, as bits and back.

One description of a code serves both directions: an :class:`Encoder` writes the symbols
it is given and returns them, a :class:`Decoder` ignores what it is given and returns
what it reads. All probabilities are ratios of integers, so that both have the same ones
on every machine.

All constants belong to the file format: another value makes files unreadable.
"""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from bisect import bisect_right
from itertools import accumulate, chain
from math import log2

import numpy as np
from sklearn.utils import gen_batches

# The interval is kept at least _SHORTEST long: whenever it gets shorter, a word of
# _WORD bits is moved out of it. Totals of counts must be far smaller than _SHORTEST.
_WORD = 32
_SHORTEST = 1 << 64
_LONGEST = _SHORTEST << _WORD
_MASK = (1 << _WORD) - 1

# How much an adaptive count grows with every occurrence; all start at 1.
INCREMENT = 2

# Symbols that are coded with the same counts, as a share of those counted so far.
_BATCH = 16

# An end is never more certain to be chosen than 1 - 1 / _DOUBT.
_DOUBT = 64

# Digits of an integer that is coded, at most.
_MAX_DIGITS = 48


class _Coder:
    """Numbers and symbols, in terms of the steps of an arithmetic coder."""

    def __init__(self):
        self.part = ""

    def uniform(self, n, value):
        """Code one of `n` equally likely symbols."""
        return self.uniforms([n], [value])[0]

    def adaptive(self, counts, value):
        """Code a symbol by the counts so far, and count it."""
        value = self._one([0, *accumulate(counts)], int(value))
        counts[value] += INCREMENT
        return value

    def integer(self, contexts, value, context=0):
        """Code an integer >= 0: its length and first digit adaptively, then the others.

        Each context has counts of its own.
        """
        n_digits, length = (value + 1).bit_length() - 1, 0
        while length < _MAX_DIGITS:
            counts = contexts.setdefault((context, length), [1, 1])
            if not self.adaptive(counts, length < n_digits):
                break
            length += 1
        out = 1
        for digit in reversed(range(length)):
            # A decoder ignores the value.
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
            Changed in place, after every few symbols.

        contexts, values : ndarrays of shape (n_symbols,), dtype int

        Returns
        -------
        values : ndarray of shape (n_symbols,), dtype int
        """
        out = np.empty(len(contexts), int)
        start = 0
        while start < len(contexts):
            seen = (counts.sum() - counts.size) // INCREMENT
            batch = slice(start, min(start + 1 + seen // _BATCH, len(contexts)))
            tables = np.zeros((counts.shape[0], counts.shape[1] + 1), int)
            np.cumsum(counts, axis=1, out=tables[:, 1:])
            out[batch] = self._many(tables, contexts[batch], values[batch])
            counts += INCREMENT * tally(contexts[batch], out[batch], counts.shape)
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
        """Code which `size` of the ends are chosen; some weigh more than others."""
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
        """Code symbols; each is one of `total` equally likely ones."""
        self._add(values, [1] * len(values), totals, sum(map(log2, totals)))
        return values

    def finish(self):
        """Return all bits: the fewest that mean the same whatever follows."""
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
            # The remainder of the division goes to the last symbol.
            span = span - unit * start if start + width == total else unit * width
            while span < _SHORTEST:
                # With a carry this is more than fits a word.
                words.append(low // _SHORTEST)
                low = low % _SHORTEST << _WORD
                span <<= _WORD
        self._low, self._span = low, span
        self.parts[self.part] = self.parts.get(self.part, 0.0) + float(bits)


class Meter(Encoder):
    """Counts bits without writing them."""

    def _add(self, starts, widths, totals, bits):
        super()._add((), (), (), bits)


class Decoder(_Coder):
    """Reads symbols from bytes, highest bits first; all bits after the end are 0.

    Parameters
    ----------
    data : bytes

    piece_size : int
        Ends whose weights are converted at once; the result does not depend on it.
    """

    def __init__(self, data, *, piece_size=4096):
        super().__init__()
        self._piece_size = piece_size
        data += bytes(-len(data) % (_WORD // 8))
        self._words = iter(np.frombuffer(data, ">u4").tolist())
        self._span, self._value = _LONGEST, 0
        for _ in range(_LONGEST.bit_length() // _WORD):
            self._value = self._value << _WORD | next(self._words, 0)

    def subset(self, weights, size, chosen):
        """Read which `size` of the ends are chosen; `chosen` is ignored."""
        n_ends = len(weights)
        out = np.zeros(n_ends, bool)
        tails = weights[::-1].cumsum()[::-1]
        span, value = self._span, self._value
        pairs = chain.from_iterable(
            zip(weights[piece].tolist(), tails[piece].tolist())
            for piece in gen_batches(n_ends, self._piece_size)
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
        """Read symbols; `values` are ignored."""
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


def tally(contexts, values, shape):
    """How often each value occurs in each context."""
    flat = np.bincount(contexts * shape[1] + values, minlength=shape[0] * shape[1])
    return flat.reshape(shape)
