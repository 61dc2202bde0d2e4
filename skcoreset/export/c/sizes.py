"""What exported C costs in flash and RAM on an ATmega, and what would fit."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import replace

import numpy as np

from .formats import code_layers

# Bytes of machine code on an ATmega (avr-gcc -Os), a little more than was measured.
BASE, LAYER, FLOAT, POWER, PROBABILITIES = 160, 120, 790, 310, 790
# of a value that is an integer times its unit
VALUE = 600
ACTIVATION = {"saturation": 0, "tanh": 80}
INPUTS = {"integers": 0, "scaled": 110, "floats": 320}
STACK_BYTES = 60

# The advised density leaves this room: compressed edges are not distributed as a random
# part of them is, and intercepts differ (8% were measured).
MARGIN = 0.8


def flash_bytes(program, coded):
    """Tables, exactly, and an estimate of the machine code, for layers as coded."""
    codes = sum(each.codes.size for each in coded)
    return _fixed_bytes(program) + codes + _function_bytes(program, coded)


def ram_bytes(program):
    """Buffers, the input, and an estimate of the stack."""
    inputs, layers = program.network.inputs, program.network.layers
    reading = np.dtype(inputs.ctype.removesuffix("_t").replace("float", "float32"))
    size = program.n_features_in_ * (reading.itemsize + inputs.buffer_bytes)
    for layer in layers[:-1]:
        size += len(layer.bias) * layer.activation.values.n_bytes
    return size + 4 * program.n_outputs_ + STACK_BYTES


def _fixed_bytes(program):
    """What does not depend on the edges."""
    inputs, layers = program.network.inputs, program.network.layers
    size = BASE + LAYER * len(layers) + INPUTS[inputs.kind]
    size += sum(ACTIVATION[layer.activation.kind] for layer in layers[:-1])
    if inputs.is_float or program.uses_powers:
        size += FLOAT
    elif not program.is_classifier:
        size += VALUE
    size += POWER * program.uses_powers + PROBABILITIES * program.has_probabilities
    return size + sum(table.nbytes for table in program.tables.values())


def _function_bytes(program, coded):
    """The functions that read edges: one for each format, types and kind of input."""
    values, kinds = program.network.inputs.values, set()
    for each in coded:
        kinds.add((each.format, values.ctype, each.types))
        values = each.layer.activation and each.layer.activation.values
    return sum(format_.function_bytes for format_, *_ in kinds)


def why_too_large(program, n_weights, flash):
    """What to say of a network that takes too much flash.

    Parameters
    ----------
    program : CProgram

    n_weights : int
        Of the network that a density refers to.

    flash : int
        Bytes that there are.
    """
    layers, fixed = program.network.layers, _fixed_bytes(program)
    message = (
        f"The network takes {program.flash_bytes} bytes of flash, over flash={flash}"
    )
    # the largest share of the edges that fits, by bisection: formats change with it
    fitting, too_many = 0.0, 1.0
    for _ in range(10):
        share = (fitting + too_many) / 2
        if fixed + _thinned_bytes(layers, share) > flash:
            too_many = share
        else:
            fitting = share
    if not fitting:
        least = fixed + _thinned_bytes(layers, 0)
        return f"{message}, and {least} without any edge: take fewer neurons."
    n_edges = sum(np.count_nonzero(layer.levels) for layer in layers)
    density = MARGIN * fitting * n_edges / n_weights
    # rounded down to two digits
    digits = 1 - int(np.floor(np.log10(density)))
    density = np.floor(density * 10**digits) / 10**digits
    return f"{message}: compress to density={density:g} or less."


def _thinned_bytes(layers, share):
    """Bytes of the layers with a random share of their edges."""
    rng = np.random.default_rng(0)
    thinned = [
        replace(layer, levels=layer.levels * (rng.random(layer.levels.shape) < share))
        for layer in layers
    ]
    # once compressed, they may have types that no function can share
    coded = code_layers(thinned, smallest=True)
    return sum(each.codes.size + each.format.function_bytes for each in coded)
