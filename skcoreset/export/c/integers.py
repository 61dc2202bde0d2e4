"""A network in integers: what the exported code computes, in NumPy.

Every number is an integer times a unit. A layer adds up levels (integer weights) times
integer values; its activation makes the sum a value of 8 or 16 bits again.
"""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass, replace
from functools import partial
from math import atanh, ceil, floor, log2

import numpy as np

from ..._codec import levels_of
from ..._network import dense, remove_neurons
from .inputs import MAX_SUM, FixedPoint, value_bits

# Weights that are not multiples of one step are rounded to levels of 8 bits. There are
# codes for these, and for larger ones if all are odd.
MAX_LEVEL = 127
MAX_EVEN_LEVEL, MAX_ODD_LEVEL = 128, 255

# The step of a layer without edges, which only its intercepts are rounded to.
TINY_STEP = 2.0**-40

# Largest distance of the entries of a table of tanh, for values of 8 and 16 bits.
TABLE_SPACING = {8: 0.12, 16: 0.06}

# A range covers TAIL times the RANGE_SHARE quantile of the rows, and no more than the
# largest: one wild row in 1,000 sets no range. Few rows see too little of the range,
# which becomes wider by FEW_ROWS / n_rows.
RANGE_SHARE, TAIL, FEW_ROWS = 0.999, 1.5, 10

# The exponential: a table of 2^(k / 64), and its argument in 1 / 65,536 octaves.
EXP_TABLE = np.rint(32767 * 2 ** (np.arange(65) / 64)).astype(np.uint16)
MAX_EXPONENT = np.float32(126 * 65536)
EXP_UNIT = np.float32(1 / 32767)

# Bits that a bias has, at least, below the last of the value that it is part of: an
# error of a quarter there, beside that of a half by which the value is rounded.
BIAS_BITS = 1

# The bias of an output may be off by this share of the output's standard deviation.
OUTPUT_BIAS_ERROR = 1 / 100

# Of the distance between two entries of a table: products with it fit 32 bits.
MAX_FRACTION_BITS = 12

BLOCK_SIZE = 1024


@dataclass(frozen=True, eq=False)
class Saturation:
    """ReLU, or identity: bits of the sum are dropped, and it saturates.

    Parameters
    ----------
    shift : int
        Half of what is dropped is part of the intercepts, so that this rounds.

    values : FixedPoint
        What comes out.
    """

    shift: int
    values: FixedPoint

    kind = "saturation"

    @property
    def tables(self):
        return {}

    @property
    def rounding(self):
        """What the bias has to contain."""
        return (1 << self.shift) >> 1

    @property
    def spare_bits(self):
        """Bits of a sum that the value hardly depends on."""
        return self.shift - BIAS_BITS

    def __call__(self, sums):
        lowest = -self.values.peak if self.values.is_signed else 0
        return np.clip(sums >> self.shift, lowest, self.values.peak)


@dataclass(frozen=True, eq=False)
class TanhTable:
    """tanh, read from a table of equal distances, with linear interpolation.

    The logistic function is half of one plus tanh of half the argument.

    Parameters
    ----------
    shift : int
        The entry is the magnitude of the sum without its last `shift` bits.

    entries : ndarray of int16
        All but the last are below the largest value.

    entry_bits : int
        Bits by which the entries are finer than the values.

    values : FixedPoint
        What comes out.
    """

    shift: int
    entries: np.ndarray
    entry_bits: int
    values: FixedPoint

    kind = "tanh"
    rounding = 0

    @property
    def tables(self):
        return {"tanh": self.entries}

    @property
    def fraction_bits(self):
        """Bits of the sum that interpolate."""
        return min(self.shift, MAX_FRACTION_BITS)

    @property
    def spare_bits(self):
        """Bits of a sum that the value hardly depends on, where it is steepest."""
        steepest = ceil(log2(max(self.entries[1], 1)))
        return self.shift + self.entry_bits - steepest - BIAS_BITS

    def __call__(self, sums):
        magnitudes = np.abs(sums)
        index = magnitudes >> self.shift
        last = len(self.entries) - 1
        entries = self.entries.astype(np.int64)
        low = entries[np.minimum(index, last - 1)]
        high = entries[np.minimum(index, last - 1) + 1]
        bits = self.fraction_bits
        fraction = (magnitudes >> (self.shift - bits)) & ((1 << bits) - 1)
        V = low + ((high - low) * fraction >> bits)
        half = (1 << self.entry_bits) >> 1
        V = np.where(index < last, (V + half) >> self.entry_bits, self.values.peak)
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

    activation : Saturation, TanhTable or None, default=None
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
    inputs : IntegerInputs, ScaledInputs or FloatInputs

    layers : list of Layer

    units : ndarray of shape (n_outputs,)
        Of the sums of the last layer.

    out_activation : {"exp", "identity", "logistic", "softmax"}
    """

    inputs: object
    layers: list
    units: np.ndarray
    out_activation: str

    def sums(self, X):
        """Return the sums of the last layer for rows in the units of `X`."""
        blocks = range(0, max(len(X), 1), BLOCK_SIZE)
        return np.vstack([self._sums(X[i : i + BLOCK_SIZE]) for i in blocks])

    def _sums(self, X):
        V = self.inputs.integers(self.inputs.read(X))
        for layer in self.layers[:-1]:
            V = layer.activation(layer.sums(V))
        return self.layers[-1].sums(V)

    @property
    def float_units(self):
        """The unit of each sum; where values or probabilities are powers, in octaves.

        Octaves are counted in the argument of `power_of_two`.
        """
        is_power = self.out_activation != "identity"
        return np.float32(self.units * (log2(np.e) * 65536 if is_power else 1))

    def labels(self, sums):
        """Index of the class of each row, or the set of labels."""
        if self.out_activation == "softmax":
            return sums.argmax(axis=1)
        return (sums > 0).astype(np.int64)

    def outputs(self, sums):
        """Return values or probabilities, float32."""
        match self.out_activation:
            case "identity":
                return sums.astype(np.float32) * self.float_units
            case "exp":
                return power_of_two(sums.astype(np.float32) * self.float_units)
            case "logistic":
                T = sums.astype(np.float32) * self.float_units
                E = power_of_two(-np.abs(T))
                one = np.float32(1)
                return np.where(T < 0, E, one) / (one + E)
            case "softmax":
                T = (sums - sums.max(axis=1, keepdims=True)).astype(np.float32)
                E = power_of_two(T * self.float_units)
                # one after the other, as in C
                return E / E.cumsum(axis=1, dtype=np.float32)[:, -1:]
        raise _unknown("output activation", self.out_activation)


def power_of_two(T):
    """`2^(T / 65536)` to four digits, float32, as the C code computes it."""
    q = np.clip(T, -MAX_EXPONENT, MAX_EXPONENT).astype(np.int64)
    octaves, fraction = q >> 16, q & 65535
    table = EXP_TABLE.astype(np.int64)
    low, high = table[fraction >> 10], table[(fraction >> 10) + 1]
    mantissa = low + ((high - low) * (fraction & 1023) >> 10)
    return np.ldexp(mantissa.astype(np.float32) * EXP_UNIT, octaves)


def prepare(network):
    """Choose a step for each layer; drop neurons that rounding leaves idle, and sort.

    Weights that are multiples of one step already, up to 128 times it, or odd ones up
    to 255 times it, are kept exactly. Otherwise the largest is 127 steps; in the last
    layer that of each output, unless a softmax compares these.

    Returns
    -------
    coefs, intercepts : lists of float64 ndarrays
        Not rounded.

    steps : list of floats, or of ndarrays with a step for each output
    """
    coefs = [dense(coef).astype(np.float64) for coef in network.coefs]
    intercepts = [b.astype(np.float64) for b in network.intercepts]
    by_output = network.out_activation != "softmax"
    steps = [_exact_step(coef) for coef in coefs]
    if network.activation in ("relu", "identity"):
        _equalize(coefs, intercepts, steps, by_output)
    for number, coef in enumerate(coefs):
        if steps[number] is None:
            is_last = number == len(coefs) - 1
            largest = np.abs(coef).max(axis=0 if by_output and is_last else None)
            steps[number] = np.where(largest > 0, largest / MAX_LEVEL, TINY_STEP)
    rounds_to_edge = [np.rint(coef / step) != 0 for coef, step in zip(coefs, steps)]
    edges = [coef * mask for coef, mask in zip(coefs, rounds_to_edge)]
    network = remove_neurons(network.with_weights(edges, intercepts))
    coefs, intercepts = list(network.coefs), list(network.intercepts)
    _sort_neurons(coefs, intercepts, steps)
    return coefs, intercepts, steps


def _exact_step(coef):
    """The step that all weights are multiples of, or None."""
    if not coef.any():
        return TINY_STEP
    # float32, as networks with float64 weights may come from there
    found = levels_of(coef.astype(np.float32))
    if not found:
        return None
    step, levels = found
    is_odd = (levels[levels != 0] % 2).all()
    fits = np.abs(levels).max() <= (MAX_ODD_LEVEL if is_odd else MAX_EVEN_LEVEL)
    return float(step) if fits else None


def _equalize(coefs, intercepts, steps, by_output):
    """Scale hidden neurons, in place, so that their weights use the levels alike.

    What a neuron gets and what it gives are multiplied by `s` and `1 / s`, which
    changes nothing before rounding (Nagel et al. 2019, Section 4.1). Where an output
    has a step of its own, its weights count as shares of its largest.
    """
    for layer in range(len(coefs) - 1):
        if steps[layer] is not None or steps[layer + 1] is not None:
            continue
        given = np.abs(coefs[layer + 1])
        if by_output and layer == len(coefs) - 2:
            given = given / np.where(given.any(axis=0), given.max(axis=0), 1)
        taken, given = np.abs(coefs[layer]).max(axis=0), given.max(axis=1)
        is_used = (taken > 0) & (given > 0)
        scale = np.sqrt(np.where(is_used, given, 1) / np.where(is_used, taken, 1))
        coefs[layer] = coefs[layer] * scale
        intercepts[layer] = intercepts[layer] * scale
        coefs[layer + 1] = coefs[layer + 1] / scale[:, np.newaxis]


def _sort_neurons(coefs, intercepts, steps):
    """Order hidden neurons, in place, by edges that leave: short gaps between these."""
    for layer in range(len(coefs) - 1):
        n_edges = np.count_nonzero(np.rint(coefs[layer + 1] / steps[layer + 1]), axis=1)
        order = np.argsort(-n_edges, kind="stable")
        coefs[layer] = coefs[layer][:, order]
        intercepts[layer] = intercepts[layer][order]
        coefs[layer + 1] = coefs[layer + 1][order]


def level_weight(coef, step):
    """Largest sum of the magnitudes of the levels of a neuron."""
    return np.abs(coef / step).sum(axis=0).max()


def integer_network(network, prepared, inputs, X, hidden_bits):
    """Return the network in integers, its hidden ranges from the rows `X`.

    Parameters
    ----------
    network : Network
        For its activations.

    prepared : tuple
        From `prepare`.

    inputs : IntegerInputs, ScaledInputs or FloatInputs

    X : ndarray of shape (n_samples, n_features)

    hidden_bits : {8, 16}
    """
    if network.activation not in MAKE_ACTIVATION:
        raise _unknown("activation", network.activation)
    make_activation = MAKE_ACTIVATION[network.activation]
    coefs, intercepts, steps = prepared
    values, layers = inputs.values, []
    V = inputs.integers(inputs.read(X))
    for number, (coef, b, step) in enumerate(zip(coefs, intercepts, steps)):
        layer, unit = _make_layer(coef, b, step, values, V.mean(axis=0))
        sums = layer.sums(V)
        if number < len(coefs) - 1:
            weight = level_weight(coefs[number + 1], steps[number + 1])
            activation = make_activation(sums, unit, layer.bound, hidden_bits, weight)
            layer = _with_short_bias(layer, activation.spare_bits, activation)
            values, V = activation.values, activation(layer.sums(V))
        else:
            largest_error = OUTPUT_BIAS_ERROR * robust_std(sums).min()
            layer = _with_short_bias(layer, floor(log2(max(largest_error, 1))))
        layers.append(layer)
    units = np.broadcast_to(unit, len(layers[-1].bias))
    return IntegerNetwork(inputs, layers, units, network.out_activation)


def _make_layer(coef, intercept, step, values, mean):
    """A layer, and the unit of its sums; the step grows until the sums fit.

    The intercept makes up for the rounding of the weights at the mean of the values
    (Nagel et al. 2019, Section 4.2).
    """
    offsets = np.broadcast_to(values.offset, len(coef))
    while True:
        levels = np.rint(coef / step)
        unit = step * values.unit
        lost = (coef - levels * step).T @ (mean * values.unit)
        bias = np.rint((intercept + offsets @ coef + lost) / unit)
        parts = [np.maximum(levels, 0).sum(axis=0), np.maximum(-levels, 0).sum(axis=0)]
        weight = sum(parts) if values.is_signed else np.maximum(*parts)
        bounds = weight * values.peak + np.abs(bias)
        if bounds.max() < MAX_SUM / 2:
            levels, bias = levels.astype(np.int64), bias.astype(np.int64)
            return Layer(levels, bias, int(bounds.max())), unit
        step = (
            np.where(bounds < MAX_SUM / 2, step, 2 * step)
            if np.ndim(step)
            else 2 * step
        )


def _with_short_bias(layer, spare_bits, activation=None):
    """The layer with its activation, whose rounding is part of the bias.

    The bias takes a byte if bits that it can spare will do.
    """
    bias = layer.bias + (activation.rounding if activation else 0)
    shift = max(int(np.abs(bias).max()).bit_length() - 7, 0)
    shift = shift if shift <= spare_bits else 0
    bias = (bias + ((1 << shift) >> 1)) >> shift
    if shift:
        # rounded up, 127.5 would be one too much
        bias = np.minimum(bias, 127)
    bias = bias << shift
    bound = layer.bound + int(np.abs(bias - layer.bias).max())
    return replace(
        layer, bias=bias, bound=bound, activation=activation, bias_shift=shift
    )


def _make_saturation(sums, unit, bound, hidden_bits, weight, *, is_signed):
    n_bits = 8 if hidden_bits == 8 and not is_signed else hidden_bits - 1
    peak = (1 << value_bits(n_bits, weight)) - 1
    shift = _best_shift(sums if is_signed else np.maximum(sums, 0), peak)
    ctype = f"{'' if is_signed else 'u'}int{hidden_bits}_t"
    return Saturation(shift, FixedPoint(ctype, peak, unit * 2.0**shift))


def _make_tanh(sums, unit, bound, hidden_bits, weight, *, half, offset):
    n_bits = value_bits(hidden_bits - 1, weight)
    peak = (1 << n_bits) - 1
    argument = half * unit
    shift = min(max(floor(log2(TABLE_SPACING[hidden_bits] / argument)), 0), 29)
    spacing = argument * 2.0**shift
    # from here on the rounded value is the largest one
    saturated = atanh(1 - 0.5 / peak)
    size = min(max(ceil(saturated / spacing), 1), (bound >> shift) + 1)
    entry_bits = 15 - n_bits
    entries = np.rint(np.tanh(spacing * np.arange(size + 1)) * (peak << entry_bits))
    values = FixedPoint(f"int{hidden_bits}_t", peak, half / peak, offset)
    return TanhTable(shift, entries.astype(np.int16), entry_bits, values)


MAKE_ACTIVATION = {
    "relu": partial(_make_saturation, is_signed=False),
    "identity": partial(_make_saturation, is_signed=True),
    "tanh": partial(_make_tanh, half=1.0, offset=0.0),
    "logistic": partial(_make_tanh, half=0.5, offset=0.5),
}


def _best_shift(sums, peak):
    """The shift that loses least of these sums, by rounding or by saturation."""
    largest = range_of(sums)
    sums = np.clip(sums, -largest, largest)
    most = max(ceil(log2((largest + 1) / (peak + 1))), 0)

    def loss(shift):
        V = np.clip((sums + ((1 << shift) >> 1)) >> shift, -peak, peak)
        return np.square((V << shift) - sums, dtype=np.float64).mean()

    # with few rows, what is to come counts for more than what is there
    if len(sums) < FEW_ROWS:
        return most
    return min((most, max(most - 1, 0)), key=loss)


def range_of(V):
    """The magnitude that a range for these rows covers; see `RANGE_SHARE`."""
    largest = np.sort(np.abs(V).max(axis=1))
    typical = TAIL * largest[int(RANGE_SHARE * (len(largest) - 1))]
    return ceil(min(largest[-1], typical) * (1 + FEW_ROWS / len(V)))


def robust_std(F):
    """Standard deviation of each column without its most extreme values."""
    cut = (1 - RANGE_SHARE) / 2
    low, high = np.quantile(F, (cut, 1 - cut), axis=0)
    return np.clip(F, low, high).std(axis=0)


def _unknown(what, name):
    return ValueError(f"The {what} {name!r} has no form in integers.")
