"""How the edges of layers are stored as bytes, and which formats are shortest."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property

import numpy as np

# Bits of the numbers that edges are written as. Numbers of 4 bits save a tenth to a
# fifth of the flash of networks that are not very sparse. With 6 and 7 bits, only one
# of ten networks was smaller, by 8%, and a third slower.
NUMBER_BITS = (4, 8, 16)

MAX_REACH = 256

# With more levels than this, a number is not divided by repeated subtraction.
MAX_DIVISIONS = 16

# Number of skip codes, at most.
MAX_SKIPS = 16

# Half bytes take longer to read than bytes, which counts as this many bytes.
HALF_BYTE_SLOWNESS = 1.15


class Format(ABC):
    """How the edges of a layer are written, neuron after neuron, inputs in order."""

    @property
    @abstractmethod
    def function_bytes(self):
        """Machine code that reads it on AVR, about."""

    slowness = 1.0

    @abstractmethod
    def size(self, edges):
        """Bytes that edges take; infinite where the format has not their levels."""

    @abstractmethod
    def encode(self, edges):
        """Return bytes, the neuron that each is read for, and where the first edge is.

        Parameters
        ----------
        edges : Edges

        Returns
        -------
        codes : ndarray of uint8

        neurons : ndarray of int

        first : int
            The place that the first number is for.
        """


@dataclass(frozen=True)
class Dense(Format):
    """Of each input the level, a byte."""

    kind = "dense"
    function_bytes = 180
    largest = 127
    # places are counted by the inputs alone
    longest = 0

    def size(self, edges):
        # -128 has a byte, and 128 has not
        fits = edges.levels.min(initial=0) >= -128 and edges.levels.max(initial=0) < 128
        return edges.layer.levels.size if fits else np.inf

    def encode(self, edges):
        levels = edges.layer.levels
        codes = levels.T.ravel().astype(np.int8).view(np.uint8)
        return codes, np.repeat(np.arange(levels.shape[1]), levels.shape[0]), 0


@dataclass(frozen=True)
class Sparse(Format):
    """Numbers that say the level of an edge and how far the next edge is.

    A layer is a line of places, one for each input of each neuron. A number says the
    level of an edge, and how many places further the next edge is. Where that is too
    far for one number, skip codes follow, which have no level.

    Parameters
    ----------
    bits : {4, 8, 16}
        Of a number. Two numbers of 4 bits share a byte, the low half first.

    n_levels : int
        Different levels that an edge may have, half of them negative; none is 0.

    odd : bool
        Whether all levels are odd numbers, which half as many codes do for.

    reach : int
        Longest distance to the next edge that a number expresses; skip codes add 1,
        2, ... times `reach`.
    """

    bits: int
    n_levels: int
    odd: bool
    reach: int

    kind = "sparse"

    @property
    def n_codes(self):
        """Numbers with a level; the others are skip codes."""
        return self.n_levels * self.reach

    @property
    def n_skips(self):
        return min((1 << self.bits) - self.n_codes, MAX_SKIPS)

    @property
    def longest(self):
        """Places that one number goes on at most."""
        return self.n_skips * self.reach

    @property
    def levels_first(self):
        """Whether an edge is level times reach plus place, or the other way round.

        The factor is a power of two if possible.
        """
        return is_power(self.reach) or not is_power(self.n_levels)

    @property
    def function_bytes(self):
        return 310 if self.bits < 8 else 220

    @property
    def slowness(self):
        return HALF_BYTE_SLOWNESS if self.bits < 8 else 1.0

    @property
    def largest(self):
        """Largest level that has a code."""
        return self.n_levels - 1 if self.odd else self.n_levels // 2

    def size(self, edges):
        if (self.odd and not edges.are_odd) or edges.largest > self.largest:
            return np.inf
        distances, counts = edges.distance_counts
        skips = np.maximum(distances - 1, 0) // self.reach
        n_numbers = len(edges.levels) + counts @ -(-skips // self.n_skips)
        return n_numbers * self.bits / 8

    def encode(self, edges):
        numbers, places, first = self.numbers(edges)
        n_bytes = max(self.bits // 8, 1)
        if self.bits < 8:
            numbers = np.append(numbers, np.zeros(len(numbers) % 2, int))
            numbers = numbers[::2] | numbers[1::2] << self.bits
            places = places[::2]
        codes = to_bytes(numbers.astype(f"u{n_bytes}")).ravel()
        return codes, np.repeat(places, n_bytes) // len(edges.layer.levels), first

    def numbers(self, edges):
        """Return numbers, the place that each is read at, and where the first is."""
        levels = edges.levels
        if self.odd:
            fields = (levels + self.largest) // 2
        else:
            # no level is 0
            fields = levels + self.largest - (levels > 0)
        near = edges.distances - 1
        near[0] += 1
        far, near = near // self.reach, near % self.reach
        counts = -(-far // self.n_skips)
        skips = np.full((counts + 1).sum(), self.n_skips)
        ends = np.cumsum(counts + 1)
        partial = counts > 0
        skips[ends[partial] - 1] = (far[partial] - 1) % self.n_skips + 1
        numbers = self.n_codes - 1 + skips
        steps = skips * self.reach
        starts = ends - counts - 1
        if self.levels_first:
            numbers[starts[1:]] = fields * self.reach + near[1:]
        else:
            numbers[starts[1:]] = near[1:] * self.n_levels + fields
        steps[starts] = near + (np.arange(len(starts)) > 0)
        # the first number would stand for what is before the first edge
        return numbers[1:], np.cumsum(steps)[:-1], int(near[0])

    def decoded(self):
        """Return the level of each number, 0 of skip codes, and how far it goes on."""
        numbers = np.arange(self.n_codes)
        if self.levels_first:
            levels, near = np.divmod(numbers, self.reach)
        else:
            near, levels = np.divmod(numbers, self.n_levels)
        levels = 2 * levels if self.odd else levels + (levels >= self.largest)
        skips = 1 + np.arange(self.n_skips)
        return (
            np.append(levels - self.largest, 0 * skips),
            np.append(near + 1, skips * self.reach),
        )


@dataclass(frozen=True)
class Types:
    """Types of a layer, or wider ones, so that layers are read by one function.

    Parameters
    ----------
    bias : dtype
        What biases are stored as, without `layer.bias_shift` zero bits.

    sum, unit : dtype
        Of sums, and of biases in their units and of the units.
    """

    bias: np.dtype
    sum: np.dtype
    unit: np.dtype

    @classmethod
    def of(cls, layers):
        biases = [layer.bias >> layer.bias_shift for layer in layers]
        units = [max(np.abs(la.bias).max(), 1 << la.bias_shift) for la in layers]
        return cls(
            np.result_type(
                *(int_type(end) for b in biases for end in (b.min(), b.max()))
            ),
            # 8 bits would be no faster
            *(
                np.dtype(np.int16 if max(most) < 2**15 else np.int32)
                for most in ([layer.bound for layer in layers], units)
            ),
        )


@dataclass(frozen=True, eq=False)
class Edges:
    """The edges of a layer, as a line of places.

    Attributes
    ----------
    layer : Layer

    levels : ndarray of shape (n_edges,)

    distances : ndarray of shape (n_edges + 1,)
        From each edge to the next; first, how far the first one is from the start, and
        last, how far the last one is from the end.
    """

    layer: object

    @cached_property
    def _places(self):
        return np.flatnonzero(self.layer.levels.T)

    @cached_property
    def levels(self):
        return self.layer.levels.T.ravel()[self._places]

    @property
    def distances(self):
        return np.diff(np.concatenate([[0], self._places, [self.layer.levels.size]]))

    @cached_property
    def distance_counts(self):
        """Different distances, and how often each is there."""
        return np.unique(self.distances, return_counts=True)

    @cached_property
    def are_odd(self):
        return bool((self.levels % 2).all())

    @cached_property
    def largest(self):
        return int(np.abs(self.levels).max(initial=1))

    def formats(self, number_bits=NUMBER_BITS):
        """Yield formats with no more levels than these edges need."""
        yield Dense()
        kinds = [(False, 2 * self.largest), (True, self.largest + 1)]
        for odd, n_levels in kinds[: 1 + self.are_odd]:
            for bits in number_bits:
                most = min(((1 << bits) - 1) // n_levels, MAX_REACH)
                for reach in range(1, most + 1):
                    is_fast = n_levels <= MAX_DIVISIONS or is_power(n_levels)
                    if is_power(reach) or (is_fast and bits <= 8):
                        yield Sparse(bits, n_levels, odd, reach)


@dataclass(frozen=True, eq=False)
class CodedLayer:
    """A layer as what is in flash: the bias of each neuron, and its edges.

    Parameters
    ----------
    layer : Layer

    format : Format

    types : Types

    codes : ndarray of uint8

    ends : ndarray of shape (n_out,)
        Where the codes end that are read up to each neuron.

    first : int
        The place that the first number is for.
    """

    layer: object
    format: Format
    types: Types
    codes: np.ndarray
    ends: np.ndarray
    first: int

    @classmethod
    def of(cls, edges, format_, types):
        layer = edges.layer
        codes, neurons, first = format_.encode(edges)
        n_out = layer.levels.shape[1]
        # each neuron begins with its bias
        starts = np.searchsorted(neurons, np.arange(n_out))
        head = to_bytes((layer.bias >> layer.bias_shift).astype(types.bias))
        codes = np.insert(codes, np.repeat(starts, head.shape[1]), head.ravel())
        ends = np.append(starts[1:], len(neurons))
        ends = ends + head.shape[1] * np.arange(1, n_out + 1)
        return cls(layer, format_, types, codes, ends, first)


def code_layers(layers, formats=None, *, smallest=False):
    """Write layers in the formats that take least, with the functions that read them.

    The layers before one place share a format, and those from there on share one, or
    all share one.

    Parameters
    ----------
    layers : list of Layer

    formats : list of Format, default=None
        To choose from; None takes all that may be best for a layer.

    smallest : bool, default=False
        Whether bytes count alone, and not also the time to read them.
    """
    edges = [Edges(layer) for layer in layers]
    if formats is None:
        formats = list(dict.fromkeys(f for each in edges for f in each.formats()))
    sizes = np.array([[f.size(each) for f in formats] for each in edges])
    if not smallest:
        sizes = sizes * [format_.slowness for format_ in formats]
    functions = np.array([format_.function_bytes for format_ in formats])

    def best(part):
        totals = sizes[part].sum(axis=0) + functions
        return totals.min(), [formats[totals.argmin()]] * len(edges[part])

    choices = [best(slice(None))]
    for cut in range(1, len(edges)):
        (size, first), (rest, last) = best(slice(cut)), best(slice(cut, None))
        choices.append((size + rest, first + last))
    chosen = min(choices, key=lambda choice: choice[0])[1]
    return [
        CodedLayer.of(
            each,
            format_,
            Types.of([la for la, other in zip(layers, chosen) if other == format_]),
        )
        for each, format_ in zip(edges, chosen)
    ]


def to_bytes(array):
    """The bytes of each number, the lowest first."""
    return array.astype(array.dtype.newbyteorder("<"))[:, np.newaxis].view(np.uint8)


def int_type(number):
    """The smallest signed type."""
    return np.result_type(np.int8, np.min_scalar_type(min(number, -number - 1)))


def is_power(number):
    """Whether it is a power of two."""
    return number & (number - 1) == 0
