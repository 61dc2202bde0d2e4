from math import log

import numpy as np
import pytest

from skcoreset._guarantee import (
    ERRORS,
    Theorem,
    Validation,
    n_missing_rows,
    path_densities,
)
from skcoreset._network import Network


class Linear:
    """A network of one layer, whose error on a row can be set at will."""

    def __new__(cls, weights, out_activation="identity"):
        weights = np.asarray(weights, dtype=float)
        return Network(
            (weights,), (np.zeros(weights.shape[1]),), "relu", out_activation
        )


def path_of_noise(rng, n_points=100, n_features=3):
    """Networks that grow apart from the first, not monotonically on every row."""
    W = rng.standard_normal((n_features, 2))
    noise = np.cumsum(0.014 * rng.standard_normal((n_points, n_features, 2)), axis=0)
    return Linear(W), [Linear(W + step) for step in noise]


def choose(network, path, X, *, epsilon=0.1, delta=0.1, error="relative"):
    validation = Validation(network, X, error=error, epsilon=epsilon, delta=delta)
    return validation.choose(path)


@pytest.mark.parametrize("delta, n_validation", [(0.1, 60), (0.3, 9), (0.5, 1)])
def test_promise_is_kept_over_many_splits(delta, n_validation):
    rng = np.random.default_rng(0)
    network, path = path_of_noise(rng)
    X = rng.standard_normal((4000, 3))
    F = network.forward(X)
    shares = []
    for _ in range(300):
        held_out = rng.choice(len(X), n_validation, replace=False)
        chosen, _, _ = choose(network, path, X[held_out], delta=delta)
        fresh = np.setdiff1d(np.arange(len(X)), held_out)
        errors = ERRORS["relative"](chosen.forward(X[fresh]), F[fresh], network)
        shares.append((errors > 0.1).mean())
    standard_error = np.std(shares) / np.sqrt(len(shares))
    assert np.mean(shares) <= delta + 2 * standard_error
    # and the promise is used: the networks are not needlessly good
    if n_validation >= 9:
        assert np.mean(shares) > 0.4 * delta


def test_choice_is_condition_3_by_its_definition():
    rng = np.random.default_rng(1)
    network, path = path_of_noise(rng)
    X = rng.standard_normal((50, 3))
    F = network.forward(X)
    networks = [network, *path]
    for epsilon in (0.02, 0.1, 0.3):
        for delta in (0.05, 0.1, 0.4):
            chosen, certificate, _ = choose(
                network, path, X, epsilon=epsilon, delta=delta
            )
            expected = network
            for i in range(len(networks)):
                maximum = np.zeros(len(X))
                for k in range(i + 1):
                    difference = networks[k].forward(X) - F
                    error = np.linalg.norm(difference, axis=1)
                    loss = error / np.linalg.norm(F, axis=1) > epsilon
                    maximum = np.maximum(maximum, loss)
                if (maximum.sum() + 1) / (len(X) + 1) <= delta:
                    expected = networks[i]
            assert chosen is expected
            assert certificate.upper_bound <= delta
            assert certificate.share_over_epsilon < certificate.upper_bound


def test_larger_epsilon_or_delta_never_chooses_a_denser_network():
    rng = np.random.default_rng(2)
    network, path = path_of_noise(rng)
    X = rng.standard_normal((80, 3))
    position = {id(point): i for i, point in enumerate([network, *path])}

    def chosen(epsilon, delta):
        return position[id(choose(network, path, X, epsilon=epsilon, delta=delta)[0])]

    epsilons, deltas = np.geomspace(0.01, 1, 8), np.linspace(0.05, 0.9, 8)
    table = np.array([[chosen(e, d) for d in deltas] for e in epsilons])
    assert (np.diff(table, axis=0) >= 0).all()
    assert (np.diff(table, axis=1) >= 0).all()
    assert len(np.unique(table)) > 8


def test_path_is_not_walked_past_the_first_failure():
    rng = np.random.default_rng(3)
    network, path = path_of_noise(rng)
    X = rng.standard_normal((50, 3))
    walked = []

    def lazily():
        for point in path:
            walked.append(point)
            yield point

    chosen, _, trace = choose(network, lazily(), X)
    assert len(walked) < len(path)
    assert trace["chosen"].sum() == 1
    assert len(trace["density"]) == len(walked) + 1
    # the last one is the first that may not be promised
    assert trace["chosen"][-2] or chosen is walked[-1]


def test_a_network_that_nothing_may_be_promised_of_is_left_alone():
    network = Linear(np.eye(2))
    chosen, certificate, trace = choose(
        network, [Linear(2 * np.eye(2))], np.random.default_rng(0).random((30, 2))
    )
    assert chosen is network
    assert certificate.share_over_epsilon == 0
    np.testing.assert_array_equal(trace["chosen"], [True, False])


@pytest.mark.parametrize("delta", [0.1, 0.25])
def test_measured_epsilon_holds_for_fresh_rows(delta):
    rng = np.random.default_rng(4)
    network = Linear(rng.standard_normal((3, 2)))
    sparse = Linear(network.coefs[0] + 0.1 * rng.standard_normal((3, 2)))
    X = rng.standard_normal((5000, 3))
    errors = ERRORS["relative"](sparse.forward(X), network.forward(X), network)
    shares = []
    for _ in range(400):
        held_out = rng.choice(len(X), 19, replace=False)
        validation = Validation(
            network, X[held_out], error="relative", epsilon=0.1, delta=delta
        )
        _, certificate, _ = validation.measure(sparse)
        assert certificate.holds
        shares.append((np.delete(errors, held_out) > certificate.epsilon).mean())
    standard_error = np.std(shares) / np.sqrt(len(shares))
    assert np.mean(shares) == pytest.approx(delta, abs=3 * standard_error)


def test_too_few_rows_promise_nothing_of_an_asked_density():
    network = Linear(np.eye(2))
    validation = Validation(
        network, np.ones((5, 2)), error="relative", epsilon=0.1, delta=0.1
    )
    _, certificate, _ = validation.measure(Linear(1.01 * np.eye(2)))
    assert not certificate.holds
    assert certificate.epsilon == np.inf
    assert "No promise" in str(certificate)


def test_errors_by_definition_and_at_zero():
    network = Linear(np.eye(2))
    F = np.array([[3.0, 4.0], [0.0, 2.0], [0.0, 0.0], [0.0, 0.0], [1.0, 1.0]])
    F_hat = np.array([[3.0, 5.0], [0.0, 1.0], [0.0, 0.0], [0.0, 1.0], [np.nan, 1.0]])
    np.testing.assert_allclose(
        ERRORS["relative"](F_hat, F, network), [0.2, 0.5, 0, np.inf, np.inf]
    )
    np.testing.assert_allclose(
        ERRORS["entrywise"](F_hat, F, network), [0.25, 0.5, 0, np.inf, np.inf]
    )


@pytest.mark.parametrize("scale", [1e-300, 1e300])
def test_relative_errors_do_not_overflow(scale):
    network = Linear(np.eye(2))
    F = np.array([[3.0, 4.0]]) * scale
    F_hat = np.array([[3.0, 5.0]]) * scale
    np.testing.assert_allclose(ERRORS["relative"](F_hat, F, network), [0.2])


def test_prediction_error_counts_changed_labels():
    F = np.array([[1.0, 2.0], [2.0, 1.0], [-1.0, 3.0]])
    F_hat = np.array([[3.0, 2.0], [2.0, 1.5], [1.0, 3.0]])
    softmax = Linear(np.eye(2), "softmax")
    logistic = Linear(np.eye(2), "logistic")
    np.testing.assert_array_equal(ERRORS["prediction"](F_hat, F, softmax), [1, 0, 0])
    np.testing.assert_array_equal(ERRORS["prediction"](F_hat, F, logistic), [0, 0, 1])


@pytest.mark.parametrize("delta", [0.01, 0.05, 0.1, 0.2, 0.3, 0.5])
def test_missing_rows_are_what_condition_3_needs(delta):
    needed = n_missing_rows(0, delta)
    assert 1 / (needed + 1) <= delta
    assert needed == 0 or 1 / needed > delta
    assert n_missing_rows(needed, delta) == 0


def test_steps_of_a_path():
    densities = path_densities(10_000, 0.995)
    assert densities[0] == pytest.approx(0.995)
    assert densities[-1] == 1e-4
    ratios = densities[1:] / densities[:-1]
    assert (ratios < 1).all()
    large = densities[1:] > 0.02
    assert ratios[large].min() > 0.99
    np.testing.assert_allclose(path_densities(4, 0.9), [0.75, 0.5, 0.25])
    assert len(path_densities(1, 0.9)) == 0


def test_constants_of_the_theorem():
    # 784-300-100-10, delta = 0.1: the numbers that the mathematics gives by hand
    theorem = Theorem((300, 100, 10), delta=0.1)
    edges = 410 * 300
    assert theorem.n_points == np.ceil(log(8 * edges / 0.1) * log(edges))
    two_lambda = log(edges)
    kappa = two_lambda**0.5 * (1 + two_lambda**0.5 * log(8 * edges / 0.1))
    assert theorem.kappa == pytest.approx(kappa)
    bounds = np.array([5.0, 4.0, 2.0])
    errors = theorem.errors(bounds, epsilon=0.3)
    Delta = bounds + kappa
    np.testing.assert_allclose(
        errors, [0.05 / Delta.prod(), 0.05 / (Delta[1] * Delta[2]), 0.05 / Delta[2]]
    )
    sizes = theorem.sample_sizes(np.array([8.0]), errors[2:])
    expected = 8 * 8.0 * log(edges) * log(8 * 410 / 0.1) / errors[2] ** 2
    np.testing.assert_allclose(sizes, [np.ceil(expected)])


def test_constants_of_amplification():
    # CoreNet++: each candidate fails with probability 1/10 at most
    theorem = Theorem((300, 100, 10), delta=0.1)
    assert theorem.n_candidates == np.ceil(log(4 * 410 / 0.1) / log(10 / 9))
    assert theorem.n_judges == np.ceil(8 * log(8 * theorem.n_candidates * 410 / 0.1))
    sizes = theorem.sample_sizes(np.array([0.7]), np.array([3.0]), amplified=True)
    expected = 8 * 0.7 * log(410 * 300) * log(10 * 8) / 3.0**2
    assert sizes == np.ceil(expected) != np.floor(expected)


def test_constants_of_the_smallest_network_are_positive():
    # ln(eta eta*) is 0 for one neuron, and taken as 1
    theorem = Theorem((1,), delta=0.1)
    assert theorem.n_points == np.ceil(log(8 / 0.1) + 1)


def test_path_of_an_asked_density_has_its_bound_and_quantiles():
    rng = np.random.default_rng(0)
    network = Linear(rng.standard_normal((3, 2)))
    sparse = Linear(network.coefs[0] + 0.1 * rng.standard_normal((3, 2)))
    X = rng.standard_normal((99, 3))
    errors = ERRORS["relative"](sparse.forward(X), network.forward(X), network)
    # an error of epsilon itself is within what was promised
    epsilon = np.sort(errors)[60]
    validation = Validation(network, X, error="relative", epsilon=epsilon, delta=0.1)
    _, certificate, path = validation.measure(sparse)
    n_over = (errors > epsilon).sum()
    assert path["share_over_epsilon"][1] == n_over / 99
    np.testing.assert_allclose(path["upper_bound"], [0.01, (n_over + 1) / 100])
    # the 90th of 99 errors is promised, and 9 are larger
    assert certificate.epsilon == np.sort(errors)[89]
    assert certificate.upper_bound == pytest.approx((9 + 1) / (99 + 1))
    assert certificate.share_over_epsilon == pytest.approx(9 / 99)
    for q, name in ((0.5, "error_q50"), (0.9, "error_q90"), (0.99, "error_q99")):
        assert path[name][1] == certificate.quantiles[q]
    revoked = certificate.revoked()
    assert revoked.upper_bound == 1 and not revoked.holds


def test_certificate_of_labels_says_whether_it_holds():
    network = Linear(np.eye(2), "softmax")
    X = np.random.default_rng(0).standard_normal((99, 2))
    changed = Linear(np.eye(2)[::-1], "softmax")
    for sparse, holds in ((network, True), (changed, False)):
        validation = Validation(network, X, error="prediction", epsilon=0.0, delta=0.1)
        _, certificate, _ = validation.measure(sparse)
        assert certificate.holds == holds
        assert ("No promise" in str(certificate)) != holds


def test_theorem_with_inputs_of_both_signs_asks_for_more():
    theorem = Theorem((300, 100, 10), delta=0.1, both_signs=True)
    edges = 410 * 300
    assert theorem.n_points == np.ceil(log(16 * edges / 0.1) * log(edges))
    for amplified, log_failures in ((False, log(16 * 410 / 0.1)), (True, log(10 * 16))):
        sizes = theorem.sample_sizes(np.array([0.7]), np.array([3.0]), amplified)
        assert sizes == np.ceil(8 * 0.7 * log(edges) * log_failures / 3.0**2)
    one, two = (Theorem((30, 5), both_signs=both) for both in (False, True))
    assert two.n_points > one.n_points
    assert two.kappa > one.kappa
    errors = np.array([0.1])
    sums = np.array([3.0])
    assert two.sample_sizes(sums, errors) > one.sample_sizes(sums, errors)


def test_infinite_bounds_ask_for_infinitely_many_draws():
    theorem = Theorem((30, 5))
    errors = theorem.errors(np.array([np.inf, 1.0]), 0.1)
    sizes = theorem.sample_sizes(np.array([3.0, 0.0]), errors[[0, 0]])
    np.testing.assert_array_equal(sizes, [np.inf, 0])


@pytest.mark.parametrize("n_samples", [1, 9, 59, 99])
def test_no_delta_is_promised_more_than_condition_3_allows(n_samples):
    # deltas around every value that matters, as computations leave them
    steps = np.arange(1, n_samples + 2) / (n_samples + 1)
    deltas = [*steps, *np.nextafter(steps, 0), *np.nextafter(steps, 1), *(1 - steps)]
    X = np.random.default_rng(0).standard_normal((n_samples, 2))
    network, sparse = Linear(np.eye(2)), Linear([[1, 0.1], [0.2, 1]])
    for delta in filter(lambda delta: 0 < delta < 1, deltas):
        options = {"error": "relative", "epsilon": 0.1, "delta": delta}
        _, measured, _ = Validation(network, X, **options).measure(sparse)
        assert measured.holds == (1 / (n_samples + 1) <= delta)
        assert measured.holds == (n_missing_rows(n_samples, delta) == 0)
        if measured.holds:
            n_over = round(measured.share_over_epsilon * n_samples)
            assert measured.upper_bound == (n_over + 1) / (n_samples + 1) <= delta
            # and no row more may be over
            assert delta < (n_over + 2) / (n_samples + 1)
            _, chosen, _ = Validation(network, X, **options).choose([sparse])
            assert chosen.upper_bound <= delta


def test_the_smallest_deltas_need_rows_without_number():
    tiny = np.nextafter(0, 1)
    assert n_missing_rows(10**9, tiny) > 1e300
    assert Theorem((3, 2), tiny).n_points < 10_000


def test_errors_beyond_all_bounds_are_infinite():
    network = Linear(np.full((1, 2), 1e-200))
    F = network.forward(np.ones((3, 1)))
    relative = ERRORS["relative"](np.full((3, 2), 1e100), F, network)
    assert np.isinf(relative).all()
