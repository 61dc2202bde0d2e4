"""The prefix code of networks, and levels of rounded weights."""

from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skcoreset._codec import (
    MAX_INTEGER,
    Decoder,
    Encoder,
    QuantisedNetwork,
    code_integers,
    code_levels,
    code_support,
    decode,
    encode,
    levels_of,
    round_steps,
    units_of,
)
from skcoreset._codec import code as _codec
from skcoreset._codec.blocks import Blocks


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
        levels, round_steps(rng.random(len(levels))), str(activation)
    )


@pytest.mark.parametrize("seed", range(40))
def test_decoder_returns_what_was_encoded(seed):
    network = random_quantised_network(seed)
    code, parts = encode(network)
    assert set(np.unique(code)) <= {0, 1}
    assert sum(parts.values()) == pytest.approx(len(code))
    # a few bits end the code, whatever they come after
    assert 0 <= parts["end of code"] <= 3

    n_features, n_outputs = len(network.levels[0]) - 1, network.levels[-1].shape[1]
    junk = np.random.default_rng(seed).integers(2, size=100)
    # with other bits behind it the code means the same: it is a prefix code
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
    network = QuantisedNetwork(levels, round_steps(np.ones(2)), "relu", blocks)
    code, parts = encode(network)
    assert sum(parts.values()) == pytest.approx(len(code))
    decoded = decode(code, 21, 2)
    assert decoded.blocks == blocks
    for new, old in zip(decoded.layers(np.float32), network.layers(np.float32)):
        assert_array_equal(new, old)
    assert new.dtype == np.float32
    plain, _ = encode(QuantisedNetwork(levels, round_steps(np.ones(2)), "relu"))
    assert parts["blocks"] == pytest.approx(len(code) - len(plain) + 1, abs=2)


@pytest.mark.parametrize("offset, scale", [(0, 1), (273.15, 1e-3), (-1e6, 1e9), (5, 0)])
def test_units_of_the_outputs_are_part_of_the_code(offset, scale):
    rng = np.random.default_rng(0)
    Y = offset + scale * rng.standard_normal((50, 2))
    center, spread = units = units_of(Y)
    assert_array_equal(center, Y.mean(axis=0).astype(np.float32))
    # a few bits less than the standard deviation
    assert (spread <= Y.std(axis=0) * (1 + 1e-6)).all() or scale == 0
    assert (spread > Y.std(axis=0) * 0.99).all()
    levels = [rng.integers(-2, 3, size=(5, 2))]
    network = QuantisedNetwork(levels, round_steps(np.ones(1)), "relu", None, units)
    decoded = decode(encode(network)[0], 4, 2)
    for new, old in zip(decoded.units, units):
        assert_array_equal(new, old)
    (layer,) = decoded.layers(np.float64)
    assert_array_equal(layer[:-1], levels[0][:-1] * spread.astype(float))
    assert_array_equal(layer[-1], levels[0][-1] * spread.astype(float) + center)


def test_steps_are_rounded_to_two_bits():
    steps = np.array([1.0, 1.1, 1.2, 0.3, 1000.0, 2.0**-14, 2.0**15], np.float16)
    assert_array_equal(
        round_steps(steps), [1, 1, 1.25, 0.3125, 1024, 2.0**-14, 2.0**15]
    )
    assert_array_equal(round_steps(round_steps(steps)), round_steps(steps))


def test_no_code_begins_another():
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
    spread = (rng.random((201, 30)) < 0.04).astype(np.int8)
    crowded = np.zeros_like(spread)
    crowded[:20] = rng.random((20, 30)) < 0.4
    lengths = [
        len(encode(QuantisedNetwork([each], np.ones(1, np.float16), "relu"))[0])
        / each.sum()
        for each in (spread, crowded)
    ]
    assert lengths[1] < 0.7 * lengths[0]


# Images, and layers of all shapes


def through_code(levels):
    """What is decoded of a layer, and the bytes of its code."""
    encoder = Encoder()
    kept, lags = code_support(encoder, levels != 0, np.sign(levels))
    code_levels(encoder, levels, kept, lags)
    data = np.packbits(encoder.finish()).tobytes()
    decoder, blank = Decoder(data), np.zeros(levels.shape, int)
    kept, lags = code_support(decoder, blank != 0, blank)
    return code_levels(decoder, blank, kept, lags), data


def image_layer(side, n_out, rng):
    """Weights that are alike at neighbouring pixels of a square image."""
    smooth = rng.standard_normal((side, side, n_out))
    for axis in (0, 1):
        smooth = smooth + np.roll(smooth, 1, axis) + np.roll(smooth, -1, axis)
    smooth = smooth.reshape(side * side, n_out)
    smooth[np.abs(smooth) < 3] = 0
    return np.clip(np.rint(smooth), -4, 4).astype(int)


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (12, 30), (5000, 2)])
@pytest.mark.parametrize("density", [0, 0.1, 0.9, 1])
def test_any_layer_comes_back(shape, density):
    rng = np.random.default_rng(0)
    levels = rng.integers(1, 256, shape) * rng.choice([-1, 1], shape)
    levels[rng.random(shape) >= density] = 0
    decoded, _ = through_code(levels)
    assert_array_equal(decoded, levels)


def test_layer_that_is_long_both_ways_is_coded_along_the_shorter(monkeypatch):
    monkeypatch.setattr(_codec, "_MAX_LINES", 10)
    rng = np.random.default_rng(0)
    for shape in ((30, 20), (20, 30)):
        levels = rng.integers(-2, 3, shape)
        assert_array_equal(through_code(levels)[0], levels)


def test_pieces_of_a_line_make_no_difference(monkeypatch):
    levels = np.random.default_rng(0).integers(-1, 2, (3, 200))
    expected = through_code(levels)[1]
    monkeypatch.setattr(_codec, "_PIECE", 7)
    decoded, data = through_code(levels)
    assert_array_equal(decoded, levels)
    assert data == expected


def test_neighbours_in_images_make_codes_shorter():
    rng = np.random.default_rng(0)
    levels = image_layer(15, 30, rng)
    decoded, data = through_code(levels)
    assert_array_equal(decoded, levels)
    _, longer = through_code(levels[rng.permutation(len(levels))])
    assert len(data) < 0.9 * len(longer)


def test_distances_in_an_image_are_found():
    levels = image_layer(15, 30, np.random.default_rng(0))
    _, lags = code_support(Encoder(), levels != 0, np.sign(levels))
    assert {1, 15} <= set(lags)


def test_any_bits_are_a_layer():
    rng = np.random.default_rng(0)
    for _ in range(300):
        shape = tuple(rng.integers(1, 20, 2))
        data = rng.integers(0, 256, rng.integers(40)).astype(np.uint8)
        data[: len(data) // 2] *= rng.integers(2, dtype=np.uint8)
        decoder, blank = Decoder(data.tobytes()), np.zeros(shape, int)
        kept, lags = code_support(decoder, blank != 0, blank)
        levels = code_levels(decoder, blank, kept, lags)
        assert levels.shape == shape
        assert np.abs(levels).max() <= 256


def test_counts_of_bits_are_the_length_of_the_code():
    levels = image_layer(15, 30, np.random.default_rng(0))
    encoder = Encoder()
    kept, lags = code_support(encoder, levels != 0, np.sign(levels))
    code_levels(encoder, levels, kept, lags)
    assert 0 <= len(encoder.finish()) - encoder.n_bits <= 3


# Whole numbers


@pytest.mark.parametrize("n", [0, 1, 300])
@pytest.mark.parametrize("largest", [0, 1, 20, MAX_INTEGER])
def test_integers_come_back(n, largest):
    values = np.random.default_rng(0).integers(-largest, largest + 1, n)
    encoder = Encoder()
    code_integers(encoder, values)
    decoder = Decoder(np.packbits(encoder.finish()).tobytes())
    assert_array_equal(code_integers(decoder, np.zeros(n, int)), values)
    # a sign, the digits, and how many there are
    assert encoder.n_bits <= n * (np.log2(largest + 1) + 2) + 60


def test_integers_of_unequal_sizes_take_few_bits():
    values = np.array([MAX_INTEGER, -MAX_INTEGER] + [0, 1, -1, 2] * 100)
    encoder = Encoder()
    code_integers(encoder, values)
    assert encoder.n_bits < 5 * len(values)


def test_endless_integer_ends():
    assert 2**48 <= Decoder(b"\xff" * 50).integer({}, 0) < 2**49


def test_carries_reach_back_over_many_words():
    # the last symbol of many, all but certain: an interval at the end of the first
    for n in (1, 200, 5000):
        values = np.ones(n, int)
        values[-1] = 0
        encoder = Encoder()
        totals = [1 << 40] * n
        numbers = [(1 << 40) - 1] * (n - 1) + [0]
        encoder.uniforms(totals, numbers)
        decoder = Decoder(np.packbits(encoder.finish()).tobytes())
        assert list(decoder.uniforms(totals, numbers)) == numbers


# Levels


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("bits", range(1, 9))
@pytest.mark.parametrize("odd", [False, True])
def test_rounded_weights_are_levels_of_a_step(bits, odd, dtype):
    rng = np.random.default_rng(bits)
    largest = 2 ** (bits - 1)
    for _ in range(20):
        step = dtype(rng.lognormal(sigma=5))
        levels = rng.integers(1, largest + 1, (9, 4)) * rng.choice([-1, 1], (9, 4))
        levels = (2 * levels - np.sign(levels) if odd else levels) * (
            rng.random((9, 4)) < 0.7
        )
        weights = step * levels.astype(dtype)
        found, whole = levels_of(weights)
        assert found.dtype == dtype
        assert_array_equal(found * whole.astype(dtype), weights)
        # the fewest levels that will do
        assert np.abs(whole).max() <= np.abs(levels).max()


def test_levels_with_a_common_divisor_are_divided_by_it():
    step, levels = levels_of(np.float32(0.3) * np.array([2, -4, 6], np.float32))
    assert_array_equal(levels, [1, -2, 3])
    assert step == np.float32(0.3) * np.float32(2)


def test_levels_are_no_larger_than_asked():
    values = np.arange(1, 301, dtype=np.float32)
    assert levels_of(values) is None
    assert levels_of(values, 299) is None
    step, levels = levels_of(values, 300)
    assert step == 1
    assert_array_equal(levels, values)


def test_zeros_are_levels_of_anything():
    step, levels = levels_of(np.zeros((2, 3), np.float32))
    assert step > 0
    assert_array_equal(levels, np.zeros((2, 3)))


@pytest.mark.parametrize(
    "values",
    [
        np.random.default_rng(0).standard_normal(40),
        np.array([1, np.pi, np.e]),
        np.array([1.0, np.nan]),
        np.array([1.0, np.inf]),
        np.array([1, 1 + 2.0**-20]),
        np.array([1e-300, 1e300]),
    ],
)
def test_what_has_no_step_has_no_levels(values):
    assert levels_of(values) is None


def test_smallest_numbers_have_levels():
    tiny = np.float32(1e-45)
    step, levels = levels_of(np.array([tiny, -3 * tiny], np.float32))
    assert step == tiny
    assert_array_equal(levels, [1, -3])
