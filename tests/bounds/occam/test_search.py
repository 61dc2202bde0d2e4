"""The search for a network with few errors and a short code."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from math import inf

import numpy as np
import pytest
from scipy import sparse
from scipy.ndimage import gaussian_filter
from sklearn.datasets import load_digits

from skcoreset._training import FitLabels
from skcoreset.bounds.occam import search as _search
from skcoreset.bounds.occam.search import (
    EDGE_RATIO,
    N_ABOVE,
    N_LEVELS,
    PATIENCE,
    lines_of,
    numbers_of_edges,
    search,
)


def smooth_images(n_samples, side):
    noise = np.random.default_rng(0).standard_normal((n_samples, side, side))
    return gaussian_filter(noise, (0, 2, 2)).reshape(n_samples, -1)


@pytest.mark.parametrize("X, n_plain, n_blocks", [
    (np.random.default_rng(0).standard_normal((300, 30)), 2, 0),
    (sparse.csr_array(smooth_images(100, 8)), 2, 0),
    (load_digits().data, 2, 3),
    (smooth_images(200, 24), 0, 3),
], ids=["table", "sparse", "small images", "large images"])  # fmt: skip
def test_where_the_search_starts(X, n_plain, n_blocks):
    seen = []

    def codes(rows, blocks):
        seen.append((rows.shape, blocks))
        return blocks

    network = object()
    n_edges = numbers_of_edges(X.shape[0])
    lines = lines_of(network, X, codes, n_edges, np.random.default_rng(0))
    own = [line for line in lines if line.codes is None]
    assert len(own) == n_plain
    assert len(lines) == n_plain + n_blocks
    assert sum(line.network is network for line in lines) == n_plain / 2
    for shape, blocks in seen:
        n_inputs = X.shape[1] if blocks is None else blocks.n_groups
        assert shape == (X.shape[0], n_inputs)
    streams = {line.rng.bit_generator.seed_seq.spawn_key for line in lines}
    assert len(streams) == len(lines)


def test_numbers_of_edges():
    numbers = numbers_of_edges(60_000)
    assert (np.diff(numbers) < 0).all()
    assert numbers[N_ABOVE] == pytest.approx(60_000 ** (2 / 3) / 2, rel=0.01)
    ratios = np.divide(numbers[1:], numbers[:-1])
    assert ratios == pytest.approx(EDGE_RATIO, rel=0.02)
    assert min(numbers_of_edges(2)) >= 1


class Scripted:
    """A line whose networks are their own bounds."""

    n_edges = list(range(14))
    first = N_ABOVE

    def __init__(self, bounds, other_levels=inf, others=()):
        self.bounds, self.other_levels = bounds, other_levels
        self.others = list(others)
        self.codes, self.looked_at = self, []

    def quantised(self, number, n_levels=N_LEVELS[0]):
        self.looked_at.append((number, n_levels))
        if n_levels != N_LEVELS[0]:
            return self.other_levels
        return self.bounds[number]

    def other_starts(self):
        return self.others

    def improve(self, best, cost):
        self.improved = best
        yield from (best - 0.01, best - 0.02)


def looked_at(line):
    return [number for number, n_levels in line.looked_at if n_levels == N_LEVELS[0]]


def run(*lines):
    found = []

    def measure(quantised):
        found.append(quantised)
        return quantised

    search(list(lines), measure, None)
    return found


def test_it_goes_on_to_fewer_edges_while_the_bound_falls():
    line = Scripted([0.9] * 5 + [0.5, 0.6, 0.4, 0.45, 0.3, 0.35, 0.36, 0.1, 0.1])
    found = run(line)
    assert looked_at(line) == [5, 6, 7, 8, 9, 10, 11]
    assert line.improved == 0.3
    assert found[-2:] == pytest.approx([0.29, 0.28])


def test_it_turns_back_to_more_edges():
    line = Scripted([0.1, 0.5, 0.45, 0.2, 0.3, 0.5, 0.6, 0.7, 0, 0, 0, 0, 0, 0])
    run(line)
    assert looked_at(line) == [5, 6, 7, 4, 3, 2, 1]
    assert line.improved == 0.2


def test_it_ends_where_there_are_no_more():
    line = Scripted(np.linspace(1, 0.5, 14).tolist())
    run(line)
    assert looked_at(line)[-1] == 13
    assert PATIENCE == 2


def test_it_follows_the_best_line_only_and_tries_other_levels():
    worse = Scripted([0.6] * 14)
    better = Scripted([0.5] * 14, other_levels=0.4)
    found = run(worse, better)
    assert looked_at(worse) == [N_ABOVE]
    assert len(looked_at(better)) > 1
    assert better.improved == 0.4
    assert found[:2] == [0.6, 0.5]


def test_more_of_the_best_kind_are_begun():
    worse, better = Scripted([0.6] * 14), Scripted([0.3] * 14)
    first = Scripted([0.5] * 14, others=[worse, better])
    run(Scripted([0.7] * 14), first)
    assert looked_at(first) == looked_at(worse) == [N_ABOVE]
    assert better.improved == 0.3


def test_a_new_network_has_others_of_its_kind():
    new = _search.Line(None, [3, 2], np.random.default_rng(0))
    streams = [line.rng.random() for line in [new, *new.other_starts()]]
    assert len(set(streams)) == _search.N_STARTS
    given = _search.Line(None, [3, 2], np.random.default_rng(0), network=object())
    assert given.other_starts() == []


def test_nothing_is_improved_where_no_network_has_edges():
    line = Scripted([inf] * 14)
    run(line)
    assert not hasattr(line, "improved")


def test_a_line_does_not_depend_on_the_order_of_questions():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((200, 5))
    Y = np.column_stack([X[:, 0] > 0])
    network = _search.Network(
        (rng.standard_normal((5, 4)), rng.standard_normal((4, 1))),
        (np.ones(4), np.ones(1)),
        "relu",
        "logistic",
    )
    codes = _search.ShortCodes(FitLabels(network, X, Y))
    orders = [(3, 5, 4), (5, 3, 4)]
    results = []
    for order in orders:
        line = _search.Line(codes, [20, 16, 12, 9, 7, 5], np.random.default_rng(1))
        found = {number: line.quantised(number) for number in order}
        results.append([found[number].levels for number in sorted(found)])
    for first, second in zip(*results):
        for a, b in zip(first, second):
            np.testing.assert_array_equal(a, b)
