"""A network in integers: what the exported C computes, in NumPy.

Every number is an integer times a unit. A layer adds up levels (integer weights) times
integer values; its activation makes the sum a value of 8 or 16 bits again.
"""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass, replace
from math import atanh, ceil, floor, log2

import numpy as np

from ..._codec import levels_of
from ..._network import ACTIVATIONS, dense

# Sums stay below, whatever the input: then sums and differences of two fit 32 bits.
MAX_SUM = 2**30

# Weights that are no multiples of one step are rounded to levels of 8 bits. There are
# codes for these, and for larger ones if all are odd.
MAX_LEVEL = 127
MAX_EVEN_LEVEL, MAX_ODD_LEVEL = 128, 255

# Where there are no edges, only intercepts: see `_make_layer`.
TINY_STEP = 2.0**-40

# Largest distance of the entries of a table of tanh, for values of 8 and 16 bits.
TABLE_SPACING = {8: 0.12, 16: 0.06}

# A float input may be this many times as large as those of the calibration rows.
HEADROOM = 2

# The exponential: a table of 2^(k / 64), and its argument in 1 / 65,536 octaves.
EXP_TABLE = np.rint(32767 * 2 ** (np.arange(65) / 64)).astype(np.int64)
MAX_EXPONENT = np.float32(126 * 65536)
EXP_UNIT = np.float32(1 / 32767)

# Bits that a bias has, at least, below the last of the value that it is part of: an
# error of a quarter there, beside that of a half by which the value is rounded.
BIAS_BITS = 1

# The biases of the outputs may be wrong by one part in so many of the outputs' spread.
OUTPUT_RESOLUTION = 100

# Of the distance between two entries of a table: products with it fit 32 bits.
MAX_FRACTION_BITS = 12

BLOCK_SIZE = 1024


@dataclass(frozen=True, eq=False)
class Values:
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


@dataclass(frozen=True, eq=False)
class Bytes:
    """Inputs of 8 bits that enter the first layer as they are.

    Parameters
    ----------
    scale, offset : ndarrays of shape (n_features,)
        An input `u` is `offset + scale * u` in the units of `X`.

    values : Values
    """

    scale: np.ndarray
    offset: np.ndarray
    values: Values
    ctype = "uint8_t"

    def read(self, X):
        """Return the bytes nearest to rows in the units of `X`."""
        U = (np.asarray(X, np.float64) - self.offset) / self.scale
        return np.clip(np.rint(U), 0, 255).astype(np.uint8)

    def integers(self, U):
        """Return what enters the first layer."""
        return U


@dataclass(frozen=True, eq=False)
class ScaledBytes(Bytes):
    """Inputs of 8 bits that do not share one unit: each is multiplied first.

    Parameters
    ----------
    factors : ndarray of shape (n_features,)
        Integers of 16 bits.

    shift : int
        Bits that are dropped after the multiplication.
    """

    factors: np.ndarray = None
    shift: int = 8

    def integers(self, U):
        return (U * self.factors + (1 << (self.shift - 1))) >> self.shift


@dataclass(frozen=True, eq=False)
class Floats:
    """Float inputs: `(x - center) * factor`, rounded.

    Parameters
    ----------
    centers, factors : ndarrays of shape (n_features,), float32

    values : Values
    """

    centers: np.ndarray
    factors: np.ndarray
    values: Values
    ctype = "float"

    def read(self, X):
        with np.errstate(over="ignore"):
            return np.asarray(X).astype(np.float32)

    def integers(self, X):
        peak = np.float32(self.values.peak)
        with np.errstate(over="ignore", invalid="ignore"):
            V = (X - self.centers) * self.factors
        V = np.clip(np.nan_to_num(V, nan=-peak), -peak, peak)
        return np.trunc(V + np.copysign(np.float32(0.5), V)).astype(np.int64)


@dataclass(frozen=True, eq=False)
class Shift:
    """ReLU, or identity: bits of the sum are dropped, and it saturates.

    Parameters
    ----------
    shift : int
        Half of what is dropped is part of the intercepts, so that this rounds.

    values : Values
        What comes out.
    """

    shift: int
    values: Values

    @property
    def spare_bits(self):
        """Bits of a sum that the value hardly depends on."""
        return self.shift - BIAS_BITS

    def __call__(self, sums):
        lowest = -self.values.peak if self.values.is_signed else 0
        return np.clip(sums >> self.shift, lowest, self.values.peak)


@dataclass(frozen=True, eq=False)
class Table:
    """tanh, read from a table of equal distances, with linear interpolation.

    The logistic function is half of one plus tanh of half the argument.

    Parameters
    ----------
    shift : int
        The entry is the magnitude of the sum without its last `shift` bits.

    entries : ndarray of int
        All but the last are below the largest value.

    rounding : int
        Bits by which the entries are finer than the values.

    values : Values
        What comes out.
    """

    shift: int
    entries: np.ndarray
    rounding: int
    values: Values

    @property
    def fraction_bits(self):
        """Bits of the sum that interpolate."""
        return min(self.shift, MAX_FRACTION_BITS)

    @property
    def spare_bits(self):
        """Bits of a sum that the value hardly depends on, where it is steepest."""
        steepest = ceil(log2(max(self.entries[1], 1)))
        return self.shift + self.rounding - steepest - BIAS_BITS

    def __call__(self, sums):
        magnitudes = np.abs(sums)
        index = magnitudes >> self.shift
        last = len(self.entries) - 1
        low = self.entries[np.minimum(index, last - 1)]
        high = self.entries[np.minimum(index, last - 1) + 1]
        bits = self.fraction_bits
        fraction = (magnitudes >> (self.shift - bits)) & ((1 << bits) - 1)
        V = low + ((high - low) * fraction >> bits)
        half = (1 << self.rounding) >> 1
        V = np.where(index < last, (V + half) >> self.rounding, self.values.peak)
        return np.where(sums < 0, -V, V)


@dataclass(frozen=True, eq=False)
class Layer:
    """Sums of levels times values, and the activation.

    Parameters
    ----------
    levels : ndarray of shape (n_in, n_out), int64

    bias : ndarray of shape (n_out,), int64
        Multiples of `2 ** bias_shift`.

    bound : int
        No sum, and no part of one, is larger, whatever the values are.

    activation : Shift, Table or None, default=None
        None for the last layer.

    bias_shift : int, default=0
    """

    levels: np.ndarray
    bias: np.ndarray
    bound: int
    activation: object = None
    bias_shift: int = 0

    def sums(self, V):
        # exact: integers below 2^53
        product = np.asarray(V, np.float64) @ self.levels.astype(np.float64)
        return product.astype(np.int64) + self.bias


@dataclass(frozen=True, eq=False)
class IntegerNetwork:
    """A network of integers, and what its outputs mean.

    Parameters
    ----------
    source : Bytes, ScaledBytes or Floats
        What the inputs are.

    layers : list of Layer

    unit : float
        Of the sums of the last layer.

    out_activation : {"exp", "identity", "logistic", "softmax"}
    """

    source: object
    layers: list
    unit: float
    out_activation: str

    def sums(self, X):
        """Return the sums of the last layer for rows in the units of `X`."""
        blocks = range(0, max(len(X), 1), BLOCK_SIZE)
        return np.vstack([self._sums(X[i : i + BLOCK_SIZE]) for i in blocks])

    def _sums(self, X):
        V = self.source.integers(self.source.read(X))
        for layer in self.layers[:-1]:
            V = layer.activation(layer.sums(V))
        return self.layers[-1].sums(V)

    @property
    def float_unit(self):
        return np.float32(self.unit)

    @property
    def exponent_unit(self):
        """What one count of a sum is as an argument of `power_of_two`."""
        return np.float32(self.unit * log2(np.e) * 65536)

    def labels(self, sums):
        """Index of the class of each row, or the set of labels."""
        if self.out_activation == "softmax":
            return sums.argmax(axis=1)
        return (sums > 0).astype(np.int64)

    def outputs(self, sums):
        """Return values or probabilities, float32."""
        sums32 = sums.astype(np.float32)
        match self.out_activation:
            case "identity":
                return sums32 * self.float_unit
            case "exp":
                return power_of_two(sums32 * self.exponent_unit)
            case "logistic":
                T = sums32 * self.exponent_unit
                E = power_of_two(-np.abs(T))
                one = np.float32(1)
                return np.where(T < 0, E, one) / (one + E)
        T = (sums - sums.max(axis=1, keepdims=True)).astype(np.float32)
        E = power_of_two(T * self.exponent_unit)
        # one after the other, as in C
        return E / E.cumsum(axis=1, dtype=np.float32)[:, -1:]


def power_of_two(T):
    """`2^(T / 65536)` to four digits, float32, as the C code computes it."""
    q = np.clip(T, -MAX_EXPONENT, MAX_EXPONENT).astype(np.int64)
    octaves, fraction = q >> 16, q & 65535
    low, high = EXP_TABLE[fraction >> 10], EXP_TABLE[(fraction >> 10) + 1]
    mantissa = low + ((high - low) * (fraction & 1023) >> 10)
    return np.ldexp(mantissa.astype(np.float32) * EXP_UNIT, octaves)


def round_network(network):
    """Round the weights of each layer to levels of one step; drop and sort neurons.

    Weights that are multiples of one step already, up to 128 times it, or odd ones up
    to 255 times it, are kept exactly. Otherwise the largest is 127 steps.

    Returns
    -------
    coefs, intercepts : lists of float64 ndarrays

    steps : list of float
    """
    coefs, steps = [], []
    for coef in network.coefs:
        coef = dense(coef).astype(np.float64)
        step = _step_of(coef)
        coefs.append(step * np.rint(coef / step))
        steps.append(step)
    intercepts = [b.astype(np.float64) for b in network.intercepts]
    _drop_idle_neurons(coefs, intercepts, ACTIVATIONS[network.activation])
    _sort_neurons(coefs, intercepts)
    return coefs, intercepts, steps


def _step_of(coef):
    """The step that all weights are multiples of, or one that is fine enough."""
    if not coef.any():
        return TINY_STEP
    # float32, as networks with float64 weights may come from there
    found = levels_of(coef.astype(np.float32))
    if found:
        step, levels = found
        is_odd = (levels[levels != 0] % 2).all()
        if np.abs(levels).max() <= (MAX_ODD_LEVEL if is_odd else MAX_EVEN_LEVEL):
            return float(step)
    return float(np.abs(coef).max()) / MAX_LEVEL


def _drop_idle_neurons(coefs, intercepts, activate):
    """Remove, in place, neurons that nothing leads from; fold constant ones."""
    n_neurons = None
    while n_neurons != (n_neurons := sum(map(len, intercepts))):
        for layer in range(len(coefs) - 1):
            used = coefs[layer + 1].any(axis=1)
            constant = used & ~coefs[layer].any(axis=0)
            values = intercepts[layer].copy()[np.newaxis]
            activate(values)
            kept = used & ~constant
            # no layer is empty
            kept[0] |= not kept.any()
            folded = np.where(kept, 0, values[0])
            intercepts[layer + 1] = intercepts[layer + 1] + folded @ coefs[layer + 1]
            coefs[layer] = coefs[layer][:, kept]
            intercepts[layer] = intercepts[layer][kept]
            coefs[layer + 1] = coefs[layer + 1][kept]


def _sort_neurons(coefs, intercepts):
    """Order hidden neurons, in place, by edges that leave: short gaps between these."""
    for layer in range(len(coefs) - 1):
        order = np.argsort(-np.count_nonzero(coefs[layer + 1], axis=1), kind="stable")
        coefs[layer] = coefs[layer][:, order]
        intercepts[layer] = intercepts[layer][order]
        coefs[layer + 1] = coefs[layer + 1][order]


def make_source(alpha, beta, live, input_scale, input_offset, X, weight):
    """What the inputs are, and as what integers they enter the first layer.

    Parameters
    ----------
    alpha, beta : ndarrays of shape (n_features,)
        The network gets `alpha * x + beta`.

    live : ndarray of bool
        Which inputs have edges.

    input_scale, input_offset : ndarrays of shape (n_features,), or None

    X : ndarray of shape (n_samples, n_features)

    weight : float
        Largest sum of the magnitudes of the levels of a neuron.
    """
    if input_scale is None:
        bits = _value_bits(15, weight)
        peak = (1 << bits) - 1
        unit = HEADROOM * float(np.abs(alpha * X + beta)[:, live].max(initial=0)) / peak
        unit = unit or 1.0
        values = Values("int16_t", peak, unit)
        centers, factors = -beta / alpha, alpha / unit
        return Floats(centers.astype(np.float32), factors.astype(np.float32), values)
    slope, offset = alpha * input_scale, alpha * input_offset + beta
    largest = float(slope[live].max(initial=0)) or 1.0
    if np.allclose(slope[live], largest, rtol=1e-6, atol=0):
        values = Values("uint8_t", 255, largest, offset)
        return Bytes(input_scale, input_offset, values)
    bits = _value_bits(16, weight)
    factors = np.where(live, np.rint(slope / largest * 65535), 0).astype(np.int64)
    shift = 24 - bits
    unit = largest / 65535 * (1 << shift)
    values = Values("uint16_t", (1 << bits) - 1, unit, offset)
    return ScaledBytes(input_scale, input_offset, values, factors, shift)


def integer_network(network, rounded, source, X, hidden_bits):
    """Return the network in integers, its hidden ranges from the rows `X`.

    Parameters
    ----------
    network : Network
        For its activations.

    rounded : tuple
        From `round_network`.

    source : Bytes, ScaledBytes or Floats

    X : ndarray of shape (n_samples, n_features)

    hidden_bits : {8, 16}
    """
    coefs, intercepts, steps = rounded
    values, layers = source.values, []
    V = source.integers(source.read(X))
    for number, (coef, b, step) in enumerate(zip(coefs, intercepts, steps)):
        layer, unit = _make_layer(coef, b, step, values)
        if number < len(coefs) - 1:
            sums = layer.sums(V)
            weight = np.abs(coefs[number + 1] / steps[number + 1]).sum(axis=0).max()
            activation = _make_activation(
                network.activation, sums, unit, layer.bound, hidden_bits, weight
            )
            layer = _with_activation(layer, activation)
            V = activation(layer.sums(V))
            values = activation.values
        else:
            spread = layer.sums(V).std(axis=0).min() / OUTPUT_RESOLUTION
            layer = _with_short_bias(layer, floor(log2(max(spread, 1))))
        layers.append(layer)
    return IntegerNetwork(source, layers, unit, network.out_activation)


def _make_layer(coef, intercept, step, values):
    """A layer, and the unit of its sums; the step grows until the sums fit."""
    while True:
        levels = np.rint(coef / step)
        unit = step * values.unit
        offsets = np.broadcast_to(values.offset, len(coef))
        bias = np.rint((intercept + offsets @ (levels * step)) / unit)
        parts = [np.maximum(levels, 0).sum(axis=0), np.maximum(-levels, 0).sum(axis=0)]
        weight = sum(parts) if values.is_signed else np.maximum(*parts)
        bound = float((weight * values.peak + np.abs(bias)).max())
        if bound < MAX_SUM / 2:
            levels, bias = levels.astype(np.int64), bias.astype(np.int64)
            return Layer(levels, bias, int(bound)), unit
        step *= 2


def _with_activation(layer, activation):
    """The layer, with rounding in its bias, which takes a byte where that will do."""
    bias = layer.bias
    if isinstance(activation, Shift):
        bias = bias + ((1 << activation.shift) >> 1)
    rounded = Layer(layer.levels, bias, layer.bound, activation)
    return _with_short_bias(rounded, activation.spare_bits, layer.bias)


def _with_short_bias(layer, spare_bits, exact=None):
    """The layer with a bias that takes a byte, if bits that it can spare will do."""
    exact = layer.bias if exact is None else exact
    shift = max(int(np.abs(layer.bias).max()).bit_length() - 7, 0)
    shift = shift if shift <= spare_bits else 0
    bias = (layer.bias + ((1 << shift) >> 1)) >> shift
    if shift:
        # rounded up, 127.5 would be one too much
        bias = np.minimum(bias, 127)
    bias = bias << shift
    bound = layer.bound + int(np.abs(bias - exact).max())
    return replace(layer, bias=bias, bound=bound, bias_shift=shift)


def _value_bits(n_bits, weight):
    """Bits that values may have for sums with this weight to fit."""
    return min(n_bits, floor(log2(MAX_SUM / 4 / max(weight, 1))))


def _make_activation(name, sums, unit, bound, hidden_bits, weight):
    is_relu = name == "relu"
    n_bits = _value_bits(8 if is_relu and hidden_bits == 8 else hidden_bits - 1, weight)
    peak = (1 << n_bits) - 1
    ctype = f"{'u' * is_relu}int{hidden_bits}_t"
    if is_relu or name == "identity":
        reached = np.maximum(sums, 0) if is_relu else sums
        shift = _best_shift(reached, peak)
        return Shift(shift, Values(ctype, peak, unit * 2.0**shift))
    half = 0.5 if name == "logistic" else 1.0
    argument = half * unit
    spacing = TABLE_SPACING[hidden_bits]
    shift = min(max(floor(log2(spacing / argument)), 0), 29)
    spacing = argument * 2.0**shift
    # from here on the rounded value is the largest one
    saturated = atanh(1 - 0.5 / peak)
    size = min(max(ceil(saturated / spacing), 1), (bound >> shift) + 1)
    rounding = 15 - n_bits
    entries = np.tanh(spacing * np.arange(size + 1)) * (peak << rounding)
    entries = np.rint(entries).astype(np.int64)
    values = Values(ctype, peak, half / peak, 0.5 if name == "logistic" else 0.0)
    return Table(shift, entries, rounding, values)


def _best_shift(sums, peak):
    """The shift that loses least of these sums, by rounding or by saturation."""
    largest = int(np.abs(sums).max(initial=0))
    most = max(ceil(log2((largest + 1) / (peak + 1))), 0)

    def loss(shift):
        V = np.clip((sums + ((1 << shift) >> 1)) >> shift, -peak, peak)
        return np.square((V << shift) - sums, dtype=np.float64).mean()

    return min((most, max(most - 1, 0)), key=loss)
