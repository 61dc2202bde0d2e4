"""Which networks a path has, and where it begins to be fine."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest

from skcoreset import CoresetCompressor
from skcoreset._memory import compute
from skcoreset._methods import COARSE_STEPS, METHODS
from skcoreset._promise.guarantees import Target
from skcoreset._promise.path import (
    MARGIN,
    N_COARSE,
    beginning,
    choose_judges,
    networks_of_path,
    path_edges,
)
from skcoreset._training import steps_down

from ..conftest import random_network


def fake_walk(n_steps=40, steps_apart=1):
    return SimpleNamespace(
        n_edges=list(range(n_steps, 0, -1)),
        steps_apart=steps_apart,
        rough=lambda step: step,
    )


def begin(errors, target, groups=None, **walk):
    """Where a path begins whose networks have these errors, (n_steps, n_judges)."""
    groups = np.zeros(errors.shape[1], np.intp) if groups is None else groups
    walk = fake_walk(len(errors), **walk)
    return beginning(walk, lambda step: errors[step], groups, target, compute)


@pytest.fixture
def errors():
    rng = np.random.default_rng(0)
    return np.arange(40)[:, np.newaxis] / 40 * rng.gamma(5, 0.2, size=(40, 60))


@pytest.mark.parametrize("confidence", [None, 0.9])
def test_a_larger_epsilon_or_delta_never_begins_denser(errors, confidence):
    levels = np.linspace(0.02, 0.9, 12)
    first = np.array(
        [
            [begin(errors, Target("absolute", e, d, confidence)) for e in levels]
            for d in levels
        ]
    )
    assert (np.diff(first, axis=0) >= 0).all() and (np.diff(first, axis=1) >= 0).all()
    assert first.min() == 0 and first.max() > 30


def test_path_begins_before_the_judges_could_no_longer_promise():
    errors = np.zeros((40, 60))
    errors[17:, :6] = 1
    assert begin(errors, Target("absolute", 0.5, 0.1)) == 17 - MARGIN
    assert begin(errors, Target("absolute", 0.5, 0.2)) == 39 - MARGIN
    assert begin(errors, Target("absolute", 0.5, 0.1), steps_apart=6) == 18 - 6


@pytest.mark.parametrize("confidence", [None, 0.9])
def test_a_row_that_is_kept_again_is_not_lost(confidence):
    errors = np.zeros((40, 60))
    errors[12, :3] = errors[20:, 3:6] = 1
    assert begin(errors, Target("absolute", 0.5, 0.1, confidence)) == 39 - MARGIN


def test_every_class_that_has_judges_counts_by_itself():
    errors = np.zeros((40, 60))
    errors[20:, 50:53] = 1
    groups = np.repeat([0, 2], [50, 10])
    assert begin(errors, Target("classwise", delta=0.2), groups) == 20 - MARGIN
    assert begin(errors, Target("prediction", delta=0.2)) == 39 - MARGIN


def test_without_judges_a_path_is_fine_from_the_start():
    assert begin(np.zeros((40, 0)), Target("absolute")) == 0
    assert begin(np.zeros((1, 5)), Target("absolute")) == 0


def test_judges_are_some_of_every_group():
    groups = np.repeat([0, 1, 2, 3], [3, 40, 400, 20_000])
    judges = choose_judges(groups, np.random.default_rng(0))
    np.testing.assert_array_equal(np.bincount(groups[judges]), [0, 10, 50, 1000])


@pytest.mark.parametrize("n_edges", [1, 2, 30, 5000])
@pytest.mark.parametrize("n_per_step", [1, 2, 10])
def test_paths_are_nested_and_end_with_one_edge(n_edges, n_per_step):
    steps = steps_down(n_edges, 0.9)
    paths = [path_edges(steps, first, n_per_step) for first in range(len(steps))]
    for path in paths:
        assert all(more > fewer for more, fewer in pairwise([n_edges, *path]))
        assert path[-1:] == [1] * (n_edges > 1)
    for finer, coarser in pairwise(paths):
        assert set(coarser) <= set(finer)


def test_few_networks_come_before_the_fine_part():
    steps = steps_down(5000, 0.9)
    for first in range(len(steps)):
        coarse = [n for n in path_edges(steps, first, 3) if n > steps[first]]
        assert len(coarse) == min(N_COARSE, max(0, (first - 1) // COARSE_STEPS))
        assert all(n in steps[::COARSE_STEPS] for n in coarse)


@pytest.mark.parametrize(
    "method, refine",
    [
        ("magnitude", False),
        ("corenet", False),
        ("corenet++", False),
        ("l1", True),
        ("refined", False),
        ("refined", True),
        ("neurons", False),
        ("neurons", True),
        ("pfp", False),
    ],
)
def test_a_path_that_begins_later_has_no_network_that_an_earlier_has_not(
    method, refine
):
    network = random_network([4, 3, 2] if refine else [8, 12, 3])
    X = np.random.default_rng(1).normal(size=(60, len(network.coefs[0])))

    def path(epsilon):
        networks = networks_of_path(
            METHODS[method],
            network,
            X,
            Target("absolute", epsilon, 0.2),
            scale=None,
            refine=refine,
            rng=np.random.default_rng(0),
            recall=compute,
            n_jobs=None,
        )
        return [compressed.weights.tobytes() for compressed in networks]

    earlier, later = path(0.1), path(3.0)
    assert len(earlier) == len(set(earlier))
    if refine:
        assert set(later) < set(earlier)
        assert later[-1] == earlier[-1]
    else:
        # all are cheap to look at
        assert later == earlier


@pytest.mark.parametrize("method", ["refined", "magnitude"])
def test_a_larger_epsilon_or_delta_never_ends_denser(method, mlp, digits):
    X = digits[2]

    def density(**options):
        compressor = CoresetCompressor(mlp, method=method, random_state=0, **options)
        return compressor.fit(X).density_

    for name, values in (("epsilon", [0.2, 0.4, 0.8]), ("delta", [0.05, 0.1, 0.3])):
        densities = [density(**{"epsilon": 0.4} | {name: value}) for value in values]
        assert densities == sorted(densities, reverse=True)


def test_where_the_path_is_likely_to_end_is_printed(mlp, digits, capsys):
    compressor = CoresetCompressor(
        mlp, epsilon=0.3, prune_neurons=False, random_state=0, verbose=1
    )
    compressor.fit(digits[2])
    first, second, *others = capsys.readouterr().out.splitlines()
    assert first.startswith("[skcoreset] density 1.0000")
    assert second.startswith("[skcoreset] 62 calibration rows say that the path ends")
    density = float(second.split("density ")[1].split(",")[0])
    assert len(others) <= int(second.split("at most ")[1].split(" ")[0])
    assert any(line.startswith(f"[skcoreset] density {density:.4f}") for line in others)
    assert density > compressor.density_ > density / 2
