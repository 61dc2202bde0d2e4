import numpy as np
import pytest
from scipy import sparse

from skcoreset._sensitivity import (
    mean_relative_importance,
    neuron_bounds,
    ratio,
    sensitivities,
    sensitivity,
)

from .conftest import random_network


def shares_by_definition(A, coef):
    """Share of every edge in its half-sum at every point, (points, n_in, n_out)."""
    shares = np.zeros((len(A), *coef.shape))
    for x, a in enumerate(A):
        for i in range(coef.shape[1]):
            for j in range(coef.shape[0]):
                half = [
                    k
                    for k in range(coef.shape[0])
                    if coef[k, i] * coef[j, i] > 0 and a[k] * a[j] > 0
                ]
                total = sum(abs(coef[k, i] * a[k]) for k in half)
                if total > 0:
                    shares[x, j, i] = abs(coef[j, i] * a[j]) / total
    return shares


def layer(seed, inputs="both", n_points=7):
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((n_points, 6))
    coef = rng.standard_normal((6, 5))
    A = {"both": A, "positive": np.abs(A), "negative": -np.abs(A)}[inputs]
    A[:, 2] = 0  # an input that never lights
    A[3] = 0  # a point where all denominators are 0
    coef[1] = 0  # an input without edges
    coef[:, 0] = np.abs(coef[:, 0])  # a neuron with one sign only
    coef[:, 1] = -np.abs(coef[:, 1])
    coef[4, 2] = 0
    return A, coef


@pytest.mark.parametrize("inputs", ["both", "positive", "negative"])
@pytest.mark.parametrize("seed", range(3))
def test_sensitivity_is_its_definition(inputs, seed):
    A, coef = layer(seed, inputs)
    expected = shares_by_definition(A, coef).max(axis=0)
    np.testing.assert_allclose(sensitivity(A, coef), expected, rtol=1e-12)


@pytest.mark.parametrize("inputs", ["both", "positive"])
def test_mean_relative_importance_is_its_definition(inputs):
    A, coef = layer(0, inputs)
    expected = shares_by_definition(A, coef).mean(axis=0)
    np.testing.assert_allclose(mean_relative_importance(A, coef), expected, rtol=1e-12)


@pytest.mark.parametrize("inputs", ["both", "positive", "negative"])
@pytest.mark.parametrize("compute", [sensitivity, mean_relative_importance])
def test_sparse_inputs_have_the_shares_of_dense_ones(compute, inputs):
    A, coef = layer(0, inputs)
    A[:, 4:] *= np.random.default_rng(1).random((len(A), 2)) < 0.5
    for rows in (sparse.csr_array(A), sparse.csc_array(A)):
        np.testing.assert_allclose(compute(rows, coef), compute(A, coef), rtol=1e-12)


def test_inputs_that_are_all_0_have_no_share():
    rows, coef = sparse.csr_array((7, 6)), layer(0)[1]
    for compute in (sensitivity, mean_relative_importance):
        assert not compute(rows, coef).any()


def test_layers_at_once_are_layers_one_by_one():
    rng = np.random.default_rng(0)
    # A layer wider than its inputs, and a narrower one.
    layers = [
        (rng.standard_normal((9, n_in)), rng.standard_normal((n_in, n_out)))
        for n_in, n_out in ((2, 7), (7, 7), (7, 3))
    ]
    for (A, coef), s in zip(layers, sensitivities(layers), strict=True):
        expected = shares_by_definition(A, coef).max(axis=0)
        np.testing.assert_allclose(s, expected, rtol=1e-12)


def test_inputs_that_are_all_below_zero():
    A, coef = layer(0)
    A = -np.abs(A) - 0.1
    shares = shares_by_definition(A, coef)
    np.testing.assert_allclose(sensitivity(A, coef), shares.max(axis=0), rtol=1e-12)
    np.testing.assert_allclose(
        mean_relative_importance(A, coef), shares.mean(axis=0), rtol=1e-12
    )


# From one neuron to all of them in a task; its edges are divided at any place.
@pytest.mark.parametrize("task_size", [1, 400, 10**6])
@pytest.mark.parametrize("scratch_bytes", [1, 100, 200, 300])
def test_blocks_do_not_change_the_result(scratch_bytes, task_size):
    A, coef = layer(0, n_points=40)
    blocks = {"scratch_bytes": scratch_bytes, "task_size": task_size}
    blocked = sensitivity(A, coef, n_jobs=2, points_per_block=9, **blocks)
    np.testing.assert_array_equal(blocked, sensitivity(A, coef))


def test_what_memory_held_before_is_immaterial():
    A, coef = layer(0, n_points=40)
    coef[:, 3] = 0
    shares = shares_by_definition(A, coef)
    for compute, expected in (
        (sensitivity, shares.max(axis=0)),
        (mean_relative_importance, shares.mean(axis=0)),
    ):
        for shape in (A.shape, coef.shape, (coef.shape[1], len(A))):
            freed = [np.full(shape, np.nan) for _ in range(20)]
            del freed
        np.testing.assert_allclose(compute(A, coef), expected, rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "scale_A, scale_coef", [(1e30, 1e30), (1e-30, 1e-30), (1e38, 1), (1e-38, 1)]
)
def test_scale_of_weights_and_inputs_is_immaterial(dtype, scale_A, scale_coef):
    A, coef = layer(1)
    A, coef = A.astype(dtype), coef.astype(dtype)
    scaled = sensitivity(A * dtype(scale_A), coef * dtype(scale_coef))
    assert scaled.dtype == dtype
    np.testing.assert_allclose(scaled, sensitivity(A, coef), rtol=1e-5)


def test_scale_of_one_point_or_one_neuron_is_immaterial():
    A, coef = (array.astype(np.float32) for array in layer(1))
    points = np.float32(10.0) ** np.linspace(-30, 30, len(A), dtype=np.float32)
    neurons = np.float32([1, 1e30, 1e-30, 1e20, 1e-20])
    scaled = A * points[:, None], coef * neurons
    for shares in (sensitivity, mean_relative_importance):
        np.testing.assert_allclose(shares(*scaled), shares(A, coef), rtol=1e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_in", [1, 2])
def test_edge_alone_of_its_sign_has_share_one_and_no_more(n_in, dtype):
    rng = np.random.default_rng(0)
    A, coef = rng.random((50, n_in), dtype), rng.random((n_in, 99), dtype)
    coef[1:] *= -1
    s = sensitivity(A, coef)
    np.testing.assert_allclose(s, 1, rtol=4 * np.finfo(dtype).eps)
    assert (s <= 1).all()


def test_every_half_sum_of_sensitivities_is_at_least_one():
    # At every point the shares of a half-sum add up to 1.
    rng = np.random.default_rng(0)
    A, coef = rng.random((20, 9)), rng.standard_normal((9, 4))
    s = sensitivity(A, coef)
    for sign in (1, -1):
        sums = np.where(sign * coef > 0, s, 0).sum(axis=0)
        assert (sums >= 1 - 1e-12).all()
    assert (s <= 1).all()


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_neuron_bounds_by_definition(activation):
    network = random_network([6, 5, 4, 2], activation)
    X = np.random.default_rng(1).standard_normal((11, 6))
    expected = []
    A = X
    for coef, b in zip(network.coefs, network.intercepts):
        Z = A @ coef + b
        terms = np.abs(A[:, :, None] * coef[None]).sum(axis=1) + np.abs(b)
        expected.append((terms / np.abs(Z)).mean(axis=0).max())
        A = np.maximum(Z, 0) if activation == "relu" else np.tanh(Z)
    np.testing.assert_allclose(neuron_bounds(network, X), expected, rtol=1e-12)


def test_neuron_bounds_of_vanishing_sums():
    network = random_network([2, 2, 1])
    # Terms cancel in the first neuron; the second has no terms.
    coefs = [np.array([[1.0, 0.0], [-1.0, 0.0]]), np.ones((2, 1))]
    network = network.with_weights(coefs, [np.zeros(2), np.ones(1)])
    np.testing.assert_array_equal(neuron_bounds(network, np.ones((3, 2))), [np.inf, 1])


def test_ratios_of_single_precision_are_double():
    numerator, denominator = np.float32([1e30, 0, 1]), np.float32([1e-30, 0, 0])
    np.testing.assert_allclose(ratio(numerator, denominator), [1e60, 0, np.inf])
