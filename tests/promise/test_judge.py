"""The held-out rows: choice and certificate by their definition."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import replace
from math import comb
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import binom

from skcoreset._compress import compress
from skcoreset._errors import ERRORS
from skcoreset._methods import METHODS
from skcoreset._methods.base import Family
from skcoreset._plan import Plan
from skcoreset._promise.judge import HeldOutRows, Judge, quantiles
from skcoreset._promise.rules import OnAverage
from skcoreset._promise.target import Target

from .common import (
    ALL,
    CALIBRATION,
    CONFIDENCES,
    errors_of,
    groups_of,
    judge_of,
    linear,
    networks_with_errors,
    path_of_noise,
    rows_with_errors,
    walk,
)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("confidence", CONFIDENCES)
def test_choice_and_certificate_by_their_definition(name, confidence):
    network, path = path_of_noise(30)
    X = np.random.default_rng(1).standard_normal((90, 3))
    networks, groups = [network, *path], groups_of(name, network, X)
    chosen_numbers = []
    for epsilon, delta in ((0.1, 0.3), (0.3, 0.3), (0.3, 0.5), (1.0, 0.2)):
        judge = judge_of(network, X, name, confidence, epsilon=epsilon, delta=delta)
        chosen, certificate, trace = walk(judge, path)
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
@pytest.mark.parametrize("confidence", CONFIDENCES)
def test_larger_epsilon_or_delta_never_chooses_a_denser_network(name, confidence):
    network, path = path_of_noise(25)
    X = np.random.default_rng(2).standard_normal((150, 3))
    number = {id(each): i for i, each in enumerate([network, *path])}

    def chosen(epsilon, delta):
        options = {"epsilon": epsilon, "delta": delta}
        judge = judge_of(network, X, name, confidence, **options)
        return number[id(walk(judge, path)[0])]

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
        judge = judge_of(network, X, "absolute", confidence)
        chosen, certificate, _ = walk(judge, path)
        assert chosen is path[1]
        assert certificate.share_over_epsilon == 1 / 29
        rule = judge.target.rule
        assert certificate.statistic == pytest.approx(rule.statistic(n_lost, 29))


def share_of_promises_broken(lost, n_allowed):
    """Whichever of some rows is the fresh one, the others being held out."""
    network, path = networks_with_errors(len(lost))
    n_rows = lost.shape[1]
    broken = 0
    for fresh in range(n_rows):
        X = rows_with_errors(np.delete(lost, fresh, axis=1).T)
        delta = (n_allowed + 1) / n_rows
        chosen, *_ = walk(judge_of(network, X, "absolute", delta=delta), path)
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
        judge = judge_of(network, X, "absolute", delta=0.2)
        chosen, certificate, _ = walk(judge, [sparse])
        chance = comb(59, n_lost) * 0.198**n_lost * 0.802 ** (59 - n_lost)
        exceedance += chance * 0.198 * (chosen is sparse)
        statistic += chance * certificate.statistic
    assert statistic < exceedance < 0.2


class FamilyOf(Family):
    """Given networks, by how many follow."""

    n_per_step = 1

    def __init__(self, networks):
        self.networks, self.asked = networks, []
        self.steps = list(range(len(networks) + 1, 0, -1))

    def at(self, n_edges):
        self.asked.append(n_edges)
        return self.networks[-n_edges]


@pytest.mark.parametrize("name", ["relative", "scaled", "classwise"])
@pytest.mark.parametrize("confidence", CONFIDENCES)
def test_compress_chooses_the_network_before_the_first_that_fails(
    name, confidence, monkeypatch
):
    network, networks = path_of_noise(60, 0.06)
    # a network that comes again is not judged again
    networks = [each for each in networks for _ in range(2)]
    X = np.random.default_rng(3).standard_normal((50, 3))
    family = FamilyOf(networks)
    method = SimpleNamespace(
        open=lambda *_: family, refines=False, prunes_neurons=False
    )
    monkeypatch.setitem(METHODS, "given", method)
    plan = Plan("given", Target(name, 0.3, 0.4, confidence))
    result = compress(network, CALIBRATION, X, plan)
    chosen, certificate, trace = walk(
        Judge(network, CALIBRATION, X, plan), networks[::2]
    )
    assert result.network is chosen and result.certificate == certificate
    for key, values in trace.items():
        np.testing.assert_array_equal(result.path[key], values)
    # nothing is made after the first that fails
    assert len(family.asked) <= 2 * (len(trace["density"]) - 1)
    assert len(family.asked) < len(networks)


@pytest.mark.parametrize("confidence", CONFIDENCES)
def test_a_network_that_nothing_can_be_promised_of_is_not_chosen(confidence):
    network, path = networks_with_errors(1)
    X = rows_with_errors(np.ones((50, 1)))
    judge = judge_of(network, X, "absolute", confidence)
    chosen, certificate, trace = walk(judge, path)
    assert chosen is network
    assert certificate.share_over_epsilon == 0
    np.testing.assert_array_equal(trace["chosen"], [True, False])
    assert walk(judge_of(network, X, "absolute", confidence), [])[0] is network


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("weight", [np.nan, np.inf, -np.inf])
def test_a_row_without_a_finite_output_is_lost(name, weight):
    network = linear(np.eye(3))
    weights = 1.0001 * np.eye(3)
    weights[0] = weight
    X = np.abs(np.random.default_rng(0).standard_normal((40, 3)))
    X[:5, 0] = 0
    X[::2] = X[::2, [1, 2, 0]]
    judge = judge_of(network, X, name, 0.9)
    with np.errstate(invalid="ignore"):
        _, certificate = judge.measured(linear(weights))
        usable = np.isfinite(linear(weights).forward(X)).all(axis=1)
    assert certificate.share_over_epsilon >= (~usable).mean() - 1e-9 or np.isinf(
        certificate.epsilon
    )


# What an asked density reaches


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("confidence", CONFIDENCES)
@pytest.mark.parametrize("n_rows", [3, 60])
def test_certificate_of_an_asked_density_by_its_definition(name, confidence, n_rows):
    network, path = path_of_noise(10)
    X = np.random.default_rng(6).standard_normal((n_rows, 3))
    judge = judge_of(network, X, name, confidence)
    verdict, certificate = judge.measured(path[-1])
    compressed, trace = verdict.network, judge.path(verdict)
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
    # the path is about the epsilon and the delta that were found
    assert trace["share_over_epsilon"][1] == lost.mean()
    found = statistic(certificate.epsilon, certificate.delta)
    np.testing.assert_allclose(trace["statistic"][1], found)
    np.testing.assert_array_equal(trace["chosen"], [False, True])


@pytest.mark.parametrize("name", ALL)
def test_certificate_describes_the_rows_and_the_promise(name):
    network, path = path_of_noise(10)
    X = np.random.default_rng(6).standard_normal((60, 3))
    for confidence in CONFIDENCES:
        chosen = walk(judge_of(network, X, name, confidence), path[:1])[:2]
        judge = judge_of(network, X, name, confidence)
        measured = path[0], judge.measured(path[0])[1]
        for compressed, certificate in (chosen, measured):
            errors = errors_of(name, network, compressed, X)
            assert certificate.error == name
            expected = "conformal" if confidence is None else "test"
            assert certificate.guarantee == expected
            assert certificate.confidence == confidence
            assert certificate.n_validation == 60
            scale = ERRORS[name].scale_of(network, CALIBRATION)
            assert certificate.scale == (None if scale is None else tuple(scale))
            assert (certificate.out_activation, certificate.n_outputs) == ("softmax", 3)
            expected = certificate.delta if confidence is None else 1 - confidence
            assert certificate.limit == expected
            for q, value in certificate.quantiles.items():
                assert value in errors
                assert (errors <= value).mean() >= q >= (errors < value).mean()
            assert certificate == replace(certificate)
            revoked = certificate.revoked()
            assert revoked.guarantee is None and not revoked.holds
            assert revoked.scale == certificate.scale


@pytest.mark.parametrize("confidence", CONFIDENCES)
def test_classes_count_by_themselves(confidence):
    network = linear(np.eye(3))
    X = np.random.default_rng(0).random((80, 3))
    X[:, 2] = 0  # of the third class no row is held out
    sparse = linear([[1, 0.4, 0], [0, 1, 0], [0, 0, 1]])
    labels, labels_hat = (f.forward(X).argmax(axis=1) for f in (network, sparse))

    def certificate_of(network, sparse, X, **options):
        judge = judge_of(network, X, "classwise", confidence, delta=0.9, **options)
        return walk(judge, [sparse])[1]

    certificate = certificate_of(network, sparse, X, classes=["a", "b", "c"])
    assert certificate.share_by_class == {
        name: (labels_hat[labels == c] != c).mean() for c, name in enumerate("ab")
    }
    assert certificate.share_by_class["a"] > certificate.share_by_class["b"] == 0
    assert certificate.not_covered == ("c",)
    # without names they have numbers; a class alone has one, too
    assert certificate_of(network, sparse, X).not_covered == (2,)
    network = linear([[1.0]] * 3, "logistic")
    sparse = linear([[1.0], [0], [0]], "logistic")
    certificate = certificate_of(network, sparse, -X)
    assert certificate.share_by_class == {0: 0.0}


def test_a_class_with_too_few_rows_is_named_with_how_many_are_missing():
    network = linear(np.eye(3))
    X = np.eye(3)[[0] * 30 + [1] * 5]
    for confidence, needed in ((None, 9), (0.9, 22)):
        classes = ["many", "few", "none"]
        judge = judge_of(
            network, X, "classwise", confidence, delta=0.1, classes=classes
        )
        with pytest.raises(
            ValueError,
            match=rf"needs {needed} held-out.* few \(5, {needed - 5} missing",
        ):
            judge.original()


def test_quantiles_are_values_themselves():
    errors = np.array([0.0, 1.0, 5.0, np.inf])
    assert quantiles(errors) == {0.5: 5, 0.9: np.inf, 0.99: np.inf}


def test_a_line_for_every_network_where_asked(capsys):
    network, path = path_of_noise(10)
    X = np.random.default_rng(3).standard_normal((50, 3))
    walk(judge_of(network, X, "relative"), path)
    assert capsys.readouterr().out == ""
    *_, trace = walk(judge_of(network, X, "relative", verbose=1), path)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(trace["density"])
    for line, density in zip(lines, trace["density"]):
        assert f"density {density:.4f}" in line


def test_groups_without_rows_play_no_part():
    rows = HeldOutRows(np.array([0, 0, 2]), ["a", "b", "c"])
    lost = np.array([True, False, False])
    assert rows.statistic(lost, OnAverage(0.1)) == 2 / 3
    n_lost, n_rows = rows.counts(lost)
    assert (n_lost.tolist(), n_rows.tolist()) == ([1, 0], [2, 1])
