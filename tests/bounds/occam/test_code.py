"""The prefix code of whole networks."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skcoreset._network.levels import short_float16
from skcoreset.bounds.occam.blocks import Blocks
from skcoreset.bounds.occam.code import QuantisedNetwork, decode, encode, units_of


def random_quantised_network(seed):
    rng = np.random.default_rng(seed)
    widths = rng.integers(1, 12, size=rng.integers(2, 6))
    n_levels = rng.integers(1, 9)
    levels = [
        (
            rng.integers(-n_levels, n_levels + 1, size=(n_in + 1, n_out))
            * (rng.random((n_in + 1, n_out)) < rng.random())
        ).astype(np.int8)
        for n_in, n_out in pairwise(widths)
    ]
    activation = rng.choice(["identity", "logistic", "relu", "tanh"])
    return QuantisedNetwork(
        levels, short_float16(rng.random(len(levels))), str(activation)
    )


@pytest.mark.parametrize("seed", range(40))
def test_decoder_returns_what_was_encoded(seed):
    network = random_quantised_network(seed)
    code, parts = encode(network)
    assert set(np.unique(code)) <= {0, 1}
    assert sum(parts.values()) == pytest.approx(len(code))
    # A few bits end every code.
    assert 0 <= parts["end of code"] <= 3

    n_features, n_outputs = len(network.levels[0]) - 1, network.levels[-1].shape[1]
    junk = np.random.default_rng(seed).integers(2, size=100)
    # It is a prefix code: bits after it do not change its meaning.
    for bits in (code, np.append(code, junk), np.append(code, np.ones(100, int))):
        decoded = decode(bits, n_features, n_outputs)
        assert decoded.activation == network.activation
        assert_array_equal(decoded.steps, network.steps)
        assert len(decoded.levels) == len(network.levels)
        for new, old in zip(decoded.levels, network.levels):
            assert_array_equal(new, old)


def test_blocks_of_inputs_are_part_of_the_code():
    blocks = Blocks(n_features=21, row_length=7, height=2, width=3)
    levels = [np.eye(blocks.n_groups + 1, 4, dtype=int), np.ones((5, 2), int)]
    network = QuantisedNetwork(levels, short_float16(np.ones(2)), "relu", blocks)
    code, parts = encode(network)
    assert sum(parts.values()) == pytest.approx(len(code))
    decoded = decode(code, 21, 2)
    assert decoded.blocks == blocks
    for new, old in zip(decoded.layers(np.float32), network.layers(np.float32)):
        assert_array_equal(new, old)
    assert new.dtype == np.float32
    plain, _ = encode(QuantisedNetwork(levels, short_float16(np.ones(2)), "relu"))
    assert parts["blocks"] == pytest.approx(len(code) - len(plain) + 1, abs=2)


@pytest.mark.parametrize("offset, scale", [(0, 1), (273.15, 1e-3), (-1e6, 1e9), (5, 0)])
def test_units_of_the_outputs_are_part_of_the_code(offset, scale):
    rng = np.random.default_rng(0)
    Y = offset + scale * rng.standard_normal((50, 2))
    center, unit = units = units_of(Y)
    assert_array_equal(center, Y.mean(axis=0).astype(np.float32))
    # The standard deviation with fewer bits.
    assert (unit <= Y.std(axis=0) * (1 + 1e-6)).all() or scale == 0
    assert (unit > Y.std(axis=0) * 0.99).all()
    levels = [rng.integers(-2, 3, size=(5, 2))]
    network = QuantisedNetwork(levels, short_float16(np.ones(1)), "relu", None, units)
    decoded = decode(encode(network)[0], 4, 2)
    for new, old in zip(decoded.units, units):
        assert_array_equal(new, old)
    (layer,) = decoded.layers(np.float64)
    assert_array_equal(layer[:-1], levels[0][:-1] * unit.astype(float))
    assert_array_equal(layer[-1], levels[0][-1] * unit.astype(float) + center)


def test_steps_are_rounded_to_two_bits():
    steps = np.array([1.0, 1.1, 1.2, 0.3, 1000.0, 2.0**-14, 2.0**15], np.float16)
    assert_array_equal(
        short_float16(steps), [1, 1, 1.25, 0.3125, 1024, 2.0**-14, 2.0**15]
    )
    assert_array_equal(short_float16(short_float16(steps)), short_float16(steps))


def test_no_code_is_a_prefix_of_another():
    codes = set()
    for levels in np.ndindex(3, 3, 3, 3):
        layer = np.array(levels, np.int8).reshape(2, 2) - 1
        code, _ = encode(QuantisedNetwork([layer], np.ones(1, np.float16), "relu"))
        codes.add("".join(map(str, code)))
    assert len(codes) == 81
    assert not any(a != b and b.startswith(a) for a in codes for b in codes)
    # Kraft
    assert sum(2.0 ** -len(code) for code in codes) <= 1


def test_code_is_about_as_long_as_its_entropy():
    rng = np.random.default_rng(0)
    kept = rng.random((301, 40)) < 0.05
    levels = (kept * rng.choice([-1, 1], size=kept.shape)).astype(np.int8)
    code, _ = encode(QuantisedNetwork([levels], np.ones(1, np.float16), "relu"))
    share = kept.mean()
    entropy = -kept.size * (share * np.log2(share) + (1 - share) * np.log2(1 - share))
    assert len(code) < 1.1 * (entropy + kept.sum())


def test_inputs_in_use_are_cheaper():
    rng = np.random.default_rng(0)
    scattered = (rng.random((201, 30)) < 0.04).astype(np.int8)
    crowded = np.zeros_like(scattered)
    crowded[:20] = rng.random((20, 30)) < 0.4
    lengths = [
        len(encode(QuantisedNetwork([each], np.ones(1, np.float16), "relu"))[0])
        / each.sum()
        for each in (scattered, crowded)
    ]
    assert lengths[1] < 0.7 * lengths[0]
