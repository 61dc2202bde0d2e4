"""The path of refined coresets."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings
from itertools import pairwise

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier

from skcoreset._errors import ERRORS
from skcoreset._memory import compute
from skcoreset._methods import STEPS_PER_HALVING, fine_steps, n_edges_at
from skcoreset._methods.calibration import Calibration, Pilot
from skcoreset._network import Network
from skcoreset._parallel import serial_map
from skcoreset._wrapped import network_of

from ..conftest import fitted, random_network
from .common import networks_at, plan_of

DENSITIES = [1.0, 0.7, 0.5, 0.3, 0.2, 0.1, 0.05]


def refined_path(network, X, densities, **options):
    return networks_at("refined", network, X, densities, **options)


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    X = (X / 16).astype(np.float32)
    mlp = MLPClassifier((60, 30), max_iter=60, random_state=0, tol=0.01)
    network = network_of(mlp.fit(X[:1000], y[:1000]))
    return network, X[:1000], X[1000:]


@pytest.fixture(scope="module")
def path(digits):
    network, X, _ = digits
    return refined_path(network, X, DENSITIES)


def error(compressed, network, X):
    F_hat, F = compressed.forward(X), network.forward(X)
    errors = ERRORS["relative"].measure(F_hat, F, network.out_activation)
    return np.median(errors)


def assert_equal(one, two):
    for a, b in zip(
        (*one.coefs, *one.intercepts), (*two.coefs, *two.intercepts), strict=True
    ):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("refine", [True, False])
def test_densities_are_as_asked(digits, refine):
    network, X, _ = digits
    compressed = refined_path(network, X, DENSITIES, refine=refine)
    for density, net in zip(DENSITIES, compressed, strict=True):
        assert net.n_edges == n_edges_at(density, network.n_edges)
        assert net.dtype == network.dtype


@pytest.mark.parametrize("refine", [True, False])
def test_edges_of_neighbours_on_a_path_are_nested(digits, refine):
    network, X, _ = digits
    plan = plan_of("refined", refine=refine)
    family = plan.method.open(network, X, plan, serial_map)
    start = STEPS_PER_HALVING
    numbers = [
        n
        for n_edges in family.steps[start : 2 * start]
        for n in fine_steps(n_edges, family.n_per_step)
    ]
    compressed = [family.at(n_edges) for n_edges in numbers]
    assert [net.n_edges for net in compressed] == numbers
    for denser, sparser in pairwise(compressed):
        for a, b in zip(denser.coefs, sparser.coefs):
            assert not (b[a == 0]).any()


def test_path_starts_at_the_network_itself(digits, path):
    assert_equal(path[0], digits[0])


def test_networks_stay_as_they_are_when_others_are_asked_for(digits):
    network, X, _ = digits
    plan = plan_of("refined")
    family = plan.method.open(network, X, plan, serial_map)
    first = family.at(800)
    copies = [a.copy() for a in (*first.coefs, *first.intercepts)]
    family.at(300)
    for a, b in zip(copies, (*first.coefs, *first.intercepts)):
        np.testing.assert_array_equal(a, b)
    # nor do they depend on which others were asked for
    again = plan.method.open(network, X, plan, serial_map)
    again.at(300)
    assert_equal(again.at(800), first)


def test_without_refinement_weights_keep_their_values(digits):
    network, X, _ = digits
    compressed = refined_path(network, X, [0.2], refine=False)[0]
    for coef, original in zip(compressed.coefs, network.coefs):
        np.testing.assert_array_equal(coef[coef != 0], original[coef != 0])
    for b, original in zip(compressed.intercepts, network.intercepts):
        np.testing.assert_array_equal(b, original)


def test_better_than_refined_magnitude(digits, path):
    network, X, X_new = digits
    (magnitude,) = networks_at("magnitude", network, X, [0.1], refine=True)
    peer = error(magnitude, network, X_new)
    assert error(path[DENSITIES.index(0.1)], network, X_new) < 0.9 * peer


def test_error_on_new_rows_is_small_and_grows_along_the_path(digits, path):
    network, _, X_new = digits
    errors = [error(net, network, X_new) for net in path]
    assert (np.diff(errors) > -0.01).all()
    assert errors[DENSITIES.index(0.1)] < 0.12


def test_path_is_about_as_good_as_one_density(digits):
    network, X, X_new = digits
    plan = plan_of("refined")
    family = plan.method.open(network, X, plan, serial_map)
    for step in range(STEPS_PER_HALVING, 4 * STEPS_PER_HALVING, 2):
        n_edges = family.steps[step]
        (single,) = refined_path(network, X, [n_edges / network.n_edges])
        on_path = family.at(n_edges)
        assert on_path.n_edges == single.n_edges
        bound = 1.15 if 8 * n_edges < network.n_edges else 1.25
        assert error(on_path, network, X_new) < bound * error(single, network, X_new)


def test_same_seed_same_path_whatever_n_jobs(digits):
    network, X, _ = digits
    one, two = (
        refined_path(network, X, [0.2], seed=7, n_jobs=n_jobs)[0]
        for n_jobs in (None, 2)
    )
    assert_equal(one, two)


def test_network_stays_untouched(digits):
    network, X, _ = digits
    before = [a.copy() for a in (*network.coefs, *network.intercepts, X)]
    refined_path(network, X, [0.1])[0]
    for a, b in zip(before, (*network.coefs, *network.intercepts, X)):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("activation", ["identity", "logistic", "relu", "tanh"])
@pytest.mark.parametrize("n_samples", [1, 5, 200])
@pytest.mark.parametrize("widths", [(6, 1, 1), (6, 30, 20, 4)])
def test_ends_well_whatever_the_network(activation, n_samples, widths):
    rng = np.random.default_rng(0)
    network = Network(
        tuple(rng.normal(size=ends) for ends in pairwise(widths)),
        tuple(rng.normal(size=n) for n in widths[1:]),
        activation,
    )
    X = rng.normal(size=(n_samples, 6))
    X[:, 0], X[:, 1] = 1, X[:, 2]
    with warnings.catch_warnings(), np.errstate(all="raise", under="ignore"):
        warnings.simplefilter("error")
        for compressed in refined_path(network, X, [0.5, 0.1, 0.01]):
            for array in (*compressed.coefs, *compressed.intercepts):
                assert np.isfinite(array).all()


@pytest.mark.parametrize("n_rows", [20, 200])
def test_training_on_few_rows_helps_others(digits, n_rows):
    network, X, X_new = digits
    for density in (0.5, 0.2):
        plain, trained = (
            refined_path(network, X[:n_rows], [density], refine=refine)[0]
            for refine in (False, True)
        )
        assert error(trained, network, X_new) < 0.5 * error(plain, network, X_new)


def test_better_than_simple_rankings_where_many_inputs_were_hardly_seen():
    # words: most of the documents that are new have some that no other has
    rng = np.random.default_rng(0)
    topics = rng.gamma(0.2, size=(3, 600)) / np.arange(1, 601)
    topics /= topics.sum(axis=1, keepdims=True)
    y = rng.integers(3, size=900)
    X = np.array([rng.multinomial(40, topics[k]) for k in y]).astype(np.float32)
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    mlp = fitted(MLPClassifier((20,), max_iter=30, random_state=0), X[:500], y[:500])
    network = network_of(mlp)
    rows, X_new = X[500:600], X[600:]
    assert (~rows.any(axis=0) & X_new.any(axis=0)).mean() > 0.1
    densities = [0.5, 0.2, 0.05]
    refined = refined_path(network, rows, densities)
    rivals = [
        networks_at(method, network, rows, densities)
        for method in ("magnitude", "sipp")
    ]
    for ours, *theirs in zip(refined, *rivals):
        best = min(error(rival, network, X_new) for rival in theirs)
        assert error(ours, network, X_new) < best


def test_only_finished_networks_are_trained_on_the_pilot_rows():
    network = random_network([5, 8, 3])
    X, X_pilot, others = np.random.default_rng(0).normal(size=(3, 60, 5))
    plan = plan_of("refined", "absolute")
    unfinished, finished = [], []
    for rows in (X_pilot, others):
        pilot = Pilot(network, rows, np.zeros(60, int), plan.error, None)
        rng = np.random.default_rng(0)
        calibration = Calibration(X, pilot, compute, rng, serial_map)
        family = plan.method.trained(network, calibration, plan)
        finished.append(family.at(family.steps[6]).weights)
        unfinished.append(family.unfinished(7).weights)
    np.testing.assert_array_equal(*unfinished)
    assert not np.array_equal(*finished)


@pytest.mark.parametrize("method", ["refined", "magnitude", "corenet", "neurons"])
def test_families_divide_the_calibration_rows_only_where_a_path_begins_late(method):
    network = random_network([5, 8, 3])
    X = np.random.default_rng(0).normal(size=(400, 5))
    for options, n_pilot in (
        ({"refine": True}, 80),
        ({"refine": False}, None),
        ({"refine": True, "density": 0.5}, None),
    ):
        plan = plan_of(method, "absolute", **options)
        calibration = Calibration.of(network, X, plan, serial_map)
        rows = calibration.X
        assert calibration.pilot is None or len(calibration.pilot.X) == n_pilot
        assert len(rows) == 400 - (n_pilot or 0)
        family = plan.method.open(network, X, plan, serial_map)
        assert (family.pilot is None) == (n_pilot is None)
