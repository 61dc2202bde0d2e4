"""Rank, drop, train."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from functools import partial
from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skcoreset._errors import ERRORS
from skcoreset._training import (
    Descent,
    MatchOriginal,
    Trainer,
    is_near,
    steps_down,
    steps_to,
)

from .common import assert_equal, make_network, make_X


def descend(network, X, numbers, log=None, **options):
    log = [] if log is None else log
    objective = MatchOriginal(network, X, ERRORS["relative"])
    trainer = Trainer(network, objective, rng=np.random.default_rng(0))

    def rank(network):
        log.append("rank")
        return objective.rank(network)

    def between(trainer):
        log.append(trainer.n_edges)

    def finish(trainer):
        log.append("finish")

    steps = steps_down(network.n_edges, 0.5)
    options = {"n_edges": steps, "between": between, "finish": finish} | options
    descent = Descent(trainer, rank, **options)
    return [descent.network(n_edges) for n_edges in numbers]


def test_numbers_of_edges_are_as_asked_or_as_they_are():
    network, X = make_network(), make_X()
    path = descend(network, X, [10_000, network.n_edges, 60, 60, 7, 1])
    n_all = network.n_edges
    assert [each.n_edges for each in path] == [n_all, n_all, 60, 60, 7, 1]
    assert_equal(path[1], network)


def test_networks_on_the_way_are_returned_as_they_are_if_nothing_finishes_them():
    network, X, log = make_network((12, 4)), make_X(), []
    on_the_way, beyond = descend(network, X, [24, 20], log, finish=None)
    # the second goes on from the first
    assert log == ["rank", 24, "rank", 20]
    assert (on_the_way.n_edges, beyond.n_edges) == (24, 20)


@pytest.mark.parametrize("n_edges", [1, 2, 3, 10, 1_000, 266_200])
@pytest.mark.parametrize("density", [0.001, 0.01, 0.1, 0.3, 0.5, 0.9, 1])
def test_steps_to_a_number_are_large_at_first_and_small_at_the_end(n_edges, density):
    n_left = max(1, int(density * n_edges))
    first, *steps = steps_to(n_edges, n_left)
    assert first == n_edges
    for more, fewer in pairwise([n_edges, *steps]):
        assert n_left < fewer < more
        assert fewer >= 0.59 * more - 1
    if n_left < n_edges:
        last = [n_edges, *steps][-1]
        assert n_left >= int(0.9 * last) or last <= 3
    small = [n for n in steps if is_near(n, n_left)]
    for more, fewer in pairwise(small):
        assert fewer >= 0.89 * more - 1


def test_edges_are_ranked_again_after_training():
    network, X, log = make_network((12, 4)), make_X(), []
    descend(network, X, [48, 20, 10], log)
    assert log == ["rank", 24, "rank", "finish", 12, "rank", "finish"]


def test_networks_do_not_depend_on_which_others_are_asked_for():
    network, X = make_network(), make_X()
    options = {"between": partial(Trainer.train, n_passes=1)}
    options["finish"] = partial(Trainer.train, n_passes=2)
    numbers = [network.n_edges, 120, 100, 61, 60, 59, 10]
    path = descend(network, X, numbers, **options)
    for number, one in zip(numbers, path, strict=True):
        (other,) = descend(network, X, [number], **options)
        assert_equal(one, other)


def test_nothing_is_trained_if_dropped_edges_make_no_difference():
    network, X, log = make_network((12, 4)), make_X(), []
    X[:, 5:] = 0
    # Features that no row has would still count by large weights.
    network.coefs[0][5:] *= 1e-3
    descend(network, X, [20], log)
    assert set(log) == {"rank"}


def shifted(network):
    """Softmax with a common shift, which it ignores."""
    return network.with_weights(
        network.coefs, [*network.intercepts[:-1], network.intercepts[-1] + 100]
    )


def rescaled(network):
    """In other units."""
    n = network.widths[-1]
    return network.rescaled_output(np.full(n, -50.0), np.geomspace(1e-3, 1e3, n))


@pytest.mark.parametrize(
    "error, out_activation, change",
    [("relative", "softmax", shifted), ("scaled", "identity", rescaled)],
)
def test_units_that_do_not_matter_do_not_matter(error, out_activation, change):
    network, X = make_network((12, 30, 20, 4), "tanh"), make_X(400)
    network = network.with_weights(network.coefs)
    object.__setattr__(network, "out_activation", out_activation)
    ends = []
    for original in (network, change(network)):
        objective = MatchOriginal(original, X, ERRORS[error])
        trainer = Trainer(original, objective, rng=np.random.default_rng(0))

        def train(trainer):
            trainer.train(2)

        steps = steps_down(original.n_edges, 0.7)
        descent = Descent(
            trainer, objective.rank, n_edges=steps, between=train, finish=train
        )
        ends.append((descent.network(200), original))
    (one, _), (two, original) = ends
    for a, b in zip(one.coefs, two.coefs):
        np.testing.assert_array_equal(a != 0, b != 0)
    assert_allclose(change(one).forward(X), two.forward(X), rtol=1e-6)
