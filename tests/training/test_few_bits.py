"""Networks whose weights take few values, and are trained to."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skcoreset._errors import ERRORS
from skcoreset._training import FewBits, MatchOriginal

from ..conftest import random_network


@pytest.fixture(scope="module")
def X():
    return np.random.default_rng(1).normal(size=(400, 12))


def problem(X, bits, out_activation="softmax", error="relative", dtype=np.float64):
    """A sparse part of a network, and what rounds it."""
    network = random_network((12, 30, 20, 3), "tanh", out_activation, dtype)
    kept = np.random.default_rng(2).random(network.n_edges) < 0.6
    compressed = network.with_weights(network.weights * kept)
    objective = MatchOriginal(network, X, ERRORS[error])
    return compressed, objective, FewBits(objective, bits, rng=np.random.default_rng(0))


def levels_of(coef, bits):
    """Whole numbers, none larger than `2**bits`, that weights are in proportion to."""
    weights = coef[coef != 0]
    for largest in range(1, 2**bits + 1):
        levels = weights / np.abs(weights).max() * largest
        if np.allclose(levels, np.rint(levels), rtol=0, atol=1e-9):
            return np.rint(levels).astype(int)


@pytest.mark.parametrize("bits", [1, 2, 3, 6, 8])
@pytest.mark.parametrize(
    "out_activation, error", [("softmax", "relative"), ("identity", "scaled")]
)
def test_weights_are_odd_multiples_of_a_float32_step(bits, out_activation, error, X):
    compressed, _, few_bits = problem(X, bits, out_activation, error)
    rounded = few_bits.round(compressed)
    for coef, before in zip(rounded.coefs, compressed.coefs):
        assert_array_equal(coef != 0, before != 0)
        # All multiples are exact in float32.
        assert_array_equal(coef.astype(np.float32), coef)
        levels = levels_of(coef, bits)
        assert (levels % 2 == 1).all()
        assert len(np.unique(levels)) <= 2**bits


@pytest.mark.parametrize("bits", [1, 3, 8])
def test_intercepts_have_5_bits_more_and_16_at_the_end(bits, X):
    compressed, _, few_bits = problem(X, bits)
    hidden = 2 ** (bits + 4) - 1
    for b, largest in zip(
        few_bits.round(compressed).intercepts, (hidden, hidden, 32767)
    ):
        step = 2.0 ** np.ceil(np.log2(np.abs(b).max() / largest))
        assert_array_equal(b / step, np.rint(b / step))
        assert np.abs(b / step).max() <= largest


def test_intercepts_of_zero_stay(X):
    compressed, _, few_bits = problem(X, 8)
    silent = [0 * b for b in compressed.intercepts]
    rounded = few_bits.round(compressed.with_weights(compressed.coefs, silent))
    for b in rounded.intercepts:
        assert not b.any()


def test_training_through_the_rounding_beats_rounding(X, monkeypatch):
    compressed, objective, few_bits = problem(X, 3)
    trained = few_bits.round(compressed)
    monkeypatch.setattr("skcoreset._training.few_bits.ENOUGH_BITS", 1)
    rounded = few_bits.round(compressed)
    assert objective.loss(trained) < 0.6 * objective.loss(rounded)


def test_trained_steps_beat_chosen_ones_with_few_levels(X, monkeypatch):
    compressed, objective, few_bits = problem(X, 1)
    trained = few_bits.round(compressed)
    monkeypatch.setattr("skcoreset._training.few_bits.FEWEST_BITS", 0)
    chosen = few_bits.round(compressed)
    assert objective.loss(trained) < 0.9 * objective.loss(chosen)


def test_eight_bits_cost_nothing(X):
    compressed, objective, few_bits = problem(X, 8)
    loss = objective.loss(few_bits.round(compressed))
    assert loss == pytest.approx(objective.loss(compressed), rel=0.02)


def test_a_network_does_not_depend_on_those_rounded_before(X):
    compressed, _, few_bits = problem(X, 2)
    first, again = few_bits.round(compressed), few_bits.round(compressed)
    assert_array_equal(first.weights, again.weights)
