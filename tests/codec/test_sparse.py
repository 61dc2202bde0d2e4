"""The code of sparse layers with rounded weights, and of integers."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skcoreset._codec import (
    MAX_INTEGER,
    Decoder,
    Encoder,
    code_integers,
    code_levels,
    code_support,
)


def through_code(levels, decoder_options=None, **options):
    """The decoded levels of a layer, and the bytes of its code."""
    encoder = Encoder()
    kept, lags = code_support(encoder, levels != 0, np.sign(levels), **options)
    code_levels(encoder, levels, kept, lags)
    data = np.packbits(encoder.finish()).tobytes()
    decoder, blank = Decoder(data, **(decoder_options or {})), np.zeros_like(levels)
    kept, lags = code_support(decoder, blank != 0, blank, **options)
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


def test_a_layer_with_many_lines_both_ways_is_coded_along_the_shorter_one():
    rng = np.random.default_rng(0)
    for shape in ((30, 20), (20, 30)):
        levels = rng.integers(-2, 3, shape)
        assert_array_equal(through_code(levels, max_lines=10)[0], levels)


def test_pieces_of_a_line_make_no_difference():
    levels = np.random.default_rng(0).integers(-1, 2, (3, 200))
    expected = through_code(levels)[1]
    decoded, data = through_code(levels, {"piece_size": 7})
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
    # A sign, the digits, and their number.
    assert encoder.n_bits <= n * (np.log2(largest + 1) + 2) + 60


def test_integers_of_unequal_sizes_take_few_bits():
    values = np.array([MAX_INTEGER, -MAX_INTEGER] + [0, 1, -1, 2] * 100)
    encoder = Encoder()
    code_integers(encoder, values)
    assert encoder.n_bits < 5 * len(values)


def test_endless_integer_ends():
    assert 2**48 <= Decoder(b"\xff" * 50).integer({}, 0) < 2**49


def test_carries_reach_back_over_many_words():
    # All but the last symbol are nearly certain: the interval is at the upper end.
    for n in (1, 200, 5000):
        values = np.ones(n, int)
        values[-1] = 0
        encoder = Encoder()
        totals = [1 << 40] * n
        numbers = [(1 << 40) - 1] * (n - 1) + [0]
        encoder.uniforms(totals, numbers)
        decoder = Decoder(np.packbits(encoder.finish()).tobytes())
        assert list(decoder.uniforms(totals, numbers)) == numbers
