"""The constants of CoreNet's theorem, by the formulas of the paper."""

from math import exp, log

import numpy as np
import pytest

from skcoreset._methods.theorem import Theorem, theorem_of

from ..conftest import random_network

WIDTHS = [(1,), (3, 2), (20, 1), (300, 100, 10)]


@pytest.mark.parametrize("both_signs, events", [(False, 8), (True, 16)])
@pytest.mark.parametrize("widths", WIDTHS)
@pytest.mark.parametrize("delta", [1e-6, 1e-3, 0.1, 0.5])
def test_constants_by_their_formulas(delta, widths, both_signs, events):
    theorem = Theorem(widths, delta, both_signs)
    eta = sum(widths)
    # ln(eta eta*) is 0 for one neuron, and taken as 1
    two_lambda = max(log(eta * max(widths)), 1)
    # eta eta* of the events, as the logarithm has it
    log_events = log(events / delta) + two_lambda
    assert theorem.n_points == np.ceil(log_events * two_lambda)
    kappa = two_lambda**0.5 * (1 + two_lambda**0.5 * log_events)
    assert theorem.kappa == pytest.approx(kappa)
    bounds = np.arange(len(widths)) + 2.0
    errors = theorem.errors(bounds, epsilon=0.3)
    for layer, error in enumerate(errors):
        later = np.prod(bounds[layer:] + kappa)
        assert error == pytest.approx(0.3 / (2 * len(widths)) / later)
    for amplified, log_failures in (
        (False, log(events * eta / delta)),
        (True, log(10 * events)),  # one of ten coresets may fail
    ):
        sizes = theorem.sample_sizes(np.array([0.7]), np.array([3.0]), amplified)
        assert sizes == np.ceil(8 * 0.7 * two_lambda * log_failures / 3.0**2)


@pytest.mark.parametrize("both_signs, events", [(False, 8), (True, 16)])
@pytest.mark.parametrize("widths", WIDTHS)
def test_candidates_and_comparison_points_are_the_fewest_that_fail_rarely(
    widths, both_signs, events
):
    # all candidates with probability 0.9**tau, and comparison points with exp(-n / 8)
    for delta in np.geomspace(1e-9, 0.96, 40):
        theorem = Theorem(widths, delta, both_signs)
        tau, n_points = theorem.n_candidates, theorem.n_comparison_points
        failure = delta / sum(widths)
        assert 0.9**tau <= failure / (events / 2) < 0.9 ** (tau - 1)
        failure /= events * tau
        assert exp(-n_points / 8) <= failure < exp(-(n_points - 1) / 8)


def test_the_smallest_delta_there_is_has_constants():
    theorem = Theorem((3, 2), np.nextafter(0, 1), True)
    assert 0 < theorem.n_points < 10_000
    assert 0 < theorem.n_candidates < 10_000


def test_infinite_bounds_ask_for_infinitely_many_draws():
    theorem = Theorem((30, 5))
    errors = theorem.errors(np.array([np.inf, 1.0]), 0.1)
    sizes = theorem.sample_sizes(np.array([3.0, 0.0]), errors[[0, 0]])
    np.testing.assert_array_equal(sizes, [np.inf, 0])
    # so small that its square has no inverse
    assert theorem.sample_sizes(np.array([3.0]), np.array([1e-160])) == np.inf


@pytest.mark.parametrize(
    "activation, widths, lowest, both_signs",
    [
        ("relu", [3, 4, 2], 0, False),
        ("relu", [3, 4, 2], -1, True),
        ("tanh", [3, 4, 2], 0, True),
        ("identity", [3, 4, 2], 0, True),
        ("tanh", [3, 2], 0, False),  # no hidden layer: only inputs have a sign
        ("identity", [3, 2], -1, True),
    ],
)
def test_signs_of_inputs_and_activations_count(activation, widths, lowest, both_signs):
    network = random_network(widths, activation)
    X = np.random.default_rng(0).uniform(lowest, 1, (20, 3))
    theorem = theorem_of(network, X, 0.2)
    assert theorem == Theorem(tuple(widths[1:]), 0.2, both_signs)
