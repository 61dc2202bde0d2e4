"""Blocks of inputs that share their weights."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.ndimage import gaussian_filter
from sklearn.datasets import load_breast_cancer, load_digits, make_classification

from skcoreset.bounds.occam.blocks import Blocks, tilings


def test_groups_of_an_image():
    blocks = Blocks(n_features=20, row_length=5, height=2, width=3)
    assert_array_equal(
        blocks.groups.reshape(4, 5),
        [[0, 0, 0, 1, 1], [0, 0, 0, 1, 1], [2, 2, 2, 3, 3], [2, 2, 2, 3, 3]],
    )
    assert blocks.n_groups == 4


@pytest.mark.parametrize("blocks", [
    Blocks(20, 5, 2, 3), Blocks(64, 8, 3, 3), Blocks(50, 50, 1, 7), Blocks(7, 3, 2, 2),
    Blocks(6, 6, 1, 1),
], ids=str)  # fmt: skip
def test_expanded_weights_do_on_inputs_what_weights_do_on_means(blocks):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((30, blocks.n_features))
    layer = rng.standard_normal((blocks.n_groups + 1, 3))
    means = blocks.means(X)
    for group in range(blocks.n_groups):
        expected = X[:, blocks.groups == group].mean(axis=1)
        assert_allclose(means[:, group], expected)
    wide = blocks.expand(layer)
    assert wide.shape == (blocks.n_features + 1, 3)
    assert_allclose(X @ wide[:-1], means @ layer[:-1])
    assert_array_equal(wide[-1], layer[-1])
    # All inputs of a block have the same weights.
    for group in range(blocks.n_groups):
        assert len(np.unique(wide[:-1][blocks.groups == group], axis=0)) == 1


def test_float32_is_kept():
    blocks = Blocks(20, 5, 2, 3)
    assert blocks.means(np.ones((2, 20), np.float32)).dtype == np.float32
    assert blocks.expand(np.ones((5, 2), np.float32)).dtype == np.float32


def test_rows_of_images_are_found():
    X, _ = load_digits(return_X_y=True)
    found = tilings(X)
    assert {blocks.row_length for blocks in found} == {8}
    assert [(blocks.height, blocks.width) for blocks in found] == [
        (2, 2), (3, 3), (4, 4),
    ]  # fmt: skip
    # Smooth noise that is not square.
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((200, 15, 23))
    images = gaussian_filter(noise, (0, 1.5, 1.5))
    assert {blocks.row_length for blocks in tilings(images.reshape(200, -1))} == {23}


def test_series_have_blocks_of_one_row():
    rng = np.random.default_rng(0)
    found = tilings(rng.standard_normal((200, 64)).cumsum(axis=1))
    assert {(blocks.row_length, blocks.height) for blocks in found} == {(64, 1)}


@pytest.mark.parametrize("X", [
    make_classification(300, 40, random_state=0)[0],
    np.ones((20, 30)),
    np.zeros((5, 1)),
    np.eye(12).repeat(3, axis=0),
], ids=["table", "constant", "one feature", "one-hot"])  # fmt: skip
def test_inputs_without_similar_neighbours_have_no_blocks(X):
    assert tilings(X) == []


def test_columns_of_a_table_may_look_like_rows():
    # Means, errors and worst values of ten measurements each.
    X, _ = load_breast_cancer(return_X_y=True)
    assert {blocks.row_length for blocks in tilings(X)} == {10}
