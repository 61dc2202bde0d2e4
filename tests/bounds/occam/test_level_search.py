"""The search among neighbouring levels."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skcoreset._network import Network
from skcoreset._network.levels import short_float16
from skcoreset._training import FitLabels
from skcoreset.bounds.occam.code import QuantisedNetwork, encode
from skcoreset.bounds.occam.level_search import LevelSearch


def problem(out_activation, widths=(5, 6, 3), activation="relu", seed=0):
    """A quantised network with random levels, and rows with random labels."""
    rng = np.random.default_rng(seed)
    levels = [
        rng.integers(-3, 4, size=(n_in + 1, n_out))
        * (rng.random((n_in + 1, n_out)) < 0.7)
        for n_in, n_out in pairwise(widths)
    ]
    levels[0][2] = 0
    steps = short_float16(rng.uniform(0.2, 1, len(levels)))
    quantised = QuantisedNetwork(levels, steps, activation)
    X = rng.standard_normal((200, widths[0]))
    tolerance = None
    if out_activation == "softmax":
        Y = np.eye(widths[-1])[rng.integers(widths[-1], size=200)]
    elif out_activation == "identity":
        Y, tolerance = 3 * rng.standard_normal((200, widths[-1])), np.array([3, 4, 5.0])
    else:
        Y = rng.integers(2, size=(200, widths[-1])).astype(float)
    network = Network(
        tuple(np.zeros(level[:-1].shape) for level in levels),
        tuple(np.zeros(level.shape[1]) for level in levels),
        activation,
        out_activation,
    )
    return quantised, FitLabels(network, X, Y, tolerance=tolerance)


def n_wrong(quantised, objective):
    """Rows that are wrong, or where another class has as large an output."""
    network = objective.network.with_layers(quantised.layers(np.float64))
    F, Y = network.forward(objective.X), objective.Y
    if network.out_activation == "identity":
        return np.count_nonzero((np.abs(F - Y) > objective.tolerance).any(axis=1))
    Y = Y.astype(bool)
    if network.out_activation == "logistic":
        return np.count_nonzero(((F > 0) != Y).any(axis=1))
    return np.count_nonzero(((F >= F[Y][:, np.newaxis]) & ~Y).any(axis=1))


def cost(n_wrong, n_bits):
    return n_wrong + 0.1 * n_bits


@pytest.mark.parametrize("out_activation", ["identity", "softmax", "logistic"])
@pytest.mark.parametrize("widths", [(5, 3), (5, 6, 3), (5, 6, 4, 3)])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_every_sweep_lowers_the_cost_as_counted_anew(
    out_activation, widths, activation
):
    quantised, objective = problem(out_activation, widths, activation)
    search = LevelSearch(quantised, objective, cost)
    values = [cost(n_wrong(quantised, objective), len(encode(quantised)[0]))]
    assert search.cost == pytest.approx(values[0])
    for better in search:
        values.append(cost(n_wrong(better, objective), len(encode(better)[0])))
        assert search.cost == pytest.approx(values[-1])
    assert (np.diff(values) <= 0).all()
    assert values[-1] < values[0]


def test_levels_stay_in_their_range_and_unused_inputs_unused():
    quantised, objective = problem("softmax")
    *_, better = LevelSearch(quantised, objective, lambda n_wrong, n_bits: n_wrong)
    for new, old in zip(better.levels, quantised.levels):
        assert np.abs(new).max() <= np.abs(old).max()
    assert not better.levels[0][2].any()
    assert_array_equal(better.steps, quantised.steps)


@pytest.mark.parametrize("out_activation", ["identity", "softmax", "logistic"])
def test_gradient_against_differences(out_activation):
    quantised, objective = problem(out_activation, (5, 6, 4, 3), "tanh")
    search = LevelSearch(quantised, objective, cost)

    def expected_errors(step):
        layers = quantised.layers(np.float64)
        layers[layer][i, j] += step * float(quantised.steps[layer])
        network = objective.network.with_layers(layers)
        P = network.activate_output(network.forward(objective.X))
        if out_activation == "softmax":
            return (1 - (P * objective.Y).sum(axis=1)).sum()
        if out_activation == "identity":
            errors = (P - objective.Y) / objective.tolerance
            return (1 - np.exp(-(errors**2) / 2)).sum()
        return np.abs(P - objective.Y).sum()

    for layer, gradient in enumerate(search._gradients()):
        used = search._used if layer == 0 else slice(None)
        places = np.argwhere(np.ones_like(quantised.levels[layer][used]))
        rows = np.arange(len(quantised.levels[layer]))[used]
        for place in places[:: max(1, len(places) // 5)]:
            i, j = rows[place[0]], place[1]
            difference = (expected_errors(1e-4) - expected_errors(-1e-4)) / 2e-4
            if out_activation != "logistic":
                assert_allclose(
                    gradient[tuple(place)], difference, rtol=1e-4, atol=1e-7
                )
            else:
                # Of each label separately, without a factor.
                assert np.sign(gradient[tuple(place)]) == np.sign(difference)


def test_a_change_goes_through_all_layers():
    quantised, objective = problem("softmax", (5, 6, 4, 3))
    search = LevelSearch(quantised, objective, cost)
    i, j = np.argwhere(quantised.levels[0][search._used])[0]
    changed = search._changed(0, i, j, 1)
    levels = [level.copy() for level in quantised.levels]
    levels[0][np.flatnonzero(search._used)[i], j] += 1
    other = QuantisedNetwork(levels, quantised.steps, "relu")
    network = objective.network.with_layers(other.layers(np.float64))
    outputs, values = changed[-1]
    expected = network.forward(objective.X).T
    assert_allclose(values, expected[outputs], atol=1e-12)
    same = np.setdiff1d(np.arange(3), outputs)
    assert_allclose(search._Z[-1][same], expected[same], atol=1e-12)
