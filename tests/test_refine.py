"""Reweighting and output matching of kept edges."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings

import numpy as np
import pytest
import threadpoolctl

from skcoreset import _descent, _refine
from skcoreset._descent import Reference
from skcoreset._importance import edge_importance, output_gains
from skcoreset._refine import (
    match_outputs,
    refine,
    reweight,
)

from .conftest import random_network

ACTIVATIONS = ["identity", "logistic", "relu", "tanh"]


def make_network(widths=(12, 10, 8, 3), activation="relu", dtype=np.float64):
    return random_network(widths, activation, dtype=dtype)


def make_sparse(network, share=0.4, seed=1):
    rng = np.random.default_rng(seed)
    return network.with_weights(
        [coef * (rng.random(coef.shape) < share) for coef in network.coefs]
    )


def make_X(n_samples=300, n_features=12, dtype=np.float64):
    return np.random.default_rng(2).normal(size=(n_samples, n_features)).astype(dtype)


def supports(network):
    return [coef != 0 for coef in network.coefs]


def assert_finite(network):
    for array in (*network.coefs, *network.intercepts):
        assert np.isfinite(array).all()


@pytest.mark.parametrize("step", [refine, reweight, match_outputs])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_edges_and_dtype_are_kept(step, dtype):
    network, X = make_network(dtype=dtype), make_X(dtype=dtype)
    sparse = make_sparse(network)
    refined = step(sparse, network, X)
    for before, after in zip(supports(sparse), supports(refined)):
        np.testing.assert_array_equal(before, after)
    assert {a.dtype for a in (*refined.coefs, *refined.intercepts)} == {np.dtype(dtype)}


def test_arguments_are_not_changed():
    network, X = make_network(), make_X()
    sparse = make_sparse(network)
    before = [a.copy() for a in (*network.coefs, *network.intercepts, *sparse.coefs, X)]
    refine(sparse, network, X)
    after = (*network.coefs, *network.intercepts, *sparse.coefs, X)
    for a, b in zip(before, after):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_reweight_is_ridge_regression_of_each_neuron(activation):
    network, X = make_network(activation=activation), make_X()
    sparse = make_sparse(network)
    ridge = 1e-2
    reweighted = reweight(sparse, network, X, ridge=ridge)
    A, A_hat = network.activations(X), reweighted.activations(X)
    for layer, old in enumerate(sparse.coefs):
        Z = A[layer] @ network.coefs[layer] + network.intercepts[layer]
        inputs = A_hat[layer] - A_hat[layer].mean(axis=0)
        penalty = ridge * np.square(inputs).sum(axis=0).mean()
        for neuron, weights in enumerate(old.T):
            kept = np.flatnonzero(weights)
            root = np.sqrt(penalty) * np.eye(len(kept))
            expected = np.linalg.lstsq(
                np.vstack([inputs[:, kept], root]),
                np.append(Z[:, neuron] - Z[:, neuron].mean(), root @ weights[kept]),
            )[0]
            got = reweighted.coefs[layer][:, neuron]
            np.testing.assert_allclose(got[kept], expected, rtol=1e-7, atol=1e-10)
            offset = Z[:, neuron].mean() - A_hat[layer].mean(axis=0) @ got
            np.testing.assert_allclose(reweighted.intercepts[layer][neuron], offset)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gains_are_squared_finite_differences(activation):
    network, X = make_network(activation=activation), make_X(20)
    weights = np.random.default_rng(3).random(20)
    A = network.activations(X)
    gains = output_gains(network, A, weights, np.eye(3)[:, np.newaxis])
    for layer, (before, after) in enumerate(gains[:-1]):
        expected = np.zeros_like(before)
        for neuron in range(before.shape[1]):
            shift = np.zeros(before.shape[1])
            shift[neuron] = 1e-6
            outputs = [
                network.with_weights(
                    network.coefs,
                    [
                        b + sign * shift if i == layer else b
                        for i, b in enumerate(network.intercepts)
                    ],
                ).activations(X)[-1]
                for sign in (1, -1)
            ]
            slope = (outputs[0] - outputs[1]) / 2e-6
            expected[:, neuron] = np.square(slope).sum(axis=1) * weights
        np.testing.assert_allclose(before, expected, rtol=1e-4, atol=1e-8)
        assert (after >= before).all()


def test_importance_is_the_cost_of_an_edge_of_the_last_layer():
    # the output is linear in these edges, so that the first order is all there is
    network, X = make_network(), make_X()
    weights = np.random.default_rng(3).random(len(X))
    importance, means = edge_importance(network, X, weights)
    F = network.activations(X)[-1]
    coefs = [coef.copy() for coef in network.coefs]
    intercepts = [b.copy() for b in network.intercepts]
    intercepts[-1][1] += coefs[-1][4, 1] * means[-1][4, 1]
    coefs[-1][4, 1] = 0
    change = network.with_weights(coefs, intercepts).activations(X)[-1] - F
    cost = np.square(change).sum(axis=1) @ weights
    np.testing.assert_allclose(importance[-1][4, 1], cost)


def test_an_edge_that_makes_no_difference_is_worth_nothing():
    network, X = make_network(), make_X()
    X[:, 3] = 2.0  # constant: the intercept can do its work
    network.coefs[1][5] = 0  # neuron 5 is read by no one
    importance, _ = edge_importance(network, X, np.ones(len(X)))
    np.testing.assert_allclose(importance[0][3], 0, atol=1e-10)
    np.testing.assert_array_equal(importance[0][:, 5], 0)
    np.testing.assert_array_equal(importance[1][5], 0)


def test_many_outputs_are_probed():
    network, X = make_network((12, 40, 60)), make_X(1000)
    importance, _ = edge_importance(network, X, np.ones(len(X)))
    A = network.activations(X)
    probes = np.eye(60)[:, np.newaxis]
    exact = output_gains(network, A, np.ones(len(X)), probes)[0][0]
    expected = np.square(network.coefs[0]) * (
        np.square(X).T @ exact - np.square(X.T @ exact) / exact.sum(axis=0)
    )
    np.testing.assert_allclose(
        importance[0].sum(axis=0), expected.sum(axis=0), rtol=0.15
    )
    np.testing.assert_allclose(importance[0].sum(), expected.sum(), rtol=0.03)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_error_falls_for_an_arbitrary_choice_of_edges(activation):
    network, X = make_network(activation=activation), make_X(500)
    sparse = make_sparse(network)
    refined = refine(sparse, network, X)
    fresh = np.random.default_rng(4).normal(size=(500, 12))
    for rows in (X, fresh):
        reference = Reference(network, rows)
        assert reference.loss(refined) < 0.7 * reference.loss(sparse)


def test_refine_never_makes_it_worse():
    network, X = make_network(), make_X()
    refined = refine(network, network, X)
    assert Reference(network, X).loss(refined) == 0


def test_result_does_not_depend_on_n_jobs(monkeypatch):
    monkeypatch.setattr(_descent, "PRODUCTS_PER_STEP", 0)
    monkeypatch.setattr(_descent, "N_PARAMETERS", 50)
    network, X = make_network((12, 100, 3)), make_X()
    sparse = make_sparse(network)
    one, two = (refine(sparse, network, X, n_jobs=n_jobs) for n_jobs in (None, 2))
    for a, b in zip(
        (*one.coefs, *one.intercepts), (*two.coefs, *two.intercepts), strict=True
    ):
        np.testing.assert_array_equal(a, b)


def test_solving_does_not_depend_on_blas_threads():
    # which workers of a cluster have as many of as their machine allows
    A = np.random.default_rng(0).normal(size=(2000, 1200))
    gram, moments, old = A.T @ A, A[:1200, :1], np.ones((1200, 1))
    solutions = []
    for n_threads in (1, 2):
        with threadpoolctl.threadpool_limits(n_threads, user_api="blas"):
            solutions.append(_refine._solve(gram, moments, old, 1e-3))
    np.testing.assert_array_equal(*solutions)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_parts_of_a_batch_add_up(activation, monkeypatch):
    network, X = make_network(activation=activation), make_X()
    sparse = make_sparse(network)
    whole = match_outputs(sparse, network, X, n_passes=1)
    monkeypatch.setattr(_descent, "PRODUCTS_PER_STEP", 0)
    monkeypatch.setattr(_descent, "N_PARAMETERS", 50)
    parts = match_outputs(sparse, network, X, n_passes=1)
    np.testing.assert_allclose(parts.weights, whole.weights, rtol=1e-6, atol=1e-9)
    assert (whole.weights != sparse.weights).any()


def test_training_that_fails_leaves_the_network_as_it_was(monkeypatch):
    monkeypatch.setattr(_descent, "LEARNING_RATE", np.nan)
    network, X = make_network(), make_X()
    sparse = make_sparse(network)
    matched = match_outputs(sparse, network, X)
    np.testing.assert_array_equal(matched.weights, sparse.weights)


CORNERS = {
    "one row": (make_network(), make_X(1)),
    "fewer rows than kept edges": (make_network((12, 100, 3)), make_X(10)),
    "constant inputs": (make_network(), np.ones((50, 12))),
    "all inputs zero": (make_network(), np.zeros((50, 12))),
    "collinear": (make_network(), np.repeat(make_X(50, 1), 12, axis=1)),
    "one output, one hidden neuron": (make_network((12, 1, 1)), make_X()),
    "no hidden layer": (make_network((12, 3)), make_X()),
    "output is zero": (
        make_network().with_weights(
            [*make_network().coefs[:2], np.zeros((8, 3))],
            [*make_network().intercepts[:2], np.zeros(3)],
        ),
        make_X(),
    ),
    "dead neurons": (
        make_network().with_weights(
            make_network().coefs, [np.full(10, -99.0), np.zeros(8), np.zeros(3)]
        ),
        make_X(),
    ),
}


@pytest.mark.parametrize("corner", CORNERS)
@pytest.mark.parametrize("share", [0, 0.4])
def test_corners_end_well(corner, share):
    network, X = CORNERS[corner]
    with warnings.catch_warnings(), np.errstate(all="raise", under="ignore"):
        warnings.simplefilter("error")
        assert_finite(refine(make_sparse(network, share), network, X))


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("scale", [1e-30, 1e30])
@pytest.mark.parametrize("layer", [0, -1])
def test_weights_of_any_scale(activation, scale, layer):
    network, X = (
        make_network(activation=activation, dtype=np.float32),
        make_X(dtype=np.float32),
    )
    network.coefs[layer][:] *= np.float32(scale)
    with warnings.catch_warnings(), np.errstate(all="raise", under="ignore"):
        warnings.simplefilter("error")
        refined = refine(make_sparse(network), network, X)
    assert_finite(refined)
    assert refined.dtype == np.float32
