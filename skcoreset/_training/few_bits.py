"""Networks whose weights have few bits each."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from copy import deepcopy
from dataclasses import replace

import numpy as np

from .._network.levels import Rounding, best_step, round_to_bits, short_float32
from .engine import Trainer
from .objectives import MatchOriginal
from .refinement import rows_to_match

# Bits from which on rounding costs nothing that training could win back. At 6 bits it
# still costs regressors a percent of their variance.
ENOUGH_BITS = 8

# Passes of the training through the rounding, and the least number of steps in each.
N_PASSES, MIN_STEPS_PER_PASS = 15, 28

# The same for all objectives: large steps of Adam would only flip weights back and
# forth.
LEARNING_RATE = 0.006

# Up to this number of bits the step between levels is trained, too: with 1 bit the
# error is several times smaller.
FEWEST_BITS = 2

# How often the step between levels is chosen again, for the weights as they are then.
N_CHOICES = 3

# Levels in each direction for classifiers, by bits: 8 values of 3 bits are hardly more
# accurate than 6, and their codes are longer. Regressors need all 8.
FEWER_LEVELS = {3: 3}

# Intercepts are finer than weights, as a neuron has only one: bits more than those of
# weights, and bits of the output intercepts, which may be far from 0 in a regressor.
MORE_BITS, OUTPUT_INTERCEPT_BITS = 5, 16


class FewBits:
    """Rounds networks to few levels a layer, trained so to match the original.

    Parameters
    ----------
    objective : MatchOriginal

    bits : int
        Weights of a layer take at most `2**bits` values, odd multiples of one step in
        float32; dropped edges are not counted. Classifiers take 6 values of 3 bits.
        Intercepts are multiples of a power of two, with 5 more bits, or 16 bits in the
        output layer.

    rng : numpy.random.Generator
        Shuffles the rows, in the same way for every network.

    thread_map : callable, default=None
        From `threads`.
    """

    def __init__(self, objective, bits, *, rng, thread_map=None):
        self._objective, self._bits = objective, bits
        self._rng, self._map = rng, thread_map

    @classmethod
    def matching(cls, network, X, error, bits, *, rng, thread_map=None):
        """Open the rounding of networks that match an original on some rows."""
        made = rows_to_match(X, rng)
        objective = MatchOriginal(network, X, error, made=made, thread_map=thread_map)
        return cls(objective, bits, rng=rng, thread_map=thread_map)

    def round(self, network):
        """Return the network with weights of few bits, and the same edges."""
        rng = deepcopy(self._rng)
        trainer = Trainer(network, self._objective, rng=rng, thread_map=self._map)
        return train_few_bits(trainer, self._bits, N_PASSES, MIN_STEPS_PER_PASS)


def train_few_bits(trainer, bits, n_passes, min_steps):
    """Train the network of a trainer through the rounding, and return it rounded."""
    rounding = _rounding_of(trainer.network, bits)
    if bits < ENOUGH_BITS:
        for _ in range(N_CHOICES):
            rounding = trainer.train(
                n_passes / N_CHOICES,
                min_steps=min_steps,
                learning_rate=LEARNING_RATE,
                rounding=_rounding_of(trainer.network, bits),
                trains_steps=bits <= FEWEST_BITS,
            )
        rounding = replace(rounding, steps=short_float32(rounding.steps))
    network = trainer.network
    weights = [
        np.where(coef != 0, rounding[i].round(coef), 0).astype(coef.dtype)
        for i, coef in enumerate(network.coefs)
    ]
    return round_intercepts(network.with_weights(weights), bits)


def round_intercepts(network, bits):
    """Return the network with its intercepts rounded as for weights of some bits."""
    *hidden, outputs = network.intercepts
    rounded = [round_to_bits(b, bits + MORE_BITS) for b in hidden]
    return network.with_weights(
        network.coefs, [*rounded, round_to_bits(outputs, OUTPUT_INTERCEPT_BITS)]
    )


def _rounding_of(network, bits):
    """Levels of each layer that are closest to its weights."""
    n_levels = 2 ** (bits - 1)
    if network.out_activation in ("softmax", "logistic"):
        n_levels = FEWER_LEVELS.get(bits, n_levels)
    steps = [
        best_step(coef[coef != 0], n_levels, short_float32, odd=True)
        for coef in network.coefs
    ]
    return Rounding(np.array(steps), n_levels, odd=True, intercepts=False)
