"""Adam on all weights, and on those of sparse inputs."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.sparse import csr_array

from skcoreset._training.optimizer import BETA_1, Adam, SparseInputs

# NEGLIGIBLE: small enough to play no part, as it decays with the moments.
BETA_2, RATE, NEGLIGIBLE = 0.99, 0.01, 1e-14


def test_steps_are_those_of_the_textbook():
    rng = np.random.default_rng(0)
    adam = Adam(np.zeros((2, 6)), BETA_2, NEGLIGIBLE)
    first = second = np.zeros(6)
    for i in range(1, 20):
        gradient = rng.normal(size=6)
        first = BETA_1 * first + (1 - BETA_1) * gradient
        second = BETA_2 * second + (1 - BETA_2) * gradient**2
        expected = first / (1 - BETA_1**i) / np.sqrt(second / (1 - BETA_2**i))
        rate = adam.begin_step()
        blocks = slice(4), slice(4, None)
        parts = [adam.direction(gradient[block], block) for block in blocks]
        assert_allclose(rate * np.concatenate(parts), expected)


@pytest.mark.parametrize("n_parts", [1, 2])
@pytest.mark.parametrize("n_steps", [7, 100])
def test_sparse_steps_are_those_of_adam_on_all_weights(n_steps, n_parts):
    rng = np.random.default_rng(0)
    edges = rng.random((30, 4)) < 0.6
    edges[3] = False
    weights = np.where(edges, rng.normal(size=edges.shape), 0)
    first, second = rng.normal(size=(2, *edges.shape)) ** 2 * edges
    inputs, columns = np.nonzero(edges)
    fast = SparseInputs(
        weights[edges],
        np.array([first[edges], second[edges]]),
        inputs,
        columns.astype(np.int32),
        edges.shape,
        rate=RATE,
        beta_2=BETA_2,
        negligible=NEGLIGIBLE,
        n_steps=n_steps,
        block_size=5,
    )
    for i in range(40):
        X = rng.normal(size=(5, 30)) * (rng.random((5, 30)) < 0.05)
        rate = rng.random()
        numbered = fast.look_up(csr_array(X))
        # The layer is that of Adam so far.
        assert_allclose(numbered @ fast.layer[:-1], X @ weights, atol=1e-10)
        delta = rng.normal(size=(5, 4))
        parts = [slice(k, None, n_parts) for k in range(n_parts)]
        fast.step(rate, [numbered[part].T @ delta[part] for part in parts])
        gradient = X.T @ delta * edges
        first = BETA_1 * first + gradient
        second = BETA_2 * second + gradient**2
        weights = weights - rate * RATE * first / (np.sqrt(second) + NEGLIGIBLE)
        if i % 9 == 8:
            fast.settle()
            assert_allclose(fast.theta, weights[edges])
            assert_allclose(fast.moments, [first[edges], second[edges]])


def test_a_batch_may_have_nothing():
    fast = SparseInputs(
        np.ones(2),
        np.zeros((2, 2)),
        np.array([0, 2]),
        np.array([0, 0], np.int32),
        (3, 1),
        rate=RATE,
        beta_2=BETA_2,
        negligible=NEGLIGIBLE,
    )
    numbered = fast.look_up(csr_array((4, 3)))
    assert numbered.shape == (4, 0)
    fast.step(1.0, [numbered.T @ np.ones((4, 1))])
    fast.settle()
    assert_allclose(fast.theta, 1)
