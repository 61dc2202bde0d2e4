from math import exp, log

import numpy as np
import pytest
from skcoreset._guarantee import (
    ERRORS,
    Theorem,
    Validation,
    n_missing_rows,
    path_densities,
    theoretical_result,
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


def test_path_has_the_bound_of_every_network():
    rng = np.random.default_rng(1)
    network, path = path_of_noise(rng)
    X = rng.standard_normal((50, 3))
    delta = 0.3
    chosen, certificate, trace = choose(network, path, X, delta=delta)
    networks = [network, *path][: len(trace["density"])]
    F = network.forward(X)
    errors = np.array([ERRORS["relative"](n.forward(X), F, network) for n in networks])
    over = np.maximum.accumulate(errors > 0.1)
    bounds = (over.sum(axis=1) + 1) / (len(X) + 1)
    np.testing.assert_allclose(trace["upper_bound"], bounds)
    assert (bounds[:-1] <= delta).all() and bounds[-1] > delta
    assert certificate.upper_bound == pytest.approx(bounds[-2])
    assert [n is chosen for n in networks] == trace["chosen"].tolist()


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("how", ["choose", "measure"])
def test_certificate_recomputed_from_the_rows(how, error):
    rng = np.random.default_rng(5)
    W = rng.standard_normal((3, 4))
    network = Linear(W, "softmax")
    # errors of all rows are above 0, and grow
    path = [Linear(W + 0.02 * k * W[::-1], "softmax") for k in range(1, 60)]
    X = rng.standard_normal((49, 3))
    validation = Validation(network, X, error=error, epsilon=0.2, delta=0.3)
    if how == "choose":
        sparse, certificate, trace = validation.choose(path)
        assert sparse in path[:-1]
        assert certificate.epsilon == (0 if error == "prediction" else 0.2)
    else:
        sparse, certificate, trace = validation.measure(path[9])
        assert (certificate.epsilon > 0) == (error != "prediction")
    errors = ERRORS[error](sparse.forward(X), network.forward(X), network)
    n_over = (errors > certificate.epsilon).sum()
    assert certificate.share_over_epsilon == n_over / 49
    assert certificate.upper_bound >= (n_over + 1) / 50
    assert certificate.upper_bound <= 0.3
    # what was measured of predictions is no promise
    assert certificate.holds is (how == "choose" or error != "prediction")
    assert (certificate.error, certificate.delta) == (error, 0.3)
    assert (certificate.guarantee, certificate.n_validation) == ("conformal", 49)
    for q, value in certificate.quantiles.items():
        assert value in errors
        assert (errors <= value).mean() >= q >= (errors < value).mean()
        assert trace[f"error_q{round(100 * q)}"][trace["chosen"]] == value


def test_certificate_says_what_it_promises():
    network = Linear(np.eye(2), "softmax")
    sparse = Linear(1.01 * np.eye(2), "softmax")
    X = np.random.default_rng(0).standard_normal((19, 2))

    def measured(error):
        validation = Validation(network, X, error=error, epsilon=1.0, delta=0.25)
        return validation.measure(sparse)[1]

    theoretical, _ = theoretical_result(sparse, network, 0.01, 0.25, "relative")
    for certificate in (measured("relative"), measured("entrywise"), theoretical):
        assert "at least 0.75" in str(certificate)
        assert "at most 0.01" in str(certificate)
    _, chosen, _ = choose(network, [sparse], X, error="prediction", delta=0.25)
    assert "at most 0.25 of fresh rows" in str(chosen)
    for error in ERRORS:
        assert "19 held-out rows" in str(measured(error))
        assert "theorem" not in str(measured(error))
        assert "no longer follows" in str(measured(error).revoked())
    assert "by the theorem" in str(theoretical)
    assert "held-out rows" not in str(theoretical)


def test_result_of_the_theorem_is_seen_on_no_rows():
    network = Linear(np.ones((3, 2)))
    sparse = Linear([[2, 0], [0, 0], [0, 5]])
    certificate, path = theoretical_result(sparse, network, 0.3, 0.2, "entrywise")
    assert certificate.guarantee == "theoretical" and certificate.holds
    assert (certificate.epsilon, certificate.delta) == (0.3, 0.2)
    assert certificate.error == "entrywise"
    assert certificate.upper_bound <= 0.2
    assert certificate.n_validation == 0 and not certificate.quantiles
    assert np.isnan(certificate.share_over_epsilon)
    np.testing.assert_allclose(path.pop("density"), [1, 2 / 6])
    np.testing.assert_array_equal(path.pop("chosen"), [False, True])
    # what a path seen on rows has, and nothing known of it
    *_, seen = choose(network, [], np.ones((20, 3)))
    assert set(path) == set(seen) - {"density", "chosen"}
    assert np.isnan(list(path.values())).all()


def test_a_line_for_every_network_where_asked(capsys):
    rng = np.random.default_rng(3)
    network, path = path_of_noise(rng)
    X = rng.standard_normal((50, 3))
    choose(network, path, X)
    assert capsys.readouterr().out == ""
    validation = Validation(
        network, X, error="relative", epsilon=0.1, delta=0.1, verbose=1
    )
    *_, trace = validation.choose(path)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(trace["density"])
    for line, density in zip(lines, trace["density"]):
        assert f"density {density:.4f}" in line


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


@pytest.mark.parametrize("delta", [0.05, 0.1, 0.3])
def test_fewest_rows_promise_the_largest_error(delta):
    n_rows = n_missing_rows(0, delta)
    network, sparse = Linear(np.eye(2)), Linear([[1.1, 0.0], [0.1, 1.0]])
    X = np.random.default_rng(0).standard_normal((n_rows, 2))
    errors = ERRORS["relative"](sparse.forward(X), X, network)
    for rows, epsilon in ((X, errors.max()), (X[1:], np.inf)):
        validation = Validation(
            network, rows, error="relative", epsilon=0.1, delta=delta
        )
        _, certificate, _ = validation.measure(sparse)
        assert certificate.epsilon == epsilon
        assert certificate.holds == np.isfinite(epsilon)


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
    F = np.array([[3, 4], [0, 2], [0, 0], [0, 0], [1, 1.0]])
    F_hat = np.array([[3, 5], [0, 1], [0, 0], [0, 1], [1, 1.0]])
    expected = {"relative": [0.2, 0.5, 0, np.inf], "entrywise": [0.25, 0.5, 0, np.inf]}
    for name, errors in expected.items():
        for value in (np.nan, np.inf, -np.inf):
            F_hat[-1, 0] = value
            np.testing.assert_allclose(
                ERRORS[name](F_hat, F, network), [*errors, np.inf]
            )


def test_errors_of_outputs_of_both_signs():
    rng = np.random.default_rng(0)
    network = Linear(np.eye(3))
    F, F_hat = rng.standard_normal((2, 20, 3))
    difference = np.abs(F_hat - F)
    np.testing.assert_allclose(
        ERRORS["relative"](F_hat, F, network),
        np.sqrt((difference**2).sum(axis=1) / (F**2).sum(axis=1)),
    )
    np.testing.assert_allclose(
        ERRORS["entrywise"](F_hat, F, network), (difference / np.abs(F)).max(axis=1)
    )


@pytest.mark.parametrize("scale", [1e-300, 1e300, [[1e-300], [1e300]]])
def test_relative_errors_do_not_overflow(scale):
    network = Linear(np.eye(2))
    F = np.array([[3.0, 4.0], [-4.0, 0.0]]) * np.array(scale)
    F_hat = np.array([[3.0, 5.0], [-5.0, 0.0]]) * np.array(scale)
    np.testing.assert_allclose(ERRORS["relative"](F_hat, F, network), [0.2, 0.25])


@pytest.mark.parametrize("error", ["relative", "entrywise"])
def test_errors_of_single_precision_are_double(error):
    rng = np.random.default_rng(0)
    network = Linear(np.eye(3))
    F = rng.standard_normal((20, 3)).astype(np.float32)
    F_hat = (F * (1 + 1e-4 * rng.random((20, 3)))).astype(np.float32)
    expected = ERRORS[error](F_hat.astype(float), F.astype(float), network)
    np.testing.assert_allclose(ERRORS[error](F_hat, F, network), expected, rtol=1e-10)


def test_prediction_error_counts_changed_labels():
    F = np.array([[1.0, 2.0], [2.0, 1.0], [-1.0, 3.0]])
    F_hat = np.array([[3.0, 2.0], [2.0, 1.5], [1.0, 3.0]])
    softmax = Linear(np.eye(2), "softmax")
    logistic = Linear(np.eye(2), "logistic")
    np.testing.assert_array_equal(ERRORS["prediction"](F_hat, F, softmax), [1, 0, 0])
    np.testing.assert_array_equal(ERRORS["prediction"](F_hat, F, logistic), [0, 0, 1])
    assert ERRORS["prediction"](F_hat, F, softmax).dtype == np.float64


@pytest.mark.parametrize("delta", [0.01, 0.05, 0.1, 0.2, 0.3, 0.5])
def test_missing_rows_are_what_condition_3_needs(delta):
    needed = n_missing_rows(0, delta)
    assert 1 / (needed + 1) <= delta
    assert needed == 0 or 1 / needed > delta
    assert n_missing_rows(needed, delta) == n_missing_rows(needed + 9, delta) == 0


def test_missing_rows_of_the_inverse_of_a_number():
    # 1 / (1 / 49) is not 49
    assert [n_missing_rows(0, 1 / n) for n in range(1, 500)] == list(range(499))


def test_steps_of_a_path():
    densities = path_densities(10_000, 0.995)
    assert densities[0] == pytest.approx(0.995)
    assert densities[-1] == 1e-4
    ratios = densities[1:] / densities[:-1]
    assert (ratios < 1).all()
    large = densities[1:] > 0.02
    assert ratios[large].min() > 0.99
    np.testing.assert_allclose(path_densities(4, 0.9), [0.75, 0.5, 0.25])
    np.testing.assert_allclose(path_densities(4, 0.5), [0.5, 0.25])
    np.testing.assert_allclose(path_densities(2, 0.9), [0.5])
    assert len(path_densities(1, 0.9)) == len(path_densities(0, 0.9)) == 0


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


def test_candidates_and_judges_are_the_fewest_that_fail_rarely():
    # all candidates with probability 0.9**tau, and judges with exp(-n / 8)
    for delta in np.linspace(0.04, 0.96, 47):
        for widths in ((1,), (3, 2), (300, 100, 10)):
            theorem = Theorem(widths, delta)
            tau, n_judges = theorem.n_candidates, theorem.n_judges
            failure = delta / sum(widths)
            assert 0.9**tau <= failure / 4 < 0.9 ** (tau - 1)
            failure /= 8 * tau
            assert exp(-n_judges / 8) <= failure < exp(-(n_judges - 1) / 8)


def test_constants_of_the_smallest_network_are_positive():
    # ln(eta eta*) is 0 for one neuron, and taken as 1
    theorem = Theorem((1,), delta=0.1)
    assert theorem.n_points == np.ceil(log(8 / 0.1) + 1)
    assert 0 < Theorem((1,)).delta < 1


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


def test_bound_of_every_number_of_rows_over_epsilon():
    rng = np.random.default_rng(0)
    network = Linear(np.eye(3))
    sparse = Linear(np.eye(3) + 0.1 * rng.standard_normal((3, 3)))
    X = rng.standard_normal((25, 3))
    errors = np.sort(ERRORS["relative"](sparse.forward(X), X, network))
    # an error of epsilon itself is not over it; 7 / 25 * 25 is not 7
    for n_over, epsilon in enumerate(errors[::-1]):
        validation = Validation(
            network, X, error="relative", epsilon=epsilon, delta=0.1
        )
        *_, path = validation.measure(sparse)
        np.testing.assert_allclose(path["upper_bound"], [1 / 26, (n_over + 1) / 26])
        *_, path = choose(network, [sparse], X, epsilon=epsilon)
        np.testing.assert_allclose(path["upper_bound"], [1 / 26, (n_over + 1) / 26])


def test_labels_that_were_measured_are_not_promised():
    # where few changed is no promise made of these same rows
    network = Linear(np.eye(2), "softmax")
    X = np.random.default_rng(0).standard_normal((99, 2))
    changed = Linear(np.eye(2)[::-1], "softmax")
    for sparse, n_changed in ((network, 0), (changed, 99)):
        validation = Validation(network, X, error="prediction", epsilon=0.0, delta=0.1)
        _, certificate, _ = validation.measure(sparse)
        assert certificate.share_over_epsilon == n_changed / 99
        assert certificate.upper_bound == (n_changed + 1) / 100
        assert not certificate.holds
        assert "No promise" in str(certificate)
        _, certificate, _ = choose(network, [sparse], X, error="prediction")
        assert certificate.holds
        assert "fresh rows the predicted class changes" in str(certificate)


def test_theorem_with_inputs_of_both_signs_asks_for_more():
    theorem = Theorem((300, 100, 10), delta=0.1, both_signs=True)
    edges = 410 * 300
    assert theorem.n_points == np.ceil(log(16 * edges / 0.1) * log(edges))
    kappa = log(edges) ** 0.5 * (1 + log(edges) ** 0.5 * log(16 * edges / 0.1))
    assert theorem.kappa == pytest.approx(kappa)
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
    # so small that its square has no inverse
    assert theorem.sample_sizes(np.array([3.0]), np.array([1e-160])) == np.inf


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
