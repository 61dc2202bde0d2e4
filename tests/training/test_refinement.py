"""Refinement of kept edges."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings

import numpy as np
import pytest

from skcoreset._errors import ERRORS
from skcoreset._training import MatchOriginal
from skcoreset._training import refine as refine_towards
from skcoreset._training.least_squares import reweight

from .common import (
    ACTIVATIONS,
    assert_equal,
    assert_finite,
    make_compressed,
    make_network,
    make_X,
)


def refine(compressed, network, X, error="relative", seed=0, **options):
    rng = np.random.default_rng(seed)
    return refine_towards(
        compressed, network, X, error=ERRORS[error], rng=rng, **options
    )


def loss(compressed, network, X, error="relative"):
    objective = MatchOriginal(network, X, ERRORS[error])
    return objective.loss(objective.standardised(compressed))


def supports(network):
    return [coef != 0 for coef in network.coefs]


@pytest.mark.parametrize("step", [refine, reweight])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_edges_and_dtype_are_kept(step, dtype):
    network, X = make_network(dtype=dtype), make_X(dtype=dtype)
    compressed = make_compressed(network)
    refined = step(compressed, network, X)
    for before, after in zip(supports(compressed), supports(refined)):
        np.testing.assert_array_equal(before, after)
    assert {a.dtype for a in (*refined.coefs, *refined.intercepts)} == {np.dtype(dtype)}


def test_arguments_are_not_changed():
    network, X = make_network(), make_X()
    compressed = make_compressed(network)
    arrays = (*network.coefs, *network.intercepts, *compressed.coefs, X)
    before = [a.copy() for a in arrays]
    refine(compressed, network, X)
    for a, b in zip(before, arrays):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_error_falls_for_an_arbitrary_choice_of_edges(activation):
    network, X = make_network(activation=activation), make_X(500)
    compressed = make_compressed(network)
    refined = refine(compressed, network, X)
    fresh = np.random.default_rng(4).normal(size=(500, 12))
    for rows in (X, fresh):
        assert loss(refined, network, rows) < 0.7 * loss(compressed, network, rows)


@pytest.mark.parametrize("error", ["relative", "scaled", "absolute"])
def test_the_original_itself_is_not_changed(error):
    network, X = make_network(), make_X()
    assert_equal(refine(network, network, X, error), network)


def test_result_does_not_depend_on_n_jobs():
    # Large enough for steps to be divided.
    network, X = make_network((12, 1200, 20)), make_X()
    compressed = make_compressed(network)
    one, two = (
        refine(compressed, network, X, n_passes=1, n_jobs=n_jobs)
        for n_jobs in (None, 2)
    )
    assert_equal(one, two)


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
    "silent neurons": (
        make_network().with_weights(
            make_network().coefs, [np.full(10, -99.0), np.zeros(8), np.zeros(3)]
        ),
        make_X(),
    ),
}


@pytest.mark.parametrize("corner", CORNERS)
@pytest.mark.parametrize("share", [0, 0.4])
def test_degenerate_problems_end_with_finite_weights(corner, share):
    network, X = CORNERS[corner]
    with warnings.catch_warnings(), np.errstate(all="raise", under="ignore"):
        warnings.simplefilter("error")
        assert_finite(refine(make_compressed(network, share), network, X))


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("scale", [1e-30, 1e30])
@pytest.mark.parametrize("layer", [0, -1])
def test_weights_of_any_scale_are_refined_without_overflow(activation, scale, layer):
    network, X = (
        make_network(activation=activation, dtype=np.float32),
        make_X(dtype=np.float32),
    )
    network.coefs[layer][:] *= np.float32(scale)
    with warnings.catch_warnings(), np.errstate(all="raise", under="ignore"):
        warnings.simplefilter("error")
        refined = refine(make_compressed(network), network, X)
    assert_finite(refined)
    assert refined.dtype == np.float32


def test_the_closest_network_of_all_steps_is_returned():
    network, X = make_network(), make_X()
    compressed = make_compressed(network)
    refined = refine(compressed, network, X)
    candidates = compressed, reweight(compressed, network, X), refined
    losses = [loss(candidate, network, X) for candidate in candidates]
    assert losses[-1] == min(losses)
