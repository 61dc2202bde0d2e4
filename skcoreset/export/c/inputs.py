"""What a device reads, and the integers that enter the first layer."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass, replace
from math import floor, log2

import numpy as np

# Sums stay below, whatever the input: then sums and differences of two fit 32 bits, and
# a small integer of MicroPython holds a sum.
MAX_SUM = 2**30

# A float input may be this many times as far from its center as in the given rows.
HEADROOM = 2

# A value is wild, and sets no range, if it is more than WILD times as far from the
# median of its feature as TYPICAL of the values that differ from the median.
WILD, TYPICAL = 64, 0.9

# Features that vary over less than this share of the largest one may do better with a
# scale of their own than with the unit that all share.
OWN_SCALE = 1 / 16

FACTOR_BITS, FLOAT_BITS = 16, 15


@dataclass(frozen=True, eq=False)
class FixedPoint:
    """Integers that stand for the reals `offset + unit * integer`.

    Parameters
    ----------
    ctype : str
        Their type in C.

    peak : int
        Largest magnitude.

    unit : float

    offset : float, or ndarray of shape (n_values,)
    """

    ctype: str
    peak: int
    unit: float
    offset: np.ndarray = 0.0

    @property
    def is_signed(self):
        return not self.ctype.startswith("u")

    @property
    def n_bytes(self):
        return np.dtype(self.ctype.removesuffix("_t")).itemsize


@dataclass(frozen=True, eq=False)
class IntegerInputs:
    """Readings of 8, 10 or 12 bits that enter the first layer as they are.

    Parameters
    ----------
    scale, offset : ndarrays of shape (n_features,)
        A reading `u` is `offset + scale * u` in the units of `X`.

    bits : {8, 10, 12}

    values : FixedPoint

    gains : ndarray of shape (n_features,)
        What the weights of each feature are multiplied by: its value for the network is
        that much of what `values` say.
    """

    scale: np.ndarray
    offset: np.ndarray
    bits: int
    values: FixedPoint
    gains: np.ndarray

    kind = "integers"
    is_float = False
    # bytes of what an input is converted to before the first layer
    buffer_bytes = 0

    @property
    def ctype(self):
        return "uint8_t" if self.bits == 8 else "uint16_t"

    @property
    def largest(self):
        """The largest reading."""
        return (1 << self.bits) - 1

    @property
    def tables(self):
        """Tables in flash, by name."""
        return {}

    def readings(self, X):
        """Return the nearest readings, rounded but not clipped, in float64."""
        return np.rint((np.asarray(X, np.float64) - self.offset) / self.scale)

    def read(self, X):
        """Return the readings nearest to rows in the units of `X`."""
        U = np.clip(self.readings(X), 0, self.largest)
        return U.astype(self.ctype.removesuffix("_t"))

    def beyond(self, X):
        """Which values no reading is near to."""
        U = self.readings(X)
        return (U < 0) | (U > self.largest)

    def span_text(self, i):
        """What the readings of an input can say, for a sentence."""
        first = self.offset[i]
        return (
            f"readings from {first:.6g} to {first + self.scale[i] * self.largest:.6g}"
        )

    def integers(self, U):
        """Return what enters the first layer."""
        return U

    def narrowed(self, weight):
        """Return inputs with few enough bits for sums of this weight."""
        return self


@dataclass(frozen=True, eq=False)
class ScaledInputs(IntegerInputs):
    """Readings that do not share one unit: each is multiplied first.

    Parameters
    ----------
    factors : ndarray of shape (n_features,)
        Integers of 16 bits.

    shift : int
        Bits that are dropped after the multiplication.
    """

    factors: np.ndarray
    shift: int = 0

    kind = "scaled"

    @property
    def tables(self):
        return {"factors": self.factors.astype(np.uint16)}

    def integers(self, U):
        return (U * self.factors + (1 << (self.shift - 1))) >> self.shift

    def narrowed(self, weight):
        bits = value_bits(FACTOR_BITS, weight)
        shift = self.bits + FACTOR_BITS - bits
        unit = self.values.unit * 2.0**shift
        values = replace(self.values, peak=(1 << bits) - 1, unit=unit)
        return replace(self, values=values, shift=shift)


@dataclass(frozen=True, eq=False)
class FloatInputs:
    """Float inputs: `(x - center) * factor`, rounded.

    Parameters
    ----------
    centers, factors : ndarrays of shape (n_features,), float32

    values : FixedPoint

    gains : ndarray of shape (n_features,)
        What the weights of each feature are multiplied by: its value for the network is
        that much of what `values` say.
    """

    centers: np.ndarray
    factors: np.ndarray
    values: FixedPoint
    gains: np.ndarray

    kind = "floats"
    is_float = True
    ctype = "float"
    buffer_bytes = 2

    @property
    def tables(self):
        arrays = {"centers": self.centers, "factors": self.factors}
        return {
            key: array[:1] if (array == array[0]).all() else array
            for key, array in arrays.items()
        }

    def read(self, X):
        with np.errstate(over="ignore"):
            return np.asarray(X).astype(np.float32)

    def beyond(self, X):
        with np.errstate(over="ignore", invalid="ignore"):
            V = (self.read(X) - self.centers) * self.factors
        return np.abs(V) > self.values.peak

    def span_text(self, i):
        width = self.values.peak / self.factors[i]
        first, last = self.centers[i] - width, self.centers[i] + width
        return f"integers from {first:.6g} to {last:.6g}"

    def integers(self, X):
        peak = np.float32(self.values.peak)
        with np.errstate(over="ignore", invalid="ignore"):
            V = (X - self.centers) * self.factors
        V = np.clip(np.nan_to_num(V, nan=-peak), -peak, peak)
        return np.trunc(V + np.copysign(np.float32(0.5), V)).astype(np.int64)

    def narrowed(self, weight):
        peak = (1 << value_bits(FLOAT_BITS, weight)) - 1
        ratio = self.values.peak / peak
        values = replace(self.values, peak=peak, unit=self.values.unit * ratio)
        factors = (self.factors / ratio).astype(np.float32)
        return replace(self, values=values, factors=factors)


def value_bits(n_bits, weight):
    """Bits that values may have for sums with this weight to fit."""
    return min(n_bits, floor(log2(MAX_SUM / 4 / max(weight, 1))))


def float_inputs(linear, live, X):
    """Inputs in the units of `X`.

    Parameters
    ----------
    linear : LinearInputs
        What the network gets of rows.

    live : ndarray of bool
        Which inputs have edges.

    X : ndarray of shape (n_samples, n_features)

    Returns
    -------
    inputs : list of FloatInputs
        With one unit for all features, and, if these are of different size, with a
        scale for each.
    """
    low, high = feature_ranges(linear(X))
    width, ones = (high - low) / 2, np.ones(len(live))
    largest = float(np.maximum(-low, high)[live].max(initial=0)) or 1.0
    if linear.clips:
        low, high = linear.low, linear.high
        return [_floats(linear, live, (low + high) / 2, (high - low) / 2)]
    shared = _floats(linear, live, 0 * ones, HEADROOM * largest * ones)
    if (width[live & (width > 0)] >= OWN_SCALE * largest).all():
        return [shared]
    center = (low + high) / 2
    # what is constant in X may vary by its magnitude
    width = np.where(width > 0, width, np.maximum(np.abs(center), 1))
    return [shared, _floats(linear, live, center, HEADROOM * width)]


def _floats(linear, live, center, span):
    """Inputs that hold `center - span` to `center + span` in the network's units."""
    widest = float(span[live].max(initial=0)) or 1.0
    peak = (1 << FLOAT_BITS) - 1
    return FloatInputs(
        ((center - linear.offset) / linear.scale).astype(np.float32),
        (linear.scale * peak / span).astype(np.float32),
        FixedPoint("int16_t", peak, widest / peak, center / span * widest),
        span / widest,
    )


def integer_inputs(linear, live, scale, offset, bits):
    """Readings `u` that mean `offset + scale * u` in the units of `X`.

    Returns
    -------
    inputs : list of IntegerInputs
        With one unit for all features, and, if these are of different size, with a
        scale for each.
    """
    peak = (1 << bits) - 1
    slope, offsets = linear.scale * scale, linear.scale * offset + linear.offset
    ends = np.array([offsets, offsets + slope * peak])
    if not np.allclose(ends, np.clip(ends, linear.low, linear.high)):
        raise ValueError(
            "A scaler clips its output, and some readings are beyond that: give "
            "input_scale and input_offset whose readings are inside, or None for "
            "float inputs, which are clipped."
        )
    largest = float(slope[live].max(initial=0)) or 1.0
    ones, ratio = np.ones(len(live)), np.where(live, slope / largest, 1)
    values = FixedPoint("uint8_t" if bits == 8 else "uint16_t", peak, largest, offsets)
    if np.allclose(ratio, 1, rtol=1e-6, atol=0):
        return [IntegerInputs(scale, offset, bits, values, ones)]
    top = (1 << FACTOR_BITS) - 1
    factors = np.where(live, np.rint(ratio * top), 0).astype(np.int64)
    products = FixedPoint("uint16_t", top, largest / top, offsets)
    shared = ScaledInputs(scale, offset, bits, products, ones, factors)
    if ratio.min() >= OWN_SCALE:
        return [shared]
    values = replace(values, offset=offsets / ratio)
    return [shared, IntegerInputs(scale, offset, bits, values, ratio)]


def feature_ranges(V):
    """Smallest and largest value of each feature that are not wild."""
    center = np.median(V, axis=0)
    distances = np.abs(V - center)
    ordered = np.sort(distances, axis=0)
    n_equal = (ordered == 0).sum(axis=0)
    place = n_equal + (TYPICAL * (len(V) - n_equal - 1)).astype(int)
    typical = np.take_along_axis(ordered, place.clip(0, len(V) - 1)[np.newaxis], axis=0)
    wild = distances > WILD * typical
    low = np.where(wild, center, V).min(axis=0)
    return low, np.where(wild, center, V).max(axis=0)
