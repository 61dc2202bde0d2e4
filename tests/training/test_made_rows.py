"""Rows that are made of others."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skcoreset._training.made_rows import (
    SWAP_PROBABILITY,
    exclusive_groups,
    make_rows,
    stack,
)

from .common import make_X


def make(X, n_rows=1000, seed=0):
    return make_rows(X, n_rows, np.random.default_rng(seed))


def make_table(n_samples=60):
    """Numbers, two one-hot variables side by side, and a number."""
    rng = np.random.default_rng(0)
    levels = np.column_stack([rng.integers(4, size=n_samples) for _ in range(2)])
    one_hot = OneHotEncoder(sparse_output=False).fit_transform(levels)
    numbers = make_X(n_samples, 3)
    return np.hstack([numbers[:, :2], one_hot, numbers[:, 2:]])


def test_features_are_those_of_one_row_but_for_a_few_of_another():
    X = make_X(50, 40)
    n_foreign = []
    for row in make(X):
        n_shared = np.sort((row == X).sum(axis=1))
        assert n_shared[-2:].sum() >= 40  # two parents, or one
        n_foreign.append(40 - n_shared[-1])
    # A row may be its own second parent.
    expected = 40 * SWAP_PROBABILITY * (1 - 1 / 50)
    assert abs(np.mean(n_foreign) - expected) < 4 * np.std(n_foreign) / np.sqrt(1000)


def test_rows_are_parents_equally_often():
    X = np.repeat(np.arange(7.0)[:, np.newaxis], 200, axis=1)
    parents = np.median(make(X, 70), axis=1)
    assert_array_equal(np.unique(parents, return_counts=True)[1], np.full(7, 10))


@pytest.mark.parametrize("scaled", [False, True])
def test_a_made_row_has_one_category_of_each_variable(scaled):
    X = make_table()
    scaler = StandardScaler().fit(X)
    made = make(scaler.transform(X)) if scaled else make(X)
    made = scaler.inverse_transform(made) if scaled else made
    for columns in (slice(2, 6), slice(6, 10)):
        np.testing.assert_allclose(made[:, columns].sum(axis=1), 1)
    # and not always the two that came together
    pairs = {tuple(row) for row in np.round(made[:, 2:10]).astype(int)}
    assert len(pairs) == 16


def test_groups_are_neighbouring_columns_of_two_values_that_exclude_each_other():
    X = np.array(
        [
            [1, 0, 0, 0.5, 1, 1, 7],
            [0, 1, 0, 0.2, 0, 1, 7],
            [0, 0, 1, 0.1, 0, 0, 7],
            [0, 0, 0, 0.0, 1, 0, 7],
        ]
    )
    assert_array_equal(exclusive_groups(X), [0, 0, 0, 1, 2, 3, 4])


def test_one_row_only_makes_copies_and_no_rows_are_made_of_none():
    X = make_X(1)
    assert_array_equal(make(X, 5), np.repeat(X, 5, axis=0))
    assert make(X, 0).shape == (0, 12)


def test_same_seed_same_rows_of_the_same_dtype():
    X = make_X(dtype=np.float32)
    before = X.copy()
    assert_array_equal(make(X), make(X))
    assert make(X).dtype == np.float32
    assert (make(X) != make(X, seed=1)).any()
    assert_array_equal(X, before)


def test_few_sparse_rows_are_made_as_dense_ones():
    X = make_X(30) * (make_X(30) > 0.5)
    made = make_rows(sparse.csr_array(X), 50, np.random.default_rng(1))
    np.testing.assert_array_equal(
        made.toarray(), make_rows(X, 50, np.random.default_rng(1))
    )


def test_sparse_rows_are_made_of_the_features_of_two():
    rng = np.random.default_rng(0)
    X = rng.random((30, 200)) * (rng.random((30, 200)) < 0.1)
    X = sparse.csr_array(X)
    made = make_rows(X, 500, np.random.default_rng(1), most_dense=0)
    assert made.shape == (500, 200) and made.format == "csr"
    dense = X.toarray()
    shares = []
    for row in made.toarray():
        # Its first parent is the row that it is most like.
        same = (dense == row).sum(axis=1)
        parent = dense[same.argmax()]
        foreign = (row != parent) & (row != 0)
        assert all(row[j] in dense[:, j] for j in np.flatnonzero(foreign))
        shares.append((row[parent != 0] == parent[parent != 0]).mean())
    assert np.mean(shares) == pytest.approx(0.9, abs=0.02)
    stacked = stack(X, made)
    np.testing.assert_array_equal(stacked[:30].toarray(), dense)
