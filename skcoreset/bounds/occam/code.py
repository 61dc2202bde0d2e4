"""A prefix code for whole networks, fixed before any data are seen."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass

import numpy as np

from ..._codec import Decoder, Encoder, code_levels, code_support
from .blocks import Blocks

# Words of the code: another activation would change the lengths of all codes.
ACTIVATIONS = ("identity", "logistic", "relu", "tanh")


@dataclass(frozen=True, eq=False)
class QuantisedNetwork:
    """A network as the code describes it: integer levels times a step for each layer.

    Parameters
    ----------
    levels : list of (n_in + 1, n_out) ndarrays of int
        Intercepts, edges from a constant 1, are in the last row.

    steps : ndarray of shape (n_layers,), dtype float16
        Such as `short_float16` returns; or 0.

    activation : {"identity", "logistic", "relu", "tanh"}

    blocks : Blocks, default=None
        Of inputs that share weights: the first levels are those of the means of blocks.
        With None each input has its own.

    units : tuple of two (n_outputs,) ndarrays of float32, default=None
        Center and scale of the outputs, such as :func:`units_of` returns. None means 0
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
        """Return the weights of each layer, with intercepts in the last row."""
        layers = [
            np.asarray(step, dtype) * levels.astype(dtype)
            for step, levels in zip(self.steps, self.levels)
        ]
        if self.blocks:
            layers[0] = self.blocks.expand(layers[0])
        if self.units:
            center, scale = (part.astype(dtype) for part in self.units)
            layers[-1] = layers[-1] * scale
            layers[-1][-1] += center
        return layers


def bits_per_edge(kept):
    """Estimate the bits that an edge takes at every place of a layer.

    It takes more, the fewer edges its input and its neuron have.
    """
    rows, columns = kept.sum(axis=1, keepdims=True), kept.sum(axis=0)
    chance = (rows + 0.5) * (columns + 0.5) / (kept.sum() + 1)
    return -np.log2(np.minimum(chance, 0.97))


def units_of(Y):
    """Return means and standard deviations, as precisely as the code has them.

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


def encode(network):
    """Write a network as bits.

    Parameters
    ----------
    network : QuantisedNetwork

    Returns
    -------
    code : ndarray of shape (n_bits,), dtype uint8
        Zeros and ones. No code is a prefix of another.

    parts : dict of str to float
        Bits that each part takes; they add up to `n_bits`.
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
        Anything after the code of the network is ignored.

    n_features, n_outputs : int
        These, and the dtype of the weights, are known to both sides.

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
    number = ACTIVATIONS.index(network.activation)
    activation = ACTIVATIONS[coder.uniform(len(ACTIVATIONS), number)]
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
    # The lower half of the scale is 0.
    halves = np.concatenate([center >> 16, center & 0xFFFF, scale >> 16]).tolist()
    halves = np.array(coder.uniforms([1 << 16] * len(halves), halves), np.uint32)
    high, low, of_scale = halves.reshape(3, n_outputs)
    return (high << 16 | low).view(np.float32), (of_scale << 16).view(np.float32)
