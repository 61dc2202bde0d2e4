"""Networks whose weights have few bits each."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from copy import deepcopy

import numpy as np

from .engine import Trainer
from .objectives import MatchOriginal
from .refinement import rows_to_match
from .rounding import Rounding, best_step, short_float32

# From so many bits on rounding costs nothing that training could win back. At 6 bits it
# still costs regressors a percent of their variance.
ENOUGH_BITS = 8

# Passes of the training through the rounding, and the least number of steps in each.
N_PASSES = 15
MIN_STEPS_PER_PASS = 28

# The same whatever the objective: large steps of Adam would only flip weights back and
# forth, and small ones would not.
LEARNING_RATE = 0.006

# With so few levels training the steps helps, too: 1 bit errs several times less.
FEWEST_BITS = 2

# The step between levels is chosen anew, for what the weights have become.
N_CHOICES = 3

# Of 3 bits classifiers take 6 values: 8 are hardly more accurate, and their codes are
# longer. Values of regressors need all.
FEWER_LEVELS = {3: 3}

# Intercepts are finer than weights, as a neuron has only one. Those of the outputs may
# be far from 0, as values of a regressor are.
MORE_BITS, OUTPUT_INTERCEPT_BITS = 5, 16


class FewBits:
    """Rounds networks to few levels a layer, trained to match the original so.

    Parameters
    ----------
    objective : MatchOriginal

    bits : int
        Weights of a layer take at most `2**bits` values, the odd multiples of one step
        in float32; 0 is not counted. Classifiers take 6 values of 3 bits. Intercepts
        are multiples of a power of two, in 5 bits more, and in 16 those of the outputs.

    rng : numpy.random.Generator
        Shuffles the rows, for every network alike.

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
        trainer = Trainer(
            network,
            self._objective,
            rng=deepcopy(self._rng),
            thread_map=self._map,
        )
        return train_few_bits(trainer, self._bits, N_PASSES, MIN_STEPS_PER_PASS)


def train_few_bits(trainer, bits, n_passes, min_steps):
    """Train what a trainer holds through the rounding, and return it rounded."""
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
        rounding = rounding.representable(short_float32)
    network = trainer.network
    weights = [
        np.where(coef != 0, rounding[i].round(coef), 0).astype(coef.dtype)
        for i, coef in enumerate(network.coefs)
    ]
    return round_intercepts(network.with_weights(weights), bits)


def round_intercepts(network, bits):
    """Return the network with the intercepts that go with weights of so many bits."""
    *hidden, outputs = network.intercepts
    rounded = [_in_bits(b, bits + MORE_BITS) for b in hidden]
    return network.with_weights(
        network.coefs, [*rounded, _in_bits(outputs, OUTPUT_INTERCEPT_BITS)]
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


def _in_bits(intercepts, bits):
    """Round to multiples of a power of two that signed integers of some bits hold."""
    largest = float(np.abs(intercepts).max())
    if not largest:
        return intercepts
    most = 2 ** (bits - 1) - 1
    step = 2.0 ** np.ceil(np.log2(largest / most))
    return (np.rint(intercepts / step) * step).astype(intercepts.dtype)
