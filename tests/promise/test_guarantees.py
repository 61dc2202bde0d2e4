"""What is promised: by definition, in every sentence, and as often as it says."""

import re
from copy import deepcopy
from dataclasses import replace
from math import comb

import numpy as np
import pytest
from scipy.stats import binom
from sklearn.datasets import make_classification, make_friedman1
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skcoreset import Certificate, CoresetCompressor
from skcoreset._errors import ERRORS
from skcoreset._methods import METHODS
from skcoreset._network import Network
from skcoreset._promise.guarantees import (
    GUARANTEES,
    HeldOutRows,
    OnAverage,
    Target,
    Validation,
    WithConfidence,
    check_n_rows,
    quantiles,
    smallest_delta,
)

from ..conftest import fitted

ALL = tuple(ERRORS)
PROMISES = (None, 0.9)


def linear(weights, out_activation="softmax"):
    """A network of one layer."""
    weights = np.asarray(weights, dtype=float)
    return Network((weights,), (np.zeros(weights.shape[1]),), "relu", out_activation)


def path_of_noise(n_networks, size=0.05, seed=0):
    """Networks that grow apart from the first, not monotonically on every row."""
    rng = np.random.default_rng(seed)
    W = rng.standard_normal((3, 3))
    noise = np.cumsum(size * rng.standard_normal((n_networks, 3, 3)), axis=0)
    return linear(W), [linear(W + step) for step in noise]


def networks_with_errors(n_networks):
    """Networks of which number j errs by the value of feature j, absolutely."""
    weights = np.zeros((n_networks + 1, n_networks + 1, 1))
    weights[:, 0] = 1
    weights[np.arange(1, n_networks + 1), np.arange(1, n_networks + 1)] = 1
    network, *path = (linear(w, "identity") for w in weights)
    return network, path


def rows_with_errors(errors):
    """Rows on which these networks err by that, (n_samples, n_networks)."""
    return np.column_stack([np.ones(len(errors)), errors])


def errors_of(name, network, compressed, X):
    F, F_hat = network.forward(X), compressed.forward(X)
    return ERRORS[name].measure(F_hat, F, network.out_activation, np.ones(3))


def validation(network, X, name, confidence=None, **target):
    target = Target(name, **{"epsilon": 0.3, "delta": 0.3} | target)
    target = replace(target, confidence=confidence)
    scale = np.ones(3) if name == "scaled" else None
    return Validation(network, X, target, scale=scale)


def groups_of(name, network, X):
    """Which rows count together, as masks."""
    if name != "classwise":
        return [np.ones(len(X), dtype=bool)]
    labels = network.forward(X).argmax(axis=1)
    return [labels == c for c in np.unique(labels)]


# The choice


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("confidence", PROMISES)
def test_choice_and_certificate_by_their_definition(name, confidence):
    network, path = path_of_noise(30)
    X = np.random.default_rng(1).standard_normal((90, 3))
    networks, groups = [network, *path], groups_of(name, network, X)
    chosen_numbers = []
    for epsilon, delta in ((0.1, 0.3), (0.3, 0.3), (0.3, 0.5), (1.0, 0.2)):
        chosen, certificate, trace = validation(
            network, X, name, confidence, epsilon=epsilon, delta=delta
        ).choose(path)
        bound = 0 if ERRORS[name].counts_rows else epsilon
        errors = [errors_of(name, network, each, X) for each in networks]
        lost = np.array(errors) > bound
        expected, statistics = None, []
        for i in range(len(networks)):
            if confidence is None:
                of_two = lost[max(0, i - 1) : i + 1].any(axis=0)
                values = [(of_two[g].sum() + 1) / (g.sum() + 1) for g in groups]
            else:
                counts = [(lost[i][g].sum(), g.sum()) for g in groups]
                values = [binom.cdf(k, n, delta) for k, n in counts]
            statistics.append(max(values))
            if statistics[-1] > (delta if confidence is None else 1 - confidence):
                break
            expected = i
        assert chosen is networks[expected]
        # the path ends with the first network that may not be promised
        np.testing.assert_allclose(trace["statistic"], statistics)
        assert np.flatnonzero(trace["chosen"]).tolist() == [expected]
        np.testing.assert_allclose(certificate.statistic, statistics[expected])
        assert certificate.holds and certificate.statistic <= certificate.limit
        assert (certificate.epsilon, certificate.delta) == (bound, delta)
        chosen_numbers.append(expected)
    assert max(chosen_numbers) > 0


@pytest.mark.parametrize("name", ["relative", "classwise"])
@pytest.mark.parametrize("confidence", PROMISES)
def test_larger_epsilon_or_delta_never_chooses_a_denser_network(name, confidence):
    network, path = path_of_noise(25)
    X = np.random.default_rng(2).standard_normal((150, 3))
    number = {id(each): i for i, each in enumerate([network, *path])}

    def chosen(epsilon, delta):
        options = {"epsilon": epsilon, "delta": delta}
        held_out = validation(network, X, name, confidence, **options)
        return number[id(held_out.choose(path)[0])]

    n_epsilons = 1 if ERRORS[name].counts_rows else 5
    epsilons, deltas = np.geomspace(0.05, 1, n_epsilons), np.linspace(0.15, 0.6, 5)
    table = np.array([[chosen(e, d) for d in deltas] for e in epsilons])
    assert (np.diff(table, axis=0) >= 0).all()
    assert (np.diff(table, axis=1) >= 0).all()
    assert len(np.unique(table)) > 3


def test_a_row_that_comes_back_counts_as_lost_on_average_but_not_in_a_test():
    # two networks that lose one row each, another one
    network, path = networks_with_errors(2)
    X = rows_with_errors(np.vstack([np.eye(2), np.zeros((27, 2))]))
    for confidence, n_lost in ((None, 2), (0.8, 1)):
        held_out = validation(network, X, "absolute", confidence)
        chosen, certificate, _ = held_out.choose(path)
        assert chosen is path[1]
        assert certificate.share_over_epsilon == 1 / 29
        rule = held_out.target.rule
        assert certificate.statistic == pytest.approx(rule.statistic(n_lost, 29))


def share_of_promises_broken(lost, n_allowed):
    """Whichever of some rows is the fresh one, the others being held out."""
    network, path = networks_with_errors(len(lost))
    n_rows = lost.shape[1]
    broken = 0
    for fresh in range(n_rows):
        X = rows_with_errors(np.delete(lost, fresh, axis=1).T)
        delta = (n_allowed + 1) / n_rows
        chosen, *_ = validation(network, X, "absolute", delta=delta).choose(path)
        broken += chosen is not network and lost[path.index(chosen), fresh]
    return broken / n_rows


def test_the_promise_on_average_holds_for_any_path_and_any_rows():
    # given which rows there are, each of them is as likely as any other to be fresh
    rng = np.random.default_rng(0)
    shares = []
    for _ in range(200):
        n_networks, n_rows = rng.integers(1, 8), rng.integers(2, 7)
        n_allowed = rng.integers(n_rows - 1)
        lost = rng.random((n_networks, n_rows)) < rng.uniform(0.1, 0.9)
        share = share_of_promises_broken(lost, n_allowed)
        assert share * n_rows <= n_allowed + 1
        shares.append(share * n_rows == n_allowed + 1)
    assert any(shares)


def test_counting_only_what_the_network_itself_loses_would_break_the_promise():
    # the two that are held out are both lost right after the third one was: three of
    # three promises would be broken, and two may be
    lost = np.array([[0, 0, 1], [1, 1, 0], [0, 1, 0], [1, 0, 1], [1, 0, 0], [0, 1, 1]])
    for fresh, chosen in ((0, 4), (1, 2), (2, 0)):
        held_out = np.delete(lost, fresh, axis=1)
        assert held_out.all(axis=1).argmax() - 1 == chosen and lost[chosen, fresh]
    assert share_of_promises_broken(lost, 1) <= 2 / 3


def test_the_statistic_of_a_chosen_network_bounds_nothing():
    # every outcome of 59 rows that each are lost with probability 0.198
    network, (sparse,) = networks_with_errors(1)
    exceedance = statistic = 0
    for n_lost in range(60):
        X = rows_with_errors(np.arange(59)[:, np.newaxis] < n_lost)
        chosen, certificate, _ = validation(network, X, "absolute", delta=0.2).choose(
            [sparse]
        )
        chance = comb(59, n_lost) * 0.198**n_lost * 0.802 ** (59 - n_lost)
        exceedance += chance * 0.198 * (chosen is sparse)
        statistic += chance * certificate.statistic
    assert statistic < exceedance < 0.2


def test_path_is_not_walked_past_the_first_failure():
    network, path = path_of_noise(60)
    X = np.random.default_rng(3).standard_normal((50, 3))
    walked = []
    lazily = (walked.append(each) or each for each in path)
    chosen, _, trace = validation(network, X, "relative").choose(lazily)
    assert len(walked) < len(path)
    assert len(trace["density"]) == len(walked) + 1
    assert chosen is walked[-2]


@pytest.mark.parametrize("confidence", PROMISES)
def test_a_network_that_nothing_can_be_promised_of_is_not_chosen(confidence):
    network, path = networks_with_errors(1)
    X = rows_with_errors(np.ones((50, 1)))
    chosen, certificate, trace = validation(network, X, "absolute", confidence).choose(
        path
    )
    assert chosen is network
    assert certificate.share_over_epsilon == 0
    np.testing.assert_array_equal(trace["chosen"], [True, False])
    chosen, *_ = validation(network, X, "absolute", confidence).choose([])
    assert chosen is network


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("weight", [np.nan, np.inf, -np.inf])
def test_a_row_without_a_finite_output_is_lost(name, weight):
    network = linear(np.eye(3))
    weights = 1.0001 * np.eye(3)
    weights[0] = weight
    X = np.abs(np.random.default_rng(0).standard_normal((40, 3)))
    X[:5, 0] = 0
    X[::2] = X[::2, [1, 2, 0]]
    held_out = validation(network, X, name, 0.9, density=0.5)
    with np.errstate(invalid="ignore"):
        _, certificate, _ = held_out.measure(linear(weights))
        usable = np.isfinite(linear(weights).forward(X)).all(axis=1)
    assert certificate.share_over_epsilon >= (~usable).mean() - 1e-9 or np.isinf(
        certificate.epsilon
    )


# What an asked density reaches


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("confidence", PROMISES)
@pytest.mark.parametrize("n_rows", [3, 60])
def test_certificate_of_an_asked_density_by_its_definition(name, confidence, n_rows):
    network, path = path_of_noise(10)
    X = np.random.default_rng(6).standard_normal((n_rows, 3))
    held_out = validation(network, X, name, confidence, density=0.5)
    compressed, certificate, trace = held_out.measure(path[-1])
    assert compressed is path[-1]
    errors = errors_of(name, network, compressed, X)
    limit = 0.3 if confidence is None else 0.1

    def statistic(epsilon, delta=0.3):
        values = []
        for group in groups_of(name, network, X):
            k, n = (errors[group] > epsilon).sum(), group.sum()
            on_average = (k + 1) / (n + 1)
            values.append(on_average if confidence is None else binom.cdf(k, n, delta))
        return max(values)

    if not ERRORS[name].counts_rows:
        # the smallest error of a row that may be promised
        allowed = [e for e in [*np.sort(errors), np.inf] if statistic(e) <= limit]
        assert certificate.epsilon == (allowed[0] if allowed else np.inf)
        # which rows there are decides nothing of whether it may
        assert certificate.holds == (statistic(np.inf) <= limit)
        assert certificate.delta == 0.3
    elif confidence is None:
        assert not certificate.holds
        assert (certificate.epsilon, certificate.delta) == (0, 0.3)
    else:
        assert certificate.holds
        assert certificate.delta <= 1
        assert certificate.statistic <= certificate.limit
        if certificate.delta < 1:
            assert statistic(0, 0.999 * certificate.delta) > limit
    lost = errors > certificate.epsilon
    assert certificate.share_over_epsilon == lost.mean()
    # the path says how far epsilon as the parameter has it was kept
    bound = 0 if ERRORS[name].counts_rows else 0.3
    assert trace["share_over_epsilon"][1] == (errors > bound).mean()
    np.testing.assert_allclose(trace["statistic"][1], statistic(bound))
    np.testing.assert_array_equal(trace["chosen"], [False, True])


@pytest.mark.parametrize("name", ALL)
def test_certificate_describes_the_rows_and_the_promise(name):
    network, path = path_of_noise(10)
    X = np.random.default_rng(6).standard_normal((60, 3))
    for confidence in PROMISES:
        asked = validation(network, X, name, confidence, density=0.5)
        for compressed, certificate, _ in (
            validation(network, X, name, confidence).choose(path[:1]),
            asked.measure(path[0]),
        ):
            errors = errors_of(name, network, compressed, X)
            assert certificate.error == name
            assert certificate.guarantee == "conformal"
            assert certificate.confidence == confidence
            assert certificate.n_validation == 60
            assert certificate.scale == ((1.0,) * 3 if name == "scaled" else None)
            expected = certificate.delta if confidence is None else 1 - confidence
            assert certificate.limit == expected
            for q, value in certificate.quantiles.items():
                assert value in errors
                assert (errors <= value).mean() >= q >= (errors < value).mean()
            assert certificate == replace(certificate)
            revoked = certificate.revoked()
            assert revoked.guarantee is None and not revoked.holds
            assert revoked.scale == certificate.scale


@pytest.mark.parametrize("confidence", PROMISES)
def test_classes_count_by_themselves(confidence):
    network = linear(np.eye(3))
    X = np.random.default_rng(0).random((80, 3))
    X[:, 2] = 0  # of the third class no row is held out
    sparse = linear([[1, 0.4, 0], [0, 1, 0], [0, 0, 1]])
    labels, labels_hat = (f.forward(X).argmax(axis=1) for f in (network, sparse))
    target = Target("classwise", delta=0.9, confidence=confidence)
    held_out = Validation(network, X, target, classes=["a", "b", "c"])
    _, certificate, _ = held_out.choose([sparse])
    assert certificate.share_by_class == {
        name: (labels_hat[labels == c] != c).mean() for c, name in enumerate("ab")
    }
    assert certificate.share_by_class["a"] > certificate.share_by_class["b"] == 0
    assert certificate.not_covered == ("c",)
    # without names they have numbers; a class alone has one, too
    _, certificate, _ = Validation(network, X, target).choose([sparse])
    assert certificate.not_covered == (2,)
    network, sparse = linear([[1.0], [1]], "logistic"), linear([[1.0], [0]], "logistic")
    _, certificate, _ = Validation(network, -X[:, :2], target).choose([sparse])
    assert certificate.share_by_class == {0: 0.0}


def test_a_class_with_too_few_rows_is_named_with_how_many_are_missing():
    network = linear(np.eye(2))
    X = np.eye(2)[[0] * 30 + [1] * 5]
    for confidence, needed in ((None, 9), (0.9, 22)):
        target = Target("classwise", delta=0.1, confidence=confidence)
        held_out = Validation(network, X, target, classes=["many", "few"])
        with pytest.raises(
            ValueError,
            match=rf"needs {needed} held-out.* few \(5, {needed - 5} missing",
        ):
            held_out.choose([])


# Rules


@pytest.mark.parametrize("delta", [0.01, 0.05, 0.1, 1 - 0.9, 0.3, 0.5, 0.99])
@pytest.mark.parametrize("confidence", [None, 0.5, 0.75, 0.9, 0.95, 0.999])
def test_fewest_rows_are_those_of_which_none_may_be_lost(delta, confidence):
    rule = Target("relative", delta=delta, confidence=confidence).rule
    needed = rule.n_needed
    assert rule.allows(0, needed)
    assert needed == 1 or not rule.allows(0, needed - 1)
    assert rule.most_allowed(needed) == 0
    assert rule.most_allowed(needed - 1) == -1
    target = Target("relative", delta=delta, confidence=confidence)
    check_n_rows(target, needed, "there are")
    with pytest.raises(ValueError, match=f"there are {needed - 1}: 1 are missing"):
        check_n_rows(target, needed - 1, "there are")


def test_fewest_rows_of_the_inverse_of_a_number():
    # 1 / (1 / 49) is not 49
    assert [OnAverage(1 / n).n_needed for n in range(2, 500)] == list(range(1, 499))
    halves = [WithConfidence(0.5, 1 - 0.5**n).n_needed for n in range(1, 40)]
    assert halves == list(range(1, 40))


@pytest.mark.parametrize("confidence", [None, 0.5, 1 - 1e-16])
def test_the_smallest_delta_there_is_needs_rows_without_number(confidence):
    tiny = np.nextafter(0, 1)
    rule = Target("relative", delta=tiny, confidence=confidence).rule
    assert rule.n_needed > 1e290
    with pytest.raises(ValueError, match=r"e\+30. held-out rows and X has 9"):
        check_n_rows(Target("relative", delta=tiny), 9, "X has")


@pytest.mark.parametrize("n_rows", [1, 9, 59])
def test_no_more_rows_are_lost_than_condition_3_allows(n_rows):
    # deltas around every value that matters, as computations leave them
    steps = np.arange(1, n_rows + 2) / (n_rows + 1)
    deltas = np.concatenate(
        [steps, np.nextafter(steps, 0), np.nextafter(steps, 1), 1 - steps]
    )
    for delta in deltas[(deltas > 0) & (deltas < 1)]:
        most = OnAverage(delta).most_allowed(n_rows)
        assert most == -1 or (most + 1) / (n_rows + 1) <= delta
        assert (most + 2) / (n_rows + 1) > delta


@pytest.mark.parametrize("n_rows", [1, 2, 30, 1000])
@pytest.mark.parametrize("confidence", [0.01, 0.9, 0.999999])
def test_binomial_test_by_its_definition(n_rows, confidence):
    n_lost = np.arange(n_rows + 1)
    for delta in (1e-6, 0.1, 0.5, 1 - 1e-9):
        rule = WithConfidence(delta, confidence)
        p_values = binom.cdf(n_lost, n_rows, delta)
        np.testing.assert_allclose(rule.statistic(n_lost, n_rows), p_values, rtol=1e-9)
    deltas = smallest_delta(n_lost, np.full(n_rows + 1, n_rows), confidence)
    assert (np.diff(deltas) > 0).all() and deltas[-1] == 1
    for k, delta in zip(n_lost.tolist(), deltas):
        assert WithConfidence(delta, confidence).allows(k, n_rows)
        if k < n_rows:
            assert not WithConfidence(delta * (1 - 1e-6), confidence).allows(k, n_rows)


def test_quantiles_are_values_themselves():
    errors = np.array([0.0, 1.0, 5.0, np.inf])
    assert quantiles(errors) == {0.5: 5, 0.9: np.inf, 0.99: np.inf}


def test_a_line_for_every_network_where_asked(capsys):
    network, path = path_of_noise(10)
    X = np.random.default_rng(3).standard_normal((50, 3))
    target = Target("relative", 0.3, 0.3)
    Validation(network, X, target).choose(path)
    assert capsys.readouterr().out == ""
    *_, trace = Validation(network, X, target, verbose=1).choose(path)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(trace["density"])
    for line, density in zip(lines, trace["density"]):
        assert f"density {density:.4f}" in line


# Sentences, each beside what it claims

ON_AVERAGE = (
    r"On average over draws of the held-out rows, a fresh row{of} is kept with "
    r"probability at least 1 - 0\.3\. A row is kept where {kept}\. Of the 40 held-out "
    r"rows \d+ (is|are) not kept \(conformal risk control{worst}: \S+ is at most "
    r"0\.3\)\."
)
WITH_CONFIDENCE = (
    r"With confidence 0\.9 over the draw of the held-out rows, at most a share {share} "
    r"of fresh rows{of} is not kept by this network\. A row is kept where {kept}\. Of "
    r"the 40 held-out rows \d+ (is|are) not kept \(exact binomial test{worst}: \S+ is "
    r"at most 0\.1\)\."
)
NO_PROMISE = (
    r"No promise: of one network, error='{name}' promises something only with a "
    r"confidence\. A row is kept where {kept}\. Of the 40 held-out rows \d+ (is|are) "
    r"not kept\."
)
KEPT = {
    "relative": r"the relative error \(2-norm\) of the output, less its mean where a "
    r"softmax follows, is at most {number}",
    "entrywise": "each output changes by at most {number} times its magnitude",
    "scaled": r"no output changes by more than {number} times its spread \(`scale`\)",
    "absolute": "no output changes by more than {number}",
    "probability": "no predicted probability changes by more than {number}",
    "prediction": "the predicted class, or set of labels, stays the same",
    "classwise": "the predicted class stays the same",
}
NUMBER = r"[\d.e-]+"


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("confidence", PROMISES)
@pytest.mark.parametrize("asked", ["epsilon", "density"])
def test_what_the_sentence_says_is_true(name, confidence, asked):
    network, path = path_of_noise(12, 0.12, seed=3)
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((400, 3))
    # atoms: half of the rows are one of five
    rows[200:] = rows[rng.integers(0, 5, 200)]
    counts_rows = ERRORS[name].counts_rows
    errors = {
        id(each): errors_of(name, network, each, rows) for each in [network, *path]
    }
    groups = groups_of(name, network, rows)
    promised_at_all = asked == "epsilon" or confidence or not counts_rows
    shares, deltas = [], []
    for _ in range(40):
        X = rows[rng.integers(0, len(rows), 40)]
        if name == "classwise":  # a class with too few rows is another sentence
            X[:30] = [row for g in groups for row in rows[g][:10]]
            X[:30] = np.concatenate([rng.choice(rows[g], 10) for g in groups])
        held_out = validation(network, X, name, confidence, density=None)
        if asked == "epsilon" and name == "classwise" and confidence:
            held_out = validation(network, X, name, confidence, delta=0.5)
        if asked == "epsilon":
            chosen, certificate, _ = held_out.choose(path)
        else:
            chosen, certificate, _ = held_out.measure(path[4])
        over = errors[id(chosen)] > certificate.epsilon
        shares.append([over[g].mean() for g in groups])
        deltas.append(certificate.delta)
        of = " of each class that the original predicts for a held-out row"
        pattern = ON_AVERAGE if confidence is None else WITH_CONFIDENCE
        pattern = (pattern if promised_at_all else NO_PROMISE).format(
            kept=KEPT[name].format(number=NUMBER),
            of=of * (name == "classwise"),
            worst=" in the worst class" * (name == "classwise"),
            share=NUMBER,
            name=name,
        )
        assert re.fullmatch(pattern, str(certificate))
        assert certificate.holds == bool(promised_at_all)
    shares, deltas = np.array(shares), np.array(deltas)
    if not promised_at_all:
        return
    if confidence is None:
        error = shares.std(axis=0) / np.sqrt(len(shares))
        assert (shares.mean(axis=0) <= 0.3 + 2 * error).all()
    else:
        broken = (shares.max(axis=1) > deltas).sum()
        assert binom.sf(broken - 1, len(shares), 1 - confidence) > 0.01


def certificate_of(**changes):
    certificate = Certificate(
        epsilon=0.1,
        delta=0.1,
        guarantee="conformal",
        error="absolute",
        holds=True,
        n_validation=100,
        share_over_epsilon=0.01,
        statistic=0.05,
        limit=0.1,
    )
    return str(replace(certificate, **changes))


def test_no_number_is_rounded_to_where_more_would_be_promised():
    sentence = certificate_of(epsilon=0.100001, delta=0.12341, confidence=0.99999)
    assert "by more than 0.1001." in sentence
    assert "at most a share 0.1235 of" in sentence
    assert "With confidence 0.9999 over" in sentence
    assert "1 - 0.1." in certificate_of(delta=0.1)
    assert "1 - 0.1." in certificate_of(delta=1 - 0.9)
    assert "more than 1.235e-05." in certificate_of(epsilon=1.2341e-5)


def test_what_is_not_promised_is_said():
    classes = {"share_by_class": {"a": 0.0}, "not_covered": ("b", 3)}
    assert certificate_of(error="classwise", **classes).endswith(
        " Nothing is promised of classes that the original predicts for no held-out "
        "row: b, 3."
    )
    assert "1 held-out rows 1 is not kept" in certificate_of(
        n_validation=1, share_over_epsilon=1.0
    )
    infinite = certificate_of(epsilon=np.inf)
    assert "by more than inf, which is no bound. Of the 100" in infinite
    assert "No promise: delta=0.1 takes at least 9 held-out rows. A" in certificate_of(
        holds=False, epsilon=np.inf, n_validation=5
    )
    failed = certificate_of(holds=False, confidence=0.9, guarantee="test")
    assert failed.startswith("No promise: the exact binomial test does not let it pass")
    assert failed.endswith("Of the 100 held-out rows 1 is not kept.")
    changed = certificate_of(holds=False, guarantee=None)
    assert changed.startswith("No promise: the network was trained further")
    assert "skcoreset.certify" in changed


# The theorem


def test_a_certificate_of_the_theorem_is_seen_on_no_rows():
    network = linear(np.ones((3, 2)), "identity")
    sparse = linear([[2, 0], [0, 0], [0, 5]], "identity")
    target = Target("entrywise", 0.3, 0.2)
    chosen, certificate, path = GUARANTEES["theoretical"].choose(
        network, iter([sparse]), None, target
    )
    assert chosen is sparse and certificate.holds
    assert (certificate.epsilon, certificate.delta) == (0.3, 0.2)
    assert (certificate.guarantee, certificate.error) == ("theoretical", "entrywise")
    assert certificate.n_validation == 0 and not certificate.quantiles
    assert str(certificate) == (
        "By the theorem of CoreNet and under its assumptions, with probability at least"
        " 1 - 0.2 over the calibration rows, the draws of edges and a fresh row: each "
        "output changes by at most 0.3 times its magnitude. No rows were held out."
    )
    np.testing.assert_allclose(path.pop("density"), [1, 2 / 6])
    np.testing.assert_array_equal(path.pop("chosen"), [False, True])
    # what a path seen on rows has, and nothing known of it
    *_, seen = validation(network, np.ones((20, 3)), "relative").choose([])
    assert set(path) == set(seen) - {"density", "chosen"}
    assert np.isnan(list(path.values())).all()


def test_groups_without_rows_play_no_part():
    rows = HeldOutRows(np.array([0, 0, 2]), ["a", "b", "c"])
    lost = np.array([True, False, False])
    assert rows.statistic(lost, OnAverage(0.1)) == 2 / 3
    n_lost, n_rows = rows.counts(lost)
    assert (n_lost.tolist(), n_rows.tolist()) == ([1, 0], [2, 1])


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"method": "magnitude"}, "method='magnitude'"),
        ({"epsilon": 1.0}, "epsilon=1.0, which is not below 1"),
        ({"density": 0.5}, "density=0.5"),
        ({"error": "relative"}, "error='relative'"),
        ({"confidence": 0.9}, "confidence=0.9"),
        ({"refine": True}, "refine=True"),
        ({"bits": 3}, "bits=3"),
        ({"X_val": np.ones((3, 2))}, "X_val"),
        ({"activation": "logistic"}, "an estimator of activation='logistic'"),
    ],
)
def test_what_the_theorem_does_not_cover_is_refused(changes, message):
    options = {"refine": None, "bits": None, "activation": "relu", "X_val": None}
    theoretical = GUARANTEES["theoretical"]
    theoretical.check_options(
        Target("entrywise"), METHODS["corenet"], "corenet", **options
    )
    asked = {"error": "entrywise", "method": "corenet"} | changes
    name = asked.pop("method")
    method = METHODS[name], name
    options |= {name: asked.pop(name) for name in options if name in asked}
    with pytest.raises(ValueError, match=f"does not go with {message}: the theorem"):
        theoretical.check_options(Target(**asked), *method, **options)
    GUARANTEES["conformal"].check_options(Target(**asked), *method, **options)


def test_what_auto_stands_for():
    errors = {
        name: [g.auto_error(c) for c in (True, False)] for name, g in GUARANTEES.items()
    }
    assert errors == {
        "conformal": ["relative", "scaled"],
        "theoretical": ["entrywise", "entrywise"],
    }


def test_rows_are_needed_where_they_are_held_out_and_something_is_targeted():
    conformal, theoretical = GUARANTEES["conformal"], GUARANTEES["theoretical"]
    theoretical.check_n_rows(Target("entrywise"), 0, "X has")
    conformal.check_n_rows(Target("relative", density=0.5), 1, "X has")
    conformal.check_n_rows(Target("relative"), 9, "X has")
    with pytest.raises(ValueError, match="1 / delta - 1 = 9 held-out rows and X has 8"):
        conformal.check_n_rows(Target("relative"), 8, "X has")
    with pytest.raises(ValueError, match=r"log\(1 - delta\) = 22 held-out rows"):
        conformal.check_n_rows(Target("relative", confidence=0.9), 21, "X has")


# Whole fits of those whose promises were once false, or about the wrong thing


class FewAreSmall(MLPClassifier):
    """The identity on one-hot rows; the rarest training classes are the smallest."""

    def fit(self, X, y):
        super().fit(np.eye(10), np.arange(10))
        rank = np.bincount(y, minlength=10).argsort(kind="stable").argsort()
        self.coefs_ = [np.diag(1e-3 * (1 + rank)), np.eye(10)]
        self.intercepts_ = [np.zeros(10)] * 2
        return self


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_held_out_rows_of_a_network_that_is_trained_are_not_stratified():
    lost = []
    for seed in range(100):
        y = np.random.default_rng(seed).integers(0, 10, 100)
        compressor = CoresetCompressor(
            FewAreSmall((10,), activation="identity", max_iter=1),
            method="magnitude",
            error="entrywise",
            epsilon=0.5,
            delta=0.2,
            validation_fraction=0.5,
            random_state=seed,
        ).fit(np.eye(10)[y], y)
        lost.append((np.abs(compressor.transform(np.eye(10))).sum(axis=1) == 0).mean())
    assert np.mean(lost) <= 0.2


@pytest.fixture(scope="module")
def rare():
    """A network that predicts 4 % of positives, and rows that it has not seen."""
    X, y = make_classification(
        6000, 8, n_informative=6, weights=[0.96], flip_y=0, class_sep=2, random_state=1
    )
    y = np.where(y == 1, "rare", "usual")
    mlp = MLPClassifier((10,), max_iter=40, random_state=0)
    return fitted(mlp, X[:2000], y[:2000]), X[2000:4000], X[4000:]


def test_a_rare_class_that_vanishes_is_missed(rare):
    mlp, X, _ = rare
    compressor = CoresetCompressor(mlp, error="prediction", random_state=0)
    with pytest.warns(UserWarning, match=r"where that predicts rare \(0 of"):
        compressor.fit(X)
    assert compressor.certificate_.holds


@pytest.mark.parametrize("method", ["refined", "magnitude"])
def test_a_rare_class_cannot_vanish_classwise(method, rare):
    mlp, X, fresh = rare
    options = {"method": method, "random_state": 0, "validation_fraction": 0.5}
    compressor = CoresetCompressor(mlp, error="classwise", **options).fit(X)
    assert compressor.density_ < 1
    certificate = compressor.certificate_
    assert certificate.holds and not certificate.not_covered
    assert max(certificate.share_by_class.values()) <= 0.1
    members = mlp.predict(fresh) == "rare"
    assert (compressor.predict(fresh)[members] == "rare").mean() >= 0.85


@pytest.fixture(scope="module")
def hot():
    """A network of a temperature, and rows that it has not seen."""
    X, y = make_friedman1(800, n_features=8, noise=0.5, random_state=0)
    mlp = MLPRegressor(
        hidden_layer_sizes=(10,), solver="lbfgs", max_iter=200, random_state=0
    )
    return fitted(make_pipeline(StandardScaler(), mlp), X[:500], y[:500]), X[500:]


def with_last_layer(estimator, scale, offset):
    """A copy of the estimator whose outputs are in other units."""
    estimator = deepcopy(estimator)
    mlp = estimator[-1] if hasattr(estimator, "steps") else estimator
    mlp.coefs_[-1] = scale * mlp.coefs_[-1]
    mlp.intercepts_[-1] = scale * mlp.intercepts_[-1] + offset
    return estimator


@pytest.mark.parametrize(
    "method, scale, offset",
    [
        ("refined", 0.01, 273),
        ("refined", 100, -14),
        ("magnitude", 1, 273),  # it compares weights of different layers
        ("sipp", 100, 273),
    ],
)
def test_units_of_a_regressor_do_not_matter(method, scale, offset, hot):
    network, X = hot
    options = {"method": method, "epsilon": 0.3, "random_state": 0}
    compressors = [
        CoresetCompressor(network, **options).fit(X)
        for network in (network, with_last_layer(network, scale, offset))
    ]
    plain, edited = compressors
    assert abs(plain.density_ - edited.density_) <= 0.05 * plain.density_
    standard = (edited.predict(X) - offset) / scale
    spread = plain.certificate_.scale[0]
    target = network.predict(X)
    for predicted in (standard, plain.predict(X)):
        # R2 against the original: within 0.3 spreads for nine of ten rows
        assert np.mean((predicted - target) ** 2) < 0.1 * spread**2


@pytest.mark.parametrize(
    "method, error",
    [
        ("refined", "auto"),
        ("magnitude", "auto"),
        ("magnitude", "probability"),
        ("magnitude", "classwise"),
    ],
)
def test_what_all_logits_have_in_common_does_not_matter(method, error):
    X, y = make_classification(
        500, 8, n_informative=6, n_classes=3, class_sep=1.5, random_state=0
    )
    mlp = MLPClassifier((8,), max_iter=100, random_state=0)
    mlp = fitted(mlp, X[:200], y[:200])
    options = {"method": method, "error": error, "epsilon": 0.3, "delta": 0.2}
    plain, shifted = (
        CoresetCompressor(network, random_state=0, **options).fit(X[200:])
        for network in (mlp, with_last_layer(mlp, 1, 64))
    )
    assert plain.density_ == pytest.approx(shifted.density_, rel=0.05)
    np.testing.assert_allclose(
        plain.predict_proba(X), shifted.predict_proba(X), atol=0.01
    )


def counts(y):
    return np.random.default_rng(0).poisson(np.exp(y / 9))


def several_units(y):
    return np.column_stack([y, 1e-3 * y[::-1] - 7, 1e5 * y + 273])


@pytest.mark.parametrize(
    "target, parameters",
    [
        (lambda y: y + 273.15, {}),
        (several_units, {}),
        (lambda y: np.full(len(y), 5.0), {}),
        (counts, {"loss": "poisson"}),
    ],
    ids=["kelvin", "several units", "constant", "counts"],
)
@pytest.mark.parametrize("error, epsilon", [("scaled", 0.3), ("absolute", 0.5)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_certificate_is_about_what_a_regressor_outputs(
    target, parameters, error, epsilon, dtype
):
    X, y = make_friedman1(300, n_features=8, random_state=0)
    X, Y = X.astype(dtype), target(y).astype(dtype)
    mlp = MLPRegressor(hidden_layer_sizes=(6,), max_iter=100, random_state=0)
    if not set(parameters) <= set(mlp.get_params()):
        pytest.skip("no Poisson loss in this release")
    mlp = fitted(mlp.set_params(**parameters), X[:100], Y[:100])
    compressor = CoresetCompressor(
        mlp, method="magnitude", error=error, epsilon=epsilon, random_state=0
    ).fit(X[100:200], X_val=X[200:])
    log = np.log if parameters else lambda values: values
    F, F_hat = (
        log(e.predict(X).astype(float)).reshape(len(X), -1) for e in (mlp, compressor)
    )
    certificate, scale = compressor.certificate_, np.ones(F.shape[1])
    if error == "scaled":
        scale = np.array(certificate.scale)
        np.testing.assert_allclose(scale, F[100:200].std(axis=0), rtol=1e-3)
    distance = (np.abs(F_hat - F)[200:] / scale).max(axis=1)
    # predictions in single precision tell outputs near epsilon to that precision
    surely = (distance > 1.01 * epsilon).mean(), (distance > 0.99 * epsilon).mean()
    assert surely[0] <= certificate.share_over_epsilon <= surely[1]
    assert certificate.holds and certificate.share_over_epsilon <= 0.1


@pytest.mark.parametrize("confidence", [None, 0.7])
def test_sixty_rows_and_classes_with_names(confidence):
    X, y = make_classification(
        160, 6, n_informative=5, n_redundant=0, n_classes=3, random_state=0
    )
    names = np.array(["no", "perhaps", "yes"], dtype=object)[y]
    mlp = MLPClassifier((8,), solver="lbfgs", max_iter=200, random_state=0)
    mlp = fitted(mlp, X[:100], names[:100])
    compressor = CoresetCompressor(
        mlp,
        method="magnitude",
        error="classwise",
        delta=0.3,
        confidence=confidence,
        validation_fraction=0.5,
        random_state=0,
    ).fit(X[100:])
    shares = compressor.certificate_.share_by_class
    assert set(shares) == set(mlp.predict(X[100:]))
    assert compressor.certificate_.holds and max(shares.values()) <= 0.3
    assert "of each class that the original predicts" in str(compressor.certificate_)
